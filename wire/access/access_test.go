package access

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/octets"
	"roam6/wire/subopt"
)

// seal writes the checksum, so that a changed message is refused for the change and not for its checksum.
func seal(src, dst netip.Addr, b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint16(b[2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b))
	return b
}

// read is what a receiver does with a message of one part.
func read(src, dst netip.Addr, b []byte) (Message, error) {
	p, err := Parse(src, dst, b)
	if err != nil {
		return nil, err
	}
	return Join([]Part{p})
}

var goldens = map[string]golden{"request": goldenRequest, "reply": goldenReply}

func TestGoldens(t *testing.T) { //spec DM-04
	for name, g := range goldens { //order:any
		b := g.octets()
		got, err := read(g.src, g.dst, b)
		if err != nil || !reflect.DeepEqual(got, g.msg) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, g.msg)
			continue
		}
		parts := Split(g.msg, goldenID)
		if out := parts[0].Append([]byte("before"), g.src, g.dst); len(parts) != 1 || !bytes.Equal(out, append([]byte("before"), b...)) {
			t.Errorf("%s: %d parts\n got %x\nwant %x", name, len(parts), out[6:], b)
		}
		clear(b)
		if !reflect.DeepEqual(got, g.msg) {
			t.Errorf("%s shares memory with the packet", name)
		}
	}
}

func TestEveryCut(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		for n := range b {
			p, err := Parse(g.src, g.dst, seal(g.src, g.dst, slices.Clone(b[:n])))
			if !errors.Is(err, wire.ErrTruncated) || !reflect.DeepEqual(p, Part{}) {
				t.Errorf("%s cut at %d: %+v, %v", name, n, p, err)
			}
		}
		body := g.msg.AppendBody(nil)
		for n := range body {
			m, err := Join([]Part{{Subtype: g.msg.Subtype(), Parts: 1, Body: body[:n]}})
			if err == nil && reflect.DeepEqual(m, g.msg) || err != nil && (m != nil || !errors.Is(err, wire.ErrTruncated)) {
				t.Errorf("%s, suboptions cut at %d: %+v, %v", name, n, m, err)
			}
		}
	}
}

func TestChecksumCoversEverything(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		for i := 1; i < len(b); i++ {
			bad := slices.Clone(b)
			bad[i] ^= 0x10
			if _, err := Parse(g.src, g.dst, bad); !errors.Is(err, wire.ErrChecksum) {
				t.Errorf("%s with octet %d changed: %v", name, i, err)
			}
		}
		if _, err := Parse(other, g.dst, b); !errors.Is(err, wire.ErrChecksum) {
			t.Errorf("%s from another: %v", name, err)
		}
	}
}

func TestPartRefused(t *testing.T) {
	for _, c := range []struct {
		field string
		at    int
		cause error
		with  func(b []byte) []byte
	}{
		{"Type", 0, wire.ErrUnknown, func(b []byte) []byte { b[0] = 151; return b }},
		{"Code", 1, wire.ErrValue, func(b []byte) []byte { b[1] = 1; return b }},
		{"Subtype", 4, wire.ErrUnknown, func(b []byte) []byte { b[4] = 21; return b }},
		{"Option", 8, wire.ErrValue, func(b []byte) []byte { b[8] = 254; return b }},
		{"Length", 9, wire.ErrTruncated, func(b []byte) []byte { b[9]++; return b }},
		{"Length", 9, wire.ErrLength, func(b []byte) []byte { b[9]--; return b }},
		{"Length", 9, wire.ErrLength, func(b []byte) []byte { b[9] = 0; return b }},
		{"Part", 10, wire.ErrValue, func(b []byte) []byte { b[10] = 1; return b }},
		{"Part", 10, wire.ErrValue, func(b []byte) []byte { b[11] = 0; return b }},
		{"Parts", 11, wire.ErrLimit, func(b []byte) []byte { b[11] = MaxParts + 1; return b }},
		{"Suboptions", HeaderLen, wire.ErrLimit, func(b []byte) []byte {
			b = append(b[:HeaderLen], make([]byte, MaxPart+8)...)
			b[9] = uint8((len(b) - 8) / 8)
			return b
		}},
		{"Suboptions", HeaderLen, wire.ErrTruncated, func(b []byte) []byte { clear(b[HeaderLen:]); return b }},
		{"Length", HeaderLen + 1, wire.ErrLength, func(b []byte) []byte { b[HeaderLen+1] = 1; return b }},
	} {
		b := seal(coa, ar, c.with(goldenRequest.octets()))
		_, err := Parse(coa, ar, b)
		var e *wire.Error
		if !errors.Is(err, c.cause) || !errors.As(err, &e) || e.Field != c.field || e.Offset != c.at {
			t.Errorf("got %v; want %s at octet %d: %v", err, c.field, c.at, c.cause)
		}
	}
	b := goldenRequest.octets()
	b[5] = 1 // "ignored by the receiver", RFC 4065 §8
	if _, err := read(coa, ar, seal(coa, ar, b)); err != nil {
		t.Errorf("reserved octets: %v", err)
	}
	if !IsAccess(b) || IsAccess(b[:4]) || IsAccess(nil) || IsAccess([]byte{150, 0, 0, 0, 21}) {
		t.Error("IsAccess")
	}
}

// update is the packet of §9.2.1, as it would have gone to the home agent.
func update(src, home netip.Addr, m mh.Message) []byte {
	from := src
	if home.IsValid() {
		from = home
	}
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: ha}, HomeAddress: home, Proto: ip6.ProtoMH, Payload: mh.Append(nil, from, ha, m)}
	return p.Append(nil)
}

var bindingUpdate = &mh.BindingUpdate{Seq: 7, Ack: true, Home: true, Lifetime: time.Hour}

// acknowledgement is the packet of §9.2.2: from the home agent, to the home address by way of the care-of address.
func acknowledgement() []byte {
	p := ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Routing2: hoa, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, ha, hoa, &mh.BindingAck{Seq: 7, Lifetime: time.Hour})}
	return p.Append(nil)
}

func request() *Request {
	r := *goldenRequest.msg.(*Request)
	return &r
}

func TestEmbedded(t *testing.T) { //spec DM-04
	r := request()
	r.Binding = update(coa, hoa, bindingUpdate)
	p := &Reply{Result: 2001, Binding: acknowledgement()}
	for _, m := range []Message{r, p} {
		got, err := Join(Split(m, 1))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, m)
		}
	}
	r.HomeAddress = netip.Addr{} // known by its NAI alone
	if _, err := Join(Split(r, 1)); err != nil {
		t.Error(err)
	}
	whole := update(coa, hoa, bindingUpdate)
	broken := slices.Clone(whole)
	broken[len(broken)-1] ^= 1
	notHome := *bindingUpdate
	notHome.Home = false
	for _, c := range []struct {
		name string
		b    []byte
		home netip.Addr
		want error
	}{
		{"from another address", update(other, hoa, bindingUpdate), hoa, wire.ErrValue},
		{"with another home address", update(coa, other, bindingUpdate), hoa, wire.ErrValue},
		{"without a home address", update(coa, netip.Addr{}, bindingUpdate), hoa, wire.ErrValue},
		{"for a correspondent", update(coa, hoa, &notHome), hoa, wire.ErrValue},
		{"an acknowledgement", acknowledgement(), hoa, wire.ErrValue},
		{"with a wrong checksum", broken, hoa, wire.ErrChecksum},
		{"with octets behind it", append(slices.Clone(whole), 0), hoa, wire.ErrLength},
		{"cut", whole[:len(whole)-1], hoa, wire.ErrTruncated},
		{"too long", make([]byte, MaxEmbedded+1), hoa, wire.ErrLimit},
	} {
		r := request()
		r.Binding, r.HomeAddress = c.b, c.home
		if m, err := Join(Split(r, 1)); m != nil || !errors.Is(err, c.want) {
			t.Errorf("an update %s: %v, %v; want %v", c.name, m, err, c.want)
		}
	}
	p.Binding = whole
	if m, err := Join(Split(p, 1)); m != nil || !errors.Is(err, wire.ErrValue) {
		t.Errorf("an update in a reply: %v, %v", m, err)
	}
}

// Under ESP nobody between the two ends can tell more than the addresses.
func TestEmbeddedUnderESP(t *testing.T) { //spec DM-04 DM-21
	sealed := func(home, routing netip.Addr, payload []byte) []byte {
		p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, HomeAddress: home, Routing2: routing, Proto: ip6.ProtoESP, Payload: payload}
		return p.Append(nil)
	}
	var none netip.Addr
	payload := octets.Ramp(1, 60)
	for _, c := range []struct {
		name  string
		reply bool
		b     []byte
		want  error
	}{
		{"update", false, sealed(hoa, none, payload), nil},
		{"update without a home address", false, sealed(none, none, payload), wire.ErrValue},
		{"update that is no ESP", false, sealed(hoa, none, payload[:7]), wire.ErrTruncated},
		{"acknowledgement", true, sealed(none, hoa, payload), nil},
		{"acknowledgement without a home address", true, sealed(none, none, payload), wire.ErrValue},
	} {
		r := request()
		r.Binding = c.b
		m := Message(r)
		if c.reply {
			m = &Reply{Result: 2001, Binding: c.b}
		}
		got, err := Join(Split(m, 1))
		if !errors.Is(err, c.want) || err == nil && !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestRequestRefused(t *testing.T) { //spec DM-04
	var none netip.Addr
	for _, c := range []struct {
		field  string
		cause  error
		change func(r *Request)
	}{
		{"Network Access Identifier", wire.ErrTruncated, func(r *Request) { r.NAI, r.HomeAddress = "", none }},
		{"Network Access Identifier", wire.ErrLength, func(r *Request) { r.NAI = strings.Repeat("a", MaxText+1) }},
		{"Network Access Identifier", wire.ErrValue, func(r *Request) { r.NAI = "mn@" }},
		{"Network Access Identifier", wire.ErrValue, func(r *Request) { r.NAI = "mn@a@b" }},
		{"Network Access Identifier", wire.ErrValue, func(r *Request) { r.NAI = "m n@home" }},
		{"Network Access Identifier", wire.ErrValue, func(r *Request) { r.NAI = "m\x00n@home" }},
		{"Network Access Identifier", wire.ErrValue, func(r *Request) { r.NAI = "\xff@home" }},
		{"Home Address", wire.ErrValue, func(r *Request) { r.HomeAddress = netip.MustParseAddr("ff02::1") }},
		{"Care-of Address", wire.ErrTruncated, func(r *Request) { r.CareOf = none }},
		{"Care-of Address", wire.ErrValue, func(r *Request) { r.CareOf = netip.MustParseAddr("fe80::1") }},
		{"Local Challenge", wire.ErrTruncated, func(r *Request) { r.LocalChallenge = nil }},
		{"Local Challenge", wire.ErrLength, func(r *Request) { r.LocalChallenge = octets.Ramp(0, MinChallenge-1) }},
		{"Host Challenge", wire.ErrLength, func(r *Request) { r.HostChallenge = octets.Ramp(0, MaxChallenge+1) }},
		{"Host Challenge", wire.ErrTruncated, func(r *Request) { r.HostChallenge = nil }},
		{"MN Authentication Data", wire.ErrTruncated, func(r *Request) { r.Auth, r.EAP = nil, nil }},
		{"MN Authentication Data", wire.ErrLength, func(r *Request) { r.Auth = r.Auth[1:] }},
		{"MIP Feature Data", wire.ErrValue, func(r *Request) { r.Features |= VisitedAvailable }},
		{"MIP Feature Data", wire.ErrValue, func(r *Request) { r.Features |= 32 }},
		{"EAP Data", wire.ErrTruncated, func(r *Request) { r.EAP = []byte{3, 1, 0} }},
		{"EAP Data", wire.ErrLength, func(r *Request) { r.EAP = []byte{3, 1, 0, 5} }},
		{"EAP Data", wire.ErrValue, func(r *Request) { r.EAP = []byte{5, 1, 0, 4} }},
		{"EAP Data", wire.ErrLimit, func(r *Request) { r.EAP = make([]byte, MaxEAP+1) }},
		{"Use", wire.ErrValue, func(r *Request) { r.Keys = []KeyRequest{{3, Random, 256, nil}} }},
		{"Use", wire.ErrValue, func(r *Request) { r.Keys = []KeyRequest{{1, Random, 256, nil}, {1, Random, 257, nil}} }},
		{"Methods", wire.ErrValue, func(r *Request) { r.Keys = []KeyRequest{{1, 0, 256, nil}} }},
		{"Methods", wire.ErrValue, func(r *Request) { r.Keys = []KeyRequest{{1, 4, 256, nil}} }},
		{"SPI", wire.ErrValue, func(r *Request) { r.Keys = []KeyRequest{{1, Random, 255, nil}} }},
		{"Length", wire.ErrLength, func(r *Request) { r.Keys = []KeyRequest{{1, DiffieHellman, 256, nil}} }},
		{"Length", wire.ErrLength, func(r *Request) { r.Keys = []KeyRequest{{1, Random, 256, octets.Ramp(0, 32)}} }},
	} {
		r := request()
		c.change(r)
		m, err := Join(Split(r, 1))
		var e *wire.Error
		if m != nil || !errors.Is(err, c.cause) || !errors.As(err, &e) || e.Field != c.field {
			t.Errorf("got %v, %v; want %s: %v", m, err, c.field, c.cause)
		}
	}
	for _, ok := range []func(r *Request){
		func(r *Request) { r.NAI = "" },
		func(r *Request) { r.HomeAddress = none },
		func(r *Request) { r.EAP = nil },
		func(r *Request) { r.Auth, r.HostChallenge = nil, nil },
		func(r *Request) { r.Features, r.Keys = 0, nil },
		func(r *Request) { r.Features = ofMobile },
		func(r *Request) { r.NAI = "üser@home.example" },
	} {
		r := request()
		ok(r)
		if m, err := Join(Split(r, 1)); err != nil || !reflect.DeepEqual(m, r) {
			t.Errorf("%+v: %v, %+v", r, err, m)
		}
	}
}

func TestReplyRefused(t *testing.T) { //spec DM-04
	data := KeyData{HomeAgent, Random, AESGCM, 512, time.Hour, octets.Ramp(0, 32), nil}
	for _, c := range []struct {
		field  string
		cause  error
		change func(k *KeyData)
	}{
		{"Use", wire.ErrValue, func(k *KeyData) { k.Use = 0 }},
		{"Method", wire.ErrValue, func(k *KeyData) { k.Method = 3 }},
		{"Algorithm", wire.ErrValue, func(k *KeyData) { k.Algorithm = 0 }},
		{"SPI", wire.ErrValue, func(k *KeyData) { k.SPI = 1 }},
		{"Length", wire.ErrTruncated, func(k *KeyData) { k.Value = k.Value[1:] }},
		{"Length", wire.ErrLength, func(k *KeyData) { k.MAC = octets.Ramp(0, 16) }},
		{"Length", wire.ErrLength, func(k *KeyData) { k.Method = DiffieHellman }},
	} {
		k := data
		c.change(&k)
		m, err := Join(Split(&Reply{Result: 2001, Keys: []KeyData{k}}, 1))
		var e *wire.Error
		if m != nil || !errors.Is(err, c.cause) || !errors.As(err, &e) || e.Field != c.field {
			t.Errorf("got %v, %v; want %s: %v", m, err, c.field, c.cause)
		}
	}
	for name, b := range map[string][]byte{ //order:any
		"no result":       subopt.Append(nil, subopt.NetworkAuth, octets.Ramp(0, AuthLen)),
		"a short result":  subopt.Append(nil, subopt.Result, octets.Ramp(0, 3)),
		"a lifetime of 0": subopt.Append(appendWord(nil, subopt.Result, 2001), subopt.SessionLifetime, make([]byte, 4)),
		"no key data":     subopt.Append(appendWord(nil, subopt.Result, 2001), subopt.KeyData, nil),
		"half a length":   subopt.Append(appendWord(nil, subopt.Result, 2001), subopt.KeyData, []byte{44}),
		"a result twice":  appendWord(subopt.Append(appendWord(nil, subopt.Result, 2001), 200, nil), subopt.Result, 2001),
		"a key's end":     subopt.Append(appendWord(nil, subopt.Result, 2001), subopt.KeyData, append(data.Append(nil)[:8], 0, 0, 0, 0)),
	} {
		if m, err := ParseReply(b); m != nil || err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	zero := data.Append(nil)
	clear(zero[8:12])
	if _, err := ParseKeyData(zero); !errors.Is(err, wire.ErrValue) {
		t.Errorf("a key that lives 0 s: %v", err)
	}
	if k, err := ParseKeyData(data.Append(nil)); err != nil || !reflect.DeepEqual(k, []KeyData{data}) {
		t.Errorf("%+v, %v", k, err)
	}
	if k, err := ParseKeyRequests(request().Keys[1].Append(nil)); err != nil || !reflect.DeepEqual(k, request().Keys[1:]) {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestUnknownIsSkipped(t *testing.T) {
	r := request()
	body := append(subopt.Append(nil, 200, octets.Ramp(0, 300)), r.AppendBody(nil)...)
	body = subopt.Append(append(body, 0, 0), 5, nil)
	got, err := ParseRequest(body)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Covered changes with whatever is in a message, and not with what others add on its way.
func TestCovered(t *testing.T) { //spec DM-05
	for name, g := range goldens { //order:any
		covered := g.msg.Covered()
		whole := g.msg.AppendBody(nil)
		left := 0
		for at := 0; at < len(whole); at += int(whole[at+1]) {
			one := whole[at : at+int(whole[at+1])]
			out := one[0] == subopt.MNAuth || one[0] == subopt.NetworkAuth || name == "reply" && one[0] == subopt.LocalChallenge
			if bytes.Contains(covered, one) == out {
				t.Errorf("%s: suboption %d covered: %v", name, one[0], !out)
			}
			if !out {
				left += len(one)
			}
		}
		if left != len(covered) {
			t.Errorf("%s: %d octets covered, want %d", name, len(covered), left)
		}
	}
	r, p := request(), *goldenReply.msg.(*Reply)
	before, answer := r.Covered(), p.Covered()
	r.Features |= VisitedAvailable
	r.Auth, p.Auth, p.LocalChallenge = nil, nil, nil
	if !bytes.Equal(r.Covered(), before) || !bytes.Equal(p.Covered(), answer) {
		t.Error("what is added on the way is covered")
	}
}

// largest is the longest request there is.
func largest() *Request {
	r := request()
	r.NAI = strings.Repeat("a", MaxText)
	r.LocalChallenge, r.HostChallenge = octets.Ramp(1, MaxChallenge), octets.Ramp(2, MaxChallenge)
	r.EAP = octets.Ramp(0, MaxEAP)
	r.EAP[0] = 2
	binary.BigEndian.PutUint16(r.EAP[2:], MaxEAP)
	r.Keys = []KeyRequest{{HomeAgent, 3, 256, octets.Ramp(0, 32)}, {AccessRouter, 3, 257, octets.Ramp(1, 32)}}
	r.Binding = make([]byte, MaxEmbedded)
	return r
}

func TestParts(t *testing.T) { //spec DM-04
	if n := len(Split(largest(), 1)); n > MaxParts {
		t.Fatalf("the largest message takes %d parts", n)
	}
	r := largest()
	r.Binding = update(coa, hoa, bindingUpdate)
	parts := Split(r, goldenID)
	if len(parts) < 4 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, p := range parts {
		b := p.Append(nil, coa, ar)
		if len(b)+ip6.HeaderLen > ip6.MinMTU {
			t.Errorf("part %d: %d octets", i, len(b))
		}
		got, err := Parse(coa, ar, b)
		if err != nil || !reflect.DeepEqual(got, p) || int(p.Part) != i || p.ID != goldenID {
			t.Errorf("part %d: %+v, %v", i, got, err)
		}
	}
	got, err := Join(parts)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("joined: %v\n got %+v\nwant %+v", err, got, r)
	}
	bad := func(name string, parts []Part) {
		t.Helper()
		if m, err := Join(parts); m != nil || !errors.Is(err, wire.ErrValue) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	bad("none", nil)
	bad("one missing", parts[:len(parts)-1])
	bad("one twice", slices.Concat(parts[:2], parts[1:len(parts)-1]))
	bad("another order", slices.Concat(parts[1:2], parts[:1], parts[2:]))
	strange := slices.Clone(parts)
	strange[1].ID++
	bad("one of another message", strange)
	strange[1].ID--
	strange[1].Subtype = SubtypeReply
	bad("one of a reply", strange)
	if m, err := Join([]Part{{Subtype: 9, Parts: 1}}); m != nil || !errors.Is(err, wire.ErrUnknown) {
		t.Errorf("another subtype: %v, %v", m, err)
	}
}
