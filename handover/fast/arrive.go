package fast

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	"roam6/wire/subopt"
)

// Expected says that the link came up where the redirect said. Where the link layer does not say where it is, the node looks around as ever.
func (m *Mobile) Expected(_ engine.Now, in engine.LinkUp) (handover.Next, bool) {
	named := in.Attachment != "" && in.Attachment == m.next.Attachment || in.Cell != plane.HW{} && in.Cell == m.hint.HW
	if in.Port != m.port || !named || in.HW != m.prev.HW || m.state != ready && (m.state != answering || m.request == nil) {
		return handover.Next{}, false
	}
	next := m.next.Next
	next.Announced = m.known
	return next, true
}

// Arrived goes on where the previous link ended. AddressReady follows, and sends the SHIN.
//
// spec FH-10 FH-11
func (m *Mobile) Arrived(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.state == answering { // it may be known by now, and not have heard it
		m.lend(now, m.prev)
	}
	m.become(arrived, "link up where expected", out)
	m.timers.Stop(commit)
	m.timers.Stop(prepare)
	m.shin = true
	if site, ok := m.core.Site(port); ok { // as the redirect said it, until it says so itself
		m.spoken[port] = spoken{site.Router, m.next.principal, 0}
	}
	out.Step("link up", "packets by the previous router", engine.A("coa", m.next.CoA))
	m.core.Forwarded(now, port, m.forward(), out)
}

// forward is the forwarding of this handover. Only who is known may send by it: the gate is shut for others.
func (m *Mobile) forward() handover.Forward {
	return handover.Forward{CoA: m.prev.CoA, Router: m.prev.Service, Life: Forwarding, Open: m.known}
}

// lend notes that the router of a site may be forwarding.
func (m *Mobile) lend(now engine.Now, from handover.Site) {
	m.lent = slices.DeleteFunc(m.lent, func(l lent) bool { return l.coa == from.CoA || l.until <= now.Mono })
	if len(m.lent) >= MaxSessions {
		m.lent = slices.Delete(m.lent, 0, 1)
	}
	m.lent = append(m.lent, lent{from.CoA, from.Service, now.Mono.Add(Forwarding)})
}

// within says whether the router of a link knows the node.
func (m *Mobile) within(now engine.Now, port plane.Port) bool {
	site, ok := m.core.Site(port)
	return ok && m.with(now, site.Service, site.CoA) != nil
}

// Carry takes a binding update along in the SHIN that is due. One that follows, before the router knows the node, goes into another; one that
// comes to a router which the node is not known to yet begins with it. See handover.Carrier.
//
// spec FH-11
func (m *Mobile) Carry(now engine.Now, port plane.Port, update []byte, out *engine.Effects) bool {
	defer m.arm()
	here := port == m.port && (m.state == arrived || m.state == entering)
	switch {
	case here && m.shin, here && !m.known && m.request != nil:
		return m.sayHere(update, out)
	case m.state == idle && m.enter(now, port, update, out):
		return true
	case m.spoken[port].principal != "" && !m.within(now, port):
		m.unheard = port
	}
	return false
}

// sayHere sends the SHIN: where the node is, who it is, and its binding update. Who is known says it under AH, and need not say who it is. It is
// false if the update did not fit.
//
// spec FH-10 FH-11
func (m *Mobile) sayHere(update []byte, out *engine.Effects) bool {
	site, ok := m.core.Site(m.port)
	if !ok || site.CoA != m.next.CoA {
		return false
	}
	m.shin = false
	a := fast.Announced{CareOf: netip.PrefixFrom(m.next.CoA, m.next.Prefix.Bits())}
	if m.next.CoA != ip6.FromEUI64(m.next.Prefix, site.HW) {
		a.HW = site.HW
	}
	a.Options = subopt.Handover{Lightweight: m.request, Embedded: update}
	var s *session
	if m.known {
		s = m.sessionAt(m.next.Router, m.next.CoA)
	}
	msg := &fast.SHIN{Announced: a}
	fits := fast.Len(msg) <= fast.MaxMessage
	if !fits {
		msg.Options.Embedded = nil
	}
	m.say(m.port, m.next.CoA, onLink(m.next.Router), s, msg, out)
	return fits
}

// stayed takes the forwarding back: the link was expected to switch and has not.
//
// spec FH-19
func (m *Mobile) stayed(now engine.Now, out *engine.Effects) {
	m.back(now, m.prev.CoA, m.prev.Service, m.port, out)
	m.fellBack("the link did not switch", out)
}

// settled notes where the node can send from, and ends the forwarding of the router that it is back at (appendix A).
//
// spec FH-19
func (m *Mobile) settled(now engine.Now, port plane.Port, out *engine.Effects) {
	site, ok := m.core.Site(port)
	if !ok || !site.CoA.IsValid() || site.AtHome {
		return
	}
	if i := slices.IndexFunc(m.lent, func(l lent) bool { return l.coa == site.CoA }); i >= 0 {
		m.core.Unforwarded(now, site.CoA, out)
		if m.state == arrived && port == m.port { // the router was told by a Handover
			m.lent = slices.Delete(m.lent, i, i+1)
		} else {
			m.back(now, site.CoA, m.lent[i].router, port, out)
		}
		if m.state == ready || m.state == answering {
			m.fellBack("the link came back where it was", out)
		}
	}
	if old := m.sites[port]; old.CoA != site.CoA {
		if m.state == ready || m.state == answering {
			m.fellBack("the link came up where it was not expected", out)
		}
		if m.state != arrived || port != m.port {
			m.left(now, port, old, out)
		}
		m.sites[port] = site
	}
}

// notice is a word to a router that the node has left: for how long it forwards, 0 to end it.
type notice struct {
	port        plane.Port
	router, coa netip.Addr // the previous ones
	now         netip.Addr // the node's address
	life        time.Duration
	tries       int
	wait        time.Duration
	at          engine.Mono
	held        bool // until the router here knows the node
}

// back says that the node is where a router forwards from. The address that it forwards to does not matter, but has to be another.
func (m *Mobile) back(now engine.Now, coa, router netip.Addr, port plane.Port, out *engine.Effects) {
	m.lent = slices.DeleteFunc(m.lent, func(l lent) bool { return l.coa == coa })
	m.post(notice{port: port, router: router, coa: coa, now: coa, wait: FirstNotify, at: now.Mono})
	out.Event("fast.released", engine.A("coa", coa), engine.A("par", router))
	m.notify(now, out)
}

// left asks the router that the node came from to forward, if it shares a key with it: nothing was prepared. The word goes when the router
// here lets it pass.
//
// spec RT-32
func (m *Mobile) left(now engine.Now, port plane.Port, old handover.Site, out *engine.Effects) {
	s := m.with(now, old.Service, old.CoA)
	site, _ := m.core.Site(port)
	if s == nil || s.ah == nil || old.Service == site.Service {
		return
	}
	m.post(notice{port: port, router: old.Service, coa: old.CoA, now: site.CoA, life: Forwarding, wait: FirstNotify, at: now.Mono, held: !m.within(now, port)})
	m.lend(now, old)
	m.notify(now, out)
	m.core.Forwarded(now, port, handover.Forward{CoA: old.CoA, Router: old.Service, Life: Forwarding}, out)
}

// post keeps one notice a previous address.
func (m *Mobile) post(n notice) {
	m.notices = slices.DeleteFunc(m.notices, func(o notice) bool { return o.coa == n.coa })
	if len(m.notices) >= MaxSessions {
		m.notices = slices.Delete(m.notices, 0, 1)
	}
	m.notices = append(m.notices, n)
}

// inform lets go what waited for the router here.
func (m *Mobile) inform(now engine.Now, out *engine.Effects) {
	for i := range m.notices {
		if n := &m.notices[i]; n.port == m.port && n.now == m.next.CoA {
			n.held = false
		}
	}
	m.notify(now, out)
}

// notify sends the notices that are due; each as often as any, since nobody answers.
//
// spec FH-19 RT-32
func (m *Mobile) notify(now engine.Now, out *engine.Effects) {
	at := engine.Never
	kept := m.notices[:0]
	for _, n := range m.notices {
		site, ok := m.core.Site(n.port)
		if !ok || site.CoA != n.now || n.tries >= MaxNotify || n.held && now.Mono.Sub(n.at) > handover.ExpectFor {
			continue // said, or gone elsewhere
		}
		if !n.held && n.at <= now.Mono {
			word := &fast.Notification{CareOf: n.now, Previous: n.coa, Lifetime: n.life}
			if n.life == 0 {
				word.CareOf = n.router // an address that is not the node's, since there is none
			}
			to := n.router
			if site.Service == to {
				to = onLink(to)
			}
			m.say(n.port, n.now, to, m.sessionAt(n.router, n.coa), word, out)
			n.tries++
			n.at, n.wait = now.Mono.Add(n.wait), 2*n.wait
		}
		if !n.held {
			at = min(at, n.at)
		}
		kept = append(kept, n)
	}
	m.notices = kept
	m.timers.Set(tell, at)
}
