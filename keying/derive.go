package keying

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// MinSecret is the shortest secret, in octets, that Derive accepts. The long-term key of a mobile node has 32.
const MinSecret = 16

// MaxDerived is the most octets Derive gives: 255 blocks of SHA-256 (RFC 5869 §2.3).
const MaxDerived = 255 * sha256.Size

// Derive makes size octets of key from a secret with HKDF-SHA-256 (RFC 5869), for one purpose and one pair of
// parties. label names the purpose ("esp mn to ha"); the two identities are those of the parties, the mobile one
// first. Both are bound with their lengths, so that no two sets of arguments share a key unless they are equal.
// Only wrong sizes are an error.
func Derive(secret []byte, label, mobile, peer string, size int) ([]byte, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("keying: the secret has %d octets, at least %d are needed", len(secret), MinSecret)
	}
	if size < 1 || size > MaxDerived {
		return nil, fmt.Errorf("keying: %d octets of key wanted, 1 to %d can be derived", size, MaxDerived)
	}
	info := []byte("roam6 v1")
	for _, s := range []string{label, mobile, peer} {
		info = binary.BigEndian.AppendUint32(info, uint32(len(s)))
		info = append(info, s...)
	}
	return hkdf.Key(sha256.New, secret, nil, string(info), size)
}
