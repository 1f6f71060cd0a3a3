package driver

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/driver/ebpf/yard"
	"roam6/plane"
	"roam6/wire/ip6"
)

// Packets that were made to do harm, by way of a kernel that forwards: each is dropped for its reason, none is answered by more than
// one, and the binding that was there carries packets after as before, with the fast path in front and without.
func TestHostilePackets(t *testing.T) {
	hoa, evil := yard.HoA.AsSlice(), netip.MustParseAddr("2001:db8:e::666").AsSlice()
	udp := make([]byte, 8)
	inner := (&ip6.Packet{Header: ip6.Header{Src: yard.HoA, Dst: yard.CN}, Proto: ip6.ProtoUDP, Payload: udp}).Append(nil)
	fragment := func(offset, more byte) []byte {
		return append([]byte{ip6.ProtoIPv6, 0, 0, offset<<3 | more, 0, 0, 0, 7}, inner...)
	}
	list := []struct {
		name    string
		proto   uint8
		payload []byte
		reason  string // "": for the engines
	}{
		{"an inner packet cut short", ip6.ProtoIPv6, inner[:10], plane.DropInner},
		{"a tunnel from elsewhere", ip6.ProtoIPv6, inner, plane.DropTunnelWrong},
		{"a tunnel in a tunnel", ip6.ProtoIPv6, (&ip6.Packet{Header: ip6.Header{Src: station, Dst: yard.HA}, Proto: ip6.ProtoIPv6, Payload: inner}).Append(nil), plane.DropTunnelUnknown},
		{"an option length that lies", ip6.ProtoDestOpts, append([]byte{ip6.ProtoUDP, 0, 1, 5, 0, 0, 0, 0}, udp...), plane.DropMalformed},
		{"a header longer than the packet", ip6.ProtoDestOpts, append([]byte{ip6.ProtoUDP, 200, 1, 4, 0, 0, 0, 0}, udp...), plane.DropMalformed},
		{"a home address without a binding", ip6.ProtoDestOpts, slices.Concat([]byte{ip6.ProtoUDP, 2, 1, 2, 0, 0, 0xc9, 16}, hoa, udp), plane.DropHomeAddress},
		{"a routing header toward a third party", ip6.ProtoRouting, slices.Concat([]byte{ip6.ProtoUDP, 2, 2, 1, 0, 0, 0, 0}, evil, udp), plane.DropRouting},
		{"a routing header of an ended type", ip6.ProtoRouting, slices.Concat([]byte{ip6.ProtoUDP, 2, 0, 1, 0, 0, 0, 0}, evil, udp), plane.DropOption},
		{"the first of two fragments that overlap", ip6.ProtoFragment, fragment(0, 1), ""},
		{"the second", ip6.ProtoFragment, fragment(1, 1), plane.DropFragOverlap},
		{"a mobility header of nothing", ip6.ProtoMH, []byte{59, 0, 5, 0, 0, 0, 0, 0}, ""},
		{"an unknown protocol", 253, udp, ""},
	}
	for _, how := range []Plane{PlaneSoft, PlaneEBPF} {
		b := newRouterBed(t, how)
		must(t, b.KernelMobile())
		must(t, b.IP("mn", "route add "+yard.HA.String()+"/128 via 2001:db8:a::fe src "+station.String()))
		from, to := udpPair(t, b.Yard, "cn", yard.CN, "mn", yard.HoA)
		b.do(t, plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(yard.HoA, 128), Path: tunnelPath}})
		drops := func() map[string]int {
			st, err := b.node.Stats(context.Background())
			must(t, err)
			if st.Plane.ErrorsSent > len(list) {
				t.Errorf("%s: %d errors sent", how, st.Plane.ErrorsSent)
			}
			return st.Drops
		}
		for _, c := range list {
			before := drops()
			raw(t, b.Yard, "mn", c.proto, yard.HA, c.payload)
			for late := time.Now().Add(patience); c.reason != "" && drops()[c.reason] == before[c.reason]; time.Sleep(time.Millisecond) {
				if time.Now().After(late) {
					t.Fatalf("%s: %s: no %s among %v", how, c.name, c.reason, drops())
				}
			}
		}
		if !passes(t, from, to, "still there", true) {
			t.Errorf("%s: the binding carries nothing any more", how)
		}
	}
}
