package krb5

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
)

// Reasons why a ciphertext is refused.
var (
	ErrShort     = errors.New("krb5: shorter than a confounder and a checksum")
	ErrIntegrity = errors.New("krb5: integrity check failed: wrong key, or the data was altered")
)

// noIV is the initial cipher state, RFC 3962 §6 and RFC 8009 §5. It is never written to.
var noIV [blockLen]byte

// Encrypt appends the encryption of plain to dst: RFC 3961 §5.3 or RFC 8009 §5. confounder is ConfounderLen random octets; others are the
// caller's mistake. plain and the spare capacity of dst must not overlap.
func (k Key) Encrypt(dst []byte, u Usage, confounder, plain []byte) []byte {
	if len(confounder) != ConfounderLen {
		panic(fmt.Sprintf("krb5: a confounder of %d octets", len(confounder)))
	}
	x := k.k()
	d := x.usage(u)
	dst = slices.Grow(dst, ConfounderLen+len(plain)+x.profile.mac)
	start := len(dst)
	dst = append(append(dst, confounder...), plain...)
	h := x.integrity(d)
	if x.sha2 {
		h.Write(noIV[:])
	} else {
		h.Write(dst[start:])
	}
	encryptCTS(x.encryption(d), dst[start:])
	if x.sha2 {
		h.Write(dst[start:])
	}
	end := len(dst)
	return h.Sum(dst)[:end+x.profile.mac]
}

// Decrypt gives what Encrypt was given, appended to dst. What fails leaves dst's octets as they were; its spare capacity may have changed. b
// and the spare capacity of dst must not overlap.
func (k Key) Decrypt(dst []byte, u Usage, b []byte) ([]byte, error) {
	x := k.k()
	n := len(b) - x.profile.mac
	if n < ConfounderLen {
		return nil, ErrShort
	}
	d := x.usage(u)
	h := x.integrity(d)
	if x.sha2 { // the sum is over the ciphertext: nothing that is not authentic is decrypted
		h.Write(noIV[:])
		h.Write(b[:n])
		if !hmac.Equal(h.Sum(d.sum[:0])[:x.profile.mac], b[n:]) {
			return nil, ErrIntegrity
		}
	}
	at := len(dst)
	dst = append(dst, b[:n]...)
	work := dst[at:]
	decryptCTS(x.encryption(d), work)
	if !x.sha2 {
		h.Write(work)
		if !hmac.Equal(h.Sum(d.sum[:0])[:x.profile.mac], b[n:]) {
			clear(work)
			return nil, ErrIntegrity
		}
	}
	copy(work, work[ConfounderLen:])
	return dst[:at+n-ConfounderLen], nil
}
