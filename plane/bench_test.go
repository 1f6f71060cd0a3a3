package plane

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/wire/ip6"
)

// busy is an agent with many mobile nodes and a mobile node away from home, and another at home.
func busy(mns int) (agent, away, athome *Soft) {
	agent, away, athome = NewSoft(), NewSoft(), NewSoft()
	var sink Sink
	agent.Apply(0, Op{Local: &LocalOp{ha, Local{Capture: true}}}, &sink)
	a := netip.MustParseAddr("2001:db8:0:1::1:0").As16()
	for i := range mns {
		a[11], a[12], a[13] = 1, byte(i>>8), byte(i)
		agent.Apply(0, pathOp(netip.AddrFrom16(a), Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: cn}), &sink)
	}
	agent.Apply(0, pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa}), &sink)
	link := Op{Link: &LinkOp{1, Link{ar, 1500}}}
	away.Apply(0, link, &sink)
	away.Apply(0, Op{Local: &LocalOp{coa, Local{Port: 1}}}, &sink)
	away.Apply(0, pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}), &sink)
	athome.Apply(0, link, &sink)
	athome.Apply(0, pathOp(hoa, Path{Side: Mobile, Mode: Direct, Out: 1}), &sink)
	return agent, away, athome
}

// ways are the packets of a plane's everyday, each with what takes it.
func ways(size int) map[string]func() {
	agent, away, athome := busy(10_000)
	in := func(src, dst netip.Addr, inner []byte) []byte {
		p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoIPv6, Payload: inner}
		return p.Append(nil)
	}
	way := func(s *Soft, port Port, packet []byte) func() {
		var sink Sink
		buf := make([]byte, len(packet)+Headroom)
		return func() {
			b := buf[:copy(buf, packet)]
			s.Handle(0, port, ar, b, &sink)
			if len(sink.Out) != 1 {
				panic("not forwarded")
			}
			sink.Reset()
		}
	}
	up, down := udp(hoa, cn, size), udp(cn, hoa, size)
	mobile, peer, both := talking(10_000)
	there := udp(hoa, ha, size)
	straight := func(p ip6.Packet) []byte { p.Proto, p.Payload = ip6.ProtoUDP, make([]byte, size); return p.Append(nil) }
	return map[string]func(){
		"encapsulate/mobile":      way(away, Kernel, up),
		"encapsulate/agent":       way(agent, Kernel, down),
		"decapsulate/mobile":      way(away, 1, in(ha, coa, down)),
		"decapsulate/agent":       way(agent, Kernel, in(coa, ha, up)),
		"direct/up":               way(athome, Kernel, up),
		"direct/down":             way(athome, 1, down),
		"straight/mobile/send":    way(mobile, Kernel, up),
		"straight/mobile/receive": way(mobile, 1, straight(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa})),
		"straight/peer/send":      way(peer, Kernel, down),
		"straight/peer/receive":   way(peer, 1, straight(ip6.Packet{Header: ip6.Header{Src: coa, Dst: cn}, HomeAddress: hoa})),
		"straight/both/send":      way(both, Kernel, there),
		"straight/both/receive":   way(both, 1, straight(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa, HomeAddress: ha})),
		"flows/1000":              way(flowing(1000, 4), Kernel, down),
		"flows/1000-shapes":       way(flowing(1000, MaxFlowShapes), Kernel, down),
	}
}

// talking are a mobile node and a correspondent that talk straight, and a mobile node that does with another one; the
// correspondent has many more bindings.
func talking(bindings int) (mobile, peer, both *Soft) {
	_, mobile, _ = busy(0)
	_, both, _ = busy(0)
	peer = NewSoft()
	var sink Sink
	for _, op := range []Op{{Link: &LinkOp{1, Link{ar, 1500}}}, pathOp(cn, Path{Side: Mobile, Mode: Direct, Out: 1, Control: true})} {
		peer.Apply(0, op, &sink)
	}
	a := netip.MustParseAddr("2001:db8:0:1::1:0").As16()
	for i := range bindings {
		a[11], a[12], a[13] = 1, byte(i>>8), byte(i)
		peer.Apply(0, Op{Route: &RouteOp{Pair{netip.AddrFrom16(a), cn}, Route{Side: Peer, CareOf: coa, Out: 1}}}, &sink)
	}
	peer.Apply(0, Op{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Peer, CareOf: coa, Out: 1}}}, &sink)
	mobile.Apply(0, Op{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Mobile, CareOf: coa, Out: 1}}}, &sink)
	both.Apply(0, Op{Route: &RouteOp{Pair{hoa, ha}, Route{Side: Mobile, CareOf: coa, Out: 1}}}, &sink)
	both.Apply(0, Op{Route: &RouteOp{Pair{ha, hoa}, Route{Side: Peer, CareOf: cn, Out: 1}}}, &sink)
	return mobile, peer, both
}

// flowing is an agent with many flows of so many shapes, the last of which matches.
func flowing(n, shapes int) *Soft {
	s, _, _ := busy(0)
	a := netip.MustParseAddr("2001:db8:ffff::").As16()
	for i := range n {
		a[14], a[15] = byte(i>>8), byte(i)
		f := Flow{Src: netip.PrefixFrom(netip.AddrFrom16(a), 128-i%shapes), Dst: host(hoa), Proto: 17}
		if i == n-1 {
			f.Src = netip.PrefixFrom(cn, 128-i%shapes)
		}
		s.Apply(0, Op{Flow: &FlowOp{uint32(i), f}}, &Sink{})
	}
	return s
}

// TestNoAllocation keeps forwarding free of garbage when the buffer has Headroom.
func TestNoAllocation(t *testing.T) {
	for name, handle := range ways(1000) { //order:any each by itself
		if n := testing.AllocsPerRun(100, handle); n != 0 {
			t.Errorf("%s: %v allocations a packet", name, n)
		}
	}
}

func BenchmarkHandle(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(ways(1000))) {
		b.Run(name, func(b *testing.B) {
			handle := ways(1000)[name]
			b.ReportAllocs()
			b.SetBytes(1040)
			for b.Loop() {
				handle()
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	s, _, _ := busy(10_000)
	var sink Sink
	ops := [2]Op{}
	for i, remote := range []netip.Addr{coa, cn} {
		ops[i] = pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: remote})
	}
	for i := 0; b.Loop(); i++ {
		s.Apply(time.Duration(i), ops[i%2], &sink)
	}
}

// BenchmarkMove is one of many bindings that gets another care-of address.
func BenchmarkMove(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, sink := many(n, func(i int) netip.Addr { return numbered(coa, i) }), &Sink{}
			op, r := PathOp{Path: Path{Side: Agent, Mode: Tunnel, Local: ha, Capture: true}}, rand.NewPCG(1, 1)
			b.ReportAllocs()
			for b.Loop() {
				x := r.Uint64()
				op.Inner, op.Path.Remote = netip.PrefixFrom(numbered(hoa, int(uint32(x))%n), 128), numbered(cn, int(x>>33))
				s.Apply(0, Op{Path: &op}, sink)
			}
		})
	}
}

// BenchmarkDuplicate is what suppression adds to a received packet: the first of two, and its copy.
func BenchmarkDuplicate(b *testing.B) {
	s, r := NewSoft(), loose(Path{Dedup: time.Second})
	p := udp(cn, hoa, 1000)
	b.SetBytes(2080)
	for i := 0; b.Loop(); i++ {
		p[40], p[41], p[42] = byte(i), byte(i>>8), byte(i>>16)
		s.now = time.Duration(i) * time.Millisecond
		if s.duplicate(r, &arrival{port: 1}, p) || !s.duplicate(r, &arrival{port: 2}, p) {
			b.Fatal("wrong")
		}
	}
}

// BenchmarkKeep is a packet that is kept, and pushes an old one out.
func BenchmarkKeep(b *testing.B) {
	_, _, s := busy(0)
	var sink Sink
	s.Apply(0, pathOp(hoa, Path{Side: Mobile, Mode: Direct, Out: 1, Keep: true, Limit: 512}), &sink)
	p := withRoom(udp(hoa, cn, 1000))
	b.SetBytes(1040)
	b.ReportAllocs()
	for b.Loop() {
		s.Handle(0, Kernel, HW{}, p, &sink)
		sink.Reset()
	}
}
