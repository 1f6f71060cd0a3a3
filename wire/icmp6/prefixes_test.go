package icmp6

import (
	"reflect"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/nd"
)

// The source is the home address: the solicitation carries it in a Home Address option.
var goldenPrefixSolicitation = golden{
	src: hoa, dst: ha,
	text: `
		92    # Type 146
		00    # Code
		bb 9d # Checksum
		55 aa # Identifier
		00 00 # Reserved
	`,
	msg:   &PrefixSolicitation{ID: 0x55aa},
	whole: func(int) bool { return true },
}

// The destination is the home address: the advertisement carries it in a type 2 routing header.
var goldenPrefixAdvertisement = golden{
	src: ha, dst: hoa,
	text: `
		93                      # Type 147
		00                      # Code
		b3 c5                   # Checksum
		55 aa                   # Identifier
		80 00                   # M=1 O=0, Reserved
		03 04                   # Prefix Information, 32 octets
		40                      # Prefix Length 64
		e0                      # L=1 A=1 R=1
		00 00 0e 10             # Valid Lifetime 3600 s
		00 00 07 08             # Preferred Lifetime 1800 s
		00 00 00 00             # Reserved2
		20 01 0d b8 00 01 00 00 # Prefix: with R the whole address of the home agent
		00 00 00 00 00 00 00 01 #
	`,
	msg: &PrefixAdvertisement{ID: 0x55aa, Managed: true, Prefixes: []nd.Prefix{{
		Prefix: homeNet, Addr: ha, OnLink: true, Autonomous: true, RouterAddr: true,
		Valid: time.Hour, Preferred: 30 * time.Minute,
	}}},
	whole: func(n int) bool { return n == headerLen },
}

func TestPrefixSolicitation(t *testing.T)  { goldenPrefixSolicitation.check(t) }  //spec MIP-05
func TestPrefixAdvertisement(t *testing.T) { goldenPrefixAdvertisement.check(t) } //spec MIP-05

func TestPrefixAdvertisementOther(t *testing.T) {
	b := Append(nil, ha, hoa, &PrefixAdvertisement{Other: true})
	if m, err := Parse(ha, hoa, b); err != nil || b[6] != 0x40 || !reflect.DeepEqual(m, &PrefixAdvertisement{Other: true}) {
		t.Errorf("flags %#x: %+v, %v", b[6], m, err)
	}
}

// RFC 6275 §6.7, §6.8: options nobody knows are ignored, but their lengths must be right.
func TestOptionsAfterPrefixMessages(t *testing.T) {
	for _, g := range []golden{goldenPrefixSolicitation, goldenPrefixAdvertisement} {
		whole := g.octets()
		with := append(g.octets(), 253, 1, 1, 2, 3, 4, 5, 6, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		if m, err := Parse(g.src, g.dst, seal(g.src, g.dst, with)); err != nil || !reflect.DeepEqual(m, g.msg) {
			t.Errorf("with unknown options: %+v, %v; want %+v", m, err, g.msg)
		}
		zero := append(g.octets(), 253, 0, 0, 0, 0, 0, 0, 0)
		g.refused(t, "option of length 0", zero, "Length", len(whole)+1, wire.ErrLength)
		past := append(g.octets(), 253, 2, 0, 0, 0, 0, 0, 0)
		g.refused(t, "option past the end", past, "Length", len(whole)+1, wire.ErrTruncated)
	}
	bad := goldenPrefixAdvertisement.octets()
	bad[10] = 129
	goldenPrefixAdvertisement.refused(t, "prefix of 129 bits", bad, "Prefix Length", 10, wire.ErrValue)
}
