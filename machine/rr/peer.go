package rr

import (
	"net/netip"
	"time"

	"roam6/engine"
)

// phase of the exchange with a peer.
type phase uint8

const (
	seeking phase = iota // tokens are fetched, or an update is unanswered
	current              // the peer has our care-of address
	barred               // no exchange until the retry timer says so
	idle                 // nothing but its sequence number is kept, until the retry timer says so
)

func (p phase) String() string { return [...]string{"seeking", "bound", "barred", "idle"}[p] }

// peer is an entry of the binding update list: RFC 6275 §11.1.
type peer struct {
	addr  netip.Addr
	when  When
	phase phase

	tests  [2]test  // by kind: homeTest, careTest
	home   token    // of the home address
	careOf [2]token // of the last two care-of addresses, the newer first

	bu       update
	seq      uint16      // of the last update
	sent     engine.Mono // the last update
	wasSent  bool
	bound    netip.Addr // what the peer has acknowledged, until expires
	expires  engine.Mono
	lifetime time.Duration // granted
	holds    engine.Mono   // until then the peer may hold some binding, acknowledged or not
	route    netip.Addr    // what was told by Ready; invalid after Gone
	stale    int           // refusals for old nonces in this exchange

	used    bool        // since the last update
	proven  bool        // it acknowledged the last update that it answered: an update for another care-of address will be taken too
	silent  bool        // barred for want of answers
	updated engine.Mono // when the last update was accepted
	erred   engine.Mono // the last Binding Error or refresh request believed, for ErrorInterval
	hasErr  bool
	touched engine.Mono // last reason to keep the entry
	rates   [3]rate     // by kind: homeTest, careTest, updating
}

// kind is what a timer is for; the first three are kinds of messages as well.
type kind uint8

const (
	homeTest kind = iota
	careTest
	updating
	refresh
	expire
	retry
)

func (k kind) String() string {
	return [...]string{"home test", "care-of test", "correspondent's acknowledgement", "route refresh", "route lifetime", "route retry"}[k]
}

type timer struct {
	peer netip.Addr
	kind kind
}

// rate holds messages of a kind to one peer at MaxUpdateRate: RFC 6275 §11.8.
type rate struct {
	recent [MaxUpdateRate]engine.Mono
	sent   int
}

// free is when the next message may go.
func (r *rate) free(now engine.Mono) engine.Mono {
	if r.sent < MaxUpdateRate {
		return now
	}
	return max(now, r.recent[r.sent%MaxUpdateRate].Add(time.Second))
}

func (r *rate) count(now engine.Mono) {
	r.recent[r.sent%MaxUpdateRate] = now
	if r.sent++; r.sent == 2*MaxUpdateRate {
		r.sent = MaxUpdateRate
	}
}

// begin starts an exchange from scratch; a route that stands goes on meanwhile.
func (m *Mobile) begin(s *step, p *peer) {
	m.halt(p)
	p.phase, p.silent, p.stale = seeking, false, 0
	p.bu = update{wait: InitialTimeout}
	m.advance(s, p)
}

// halt stops what is under way with a peer, and its retry; what the peer holds still expires.
func (m *Mobile) halt(p *peer) {
	for _, k := range []kind{homeTest, careTest, updating, refresh, retry} {
		m.timers.Stop(timer{p.addr, k})
	}
	p.tests = [2]test{}
	p.bu.out = false
}

// advance does what the exchange needs next: a token, or the update.
func (m *Mobile) advance(s *step, p *peer) {
	if p.phase != seeking || p.bu.out || !m.coa.IsValid() {
		return
	}
	whole := true
	if !p.home.good(s.now) {
		whole = false
		if m.until > s.now {
			m.test(s, p, homeTest)
		}
	}
	if !m.atHome() && p.careToken(s.now, m.coa) == nil {
		whole = false
		m.test(s, p, careTest)
	}
	if whole && m.until > s.now {
		m.update(s, p)
	}
}

// ready tells of a route, if it is new.
func (m *Mobile) ready(s *step, p *peer) {
	if p.route == p.bound {
		return
	}
	p.route = p.bound
	s.out.Event("route.ready", engine.A("peer", p.addr), engine.A("coa", p.route))
	s.facts = append(s.facts, Fact{Kind: Ready, Peer: p.addr, CoA: p.route})
}

// foresee tells of a route that the update just sent is about to make. A peer that took one update takes the next; packets
// behind it on the same way find the binding, and none has to go round by the home agent and arrive late. If the
// update is lost after all, the peer says so by a Binding Error, and retract ends the route.
func (m *Mobile) foresee(s *step, p *peer) {
	if !p.proven || m.atHome() || p.route.IsValid() {
		return
	}
	p.route = p.bu.coa
	s.out.Event("route.foreseen", engine.A("peer", p.addr), engine.A("coa", p.route))
	s.facts = append(s.facts, Fact{Kind: Ready, Peer: p.addr, CoA: p.route})
}

// retract ends a route that was foreseen, and did not come.
func (m *Mobile) retract(s *step, p *peer, why string) {
	p.proven = false
	if p.route.IsValid() && p.route != p.bound {
		m.gone(s, p, why)
	}
}

// gone tells that a route has ended.
func (m *Mobile) gone(s *step, p *peer, why string) {
	s.out.Event("route.gone", engine.A("peer", p.addr), engine.A("coa", p.route), engine.S("why", why))
	s.facts = append(s.facts, Fact{Kind: Gone, Peer: p.addr, CoA: p.route})
	p.route = netip.Addr{}
}

// bar gives a peer up for a while: its packets go by the tunnel (RFC 6275 §5.2.9).
func (m *Mobile) bar(s *step, p *peer, why string, d time.Duration) {
	m.halt(p)
	p.proven = false
	s.out.Event("route.failed", engine.A("peer", p.addr), engine.S("why", why))
	if p.route.IsValid() {
		m.gone(s, p, why)
	}
	if m.atHome() {
		m.rest(s, p) // its binding, if it has one, ends by itself
		return
	}
	p.phase = barred
	m.timers.Set(timer{p.addr, retry}, s.now.Add(d))
}

// rest ends all business with a peer. Its sequence number is kept for as long as the peer may know it, so that none is used
// for two updates (RFC 6275 §11.7.2).
func (m *Mobile) rest(s *step, p *peer) {
	until := p.sent.Add(MaxBindingLifetime)
	if !p.wasSent || until <= s.now {
		m.forget(p)
		return
	}
	m.halt(p)
	m.timers.Stop(timer{p.addr, expire})
	p.phase, p.bound = idle, netip.Addr{}
	m.timers.Set(timer{p.addr, retry}, until)
}

func (m *Mobile) forget(p *peer) {
	m.halt(p)
	m.timers.Stop(timer{p.addr, expire})
	delete(m.peers, p.addr)
}

// Deadline is when Tick has something to do.
func (m *Mobile) Deadline() (engine.Mono, string) {
	at, t := m.timers.Next()
	return at, t.kind.String()
}

// Tick sends again, refreshes, and ends what is over.
//
// spec MIP-04
func (m *Mobile) Tick(now engine.Now, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	for t, ok := m.timers.Pop(s.now); ok; t, ok = m.timers.Pop(s.now) {
		p := m.peers[t.peer]
		switch t.kind {
		case homeTest, careTest:
			m.untested(s, p, t.kind)
		case updating:
			m.unanswered(s, p)
		case refresh:
			if p.used || p.when == Always {
				m.begin(s, p)
			}
		case expire:
			m.expired(s, p)
		case retry:
			m.retried(s, p)
		}
	}
	return s.facts
}

// expired ends what the peer has forgotten by now.
func (m *Mobile) expired(s *step, p *peer) {
	p.bound = netip.Addr{}
	if p.route.IsValid() {
		m.gone(s, p, "expired")
	}
	switch {
	case p.phase != current:
	case p.when == Always:
		m.begin(s, p)
	default:
		m.rest(s, p)
	}
}

// retried ends the time in which a peer was left alone. The next packet by the tunnel begins anew.
func (m *Mobile) retried(s *step, p *peer) {
	switch {
	case p.when == Always && m.away(s.now):
		m.begin(s, p)
	case p.phase == barred:
		m.rest(s, p)
	default:
		m.forget(p)
	}
}
