package driver

import (
	"encoding/binary"

	"roam6/wire/ip6"
)

// complete finishes a checksum over the headers from the transport's on and the payload behind them: its field, at an
// offset, holds the sum of the pseudo-header. Where there is a payload apart, the headers are an even number of octets.
func complete(upper, payload []byte, offset int) {
	c := ^onesAdd(ip6.Sum(upper), ip6.Sum(payload))
	if c == 0 {
		c = 0xffff // UDP has no zero checksum over IPv6, RFC 8200 §8.1; for the others both are the same
	}
	binary.BigEndian.PutUint16(upper[offset:], c)
}

// onesAdd adds two such sums.
func onesAdd(a, b uint16) uint16 {
	s := uint32(a) + uint32(b)
	return uint16(s>>16 + s&0xffff)
}
