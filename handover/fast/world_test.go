package fast

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/lwkrb"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	lw "roam6/wire/lwkrb"
	"roam6/wire/mh"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

const (
	cell   = plane.Port(1)
	air    = time.Millisecond      // one way
	wired  = 2 * time.Millisecond  // between the routers
	toKDC  = 2 * time.Millisecond  // there and back inside the domain
	toHome = 80 * time.Millisecond // to the user's KDC and back, besides
	dark   = 20 * time.Millisecond
)

var (
	mnHW    = plane.HW{2, 0, 0, 0, 9, 1}
	evilHW  = plane.HW{2, 0, 0, 0, 9, 2}
	parHW   = plane.HW{2, 0, 0, 0, 1, 2}
	narHW   = plane.HW{2, 0, 0, 0, 2, 2}
	cellOne = plane.HW{6, 1}
	cellTwo = plane.HW{6, 2}
	prefixA = netip.MustParsePrefix("2001:db8:a:1::/64")
	prefixB = netip.MustParsePrefix("2001:db8:a:2::/64")
	parAddr = netip.MustParseAddr("2001:db8:a:1::a")
	narAddr = netip.MustParseAddr("2001:db8:a:2::a")
	agent   = netip.MustParseAddr("2001:db8:0:1::1")
	hoa     = netip.MustParseAddr("2001:db8:0:1::2")
	pcoa    = ip6.FromEUI64(prefixA, mnHW)
	ncoa    = ip6.FromEUI64(prefixB, mnHW)
	origin  = time.Unix(1_800_000_000, 0)
	siteA   = handover.Site{HW: mnHW, CoA: pcoa, Source: ip6.LinkLocal(mnHW), Router: ip6.LinkLocal(parHW), RouterHW: parHW, Service: parAddr, Prefix: prefixA}
	siteB   = handover.Site{HW: mnHW, CoA: ncoa, Source: ip6.LinkLocal(mnHW), Router: ip6.LinkLocal(narHW), RouterHW: narHW, Service: narAddr, Prefix: prefixB}
)

const (
	ann    = lw.Principal("ann@HOME.EXAMPLE")
	par    = lw.Principal("mobileip/ar1.a.example@A.EXAMPLE")
	nar    = lw.Principal("mobileip/ar2.a.example@A.EXAMPLE")
	shared = lw.Principal("mobileip/access.a.example@A.EXAMPLE")
	local  = lw.Principal("krbtgt/A.EXAMPLE@A.EXAMPLE")
	home   = lw.Principal("krbtgt/HOME.EXAMPLE@HOME.EXAMPLE")
)

// world is a mobile node and two routers on virtual time.
type world struct {
	t        *testing.T
	now      engine.Now
	queue    []moment
	m        *Mobile
	site     handover.Site // zero: no link
	sites    map[plane.HW]handover.Site
	par, nar *station
	kdc      time.Duration // there and back; 0: it is silent
	says     []string      // on the air, in order
	sent     [][]byte      // likewise
	lost     func(what string) bool
	events   map[string]int
	drops    map[string]int
	wishes   []string
	attached []string

	fell []string
	bare int // updates that the core sent by itself
}

type moment struct {
	at engine.Mono
	do func()
}

// station is a router and what it wants of its plane.
type station struct {
	*Router
	hw      plane.HW
	addr    netip.Addr
	paths   map[netip.Prefix]plane.Path
	locals  map[netip.Addr]plane.Local
	gates   map[plane.GateKey]bool
	records []engine.Record
	updates [][]byte
	heard   [][]byte // under AH, as it came
	c       RouterConfig
}

func peer(a netip.Addr, hw plane.HW, prefix netip.Prefix, cell plane.HW, who lw.Principal, self, other byte) handover.Peer {
	return handover.Peer{Address: a, HW: hw, Prefix: prefix, Cells: []plane.HW{cell}, Principal: who,
		Security: sa.AHConfig{OutSPI: 0x1000 + uint32(self), InSPI: 0x1000 + uint32(other), OutKey: bytes.Repeat([]byte{self}, 32), InKey: bytes.Repeat([]byte{other}, 32)}}
}

func newWorld(t *testing.T, tickets ...lw.Principal) *world {
	t.Helper()
	w := &world{t: t, now: engine.Now{Mono: 1, Wall: origin}, events: map[string]int{}, drops: map[string]int{}, kdc: toKDC, sites: map[plane.HW]handover.Site{cellOne: siteA, cellTwo: siteB}}
	w.par = w.router(RouterConfig{Address: parAddr, Links: []handover.RouterLink{{Port: cell, Prefix: prefixA}}, Cells: []plane.HW{cellOne}, Gate: true,
		Neighbours: []handover.Peer{peer(narAddr, narHW, prefixB, cellTwo, nar, 1, 2)},
		Kerberos:   lwkrb.RouterConfig{Self: par, KDC: true}, Keys: []lwkrb.Key{keyOf(par), keyOf(shared)}}, parHW)
	w.nar = w.router(RouterConfig{Address: narAddr, Links: []handover.RouterLink{{Port: cell, Prefix: prefixB}}, Cells: []plane.HW{cellTwo}, Gate: true,
		Neighbours: []handover.Peer{peer(parAddr, parHW, prefixA, cellOne, par, 2, 1)},
		Kerberos:   lwkrb.RouterConfig{Self: nar, KDC: true}, Keys: []lwkrb.Key{keyOf(nar), keyOf(shared)}}, narHW)
	w.m = NewMobile(w, base{w}, Config{})
	w.m.Start(engine.Start{}, engine.NewRand([32]byte{3}))
	for _, s := range tickets {
		w.m.Kerberos().Put(ticketOf(s))
	}
	w.site = siteA
	w.do(func(out *engine.Effects) { w.m.AddressReady(w.now, cell, out) })
	w.wishes = nil
	return w
}

func (w *world) router(c RouterConfig, hw plane.HW) *station {
	s := &station{hw: hw, addr: c.Address, c: c}
	s.c.AskKDC = func(now engine.Now, octets []byte, try int, out *engine.Effects) {
		if w.kdc > 0 {
			w.after(w.kdc, func() {
				var out engine.Effects
				s.KDCAnswered(w.now, openFor(octets, w.now.Wall), &out)
				w.routerOut(s, &out)
			})
		}
	}
	w.restart(s)
	return s
}

// restart gives a router another life, of which it knows what was durable.
func (w *world) restart(s *station) {
	r, err := NewRouter(s.c, engine.NewRand([32]byte{byte(s.hw[4]), byte(w.now.Mono)}))
	if err != nil {
		w.t.Fatal(err)
	}
	s.Router, s.paths, s.locals, s.gates = r, map[netip.Prefix]plane.Path{}, map[netip.Addr]plane.Local{}, map[plane.GateKey]bool{}
	var out engine.Effects
	r.Start(w.now, engine.Start{Records: s.records}, &out)
	r.LinkUp(w.now, engine.LinkUp{Port: cell, HW: s.hw}, &out)
	w.routerOut(s, &out)
}

func (w *world) after(d time.Duration, do func()) {
	w.queue = append(w.queue, moment{w.now.Mono.Add(d), do})
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.now.Mono.Add(d)
	for range 100_000 {
		at, do := engine.Never, func() {}
		for i, q := range w.queue {
			if q.at < at {
				at, do = q.at, func() { w.queue = slices.Delete(w.queue, i, i+1); q.do() }
			}
		}
		for _, s := range []*station{w.par, w.nar} {
			if t, _ := s.Deadline(); t < at {
				at, do = t, func() { var out engine.Effects; s.Tick(w.now, &out); w.routerOut(s, &out) }
			}
		}
		if t, _ := w.m.Deadline(); t < at {
			at, do = t, func() { w.do(func(out *engine.Effects) { w.m.Tick(w.now, out) }) }
		}
		if at > end {
			w.to(end)
			return
		}
		w.to(max(at, w.now.Mono))
		do()
	}
	w.t.Fatal("time does not go by")
}

func (w *world) to(at engine.Mono) {
	w.now = engine.Now{Mono: at, Wall: origin.Add(time.Duration(at))}
}

// do lets the mobile node act.
func (w *world) do(f func(out *engine.Effects)) {
	var out engine.Effects
	f(&out)
	for _, e := range out.List {
		switch e := e.(type) {
		case engine.Attach:
			w.attached = append(w.attached, e.Attachment)
		case engine.Event:
			w.event(e)
		}
	}
}

func (w *world) event(e engine.Event) {
	w.events[e.Name]++
	if e.Name == engine.EventFellBack {
		w.fell = append(w.fell, e.Reason)
	}
	if e.Name == engine.EventDrop {
		w.drops[e.Reason]++
	}
}

func (w *world) routerOut(s *station, out *engine.Effects) {
	w.t.Helper()
	for _, e := range out.List {
		switch e := e.(type) {
		case engine.Event:
			w.event(e)
		case engine.Persist:
			s.records = slices.DeleteFunc(s.records, func(r engine.Record) bool { return r.Bucket == e.Bucket && r.Key == e.Key })
			s.records = append(s.records, engine.Record(e))
		case engine.Plane:
			s.plane(e.Op)
		case engine.Send:
			w.fromRouter(s, e)
		}
	}
}

func (s *station) plane(op plane.Op) {
	switch {
	case op.Path != nil && op.Delete:
		delete(s.paths, op.Path.Inner)
	case op.Path != nil:
		s.paths[op.Path.Inner] = op.Path.Path
	case op.Local != nil && op.Delete:
		delete(s.locals, op.Local.Addr)
	case op.Local != nil:
		s.locals[op.Local.Addr] = op.Local.Local
	case op.Gate != nil && op.Delete:
		delete(s.gates, op.Gate.Key)
	case op.Gate != nil:
		s.gates[op.Gate.Key] = op.Gate.Gate.Open
	}
}

func (s *station) open(a netip.Addr) bool {
	return s.gates[plane.GateKey{From: netip.PrefixFrom(a, 128), Port: cell}]
}
func (s *station) path(a netip.Addr) plane.Path { return s.paths[netip.PrefixFrom(a, 128)] }

// name says what a packet is.
func name(data []byte) string {
	p, err := ip6.Parse(data)
	if err != nil {
		return "?"
	}
	under := ""
	payload := p.Payload
	if p.Proto == ip6.ProtoAH {
		under, payload = "+", p.Payload[32:]
	} else if p.Proto != ip6.ProtoICMPv6 {
		return fmt.Sprint("proto ", p.Proto)
	}
	if payload[0] != fast.Type {
		return map[uint8]string{135: "NS", 136: "NA", 154: "RtSolPr/PrRtAdv"}[payload[0]] + under
	}
	return map[uint8]string{16: "Redirect", 17: "Ack", 18: "Handover", 19: "Error", 20: "Authenticated", 21: "Notification", 24: "SHIN", 25: "SHREP"}[payload[4]] + under
}

func (w *world) fromRouter(s *station, e engine.Send) {
	p, err := ip6.Parse(e.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	if e.Port == plane.Kernel {
		switch p.Dst {
		case parAddr, narAddr:
			to := w.par
			if p.Dst == narAddr {
				to = w.nar
			}
			if w.lost != nil && w.lost(name(e.Data)) {
				return
			}
			to.heard = append(to.heard, e.Data)
			w.after(wired, func() { w.deliver(to, engine.Packet{Port: plane.Kernel, Data: e.Data}) })
		default:
			s.updates = append(s.updates, e.Data)
		}
		return
	}
	w.onAir(e.Data)
	if w.lost != nil && w.lost(name(e.Data)) {
		return
	}
	w.after(air, func() {
		if w.site.Service == s.addr && (e.To == mnHW || e.To[0]&1 == 1) {
			w.hear(engine.Packet{Port: cell, From: s.hw, Data: e.Data})
		}
	})
}

func (w *world) onAir(data []byte) {
	w.says = append(w.says, name(data))
	w.sent = append(w.sent, data)
}

func (w *world) deliver(s *station, in engine.Packet) {
	p, err := ip6.Parse(in.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	var out engine.Effects
	if p.Proto == ip6.ProtoICMPv6 && nd.IsND(p.Payload[0]) {
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil {
			w.t.Fatal(err)
		}
		s.Neighbour(w.now, in, &p, m, &out)
	} else {
		s.Message(w.now, in, &p, &out)
	}
	w.routerOut(s, &out)
}

// hear gives a packet to the mobile node.
func (w *world) hear(in engine.Packet) {
	p, err := ip6.Parse(in.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	if p.Proto == ip6.ProtoICMPv6 && nd.IsND(p.Payload[0]) {
		if m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload); err == nil {
			if adv, ok := m.(*nd.PrRtAdv); ok {
				w.do(func(out *engine.Effects) { w.m.ProxyAdvertised(w.now, in.Port, &p, adv, out) })
			}
		}
		return
	}
	w.do(func(out *engine.Effects) { w.m.Message(w.now, in, &p, out) })
}

// move switches the link to another cell, in the dark for a while; the core does there what it would do.
func (w *world) move(to plane.HW, attachment string) {
	w.site = handover.Site{}
	w.do(func(out *engine.Effects) { w.m.LinkDown(w.now, cell, out) })
	w.pass(dark)
	if to == (plane.HW{}) {
		return
	}
	in := engine.LinkUp{Port: cell, HW: mnHW, Cell: to, Attachment: attachment}
	w.site = w.sites[to]
	w.do(func(out *engine.Effects) {
		next, expected := w.m.Expected(w.now, in)
		if expected {
			w.site.CoA = next.CoA
			w.announce()
			w.m.Arrived(w.now, cell, out)
			w.m.LinkUp(w.now, cell, out)
			w.m.AddressReady(w.now, cell, out)
			return
		}
		w.m.LinkUp(w.now, cell, out)
		s := w.routerAt(w.site.Service)
		who := par
		if s == w.nar {
			who = nar
		}
		ra := &nd.RouterAdvertisement{Options: nd.Options{Handover: &subopt.Handover{Principal: principalOf(who)}}}
		w.m.Advertised(w.now, engine.Packet{Port: cell, From: s.hw}, &ip6.Packet{Header: ip6.Header{Src: w.site.Router}}, ra, out)
		w.m.RouterFound(w.now, cell, out)
		w.m.AddressReady(w.now, cell, out)
	})
}

// announce is the core's neighbour advertisement on arrival.
func (w *world) announce() {
	na := &nd.NeighborAdvertisement{Target: w.site.CoA, Options: nd.Options{TargetHW: mnHW}}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: w.site.CoA, Dst: ip6.AllNodes}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, p.Dst, na)
	w.SendBy(cell, p.Append(nil), nil)
}

func (w *world) routerAt(a netip.Addr) *station {
	switch a {
	case parAddr:
		return w.par
	case narAddr:
		return w.nar
	}
	return nil // that of the link, perhaps
}

// from is a packet as a station on the link of the mobile node sends it.
func (w *world) from(hw plane.HW, at *station, data []byte) {
	w.deliver(at, engine.Packet{Port: cell, From: hw, Data: data})
}

// update is a binding update.
func update() []byte {
	p := ip6.Packet{Header: ip6.Header{Src: ncoa, Dst: agent}, HomeAddress: hoa, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, hoa, agent, &mh.BindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute})
	return p.Append(nil)
}

// What the core does.

func (w *world) Accesses() []handover.Access                      { return []handover.Access{{Port: cell}} }
func (w *world) Register(engine.Now, plane.Port, *engine.Effects) {}
func (w *world) Hold(engine.Now, *engine.Effects)                 {}
func (w *world) Site(plane.Port) (handover.Site, bool)            { return w.site, w.site.Router.IsValid() }
func (w *world) Leaving(plane.Port, *engine.Effects)              { w.wishes = append(w.wishes, "leave") }
func (w *world) Unforwarded(engine.Now, netip.Addr, *engine.Effects) {
	w.wishes = append(w.wishes, "unforward")
}
func (w *world) Renounce(_ engine.Now, _ plane.Port, a netip.Addr, out *engine.Effects) {
	w.wishes = append(w.wishes, "renounce")
	w.site.CoA = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0xa, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8})
	w.m.AccessLost(w.now, cell, "renounced", out)
	w.m.AddressReady(w.now, cell, out)
}
func (w *world) Forwarded(_ engine.Now, _ plane.Port, f handover.Forward, _ *engine.Effects) {
	if f.Open {
		w.wishes = append(w.wishes, "open")
	} else {
		w.wishes = append(w.wishes, "receive")
	}
}
func (w *world) SendBy(_ plane.Port, data []byte, _ *engine.Effects) {
	if !w.site.Router.IsValid() {
		return
	}
	to := w.routerAt(w.site.Service)
	w.onAir(data)
	if w.lost != nil && w.lost(name(data)) {
		return
	}
	p, _ := ip6.Parse(data)
	if far := w.routerAt(p.Dst); far != nil && far != to {
		if !to.open(p.Src) {
			w.drops["gate"]++
			return
		}
		w.after(air+wired, func() { w.deliver(far, engine.Packet{Port: plane.Kernel, Data: data}) })
		return
	}
	w.after(air, func() { w.deliver(to, engine.Packet{Port: cell, From: mnHW, Data: data}) })
}

// base registers whenever there is an address.
type base struct{ w *world }

func (base) LinkUp(engine.Now, plane.Port, *engine.Effects)          {}
func (base) LinkDown(engine.Now, plane.Port, *engine.Effects)        {}
func (base) RouterFound(engine.Now, plane.Port, *engine.Effects)     {}
func (base) RouterConfirmed(engine.Now, plane.Port, *engine.Effects) {}
func (b base) AddressReady(now engine.Now, port plane.Port, out *engine.Effects) {
	if b.w.site.CoA == ncoa && !b.w.m.Carry(now, port, update(), out) {
		b.w.bare++
	}
}
func (base) AccessLost(engine.Now, plane.Port, string, *engine.Effects)         {}
func (base) Registered(engine.Now, plane.Port, *engine.Effects)                 {}
func (base) RegistrationFailed(engine.Now, plane.Port, string, *engine.Effects) {}
func (base) State() string                                                      { return "base" }
