package nd

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
)

var goldenRA = golden{
	src: arLL, dst: ip6.AllNodes,
	text: `
		86                      # Type 134
		00                      # Code
		f6 ce                   # Checksum
		40                      # Cur Hop Limit 64
		60                      # M=0 O=1 H=1
		07 08                   # Router Lifetime 1800 s
		00 00 75 30             # Reachable Time 30000 ms
		00 00 03 e8             # Retrans Timer 1000 ms
		01 01                   # Source Link-Layer Address, 8 octets
		02 00 00 00 0b 01       #
		03 04                   # Prefix Information, 32 octets
		40                      # Prefix Length 64
		e0                      # L=1 A=1 R=1
		00 27 8d 00             # Valid Lifetime 2592000 s
		ff ff ff ff             # Preferred Lifetime: infinity
		00 00 00 00             # Reserved2
		20 01 0d b8 00 0a 00 01 # Prefix: with R the whole address of the router
		00 00 00 00 00 00 00 01 #
		05 01                   # MTU, 8 octets
		00 00                   # Reserved
		00 00 05 dc             # 1500
		07 01                   # Advertisement Interval, 8 octets
		00 00                   # Reserved
		00 00 05 dc             # 1500 ms
		08 01                   # Home Agent Information, 8 octets
		00 00                   # Reserved
		80 01                   # Home Agent Preference 32769: unsigned
		0e 10                   # Home Agent Lifetime 3600 s
	`,
	msg: &RouterAdvertisement{
		HopLimit: 64, Other: true, HomeAgent: true,
		Lifetime: 1800 * time.Second, Reachable: 30 * time.Second, Retrans: time.Second,
		Options: Options{
			SourceHW: arHW,
			Prefixes: []Prefix{{
				Prefix: netip.MustParsePrefix("2001:db8:a:1::/64"), Addr: arAddr,
				OnLink: true, Autonomous: true, RouterAddr: true,
				Valid: 2592000 * time.Second, Preferred: Infinity,
			}},
			MTU:         1500,
			AdvInterval: 1500 * time.Millisecond,
			HomeAgent:   &HomeAgentInfo{Preference: 32769, Lifetime: time.Hour},
		},
	},
	ends: []int{16, 24, 56, 64, 72},
}

func TestRouterAdvertisement(t *testing.T) { goldenRA.check(t) } //spec MIP-05

// RFC 4861 §6.1.2.
func TestRouterAdvertisementRefused(t *testing.T) {
	goldenRA.refuse(t, []refusal{
		{"from a global address", from(arAddr), "Source Address", 0, wire.ErrValue},
		{"from nobody", from(nobody), "Source Address", 0, wire.ErrValue},
		{"prefix longer than an address", put(26, 129), "Prefix Length", 26, wire.ErrValue},
		{"prefix of another length", more(3, 1, 64, 0, 0, 0, 0, 0), "Length", 81, wire.ErrLength},
		{"MTU of another length", more(5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "Length", 81, wire.ErrLength},
		{"interval of another length", more(7, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "Length", 81, wire.ErrLength},
		{"home agent of another length", more(8, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "Length", 81, wire.ErrLength},
	})
}

// Each flag stands for itself, and reserved bits are ignored.
func TestRouterAdvertisementFlags(t *testing.T) {
	for _, c := range []struct {
		octet byte
		want  RouterAdvertisement
	}{
		{0x80, RouterAdvertisement{Managed: true}},
		{0x40, RouterAdvertisement{Other: true}},
		{0x20, RouterAdvertisement{HomeAgent: true}},
	} {
		b := Append(nil, arLL, ip6.AllNodes, &c.want)
		if b[5] != c.octet {
			t.Errorf("%+v: flags %#x, want %#x", c.want, b[5], c.octet)
		}
		b[5] |= 0x1f
		if m, err := Parse(arLL, ip6.AllNodes, HopLimit, seal(arLL, ip6.AllNodes, b)); err != nil || !reflect.DeepEqual(m, &c.want) {
			t.Errorf("flags %#x: %+v, %v; want %+v", b[5], m, err, c.want)
		}
	}
}

// RFC 6275 §7.4: a router that is no home agent tells nothing about itself as one.
func TestHomeAgentInformationNeedsTheFlag(t *testing.T) {
	b := goldenRA.octets()
	b[5] &^= 0x20
	m, err := Parse(arLL, ip6.AllNodes, HopLimit, seal(arLL, ip6.AllNodes, b))
	if err != nil || optionsOf(m).HomeAgent != nil {
		t.Errorf("without H: %+v, %v", m, err)
	}
	ra := *goldenRA.msg.(*RouterAdvertisement)
	ra.HomeAgent = false
	if b := Append(nil, arLL, ip6.AllNodes, &ra); len(b) != 72 {
		t.Errorf("without H %d octets were written, want 72", len(b))
	}
}

// A duration beyond its field is cut to what the field can say.
func TestDurationsFitTheirFields(t *testing.T) {
	in := &RouterAdvertisement{
		HomeAgent: true,
		Lifetime:  20 * time.Hour, Reachable: -time.Second, Retrans: Infinity,
		Options: Options{
			AdvInterval: time.Microsecond,
			HomeAgent:   &HomeAgentInfo{Lifetime: 20 * time.Hour},
			Prefixes: []Prefix{{
				Prefix: netip.MustParsePrefix("::/0"), Valid: Infinity - 1, Preferred: 1999 * time.Millisecond,
			}},
		},
	}
	want := &RouterAdvertisement{
		HomeAgent: true,
		Lifetime:  65535 * time.Second, Retrans: (1<<32 - 1) * time.Millisecond,
		Options: Options{
			AdvInterval: time.Millisecond,
			HomeAgent:   &HomeAgentInfo{Lifetime: 65535 * time.Second},
			Prefixes: []Prefix{{
				Prefix: netip.MustParsePrefix("::/0"), Valid: (1<<32 - 2) * time.Second, Preferred: time.Second,
			}},
		},
	}
	m, err := Parse(arLL, ip6.AllNodes, HopLimit, Append(nil, arLL, ip6.AllNodes, in))
	if err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v, %v\nwant %+v", m, err, want)
	}
}
