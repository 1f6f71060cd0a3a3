package plane

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
)

var (
	hoa = netip.MustParseAddr("2001:db8:0:1::100")
	coa = netip.MustParseAddr("2001:db8:a::100")
	ha  = netip.MustParseAddr("2001:db8:0:1::1")
	cn  = netip.MustParseAddr("2001:db8:c::1")
	ar  = HW{2, 0, 0, 0, 0, 1}
)

func udp(src, dst netip.Addr, size int) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoUDP, Payload: make([]byte, size)}
	return p.Append(nil)
}

func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, 128) }

func pathOp(inner netip.Addr, p Path) Op { return Op{Path: &PathOp{host(inner), p}} }

// TestThereAndBack sends a packet from a mobile node's application through its tunnel to the agent and back.
func TestThereAndBack(t *testing.T) {
	mn, agent := NewSoft(), NewSoft()
	var sink Sink
	for _, op := range []Op{
		{Link: &LinkOp{1, Link{ar, 1500}}},
		{Local: &LocalOp{coa, Local{Port: 1}}},
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}),
	} {
		mn.Apply(0, op, &sink)
	}
	for _, op := range []Op{
		{Local: &LocalOp{ha, Local{Capture: true}}},
		pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa, Capture: true}),
	} {
		agent.Apply(0, op, &sink)
	}
	mn.Handle(0, Kernel, HW{}, udp(hoa, cn, 100), &sink)
	if len(sink.Out) != 1 || sink.Out[0].Port != 1 || sink.Out[0].To != ar {
		t.Fatalf("mobile node sent %+v", sink)
	}
	up := sink.Out[0].Data
	sink.Reset()
	agent.Handle(0, Kernel, HW{}, up, &sink)
	if len(sink.Out) != 1 || string(sink.Out[0].Data) != string(udp(hoa, cn, 100)) {
		t.Fatalf("agent sent %+v", sink)
	}
	sink.Reset()
	agent.Handle(0, Kernel, HW{}, udp(cn, hoa, 100), &sink)
	down := sink.Out[0].Data
	sink.Reset()
	mn.Handle(0, 1, ar, down, &sink)
	want := udp(cn, hoa, 100)
	want[7]--
	if len(sink.Out) != 1 || sink.Out[0].Port != Kernel || string(sink.Out[0].Data) != string(want) {
		t.Fatalf("mobile node received %+v", sink)
	}
}

// TestCounters follows one path's packets through the counters.
func TestCounters(t *testing.T) {
	s := worlds()[0]
	var sink Sink
	s.Handle(0, Kernel, HW{}, udp(hoa, cn, 60), &sink)
	s.Handle(0, Kernel, HW{}, udp(hoa, cn, 60), &sink)
	s.Handle(0, 1, ar, encapsulated(ha, coa, udp(cn, hoa, 20)), &sink)
	s.Handle(0, 1, ar, udp(cn, coa, 8), &sink)
	for range 2 {
		s.Handle(0, 1, ar, udp(cn, hoa, 8), &sink)
	}
	s.Handle(0, 1, ar, udp(cn, ip6.AllNodes, 8), &sink)
	s.Handle(0, Kernel, HW{}, udp(netip.MustParseAddr("2001:db8:0:1::200"), cn, 8), &sink)
	for range ICMPBurst + 3 {
		s.Handle(0, Kernel, HW{}, udp(ha, cn, 8), &sink)
	}
	want := Counters{
		Paths: []PathCount{
			{Inner: host(hoa), Sent: Count{2, 200}, Received: Count{1, 60}},
			{Inner: netip.MustParsePrefix("2001:db8:0:1::200/128"), Held: 1},
		},
		Drops: []Drop{{DropNoPath, ICMPBurst + 3}, {DropNotByTunnel, 2}, {DropNotForUs, 1}},
		Punts: Count{1, 48}, ErrorsSent: ICMPBurst, ErrorsLimited: 3,
	}
	if got := s.Counters(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if want := []Drop{{DropNotByTunnel, 2}, {DropNoPath, ICMPBurst + 3}}; !reflect.DeepEqual(sink.Drops, want) {
		t.Errorf("told %+v, want %+v", sink.Drops, want)
	}
	sink.Reset()
	if len(sink.Out)+len(sink.Punt)+len(sink.Drops) != 0 {
		t.Error("a reset sink is not empty")
	}
}

func encapsulated(src, dst netip.Addr, inner []byte) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoIPv6, Payload: inner}
	return p.Append(nil)
}

// TestErrorSource follows the address that ICMPv6 errors come from as Locals come and go.
func TestErrorSource(t *testing.T) {
	s := NewSoft()
	linkLocal := netip.MustParseAddr("fe80::1")
	set := func(a netip.Addr, l Local) Op { return Op{Local: &LocalOp{a, l}} }
	unset := func(a netip.Addr) Op { return Op{Delete: true, Local: &LocalOp{Addr: a}} }
	for i, c := range []struct {
		op   Op
		want netip.Addr
		code byte
	}{
		{set(linkLocal, Local{}), linkLocal, codeNoRoute},
		{set(netip.MustParseAddr("fe80::2"), Local{}), linkLocal, codeNoRoute},
		{unset(netip.MustParseAddr("fe80::2")), linkLocal, codeNoRoute},
		{set(coa, Local{Tentative: true}), linkLocal, codeNoRoute},
		{set(coa, Local{}), coa, codeNoRoute},
		{set(ha, Local{Proxy: true}), coa, codeNoRoute},
		{set(ha, Local{Capture: true}), ha, codeAddress},
		{set(ha, Local{}), ha, codeNoRoute},
		{unset(linkLocal), ha, codeNoRoute},
		{unset(ha), coa, codeNoRoute},
		{set(linkLocal, Local{}), coa, codeNoRoute},
		{pathOp(cn, Path{Capture: true}), coa, codeAddress},
		{Op{Delete: true, Path: &PathOp{Inner: host(cn)}}, coa, codeNoRoute},
		{unset(coa), linkLocal, codeNoRoute},
		{unset(linkLocal), netip.Addr{}, 0},
	} {
		var sink Sink
		s.Apply(0, c.op, &sink)
		s.Handle(0, Kernel, HW{}, udp(hoa, cn, 8), &sink)
		var got netip.Addr
		var code byte
		if len(sink.Out) > 0 {
			got, code = sourceOf(sink.Out[0].Data), sink.Out[0].Data[41]
		}
		if got != c.want || code != c.code {
			t.Errorf("%d %v: error from %v code %d, want %v code %d", i, c.op, got, code, c.want, c.code)
		}
	}
}

// TestHeldOctets fills a plane's memory for held packets and sees it come back, however the packets go.
func TestHeldOctets(t *testing.T) {
	s, other := NewSoft(), netip.MustParseAddr("2001:db8:0:1::200")
	hold := func(a netip.Addr) Op {
		return pathOp(a, Path{Side: Mobile, Mode: Hold, Limit: 1 << 20, Age: time.Second})
	}
	var sink Sink
	for _, a := range []netip.Addr{hoa, other} {
		s.Apply(0, hold(a), &sink)
	}
	const size = 32000
	for i := range 2 * MaxHeldOctets / size {
		s.Handle(time.Duration(i), Kernel, HW{}, udp([]netip.Addr{hoa, other}[i%2], cn, size-ip6.HeaderLen), &sink)
	}
	kept := MaxHeldOctets / size
	if c := s.Counters(); c.Paths[0].Held+c.Paths[1].Held != kept || s.heldOctets != kept*size {
		t.Fatalf("held %+v, %d octets, want %d packets", c.Paths, s.heldOctets, kept)
	}
	s.Apply(time.Second+2, pathOp(hoa, Path{Side: Mobile, Mode: Direct, Out: 1}), &sink) // some aged, the rest released
	s.Apply(2, Op{Delete: true, Path: &PathOp{Inner: host(other)}}, &sink)
	if s.heldOctets != 0 {
		t.Errorf("%d octets held by nobody", s.heldOctets)
	}
}

// TestReassemblyOctets sees the memory of fragments bounded and come back.
func TestReassemblyOctets(t *testing.T) {
	s := worlds()[0]
	var sink Sink
	fragment := func(id uint32, at, size int, more uint16) []byte {
		b := udp(cn, coa, fragHeader+size)
		b[6], b[40] = ip6.ProtoFragment, ip6.ProtoUDP
		binary.BigEndian.PutUint16(b[42:], uint16(at)|more)
		binary.BigEndian.PutUint32(b[44:], id)
		return b
	}
	for id := range uint32(40) { // the oldest give way, for a stranger may take half
		s.Handle(0, 1, ar, fragment(id, 0, 40000, 1), &sink)
		if s.fragments.octets > MaxReassemblyOctets {
			t.Fatalf("%d octets kept", s.fragments.octets)
		}
	}
	if s.fragments.octets != MaxReassemblyOctets/2/40000*40000 {
		t.Errorf("%d octets kept", s.fragments.octets)
	}
	s.Handle(0, 1, ar, fragment(39, 40000, 8, 0), &sink) // complete
	s.Handle(0, 1, ar, fragment(38, 39992, 8, 1), &sink) // overlaps
	s.Handle(ReassemblyTimeout, 1, ar, udp(cn, coa, 0), &sink)
	if s.fragments.octets != 0 || len(s.fragments.sets) != 0 {
		t.Errorf("%d octets in %d sets left", s.fragments.octets, len(s.fragments.sets))
	}
	for at := range MaxReassemblyPieces + 1 {
		sink.Reset()
		s.Handle(ReassemblyTimeout, 1, ar, fragment(99, 16*at, 8, 1), &sink)
	}
	if !reflect.DeepEqual(sink.Drops, []Drop{{DropFragFull, 1}}) {
		t.Errorf("more than %d pieces: %v", MaxReassemblyPieces, sink.Drops)
	}
}

// TestPathMTUsBounded fills the memory of path MTUs: nothing new is learned until old entries expire.
func TestPathMTUsBounded(t *testing.T) {
	var p pathMTUs
	a := coa.As16()
	for i := range MaxPathMTUs + 5 {
		a[14], a[15] = byte(i>>8), byte(i)
		p.learn(netip.AddrFrom16(a), 1400, 0)
	}
	if len(p.of) != MaxPathMTUs {
		t.Errorf("%d path MTUs kept", len(p.of))
	}
	p.swept = PathMTULife - time.Millisecond // whoever sends many is not paid with a look through all for each
	if p.learn(cn, 1300, PathMTULife); len(p.of) != MaxPathMTUs {
		t.Errorf("looked through twice in a moment: %d left", len(p.of))
	}
	p.swept = 0
	p.learn(cn, 1300, PathMTULife)
	if len(p.of) != 1 || p.of[cn].mtu != 1300 {
		t.Errorf("after all expired: %v", p)
	}
	p.learn(cn, 1400, PathMTULife+1)
	p.learn(cn, 1290, PathMTULife+2)
	if want := (learnedMTU{1290, 2*PathMTULife + 2}); p.of[cn] != want {
		t.Errorf("got %v, want %v", p.of[cn], want)
	}
}

// TestLongestMatch compares the index with a search through all prefixes.
func TestLongestMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, b := index{side: number(Agent)}, &book{}
		all := map[netip.Prefix]*route{}
		draw := rapid.Custom(func(t *rapid.T) netip.Prefix {
			return netip.PrefixFrom(drawAddr.Draw(t, "addr"), rapid.SampledFrom([]int{0, 63, 64, 126, 127, 128}).Draw(t, "bits")).Masked()
		})
		for _, p := range rapid.SliceOf(draw).Draw(t, "prefixes") {
			if r := all[p]; r != nil {
				x.count(r.bits, -1)
				b.remove(r)
				delete(all, p)
				continue
			}
			all[p] = b.add(p)
			path := Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa}
			b.set(all[p], &path, split(&path))
			x.count(all[p].bits, 1)
		}
		a := drawAddr.Draw(t, "address")
		var want *route
		for p, r := range all { //order:any the longest wins
			if p.Contains(a) && (want == nil || uint8(p.Bits()) > want.bits) {
				want = r
			}
		}
		if got := x.find(b, a); got != want {
			t.Fatalf("found %v, want %v", got, want)
		}
	})
}
