package fast

import (
	"net/netip"
	"time"

	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/octets"
	"roam6/wire/subopt"
)

// The cast of the goldens: a mobile node goes from the link of ar1 to that of ar2.
var (
	ar1    = netip.MustParseAddr("2001:db8:a:1::1")
	ar1LL  = netip.MustParseAddr("fe80::ff:fe00:a01")
	ar2    = netip.MustParseAddr("2001:db8:b:2:0:ff:fe00:b02")
	old    = netip.MustParseAddr("2001:db8:a:1:0:ff:fe00:5")
	coa    = netip.MustParseAddr("2001:db8:b:2:0:ff:fe00:5")
	hoa    = netip.MustParseAddr("2001:db8:1::100")
	ha     = netip.MustParseAddr("2001:db8:1::1")
	hw     = [6]byte{2, 0, 0, 0, 0, 5}
	ar2HW  = [6]byte{2, 0, 0, 0, 0xb, 2}
	coaNet = netip.PrefixFrom(coa, 64)
	apReq  = subopt.Handover{Lightweight: []byte("ap-req")}
)

// update is the embedded packet of the goldens.
func update(src netip.Addr) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: ha}, HomeAddress: hoa, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, hoa, ha, &mh.BindingUpdate{Seq: 7, Ack: true, Home: true, Lifetime: 400 * time.Second})}
	return p.Append(nil)
}

// golden is a message, its octets with a comment on each line, and the addresses its checksum covers. The checksums were computed by a
// program of their own, not by this package.
type golden struct {
	name     string
	src, dst netip.Addr
	text     string
	msg      Message
}

func (g golden) octets() []byte { return octets.Of(g.text) }

var goldens = []golden{
	{"redirect", ar1LL, old, redirectText, &Redirect{Router: netip.PrefixFrom(ar2, 64), HW: ar2HW, CareOf: coa,
		Options: subopt.Handover{Principal: subopt.Principal{Name: "mobileip/ar2.b.example", Realm: "B.EXAMPLE"}}}},
	{"plain redirect", ar1LL, old, plainRedirectText, &Redirect{Router: netip.PrefixFrom(ar2, 64)}},
	{"ack", old, ar1, ackText, &RedirectAck{Sized{apReq}}},
	{"handover", ar1, ar2, handoverText, &Handover{Announced{CareOf: coaNet, HW: hw,
		Options: subopt.Handover{Lightweight: []byte("ap-req"), Control: subopt.Buffer, PreviousCareOf: old}}}},
	{"handover error", ar2, ar1, handoverErrorText, &HandoverError{CareOf: coa}},
	{"authenticated", ar2, coa, authenticatedText, &AuthenticatedMN{Sized{subopt.Handover{Lightweight: []byte("ap-rep")}}}},
	{"notification", old, ar1, notificationText, &Notification{CareOf: coa, Previous: old, Lifetime: 10 * time.Second,
		Options: subopt.Handover{Strictness: subopt.Global, TGT: []byte("\x61\x03abc")}}},
	{"shin", coa, ar2, shinText, &SHIN{Announced{CareOf: coaNet, HW: hw, Options: subopt.Handover{Embedded: update(coa)}}}},
	{"shrep", ar1, ar2, shrepText, &SHREP{Announced{CareOf: coaNet,
		Options: subopt.Handover{Control: subopt.Buffer, Context: []subopt.Context{{Kind: subopt.ContextSession, Data: []byte("ann")}}}}}},
}

const redirectText = `
		96 00 c0 55             # Type 150, Code 0, Checksum
		10 00 00 00             # Subtype 16: Handover Redirect; Reserved
		fd 0b 00 00             # Option 253, 88 octets; Reserved
		40 e0 00 00             # Prefix Size 64; M, C, S; Reserved
		20 01 0d b8 00 0b 00 02 # Access Router IPv6 Address
		00 00 00 ff fe 00 0b 02 #
		02 00 00 ff fe 00 0b 02 # Access Router MAC Address
		20 01 0d b8 00 0b 00 02 # New Care-of Address
		00 00 00 ff fe 00 00 05 #
		01 23                   # Principal: name of 22, realm of 9 octets
		16 6d 6f 62 69 6c 65 69 #
		70 2f 61 72 32 2e 62 2e #
		65 78 61 6d 70 6c 65 09 #
		42 2e 45 58 41 4d 50 4c #
		45                      #
		00 00 00 00 00          # padding
	`

const plainRedirectText = `
		96 00 b0 8d             # Type 150, Code 0, Checksum
		10 00 00 00             # Subtype 16: Handover Redirect; Reserved
		fd 03 00 00             # Option 253, 24 octets; Reserved
		40 00 00 00             # Prefix Size 64; Reserved
		20 01 0d b8 00 0b 00 02 # Access Router IPv6 Address
		00 00 00 ff fe 00 0b 02 #
	`

const ackText = `
		96 00 08 97             # Type 150, Code 0, Checksum
		11 00 00 00             # Subtype 17: Handover Redirect Ack; Reserved
		fd 03 00 00             # Option 253, 24 octets; Reserved
		00 00 00 00             # Reserved
		00 20                   # Length: 32 octets
		04 08                   # Lightweight Kerberos Message
		61 70 2d 72 65 71       #
		00 00 00 00 00 00       # padding
	`

const handoverText = `
		96 00 2b 00             # Type 150, Code 0, Checksum
		12 00 00 00             # Subtype 18: Handover; Reserved
		fd 08 00 00             # Option 253, 64 octets; Reserved
		40 80 00 00             # Prefix Size 64; M; Reserved
		20 01 0d b8 00 0b 00 02 # Mobile Node's New Care-of Address
		00 00 00 ff fe 00 00 05 #
		02 00 00 ff fe 00 00 05 # Mobile Node MAC Address
		04 08                   # Lightweight Kerberos Message
		61 70 2d 72 65 71       #
		08 03                   # Control: buffer
		80                      #
		0a 12                   # Previous Care-of Address
		20 01 0d b8 00 0a 00 01 #
		00 00 00 ff fe 00 00 05 #
		00 00 00                # padding
	`

const handoverErrorText = `
		96 00 c7 48             # Type 150, Code 0, Checksum
		13 00 00 00             # Subtype 19: Handover Error; Reserved
		fd 03 00 00             # Option 253, 24 octets; Reserved
		00 00 00 00             # Reserved
		20 01 0d b8 00 0b 00 02 # Mobile Node's New Care-of Address
		00 00 00 ff fe 00 00 05 #
	`

const authenticatedText = `
		96 00 fb 92             # Type 150, Code 0, Checksum
		14 00 00 00             # Subtype 20: Authenticated-MN; Reserved
		fd 03 00 00             # Option 253, 24 octets; Reserved
		00 00 00 00             # Reserved
		00 20                   # Length: 32 octets
		04 08                   # Lightweight Kerberos Message
		61 70 2d 72 65 70       #
		00 00 00 00 00 00       # padding
	`

const notificationText = `
		96 00 31 21             # Type 150, Code 0, Checksum
		15 00 00 00             # Subtype 21: Previous Router Notification; Reserved
		fd 07 00 00             # Option 253, 56 octets; Reserved
		00 00 00 0a             # Reserved; Lifetime 10 s
		20 01 0d b8 00 0b 00 02 # New Care-of Address
		00 00 00 ff fe 00 00 05 #
		20 01 0d b8 00 0a 00 01 # Previous Care-of Address
		00 00 00 ff fe 00 00 05 #
		02 03                   # Negotiation flag: G
		03                      #
		07 07                   # Ticket-granting ticket
		61 03 61 62 63          #
		00 00 00 00 00 00       # padding
	`

const shinText = `
		96 00 3c 4d             # Type 150, Code 0, Checksum
		18 00 00 00             # Subtype 24: SHIN; Reserved
		fd 0f 00 00             # Option 253, 120 octets; Reserved
		40 80 00 00             # Prefix Size 64; M; Reserved
		20 01 0d b8 00 0b 00 02 # Mobile Node's New Care-of Address
		00 00 00 ff fe 00 00 05 #
		02 00 00 ff fe 00 00 05 # Mobile Node MAC Address
		2b 52                   # Embedded Data: a Binding Update
		60 00 00 00 00 28 3c 40 #
		20 01 0d b8 00 0b 00 02 #
		00 00 00 ff fe 00 00 05 #
		20 01 0d b8 00 01 00 00 #
		00 00 00 00 00 00 00 01 #
		87 02 01 02 00 00 c9 10 #
		20 01 0d b8 00 01 00 00 #
		00 00 00 00 00 00 01 00 #
		3b 01 05 00 a1 84 00 07 #
		c0 00 00 64 01 02 00 00 #
		00 00 00 00 00 00       # padding
	`

const shrepText = `
		96 00 7e 58             # Type 150, Code 0, Checksum
		19 00 00 00             # Subtype 25: SHREP; Reserved
		fd 05 00 00             # Option 253, 40 octets; Reserved
		40 00 00 00             # Prefix Size 64; Reserved
		20 01 0d b8 00 0b 00 02 # Mobile Node's New Care-of Address
		00 00 00 ff fe 00 00 05 #
		08 03                   # Control: buffer
		80                      #
		09 09                   # Context: session, 3 octets
		02 00 00 03 61 6e 6e    #
		00 00 00 00             # padding
	`
