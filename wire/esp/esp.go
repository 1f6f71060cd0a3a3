// Package esp reads the two fields of an ESP packet that are not encrypted (RFC 4303 §2). They say which
// security association opens it; the opening itself is package keying/esp.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ ----
//	|               Security Parameters Index (SPI)                 | ^
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ | integrity
//	|                      Sequence Number                          | | covers these
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ |
//	|     Initialization Vector (8 octets, RFC 4106 §3.1)           | |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ | ----
//	|                    Payload Data* (variable)                   | | ^
//	~               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ | |
//	|               |     Padding (0-255 octets: 1, 2, 3, …)        | | | encrypted
//	+-+-+-+-+-+-+-+-+               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ | |
//	|                               |  Pad Length   | Next Header   | v v
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ ----
//	|         Integrity Check Value-ICV (16 octets, RFC 4106 §6)    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
package esp

import (
	"encoding/binary"

	"roam6/wire"
)

// HeaderLen is the length in octets of SPI and Sequence Number.
const HeaderLen = 8

// MinLen is the shortest ESP packet of AES-GCM in octets: header, IV, the four octets of an empty payload's trailer, ICV.
const MinLen = HeaderLen + 8 + 4 + 16

// Peek gives the SPI and the low 32 bits of the sequence number of an ESP packet (the Payload of an IPv6 packet with
// Next Header 50). It believes nothing: both are only claims until keying/esp.Open has checked the packet.
//
// spec MIP-02
func Peek(b []byte) (spi, seqLow uint32, err error) {
	if len(b) < MinLen {
		return 0, 0, wire.Fail("esp", "packet", len(b), wire.ErrTruncated)
	}
	spi = binary.BigEndian.Uint32(b)
	if spi == 0 {
		// RFC 4303 §2.1: zero never appears on the wire.
		return 0, 0, wire.Fail("esp", "Security Parameters Index", 0, wire.ErrValue)
	}
	return spi, binary.BigEndian.Uint32(b[4:]), nil
}
