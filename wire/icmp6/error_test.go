package icmp6

import (
	"testing"

	"roam6/wire/ip6"
)

var goldenError = golden{
	src: router, dst: ha,
	text: `
		02                      # Type 2: Packet Too Big
		00                      # Code
		5d 80                   # Checksum
		00 00 05 c8             # MTU 1480
		60 00 00 00 00 04 3b 40 # the invoking packet: 4 octets, no next header, hop limit 64
		20 01 0d b8 00 01 00 00 # from the home agent
		00 00 00 00 00 00 00 01 #
		20 01 0d b8 00 0a 00 01 # to the care-of address
		00 00 00 ff fe 00 0a 01 #
		3b 00 04 00             #
	`,
	msg: &Error{Type: TypePacketTooBig, Param: 1480, Invoking: []byte{
		0x60, 0, 0, 0, 0, 4, 0x3b, 0x40,
		0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 1, 0, 0, 0, 0xff, 0xfe, 0, 0x0a, 1,
		0x3b, 0, 4, 0,
	}},
	whole: func(int) bool { return true },
}

func TestError(t *testing.T) { goldenError.check(t) } //spec MIP-10

func TestErrorCodeSurvives(t *testing.T) {
	b := Append(nil, router, ha, &Error{Type: TypeParameterProblem, Code: CodeOption, Param: 42})
	m, err := Parse(router, ha, b)
	if e, ok := m.(*Error); err != nil || !ok || e.Type != 4 || e.Code != 2 || e.Param != 42 || e.Invoking != nil {
		t.Errorf("got %+v, %v", m, err)
	}
}

// RFC 4443 §2.4 c: an error is never longer than the least MTU, whatever it answers.
func TestErrorFitsLeastMTU(t *testing.T) { //spec MIP-10
	long := make([]byte, 9000)
	b := Append(nil, router, ha, &Error{Type: TypePacketTooBig, Invoking: long})
	if len(b)+ip6.HeaderLen != ip6.MinMTU {
		t.Errorf("error of %d octets, want %d", len(b)+ip6.HeaderLen, ip6.MinMTU)
	}
	m, err := Parse(router, ha, seal(router, ha, append(b, long...)))
	if err != nil || len(m.(*Error).Invoking) != MaxInvoking {
		t.Errorf("a longer error: %v, %v; want %d octets kept", m, err, MaxInvoking)
	}
}
