package plane

import (
	"net/netip"
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
	return map[string]func(){
		"encapsulate/mobile": way(away, Kernel, up),
		"encapsulate/agent":  way(agent, Kernel, down),
		"decapsulate/mobile": way(away, 1, in(ha, coa, down)),
		"decapsulate/agent":  way(agent, Kernel, in(coa, ha, up)),
		"direct/up":          way(athome, Kernel, up),
		"direct/down":        way(athome, 1, down),
	}
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
	for _, name := range []string{"encapsulate/mobile", "encapsulate/agent", "decapsulate/mobile", "decapsulate/agent", "direct/up", "direct/down"} {
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
