package subscriber

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// asNobody runs f as a user without rights, on a thread that ends with it.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan syscall.Errno)
	go func() {
		runtime.LockOSThread() // for good: nobody else is to have this thread
		_, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, 65534, 65534, 65534)
		if err == 0 {
			f()
		}
		done <- err
	}()
	if err := <-done; err != 0 {
		t.Fatal(err)
	}
}

// Who has no rights on a database, its key or its directory is told which of them, however SQLite puts it.
func TestDenied(t *testing.T) {
	above := t.TempDir()
	for at := above; at != "/" && strings.HasPrefix(at, os.TempDir()); at = filepath.Dir(at) {
		if at != filepath.Clean(os.TempDir()) {
			os.Chmod(at, 0o755)
		}
	}
	cannot := errors.New("unable to open database file (14)")
	for _, c := range []struct {
		name         string
		dir, db, key os.FileMode
		want         string // "": rights are not the reason
	}{
		{"all", 0o777, 0o666, 0o644, ""},
		{"file", 0o777, 0o444, 0o644, "s.db"},
		{"key", 0o777, 0o666, 0, "s.db.key"},
		{"directory", 0o555, 0o666, 0o644, "directory"},
		{"no entry", 0, 0o666, 0o644, "s.db"},
	} {
		dir := filepath.Join(above, c.name)
		path := filepath.Join(dir, "s.db")
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(path, nil, 0o600), os.WriteFile(path+".key", nil, 0o600),
			os.Chmod(path, c.db), os.Chmod(path+".key", c.key), os.Chmod(dir, c.dir)); err != nil {
			t.Fatal(err)
		}
		d, err := locate(path, "")
		if err != nil {
			t.Fatal(err)
		}
		var got, none error
		asNobody(t, func() { got, none = d.denied(cannot), d.denied(ErrNone) })
		os.Chmod(dir, 0o755)
		if none != ErrNone {
			t.Errorf("%s: of one that is not there: %v", c.name, none)
		}
		if c.want == "" {
			if got != cannot {
				t.Errorf("%s: %v", c.name, got)
			}
		} else if !errors.Is(got, fs.ErrPermission) || !strings.HasSuffix(got.Error(), "/"+c.want+": permission denied") {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	d, err := locate("postgres://u@h/n", "key")
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]bool{"28P01": true, "28000": true, "42501": true, "42P01": false} {
		if got := d.denied(fmt.Errorf("x: %w", &pgconn.PgError{Code: code, Message: "no"})); errors.Is(got, fs.ErrPermission) != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}
