package describe

import (
	"bytes"
	"fmt"
)

// options shows a list of type-length-value options. b is the header that holds them, base its offset in the packet, at
// where they begin in b.
type options struct {
	title   string
	pad     bool // types 0 (one octet) and 1 are padding
	unit    int  // octets a unit of Length; 1: Length counts the data, 8: the whole option, RFC 4861 §4.6
	whole   bool // with unit 1 Length counts the whole option too, and type 0 alone is padding: package subopt
	layouts map[uint8]layout
}

func (o options) show(b []byte, base, at int, cut bool) Tree {
	t := Tree{Name: o.title, Offset: base + at, Len: max(0, len(b)-at)}
	for at < len(b) {
		if len(t.Kids) == MaxOptions {
			t.Kids = append(t.Kids, Tree{Name: "more", Offset: base + at, Len: len(b) - at, Value: count(len(b)-at) + " not shown"})
			break
		}
		if o.pad && b[at] <= 1 {
			n := padding(b[at:])
			t.Kids = append(t.Kids, Tree{Name: "Padding", Offset: base + at, Len: n, Value: count(n)})
			at += n
			continue
		}
		if o.whole && b[at] == 0 {
			n := len(b[at:]) - len(bytes.TrimLeft(b[at:], "\x00"))
			t.Kids = append(t.Kids, Tree{Name: "Padding", Offset: base + at, Len: n, Value: count(n)})
			at += n
			continue
		}
		size, fault := o.size(b[at:])
		kid := o.one(b[at:at+size], base+at, cut || fault != "")
		if fault != "" && !cut {
			kid.fail(fault)
		}
		t.Kids = append(t.Kids, kid)
		at += size
	}
	return t
}

// size is the length of the option at the start of b: all of b when it has none that makes sense.
func (o options) size(b []byte) (n int, fault string) {
	if len(b) < 2 {
		return len(b), "has no Length"
	}
	n = int(b[1]) + 2
	if o.unit > 1 || o.whole {
		n = int(b[1]) * o.unit
	}
	switch {
	case o.whole && n == 1:
		return len(b), "its Length is 1"
	case n == 0:
		return len(b), "its Length is 0"
	case n > len(b):
		return len(b), fmt.Sprintf("its Length says %s, %d are there", count(n), len(b))
	}
	return n, ""
}

// one shows an option: its fields by name, or its data.
func (o options) one(b []byte, base int, cut bool) Tree {
	t := Tree{Name: fmt.Sprintf("option %d", b[0]), Offset: base, Len: len(b)}
	l, known := o.layouts[b[0]]
	if !known {
		if len(b) > 2 {
			t.Value = octets(b[2:])
		}
		return t
	}
	t.Name, t.Ref = l.name, l.ref
	kids := rows(b, base, l.fields, cut)
	if len(kids) == 1 && kids[0].Fault == "" {
		t.Value = kids[0].Value // one field: the option is its value
		return t
	}
	t.Kids = kids
	return t
}

// padding is the number of octets of padding b begins with.
func padding(b []byte) int {
	n := 0
	for n < len(b) {
		switch {
		case b[n] == 0:
			n++
		case b[n] == 1 && n+1 < len(b) && n+2+int(b[n+1]) <= len(b):
			n += 2 + int(b[n+1])
		case n > 0:
			return n
		default: // PadN that goes past the end
			return len(b)
		}
	}
	return n
}
