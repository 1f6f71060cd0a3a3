package mn

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/handover/fast"
	"roam6/handover/fmipv6"
	"roam6/handover/mipv6"
	"roam6/machine/attach"
	"roam6/machine/dad"
	"roam6/machine/lwkrb"
	"roam6/machine/neighbor"
	"roam6/machine/tickets"
	"roam6/plane"
	wirefast "roam6/wire/fast"
	"roam6/wire/ip6"
	lw "roam6/wire/lwkrb"
	"roam6/wire/nd"
)

// What a strategy needs that prepares handovers (handover.FastCore): where the node is, arriving where it was expected, and the
// tunnels from previous access routers. RFC 5568.

const (
	// MaxForwards is how many previous care-of addresses packets still come by; the oldest is given up for more. Each lies in
	// the tunnel of the next one when the node moves faster than the home agent is told.
	MaxForwards = 4
	// firstForwardWay is the number of the first of their ways in the plane. RFC 5648 numbers care-of addresses from 1.
	firstForwardWay = 0xff00
	// SettleFor is how long packets by a new way wait at most for older ones that the previous router sends on (decision 9): longer
	// than the way around by another operator's network, shorter than what a call would not survive. SettlePackets bounds them.
	SettleFor     = 200 * time.Millisecond
	SettlePackets = 512
	// nestedHeader is what a tunnel inside a tunnel takes: its header and the encapsulation limit, RFC 2473 §4.1.1.
	nestedHeader = ip6.HeaderLen + 8
)

// forward is a forwarding at work.
type forward struct {
	handover.Forward
	port  plane.Port
	local netip.Addr // the care-of address it goes to
	way   uint16     // its number in the plane
	mtu   int        // of the link
	until time.Duration
}

// anticipation is the part of the node that prepares handovers. fast is nil when the strategy does not.
type anticipation struct {
	fast      handover.Anticipator
	carrier   handover.Carrier          // the same, where it takes updates along
	messenger handover.Messenger        // the same, where it has messages of its own
	forwards  []forward                 // the oldest first
	copies    uint16                    // number of the way that carries copies; 0: none
	ends      engine.Timers[netip.Addr] // of forwardings, by the previous care-of address
}

// newStrategy makes what Config.Strategy names.
func (n *Node) newStrategy() (handover.Mobile, error) {
	base := mipv6.NewMobile(n)
	switch n.cfg.Strategy {
	case "fast":
		m := fast.NewMobile(n, base, fast.Config{NetworkInitiated: n.cfg.NetworkInitiated, Tickets: n.lightweight})
		n.ahead.fast, n.ahead.carrier, n.ahead.messenger = m, m, m
		return m, nil
	case "fmipv6":
	default:
		return base, nil
	}
	m, err := fmipv6.NewMobile(n, base, fmipv6.Config{Keys: n.cfg.HandoverKeys, Name: n.called(), NetworkInitiated: n.cfg.NetworkInitiated})
	if err != nil {
		return nil, err
	}
	n.ahead.fast = m
	return m, nil
}

var _ handover.FastCore = (*Node)(nil)

// lightweight are the tickets that the node has for access routers.
func (n *Node) lightweight(now engine.Now) (list []lwkrb.Ticket) {
	for _, t := range n.Tickets(now) {
		if !t.Lightweight() || !n.uses(t) {
			continue
		}
		client := lw.MakePrincipal(t.Client.Realm, t.Client.Name.Parts...)
		if light, err := lwkrb.NewTicket(t.Light, t.Key.Value, client, t.Start(), t.Times.End); err == nil {
			list = append(list, light)
		}
	}
	return list
}

// uses says whether a ticket is one that the node uses at access routers.
func (n *Node) uses(t *tickets.Ticket) bool {
	_, kdc := t.Light.Key.Principal.KDCOf()
	switch n.cfg.Tickets {
	case LocalTickets:
		return kdc
	case HomeTickets:
		return kdc && t.Server.Equal(n.kerberos.kdcOf(n.kerberos.realm))
	}
	return true
}

// Tickets says which tickets a node uses at access routers; the best of them goes first.
type Tickets string

// The choices.
const (
	BestTickets  Tickets = "best"  // all; also when empty
	LocalTickets Tickets = "local" // none that routers open by themselves
	HomeTickets  Tickets = "home"  // the one for its own KDC
)

// isMessage says whether a packet is for a strategy that speaks wire/fast.
func (n *Node) isMessage(p *ip6.Packet) bool {
	return n.ahead.messenger != nil && (p.Proto == ip6.ProtoAH || p.Proto == ip6.ProtoICMPv6 && wirefast.IsFast(p.Payload))
}

// carried reports whether the strategy takes an update along by an access.
func (n *Node) carried(now engine.Now, a *access, update []byte, out *engine.Effects) bool {
	return n.ahead.carrier != nil && n.ahead.carrier.Carry(now, a.link.Port, update, out)
}

// Site tells where an access is attached; see handover.FastCore.
func (n *Node) Site(port plane.Port) (handover.Site, bool) {
	a := n.accessOf(port)
	if a == nil {
		return handover.Site{}, false
	}
	r, ok := a.link.Current()
	s := handover.Site{HW: a.link.HW(), Router: r.Addr, RouterHW: r.HW, Service: r.Global, Prefix: r.Prefix, AtHome: a.atHome}
	if a.ready {
		s.CoA = a.coa
	}
	switch {
	case a.localOK:
		s.Source = a.linkLocal
	case a.checked, a.vouched:
		s.Source = a.coa
	}
	return s, ok
}

// SendBy transmits a packet by an access; see handover.FastCore.
func (n *Node) SendBy(port plane.Port, data []byte, out *engine.Effects) {
	if a := n.accessOf(port); a != nil && a.link.IsUp() {
		n.transmit(a, data, out)
	}
}

// hint tells the strategy what the link layer expects.
func (n *Node) hint(now engine.Now, in engine.LinkHint, out *engine.Effects) {
	if a := n.accessOf(in.Port); a != nil && a.usable() && n.ahead.fast != nil {
		n.ahead.fast.Hint(now, in, out)
	}
}

// arrived takes up router and address of a link that came up where it was expected: no solicitation, no wait for duplicate
// detection, which runs all the same (RFC 5568 §4). It reports false elsewhere.
//
// spec MIP-09
func (n *Node) arrived(now engine.Now, a *access, in engine.LinkUp, out *engine.Effects) bool {
	if n.ahead.fast == nil {
		return false
	}
	next, ok := n.ahead.fast.Expected(now, in)
	if !ok {
		return false
	}
	port := a.link.Port
	n.Unforwarded(now, next.CoA, out) // back where it was a moment ago
	n.dropAddress(a, out)
	n.pause(a, out)
	n.pauses.Stop(port)
	a.link.Arrive(now, in, attach.Router{HW: next.RouterHW, Global: next.Router, Prefix: next.Prefix})
	a.mtu, a.attempts = in.MTU, 0
	a.left("another router", out) // whether this one asks who comes, its first advertisement says
	if next.Announced {           // else the gate is closed, and asking to be let in brings the update along
		a.lent = now.Mono.Add(LentFor)
	}
	r, _ := a.link.Current()
	n.gateway(a, r, out)
	n.vouched(now, a, next.CoA, out)
	n.strategy.LinkUp(now, port, out)
	n.strategy.AddressReady(now, port, out)
	n.dropLinkLocal(a, out)
	n.tryLinkLocal(now, a, ip6.LinkLocal(in.HW), in.HW, out)
	n.dad.Start(now, dad.Key{Port: port, Addr: next.CoA}, in.HW, false, out)
	return true
}

// vouched takes an address that the router has for this node alone, and announces it. Duplicate detection is the caller's to start.
func (n *Node) vouched(now engine.Now, a *access, coa netip.Addr, out *engine.Effects) {
	port := a.link.Port
	a.coa, a.ready, a.checked, a.vouched = coa, true, false, true
	n.setLocal(coa, plane.Local{Port: port}, out)
	n.speaker.Own(neighbor.Key{Port: port, Addr: coa}, neighbor.Stance{HW: a.link.HW(), Soft: true, Shy: true})
	n.unsolicited(a, out)
	n.ahead.fast.Arrived(now, port, out)
}

// unsolicited is the neighbour advertisement that says who has come: UNA, RFC 5568 §6.3. It overrides nothing.
func (n *Node) unsolicited(a *access, out *engine.Effects) {
	n.arrival(a, ip6.MulticastHW(ip6.AllNodes), out)
}

// arrival sends it to a station.
func (n *Node) arrival(a *access, to plane.HW, out *engine.Effects) {
	na := &nd.NeighborAdvertisement{Target: a.coa, Options: nd.Options{TargetHW: a.link.HW()}}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: a.coa, Dst: ip6.AllNodes}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, p.Dst, na)
	out.Send(a.link.Port, to, p.Append(nil))
}

// Forwarded takes up a forwarding to the present address of an access; see handover.FastCore.
//
// spec MIP-09
func (n *Node) Forwarded(now engine.Now, port plane.Port, f handover.Forward, out *engine.Effects) {
	a := n.accessOf(port)
	if a == nil || !a.coa.IsValid() || f.CoA == a.coa || f.Life <= 0 {
		return
	}
	way := n.forgetForward(f.CoA)
	if way == 0 && len(n.ahead.forwards) == MaxForwards {
		n.Unforwarded(now, n.ahead.forwards[0].CoA, out)
	}
	if way == 0 {
		way = n.freeWay()
	}
	end := now.Mono.Add(f.Life)
	n.ahead.forwards = append(n.ahead.forwards, forward{f, port, a.coa, way, a.mtu, time.Duration(end)})
	n.ahead.ends.Set(f.CoA, end)
	n.setLocal(f.CoA, plane.Local{}, out)
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(f.CoA, 128), Path: plane.Path{
		Side: plane.Mobile, Mode: plane.Tunnel, Local: a.coa, Remote: f.Router, Out: port, MTU: a.mtu}}})
	n.acceptBy(&n.ahead.forwards[len(n.ahead.forwards)-1], out)
	if n.home.phase == updating {
		n.Hold(now, out)
	}
}

// Unforwarded ends a forwarding; see handover.FastCore.
func (n *Node) Unforwarded(now engine.Now, coa netip.Addr, out *engine.Effects) {
	way := n.forgetForward(coa)
	if way == 0 {
		return
	}
	n.ahead.ends.Stop(coa)
	if copied := n.ahead.copies == way; (copied || n.home.opened.Local == coa) && n.home.phase == updating {
		if copied {
			n.ahead.copies = 0
		}
		n.Hold(now, out)
	}
	for inner := range n.inners() {
		out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: plane.WayKey{Inner: inner, ID: way}}})
	}
	out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: netip.PrefixFrom(coa, 128)}})
	if !slices.ContainsFunc(n.access, func(a *access) bool { return a.coa == coa }) {
		n.removeLocal(coa, out)
	}
}

// acceptBy has the plane take packets by a forwarding, and send copies if they go by it. What the router did not confirm may bring none.
func (n *Node) acceptBy(f *forward, out *engine.Effects) {
	if !n.home.agent.IsValid() {
		return
	}
	w := plane.Way{Local: f.CoA, Remote: n.home.agent, Out: f.port, MTU: f.mtu - ip6.HeaderLen, Unsure: !f.Open}
	if f.way == n.ahead.copies {
		w.Copy, w.Until = true, f.until
	}
	for inner := range n.inners() {
		out.Plane(plane.Op{Way: &plane.WayOp{Key: plane.WayKey{Inner: inner, ID: f.way}, Way: w}})
	}
}

// copyBy has copies leave by a forwarding, 0 for none.
func (n *Node) copyBy(way uint16, out *engine.Effects) {
	before := n.ahead.copies
	if way == before {
		return
	}
	n.ahead.copies = way
	for i := range n.ahead.forwards {
		if f := &n.ahead.forwards[i]; f.way == way || f.way == before {
			n.acceptBy(f, out)
		}
	}
}

// forgetForward takes a forwarding out of the list and gives its way; 0 if there was none.
func (n *Node) forgetForward(coa netip.Addr) uint16 {
	i := slices.IndexFunc(n.ahead.forwards, func(f forward) bool { return f.CoA == coa })
	if i < 0 {
		return 0
	}
	way := n.ahead.forwards[i].way
	n.ahead.forwards = slices.Delete(n.ahead.forwards, i, i+1)
	return way
}

// freeWay is a number that no forwarding has.
func (n *Node) freeWay() uint16 {
	for way := uint16(firstForwardWay); ; way++ {
		if !slices.ContainsFunc(n.ahead.forwards, func(f forward) bool { return f.way == way }) {
			return way
		}
	}
}

// detour is the way of applications' packets while the home agent knows a previous address only: by that address, through the
// routers that forward it.
func (n *Node) detour(now engine.Now) (plane.Path, bool) {
	r := &n.home
	if len(n.ahead.forwards) == 0 || !r.bound(now) {
		return plane.Path{}, false
	}
	local, mtu := r.acked, 0
	for range MaxForwards {
		i := slices.IndexFunc(n.ahead.forwards, func(f forward) bool { return f.CoA == local && f.Open })
		if i < 0 {
			return plane.Path{}, false
		}
		f := &n.ahead.forwards[i]
		local, mtu = f.local, mtu-nestedHeader
		if a := n.accessOf(f.port); a.usable() && a.coa == local {
			return plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: r.acked, Remote: r.agent, Out: f.port, MTU: a.mtu + mtu}, true
		}
	}
	return plane.Path{}, false
}

// goOn lets packets go while the home agent has not answered, if a previous router forwards: right behind the update once that has
// left, and copies by the way around, in case the update is lost. The home agent drops those it does not need. It is false
// if packets must wait.
//
// spec MIP-09
func (n *Node) goOn(now engine.Now, out *engine.Effects) bool {
	r := &n.home
	round, ok := n.detour(now)
	if !ok || r.phase != updating { // it is about to register
		return false
	}
	r.opened = round
	if a := n.accessOf(round.Out); r.told == a.coa {
		i := slices.IndexFunc(n.ahead.forwards, func(f forward) bool { return f.CoA == r.acked })
		n.copyBy(n.ahead.forwards[i].way, out)
		r.opened = n.tunnel(a)
		n.along(r.opened, out)
		return true
	}
	n.along(round, out)
	n.copyBy(0, out)
	return true
}

// Leaving ends what was sent by the present way: the home agent need not wait for more of it. See handover.FastCore.
func (n *Node) Leaving(port plane.Port, out *engine.Effects) {
	p := n.home.opened
	if p.Mode != plane.Tunnel || p.Out != port {
		return
	}
	n.lay(p, out)
	n.along(p, out)
}

// aheadTick does what is due.
func (n *Node) aheadTick(now engine.Now, out *engine.Effects) {
	if n.ahead.fast == nil {
		return
	}
	n.ahead.fast.Tick(now, out)
	for coa, ok := n.ahead.ends.Pop(now.Mono); ok; coa, ok = n.ahead.ends.Pop(now.Mono) {
		n.Unforwarded(now, coa, out)
	}
}

// deadline is when aheadTick has something to do.
func (h *anticipation) deadline() (engine.Mono, string) {
	if h.fast == nil {
		return engine.Never, ""
	}
	at, why := h.fast.Deadline()
	if end, _ := h.ends.Next(); end < at {
		return end, "end of a forwarding"
	}
	return at, why
}
