package rr

import (
	"net/netip"
	"strconv"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// update is a Binding Update under way: RFC 6275 §11.7.2.
type update struct {
	out     bool // sent, and unanswered
	delayed bool // not sent yet: MaxUpdateRate
	tries   int  // of this exchange
	wait    time.Duration
	first   uint16 // sequence number of the first sending with these tokens
	sent    engine.Mono
	asked   time.Duration // lifetime; 0 removes
	coa     netip.Addr    // in the authenticator: the home address in a removal (§6.2.7)
	nonces  mh.NonceIndices
	kbm     [mip.KbmLen]byte
}

// update sends a Binding Update with the tokens there are, or waits until it may.
//
// spec MIP-04
func (m *Mobile) update(s *step, p *peer) {
	u := &p.bu
	u.asked = 0
	if !m.atHome() {
		// Not beyond the home registration: §11.7.2.
		if u.asked = min(m.cfg.Lifetime, m.until.Sub(s.now)).Truncate(mh.Unit); u.asked < mh.Unit {
			return // Registered tells when there is more
		}
	}
	u.out, u.first, u.sent, u.coa = true, p.seq+1, s.now, m.coa
	u.nonces, u.kbm = mh.NonceIndices{Home: p.home.index}, mip.Kbm(&p.home.value, nil)
	if !m.atHome() {
		careOf := p.careToken(s.now, m.coa)
		u.nonces.CareOf, u.kbm = careOf.index, mip.Kbm(&p.home.value, &careOf.value)
	}
	m.send(s, p)
}

// send puts the update on its way, again with a new sequence number.
func (m *Mobile) send(s *step, p *peer) {
	u, r := &p.bu, &p.rates[updating]
	if free := r.free(s.now); free > s.now {
		u.delayed = true
		m.timers.Set(timer{p.addr, updating}, free)
		return
	}
	u.delayed = false
	r.count(s.now)
	u.tries++
	p.seq++
	p.sent, p.wasSent = s.now, true
	s.out.Event("route.update", engine.A("peer", p.addr), engine.A("coa", u.coa), engine.S("sequence", strconv.Itoa(int(p.seq))), engine.S("try", strconv.Itoa(u.tries)))
	s.facts = append(s.facts, Fact{Kind: Straight, Peer: p.addr, CoA: m.coa, Packet: m.build(p)})
	m.mayHold(s, p)
	if m.cfg.NoAck {
		m.accepted(s, p, u.asked) // a refusal would be told all the same: §9.5.4
		return
	}
	m.foresee(s, p)
	m.timers.Set(timer{p.addr, updating}, s.now.Add(u.wait))
	u.wait = min(2*u.wait, MaxTimeout)
}

// mayHold notes that the peer may have the binding from now on, acknowledged or not.
func (m *Mobile) mayHold(s *step, p *peer) {
	p.holds = max(p.holds, s.now.Add(p.bu.asked))
	if p.bound != p.bu.coa {
		p.bound = netip.Addr{}
	}
}

// build makes the packet: RFC 6275 §11.7.2, §5.2.6.
func (m *Mobile) build(p *peer) []byte {
	u := &p.bu
	bu := &mh.BindingUpdate{Seq: p.seq, Ack: !m.cfg.NoAck, Lifetime: u.asked}
	bu.Options.Nonces = &u.nonces
	bu.Options.BindingAuth = make([]byte, mip.AuthLen)
	q := ip6.Packet{Header: ip6.Header{Src: m.coa, Dst: p.addr}, Proto: ip6.ProtoMH}
	if !m.atHome() {
		q.HomeAddress = m.cfg.HomeAddress
	}
	q.Payload = mh.AppendSigned(nil, m.cfg.HomeAddress, p.addr, bu, func(covered []byte) []byte {
		return mip.Authenticator(u.kbm, u.coa, p.addr, covered)
	})
	return q.Append(nil)
}

// unanswered goes on when no acknowledgement came in time: the update again, then one with new tokens, in case the peer
// has restarted and cannot tell us.
func (m *Mobile) unanswered(s *step, p *peer) {
	u := &p.bu
	if !u.delayed {
		m.retract(s, p, "no acknowledgement")
	}
	switch {
	case u.tries >= maxTries && !u.delayed:
		p.silent = true
		m.bar(s, p, "no acknowledgement", SilentFor)
	case u.tries == RenewAfter && !u.delayed:
		m.renew(s, p, true, true)
	default:
		m.again(s, p)
	}
}

// again sends the update again, with other tokens if these have become old.
func (m *Mobile) again(s *step, p *peer) {
	if !p.home.good(s.now) || !m.atHome() && p.careToken(s.now, m.coa) == nil {
		m.renew(s, p, false, false)
		return
	}
	m.send(s, p)
}

// renew throws tokens away and fetches what is missing.
func (m *Mobile) renew(s *step, p *peer, home, careOf bool) {
	m.timers.Stop(timer{p.addr, updating})
	p.phase, p.bu.out, p.bu.delayed = seeking, false, false
	if home {
		p.home = token{}
	}
	if careOf {
		p.careOf = [2]token{}
	}
	m.advance(s, p)
}

// onBA takes a Binding Acknowledgement: RFC 6275 §11.7.3.
//
// spec MIP-04
func (m *Mobile) onBA(s *step, q *ip6.Packet, ba *mh.BindingAck) {
	p := m.peers[q.Src]
	if reason := m.matches(p, q, ba); reason != "" {
		m.drop(s, q, reason)
		return
	}
	u := &p.bu
	switch st := ba.Status; {
	case st.NoncesExpired():
		p.stale++
		m.retract(s, p, "nonces expired")
		s.out.Event("route.refused", engine.A("peer", p.addr), engine.S("status", st.String()))
		m.renew(s, p, st != mh.ExpiredCareOfNonce, st != mh.ExpiredHomeNonce)
		return
	case st == mh.SequenceOutOfWindow:
		m.resequence(s, p, ba.Seq)
		return
	}
	m.timers.Stop(timer{p.addr, updating})
	u.out = false
	if ba.Status.Accepted() {
		m.accepted(s, p, min(ba.Lifetime, u.asked))
		return
	}
	s.out.Event("route.refused", engine.A("peer", p.addr), engine.S("status", ba.Status.String()))
	m.bar(s, p, "refused", RefusedFor)
}

// matches says why an acknowledgement is not the one that is waited for; "" if it is.
func (m *Mobile) matches(p *peer, q *ip6.Packet, ba *mh.BindingAck) string {
	stale := ba.Status.NoncesExpired()
	switch {
	case p == nil || !p.bu.out || p.bu.delayed && p.bu.first == p.seq+1:
		return AckUnexpected
	case q.HomeAddress.IsValid() || q.Dst != m.coa || q.EffectiveDst() != m.cfg.HomeAddress:
		return WrongAddress
	case !stale && !p.signed(q.Payload, &ba.Options):
		return AckUnsigned
	case ba.Status == mh.SequenceOutOfWindow:
		if int16(p.seq-ba.Seq) >= 0 {
			return AckSequence // about an earlier one, which a later one overtook: going back would use a number twice
		}
	case ba.Seq-p.bu.first > p.seq-p.bu.first:
		return AckSequence
	case stale && p.stale >= MaxStale:
		return AckStale
	}
	return ""
}

// signed verifies the authenticator: RFC 6275 §6.2.7.
func (p *peer) signed(payload []byte, o *mh.Options) bool {
	if len(o.BindingAuth) != mip.AuthLen || o.Auth != nil || o.AuthAAA != nil {
		return false
	}
	covered, got, err := mh.Covered(payload)
	return err == nil && mip.VerifyAuthenticator(p.bu.kbm, p.bu.coa, p.addr, covered, got)
}

// resequence takes over the peer's idea of the sequence number and sends again.
func (m *Mobile) resequence(s *step, p *peer, seq uint16) {
	s.out.Event("route.resequenced", engine.A("peer", p.addr), engine.S("sequence", strconv.Itoa(int(seq))))
	m.retract(s, p, "sequence number refused")
	if p.bu.tries >= maxTries {
		m.bar(s, p, "sequence number refused", RefusedFor)
		return
	}
	p.seq = seq
	p.bu.first, p.bu.sent = seq+1, s.now
	m.timers.Stop(timer{p.addr, updating})
	m.again(s, p)
}

// accepted notes what the peer holds. Its time counts from the sending of the update, so that ours ends first.
func (m *Mobile) accepted(s *step, p *peer, lifetime time.Duration) {
	if m.atHome() {
		s.out.Event("route.removed", engine.A("peer", p.addr))
		p.holds = s.now
		m.rest(s, p)
		return
	}
	u := &p.bu
	p.phase, p.stale, p.used, p.proven = current, 0, false, !m.cfg.NoAck
	p.bound, p.updated, p.touched = u.coa, s.now, s.now
	p.expires, p.lifetime = u.sent.Add(lifetime), lifetime
	if p.expires <= s.now {
		m.bar(s, p, "granted too little", RefusedFor)
		return
	}
	m.timers.Set(timer{p.addr, expire}, p.expires)
	m.armRefresh(p)
	m.ready(s, p)
}

// armRefresh sets the time of the next update.
func (m *Mobile) armRefresh(p *peer) {
	m.timers.Set(timer{p.addr, refresh}, p.expires.Add(-min(RefreshBefore, p.lifetime/4)))
}
