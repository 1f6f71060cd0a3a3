package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// Tables that a database answers engines' queries for, docs/subscribers.md.
const (
	TableSubscriber = "subscriber" // key: NAI or home address; gives the profile
	TableAccounting = "accounting" // key: anything; put a record
)

// ErrDiffers is the word that answers a record in whose place another is stored.
const ErrDiffers = "differs"

// Table answers queries as a database with a few subscribers does, from memory: for simulations, where everything is a value.
type Table struct {
	profiles map[string][]byte
	Records  [][]byte // accounting records in the order they came
}

// NewTable reads subscribers in JSON lines.
func NewTable(subscribers []byte) (*Table, error) {
	t := &Table{profiles: map[string][]byte{}}
	r, err := NewReader(bytes.NewReader(subscribers), JSONL)
	if err != nil {
		return nil, err
	}
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", r.Line(), err)
		}
		octets := Encode(p)
		t.profiles[p.Name()] = octets
		if p.HomeAddress.IsValid() {
			t.profiles[p.HomeAddress.String()] = octets
		}
	}
}

// Ask reads a key of a table, or with put writes it. found is false for a subscriber that is not there.
func (t *Table) Ask(table, key string, put []byte) (value []byte, found bool, err error) {
	switch {
	case table == TableSubscriber && put == nil:
		if a, err := netip.ParseAddr(key); err == nil {
			key = a.String()
		} else if key, err = Canonical(key); err != nil {
			return nil, false, nil
		}
		value, found = t.profiles[key]
		return value, found, nil
	case table == TableAccounting && put != nil:
		t.Records = append(t.Records, append([]byte(nil), put...))
		return nil, true, nil
	}
	return nil, false, fmt.Errorf("table %q cannot be asked so: %s is read, %s is written", table, TableSubscriber, TableAccounting)
}
