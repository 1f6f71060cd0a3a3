package ah

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"roam6/keying"
)

// Algorithm is an integrity algorithm by its number in IKEv2 (RFC 7296 §3.3.2, transform type 3).
type Algorithm uint16

// HMACSHA256128 is the only one: AUTH_HMAC_SHA2_256_128, RFC 4868.
const HMACSHA256128 Algorithm = 12

// Sizes in octets.
const (
	KeyLen = 32 // RFC 4868 §2.1.1: no other is allowed
	ICVLen = 16 // RFC 4868 §2.1.2
)

// Key is a key for one direction of an association. It never prints. The zero Key is none: using it panics.
type Key struct {
	keying.Hidden
	sum func(parts ...[]byte) [ICVLen]byte
}

// NewKey makes a Key. Its error says which algorithm and length there is.
func NewKey(a Algorithm, material []byte) (Key, error) {
	if a != HMACSHA256128 {
		return Key{}, fmt.Errorf("ah: integrity algorithm %d is not known; use %d (HMAC-SHA-256-128)", a, HMACSHA256128)
	}
	if len(material) != KeyLen {
		return Key{}, fmt.Errorf("ah: the key has %d octets; HMAC-SHA-256-128 takes %d", len(material), KeyLen)
	}
	own := [KeyLen]byte(material)
	return Key{sum: func(parts ...[]byte) [ICVLen]byte {
		mac := hmac.New(sha256.New, own[:])
		for _, p := range parts {
			mac.Write(p)
		}
		return [ICVLen]byte(mac.Sum(nil)[:ICVLen])
	}}, nil
}
