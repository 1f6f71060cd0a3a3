package nd

import (
	"testing"

	"roam6/wire"
	"roam6/wire/ip6"
)

var goldenRS = golden{
	src: mnLL, dst: ip6.AllRouters,
	text: `
		85                      # Type 133
		00                      # Code
		67 2c                   # Checksum
		00 00 00 00             # Reserved
		01 01                   # Source Link-Layer Address, 8 octets
		02 00 00 00 0a 01       #
	`,
	msg:  &RouterSolicitation{Options: Options{SourceHW: mnHW}},
	ends: []int{8},
}

func TestRouterSolicitation(t *testing.T) { goldenRS.check(t) }

// RFC 4861 §6.1.1.
func TestRouterSolicitationRefused(t *testing.T) {
	goldenRS.refuse(t, []refusal{
		{"source address given by nobody", from(nobody), "Source Link-Layer Address", 8, wire.ErrValue},
		{"link-layer address of another length", more(1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "Length", 17, wire.ErrLength},
	})
}

// A host without an address may not give its link-layer address: RFC 4861 §4.1.
func TestRouterSolicitationOfNobody(t *testing.T) {
	b := Append(nil, nobody, ip6.AllRouters, goldenRS.msg)
	m, err := Parse(nobody, ip6.AllRouters, HopLimit, b)
	if err != nil || optionsOf(m).SourceHW != [6]byte{} {
		t.Errorf("Parse = %+v, %v; want no option", m, err)
	}
}
