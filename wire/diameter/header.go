package diameter

import (
	"encoding/binary"
	"iter"
)

// Sizes and limits of a message.
const (
	Version    = 1       // RFC 6733 §3: the only one there is
	HeaderLen  = 20      // octets, RFC 6733 §3
	MaxMessage = 1 << 16 // octets of the longest message a node takes unless it is told otherwise; the field could say 2^24-1
)

// Offsets in the header, RFC 6733 §3.
const (
	offLength   = 1
	offFlags    = 4
	offCommand  = 5
	offApp      = 8
	offHopByHop = 12
	offEndToEnd = 16
)

// Flags are the command flags, RFC 6733 §3. The four low bits are reserved: written as zero, not looked at.
type Flags uint8

// The command flags.
const (
	Request       Flags = 1 << 7 // R: else it is an answer
	Proxiable     Flags = 1 << 6 // P: may be proxied, relayed, redirected; else it must be processed by who gets it
	ErrorBit      Flags = 1 << 5 // E: an answer that reports a protocol error, outside the grammar of its command
	Retransmitted Flags = 1 << 4 // T: perhaps a copy, sent after a fail-over
)

// Header is the fixed part of a message. Length counts octets with the header and the padding of every AVP.
type Header struct {
	Flags    Flags
	Command  uint32 // 24 bits
	App      uint32
	HopByHop uint32
	EndToEnd uint32
	Length   int
}

// IsRequest says whether the R flag is set.
func (h Header) IsRequest() bool { return h.Flags&Request != 0 }

// Message is a view of one whole message whose frame Parse has checked. Raw is nil where not even the header could be trusted.
type Message struct {
	Header
	Raw []byte
}

// Parse checks the frame of a message: version, length, flags, and that the AVPs fill it exactly. It does not look into grouped AVPs, nor
// at the dictionary: see Check. Its error is an *Error. What could be read is in the Message all the same, for the answer: the Header, and if that
// is right, the AVPs before the one that is wrong.
func Parse(raw []byte) (Message, error) {
	h, err := ParseHeader(raw)
	if err != nil {
		return Message{Header: h}, err
	}
	m := Message{Header: h, Raw: raw}
	if _, err := List(raw[HeaderLen:]).check(); err != nil {
		return m, err
	}
	return m, nil
}

// ParseHeader reads and checks the header alone.
func ParseHeader(raw []byte) (Header, error) {
	if len(raw) < HeaderLen {
		return Header{}, fail(InvalidMessageLength, "the message ends inside its header, at octet %d of %d", len(raw), HeaderLen)
	}
	h := Header{
		Flags: Flags(raw[offFlags]) & 0xf0, Command: uint24(raw[offCommand:]), App: binary.BigEndian.Uint32(raw[offApp:]),
		HopByHop: binary.BigEndian.Uint32(raw[offHopByHop:]), EndToEnd: binary.BigEndian.Uint32(raw[offEndToEnd:]),
		Length: int(uint24(raw[offLength:])),
	}
	switch {
	case raw[0] != Version:
		return h, fail(UnsupportedVersion, "version %d; only %d is known", raw[0], Version)
	case h.Length != len(raw) || h.Length%4 != 0:
		return h, fail(InvalidMessageLength, "Message Length says %d octets, %d are there, and it must be a multiple of 4", h.Length, len(raw))
	case h.Flags&(Request|ErrorBit) == Request|ErrorBit:
		return h, fail(InvalidHdrBits, "a request with the E flag")
	case h.Flags&(Request|Retransmitted) == Retransmitted:
		return h, fail(InvalidHdrBits, "an answer with the T flag")
	}
	return h, nil
}

// AVPs are those of the message itself, in order.
func (m Message) AVPs() List {
	if len(m.Raw) < HeaderLen {
		return nil
	}
	return List(m.Raw[HeaderLen:])
}

// All gives each AVP of the message in order. Nothing is copied.
func (m Message) All() iter.Seq[AVP] { return m.AVPs().All() }

// Find gives the first AVP with this key.
func (m Message) Find(k Key) (AVP, bool) { return m.AVPs().Find(k) }

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

func putUint24(b []byte, v uint32) { b[0], b[1], b[2] = byte(v>>16), byte(v>>8), byte(v) }
