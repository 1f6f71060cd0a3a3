package driver

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"roam6/driver/ebpf/yard"
	"roam6/plane"
	"roam6/wire/ip6"
)

// On a link closed by default a node finds its neighbours, speaks to the router and to its engines, and
// receives; what it sends on is stopped until it is let in, beside thousands who are.
func TestClosedByDefault(t *testing.T) {
	b := newRouterBed(t, PlaneSoft)
	must(t, b.IP("mn", "route add "+yard.HA.String()+"/128 via 2001:db8:a::fe"))
	up, atCN := udpPair(t, b.Yard, "mn", station, "cn", yard.CN)
	down, atStation := udpPair(t, b.Yard, "cn", yard.CN, "mn", station)
	toRouter, atRouter := udpPair(t, b.Yard, "mn", station, "ha", netip.MustParseAddr("2001:db8:a::fe"))
	ops := []plane.Op{gateOp("::/0", false, false)}
	const many = 2000
	for i := range many {
		ops = append(ops, gateOp(fmt.Sprintf("2001:db8:a::1:%x/128", i), true, false))
	}
	b.do(t, ops...)
	must(t, b.IP("mn", "neigh flush all"))
	must(t, b.IP("ha", "neigh flush all"))
	before := b.stopped(t)
	if !passes(t, toRouter, atRouter, "to the router", true) || !passes(t, down, atStation, "down", true) {
		t.Error("what passes a closed link is stopped")
	}
	raw(t, b.Yard, "mn", ip6.ProtoICMPv6, yard.HA, []byte{150, 0, 0, 0, 1, 2, 3, 4})
	select {
	case p := <-b.heard:
		if p.Proto != ip6.ProtoICMPv6 || len(p.Payload) != 8 || p.Payload[0] != 150 {
			t.Errorf("the engines hear %+v", p)
		}
	case <-time.After(patience):
		t.Error("the engines do not hear who wants to authenticate")
	}
	if n := b.stopped(t) - before; n != 0 {
		t.Errorf("%d of these are counted", n)
	}
	if passes(t, up, atCN, "too soon", false) || b.stops(t, before, 1) != 1 {
		t.Error("sent on before it was let in, or not counted")
	}
	b.do(t, gateOp(station.String()+"/128", true, false))
	if !passes(t, up, atCN, "let in", true) {
		t.Error("let in, and stopped")
	}
	b.do(t, gateOp(station.String()+"/128", true, true))
	if passes(t, up, atCN, "over", false) {
		t.Error("sent on after its session")
	}
}
