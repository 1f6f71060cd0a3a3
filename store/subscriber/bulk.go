package subscriber

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"roam6/store/subscriber/profile"
)

// Sizes of bulk loads: a transaction short enough for others to write between two, a statement short of the parameters that
// SQLite takes (32,766).
const (
	BulkMax   = 5000
	statement = 250
	bulkWait  = 2 * time.Minute // for one transaction, on a disk that others load too
)

// Load enters or replaces subscribers, all or none of them, at most BulkMax. Who has no key keeps that of before, or gets
// a new one; made is how many did.
func (d *DB) Load(ctx context.Context, list []*profile.Profile) (made int, err error) {
	if len(list) > BulkMax {
		return 0, fmt.Errorf("subscriber: Load of %d; at most %d", len(list), BulkMax)
	}
	last := make(map[string]int, len(list)) // of several with one name the last one counts
	for i, s := range list {
		if err := s.Check(); err != nil {
			return 0, checkError{err}
		}
		last[s.Name()] = i
	}
	var rows []*profile.Profile
	for i, s := range list {
		if last[s.Name()] == i {
			rows = append(rows, s)
		}
	}
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bulkWait)
		defer cancel()
	}
	err = d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		made = 0
		revision, err := d.raise(ctx, tx)
		if err != nil {
			return err
		}
		for at := 0; at < len(rows); at += statement {
			n, err := d.upsert(ctx, tx, rows[at:min(at+statement, len(rows))], revision)
			if err != nil {
				return err
			}
			made += n
		}
		return nil
	})
	return made, err
}

// upsert writes rows with one statement.
func (d *DB) upsert(ctx context.Context, tx *sql.Tx, rows []*profile.Profile, revision uint64) (made int, err error) {
	kept, err := d.secrets(ctx, tx, rows)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	args := make([]any, 0, len(rows)*columnCount)
	for _, s := range rows {
		s.Revision = revision
		secret := kept[s.Name()]
		switch {
		case len(s.Key) > 0:
			secret = d.sealed(s.Name(), s.Key)
		case secret == nil:
			secret = d.sealed(s.Name(), NewKey())
			made++
		}
		args = append(args, d.rowSealed(s, secret, now, now)...)
	}
	q := "INSERT INTO subscriber (" + columns + ") VALUES " + marks + strings.Repeat(", "+marks, len(rows)-1) +
		" ON CONFLICT (name) DO UPDATE SET " + replaced
	_, err = tx.ExecContext(ctx, d.text(q), args...)
	return made, err
}

// replaced is what a load overwrites of a subscriber that is there: all but name and creation.
var replaced = overwriting(columns)

func overwriting(columns string) string {
	var sets []string
	for c := range strings.SplitSeq(columns, ",") {
		if c = strings.TrimSpace(c); c != "name" && c != "created" {
			sets = append(sets, c+" = excluded."+c)
		}
	}
	return strings.Join(sets, ", ")
}

// secrets gives the sealed keys that are there of rows that come without one.
func (d *DB) secrets(ctx context.Context, tx *sql.Tx, rows []*profile.Profile) (map[string][]byte, error) {
	var names []any
	for _, s := range rows {
		if len(s.Key) == 0 {
			names = append(names, s.Name())
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	found, err := tx.QueryContext(ctx, d.text("SELECT name, secret FROM subscriber WHERE name IN (?"+strings.Repeat(", ?", len(names)-1)+")"), names...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	have := make(map[string][]byte)
	for found.Next() {
		var name string
		var secret []byte
		if err := found.Scan(&name, &secret); err != nil {
			return nil, err
		}
		have[name] = secret
	}
	return have, found.Err()
}
