package subscriber

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// nobody runs the server when the tests run as root: PostgreSQL refuses to.
const nobody = 65534

// cluster is a throw-away PostgreSQL that listens on a socket in its directory alone.
type cluster struct {
	dir, bin string
	server   *exec.Cmd
}

var (
	server    *cluster
	databases atomic.Int32
)

func TestMain(m *testing.M) {
	status := m.Run()
	if server != nil {
		server.stop()
		os.RemoveAll(server.dir)
	}
	os.Exit(status)
}

// postgres gives the cluster, started by the first test that asks for it.
func postgres(t testing.TB) *cluster {
	t.Helper()
	if server != nil {
		return server
	}
	bin := ""
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			bin = filepath.Dir(real)
		}
	} else if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		bin = filepath.Dir(slices.Max(found))
	}
	if bin == "" {
		t.Skip("PostgreSQL is not here: install the Debian package postgresql")
	}
	dir, err := os.MkdirTemp("", "roam6-pg")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{dir: dir, bin: bin}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := c.command("initdb", "-D", dir+"/data", "-A", "trust", "-U", "roam6", "-E", "UTF8", "--locale=C.UTF-8", "-N").CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	c.start(t)
	server = c
	return c
}

func (c *cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

func (c *cluster) start(t testing.TB) {
	t.Helper()
	c.server = c.command("postgres", "-D", c.dir+"/data", "-k", c.dir, "-h", "")
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 600 {
		if err = db.Ping(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // another program's start: nothing to wait on but itself
	}
	t.Fatalf("PostgreSQL does not start: %v", err)
}

// stop ends connections and the server.
func (c *cluster) stop() {
	c.server.Process.Signal(syscall.SIGINT)
	c.server.Wait()
}

func (c *cluster) url(database string) string {
	return "postgres://roam6@/" + database + "?host=" + url.QueryEscape(c.dir)
}

// create makes an empty database.
func (c *cluster) create(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("r%d", databases.Add(1))
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("CREATE DATABASE " + name)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return c.url(name)
}

// What was open before a server's restart works after it, and while it is down there is an error, soon.
func TestPostgresComesBack(t *testing.T) {
	c := postgres(t)
	d := make1(t, c.create(t), t.TempDir()+"/key")
	add(t, d, "ann@home.example")
	c.stop()
	began := time.Now()
	if _, err := d.Lookup(t.Context(), "ann@home.example"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("while the server is down: %v", err)
	}
	if took := time.Since(began); took > 2*Wait {
		t.Errorf("the error took %v", took)
	}
	c.start(t)
	if _, err := d.Lookup(t.Context(), "ann@home.example"); err != nil {
		t.Errorf("after its return: %v", err)
	}
	c.stop()
	c.start(t)
	if stored, err := d.Account(t.Context(), []Record{record("s", 1)}); err != nil || stored != 1 {
		t.Errorf("over a restart: %d, %v", stored, err)
	}
}
