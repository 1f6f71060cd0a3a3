package fast

import (
	"net/netip"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	lw "roam6/wire/lwkrb"
)

// enterIf begins an exchange at a router that asks who comes, if the update that was due has not.
func (m *Mobile) enterIf(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.state == idle {
		m.enter(now, port, nil, out)
	}
}

// enter authenticates the node to the router of a link where nothing was prepared: that says who it is in its advertisements. The binding update
// goes with the ap-req. It is false if there is nothing to begin.
//
// spec FH-11 FH-13 FH-14 FH-15
func (m *Mobile) enter(now engine.Now, port plane.Port, update []byte, out *engine.Effects) bool {
	site, ok := m.core.Site(port)
	who := m.spoken[port]
	switch {
	case !ok || !site.CoA.IsValid() || !site.Service.IsValid() || site.AtHome || who.router != site.Router || who.principal == "":
		return false
	case m.barred(now, site.Service):
		return false
	}
	if s := m.with(now, site.Service, site.CoA); s != nil {
		if again := m.renewed.Add(RenewAfter); !s.stale || m.renewed != 0 && again > now.Mono {
			if s.stale {
				m.timers.Set(retry, again)
			}
			return false
		}
		m.renewed = now.Mono
	}
	if m.fill(now); len(m.kerberos.Choices(now, who.principal)) == 0 { // they come in the background
		m.timers.Set(retry, now.Mono.Add(TicketWait))
		return false
	}
	return m.present(now, port, site, who.principal, update, out)
}

// present says who the node is to a router on its link.
func (m *Mobile) present(now engine.Now, port plane.Port, site handover.Site, who lw.Principal, update []byte, out *engine.Effects) bool {
	m.port, m.prev = port, site
	m.next = target{handover.Next{RouterHW: site.RouterHW, Router: site.Service, Prefix: site.Prefix, CoA: site.CoA}, who}
	m.known, m.bound, m.request, m.shin = false, false, nil, true
	m.become(entering, "the router asks who comes", out)
	m.ask(now, site.HW, out)
	if m.state != entering {
		return false
	}
	out.Step("authenticating", "access router", engine.A("coa", site.CoA))
	return m.sayHere(update, out)
}

// renew begins the next session where the node is, before this one ends. A router that does not agree closes its gate when it ends, and the
// node begins anew.
func (m *Mobile) renew(now engine.Now, out *engine.Effects) {
	if m.state != idle {
		m.timers.Set(renewal, now.Mono.Add(RetryAfter))
		return
	}
	for _, s := range m.sessions {
		site, ok := m.core.Site(s.port)
		if ok && site.CoA == s.coa && site.Service == s.router && s.until > now.Mono {
			m.present(now, s.port, site, s.principal, nil, out)
			return
		}
	}
}

// renounce takes another address: the one that the node has here is another's.
//
// spec FH-22
func (m *Mobile) renounce(now engine.Now, out *engine.Effects) {
	port, coa := m.port, m.next.CoA
	m.core.Unforwarded(now, m.prev.CoA, out)
	m.drop(coa)
	m.fellBack("the address is another's", out)
	m.core.Renounce(now, port, coa, out)
}

// drop forgets the sessions of an address.
func (m *Mobile) drop(coa netip.Addr) {
	kept := m.sessions[:0]
	for _, s := range m.sessions {
		if s.coa != coa {
			kept = append(kept, s)
		}
	}
	m.sessions = kept
}
