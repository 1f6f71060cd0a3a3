package lwkrb

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// Sizes in octets.
const (
	KeyLen   = 32                // every key of ours
	NonceLen = 24                // of XAES-256-GCM
	TagLen   = 16                // of AES-GCM
	Overhead = NonceLen + TagLen // what sealing adds
)

// Labels of derive. What XAES-256-GCM derives has 'X'.
const (
	labelSubkey    = 'X'
	labelDelegated = 'D'
	labelOpenReply = 'Q'
	labelReply     = 'R'
	labelAH        = 'H'
	labelESP       = 'P'
	labelID        = 'I'
	labelError     = 'E'
	labelNonce     = 'V'
)

// box is a key of 32 octets, made ready once for all that is done with it: to derive other keys (NIST SP 800-108r1, counter mode, with
// AES-256-CMAC), and to seal and open with XAES-256-GCM (C2SP), whose subkeys are derived so too.
type box struct {
	block  cipher.Block
	k1, k2 [aes.BlockSize]byte // subkeys of CMAC, NIST SP 800-38B §6.1
}

func newBox(key []byte) *box {
	x := &box{}
	x.init(key)
	return x
}

func (x *box) init(key []byte) {
	x.block = cipherOf(key)
	clear(x.k1[:])
	x.block.Encrypt(x.k1[:], x.k1[:])
	double(&x.k1)
	x.k2 = x.k1
	double(&x.k2)
}

func cipherOf(key []byte) cipher.Block {
	if len(key) != KeyLen {
		panic("lwkrb: a key of the wrong size") // the callers' are constants, or checked
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only wrong sizes are an error
	}
	return block
}

// double multiplies by x in GF(2^128), NIST SP 800-38B §6.1, in a time that does not depend on the value.
func double(b *[aes.BlockSize]byte) {
	high, low := binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
	binary.BigEndian.PutUint64(b[:], high<<1|low>>63)
	binary.BigEndian.PutUint64(b[8:], low<<1^0x87&-(high>>63))
}

// erase lets go of what the cipher made of the key.
func (x *box) erase() { *x = box{} }

// cmac is AES-256-CMAC, NIST SP 800-38B §6.2, over head (shorter than a block) and parts, into sum.
func (x *box) cmac(sum *[aes.BlockSize]byte, head []byte, parts ...[]byte) {
	var last [aes.BlockSize]byte // the block that may be the last one
	clear(sum[:])
	n := copy(last[:], head)
	for _, p := range parts {
		for len(p) > 0 {
			if n == len(last) {
				x.step(sum, &last)
				n = 0
			}
			k := copy(last[n:], p)
			n, p = n+k, p[k:]
		}
	}
	if n == len(last) {
		xor(&last, &x.k1)
	} else {
		last[n] = 0x80
		clear(last[n+1:])
		xor(&last, &x.k2)
	}
	x.step(sum, &last)
}

func (x *box) step(sum, in *[aes.BlockSize]byte) {
	xor(sum, in)
	x.block.Encrypt(sum[:], sum[:])
}

// xor is two words: package subtle's, for any length, costs more than the cipher.
func xor(to, from *[aes.BlockSize]byte) {
	binary.LittleEndian.PutUint64(to[:], binary.LittleEndian.Uint64(to[:])^binary.LittleEndian.Uint64(from[:]))
	binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(to[8:])^binary.LittleEndian.Uint64(from[8:]))
}

// derive fills out with CMAC(00 01 label 00 context), CMAC(00 02 label 00 context), …
func (x *box) derive(out []byte, label byte, context ...[]byte) {
	i := byte(1)
	for ; len(out) >= aes.BlockSize; i++ {
		x.cmac((*[aes.BlockSize]byte)(out), []byte{0, i, label, 0}, context...)
		out = out[aes.BlockSize:]
	}
	if len(out) > 0 {
		var sum [aes.BlockSize]byte
		x.cmac(&sum, []byte{0, i, label, 0}, context...)
		copy(out, sum[:])
		clear(sum[:])
	}
}

// key is a derived key of KeyLen octets.
func (x *box) key(label byte, context ...[]byte) (k [KeyLen]byte) {
	x.derive(k[:], label, context...)
	return k
}

// box is a derived key, ready.
func (x *box) box(label byte, context ...[]byte) *box {
	k := x.key(label, context...)
	defer clear(k[:])
	return newBox(k[:])
}

// aead is AES-256-GCM under the subkey of a nonce, which the first half of that makes. The second half is the nonce of AES-GCM.
func (x *box) aead(nonce []byte) cipher.AEAD {
	k := x.key(labelSubkey, nonce[:12])
	defer clear(k[:])
	aead, err := cipher.NewGCM(cipherOf(k[:]))
	if err != nil {
		panic(err) // only other block sizes are an error
	}
	return aead
}

// seal appends nonce, cipher text and tag to dst. ad may be what dst holds; plain and the spare capacity of dst must not overlap.
func (x *box) seal(dst []byte, drawn [NonceLen]byte, ad, plain []byte) []byte {
	var nonce [NonceLen]byte
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(ad)))
	x.derive(nonce[:], labelNonce, drawn[:], size[:], ad, plain)
	return x.sealWith(dst, nonce[:], ad, plain)
}

func (x *box) sealWith(dst, nonce, ad, plain []byte) []byte {
	return x.aead(nonce).Seal(append(dst, nonce...), nonce[12:], plain, ad)
}

// open gives what seal was given, in memory of its own, or failure.
func (x *box) open(ad, sealed []byte, failure Failure) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, failure
	}
	nonce := sealed[:NonceLen]
	plain, err := x.aead(nonce).Open(nil, nonce[12:], sealed[NonceLen:], ad)
	if err != nil {
		return nil, failure
	}
	return plain, nil
}

// nonceOf is the nonce of something sealed, which names it: nobody without the key makes another with the same.
func nonceOf(sealed []byte) []byte {
	if len(sealed) < Overhead {
		panic("lwkrb: sealed octets that no message can have")
	}
	return sealed[:NonceLen]
}
