package handover

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// Times and limits of the next router.
const (
	// ExpectFor is how long a node may take to come and to be authenticated: what the next ticket of a node takes whose first KDC was silent
	// (machine/lwkrb.MaxWait).
	ExpectFor = 4 * time.Second
	// ArrivedFor is how long a node that has come is delivered to by the plane: until the kernel may look for it without holding up its packets.
	ArrivedFor = 10 * time.Second
	// HoldPackets and HoldOctets are kept for one node.
	HoldPackets = 2048
	HoldOctets  = 2 << 20
	// HeardFor is how long a station that was heard with an address has it; MaxHeard is of how many that is known twice over.
	HeardFor = 10 * time.Minute
	MaxHeard = 4096
)

// Arrival is a mobile node that comes, or came a moment ago: its address is represented and its packets are held until it is known (it has
// authenticated itself) and here (it was heard on the link), in either order.
//
//	Expect ─▶ held ─▶ known ─▶ delivered ─ArrivedFor─▶ the kernel's
//	           ├────▶ here ──▶ ┘
//	           ├────▶ lost ─ExpectFor─▶ gone: the address is another's
//	           └─ExpectFor─▶ gone, with what was held
type Arrival struct {
	CoA         netip.Addr
	HW          plane.HW
	Port        plane.Port
	From        netip.Addr // the router that announced it; invalid: it came by itself
	PCoA        netip.Addr // its address there, if it was told
	Known, Here bool
	Lost        bool   // somebody else has the address: what is left is a word to the node
	update      []byte // a binding update to be sent on when it is known
}

// Arrivals are the nodes that come to a router: draft-koodli-mobileip-fastv6-02 §2, §4.
type Arrivals struct {
	self    netip.Addr
	links   map[plane.Port]*arrivalLink
	order   []plane.Port
	at      map[netip.Addr]*Arrival
	timers  engine.Timers[netip.Addr]
	speaker *neighbor.Speaker
	heard   stations
}

type arrivalLink struct {
	prefix netip.Prefix
	hw     plane.HW
	up     bool
}

// NewArrivals makes them, at the router with a service address and access links. speaker answers for the addresses.
func NewArrivals(self netip.Addr, on []RouterLink, speaker *neighbor.Speaker) *Arrivals {
	a := &Arrivals{self: self, links: map[plane.Port]*arrivalLink{}, at: map[netip.Addr]*Arrival{}, speaker: speaker}
	for _, l := range on {
		a.links[l.Port] = &arrivalLink{prefix: l.Prefix}
		a.order = append(a.order, l.Port)
	}
	return a
}

// LinkUp tells the link-layer address of a link.
func (a *Arrivals) LinkUp(in engine.LinkUp) {
	if l := a.links[in.Port]; l != nil {
		l.up, l.hw = true, in.HW
	}
}

// LinkDown see LinkUp.
func (a *Arrivals) LinkDown(in engine.LinkDown) {
	if l := a.links[in.Port]; l != nil {
		l.up = false
	}
}

// HWOf is the router's link-layer address on a link that is up.
func (a *Arrivals) HWOf(port plane.Port) (plane.HW, bool) {
	l := a.links[port]
	if l == nil || !l.up {
		return plane.HW{}, false
	}
	return l.hw, true
}

// PortOf is the link on which an address is; false for none that is up.
func (a *Arrivals) PortOf(coa netip.Addr) (plane.Port, bool) {
	for _, port := range a.order {
		if l := a.links[port]; l.up && l.prefix.Contains(coa) {
			return port, true
		}
	}
	return 0, false
}

// Of is a node that comes; nil for none.
func (a *Arrivals) Of(coa netip.Addr) *Arrival { return a.at[coa] }

// Len is how many there are.
func (a *Arrivals) Len() int { return len(a.at) }

// Taken says whether a station other than the node's has an address: it is the router's, another node's that comes, or was heard with
// another.
//
// spec FH-07
func (a *Arrivals) Taken(now engine.Now, port plane.Port, coa netip.Addr, hw plane.HW) bool {
	l := a.links[port]
	x := a.at[coa]
	other, heard := a.heard.of(now, neighbor.Key{Port: port, Addr: coa})
	return coa == a.self || l == nil || coa == l.prefix.Addr() || coa == fromEUI64(l.prefix, l.hw) || x != nil && x.HW != hw || heard && other != hw
}

func fromEUI64(p netip.Prefix, hw plane.HW) netip.Addr { return ip6.FromEUI64(p, hw) }

// Expect represents a node from now on and holds its packets. Said again it prolongs. The reason is 0, or why not: whatever was there stays
// as it is. Whether someone else has the address is asked on the link as well; Heard tells.
//
// spec FH-07 FH-09
func (a *Arrivals) Expect(now engine.Now, x Arrival, out *engine.Effects) subopt.Reason {
	l := a.links[x.Port]
	switch old := a.at[x.CoA]; {
	case l == nil || !l.up || !l.prefix.Contains(x.CoA) || x.HW == l.hw || x.HW[0]&1 == 1 || x.HW == plane.HW{}:
		return subopt.BadLinkLayer
	case a.Taken(now, x.Port, x.CoA, x.HW):
		return subopt.AddressInUse
	case old != nil && old.Lost:
		return subopt.AddressInUse
	case old != nil && !(old.Known && old.Here):
		if x.From.IsValid() {
			old.From, old.PCoA = x.From, x.PCoA
		}
		a.timers.Set(x.CoA, now.Mono.Add(ExpectFor))
		return 0
	case old != nil:
		return 0 // it is here, and overtook who announces it: to hold its packets now would be to lose them
	case len(a.at) >= MaxNodes:
		return subopt.TooMany
	}
	a.at[x.CoA] = &x
	a.speaker.Own(x.key(), neighbor.Stance{HW: l.hw, Soft: true, Source: ip6.LinkLocal(l.hw)})
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: x.CoA, Local: plane.Local{Port: x.Port, Proxy: true}}})
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: one(x.CoA), Path: plane.Path{
		Side: plane.Agent, Mode: plane.Hold, Limit: HoldPackets, Octets: HoldOctets, Age: ExpectFor, Capture: true}}})
	a.timers.Set(x.CoA, now.Mono.Add(ExpectFor))
	if x.From.IsValid() {
		a.seek(l, &x, out)
	}
	out.Event("handover.expected", engine.A("ncoa", x.CoA), engine.S("hw", x.HW.String()))
	return 0
}

// seek asks the link who has the address: nobody, as a rule.
func (a *Arrivals) seek(l *arrivalLink, x *Arrival, out *engine.Effects) {
	ns := &nd.NeighborSolicitation{Target: x.CoA, Options: nd.Options{SourceHW: l.hw}}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ip6.LinkLocal(l.hw), Dst: ip6.SolicitedNode(x.CoA)}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, p.Dst, ns)
	out.Send(x.Port, ip6.MulticastHW(p.Dst), p.Append(nil))
}

func (x *Arrival) key() neighbor.Key { return neighbor.Key{Port: x.Port, Addr: x.CoA} }

// Keep has a binding update wait with a node, in place of an earlier one; that of a node that is known leaves at once.
//
// spec FH-11
func (a *Arrivals) Keep(coa netip.Addr, update []byte, out *engine.Effects) {
	x := a.at[coa]
	switch {
	case x == nil || x.Lost || update == nil:
	case x.Known:
		out.Send(plane.Kernel, plane.HW{}, update)
	default:
		x.update = update
	}
}

// Known: a node has authenticated itself.
//
// spec FH-10 FH-12
func (a *Arrivals) Known(now engine.Now, coa netip.Addr, out *engine.Effects) {
	x := a.at[coa]
	if x == nil || x.Known || x.Lost {
		return
	}
	x.Known = true
	if x.update != nil {
		out.Send(plane.Kernel, plane.HW{}, x.update)
		x.update = nil
	}
	a.release(now, x, out)
}

// Here: a node was heard on its link.
//
// spec FH-10 FH-12
func (a *Arrivals) Here(now engine.Now, coa netip.Addr, out *engine.Effects) {
	x := a.at[coa]
	if x == nil || x.Here || x.Lost {
		return
	}
	x.Here = true
	a.withdraw(x, out)
	out.Event("handover.heard", engine.A("ncoa", coa))
	a.release(now, x, out)
}

// release delivers to a node that is known and here, what was held first.
func (a *Arrivals) release(now engine.Now, x *Arrival, out *engine.Effects) {
	if !x.Known || !x.Here {
		return
	}
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: one(x.CoA), Path: plane.Path{
		Side: plane.Agent, Mode: plane.Direct, Out: x.Port, To: x.HW, Capture: true}}})
	a.timers.Set(x.CoA, now.Mono.Add(ArrivedFor))
	out.Event("handover.arrived", engine.A("ncoa", x.CoA))
}

// withdraw speaks for an address no longer.
func (a *Arrivals) withdraw(x *Arrival, out *engine.Effects) {
	a.speaker.Disown(x.key())
	out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: x.CoA}})
}

// Lose leaves a node's address to who has it, with what was held. The node itself does not know yet: a sign of it is Sign.Node.
//
// spec FH-07 FH-22
func (a *Arrivals) Lose(now engine.Now, coa netip.Addr, out *engine.Effects) {
	x := a.at[coa]
	if x == nil || x.Lost {
		return
	}
	out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: one(coa)}})
	if !x.Here {
		a.withdraw(x, out)
	}
	x.Lost, x.Known, x.Here, x.update = true, false, false, nil
	a.timers.Set(coa, now.Mono.Add(ExpectFor))
	out.Event("handover.conflict", engine.A("ncoa", coa))
}

// GiveUp ends a node's, with what was held.
func (a *Arrivals) GiveUp(coa netip.Addr, why string, out *engine.Effects) {
	x := a.at[coa]
	if x == nil {
		return
	}
	if !x.Lost {
		out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: one(coa)}})
	}
	a.Forget(coa, out)
	if !x.Lost && !(x.Known && x.Here) {
		out.Event("handover.lapsed", engine.A("ncoa", coa), engine.S("reason", why))
	}
}

// Forget leaves the way of an address to who takes it over in the same turn.
func (a *Arrivals) Forget(coa netip.Addr, out *engine.Effects) {
	x := a.at[coa]
	if x == nil {
		return
	}
	if !x.Here && !x.Lost {
		a.withdraw(x, out)
	}
	delete(a.at, coa)
	a.timers.Stop(coa)
}

// Sign is what neighbour discovery on an access link says about nodes that come.
type Sign struct {
	CoA   netip.Addr
	HW    plane.HW // of the node
	Taken bool     // the address is another station's
	Node  bool     // the node itself is here
}

// Heard learns who has which address, and tells of a node that comes. Questions for addresses that are represented it answers.
//
// spec FH-06 FH-07
func (a *Arrivals) Heard(now engine.Now, in engine.Packet, p *ip6.Packet, m nd.Message, out *engine.Effects) (s Sign, ok bool) {
	l := a.links[in.Port]
	if l == nil || !l.up || in.From == l.hw {
		return s, false
	}
	about, hw, claims := p.Src, in.From, false
	switch m := m.(type) {
	case *nd.NeighborAdvertisement:
		about, claims = m.Target, true
		if m.Options.TargetHW != (plane.HW{}) {
			hw = m.Options.TargetHW
		}
	case *nd.NeighborSolicitation:
		if p.Src.IsUnspecified() {
			about = m.Target
		}
		claims = true
	}
	x := a.at[about]
	if ns, is := m.(*nd.NeighborSolicitation); is && !(x != nil && x.HW == in.From && about == ns.Target) {
		a.speaker.Heard(in.Port, in.From, p, ns, out)
	}
	if !claims || !l.prefix.Contains(about) || hw != in.From || hw[0]&1 == 1 {
		return s, false
	}
	if x != nil && x.Port == in.Port {
		if ns, is := m.(*nd.NeighborSolicitation); is && p.Src.IsUnspecified() && x.HW != hw && ns.Target == about {
			return s, false // it was answered: the address is the node's, and who asks takes another
		}
		switch {
		case x.Lost && x.HW == hw:
			return Sign{about, x.HW, true, true}, true
		case x.HW != hw && x.Known && x.Here:
			return s, false // too late to say so: the node has it
		case x.HW != hw:
			a.heard.put(now, x.key(), hw)
			return Sign{about, x.HW, true, false}, !x.Lost
		}
		return Sign{about, x.HW, false, true}, !x.Here
	}
	a.heard.put(now, neighbor.Key{Port: in.Port, Addr: about}, hw)
	return s, false
}

// Tick gives up who did not come, and leaves who came to the kernel. It tells of the former, as they were.
func (a *Arrivals) Tick(now engine.Now, out *engine.Effects) (lapsed []Arrival) {
	for coa, ok := a.timers.Pop(now.Mono); ok; coa, ok = a.timers.Pop(now.Mono) {
		x := *a.at[coa]
		if !x.Lost && !(x.Known && x.Here) {
			lapsed = append(lapsed, x)
		}
		a.GiveUp(coa, "it did not come", out)
	}
	return lapsed
}

// Deadline is when Tick has something to do.
func (a *Arrivals) Deadline() (engine.Mono, string) {
	at, _ := a.timers.Next()
	return at, "mobile node that is expected"
}

// stations are who was heard with which address, in two maps of which the older is thrown away: so it costs the same however many.
type stations struct {
	young, old map[neighbor.Key]plane.HW
	since      engine.Mono
}

func (s *stations) turn(now engine.Now) {
	if now.Mono.Sub(s.since) >= 2*HeardFor {
		s.young = nil
	}
	if s.young == nil || len(s.young) >= MaxHeard || now.Mono.Sub(s.since) >= HeardFor {
		s.young, s.old, s.since = map[neighbor.Key]plane.HW{}, s.young, now.Mono
	}
}

func (s *stations) put(now engine.Now, k neighbor.Key, hw plane.HW) {
	if s.young[k] == hw {
		return
	}
	s.turn(now)
	s.young[k] = hw
}

func (s *stations) of(now engine.Now, k neighbor.Key) (hw plane.HW, ok bool) {
	s.turn(now)
	if hw, ok = s.young[k]; !ok {
		hw, ok = s.old[k]
	}
	return hw, ok
}
