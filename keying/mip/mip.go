package mip

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash"
	"net/netip"

	"roam6/keying"
)

// Algorithm names how authentication data is made.
type Algorithm string

// The algorithms. The package comment says which to use.
const (
	HMACSHA256 Algorithm = "hmac-sha256-128"
	HMACSHA1   Algorithm = "hmac-sha1-96"
)

// MinSPI is the lowest Mobility SPI that a security association may use; lower ones are reserved (RFC 4285 §5.1).
const MinSPI = 256

// Lengths of a shared key in octets. RFC 4285 §5.1 has exactly 16; longer ones serve HMAC-SHA-256.
const (
	MinKey = 16
	MaxKey = 64
)

// The Checksum field of a Mobility Header (RFC 6275 §6.1.1), taken as zero by RFC 4285.
const checksumAt, checksumEnd = 4, 6

// Key is a shared key and its algorithm. It never prints. The zero Key is none: using it panics.
type Key struct {
	keying.Hidden
	k func() *keyed
}

type keyed struct {
	hash func() hash.Hash
	size int
	key  []byte
}

// NewKey makes a Key of a shared secret of MinKey to MaxKey octets.
func NewKey(a Algorithm, key []byte) (Key, error) {
	if len(key) < MinKey || len(key) > MaxKey {
		return Key{}, fmt.Errorf("mip: the shared key has %d octets; use %d to %d", len(key), MinKey, MaxKey)
	}
	k := &keyed{key: append([]byte(nil), key...)}
	switch a {
	case HMACSHA256:
		k.hash, k.size = sha256.New, 16
	case HMACSHA1:
		k.hash, k.size = sha1.New, 12
	default:
		return Key{}, fmt.Errorf("mip: algorithm %q is unknown; use %s or %s", a, HMACSHA256, HMACSHA1)
	}
	return Key{k: func() *keyed { return k }}, nil
}

// Size is the length of the authentication data in octets.
func (k Key) Size() int { return k.k().size }

// Sum makes the authentication data of a message between a mobile node, at coa with the home address hoa, and its
// home agent. data is the Mobility Header up to and including the Mobility SPI; its checksum field may hold anything.
// At home, coa and hoa are equal.
//
// For the authenticator of a Fast Binding Update or Acknowledgement (RFC 5568 §6.4.5) the previous access router's address
// stands for hoa, and coa is the new care-of address.
//
// spec MIP-03
func (k Key) Sum(coa, hoa netip.Addr, data []byte) []byte {
	kk := k.k()
	return sum(kk.hash, kk.key, coa, hoa, data)[:kk.size]
}

// sum is HMAC(key, first | second | data), the checksum field of data taken as zero.
func sum(hash func() hash.Hash, key []byte, first, second netip.Addr, data []byte) []byte {
	h := hmac.New(hash, key)
	for _, a := range [...]netip.Addr{first, second} {
		x := a.As16()
		h.Write(x[:])
	}
	if len(data) < checksumEnd {
		h.Write(data)
	} else {
		h.Write(data[:checksumAt])
		h.Write([]byte{0, 0})
		h.Write(data[checksumEnd:])
	}
	return h.Sum(nil)
}

// Verify reports, in constant time, whether got is the authentication data of such a message.
//
// spec MIP-03
func (k Key) Verify(coa, hoa netip.Addr, data, got []byte) bool {
	return subtle.ConstantTimeCompare(k.Sum(coa, hoa, data), got) == 1
}
