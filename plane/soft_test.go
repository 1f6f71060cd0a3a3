package plane

import (
	"net/netip"
	"testing"

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
