package gpsk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// cmac is AES-CMAC, RFC 4493 §2.4, over the concatenation of parts. The key has 16 octets.
func cmac(key []byte, parts ...[]byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only wrong sizes are an error, and ours are constants
	}
	var x, last [aes.BlockSize]byte // the running value, and the block that may be the last one
	n := 0                          // octets in last
	for _, p := range parts {
		for len(p) > 0 {
			if n == len(last) {
				step(block, &x, &last)
				n = 0
			}
			k := copy(last[n:], p)
			n, p = n+k, p[k:]
		}
	}
	var sub [aes.BlockSize]byte
	block.Encrypt(sub[:], sub[:])
	double(&sub)
	if n < len(last) {
		double(&sub)
		last[n] = 0x80
		clear(last[n+1:])
	}
	subtle.XORBytes(last[:], last[:], sub[:])
	step(block, &x, &last)
	return x[:]
}

func step(block cipher.Block, x, in *[aes.BlockSize]byte) {
	subtle.XORBytes(x[:], x[:], in[:])
	block.Encrypt(x[:], x[:])
}

// double multiplies by x in GF(2^128), RFC 4493 §2.3, in a time that does not depend on the value.
func double(b *[aes.BlockSize]byte) {
	top := b[0] >> 7
	for i := range len(b) - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[len(b)-1] = b[len(b)-1]<<1 ^ 0x87&-top
}
