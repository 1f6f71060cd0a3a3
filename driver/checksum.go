package driver

import (
	"encoding/binary"
	"math/bits"
)

// complete finishes a checksum over the headers from the transport's on and the payload behind them: its field, at an
// offset, holds the sum of the pseudo-header. Where there is a payload apart, the headers are an even number of octets.
func complete(upper, payload []byte, offset int) {
	c := ^onesAdd(sum(upper), sum(payload))
	if c == 0 {
		c = 0xffff // UDP has no zero checksum over IPv6, RFC 8200 §8.1; for the others both are the same
	}
	binary.BigEndian.PutUint16(upper[offset:], c)
}

// sum is the ones' complement sum of the 16-bit words of b (RFC 1071), taken 8 octets at a time: 2^16 is 1 there.
func sum(b []byte) uint16 {
	var s, carry uint64
	for len(b) >= 32 {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b[8:]), carry)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b[16:]), carry)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	var rest uint64
	for i, o := range b {
		rest |= uint64(o) << (56 - 8*i)
	}
	s, carry = bits.Add64(s, rest, carry)
	s, carry = bits.Add64(s, 0, carry)
	s += carry
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s>>16 + s&0xffff)
}

func onesAdd(a, b uint16) uint16 {
	s := uint32(a) + uint32(b)
	return uint16(s>>16 + s&0xffff)
}
