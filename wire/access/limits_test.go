package access

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/subopt"
)

// Each limit holds for what is at it, and not for what is one beyond.
func TestLimits(t *testing.T) { //spec DM-04
	src, dst := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	if _, err := Text("NAI", []byte(strings.Repeat("n", MaxText)), 0); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"", strings.Repeat("n", MaxText+1)} {
		if _, err := Text("NAI", []byte(s), 0); !errors.Is(err, wire.ErrLength) {
			t.Errorf("%d octets: %v", len(s), err)
		}
	}
	for code, ok := range []bool{false, true, true, true, true, false} {
		if _, err := eap([]byte{byte(code), 0, 0, 4}, 0); (err == nil) != ok {
			t.Errorf("EAP code %d: %v", code, err)
		}
	}
	for d, want := range map[time.Duration]uint32{0: 1, -time.Second: 1, time.Second - 1: 1, time.Second: 1, 2*time.Second - 1: 1, 2 * time.Second: 2,
		math.MaxUint32 * time.Second: math.MaxUint32, math.MaxUint32*time.Second + time.Second: math.MaxUint32} { //order:any
		if got := seconds(d); got != want {
			t.Errorf("%v: %d", d, got)
		}
	}
	var body []byte
	for _, n := range []int{253, 253, 253, 253, MaxPart - 4*255 - 2} {
		body = subopt.Append(body, 200, make([]byte, n))
	}
	for _, c := range []struct {
		what        string
		body        []byte
		part, parts uint8
		field       string
		cause       error
	}{
		{"the longest body", body, 0, 1, "", nil},
		{"a longer body", append(bytes.Clone(body), 200, 2), 0, 1, "Suboptions", wire.ErrLimit},
		{"the last of all parts", body[:255], MaxParts - 1, MaxParts, "", nil},
		{"too many parts", body[:255], 0, MaxParts + 1, "Parts", wire.ErrLimit},
		{"nothing", nil, 0, 1, "Suboptions", wire.ErrTruncated},
	} {
		b := Part{Subtype: SubtypeRequest, ID: 7, Part: c.part, Parts: c.parts, Body: c.body}.Append(nil, src, dst)
		p, err := Parse(src, dst, b)
		var e *wire.Error
		if c.cause == nil && (err != nil || !bytes.Equal(p.Body, c.body)) || c.cause != nil && (!errors.As(err, &e) || e.Field != c.field || !errors.Is(err, c.cause)) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// A message is whole with as many parts as there may be, if all are of one message; not with more, nor with none.
func TestJoinAtTheLimit(t *testing.T) { //spec DM-04
	var parts []Part
	for i := range uint8(MaxParts) {
		parts = append(parts, Part{Subtype: SubtypeReply, ID: 1, Part: i, Parts: MaxParts})
	}
	r := &Reply{Result: 2001}
	parts[MaxParts-1].Body = r.AppendBody(nil)
	if m, err := Join(parts); err != nil || m.(*Reply).Result != 2001 {
		t.Errorf("%+v, %v", m, err)
	}
	for name, list := range map[string][]Part{ //order:any
		"none": nil, "too many": append(append([]Part(nil), parts...), Part{Subtype: SubtypeReply, ID: 1, Part: MaxParts, Parts: MaxParts + 1}), "one missing": parts[1:],
	} {
		if m, err := Join(list); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	for name, edit := range map[string]func(p *Part){ //order:any
		"of another message": func(p *Part) { p.ID++ }, "of another kind": func(p *Part) { p.Subtype = SubtypeRequest }, "of more": func(p *Part) { p.Parts-- }, "elsewhere": func(p *Part) { p.Part = 2 },
	} {
		list := append([]Part(nil), parts...)
		edit(&list[4])
		if m, err := Join(list); err == nil {
			t.Errorf("a part %s: %+v", name, m)
		}
	}
}

// What is of this protocol is told by type and subtype, and what is too short is not.
func TestIsAccess(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want bool
	}{
		{[]byte{Type, 0, 0, 0, SubtypeRequest}, true}, {[]byte{Type, 0, 0, 0, SubtypeReply}, true}, {[]byte{Type, 0, 0, 0, SubtypeReply + 1}, false},
		{[]byte{Type, 0, 0, 0, 0}, false}, {[]byte{Type + 1, 0, 0, 0, SubtypeRequest}, false}, {[]byte{Type, 0, 0, 0}, false}, {nil, false},
	} {
		if IsAccess(c.b) != c.want {
			t.Errorf("%x", c.b)
		}
	}
}

// An update goes with a request, an acknowledgement with a reply, whatever headers are around the other.
func TestWhichMessageIsEmbedded(t *testing.T) { //spec DM-21
	p := &ip6.Packet{HomeAddress: netip.MustParseAddr("2001:db8::3"), Routing2: netip.MustParseAddr("2001:db8::3")}
	none := &ip6.Packet{}
	for _, c := range []struct {
		name        string
		p           *ip6.Packet
		m           mh.Message
		update, ack bool
	}{
		{"update", p, &mh.BindingUpdate{Home: true}, true, false},
		{"update of a correspondent", p, &mh.BindingUpdate{}, false, false},
		{"update without home address", none, &mh.BindingUpdate{Home: true}, false, false},
		{"acknowledgement", p, &mh.BindingAck{}, false, true},
		{"hidden", p, nil, true, true},
		{"hidden, without headers", none, nil, false, false},
	} {
		if isUpdate(c.p, c.m) != c.update || isAck(c.p, c.m) != c.ack {
			t.Errorf("%s: update %v, acknowledgement %v", c.name, isUpdate(c.p, c.m), isAck(c.p, c.m))
		}
	}
}
