package lwkrb

import (
	"fmt"
	"io"

	"roam6/keying"
)

// SessionKey makes the session key of a lightweight ticket of that of the ticket of Kerberos V5 issued beside it: 16 or 32 octets. The KDC puts it into
// the ticket, the mobile node makes the same. client and sealer are principals as text; sealer is the one whose key seals the ticket.
//
// spec FH-16
func SessionKey(v5 []byte, client, sealer string) ([]byte, error) {
	return keying.Derive(v5, hkdfSession, client, sealer, KeyLen)
}

// Session is the session key of a ticket. It never prints. The zero Session is none: using it panics.
type Session struct {
	k func() *box // a function, because package fmt looks through anything else
}

// NewSession takes the session key of a ticket: KeyLen octets. They are not kept.
func NewSession(key []byte) (Session, error) {
	if len(key) != KeyLen {
		return Session{}, fmt.Errorf("lwkrb: the session key has %d octets; use %d", len(key), KeyLen)
	}
	x := newBox(key)
	return Session{func() *box { return x }}, nil
}

// Erase lets go of the key. It cannot be used afterwards.
func (s Session) Erase() { s.k().erase() }

// SealAuthenticator appends the sealed authenticator of an ap-req to dst. before is all that stands before it (wire/lwkrb.Request.Before), drawn is fresh from
// the caller's randomness.
//
// spec FH-04
func (s Session) SealAuthenticator(dst []byte, drawn [NonceLen]byte, before, body []byte) []byte {
	return s.k().seal(dst, drawn, before, body)
}

// OpenAuthenticator gives the body of a sealed authenticator in memory of its own, or ErrAuthenticator.
//
// spec FH-13, FH-14, FH-15
func (s Session) OpenAuthenticator(before, sealed []byte) ([]byte, error) {
	return s.k().open(before, sealed, ErrAuthenticator)
}

// Access makes the access key of an ap-req, by its sealed authenticator and the access router that names. Who opens the ticket gives it to that router and
// to nobody else; the mobile node makes the same.
//
// spec FH-14, FH-15, FH-16
func (s Session) Access(authenticator []byte, router string) Access {
	a := &access{}
	s.k().derive(a.secret[:], labelDelegated, nonceOf(authenticator), []byte(router))
	return a.ready()
}

// String says "[key]", as do all ways to print a Session.
func (Session) String() string { return hidden }

// GoString says "[key]".
func (Session) GoString() string { return hidden }

// Format says "[key]" for every verb.
func (Session) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText says "[key]"; JSON and YAML use it.
func (Session) MarshalText() ([]byte, error) { return []byte(hidden), nil }
