package nd

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
)

// The octets of these tests were made by a program of their own and read by tshark 4.0, which agrees field by field but for
// the address in a NAACK option, which it takes from the Reserved field on.
var (
	ap1HW  = [6]byte{0x02, 0, 0, 0, 0xc1, 0x01}
	ap2HW  = [6]byte{0x02, 0, 0, 0, 0xc1, 0x02}
	narHW  = [6]byte{0x02, 0, 0, 0, 0x0b, 0x02}
	nar    = netip.MustParseAddr("2001:db8:b:1::1")
	narNet = netip.MustParsePrefix("2001:db8:b:1::/64")
	ncoa   = netip.MustParseAddr("2001:db8:b:1:0:ff:fe00:a01")
)

var fastGoldens = map[string]golden{
	"RtSolPr":               goldenRtSolPr,
	"RtSolPr, wildcard":     goldenWildcard,
	"PrRtAdv":               goldenPrRtAdv,
	"PrRtAdv, handover":     goldenHandover,
	"PrRtAdv, outcomes":     goldenOutcomes,
	"RouterAdvertisement":   goldenNAAck,
	"RouterAdvertisement 1": goldenNAAckShort,
}

var goldenRtSolPr = golden{
	src: mnLL, dst: ip6.AllRouters,
	text: `
		9a                      # Type 154
		00                      # Code
		06 3a                   # Checksum
		02 00                   # Subtype 2, Reserved
		12 34                   # Identifier
		13 02 04                # Link-Layer Address, 16 octets, of the source
		02 00 00 00 0a 01 00 00 00 00 00 00 00
		13 02 01                # of the new access point
		02 00 00 00 c1 01 00 00 00 00 00 00 00
		13 02 01
		02 00 00 00 c1 02 00 00 00 00 00 00 00
	`,
	msg:  &RtSolPr{ID: 0x1234, SourceHW: mnHW, AccessPoints: [][6]byte{ap1HW, ap2HW}},
	ends: []int{40},
}

var goldenWildcard = golden{
	src: mnLL, dst: ip6.AllRouters,
	text: `
		9a 00 37 ef 02 00 12 35
		13 02 00                # wildcard
		00 00 00 00 00 00 00 00 00 00 00 00 00
	`,
	msg: &RtSolPr{ID: 0x1235, Wildcard: true},
}

var goldenPrRtAdv = golden{
	src: arLL, dst: mnLL,
	text: `
		9a                      # Type 154
		00                      # Code
		b8 50                   # Checksum
		03 00                   # Subtype 3, Reserved
		12 34                   # Identifier
		13 02 04                # Link-Layer Address of the source
		02 00 00 00 0b 01 00 00 00 00 00 00 00
		13 02 01                # of the new access point
		02 00 00 00 c1 01 00 00 00 00 00 00 00
		13 02 03                # of the new access router
		02 00 00 00 0b 02 00 00 00 00 00 00 00
		11 03 03 40             # IP Address/Prefix, 24 octets, NAR's address, 64 bits
		00 00 00 00             # Reserved
		20 01 0d b8 00 0b 00 01 00 00 00 00 00 00 00 01
	`,
	msg: &PrRtAdv{ID: 0x1234, SourceHW: arHW, AccessPoints: []AccessPoint{
		{HW: ap1HW, Outcome: APFound, RouterHW: narHW, Router: netip.PrefixFrom(nar, 64)}}},
}

var goldenHandover = golden{
	src: arLL, dst: mnLL,
	text: `
		9a 01 55 61 03 00 00 00 # Code 1, unsolicited
		13 02 01 02 00 00 00 c1 01 00 00 00 00 00 00 00
		13 02 03 02 00 00 00 0b 02 00 00 00 00 00 00 00
		11 03 03 00 00 00 00 00 # NAR's address without a prefix
		20 01 0d b8 00 0b 00 01 00 00 00 00 00 00 00 01
		11 03 04 40 00 00 00 00 # its prefix
		20 01 0d b8 00 0b 00 01 00 00 00 00 00 00 00 00
		11 03 02 80 00 00 00 00 # new care-of address
		20 01 0d b8 00 0b 00 01 00 00 00 ff fe 00 0a 01
	`,
	msg: &PrRtAdv{Code: ProxyHandover, AccessPoints: []AccessPoint{{HW: ap1HW, Outcome: APFound, RouterHW: narHW,
		Router: netip.PrefixFrom(nar, 0), Prefix: narNet, CareOf: ncoa}}},
	ends: []int{88},
}

var goldenOutcomes = golden{
	src: arLL, dst: mnLL,
	text: `
		9a 03 79 eb 03 00 12 36 # Code 3
		13 02 01 02 00 00 00 c1 01 00 00 00 00 00 00 00
		13 02 03 02 00 00 00 0b 02 00 00 00 00 00 00 00
		11 03 03 40 00 00 00 00
		20 01 0d b8 00 0b 00 01 00 00 00 00 00 00 00 01
		13 02 05 02 00 00 00 c1 02 00 00 00 00 00 00 00
		13 02 06 02 00 00 00 c1 03 00 00 00 00 00 00 00
		13 02 07 02 00 00 00 c1 04 00 00 00 00 00 00 00
	`,
	msg: &PrRtAdv{Code: ProxySome, ID: 0x1236, AccessPoints: []AccessPoint{
		{HW: ap1HW, Outcome: APFound, RouterHW: narHW, Router: netip.PrefixFrom(nar, 64)},
		{HW: ap2HW, Outcome: APSameRouter}, {HW: [6]byte{2, 0, 0, 0, 0xc1, 3}, Outcome: APNoPrefix},
		{HW: [6]byte{2, 0, 0, 0, 0xc1, 4}, Outcome: APNotSupported}}},
	ends: []int{24, 40, 64, 80, 96},
}

var goldenNAAck = golden{
	src: arLL, dst: ncoa,
	text: `
		86 00 b0 e9 40 00 07 08 00 00 00 00 00 00 00 00
		14 03 00 02             # NAACK, 24 octets, Option-Code 0, Status 2
		00 00 00 00             # Reserved
		20 01 0d b8 00 0b 00 01 00 00 00 00 00 00 00 99
	`,
	msg: &RouterAdvertisement{HopLimit: 64, Lifetime: 30 * time.Minute,
		Options: Options{NAAck: &NAAck{Status: NAAckUseSupplied, CareOf: netip.MustParseAddr("2001:db8:b:1::99")}}},
	ends: []int{16},
}

var goldenNAAckShort = golden{
	src: arLL, dst: ncoa,
	text: `
		86 00 de db 40 00 07 08 00 00 00 00 00 00 00 00
		14 01 00 80 00 00 00 00 # Status 128
	`,
	msg: &RouterAdvertisement{HopLimit: 64, Lifetime: 30 * time.Minute,
		Options: Options{NAAck: &NAAck{Status: NAAckUnknownLLA}}},
	ends: []int{16},
}

// spec MIP-09
func TestFastMessages(t *testing.T) {
	for name, g := range fastGoldens { //order:any
		t.Run(name, func(t *testing.T) {
			g.check(t)
			b := g.octets()
			for n := range b {
				m, err := Parse(g.src, g.dst, HopLimit, seal(g.src, g.dst, slices.Clone(b[:n])))
				if whole := slices.Contains(g.ends, n); whole != (err == nil) || !whole && (m != nil || !errors.Is(err, wire.ErrTruncated)) {
					t.Errorf("cut at %d: %v, %v", n, m, err)
				}
			}
			for i := range b {
				bad := slices.Clone(b)
				bad[i] ^= 0x10
				if m, err := Parse(g.src, g.dst, HopLimit, bad); m != nil || err == nil {
					t.Errorf("accepted with octet %d changed", i)
				}
			}
			m, err := Parse(g.src, g.dst, 254, b)
			wantRefused(t, "through a router", m, err, "Hop Limit", 0, wire.ErrValue)
		})
	}
}

func TestFastSubtypes(t *testing.T) {
	for subtype := range 256 {
		if uint8(subtype) == SubtypeRtSolPr || uint8(subtype) == SubtypePrRtAdv {
			continue
		}
		m, err := Parse(mnLL, arLL, HopLimit, seal(mnLL, arLL, []byte{TypeFast, 0, 0, 0, uint8(subtype), 0, 0, 1}))
		wantRefused(t, "subtype", m, err, "Subtype", 4, wire.ErrUnknown)
	}
}

// lla and address are options.
func lla(code byte) []byte { return appendLLA(nil, code, ap1HW) }

func address(code byte, bits int, a netip.Addr) []byte { return appendAddress(nil, code, bits, a) }

// RFC 5568 §6.1.1.
func TestRtSolPrRefused(t *testing.T) {
	goldenRtSolPr.refuse(t, []refusal{
		{"from nobody", from(nobody), "Source Address", 0, wire.ErrValue},
		{"code", put(1, 1), "Code", 1, wire.ErrValue},
		{"wildcard behind an access point", more(lla(llaWildcard)...), "Wildcard", 56, wire.ErrValue},
		{"access point of one unit", more(19, 1, 1, 2, 0, 0, 0, 0xc1), "Length", 57, wire.ErrLength},
		{"source of three units", more(append([]byte{19, 3, 4}, make([]byte, 21)...)...), "Length", 57, wire.ErrLength},
		{"option of length 0", more(253, 0, 0, 0, 0, 0, 0, 0), "Length", 57, wire.ErrLength},
		{"option past the end", more(253, 2, 0, 0, 0, 0, 0, 0), "Length", 57, wire.ErrTruncated},
		{"without access points", func(_ *golden, b []byte) []byte { return b[:24] }, "New Access Point Link-Layer Address", 24, wire.ErrTruncated},
		{"too many access points", func(_ *golden, b []byte) []byte {
			for range MaxAccessPoints {
				b = append(b, lla(APFound)...)
			}
			return b
		}, "New Access Point Link-Layer Address", 56 + 16*(MaxAccessPoints-2), wire.ErrLimit},
		{"too many options", func(_ *golden, b []byte) []byte {
			for range MaxOptions {
				b = append(b, 253, 1, 0, 0, 0, 0, 0, 0)
			}
			return b
		}, "Options", 56 + 8*(MaxOptions-3), wire.ErrLimit},
	})
	goldenWildcard.refuse(t, []refusal{
		{"access point behind a wildcard", more(lla(APFound)...), "New Access Point Link-Layer Address", 24, wire.ErrValue},
		{"wildcard twice", more(lla(llaWildcard)...), "Wildcard", 24, wire.ErrValue},
	})
}

// RFC 5568 §6.1.2.
func TestPrRtAdvRefused(t *testing.T) {
	first := func(n int) func(*golden, []byte) []byte { return func(_ *golden, b []byte) []byte { return b[:n] } }
	goldenPrRtAdv.refuse(t, []refusal{
		{"from a global address", from(arAddr), "Source Address", 0, wire.ErrValue},
		{"code", put(1, 6), "Code", 1, wire.ErrValue},
		{"no access point", first(24), "New Access Point Link-Layer Address", 24, wire.ErrTruncated},
		{"no router", first(40), "New Router's Link-Layer Address", 40, wire.ErrTruncated},
		{"no address", first(56), "New Router's IP Address", 56, wire.ErrTruncated},
		{"no prefix", put(59, 0), "New Router Prefix Information", 80, wire.ErrTruncated},
		{"129 bits", put(59, 129), "Prefix Length", 59, wire.ErrValue},
		{"multicast router", put(64, 0xff), "IPv6 Address", 56, wire.ErrValue},
		{"address of two units", put(57, 2), "Length", 57, wire.ErrLength},
		{"router's link-layer address twice", more(lla(llaRouter)...), "New Router's Link-Layer Address", 80, wire.ErrValue},
		{"router twice", more(address(addressRouter, 64, nar)...), "IPv6 Address", 80, wire.ErrValue},
		{"unspecified care-of address", more(address(addressCareOf, 128, nobody)...), "IPv6 Address", 80, wire.ErrValue},
		{"access point of three units", more(append([]byte{19, 3, 1}, make([]byte, 21)...)...), "Length", 81, wire.ErrLength},
		{"router before its access point", func(_ *golden, b []byte) []byte { return append(b[:8], lla(llaRouter)...) },
			"New Router's Link-Layer Address", 8, wire.ErrValue},
		{"prefix before its access point", func(_ *golden, b []byte) []byte { return append(b[:8], address(addressPrefix, 64, nar)...) },
			"IPv6 Address", 8, wire.ErrValue},
		{"second access point without a router", more(lla(APFound)...), "New Router's Link-Layer Address", 96, wire.ErrTruncated},
		{"too many access points", func(_ *golden, b []byte) []byte {
			for range MaxAccessPoints {
				b = append(b, lla(APNoPrefix)...)
			}
			return b
		}, "New Access Point Link-Layer Address", 80 + 16*(MaxAccessPoints-1), wire.ErrLimit},
	})
}

func TestNAAckRefused(t *testing.T) {
	goldenNAAck.refuse(t, []refusal{{"two units", put(17, 2), "Length", 17, wire.ErrLength}})
	goldenNAAckShort.refuse(t, []refusal{{"nothing supplied", put(19, 2), "Length", 17, wire.ErrLength}})
}

// Options nobody here knows are ignored and kept: RFC 5568 §6.1.1, §6.1.2.
func TestFastUnknownOptionsSurvive(t *testing.T) {
	for _, g := range []golden{goldenRtSolPr, goldenPrRtAdv} {
		b := g.octets()
		for _, opt := range [][]byte{{253, 1, 1, 2, 3, 4, 5, 6}, lla(2), lla(9), lla(llaSource), address(1, 128, coa), address(7, 128, coa)} {
			b = append(b, opt...)
		}
		m, err := Parse(g.src, g.dst, HopLimit, seal(g.src, g.dst, b))
		if err != nil {
			t.Fatal(err)
		}
		if got := Append(nil, g.src, g.dst, m); !slices.Equal(got, b) {
			t.Errorf("written again:\n got %x\nwant %x", got, b)
		}
	}
}

func TestNetwork(t *testing.T) {
	for _, c := range []struct {
		ap   AccessPoint
		want netip.Prefix
	}{
		{AccessPoint{Router: netip.PrefixFrom(nar, 64)}, narNet},
		{AccessPoint{Router: netip.PrefixFrom(nar, 0)}, netip.Prefix{}},
		{AccessPoint{Router: netip.PrefixFrom(nar, 48), Prefix: narNet}, narNet},
		{AccessPoint{}, netip.Prefix{}},
	} {
		if got := c.ap.Network(); got != c.want {
			t.Errorf("%+v: %v, want %v", c.ap, got, c.want)
		}
	}
}

// RFC 3963 §7.3.
//
// spec MIP-11
func TestHomeAgentOfMobileRouters(t *testing.T) {
	m := &RouterAdvertisement{HomeAgent: true, Options: Options{HomeAgent: &HomeAgentInfo{Preference: 5, MobileRouters: true, Lifetime: time.Minute}}}
	b := Append(nil, arLL, ip6.AllNodes, m)
	if want := []byte{8, 1, 0x80, 0, 0, 5, 0, 60}; !slices.Equal(b[raLen:], want) {
		t.Errorf("option %x, want %x", b[raLen:], want)
	}
	got, err := Parse(arLL, ip6.AllNodes, HopLimit, b)
	if err != nil || *got.(*RouterAdvertisement).Options.HomeAgent != *m.Options.HomeAgent {
		t.Errorf("got %+v, %v", got, err)
	}
}
