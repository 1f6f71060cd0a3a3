package subopt

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roam6/wire"
)

// der is one element of class APPLICATION with n octets of content.
func der(tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, count(n)...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, count(n)...)
	}
	return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, count(n)...)
}

func everything() Handover {
	return Handover{
		Principal: Principal{"mobileip/ar2.b.example", "B.EXAMPLE"}, Strictness: Global,
		Kerberos: der(0x6e, 300), Lightweight: count(260), RealmsWanted: true, Realms: []string{"A.EXAMPLE", "C.EXAMPLE"}, TGT: der(0x61, 200),
		Control: Buffer, Context: []Context{{ContextSession, []byte("ann")}, {ContextKeys, count(32)}},
		PreviousCareOf: netip.MustParseAddr("2001:db8:a:1::5"), LinkLayer: [6]byte{2, 0, 0, 0, 0, 5}, Embedded: count(80), Reason: NoKDC, Life: 7,
	}
}

func TestHandoverRoundTrip(t *testing.T) { //spec RT-41 FH-03 FH-17
	h := everything()
	b := h.Append(nil)
	got, err := ParseHandover("x", b, 0)
	if err != nil || !reflect.DeepEqual(got, h) {
		t.Fatalf("%v\n got %+v\nwant %+v", err, got, h)
	}
	if got, err = ParseHandover("x", slices.Concat([]byte{Pad}, b, []byte{200, 3, 9, Pad}), 0); err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("with padding and a suboption nobody knows: %v", err)
	}
	if h.Len() != len(b) {
		t.Errorf("Len %d, %d octets", h.Len(), len(b))
	}
}

// The octets of each suboption alone.
func TestHandoverLayouts(t *testing.T) { //spec RT-41 FH-03 FH-17
	for name, c := range map[string]struct { //order:any
		h    Handover
		want string
	}{
		"principal":  {Handover{Principal: Principal{"a/b", "R"}}, "\x01\x08\x03a/b\x01R"},
		"flag":       {Handover{Strictness: Both}, "\x02\x03\x02"},
		"kerberos":   {Handover{Kerberos: []byte("\x7e\x01x")}, "\x03\x05\x7e\x01x"},
		"lwkrb":      {Handover{Lightweight: []byte("xy")}, "\x04\x04xy"},
		"realms?":    {Handover{RealmsWanted: true}, "\x05\x04\x00\x00"},
		"realms":     {Handover{Realms: []string{"AB", "C"}}, "\x06\x07\x02AB\x01C"},
		"tgt":        {Handover{TGT: []byte("\x61\x00")}, "\x07\x04\x61\x00"},
		"control":    {Handover{Control: Buffer}, "\x08\x03\x80"},
		"context":    {Handover{Context: []Context{{3, []byte("xy")}, {9, []byte("z")}}}, "\x09\x0d\x03\x00\x00\x02xy\x09\x00\x00\x01z"},
		"previous":   {Handover{PreviousCareOf: netip.MustParseAddr("2001::1")}, "\x0a\x12\x20\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
		"link layer": {Handover{LinkLayer: [6]byte{2, 0, 0, 0, 0, 5}}, "\x0b\x08\x02\x00\x00\x00\x00\x05"},
		"reason":     {Handover{Reason: AddressInUse}, "\x0c\x03\x01"},
		"life":       {Handover{Life: 0x01020304}, "\x0d\x06\x01\x02\x03\x04"},
		"embedded":   {Handover{Embedded: []byte("p")}, "\x2b\x03p"},
	} {
		if got := c.h.Append(nil); string(got) != c.want {
			t.Errorf("%s: %x, want %x", name, got, c.want)
		}
		got, err := ParseHandover("x", []byte(c.want), 0)
		if got.IsZero() {
			t.Errorf("%s is taken for nothing", name)
		}
		if err != nil || !reflect.DeepEqual(got, c.h) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if bad, err := ParseHandover("x", slices.Concat([]byte(c.want), []byte{99, 2}, []byte(c.want)), 0); !errors.Is(err, wire.ErrValue) {
			t.Errorf("%s twice: %+v, %v", name, bad, err)
		}
	}
}

// Each refusal with its field; the error counts from where the list begins.
func TestHandoverRefuses(t *testing.T) {
	realms := strings.Repeat("\x01R", MaxRealms+1)
	contexts := strings.Repeat("\x01\x00\x00\x00", MaxContexts+1)
	for _, c := range []struct {
		name, b, field string
		cause          error
	}{
		{"no realm", "\x01\x04\x01a", "Kerberos Principal Realm", wire.ErrTruncated},
		{"no name", "\x01\x05\x00\x01R", "Kerberos Principal Name", wire.ErrValue},
		{"an empty realm", "\x01\x05\x01a\x00", "Kerberos Principal Realm", wire.ErrValue},
		{"a long name", "\x01\x05\x09a\x00", "Kerberos Principal Name", wire.ErrTruncated},
		{"octets behind", "\x01\x07\x01a\x01RR", "Length", wire.ErrLength},
		{"a space", "\x01\x08\x03a b\x01R", "Kerberos Principal Name", wire.ErrValue},
		{"an @ in the realm", "\x01\x07\x01a\x02R@", "Kerberos Principal Realm", wire.ErrValue},
		{"no UTF-8", "\x01\x06\x01\xff\x01R", "Kerberos Principal Name", wire.ErrValue},
		{"flag 0", "\x02\x03\x00", "Flags", wire.ErrValue},
		{"flag 4", "\x02\x03\x04", "Flags", wire.ErrValue},
		{"two flags", "\x02\x04\x01\x02", "Flags", wire.ErrLength},
		{"no message", "\x03\x02", "Kerberos Message", wire.ErrLength},
		{"no tag of Kerberos", "\x03\x04\x30\x00", "Kerberos Message", wire.ErrValue},
		{"DER too short", "\x03\x05\x6e\x02x", "Kerberos Message", wire.ErrLength},
		{"DER too long", "\x03\x05\x6e\x00x", "Kerberos Message", wire.ErrLength},
		{"DER without end", "\x03\x04\x6e\x80", "Kerberos Message", wire.ErrLength},
		{"DER length in two forms", "\x03\x06\x6e\x81\x01x", "Kerberos Message", wire.ErrLength},
		{"no ticket", "\x07\x04\x6e\x00", "Ticket", wire.ErrValue},
		{"no lightweight message", "\x04\x02", "Lightweight Kerberos Message", wire.ErrLength},
		{"realms of one octet", "\x05\x03\x00", "Reserved", wire.ErrLength},
		{"no realms", "\x06\x02", "Realm", wire.ErrLength},
		{"too many realms", "\x06" + string(rune(2+len(realms))) + realms, "Realm", wire.ErrLimit},
		{"half a realm", "\x06\x05\x05AB", "Realm", wire.ErrTruncated},
		{"no control", "\x08\x02", "Flags", wire.ErrLength},
		{"no context", "\x09\x02", "Context", wire.ErrLength},
		{"half a context", "\x09\x05\x01\x00\x00", "Context", wire.ErrTruncated},
		{"half its data", "\x09\x07\x01\x00\x00\x02x", "Context Length", wire.ErrTruncated},
		{"too many contexts", "\x09" + string(rune(2+len(contexts))) + contexts, "Context", wire.ErrLimit},
		{"half an address", "\x0a\x03x", "Previous Care-of Address", wire.ErrLength},
		{"a group", "\x0a\x12\xff\x02" + strings.Repeat("\x00", 14), "Previous Care-of Address", wire.ErrValue},
		{"an EUI-64", "\x0b\x0a12345678", "Link-Layer Address", wire.ErrLength},
		{"no link-layer address", "\x0b\x08" + strings.Repeat("\x00", 6), "Link-Layer Address", wire.ErrValue},
		{"no reason", "\x0c\x02", "Reason", wire.ErrLength},
		{"nothing embedded", "\x2b\x02", "Embedded Data", wire.ErrLength},
		{"length 1", "\x02\x01", "Length", wire.ErrLength},
	} {
		h, err := ParseHandover("x", append([]byte{Pad}, c.b...), 40)
		var e *wire.Error
		if !errors.As(err, &e) || e.Field != c.field || !errors.Is(err, c.cause) || e.Proto != "x" || e.Offset < 41 || !reflect.DeepEqual(h, Handover{}) {
			t.Errorf("%s: %+v, %v; want %s: %v", c.name, h, err, c.field, c.cause)
		}
	}
}

// A list cut anywhere is refused, or is a shorter list.
func TestHandoverEveryPrefix(t *testing.T) {
	h := everything()
	b := h.Append(nil)
	for n := range b {
		got, err := ParseHandover("x", b[:n], 0)
		if err != nil {
			continue
		}
		if again := got.Append(nil); !bytes.Equal(again, b[:n]) {
			t.Errorf("cut at %d: %+v", n, got)
		}
	}
}

func TestNothing(t *testing.T) {
	for _, b := range [][]byte{nil, make([]byte, 6), {200, 3, 9}} {
		if h, err := ParseHandover("x", b, 0); err != nil || !h.IsZero() || h.Len() != 0 {
			t.Errorf("%x: %+v, %v", b, h, err)
		}
	}
}

func TestStrictness(t *testing.T) { //spec RT-33
	for _, c := range []struct {
		asked, answer Strictness
		ok            bool
	}{
		{Local, Local, true}, {Local, Both, true}, {Local, Global, true}, {Both, Global, true}, {Global, Global, true}, {0, Local, true},
		{Both, Local, false}, {Global, Both, false}, {Global, Local, false}, {Local, 0, false}, {0, 0, false}, {Local, 4, false},
	} {
		if got := c.answer.Answers(c.asked); got != c.ok {
			t.Errorf("%v answers %v: %v", c.answer, c.asked, got)
		}
	}
	if s := Local.String() + Both.String() + Global.String() + Strictness(0).String() + Strictness(9).String(); s != "LBG-?" {
		t.Error(s)
	}
}

func TestWords(t *testing.T) {
	if s := (Principal{"a/b", "R"}).String() + (Principal{}).String(); s != "a/b@R" {
		t.Error(s)
	}
	for r := range BadLinkLayer + 2 {
		if r.String() == "" {
			t.Errorf("reason %d has no words", r)
		}
	}
}

var (
	nameGen = rapid.StringMatching(`[a-zA-Z0-9./-]{1,40}`)
	dataGen = rapid.SliceOfN(rapid.Byte(), 1, 600)
)

// anyHandover makes any value that may be written.
func anyHandover(t *rapid.T) (h Handover) {
	has := func(what string) bool { return rapid.Bool().Draw(t, what) }
	if has("principal") {
		h.Principal = Principal{nameGen.Draw(t, "name"), nameGen.Draw(t, "realm")}
	}
	h.Strictness = Strictness(rapid.Uint8Range(0, 3).Draw(t, "flag"))
	if has("kerberos") {
		h.Kerberos = der(0x60|rapid.Byte().Draw(t, "tag")&0x1f, rapid.IntRange(0, 700).Draw(t, "size"))
	}
	if has("lightweight") {
		h.Lightweight = dataGen.Draw(t, "lightweight")
	}
	h.RealmsWanted = has("realms?")
	if has("realms") {
		h.Realms = rapid.SliceOfN(nameGen, 1, MaxRealms).Draw(t, "realms")
	}
	if has("tgt") {
		h.TGT = der(tagTicket, rapid.IntRange(0, 700).Draw(t, "ticket"))
	}
	if has("control") {
		h.Control = Buffer
	}
	if has("context") {
		h.Context = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Context {
			return Context{ContextKind(rapid.Byte().Draw(t, "kind")), dataGen.Draw(t, "data")}
		}), 1, MaxContexts).Draw(t, "contexts")
	}
	if has("previous") {
		a := netip.MustParseAddr("2001:db8::").As16()
		copy(a[8:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "id"))
		h.PreviousCareOf = netip.AddrFrom16(a)
	}
	if has("link layer") {
		h.LinkLayer = [6]byte(rapid.SliceOfN(rapid.ByteRange(1, 255), 6, 6).Draw(t, "hw"))
	}
	h.Life = rapid.Uint32().Draw(t, "life")
	h.Reason = Reason(rapid.Uint8().Draw(t, "reason"))
	if has("embedded") {
		h.Embedded = dataGen.Draw(t, "embedded")
	}
	return h
}

func TestHandoverAny(t *testing.T) { //spec RT-41
	rapid.Check(t, func(t *rapid.T) {
		h := anyHandover(t)
		got, err := ParseHandover("x", h.Append(nil), 0)
		if err != nil || !reflect.DeepEqual(got, h) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, got, h)
		}
	})
}

// What is accepted is the same after it is written and read again, and no longer.
func FuzzParseHandover(f *testing.F) {
	h := everything()
	f.Add(h.Append(nil))
	f.Add([]byte("\x01\x08\x03a/b\x01R\x02\x03\x02\x05\x04\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHandover("x", b, 0)
		if err != nil {
			return
		}
		out := h.Append(nil)
		if again, err := ParseHandover("x", out, 0); err != nil || !reflect.DeepEqual(again, h) || len(out) > len(b) {
			t.Fatalf("%d octets, then %d: %v\n got %+v\nwant %+v", len(b), len(out), err, again, h)
		}
	})
}
