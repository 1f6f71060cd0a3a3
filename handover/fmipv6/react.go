package fmipv6

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// settled notes where the node can send from, and asks the router it came from to send on what still goes there, unless that
// was prepared: RFC 5568 §3.2, reactive.
//
// spec MIP-09
func (m *Mobile) settled(now engine.Now, port plane.Port, out *engine.Effects) {
	site, ok := m.core.Site(port)
	if !ok || !site.CoA.IsValid() || site.AtHome {
		delete(m.sites, port)
		return
	}
	old := m.sites[port]
	m.sites[port] = site
	m.returned(now, port, site, out)
	switch _, keyed := m.keys[port]; {
	case !keyed, old.CoA == site.CoA, !old.CoA.IsValid(), !old.Service.IsValid(), old.Service == site.Service:
		return
	case m.state == arrived && m.port == port && site.CoA == m.next.CoA:
		return
	case m.state == asking, m.state == reacting, m.state == arrived:
		m.give("somewhere else", out)
	case m.state != idle:
		out.List = append(out.List, engine.Event{Name: engine.EventFellBack, Reason: "the link came up where it was not expected"})
	}
	m.port, m.prev, m.acked = port, old, false
	m.next = handover.Next{RouterHW: site.RouterHW, Router: site.Service, Prefix: site.Prefix, CoA: site.CoA}
	m.become(reacting, "address on another link", out)
	m.timers.Stop(commit)
	m.first, m.tries, m.wait = m.seq+1, 0, FirstFBU
	m.update(now, out)
}

// returned undoes what was asked of the router that the node is at again: it must deliver on its own link, RFC 5568 §5.6.
func (m *Mobile) returned(now engine.Now, port plane.Port, site handover.Site, out *engine.Effects) {
	i := slices.IndexFunc(m.leases, func(l lent) bool { return l.coa == site.CoA })
	if i < 0 {
		return
	}
	l := m.leases[i]
	m.core.Unforwarded(now, site.CoA, out)
	if m.state == arrived { // the router was told by Handover Initiate
		m.leases = slices.Delete(m.leases, i, i+1)
		return
	}
	m.release(now, l.coa, l.router, port, out)
	if m.state == ready || m.state == announcing {
		m.fellBack("the link came back where it was", out)
	}
}

// undo is a forwarding that the node asks to end.
type undo struct {
	coa, router netip.Addr
	port        plane.Port
	first       uint16 // sequence number of the first FBU about it
	tries       int
	wait        time.Duration
}

// release asks a router to forward no longer, until it says so. Only the latest is repeated: each ends by itself too.
func (m *Mobile) release(now engine.Now, coa, router netip.Addr, by plane.Port, out *engine.Effects) {
	m.leases = slices.DeleteFunc(m.leases, func(l lent) bool { return l.coa == coa })
	m.undo = undo{coa: coa, router: router, port: by, first: m.seq + 1, wait: FirstFBU}
	out.Event("fast.released", engine.A("coa", coa), engine.A("par", router))
	m.releaseAgain(now, out)
}

// releaseAgain sends the FBU with lifetime 0, as often as any.
func (m *Mobile) releaseAgain(now engine.Now, out *engine.Effects) {
	u := &m.undo
	if site, ok := m.core.Site(u.port); !ok || site.CoA != u.coa || u.tries == MaxFBU {
		m.undo = undo{} // gone elsewhere: there is no address to say it from
		return
	}
	u.tries++
	m.send(u.port, u.coa, u.coa, u.coa, u.router, 0, out)
	m.timers.Set(repeat, now.Mono.Add(u.wait))
	u.wait *= 2
}

// released takes the answer to a release; false if the message is none.
func (m *Mobile) released(p *ip6.Packet, ack *mh.FastBindingAck) bool {
	u := &m.undo
	if !u.coa.IsValid() || p.Src != u.router || ack.Seq-u.first > m.seq-u.first || !m.keys[u.port].proves(p, ack, u.coa, u.router) {
		return false
	}
	m.undo = undo{}
	m.timers.Stop(repeat)
	return true
}

// MaxLeases is how many forwardings are remembered; the oldest is forgotten for more.
const MaxLeases = 8

// lend notes that a router may be forwarding.
func (m *Mobile) lend(now engine.Now, coa, router netip.Addr) {
	m.leases = slices.DeleteFunc(m.leases, func(l lent) bool { return l.coa == coa })
	if len(m.leases) == MaxLeases {
		m.leases = slices.Delete(m.leases, 0, 1)
	}
	m.leases = append(m.leases, lent{coa, router, m.port, now.Mono.Add(Lifetime)})
	m.timers.Set(lease, m.leases[0].until)
}

// expire forgets forwardings that have run out.
func (m *Mobile) expire(now engine.Now, out *engine.Effects) {
	m.leases = slices.DeleteFunc(m.leases, func(l lent) bool { return l.until <= now.Mono })
	next := engine.Never
	for _, l := range m.leases {
		next = min(next, l.until)
	}
	m.timers.Set(lease, next)
}
