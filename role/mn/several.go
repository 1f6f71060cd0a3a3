package mn

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/mh"
)

// Several care-of addresses at once: RFC 5648. Each registration names all that the node wants bound, and replaces what was
// there (flag O): whatever is lost on the way, the last one that arrives is right. The access that the strategy chose has the lowest
// number among them, which makes it the primary one at our home agent.

// Multihoming says what several care-of addresses are used for.
type Multihoming string

// The ways to use them.
const (
	SingleHomed Multihoming = "off"      // one is bound
	Registered  Multihoming = "register" // all are bound, so that another is ready when one goes
	Bicast      Multihoming = "bicast"   // packets go by all of them, and copies of a packet are dropped
)

// CopyWindow is how far apart copies of a packet may arrive: more than ways differ in delay.
const CopyWindow = 500 * time.Millisecond

// Flow is traffic that takes an access of its own while that is bound.
type Flow struct {
	Link  plane.Port
	Match plane.Flow // Src and Way are filled in here
}

// several is the part of the node that keeps more than one care-of address bound.
type several struct {
	on      Multihoming
	sent    []bound              // named in the last update
	acked   []bound              // of the binding accepted last
	refused []netip.Addr         // care-of addresses that the home agent did not take
	ways    map[uint16]plane.Way // as the plane has them
}

// bound is a care-of address and its number.
type bound struct {
	bid uint16
	coa netip.Addr
}

// bidOf is the number of an access: its rank among the node's links by preference, from 1.
func (n *Node) bidOf(a *access) uint16 { return uint16(slices.Index(n.access, a) + 1) }

// startFlows tells the plane which traffic takes which access.
//
// spec MIP-08
func (n *Node) startFlows(out *engine.Effects) {
	number := uint32(0)
	for _, f := range n.cfg.Flows {
		for inner := range n.inners() {
			number++
			flow := f.Match
			flow.Src, flow.Way = inner, n.bidOf(n.accessOf(f.Link))
			out.Plane(plane.Op{Flow: &plane.FlowOp{Number: number, Flow: flow}})
		}
	}
}

// stopFlows undoes startFlows.
func (n *Node) stopFlows(out *engine.Effects) {
	number := uint32(0)
	for range n.cfg.Flows {
		for range n.inners() {
			number++
			out.Plane(plane.Op{Delete: true, Flow: &plane.FlowOp{Number: number}})
		}
	}
}

// multihomed says whether the node registers several care-of addresses.
func (n *Node) multihomed() bool { return n.several.on == Registered || n.several.on == Bicast }

// wanted are the care-of addresses to bind beside that of the registration, and it: those of accesses that are less preferred. A more
// preferred one that the strategy left brings no answers.
func (n *Node) wanted() []bound {
	var list []bound
	for i, a := range n.access {
		chosen := a.link.Port == n.home.port
		if !chosen && len(list) == 0 || !a.usable() || a.atHome || slices.Contains(n.several.refused, a.coa) {
			continue
		}
		list = append(list, bound{uint16(i + 1), a.coa})
	}
	return list
}

// name writes the identifiers into an update. They tell the care-of address, so that no option else does (RFC 5648 §5.2).
//
// spec MIP-08
func (n *Node) name(bu *mh.BindingUpdate, leaving bool) {
	n.several.sent = nil
	if !n.multihomed() || leaving {
		return
	}
	n.several.sent = n.wanted()
	bu.Overwrite, bu.Options.AltCareOf = true, netip.Addr{}
	for _, b := range n.several.sent {
		bu.Options.Bindings = append(bu.Options.Bindings, mh.BindingID{ID: b.bid, CareOf: b.coa})
	}
}

// named takes over what the home agent says of each care-of address. One that says nothing of them knows no more than one.
func (n *Node) named(ba *mh.BindingAck, out *engine.Effects) {
	s := &n.several
	s.acked = nil
	switch {
	case len(s.sent) == 0:
		return
	case len(ba.Options.Bindings) == 0:
		n.single("the home agent does not know several care-of addresses", out)
		return
	}
	for _, b := range s.sent {
		i := slices.IndexFunc(ba.Options.Bindings, func(o mh.BindingID) bool { return o.ID == b.bid })
		if i >= 0 && ba.Options.Bindings[i].Status.Accepted() {
			s.acked = append(s.acked, b)
			continue
		}
		why := "not in the answer"
		if i >= 0 {
			why = ba.Options.Bindings[i].Status.String()
		}
		s.refused = append(s.refused, b.coa)
		out.Event("care-of-address.refused", engine.A("coa", b.coa), engine.S("bid", itoa(int(b.bid))), engine.S("reason", why))
	}
}

// severalRefused goes on with one care-of address when the home agent takes no more. It is false when the refusal is about
// something else.
//
// spec MIP-08
func (n *Node) severalRefused(now engine.Now, s mh.Status, out *engine.Effects) bool {
	switch s {
	case mh.MCOAMalformed, mh.MCOANonMCOAExists, mh.MCOAProhibited, mh.MCOAUnknownCoA, mh.MCOABulkProhibited, mh.MCOAHomeAndForeign:
	default:
		return false
	}
	if !n.multihomed() {
		return false
	}
	n.single(s.String(), out)
	if n.home.phase == updating {
		n.Hold(now, out) // the access that stood by is bound no longer
	}
	n.renew(now, out)
	return true
}

// single ends the use of several care-of addresses until the node starts again.
func (n *Node) single(why string, out *engine.Effects) {
	n.several.on, n.several.sent, n.several.acked = SingleHomed, nil, nil
	out.Event(engine.EventFellBack, engine.S("from", "several care-of addresses"), engine.S("to", "one care-of address"), engine.S("reason", why))
}

// standby lets packets go by another access whose care-of address is bound, while the one in use is gone or a better one is being
// registered: make before break. It is false if there is none.
//
// spec MIP-08
func (n *Node) standby(now engine.Now, out *engine.Effects) bool {
	r := &n.home
	if !n.multihomed() || !r.bound(now) {
		return false
	}
	var best *access
	for _, a := range n.access {
		if !a.usable() || a.atHome || !slices.ContainsFunc(n.several.acked, func(b bound) bool { return b.coa == a.coa }) {
			continue
		}
		if best == nil || a.link.Port == r.opened.Out {
			best = a
		}
	}
	if best == nil {
		return false
	}
	r.opened = n.tunnel(best)
	n.along(r.opened, out)
	return true
}

// retire holds packets that went by an access which stood by and is gone now. The strategy does not miss it.
func (n *Node) retire(now engine.Now, out *engine.Effects) {
	r := &n.home
	if !n.multihomed() || r.phase != updating || r.opened.Mode != plane.Tunnel || n.accessAt(r.opened.Local) != nil {
		return
	}
	if !slices.ContainsFunc(n.ahead.forwards, func(f forward) bool { return f.CoA == r.opened.Local }) {
		n.Hold(now, out)
	}
}

// blend makes a path one of several ways that are used at once: none of them is the way before, for which packets would wait.
func (n *Node) blend(p plane.Path) plane.Path {
	if !n.multihomed() {
		return p
	}
	p.Mark, p.Settle = false, 0
	if n.several.on == Bicast {
		p.Dedup = CopyWindow
	}
	return p
}

// attend registers anew when the care-of addresses are others than the home agent was told, and keeps the ways of those that the
// path does not take.
func (n *Node) attend(now engine.Now, out *engine.Effects) {
	r, s := &n.home, &n.several
	if s.on == "" || s.on == SingleHomed && len(s.ways) == 0 {
		return
	}
	n.retire(now, out)
	a := n.accessOf(r.port)
	if n.multihomed() && r.phase == current && !r.atHome && r.tries == 0 && a != nil && a.usable() && a.coa == r.coa && !slices.Equal(s.sent, n.wanted()) {
		n.renew(now, out)
	}
	want := n.furtherWays(now)
	for bid := uint16(1); int(bid) <= len(n.access); bid++ {
		w, wanted := want[bid]
		if had, have := s.ways[bid]; have == wanted && had == w {
			continue
		}
		for inner := range n.inners() {
			out.Plane(plane.Op{Delete: !wanted, Way: &plane.WayOp{Key: plane.WayKey{Inner: inner, ID: bid}, Way: w}})
		}
	}
	s.ways = want
}

// furtherWays are the ways beside the path: packets are taken by each that the home agent was told of, and copies sent by those that
// it has acknowledged.
func (n *Node) furtherWays(now engine.Now) map[uint16]plane.Way {
	r, s := &n.home, &n.several
	want := map[uint16]plane.Way{}
	if !n.multihomed() || r.leaving || r.atHome || !r.agent.IsValid() {
		return want
	}
	for i, a := range n.access {
		b := bound{uint16(i + 1), a.coa}
		acked := slices.Contains(s.acked, b)
		if !a.usable() || a.atHome || !acked && !slices.Contains(s.sent, b) || r.opened.Mode == plane.Tunnel && r.opened.Local == a.coa {
			continue
		}
		w := plane.Way{Local: a.coa, Remote: r.agent, Out: a.link.Port, MTU: a.mtu}
		if s.on == Bicast && acked && r.bound(now) {
			w.Copy, w.Until = true, time.Duration(r.expires)
		}
		want[b.bid] = w
	}
	return want
}

// CareOfView is one of several care-of addresses that the home agent has.
type CareOfView struct {
	BID    uint16 `json:"bid"`
	CareOf string `json:"coa"`
}

func (s *several) view() []CareOfView {
	var list []CareOfView
	for _, b := range s.acked {
		list = append(list, CareOfView{b.bid, b.coa.String()})
	}
	return list
}
