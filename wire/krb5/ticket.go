package krb5

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Ticket is a ticket as others than its server see it, RFC 4120 §5.3. One that was read is written as it came.
type Ticket struct {
	Server Principal
	Enc    EncryptedData // an EncTicketPart, in the server's key

	// Extensions are ticket extensions, [4] of draft-ietf-cat-kerberos-revisions-06 §5.3.1, which RFC 4120 does not have. Nothing protects
	// them: each has to do so itself. TEMobileIPAttributes stands here where a user-to-user ticket may not have authorization data.
	Extensions List

	raw []byte
}

// IsZero says whether there is no ticket.
func (t Ticket) IsZero() bool { return t.Server.IsZero() && t.Enc.IsZero() }

const ticketLast = 4 // tag of the last field

func (r *reader) ticket(c cryptobyte.String, field string) (t Ticket) {
	all := c
	c = r.message(c, field, uint8(KindTicket))
	r.exactly(&c, "tkt-vno", 0, Version)
	t.Server.Realm = r.text(&c, "realm", 1)
	t.Server.Name = r.name(&c, "sname", 2)
	t.Enc = r.encrypted(&c, "enc-part", 3)
	if r.has(&c, ticketLast) {
		t.Extensions = r.typed(r.field(&c, "extensions", ticketLast), "extensions", "te-type", "te-data", 0)
	}
	r.later(c, field, ticketLast)
	t.raw = kept(all)
	return t
}

// ParseTicket reads a Ticket.
func ParseTicket(b []byte) (Ticket, error) {
	r, s := reading(b)
	v := r.ticket(s, "Ticket")
	return checked(v, r.err)
}

// Append writes the ticket.
func (t Ticket) Append(b []byte) []byte {
	if t.raw != nil {
		return append(b, t.raw...)
	}
	b, outer, seq := open2(b, application(uint8(KindTicket)))
	b = appendNumber(b, 0, Version)
	b = appendText(b, 1, t.Server.Realm)
	b = t.Server.Name.append(b, 2)
	b = t.Enc.append(b, 3)
	b = t.Extensions.append(b, ticketLast, 0)
	return shut2(b, outer, seq)
}

// Extended is the ticket with one more extension.
func (t Ticket) Extended(x Typed) Ticket {
	t.Extensions, t.raw = append(t.Extensions[:len(t.Extensions):len(t.Extensions)], x), nil
	return t
}

// Times are those of a ticket, in seconds.
type Times struct {
	Auth      time.Time
	Start     time.Time // may be absent: Auth
	End       time.Time
	RenewTill time.Time // absent unless Renewable
}

// times reads four fields from [n] on.
func (r *reader) times(s *cryptobyte.String, n uint8) (t Times) {
	t.Auth = r.time(s, "authtime", n)
	if r.has(s, n+1) {
		t.Start = r.time(s, "starttime", n+1)
	}
	t.End = r.time(s, "endtime", n+2)
	if r.has(s, n+3) {
		t.RenewTill = r.time(s, "renew-till", n+3)
	}
	return t
}

func (t Times) append(b []byte, n uint8) []byte {
	b = appendTime(b, n, t.Auth)
	b = appendOptionalTime(b, n+1, t.Start)
	b = appendTime(b, n+2, t.End)
	return appendOptionalTime(b, n+3, t.RenewTill)
}

func appendOptionalTime(b []byte, n uint8, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendTime(b, n, t)
}

// Transited are the realms that took part in the authentication of a client, RFC 4120 §3.3.3.2 and §5.3.
type Transited struct {
	Type     int32
	Contents []byte
}

// EncTicketPart is what a ticket holds for its server, RFC 4120 §5.3.
type EncTicketPart struct {
	Flags     TicketFlags
	Key       EncryptionKey // the session key
	Client    Principal
	Transited Transited
	Times     Times
	Addresses []HostAddress
	AuthData  List
}

// ParseEncTicketPart reads what was encrypted in a ticket.
func ParseEncTicketPart(b []byte) (EncTicketPart, error) {
	r, s := reading(b)
	var v EncTicketPart
	s = r.message(s, "EncTicketPart", uint8(KindEncTicketPart))
	v.Flags = TicketFlags(r.flags(&s, "flags", 0))
	v.Key = r.key(&s, "key", 1)
	v.Client.Realm = r.text(&s, "crealm", 2)
	v.Client.Name = r.name(&s, "cname", 3)
	t, contents := r.pair(r.field(&s, "transited", 4), "transited", "tr-type", "contents", 0)
	v.Transited = Transited{t, contents}
	v.Times = r.times(&s, 5)
	if r.has(&s, 9) {
		v.Addresses = r.addresses(&s, "caddr", 9)
	}
	if r.has(&s, 10) {
		v.AuthData = r.authData(&s, 10)
	}
	r.later(s, "EncTicketPart", 10)
	return checked(v, r.err)
}

// Append writes the EncTicketPart.
func (v EncTicketPart) Append(b []byte) []byte {
	b, outer, seq := open2(b, application(uint8(KindEncTicketPart)))
	b = appendFlags(b, 0, uint32(v.Flags))
	b = v.Key.append(b, 1)
	b = appendText(b, 2, v.Client.Realm)
	b = v.Client.Name.append(b, 3)
	b, at := open(b, context(4))
	b = shut(appendPair(b, v.Transited.Type, v.Transited.Contents, 0), at)
	b = v.Times.append(b, 5)
	b = appendAddresses(b, 9, v.Addresses)
	b = v.AuthData.append(b, 10, adFirst)
	return shut2(b, outer, seq)
}

// tickets reads a SEQUENCE OF Ticket.
func (r *reader) tickets(s *cryptobyte.String, n uint8) []Ticket {
	list, k := r.elements(r.field(s, "additional-tickets", n), "additional-tickets", MaxTickets)
	if k == 0 {
		return nil
	}
	out := make([]Ticket, 0, k)
	for len(list) > 0 && r.err == nil {
		var x cryptobyte.String
		var tag asn1.Tag
		if !list.ReadAnyASN1Element(&x, &tag) {
			break // elements read it before
		}
		out = append(out, r.ticket(x, "additional-tickets"))
	}
	return out
}
