package mn

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// ask solicits the home address on the home link, as the home agent does to deliver an acknowledgement, and gives the answers.
func (b *bench) ask(src netip.Addr) []*nd.NeighborAdvertisement {
	b.t.Helper()
	m := &nd.NeighborSolicitation{Target: hoa}
	if !src.IsUnspecified() {
		m.Options.SourceHW = home.hw
	}
	effects := b.nd(wlan, home.hw, src, ip6.SolicitedNode(hoa), m)
	var list []*nd.NeighborAdvertisement
	messages, packets := b.neighbours(effects, wlan)
	for i, m := range messages {
		if na, ok := m.(*nd.NeighborAdvertisement); ok {
			if !src.IsUnspecified() && packets[i].Dst != src {
				b.t.Errorf("the answer goes to %v, not to who asked", packets[i].Dst)
			}
			list = append(list, na)
		}
	}
	return list
}

// Coming home, RFC 6275 §11.5.5: the update from the home address, answers to the home agent only, the announcement after
// the acknowledgement; the packets kept meanwhile.
//
// spec MIP-01
func TestReturnHome(t *testing.T) {
	b := newBench(t, nil)
	b.attach(wlan, ar1)
	b.down(wlan)
	b.want(plane.Hold, netip.Addr{}, "disconnected")
	b.up(wlan)
	if got := b.ask(home.addr()); len(got) != 0 {
		t.Error("answered for the home address before the update")
	}
	effects := b.ra(wlan, home)
	u := b.update(effects)
	if u.Src != hoa || u.HomeAddress.IsValid() || u.Lifetime != 0 || u.Options.AltCareOf != hoa || !u.Home || !u.Ack {
		t.Errorf("update %+v from %v", u.BindingUpdate, u.Src)
	}
	messages, packets := b.neighbours(effects, wlan)
	for i, m := range messages {
		if ns, ok := m.(*nd.NeighborSolicitation); ok && (ns.Target == hoa || packets[i].Src == hoa) {
			t.Errorf("solicited %v from %v on the home link", ns.Target, packets[i].Src)
		}
	}
	b.want(plane.Hold, netip.Addr{}, "registering")
	if got := b.ask(home.addr()); len(got) != 1 || !got[0].Solicited || got[0].Options.TargetHW != hw1 {
		t.Errorf("the home agent's question was answered with %+v", got)
	}
	if got := b.ask(netip.IPv6Unspecified()); len(got) != 0 {
		t.Error("defended the home address while the home agent does")
	}
	u = b.update(b.pass(1500 * time.Millisecond)) // the first one, or its answer, was lost
	effects = b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Direct, netip.Addr{}, "bound")
	if l := b.locals[hoa]; !l.Proxy {
		t.Errorf("the home address's packets go to the engines: %+v", l)
	}
	told := false
	messages, packets = b.neighbours(effects, wlan)
	for i, m := range messages {
		na, ok := m.(*nd.NeighborAdvertisement)
		told = told || ok && na.Target == hoa && na.Override && !na.Solicited && na.Options.TargetHW == hw1 && packets[i].Dst == ip6.AllNodes
	}
	if !told {
		t.Error("the home link was not told")
	}
	if got := b.ask(netip.IPv6Unspecified()); len(got) != 1 {
		t.Error("does not defend its own address at home")
	}
}

// A node none of whose acknowledgements came may have a binding all the same.
//
// spec MIP-01
func TestReturnHomeUnacknowledged(t *testing.T) {
	b := newBench(t, nil)
	b.up(wlan)
	b.update(b.ra(wlan, ar1))
	b.pass(200 * time.Millisecond)
	b.down(wlan)
	b.up(wlan)
	if u := b.update(b.ra(wlan, home)); u.Lifetime != 0 || u.Src != hoa {
		t.Fatalf("update %+v", u.BindingUpdate)
	}
	// The home agent that never got the update says so: just as well (RFC 6275 §10.3.2).
	b.n.home.tries = 1
	u := sent{BindingUpdate: &mh.BindingUpdate{Seq: b.n.home.seq}, Packet: ip6.Packet{Header: ip6.Header{Src: hoa}}, port: wlan}
	b.do(b.ack(u, mh.NotHomeAgent, nil))
	b.want(plane.Direct, netip.Addr{}, "bound")
}

// A node that begins at home has no binding to remove: it checks its address like any other, and only then uses it.
//
// spec MIP-01 MIP-07
func TestBeginAtHome(t *testing.T) {
	b := newBench(t, nil)
	b.up(wlan)
	b.ra(wlan, home)
	b.want(plane.Hold, netip.Addr{}, "configuring")
	effects := b.pass(2100 * time.Millisecond)
	if len(b.updates(effects)) != 0 {
		t.Error("removed a binding that cannot exist")
	}
	b.want(plane.Direct, netip.Addr{}, "bound")

	b = newBench(t, nil)
	b.up(wlan)
	b.ra(wlan, home)
	u := b.update(b.taken(wlan, hoa)) // the home agent, with a binding we forgot?
	if u.Lifetime != 0 {
		t.Fatalf("update %+v", u.BindingUpdate)
	}
	effects = b.do(b.ack(u, mh.NotHomeAgent, nil)) // no: somebody else
	if !b.has(effects, engine.EventFailed) {
		t.Error("a home address used by another node is no failure")
	}
	b.want(plane.Hold, netip.Addr{}, "configuring")
	b.keep(wlan, home, AddressPause+2100*time.Millisecond)
	b.want(plane.Direct, netip.Addr{}, "bound") // he is gone
}

// Leaving home: the address is left to the home agent before it checks that nobody else has it.
//
// spec MIP-01 MIP-06
func TestLeaveHome(t *testing.T) {
	b := newBench(t, nil)
	b.up(wwan)
	b.ra(wwan, home)
	b.pass(2100 * time.Millisecond)
	b.want(plane.Direct, netip.Addr{}, "bound")
	b.up(wlan)
	u := b.update(b.ra(wlan, ar1)) // preferred, so it leaves home, whose link stays
	if u.Lifetime == 0 || u.Src != coaOf(prefixA, hw1) {
		t.Fatalf("update %+v", u.BindingUpdate)
	}
	b.want(plane.Direct, netip.Addr{}, "registering") // make before break
	probe := &nd.NeighborSolicitation{Target: hoa}
	if messages, _ := b.neighbours(b.nd(wwan, home.hw, netip.IPv6Unspecified(), ip6.SolicitedNode(hoa), probe), wwan); len(messages) != 0 {
		t.Error("claims the home address although the home agent is about to represent it")
	}
	if got := b.updates(b.pass(1499 * time.Millisecond)); len(got) != 0 {
		t.Error("did not leave the home agent the time for duplicate detection")
	}
	b.down(wwan)
	b.want(plane.Hold, netip.Addr{}, "registering")
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, u.Src, "bound")
}

// The link at home goes and comes: the node answers for its address again.
func TestFlapAtHome(t *testing.T) {
	b := newBench(t, nil)
	b.up(wlan)
	b.ra(wlan, home)
	b.pass(2100 * time.Millisecond)
	b.down(wlan)
	b.want(plane.Hold, netip.Addr{}, "disconnected")
	b.pass(time.Minute)
	b.up(wlan)
	b.ra(wlan, home)
	b.want(plane.Direct, netip.Addr{}, "bound")
	if got := b.ask(home.addr()); len(got) != 1 {
		t.Error("silent about its own address")
	}
}

// At home a node without a configured agent learns it from advertisements and never asks from its home address.
//
// spec MIP-05
func TestAgentAtHome(t *testing.T) {
	b := newBench(t, func(c *Config) { c.HomeAgent = netip.Addr{} })
	b.n.home.until = engine.Never // a binding of an earlier life
	silent := home
	silent.agent = false
	b.up(wlan)
	for _, e := range append(b.ra(wlan, silent), b.pass(5*time.Second)...) {
		if s, ok := e.(engine.Send); ok {
			if p, _ := ip6.Parse(s.Data); p.Src == hoa {
				t.Fatalf("sent %v to %v from the home address", p.Proto, p.Dst)
			}
		}
	}
	other := home
	other.hw = plane.HW{2, 0, 0, 0, 9, 8}
	if u := b.update(b.ra(wlan, other)); u.Dst != haAddr || u.Lifetime != 0 {
		t.Errorf("update %+v to %v", u.BindingUpdate, u.Dst)
	}
}
