package subscriber

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"runtime"
)

// direct is a connection to SQLite by which subscribers are looked up, without package sql: each registration waits for such a look-up, and
// package sql takes longer to hand a row over than SQLite to find it.
type direct struct {
	conn  driver.Conn
	known map[string]driver.Stmt // by its text
}

// directs are the connections that are not at work, nil for one that is not open. Closed when the pools are.
type directs chan *direct

func newDirects() directs {
	d := make(directs, 2*runtime.GOMAXPROCS(0))
	for range cap(d) {
		d <- nil
	}
	return d
}

// close ends all connections, those at work when they are done.
func (d directs) close() error {
	var err error
	for range cap(d) {
		if c := <-d; c != nil {
			err = errors.Join(err, c.close())
		}
	}
	close(d)
	return err
}

// look gives the row that a query finds by a name.
func (p pools) look(ctx context.Context, query, name string) (values, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var c *direct
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case found, open := <-p.direct:
		if !open {
			return nil, sql.ErrConnDone
		}
		c = found
	}
	if c == nil {
		conn, err := p.read.Driver().Open(p.dsn)
		if err != nil {
			p.direct <- nil
			return nil, err
		}
		c = &direct{conn, map[string]driver.Stmt{}}
	}
	row, err := c.look(query, name)
	if err != nil {
		c.close()
		c = nil
	}
	p.direct <- c
	return row, err
}

// look is not interrupted: SQLite waits for another's lock as long as we wait for SQLite (busy_timeout, Wait), and what finding one row
// waits for besides, the disk, nothing interrupts.
func (c *direct) look(query, name string) (row values, err error) {
	s := c.known[query]
	if s == nil {
		if s, err = c.conn.Prepare(query); err != nil {
			return nil, err
		}
		c.known[query] = s
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), []driver.NamedValue{{Ordinal: 1, Value: name}})
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
