package nd

import (
	"testing"

	"roam6/wire"
	"roam6/wire/ip6"
)

// Duplicate address detection with the nonce of RFC 7527.
var goldenNS = golden{
	src: nobody, dst: ip6.SolicitedNode(coa),
	text: `
		87                      # Type 135
		00                      # Code
		40 eb                   # Checksum
		00 00 00 00             # Reserved
		20 01 0d b8 00 0a 00 01 # Target Address
		00 00 00 ff fe 00 0a 01 #
		0e 01                   # Nonce, 8 octets
		a1 a2 a3 a4 a5 a6       #
	`,
	msg:  &NeighborSolicitation{Target: coa, Options: Options{Nonce: []byte{0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6}}},
	ends: []int{24},
}

func TestNeighborSolicitation(t *testing.T) { goldenNS.check(t) }

// RFC 4861 §7.1.1.
func TestNeighborSolicitationRefused(t *testing.T) {
	goldenNS.refuse(t, []refusal{
		{"multicast target", put(8, 0xff), "Target Address", 8, wire.ErrValue},
		{"nobody asks all nodes", to(ip6.AllNodes), "Destination Address", 0, wire.ErrValue},
		{"nobody asks the target alone", to(coa), "Destination Address", 0, wire.ErrValue},
		{"nobody gives a source address", more(1, 1, 2, 0, 0, 0, 0x0a, 1), "Source Link-Layer Address", 32, wire.ErrValue},
		{"nobody gives a source address of zeros", more(1, 1, 0, 0, 0, 0, 0, 0), "Source Link-Layer Address", 32, wire.ErrValue},
	})
}

// Somebody may ask whom it likes, and give its link-layer address.
func TestNeighborSolicitationUnicast(t *testing.T) {
	want := NeighborSolicitation{Target: arAddr, Options: Options{SourceHW: mnHW}}
	m, err := Parse(coa, arAddr, HopLimit, Append(nil, coa, arAddr, &want))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.(*NeighborSolicitation); got.Target != arAddr || got.Options.SourceHW != mnHW {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNeighborSolicitationOfNobody(t *testing.T) {
	dst := ip6.SolicitedNode(coa)
	b := Append(nil, nobody, dst, &NeighborSolicitation{Target: coa, Options: Options{SourceHW: mnHW}})
	if _, err := Parse(nobody, dst, HopLimit, b); err != nil || len(b) != nsLen {
		t.Errorf("%d octets, %v; want %d without the option", len(b), err, nsLen)
	}
}
