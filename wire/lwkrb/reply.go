package lwkrb

import (
	"encoding/binary"
	"time"

	"roam6/wire"
)

// Reply is lwkerb-ap-rep.
type Reply struct {
	ID     uint32 // of the ap-req
	Sealed []byte // a ReplyBody; the header is its additional data
}

// Type is TypeReply.
func (*Reply) Type() Type { return TypeReply }

// ParseReply reads an ap-rep. The result shares memory with b.
//
// spec FH-10
func ParseReply(b []byte) (Reply, error) {
	r, id := header(b, TypeReply, MaxMessage)
	m := Reply{ID: id, Sealed: r.rest("Sealed", SealedMin, MaxMessage)}
	return done(&r, m)
}

// Append writes the message.
func (m *Reply) Append(b []byte) []byte {
	start := len(b)
	return end(append(begin(b, TypeReply, m.ID), m.Sealed...), start)
}

// Before writes the header of a message whose sealed part has size octets: the additional data of its sealing.
func Before(b []byte, t Type, id uint32, size int) []byte {
	start := len(b)
	b = begin(b, t, id)
	binary.BigEndian.PutUint16(b[start+2:], uint16(HeaderLen+size))
	return b
}

// Error is lwkerb-error.
type Error struct {
	ID   uint32 // of the request
	Code Code   // not None
	Time time.Time
	MAC  []byte // of MACLen octets, or nil: then the message is a hint and no more
}

// Type is TypeError.
func (*Error) Type() Type { return TypeError }

// ParseError reads an error. The result shares memory with b.
//
// spec FH-18
func ParseError(b []byte) (Error, error) {
	r, id := header(b, TypeError, MaxMessage)
	m := Error{ID: id, Code: Code(r.half("Code")), Time: r.time("Time")}
	if r.err == nil && m.Code == None {
		r.fail("Code", HeaderLen, wire.ErrValue)
	}
	if r.at < len(b) {
		m.MAC = r.take("MAC", MACLen)
	}
	return done(&r, m)
}

// Append writes the message.
func (m *Error) Append(b []byte) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint16(begin(b, TypeError, m.ID), uint16(m.Code))
	return end(append(appendTime(b, m.Time), m.MAC...), start)
}

// Covered is what the MAC covers: the whole message, its Length as it is with the MAC, up to the MAC.
func (m *Error) Covered() []byte {
	whole := *m
	whole.MAC = make([]byte, MACLen)
	b := whole.Append(nil)
	return b[:len(b)-MACLen]
}
