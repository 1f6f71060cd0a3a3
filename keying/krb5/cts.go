package krb5

import (
	"crypto/cipher"
	"crypto/subtle"
)

// AES in CBC mode with ciphertext stealing, RFC 3962 §5, from an initial vector of zero: the last two blocks change places, and the one that is
// then last is cut to what the plaintext had. Data has at least one block. Both work in place.

func encryptCTS(c cipher.Block, b []byte) {
	last := (len(b) - 1) / blockLen * blockLen // where the last, perhaps short, block begins
	prev := b[:0]
	for i := 0; i < last; i += blockLen {
		x := b[i : i+blockLen]
		if len(prev) > 0 {
			subtle.XORBytes(x, x, prev)
		}
		c.Encrypt(x, x)
		prev = x
	}
	if last == 0 {
		c.Encrypt(b, b)
		return
	}
	// prev is the block before the last: its head goes to the end, and the last block, padded with zeros, takes its place
	tail := b[last:]
	for i, p := range tail {
		prev[i], tail[i] = prev[i]^p, prev[i]
	}
	c.Encrypt(prev, prev)
}

func decryptCTS(c cipher.Block, b []byte) {
	last := (len(b) - 1) / blockLen * blockLen
	if last == 0 {
		c.Decrypt(b, b)
		return
	}
	// the block before the last is the last of CBC: its plaintext is that of the tail and, behind it, what was stolen
	swap, tail := b[last-blockLen:last], b[last:]
	c.Decrypt(swap, swap)
	for i, s := range tail {
		swap[i], tail[i] = s, swap[i]^s
	}
	for i := last - blockLen; i >= 0; i -= blockLen {
		x := b[i : i+blockLen]
		c.Decrypt(x, x)
		if i > 0 {
			subtle.XORBytes(x, x, b[i-blockLen:i])
		}
	}
}
