package main

import (
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
