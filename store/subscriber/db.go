package subscriber

import (
	"cmp"
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"
)

// Wait is how long a single operation waits for the database before it is an error.
const Wait = 5 * time.Second

// maxConns is how many connections to PostgreSQL are open at a time.
const maxConns = 16

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("there is no such subscriber")
	ErrExists   = errors.New("there is already a subscriber with this name or home address")
	ErrNone     = errors.New("there is no such database")
	ErrURL      = errors.New("a file, sqlite:FILE or postgres://USER@HOST/NAME is allowed")
	ErrDiffers  = errors.New("another accounting record is stored by this session, number, network and name")
	ErrBusy     = errors.New("the database did not answer in time")
)

// DB is an open database. All methods may be called by several goroutines.
type DB struct {
	where    string // for people: without a password
	dsn      string
	path     string // of the SQLite file; empty for PostgreSQL
	keyFile  string
	seal     cipher.AEAD
	batch    *batch
	mu       sync.Mutex // guards pools
	pools    pools
	stopping bool
}

// pools are the connections of one opened file or server. SQLite has one writer at a time: waiting for a connection is fairer
// than waiting for its lock.
type pools struct {
	read, write *sql.DB
	file        os.FileInfo
	direct      *directs // of SQLite: for look-ups
	dsn         string   // of these
}

// Open opens a database that is there and brings its schema up to date. keyFile may be empty for SQLite. Errors are ErrURL,
// ErrNone, or say what to do.
func Open(where, keyFile string) (*DB, error) { return open(where, keyFile, false) }

// Create opens a database, and makes the SQLite file and the key file that are not there.
func Create(where, keyFile string) (*DB, error) { return open(where, keyFile, true) }

func open(where, keyFile string, create bool) (*DB, error) {
	d, err := locate(where, keyFile)
	if err != nil {
		return nil, err
	}
	if err := d.open(create); err != nil {
		return nil, d.denied(err)
	}
	return d, nil
}

func (d *DB) open(create bool) error {
	if d.path != "" {
		if err := d.findFile(create); err != nil {
			return err
		}
	}
	if err := d.connect(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), migrateWait)
	defer cancel()
	if err := d.migrate(ctx); err != nil {
		d.Close()
		return fmt.Errorf("%s: %w", d.where, err)
	}
	if err := d.unlock(ctx); err != nil {
		d.Close()
		return err
	}
	return nil
}

// locate reads where a database is.
func locate(where, keyFile string) (*DB, error) {
	scheme, rest, found := strings.Cut(where, ":")
	switch {
	case where == "":
		return nil, fmt.Errorf("no database is named: %w", ErrURL)
	case scheme == "postgres" || scheme == "postgresql":
		u, err := url.Parse(where)
		if err != nil {
			return nil, fmt.Errorf("the URL of the database cannot be read: %w", ErrURL) // err would repeat a password
		}
		if keyFile == "" {
			return nil, fmt.Errorf("%s: name the file of the key that seals subscribers' keys (it is not kept in the database): %w", u.Redacted(), ErrURL)
		}
		q := u.Query()
		if !q.Has("connect_timeout") {
			q.Set("connect_timeout", fmt.Sprint(int(Wait/time.Second)))
		}
		d := &DB{batch: newBatch(), where: u.Redacted(), keyFile: keyFile}
		u.RawQuery = q.Encode()
		d.dsn = u.String()
		return d, nil
	case found && scheme == "sqlite":
		where = rest
	case found && !strings.Contains(scheme, "/") && strings.HasPrefix(rest, "//"):
		return nil, fmt.Errorf("%s://…: %w", scheme, ErrURL)
	}
	path, err := filepath.Abs(where)
	if err != nil {
		return nil, err
	}
	d := &DB{batch: newBatch(), where: path, path: path, keyFile: cmp.Or(keyFile, path+".key")}
	d.dsn = d.sqlite(Wait, cacheKiB)
	return d, nil
}

// Memory for pages of a SQLite file, in KiB, for each connection. A look-up reads few, and the kernel has them all.
const (
	cacheKiB  = 64 << 10
	lookupKiB = 4 << 10
)

// sqlite is a way to open a SQLite file, with how long a statement waits for others' locks.
func (d *DB) sqlite(wait time.Duration, cache int) string {
	return fmt.Sprintf("file:%s?_txlock=immediate&_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-%d)",
		(&url.URL{Path: d.path}).EscapedPath(), wait.Milliseconds(), cache)
}

// findFile makes sure that there is a SQLite file, which its owner alone can read: SQLite gives its other files the same mode.
func (d *DB) findFile(create bool) error {
	if err := d.ownFiles(); err != nil {
		return err
	}
	info, err := os.Stat(d.path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file: %w", d.path, ErrURL)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case !create:
		return fmt.Errorf("%s: %w", d.path, ErrNone)
	}
	flags := os.O_RDWR | os.O_CREATE
	if foreign, _ := others(d.path); foreign {
		flags |= syscall.O_NOFOLLOW // one that was put there since
	}
	f, err := os.OpenFile(d.path, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; make the directory first: mkdir -p -m 700 %s", err, filepath.Dir(d.path))
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connect makes pools. Connections are opened when they are needed.
func (d *DB) connect() error {
	if d.path == "" {
		db, err := sql.Open("pgx", d.dsn)
		if err != nil {
			return fmt.Errorf("%s: the URL cannot be read: %w", d.where, ErrURL)
		}
		db.SetMaxOpenConns(maxConns)
		db.SetMaxIdleConns(maxConns)
		d.pools = pools{read: db, write: db}
		return nil
	}
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	read, err := sql.Open("sqlite", d.dsn)
	if err != nil {
		return err
	}
	write, err := sql.Open("sqlite", d.dsn)
	if err != nil {
		return err
	}
	read.SetMaxOpenConns(2 * runtime.GOMAXPROCS(0))
	write.SetMaxOpenConns(1)
	d.pools = pools{read, write, info, newDirects(), d.sqlite(0, lookupKiB)}
	return nil
}

// use gives the pools to work with. SQLite goes on in a file that was removed, as if nothing had happened, and what it then writes is
// lost: so the file is looked at every time (a microsecond), and one that was put in its place is opened.
func (d *DB) use() (pools, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopping {
		return pools{}, fmt.Errorf("%s: the database is closed", d.where)
	}
	if d.path == "" {
		return d.pools, nil
	}
	info, err := os.Stat(d.path)
	if err != nil {
		return pools{}, fmt.Errorf("the database is gone: %w; put it back and all goes on", err)
	}
	if !os.SameFile(info, d.pools.file) {
		old := d.pools
		if err := d.connect(); err != nil {
			return pools{}, err
		}
		go old.close() // whose operations come to their end; nobody else waits for them
	}
	return d.pools, nil
}

func (p pools) close() error {
	err := p.read.Close()
	if p.write != p.read {
		err = errors.Join(err, p.write.Close())
	}
	if p.direct != nil {
		err = errors.Join(err, p.direct.close())
	}
	return err
}

// Close ends all connections. Running operations come to their end.
func (d *DB) Close() error {
	d.mu.Lock()
	done := d.stopping
	d.stopping = true
	d.mu.Unlock()
	if done {
		return nil
	}
	return d.pools.close() // which nobody changes any more
}

// Where says which database this is, without a password.
func (d *DB) Where() string { return d.where }
