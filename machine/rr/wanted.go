package rr

import (
	"net/netip"

	"roam6/engine"
)

// Wanted tells that a packet of the peer came through the home agent (RFC 6275 §11.7.2 says which packets count): a straight
// route would serve it better.
//
// spec MIP-04
func (m *Mobile) Wanted(now engine.Now, addr netip.Addr, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	if !m.away(s.now) {
		return nil
	}
	p := m.peers[addr]
	if p == nil {
		when := m.when(addr)
		if when == Never || !m.eligible(addr) || !m.starts.Take(s.now, StartBurst, StartRate) || !m.room(s, addr) {
			return nil
		}
		m.begin(s, m.enter(s, addr, when))
		return s.facts
	}
	p.touched, p.used = s.now, true
	if p.phase == current && s.now.Sub(p.updated) >= LostAfter || p.phase == idle {
		m.begin(s, p)
	}
	return s.facts
}

// Used tells that packets went or came by the peer's route of late; a look at the plane's counters every few seconds is
// enough. Routes that are not used are not refreshed.
func (m *Mobile) Used(now engine.Now, addr netip.Addr, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	p := m.peers[addr]
	if p == nil || p.phase != current {
		return nil
	}
	p.touched, p.used = s.now, true
	if _, armed := m.timers.Armed(timer{addr, refresh}); !armed && m.away(s.now) {
		m.begin(s, p) // its time came while nothing used it
	}
	return s.facts
}

// room makes room for a peer: a barred or idle one goes, the one not wanted for the longest time first. Peers with a route or an
// exchange under way stay.
func (m *Mobile) room(s *step, addr netip.Addr) bool {
	if len(m.peers) < m.cfg.Max {
		return true
	}
	var victim *peer
	for _, p := range m.peers { //order:any — the least is chosen, ties by address
		if p.phase != barred && p.phase != idle || p.holds > s.now || p.when == Always {
			continue
		}
		if victim == nil || p.touched < victim.touched || p.touched == victim.touched && p.addr.Less(victim.addr) {
			victim = p
		}
	}
	if victim != nil {
		m.forget(victim)
		return true
	}
	if m.told == 0 || s.now.Sub(m.told) >= ErrorInterval {
		m.told = max(s.now, 1)
		s.out.Event("route.full", engine.A("peer", addr))
	}
	return false
}

func (m *Mobile) enter(s *step, addr netip.Addr, when When) *peer {
	p := &peer{addr: addr, when: when, touched: s.now, seq: m.rand.Uint16()} // §11.7.2: begin at random
	m.peers[addr] = p
	return p
}
