package lwkrb

import (
	"encoding/binary"

	"roam6/wire"
)

// Ticket is a lightweight ticket as its owner has it from the KDC, and as it stands in an ap-req: sealed, and the name of the key.
type Ticket struct {
	Key    KeyName
	Sealed []byte // a TicketBody
}

// MaxTicket is the most octets of a sealed ticket.
const MaxTicket = 768

// ParseTicket reads a ticket that stands alone, as the KDC gives it.
//
// spec FH-14
func ParseTicket(b []byte) (Ticket, error) {
	r := reader{b: b}
	t := r.ticket()
	return done(&r, t)
}

func (r *reader) ticket() Ticket {
	t := Ticket{Key: r.keyName()}
	at := r.at
	n := int(r.half("length(Ticket)"))
	switch {
	case r.err != nil:
		return Ticket{}
	case n < SealedMin:
		r.fail("length(Ticket)", at, wire.ErrLength)
	case n > MaxTicket:
		r.fail("length(Ticket)", at, wire.ErrLimit)
	}
	t.Sealed = r.take("Ticket", n)
	return t
}

// Append writes the ticket.
func (t Ticket) Append(b []byte) []byte {
	b = t.Key.Append(b)
	b = binary.BigEndian.AppendUint16(b, uint16(len(t.Sealed)))
	return append(b, t.Sealed...)
}

// Request is lwkerb-ap-req.
type Request struct {
	ID            uint32
	Ticket        Ticket
	Authenticator []byte // sealed; what stands before it is its additional data
}

// Type is TypeRequest.
func (*Request) Type() Type { return TypeRequest }

// ParseRequest reads an ap-req. The result shares memory with b.
//
// spec FH-04
func ParseRequest(b []byte) (Request, error) {
	r, id := header(b, TypeRequest, MaxMessage)
	m := Request{ID: id, Ticket: r.ticket()}
	m.Authenticator = r.rest("Authenticator", SealedMin, MaxMessage)
	return done(&r, m)
}

// KeyNameIn is where the name of the ticket's key stands in the octets that a Request was parsed from: the additional data of the ticket.
func (m *Request) KeyNameIn(raw []byte) []byte { return raw[HeaderLen : HeaderLen+m.Ticket.Key.Len()] }

// Append writes the message.
func (m *Request) Append(b []byte) []byte {
	start := len(b)
	b = m.Ticket.Append(begin(b, TypeRequest, m.ID))
	return end(append(b, m.Authenticator...), start)
}

// Before writes all of an ap-req that stands before its sealed authenticator of size octets: the additional data of its sealing.
func (m *Request) Before(b []byte, size int) []byte {
	start := len(b)
	b = m.Ticket.Append(begin(b, TypeRequest, m.ID))
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start+size))
	return b
}
