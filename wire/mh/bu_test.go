package mh_test

import (
	"bytes"
	"testing"
	"time"

	"roam6/wire/mh"
)

// spec MIP-01
func TestBindingUpdate(t *testing.T) {
	for _, g := range []golden{
		{"home registration", home, ha,
			&mh.BindingUpdate{Seq: 7, Ack: true, Home: true, LinkLocal: true, KeyMgmt: true, Lifetime: 400 * time.Second},
			`3b 01 05 00  // Payload Proto 59, Header Len 1 (16 octets), MH Type 5
			 72 7f 00 07  // checksum, Sequence # 7
			 f0 00 00 64  // A H L K, Lifetime 100 units
			 01 02 00 00  // PadN of 4`},
		{"alternate care-of address", home, ha,
			&mh.BindingUpdate{Seq: 8, Ack: true, Home: true, Lifetime: 400 * time.Second, Options: mh.Options{AltCareOf: coa}},
			`3b 03 05 00
			 71 9e 00 08
			 c0 00 00 64  // A H
			 01 00        // PadN of 2: the option stands at 8n+6
			 03 10 20 01 0d b8 00 02 00 00 00 00 00 00 00 00 00 05`},
		{"mobile router", home, ha, //spec MIP-11
			&mh.BindingUpdate{Seq: 9, MobileRouter: true},
			`3b 01 05 00
			 5e e2 00 09
			 04 00 00 00  // R, RFC 3963 §4.1; Lifetime 0
			 01 02 00 00`},
		{"to a correspondent node", home, ha, //spec MIP-04
			&mh.BindingUpdate{Seq: 10, Ack: true, Lifetime: 420 * time.Second, Options: mh.Options{
				Nonces: &mh.NonceIndices{Home: 3, CareOf: 4}, BindingAuth: bytes.Repeat([]byte{0xaa}, 12)}},
			`3b 03 05 00
			 da 50 00 0a
			 80 00 00 69
			 04 04 00 03 00 04                           // Nonce Indices at 2n
			 05 0c aa aa aa aa aa aa aa aa aa aa aa aa   // authenticator at 8n+2, nothing behind it`},
		{"authentication option", home, ha, //spec MIP-03
			&mh.BindingUpdate{Seq: 11, Ack: true, Home: true, Lifetime: 420 * time.Second, Options: mh.Options{
				AltCareOf: coa, NAI: "mn@home.example", Timestamp: 0xe9b3c5d200000001,
				Auth: &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: bytes.Repeat([]byte{0xaa}, 12)}}},
			`3b 09 05 00
			 d7 97 00 0b
			 c0 00 00 69
			 01 00
			 03 10 20 01 0d b8 00 02 00 00 00 00 00 00 00 00 00 05
			 08 10 01 6d 6e 40 68 6f 6d 65 2e 65 78 61 6d 70 6c 65  // subtype 1, mn@home.example
			 0a 08 e9 b3 c5 d2 00 00 00 01                          // at 8n+2: seconds, fraction
			 00                                                     // Pad1: the next stands at 4n+1
			 09 11 01 00 00 01 00 aa aa aa aa aa aa aa aa aa aa aa aa  // MN-HA, SPI 256, ends the message`},
		{"MN-HA and MN-AAA", home, ha, //spec MIP-03
			&mh.BindingUpdate{Seq: 12, Options: mh.Options{
				Auth:    &mh.Auth{Subtype: mh.AuthMNHA, SPI: 256, Data: bytes.Repeat([]byte{0xaa}, 12)},
				AuthAAA: &mh.Auth{Subtype: mh.AuthMNAAA, SPI: mh.SPIHMACSHA1, Data: bytes.Repeat([]byte{0xbb}, 20)}}},
			`3b 07 05 00
			 e2 3a 00 0c
			 00 00 00 00
			 00                                                        // Pad1
			 09 11 01 00 00 01 00 aa aa aa aa aa aa aa aa aa aa aa aa
			 01 03 00 00 00                                            // PadN of 5, so that the last one ends the message
			 09 19 02 00 00 00 03 bb bb bb bb bb bb bb bb bb bb bb bb bb bb bb bb bb bb bb bb`},
	} {
		g.check(t)
	}
}

func TestAfter(t *testing.T) {
	for _, c := range []struct {
		seq, last uint16
		want      bool
	}{{1, 0, true}, {0, 0, false}, {0, 1, false}, {0, 65535, true}, {65535, 0, false}, {0x7fff, 0, true}, {0x8000, 0, false}, {0x8001, 0, false}} {
		if mh.After(c.seq, c.last) != c.want {
			t.Errorf("%d after %d: not %v", c.seq, c.last, c.want)
		}
	}
}
