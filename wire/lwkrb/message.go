package lwkrb

import (
	"encoding/binary"

	"roam6/wire"
)

// Version is the first octet of every message. No message of Kerberos V5 begins with it: those begin with 0x60 or more (RFC 4120 §5.10),
// so that both can share a port.
const Version = 1

// Type is the second octet of a message.
type Type uint8

// The messages.
const (
	TypeRequest     Type = 1 // lwkerb-ap-req
	TypeReply       Type = 2 // lwkerb-ap-rep
	TypeError       Type = 3 // lwkerb-error
	TypeOpenRequest Type = 4 // lwkerb-open-req
	TypeOpenReply   Type = 5 // lwkerb-open-rep
)

// String is the name of the message in docs/lwkrb.md.
func (t Type) String() string {
	switch t {
	case TypeRequest:
		return "lwkerb-ap-req"
	case TypeReply:
		return "lwkerb-ap-rep"
	case TypeError:
		return "lwkerb-error"
	case TypeOpenRequest:
		return "lwkerb-open-req"
	case TypeOpenReply:
		return "lwkerb-open-rep"
	}
	return "unknown message"
}

// Limits in octets.
const (
	HeaderLen = 8
	// MaxMessage is the longest message between mobile node and access router: it leaves room in one packet of the least MTU of IPv6 for
	// headers, the suboptions it is split over, and an embedded binding update.
	MaxMessage = 1024
	// MaxOpen is the longest message between access router and KDC, or two KDCs.
	MaxOpen = 2048
	// NonceLen and TagLen are what sealing adds before and behind.
	NonceLen  = 24
	TagLen    = 16
	SealedMin = NonceLen + TagLen
	// MACLen is that of an authenticated error.
	MACLen = 16
)

// Message is one of *Request, *Reply, *Error, *OpenRequest, *OpenReply.
type Message interface {
	Type() Type
	// Append writes the message. Values over a limit make octets that Parse refuses.
	Append(b []byte) []byte
}

// Parse reads any message. The result shares memory with b.
//
// spec FH-04
func Parse(b []byte) (Message, error) {
	if len(b) < 2 {
		return nil, fail("Type", len(b), wire.ErrTruncated)
	}
	switch Type(b[1]) {
	case TypeRequest:
		return message(ParseRequest(b))
	case TypeReply:
		return message(ParseReply(b))
	case TypeError:
		return message(ParseError(b))
	case TypeOpenRequest:
		return message(ParseOpenRequest(b))
	case TypeOpenReply:
		return message(ParseOpenReply(b))
	}
	return nil, fail("Type", 1, wire.ErrUnknown)
}

// message makes a Message of a value, and nil of an error.
func message[M any, P interface {
	*M
	Message
}](m M, err error) (Message, error) {
	if err != nil {
		return nil, err
	}
	return P(&m), nil
}

// header reads the eight octets that all messages begin with, and holds Length against b.
func header(b []byte, want Type, most int) (r reader, id uint32) {
	r = reader{b: b}
	h := r.take("header", HeaderLen)
	if h == nil {
		return r, 0
	}
	size := int(binary.BigEndian.Uint16(h[2:]))
	switch {
	case h[0] != Version:
		r.fail("Version", 0, wire.ErrUnknown)
	case Type(h[1]) != want:
		r.fail("Type", 1, wire.ErrUnknown)
	case size > len(b):
		r.fail("Length", 2, wire.ErrTruncated)
	case size < len(b):
		r.fail("Length", 2, wire.ErrLength)
	case size > most:
		r.fail("Length", 2, wire.ErrLimit)
	}
	return r, binary.BigEndian.Uint32(h[4:])
}

// begin writes a header whose Length end fills in.
func begin(b []byte, t Type, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, Version, byte(t), 0, 0), id)
}

func end(b []byte, start int) []byte {
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start))
	return b
}

const proto = "lwkrb"

func fail(field string, offset int, cause error) error { return wire.Fail(proto, field, offset, cause) }
