package fmipv6

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// expected is a node that comes to this router, or came a moment ago: the next access router's end.
//
//	HI ─▶ expected (its address is represented, its packets held) ─UNA─▶ here (delivered) ─ArrivedLifetime─▶ the kernel's
//	          └─ProxyLifetime─▶ gone, with what was held
type expected struct {
	coa  netip.Addr
	hw   plane.HW
	link *link
	from *neighbour
	hi   uint16 // sequence number of the Handover Initiate
	here bool
	ends engine.Mono // when it is given up
	asks int         // how often it was asked whether it is here
}

// Whether a node is here already is asked of the node itself: its neighbour may lie, or its announcement may have been lost.
const (
	MaxSeek      = 3                      // questions about one Handover Initiate
	SeekInterval = 100 * time.Millisecond // between them: more than an answer takes on any radio
)

// onHI decides about a Handover Initiate, RFC 5568 §4 and §6.2.1.
//
// The new address must be made of the node's link-layer address, or it is changed to that one: nobody else on this link uses an
// address made so, and a neighbour cannot take over one that somebody uses. Duplicate detection by a probe would take a second,
// which no handover has; RFC 5568 §5.5 lets it be switched off for that.
//
// spec MIP-09
func (r *Router) onHI(now engine.Now, n *neighbour, m *mh.HandoverInitiate, out *engine.Effects) {
	ack := &mh.HandoverAck{Seq: m.Seq}
	hw, wish := plane.HW(m.Options.LLA), m.Options.Address(mh.NewCareOf)
	l := r.linkOf(wish)
	switch {
	case hw == plane.HW{} || l == nil || !l.up:
		ack.Code = mh.HAckUnspecified
	case m.Code == mh.HIReactive: // it is here already and speaks for itself
		if h := r.leaving[wish]; h != nil && h.mobile.hw == hw { // nothing goes round in a circle
			r.stop(wish, "mobile node is back", out)
		}
	case m.Code != mh.HIPredictive:
		ack.Code = mh.HAckUnspecified
	case hw == l.hw || hw[0]&1 == 1:
		ack.Code = mh.HAckProhibited
	default:
		coa := ip6.FromEUI64(l.Prefix, hw)
		if ack.Code = r.expect(now, expected{coa: coa, hw: hw, link: l, from: n, hi: m.Seq}, out); ack.Code == mh.HAckAccepted && coa != wish || m.Assign {
			ack.Code = mh.HAckAssigned
			ack.Options.Addresses = []mh.AddressPrefix{mh.Host(mh.NewCareOf, coa)}
		}
		if ack.Code.Accepted() && !r.announce(now, l, n, coa, hw, out) {
			ack.Options.SetClosed()
		}
	}
	if !ack.Code.Accepted() {
		out.Drop("hi-refused", engine.A("par", n.Address), engine.S("code", ack.Code.String()))
	}
	r.post(now, n, ack, out)
}

// announce reports whether the node may send when it comes.
func (r *Router) announce(now engine.Now, l *link, by *neighbour, coa netip.Addr, hw plane.HW, out *engine.Effects) bool {
	return r.c.Announced == nil || r.c.Announced(now, Word{l.Port, coa, hw, by.Address}, out)
}

// expect represents a node on its link from now on, and holds its packets.
func (r *Router) expect(now engine.Now, x expected, out *engine.Effects) mh.HAckCode {
	old := r.expected[x.coa]
	if old == nil && len(r.expected) >= MaxHandovers {
		return mh.HAckResources
	}
	if old != nil && old.here && old.from == x.from && !mh.After(x.hi, old.hi) {
		return mh.HAckAccepted // overtaken by the node itself: to hold its packets now would be to lose them
	}
	if old != nil && !old.here { // said again
		old.hi, old.ends, old.asks = x.hi, now.Mono.Add(ProxyLifetime), 0
		r.seek(now, old, out)
		return mh.HAckAccepted
	}
	if r.leaving[x.coa] != nil { // it left by us and comes back: nothing goes round in a circle
		if r.leaving[x.coa].forwarding {
			r.drop(x.coa)
		} else {
			r.stop(x.coa, "mobile node comes back", out)
		}
	}
	r.expected[x.coa] = &x
	r.speaker.Own(x.key(), neighbor.Stance{HW: x.link.hw, Soft: true, Source: ip6.LinkLocal(x.link.hw)})
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: x.coa, Local: plane.Local{Port: x.link.Port, Proxy: true}}})
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: one(x.coa), Path: plane.Path{
		Side: plane.Agent, Mode: plane.Hold, Limit: HoldPackets, Octets: HoldOctets, Age: ProxyLifetime + FirstHI, Capture: true}}})
	x.ends = now.Mono.Add(ProxyLifetime)
	r.seek(now, &x, out)
	out.Event("handover.expected", engine.A("ncoa", x.coa), engine.A("par", x.from.Address))
	return mh.HAckAccepted
}

// seek asks a node that is expected whether it is here: the question goes to its own station alone. One that has been here all along says
// so at once (announced), and a neighbour that names it holds its packets for no longer than that.
func (r *Router) seek(now engine.Now, x *expected, out *engine.Effects) {
	x.asks++
	at := x.ends
	if x.asks < MaxSeek {
		at = min(at, now.Mono.Add(SeekInterval))
	}
	r.timers.Set(due{x.coa, true}, at)
	ns := &nd.NeighborSolicitation{Target: x.coa, Options: nd.Options{SourceHW: x.link.hw}}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ip6.LinkLocal(x.link.hw), Dst: ip6.SolicitedNode(x.coa)}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, p.Dst, ns)
	out.Send(x.link.Port, x.hw, p.Append(nil))
}

func (x *expected) key() neighbor.Key { return neighbor.Key{Port: x.link.Port, Addr: x.coa} }

// announced takes a neighbour advertisement: that of a node which is expected says that it is there (UNA, RFC 5568 §6.3).
func (r *Router) announced(now engine.Now, in engine.Packet, p *ip6.Packet, na *nd.NeighborAdvertisement, out *engine.Effects) {
	x := r.expected[na.Target]
	if x == nil {
		r.misplaced(now, in, p, na, out)
		return
	}
	if na.Options.TargetHW != x.hw || in.From != x.hw || in.Port != x.link.Port {
		if x.here && !isUNA(in, p, na) {
			return
		}
		out.Drop("una-other-station", engine.A("target", na.Target))
		if isUNA(in, p, na) && in.Port == x.link.Port {
			r.deny(now, x.link, in.From, p.Src, nd.NAAck{Status: nd.NAAckInvalid}, out)
		}
		return
	}
	if x.here {
		return
	}
	r.arrive(now, x, out)
}

// arrive delivers to a node that has come, what was held first.
//
// spec MIP-09
func (r *Router) arrive(now engine.Now, x *expected, out *engine.Effects) {
	if x.here {
		return
	}
	x.here = true
	r.announce(now, x.link, x.from, x.coa, x.hw, out)
	r.withdraw(x, out)
	out.Plane(plane.Op{Path: &plane.PathOp{Inner: one(x.coa), Path: plane.Path{
		Side: plane.Agent, Mode: plane.Direct, Out: x.link.Port, To: x.hw, Capture: true}}})
	r.timers.Set(due{x.coa, true}, now.Mono.Add(ArrivedLifetime))
	out.Event("handover.arrived", engine.A("ncoa", x.coa), engine.A("par", x.from.Address))
}

// withdraw speaks for an address no longer.
func (r *Router) withdraw(x *expected, out *engine.Effects) {
	r.speaker.Disown(x.key())
	out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: x.coa}})
}

// expectedDue leaves a node that arrived to the kernel; one that did not come is asked again, and given up in the end.
func (r *Router) expectedDue(now engine.Now, coa netip.Addr, out *engine.Effects) {
	x := r.expected[coa]
	if x == nil {
		return
	}
	if !x.here && now.Mono < x.ends {
		r.seek(now, x, out)
		return
	}
	delete(r.expected, coa)
	if !x.here {
		r.withdraw(x, out)
		out.Event("handover.lapsed", engine.A("ncoa", coa), engine.A("par", x.from.Address))
	}
	out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: one(coa)}})
}
