package esp

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"roam6/keying"
)

// Sizes in octets.
const (
	SaltLen = 4  // RFC 4106 §4
	IVLen   = 8  // RFC 4106 §3.1
	ICVLen  = 16 // RFC 4106 §6, the full length
)

// Key is an AES-GCM key and its salt, ready for use. It never prints. The zero Key is none: using it panics.
type Key struct {
	keying.Hidden
	k func() *keyed
}

type keyed struct {
	aead cipher.AEAD
	salt [SaltLen]byte
}

// NewKey makes a Key of keying material as RFC 4106 §8.1 orders it: an AES key of 16 or 32 octets, then 4 of salt.
func NewKey(material []byte) (Key, error) {
	n := len(material) - SaltLen
	if n != 16 && n != 32 {
		return Key{}, fmt.Errorf("esp: the key has %d octets; use 20 (AES-128 and salt) or 36 (AES-256 and salt)", len(material))
	}
	block, err := aes.NewCipher(material[:n])
	if err != nil {
		return Key{}, fmt.Errorf("esp: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Key{}, fmt.Errorf("esp: %w", err)
	}
	k := &keyed{aead, [SaltLen]byte(material[n:])}
	return Key{k: func() *keyed { return k }}, nil
}
