package profile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Formats of files of subscribers.
const (
	CSV   = "csv"
	JSONL = "jsonl"
)

// Formats are the formats of files.
var Formats = []string{CSV, JSONL}

// Columns are the columns of CSV. The first line names those that a file has, in any order; what it has not is as in Fresh. Keys
// are in hexadecimal, several addresses have blanks between them.
var Columns = []string{"nai", "home_address", "key", "home_agents", "home_agent", "address_from", "visited_home_agent",
	"eap_identity", "max_sessions", "session_s", "enabled"}

// Fresh is a new subscriber before anything is said of it.
func Fresh() *Profile { return &Profile{AddressFrom: FromHome, Enabled: true} }

// Reader reads a file of subscribers, one after another.
type Reader struct {
	line   int
	csv    *csv.Reader
	header []string
	lines  *bufio.Scanner
}

// NewReader reads from r in a format.
func NewReader(r io.Reader, format string) (*Reader, error) {
	switch format {
	case CSV:
		c := csv.NewReader(r)
		c.ReuseRecord = true
		return &Reader{csv: c}, nil
	case JSONL:
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 4096), MaxEncoded)
		return &Reader{lines: s}, nil
	}
	return nil, fmt.Errorf("format %q: %s are allowed", format, strings.Join(Formats, ", "))
}

// Line is the line of what Next gave last, from 1.
func (r *Reader) Line() int { return r.line }

// Next gives the next subscriber, checked; io.EOF after the last one. Errors do not say the line: Line does.
func (r *Reader) Next() (*Profile, error) {
	if r.csv != nil {
		return r.nextCSV()
	}
	for r.lines.Scan() {
		r.line++
		if b := bytes.TrimSpace(r.lines.Bytes()); len(b) > 0 {
			return parseJSON(b)
		}
	}
	if err := r.lines.Err(); err != nil {
		r.line++
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, fmt.Errorf("a line of more than %d octets", MaxEncoded)
		}
		return nil, err
	}
	return nil, io.EOF
}

// parseJSON reads one line, which may leave out all but who it is. Unlike Decode it refuses keys that it does not know: a person
// may have written them.
func parseJSON(b []byte) (*Profile, error) {
	w := wire{AddressFrom: FromHome, Enabled: true}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("more than one object on a line")
	}
	if w.SessionSeconds < 0 || w.SessionSeconds > int64(MaxSessionTime/time.Second) {
		return nil, fmt.Errorf("session_s %d: 0 to %d are allowed", w.SessionSeconds, int64(MaxSessionTime/time.Second))
	}
	p := &Profile{w.NAI, w.HomeAddress, w.Key, w.HomeAgents, w.HomeAgent, w.AddressFrom, w.VisitedHomeAgent,
		w.EAPIdentity, w.MaxSessions, time.Duration(w.SessionSeconds) * time.Second, w.Enabled, 0}
	return p, p.tidy()
}

// tidy brings an NAI that a person wrote into its canonical form, and checks.
func (p *Profile) tidy() error {
	if p.NAI != "" {
		c, err := Canonical(p.NAI)
		if err != nil {
			return err
		}
		p.NAI = c
	}
	return p.Check()
}

func (r *Reader) nextCSV() (*Profile, error) {
	if r.header == nil {
		h, err := r.csv.Read()
		r.line = 1
		if err != nil {
			return nil, csvError(err)
		}
		for i, c := range h {
			if !slices.Contains(Columns, c) || slices.Contains(h[:i], c) {
				return nil, fmt.Errorf("column %.80q: the first line names columns, each once: %s", c, strings.Join(Columns, ", "))
			}
		}
		r.header = slices.Clone(h)
	}
	fields, err := r.csv.Read()
	if err != nil {
		var at *csv.ParseError
		if errors.As(err, &at) {
			r.line = at.Line
		}
		return nil, csvError(err)
	}
	r.line, _ = r.csv.FieldPos(0)
	p := Fresh()
	for i, text := range fields {
		if err := p.set(r.header[i], strings.TrimSpace(text)); err != nil {
			return nil, err
		}
	}
	return p, p.tidy()
}

// csvError leaves out the line that the package says itself, and never repeats a field: it may be a key.
func csvError(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// set reads a field of CSV. An empty one leaves what Fresh has.
func (p *Profile) set(column, text string) error {
	if text == "" {
		return nil
	}
	bad := func(what string) error { return fmt.Errorf("%s %.80q: %s is allowed", column, text, what) }
	var err error
	switch column {
	case "nai":
		p.NAI = text
	case "home_address":
		p.HomeAddress, err = netip.ParseAddr(text)
	case "home_agent":
		p.HomeAgent, err = netip.ParseAddr(text)
	case "home_agents":
		p.HomeAgents, err = ParseAddrs(text)
	case "key":
		if p.Key, err = hex.DecodeString(text); err != nil {
			return fmt.Errorf("key: %d to %d octets in hexadecimal are allowed", MinKey, MaxKey)
		}
	case "address_from":
		p.AddressFrom = text
	case "eap_identity":
		p.EAPIdentity = text
	case "visited_home_agent", "enabled":
		on, err := strconv.ParseBool(text)
		if err != nil {
			return bad("true or false")
		}
		if column == "enabled" {
			p.Enabled = on
		} else {
			p.VisitedHomeAgent = on
		}
	case "max_sessions", "session_s":
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > int(MaxSessionTime/time.Second) {
			return bad("a whole number from 0")
		}
		if column == "session_s" {
			p.SessionTime = time.Duration(n) * time.Second
		} else {
			p.MaxSessions = n
		}
	}
	if err != nil {
		return bad("an IPv6 address, such as 2001:db8::1,")
	}
	return nil
}

// ParseAddrs reads addresses with blanks or commas between them.
func ParseAddrs(text string) ([]netip.Addr, error) {
	var list []netip.Addr
	for f := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		a, err := netip.ParseAddr(f)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// Writer writes a file of subscribers. Flush ends it.
type Writer struct {
	w     *bufio.Writer
	csv   *csv.Writer
	begun bool
}

// NewWriter writes to w in a format.
func NewWriter(w io.Writer, format string) (*Writer, error) {
	b := bufio.NewWriter(w)
	switch format {
	case CSV:
		return &Writer{w: b, csv: csv.NewWriter(b)}, nil
	case JSONL:
		return &Writer{w: b}, nil
	}
	return nil, fmt.Errorf("format %q: %s are allowed", format, strings.Join(Formats, ", "))
}

// Write writes one subscriber; with an empty Key, none.
func (w *Writer) Write(p *Profile) error {
	if w.csv == nil {
		c := *p
		c.Revision = 0
		_, err := w.w.Write(append(Encode(&c), '\n'))
		return err
	}
	if err := w.head(); err != nil {
		return err
	}
	var agents []string
	for _, a := range p.HomeAgents {
		agents = append(agents, a.String())
	}
	return w.csv.Write([]string{p.NAI, addr(p.HomeAddress), hex.EncodeToString(p.Key), strings.Join(agents, " "), addr(p.HomeAgent), p.AddressFrom,
		strconv.FormatBool(p.VisitedHomeAgent), p.EAPIdentity, strconv.Itoa(p.MaxSessions), strconv.Itoa(int(p.SessionTime / time.Second)), strconv.FormatBool(p.Enabled)})
}

func (w *Writer) head() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.csv.Write(Columns)
}

// Flush writes what waits; of CSV without a subscriber too the line of columns.
func (w *Writer) Flush() error {
	if w.csv != nil {
		if err := w.head(); err != nil {
			return err
		}
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	return w.w.Flush()
}

func addr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
