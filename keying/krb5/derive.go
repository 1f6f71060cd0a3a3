package krb5

import (
	"crypto/pbkdf2"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxIterations is the most rounds of PBKDF2 that StringToKey computes. The number comes from a KDC that has not shown its key yet (RFC 3962 §4).
const MaxIterations = 1_000_000

// StringToKey makes the key of a password, RFC 3962 §4 and RFC 8009 §4. salt is realm and name components in a row unless the KDC says
// otherwise; params are its s2kparams: none, or the iteration count in four octets. Only an unknown encryption type and wrong
// parameters are errors.
func StringToKey(e EType, password, salt string, params []byte) (Key, error) {
	p := e.profile()
	if p == nil {
		return Key{}, fmt.Errorf("krb5: encryption type %d is not known; use 17 to 20", int32(e))
	}
	n := p.rounds
	if len(params) > 0 {
		if len(params) != 4 {
			return Key{}, fmt.Errorf("krb5: string-to-key parameters of %d octets; RFC 3962 §4 has 4", len(params))
		}
		n = binary.BigEndian.Uint32(params)
	}
	if n < 1 || n > MaxIterations { // 0 stands for 2^32
		return Key{}, fmt.Errorf("krb5: string-to-key wants %d iterations; 1 to %d are computed", n, MaxIterations)
	}
	if p.sha2 {
		salt = p.name + "\x00" + salt
	}
	octets, err := pbkdf2.Key(p.hash, password, []byte(salt), int(n), p.key)
	if err != nil {
		return Key{}, fmt.Errorf("krb5: %w", err)
	}
	defer clear(octets)
	x := &keyed{profile: p, etype: e, key: octets}
	if p.sha2 {
		return made(e, p, x.kdf(make([]byte, p.key), "kerberos", "")), nil
	}
	return made(e, p, x.dk(make([]byte, p.key), "kerberos")), nil
}

// PRFLen is the octets that PRF gives.
func (e EType) PRFLen() int {
	if p := e.profile(); p != nil {
		return p.prf
	}
	return 0
}

// PRF is the pseudo-random function of the encryption type, RFC 3961 §5.3 and RFC 8009 §5.
func (k Key) PRF(in ...[]byte) []byte {
	x := k.k()
	if x.sha2 {
		return x.kdf(make([]byte, x.prf), "prf", string(slices.Concat(in...)))
	}
	h := x.profile.hash()
	for _, b := range in {
		h.Write(b)
	}
	out := h.Sum(nil)[:blockLen]
	kp := x.dk(make([]byte, x.profile.key), "prf")
	defer clear(kp)
	cipherOf(kp).Encrypt(out, out)
	return out
}

// MaxPRFPlus is how much PRFPlus gives, in calls of PRF: its counter has one octet.
const MaxPRFPlus = 255

// PRFPlus is PRF+ of RFC 6113 §5.1, size octets of it. More than MaxPRFPlus calls of PRF give is the caller's mistake.
func (k Key) PRFPlus(pepper []byte, size int) []byte {
	if size > MaxPRFPlus*k.EType().PRFLen() {
		panic(fmt.Sprintf("krb5: %d octets of PRF+", size))
	}
	var out []byte
	for i := byte(1); len(out) < size; i++ {
		out = append(out, k.PRF([]byte{i}, pepper)...)
	}
	return out[:size]
}

// Combine is KRB-FX-CF2 of RFC 6113 §5.1: a key of a's encryption type that whoever lacks one of the two keys cannot make.
func Combine(a, b Key, pepperA, pepperB string) Key {
	p := a.k().profile
	out := a.PRFPlus([]byte(pepperA), p.key)
	subtle.XORBytes(out, out, b.PRFPlus([]byte(pepperB), p.key))
	return made(a.EType(), p, out)
}
