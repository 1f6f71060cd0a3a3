package plane

import (
	"net/netip"
	"testing"

	"roam6/wire/ip6"
)

// TestStrange: a packet is strange as long as no path is known to come by its tunnel, or straight from its care-of address.
func TestStrange(t *testing.T) {
	s := NewSoft()
	ha, coa, hoa, cn := netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:a::2"), netip.MustParseAddr("2001:db8:1::2"), netip.MustParseAddr("2001:db8:c::1")
	user := ip6.Packet{Header: ip6.Header{Src: hoa, Dst: cn, HopLimit: 64}, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
	outer := ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha, HopLimit: 64}, Proto: ip6.ProtoIPv6, Payload: user.Append(nil)}
	straight := ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha, HopLimit: 64}, HomeAddress: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
	update := straight
	update.Proto = ip6.ProtoMH
	tunnel := outer.Append(nil)
	is := func(when string, b []byte, want bool) {
		t.Helper()
		if s.Strange(b) != want {
			t.Errorf("%s: strange is %v", when, !want)
		}
	}
	is("a tunnel to another node", tunnel, false)
	s.Apply(0, Op{Local: &LocalOp{Addr: ha}}, &Sink{})
	is("a tunnel that nobody opened", tunnel, true)
	is("what goes straight from an address that is not bound", straight.Append(nil), true)
	is("a message that proves itself", update.Append(nil), false)
	is("a packet without a tunnel", user.Append(nil), false)
	for n := range tunnel {
		s.Strange(tunnel[:n])
	}
	s.Apply(0, Op{Path: &PathOp{netip.PrefixFrom(hoa, 128), Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa}}}, &Sink{})
	is("a tunnel of a path", tunnel, false)
	outer.Src = cn
	is("a tunnel of a path, from elsewhere", outer.Append(nil), true)
	s.Apply(0, Op{Route: &RouteOp{Pair{Mobile: hoa, Peer: ha}, Route{Side: Peer, CareOf: coa}}}, &Sink{})
	is("what goes straight from a bound address", straight.Append(nil), false)
}
