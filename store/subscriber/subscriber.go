package subscriber

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"roam6/store/subscriber/profile"
)

// Subscriber is a profile and what the database notes of it.
type Subscriber struct {
	profile.Profile
	Created, Changed time.Time
}

const columns = `name, realm, home_address, secret, home_agents, home_agent, address_from, visited_home_agent, eap_identity,
	max_sessions, session_s, enabled, revision, created, changed`

// PageMax is the most that one page of a list has.
const PageMax = 10_000

// NewKey draws a long-term key.
func NewKey() []byte {
	key := make([]byte, profile.NewKey)
	rand.Read(key) // never fails since Go 1.24
	return key
}

// Name gives the name under which the database knows an NAI or a home address.
func Name(text string) (string, error) {
	if !strings.Contains(text, "@") {
		if a, err := netip.ParseAddr(text); err == nil {
			return a.String(), nil
		}
	}
	name, err := profile.Canonical(text)
	if err != nil {
		return "", checkError{err}
	}
	return name, nil
}

// Add enters a subscriber. Without a key it gets a new one, which is then in s.Key. ErrExists tells that the name or the home
// address is taken.
func (d *DB) Add(ctx context.Context, s *profile.Profile) error {
	if len(s.Key) == 0 {
		s.Key = NewKey()
	}
	if err := s.Check(); err != nil {
		return checkError{err}
	}
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		revision, err := d.raise(ctx, tx)
		if err != nil {
			return err
		}
		s.Revision = revision
		now := time.Now()
		_, err = tx.ExecContext(ctx, d.text("INSERT INTO subscriber ("+columns+") VALUES "+marks), d.row(s, now, now)...)
		return err
	})
}

// marks are the parameters of one row.
var marks = "(" + strings.Repeat("?, ", columnCount-1) + "?)"

const columnCount = 15

// row gives the parameters for columns.
func (d *DB) row(s *profile.Profile, created, changed time.Time) []any {
	return d.rowSealed(s, d.sealed(s.Name(), s.Key), created, changed)
}

func (d *DB) rowSealed(s *profile.Profile, secret []byte, created, changed time.Time) []any {
	_, realm, _ := strings.Cut(s.NAI, "@")
	var agents []string
	for _, a := range s.HomeAgents {
		agents = append(agents, a.String())
	}
	home := sql.NullString{String: s.HomeAddress.String(), Valid: s.HomeAddress.IsValid()}
	return []any{s.Name(), realm, home, secret, strings.Join(agents, " "), addrText(s.HomeAgent), s.AddressFrom,
		number(s.VisitedHomeAgent), s.EAPIdentity, s.MaxSessions, int64(s.SessionTime / time.Second), number(s.Enabled),
		int64(s.Revision), millis(created), millis(changed)}
}

// raise gives the next revision. Its row is the lock that makes writers take turns, so revisions become visible in their order.
func (d *DB) raise(ctx context.Context, tx *sql.Tx) (uint64, error) {
	var n int64
	err := tx.QueryRowContext(ctx, "UPDATE meta SET count = count + 1 WHERE name = 'revision' RETURNING count").Scan(&n)
	return uint64(n), err
}

// Revision is that of the last change. What was looked up since it became so is still true.
func (d *DB) Revision(ctx context.Context) (uint64, error) {
	var n int64
	err := d.reading(ctx, func(ctx context.Context, q querier) error {
		return q.QueryRowContext(ctx, "SELECT count FROM meta WHERE name = 'revision'").Scan(&n)
	})
	return uint64(n), err
}

// Lookup finds a subscriber by NAI or by home address, whichever text is, with its key. ErrNotFound if there is none.
func (d *DB) Lookup(ctx context.Context, text string) (*Subscriber, error) {
	name, err := Name(text)
	if err != nil {
		return nil, err
	}
	var s *Subscriber
	if d.path == "" {
		err = d.reading(ctx, func(ctx context.Context, q querier) error {
			s, err = d.find(ctx, q, name)
			return err
		})
		return s, err
	}
	err = d.again(ctx, func(p pools) error {
		row, err := p.look(ctx, query(name), name)
		if err == nil {
			s, err = d.taken(name, row)
		}
		return err
	})
	return s, err
}

// The queries of look-ups.
const (
	byName = "SELECT " + columns + " FROM subscriber WHERE name = ?"
	byHome = "SELECT " + columns + " FROM subscriber WHERE home_address = ?"
)

// query finds whose name it is. One with a colon is an address, which no NAI has.
func query(name string) string {
	if strings.Contains(name, ":") {
		return byHome
	}
	return byName
}

// find reads one subscriber with its key.
func (d *DB) find(ctx context.Context, q querier, name string) (*Subscriber, error) {
	return d.taken(name, q.QueryRowContext(ctx, d.text(query(name)), name))
}

// scanner is a row: sql.Row, or values.
type scanner interface{ Scan(...any) error }

// taken is what a row says of a subscriber, with its key.
func (d *DB) taken(name string, row scanner) (*Subscriber, error) {
	s, secret, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	s.Key, err = d.unsealed(s.Name(), secret)
	return s, err
}

func scan(row scanner) (*Subscriber, []byte, error) {
	var (
		s                          Subscriber
		name, realm, agents, agent string
		home                       sql.NullString
		secret                     []byte
		visited, enabled           int64
		seconds, created, changed  int64
		revision                   int64
	)
	err := row.Scan(&name, &realm, &home, &secret, &agents, &agent, &s.AddressFrom, &visited, &s.EAPIdentity, &s.MaxSessions,
		&seconds, &enabled, &revision, &created, &changed)
	if err != nil {
		return nil, nil, err
	}
	if strings.Contains(name, "@") {
		s.NAI = name
	}
	if home.Valid {
		s.HomeAddress, err = netip.ParseAddr(home.String)
	}
	for a := range strings.FieldsSeq(agents) {
		addr, bad := netip.ParseAddr(a)
		s.HomeAgents, err = append(s.HomeAgents, addr), errors.Join(err, bad)
	}
	if agent != "" {
		addr, bad := netip.ParseAddr(agent)
		s.HomeAgent, err = addr, errors.Join(err, bad)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the record of %s was altered: %w", name, err)
	}
	s.VisitedHomeAgent, s.Enabled, s.Revision = visited != 0, enabled != 0, uint64(revision)
	s.SessionTime = time.Duration(seconds) * time.Second
	s.Created, s.Changed = moment(created), moment(changed)
	return &s, secret, nil
}

// Change alters a subscriber: f gets it as it is, key included, and may change all but its name.
func (d *DB) Change(ctx context.Context, text string, f func(*profile.Profile) error) error {
	name, err := Name(text)
	if err != nil {
		return err
	}
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		revision, err := d.raise(ctx, tx)
		if err != nil {
			return err
		}
		s, err := d.find(ctx, tx, name)
		if err != nil {
			return err
		}
		was := s.Name()
		if err := f(&s.Profile); err != nil {
			return checkError{err}
		}
		if err := s.Check(); err != nil {
			return checkError{err}
		}
		if s.Name() != was {
			return checkError{fmt.Errorf("the name of %s cannot be changed: add %s, then remove the other", was, s.Name())}
		}
		s.Revision = revision
		args := append(d.row(&s.Profile, s.Created, time.Now())[1:], was)
		sets := strings.ReplaceAll(strings.TrimPrefix(columns, "name, "), ",", " = ?,") + " = ?"
		_, err = tx.ExecContext(ctx, d.text("UPDATE subscriber SET "+sets+" WHERE name = ?"), args...)
		return err
	})
}

// Remove takes a subscriber out, and what it is in Kerberos. Accounting records stay.
func (d *DB) Remove(ctx context.Context, text string) error {
	name, err := Name(text)
	if err != nil {
		return err
	}
	return d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := d.raise(ctx, tx); err != nil {
			return err
		}
		var gone string
		err := tx.QueryRowContext(ctx, d.text("DELETE FROM subscriber WHERE name = ? OR home_address = ? RETURNING name"), name, name).Scan(&gone)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%s: %w", name, ErrNotFound)
		}
		if err != nil {
			return err
		}
		return d.forget(ctx, tx, gone)
	})
}

// Page says which subscribers to list: those of a realm, or of all, whose names come after After; at most Limit (PageMax at most).
type Page struct {
	Realm, After string
	Limit        int
	Keys         bool // with keys
}

// List gives a page, in the order of names by octets. The next page is after the last one's name.
func (d *DB) List(ctx context.Context, page Page) ([]*Subscriber, error) {
	where, args := "name > ?", []any{page.After}
	if page.Realm != "" {
		where, args = "realm = ? AND name > ?", []any{strings.ToLower(page.Realm), page.After}
	}
	args = append(args, max(0, min(page.Limit, PageMax)))
	var list []*Subscriber
	err := d.reading(ctx, func(ctx context.Context, q querier) error {
		list = nil
		rows, err := q.QueryContext(ctx, d.text("SELECT "+columns+" FROM subscriber WHERE "+where+" ORDER BY name LIMIT ?"), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			s, secret, err := scan(rows)
			if err == nil && page.Keys {
				s.Key, err = d.unsealed(s.Name(), secret)
			}
			if err != nil {
				return err
			}
			list = append(list, s)
		}
		return rows.Err()
	})
	return list, err
}

// Count is how many subscribers there are.
func (d *DB) Count(ctx context.Context) (int, error) {
	n := 0
	err := d.reading(ctx, func(ctx context.Context, q querier) error {
		return q.QueryRowContext(ctx, "SELECT count(*) FROM subscriber").Scan(&n)
	})
	return n, err
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
