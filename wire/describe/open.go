package describe

import (
	"bytes"
	"errors"
	"fmt"

	"roam6/wire/esp"
)

// Opener opens an ESP packet, SPI to ICV, of esp.MinLen octets or more. It returns an error with ErrNoKey in its chain when it has no key to try, which is
// nobody's fault; any other error is put on the packet as one.
type Opener func(b []byte) (Opened, error)

// Opened is what an ESP packet carried.
type Opened struct {
	At      int    // octets before the payload: SPI, Sequence Number, IV
	Next    uint8  // Next Header, from the trailer
	Payload []byte // as many octets as its cipher text, which it takes the place of
	Whose   string // the association in words, for people
}

// ErrNoKey: there is no key for this SPI.
var ErrNoKey = errors.New("no key for this SPI")

// esp shows what of ESP is not encrypted, and what is as far as the Opener goes.
func (c *chain) esp(b []byte, base int) {
	t := Tree{Name: "ESP", Ref: "RFC 4303 §2", Layer: "esp", Offset: base, Len: len(b), Kids: rows(b, base, espFields, c.cut)}
	spi, seq, err := esp.Peek(b)
	if err != nil {
		t.Brief = "ESP"
		if !c.cut {
			t.blame(err, base)
		}
		c.add(t)
		return
	}
	t.Brief = fmt.Sprintf("ESP SPI 0x%08x seq %d, ", spi, seq)
	if c.open == nil || c.opened { // transport mode in transport mode means nothing and could be long
		t.Brief += count(len(b))
		c.add(t)
		return
	}
	o, err := c.open(b)
	if err == nil && (o.At < esp.HeaderLen || o.At+len(o.Payload) > len(b)) {
		err = fmt.Errorf("a payload of %s at octet %d", count(len(o.Payload)), o.At)
	}
	if err == nil {
		c.inside(t, b, o)
		return
	}
	why := "not opened: " + err.Error()
	switch {
	case errors.Is(err, ErrNoKey):
		t.Value = why
	case c.cut:
		why = "not opened: it is not all here, perhaps"
		t.Value = why
	default:
		t.find(base + esp.HeaderLen).fail(why)
		why = "not opened" // the fault says why
	}
	t.Brief += why
	c.add(t)
}

// inside shows an opened ESP packet b: its header, what it carried at the place where that was encrypted, and its trailer.
func (c *chain) inside(t Tree, b []byte, o Opened) {
	base, at := t.Offset, t.Offset-c.base
	t.Len, t.Value, t.Brief = o.At, "opened: "+o.Whose, t.Brief+"opened"
	t.Kids = append(t.Kids[:2:2], Tree{Name: "Initialization Vector", Offset: base + esp.HeaderLen, Len: o.At - esp.HeaderLen, Value: hex(b[esp.HeaderLen:o.At])})
	c.add(t)
	sealed := c.b
	c.b = append(bytes.Clone(c.b[:at+o.At]), o.Payload...)
	c.opened = true
	c.headers(o.Next, at+o.At)
	c.b, c.opened = sealed, false

	end := o.At + len(o.Payload)
	c.add(Tree{Name: "ESP Trailer", Ref: "RFC 4303 §2.4", Offset: base + end, Len: len(b) - end,
		Value: fmt.Sprintf("Next Header %s, integrity check right", named(protocol)([]byte{o.Next}))})
}
