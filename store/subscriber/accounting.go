package subscriber

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"roam6/store/subscriber/profile"
)

// Kinds of accounting records (RFC 6733 §9.8.1).
var Kinds = []string{"event", "start", "interim", "stop"}

// Limits of accounting.
const (
	MaxSession = 1024 // octets of a Session-Id
	MaxNetwork = 255  // octets of a network's identifier: the four that name a record fit into an index of PostgreSQL, which takes 2704
	MaxBatch   = 1000 // records stored at a time
)

// Record is an accounting record. Session and Number name it (RFC 6733 §9.8.3, Accounting-Record-Number) among those that a network
// sends of a user, so that none takes another's place: one that comes again is stored once. JSON and CSV have these keys.
type Record struct {
	Session     string     `json:"session"`
	Number      uint32     `json:"number"`
	Kind        string     `json:"kind"`
	At          time.Time  `json:"at"` // kept to the millisecond
	Name        string     `json:"name"`
	HomeAddress netip.Addr `json:"home_address,omitzero"`
	CareOf      netip.Addr `json:"care_of,omitzero"`
	HomeAgent   netip.Addr `json:"home_agent,omitzero"`
	Origin      string     `json:"origin"`  // who counted: the Diameter identity
	Network     string     `json:"network"` // whose peer sent it: the visited network identifier
	Seconds     int64      `json:"seconds"`
	OctetsUp    uint64     `json:"octets_up"` // from the mobile node
	OctetsDown  uint64     `json:"octets_down"`
	PacketsUp   uint64     `json:"packets_up"`
	PacketsDown uint64     `json:"packets_down"`
	Result      uint32     `json:"result"` // Result-Code that was answered
}

const recordColumns = `session, number, kind, at, name, home_address, care_of, home_agent, origin, network, seconds,
	octets_up, octets_down, packets_up, packets_down, result`

const recordCount = 16

// recordMarks are the parameters of one record.
var recordMarks = "(" + strings.Repeat("?, ", recordCount-1) + "?)"

// Check says what is wrong with a record.
func (r *Record) Check() error {
	for _, t := range []struct {
		key, text string
		most      int
	}{{"session", r.Session, MaxSession}, {"name", r.Name, profile.MaxNAI}, {"origin", r.Origin, MaxSession}, {"network", r.Network, MaxNetwork}} {
		if len(t.text) > t.most || !utf8.ValidString(t.text) || strings.ContainsRune(t.text, 0) {
			return fmt.Errorf("%s %.80q: at most %d octets of UTF-8 without NUL are allowed", t.key, t.text, t.most)
		}
	}
	if r.Session == "" {
		return fmt.Errorf("session is empty")
	}
	if !slices.Contains(Kinds, r.Kind) {
		return fmt.Errorf("kind %.80q: %s are allowed", r.Kind, strings.Join(Kinds, ", "))
	}
	if r.Seconds < 0 {
		return fmt.Errorf("seconds %d: 0 or more are allowed", r.Seconds)
	}
	for _, n := range []uint64{r.OctetsUp, r.OctetsDown, r.PacketsUp, r.PacketsDown} {
		if n > math.MaxInt64 {
			return fmt.Errorf("a count of %d: at most 2^63-1 is allowed", n)
		}
	}
	if y := r.At.UTC().Year(); y < 1970 || y > 9999 {
		return fmt.Errorf("at %v: years from 1970 to 9999 are allowed", r.At)
	}
	return nil
}

// Account stores records, all or none, at most MaxBatch, with one write. stored is how many were not there before: a record can be sent again
// until it was acknowledged. Where another is stored by the same name the error is ErrDiffers, and that one stays.
func (d *DB) Account(ctx context.Context, records []Record) (stored int, err error) {
	return d.insert(ctx, records, func(_ int, err error) error { return err })
}

// insert stores records. Where another is stored by the name of one it asks refuse, whose error ends it; with none the others are stored.
func (d *DB) insert(ctx context.Context, records []Record, refuse func(i int, err error) error) (stored int, err error) {
	if len(records) == 0 {
		return 0, nil
	}
	if len(records) > MaxBatch {
		return 0, checkError{fmt.Errorf("%d accounting records; at most %d at a time", len(records), MaxBatch)}
	}
	args := make([]any, 0, len(records)*recordCount)
	for i := range records {
		r := &records[i]
		if err := r.Check(); err != nil {
			return 0, checkError{err}
		}
		args = append(args, r.Session, int64(r.Number), r.Kind, millis(r.At), r.Name, addrText(r.HomeAddress), addrText(r.CareOf),
			addrText(r.HomeAgent), r.Origin, r.Network, r.Seconds, int64(r.OctetsUp), int64(r.OctetsDown), int64(r.PacketsUp), int64(r.PacketsDown), int64(r.Result))
	}
	q := d.text("INSERT INTO accounting (" + recordColumns + ") VALUES " + recordMarks + strings.Repeat(", "+recordMarks, len(records)-1) + " ON CONFLICT DO NOTHING")
	err = d.writing(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, q, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if stored = int(n); err != nil || stored == len(records) {
			return err
		}
		for i := range records {
			err := d.same(ctx, tx, &records[i])
			if errors.Is(err, ErrDiffers) {
				err = refuse(i, err)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return stored, nil
}

// same says whether what is stored by a record's name is that record. When and how it was answered tells none from another: a client may leave
// the time out, and then it is that of arrival; what the server knew of the session may have changed.
func (d *DB) same(ctx context.Context, tx *sql.Tx, r *Record) error {
	have, err := scanRecord(tx.QueryRowContext(ctx, d.text("SELECT "+recordColumns+" FROM accounting WHERE session = ? AND number = ? AND network = ? AND name = ?"),
		r.Session, int64(r.Number), r.Network, r.Name))
	if err != nil {
		return err
	}
	have.At, have.Result = r.At, r.Result
	if have != *r {
		return fmt.Errorf("record %d of session %.80q of %.80s from %.80s: %w", r.Number, r.Session, r.Name, r.Network, ErrDiffers)
	}
	return nil
}

// Span says which accounting records: of a subscriber, or of all, from From (included) to To (not included; the zero time is no
// bound).
type Span struct {
	Name     string
	From, To time.Time
}

// Records calls f with accounting records in the order of time, session, number, network and name, a page at a time: f may take as long
// as it wants. It ends with f's error.
func (d *DB) Records(ctx context.Context, span Span, f func(*Record) error) error {
	from, to := int64(0), int64(math.MaxInt64)
	if !span.From.IsZero() {
		from = millis(span.From)
	}
	if !span.To.IsZero() {
		to = millis(span.To)
	}
	after := Record{At: moment(from - 1), Session: "", Number: math.MaxUint32}
	for {
		page, err := d.recordPage(ctx, span.Name, &after, to)
		if err != nil {
			return err
		}
		for i := range page {
			if err := f(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < recordPage {
			return nil
		}
		after = page[len(page)-1]
	}
}

// recordPage is how many records are read at a time.
const recordPage = 1000

func (d *DB) recordPage(ctx context.Context, name string, after *Record, to int64) ([]Record, error) {
	where, args := "(at, session, number, network, name) > (?, ?, ?, ?, ?) AND at < ?", []any{millis(after.At), after.Session, int64(after.Number), after.Network, after.Name, to}
	if after.Session == "" {
		where, args = "at > ? AND at < ?", []any{millis(after.At), to}
	}
	if name != "" {
		where, args = where+" AND name = ?", append(args, name)
	}
	var page []Record
	err := d.reading(ctx, func(ctx context.Context, q querier) error {
		page = nil
		rows, err := q.QueryContext(ctx, d.text("SELECT "+recordColumns+" FROM accounting WHERE "+where+" ORDER BY at, session, number, network, name LIMIT ?"), append(args, recordPage)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scanRecord(rows)
			if err != nil {
				return err
			}
			page = append(page, r)
		}
		return rows.Err()
	})
	return page, err
}

func scanRecord(row interface{ Scan(...any) error }) (Record, error) {
	var r Record
	var at int64
	var home, careOf, agent string
	err := row.Scan(&r.Session, &r.Number, &r.Kind, &at, &r.Name, &home, &careOf, &agent, &r.Origin, &r.Network, &r.Seconds,
		&r.OctetsUp, &r.OctetsDown, &r.PacketsUp, &r.PacketsDown, &r.Result)
	if err != nil {
		return r, err
	}
	r.At = moment(at)
	for _, a := range []struct {
		text string
		to   *netip.Addr
	}{{home, &r.HomeAddress}, {careOf, &r.CareOf}, {agent, &r.HomeAgent}} {
		if a.text != "" {
			if *a.to, err = netip.ParseAddr(a.text); err != nil {
				return r, fmt.Errorf("the record %d of %s was altered: %w", r.Number, r.Session, err)
			}
		}
	}
	return r, nil
}
