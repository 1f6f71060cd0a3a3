package subscriber

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// text makes a statement with ? for its parameters one of this database.
func (d *DB) text(q string) string {
	if d.path != "" {
		return q
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(q, "?") {
		if n > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// querier is what reads can be done with: a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reading runs f, and once more when the connection had broken meanwhile.
func (d *DB) reading(ctx context.Context, f func(ctx context.Context, q querier) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return d.again(ctx, func(p pools) error { return f(ctx, p.read) })
}

// writing runs f in a transaction, and once more when the connection broke before its end was asked for.
func (d *DB) writing(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return d.again(ctx, func(p pools) error {
		tx, err := p.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := f(ctx, tx); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return &commitError{err}
		}
		return nil
	})
}

// bounded gives an operation a deadline, unless it has one.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, Wait)
}

func (d *DB) again(ctx context.Context, f func(p pools) error) error {
	for attempt := 0; ; attempt++ {
		p, err := d.use()
		if err == nil {
			err = f(p)
		}
		if err == nil {
			return nil
		}
		if attempt == 0 && broken(err) && ctx.Err() == nil {
			continue
		}
		return d.explain(err)
	}
}

// commitError is a transaction of whose end nothing is known.
type commitError struct{ err error }

func (e *commitError) Error() string {
	return e.err.Error() + "; whether the change was made is not known: look, or make it again"
}
func (e *commitError) Unwrap() error { return e.err }

// broken reports whether the connection ended rather than that the statement failed.
func broken(err error) bool {
	var end *commitError
	if errors.As(err, &end) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "08")
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return false // a second attempt would wait as long again
	}
	return errors.Is(err, driver.ErrBadConn) || pgconn.SafeToRetry(err) || errors.Is(err, sql.ErrConnDone) ||
		strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe")
}

// explain names the database, and gives what callers tell apart.
func (d *DB) explain(err error) error {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrExists), errors.Is(err, ErrDiffers), errors.Is(err, ErrNoPrincipal), errors.Is(err, ErrPrincipal),
		errors.Is(err, errCheck):
		return err
	case errors.As(err, &pg) && pg.Code == "23505",
		errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
		return ErrExists
	case busy(err), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w; is another command writing, or the server down?", d.where, ErrBusy)
	}
	return fmt.Errorf("%s: %w", d.where, err)
}

// errCheck marks errors of values, which are told without the database's name.
var errCheck = errors.New("")

type checkError struct{ error }

func (checkError) Is(target error) bool { return target == errCheck }
func (e checkError) Unwrap() error      { return e.error }

// millis and moment are times as the database has them.
func millis(t time.Time) int64  { return t.UnixMilli() }
func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
