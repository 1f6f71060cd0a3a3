package plane

import (
	"net/netip"
	"reflect"
	"testing"

	"roam6/wire/ip6"
)

// TestFullTables fills each map to a small limit: the Op beyond is refused, told and counted, what is there stays, and what
// is there may change.
func TestFullTables(t *testing.T) {
	one := *standard
	one.links, one.locals, one.hosts, one.paths, one.ways, one.routes, one.gates, one.meters, one.flows = 1, 1, 1, 1, 1, 1, 1, 1, 1
	s := NewSoft()
	s.limits = &one
	ops := func(a netip.Addr, n int) []Op {
		return []Op{
			{Link: &LinkOp{Port(n), Link{MTU: 1500 + n}}},
			{Local: &LocalOp{a, Local{}}},
			{Host: &HostOp{a, Host{}}},
			pathOp(a, Path{Side: Agent, Mode: Hold}),
			{Way: &WayOp{WayKey{host(a), 1}, Way{MTU: n}}},
			{Route: &RouteOp{Pair{a, cn}, Route{Side: Peer, CareOf: coa}}},
			{Gate: &GateOp{GateKey{host(a), 1}, Gate{}}},
			{Meter: &MeterOp{Key: MeterKey{a, 1}}},
			{Flow: &FlowOp{uint32(n), Flow{Way: uint16(n)}}},
		}
	}
	var sink Sink
	for _, op := range ops(hoa, 1) {
		s.Apply(0, op, &sink)
	}
	before := s.Table()
	if len(sink.Refused) != 0 {
		t.Fatalf("refused %v", sink.Refused)
	}
	beyond := ops(ha, 2)
	for i, op := range beyond {
		sink.Reset()
		s.Apply(0, op, &sink)
		if want := []Refused{{op, RefusedFull}}; !reflect.DeepEqual(sink.Refused, want) {
			t.Errorf("refused %v, want %v", sink.Refused, want)
		}
		if s.Counters().Refused != i+1 {
			t.Errorf("%d refused", s.Counters().Refused)
		}
	}
	if got := s.Table(); !reflect.DeepEqual(got, before) {
		t.Errorf("table %+v\nwas   %+v", got, before)
	}
	sink.Reset()
	for _, op := range ops(hoa, 1) {
		s.Apply(0, op, &sink)
		op.Delete = true
		s.Apply(0, op, &sink)
	}
	for _, op := range beyond {
		s.Apply(0, op, &sink)
	}
	if len(sink.Refused) != 0 {
		t.Errorf("there is room, refused %v", sink.Refused)
	}
}

// TestExtraCounters follows packets through the counters of ways, routes, gates and flows.
func TestExtraCounters(t *testing.T) {
	s := worlds()[2]
	var sink Sink
	in := func(port Port, b []byte) { s.Handle(0, port, ar, b, &sink) }
	in(Kernel, udp(hoa, cn, 60)) // straight, and a copy by way 1
	marked := udp(hoa, ha, 60)
	marked[43] = 7
	in(Kernel, marked) // by way 1
	in(1, encapsulated(cn, coa, udp(ha, hoa, 10)))
	in(1, (&ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 20)}).Append(nil))
	in(1, udp(netip.MustParseAddr("2001:db8:0:1::200"), ha, 8))
	got := s.Counters()
	other := netip.MustParseAddr("2001:db8:0:1::200")
	want := Counters{
		Paths:  []PathCount{{Inner: host(hoa), Sent: Count{2, 200}, Received: Count{2, 110}, Kept: 2}},
		Ways:   []WayCount{{host(hoa), 1, Count{1, 100}, Count{1, 100}, Count{1, 50}}},
		Routes: []RouteCount{{hoa, cn, Count{1, 100}, Count{1, 60}}, {other, hoa, Count{}, Count{}}},
		Gates:  []GateCount{{host(other), 1, 1}},
		Flows:  []FlowCount{{1, Count{1, 100}, Count{}}, {2, Count{}, Count{}}},
		Drops:  []Drop{{DropGate, 1}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	s = worlds()[3]
	s.Apply(0, Op{Flow: &FlowOp{2, Flow{Src: host(cn), Rate: 1, Burst: 100}}}, &sink)
	in(Kernel, udp(cn, hoa, 60))
	in(Kernel, udp(cn, hoa, 60))
	if f := s.Counters().Flows; !reflect.DeepEqual(f, []FlowCount{{2, Count{1, 100}, Count{1, 100}}}) {
		t.Errorf("flows %+v", f)
	}
}

// TestKeptOctets fills a plane's memory for copies: holding has its own, and all comes back.
func TestKeptOctets(t *testing.T) {
	s := NewSoft()
	small := *standard
	small.kept, small.held = 10_000, 5_000
	s.limits = &small
	var sink Sink
	other := netip.MustParseAddr("2001:db8:0:1::200")
	keep := Path{Side: Mobile, Mode: Direct, Out: 1, Keep: true, Limit: 1 << 20}
	s.Apply(0, Op{Link: &LinkOp{1, Link{ar, 1500}}}, &sink)
	s.Apply(0, pathOp(hoa, keep), &sink)
	s.Apply(0, pathOp(other, Path{Side: Mobile, Mode: Hold, Limit: 1 << 20}), &sink)
	for range 50 {
		s.Handle(0, Kernel, HW{}, udp(hoa, cn, 960), &sink)
		s.Handle(0, Kernel, HW{}, udp(other, cn, 960), &sink)
	}
	c := s.Counters()
	if c.Paths[0].Kept != 10 || c.Paths[1].Held != 5 || c.Drops[0] != (Drop{DropHoldFull, 45}) || len(c.Drops) != 1 {
		t.Errorf("counters %+v", c)
	}
	keep.Keep = false
	s.Apply(0, pathOp(hoa, keep), &sink)
	s.Apply(0, Op{Delete: true, Path: &PathOp{Inner: host(other)}}, &sink)
	if s.keptOctets != 0 || s.heldOctets != 0 {
		t.Errorf("%d octets kept, %d held by nobody", s.keptOctets, s.heldOctets)
	}
}
