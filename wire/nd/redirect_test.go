package nd

import (
	"net/netip"
	"testing"

	"roam6/wire"
)

var betterAR = netip.MustParseAddr("fe80::ff:fe00:b02")

var goldenRedirect = golden{
	src: arLL, dst: coa,
	text: `
		89                      # Type 137
		00                      # Code
		4e 1f                   # Checksum
		00 00 00 00             # Reserved
		fe 80 00 00 00 00 00 00 # Target Address
		00 00 00 ff fe 00 0b 02 #
		20 01 0d b8 00 0c 00 00 # Destination Address
		00 00 00 00 00 00 00 01 #
		02 01                   # Target Link-Layer Address, 8 octets
		02 00 00 00 0b 02       #
		04 03                   # Redirected Header, 24 octets
		00 00 00 00 00 00       # Reserved
		60 00 00 00 00 04 11 ff # IP header + data, as much as the router liked
		20 01 0d b8 00 0a 00 01 #
	`,
	msg: &Redirect{
		Target: betterAR, Destination: cn,
		Options: Options{
			TargetHW: [6]byte{0x02, 0, 0, 0, 0x0b, 0x02},
			Unknown: []RawOption{{Type: OptRedirectedHeader, Data: []byte{
				0, 0, 0, 0, 0, 0,
				0x60, 0, 0, 0, 0, 4, 0x11, 0xff, 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 1,
			}}},
		},
	},
	ends: []int{40, 48},
}

func TestRedirect(t *testing.T) { goldenRedirect.check(t) }

// RFC 4861 §8.1.
func TestRedirectRefused(t *testing.T) {
	goldenRedirect.refuse(t, []refusal{
		{"from a global address", from(arAddr), "Source Address", 0, wire.ErrValue},
		{"multicast destination", put(24, 0xff), "Destination Address", 24, wire.ErrValue},
		{"target neither link-local nor the destination", put(8, 0x20, 0x01), "Target Address", 8, wire.ErrValue},
	})
}

// The destination is a neighbour: Target equals it and need not be link-local.
func TestRedirectToNeighbour(t *testing.T) {
	b := Append(nil, arLL, coa, &Redirect{Target: cn, Destination: cn})
	if _, err := Parse(arLL, coa, HopLimit, b); err != nil {
		t.Error(err)
	}
}
