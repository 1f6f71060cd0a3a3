package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"roam6/store/subscriber"
)

// A database that root makes in the directory of an AAA server's user is that user's; elsewhere, and where the user has put links, nothing changes hands.
func TestInherit(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("root alone gives files away")
	}
	const nobody = 65534
	uid := func(path string) uint32 {
		t.Helper()
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Uid
	}
	for _, owner := range []int{nobody, 0} {
		dir := t.TempDir()
		if err := os.Chown(dir, owner, owner); err != nil {
			t.Fatal(err)
		}
		f := dbFlags{url: filepath.Join(dir, "subs.db")}
		d, err := f.open(true)
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
		for _, path := range []string{f.url, f.url + ".key"} {
			if uid(path) != uint32(owner) {
				t.Errorf("in a directory of %d: %s is of %d", owner, filepath.Base(path), uid(path))
			}
		}
	}
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := subscriber.Create(filepath.Join(t.TempDir(), "subs.db"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	soft, hard := filepath.Join(dir, "soft"), filepath.Join(dir, "hard")
	for _, err := range []error{os.Chown(dir, nobody, nobody), os.Symlink(secret, soft), os.Link(secret, hard)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{soft, hard} {
		_ = inherit(d, path)
		if uid(secret) != 0 {
			t.Fatalf("%s gave a file of root away", path)
		}
	}
}

// Root follows no link that the AAA server's user has put in his directory, to whichever of the files: nothing is made, nothing written over.
func TestRootFollowsNoLinks(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root is led anywhere by others' links")
	}
	const nobody = 65534
	for _, name := range []string{"subs.db", "subs.db-wal", "subs.db-shm", "subs.db-journal", "subs.db.key"} {
		for _, there := range []bool{false, true} {
			dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
			if err := errors.Join(os.Chown(dir, nobody, nobody), os.Symlink(victim, filepath.Join(dir, name))); err != nil {
				t.Fatal(err)
			}
			if there {
				if err := os.WriteFile(victim, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f := dbFlags{url: filepath.Join(dir, "subs.db")}
			d, err := f.open(true)
			if err == nil {
				d.Close()
			}
			if !errors.Is(err, subscriber.ErrLink) {
				t.Errorf("%s: %v", name, err)
			}
			got, err := os.ReadFile(victim)
			if there && string(got) != "x" || !there && err == nil {
				t.Errorf("%s: the file it names holds %q", name, got)
			}
			if list, _ := os.ReadDir(dir); len(list) != 1 {
				t.Errorf("%s: something was made beside it: %v", name, list)
			}
		}
	}
	dir, old := t.TempDir(), filepath.Join(t.TempDir(), "old.db") // root's own may be links
	if err := os.Symlink(old, filepath.Join(dir, "subs.db")); err != nil {
		t.Fatal(err)
	}
	d, err := (&dbFlags{url: filepath.Join(dir, "subs.db")}).open(true)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

// Nor a link to a directory that he has put on the way, and what it leads to meanwhile changes no hands.
func TestRootFollowsNoLinkOnTheWay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root is led anywhere by others' links")
	}
	const nobody = 65534
	his, roots := t.TempDir(), t.TempDir()
	if err := errors.Join(os.Chown(his, nobody, nobody), os.Symlink(roots, filepath.Join(his, "db"))); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"", "sub"} {
		if err := os.MkdirAll(filepath.Join(roots, sub), 0o700); err != nil {
			t.Fatal(err)
		}
		d, err := subscriber.Create(filepath.Join(his, "db", sub, "subs.db"), "")
		if !errors.Is(err, subscriber.ErrLink) {
			t.Errorf("%v", err)
		}
		if err == nil {
			d.Close()
		}
		if _, err := os.Lstat(filepath.Join(roots, sub, "subs.db")); err == nil {
			t.Error("root has made a file where the link leads")
		}
	}
	// A directory of his that was swapped for root's after it was looked at.
	mine := filepath.Join(his, "mine")
	if err := errors.Join(os.Mkdir(mine, 0o700), os.Chown(mine, nobody, nobody), os.WriteFile(filepath.Join(roots, "subs.db"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(mine)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := errors.Join(os.Remove(mine), os.Symlink(roots, mine)); err != nil {
		t.Fatal(err)
	}
	_ = handOverIn(dir, "subs.db")
	info, err := os.Lstat(filepath.Join(roots, "subs.db"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("root's file was given away: %v", err)
	}
}
