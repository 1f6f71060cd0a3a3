package subscriber

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// direct is a connection to SQLite by which subscribers are looked up, without package sql: each registration waits for such a look-up, and
// package sql takes longer to hand a row over than SQLite to find it.
type direct struct {
	conn  driver.Conn
	known map[string]driver.Stmt // by its text
}

// How long a look-up waits that finds the file locked, before it tries again: SQLite's own wait knows of no context.
const (
	firstBusy = time.Millisecond
	lastBusy  = 50 * time.Millisecond
)

// directs are the connections that are not at work. The one used last is used next, so that no more are open than work at a time.
type directs struct {
	slots  chan struct{} // as many may be at work
	closed chan struct{}
	mu     sync.Mutex // guards idle
	idle   []*direct
}

func newDirects() *directs {
	return &directs{slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0)), closed: make(chan struct{})}
}

// take gives a connection, nil for one to open. give takes it back, nil for one that is closed.
func (d *directs) take(ctx context.Context) (*direct, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.closed:
		return nil, sql.ErrConnDone
	case d.slots <- struct{}{}:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.idle) - 1
	if n < 0 {
		return nil, nil
	}
	c := d.idle[n]
	d.idle[n], d.idle = nil, d.idle[:n]
	return c, nil
}

func (d *directs) give(c *direct) {
	if c != nil {
		d.mu.Lock()
		d.idle = append(d.idle, c)
		d.mu.Unlock()
	}
	<-d.slots
}

// close ends all connections, those at work when they are done.
func (d *directs) close() error {
	close(d.closed)
	for range cap(d.slots) {
		d.slots <- struct{}{}
	}
	var err error
	for _, c := range d.idle {
		err = errors.Join(err, c.close())
	}
	d.idle = nil
	return err
}

// look gives the row that a query finds by names.
func (p pools) look(ctx context.Context, query string, names ...string) (values, error) {
	var since time.Time
	for wait := firstBusy; ; wait = min(2*wait, lastBusy) {
		row, err := p.lookOnce(ctx, query, names)
		if err == nil || !busy(err) {
			return row, err
		}
		if now := time.Now(); since.IsZero() {
			since = now
		} else if now.Sub(since) >= Wait {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// busy reports whether another has locked the file.
func busy(err error) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

func (p pools) lookOnce(ctx context.Context, query string, names []string) (values, error) {
	c, err := p.direct.take(ctx)
	if err != nil {
		return nil, err
	}
	if c == nil {
		conn, err := p.read.Driver().Open(p.dsn)
		if err != nil {
			p.direct.give(nil)
			return nil, err
		}
		c = &direct{conn, map[string]driver.Stmt{}}
	}
	row, err := c.look(query, names)
	if err != nil {
		c.close()
		c = nil
	}
	p.direct.give(c)
	return row, err
}

// look is not interrupted: SQLite does not wait for another's lock here (busy_timeout), and what finding one row waits for besides, the disk, nothing
// interrupts.
func (c *direct) look(query string, names []string) (row values, err error) {
	s := c.known[query]
	if s == nil {
		if s, err = c.conn.Prepare(query); err != nil {
			return nil, err
		}
		c.known[query] = s
	}
	args := make([]driver.NamedValue, len(names))
	for i, n := range names {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: n}
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), args)
	if err != nil {
		return nil, err
	}
	row = make(values, len(rows.Columns()))
	if err = rows.Next(row); err == io.EOF {
		row, err = nil, nil
	}
	return row, errors.Join(err, rows.Close())
}

func (c *direct) close() error {
	var err error
	for _, s := range c.known { //order:any
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.conn.Close())
}

// values is a row as a driver gives it; without any there was none.
type values []driver.Value

// Scan does what that of sql.Row does, for the types that rows of ours have. Octets are not copied.
func (v values) Scan(dest ...any) error {
	if v == nil {
		return sql.ErrNoRows
	}
	for i, to := range dest {
		ok := true
		switch to := to.(type) {
		case *string:
			*to, ok = v[i].(string)
		case *[]byte:
			*to, ok = v[i].([]byte)
		case *int64:
			*to, ok = v[i].(int64)
		case *int:
			var n int64
			n, ok = v[i].(int64)
			*to = int(n)
		case *sql.NullString:
			if to.Valid = v[i] != nil; to.Valid {
				to.String, ok = v[i].(string)
			}
		default:
			ok = false
		}
		if !ok {
			return fmt.Errorf("column %d is %T, not what is read into %T", i+1, v[i], to)
		}
	}
	return nil
}
