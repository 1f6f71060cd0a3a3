package nd

import (
	"reflect"
	"testing"

	"roam6/wire"
	"roam6/wire/ip6"
)

var goldenNA = golden{
	src: coa, dst: ip6.AllNodes,
	text: `
		88                      # Type 136
		00                      # Code
		dd 14                   # Checksum
		20 00 00 00             # R=0 S=0 O=1, Reserved
		20 01 0d b8 00 0a 00 01 # Target Address
		00 00 00 ff fe 00 0a 01 #
		02 01                   # Target Link-Layer Address, 8 octets
		02 00 00 00 0a 01       #
	`,
	msg:  &NeighborAdvertisement{Override: true, Target: coa, Options: Options{TargetHW: mnHW}},
	ends: []int{24},
}

func TestNeighborAdvertisement(t *testing.T) { goldenNA.check(t) }

// RFC 4861 §7.1.2.
func TestNeighborAdvertisementRefused(t *testing.T) {
	goldenNA.refuse(t, []refusal{
		{"multicast target", put(8, 0xff), "Target Address", 8, wire.ErrValue},
		{"solicited by all nodes", put(4, 0x60), "S", 4, wire.ErrValue},
		{"link-layer address of another length", more(2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "Length", 33, wire.ErrLength},
	})
}

// Each flag stands for itself, and reserved bits are ignored.
func TestNeighborAdvertisementFlags(t *testing.T) {
	for _, c := range []struct {
		octet byte
		want  NeighborAdvertisement
	}{
		{0x80, NeighborAdvertisement{Router: true, Target: coa}},
		{0x40, NeighborAdvertisement{Solicited: true, Target: coa}},
		{0x20, NeighborAdvertisement{Override: true, Target: coa}},
	} {
		b := Append(nil, coa, arLL, &c.want)
		if b[4] != c.octet {
			t.Errorf("%+v: flags %#x, want %#x", c.want, b[4], c.octet)
		}
		b[4], b[7] = b[4]|0x1f, 0xff
		if m, err := Parse(coa, arLL, HopLimit, seal(coa, arLL, b)); err != nil || !reflect.DeepEqual(m, &c.want) {
			t.Errorf("flags %#x: %+v, %v; want %+v", b[4], m, err, c.want)
		}
	}
}
