package plane

import (
	"bytes"
	"net/netip"
	"testing"

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
		"inner tunnel of a stranger": {inTunnel(par, coa, inTunnel(cn, previous, udp(cn, hoa, 10))), DropTunnelSpoofed, 0},
		"outer tunnel of a stranger": {inTunnel(cn, coa, inTunnel(ha, previous, udp(cn, hoa, 10))), DropTunnelUnknown, 0},
		"without its tunnel":         {udp(cn, previous, 10), "", 1},
		"control":                    {inTunnel(par, coa, mh.Append(nil)), "", 1},
		"tunnels without end":        {inTunnel(par, coa, loop), DropTunnelUnknown, 0},
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
		case c.drop != "" && (len(sink.Drops) == 0 || sink.Drops[0].Reason != c.drop):
			t.Logf("%s: %+v", name, sink.Drops)
			if len(sink.Drops) == 0 {
				t.Errorf("%s: nothing dropped", name)
			}
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
