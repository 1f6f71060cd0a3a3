package plane

import (
	"fmt"
	"net/netip"
	"testing"

	"roam6/wire/ip6"
)

// storm is two agents whose bindings name each other's mobile nodes as care-of addresses, and the kernels between them: what leaves
// one for an address of the other comes to it. It gives the number of packets that one packet became, and of the octets.
// With one agent both are mobile routers of it, each in a network behind the other.
func storm(t *testing.T, b []byte, mtu int, one bool) (packets, octets int) {
	t.Helper()
	other, ha2 := netip.MustParseAddr("2001:db8:0:2::100"), netip.MustParseAddr("2001:db8:0:2::1")
	agents := map[netip.Addr]*Soft{hoa: NewSoft(), other: NewSoft()}
	if one {
		agents[other], ha2 = agents[hoa], ha
	}
	sink := &Sink{}
	for at, p := range map[netip.Addr]Path{hoa: {Local: ha, Remote: other}, other: {Local: ha2, Remote: hoa}} { //order:any one each
		p.Side, p.Mode, p.MTU, p.Capture = Agent, Tunnel, mtu, true
		agents[at].Apply(0, Op{Local: &LocalOp{p.Local, Local{Capture: true}}}, sink)
		inner := netip.PrefixFrom(at, 128)
		if one {
			inner = netip.PrefixFrom(at, 64).Masked()
		}
		agents[at].Apply(0, Op{Path: &PathOp{inner, p}}, sink)
	}
	waiting := [][]byte{b}
	for len(waiting) > 0 {
		b, waiting = waiting[0], waiting[1:]
		at := agents[destinationOf(b)]
		if at == nil || b[7] <= 1 {
			continue // for somebody else
		}
		b[7]--
		sink.Reset()
		at.Handle(0, Kernel, HW{}, b, sink)
		for _, o := range sink.Out {
			packets, octets = packets+1, octets+len(o.Data)
			waiting = append(waiting, append([]byte(nil), o.Data...))
		}
		if packets > 10000 {
			t.Fatal("one packet became ten thousand")
		}
	}
	return packets, octets
}

// Two agents that point at each other send a packet around until the limit of tunnels ends it, in pieces or whole.
//
// spec MIP-10
func TestAgentsThatPointAtEachOther(t *testing.T) {
	for _, mtu := range []int{1500, 1400, ip6.MinMTU} {
		for _, size := range []int{48, 1200, 1240, 1272, 1280, 1400} {
			for _, one := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d by %d, one agent %v", size, mtu, one), func(t *testing.T) {
					packets, octets := storm(t, udp(cn, hoa, size), mtu, one)
					if most := EncapLimit + 1; packets > most*most || octets > 2*most*(size+most*48) {
						t.Errorf("one packet of %d became %d of %d octets in all", size, packets, octets)
					}
				})
			}
		}
	}
}
