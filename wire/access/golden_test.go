package access

import (
	"net/netip"
	"time"

	"roam6/wire/octets"
)

// The cast of the goldens: mn visits the link of ar, which is the AAA client.
var (
	coa   = netip.MustParseAddr("2001:db8:a:1:0:ff:fe00:a01")
	ar    = netip.MustParseAddr("2001:db8:a:1::1")
	hoa   = netip.MustParseAddr("2001:db8:1::100")
	ha    = netip.MustParseAddr("2001:db8:1::1")
	other = netip.MustParseAddr("2001:db8:f::1")
)

// golden is a message, its octets with a comment on each line, and the addresses its checksum covers. The checksums were computed by a
// program of their own, not by this package.
type golden struct {
	src, dst netip.Addr
	text     string
	msg      Message
}

const goldenID = 0x01020304

func (g golden) octets() []byte { return octets.Of(g.text) }

var goldenRequest = golden{
	src: coa, dst: ar,
	text: `
		96 00 ea 6a             # Type 150, Code 0, Checksum
		16 00 00 00             # Subtype 22: AAA Request; Reserved
		fd 15 00 01             # Option 253, 168 octets; Part 0 of 1
		01 02 03 04             # Identifier
		20 0a                   # Local Challenge, 10 octets
		11 12 13 14 15 16 17 18 #
		23 12                   # Network Access Identifier, 18 octets
		6d 6e 31 40 68 6f 6d 65 #
		2e 65 78 61 6d 70 6c 65 #
		24 12                   # Home Address, 18 octets
		20 01 0d b8 00 01 00 00 #
		00 00 00 00 00 00 01 00 #
		25 12                   # Care-of Address, 18 octets
		20 01 0d b8 00 0a 00 01 #
		00 00 00 ff fe 00 0a 01 #
		26 0a                   # Host Challenge, 10 octets
		21 22 23 24 25 26 27 28 #
		27 12                   # MN Authentication Data, 18 octets
		a0 a1 a2 a3 a4 a5 a6 a7 #
		a8 a9 aa ab ac ad ae af #
		28 06                   # MIP Feature Data, 6 octets: Home-Agent-Requested
		00 00 00 01             #
		29 08                   # EAP Data, 8 octets: Response, Identifier 7, Length 6, Identity "x"
		02 07 00 06 01 78       #
		2a 32                   # Key Request, 50 octets
		08 01 01 00             # 8 octets; MN-HA; by random number
		00 00 01 00             # SPI 256
		28 02 03 00             # 40 octets; MN-AR; by either method
		00 01 00 01             # SPI 65537
		c0 c1 c2 c3 c4 c5 c6 c7 # public value
		c8 c9 ca cb cc cd ce cf #
		d0 d1 d2 d3 d4 d5 d6 d7 #
		d8 d9 da db dc dd de df #
		00 00 00 00             # padding
	`,
	msg: &Request{
		NAI: "mn1@home.example", HomeAddress: hoa, CareOf: coa,
		LocalChallenge: octets.Ramp(0x11, 8), HostChallenge: octets.Ramp(0x21, 8), Auth: octets.Ramp(0xa0, 16),
		Features: HomeAgentRequested, EAP: []byte{2, 7, 0, 6, 1, 'x'},
		Keys: []KeyRequest{
			{Use: HomeAgent, Methods: Random, SPI: 256},
			{Use: AccessRouter, Methods: Random | DiffieHellman, SPI: 65537, Public: octets.Ramp(0xc0, 32)},
		},
	},
}

var goldenReply = golden{
	src: ar, dst: coa,
	text: `
		96 00 8a d8             # Type 150, Code 0, Checksum
		17 00 00 00             # Subtype 23: AAA Reply; Reserved
		fd 14 00 01             # Option 253, 160 octets; Part 0 of 1
		01 02 03 04             # Identifier
		20 0a                   # Local Challenge, 10 octets
		31 32 33 34 35 36 37 38 #
		29 06                   # EAP Data, 6 octets: Success
		03 07 00 04             #
		2c 06                   # Result, 6 octets: DIAMETER_SUCCESS
		00 00 07 d1             #
		2d 12                   # Network Authentication Data, 18 octets
		b0 b1 b2 b3 b4 b5 b6 b7 #
		b8 b9 ba bb bc bd be bf #
		2e 6a                   # Key Data, 106 octets
		2c 01 01 01             # 44 octets; MN-HA; by random number; AES-GCM
		00 00 02 00             # SPI 512
		00 00 0e 10             # Lifetime 3600 s
		40 41 42 43 44 45 46 47 # random number
		48 49 4a 4b 4c 4d 4e 4f #
		50 51 52 53 54 55 56 57 #
		58 59 5a 5b 5c 5d 5e 5f #
		3c 02 02 01             # 60 octets; MN-AR; Diffie-Hellman; AES-GCM
		00 00 02 01             # SPI 513
		00 00 07 08             # Lifetime 1800 s
		60 61 62 63 64 65 66 67 # public value
		68 69 6a 6b 6c 6d 6e 6f #
		70 71 72 73 74 75 76 77 #
		78 79 7a 7b 7c 7d 7e 7f #
		80 81 82 83 84 85 86 87 # MAC
		88 89 8a 8b 8c 8d 8e 8f #
		2f 06                   # Session Lifetime, 6 octets: 7200 s
		00 00 1c 20             #
	`,
	msg: &Reply{
		LocalChallenge: octets.Ramp(0x31, 8), EAP: []byte{3, 7, 0, 4}, Result: 2001, Auth: octets.Ramp(0xb0, 16),
		Keys: []KeyData{
			{Use: HomeAgent, Method: Random, Algorithm: AESGCM, SPI: 512, Lifetime: time.Hour, Value: octets.Ramp(0x40, 32)},
			{Use: AccessRouter, Method: DiffieHellman, Algorithm: AESGCM, SPI: 513, Lifetime: 30 * time.Minute, Value: octets.Ramp(0x60, 32), MAC: octets.Ramp(0x80, 16)},
		},
		Lifetime: 2 * time.Hour,
	},
}
