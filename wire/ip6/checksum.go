package ip6

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Checksum is the Internet checksum of an upper-layer payload with the IPv6 pseudo-header, RFC 8200 §8.1.
// Give the payload with its checksum field zero to compute it; a payload with a right checksum gives 0.
func Checksum(src, dst netip.Addr, proto uint8, payload []byte) uint16 {
	s, d := src.As16(), dst.As16()
	sum := uint64(Sum(s[:])) + uint64(Sum(d[:])) + uint64(len(payload)) + uint64(proto) + uint64(Sum(payload))
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// Sum is the ones' complement sum of the 16-bit words of b (RFC 1071), an odd last octet padded with zero. It takes 8 octets at a time: 2^16
// is 1 there. Octets are swapped in the sum and not before, RFC 1071 §2(B).
func Sum(b []byte) uint16 {
	var s, carry uint64
	for len(b) >= 64 {
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b), 0)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[8:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[16:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[24:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[32:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[40:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[48:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[56:]), carry)
		s, carry = bits.Add64(s, 0, carry)
		s += carry
		b = b[64:]
	}
	for len(b) >= 8 {
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b), 0)
		s += carry
		b = b[8:]
	}
	var rest uint64
	for i, o := range b {
		rest |= uint64(o) << (8 * i)
	}
	s, carry = bits.Add64(s, rest, 0)
	s += carry
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return bits.ReverseBytes16(uint16(s>>16 + s&0xffff))
}
