package plane

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"roam6/wire/ip6"
)

var (
	previous = netip.MustParseAddr("2001:db8:b::100") // care-of address that the home agent knows
	par      = netip.MustParseAddr("2001:db8:b::a")   // the router that sends on what comes for it
)

// forwarded is a mobile node whose home agent knows a previous address only.
func forwarded(t *testing.T) (*Soft, *Sink) {
	t.Helper()
	mn, sink := NewSoft(), &Sink{}
	for _, op := range []Op{
		{Link: &LinkOp{1, Link{ar, 1500}}},
		{Host: &HostOp{hoa, Host{MTU: 1400}}},
		{Local: &LocalOp{coa, Local{Port: 1}}},
		{Local: &LocalOp{previous, Local{}}},
		pathOp(previous, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: par, Out: 1, MTU: 1500}),
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: previous, Remote: ha, Out: 1, MTU: 1452}),
	} {
		mn.Apply(0, op, sink)
	}
	return mn, sink
}

func inTunnel(src, dst netip.Addr, inner []byte) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoIPv6, Payload: inner}
	return p.Append(nil)
}

// What goes by a previous address takes the tunnel of its router, and what comes through both tunnels is delivered.
//
// spec MIP-09 MIP-10
func TestTunnelInTunnel(t *testing.T) {
	mn, sink := forwarded(t)
	for _, size := range []int{100, 1340} {
		up := udp(hoa, cn, size)
		mn.Handle(0, Kernel, HW{}, bytes.Clone(up), sink)
		if len(sink.Out) != 1 || len(sink.Drops) != 0 || sink.Out[0].Port != 1 || sink.Out[0].To != ar {
			t.Fatalf("%d: sent %+v", size, sink)
		}
		outer, err := ip6.Parse(sink.Out[0].Data)
		if err != nil || outer.Src != coa || outer.Dst != par || outer.Proto != ip6.ProtoIPv6 || !bytes.Equal(outer.Payload, inTunnel(previous, ha, up)) {
			t.Fatalf("%d: outer %+v, %v", size, outer, err)
		}
		sink.Reset()
	}
	down := udp(cn, hoa, 100)
	mn.Handle(0, 1, ar, inTunnel(par, coa, inTunnel(ha, previous, down)), sink)
	if len(sink.Out) != 1 || sink.Out[0].Port != Kernel || !bytes.Equal(sink.Out[0].Data, down) {
		t.Fatalf("delivered %+v", sink)
	}
}

// Only what came by the right tunnels is taken, and control inside goes to the engines.
func TestTunnelInTunnelRefuses(t *testing.T) {
	mh := ip6.Packet{Header: ip6.Header{Src: ha, Dst: previous}, Proto: ip6.ProtoMH, Payload: make([]byte, 8)}
	loop := udp(cn, hoa, 100)
	for range maxDepth + 1 {
		loop = inTunnel(par, previous, loop)
	}
	for name, c := range map[string]struct {
		in    []byte
		drop  string
		punts int
	}{
		"inner tunnel of a stranger": {inTunnel(par, coa, inTunnel(cn, previous, udp(cn, hoa, 10))), DropTunnelWrong, 0},
		"outer tunnel of a stranger": {inTunnel(cn, coa, inTunnel(ha, previous, udp(cn, hoa, 10))), DropTunnelWrong, 0},
		"without its tunnel":         {udp(cn, previous, 10), "", 1},
		"control":                    {inTunnel(par, coa, mh.Append(nil)), "", 1},
		"tunnels without end":        {inTunnel(par, coa, loop), DropTunnelWrong, 0},
	} {
		mn, sink := forwarded(t)
		mn.Handle(0, 1, ar, c.in, sink)
		for _, o := range sink.Out {
			if o.Port == Kernel {
				t.Errorf("%s: delivered %x", name, o.Data)
			}
		}
		switch {
		case len(sink.Punt) != c.punts:
			t.Errorf("%s: %d punts", name, len(sink.Punt))
		case c.drop != "" && (len(sink.Drops) != 1 || sink.Drops[0].Reason != c.drop):
			t.Errorf("%s: %+v", name, sink.Drops)
		}
	}
}

// Two paths that lead to one another send nothing for ever.
func TestTunnelsInACircle(t *testing.T) {
	mn, sink := forwarded(t)
	mn.Apply(0, pathOp(coa, Path{Side: Mobile, Mode: Tunnel, Local: previous, Remote: par, Out: 1, MTU: 1500}), sink)
	sink.Reset()
	mn.Handle(0, Kernel, HW{}, udp(hoa, cn, 100), sink)
	for _, o := range sink.Out { // the error alone
		if o.Port != Kernel {
			t.Errorf("sent %x", o.Data)
		}
	}
	if len(sink.Drops) != 1 || sink.Drops[0].Reason != DropEncapLimit {
		t.Errorf("%+v", sink)
	}
}

// What a nested tunnel cannot carry is told with the size that can, and errors from within either tunnel reach the source.
//
// spec MIP-10
func TestErrorsOfTunnelsInTunnels(t *testing.T) {
	mn, sink := forwarded(t)
	big := udp(hoa, cn, 1400)
	mn.Handle(0, Kernel, HW{}, bytes.Clone(big), sink)
	told(t, "own", sink, icmpTooBig, 1500-48-40, big)

	up := udp(hoa, cn, 1350)
	middle := inTunnel(previous, ha, up)
	outer := (&ip6.Packet{Header: ip6.Header{Src: coa, Dst: par}, EncapLimit: 4, Proto: ip6.ProtoIPv6, Payload: middle}).Append(nil)
	mn.Handle(1, 1, ar, icmpError{kind: icmpUnreachable, about: outer, from: ar2}.packet(), sink)
	told(t, "outer", sink, icmpUnreachable, 0, up)
	mn.Handle(2, 1, ar, inTunnel(par, coa, icmpError{kind: icmpTimeExceeded, about: middle, from: ar2}.packet()), sink)
	told(t, "inner", sink, icmpUnreachable, 0, up)
	mn.Handle(3, 1, ar, icmpError{kind: icmpTooBig, value: 1420, about: outer, from: ar2}.packet(), sink)
	told(t, "outer too big", sink, icmpTooBig, 1420-48-40, up)
	mn.Handle(4, Kernel, HW{}, bytes.Clone(up), sink)
	told(t, "learned", sink, icmpTooBig, 1420-48-40, up)
	mn.Apply(5, pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1, MTU: 1452}), sink)
	mn.Handle(5, Kernel, HW{}, bytes.Clone(up), sink)
	if len(sink.Out) != 1 || sink.Out[0].Port != 1 {
		t.Errorf("a path that is nested no more is as small as before: %+v", sink)
	}
}

var ar2 = netip.MustParseAddr("2001:db8:f::1") // a router on the way

// told says whether the sink holds one error to the application about a packet of its own.
func told(t *testing.T, name string, sink *Sink, kind uint8, value uint32, about []byte) {
	t.Helper()
	if len(sink.Out) != 1 || sink.Out[0].Port != Kernel || len(sink.Punt) != 0 {
		t.Fatalf("%s: %+v", name, sink)
	}
	b := sink.Out[0].Data
	if destinationOf(b) != hoa || b[6] != ip6.ProtoICMPv6 || b[40] != kind || binary.BigEndian.Uint32(b[44:]) != value || !bytes.HasPrefix(about, b[48:]) {
		t.Fatalf("%s: to %v, kind %d, value %d\n%x", name, destinationOf(b), b[40], binary.BigEndian.Uint32(b[44:]), b)
	}
	sink.Reset()
}

// What the path beneath holds waits there, as tunnel packets, and leaves in order; small packets are cut, not refused.
func TestTunnelBeneathHolds(t *testing.T) {
	mn, sink := forwarded(t)
	mn.Apply(0, pathOp(previous, Path{Side: Mobile, Mode: Hold, Limit: 3}), sink)
	for n := range 2 {
		mn.Handle(0, Kernel, HW{}, udp(hoa, cn, 1200+n), sink)
	}
	if len(sink.Out) != 0 || mn.heldOctets != 2*1280+1 {
		t.Fatalf("%d held, %+v", mn.heldOctets, sink)
	}
	mn.Apply(0, pathOp(previous, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: par, Out: 1, MTU: 1280}), sink)
	if len(sink.Out) != 4 || len(sink.Drops) != 0 {
		t.Fatalf("%+v", sink)
	}
	for _, o := range sink.Out {
		if p, err := ip6.Parse(o.Data); err != nil || p.Src != coa || p.Dst != par || len(o.Data) > 1280 {
			t.Errorf("%+v %v", p, err)
		}
	}
}

// Packets that go straight from a previous care-of address take its tunnel too, both ways.
//
// spec MIP-04
func TestStraightInTunnel(t *testing.T) {
	mn, sink := forwarded(t)
	mn.Apply(0, Op{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Mobile, CareOf: previous, Out: 1}}}, sink)
	mn.Handle(0, Kernel, HW{}, udp(hoa, cn, 100), sink)
	if len(sink.Out) != 1 {
		t.Fatalf("%+v", sink)
	}
	outer, err := ip6.Parse(sink.Out[0].Data)
	if err != nil || outer.Src != coa || outer.Dst != par || outer.Proto != ip6.ProtoIPv6 {
		t.Fatalf("%+v %v", outer, err)
	}
	inner, err := ip6.Parse(outer.Payload)
	if err != nil || inner.Src != previous || inner.Dst != cn || inner.HomeAddress != hoa {
		t.Fatalf("%+v %v", inner, err)
	}
	sink.Reset()
	back := ip6.Packet{Header: ip6.Header{Src: cn, Dst: previous}, Routing2: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 30)}
	mn.Handle(0, 1, ar, inTunnel(par, coa, back.Append(nil)), sink)
	if len(sink.Out) != 1 || sink.Out[0].Port != Kernel || destinationOf(sink.Out[0].Data) != hoa {
		t.Fatalf("%+v", sink)
	}
}

// What goes straight from a previous care-of address is copied by the ways of that address's path, as its tunnels are.
//
// spec MIP-08
func TestStraightInTunnelCopies(t *testing.T) {
	mn, sink := forwarded(t)
	mn.Apply(0, Op{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Mobile, CareOf: previous, Out: 1}}}, sink)
	key := WayKey{netip.PrefixFrom(previous, 128), 1}
	mn.Apply(0, Op{Way: &WayOp{key, Way{Local: coa, Remote: ar2, Out: 1, Copy: true, Until: time.Second}}}, sink)
	for now, want := range []int{2, 1} {
		mn.Handle(time.Duration(now)*time.Second, Kernel, HW{}, udp(hoa, cn, 100), sink)
		if len(sink.Out) != want {
			t.Fatalf("after %d s: %+v", now, sink)
		}
		for i, far := range []netip.Addr{par, ar2}[:want] {
			inner := sink.Out[i].Data[40:]
			if destinationOf(sink.Out[i].Data) != far || sourceOf(inner) != previous || destinationOf(inner) != cn {
				t.Errorf("%d: %x", i, sink.Out[i].Data)
			}
		}
		sink.Reset()
	}
}

// What a mobile node sends through its tunnel to the router's own address is for the router's engines at once, but for
// neighbour discovery, which no tunnel brings.
func TestTunnelToItsOwnEnd(t *testing.T) {
	agent, _, _ := busy(0)
	var sink Sink
	mh := (&ip6.Packet{Header: ip6.Header{Src: hoa, Dst: ha}, Proto: ip6.ProtoMH, Payload: make([]byte, 8)}).Append(nil)
	agent.Handle(0, Kernel, HW{}, inTunnel(coa, ha, mh), &sink)
	if len(sink.Punt) != 1 || !bytes.Equal(sink.Punt[0].Data, mh) || len(sink.Out) != 0 {
		t.Fatalf("%+v", sink)
	}
	sink.Reset()
	nd := (&ip6.Packet{Header: ip6.Header{Src: hoa, Dst: ha, HopLimit: 255}, Proto: ip6.ProtoICMPv6, Payload: append([]byte{135}, make([]byte, 23)...)}).Append(nil)
	agent.Handle(0, Kernel, HW{}, inTunnel(coa, ha, nd), &sink)
	if len(sink.Punt)+len(sink.Out) != 0 || len(sink.Drops) != 1 {
		t.Fatalf("%+v", sink)
	}
}
