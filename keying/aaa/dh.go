package aaa

import (
	"crypto/ecdh"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"roam6/keying"
)

// PublicLen is the length of a public value, and of the drawn octets behind it (X25519, RFC 7748 §5).
const PublicLen = 32

// ErrPublic: a public value gives no secret. Either it is not PublicLen octets long or it is one of the few points that give zero
// whatever they are multiplied with (RFC 7748 §6.1), which only an attacker sends.
var ErrPublic = errors.New("aaa: the public value gives no secret")

// Private is one end's secret of one Diffie-Hellman exchange, §10.2 of the draft. It never prints. The zero Private is none: using it
// panics.
type Private struct {
	keying.Hidden
	k func() *ecdh.PrivateKey
}

// NewPrivate makes a secret of PublicLen drawn octets, which must be used for nothing else. Equal octets make equal secrets.
func NewPrivate(drawn []byte) (Private, error) {
	k, err := ecdh.X25519().NewPrivateKey(drawn)
	if err != nil {
		return Private{}, fmt.Errorf("aaa: %d octets were drawn for X25519; use %d", len(drawn), PublicLen)
	}
	return Private{k: func() *ecdh.PrivateKey { return k }}, nil
}

// DrawPrivate draws a secret. It panics when nothing can be read from rand.
func DrawPrivate(rand io.Reader) Private {
	var drawn [PublicLen]byte
	defer clear(drawn[:])
	_, err := io.ReadFull(rand, drawn[:])
	p, bad := NewPrivate(drawn[:])
	if err = errors.Join(err, bad); err != nil {
		panic(err)
	}
	return p
}

// Public is what the other end is told.
func (p Private) Public() []byte { return p.k().PublicKey().Bytes() }

// Parties name an exchange: the mobile node's Identity, the network it visits, and the public value of either side.
type Parties struct {
	Use                      Use
	Mobile, Visited          string
	MobilePublic, PeerPublic []byte
}

// Session makes the key of §10.2: of the secret that both ends have and nobody between them, the AAA servers included, with both
// public values and both names bound in. p is either end's; one of the public values of x is its own. ErrPublic when the other gives
// no secret or neither is its own.
//
// spec DM-20
func (p Private) Session(x Parties) (Session, error) {
	own := p.Public()
	other := x.PeerPublic
	if !hmac.Equal(own, x.MobilePublic) {
		if other = x.MobilePublic; !hmac.Equal(own, x.PeerPublic) {
			return Session{}, ErrPublic
		}
	}
	public, err := ecdh.X25519().NewPublicKey(other)
	if err != nil {
		return Session{}, ErrPublic
	}
	shared, err := p.k().ECDH(public)
	if err != nil { // all octets zero
		return Session{}, ErrPublic
	}
	defer clear(shared)
	k, err := keying.Derive(shared, label(labelX25519, x.Use, x.MobilePublic, x.PeerPublic), x.Mobile, x.Visited, KeyLen)
	if err != nil {
		return Session{}, err
	}
	defer clear(k)
	return NewSession(k)
}

// Vouch is the MAC by which the home AAA server tells the mobile node that the peer's public value is the peer's: over the host challenge
// of the exchange, use, both public values, and the peer's SPI.
//
// spec DM-20
func (k Key) Vouch(use Use, hostChallenge, mobilePublic, peerPublic []byte, peerSPI uint32) []byte {
	return k.k().mac(labelPublic, hostChallenge, []byte{byte(use)}, mobilePublic, peerPublic, binary.BigEndian.AppendUint32(nil, peerSPI))
}

// VerifyVouch reports, in constant time, whether got is the home server's.
//
// spec DM-20
func (k Key) VerifyVouch(use Use, hostChallenge, mobilePublic, peerPublic []byte, peerSPI uint32, got []byte) bool {
	return hmac.Equal(k.Vouch(use, hostChallenge, mobilePublic, peerPublic, peerSPI), got)
}
