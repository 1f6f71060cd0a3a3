package subscriber

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"roam6/store/subscriber/profile"
)

func TestOpenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		where, key string
		is         error
		want       string
	}{
		{"", "", ErrURL, "no database"},
		{dir + "/none.db", "", ErrNone, "none.db"},
		{"sqlite:" + dir + "/none.db", "", ErrNone, "none.db"},
		{dir, "", ErrURL, "no regular file"},
		{"mysql://u:hush@h/x", "", ErrURL, "mysql"},
		{"postgres://u:hush@h/x", "", ErrURL, "name the file of the key"},
		{"postgres://u:hush@h:port/x", "k", ErrURL, "cannot be read"},
		{"postgres://u:hush@127.0.0.1:1/x", dir + "/k", nil, "is the server up"},
	} {
		_, err := Open(c.where, c.key)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", c.where, err)
		}
	}
	if _, err := Create(dir+"/no/dir.db", ""); err == nil || !strings.Contains(err.Error(), "mkdir") {
		t.Errorf("no directory: %v", err)
	}
	if _, err := os.Stat(dir + "/none.db"); err == nil {
		t.Error("Open made a database")
	}
}

// While the file is away there is an error, and what another one holds in its place is what is read then.
func TestSQLiteComesBack(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/a.db"
	d := make1(t, path, "")
	add(t, d, "ann@home.example")
	if err := os.Rename(path, dir+"/away"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Account(t.Context(), []Record{record("s", 1)}); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a write into a file that is away: %v", err)
	}
	if err := os.Rename(dir+"/away", path); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lookup(t.Context(), "ann@home.example"); err != nil {
		t.Error(err)
	}
	backup := make1(t, dir+"/b.db", path+".key")
	add(t, backup, "bob@home.example")
	if err := backup.Close(); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"-wal", "-shm"} {
		os.Remove(path + end)
	}
	if err := os.Rename(dir+"/b.db", path); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lookup(t.Context(), "bob@home.example"); err != nil {
		t.Errorf("a backup put in its place: %v", err)
	}
	if _, err := d.Account(t.Context(), []Record{record("s", 1)}); err != nil {
		t.Error(err)
	}
}

// More look-ups at a time than there are connections all get their answers; after Close they get an error.
func TestSQLiteLooksUp(t *testing.T) {
	d := make1(t, t.TempDir()+"/a.db", "")
	add(t, d, "ann@home.example")
	var all sync.WaitGroup
	for range 3 * cap(d.pools.direct.slots) {
		all.Go(func() {
			for range 50 {
				if s, err := d.Lookup(t.Context(), "ann@home.example"); err != nil || s.NAI != "ann@home.example" {
					t.Error(err)
				}
				if _, err := d.Lookup(t.Context(), "2001:db8::1"); !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Lookup(gone, "ann@home.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("a look-up that nobody waits for: %v", err)
	}
	for range 3 * cap(d.pools.direct.slots) {
		all.Go(func() {
			for err := error(nil); err == nil; {
				if _, err = d.Lookup(t.Context(), "ann@home.example"); err != nil && !strings.Contains(err.Error(), "closed") {
					t.Error(err)
				}
			}
		})
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	if _, err := d.Lookup(t.Context(), "ann@home.example"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a look-up in a closed database: %v", err)
	}
}

// A row that somebody altered is refused, not read as something else.
func TestSQLiteAltered(t *testing.T) {
	d := make1(t, t.TempDir()+"/a.db", "")
	add(t, d, "ann@home.example")
	for _, set := range []string{"max_sessions = 'many'", "max_sessions = 2.5", "secret = 'x'", "home_agents = x'00'"} {
		if _, err := d.pools.write.Exec("UPDATE subscriber SET " + set); err != nil {
			t.Fatal(err)
		}
		if s, err := d.Lookup(t.Context(), "ann@home.example"); err == nil {
			t.Errorf("%s: %+v", set, s)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := t.TempDir() + "/a.db"
	d := make1(t, path, "")
	if _, err := d.pools.write.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if _, err := Open(path, ""); err == nil || !strings.Contains(err.Error(), "newer roam6") {
		t.Error(err)
	}
}

// Several processes make and write one file at a time; what each was told is stored is there. One of them is killed.
func TestSQLiteProcesses(t *testing.T) {
	if path := os.Getenv("ROAM6_TEST_DB"); path != "" {
		child(t, path)
		return
	}
	path := t.TempDir() + "/a.db"
	var all []*exec.Cmd
	for i := range 3 {
		c := exec.Command(os.Args[0], "-test.run", "^TestSQLiteProcesses$")
		c.Env = append(os.Environ(), "ROAM6_TEST_DB="+path, fmt.Sprint("ROAM6_TEST_N=", i))
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	d := make1(t, path, "")
	late := time.Now().Add(time.Minute)
	for n := 0; n < 20; { // until work is under way
		if time.Now().After(late) {
			t.Fatalf("the children have stored %d subscribers in a minute", n)
		}
		var err error
		if n, err = d.Count(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all[0].Process.Kill()
	all[0].Wait()
	for _, c := range all[1:] {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	list, err := d.List(t.Context(), Page{Limit: PageMax, Keys: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range list {
		if !strings.HasPrefix(s.Name(), "p0.") {
			n++
		}
	}
	if r, err := d.Revision(t.Context()); n != 2*childAdds || err != nil || int(r) != len(list) {
		t.Errorf("%d of %d, revision %d of %d, %v", n, 2*childAdds, r, len(list), err)
	}
}

const childAdds = 50

func child(t *testing.T, path string) {
	d := make1(t, path, "")
	for i := range childAdds {
		p := profile.Fresh()
		p.NAI = fmt.Sprintf("p%s.%d@home.example", os.Getenv("ROAM6_TEST_N"), i)
		if err := d.Add(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// The schema's look-ups use its indexes.
func TestLookupsAreIndexed(t *testing.T) {
	d := make1(t, t.TempDir()+"/a.db", "")
	for _, q := range []string{
		"SELECT name FROM subscriber WHERE name = 'x'", "SELECT name FROM subscriber WHERE home_address = 'x'",
		"SELECT name FROM subscriber WHERE realm = 'x' AND name > 'y' ORDER BY name LIMIT 5",
		"SELECT name FROM principal WHERE name = 'x'", "SELECT name FROM principal WHERE realm = 'x' AND name > 'y' ORDER BY name LIMIT 5",
		"SELECT number FROM accounting WHERE (at, session, number, network, name) > (1, 'x', 2, 'y', 'z') AND at < 9 ORDER BY at, session, number, network, name LIMIT 5",
		"SELECT number FROM accounting WHERE at > 1 AND at < 9 AND name = 'x' ORDER BY at, session, number, network, name LIMIT 5",
	} {
		var id, parent, unused int
		var plan string
		if err := d.pools.read.QueryRow("EXPLAIN QUERY PLAN "+q).Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(plan, "SEARCH") || !strings.Contains(plan, "INDEX") {
			t.Errorf("%s: %s", q, plan)
		}
	}
}

// One look-up at a time needs one connection; those that are idle are used before another is opened.
func TestSQLiteOpensWhatWorks(t *testing.T) {
	d := make1(t, t.TempDir()+"/a.db", "")
	add(t, d, "ann@home.example")
	for range 3 * cap(d.pools.direct.slots) {
		if _, err := d.Lookup(t.Context(), "ann@home.example"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.pools.direct.idle); n != 1 || len(d.pools.direct.slots) != 0 {
		t.Errorf("%d connections, %d at work", n, len(d.pools.direct.slots))
	}
}

// A look-up that waits for another's lock waits no longer than its caller, and finds what it looks for when the lock is gone. Nor does it keep
// anybody from closing the database.
func TestSQLiteLookUpWaits(t *testing.T) {
	d := make1(t, t.TempDir()+"/a.db", "")
	add(t, d, "ann@home.example")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE", "UPDATE meta SET value = value"} {
		if _, err := lock.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	d = &DB{batch: newBatch(), where: d.where, path: d.path, keyFile: d.keyFile, dsn: d.dsn, seal: d.seal}
	if err := d.connect(); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := d.Lookup(ctx, "ann@home.example"); !errors.Is(err, ErrBusy) || time.Since(began) > Wait/2 {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	found := make(chan error, 1)
	go func() {
		_, err := d.Lookup(t.Context(), "ann@home.example")
		found <- err
	}()
	if _, err := lock.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	lock.Close()
	other.Close()
	if err := <-found; err != nil {
		t.Errorf("when the lock is gone: %v", err)
	}
}
