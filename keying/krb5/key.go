package krb5

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"roam6/keying"
)

// Key is a protocol key with its encryption type. It never prints. The zero Key is none: using it panics.
//
// It is for one goroutine at a time, as it keeps what it derives.
type Key struct {
	keying.Hidden
	k func() *keyed
}

// keyed is a key, and what was derived from it.
type keyed struct {
	*profile
	etype EType
	key   []byte
	block cipher.Block // of key itself, made when the first is derived
	base  hash.Hash    // HMAC of key itself, likewise
	buf   [blockLen]byte
	use   []*derived
}

// derived are the keys of one usage, each made when first needed.
type derived struct {
	usage Usage
	ke    cipher.Block
	ki    hash.Hash // HMAC of Ki
	kc    hash.Hash // HMAC of Kc
	sum   [64]byte  // where sums to be compared are made: they would escape to the heap each time
}

// maxDerived bounds how many usages a key keeps. A long-term key has two or three, a session key of a KDC about six.
const maxDerived = 16

// NewKey takes the octets of a key, as an EncryptionKey has them; every string of the right length is one (RFC 3962 §6, RFC 8009 §2), so this
// is random-to-key as well.
func NewKey(e EType, octets []byte) (Key, error) {
	p := e.profile()
	if p == nil {
		return Key{}, fmt.Errorf("krb5: encryption type %d is not known; use 17 to 20", int32(e))
	}
	if len(octets) != p.key {
		return Key{}, fmt.Errorf("krb5: a key of %v has %d octets, this has %d", e, p.key, len(octets))
	}
	return made(e, p, bytes.Clone(octets)), nil
}

func made(e EType, p *profile, octets []byte) Key {
	k := &keyed{profile: p, etype: e, key: octets}
	return Key{k: func() *keyed { return k }}
}

// Valid says whether there is a key.
func (k Key) Valid() bool { return k.k != nil }

// EType is the encryption type; 0 without a key.
func (k Key) EType() EType {
	if k.k == nil {
		return 0
	}
	return k.k().etype
}

// Octets gives a copy of the key, for an EncryptionKey or a keytab: a secret.
func (k Key) Octets() []byte { return bytes.Clone(k.k().key) }

// Clone is the same key for another goroutine.
func (k Key) Clone() Key { x := k.k(); return made(x.etype, x.profile, bytes.Clone(x.key)) }

// Equal compares in constant time.
func (k Key) Equal(o Key) bool {
	return k.Valid() && o.Valid() && k.EType() == o.EType() && hmac.Equal(k.k().key, o.k().key)
}

// Erase overwrites the key. What was derived from it is let go, and what is derived afterwards worthless.
func (k Key) Erase() {
	if k.k == nil {
		return
	}
	x := k.k()
	clear(x.key)
	x.block, x.base, x.use = nil, nil, nil
}

// usage gives the keys of a usage.
func (x *keyed) usage(u Usage) *derived {
	for _, d := range x.use {
		if d.usage == u {
			return d
		}
	}
	d := &derived{usage: u}
	if len(x.use) == maxDerived { // nobody does that; forgetting costs time only
		x.use = x.use[:0]
	}
	x.use = append(x.use, d)
	return d
}

// The last octet of a constant that a key is derived with, RFC 3961 §5.3, RFC 8009 §5.
const (
	forChecksum   = 0x99
	forEncryption = 0xaa
	forIntegrity  = 0x55
)

func (x *keyed) encryption(d *derived) cipher.Block {
	if d.ke == nil {
		var b [MaxKeyLen]byte
		d.ke = cipherOf(x.derive(b[:x.profile.key], d.usage, forEncryption))
		clear(b[:])
	}
	return d.ke
}

func (x *keyed) integrity(d *derived) hash.Hash {
	if d.ki == nil {
		d.ki = x.mac(d.usage, forIntegrity)
	}
	d.ki.Reset()
	return d.ki
}

func (x *keyed) checksum(d *derived) hash.Hash {
	if d.kc == nil {
		d.kc = x.mac(d.usage, forChecksum)
	}
	d.kc.Reset()
	return d.kc
}

func (x *keyed) mac(u Usage, what byte) hash.Hash {
	var b [MaxKeyLen]byte
	defer clear(b[:])
	return hmac.New(x.profile.hash, x.derive(b[:x.macKey], u, what))
}

// derive fills out with the key of a usage and purpose.
func (x *keyed) derive(out []byte, u Usage, what byte) []byte {
	var constant [5]byte
	binary.BigEndian.PutUint32(constant[:], uint32(u))
	constant[4] = what
	if x.sha2 {
		return x.kdf(out, string(constant[:]), "")
	}
	var b [blockLen]byte
	fold128(&b, constant)
	return x.dr(out, b)
}

// dk is DK of RFC 3961 §5.1: out has as many octets as the key, and random-to-key changes nothing.
func (x *keyed) dk(out []byte, constant string) []byte {
	var b [blockLen]byte
	nfold(b[:], []byte(constant))
	return x.dr(out, b)
}

// dr is DR of RFC 3961 §5.1 from the folded constant.
func (x *keyed) dr(out []byte, b [blockLen]byte) []byte {
	if x.block == nil {
		x.block = cipherOf(x.key)
	}
	for rest := out; len(rest) > 0; {
		x.block.Encrypt(b[:], b[:])
		rest = rest[copy(rest, b[:]):]
	}
	return out
}

// kdf is KDF-HMAC-SHA2 of RFC 8009 §3; it fills out, for which one block of the HMAC is always enough.
func (x *keyed) kdf(out []byte, label, context string) []byte {
	if x.base == nil {
		x.base = hmac.New(x.profile.hash, x.key)
	}
	x.base.Reset()
	b := append(append(x.buf[:0], 0, 0, 0, 1), label...)
	x.base.Write(append(b, 0))
	io.WriteString(x.base, context)
	x.base.Write(binary.BigEndian.AppendUint32(x.buf[:0], uint32(8*len(out))))
	var sum [64]byte
	copy(out, x.base.Sum(sum[:0]))
	clear(sum[:])
	return out
}

func cipherOf(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only wrong sizes are an error, and ours are constants
	}
	return block
}
