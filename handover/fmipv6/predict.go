package fmipv6

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// Hint begins to prepare a handover: it asks the router what stands behind the next point of attachment.
//
// spec MIP-09 RT-04
func (m *Mobile) Hint(now engine.Now, in engine.LinkHint, out *engine.Effects) {
	site, ok := m.leaves(in.Port)
	switch {
	case !ok:
		return // nobody to ask, or nothing to send on
	case in.Port == m.port && in.HW == m.hint.HW && (m.state == asking || m.state == announcing || m.state == ready):
		return // said already
	case m.mayAsk(now) > now.Mono:
		out.Drop("hint-rate")
		return
	}
	m.prepare(in, site, "link hint", out)
	if ap := m.around.find(now, site.Router, in.HW); ap != nil {
		m.announce(now, ap, out)
		return
	}
	m.solicit(now, out)
}

// leaves tells where the node is on a link, and whether a handover from there can be prepared.
func (m *Mobile) leaves(port plane.Port) (handover.Site, bool) {
	_, keyed := m.keys[port]
	site, ok := m.core.Site(port)
	return site, ok && keyed && site.CoA.IsValid() && site.Source.IsValid() && site.Service.IsValid() && !site.AtHome
}

// prepare begins a handover to the next cell from where the node is.
func (m *Mobile) prepare(in engine.LinkHint, site handover.Site, why string, out *engine.Effects) {
	m.port, m.hint, m.prev, m.acked = in.Port, in, site, false
	m.closed = false
	m.id = m.rand.Uint16()
	m.tries, m.wait = 0, FirstInterval
	m.timers.Stop(commit)
	m.become(asking, why, out)
}

// mayAsk is when the next RtSolPr may leave: MAX_RTSOLPR_RATE, RFC 5568 §6.1.1.
func (m *Mobile) mayAsk(now engine.Now) engine.Mono {
	if m.asks < RtSolPrRate {
		return now.Mono
	}
	return max(now.Mono, m.asked[0].Add(time.Second))
}

// count notes one of what mayAsk limits.
func (m *Mobile) count(now engine.Now) {
	copy(m.asked[:], m.asked[1:])
	m.asked[RtSolPrRate-1] = now.Mono
	m.asks = min(m.asks+1, RtSolPrRate)
}

// solicit sends the RtSolPr, RFC 5568 §6.1.1.
func (m *Mobile) solicit(now engine.Now, out *engine.Effects) {
	if at := m.mayAsk(now); at > now.Mono {
		m.timers.Set(again, at)
		return
	}
	m.tries++
	m.count(now)
	ask := &nd.RtSolPr{ID: m.id, SourceHW: m.prev.HW, AccessPoints: [][6]byte{m.hint.HW}}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: m.prev.Source, Dst: m.prev.Router}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, p.Dst, ask)
	m.core.SendBy(m.port, p.Append(nil), out)
	out.Step("link hint", "proxy router advertisement", engine.S("cell", m.hint.Attachment))
	m.timers.Set(again, now.Mono.Add(m.wait))
	m.wait *= 2
}

// ProxyAdvertised takes the answer, RFC 5568 §6.1.2: it forms the next care-of address and asks for forwarding to it.
//
// spec MIP-09
func (m *Mobile) ProxyAdvertised(now engine.Now, port plane.Port, p *ip6.Packet, adv *nd.PrRtAdv, out *engine.Effects) {
	if adv.ID == 0 && (adv.Code == nd.ProxyHandover || adv.Code == nd.ProxyUnsolicited) {
		m.unsolicited(now, port, p, adv, out)
		return
	}
	if m.state != asking || port != m.port || adv.ID != m.id || p.Src != m.prev.Router {
		out.Drop("prrtadv-unexpected", engine.A("from", p.Src))
		return
	}
	var ap *nd.AccessPoint
	for i := range adv.AccessPoints {
		if adv.AccessPoints[i].HW == m.hint.HW {
			ap = &adv.AccessPoints[i]
		}
	}
	switch {
	case ap == nil:
		out.Drop("prrtadv-unexpected", engine.A("from", p.Src))
		return
	case ap.Outcome == nd.APSameRouter:
		m.give("same router behind the next cell", out)
		return
	case ap.Outcome != nd.APFound || adv.Code != nd.ProxyInfo && adv.Code != nd.ProxySome || !usable(ap):
		m.fellBack("no fast handover to the next cell", out)
		return
	}
	m.announce(now, ap, out)
}

// announce forms the next care-of address and asks for forwarding to it.
func (m *Mobile) announce(now engine.Now, ap *nd.AccessPoint, out *engine.Effects) {
	if ap.Network().Contains(m.prev.CoA) {
		m.give("same network behind the next cell", out)
		return
	}
	m.next = handover.Next{Attachment: m.hint.Attachment, RouterHW: ap.RouterHW, Router: ap.Router.Addr(), Prefix: ap.Network()}
	m.next.CoA = ip6.FromEUI64(m.next.Prefix, m.prev.HW)
	if m.next.Prefix.Contains(ap.CareOf) { // "MUST use it", §5.2
		m.next.CoA = ap.CareOf
	}
	m.become(announcing, "router information", out)
	m.denied = false
	m.first, m.tries, m.wait = m.seq+1, 0, FirstFBU
	m.update(now, out)
}

// usable says whether a care-of address can be formed behind an access point.
func usable(a *nd.AccessPoint) bool {
	return a.Network().Bits() == 64 && a.Network().Addr().IsGlobalUnicast() && a.Router.Addr().IsGlobalUnicast() && a.RouterHW != plane.HW{}
}

// update sends the FBU, from the previous link with both addresses, from the new one as it is there: RFC 5568 §6.2.2.
func (m *Mobile) update(now engine.Now, out *engine.Effects) {
	m.tries++
	src, by := m.prev.CoA, m.port
	if m.state == arrived || m.state == reacting {
		src = m.next.CoA
	}
	m.send(by, src, m.prev.CoA, m.next.CoA, m.prev.Service, Lifetime, out)
	out.Step("fast binding update", "fast binding acknowledgement", engine.A("ncoa", m.next.CoA), engine.A("par", m.prev.Service))
	m.lend(now, m.prev.CoA, m.prev.Service)
	m.timers.Set(again, now.Mono.Add(m.wait))
	m.wait *= 2
}

// send makes one FBU about the care-of address pcoa and transmits it by a link.
func (m *Mobile) send(by plane.Port, src, pcoa, ncoa, par netip.Addr, life time.Duration, out *engine.Effects) {
	fbu := &mh.FastBindingUpdate{Seq: m.number(out), Ack: true, Home: true, Lifetime: life}
	fbu.Options.AltCareOf = ncoa
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: par}, HomeAddress: pcoa}
	m.core.SendBy(by, m.keys[by].protect(p, fbu, ncoa, par), out)
}

// FastAck takes the answer, RFC 5568 §6.2.3. Nothing but its authenticator is believed.
//
// spec MIP-09
func (m *Mobile) FastAck(now engine.Now, p *ip6.Packet, ack *mh.FastBindingAck, out *engine.Effects) {
	if m.released(p, ack) {
		return
	}
	if p.Src != m.prev.Service || !m.keys[m.port].proves(p, ack, m.next.CoA, m.prev.Service) {
		out.Drop("fback-unproved", engine.A("from", p.Src))
		return
	}
	if ack.Seq-m.first > m.seq-m.first || m.state != announcing && m.state != arrived && m.state != reacting || m.acked {
		return // a copy, or too late to matter: routers answer by both links
	}
	if ack.Status == mh.FastUseSupplied && m.state == announcing && m.next.Prefix.Contains(ack.Options.AltCareOf) {
		m.next.CoA = ack.Options.AltCareOf
	} else if ack.Status != mh.FastAccepted {
		m.refused(now, ack.Status, out)
		return
	}
	m.acked, m.closed, m.until = true, ack.Options.Closed(), now.Mono.Add(min(ack.Lifetime, Lifetime))
	m.timers.Stop(again)
	switch m.state {
	case announcing:
		m.become(ready, "forwarding confirmed", out)
		out.Step("fast binding acknowledgement", "switch of the link", engine.A("ncoa", m.next.CoA))
		m.timers.Set(commit, now.Mono.Add(Patience))
		m.core.Leaving(m.port, out)
		out.Attach(m.port, m.hint.Attachment)
	default:
		m.core.Forwarded(now, m.port, m.forward(now), out)
		if m.state == reacting {
			m.give("forwarding confirmed", out)
		}
	}
}

// refused goes on without the previous router.
func (m *Mobile) refused(now engine.Now, s mh.FastStatus, out *engine.Effects) {
	out.Event("fast.refused", engine.S("status", s.String()))
	why := "previous router refused: " + s.String()
	if m.state == arrived {
		m.core.Unforwarded(now, m.prev.CoA, out)
	}
	m.fellBack(why, out)
}

// forward is the forwarding of this handover.
func (m *Mobile) forward(now engine.Now) handover.Forward {
	life := Lifetime
	if m.acked {
		life = m.until.Sub(now.Mono)
	}
	return handover.Forward{CoA: m.prev.CoA, Router: m.prev.Service, Life: life, Open: m.acked}
}

// unanswered sends again, or goes on without an answer.
func (m *Mobile) unanswered(now engine.Now, out *engine.Effects) {
	switch {
	case m.state == asking && m.tries < MaxRtSolPr:
		m.solicit(now, out)
	case m.state == asking:
		m.fellBack("access router does not answer about its neighbours", out)
	case m.state == idle || m.state == ready || m.acked:
	case m.tries < MaxFBU:
		m.update(now, out)
	default:
		m.fellBack("previous router does not acknowledge", out)
	}
}

// stayed takes the forwarding back: the link was expected to switch and has not, RFC 5568 §5.6.
func (m *Mobile) stayed(now engine.Now, out *engine.Effects) {
	m.release(now, m.prev.CoA, m.prev.Service, m.port, out)
	m.fellBack("the link did not switch", out)
}

// Expected says that the link came up where the previous router has prepared it. Where the link layer does not say where it is, the
// node looks around as ever.
//
// spec MIP-09
func (m *Mobile) Expected(now engine.Now, in engine.LinkUp) (handover.Next, bool) {
	named := in.Attachment != "" && in.Attachment == m.next.Attachment || in.Cell != plane.HW{} && in.Cell == m.hint.HW
	here := in.Port == m.port && named && in.HW == m.prev.HW
	switch {
	case here && m.state == ready && now.Mono < m.until, here && m.state == announcing:
		next := m.next
		next.Announced = m.acked && !m.closed
		return next, true
	}
	return handover.Next{}, false
}

// Arrived goes on where the previous link ended. Without FBack the FBU is sent once more from here, RFC 5568 §4.
func (m *Mobile) Arrived(now engine.Now, port plane.Port, out *engine.Effects) {
	m.become(arrived, "link up where expected", out)
	m.timers.Stop(commit)
	out.Step("link up", "packets by the previous router", engine.A("coa", m.next.CoA))
	m.core.Forwarded(now, port, m.forward(now), out)
	if !m.acked {
		m.tries, m.wait = 0, FirstFBU
		m.update(now, out)
	}
}
