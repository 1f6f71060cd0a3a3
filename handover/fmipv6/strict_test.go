package fmipv6

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
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

// So many in each second, not in all time.
//
// spec MIP-09
func TestBudgets(t *testing.T) {
	var b budget
	now := engine.Now{Mono: 5}
	for range 3 {
		for i := range 7 {
			if b.take(now, 4) != (i < 4) {
				t.Errorf("%d at %v", i, now.Mono)
			}
		}
		now.Mono = now.Mono.Add(time.Second)
	}
	d := newDesk(t)
	n := 0
	for range 2 * MaxAnswers {
		n += len(d.neighbour(d.par, mnHW, ip6.LinkLocal(mnHW), ip6.AllRouters, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}).link)
	}
	if n != MaxAnswers || !d.dropped("rtsolpr-rate") {
		t.Errorf("%d answers in a moment", n)
	}
}

// What a router says of cells: §6.1.2. Strangers are told nothing, and who asks for all where there is none is not answered.
//
// spec MIP-09
func TestProxyAdvertisements(t *testing.T) {
	d := newDesk(t)
	ask := func(src netip.Addr, m *nd.RtSolPr) *nd.PrRtAdv {
		s := d.neighbour(d.par, mnHW, src, ip6.AllRouters, m)
		if len(s.link) == 0 {
			return nil
		}
		p := s.link[0]
		got, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil || p.Src != ip6.LinkLocal(parHW) || p.Dst != src {
			t.Fatalf("%+v, %v", p, err)
		}
		return got.(*nd.PrRtAdv)
	}
	here := ip6.LinkLocal(mnHW)
	for name, c := range map[string]struct {
		cells [][6]byte
		code  uint8
		out   []uint8
	}{
		"known":         {[][6]byte{cellTwo}, nd.ProxyInfo, []uint8{nd.APFound}},
		"its own":       {[][6]byte{cellOne}, nd.ProxyNone, []uint8{nd.APSameRouter}},
		"nobody's":      {[][6]byte{otherHW}, nd.ProxyNone, []uint8{nd.APNoPrefix}},
		"some of those": {[][6]byte{cellOne, cellTwo, otherHW}, nd.ProxySome, []uint8{nd.APSameRouter, nd.APFound, nd.APNoPrefix}},
	} {
		adv := ask(here, &nd.RtSolPr{ID: 9, AccessPoints: c.cells})
		if adv == nil || adv.Code != c.code || adv.ID != 9 || adv.SourceHW != parHW || len(adv.AccessPoints) != len(c.out) {
			t.Fatalf("%s: %+v", name, adv)
		}
		for i, ap := range adv.AccessPoints {
			if ap.Outcome != c.out[i] || ap.HW != c.cells[i] || (ap.Outcome == nd.APFound) != (ap.Network() == prefixB && ap.Router.Addr() == narAddr && ap.RouterHW == narHW) {
				t.Errorf("%s: %+v", name, ap)
			}
		}
	}
	if ask(pcoa, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}) == nil {
		t.Error("a node of the link was not answered")
	}
	if ask(ncoa, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}) != nil || !d.dropped("rtsolpr-stranger") {
		t.Error("a stranger was answered")
	}
	alone := parConfig()
	alone.Neighbours = nil
	d.par = d.boot(alone, parHW, engine.Start{})
	if ask(here, &nd.RtSolPr{Wildcard: true}) != nil {
		t.Error("an answer about no cell")
	}
	apart := parConfig() // a router whose address is of another network than its nodes' addresses
	apart.Neighbours[0].Address = netip.MustParseAddr("2001:db8:f::a")
	d.par = d.boot(apart, parHW, engine.Start{})
	if adv := ask(here, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}); adv.AccessPoints[0].Network() != prefixB || adv.AccessPoints[0].Router.Addr() != apart.Neighbours[0].Address {
		t.Errorf("%+v", adv.AccessPoints[0])
	}
	d.par.LinkDown(d.now, engine.LinkDown{Port: cell}, &engine.Effects{})
	if ask(here, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}) != nil {
		t.Error("answered by a link that is down")
	}
}

// The service address is the router's to hear and to speak for. What is not for it, malformed or of no type it knows is counted, and told
// to its sender where RFC 6275 §9.2 wants it told.
//
// spec MIP-09
func TestServiceAddress(t *testing.T) {
	d := newDesk(t)
	if l, ok := d.locals[d.par][parAddr]; !ok || !l.Capture || l.Port != cell {
		t.Errorf("%+v", l)
	}
	s := d.neighbour(d.par, mnHW, ip6.LinkLocal(mnHW), ip6.SolicitedNode(parAddr), &nd.NeighborSolicitation{Target: parAddr})
	if len(s.link) != 1 {
		t.Error("nobody speaks for the service address")
	}
	good := fbu(mnKey, 1, pcoa, pcoa, ncoa, time.Minute)
	wrong := good
	wrong.Dst = narAddr
	if s := d.mobility(d.par, wrong); len(s.kernel)+len(s.link) != 0 || !d.dropped("mh-not-for-us") {
		t.Error("taken though it is another's")
	}
	proto := ip6.Packet{Header: ip6.Header{Src: pcoa, Dst: parAddr}, Proto: ip6.ProtoMH, Payload: bytes.Clone(good.Payload)}
	proto.Payload[0] = ip6.ProtoUDP // Payload Proto other than No Next Header
	proto.Payload[4], proto.Payload[5] = 0, 0
	sum := ip6.Checksum(pcoa, parAddr, ip6.ProtoMH, proto.Payload)
	proto.Payload[4], proto.Payload[5] = byte(sum>>8), byte(sum)
	var out engine.Effects
	d.par.Mobility(d.now, engine.Packet{Data: proto.Append(nil)}, &proto, &out)
	if s := d.take(d.par, &out); len(s.kernel) != 1 || s.kernel[0].Proto != ip6.ProtoICMPv6 || !d.dropped("mh-malformed") {
		t.Errorf("no Parameter Problem: %+v", s)
	}
	d.now.Mono = d.now.Mono.Add(time.Second) // one answer a second to an address
	unknown := ip6.Packet{Header: ip6.Header{Src: pcoa, Dst: parAddr}, Proto: ip6.ProtoMH, Payload: []byte{59, 0, 200, 0, 0, 0, 0, 0}}
	sum = ip6.Checksum(pcoa, parAddr, ip6.ProtoMH, unknown.Payload)
	unknown.Payload[4], unknown.Payload[5] = byte(sum>>8), byte(sum)
	s = d.mobility(d.par, unknown)
	if len(s.kernel) != 1 || !d.dropped("unknown-mh-type") {
		t.Fatalf("no Binding Error: %+v", s)
	}
	m, err := mh.Parse(s.kernel[0].Src, s.kernel[0].Dst, s.kernel[0].Payload)
	if be, ok := m.(*mh.BindingError); !ok || be.Status != mh.UnknownMHType {
		t.Errorf("%+v, %v", m, err)
	}
}

// Configurations that cannot work are refused, with the name of what is wrong.
func TestConfigRefused(t *testing.T) {
	for want, edit := range map[string]func(*RouterConfig){
		"mobile":    func(c *RouterConfig) { c.Mobiles[0].Key.Secret = nil },
		"reserved":  func(c *RouterConfig) { c.Mobiles[0].Key.SPI = 255 },
		"neighbour": func(c *RouterConfig) { c.Neighbours[0].Security = sa.Config{} },
		"keys of its own": func(c *RouterConfig) {
			c.Neighbours = append(c.Neighbours, Neighbour{siteC.Service, otherHW, prefixC, nil, espBetween(1, 2)})
		},
	} {
		c := parConfig()
		edit(&c)
		if _, err := NewRouter(c, engine.NewRand([32]byte{1})); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := NewMobile(&bench{}, base{}, Config{Keys: map[plane.Port]Key{cell: {SPI: 300}}}); err == nil {
		t.Error("a mobile node without a key")
	}
}
