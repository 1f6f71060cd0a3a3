// Package subopt reads and writes the suboptions that the drafts of fast handovers and of access control put into their
// messages: draft-koodli-mobileip-fastv6-02 §6.1, draft-blair-rt-mobileipv6-seamoby-00 §3.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |    Length     |  Value ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
//
// Length counts octets, Type and Length among them. Type 0 is ours: one octet of padding without a Length, so that a list
// fits into an option of neighbour discovery, which comes in units of 8 octets.
//
// A value over MaxData octets is split over consecutive suboptions of its type and joined by the receiver, as RFC 3396 does
// for DHCP. So two neighbours of one type are always one value, and a list of things of one kind is one value.
package subopt

import (
	"slices"

	"roam6/wire"
)

// Sizes in octets.
const (
	HeaderLen = 2                  // Type and Length
	MaxLen    = 255                // what Length can say
	MaxData   = MaxLen - HeaderLen // of one suboption; longer values are split
)

// Pad is the type of one octet of padding.
const Pad uint8 = 0

// MaxList is the most suboptions one list may have, padding not counted; a longer one is wire.ErrLimit. It is what a message
// of the largest size has when every suboption is full, several times over.
const MaxList = 256

// Value is what consecutive suboptions of one type hold together.
type Value struct {
	Type uint8
	Data []byte // shares memory with the list when it came in one piece
	At   int    // where its first suboption begins in the list
}

// Append writes a value, split where it is over MaxData octets. An empty value is one suboption without data. It panics
// for the type Pad.
func Append(b []byte, kind uint8, value []byte) []byte {
	if kind == Pad {
		panic("subopt: type 0 is padding")
	}
	for {
		n := min(len(value), MaxData)
		b = append(append(b, kind, uint8(HeaderLen+n)), value[:n]...)
		if value = value[n:]; len(value) == 0 {
			return b
		}
	}
}

// usual is how many values Parse has room for at once: as many as most messages have.
const usual = 8

// Parse reads a list to its end and joins what was split. proto names the protocol in errors, base is where the list begins in
// what the error's offset counts from. Values come in the order of the list; a type may come twice with another between.
func Parse(proto string, b []byte, base int) ([]Value, error) {
	var list []Value
	joined := false // the last value has memory of its own
	for n, at := 0, 0; at < len(b); {
		if b[at] == Pad {
			at++
			continue
		}
		size, err := Size(proto, b[at:], base+at)
		if err != nil {
			return nil, err
		}
		if n++; n > MaxList {
			return nil, wire.Fail(proto, "Suboptions", base+at, wire.ErrLimit)
		}
		data := b[at+HeaderLen : at+size : at+size]
		if last := len(list) - 1; last >= 0 && list[last].Type == b[at] {
			if !joined {
				list[last].Data = slices.Clone(list[last].Data)
			}
			list[last].Data, joined = append(list[last].Data, data...), true
		} else {
			if list == nil {
				list = make([]Value, 0, usual)
			}
			list, joined = append(list, Value{b[at], data, at}), false
		}
		at += size
	}
	return list, nil
}

// Size is the length of the suboption at the start of b, whose type is not Pad.
func Size(proto string, b []byte, at int) (int, error) {
	if len(b) < HeaderLen {
		return 0, wire.Fail(proto, "Length", at+len(b), wire.ErrTruncated)
	}
	size := int(b[1])
	if size < HeaderLen {
		return 0, wire.Fail(proto, "Length", at+1, wire.ErrLength)
	}
	if size > len(b) {
		return 0, wire.Fail(proto, "Length", at+1, wire.ErrTruncated)
	}
	return size, nil
}
