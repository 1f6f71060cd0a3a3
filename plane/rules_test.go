package plane

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/wire/ip6"
)

// Rules whose absence the conformance suite cannot show: counters, memory, and how deep things go.

func count(n, octets int) Count { return Count{uint64(n), uint64(octets)} }

// ruled is a plane with ops applied.
func ruled(t *testing.T, ops ...Op) *Soft {
	t.Helper()
	s, sink := NewSoft(), &Sink{}
	for _, op := range ops {
		s.Apply(0, op, sink)
	}
	if len(sink.Refused) > 0 {
		t.Fatalf("refused: %v", sink.Refused)
	}
	return s
}

// What a mobile node sends through its agent is counted at the path, and at the way it came by.
func TestReceivedIsCounted(t *testing.T) {
	other := netip.MustParseAddr("2001:db8:b::100")
	s := ruled(t, Op{Local: &LocalOp{ha, Local{Capture: true}}}, pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa}),
		Op{Way: &WayOp{WayKey{host(hoa), 7}, Way{Local: ha, Remote: other}}})
	sink := &Sink{}
	b := udp(hoa, cn, 60)
	s.Handle(0, Kernel, HW{}, inTunnel(coa, ha, b), sink)
	s.Handle(0, Kernel, HW{}, inTunnel(other, ha, b), sink)
	s.Handle(0, Kernel, HW{}, inTunnel(cn, ha, b), sink)
	c := s.Counters()
	if c.Paths[0].Received != count(2, 2*len(b)) || c.Ways[0].Received != count(1, len(b)) || len(sink.Out) != 2 {
		t.Errorf("%+v %+v", c.Paths, c.Ways)
	}
}

// A closed gate counts what it stops, an open one nothing; changing a gate keeps its count, deleting it ends it.
func TestGateCounts(t *testing.T) {
	key := GateKey{netip.PrefixFrom(cn, 128), 1}
	set := func(open bool) Op { return Op{Gate: &GateOp{key, Gate{Open: open}}} }
	s := ruled(t, set(false), set(false))
	sink := &Sink{}
	knock := func() { s.Handle(0, 1, ar, udp(cn, hoa, 30), sink) }
	stopped := func() uint64 { return s.Counters().Gates[0].Stopped }
	knock()
	s.Apply(0, set(true), sink)
	knock()
	knock()
	if stopped() != 1 {
		t.Errorf("an open gate counts: %d", stopped())
	}
	s.Apply(0, set(false), sink)
	if knock(); stopped() != 2 || s.gates.n != 1 {
		t.Errorf("%d stopped, %d gates", stopped(), s.gates.n)
	}
	del := set(false)
	del.Delete = true
	other := del
	other.Gate = &GateOp{GateKey{netip.PrefixFrom(ha, 128), 1}, Gate{}}
	s.Apply(0, other, sink) // there is none
	s.Apply(0, del, sink)
	s.Apply(0, del, sink)
	if s.gates.n != 0 || len(s.gates.ports) != 0 || len(s.Counters().Gates) != 0 {
		t.Errorf("left over: %+v", s.gates)
	}
}

// A flow goes on counting when it is changed, and its policer goes on when only the rest of it is.
func TestFlowCountsSurvive(t *testing.T) {
	set := func(f Flow) Op { return Op{Flow: &FlowOp{1, f}} }
	s := ruled(t, Op{Local: &LocalOp{ha, Local{Capture: true}}}, pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa}),
		set(Flow{Rate: 1, Burst: 150}))
	sink, b := &Sink{}, udp(cn, hoa, 60)
	send := func() { s.Handle(0, Kernel, HW{}, slices.Clone(b), sink) }
	send()
	send()
	s.Apply(0, set(Flow{Rate: 1, Burst: 150, Mark: true, DSCP: 5}), sink)
	send() // the bucket is as empty as it was
	s.Apply(0, set(Flow{Rate: 1, Burst: 151}), sink)
	send() // another bucket
	if c := s.Counters().Flows[0]; c.Passed != count(2, 200) || c.Policed != count(2, 200) {
		t.Errorf("%+v", c)
	}
}

// Routes that come and go take no more room than stand at once, and a new one begins to count at nothing.
func TestRoutesAreReused(t *testing.T) {
	s := ruled(t, Op{Link: &LinkOp{1, Link{ar, 1500}}}, Op{Local: &LocalOp{coa, Local{Port: 1}}},
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}))
	sink := &Sink{}
	stays := Op{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Mobile, CareOf: coa, Out: 1}}}
	s.Apply(0, stays, sink)
	s.Handle(0, Kernel, HW{}, udp(hoa, cn, 60), sink)
	for i := range 1000 {
		peer := netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)})
		op := Op{Route: &RouteOp{Pair{hoa, peer}, Route{Side: Mobile, CareOf: coa, Out: 1}}}
		s.Apply(0, op, sink)
		s.Apply(0, op, sink)
		s.Handle(0, Kernel, HW{}, udp(hoa, peer, 60), sink)
		if c := s.Counters().Routes; len(c) != 2 || c[0].Sent != count(1, 100) || c[1].Sent != count(1, 100) {
			t.Fatalf("%d: %+v", i, c)
		}
		op.Delete = true
		s.Apply(0, op, sink)
		s.Apply(0, op, sink)
	}
	if len(s.pairs.list) > 2 || len(s.pairs.free) != 1 || len(s.pairs.at) != 1 {
		t.Errorf("%d places, %d of them free", len(s.pairs.list), len(s.pairs.free))
	}
}

// An address is the end of tunnels while it is the engines' and not the applications', in whatever order that is told.
func TestEndsFollowTheTable(t *testing.T) {
	beneath := pathOp(coa, Path{Side: Mobile, Mode: Tunnel, Local: previous, Remote: cn, Out: 1})
	own, lent, given := Op{Local: &LocalOp{coa, Local{Port: 1}}}, Op{Local: &LocalOp{coa, Local{Port: 1, Proxy: true}}}, Op{Host: &HostOp{coa, Host{MTU: 1500}}}
	gone := func(op Op) Op { op.Delete = true; return op }
	s, sink := NewSoft(), &Sink{}
	for i, c := range []struct {
		op   Op
		ends int
	}{
		{beneath, 0}, {own, 1}, {own, 1}, {lent, 0}, {own, 1}, {given, 0}, {gone(given), 1}, {gone(own), 0}, {own, 1},
		{pathOp(coa, Path{Side: Agent, Mode: Tunnel, Local: previous, Remote: cn}), 0}, {beneath, 1}, {gone(beneath), 0},
	} {
		if s.Apply(0, c.op, sink); s.ends != c.ends {
			t.Errorf("%d %v: %d ends, want %d", i, c.op, s.ends, c.ends)
		}
	}
}

// A packet is taken out of so many tunnels in one another and no more, however they are laid.
func TestDepthIsBounded(t *testing.T) {
	near := func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}) }
	far := func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 2, 15: byte(i)}) }
	const most = 12
	s := ruled(t, Op{Link: &LinkOp{1, Link{ar, 1500}}}, pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: near(0), Remote: far(0), Out: 1}))
	for i := range most {
		s.Apply(0, Op{Local: &LocalOp{near(i), Local{Port: 1}}}, &Sink{})
		s.Apply(0, pathOp(near(i), Path{Side: Mobile, Mode: Tunnel, Local: near(i + 1), Remote: far(i + 1), Out: 1}), &Sink{})
	}
	s.Apply(0, Op{Local: &LocalOp{near(most), Local{Port: 1}}}, &Sink{})
	b := udp(cn, hoa, 60)
	for tunnels := 1; tunnels <= most; tunnels++ {
		b = inTunnel(far(tunnels-1), near(tunnels-1), b)
		sink := &Sink{}
		s.Handle(0, 1, ar, slices.Clone(b), sink)
		if got := len(sink.Out) == 1; got != (tunnels <= maxDepth+1) {
			t.Errorf("%d tunnels: out %d, drops %v", tunnels, len(sink.Out), sink.Drops)
		}
		if tunnels > maxDepth+1 && (len(sink.Drops) != 1 || sink.Drops[0].Reason != DropEncapLimit) {
			t.Errorf("%d tunnels: drops %v", tunnels, sink.Drops)
		}
	}
}

// What is strange to a plane: tunnel packets and home addresses that its table does not know, whole and for engines of its own.
func TestStrangeIsExact(t *testing.T) {
	s := ruled(t, Op{Local: &LocalOp{ha, Local{Capture: true}}}, Op{Local: &LocalOp{previous, Local{Port: 1, Proxy: true}}},
		pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa}))
	b := udp(hoa, cn, 60)
	strange := inTunnel(cn, ha, b)
	lies := slices.Clone(strange)
	lies[6] = ip6.ProtoDestOpts
	control := udp(cn, ha, 60)
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"by a tunnel of nobody":      {strange, true},
		"by its own":                 {inTunnel(coa, ha, b), false},
		"to one that is stood for":   {inTunnel(cn, previous, b), false},
		"to nobody":                  {inTunnel(cn, coa, b), false},
		"headers that lie":           {lies, false},
		"a piece":                    {fragmentOf(strange, 1, 0, 64), false},
		"no tunnel":                  {control, false},
		"cut short":                  {strange[:60], false},
		"nothing in it":              {strange[:40], false},
		"what is in it is cut short": {inTunnel(cn, ha, b[:50]), false},
	} {
		if got := s.Strange(slices.Clone(c.b)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Copies of what was sent give their room back when they leave by the next way, however often that happens.
func TestKeptGivesBack(t *testing.T) {
	other := netip.MustParseAddr("2001:db8:b::100")
	keep := func(to netip.Addr) Op {
		return pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: to, Keep: true, Limit: 4})
	}
	s := ruled(t, Op{Local: &LocalOp{ha, Local{Capture: true}}}, keep(coa))
	b, sink := udp(cn, hoa, 60), &Sink{}
	for i := range 50 {
		sink.Reset()
		for range 3 {
			s.Handle(0, Kernel, HW{}, slices.Clone(b), sink)
		}
		sink.Reset()
		to := []netip.Addr{other, coa}[i%2]
		if s.Apply(0, keep(to), sink); len(sink.Out) < 3 || len(sink.Out) > 4 || s.keptOctets != len(sink.Out)*len(b) {
			t.Fatalf("%d: %d copies left, %d octets are kept", i, len(sink.Out), s.keptOctets)
		}
	}
	s.Apply(0, pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: cn}), sink)
	if s.keptOctets != 0 {
		t.Errorf("%d octets are kept of nothing", s.keptOctets)
	}
}

// Errors about tunnels in tunnels are told, the hundredth as the first.
func TestErrorsAreHandedDownForEver(t *testing.T) {
	mn, sink := forwarded(t)
	mn.Handle(0, Kernel, HW{}, udp(hoa, cn, 60), sink)
	var whole []byte
	for _, o := range sink.Out {
		if o.Port != Kernel && o.Data[6] != ip6.ProtoUDP && destinationOf(o.Data) == par {
			whole = slices.Clone(o.Data)
		}
	}
	if whole == nil {
		t.Fatalf("%+v", sink.Out)
	}
	hop := netip.MustParseAddr("2001:db8:f::1")
	e := icmpError{kind: icmpUnreachable, about: whole, from: hop}
	for i := range 100 {
		sink.Reset()
		mn.Handle(time.Duration(i)*time.Second, 1, ar, e.packet(), sink)
		if len(sink.Out) != 1 || sink.Out[0].Port != Kernel || destinationOf(sink.Out[0].Data) != hoa {
			t.Fatalf("error %d: %+v", i, sink)
		}
	}
}

// What waits for its other pieces is a copy: whoever handed it over may use the room again.
func TestPiecesAreCopies(t *testing.T) {
	s := ruled(t, Op{Link: &LinkOp{1, Link{ar, 1500}}}, Op{Local: &LocalOp{coa, Local{Port: 1}}},
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}))
	sink, user := &Sink{}, udp(cn, hoa, 60)
	in := inTunnel(ha, coa, user)
	for _, part := range [][2]int{{0, 48}, {48, 96}, {96, 100}} {
		b := fragmentOf(in, 1, part[0], part[1])
		s.Handle(0, 1, ar, b, sink)
		if len(sink.Out) == 0 {
			clear(b)
		}
	}
	if len(sink.Out) != 1 || !slices.Equal(sink.Out[0].Data, user) {
		t.Errorf("%+v", sink)
	}
}
