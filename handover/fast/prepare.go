package fast

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/lwkrb"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	lw "roam6/wire/lwkrb"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// Hint begins to prepare a handover: the router is told which cell comes next, and answers where that leads.
//
// spec RT-04
func (m *Mobile) Hint(now engine.Now, in engine.LinkHint, out *engine.Effects) {
	site, ok := m.leaves(in.Port)
	switch {
	case !ok:
		return
	case in.Port == m.port && in.HW == m.hint.HW && (m.state == asking || m.state == answering || m.state == ready):
		return // said already
	case m.mayAsk(now) > now.Mono:
		out.Drop("hint-rate")
		return
	}
	m.begin(in, site)
	m.become(asking, "link hint", out)
	m.arm()
	m.solicit(now, out)
}

// leaves tells where the node is on a link, and whether a handover from there can be prepared: the routers make addresses of its link-layer
// address.
func (m *Mobile) leaves(port plane.Port) (handover.Site, bool) {
	site, ok := m.core.Site(port)
	return site, ok && site.CoA.IsValid() && site.Source.IsValid() && site.Service.IsValid() && !site.AtHome &&
		site.CoA == ip6.FromEUI64(site.Prefix, site.HW)
}

// begin is a handover to the next cell from where the node is. What was under way is over.
func (m *Mobile) begin(in engine.LinkHint, site handover.Site) {
	m.kerberos.Stop()
	m.port, m.hint, m.prev = in.Port, in, site
	m.id = m.rand.Uint16()
	m.tries, m.wait = 0, FirstInterval
	m.shin, m.known, m.bound, m.request = false, false, false, nil
	m.timers.Stop(prepare)
	m.timers.Stop(commit)
}

// mayAsk is when the next question may leave: MAX_RTSOLPR_RATE, RFC 5568 §6.1.1.
func (m *Mobile) mayAsk(now engine.Now) engine.Mono {
	if m.asks < RtSolPrRate {
		return now.Mono
	}
	return max(now.Mono, m.asked[0].Add(time.Second))
}

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
	out.Step("link hint", "handover redirect", engine.S("cell", m.hint.Attachment))
	m.timers.Set(again, now.Mono.Add(m.wait))
	m.wait *= 2
}

func (m *Mobile) unanswered(now engine.Now, out *engine.Effects) {
	switch {
	case m.state != asking:
	case m.tries < MaxRtSolPr:
		m.solicit(now, out)
	default:
		m.fellBack("access router does not answer about its neighbours", out)
	}
}

// ProxyAdvertised is the router's word that there is nothing to do, RFC 5568 §6.1.2.
func (m *Mobile) ProxyAdvertised(_ engine.Now, port plane.Port, p *ip6.Packet, adv *nd.PrRtAdv, out *engine.Effects) {
	if m.state != asking || port != m.port || adv.ID != m.id || p.Src != m.prev.Router || len(adv.AccessPoints) == 0 || adv.AccessPoints[0].HW != m.hint.HW {
		out.Drop("prrtadv-unexpected", engine.A("from", p.Src))
		return
	}
	if adv.AccessPoints[0].Outcome == nd.APSameRouter {
		m.stop("same router behind the next cell", out)
		return
	}
	m.fellBack("no fast handover to the next cell", out)
}

// onRedirect takes the order to go elsewhere: it forms the next care-of address and makes an ap-req for the next router.
//
// spec FH-01 FH-02 FH-03 FH-18 RT-05
func (m *Mobile) onRedirect(now engine.Now, in engine.Packet, p *ip6.Packet, r *fast.Redirect, proven bool, out *engine.Effects) {
	site, ok := m.leaves(in.Port)
	if !ok || p.Src != site.Service || in.From != site.RouterHW || p.Dst != site.CoA {
		out.Drop("redirect-stranger", engine.A("from", p.Src))
		return
	}
	if s := m.with(now, site.Service, site.CoA); s != nil && s.ah != nil && !proven {
		out.Drop("unprotected", engine.A("from", p.Src))
		return
	}
	hw, hwOK := r.RouterHW()
	cell := plane.HW(r.Options.LinkLayer)
	if cell == (plane.HW{}) {
		cell = hw
	}
	prefix := netip.PrefixFrom(r.Router.Addr(), r.Router.Bits()).Masked()
	coa := r.NewCareOf(site.CoA)
	who := lw.Principal(r.Options.Principal.String())
	solicited := m.state == asking && in.Port == m.port && cell == m.hint.HW
	switch {
	case in.Port == m.port && m.state == answering && cell == m.hint.HW && r.Router.Addr() == m.next.Router:
		m.acknowledge(out) // ours was lost
		return
	case in.Port == m.port && m.state == ready && cell == m.hint.HW:
		return
	case !solicited && !proven && !m.c.NetworkInitiated:
		out.Drop("redirect-unexpected", engine.A("from", p.Src))
		return
	case !hwOK || prefix.Bits() != 64 || !ip6.Routable(r.Router.Addr()) || prefix.Contains(site.CoA) || !prefix.Contains(coa) || !who.Router():
		out.Drop("redirect-unusable", engine.A("from", p.Src))
		return
	case !solicited && m.mayAsk(now) > now.Mono:
		out.Drop("hint-rate")
		return
	}
	if !solicited {
		m.count(now)
		m.begin(engine.LinkHint{Port: in.Port, Attachment: m.nameOf(in.Port, cell), HW: cell}, site)
	}
	m.timers.Stop(again)
	m.next = target{handover.Next{Attachment: m.hint.Attachment, RouterHW: hw, Router: r.Router.Addr(), Prefix: prefix, CoA: coa}, who}
	m.become(answering, "redirect", out)
	out.Step("handover redirect", "next router's answer", engine.A("ncoa", coa), engine.S("router", string(who)))
	m.timers.Set(prepare, now.Mono.Add(PrepareFor))
	m.ask(now, site.HW, out)
}

// nameOf is what the link layer called a cell when it hinted at it, or else the cell's identity as people write it.
func (m *Mobile) nameOf(port plane.Port, cell plane.HW) string {
	if m.hint.Port == port && m.hint.HW == cell {
		return m.hint.Attachment
	}
	return cell.String()
}

// ask begins the exchange with the next router, or the one here.
//
// spec FH-04 FH-13 FH-14 FH-15
func (m *Mobile) ask(now engine.Now, hw plane.HW, out *engine.Effects) {
	m.fill(now)
	spi := uint32(0)
	for spi < lw.MinSPI || m.hasSPI(spi) {
		spi = uint32(m.rand.Uint64())
	}
	m.facts(now, m.kerberos.Ask(now, lwkrb.Wish{Router: m.next.principal, Address: m.next.Router, CareOf: m.next.CoA, LinkLayer: hw[:], Want: offers, SPI: spi}, out), out)
	m.arm()
}

// fill takes the tickets that there are by now.
func (m *Mobile) fill(now engine.Now) {
	if m.c.Tickets != nil {
		for _, t := range m.c.Tickets(now) {
			m.kerberos.Put(t)
		}
	}
}

func (m *Mobile) hasSPI(spi uint32) bool {
	for _, s := range m.sessions {
		if s.ah != nil && s.ah.InSPI() == spi {
			return true
		}
	}
	return false
}

// heard takes what a router says about an ap-req: it proves itself.
//
// spec FH-10
func (m *Mobile) heard(now engine.Now, octets []byte, out *engine.Effects) {
	if octets == nil {
		out.Drop("fast-unexpected")
		return
	}
	m.facts(now, m.kerberos.Heard(now, octets, out), out)
}

func (m *Mobile) facts(now engine.Now, facts []lwkrb.Fact, out *engine.Effects) {
	for _, f := range facts {
		switch f := f.(type) {
		case *lwkrb.Request:
			m.request = f.Octets
			m.carry(out)
		case *lwkrb.Session:
			m.agreed(now, f, out)
		case lwkrb.Renew:
			if m.c.Renew != nil {
				m.c.Renew(now, f.Sealer, out)
			}
		case lwkrb.Failed:
			m.refused(now, f, out)
		}
	}
}

// carry takes the ap-req to the next router: through the one here, or straight if the node is there.
func (m *Mobile) carry(out *engine.Effects) {
	switch {
	case m.state == answering:
		m.acknowledge(out)
	case m.shin: // it is sent with what is due
	default:
		m.sayHere(nil, out)
	}
}

// acknowledge sends the Handover Redirect Ack, §3 and §6.1.
//
// spec FH-04
func (m *Mobile) acknowledge(out *engine.Effects) {
	if site, ok := m.core.Site(m.port); m.request == nil || !ok || site.CoA != m.prev.CoA || site.Service != m.prev.Service {
		return // the link is another already
	}
	ack := &fast.RedirectAck{}
	ack.Options.Lightweight = m.request
	if fast.Len(ack) > fast.MaxMessage {
		return
	}
	m.say(m.port, m.prev.CoA, onLink(m.prev.Service), m.sessionAt(m.prev.Service, m.prev.CoA), ack, out)
}

// say sends a message to a router by a link.
func (m *Mobile) say(by plane.Port, src, dst netip.Addr, s *session, msg fast.Message, out *engine.Effects) {
	p := ip6.Packet{Header: ip6.Header{HopLimit: fast.HopLimit, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6}
	p.Payload = fast.Append(nil, src, dst, msg)
	m.core.SendBy(by, s.seal(p.Append(nil), out), out)
}

// sessionAt is a session that there was, over or not: whoever it is with knows best.
func (m *Mobile) sessionAt(router, coa netip.Addr) *session {
	for i := range m.sessions {
		if s := &m.sessions[i]; s.router == router && s.coa == coa {
			return s
		}
	}
	return nil
}

// agreed: the next router knows the node.
//
// spec FH-10 FH-16
func (m *Mobile) agreed(now engine.Now, s *lwkrb.Session, out *engine.Effects) {
	m.remember(now, s)
	s.Erase()
	m.known, m.request = true, nil
	m.timers.Stop(prepare)
	out.Event(eventLetIn, engine.S("router", string(s.Router)), engine.A("coa", s.CareOf))
	switch m.state {
	case answering:
		m.become(ready, "the next router knows the node", out)
		out.Step("authenticated", "switch of the link", engine.A("ncoa", m.next.CoA))
		m.timers.Set(commit, now.Mono.Add(Patience))
		m.lend(now, m.prev)
		m.core.Leaving(m.port, out)
		out.Attach(m.port, m.hint.Attachment)
	case arrived:
		m.core.Forwarded(now, m.port, m.forward(), out)
		if m.bound {
			m.stop("the router knows the node", out)
		}
	case entering:
		m.inform(now, out)
		m.stop("the router knows the node", out)
		if m.unheard == m.port {
			m.unheard = plane.Kernel
			m.core.Register(now, m.port, out)
		}
	}
}

const eventLetIn = "authenticated" // scenario.EventAuthenticated

// remember keeps a session in place of an earlier one.
func (m *Mobile) remember(now engine.Now, l *lwkrb.Session) {
	n := session{m.next.Router, l.Router, l.CareOf, m.port, handover.SessionAH(l), l.Until, m.spoken[m.port].life, false}
	kept := m.sessions[:0]
	for _, s := range m.sessions {
		if (s.router != n.router || s.coa != n.coa) && s.until > now.Mono {
			kept = append(kept, s)
		}
	}
	if len(kept) >= MaxSessions {
		kept = append(kept[:0], kept[1:]...)
	}
	m.sessions = append(kept, n)
	m.timers.Set(renewal, now.Mono.Add(time.Duration(renewAt*float64(l.Until.Sub(now.Mono)))))
}

// refused: nothing came of it. The base strategy goes on.
//
// spec FH-22
func (m *Mobile) refused(now engine.Now, f lwkrb.Failed, out *engine.Effects) {
	why := "the next router does not answer"
	if f.Code != lw.None {
		why = "the next router, or its KDC: " + f.Code.String()
	} else if m.request == nil {
		why = "no ticket for the next router"
	}
	m.bar(now, m.next.Router)
	m.timers.Set(retry, now.Mono.Add(RetryAfter))
	m.request = nil
	if m.state != idle {
		m.fellBack(why, out)
	}
}

// bar does not ask a router again for a while.
func (m *Mobile) bar(now engine.Now, router netip.Addr) {
	kept := m.refusals[:0]
	for _, r := range m.refusals {
		if r.router != router && r.until > now.Mono {
			kept = append(kept, r)
		}
	}
	if len(kept) >= MaxSessions {
		kept = append(kept[:0], kept[1:]...)
	}
	m.refusals = append(kept, refusal{router, now.Mono.Add(RetryAfter)})
}

func (m *Mobile) barred(now engine.Now, router netip.Addr) bool {
	for _, r := range m.refusals {
		if r.router == router && r.until > now.Mono {
			return true
		}
	}
	return false
}

// onError takes a router's word that the handover will not do: with a word of lightweight Kerberos that one decides. Bare it is a hint, and the
// node goes unprepared, or takes another address.
//
// spec FH-08 FH-18 FH-22
func (m *Mobile) onError(now engine.Now, in engine.Packet, p *ip6.Packet, e *fast.HandoverError, proven bool, out *engine.Effects) {
	site, ok := m.core.Site(in.Port)
	if !ok || in.Port != m.port || p.Src != site.Service || in.From != site.RouterHW || e.CareOf != m.next.CoA || m.state == idle || m.state == asking {
		out.Drop("handover-error-unexpected", engine.A("from", p.Src))
		return
	}
	if s := m.with(now, site.Service, site.CoA); s != nil && s.ah != nil && !proven && (m.state == answering || m.state == ready) {
		out.Drop("unprotected", engine.A("from", p.Src))
		return
	}
	if e.Options.Lightweight != nil {
		m.facts(now, m.kerberos.Heard(now, e.Options.Lightweight, out), out)
		return
	}
	out.Event("fast.refused", engine.S("why", e.Options.Reason.String()))
	if m.state == answering || m.state == ready {
		m.core.Unforwarded(now, m.prev.CoA, out)
		m.bar(now, m.next.Router)
		m.fellBack("the next router: "+e.Options.Reason.String(), out)
		return
	}
	if e.Options.Reason == subopt.AddressInUse {
		m.renounce(now, out)
		return
	}
	m.bar(now, m.next.Router)
	m.fellBack("the router: "+e.Options.Reason.String(), out)
}
