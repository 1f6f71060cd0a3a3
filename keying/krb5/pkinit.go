package krb5

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
)

// PKINITKey is octetstring2key of RFC 4556 §3.2.3.1: the AS reply key of an encryption type from what Diffie-Hellman gave (padded to the
// modulus) and both nonces, in this order; without reuse of keys there are no nonces.
func PKINITKey(e EType, x ...[]byte) (Key, error) {
	p := e.profile()
	if p == nil {
		return Key{}, fmt.Errorf("krb5: encryption type %d is not known; use 17 to 20", int32(e))
	}
	var out []byte
	for i := byte(0); len(out) < p.key; i++ {
		h := sha1.New()
		h.Write([]byte{i})
		for _, b := range x {
			h.Write(b)
		}
		out = h.Sum(out)
	}
	return made(e, p, out[:p.key:p.key]), nil
}

// KDF is a key derivation function of RFC 8636 §6, by the last number of its object identifier below id-pkinit-kdf (1.3.6.1.5.2.3.6).
type KDF int

// The functions, which are the hash they use.
const (
	KDFSHA1   KDF = 1 // id-pkinit-kdf-ah-sha1
	KDFSHA256 KDF = 2 // id-pkinit-kdf-ah-sha256
	KDFSHA512 KDF = 3 // id-pkinit-kdf-ah-sha512
	KDFSHA384 KDF = 4 // id-pkinit-kdf-ah-sha384
)

func (f KDF) hash() func() hash.Hash {
	switch f {
	case KDFSHA1:
		return sha1.New
	case KDFSHA256:
		return sha256.New
	case KDFSHA512:
		return sha512.New
	case KDFSHA384:
		return sha512.New384
	}
	return nil
}

// Known says whether the function is one of this package.
func (f KDF) Known() bool { return f.hash() != nil }

// PKINITKeyAgile is the AS reply key by RFC 8636 §6: the hash over a counter of four octets, the shared secret z and other, the DER encoding of
// OtherInfo (wire/krb5 makes it), which names client, KDC, request and reply.
func PKINITKeyAgile(e EType, f KDF, z, other []byte) (Key, error) {
	p := e.profile()
	if p == nil || !f.Known() {
		return Key{}, fmt.Errorf("krb5: encryption type %d or key derivation function %d is not known", int32(e), int(f))
	}
	var out []byte
	for i := uint32(1); len(out) < p.key; i++ {
		h := f.hash()()
		h.Write(binary.BigEndian.AppendUint32(nil, i))
		h.Write(z)
		h.Write(other)
		out = h.Sum(out)
	}
	return made(e, p, out[:p.key:p.key]), nil
}

// BestKDF is the preferred one of functions that are offered, 0 if none is known: SHA-1 last.
func BestKDF(offered []int) KDF {
	for _, f := range []KDF{KDFSHA256, KDFSHA384, KDFSHA512, KDFSHA1} {
		if slices.Contains(offered, int(f)) {
			return f
		}
	}
	return 0
}
