package aaa

import (
	"encoding/binary"
	"fmt"

	"roam6/keying"
)

// Use says whom a session key is shared with. The numbers are those of access.Use.
type Use uint8

// The uses, §10 of the draft.
const (
	HomeAgent    Use = 1
	AccessRouter Use = 2
)

// ESPKeyLen is what one direction of ESP takes: a key of AES-256 and the salt (RFC 4106 §8.1, esp.NewKey).
const ESPKeyLen = 36

// Session is a key that a mobile node shares with a home agent or an access router, and of which both make the keys of their
// associations. It never prints. The zero Session is none: using it panics.
type Session struct {
	keying.Hidden
	k func() *[KeyLen]byte
}

func newSession(k [KeyLen]byte) Session { return Session{k: func() *[KeyLen]byte { return &k }} }

// NewSession takes a session key that came from the home AAA server: KeyLen octets.
func NewSession(key []byte) (Session, error) {
	if len(key) != KeyLen {
		return Session{}, fmt.Errorf("aaa: the session key has %d octets; use %d", len(key), KeyLen)
	}
	return newSession([KeyLen]byte(key)), nil
}

// Octets gives the key itself, for the one protected message that takes it from the home AAA server to the peer.
func (s Session) Octets() []byte {
	k := *s.k()
	return k[:]
}

// Erase overwrites the key.
func (s Session) Erase() { clear(s.k()[:]) }

// Session makes the key of §10.1 of a random number of RandomLen octets, which alone travels to the mobile node.
//
// spec DM-19
func (k Key) Session(use Use, random []byte) (Session, error) {
	if len(random) != RandomLen {
		return Session{}, fmt.Errorf("aaa: the random number has %d octets; use %d", len(random), RandomLen)
	}
	return newSession(k.k().derive(label(labelSession, use, random))), nil
}

// label is a name, what it is for, and octets of a fixed length.
func label(name string, use Use, more ...[]byte) string {
	b := append([]byte(name), ' ', byte(use))
	for _, m := range more {
		b = append(b, m...)
	}
	return string(b)
}

// ESP makes the keys of an association: toPeer protects what the mobile node sends to the peer's SPI, toMobile what the peer sends to the
// mobile node's. mn is its Identity, peer the peer's address as text (netip.Addr.String). Both ends make the same; neither direction's
// key, nor one of another pair of SPIs, tells anything of the other.
//
// spec DM-19
func (s Session) ESP(use Use, mn, peer string, peerSPI, mobileSPI uint32) (toPeer, toMobile []byte) {
	root := extract(s.k()[:])
	defer clear(root[:])
	one := func(direction byte) []byte {
		l := label(labelESP, use, []byte{direction}, binary.BigEndian.AppendUint32(nil, peerSPI), binary.BigEndian.AppendUint32(nil, mobileSPI))
		key := make([]byte, ESPKeyLen)
		keying.Expand(key, &root, l, mn, peer)
		return key
	}
	return one(1), one(2)
}
