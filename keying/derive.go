package keying

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// MinSecret is the shortest secret, in octets, that Derive accepts. The long-term key of a mobile node has 32.
const MinSecret = 16

// MaxDerived is the most octets that are derived for one purpose: 255 blocks of SHA-256 (RFC 5869 §2.3).
const MaxDerived = 255 * sha256.Size

// Derive makes size octets of key from a secret with HKDF-SHA-256 (RFC 5869), for one purpose and one pair of
// parties. label names the purpose ("esp mn to ha"); the two identities are those of the parties, the mobile one
// first. Both are bound with their lengths, so that no two sets of arguments share a key unless they are equal.
// Only wrong sizes are an error.
func Derive(secret []byte, label, mobile, peer string, size int) ([]byte, error) {
	root, err := Extract(secret)
	if err != nil {
		return nil, err
	}
	defer clear(root[:])
	if size < 1 || size > MaxDerived {
		return nil, fmt.Errorf("keying: %d octets of key wanted, 1 to %d can be derived", size, MaxDerived)
	}
	key := make([]byte, size)
	Expand(key, &root, label, mobile, peer)
	return key, nil
}

// Extract does what Derive does to a secret of MinSecret octets or more before anything else (RFC 5869 §2.2). Keys for many purposes
// are expanded of it with half the work. It is as secret as the secret.
func Extract(secret []byte) (root [sha256.Size]byte, err error) {
	if len(secret) < MinSecret {
		return root, fmt.Errorf("keying: the secret has %d octets, at least %d are needed", len(secret), MinSecret)
	}
	return MAC(&root, secret), nil // zeros take the place of a salt
}

// Expand fills key, of at most MaxDerived octets, with what Derive would give.
func Expand(key []byte, root *[sha256.Size]byte, label, mobile, peer string) {
	if len(key) > MaxDerived {
		panic("keying: more octets of key wanted than can be derived")
	}
	var room [256]byte
	info := append(room[:0], "roam6 v1"...)
	for _, s := range [...]string{label, mobile, peer} {
		info = binary.BigEndian.AppendUint32(info, uint32(len(s)))
		info = append(info, s...)
	}
	var block [sha256.Size]byte
	defer clear(block[:])
	before := block[:0] // RFC 5869 §2.3: T(0) is empty
	for i := byte(1); len(key) > 0; i++ {
		block = MAC(root, before, info, []byte{i})
		before = block[:]
		key = key[copy(key, block[:]):]
	}
}

// macRoom is how long a message MAC works on without allocating memory.
const macRoom = 448

// MAC is HMAC-SHA-256 (RFC 2104) of the parts of a message, one after another. crypto/hmac takes twice the time and six allocations for
// messages as short as ours; a test holds this one against it.
func MAC(key *[sha256.Size]byte, message ...[]byte) [sha256.Size]byte {
	const inner, outer = 0x36, 0x5c
	n := sha256.BlockSize
	for _, m := range message {
		n += len(m)
	}
	var room [sha256.BlockSize + macRoom]byte
	b := room[:]
	if n > len(b) {
		b = make([]byte, n)
	}
	defer clear(b) // of the key, and of a message that may be a secret
	pad, rest := b[:sha256.BlockSize], b[sha256.BlockSize:]
	copy(pad, key[:])
	for i := range pad {
		pad[i] ^= inner
	}
	for _, m := range message {
		rest = rest[copy(rest, m):]
	}
	sum := sha256.Sum256(b[:n])
	for i := range pad {
		pad[i] ^= inner ^ outer
	}
	copy(b[sha256.BlockSize:], sum[:])
	return sha256.Sum256(b[:sha256.BlockSize+sha256.Size])
}
