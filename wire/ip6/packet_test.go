package ip6

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"roam6/wire"
)

var (
	hoa = netip.MustParseAddr("2001:db8:1::10")
	coa = netip.MustParseAddr("2001:db8:a:1::99")
	ha  = netip.MustParseAddr("2001:db8:1::1")
	all = netip.MustParseAddr("ff02::1")
)

// Packets as they stand on the wire, field by field.
var goldens = []struct {
	name   string
	packet Packet
	wire   []string
}{
	{"plain", Packet{Header: Header{TrafficClass: 0xb8, FlowLabel: 0x12345, HopLimit: 255, Src: coa, Dst: ha}, Proto: ProtoUDP, Payload: []byte("data")},
		[]string{
			"6b812345", "0004", "11", "ff",
			"20010db8000a00010000000000000099", "20010db8000100000000000000000001",
			hex.EncodeToString([]byte("data")),
		}},
	// RFC 6275 §6.3: the option is aligned 8n+6 in its header, so that the address is aligned to 8 octets.
	{"home address", Packet{Header: Header{HopLimit: 64, Src: coa, Dst: ha}, HomeAddress: hoa, Proto: ProtoMH, Payload: []byte{59, 0}},
		[]string{
			"60000000", "001a", "3c", "40",
			"20010db8000a00010000000000000099", "20010db8000100000000000000000001",
			"87", "02", // Next Header: Mobility Header; 3 times 8 octets
			"01", "02", "0000", // PadN
			"c9", "10", "20010db8000100000000000000000010",
			"3b00",
		}},
	// RFC 6275 §6.4.
	{"type 2 routing header", Packet{Header: Header{HopLimit: 64, Src: ha, Dst: coa}, Routing2: hoa, Proto: ProtoMH, Payload: []byte{59, 0}},
		[]string{
			"60000000", "001a", "2b", "40",
			"20010db8000100000000000000000001", "20010db8000a00010000000000000099",
			"87", "02", "02", "01", "00000000", // type 2, segments left 1
			"20010db8000100000000000000000010",
			"3b00",
		}},
	// RFC 2473 §5.1: the limit, then a PadN of one octet.
	{"encapsulation limit", Packet{Header: Header{HopLimit: 64, Src: ha, Dst: coa}, EncapLimit: 5, Proto: ProtoIPv6},
		[]string{
			"60000000", "0008", "3c", "40",
			"20010db8000100000000000000000001", "20010db8000a00010000000000000099",
			"29", "00", "04", "01", "04", "01", "01", "00",
		}},
	// RFC 2711 §2.1: value 0 tells of multicast listener discovery; PadN of no data fills the header.
	{"router alert", Packet{Header: Header{HopLimit: 1, Src: ha, Dst: all}, RouterAlert: 1, Proto: ProtoICMPv6},
		[]string{
			"60000000", "0008", "00", "01",
			"20010db8000100000000000000000001", "ff020000000000000000000000000001",
			"3a", "00", "05", "02", "0000", "01", "00",
		}},
	{"all of them", Packet{Header: Header{HopLimit: 1, Src: coa, Dst: ha}, HomeAddress: hoa, Routing2: ha, EncapLimit: 1, RouterAlert: 0x1235, Proto: ProtoNone, Payload: []byte{}},
		[]string{
			"60000000", "0040", "00", "01",
			"20010db8000a00010000000000000099", "20010db8000100000000000000000001",
			"2b", "00", "05", "02", "1234", "01", "00",
			"3c", "02", "02", "01", "00000000", "20010db8000100000000000000000001",
			"3b", "03", "04", "01", "00", "01", "01", "00", "0104" + "00000000", "c910", "20010db8000100000000000000000010",
		}},
}

func TestGoldens(t *testing.T) { //spec MIP-01
	for _, g := range goldens {
		want := unhex(t, strings.Join(g.wire, ""))
		if got := g.packet.Append([]byte("head")); string(got[:4]) != "head" || !bytes.Equal(got[4:], want) {
			t.Errorf("%s:\n got %x\nwant %x", g.name, got[4:], want)
		}
		got, err := Parse(want)
		if err != nil {
			t.Errorf("%s: %v", g.name, err)
			continue
		}
		if !bytes.Equal(want[got.ProtoOffset:], got.Payload) || want[got.ProtoAt] != got.Proto {
			t.Errorf("%s: offsets %d and %d", g.name, got.ProtoOffset, got.ProtoAt)
		}
		if !same(got, g.packet) {
			t.Errorf("%s: parsed as %+v", g.name, got)
		}
	}
}

// same compares what Append writes.
func same(a, b Packet) bool {
	for _, p := range []*Packet{&a, &b} {
		p.ProtoOffset, p.ProtoAt, p.Payload = 0, 0, append([]byte{}, p.Payload...)
		if p.HopLimit == 0 {
			p.HopLimit = DefaultHopLimit
		}
	}
	return reflect.DeepEqual(a, b)
}

func TestEffectiveAddresses(t *testing.T) { //spec MIP-01
	p := Packet{Header: Header{Src: coa, Dst: ha}}
	if p.EffectiveSrc() != coa || p.EffectiveDst() != ha {
		t.Error("without options")
	}
	p.HomeAddress, p.Routing2 = hoa, coa
	if p.EffectiveSrc() != hoa || p.EffectiveDst() != coa {
		t.Error("with options")
	}
}

func TestZeroHopLimitIsTheDefault(t *testing.T) {
	p := Packet{Header: Header{Src: coa, Dst: ha}, Proto: ProtoNone}
	if b := p.Append(nil); b[7] != DefaultHopLimit {
		t.Errorf("hop limit %d", b[7])
	}
}

func TestEveryCutIsTruncated(t *testing.T) {
	for _, g := range goldens {
		b := unhex(t, strings.Join(g.wire, ""))
		for n := range b {
			if _, err := Parse(b[:n:n]); !errors.Is(err, wire.ErrTruncated) {
				t.Errorf("%s cut at %d: %v", g.name, n, err)
			}
		}
		// The same with a Payload Length that fits the cut: now the headers themselves are cut.
		for n := HeaderLen; n < len(b); n++ {
			cut := bytes.Clone(b[:n])
			cut[4], cut[5] = byte((n-HeaderLen)>>8), byte(n-HeaderLen)
			p, err := Parse(cut)
			if err == nil && len(p.Payload) == 0 && len(g.packet.Payload) == 0 {
				t.Errorf("%s cut at %d with its length mended: parsed", g.name, n)
			}
			if err != nil && !errors.Is(err, wire.ErrTruncated) {
				t.Errorf("%s cut at %d with its length mended: %v", g.name, n, err)
			}
		}
	}
}

func TestLinkPaddingIsCut(t *testing.T) {
	p := Packet{Header: Header{Src: coa, Dst: ha}, Proto: ProtoNone, Payload: []byte("xy")}
	got, err := Parse(append(p.Append(nil), make([]byte, 10)...))
	if err != nil || string(got.Payload) != "xy" {
		t.Errorf("%q, %v", got.Payload, err)
	}
}

// A home address that is still to be assigned is for those alone who expect it.
func TestUnassignedHomeAddress(t *testing.T) { //spec DM-17
	p := Packet{Header: Header{Src: coa, Dst: ha, HopLimit: 64}, HomeAddress: netip.IPv6Unspecified(), Proto: ProtoNone, Payload: []byte{}}
	b := p.Append(nil)
	if _, err := Parse(b); !errors.Is(err, wire.ErrValue) {
		t.Errorf("Parse: %v", err)
	}
	got, err := ParseUnassigned(b)
	if err != nil || got.HomeAddress != p.HomeAddress || got.EffectiveSrc() != p.HomeAddress || !bytes.Equal(got.Append(nil), b) {
		t.Errorf("ParseUnassigned: %+v, %v", got, err)
	}
	p.HomeAddress = netip.MustParseAddr("ff02::1")
	if _, err := ParseUnassigned(p.Append(nil)); !errors.Is(err, wire.ErrValue) {
		t.Errorf("a group: %v", err)
	}
}

// chain builds a packet of extension headers in hex, each with Next Header left to be filled in, and no upper layer.
func chain(t testing.TB, src, dst netip.Addr, exts ...ext) []byte {
	t.Helper()
	p := Packet{Header: Header{Src: src, Dst: dst}, Proto: ProtoNone}
	b := p.Append(nil)
	nextAt := 6
	for _, e := range exts {
		b[nextAt] = e.kind
		nextAt = len(b)
		b = append(b, unhex(t, e.body)...)
	}
	b[nextAt] = ProtoNone
	b[5] = byte(len(b) - HeaderLen)
	return b
}

type ext struct {
	kind uint8
	body string
}

const (
	homeOpt = "c910" + "20010db8000100000000000000000010"
	type2   = "0002020100000000" + "20010db8000100000000000000000010"
)

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		packet []byte
		field  string
		offset int
		cause  error
	}{
		{"version 4", append([]byte{0x45}, make([]byte, 60)...), "Version", 0, wire.ErrValue},
		{"Payload Length too long", func() []byte { b := chain(t, coa, ha); b[5] = 1; return b }(), "Payload Length", 4, wire.ErrTruncated},
		{"option beyond its header", chain(t, coa, ha, ext{ProtoDestOpts, "0000" + "1e05" + "00000000"}), "Opt Data Len", 42, wire.ErrTruncated},
		{"option type without length", chain(t, coa, ha, ext{ProtoDestOpts, "0000" + "0103" + "000000" + "01"}), "Opt Data Len", 47, wire.ErrTruncated},
		{"home address of 8 octets", chain(t, coa, ha, ext{ProtoDestOpts, "0001" + "01020000" + "c908" + "0000000000000000"}), "Home Address Option Length", 47, wire.ErrLength},
		{"two home addresses", chain(t, coa, ha, ext{ProtoDestOpts, "0002" + "01020000" + homeOpt}, ext{ProtoDestOpts, "0002" + "01020000" + homeOpt}),
			"Home Address", 70, wire.ErrValue},
		{"home address multicast", chain(t, coa, ha, ext{ProtoDestOpts, "0002" + "01020000" + "c910ff020000000000000000000000000001"}), "Home Address", 46, wire.ErrValue},
		{"home address link-local", chain(t, coa, ha, ext{ProtoDestOpts, "0002" + "01020000" + "c910fe800000000000000000000000000001"}), "Home Address", 46, wire.ErrValue},
		{"home address of IPv4", chain(t, coa, ha, ext{ProtoDestOpts, "0002" + "01020000" + "c91000000000000000000000ffffc0000201"}), "Home Address", 46, wire.ErrValue},
		{"encapsulation limit of two octets", chain(t, coa, ha, ext{ProtoDestOpts, "0000" + "04020000" + "0100"}), "Tunnel Encapsulation Limit Length", 43, wire.ErrLength},
		{"router alert of one octet", chain(t, coa, ha, ext{ProtoHopByHop, "0000" + "050100" + "010100"}), "Router Alert Length", 43, wire.ErrLength},
		{"two router alerts", chain(t, coa, ha, ext{ProtoHopByHop, "0001" + "05020000" + "05020000" + "0104" + "00000000"}), "Router Alert", 46, wire.ErrValue},
		{"type 2 of 8 octets", chain(t, coa, ha, ext{ProtoRouting, "0000020100000000"}), "Hdr Ext Len", 41, wire.ErrLength},
		{"type 2, segments left 2", chain(t, coa, ha, ext{ProtoRouting, "0002020200000000" + "20010db8000100000000000000000010"}), "Segments Left", 43, wire.ErrValue},
		{"type 2, segments left 0", chain(t, coa, ha, ext{ProtoRouting, "0002020000000000" + "20010db8000100000000000000000010"}), "Segments Left", 43, wire.ErrValue},
		{"type 2 to everybody", chain(t, coa, ha, ext{ProtoRouting, "0002020100000000" + "ff020000000000000000000000000001"}), "Home Address", 48, wire.ErrValue},
		{"two type 2", chain(t, coa, ha, ext{ProtoRouting, type2}, ext{ProtoRouting, type2}), "Home Address", 72, wire.ErrValue},
		{"nine headers", chain(t, coa, ha, times(MaxExtensions+1)...), "Next Header", HeaderLen + 8*(MaxExtensions-1), wire.ErrLimit},
	} {
		_, err := Parse(c.packet)
		var e *wire.Error
		if !errors.As(err, &e) || e.Proto != "ip6" || e.Field != c.field || e.Offset != c.offset || !errors.Is(err, c.cause) {
			t.Errorf("%s: %v; want %s at %d: %v", c.name, err, c.field, c.offset, c.cause)
		}
		if p := (*Problem)(nil); errors.As(err, &p) {
			t.Errorf("%s: the sender would be told", c.name)
		}
	}
}

func times(n int) (exts []ext) {
	for range n {
		exts = append(exts, ext{ProtoDestOpts, "0000010400000000"})
	}
	return exts
}

func TestManyHeadersUpToTheLimit(t *testing.T) {
	if p, err := Parse(chain(t, coa, ha, times(MaxExtensions)...)); err != nil || p.Proto != ProtoNone {
		t.Errorf("%+v, %v", p, err)
	}
}

// Which refused packets ask for a Parameter Problem: the two highest bits of unknown options and more.
func TestProblem(t *testing.T) {
	unknown := func(kind string) ext { return ext{ProtoDestOpts, "0000" + kind + "020000" + "0100"} }
	none := netip.IPv6Unspecified()
	for _, c := range []struct {
		name    string
		packet  []byte
		ok      bool   // it parses
		problem string // "code pointer"
	}{
		{"skip", chain(t, coa, ha, unknown("1e")), true, ""},
		{"discard", chain(t, coa, ha, unknown("5e")), false, ""},
		{"discard and tell", chain(t, coa, ha, unknown("9e")), false, "2 42"},
		{"discard and tell, multicast", chain(t, coa, all, unknown("9e")), false, "2 42"},
		{"discard and tell unless multicast", chain(t, coa, ha, unknown("de")), false, "2 42"},
		{"discard and tell unless multicast, multicast", chain(t, coa, all, unknown("de")), false, ""},
		{"unspecified source", chain(t, none, ha, unknown("9e")), false, ""},
		{"multicast source", chain(t, all, ha, unknown("9e")), false, ""},
		{"hop by hop", chain(t, coa, ha, ext{ProtoHopByHop, "0000" + "9e020000" + "0100"}), false, "2 42"},
		{"hop by hop, router alert", chain(t, coa, ha, ext{ProtoHopByHop, "0000" + "05020000" + "0100"}), true, ""},
		{"hop by hop, home address", chain(t, coa, ha, ext{ProtoHopByHop, "0002" + "01020000" + homeOpt}), false, "2 46"},
		{"hop by hop, not first", chain(t, coa, ha, times(1)[0], ext{ProtoHopByHop, "0000010400000000"}), false, "1 40"},
		{"routing type 0", chain(t, coa, ha, ext{ProtoRouting, "0002000100000000" + "20010db8000100000000000000000010"}), false, "0 42"},
		{"routing type 0 to multicast", chain(t, coa, all, ext{ProtoRouting, "0002000100000000" + "20010db8000100000000000000000010"}), false, ""},
		{"routing type 0, no segments left", chain(t, coa, ha, ext{ProtoRouting, "0000000000000000"}), true, ""},
	} {
		p, err := Parse(c.packet)
		got := ""
		if pr := (*Problem)(nil); errors.As(err, &pr) {
			got = fmt.Sprint(pr.Code, pr.Pointer)
		}
		if (err == nil) != c.ok || got != c.problem {
			t.Errorf("%s: %v, problem %q; want %q", c.name, err, got, c.problem)
		}
		if err != nil && (p.Src != netip.AddrFrom16([16]byte(c.packet[8:24])) || errors.As(err, new(*wire.Error)) == false) {
			t.Errorf("%s: source %v, %v", c.name, p.Src, err)
		}
	}
}

func TestFragments(t *testing.T) {
	frag := func(word string) []byte {
		return append(chain(t, coa, ha, ext{ProtoDestOpts, "0002" + "01020000" + homeOpt}, ext{ProtoFragment, "0000" + word + "0000002a"}), "body...."...)
	}
	for _, c := range []struct {
		word string
		want *Fragment
	}{
		{"0000", nil}, // whole, RFC 6946
		{"0006", nil}, // reserved bits are ignored
		{"0001", &Fragment{0, true, 42}},
		{"0010", &Fragment{16, false, 42}},
		{"fff9", &Fragment{65528, true, 42}},
	} {
		b := frag(c.word)
		b[5] += 8
		p, err := Parse(b)
		if err != nil || !reflect.DeepEqual(p.Fragment, c.want) || string(p.Payload) != "body...." || p.HomeAddress != hoa || p.Proto != ProtoNone {
			t.Errorf("%s: %+v, %v", c.word, p, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, g := range goldens {
		f.Add(unhex(f, strings.Join(g.wire, "")))
	}
	f.Add(chain(f, coa, ha, ext{ProtoHopByHop, "0000050200000100"}, ext{ProtoFragment, "00000001000000ff"}))
	f.Add(chain(f, coa, all, times(MaxExtensions+1)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			var e *wire.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(b) {
				t.Errorf("%#v", err)
			}
			return
		}
		if p.Fragment != nil || len(p.Payload) > MaxPayload-100 {
			return
		}
		if p.HopLimit == 0 {
			p.HopLimit = 1 // Append writes the default for 0
		}
		again, err := Parse(p.Append(nil))
		if err != nil || !same(again, p) {
			// A payload that goes on with extension headers cannot come from Parse, so the walk must end in the same place.
			t.Errorf("%+v became %+v, %v", p, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, g := range goldens {
		b.Run(strings.ReplaceAll(g.name, " ", "-"), func(b *testing.B) {
			data := unhex(b, strings.Join(g.wire, ""))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, g := range goldens {
		b.Run(strings.ReplaceAll(g.name, " ", "-"), func(b *testing.B) {
			buf := make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				buf = g.packet.Append(buf[:0])
			}
		})
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
