package ha

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var (
	netA  = netip.MustParsePrefix("2001:db8:1000::/64")
	netB  = netip.MustParsePrefix("2001:db8:1001::/56") // of which parts may be registered
	partB = netip.MustParsePrefix("2001:db8:1001:7::/64")
	other = netip.MustParsePrefix("2001:db8:2000::/64") // another mobile router's
	hoa2  = netip.MustParseAddr("2001:db8:0:1::200")
)

// withNetworks makes the node a mobile router, beside another one.
func withNetworks(c *Config) {
	c.Mobiles[0].Networks = []netip.Prefix{netA, netB}
	agent, _ := authPair()
	agent.Auth.SPI++
	c.Mobiles = append(c.Mobiles, Mobile{HomeAddress: hoa2, Security: agent, Networks: []netip.Prefix{other}})
}

// routerBU is a mobile router's update in explicit mode, in implicit mode without networks.
func routerBU(seq uint16, networks ...netip.Prefix) *mh.BindingUpdate {
	u := bu(seq, 5*time.Minute)
	u.MobileRouter = true
	u.Options.Networks = networks
	return u
}

// table is the plane as all effects so far make it; b.plane must be fed with each.
func (b *bench) feed(t *plane.Table, effects []engine.Effect) []engine.Effect {
	for _, e := range effects {
		if p, ok := e.(engine.Plane); ok {
			t.Apply(p.Op)
		}
	}
	return effects
}

// carried are the prefixes that the plane has paths for, and the one far end of them all.
func carried(t *testing.T, table *plane.Table) (list []netip.Prefix, remote netip.Addr) {
	t.Helper()
	for inner, p := range table.Paths { //order:any sorted below
		if remote.IsValid() && p.Remote != remote {
			t.Fatalf("paths to %v and to %v", remote, p.Remote)
		}
		remote = p.Remote
		if !p.Capture || p.Side != plane.Agent {
			t.Errorf("path of %v: %v", inner, p)
		}
		list = append(list, inner)
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return list, remote
}

// The networks go with the home address: registered in both modes, moved, fewer, removed, expired, and kept through a crash.
//
// spec MIP-11
func TestNetworks(t *testing.T) {
	b, table := newBench(t, espPair, withNetworks), &plane.Table{}
	home := netip.PrefixFrom(hoa, 128)
	expect := func(what string, to netip.Addr, want ...netip.Prefix) {
		t.Helper()
		slices.SortFunc(want, netip.Prefix.Compare)
		if got, remote := carried(t, table); !slices.Equal(got, want) || remote != to {
			t.Fatalf("%s: the plane carries %v to %v, want %v to %v", what, got, remote, want, to)
		}
	}
	say := func(u *mh.BindingUpdate, from netip.Addr) *mh.BindingAck {
		t.Helper()
		effects := b.feed(table, b.deliver(b.update(u, from)))
		ba, _ := b.ack(append(effects, b.feed(table, b.pass(1100*time.Millisecond))...))
		if ba == nil || ba.Status != mh.Accepted {
			t.Fatalf("answer %+v", ba)
		}
		return ba
	}
	if ba := say(routerBU(1), coa); !ba.MobileRouter {
		t.Error("no flag R in the answer: the node would believe that its networks are not served")
	}
	expect("implicit", coa, home, netA, netB)
	say(routerBU(2, netA, partB), coa)
	expect("explicit, a part of one", coa, home, netA, partB)
	say(routerBU(3, netA, partB), coa2)
	expect("moved", coa2, home, netA, partB)
	say(routerBU(4, netA), coa2)
	expect("one network less, a moment later", coa2, home, netA)
	for key := range table.Ways { //order:any all are looked at
		if key.Inner != home && key.Inner != netA {
			t.Errorf("a way of before for %v, which is not carried", key.Inner)
		}
	}
	if !strings.Contains(b.view(), netA.String()) {
		t.Errorf("the view does not show the network: %s", b.view())
	}
	*table = plane.Table{}
	a, err := New(b.cfg, [32]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	b.a = a
	b.feed(table, b.do(engine.Start{Records: []engine.Record{b.disk[bindingBucket+"/"+hoa.String()]}}))
	expect("after a crash", coa2, home, netA)
	b.feed(table, b.pass(6*time.Minute))
	if len(table.Paths)+len(table.Ways) != 0 {
		t.Errorf("after the binding's end: %v %v", table.Paths, table.Ways)
	}
}

// What ends a binding names no networks, and those it names are ignored (RFC 3963 §6.7); flag R does not matter.
//
// spec MIP-11
func TestNetworksRemoved(t *testing.T) {
	for _, r := range []bool{true, false} {
		b, table := newBench(t, espPair, withNetworks), &plane.Table{}
		b.feed(table, b.deliver(b.update(routerBU(1, netA), coa)))
		b.feed(table, b.pass(1100*time.Millisecond))
		u := bu(2, 0)
		u.MobileRouter, u.Options.Networks = r, []netip.Prefix{other}
		if ba, _ := b.ack(b.feed(table, b.deliver(b.update(u, coa)))); ba == nil || ba.Status != mh.Accepted {
			t.Fatalf("answer %+v", ba)
		}
		if len(table.Paths)+len(table.Ways) != 0 {
			t.Errorf("R %v: left %v %v", r, table.Paths, table.Ways)
		}
	}
}

// Each refusal of RFC 3963 §6.2, by its status; state, plane and records stay as they were.
//
// spec MIP-11
func TestNetworksRefused(t *testing.T) {
	plain := func(c *Config) {}
	none := func(c *Config) { withNetworks(c); c.Mobiles[0].Networks = nil }
	inside := netip.MustParseAddr("2001:db8:1000::5")
	away := func(u *mh.BindingUpdate) *mh.BindingUpdate { u.Home = false; return u }
	for name, c := range map[string]struct {
		change func(*Config)
		before *mh.BindingUpdate // registered before
		update *mh.BindingUpdate
		from   netip.Addr
		status mh.Status
	}{
		"no mobile routers here":       {change: plain, update: routerBU(9, netA), status: mh.MobileRouterNotPermitted},
		"no home registration":         {change: withNetworks, update: away(routerBU(9, netA)), status: mh.MobileRouterNotPermitted},
		"explicit, not a router":       {change: none, update: routerBU(9, netA), status: mh.NotAuthorizedForPrefix},
		"implicit, not a router":       {change: none, update: routerBU(9), status: mh.ForwardingSetupFailed},
		"another's network":            {change: withNetworks, update: routerBU(9, other), status: mh.NotAuthorizedForPrefix},
		"one of two is another's":      {change: withNetworks, update: routerBU(9, netA, other), status: mh.NotAuthorizedForPrefix},
		"more than its own":            {change: withNetworks, update: routerBU(9, netip.MustParsePrefix("2001:db8:1000::/48")), status: mh.NotAuthorizedForPrefix},
		"the home link":                {change: withNetworks, update: routerBU(9, prefix), status: mh.InvalidPrefix},
		"everything":                   {change: withNetworks, update: routerBU(9, netip.MustParsePrefix("::/0")), status: mh.InvalidPrefix},
		"multicast":                    {change: withNetworks, update: routerBU(9, netip.MustParsePrefix("ff0e::/64")), status: mh.InvalidPrefix},
		"an address":                   {change: withNetworks, update: routerBU(9, netip.PrefixFrom(inside, 128)), status: mh.InvalidPrefix},
		"care-of address in it":        {change: withNetworks, update: routerBU(9, netA), from: inside, status: mh.InvalidCoA},
		"a node becomes a router":      {change: withNetworks, before: bu(1, 5*time.Minute), update: routerBU(9, netA), status: mh.TypeChangeDisallowed},
		"a router becomes a node":      {change: withNetworks, before: routerBU(1, netA), update: bu(9, 5*time.Minute), status: mh.TypeChangeDisallowed},
		"a router asks for another's":  {change: withNetworks, before: routerBU(1, netA), update: routerBU(9, netA, other), status: mh.NotAuthorizedForPrefix},
		"a router, not for its home":   {change: withNetworks, before: routerBU(1, netA), update: away(routerBU(9, netA)), status: mh.MobileRouterNotPermitted},
		"a router ends, not from home": {change: withNetworks, before: routerBU(1, netA), update: away(&mh.BindingUpdate{Seq: 9, Ack: true, MobileRouter: true}), status: mh.MobileRouterNotPermitted},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, espPair, c.change)
			if c.before != nil {
				b.deliver(b.update(c.before, coa))
				b.pass(1100 * time.Millisecond)
			}
			if !c.from.IsValid() {
				c.from = coa
			}
			record := bindingBucket + "/" + hoa.String()
			view, disk := b.view(), string(b.disk[record].Value)
			effects := b.deliver(b.update(c.update, c.from))
			ba, _ := b.ack(effects)
			if ba == nil || ba.Status != c.status || ba.MobileRouter {
				t.Fatalf("answer %+v, want status %v and no flag R", ba, c.status)
			}
			if got := drops(effects); !slices.Equal(got, []string{"bu-refused"}) {
				t.Errorf("counted as %v", got)
			}
			if has(effects, func(engine.Plane) bool { return true }) || b.view() != view || string(b.disk[record].Value) != disk {
				t.Errorf("a refused update changed something: %s", b.view())
			}
		})
	}
}

// Without flag R a node is no router, whatever it names.
//
// spec MIP-11
func TestNetworksOfNoRouter(t *testing.T) {
	b, table := newBench(t, espPair, withNetworks), &plane.Table{}
	u := bu(1, 5*time.Minute)
	u.Options.Networks = []netip.Prefix{netA}
	b.feed(table, b.deliver(b.update(u, coa)))
	effects := b.feed(table, b.pass(1100*time.Millisecond))
	if ba, _ := b.ack(effects); ba == nil || ba.Status != mh.Accepted || ba.MobileRouter {
		t.Fatalf("answer %+v", ba)
	}
	if got, _ := carried(t, table); len(got) != 1 {
		t.Errorf("carried: %v", got)
	}
}

// The home agent answers for a mobile router's home address as for a router's (RFC 3963 §6.2).
//
// spec MIP-11 MIP-06
func TestRouterIsRepresentedAsOne(t *testing.T) {
	for _, router := range []bool{true, false} {
		b := newBench(t, espPair, withNetworks)
		u := bu(1, 5*time.Minute)
		u.MobileRouter = router
		b.deliver(b.update(u, coa))
		for _, m := range b.neighbours(b.pass(1100 * time.Millisecond)) {
			if na, ok := m.(*nd.NeighborAdvertisement); ok && na.Router != router {
				t.Errorf("flag R of the advertisement is %v for a router %v", na.Router, router)
			}
		}
	}
}

// Two networks that overlap are refused before anything runs: they would be one node's and another's.
//
// spec MIP-11
func TestOverlappingTable(t *testing.T) {
	for name, list := range map[string][]netip.Prefix{
		"the same": {netA}, "inside": {netip.MustParsePrefix("2001:db8:1001:1::/64")}, "around": {netip.MustParsePrefix("2001:db8:1000::/36")},
		"home": {prefix}, "around home": {netip.MustParsePrefix("2001:db8::/40")}, "too many": slices.Repeat([]netip.Prefix{netA}, MaxNetworks+1),
	} {
		cfg := newBench(t, espPair, withNetworks).cfg
		cfg.Mobiles[1].Networks = list
		if _, err := New(cfg, [32]byte{}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Who looks for home agents that serve mobile routers is told of those only, if there are such (RFC 3963 §7.2).
//
// spec MIP-11 MIP-05
func TestDiscoveryOfRouters(t *testing.T) {
	second := netip.MustParseAddr("2001:db8:0:1::b")
	for _, c := range []struct {
		change        func(*Config)
		asked, serves bool // R in the request; in the second agent's advertisement
		want          int  // agents told
		answered      bool // R in the reply
	}{
		{withNetworks, true, false, 1, true}, {withNetworks, true, true, 2, true}, {withNetworks, false, false, 2, false},
		{nil, true, true, 1, true}, {nil, true, false, 2, false},
	} {
		b := newBench(t, espPair, c.change)
		ra := &nd.RouterAdvertisement{HomeAgent: true, Lifetime: time.Hour, Options: nd.Options{
			HomeAgent: &nd.HomeAgentInfo{MobileRouters: c.serves, Lifetime: time.Hour},
			Prefixes:  []nd.Prefix{{Prefix: prefix, Addr: second, RouterAddr: true, OnLink: true, Valid: time.Hour, Preferred: time.Hour}},
		}}
		b.onLink(ip6.LinkLocal(mnHW), ip6.AllNodes, ra)
		p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: ip6.HomeAgentsAnycast(prefix)}, Proto: ip6.ProtoICMPv6}
		p.Payload = icmp6.Append(nil, p.Src, p.Dst, &icmp6.HomeAgentsRequest{ID: 7, MobileRouters: c.asked})
		for _, r := range b.packets(b.deliver(p.Append(nil)), plane.Kernel) {
			m, err := icmp6.Parse(r.Src, r.Dst, r.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if reply := m.(*icmp6.HomeAgentsReply); len(reply.Agents) != c.want || reply.MobileRouters != c.answered {
				t.Errorf("%+v: told of %v, R %v", c, reply.Agents, reply.MobileRouters)
			}
		}
	}
}

// Two mobile routers, each a guest in the other's network: what is sent to either ends in the home agent's own plane after a few tunnel
// headers (RFC 2473 §4.1.1), however often the kernel hands it back.
//
// spec MIP-11
func TestRoutersInEachOther(t *testing.T) {
	s, sink := plane.NewSoft(), &plane.Sink{}
	s.Apply(0, plane.Op{Local: &plane.LocalOp{Addr: haAddr, Local: plane.Local{Capture: true}}}, sink)
	for inner, guest := range map[netip.Prefix]netip.Addr{
		netA: netip.MustParseAddr("2001:db8:2000::5"), other: netip.MustParseAddr("2001:db8:1000::5"),
	} { //order:any
		s.Apply(0, plane.Op{Path: &plane.PathOp{Inner: inner, Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: haAddr, Remote: guest, Capture: true}}}, sink)
	}
	p := ip6.Packet{Header: ip6.Header{HopLimit: 64, Src: coa2, Dst: netip.MustParseAddr("2001:db8:1000::77")}, Proto: ip6.ProtoUDP, Payload: make([]byte, 100)}
	queue, rounds := [][]byte{p.Append(nil)}, 0
	for len(queue) > 0 {
		if rounds++; rounds > 64 {
			t.Fatal("the packet goes round and round")
		}
		*sink = plane.Sink{}
		s.Handle(0, plane.Kernel, plane.HW{}, queue[0], sink)
		queue = queue[1:]
		for _, o := range sink.Out {
			if dst := netip.AddrFrom16([16]byte(o.Data[24:40])); netA.Contains(dst) || other.Contains(dst) {
				queue = append(queue, slices.Clone(o.Data))
			}
		}
	}
	if rounds > plane.EncapLimit+1 {
		t.Errorf("%d rounds, want at most %d", rounds, plane.EncapLimit+1)
	}
}
