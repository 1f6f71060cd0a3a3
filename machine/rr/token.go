package rr

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// maxTries is how often a question is put in one exchange.
const maxTries = 1 + MaxFailures

// test is a HoTI or CoTI that waits for its answer. Each sending has a cookie of its own (RFC 6275 §11.8); the answer to an
// earlier one still counts, or no round trip longer than the timeout would ever end.
type test struct {
	running bool
	tries   int
	wait    time.Duration
	cookies [maxTries][8]byte
	sent    [maxTries]engine.Mono
}

// token is a keygen token of a peer.
type token struct {
	value [8]byte
	index uint16
	coa   netip.Addr // of a care-of token: the address it is for
	until engine.Mono
}

// good reports whether an update may be made with the token: RFC 6275 §5.2.7.
func (t *token) good(now engine.Mono) bool { return t.until > now.Add(TokenMargin) }

// careToken is the token of a care-of address, nil if there is no good one.
func (p *peer) careToken(now engine.Mono, coa netip.Addr) *token {
	for i := range p.careOf {
		if t := &p.careOf[i]; t.coa == coa && t.good(now) {
			return t
		}
	}
	return nil
}

// test puts the question, unless it waits for an answer already.
func (m *Mobile) test(s *step, p *peer, k kind) {
	if t := &p.tests[k]; !t.running {
		*t = test{running: true, wait: InitialTimeout}
		m.ask(s, p, k)
	}
}

// ask sends a HoTI or CoTI: RFC 6275 §11.6.1.
//
// spec MIP-04
func (m *Mobile) ask(s *step, p *peer, k kind) {
	t, r := &p.tests[k], &p.rates[k]
	if free := r.free(s.now); free > s.now {
		m.timers.Set(timer{p.addr, k}, free)
		return
	}
	r.count(s.now)
	cookie := &t.cookies[t.tries]
	m.rand.Read(cookie[:])
	t.sent[t.tries] = s.now
	t.tries++
	m.timers.Set(timer{p.addr, k}, s.now.Add(t.wait))
	t.wait = min(2*t.wait, MaxTimeout)

	way, src := Straight, m.coa
	var msg mh.Message = &mh.CareOfTestInit{Cookie: *cookie}
	if k == homeTest {
		src = m.cfg.HomeAddress
		msg = &mh.HomeTestInit{Cookie: *cookie}
		if !m.atHome() {
			way = Through
		}
	}
	q := ip6.Packet{Header: ip6.Header{Src: src, Dst: p.addr}, Proto: ip6.ProtoMH}
	q.Payload = mh.Append(nil, src, p.addr, msg)
	s.facts = append(s.facts, Fact{Kind: way, Peer: p.addr, CoA: m.coa, Packet: q.Append(nil)})
}

// untested goes on when no answer came in time: RFC 6275 §5.2.9, §11.8.
func (m *Mobile) untested(s *step, p *peer, k kind) {
	t := &p.tests[k]
	if t.tries >= maxTries {
		p.silent = true
		m.bar(s, p, "no answer to the "+k.String(), SilentFor)
		return
	}
	m.ask(s, p, k)
}

// onTest takes a HoT or CoT: RFC 6275 §11.6.2.
//
// spec MIP-04
func (m *Mobile) onTest(s *step, q *ip6.Packet, k kind, through bool, cookie, value [8]byte, index uint16) {
	p := m.peers[q.Src]
	to := m.coa
	if k == homeTest {
		to = m.cfg.HomeAddress
	}
	switch {
	case q.HomeAddress.IsValid() || q.Routing2.IsValid():
		m.drop(s, q, BadHeaders)
	case p == nil || !p.tests[k].running:
		m.drop(s, q, TestUnexpected)
	case q.Dst != to:
		m.drop(s, q, WrongAddress)
	case k == homeTest && !m.atHome() && !through:
		m.drop(s, q, NotThrough)
	default:
		i := p.tests[k].match(cookie)
		if i < 0 {
			m.drop(s, q, WrongCookie)
			return
		}
		m.learn(p, k, token{value: value, index: index, coa: to, until: p.tests[k].sent[i].Add(MaxTokenLifetime)})
		p.tests[k] = test{}
		m.timers.Stop(timer{p.addr, k})
		m.advance(s, p)
	}
}

// match finds the sending that a cookie answers, -1 for none.
func (t *test) match(cookie [8]byte) int {
	for i := range t.tries {
		if t.cookies[i] == cookie {
			return i
		}
	}
	return -1
}

// learn keeps a token: that of the home address, or those of the last two care-of addresses.
func (m *Mobile) learn(p *peer, k kind, t token) {
	switch {
	case k == homeTest:
		p.home = t
	case p.careOf[0].coa == t.coa:
		p.careOf[0] = t
	default:
		p.careOf[0], p.careOf[1] = t, p.careOf[0]
	}
}
