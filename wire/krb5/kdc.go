package krb5

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// KDCReq is an AS-REQ or TGS-REQ, RFC 4120 §5.4.1.
type KDCReq struct {
	TGS    bool
	PAData List
	Body   KDCReqBody
}

// MaxNonce is what nonces of clients stay below: RFC 4120 §5.4.1 has 32 bits, the KDC of MIT Kerberos 31 and a sign.
const MaxNonce = 1 << 31

// KDCReqBody is what a request asks for, RFC 4120 §5.4.1.
type KDCReqBody struct {
	Options    KDCOptions
	Client     Name      // in an AS-REQ
	Realm      string    // the server's, in an AS-REQ the client's as well
	Server     Name      // may be absent: in a user-to-user request
	From       time.Time // absent: now
	Till       time.Time // absent, or 1970: as long as may be
	RenewTill  time.Time // rtime
	Nonce      uint32    // a client keeps below MaxNonce
	ETypes     []int32   // in order of preference
	Addresses  []HostAddress
	AuthData   EncryptedData // enc-authorization-data; zero: absent
	Additional []Ticket      // additional-tickets

	raw []byte
}

// Octets is the DER encoding of the body, over which checksums go: as it came if it was read.
func (v KDCReqBody) Octets() []byte {
	if v.raw != nil {
		return v.raw
	}
	return v.Append(nil)
}

// ParseKDCReq reads an AS-REQ or TGS-REQ.
func ParseKDCReq(b []byte) (*KDCReq, error) {
	r, s := reading(b)
	v := &KDCReq{TGS: KindOf(b) == KindTGSReq}
	s = r.opened(s, v.Kind(), 1)
	if r.has(&s, 3) {
		v.PAData = r.padata(&s, 3)
	}
	v.Body = r.body(r.field(&s, "req-body", 4))
	r.later(s, v.Kind().String(), 4)
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

func (r *reader) body(s cryptobyte.String) (v KDCReqBody) {
	v.raw = kept(s)
	s = r.whole(s, "req-body")
	v.Options = KDCOptions(r.flags(&s, "kdc-options", 0))
	if r.has(&s, 1) {
		v.Client = r.name(&s, "cname", 1)
	}
	v.Realm = r.text(&s, "realm", 2)
	if r.has(&s, 3) {
		v.Server = r.name(&s, "sname", 3)
	}
	for n, t := range []*time.Time{4: &v.From, 5: &v.Till, 6: &v.RenewTill} {
		if t != nil && r.has(&s, uint8(n)) {
			*t = r.time(&s, [...]string{4: "from", 5: "till", 6: "rtime"}[n], uint8(n))
		}
	}
	v.Nonce = r.unsigned(&s, "nonce", 7)
	v.ETypes = r.etypes(&s, 8)
	if r.has(&s, 9) {
		v.Addresses = r.addresses(&s, "addresses", 9)
	}
	if r.has(&s, 10) {
		v.AuthData = r.encrypted(&s, "enc-authorization-data", 10)
	}
	if r.has(&s, 11) {
		v.Additional = r.tickets(&s, 11)
	}
	r.later(s, "req-body", 11)
	return v
}

func (r *reader) etypes(s *cryptobyte.String, n uint8) []int32 {
	list, k := r.elements(r.field(s, "etype", n), "etype", MaxList)
	if k == 0 {
		return nil
	}
	out := make([]int32, 0, k)
	for len(list) > 0 && r.err == nil {
		var x cryptobyte.String
		var tag asn1.Tag
		if !list.ReadAnyASN1Element(&x, &tag) {
			break // elements read it before
		}
		out = append(out, int32(r.integer(x, "etype")))
	}
	return out
}

// Kind is KindASReq or KindTGSReq.
func (v *KDCReq) Kind() Kind {
	if v.TGS {
		return KindTGSReq
	}
	return KindASReq
}

// Append writes the message. Its body is written as it came if it was read.
func (v *KDCReq) Append(b []byte) []byte {
	b, outer, seq := openMessage(b, v.Kind(), 1)
	b = v.PAData.append(b, 3, paFirst)
	b, at := open(b, context(4))
	b = shut(v.Body.Append(b), at)
	return shut2(b, outer, seq)
}

// Changed is the body for others to be put in: it is no longer written as it came.
func (v KDCReqBody) Changed() KDCReqBody { v.raw = nil; return v }

// Append writes the body, as it came if it was read.
func (v KDCReqBody) Append(b []byte) []byte {
	if v.raw != nil {
		return append(b, v.raw...)
	}
	b, seq := open(b, asn1.SEQUENCE)
	b = appendFlags(b, 0, uint32(v.Options))
	if !v.Client.IsZero() {
		b = v.Client.append(b, 1)
	}
	b = appendText(b, 2, v.Realm)
	if !v.Server.IsZero() {
		b = v.Server.append(b, 3)
	}
	b = appendOptionalTime(b, 4, v.From)
	b = appendTime(b, 5, v.Till)
	b = appendOptionalTime(b, 6, v.RenewTill)
	b = appendNumber(b, 7, int64(v.Nonce))
	b, list, inner := openList(b, 8)
	for _, e := range v.ETypes {
		b = appendInteger(b, int64(e))
	}
	b = shut2(b, list, inner)
	b = appendAddresses(b, 9, v.Addresses)
	if !v.AuthData.IsZero() {
		b = v.AuthData.append(b, 10)
	}
	if len(v.Additional) > 0 {
		b, list, inner = openList(b, 11)
		for _, t := range v.Additional {
			b = t.Append(b)
		}
		b = shut2(b, list, inner)
	}
	return shut(b, seq)
}

// ParseKDCReqBody reads a body by itself.
func ParseKDCReqBody(b []byte) (KDCReqBody, error) {
	r, s := reading(b)
	v := r.body(s)
	return checked(v, r.err)
}

// KDCRep is an AS-REP or TGS-REP, RFC 4120 §5.4.2.
type KDCRep struct {
	TGS    bool
	PAData List
	Client Principal
	Ticket Ticket
	Enc    EncryptedData // an EncKDCRepPart
}

// ParseKDCRep reads an AS-REP or TGS-REP.
func ParseKDCRep(b []byte) (*KDCRep, error) {
	r, s := reading(b)
	v := &KDCRep{TGS: KindOf(b) == KindTGSRep}
	s = r.opened(s, v.Kind(), 0)
	if r.has(&s, 2) {
		v.PAData = r.padata(&s, 2)
	}
	v.Client.Realm = r.text(&s, "crealm", 3)
	v.Client.Name = r.name(&s, "cname", 4)
	v.Ticket = r.ticket(r.field(&s, "ticket", 5), "ticket")
	v.Enc = r.encrypted(&s, "enc-part", 6)
	r.later(s, v.Kind().String(), 6)
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

// Kind is KindASRep or KindTGSRep.
func (v *KDCRep) Kind() Kind {
	if v.TGS {
		return KindTGSRep
	}
	return KindASRep
}

// Append writes the message.
func (v *KDCRep) Append(b []byte) []byte {
	b, outer, seq := openMessage(b, v.Kind(), 0)
	b = v.PAData.append(b, 2, paFirst)
	b = appendText(b, 3, v.Client.Realm)
	b = v.Client.Name.append(b, 4)
	b, at := open(b, context(5))
	b = shut(v.Ticket.Append(b), at)
	b = v.Enc.append(b, 6)
	return shut2(b, outer, seq)
}

// LastReq says when something last happened, or will: key and account expiry, RFC 4120 §5.4.2.
type LastReq struct {
	Type int32
	Time time.Time
}

// EncKDCRepPart is what a reply holds for the client: EncASRepPart or EncTGSRepPart, RFC 4120 §5.4.2, with the encrypted padata of RFC 6806 §11.
type EncKDCRepPart struct {
	TGS           bool
	Key           EncryptionKey // the session key of the ticket
	LastReq       []LastReq     // none is written as one without information
	Nonce         uint32        // of the request
	KeyExpiration time.Time     // absent: zero
	Flags         TicketFlags
	Times         Times
	Server        Principal
	Addresses     []HostAddress
	PAData        List // encrypted-pa-data
}

// ParseEncKDCRepPart reads what was encrypted in an AS-REP or TGS-REP. Either tag may come in either message: RFC 4120 §5.4.2 knows of KDCs that
// send EncTGSRepPart always.
func ParseEncKDCRepPart(b []byte) (*EncKDCRepPart, error) {
	r, s := reading(b)
	v := &EncKDCRepPart{TGS: KindOf(b) == KindEncTGSRepPart}
	s = r.message(s, v.kind().String(), uint8(v.kind()))
	v.Key = r.key(&s, "key", 0)
	v.LastReq = r.lastReq(r.field(&s, "last-req", 1))
	v.Nonce = r.unsigned(&s, "nonce", 2)
	if r.has(&s, 3) {
		v.KeyExpiration = r.time(&s, "key-expiration", 3)
	}
	v.Flags = TicketFlags(r.flags(&s, "flags", 4))
	v.Times = r.times(&s, 5)
	v.Server.Realm = r.text(&s, "srealm", 9)
	v.Server.Name = r.name(&s, "sname", 10)
	if r.has(&s, 11) {
		v.Addresses = r.addresses(&s, "caddr", 11)
	}
	if r.has(&s, 12) {
		v.PAData = r.padata(&s, 12)
	}
	r.later(s, v.kind().String(), 12)
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

func (v *EncKDCRepPart) kind() Kind {
	if v.TGS {
		return KindEncTGSRepPart
	}
	return KindEncASRepPart
}

func (r *reader) lastReq(c cryptobyte.String) []LastReq {
	list, k := r.elements(c, "last-req", MaxList)
	if k == 0 {
		return nil
	}
	out := make([]LastReq, 0, k)
	for len(list) > 0 && r.err == nil {
		seq := r.sequence(&list, "last-req")
		x := LastReq{Type: r.number(&seq, "lr-type", 0)}
		x.Time = r.time(&seq, "lr-value", 1)
		r.later(seq, "last-req", 1)
		out = append(out, x)
	}
	return out
}

// Append writes the EncASRepPart or EncTGSRepPart.
func (v *EncKDCRepPart) Append(b []byte) []byte {
	b, outer, seq := open2(b, application(uint8(v.kind())))
	b = v.Key.append(b, 0)
	b, list, inner := openList(b, 1)
	for _, x := range v.LastReq {
		b = x.append(b)
	}
	if len(v.LastReq) == 0 {
		b = LastReq{Type: lastReqNone}.append(b)
	}
	b = shut2(b, list, inner)
	b = appendNumber(b, 2, int64(v.Nonce))
	b = appendOptionalTime(b, 3, v.KeyExpiration)
	b = appendFlags(b, 4, uint32(v.Flags))
	b = v.Times.append(b, 5)
	b = appendText(b, 9, v.Server.Realm)
	b = v.Server.Name.append(b, 10)
	b = appendAddresses(b, 11, v.Addresses)
	b = v.PAData.append(b, 12, paFirst)
	return shut2(b, outer, seq)
}

func (x LastReq) append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b = appendNumber(b, 0, int64(x.Type))
	return shut(appendTime(b, 1, x.Time), seq)
}
