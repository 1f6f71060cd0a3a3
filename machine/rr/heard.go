package rr

import (
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Reasons why a message is dropped. Fixed words: drops are counted by them.
const (
	Fragmented      = "fragment"           // reassembly comes before
	Unexpected      = "unexpected-message" // none of HoT, CoT, BA, BRR, BE
	BadHeaders      = "rr-bad-headers"     // a Home Address option or routing header where §6.1 has none
	WrongAddress    = "rr-wrong-address"   // not to the address that was tested or bound
	TestUnexpected  = "test-unexpected"    // no such test is under way with this peer
	NotThrough      = "hot-not-tunnelled"  // a HoT that did not come out of the home agent's tunnel
	WrongCookie     = "test-cookie"        // not the cookie that was sent
	AckUnexpected   = "ba-unexpected"      // no update is under way with this peer
	AckUnsigned     = "ba-authenticator"   // no authenticator, or a wrong one
	AckSequence     = "ba-sequence"        // not about an update that is under way
	AckStale        = "ba-nonce-again"     // told of old nonces more than MaxStale times: perhaps forged
	ErrorUnexpected = "be-unexpected"      // about nothing that was sent
	AskUnexpected   = "brr-unexpected"     // no binding there, or asked for a moment ago
	ProblemForeign  = "problem-foreign"    // an ICMP error about nothing that was sent
)

// Heard takes a mobility message to the care-of or the home address that came from a correspondent, parsed from q;
// through says whether it came out of the home agent's tunnel. What is refused leaves a drop and changes nothing.
//
// spec MIP-04
func (m *Mobile) Heard(now engine.Now, q *ip6.Packet, msg mh.Message, through bool, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	if q.Fragment != nil {
		m.drop(s, q, Fragmented)
		return nil
	}
	switch msg := msg.(type) {
	case *mh.HomeTest:
		m.onTest(s, q, homeTest, through, msg.Cookie, msg.Keygen, msg.NonceIndex)
	case *mh.CareOfTest:
		m.onTest(s, q, careTest, through, msg.Cookie, msg.Keygen, msg.NonceIndex)
	case *mh.BindingAck:
		m.onBA(s, q, msg)
	case *mh.BindingRefreshRequest:
		m.onBRR(s, q)
	case *mh.BindingError:
		m.onBE(s, q, msg)
	default:
		m.drop(s, q, Unexpected)
	}
	return s.facts
}

// onBRR refreshes a binding that the peer asks for: RFC 6275 §11.7.4.
//
// spec MIP-04
func (m *Mobile) onBRR(s *step, q *ip6.Packet) {
	p := m.peers[q.Src]
	switch {
	case q.HomeAddress.IsValid() || q.Routing2.IsValid():
		m.drop(s, q, BadHeaders)
	case q.Dst != m.cfg.HomeAddress:
		m.drop(s, q, WrongAddress)
	case p == nil || p.phase != current || !m.away(s.now) || s.now.Sub(p.updated) < ErrorInterval || !p.believe(s.now):
		m.drop(s, q, AskUnexpected)
	default:
		m.begin(s, p)
	}
}

// onBE takes a Binding Error: RFC 6275 §11.3.6. It ends the route at once, which costs no packet; what it cannot do is
// have us begin again more often than every ErrorInterval.
//
// spec MIP-04
func (m *Mobile) onBE(s *step, q *ip6.Packet, be *mh.BindingError) {
	p := m.peers[q.Src]
	switch {
	case q.HomeAddress.IsValid() || q.Routing2.IsValid():
		m.drop(s, q, BadHeaders)
	case p == nil:
		m.drop(s, q, ErrorUnexpected)
	case be.Status == mh.UnknownBinding && p.route.IsValid() && be.HomeAddress == m.cfg.HomeAddress && q.Dst == p.route:
		m.unbound(s, p)
	case be.Status == mh.UnknownMHType && p.waits() && (q.Dst == m.coa || q.Dst == m.cfg.HomeAddress):
		m.bar(s, p, "mobility header unknown", UnableFor)
	default:
		m.drop(s, q, ErrorUnexpected)
	}
}

// unbound begins again with a peer that has no binding of ours.
func (m *Mobile) unbound(s *step, p *peer) {
	m.gone(s, p, "peer has no binding")
	p.proven = false
	m.timers.Stop(timer{p.addr, expire})
	p.bound, p.expires = netip.Addr{}, s.now // it may still hold one: the error may be forged
	if p.believe(s.now) {
		m.begin(s, p)
		return
	}
	p.silent = true
	m.bar(s, p, "peer has no binding", ErrorInterval)
}

// believe spends the one message that nobody can authenticate and that is believed in ErrorInterval.
func (p *peer) believe(now engine.Mono) bool {
	if p.hasErr && now.Sub(p.erred) < ErrorInterval {
		return false
	}
	p.erred, p.hasErr = now, true
	return true
}

// waits reports whether an answer of the peer is waited for.
func (p *peer) waits() bool {
	return p.tests[homeTest].running || p.tests[careTest].running || p.bu.out && !p.bu.delayed
}

// Problem takes an ICMPv6 Parameter Problem whose invoking packet has a mobility header, or a Home Address option, of
// ours. Code 1 says that its sender knows no mobility header and so cannot optimise routes (RFC 6275 §11.3.5, §11.6.2); it is
// believed if it quotes a cookie or sequence number that is waited for. Code 2 is told in an event, once in ErrorInterval, and nothing follows from it.
//
// spec MIP-04
func (m *Mobile) Problem(now engine.Now, e *icmp6.Error, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	q, err := ip6.Parse(e.Invoking)
	p := m.peers[q.Dst]
	switch {
	case err != nil || e.Type != icmp6.TypeParameterProblem || p == nil:
		m.drop(s, &q, ProblemForeign)
	case e.Code == icmp6.CodeOption && (m.problem == 0 || s.now.Sub(m.problem) >= ErrorInterval):
		m.problem = max(s.now, 1)
		s.out.Event("route.problem", engine.A("peer", p.addr), engine.S("problem", "Home Address option unknown"))
	case e.Code != icmp6.CodeNextHeader || !m.quotes(p, &q):
		m.drop(s, &q, ProblemForeign)
	default:
		m.bar(s, p, "mobility header unknown", UnableFor)
	}
	return s.facts
}

// quotes reports whether a packet is one of ours that waits for its answer.
func (m *Mobile) quotes(p *peer, q *ip6.Packet) bool {
	if q.Proto != ip6.ProtoMH || q.Fragment != nil || q.Src != m.coa && q.Src != m.cfg.HomeAddress {
		return false
	}
	msg, err := mh.ParseUnchecked(q.Payload)
	if err != nil {
		return false
	}
	switch msg := msg.(type) {
	case *mh.HomeTestInit:
		return p.tests[homeTest].running && p.tests[homeTest].match(msg.Cookie) >= 0
	case *mh.CareOfTestInit:
		return p.tests[careTest].running && p.tests[careTest].match(msg.Cookie) >= 0
	case *mh.BindingUpdate:
		return p.bu.out && msg.Seq == p.seq && p.signed(q.Payload, &msg.Options)
	}
	return false
}

func (m *Mobile) drop(s *step, q *ip6.Packet, reason string) {
	s.out.Drop(reason, engine.A("from", q.Src))
}

// Peer is one entry of the list as shown.
type Peer struct {
	Peer    netip.Addr  `json:"peer"`
	Phase   string      `json:"phase"`        // seeking, bound, barred
	CoA     netip.Addr  `json:"coa,omitzero"` // of the route; absent when there is none
	Seq     uint16      `json:"sequence"`     // of the last update
	Expires engine.Mono `json:"expires"`      // when the peer's binding ends; past when it has none
}

// View lists the peers by address, but for idle ones.
func (m *Mobile) View() []Peer {
	var list []Peer
	for _, p := range m.sorted() {
		if p.phase == idle {
			continue
		}
		list = append(list, Peer{p.addr, p.phase.String(), p.route, p.seq, p.expires})
	}
	return slices.Clip(list)
}
