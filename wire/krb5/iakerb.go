package krb5

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/cryptobyte/asn1"

	"roam6/wire"
)

// Mechanism is the GSS-API mechanism of a token.
type Mechanism string

// The mechanisms, as the octets of their object identifiers.
const (
	MechProxy    Mechanism = "\x2b\x06\x01\x05\x05\x0a\x01"         // 1.3.6.1.5.5.10.1: the proxy of draft-ietf-cat-iakerb-09 §5
	MechMinimal  Mechanism = "\x2b\x06\x01\x05\x05\x0a\x02"         // 1.3.6.1.5.5.10.2: its minimal messages
	MechIAKERB   Mechanism = "\x2b\x06\x01\x05\x02\x05"             // 1.3.6.1.5.2.5: draft-ietf-kitten-iakerb-03, as MIT Kerberos has it
	MechKerberos Mechanism = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" // 1.2.840.113554.1.2.2: RFC 4121
)

// String names the mechanism.
func (m Mechanism) String() string {
	switch m {
	case MechProxy:
		return "IAKERB proxy"
	case MechMinimal:
		return "IAKERB minimal messages"
	case MechIAKERB:
		return "IAKERB"
	case MechKerberos:
		return "Kerberos"
	}
	return fmt.Sprintf("mechanism %x", string(m))
}

// TokenID says what a token holds.
type TokenID uint16

// The tokens, RFC 1964 §1.1, draft-ietf-cat-iakerb-09 §5 and draft-ietf-kitten-iakerb-03 §3.
const (
	TokenAPReq      TokenID = gssTokenAPReq
	TokenAPRep      TokenID = gssTokenAPRep
	TokenError      TokenID = gssTokenError
	TokenKDCReq     TokenID = gssTokenKDCReq
	TokenKDCRep     TokenID = gssTokenKDCRep
	TokenTicketPush TokenID = gssTokenTicketPush
	TokenProxy      TokenID = gssTokenIAKERBProxy // an IAKERBHeader and, behind it, a message
)

// String names the token.
func (t TokenID) String() string {
	switch t {
	case TokenAPReq:
		return "AP-REQ"
	case TokenAPRep:
		return "AP-REP"
	case TokenError:
		return "KRB-ERROR"
	case TokenKDCReq:
		return "KDC-REQ"
	case TokenKDCRep:
		return "KDC-REP"
	case TokenTicketPush:
		return "KRB-TKT-PUSH"
	case TokenProxy:
		return "IAKERB-PROXY"
	}
	return fmt.Sprintf("token %04x", uint16(t))
}

// Token is a GSS-API token: RFC 2743 §3.1 around a Kerberos message.
type Token struct {
	Mech    Mechanism
	ID      TokenID
	Message []byte
}

// gssToken is the tag of InitialContextToken.
const gssToken = asn1.Tag(0x60)

// ParseToken reads a token. The mechanism may be one that is not known; the message within is not looked at.
func ParseToken(b []byte) (Token, error) {
	r, s := reading(b)
	c := r.take(&s, "InitialContextToken", gssToken)
	r.empty("InitialContextToken", s)
	mech := r.take(&c, "thisMech", asn1.OBJECT_IDENTIFIER)
	if r.err == nil && len(c) < 2 {
		r.fail("TOK_ID", c, wire.ErrTruncated)
	}
	if r.err == nil && len(mech) > maxMech {
		r.fail("thisMech", mech, wire.ErrLimit)
	}
	if r.err != nil {
		return Token{}, r.err
	}
	return Token{Mechanism(mech), TokenID(binary.BigEndian.Uint16(c)), kept(c[2:])}, nil
}

// maxMech is the longest object identifier, in octets, that is taken for a mechanism.
const maxMech = 32

// Append writes the token.
func (t Token) Append(b []byte) []byte {
	b, at := open(b, gssToken)
	b = element(b, asn1.OBJECT_IDENTIFIER, t.Mech)
	b = binary.BigEndian.AppendUint16(b, uint16(t.ID))
	return shut(append(b, t.Message...), at)
}

// IAKERBHeader stands before the message in a TokenProxy, draft-ietf-kitten-iakerb-03 §3. Without message it asks for the realm of the
// acceptor, or tells it.
type IAKERBHeader struct {
	Realm  string // target-realm; empty: the client wants to be told
	Cookie []byte // of the acceptor, to be sent back; none: absent
}

// ParseIAKERBHeader reads the header, and gives what stands behind it.
func ParseIAKERBHeader(b []byte) (v IAKERBHeader, message []byte, err error) {
	r, s := reading(b)
	c := r.sequence(&s, "IAKERB-HEADER")
	t := r.field(&c, "target-realm", 1)
	realm := r.take(&t, "target-realm", asn1.UTF8String)
	r.empty("target-realm", t)
	r.readable(realm, "target-realm")
	v.Realm = string(realm)
	if r.has(&c, 2) {
		v.Cookie = r.octets(&c, "cookie", 2)
	}
	r.later(c, "IAKERB-HEADER", 2)
	if r.err != nil {
		return IAKERBHeader{}, nil, r.err
	}
	return v, kept(s), nil
}

// Append writes the header; the message goes behind it.
func (v IAKERBHeader) Append(b []byte) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	b, at := open(b, context(1))
	b = shut(element(b, asn1.UTF8String, v.Realm), at)
	if len(v.Cookie) > 0 {
		b = appendOctets(b, 2, v.Cookie)
	}
	return shut(b, seq)
}

// ParseIAKERBFinished reads KRB-FINISHED, the extension of the authenticator's checksum that binds the tokens before it
// (draft-ietf-kitten-iakerb-03 §4): a checksum over all of them.
func ParseIAKERBFinished(b []byte) (Checksum, error) {
	r, s := reading(b)
	s = r.whole(s, "KRB-FINISHED")
	v := r.checksum(&s, "gss-mic", 1)
	r.later(s, "KRB-FINISHED", 1)
	return checked(v, r.err)
}

// AppendIAKERBFinished writes KRB-FINISHED.
func AppendIAKERBFinished(b []byte, c Checksum) []byte {
	b, seq := open(b, asn1.SEQUENCE)
	return shut(c.append(b, 1), seq)
}

// TicketPush is KRB_TKT_PUSH of draft-ietf-cat-iakerb-09 §7: a mobile node's TGT to the router, and the reverse ticket back.
type TicketPush struct{ Ticket Ticket }

// ParseTicketPush reads a KRB_TKT_PUSH.
func ParseTicketPush(b []byte) (TicketPush, error) {
	r, s := reading(b)
	s = r.opened(s, KindTicketPush, 0)
	v := TicketPush{r.ticket(r.field(&s, "ticket", 2), "ticket")}
	r.later(s, "KRB-TKT-PUSH", 2)
	return checked(v, r.err)
}

// Kind is KindTicketPush.
func (TicketPush) Kind() Kind { return KindTicketPush }

// Append writes the message.
func (v TicketPush) Append(b []byte) []byte {
	b, outer, seq := openMessage(b, KindTicketPush, 0)
	b, at := open(b, context(2))
	return shut2(shut(v.Ticket.Append(b), at), outer, seq)
}

// MobileAttributes is the data of AD-MOBILEIP-ATTRIBUTES and TE-MOBILEIP-ATTRIBUTES, draft-blair-rt-mobileipv6-seamoby-00 §B.5, and what a
// lightweight ticket carries:
//
//	Length, 2 octets: of all, itself included
//	AlgID, 1 octet
//	Signature, as many octets as AlgID says: over the TLVs
//	TLVs: Diameter AVPs (RFC 6733 §4.1)
//
// The draft's text has a Length of 8 bits, its figure one of 16; 255 octets hold no three AVPs with a signature.
type MobileAttributes struct {
	Algorithm SignatureAlgorithm
	Signature []byte
	TLVs      []byte
}

// SignatureAlgorithm is an AlgID.
type SignatureAlgorithm uint8

// The algorithms; the draft names none.
const (
	SignNone       SignatureAlgorithm = 0 // inside a ticket, whose server's KDC vouches for them
	SignHMACSHA256 SignatureAlgorithm = 1 // HMAC-SHA-256-128 under a key of KDC and AAA server
	SignEd25519    SignatureAlgorithm = 2 // RFC 8032, by the KDC or the home AAA server
)

// MaxAttributes is the most octets of MobileAttributes that are read.
const MaxAttributes = 4096

const attributesHeader = 3

// SignatureLen is the octets of a signature; -1 if the algorithm is not known.
func (a SignatureAlgorithm) SignatureLen() int {
	switch a {
	case SignNone:
		return 0
	case SignHMACSHA256:
		return 16
	case SignEd25519:
		return 64
	}
	return -1
}

// ParseMobileAttributes reads the data; it shares nothing with b. Whether the signature is right is for who has the key, what the AVPs say
// for package diameter.
func ParseMobileAttributes(b []byte) (MobileAttributes, error) { //spec RT-42
	r, s := reading(b)
	if len(b) < attributesHeader {
		r.fail("Length", s[len(b):], wire.ErrTruncated)
		return MobileAttributes{}, r.err
	}
	n, v := int(binary.BigEndian.Uint16(b)), MobileAttributes{Algorithm: SignatureAlgorithm(b[2])}
	sig := v.Algorithm.SignatureLen()
	switch {
	case n > len(b):
		r.fail("Length", s, wire.ErrTruncated)
	case n > MaxAttributes:
		r.fail("Length", s, wire.ErrLimit)
	case n < len(b), n < attributesHeader:
		r.fail("Length", s, wire.ErrLength)
	case sig < 0:
		r.fail("AlgID", s[2:], wire.ErrUnknown)
	case sig > n-attributesHeader:
		r.fail("Signature", s[attributesHeader:], wire.ErrTruncated)
	}
	if r.err != nil {
		return MobileAttributes{}, r.err
	}
	v.Signature = bytes.Clone(kept(b[attributesHeader : attributesHeader+sig]))
	v.TLVs = bytes.Clone(kept(b[attributesHeader+sig:]))
	return v, nil
}

// Append writes the data. A signature of another length than its algorithm's, or more octets than MaxAttributes, are the caller's mistake.
func (v MobileAttributes) Append(b []byte) []byte {
	n := attributesHeader + len(v.Signature) + len(v.TLVs)
	if len(v.Signature) != v.Algorithm.SignatureLen() || n > MaxAttributes {
		panic(fmt.Sprintf("krb5: attributes of %d octets with a signature of %d", n, len(v.Signature)))
	}
	b = append(binary.BigEndian.AppendUint16(b, uint16(n)), byte(v.Algorithm))
	return append(append(b, v.Signature...), v.TLVs...)
}

// MobileAttributes finds AD-MOBILEIP-ATTRIBUTES, in AD-IF-RELEVANT as well.
func (l List) MobileAttributes() (MobileAttributes, bool) {
	data, ok := l.Flat().Find(ADMobileIPAttributes)
	if !ok {
		return MobileAttributes{}, false
	}
	v, err := ParseMobileAttributes(data)
	return v, err == nil
}
