package subscriber

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"roam6/store"
)

// Found is what Look sees.
type Found struct {
	Where         string // without a password
	KeyFile       string
	Schema, Knows int64 // what the database has, 0 for none; what Open would bring it to
	MakesKey      bool  // Open would make the key file
}

// Look tells what is true of a database without changing anything: no file is made, no schema brought up to date. Its errors are those that Open
// would have.
func Look(ctx context.Context, where, keyFile string) (*Found, error) {
	d, err := locate(where, keyFile)
	if err != nil {
		return nil, err
	}
	name, dsn := "pgx", d.dsn
	if d.path != "" {
		if err := d.findFile(false); err != nil {
			return nil, err
		}
		name, dsn = "sqlite", d.readOnly()
		f, err := os.Open(d.path)
		if err != nil {
			return nil, err
		}
		f.Close()
	}
	db, err := sql.Open(name, dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: the URL cannot be read: %w", d.where, ErrURL)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, Wait)
	defer cancel()
	l := &Found{Where: d.where, KeyFile: d.keyFile, Knows: newest()}
	err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&l.Schema)
	if err != nil && !noTable(err) {
		return nil, d.explain(err)
	}
	if l.Schema > l.Knows {
		return nil, tooNew(l.Schema, l.Knows)
	}
	return l, d.lookKey(ctx, db, l)
}

// readOnly is a way to open a SQLite file that leaves none beside it. Where its log is there somebody has it open, and has made those files.
func (d *DB) readOnly() string {
	dsn := "file:" + (&url.URL{Path: d.path}).EscapedPath() + "?mode=ro&_pragma=busy_timeout(5000)"
	if log, err := os.Stat(d.path + "-wal"); err != nil || log.Size() == 0 {
		dsn += "&immutable=1"
	}
	return dsn
}

// lookKey looks whether the key file is the database's.
func (d *DB) lookKey(ctx context.Context, db *sql.DB, l *Found) error {
	check, err := d.keyCheck(ctx, db)
	sealed := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) && !noTable(err) {
		return d.explain(err)
	}
	master, err := store.LoadKey(d.keyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && sealed:
		return d.keyGone()
	case errors.Is(err, fs.ErrNotExist):
		l.MakesKey = true
		return nil
	case err != nil || !sealed:
		return err
	}
	if d.seal, err = store.NewSeal(master, sealName); err != nil {
		return err
	}
	return d.rightKey(check)
}

// newest is the schema that this version knows: that of the last migration.
func newest() (version int64) {
	files, _ := migrations.ReadDir("migrations") // which are part of this program
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		n, _ := strconv.ParseInt(number, 10, 64)
		version = max(version, n)
	}
	return version
}

// noTable reports whether a query failed because nobody has made the tables yet.
func noTable(err error) bool {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	return errors.As(err, &pg) && pg.Code == "42P01" || errors.As(err, &lite) && strings.Contains(err.Error(), "no such table")
}
