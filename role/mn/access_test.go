package mn

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/attach"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// What an optimistic node may not do: RFC 4429 §3.2, §3.3. What it may: be used at once.
//
// spec MIP-07
func TestOptimism(t *testing.T) {
	b := newBench(t, nil)
	coa, local := coaOf(prefixA, hw1), ip6.LinkLocal(hw1)
	effects := b.up(wlan)
	effects = append(effects, b.ra(wlan, ar1)...)
	b.do(b.ack(b.update(effects), mh.Accepted, nil))
	b.want(plane.Tunnel, coa, "bound") // before detection has ended
	for i := range 9 {                 // up to 900 ms
		effects = append(effects, b.pass(100*time.Millisecond)...)
		other := ar2
		other.hw[4] = byte(i) // each a reason to ask after the current router
		effects = append(effects, b.ra(wlan, other)...)
	}
	for _, target := range []netip.Addr{coa, local} {
		if got, _ := b.neighbours(b.nd(wlan, ar1.hw, netip.IPv6Unspecified(), ip6.SolicitedNode(stranger), &nd.NeighborSolicitation{Target: stranger}), wlan); len(got) != 0 {
			t.Error("answered for a stranger")
		}
		solicit := &nd.NeighborSolicitation{Target: target, Options: nd.Options{SourceHW: ar1.hw}}
		got, packets := b.neighbours(b.nd(wlan, ar1.hw, ar1.addr(), ip6.SolicitedNode(target), solicit), wlan)
		if len(got) != 1 || got[0].(*nd.NeighborAdvertisement).Override || packets[0].Src != target || packets[0].Dst != ar1.addr() {
			t.Errorf("%v was answered with %+v", target, got)
		}
	}
	messages, packets := b.neighbours(effects, wlan)
	for i, m := range messages {
		if !packets[i].Src.IsUnspecified() {
			t.Errorf("%T from %v while it is optimistic", m, packets[i].Src)
		}
	}
	b.keep(wlan, ar1, 200*time.Millisecond)
	solicit := &nd.NeighborSolicitation{Target: coa, Options: nd.Options{SourceHW: ar1.hw}}
	if got, _ := b.neighbours(b.nd(wlan, ar1.hw, ar1.addr(), ip6.SolicitedNode(coa), solicit), wlan); len(got) != 1 || !got[0].(*nd.NeighborAdvertisement).Override {
		t.Errorf("a unique address was answered for with %+v", got)
	}
}

// Standard detection: nothing is sent from an address, and nothing answered, before it is known to be unique.
//
// spec MIP-07
func TestStandardDetection(t *testing.T) {
	b := newBench(t, func(c *Config) { c.DAD = StandardDAD })
	b.up(wlan)
	b.ra(wlan, ar1)
	coa := coaOf(prefixA, hw1)
	b.want(plane.Hold, netip.Addr{}, "configuring")
	if !b.locals[coa].Tentative {
		t.Error("the plane takes packets for a tentative address")
	}
	if got := b.updates(b.keep(wlan, ar1, 990*time.Millisecond)); len(got) != 0 {
		t.Error("registered a tentative address")
	}
	effects := b.keep(wlan, ar1, 1100*time.Millisecond) // the delay of RFC 4862 §5.4.2 is at most a second
	b.do(b.ack(b.update(effects), mh.Accepted, nil))
	b.want(plane.Tunnel, coa, "bound")
}

// Duplicates: another address, and after too many a pause; then all over again. The path is held throughout.
//
// spec MIP-07 FH-22
func TestDuplicates(t *testing.T) {
	for _, way := range []DAD{StandardDAD, OptimisticDAD} {
		b := newBench(t, func(c *Config) { c.DAD = way })
		b.up(wlan)
		b.ra(wlan, ar1)
		tried := map[netip.Addr]bool{}
		for b.n.access[0].coa.IsValid() {
			addr := b.n.access[0].coa
			if tried[addr] {
				t.Fatalf("%s: %v tried twice", way, addr)
			}
			tried[addr] = true
			b.taken(wlan, addr)
			if _, known := b.locals[addr]; known {
				t.Errorf("%s: kept %v though it is another's", way, addr)
			}
		}
		if len(tried) != MaxAddressAttempts+1 {
			t.Errorf("%s: %d addresses tried", way, len(tried))
		}
		b.want(plane.Hold, netip.Addr{}, "configuring")
		got := b.updates(b.keep(wlan, ar1, AddressPause+2100*time.Millisecond))
		if len(got) == 0 {
			t.Fatalf("%s: gave up for good", way)
		}
		b.do(b.ack(got[len(got)-1], mh.Accepted, nil))
		if b.path.Mode != plane.Tunnel {
			t.Errorf("%s: path %s", way, b.path.Mode)
		}
	}
}

// A duplicate link-local address is replaced; the router is asked after from another address meanwhile, and not given up.
func TestDuplicateLinkLocal(t *testing.T) {
	b := newBench(t, nil)
	b.attach(wlan, ar1)
	for b.n.access[0].linkLocal.IsValid() {
		b.taken(wlan, b.n.access[0].linkLocal)
	}
	b.pass(1100 * time.Millisecond) // the care-of address is unique now
	effects := b.ra(wlan, ar2)      // a reason to ask
	for range 3 {
		_, packets := b.neighbours(effects, wlan)
		if !slices.ContainsFunc(packets, func(p ip6.Packet) bool { return !p.Src.IsUnspecified() && p.Dst == ar1.addr() }) {
			t.Error("did not ask after the router")
		}
		b.na(wlan, ar1)
		effects = b.pass(attach.ReachableTime)
	}
	b.na(wlan, ar1)
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
}

// The link comes back: at the same router the address goes on; one whose detection was cut short is checked again.
//
// spec MIP-07
func TestFlap(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Links = c.Links[:1] })
	u := b.attach(wlan, ar1)
	b.down(wlan)
	b.want(plane.Hold, netip.Addr{}, "disconnected")
	b.up(wlan)
	effects := b.ra(wlan, ar1)
	b.want(plane.Tunnel, u.Src, "bound")
	probes := func(effects []engine.Effect) (n int) {
		messages, _ := b.neighbours(effects, wlan)
		for _, m := range messages {
			if ns, ok := m.(*nd.NeighborSolicitation); ok && ns.Target == u.Src {
				n++
			}
		}
		return n
	}
	if probes(effects) != 1 {
		t.Error("the address that was never found unique is not checked again")
	}
	b.keep(wlan, ar1, 1100*time.Millisecond)
	b.down(wlan)
	b.up(wlan)
	effects = b.na(wlan, ar1)
	if b.path.Mode != plane.Hold { // nothing asked yet: no source to ask from
		t.Error("an unasked answer was believed")
	}
	effects = append(effects, b.pass(1000*time.Millisecond)...)
	effects = append(effects, b.na(wlan, ar1)...)
	b.want(plane.Tunnel, u.Src, "bound")
	if probes(effects) != 0 || len(b.updates(effects)) != 0 {
		t.Error("repeated detection or registration at the same router")
	}
	// The binding's refresh fell into the outage: made up for on return.
	b.down(wlan)
	b.pass(400 * time.Second)
	b.up(wlan)
	b.update(b.ra(wlan, ar1))
	b.want(plane.Tunnel, u.Src, "bound")
	// The binding's end fell into it too: a new registration.
	b.down(wlan)
	b.pass(500 * time.Second)
	b.up(wlan)
	u = b.update(b.ra(wlan, ar1))
	b.want(plane.Hold, netip.Addr{}, "registering")
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, u.Src, "bound")
}

// The link goes while an update is out: its late answer opens nothing, and is not asked for again when the link is back.
func TestFlapWhileRegistering(t *testing.T) {
	b := newBench(t, nil)
	b.up(wlan)
	u := b.update(b.ra(wlan, ar1))
	b.pass(1100 * time.Millisecond)
	b.down(wlan)
	b.up(wlan)
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Hold, netip.Addr{}, "detecting")
	if got := b.updates(b.ra(wlan, ar1)); len(got) != 0 {
		t.Errorf("%d updates for a binding that stands", len(got))
	}
	b.want(plane.Tunnel, u.Src, "bound")
}

// A router that changes its prefix is a new place; packets wait for the new binding.
func TestRenumbering(t *testing.T) {
	b := newBench(t, func(c *Config) { c.DAD = StandardDAD })
	b.up(wlan)
	b.ra(wlan, ar1)
	b.do(b.ack(b.update(b.keep(wlan, ar1, 2100*time.Millisecond)), mh.Accepted, nil))
	gone := ar1
	gone.pio = []nd.Prefix{pio(prefixA, time.Hour, 0), pio(prefixB, time.Hour, time.Hour)}
	b.ra(wlan, gone)
	b.want(plane.Hold, netip.Addr{}, "configuring")
	u := b.update(b.keep(wlan, gone, 2100*time.Millisecond))
	if u.Src != coaOf(prefixB, hw1) {
		t.Errorf("registered %v", u.Src)
	}
}

// One of two links is lost: one update by the other, at once.
//
// spec RT-11 MIP-01
func TestOtherInterface(t *testing.T) {
	b := newBench(t, nil)
	first := b.attach(wlan, ar1)
	b.up(wwan)
	if got := b.updates(b.ra(wwan, ar2)); len(got) != 0 {
		t.Error("left the preferred link for another")
	}
	u := b.update(b.down(wlan))
	if u.port != wwan || u.Src != coaOf(prefixB, hw2) {
		t.Fatalf("update by port %d from %v", u.port, u.Src)
	}
	b.want(plane.Hold, netip.Addr{}, "registering")
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, u.Src, "bound")
	// The preferred one comes back: make before break.
	b.up(wlan)
	b.want(plane.Tunnel, u.Src, "bound")
	back := b.update(b.ra(wlan, ar1))
	if back.port != wlan || back.Src != first.Src {
		t.Fatalf("update by port %d", back.port)
	}
	b.want(plane.Hold, u.Src, "registering")
	if b.path.Remote != haAddr {
		t.Error("what is on its way by the old tunnel is not received")
	}
	b.do(b.ack(back, mh.Accepted, nil))
	b.want(plane.Tunnel, first.Src, "bound")
	// Of the other's loss nobody takes notice.
	if effects := b.down(wwan); len(b.updates(effects)) != 0 {
		t.Error("an update for a link not in use")
	}
	b.want(plane.Tunnel, first.Src, "bound")
}

// An access that brings no answer is left for the other after a few updates, and tried again later, ever more patiently.
//
// spec RT-11
func TestSilentAccess(t *testing.T) {
	b := newBench(t, nil)
	b.up(wlan)
	b.up(wwan)
	b.ra(wlan, ar1)
	b.ra(wwan, ar2)
	var ports []plane.Port
	for range 200 { // 100 s in which no answer comes
		effects := append(b.ra(wlan, ar1), b.ra(wwan, ar2)...)
		effects = append(effects, b.pass(500*time.Millisecond)...)
		for _, u := range b.updates(effects) {
			ports = append(ports, u.port)
		}
	}
	want := []plane.Port{wlan, wlan, wwan, wwan, wwan, wlan, wlan, wlan, wlan, wwan, wwan, wwan, wwan}
	if len(ports) < len(want) || !slices.Equal(ports[:len(want)], want) { // its first went out with ra, before the loop
		t.Errorf("updates by %v", ports)
	}
	if len(ports) > 30 {
		t.Errorf("%d updates in 100 s", len(ports))
	}
}

// Pings to the care-of address are answered; nothing with a false source, nothing for a binding there is not.
func TestStrangersPackets(t *testing.T) {
	b := newBench(t, nil)
	u := b.attach(wlan, ar1)
	sends := func(p ip6.Packet) (list []ip6.Packet) {
		for _, e := range b.do(engine.Packet{Port: wlan, Data: p.Append(nil)}) {
			if s, ok := e.(engine.Send); ok {
				q, _ := ip6.Parse(s.Data)
				list = append(list, q)
			}
		}
		return list
	}
	hao := ip6.Packet{Header: ip6.Header{Src: stranger, Dst: u.Src}, HomeAddress: netip.MustParseAddr("2001:db8:77::1"), Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
	if got := sends(hao); len(got) != 1 || got[0].Proto != ip6.ProtoMH {
		t.Errorf("a home address without a binding: %+v", got)
	}
	if got := sends(hao); len(got) != 0 {
		t.Errorf("a second error at once: %+v", got)
	}
	b.pass(time.Second)
	bad := ip6.Packet{Header: ip6.Header{Src: stranger, Dst: u.Src}, Proto: ip6.ProtoMH, Payload: []byte{6, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
	sum := ip6.Checksum(stranger, u.Src, ip6.ProtoMH, bad.Payload)
	bad.Payload[4], bad.Payload[5] = byte(sum>>8), byte(sum)
	if got := sends(bad); len(got) != 1 || got[0].Proto != ip6.ProtoICMPv6 || got[0].Payload[0] != 4 {
		t.Errorf("a mobility header with something behind it: %+v", got)
	}
}
