// Package ah turns the Authentication Header into a value and back (RFC 4302 §2). Whether it is authentic is package keying/ah's question.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	| Next Header   |  Payload Len  |          RESERVED             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                 Security Parameters Index (SPI)               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                    Sequence Number Field                      |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                Integrity Check Value-ICV (variable)           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
package ah

import (
	"bytes"
	"encoding/binary"

	"roam6/wire"
)

// Sizes in octets.
const (
	FixedLen = 12 // what stands before the ICV
	ICVAt    = FixedLen
	align    = 8 // RFC 4302 §2.2: in IPv6 the header is a multiple of it
	word     = 4 // Payload Len counts these, less two
	maxLen   = (0xff + 2) * word
)

// Header is an Authentication Header.
type Header struct {
	Next uint8  // the protocol of what follows
	SPI  uint32 // says which association; never 0 (RFC 4302 §2.4)
	Seq  uint32 // the low half of the sequence number
	ICV  []byte // with its padding, to the end of the header; Parse aliases the bytes given to it
}

// Len is the length in octets of a header whose ICV has n.
func Len(n int) int { return (FixedLen + n + align - 1) / align * align }

// Parse reads the header at the start of b and gives what follows it, aliased. It believes nothing: every field is a claim until the ICV
// has been checked. RESERVED is ignored (§2.3).
//
// spec FH-05 FH-06 RT-32
func Parse(b []byte) (h Header, rest []byte, err error) {
	if len(b) < FixedLen {
		return Header{}, nil, fail("header", len(b), wire.ErrTruncated)
	}
	size := word * (int(b[1]) + 2)
	switch {
	case size < FixedLen || size%align != 0:
		return Header{}, nil, fail("Payload Len", 1, wire.ErrLength)
	case size > len(b):
		return Header{}, nil, fail("Payload Len", 1, wire.ErrTruncated)
	}
	h = Header{Next: b[0], SPI: binary.BigEndian.Uint32(b[4:]), Seq: binary.BigEndian.Uint32(b[8:]), ICV: b[FixedLen:size:size]}
	if h.SPI == 0 {
		return Header{}, nil, fail("Security Parameters Index", 4, wire.ErrValue)
	}
	return h, b[size:], nil
}

// Append writes the header; an ICV that does not end it on a whole unit is padded with zeros. It panics for one longer than Payload Len
// can say, 1016 octets.
//
// spec FH-05 RT-32
func (h Header) Append(b []byte) []byte {
	size := Len(len(h.ICV))
	if size > maxLen {
		panic("ah: an ICV too long for Payload Len")
	}
	b = append(b, h.Next, uint8(size/word-2), 0, 0)
	b = binary.BigEndian.AppendUint32(b, h.SPI)
	b = binary.BigEndian.AppendUint32(b, h.Seq)
	b = append(b, h.ICV...)
	return append(b, bytes.Repeat([]byte{0}, size-FixedLen-len(h.ICV))...)
}

func fail(field string, offset int, cause error) error { return wire.Fail("ah", field, offset, cause) }
