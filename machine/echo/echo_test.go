package echo

import (
	"bytes"
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

var (
	self = netip.MustParseAddr("2001:db8:c::1")
	peer = netip.MustParseAddr("2001:db8:a::1")
	hoa  = netip.MustParseAddr("2001:db8:0:1::100")
)

// whole is what a receiver makes of the packets: a plane whose address they are for.
func whole(t *testing.T, to netip.Addr, packets [][]byte) ip6.Packet {
	t.Helper()
	s, sink := plane.NewSoft(), plane.Sink{}
	s.Apply(0, plane.Op{Local: &plane.LocalOp{Addr: to, Local: plane.Local{Port: 1}}}, &sink)
	for _, b := range packets {
		if len(b) > ip6.MinMTU {
			t.Errorf("a packet of %d octets", len(b))
		}
		s.Handle(0, 1, plane.HW{}, bytes.Clone(b), &sink)
	}
	if len(sink.Punt) != 1 || len(sink.Drops) != 0 {
		t.Fatalf("of %d packets came %d, dropped %v", len(packets), len(sink.Punt), sink.Drops)
	}
	p, err := ip6.Parse(sink.Punt[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Answers of every length arrive whole over the narrowest path, with no more pieces than it takes.
func TestLengths(t *testing.T) {
	rand := engine.NewRand([32]byte{1})
	const fits = ip6.MinMTU - ip6.HeaderLen - 8
	for n, want := range map[int]int{0: 1, 56: 1, fits: 1, fits + 1: 2, 2000: 2, 2*MaxPart - 8: 2, 2*MaxPart - 7: 3, 65527: 54} { //order:any
		data := bytes.Repeat([]byte("roam6"), n/5+1)[:n]
		p := &ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}}
		packets := Answer(rand, self, p, &icmp6.Echo{ID: 7, Seq: 8, Data: data})
		if len(packets) != want {
			t.Errorf("%d octets: %d packets, want %d", n, len(packets), want)
		}
		r := whole(t, peer, packets)
		m, err := icmp6.Parse(r.Src, r.Dst, r.Payload)
		e, ok := m.(*icmp6.Echo)
		if err != nil || !ok || !e.Reply || e.ID != 7 || e.Seq != 8 || !bytes.Equal(e.Data, data) || r.Src != self {
			t.Errorf("%d octets: %v from %v", n, err, r.Src)
		}
	}
}

// Two answers cannot be mixed up, and nobody can tell what the next will be called.
func TestIdentification(t *testing.T) {
	rand := engine.NewRand([32]byte{1})
	p := &ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}}
	id := func() uint32 {
		q, err := ip6.Parse(Answer(rand, self, p, &icmp6.Echo{Data: make([]byte, 2000)})[0])
		if err != nil || q.Fragment == nil {
			t.Fatalf("%+v, %v", q, err)
		}
		return q.Fragment.ID
	}
	if a, b, c := id(), id(), id(); a == b || b-a == c-b {
		t.Errorf("%d, %d, %d", a, b, c)
	}
}

// Whom nobody answers, and where an answer goes.
func TestWhom(t *testing.T) {
	for _, c := range []struct {
		name string
		p    ip6.Packet
		m    icmp6.Echo
		to   netip.Addr
	}{
		{"a stranger", ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}}, icmp6.Echo{}, peer},
		{"a mobile node", ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, HomeAddress: hoa}, icmp6.Echo{}, hoa},
		{"a reply", ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}}, icmp6.Echo{Reply: true}, netip.Addr{}},
		{"to a group", ip6.Packet{Header: ip6.Header{Src: peer, Dst: ip6.AllNodes}}, icmp6.Echo{}, netip.Addr{}},
		{"to another", ip6.Packet{Header: ip6.Header{Src: peer, Dst: hoa}}, icmp6.Echo{}, netip.Addr{}},
		{"from a group", ip6.Packet{Header: ip6.Header{Src: ip6.AllNodes, Dst: self}}, icmp6.Echo{}, netip.Addr{}},
		{"from nobody", ip6.Packet{Header: ip6.Header{Src: netip.IPv6Unspecified(), Dst: self}}, icmp6.Echo{}, netip.Addr{}},
		{"from a link", ip6.Packet{Header: ip6.Header{Src: netip.MustParseAddr("fe80::1"), Dst: self}}, icmp6.Echo{}, netip.Addr{}},
		{"from here", ip6.Packet{Header: ip6.Header{Src: self, Dst: self}}, icmp6.Echo{}, netip.Addr{}},
		{"for a group", ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, HomeAddress: ip6.AllNodes}, icmp6.Echo{}, netip.Addr{}},
	} {
		packets := Answer(engine.NewRand([32]byte{}), self, &c.p, &c.m)
		if !c.to.IsValid() {
			if packets != nil {
				t.Errorf("%s: answered", c.name)
			}
			continue
		}
		if len(packets) != 1 {
			t.Errorf("%s: %d packets", c.name, len(packets))
			continue
		}
		if q, err := ip6.Parse(packets[0]); err != nil || q.Dst != c.to {
			t.Errorf("%s: to %v, %v", c.name, q.Dst, err)
		}
	}
}
