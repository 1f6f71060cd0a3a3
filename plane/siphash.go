package plane

import (
	"encoding/binary"
	"math/bits"
)

// hashSeed is the key of SipHash, so that nobody who does not know it can make two packets that are taken for one.
type hashSeed struct{ k0, k1 uint64 }

// sum is SipHash-2-4 (Aumasson and Bernstein, 2012).
func (k hashSeed) sum(b []byte) uint64 {
	h := sip{k.k0 ^ 0x736f6d6570736575, k.k1 ^ 0x646f72616e646f6d, k.k0 ^ 0x6c7967656e657261, k.k1 ^ 0x7465646279746573}
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		h.word(binary.LittleEndian.Uint64(b))
	}
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	h.word(last)
	h.v2 ^= 0xff
	for range 4 {
		h.round()
	}
	return h.v0 ^ h.v1 ^ h.v2 ^ h.v3
}

type sip struct{ v0, v1, v2, v3 uint64 }

func (h *sip) word(m uint64) {
	h.v3 ^= m
	h.round()
	h.round()
	h.v0 ^= m
}

func (h *sip) round() {
	h.v0 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 13) ^ h.v0
	h.v0 = bits.RotateLeft64(h.v0, 32)
	h.v2 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 16) ^ h.v2
	h.v0 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 21) ^ h.v0
	h.v2 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 17) ^ h.v2
	h.v2 = bits.RotateLeft64(h.v2, 32)
}

// permute gives another number for each number, in an order that only the key tells: a Feistel network of four rounds.
func (k hashSeed) permute(n uint32) uint32 {
	left, right := uint16(n>>16), uint16(n)
	for round := range uint64(4) {
		left, right = right, left^uint16(fold(uint64(right)^round<<16^k.k0^hashA, k.k1^hashB)>>24)
	}
	return uint32(left)<<16 | uint32(right)
}
