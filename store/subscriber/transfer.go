package subscriber

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"roam6/store/subscriber/profile"
)

// Loaded is what an import has done.
type Loaded struct {
	Read int // subscribers entered or replaced
	Made int // new keys, for those that came without one and were not there
}

// LineError is a mistake in a file of subscribers.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// CheckFile reads a file of subscribers to its end and tells the first mistake, a *LineError, and how many there are.
func CheckFile(r io.Reader, format string) (int, error) {
	in, err := profile.NewReader(r, format)
	if err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		switch _, err := in.Next(); {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, &LineError{in.Line(), err}
		}
	}
}

// Import enters or replaces the subscribers of a file, BulkMax at a time, each time all or none; told is called after each. What
// Loaded counts is durable, also with an error. The same file can be imported again.
func (d *DB) Import(ctx context.Context, r io.Reader, format string, told func(Loaded)) (Loaded, error) {
	var done Loaded
	in, err := profile.NewReader(r, format)
	if err != nil {
		return done, err
	}
	list := make([]*profile.Profile, 0, BulkMax)
	first := 1
	flush := func() error {
		made, err := d.Load(ctx, list)
		if err != nil {
			if errors.Is(err, ErrExists) {
				err = fmt.Errorf("lines %d to %d: a home address of them is another subscriber's, or there twice", first, in.Line())
			}
			return err
		}
		done.Read, done.Made, list = done.Read+len(list), done.Made+made, list[:0]
		told(done)
		return nil
	}
	for {
		s, err := in.Next()
		switch {
		case err == io.EOF && len(list) > 0:
			return done, flush()
		case err == io.EOF:
			return done, nil
		case err != nil:
			return done, &LineError{in.Line(), err}
		}
		if len(list) == 0 {
			first = in.Line()
		}
		if list = append(list, s); len(list) == BulkMax {
			if err := flush(); err != nil {
				return done, err
			}
		}
	}
}

// Export writes all subscribers, those of a realm if one is named, with keys if asked for; told is called after each page.
func (d *DB) Export(ctx context.Context, w io.Writer, format string, page Page, told func(int)) (int, error) {
	out, err := profile.NewWriter(w, format)
	if err != nil {
		return 0, err
	}
	n := 0
	page.Limit = exportPage
	for {
		list, err := d.List(ctx, page)
		if err != nil {
			return n, err
		}
		for _, s := range list {
			if err := out.Write(&s.Profile); err != nil {
				return n, err
			}
			n++
		}
		told(n)
		if len(list) < exportPage {
			return n, out.Flush()
		}
		page.After = list[len(list)-1].Name()
	}
}

// exportPage is how many subscribers are read at a time.
const exportPage = 2000

// RecordHeader is the first line of accounting records in CSV.
var RecordHeader = []string{"session", "number", "kind", "at", "name", "home_address", "care_of", "home_agent", "origin", "network", "seconds",
	"octets_up", "octets_down", "packets_up", "packets_down", "result"}

// ExportRecords writes accounting records as CSV, as they come from the database. Partners choose some of their words: what a spreadsheet would
// take for a formula is made text.
func (d *DB) ExportRecords(ctx context.Context, w io.Writer, span Span) (int, error) {
	out := csv.NewWriter(w)
	n := 0
	if err := out.Write(RecordHeader); err != nil {
		return 0, err
	}
	u := func(v uint64) string { return strconv.FormatUint(v, 10) }
	addr := func(a netip.Addr) string { return addrText(a) }
	err := d.Records(ctx, span, func(r *Record) error {
		n++
		return out.Write([]string{cell(r.Session), u(uint64(r.Number)), cell(r.Kind), r.At.Format(TimeForm), cell(r.Name), addr(r.HomeAddress), addr(r.CareOf),
			addr(r.HomeAgent), cell(r.Origin), cell(r.Network), u(uint64(r.Seconds)), u(r.OctetsUp), u(r.OctetsDown), u(r.PacketsUp), u(r.PacketsDown), u(uint64(r.Result))})
	})
	out.Flush()
	return n, errors.Join(err, out.Error())
}

// formulas are the characters by which spreadsheets know a formula, at the beginning of a cell: OWASP, "CSV Injection". The last four are
// the wide forms of the first four.
const formulas = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"

// separators divide cells in spreadsheets, whatever the file says: where the comma is decimal, the semicolon does, which every Session-Id has.
const separators = ",;\t|"

// cell is a text that no spreadsheet takes for a formula: not its beginning, and not what stands behind a separator in it. An apostrophe
// before either makes it text. Quotes and commas are package csv's affair.
func cell(s string) string {
	var b strings.Builder
	from, fresh := 0, true
	for i, r := range s {
		if fresh && strings.ContainsRune(formulas, r) {
			b.WriteString(s[from:i])
			b.WriteByte('\'')
			from = i
		}
		fresh = strings.ContainsRune(separators, r) || r == '"' || fresh && r == ' '
	}
	b.WriteString(s[from:])
	return b.String()
}

// TimeForm is how times are written: UTC, to the millisecond.
const TimeForm = "2006-01-02T15:04:05.000Z"
