package subscriber

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"roam6/store"
)

// migrateWait is how long Open may take: a new version may have to rewrite a large table.
const migrateWait = 10 * time.Minute

//go:embed migrations/*.sql
var migrations embed.FS

// dialect gives the migrations in a database's words: TEXT-C is text that is compared by octets, as SQLite does by itself.
type dialect struct {
	fs.FS
	text string
}

// How migrations say it, and what it is in a database.
const textC, textPostgres, textSQLite = "TEXT-C", `TEXT COLLATE "C"`, "TEXT"

type translated struct {
	fs.File
	io.Reader
}

func (t translated) Read(b []byte) (int, error) { return t.Reader.Read(b) }

func (d dialect) Open(name string) (fs.File, error) {
	f, err := d.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return translated{f, bytes.NewReader(bytes.ReplaceAll(text, []byte(textC), []byte(d.text)))}, nil
}

// migrate brings the schema up to date. Of several processes that do so at a time one does it and the others wait.
func (d *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	kind, options := goose.DialectPostgres, []goose.ProviderOption{}
	if d.path != "" {
		kind, files = goose.DialectSQLite3, dialect{files, textSQLite}
	} else {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options, files = append(options, goose.WithSessionLocker(locker)), dialect{files, textPostgres}
	}
	p, err := goose.NewProvider(kind, d.pools.read, files, options...)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		have, want, err := p.GetVersions(ctx)
		if err != nil && d.path == "" {
			return fmt.Errorf("%w; is the server up, and may this user make tables?", err)
		}
		if err == nil && have > want {
			return tooNew(have, want)
		}
		if err == nil && have == want {
			return nil
		}
		if err == nil {
			if _, err = p.Up(ctx); err == nil {
				return nil
			}
		}
		if attempt == migrateTries { // another process has made the tables meanwhile, most often
			return err
		}
		time.Sleep(migratePause)
	}
}

func tooNew(has, knows int64) error {
	return fmt.Errorf("the database has schema %d, of a newer roam6; this one knows %d: use the newer one", has, knows)
}

// How often, and how long after one another, a schema is brought up to date when another process does so too.
const (
	migrateTries = 5
	migratePause = 100 * time.Millisecond
)

// checkName is the record that tells whether a key file is that of the database.
const checkName = "key-check"

// sealName is what subscribers' keys are sealed as.
const sealName = "roam6 subscriber v1"

func (d *DB) keyGone() error {
	return fmt.Errorf("the key file %s is missing, and without it no key in %s can be read: restore it from a backup (it never changes), or name it", d.keyFile, d.where)
}

// rightKey is the error of a key that does not open the record.
func (d *DB) rightKey(check []byte) error {
	if _, err := d.unsealed(checkName, check); err != nil {
		return fmt.Errorf("%s is not the key file of %s: name the right one, or restore it from a backup", d.keyFile, d.where)
	}
	return nil
}

// keyCheck reads the record.
func (d *DB) keyCheck(ctx context.Context, q querier) (check []byte, err error) {
	err = q.QueryRowContext(ctx, d.text("SELECT value FROM meta WHERE name = ?"), checkName).Scan(&check)
	return check, err
}

// unlock reads the key file, and makes it where neither it nor a sealed key is there.
func (d *DB) unlock(ctx context.Context) error {
	var check []byte
	err := d.reading(ctx, func(ctx context.Context, q querier) (err error) {
		check, err = d.keyCheck(ctx, q)
		return err
	})
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return err
	}
	master, err := store.LoadKey(d.keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if !fresh {
			return d.keyGone()
		}
		master, err = store.MakeKey(d.keyFile)
	}
	if err != nil {
		return err
	}
	if d.seal, err = store.NewSeal(master, sealName); err != nil {
		return err
	}
	if fresh {
		err := d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, d.text("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"), checkName, d.sealed(checkName, []byte(checkName)))
			if err != nil {
				return err
			}
			check, err = d.keyCheck(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return d.rightKey(check)
}

// sealed is nonce and sealed octets. The name is bound in.
func (d *DB) sealed(name string, clear []byte) []byte {
	nonce := make([]byte, d.seal.NonceSize(), d.seal.NonceSize()+len(clear)+d.seal.Overhead())
	rand.Read(nonce)
	return d.seal.Seal(nonce, nonce, clear, []byte(name))
}

func (d *DB) unsealed(name string, b []byte) ([]byte, error) {
	if n := d.seal.NonceSize(); len(b) >= n {
		if clear, err := d.seal.Open(nil, b[:n], b[n:], []byte(name)); err == nil {
			return clear, nil
		}
	}
	return nil, fmt.Errorf("the sealed key of %s does not open: the record was altered, or sealed under another key file; give it a new key", name)
}
