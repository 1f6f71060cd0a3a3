package mn

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

const lan = plane.Port(3)

var (
	netPrefix = netip.MustParsePrefix("2001:db8:1000::/64")
	lanHW     = plane.HW{2, 0, 0, 0, 1, 3}
	inside1   = advertise.Config{
		Port: lan, Prefix: netPrefix, Address: netip.MustParseAddr("2001:db8:1000::1"), IntervalMin: time.Second, IntervalMax: 2 * time.Second,
		Lifetime: 30 * time.Minute, DelayMax: 100 * time.Millisecond, Valid: time.Hour, Preferred: time.Hour,
	}
)

func router1(c *Config) { c.Networks = []advertise.Config{inside1} }

// through is the path of the network behind the node.
func (b *bench) through() plane.Path { return b.table.Paths[netPrefix] }

// The network goes where the home address goes: named in each update, held while the node moves, tunnelled when it is bound.
// bench.ways compares the two after every input.
//
// spec MIP-11
func TestNetworkGoesAlong(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		b := newBench(t, func(c *Config) { router1(c); c.Implicit = implicit })
		if p := b.through(); p.Mode != plane.Hold || p.Limit == 0 {
			t.Fatalf("before any link: %v", p)
		}
		u := b.attach(wlan, ar1)
		want := []netip.Prefix{netPrefix}
		if implicit {
			want = nil
		}
		if !u.MobileRouter || !slices.Equal(u.Options.Networks, want) {
			t.Errorf("implicit %v: flag R %v, networks %v", implicit, u.MobileRouter, u.Options.Networks)
		}
		if p := b.through(); p.Mode != plane.Tunnel || p.Local != u.Src || p.Remote != haAddr || p.Control || p.Hints {
			t.Errorf("bound: %v", p)
		}
		b.down(wlan)
		if p := b.through(); p.Mode != plane.Hold {
			t.Errorf("without a link: %v", p)
		}
		b.up(wwan)
		u = b.update(b.ra(wwan, ar2))
		if !u.MobileRouter || !slices.Equal(u.Options.Networks, want) {
			t.Errorf("implicit %v, moved: flag R %v, networks %v", implicit, u.MobileRouter, u.Options.Networks)
		}
		b.do(b.ack(u, mh.Accepted, nil))
		if p := b.through(); p.Mode != plane.Tunnel || p.Out != wwan {
			t.Errorf("moved: %v", p)
		}
	}
}

// Coming home names no networks (RFC 3963 §5.8); there they go straight, and the node is a router to its neighbours.
//
// spec MIP-11
func TestNetworkAtHome(t *testing.T) {
	b := newBench(t, router1)
	b.attach(wlan, ar1)
	b.down(wlan)
	u := b.attach(wwan, home)
	if u.Lifetime != 0 || !u.MobileRouter || len(u.Options.Networks) != 0 {
		t.Errorf("the update that ends the binding: %+v", u.BindingUpdate)
	}
	if p := b.through(); p.Mode != plane.Direct || p.Out != wwan {
		t.Errorf("at home: %v", p)
	}
	answers, _ := b.neighbours(b.nd(wwan, home.hw, home.addr(), ip6.SolicitedNode(hoa), &nd.NeighborSolicitation{Target: hoa, Options: nd.Options{SourceHW: home.hw}}), wwan)
	if len(answers) != 1 || !answers[0].(*nd.NeighborAdvertisement).Router {
		t.Errorf("the home address is not answered for as a router's: %+v", answers)
	}
}

// A home agent that refuses the networks gets no flag R any more, the prefix is no longer advertised, and the node itself is
// bound all the same (RFC 3963 §5.4). One that takes the binding and says no R serves the node alone (§5.3).
//
// spec MIP-11
func TestNetworkRefused(t *testing.T) {
	for _, status := range []mh.Status{mh.MobileRouterNotPermitted, mh.InvalidPrefix, mh.NotAuthorizedForPrefix, mh.ForwardingSetupFailed, mh.Accepted} {
		b := newBench(t, router1)
		b.do(engine.LinkUp{Port: lan, Name: "lan0", HW: lanHW, MTU: 1500})
		b.up(wlan)
		u := b.update(b.ra(wlan, ar1))
		effects := b.do(b.ack(u, status, func(ba *mh.BindingAck) { ba.MobileRouter = false }))
		if !b.has(effects, "network.refused") {
			t.Errorf("%v: nobody is told", status)
		}
		if status != mh.Accepted {
			again := b.update(effects)
			if again.MobileRouter || len(again.Options.Networks) != 0 {
				t.Fatalf("%v: asks again as a router", status)
			}
			b.do(b.ack(again, mh.Accepted, nil))
		}
		b.want(plane.Tunnel, u.Src, "bound")
		if _, left := b.table.Paths[netPrefix]; left {
			t.Errorf("%v: the network is still carried", status)
		}
		if list, _ := b.neighbours(b.pass(10*time.Second), lan); len(list) != 0 {
			t.Errorf("%v: the prefix is still advertised", status)
		}
	}
}

// A network that is given up leaves none of the ways that other care-of addresses gave it.
//
// spec MIP-11 MIP-08
func TestNetworkRefusedWithWays(t *testing.T) {
	b := newBench(t, func(c *Config) { router1(c); multihomed(Registered)(c) })
	b.attach(wlan, ar1)
	b.pass(time.Second)
	b.up(wwan)
	u := b.update(b.ra(wwan, ar2))
	further := plane.WayKey{Inner: netPrefix, ID: 2}
	if _, ok := b.table.Ways[further]; !ok {
		t.Fatal("the network has no further way")
	}
	b.do(b.ack(u, mh.Accepted, func(ba *mh.BindingAck) { ba.MobileRouter = false }))
	if w, left := b.table.Ways[further]; left {
		t.Errorf("left: %v", w)
	}
	if _, ok := b.way(2); !ok {
		t.Error("the home address lost its further way")
	}
}

// The node advertises inside and nowhere else, with an MTU that fits the tunnel, and answers solicitations there.
//
// spec MIP-11
func TestAdvertisesInside(t *testing.T) {
	b := newBench(t, router1)
	effects := b.do(engine.LinkUp{Port: lan, Name: "lan0", HW: lanHW, MTU: 1500})
	effects = append(effects, b.pass(10*time.Second)...)
	b.attach(wlan, ar1)
	effects = append(effects, b.all...)
	list, _ := b.neighbours(effects, lan)
	if len(list) < 4 {
		t.Fatalf("%d advertisements in ten seconds", len(list))
	}
	for _, m := range list {
		ra, ok := m.(*nd.RouterAdvertisement)
		if !ok || len(ra.Options.Prefixes) != 1 || ra.Options.Prefixes[0].Prefix != netPrefix || ra.Options.MTU != tunnelMTU || ra.HomeAgent {
			t.Errorf("inside: %+v", m)
		}
	}
	for _, port := range []plane.Port{wlan, wwan} {
		list, _ := b.neighbours(effects, port)
		if slices.ContainsFunc(list, func(m nd.Message) bool { _, ra := m.(*nd.RouterAdvertisement); return ra }) {
			t.Errorf("advertises itself on port %d, where it is a guest (RFC 3963 §5.6)", port)
		}
	}
	b.pass(700 * time.Millisecond)
	before, _ := b.n.Deadline()
	b.nd(lan, plane.HW{2, 9}, netip.MustParseAddr("fe80::9"), ip6.AllRouters, &nd.RouterSolicitation{})
	if after, _ := b.n.Deadline(); after > before {
		t.Errorf("a solicitation put the next advertisement off, from %v to %v", before, after)
	}
	b.do(engine.LinkDown{Port: lan})
	if list, _ := b.neighbours(b.pass(10*time.Second), lan); len(list) != 0 {
		t.Error("advertised on a link that is down")
	}
}

// Who looks for a home agent looks for one that serves mobile routers (RFC 3963 §7.1).
//
// spec MIP-11 MIP-05
func TestDiscoveryByRouter(t *testing.T) {
	for _, c := range []func(*Config){router1, func(*Config) {}} {
		b := newBench(t, func(cfg *Config) { c(cfg); cfg.HomeAgent = netip.Addr{} })
		b.up(wlan)
		asked := false
		for _, e := range b.ra(wlan, ar1) {
			s, ok := e.(engine.Send)
			if !ok {
				continue
			}
			p, _ := ip6.Parse(s.Data)
			if m, err := icmp6.Parse(p.Src, p.Dst, p.Payload); err == nil {
				if r, ok := m.(*icmp6.HomeAgentsRequest); ok {
					asked = true
					if r.MobileRouters != (len(b.cfg.Networks) > 0) {
						t.Errorf("flag R %v for networks %v", r.MobileRouters, b.cfg.Networks)
					}
				}
			}
		}
		if !asked {
			t.Error("no request")
		}
	}
}
