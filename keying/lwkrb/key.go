package lwkrb

import (
	"encoding/binary"
	"fmt"
	"io"

	"roam6/keying"
)

// Labels of HKDF. The first two are followed by encryption type and key version.
const (
	hkdfTicket  = "lwkrb ticket "
	hkdfOpen    = "lwkrb open "
	hkdfSession = "lwkrb session"
)

// Failure says which part of a message does not open. It is an error.
type Failure string

// The failures.
const (
	ErrTicket        Failure = "lwkrb: the ticket does not open: another key, or altered"
	ErrAuthenticator Failure = "lwkrb: the authenticator does not open: not by the ticket's owner, or altered"
	ErrReply         Failure = "lwkrb: the ap-rep does not open: not from the access router that was meant, or for another ap-req"
	ErrOpenRequest   Failure = "lwkrb: the open-req does not open: another key, or altered"
	ErrOpenReply     Failure = "lwkrb: the open-rep does not open: another key, or for another open-req"
)

// Error is the failure in words.
func (f Failure) Error() string { return string(f) }

// Code is what lwkerb-error says of it: KRB_AP_ERR_BAD_INTEGRITY. The number is that of wire/lwkrb.BadIntegrity.
func (Failure) Code() uint16 { return 31 }

// keyLen has the octets of a protocol key by encryption type: RFC 3962 §6, RFC 8009 §7.
var keyLen = map[uint8]int{17: 16, 18: 32, 19: 16, 20: 32}

// Key is a long-term key of a principal of Kerberos, ready for all its uses here. It never prints. The zero Key is none: using it panics.
type Key struct {
	k func() *longTerm // a function, because package fmt looks through anything else
}

type longTerm struct{ ticket, open *box }

// NewKey takes the protocol key (RFC 3961 §3) of a principal: encryption types 17 to 20. kvno is its version. The octets are not kept.
//
// spec FH-13
func NewKey(principal string, kvno uint32, etype uint8, protocol []byte) (Key, error) {
	if want, ok := keyLen[etype]; !ok || len(protocol) != want {
		return Key{}, fmt.Errorf("lwkrb: a key of %d octets and encryption type %d; use 16 octets with 17 and 19, 32 with 18 and 20", len(protocol), etype)
	}
	which := string(binary.BigEndian.AppendUint32([]byte{etype}, kvno))
	one := func(label string) *box {
		b, err := keying.Derive(protocol, label+which, "", principal, KeyLen)
		if err != nil {
			panic(err) // only wrong sizes are an error, and those were checked
		}
		defer clear(b)
		return newBox(b)
	}
	k := &longTerm{one(hkdfTicket), one(hkdfOpen)}
	return Key{func() *longTerm { return k }}, nil
}

// Erase lets go of the key. It cannot be used afterwards.
func (k Key) Erase() {
	k.k().ticket.erase()
	k.k().open.erase()
}

// SealTicket appends a sealed ticket to dst. name is that of the key as it stands in messages (wire/lwkrb.KeyName.Append), drawn is fresh from the caller's
// randomness.
//
// spec FH-16
func (k Key) SealTicket(dst []byte, drawn [NonceLen]byte, name, body []byte) []byte {
	return k.k().ticket.seal(dst, drawn, name, body)
}

// OpenTicket gives the body of a sealed ticket in memory of its own, or ErrTicket.
//
// spec FH-13, FH-14, FH-15
func (k Key) OpenTicket(name, sealed []byte) ([]byte, error) {
	return k.k().ticket.open(name, sealed, ErrTicket)
}

// SealOpenRequest appends the sealed part of an open-req to dst. before is all that stands before it (wire/lwkrb.OpenRequest.Before).
//
// spec FH-14, FH-15
func (k Key) SealOpenRequest(dst []byte, drawn [NonceLen]byte, before, body []byte) []byte {
	return k.k().open.seal(dst, drawn, before, body)
}

// OpenOpenRequest gives the body of an open-req in memory of its own, or ErrOpenRequest.
//
// spec FH-14, FH-15
func (k Key) OpenOpenRequest(before, sealed []byte) ([]byte, error) {
	return k.k().open.open(before, sealed, ErrOpenRequest)
}

// SealOpenReply appends the sealed part of an open-rep to dst. asked is the sealed part of the open-req that it answers, before the header
// of the open-rep.
//
// spec FH-14, FH-15
func (k Key) SealOpenReply(dst []byte, drawn [NonceLen]byte, asked, before, body []byte) []byte {
	x := k.k().open.box(labelOpenReply, nonceOf(asked))
	defer x.erase()
	return x.seal(dst, drawn, before, body)
}

// OpenOpenReply gives the body of the open-rep to an open-req in memory of its own, or ErrOpenReply.
//
// spec FH-14, FH-15
func (k Key) OpenOpenReply(asked, before, sealed []byte) ([]byte, error) {
	x := k.k().open.box(labelOpenReply, nonceOf(asked))
	defer x.erase()
	return x.open(before, sealed, ErrOpenReply)
}

const hidden = "[key]"

// String says "[key]", as do all ways to print a Key.
func (Key) String() string { return hidden }

// GoString says "[key]".
func (Key) GoString() string { return hidden }

// Format says "[key]" for every verb.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText says "[key]"; JSON and YAML use it.
func (Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }
