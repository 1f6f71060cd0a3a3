package nd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/octets"
)

// The cast of the goldens: mn on the link of ar, which is a home agent too.
var (
	mnHW   = [6]byte{0x02, 0, 0, 0, 0x0a, 0x01}
	arHW   = [6]byte{0x02, 0, 0, 0, 0x0b, 0x01}
	mnLL   = netip.MustParseAddr("fe80::ff:fe00:a01")
	arLL   = netip.MustParseAddr("fe80::ff:fe00:b01")
	coa    = netip.MustParseAddr("2001:db8:a:1:0:ff:fe00:a01")
	arAddr = netip.MustParseAddr("2001:db8:a:1::1")
	cn     = netip.MustParseAddr("2001:db8:c::1")
	nobody = netip.IPv6Unspecified()
	group  = netip.MustParseAddr("ff05::1:3")
)

// golden is a message, its octets with a comment on each line, and the addresses its checksum covers. The checksums
// were computed by a program of their own, not by this package.
type golden struct {
	src, dst netip.Addr
	text     string
	msg      Message
	// ends are the lengths at which a cut leaves a whole message, because an option ends there.
	ends []int
}

var goldens = map[string]golden{
	"RouterSolicitation":    goldenRS,
	"RouterAdvertisement":   goldenRA,
	"NeighborSolicitation":  goldenNS,
	"NeighborAdvertisement": goldenNA,
	"Redirect":              goldenRedirect,
}

func (g golden) octets() []byte { return octets.Of(g.text) }

// check holds a golden against Parse and Append, both ways.
func (g golden) check(t *testing.T) {
	t.Helper()
	b := g.octets()
	got, err := Parse(g.src, g.dst, HopLimit, b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, g.msg) {
		t.Errorf("Parse:\n got %+v\nwant %+v", got, g.msg)
	}
	if out := Append([]byte("before"), g.src, g.dst, g.msg); !bytes.Equal(out, append([]byte("before"), b...)) {
		t.Errorf("Append:\n got %x\nwant %x", out[6:], b)
	}
	clear(b)
	if !reflect.DeepEqual(got, g.msg) {
		t.Error("the message shares memory with the packet")
	}
}

// seal writes the checksum, so that a changed message is refused for the change and not for its checksum.
func seal(src, dst netip.Addr, b []byte) []byte {
	if len(b) < headerLen {
		return b
	}
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint16(b[2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b))
	return b
}

// refusal is a change to a golden that makes it invalid, and where and why it is refused.
type refusal struct {
	name   string
	change func(g *golden, b []byte) []byte
	field  string
	offset int
	cause  error
}

func (g golden) refuse(t *testing.T, list []refusal) {
	t.Helper()
	for _, r := range list {
		g := g
		b := r.change(&g, g.octets())
		m, err := Parse(g.src, g.dst, HopLimit, seal(g.src, g.dst, b))
		wantRefused(t, r.name, m, err, r.field, r.offset, r.cause)
	}
}

func wantRefused(t *testing.T, name string, m Message, err error, field string, offset int, cause error) {
	t.Helper()
	var e *wire.Error
	if m != nil || !errors.Is(err, cause) || !errors.As(err, &e) || e.Proto != "nd" || e.Field != field || e.Offset != offset {
		t.Errorf("%s: got %v, %v; want %s at octet %d: %v", name, m, err, field, offset, cause)
	}
}

// put gives a change that writes octets at an offset.
func put(offset int, v ...byte) func(*golden, []byte) []byte {
	return func(_ *golden, b []byte) []byte {
		copy(b[offset:], v)
		return b
	}
}

// from and to give a change of an address of the IPv6 header.
func from(a netip.Addr) func(*golden, []byte) []byte {
	return func(g *golden, b []byte) []byte { g.src = a; return b }
}

func to(a netip.Addr) func(*golden, []byte) []byte {
	return func(g *golden, b []byte) []byte { g.dst = a; return b }
}

// more gives a change that adds octets at the end.
func more(v ...byte) func(*golden, []byte) []byte {
	return func(_ *golden, b []byte) []byte { return append(b, v...) }
}

func TestEveryCutIsRefused(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		for n := range b {
			cut := seal(g.src, g.dst, slices.Clone(b[:n]))
			m, err := Parse(g.src, g.dst, HopLimit, cut)
			if slices.Contains(g.ends, n) {
				if err != nil {
					t.Errorf("%s cut between options at %d: %v", name, n, err)
				}
				continue
			}
			if m != nil || !errors.Is(err, wire.ErrTruncated) {
				t.Errorf("%s cut at %d: %v, %v; want %v", name, n, m, err, wire.ErrTruncated)
			}
		}
	}
}

// The rules every message shares: RFC 4861 §6.1.1, §6.1.2, §7.1.1, §7.1.2, §8.1.
func TestHeaderRules(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		m, err := Parse(g.src, g.dst, 254, b)
		wantRefused(t, name+" through a router", m, err, "Hop Limit", 0, wire.ErrValue)

		for i := range b {
			bad := slices.Clone(b)
			bad[i] ^= 0x10
			if m, err := Parse(g.src, g.dst, HopLimit, bad); m != nil || err == nil {
				t.Errorf("%s with octet %d changed was accepted", name, i)
			}
		}
		if m, err := Parse(g.src, group, HopLimit, b); m != nil || !errors.Is(err, wire.ErrChecksum) {
			t.Errorf("%s for another destination: %v, %v; want %v", name, m, err, wire.ErrChecksum)
		}
		g.refuse(t, []refusal{
			{name + " code", put(1, 1), "Code", 1, wire.ErrValue},
			{name + " option of length 0", more(253, 0, 0, 0, 0, 0, 0, 0), "Length", len(b) + 1, wire.ErrLength},
			{name + " option past the end", more(253, 2, 0, 0, 0, 0, 0, 0), "Length", len(b) + 1, wire.ErrTruncated},
			{name + " lone octet", more(253), "Length", len(b) + 1, wire.ErrTruncated},
		})
	}
}

func TestOtherTypes(t *testing.T) {
	for kind := range 256 {
		want := kind >= 133 && kind <= 137 || kind == 154
		if IsND(uint8(kind)) != want {
			t.Errorf("IsND(%d) = %v", kind, !want)
		}
		b := seal(mnLL, arLL, []byte{uint8(kind), 0, 0, 0, 0, 0, 0, 0})
		if m, err := Parse(mnLL, arLL, HopLimit, b); !want && (m != nil || !errors.Is(err, wire.ErrUnknown)) {
			t.Errorf("type %d: %v, %v; want %v", kind, m, err, wire.ErrUnknown)
		}
	}
}

// Options no message defines, or defines only for others, survive and are not acted on (RFC 4861 §6.1.1: "MUST be
// ignored and the packet processed as normal").
func TestUndefinedOptionsSurvive(t *testing.T) {
	for name, g := range goldens { //order:any
		raw := []RawOption{
			{Type: 253, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
			{Type: 24, Data: make([]byte, 6)},
		}
		if name != "RouterAdvertisement" {
			raw = append(raw, RawOption{Type: OptPrefix, Data: make([]byte, 6)}, RawOption{Type: OptMTU, Data: make([]byte, 14)})
		}
		if name == "NeighborAdvertisement" {
			raw = append(raw, RawOption{Type: OptSourceHW, Data: arHW[:]})
		}
		b := g.octets()
		for _, r := range raw {
			b = r.append(b)
		}
		m, err := Parse(g.src, g.dst, HopLimit, seal(g.src, g.dst, b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := optionsOf(m)
		if u := got.Unknown[len(optionsOf(g.msg).Unknown):]; !reflect.DeepEqual(u, raw) {
			t.Errorf("%s: Unknown = %v, want %v", name, u, raw)
		}
		got.Unknown = optionsOf(g.msg).Unknown
		if !reflect.DeepEqual(m, g.msg) {
			t.Errorf("%s: the rest changed to %+v", name, m)
		}
		got.Unknown = append(slices.Clone(got.Unknown), raw...)
		if out := Append(nil, g.src, g.dst, m); !bytes.Equal(out, b) {
			t.Errorf("%s written again:\n got %x\nwant %x", name, out, b)
		}
	}
}

// optionsOf gives a message's options; those of fast handovers have none of the kind.
func optionsOf(m Message) *Options {
	switch m := m.(type) {
	case *RtSolPr:
		return &Options{Unknown: m.Unknown}
	case *PrRtAdv:
		return &Options{Unknown: m.Unknown}
	}
	return reflect.ValueOf(m).Elem().FieldByName("Options").Addr().Interface().(*Options)
}
