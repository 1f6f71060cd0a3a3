package fast

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/subopt"
)

// seal writes a right checksum and, when the octets are whole units, a right Length of the option.
func seal(src, dst netip.Addr, b []byte) []byte {
	if len(b) >= bodyAt && len(b)%8 == 0 {
		b[9] = byte((len(b) - 8) / 8)
	}
	return sum(src, dst, b)
}

func sum(src, dst netip.Addr, b []byte) []byte {
	if len(b) >= 4 {
		b[2], b[3] = 0, 0
		binary.BigEndian.PutUint16(b[2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b))
	}
	return b
}

func TestGoldens(t *testing.T) { //spec FH-01 FH-04 FH-05 FH-08 FH-10 FH-11 FH-20 RT-32
	for _, g := range goldens {
		want := g.octets()
		if got := Append([]byte("x"), g.src, g.dst, g.msg)[1:]; !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", g.name, got, want)
		}
		m, err := Parse(g.src, g.dst, want)
		if err != nil || !reflect.DeepEqual(m, g.msg) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", g.name, err, m, g.msg)
		}
		if n := Len(g.msg); n != len(want) || !IsFast(want) {
			t.Errorf("%s: Len %d, %d octets", g.name, n, len(want))
		}
	}
}

// Cut anywhere, with the Length as it was, a message is refused. With a Length of what is left a shorter list of suboptions may be whole,
// never one with a Length of its own.
func TestEveryPrefix(t *testing.T) {
	for _, g := range goldens {
		whole := g.octets()
		for n := range whole {
			if m, err := Parse(g.src, g.dst, sum(g.src, g.dst, slices.Clone(whole[:n]))); err == nil || m != nil {
				t.Errorf("%s cut at %d: %+v", g.name, n, m)
			}
			m, err := Parse(g.src, g.dst, seal(g.src, g.dst, slices.Clone(whole[:n])))
			if _, sized := g.msg.(interface{ setLength([]byte) }); err == nil && (sized || reflect.DeepEqual(m, g.msg)) {
				t.Errorf("%s cut at %d and sealed: %+v", g.name, n, m)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	by := map[string]golden{}
	for _, g := range goldens {
		by[g.name] = g
	}
	for _, c := range []struct {
		golden string
		at     int
		to     []byte
		field  string
		cause  error
	}{
		{"redirect", 0, []byte{151}, "Type", wire.ErrUnknown},
		{"redirect", 1, []byte{1}, "Code", wire.ErrValue},
		{"redirect", 4, []byte{22}, "Subtype", wire.ErrUnknown}, // package access
		{"redirect", 4, []byte{26}, "Subtype", wire.ErrUnknown},
		{"redirect", 8, []byte{64}, "Option", wire.ErrValue},
		{"redirect", 9, []byte{12}, "Length", wire.ErrTruncated},
		{"redirect", 9, []byte{10}, "Length", wire.ErrLength},
		{"redirect", 12, []byte{9}, "Prefix Size", wire.ErrValue},
		{"redirect", 12, []byte{128}, "Prefix Size", wire.ErrValue},
		{"redirect", 13, []byte{0xc0}, "S", wire.ErrValue},
		{"plain redirect", 13, []byte{0x20}, "S", wire.ErrValue},
		{"plain redirect", 13, []byte{0x80}, "Access Router MAC Address", wire.ErrTruncated},
		{"plain redirect", 13, []byte{0x40}, "New Care-of Address", wire.ErrTruncated},
		{"redirect", 16, []byte{0xff}, "Access Router IPv6 Address", wire.ErrValue},
		{"redirect", 32 + 3, []byte{0}, "Access Router MAC Address", wire.ErrValue},
		{"redirect", 32, []byte{0, 0, 0, 0xff, 0xfe, 0, 0, 0}, "Access Router MAC Address", wire.ErrValue},
		{"redirect", 40, []byte{0xff}, "New Care-of Address", wire.ErrValue},
		{"ack", 16, []byte{0, 31}, "Length", wire.ErrLength},
		{"ack", 16, []byte{0, 33}, "Length", wire.ErrLength},
		{"authenticated", 16, []byte{0, 0}, "Length", wire.ErrLength},
		{"handover", 16, []byte{0xfe, 0x80}, "New Care-of Address", wire.ErrValue},
		{"handover", 40 + 1, []byte{1}, "Length", wire.ErrLength},
		{"handover error", 16, make([]byte, 16), "New Care-of Address", wire.ErrValue},
		{"notification", 16, old.AsSlice(), "Previous Care-of Address", wire.ErrValue},
		{"notification", 32, []byte{0xff}, "Previous Care-of Address", wire.ErrValue},
		{"shin", 42, []byte{0x40}, "Embedded Data", wire.ErrValue},
	} {
		g := by[c.golden]
		b := g.octets()
		copy(b[c.at:], c.to)
		m, err := Parse(g.src, g.dst, sum(g.src, g.dst, b))
		var e *wire.Error
		if m != nil || !errors.As(err, &e) || e.Field != c.field || !errors.Is(err, c.cause) {
			t.Errorf("%s with %x at %d: %+v, %v; want %s: %v", c.golden, c.to, c.at, m, err, c.field, c.cause)
		}
	}
	g := goldens[0]
	if _, err := Parse(g.src, g.dst, append(g.octets()[:40], 1)); !errors.Is(err, wire.ErrChecksum) {
		t.Errorf("a wrong checksum: %v", err)
	}
	for _, b := range [][]byte{nil, {Type}, {Type, 0, 0, 0}, {Type, 0, 0, 0, 22}, {Type, 0, 0, 0, 0}, {151, 0, 0, 0, 16}} {
		if IsFast(b) {
			t.Errorf("%x is taken for ours", b)
		}
	}
}

// The error of an embedded packet stands at its suboption.
func TestEmbedded(t *testing.T) { //spec FH-11
	other := update(ha)
	noUpdate := update(coa)
	noUpdate[40] = ip6.ProtoNone
	long := make([]byte, 600)
	for name, c := range map[string]struct { //order:any
		m  Message
		ok bool
	}{
		"a Binding Update":            {&SHIN{Announced{CareOf: coaNet, Options: subopt.Handover{Lightweight: long, Embedded: update(coa)}}}, true},
		"from elsewhere":              {&SHIN{Announced{CareOf: coaNet, Options: subopt.Handover{Lightweight: long, Embedded: other}}}, false},
		"no Binding Update":           {&SHIN{Announced{CareOf: coaNet, Options: subopt.Handover{Lightweight: long, Embedded: noUpdate}}}, false},
		"no packet":                   {&RedirectAck{Sized{subopt.Handover{Embedded: []byte("abc")}}}, false},
		"another's, handed on by one": {&Handover{Announced{CareOf: coaNet, Options: subopt.Handover{Embedded: other}}}, true},
	} {
		b := Append(nil, coa, ar2, c.m)
		m, err := Parse(coa, ar2, b)
		if c.ok {
			if err != nil || !reflect.DeepEqual(m, c.m) {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
			continue
		}
		var e *wire.Error
		if !errors.As(err, &e) || e.Field != "Embedded Data" || b[e.Offset] != subopt.Embedded {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDerivations(t *testing.T) { //spec FH-02 FH-06
	a := netip.MustParseAddr
	for _, c := range []struct {
		addr string
		hw   [6]byte
		ok   bool
		ll   string
	}{
		{"2001:db8:b:2:0:ff:fe00:b02/64", ar2HW, true, "fe80::ff:fe00:b02"},
		{"2001:db8:b:2:0:ff:fe00:b02/48", ar2HW, true, "fe80::2:0:ff:fe00:b02"},
		{"2001:db8:b:2::1/64", [6]byte{}, false, "fe80::1"},
		{"2001:db8:b:2:200:ff:fe00:0/64", [6]byte{}, false, "fe80::200:ff:fe00:0"}, // that of the zero address
		{"2001:db8:b:2:0:ff:fe00:b02/65", [6]byte{}, false, "fe80::ff:fe00:b02"},
		{"2001:db8:b:2:8000:ff:fe00:b02/68", [6]byte{}, false, "fe80::ff:fe00:b02"},
		{"2001:db8:b:2::1/127", [6]byte{}, false, "fe80::1"},
		{"2001:db8:b:2::1/10", [6]byte{}, false, "fe81:db8:b:2::1"},
	} {
		p := netip.MustParsePrefix(c.addr)
		if hw, ok := Hardware(p); hw != c.hw || ok != c.ok {
			t.Errorf("%s: link-layer address %x, %v", c.addr, hw, ok)
		}
		if ll := LinkLocal(p); ll != a(c.ll) {
			t.Errorf("%s: %s, want %s", c.addr, ll, c.ll)
		}
	}
	for _, c := range []struct{ prefix, low, want string }{
		{"2001:db8:b:2::1/64", "2001:db8:a:1:0:ff:fe00:5", "2001:db8:b:2:0:ff:fe00:5"},
		{"2001:db8:b:2::1/48", "2001:db8:a:1::5", "2001:db8:b:1::5"},
		{"2001:db8:b:ff00::1/52", "2001:db8:a:00ff::5", "2001:db8:b:f0ff::5"},
	} {
		if got := Rebase(netip.MustParsePrefix(c.prefix), a(c.low)); got != a(c.want) {
			t.Errorf("%s with the bits of %s: %s, want %s", c.prefix, c.low, got, c.want)
		}
	}
	four := netip.MustParseAddr("192.0.2.1")
	if Rebase(netip.Prefix{}, coa).IsValid() || Rebase(coaNet, four).IsValid() || Rebase(netip.PrefixFrom(four, 24), coa).IsValid() || LinkLocal(netip.Prefix{}).IsValid() {
		t.Error("an address of nothing")
	}
	if _, ok := Hardware(netip.Prefix{}); ok {
		t.Error("a link-layer address of nothing")
	}
}

// With M and C the message's own fields count, without them what follows from its address.
func TestWhatARedirectSays(t *testing.T) { //spec FH-01 FH-02
	full, plain := goldens[0].msg.(*Redirect), goldens[1].msg.(*Redirect)
	given := *full
	given.HW, given.CareOf = [6]byte{9, 9, 9, 9, 9, 9}, netip.MustParseAddr("2001:db8:b:2::77")
	for name, c := range map[string]struct { //order:any
		m    *Redirect
		hw   [6]byte
		coa  netip.Addr
		from netip.Addr
	}{"given": {&given, given.HW, given.CareOf, old}, "derived": {plain, ar2HW, coa, old}} {
		if hw, ok := c.m.RouterHW(); hw != c.hw || !ok {
			t.Errorf("%s: %x, %v", name, hw, ok)
		}
		if got := c.m.NewCareOf(c.from); got != c.coa {
			t.Errorf("%s: %s", name, got)
		}
		if got := c.m.RouterLinkLocal(); got != ip6.LinkLocal(ar2HW) {
			t.Errorf("%s: %s", name, got)
		}
	}
	h := Announced{CareOf: coaNet}
	if got, ok := h.MobileHW(); got != hw || !ok {
		t.Errorf("of the care-of address: %x, %v", got, ok)
	}
	h = Announced{CareOf: netip.PrefixFrom(ar1, 64)}
	if got, ok := h.MobileHW(); ok {
		t.Errorf("of none: %x", got)
	}
}

func TestOneLink(t *testing.T) {
	var got []uint8
	for s := range uint8(64) {
		if OneLink(s) {
			got = append(got, s)
		}
	}
	if !bytes.Equal(got, []byte{16, 17, 20, 24}) {
		t.Error(got)
	}
}

// The largest message there may be, and one over it.
func TestMaxMessage(t *testing.T) {
	// Of MaxMessage octets 20 are header, Reserved and Length with two octets, 10 the five suboptions' headers.
	m := &RedirectAck{Sized{subopt.Handover{Lightweight: make([]byte, MaxMessage-lengthAt-2-5*subopt.HeaderLen)}}}
	if n := Len(m); n != MaxMessage {
		t.Fatalf("Len %d", n)
	}
	b := Append(nil, old, ar1, m)
	if got, err := Parse(old, ar1, b); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("%v", err)
	}
	if _, err := Parse(old, ar1, seal(old, ar1, append(b, make([]byte, 8)...))); !errors.Is(err, wire.ErrLimit) {
		t.Errorf("one unit over: %v", err)
	}
	m.Options.Lightweight = append(m.Options.Lightweight, 0)
	if n := Len(m); n <= MaxMessage {
		t.Fatalf("Len %d", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("a message over MaxMessage is written")
		}
	}()
	Append(nil, old, ar1, m)
}

var addrGen = rapid.Custom(func(t *rapid.T) netip.Addr {
	x := netip.MustParseAddr("2001:db8::").As16()
	copy(x[4:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "addr"))
	return netip.AddrFrom16(x)
})

func anyMessage(t *rapid.T) Message {
	o := subopt.Handover{Strictness: subopt.Strictness(rapid.Uint8Range(0, 3).Draw(t, "flag")), Reason: subopt.Reason(rapid.Byte().Draw(t, "reason")),
		Lightweight: rapid.SliceOfN(rapid.Byte(), 1, 500).Draw(t, "lightweight")}
	if rapid.Bool().Draw(t, "principal") {
		o.Principal = subopt.Principal{Name: "mobileip/x", Realm: "R"}
	}
	hw := [6]byte(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(t, "hw"))
	p := netip.PrefixFrom(addrGen.Draw(t, "address"), rapid.IntRange(MinPrefix, MaxPrefix).Draw(t, "bits"))
	a := Announced{p, hw, o}
	other := netip.MustParseAddr("2001:db9::1")
	return rapid.SampledFrom([]Message{
		&Redirect{Router: p, HW: hw, CareOf: addrGen.Draw(t, "coa"), Options: o}, &Redirect{Router: p, Options: o},
		&RedirectAck{Sized{o}}, &AuthenticatedMN{Sized{o}}, &Handover{a}, &SHIN{a}, &SHREP{a}, &HandoverError{p.Addr(), o},
		&Notification{p.Addr(), other, time.Duration(rapid.Uint16().Draw(t, "lifetime")) * time.Second, o},
	}).Draw(t, "message")
}

func TestAny(t *testing.T) { //spec FH-01 FH-04 FH-05 FH-08 FH-10 FH-20 RT-32
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		b := Append(nil, old, ar1, m)
		got, err := Parse(old, ar1, b)
		if err != nil || !reflect.DeepEqual(got, m) || Len(m) != len(b) || len(b)%8 != 0 {
			t.Fatalf("%d octets: %v\n got %+v\nwant %+v", len(b), err, got, m)
		}
	})
}

// FuzzParse: what is accepted is the same after it is written and read again, and no longer.
func FuzzParse(f *testing.F) {
	for _, g := range goldens {
		f.Add(g.octets())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(old, ar1, seal(old, ar1, slices.Clone(b)))
		if err != nil {
			if m != nil {
				t.Fatalf("both %v and %v", m, err)
			}
			return
		}
		out := Append(nil, old, ar1, m)
		if again, err := Parse(old, ar1, out); err != nil || !reflect.DeepEqual(again, m) || len(out) > len(b) {
			t.Fatalf("%d octets, then %d: %v\n got %+v\nwant %+v", len(b), len(out), err, again, m)
		}
	})
}
