package fmipv6

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var (
	mnHW    = plane.HW{2, 0, 0, 0, 9, 1}
	otherHW = plane.HW{2, 0, 0, 0, 9, 2}
	cellOne = plane.HW{6, 1}
	cellTwo = plane.HW{6, 2}
	prefixA = netip.MustParsePrefix("2001:db8:a:1::/64")
	prefixB = netip.MustParsePrefix("2001:db8:a:2::/64")
	parAddr = netip.MustParseAddr("2001:db8:a:1::a")
	narAddr = netip.MustParseAddr("2001:db8:a:2::a")
	parHW   = plane.HW{2, 0, 0, 0, 1, 2}
	narHW   = plane.HW{2, 0, 0, 0, 2, 2}
	pcoa    = ip6.FromEUI64(prefixA, mnHW)
	ncoa    = ip6.FromEUI64(prefixB, mnHW)
	mnKey   = Key{SPI: 0x100, Secret: bytes.Repeat([]byte{7}, 20)}
	evilKey = Key{SPI: 0x101, Secret: bytes.Repeat([]byte{8}, 20)}
)

const cell = plane.Port(1)

var noAddr = netip.IPv6Unspecified()

// desk is two routers on a table; what they say to each other passes through the test's hands.
type desk struct {
	t        *testing.T
	now      engine.Now
	par, nar *Router
	paths    map[*Router]map[netip.Addr]plane.Path
	locals   map[*Router]map[netip.Addr]plane.Local
	records  map[string]engine.Record // of par
	others   map[string]engine.Record // of the next router
	events   []engine.Event           // since the last call
}

func espBetween(self, other byte) sa.Config {
	return sa.Config{ESP: &sa.ESPConfig{OutSPI: 0x1000 + uint32(self), InSPI: 0x1000 + uint32(other),
		OutKey: bytes.Repeat([]byte{self}, 20), InKey: bytes.Repeat([]byte{other}, 20)}}
}

func parConfig() RouterConfig {
	return RouterConfig{Address: parAddr, Links: []handover.RouterLink{{Port: cell, Prefix: prefixA}}, Cells: []plane.HW{cellOne},
		Mobiles:    []MobileKey{{mnHW, mnKey}, {otherHW, evilKey}},
		Neighbours: []Neighbour{{narAddr, narHW, prefixB, []plane.HW{cellTwo}, espBetween(1, 2)}}}
}

func narConfig() RouterConfig {
	return RouterConfig{Address: narAddr, Links: []handover.RouterLink{{Port: cell, Prefix: prefixB}}, Cells: []plane.HW{cellTwo},
		Mobiles:    []MobileKey{{mnHW, mnKey}},
		Neighbours: []Neighbour{{parAddr, parHW, prefixA, []plane.HW{cellOne}, espBetween(2, 1)}}}
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, paths: map[*Router]map[netip.Addr]plane.Path{}, locals: map[*Router]map[netip.Addr]plane.Local{}, records: map[string]engine.Record{}, others: map[string]engine.Record{}}
	d.par = d.boot(parConfig(), parHW, engine.Start{})
	d.nar = d.boot(narConfig(), narHW, engine.Start{})
	return d
}

func (d *desk) boot(c RouterConfig, hw plane.HW, start engine.Start) *Router {
	d.t.Helper()
	for i := range c.Links {
		c.Links[i].Advertisement = func() *nd.RouterAdvertisement {
			return &nd.RouterAdvertisement{Lifetime: time.Hour, Options: nd.Options{SourceHW: hw}}
		}
	}
	r, err := NewRouter(c, engine.NewRand([32]byte{hw[4]}))
	if err != nil {
		d.t.Fatal(err)
	}
	d.paths[r], d.locals[r] = map[netip.Addr]plane.Path{}, map[netip.Addr]plane.Local{}
	var out engine.Effects
	r.Start(d.now, start, &out)
	r.LinkUp(d.now, engine.LinkUp{Port: cell, HW: hw, MTU: 1500}, &out)
	d.take(r, &out)
	return r
}

// sent is what a router sent, by door.
type sent struct{ kernel, link []ip6.Packet }

// take carries out effects of a router.
func (d *desk) take(r *Router, out *engine.Effects) (s sent) {
	d.t.Helper()
	for _, e := range out.List {
		switch e := e.(type) {
		case engine.Plane:
			if p := e.Op.Path; p != nil && e.Op.Delete {
				delete(d.paths[r], p.Inner.Addr())
			} else if p != nil {
				d.paths[r][p.Inner.Addr()] = p.Path
			}
			if l := e.Op.Local; l != nil && e.Op.Delete {
				delete(d.locals[r], l.Addr)
			} else if l != nil {
				d.locals[r][l.Addr] = l.Local
			}
		case engine.Persist:
			if r == d.par {
				d.records[e.Bucket+e.Key] = engine.Record(e)
			} else {
				d.others[e.Bucket+e.Key] = engine.Record(e)
			}
		case engine.Event:
			d.events = append(d.events, e)
		case engine.Send:
			p, err := ip6.Parse(e.Data)
			if err != nil {
				d.t.Fatal(err)
			}
			if e.Port == plane.Kernel {
				s.kernel = append(s.kernel, p)
			} else {
				s.link = append(s.link, p)
			}
		}
	}
	return s
}

func (d *desk) mobility(r *Router, p ip6.Packet) sent {
	d.t.Helper()
	var out engine.Effects
	r.Mobility(d.now, engine.Packet{}, &p, &out)
	return d.take(r, &out)
}

func (d *desk) neighbour(r *Router, from plane.HW, src, dst netip.Addr, m nd.Message) sent {
	d.t.Helper()
	var out engine.Effects
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6}
	r.Neighbour(d.now, engine.Packet{Port: cell, From: from}, &p, m, &out)
	return d.take(r, &out)
}

func (d *desk) pass(r *Router, by time.Duration) (s sent) {
	d.t.Helper()
	for end := d.now.Mono.Add(by); ; {
		at, _ := r.Deadline()
		if at > end {
			d.now.Mono = end
			return s
		}
		d.now.Mono = max(at, d.now.Mono)
		var out engine.Effects
		r.Tick(d.now, &out)
		x := d.take(r, &out)
		s.kernel, s.link = append(s.kernel, x.kernel...), append(s.link, x.link...)
	}
}

// fbu makes a Fast Binding Update as a node with a key sends it.
func fbu(k Key, seq uint16, src, hoa, to netip.Addr, life time.Duration) ip6.Packet {
	v, err := newProver(k)
	if err != nil {
		panic(err)
	}
	m := &mh.FastBindingUpdate{Seq: seq, Ack: true, Home: true, Lifetime: life}
	m.Options.AltCareOf = to
	p, err := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: src, Dst: parAddr}, HomeAddress: hoa}, m, to, parAddr))
	if err != nil {
		panic(err)
	}
	return p
}

// fback reads an answer as the node does.
func (d *desk) fback(p ip6.Packet, to netip.Addr) *mh.FastBindingAck {
	d.t.Helper()
	m, err := mh.Parse(p.Src, p.Dst, p.Payload)
	ack, ok := m.(*mh.FastBindingAck)
	v, _ := newProver(mnKey)
	if err != nil || !ok || !v.proves(&p, ack, to, parAddr) {
		d.t.Fatalf("no proved FBack: %+v, %v", m, err)
	}
	return ack
}

func (d *desk) dropped(reason string) bool {
	found := slices.ContainsFunc(d.events, func(e engine.Event) bool { return e.Name == engine.EventDrop && e.Reason == reason })
	d.events = nil
	return found
}

// predict brings a handover to the point where packets are sent on.
func (d *desk) predict(seq uint16) {
	d.t.Helper()
	hi := d.mobility(d.par, fbu(mnKey, seq, pcoa, pcoa, ncoa, 20*time.Second))
	if len(hi.kernel) != 1 || len(d.paths[d.par]) != 0 {
		d.t.Fatalf("after the FBU: %+v, %v", hi, d.paths[d.par])
	}
	hack := d.mobility(d.nar, hi.kernel[0])
	if p := d.paths[d.nar][ncoa]; p.Mode != plane.Hold || !p.Capture || p.Limit == 0 {
		d.t.Fatalf("after the HI: %+v", p)
	}
	acks := d.mobility(d.par, hack.kernel[0])
	if p := d.paths[d.par][pcoa]; p.Mode != plane.Tunnel || p.Remote != ncoa || p.Local != parAddr {
		d.t.Fatalf("after the HAck: %+v", p)
	}
	if len(acks.link) != 1 || len(acks.kernel) != 1 || d.fback(acks.link[0], ncoa).Status != mh.FastAccepted || acks.link[0].Dst != pcoa {
		d.t.Fatalf("FBacks: %+v", acks)
	}
}

func una(target netip.Addr, hw plane.HW) *nd.NeighborAdvertisement {
	return &nd.NeighborAdvertisement{Target: target, Options: nd.Options{TargetHW: hw}}
}

// The whole of a predictive handover at both routers, until nothing is left of it.
//
// spec MIP-09
func TestRoutersPredictive(t *testing.T) {
	d := newDesk(t)
	d.predict(1)
	if s := d.neighbour(d.nar, otherHW, netip.IPv6Unspecified(), ip6.SolicitedNode(ncoa), &nd.NeighborSolicitation{Target: ncoa}); len(s.link) != 1 {
		t.Errorf("the address of a node that is expected was not defended: %+v", s)
	}
	d.neighbour(d.nar, otherHW, ncoa, ip6.AllNodes, una(ncoa, otherHW))
	if d.paths[d.nar][ncoa].Mode != plane.Hold || !d.dropped("una-other-station") {
		t.Error("another station took the packets of the one that is expected")
	}
	d.neighbour(d.nar, mnHW, ncoa, ip6.AllNodes, una(ncoa, mnHW))
	if p := d.paths[d.nar][ncoa]; p.Mode != plane.Direct || p.To != mnHW || p.Out != cell {
		t.Errorf("after the UNA: %+v", p)
	}
	if s := d.neighbour(d.nar, mnHW, netip.IPv6Unspecified(), ip6.SolicitedNode(ncoa), &nd.NeighborSolicitation{Target: ncoa}); len(s.link) != 0 {
		t.Error("the router answers the node's own probe")
	}
	d.pass(d.nar, ArrivedLifetime)
	d.pass(d.par, 20*time.Second)
	if len(d.paths[d.nar])+len(d.paths[d.par]) != 0 || len(d.par.leaving)+len(d.nar.expected)+len(d.par.asked) != 0 {
		t.Errorf("left over: %v %v", d.paths[d.par], d.paths[d.nar])
	}
}

// A node whose announcement was lost is found by its probe; one that does not come is given up with what was held.
//
// spec MIP-09
func TestRoutersArrival(t *testing.T) {
	d := newDesk(t)
	d.predict(1)
	d.neighbour(d.nar, mnHW, netip.IPv6Unspecified(), ip6.SolicitedNode(ncoa), &nd.NeighborSolicitation{Target: ncoa})
	if d.paths[d.nar][ncoa].Mode != plane.Direct {
		t.Error("the node's own probe did not tell that it is there")
	}
	d = newDesk(t)
	d.predict(1)
	d.pass(d.nar, ProxyLifetime)
	if len(d.paths[d.nar]) != 0 || len(d.nar.expected) != 0 {
		t.Error("a node that did not come is still expected")
	}
}

// From the new link: packets are sent on at once.
//
// spec MIP-09
func TestRoutersReactive(t *testing.T) {
	d := newDesk(t)
	s := d.mobility(d.par, fbu(mnKey, 1, ncoa, pcoa, ncoa, 20*time.Second))
	if p := d.paths[d.par][pcoa]; p.Mode != plane.Tunnel || p.Remote != ncoa || len(s.link) != 0 || len(s.kernel) != 2 {
		t.Fatalf("%+v, %+v", p, s)
	}
	if ack := d.fback(s.kernel[1], ncoa); ack.Status != mh.FastAccepted || s.kernel[1].Dst != ncoa {
		t.Errorf("FBack %+v to %v", ack, s.kernel[1].Dst)
	}
	hack := d.mobility(d.nar, s.kernel[0])
	if len(hack.kernel) != 1 || len(d.paths[d.nar]) != 0 {
		t.Errorf("the next router: %+v, %v", hack, d.paths[d.nar])
	}
	d.mobility(d.par, hack.kernel[0])
	s = d.mobility(d.par, fbu(mnKey, 2, pcoa, pcoa, pcoa, 0)) // back: RFC 5568 §5.6
	if len(d.paths[d.par]) != 0 || len(s.link) != 1 || d.fback(s.link[0], pcoa).Lifetime != 0 {
		t.Errorf("after its return: %v, %+v", d.paths[d.par], s)
	}
}

// There and back before the home agent knows: nothing goes round in a circle.
//
// spec MIP-09
func TestRoutersPingPong(t *testing.T) {
	d := newDesk(t)
	d.predict(1)
	d.neighbour(d.nar, mnHW, ncoa, ip6.AllNodes, una(ncoa, mnHW))
	v, _ := newProver(mnKey)
	m := &mh.FastBindingUpdate{Seq: 2, Ack: true, Home: true, Lifetime: 20 * time.Second}
	m.Options.AltCareOf = pcoa
	p, _ := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: ncoa, Dst: narAddr}, HomeAddress: ncoa}, m, pcoa, narAddr))
	hi := d.mobility(d.nar, p)
	hack := d.mobility(d.par, hi.kernel[0])
	if x := d.paths[d.par][pcoa]; x.Mode != plane.Hold || d.par.leaving[pcoa] != nil {
		t.Errorf("the router it comes back to: %+v", x)
	}
	d.mobility(d.nar, hack.kernel[0])
	if x := d.paths[d.nar][ncoa]; x.Mode != plane.Tunnel || x.Remote != pcoa || d.nar.expected[ncoa] != nil {
		t.Errorf("the router it leaves again: %+v", x)
	}
	d.pass(d.nar, ArrivedLifetime+time.Second) // the end of its arrival is not the end of this
	if d.paths[d.nar][ncoa].Mode != plane.Tunnel {
		t.Error("an old timer ended the forwarding")
	}
}

// Whoever is not the node itself diverts nothing: no path changes, nothing is answered before the proof.
//
// spec MIP-09
func TestRoutersAttacks(t *testing.T) {
	stranger := netip.MustParseAddr("2001:db8:bad::1")
	good := fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second)
	forged := good
	forged.Payload = bytes.Clone(good.Payload)
	forged.Payload[len(forged.Payload)-1] ^= 1
	forged.Payload[4], forged.Payload[5] = 0, 0
	sum := ip6.Checksum(pcoa, parAddr, ip6.ProtoMH, forged.Payload)
	forged.Payload[4], forged.Payload[5] = byte(sum>>8), byte(sum)
	wrong := Key{SPI: mnKey.SPI, Secret: bytes.Repeat([]byte{9}, 20)}
	open := func(m mh.Message) ip6.Packet {
		return ip6.Packet{Header: ip6.Header{Src: narAddr, Dst: parAddr}, Proto: ip6.ProtoMH, Payload: mh.Append(nil, narAddr, parAddr, m)}
	}
	hi := &mh.HandoverInitiate{Options: mh.Options{LLA: mnHW, Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, pcoa)}}}
	for name, c := range map[string]struct {
		p       ip6.Packet
		drop    string
		answers int
	}{
		"authenticator altered":             {forged, "fbu-unproved", 0},
		"another's key":                     {fbu(wrong, 1, pcoa, pcoa, ncoa, time.Minute), "fbu-unproved", 0},
		"SPI of nobody":                     {fbu(Key{SPI: 0x999, Secret: mnKey.Secret}, 1, pcoa, pcoa, ncoa, time.Minute), "fbu-unknown-spi", 0},
		"a known node, another's address":   {fbu(evilKey, 1, ip6.FromEUI64(prefixA, otherHW), pcoa, ip6.FromEUI64(prefixB, otherHW), time.Minute), "fbu-not-its-address", 1},
		"from elsewhere to a third party":   {fbu(mnKey, 1, stranger, pcoa, netip.MustParseAddr("2001:db8:a:2::77"), time.Minute), "fbu-not-its-address", 1},
		"to nobody's network":               {fbu(mnKey, 1, pcoa, pcoa, stranger, time.Minute), "fbu-refused", 1},
		"an address of no link here":        {fbu(mnKey, 1, stranger, stranger, ncoa, time.Minute), "fbu-not-its-address", 1},
		"Handover Initiate in the open":     {open(hi), "unprotected", 0},
		"Handover Acknowledge in the open":  {open(&mh.HandoverAck{Seq: 1}), "unprotected", 0},
		"ESP of a stranger":                 {ip6.Packet{Header: ip6.Header{Src: stranger, Dst: parAddr}, Proto: ip6.ProtoESP, Payload: make([]byte, 64)}, "unknown-neighbour", 0},
		"ESP in a neighbour's name":         {ip6.Packet{Header: ip6.Header{Src: narAddr, Dst: parAddr}, Proto: ip6.ProtoESP, Payload: append([]byte{0, 0, 0x10, 2, 0, 0, 0, 1}, make([]byte, 64)...)}, sa.ESPAuth, 0},
		"a message that is not for routers": {open(&mh.BindingUpdate{}), "unknown-mh-type", 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			s := d.mobility(d.par, c.p)
			if len(d.paths[d.par]) != 0 || len(d.par.leaving)+len(d.par.expected) != 0 {
				t.Errorf("something changed: %v", d.paths[d.par])
			}
			if len(s.kernel)+len(s.link) != c.answers {
				t.Errorf("%d answers, want %d", len(s.kernel)+len(s.link), c.answers)
			}
			if !d.dropped(c.drop) {
				t.Errorf("not counted as %s: %v", c.drop, d.events)
			}
		})
	}
}

// A Fast Binding Update is taken once, also by a router that was started anew; floods of a node cost the node alone.
//
// spec MIP-09
func TestRoutersReplayAndRate(t *testing.T) {
	d := newDesk(t)
	d.predict(7)
	d.events = nil
	for name, seq := range map[string]uint16{"replayed": 7, "older": 6} {
		if s := d.mobility(d.par, fbu(mnKey, seq, pcoa, pcoa, pcoa, 0)); len(s.kernel)+len(s.link) != 0 || !d.dropped("fbu-replay") || len(d.paths[d.par]) != 1 {
			t.Errorf("%s was taken", name)
		}
	}
	var start engine.Start
	for _, r := range d.records { //order:any
		start.Records = append(start.Records, r)
	}
	again := d.boot(parConfig(), parHW, start)
	if s := d.mobility(again, fbu(mnKey, 7, ncoa, pcoa, ncoa, time.Minute)); len(s.kernel) != 0 || len(d.paths[again]) != 0 {
		t.Error("an update of an earlier life was taken again")
	}
	d.events = nil
	for seq := uint16(8); seq < 8+2*MaxUpdates; seq++ {
		d.mobility(d.par, fbu(mnKey, seq, pcoa, pcoa, ncoa, time.Minute))
	}
	if !d.dropped("fbu-rate") {
		t.Error("a flood was taken")
	}
}

// The next router takes no address but the one made of the node's link-layer address, and refuses what cannot be.
//
// spec MIP-09
func TestNextRouterDecides(t *testing.T) {
	victim := ip6.FromEUI64(prefixB, otherHW)
	for name, c := range map[string]struct {
		hw   plane.HW
		wish netip.Addr
		code mh.HAckCode
		held netip.Addr
	}{
		"its own":             {mnHW, ncoa, mh.HAckAccepted, ncoa},
		"another's":           {mnHW, victim, mh.HAckAssigned, ncoa},
		"the router's":        {mnHW, narAddr, mh.HAckAssigned, ncoa},
		"no link here":        {mnHW, pcoa, mh.HAckUnspecified, netip.Addr{}},
		"no address":          {mnHW, netip.Addr{}, mh.HAckUnspecified, netip.Addr{}},
		"no link address":     {plane.HW{}, ncoa, mh.HAckUnspecified, netip.Addr{}},
		"the router's own":    {narHW, ncoa, mh.HAckProhibited, netip.Addr{}},
		"a group of stations": {plane.HW{0x33, 0x33, 0, 0, 0, 1}, ncoa, mh.HAckProhibited, netip.Addr{}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			hi := &mh.HandoverInitiate{Seq: 3, Options: mh.Options{LLA: c.hw}}
			if c.wish.IsValid() {
				hi.Options.Addresses = []mh.AddressPrefix{mh.Host(mh.NewCareOf, c.wish)}
			}
			var out engine.Effects
			d.par.post(d.now, d.par.neighbours[0], hi, &out)
			s := d.mobility(d.nar, d.take(d.par, &out).kernel[0])
			got, reason := d.par.neighbours[0].sa.Verify(d.now, &s.kernel[0])
			ack, ok := got.(*mh.HandoverAck)
			if !ok || ack.Code != c.code || ack.Seq != 3 {
				t.Fatalf("%+v %s, want code %d", got, reason, c.code)
			}
			if (len(d.paths[d.nar]) == 1) != c.held.IsValid() || c.held.IsValid() && d.paths[d.nar][c.held].Mode != plane.Hold {
				t.Errorf("paths %v", d.paths[d.nar])
			}
			if c.code == mh.HAckAssigned && ack.Options.Address(mh.NewCareOf) != ncoa {
				t.Errorf("assigned %v", ack.Options.Address(mh.NewCareOf))
			}
		})
	}
}

// A next router that assigns, refuses or is silent: the node is told, and nothing is sent on that nobody would hold.
//
// spec MIP-09
func TestPreviousRouterIsAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		code   mh.HAckCode
		status mh.FastStatus
	}{
		"assigned":  {mh.HAckAssigned, mh.FastUseSupplied},
		"invalid":   {mh.HAckInvalidNCoA, mh.FastUnspecified},
		"keep pcoa": {mh.HAckUsePCoA, mh.FastUnspecified},
		"policy":    {mh.HAckProhibited, mh.FastProhibited},
		"full":      {mh.HAckResources, mh.FastResources},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			wish := netip.MustParseAddr("2001:db8:a:2::55")
			d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, wish, 20*time.Second))
			ack := &mh.HandoverAck{Seq: d.par.leaving[pcoa].hi, Code: c.code}
			if c.code == mh.HAckAssigned {
				ack.Options.Addresses = []mh.AddressPrefix{mh.Host(mh.NewCareOf, ncoa)}
			}
			var out engine.Effects
			d.nar.post(d.now, d.nar.neighbours[0], ack, &out)
			s := d.mobility(d.par, d.take(d.nar, &out).kernel[0])
			got := d.fback(s.link[0], wish)
			if got.Status != c.status || got.Status.Accepted() != (d.paths[d.par][pcoa].Remote == ncoa) {
				t.Errorf("status %v, path %v", got.Status, d.paths[d.par][pcoa])
			}
			if got.Status == mh.FastUseSupplied && got.Options.AltCareOf != ncoa {
				t.Errorf("supplied %v", got.Options.AltCareOf)
			}
		})
	}
	d := newDesk(t)
	d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, 20*time.Second))
	s := d.pass(d.par, 5*time.Second)
	if len(s.kernel) != MaxHI-1 || len(s.link) != 1 || d.fback(s.link[0], ncoa).Status != mh.FastUnspecified || len(d.par.leaving) != 0 {
		t.Errorf("silence: %d repetitions, %d answers", len(s.kernel), len(s.link))
	}
}
