package fast

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	"roam6/wire/lwkrb"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// offer is a node of this router that was told to go elsewhere: the previous router's end.
//
//	Redirect ─▶ told ─Ack─▶ asked (Handover out) ─Authenticated-MN─▶ forwarding ─RedirectFor─▶ forgotten
//	                          ▲└─Handover Error, with a word for the node ─▶ told
type offer struct {
	pcoa, ncoa netip.Addr
	hw, cell   plane.HW
	port       plane.Port
	to         *handover.Peer
	request    []byte // the ap-req that is with the next router; nil: the node has not agreed
	answer     []byte // the ap-rep to it: packets are forwarded
	tries      int
	wait       time.Duration
	ends       engine.Mono
}

// asked answers a node that hears another cell, RFC 5568 §6.1.1: with a Redirect there. Where there is nothing to do it says so, or the node
// would ask again.
//
// spec FH-01 RT-04
func (r *Router) asked(now engine.Now, in engine.Packet, p *ip6.Packet, ask *nd.RtSolPr, out *engine.Effects) {
	l, ok := r.onLink(in.Port)
	hw, up := r.arrivals.HWOf(in.Port)
	switch {
	case !ok || !up || len(ask.AccessPoints) == 0 || !p.Src.IsLinkLocalUnicast() && !l.Prefix.Contains(p.Src):
		out.Drop("rtsolpr-stranger", engine.A("from", p.Src))
		return
	case !r.budget.Take(now.Mono, MaxMessages, MaxMessages):
		out.Drop("rtsolpr-rate", engine.A("from", p.Src))
		return
	}
	cell := plane.HW(ask.AccessPoints[0])
	if to := r.routers.Behind(cell); to != nil {
		r.redirect(now, l, in.From, to, cell, out)
		return
	}
	adv := &nd.PrRtAdv{ID: ask.ID, SourceHW: hw, Code: nd.ProxyNone, AccessPoints: []nd.AccessPoint{{HW: cell, Outcome: nd.APNoPrefix}}}
	if r.own(cell) {
		adv.AccessPoints[0].Outcome = nd.APSameRouter
	}
	reply := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ip6.LinkLocal(hw), Dst: p.Src}, Proto: ip6.ProtoICMPv6}
	reply.Payload = nd.Append(nil, reply.Src, reply.Dst, adv)
	out.Send(in.Port, in.From, reply.Append(nil))
}

func (r *Router) onLink(port plane.Port) (handover.RouterLink, bool) {
	for _, l := range r.c.Links {
		if l.Port == port {
			return l, true
		}
	}
	return handover.RouterLink{}, false
}

// redirect tells a node to go to another router's cell: §5. Its care-of addresses are those made of its link-layer address, since nobody else
// has them (decision 13).
//
// spec FH-01 FH-02 FH-03
func (r *Router) redirect(now engine.Now, l handover.RouterLink, hw plane.HW, to *handover.Peer, cell plane.HW, out *engine.Effects) bool {
	pcoa, ncoa := ip6.FromEUI64(l.Prefix, hw), ip6.FromEUI64(to.Prefix, hw)
	o := r.offers[pcoa]
	switch {
	case o == nil && len(r.offers) >= handover.MaxNodes:
		out.Drop("handover-no-room", engine.A("pcoa", pcoa))
		return false
	case o != nil && o.to == to && o.request != nil && o.answer == nil:
		return true // under way
	case o == nil || o.to != to || o.answer != nil:
		o = &offer{pcoa: pcoa, ncoa: ncoa, hw: hw, port: l.Port, to: to}
		r.offers[pcoa] = o
	}
	o.cell, o.tries, o.wait, o.ends = cell, 0, FirstRedirect, now.Mono.Add(RedirectFor)
	out.Event("handover.redirect", engine.A("pcoa", pcoa), engine.A("nar", to.Address))
	r.sayRedirect(now, o, out)
	return true
}

func (r *Router) sayRedirect(now engine.Now, o *offer, out *engine.Effects) {
	m := &fast.Redirect{Router: netip.PrefixFrom(o.to.Address, o.to.Prefix.Bits()), HW: o.to.HW}
	m.Options.Principal, m.Options.LinkLayer = principalOf(o.to.Principal), o.cell
	if m.NewCareOf(o.pcoa) != o.ncoa {
		m.CareOf = o.ncoa
	}
	o.tries++
	r.tell(o.port, o.hw, o.pcoa, m, out)
	r.timers.Set(o.pcoa, min(now.Mono.Add(o.wait), o.ends))
	o.wait *= 2
}

// principalOf takes a principal apart as the suboption has it.
func principalOf(p lwkrb.Principal) subopt.Principal {
	name, realm, _ := strings.Cut(string(p), "@")
	return subopt.Principal{Name: name, Realm: realm}
}

// onAck takes a node's agreement, and the ap-req for the next router: §3. It changes nothing here yet, and the next router is the one to
// judge it.
//
// spec FH-04 FH-18
func (r *Router) onAck(now engine.Now, s said, m *fast.RedirectAck, out *engine.Effects) {
	o := r.offers[s.src]
	switch {
	case o == nil || o.port != s.in.Port || o.hw != s.in.From:
		out.Drop("ack-unexpected", engine.A("from", s.src))
		return
	case r.sessions.Keyed(o.pcoa) && s.by != o.pcoa:
		out.Drop("unprotected", engine.A("from", s.src))
		return
	case m.Options.Lightweight == nil:
		out.Drop("ack-without-ticket", engine.A("from", s.src))
		return
	}
	if bytes.Equal(m.Options.Lightweight, o.request) {
		if o.answer != nil {
			r.sayAuthenticated(o, out) // it was lost
		}
		return
	}
	o.request, o.answer, o.tries, o.wait = m.Options.Lightweight, nil, 0, FirstHandover
	o.ends = now.Mono.Add(RedirectFor)
	out.Event("handover.leaving", engine.A("pcoa", o.pcoa), engine.A("ncoa", o.ncoa), engine.A("nar", o.to.Address))
	r.announce(now, o, out)
}

// announce sends the Handover, §6: the link-layer address stands in the care-of address, so M is not needed. It is answered, by the next
// router's Authenticated-MN or Handover Error, and repeated until then.
//
// spec FH-05 FH-20
func (r *Router) announce(now engine.Now, o *offer, out *engine.Effects) {
	a := fast.Announced{CareOf: netip.PrefixFrom(o.ncoa, o.to.Prefix.Bits())}
	a.Options = subopt.Handover{Lightweight: o.request, Control: subopt.Buffer, PreviousCareOf: o.pcoa}
	o.tries++
	if r.c.SHREP {
		r.routers.Post(o.to, &fast.SHREP{Announced: a}, out)
	} else {
		r.routers.Post(o.to, &fast.Handover{Announced: a}, out)
	}
	r.timers.Set(o.pcoa, now.Mono.Add(o.wait))
	o.wait *= 2
}

// offerDue says again what was not answered, or forgets it.
func (r *Router) offerDue(now engine.Now, o *offer, out *engine.Effects) {
	switch {
	case o.answer != nil, o.request == nil && now.Mono >= o.ends:
		r.withdraw(o)
	case o.request == nil && o.tries < MaxRedirect:
		r.sayRedirect(now, o, out)
	case o.request == nil:
		r.timers.Set(o.pcoa, o.ends)
	case o.tries < MaxHandover:
		r.announce(now, o, out)
	default:
		r.withdraw(o)
		out.Event("handover.refused", engine.A("nar", o.to.Address), engine.S("why", "no answer"))
	}
}

func (r *Router) withdraw(o *offer) {
	if r.offers[o.pcoa] == o {
		delete(r.offers, o.pcoa)
		r.timers.Stop(o.pcoa)
	}
}

// onAuthenticated takes the next router's word that it knows the node: what comes for it is sent on from now on, and only then it is told,
// so that nothing follows that word by the old link.
//
// spec FH-09 FH-10
func (r *Router) onAuthenticated(now engine.Now, from *handover.Peer, m *fast.AuthenticatedMN, out *engine.Effects) {
	o := r.offers[m.Options.PreviousCareOf]
	if o == nil || o.to != from || o.request == nil || m.Options.Lightweight == nil {
		out.Drop("authenticated-unexpected", engine.A("from", from.Address))
		return
	}
	if !r.sendOn(now, handover.Departure{PCoA: o.pcoa, NCoA: o.ncoa, HW: o.hw, Port: o.port, To: from.Address}, Forwarding, out) {
		return
	}
	o.answer = m.Options.Lightweight
	r.timers.Set(o.pcoa, now.Mono.Add(RedirectFor))
	r.sayAuthenticated(o, out)
}

// sendOn forwards for a node. That it came here a moment ago is over.
func (r *Router) sendOn(now engine.Now, d handover.Departure, life time.Duration, out *engine.Effects) bool {
	if !r.departures.Forward(now, d, life, out) {
		return false
	}
	r.arrivals.Forget(d.PCoA, out)
	return true
}

func (r *Router) sayAuthenticated(o *offer, out *engine.Effects) {
	m := &fast.AuthenticatedMN{}
	m.Options.Lightweight = o.answer
	r.tell(o.port, o.hw, o.pcoa, m, out)
}

// onError takes the next router's refusal: forwarding ends, and the node is told if it may be here still. With a word of lightweight Kerberos in
// it the node may have another ticket, so the offer stands.
//
// spec FH-08 FH-22
func (r *Router) onError(now engine.Now, from *handover.Peer, m *fast.HandoverError, out *engine.Effects) {
	d, gone := r.departures.ByNext(m.CareOf)
	if gone && d.To == from.Address {
		r.departures.Stop(d.PCoA, "next router: "+m.Options.Reason.String(), out)
	}
	var o *offer
	if d.PCoA.IsValid() {
		o = r.offers[d.PCoA]
	} else if hw, ok := fast.Hardware(netip.PrefixFrom(m.CareOf, from.Prefix.Bits())); ok {
		o = r.offerTo(from, hw, m.CareOf)
	}
	if o == nil || o.to != from || o.ncoa != m.CareOf || o.request == nil {
		if !gone {
			out.Drop("handover-error-unexpected", engine.A("from", from.Address))
		}
		return
	}
	out.Event("handover.refused", engine.A("nar", from.Address), engine.S("why", m.Options.Reason.String()))
	relayed := &fast.HandoverError{CareOf: m.CareOf}
	relayed.Options.Reason, relayed.Options.Lightweight = m.Options.Reason, m.Options.Lightweight
	r.tell(o.port, o.hw, o.pcoa, relayed, out)
	if m.Options.Lightweight == nil {
		r.withdraw(o)
		return
	}
	o.answer = nil
	o.tries, o.ends = MaxRedirect, now.Mono.Add(RedirectFor)
	r.timers.Set(o.pcoa, o.ends)
	o.request = nil
}

// offerTo finds the offer about a node that goes to a new care-of address.
func (r *Router) offerTo(to *handover.Peer, hw plane.HW, ncoa netip.Addr) *offer {
	for _, l := range r.c.Links {
		if o := r.offers[ip6.FromEUI64(l.Prefix, hw)]; o != nil && o.to == to && o.ncoa == ncoa {
			return o
		}
	}
	return nil
}

// onNotification takes a node's word about its packets: it is elsewhere, or with lifetime 0 it is back (appendix A). What proves it is AH, where there
// are keys; who has none can only take its own forwarding back, from its own station on the link.
//
// spec FH-18 FH-19 RT-32
func (r *Router) onNotification(now engine.Now, s said, m *fast.Notification, out *engine.Effects) {
	d, forwarded := r.departures.Of(m.Previous)
	bare := !s.by.IsValid() && !r.sessions.Keyed(m.Previous) && s.hop == fast.HopLimit && s.src == m.Previous &&
		forwarded && s.in.From == d.HW && s.in.Port == d.Port && m.Lifetime == 0
	if s.by != m.Previous && !bare {
		out.Drop("notification-unproved", engine.A("from", s.src))
		return
	}
	if m.Lifetime == 0 {
		if o := r.offers[m.Previous]; o != nil {
			r.withdraw(o)
		}
		r.departures.Stop(m.Previous, "mobile node is back", out)
		return
	}
	hw, port, ok := r.sessions.At(m.Previous)
	to := r.routers.Toward(m.CareOf)
	if !ok || to == nil {
		out.Drop("notification-refused", engine.A("ncoa", m.CareOf))
		return
	}
	r.sendOn(now, handover.Departure{PCoA: m.Previous, NCoA: m.CareOf, HW: hw, Port: port, To: to.Address}, m.Lifetime, out)
}
