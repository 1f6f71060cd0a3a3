package principal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"roam6/store/subscriber/profile"
)

// Directory answers queries of Table as a database with a few principals does, from memory: for simulations, where everything is a value.
type Directory struct{ byName map[string][]byte }

// NewDirectory has subscribers in JSON lines as package profile reads them, and services in lines as Encode writes them.
func NewDirectory(subscribers, services []byte) (*Directory, error) {
	d := &Directory{byName: map[string][]byte{}}
	r, err := profile.NewReader(bytes.NewReader(subscribers), profile.JSONL)
	if err != nil {
		return nil, err
	}
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("subscribers, line %d: %w", r.Line(), err)
		}
		if p, err := OfSubscriber(s); err == nil && len(s.Key) > 0 {
			d.Add(p)
		}
	}
	lines := bufio.NewScanner(bytes.NewReader(services))
	lines.Buffer(make([]byte, 4096), MaxEncoded+1)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		p, err := Decode(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("services, line %d: %w", n, err)
		}
		d.Add(p)
	}
	return d, lines.Err()
}

// Add enters a principal, or replaces the one of its name.
func (d *Directory) Add(p *Principal) { d.byName[p.Name] = Encode(p) }

// Ask reads a principal. found is false for one that is not there, and a name that is none.
func (d *Directory) Ask(name string) (value []byte, found bool) {
	name, err := Canonical(name)
	if err != nil {
		return nil, false
	}
	value, found = d.byName[name]
	return bytes.Clone(value), found
}
