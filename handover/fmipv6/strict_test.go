package fmipv6

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// One rule of RFC 5568 a test: each fails without that rule alone.

// fbuOf makes a Fast Binding Update by hand: nothing is filled in.
func fbuOf(k Key, src, hoa, ncoa netip.Addr, m *mh.FastBindingUpdate) ip6.Packet {
	v, err := newProver(k)
	if err != nil {
		panic(err)
	}
	p, err := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: src, Dst: parAddr}, HomeAddress: hoa}, m, ncoa, parAddr))
	if err != nil {
		panic(err)
	}
	return p
}

// Who holds a key diverts its own packets only, wherever it sends from and whatever source it forges; updates without what
// §6.2.2 demands of them are refused.
//
// spec MIP-09
func TestUpdatesRefused(t *testing.T) {
	theirs := ip6.FromEUI64(prefixB, otherHW)
	full := func(alt netip.Addr) *mh.FastBindingUpdate {
		m := &mh.FastBindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute}
		m.Options.AltCareOf = alt
		return m
	}
	without := func(edit func(*mh.FastBindingUpdate)) *mh.FastBindingUpdate {
		m := full(ncoa)
		edit(m)
		return m
	}
	for name, c := range map[string]struct {
		p    ip6.Packet
		drop string
	}{
		"another's address, its own as source":    {fbuOf(evilKey, pcoa, pcoa, theirs, full(theirs)), "fbu-not-its-address"},
		"another's address, another's new source": {fbuOf(evilKey, ncoa, pcoa, ncoa, full(ncoa)), "fbu-not-its-address"},
		"from elsewhere than the new address":     {fbuOf(mnKey, theirs, pcoa, ncoa, full(ncoa)), "fbu-not-its-address"},
		"from an address of another there":        {fbuOf(mnKey, theirs, pcoa, theirs, full(theirs)), "fbu-not-its-address"},
		"no new address, from the old link":       {fbuOf(mnKey, pcoa, pcoa, ncoa, full(netip.Addr{})), "fbu-unproved"},
		"without A":                               {fbuOf(mnKey, pcoa, pcoa, ncoa, without(func(m *mh.FastBindingUpdate) { m.Ack = false })), "fbu-refused"},
		"without H":                               {fbuOf(mnKey, pcoa, pcoa, ncoa, without(func(m *mh.FastBindingUpdate) { m.Home = false })), "fbu-refused"},
	} {
		d := newDesk(t)
		s := d.mobility(d.par, c.p)
		if len(d.paths[d.par]) != 0 || len(d.par.leaving) != 0 {
			t.Errorf("%s: %v, %v", name, d.paths[d.par], d.par.leaving)
		}
		for _, p := range append(s.kernel, s.link...) {
			if p.Proto == ip6.ProtoESP {
				t.Errorf("%s: the next router was asked", name)
			}
		}
		if !d.dropped(c.drop) {
			t.Errorf("%s: not counted as %s", name, c.drop)
		}
	}
	d := newDesk(t)
	d.mobility(d.par, fbuOf(mnKey, ncoa, pcoa, ncoa, full(netip.Addr{}))) // from the new link the source says it
	if d.paths[d.par][pcoa].Remote != ncoa {
		t.Error("the source address was not taken for the new one")
	}
}

// The first number a router hears may be any.
//
// spec MIP-09
func TestFirstNumber(t *testing.T) {
	d := newDesk(t)
	d.predict(0xf000)
}

// Said again before the next router has answered: it is asked no second time, and the answer has the number of the latest. Towards
// another router: what stood is given up when that one is silent.
//
// spec MIP-09
func TestUpdateSaidAgain(t *testing.T) {
	d := newDesk(t)
	hi := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
	if s := d.mobility(d.par, fbu(mnKey, 2, pcoa, pcoa, ncoa, 8*time.Second)); len(s.kernel)+len(s.link) != 0 {
		t.Errorf("said again: %+v", s)
	}
	acks := d.mobility(d.par, d.mobility(d.nar, hi.kernel[0]).kernel[0])
	if ack := d.fback(acks.link[0], ncoa); ack.Seq != 2 || ack.Lifetime != 8*time.Second {
		t.Errorf("answer %+v", ack)
	}
	if s := d.mobility(d.par, fbu(mnKey, 3, pcoa, pcoa, ncoa, 20*time.Second)); len(s.kernel) != 1 || len(s.link) != 1 || d.fback(s.link[0], ncoa).Seq != 3 {
		t.Errorf("said again when it stands: %+v", s) // the answer was lost
	}
	other := netip.MustParseAddr("2001:db8:a:2::66")
	if s := d.mobility(d.par, fbu(mnKey, 4, pcoa, pcoa, other, 20*time.Second)); len(s.kernel) != 1 || d.paths[d.par][pcoa].Remote != ncoa {
		t.Errorf("towards another address: %+v, %v", s, d.paths[d.par])
	}
	d.pass(d.par, 5*time.Second)
	if len(d.paths[d.par]) != 0 || len(d.par.leaving)+len(d.par.asked) != 0 {
		t.Errorf("left over: %v", d.paths[d.par])
	}
}

// Each Handover Initiate has a number of its own, is sent again after 100 ms and then after twice as long each time: §6.2.1.1.
//
// spec MIP-09
func TestInitiateIntervals(t *testing.T) {
	d := newDesk(t)
	d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
	first := d.par.leaving[pcoa].hi
	var at []time.Duration
	for len(d.par.leaving) > 0 {
		due, _ := d.par.Deadline()
		if s := d.pass(d.par, due.Sub(d.now.Mono)); len(s.kernel) > 0 {
			at = append(at, time.Duration(d.now.Mono))
		}
	}
	if !slices.Equal(at, []time.Duration{FirstHI, 3 * FirstHI, 7 * FirstHI}) {
		t.Errorf("sent again at %v", at)
	}
	d.mobility(d.par, fbu(mnKey, 2, pcoa, pcoa, ncoa, 20*time.Second))
	if d.par.leaving[pcoa].hi == first {
		t.Error("the number of an earlier one")
	}
}

// An acknowledgement counts if it comes from the router that was asked, about what it was asked, for an address of its network.
//
// spec MIP-09
func TestAcknowledgeRefused(t *testing.T) {
	third := Neighbour{netip.MustParseAddr("2001:db8:b:3::a"), otherHW, prefixC, nil, espBetween(3, 4)}
	for name, c := range map[string]struct {
		other  bool
		ack    func(seq uint16) *mh.HandoverAck
		status mh.FastStatus // of the answer; -1 in effect: none
		silent bool
	}{
		"from another router": {true, func(seq uint16) *mh.HandoverAck { return &mh.HandoverAck{Seq: seq} }, 0, true},
		"about another":       {false, func(seq uint16) *mh.HandoverAck { return &mh.HandoverAck{Seq: seq + 1} }, 0, true},
		"an address elsewhere": {false, func(seq uint16) *mh.HandoverAck {
			return &mh.HandoverAck{Seq: seq, Code: mh.HAckAssigned, Options: mh.Options{Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, siteC.CoA)}}}
		}, mh.FastUnspecified, false},
	} {
		d := newDesk(t)
		config := parConfig()
		config.Neighbours = append(config.Neighbours, third)
		d.par = d.boot(config, parHW, engine.Start{})
		d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
		var out engine.Effects
		n := d.par.neighbours[0]
		if c.other {
			n = d.par.neighbours[1]
		}
		d.par.onHAck(d.now, n, c.ack(d.par.leaving[pcoa].hi), &out)
		s := d.take(d.par, &out)
		if len(d.paths[d.par]) != 0 || c.silent != (d.par.leaving[pcoa] != nil) {
			t.Errorf("%s: %v", name, d.paths[d.par])
		}
		if !c.silent && (len(s.link) != 1 || d.fback(s.link[0], ncoa).Status != c.status) || c.silent && len(s.link) != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// A Handover Initiate that was on its way for longer than its node holds no packet of a node that is there.
//
// spec MIP-09
func TestRoutersLateInitiate(t *testing.T) {
	d := newDesk(t)
	hi := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
	again := d.pass(d.par, FirstHI)
	d.mobility(d.nar, hi.kernel[0])
	d.neighbour(d.nar, mnHW, ncoa, ip6.AllNodes, una(ncoa, mnHW))
	s := d.mobility(d.nar, again.kernel[0])
	if p := d.paths[d.nar][ncoa]; p.Mode != plane.Direct || p.To != mnHW || len(s.kernel) != 1 {
		t.Errorf("after the second Initiate: %+v, %+v", p, s)
	}
	if acks := d.mobility(d.par, s.kernel[0]); len(acks.kernel) != 1 || d.fback(acks.kernel[0], ncoa).Status != mh.FastAccepted {
		t.Errorf("its answer: %+v", acks)
	}
	// Back, and here once more: that is a new handover.
	d.mobility(d.par, fbu(mnKey, 2, pcoa, pcoa, pcoa, 0))
	hi = d.mobility(d.par, fbu(mnKey, 3, pcoa, pcoa, ncoa, 20*time.Second))
	d.mobility(d.nar, hi.kernel[0])
	if p := d.paths[d.nar][ncoa]; p.Mode != plane.Hold {
		t.Errorf("after a new handover's Initiate: %+v", p)
	}
}

// A message between routers is taken once: what was played again is dropped, and so after a restart.
//
// spec MIP-09
func TestInitiateReplayed(t *testing.T) {
	d := newDesk(t)
	hi := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
	d.mobility(d.nar, hi.kernel[0])
	d.pass(d.nar, ProxyLifetime)
	d.events = nil
	if s := d.mobility(d.nar, hi.kernel[0]); len(s.kernel) != 0 || len(d.paths[d.nar]) != 0 || !d.dropped(sa.ESPReplay) {
		t.Errorf("played again: %+v, %v", s, d.paths[d.nar])
	}
	var start engine.Start
	for _, r := range d.others { //order:any
		start.Records = append(start.Records, r)
	}
	again := d.boot(narConfig(), narHW, start)
	if s := d.mobility(again, hi.kernel[0]); len(s.kernel) != 0 || len(d.paths[again]) != 0 || !d.dropped(sa.ESPReplay) {
		t.Errorf("played again after a restart: %+v, %v", s, d.paths[again])
	}
}

// An address that the next router assigned stays the node's when the update is said again.
//
// spec MIP-09
func TestAssignedIsKept(t *testing.T) {
	d := newDesk(t)
	wish := netip.MustParseAddr("2001:db8:a:2::55")
	hi := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, wish, 20*time.Second))
	d.mobility(d.par, d.mobility(d.nar, hi.kernel[0]).kernel[0])
	s := d.mobility(d.par, fbu(mnKey, 2, pcoa, pcoa, wish, 20*time.Second))
	ack := d.fback(s.link[0], wish)
	if d.paths[d.par][pcoa].Remote != ncoa || ack.Status != mh.FastUseSupplied || ack.Options.AltCareOf != ncoa || len(s.kernel) != 1 {
		t.Errorf("%v, %+v", d.paths[d.par][pcoa], ack)
	}
}

// Only the station itself, by the link it is expected on, takes what is held for it.
//
// spec MIP-09
func TestArrivalOfAnother(t *testing.T) {
	for name, c := range map[string]struct {
		from, told plane.HW
		port       plane.Port
	}{
		"another station that tells the right address": {otherHW, mnHW, cell},
		"the station tells another's address":          {mnHW, otherHW, cell},
		"by another link":                              {mnHW, mnHW, cell + 1},
	} {
		d := newDesk(t)
		d.predict(1)
		var out engine.Effects
		p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: ncoa, Dst: ip6.AllNodes}, Proto: ip6.ProtoICMPv6}
		d.nar.Neighbour(d.now, engine.Packet{Port: c.port, From: c.from}, &p, una(ncoa, c.told), &out)
		d.take(d.nar, &out)
		if d.paths[d.nar][ncoa].Mode != plane.Hold || !d.dropped("una-other-station") {
			t.Errorf("%s: delivered", name)
		}
	}
	d := newDesk(t)
	d.predict(1)
	d.neighbour(d.nar, mnHW, ip6.LinkLocal(mnHW), ip6.SolicitedNode(ncoa), &nd.NeighborSolicitation{Target: ncoa})
	d.neighbour(d.nar, otherHW, noAddr, ip6.SolicitedNode(ncoa), &nd.NeighborSolicitation{Target: ncoa})
	if d.paths[d.nar][ncoa].Mode != plane.Hold {
		t.Error("a question about the address was taken for its owner's probe")
	}
}

// The next router represents the address while the node is expected, no longer and not less: §4, §6.3, PROXY_ND_LIFETIME.
//
// spec MIP-09
func TestProxyLife(t *testing.T) {
	d := newDesk(t)
	probe := func() int {
		return len(d.neighbour(d.nar, otherHW, noAddr, ip6.SolicitedNode(ncoa), &nd.NeighborSolicitation{Target: ncoa}).link)
	}
	hi := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
	again := d.pass(d.par, FirstHI)
	d.mobility(d.nar, hi.kernel[0])
	if l, ok := d.locals[d.nar][ncoa]; !ok || !l.Proxy || l.Port != cell || probe() != 1 {
		t.Errorf("expected: %+v", l)
	}
	d.pass(d.nar, ProxyLifetime-time.Millisecond)
	d.mobility(d.nar, again.kernel[0]) // said again: the time begins again
	d.pass(d.nar, ProxyLifetime-time.Millisecond)
	if probe() != 1 {
		t.Error("given up too early")
	}
	d.pass(d.nar, time.Millisecond)
	if _, ok := d.locals[d.nar][ncoa]; ok || probe() != 0 {
		t.Error("an address that nobody came for is still represented")
	}
	d = newDesk(t)
	d.predict(1)
	d.neighbour(d.nar, mnHW, ncoa, ip6.AllNodes, una(ncoa, mnHW))
	if _, ok := d.locals[d.nar][ncoa]; ok || probe() != 0 {
		t.Error("the router speaks for a node that speaks for itself")
	}
	d.pass(d.nar, ArrivedLifetime-time.Millisecond)
	if d.paths[d.nar][ncoa].Mode != plane.Direct {
		t.Error("left to the kernel too early")
	}
}

// A node that is about to leave and comes back instead: the router it was to leave forgets that.
//
// spec MIP-09
func TestComesBackUnanswered(t *testing.T) {
	d := newDesk(t)
	d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
	var out engine.Effects
	x := expected{coa: pcoa, hw: mnHW, link: &d.par.links[0], from: d.par.neighbours[0], hi: 1}
	if code := d.par.expect(d.now, x, &out); code != mh.HAckAccepted {
		t.Fatal(code)
	}
	d.take(d.par, &out)
	if len(d.par.leaving)+len(d.par.asked) != 0 || d.paths[d.par][pcoa].Mode != plane.Hold {
		t.Errorf("%v", d.paths[d.par])
	}
}

// Initiates of codes that there are not, and for links that are down, are refused; a reactive one changes nothing: §4, §6.2.1.2. The S flag
// has the address told, though it is the one that was asked for.
//
// spec MIP-09
func TestInitiateCodes(t *testing.T) {
	for name, c := range map[string]struct {
		hi   mh.HandoverInitiate
		down bool
		code mh.HAckCode
		held bool
		told netip.Addr
	}{
		"predictive":   {mh.HandoverInitiate{Code: mh.HIPredictive}, false, mh.HAckAccepted, true, netip.Addr{}},
		"reactive":     {mh.HandoverInitiate{Code: mh.HIReactive}, false, mh.HAckAccepted, false, netip.Addr{}},
		"neither":      {mh.HandoverInitiate{Code: 2}, false, mh.HAckUnspecified, false, netip.Addr{}},
		"link is down": {mh.HandoverInitiate{}, true, mh.HAckUnspecified, false, netip.Addr{}},
		"S":            {mh.HandoverInitiate{Assign: true}, false, mh.HAckAssigned, true, ncoa},
	} {
		d := newDesk(t)
		if c.down {
			d.nar.LinkDown(d.now, engine.LinkDown{Port: cell + 1}, &engine.Effects{})
			if !d.nar.links[0].up {
				t.Error("another link's end is taken for this one's")
			}
			d.nar.LinkDown(d.now, engine.LinkDown{Port: cell}, &engine.Effects{})
		}
		c.hi.Options = mh.Options{LLA: mnHW, Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, ncoa)}}
		var out engine.Effects
		d.nar.onHI(d.now, d.nar.neighbours[0], &c.hi, &out)
		s := d.take(d.nar, &out)
		got, _ := d.par.neighbours[0].sa.Verify(d.now, &s.kernel[0])
		ack := got.(*mh.HandoverAck)
		if ack.Code != c.code || (len(d.paths[d.nar]) == 1) != c.held || ack.Options.Address(mh.NewCareOf) != c.told {
			t.Errorf("%s: %+v, %v", name, ack, d.paths[d.nar])
		}
		if d.dropped("hi-refused") == c.code.Accepted() {
			t.Errorf("%s: counted wrongly", name)
		}
	}
}

// Full tables refuse what is new, say so, and keep what is there.
//
// spec MIP-09
func TestRoutersFull(t *testing.T) {
	d := newDesk(t)
	d.predict(1)
	for i := 1; i < MaxHandovers; i++ {
		a := netip.AddrFrom16([16]byte{0xfd, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		d.par.leaving[a], d.nar.expected[a] = &leaving{}, &expected{}
	}
	other := ip6.FromEUI64(prefixA, otherHW)
	s := d.mobility(d.par, fbu(evilKey, 1, other, other, ip6.FromEUI64(prefixB, otherHW), time.Minute))
	if len(s.kernel) != 0 || len(s.link) != 1 || !d.dropped("fbu-refused") || d.par.leaving[other] != nil {
		t.Errorf("one more was taken: %+v", s)
	}
	m, _ := mh.Parse(s.link[0].Src, s.link[0].Dst, s.link[0].Payload)
	if ack := m.(*mh.FastBindingAck); ack.Status != mh.FastResources {
		t.Errorf("answer %+v", ack)
	}
	x := expected{coa: ip6.FromEUI64(prefixB, otherHW), hw: otherHW, link: &d.nar.links[0], from: d.nar.neighbours[0]}
	if code := d.nar.expect(d.now, x, &engine.Effects{}); code != mh.HAckResources {
		t.Errorf("one more is expected: %v", code)
	}
	x.coa = ncoa
	if code := d.nar.expect(d.now, x, &engine.Effects{}); code != mh.HAckAccepted {
		t.Errorf("one that is expected already: %v", code)
	}
	if s := d.mobility(d.par, fbu(mnKey, 2, pcoa, pcoa, ncoa, time.Minute)); len(s.link) != 1 || !d.fback(s.link[0], ncoa).Status.Accepted() {
		t.Error("one that is forwarded already was refused")
	}
}
