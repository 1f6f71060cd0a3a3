package plane

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"roam6/wire/ip6"
)

// worlds are the tables that fuzzed packets meet: a mobile node, a holding one, and an agent with two mobile nodes.
func worlds() []*Soft {
	other := netip.MustParseAddr("2001:db8:0:1::200")
	tables := [][]Op{
		{
			{Link: &LinkOp{1, Link{ar, 1500}}}, {Local: &LocalOp{coa, Local{Port: 1}}},
			pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}),
			pathOp(other, Path{Side: Mobile, Mode: Hold, Limit: 2}),
		},
		{
			{Local: &LocalOp{ha, Local{Capture: true}}},
			{Local: &LocalOp{other, Local{Port: 1, Proxy: true}}},
			pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa, MTU: 1280}),
			{Path: &PathOp{netip.PrefixFrom(other, 120), Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: cn}}},
		},
		{
			{Link: &LinkOp{1, Link{ar, 1500}}}, {Local: &LocalOp{coa, Local{Port: 1}}},
			pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1, Dedup: time.Second, Control: true, Keep: true, Limit: 3}),
			{Way: &WayOp{WayKey{host(hoa), 1}, Way{Local: coa, Remote: cn, Out: 1, Copy: true, Until: time.Hour}}},
			{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Mobile, CareOf: coa, Out: 1}}},
			{Route: &RouteOp{Pair{other, hoa}, Route{Side: Peer, CareOf: cn, Out: 1}}},
			{Flow: &FlowOp{1, Flow{Proto: 17, DstPort: 7, Mark: true, DSCP: 46, Way: 1}}},
			{Flow: &FlowOp{2, Flow{Src: host(cn), Rate: 1000}}},
			{Gate: &GateOp{GateKey{host(other), 1}, Gate{}}},
		},
		{
			{Link: &LinkOp{1, Link{ar, 1280}}},
			pathOp(cn, Path{Side: Mobile, Mode: Direct, Out: 1, Control: true}),
			{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Peer, CareOf: coa, Out: 1}}},
		},
	}
	tables = append(tables, []Op{ // tunnels in a tunnel, and packets that wait for those by the way before
		{Link: &LinkOp{1, Link{ar, 1500}}}, {Local: &LocalOp{coa, Local{Port: 1}}}, {Local: &LocalOp{other, Local{Port: 1}}},
		pathOp(other, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}),
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: other, Remote: ha, Out: 1, Settle: time.Second, Limit: 2}),
		{Way: &WayOp{WayKey{host(hoa), 1}, Way{Local: other, Remote: ha, Out: 1}}},
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1, Settle: time.Second, Limit: 2, Mark: true}),
	})
	var all []*Soft
	for _, ops := range tables {
		s := NewSoft()
		for _, op := range ops {
			s.Apply(0, op, &Sink{})
		}
		all = append(all, s)
	}
	return all
}

// check says what no packet may cause: output that is no IPv6 packet, or none of output, punt, drop and count.
func check(t interface{ Fatalf(string, ...any) }, s *Soft, sink *Sink, counted int) {
	for _, o := range sink.Out {
		if whole, ok := trim(o.Data); !ok || len(whole) != len(o.Data) {
			t.Fatalf("sent no IPv6 packet: %x", o.Data)
		}
		if o.Port != Kernel && o.To == (HW{}) {
			t.Fatalf("sent to nobody")
		}
	}
	dropped := 0
	for _, d := range sink.Drops {
		if d.N < 1 || d.Reason == "" {
			t.Fatalf("drop %+v", d)
		}
		dropped += d.N
	}
	if counted > sumDrops(s) || dropped > sumDrops(s)-counted {
		t.Fatalf("told of %d drops, counted %d", dropped, sumDrops(s)-counted)
	}
	held, kept, seen := 0, 0, 0
	for _, p := range s.paths.prefixes() {
		r := s.paths.of(p)
		for i := range r.held.n {
			if h := r.held.ring[(r.held.head+i)%len(r.held.ring)]; h.sent {
				kept += len(h.data)
			} else {
				held += len(h.data)
			}
		}
		if r.order != nil {
			held += r.order.octets
		}
		if r.seen != nil {
			seen += r.seen.n
		}
	}
	if held != s.heldOctets || kept != s.keptOctets || seen != s.remembered {
		t.Fatalf("%d octets held, %d kept, %d remembered; the accounts say %d, %d, %d", held, kept, seen, s.heldOctets, s.keptOctets, s.remembered)
	}
	if s.fragments.octets > MaxReassemblyOctets || len(s.fragments.order) > MaxReassemblySets || len(s.fragments.order) != len(s.fragments.sets) {
		t.Fatalf("reassembly over its limits")
	}
	strangers, theirs, octets := 0, 0, 0
	for _, set := range s.fragments.order {
		if octets += set.octets; set.stranger {
			strangers, theirs = strangers+1, theirs+set.octets
		}
	}
	if strangers != s.fragments.strangers || theirs != s.fragments.theirs || octets != s.fragments.octets || strangers > MaxReassemblySets/2 || theirs > MaxReassemblyOctets/2 {
		t.Fatalf("%d sets of strangers with %d of %d octets; the accounts say %+v", strangers, theirs, octets, s.fragments)
	}
}

func sumDrops(s *Soft) (n int) {
	for _, d := range s.Counters().Drops {
		n += d.N
	}
	return n
}

// FuzzHandle gives a plane any bytes by any port.
func FuzzHandle(f *testing.F) {
	up := udp(hoa, cn, 40)
	tunnelled := (&ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, EncapLimit: 3, Proto: ip6.ProtoIPv6, Payload: udp(cn, hoa, 30)}).Append(nil)
	errorAbout := icmpError{kind: icmpTooBig, value: 1400, about: (&ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoIPv6, Payload: up}).Append(nil), from: cn}
	fragment := append(bytes.Clone(tunnelled[:40]), 60, 0, 0, 1, 0, 0, 0, 9, 41, 0, 4, 1, 2, 1, 1, 0)
	binary.BigEndian.PutUint16(fragment[4:], 16)
	fragment[6] = ip6.ProtoFragment
	straight := (&ip6.Packet{Header: ip6.Header{Src: coa, Dst: cn}, HomeAddress: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 30)}).Append(nil)
	back := (&ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa, HomeAddress: ha, Proto: ip6.ProtoUDP, Payload: make([]byte, 30)}).Append(nil)
	routed := (&ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 30)}).Append(nil)
	for _, b := range [][]byte{up, tunnelled, errorAbout.packet(), fragment, udp(cn, hoa, 1230), udp(coa, ha, 0), straight, back, routed,
		icmpError{kind: icmpUnreachable, about: straight, from: ha}.packet(), icmpError{kind: icmpTooBig, value: 1300, about: routed, from: ha}.packet()} {
		f.Add(b, uint8(0), uint32(0))
		f.Add(b, uint8(1), uint32(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, port uint8, later uint32) {
		for _, s := range worlds() {
			for _, now := range []time.Duration{0, time.Duration(later), ReassemblyTimeout * 2} {
				var sink Sink
				before := sumDrops(s)
				in := bytes.Clone(b)
				s.Handle(now, Port(port%3), HW{1}, in, &sink)
				check(t, s, &sink, before)
				if len(sink.Out)+len(sink.Punt) > 3 {
					t.Fatalf("one packet became %d", len(sink.Out)+len(sink.Punt))
				}
			}
		}
	})
}
