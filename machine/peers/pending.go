package peers

import (
	"slices"

	"roam6/engine"
	"roam6/wire/diameter"
)

// slotBits of a hop-by-hop identifier are the number of a slot; the others count its uses, so that an answer to the request before is
// known as one.
const slotBits = 15

type kind uint8

const (
	ownRequest kind = iota
	relayed
	proxied
)

// slot is a request under way to a peer. It keeps the message, because another peer may have to be asked.
type slot struct {
	used      bool
	kind      kind
	recorded  bool  // the message has Route-Records
	redirects uint8 // followed
	gen, hop  uint32
	endToEnd  uint32
	command   uint32
	app       uint32
	tried     uint64 // bits of via, and directBit
	p         *peer  // asked now
	back      *peer  // where the request came from
	from      *link
	fromHop   uint32
	ctx       uint64 // of an own request
	h         Handle // of a proxied one
	direct    *peer  // Destination-Host, or a Redirect-Host
	via       []*peer
	buf       []byte
	born      engine.Mono
	sent      engine.Mono
}

const directBit = 1 << 63

// take makes a slot for a message of so many octets of a peer, nil if it is our own, or says that there is none.
func (n *Node) take(octets int, back *peer) (int32, bool) {
	if back != nil && back.asking >= MaxAsking || n.octets+octets > MaxPendingOctets || len(n.free) == 0 && len(n.slots) >= MaxPendingAll {
		return 0, false
	}
	if len(n.free) == 0 {
		n.free = append(n.free, int32(len(n.slots)))
		n.slots = append(n.slots, slot{})
		n.byAge, n.byPeer = append(n.byAge, node{}), append(n.byPeer, node{})
	}
	i := n.free[len(n.free)-1]
	n.free = n.free[:len(n.free)-1]
	s := &n.slots[i]
	*s = slot{used: true, gen: s.gen, buf: s.buf[:0], born: n.now.Mono}
	n.age.push(n.byAge, i)
	if !n.ageArmed {
		n.ageArmed = true
		n.timers.Set(timer{what: oldest}, s.born.Add(MaxAge))
	}
	return i, true
}

// filled notes what message a slot has, and which peer it came from, nil if it is our own.
func (n *Node) filled(i int32, m diameter.Message, back *peer) {
	s := &n.slots[i]
	if s.back = back; back != nil {
		back.asking++
	}
	s.endToEnd, s.command, s.app = m.EndToEnd, m.Command, m.App
	n.octets += len(s.buf)
}

// release ends a slot.
func (n *Node) release(i int32) {
	s := &n.slots[i]
	n.octets -= len(s.buf)
	n.age.remove(n.byAge, i)
	n.unassign(i)
	if s.back != nil {
		s.back.asking--
	}
	buf := s.buf // there may be keys in it; whoever was to have it has a copy
	clear(buf)
	if cap(buf) > MaxIdleSlot {
		buf = nil
	}
	*s = slot{gen: s.gen, buf: buf[:0]}
	n.free = append(n.free, i)
}

// pick chooses who is asked next: Destination-Host if it is a peer, then the route's peers in order. Passed over are those that were tried, that
// cannot take it now, that it came from, and that it passed through before (RFC 6733 §6.1.7). Without one it says which result that is.
func (n *Node) pick(s *slot) (*peer, diameter.ResultCode) {
	code := diameter.UnableToDeliver
	for i := -1; i < len(s.via); i++ {
		p, bit := s.direct, uint64(directBit)
		if i >= 0 {
			p, bit = s.via[i], 1<<i
		}
		switch {
		case p == nil || s.tried&bit != 0 || p == s.back:
		case p.watch != Okay || !p.state.open() || !p.caps.supports(s.app):
		case s.recorded && passed(s.buf, p.host):
		case p.pending.n >= MaxPending || p.octets >= MaxPeerOctets:
			code = diameter.TooBusy
		default:
			return p, 0
		}
	}
	return nil, code
}

// passed says whether a request has been at a host, by its Route-Records.
func passed(raw []byte, host string) bool {
	for a := range diameter.List(raw[diameter.HeaderLen:]).All() {
		if a.Key == diameter.RouteRecord && a.IsIdentity(host) {
			return true
		}
	}
	return false
}

// send gives a request to a peer. again says that it may have had it from another already: the T flag.
func (n *Node) send(i int32, p *peer, again bool) {
	s := &n.slots[i]
	n.unassign(i)
	s.p, s.sent = p, n.now.Mono
	if s.direct == p {
		s.tried |= directBit
	}
	for k, v := range s.via {
		if v == p {
			s.tried |= 1 << k
		}
	}
	s.gen++
	s.hop = s.gen<<slotBits | uint32(i)
	diameter.SetHopByHop(s.buf, s.hop)
	if again {
		diameter.SetFlags(s.buf, diameter.Request|diameter.Retransmitted|flagsOf(s.buf)&diameter.Proxiable)
	}
	p.pending.push(n.byPeer, i)
	p.octets += len(s.buf)
	p.count.Out++
	n.write(p.link(), s.buf)
	if p.pending.n == 1 {
		n.watchSet(p)
	}
}

func (n *Node) unassign(i int32) {
	if s := &n.slots[i]; s.p != nil {
		s.p.pending.remove(n.byPeer, i)
		s.p.octets -= len(s.buf)
	}
}

func flagsOf(raw []byte) diameter.Flags {
	h, _ := diameter.ParseHeader(raw)
	return h.Flags
}

// failover gives what a peer owes to others. What nobody else can be asked stays with it while its connection lives (lost is false): it may
// yet answer.
//
// spec DM-23
func (n *Node) failover(p *peer, lost bool) {
	moved := uint64(0)
	for i := p.pending.first; i >= 0; {
		next := n.byPeer[i].next
		if other, _ := n.pick(&n.slots[i]); other != nil {
			n.send(i, other, true)
			moved++
		} else if lost {
			n.fail(i, diameter.UnableToDeliver, NotDelivered)
		}
		i = next
	}
	if moved > 0 {
		n.count.FailedOver += moved
		n.out.Event("peer.failover", engine.S("peer", p.host), engine.A("requests", number(moved)))
	}
}

// fail ends a request that has no answer.
func (n *Node) fail(i int32, code diameter.ResultCode, reason string) {
	s := &n.slots[i]
	host := ""
	if s.p != nil {
		host = s.p.host
	}
	n.out.Drop(reason, engine.S("peer", host), engine.A("result", code))
	switch s.kind {
	case ownRequest:
		n.facts = append(n.facts, Unable{Ctx: s.ctx, Code: uint32(code)})
	case relayed:
		n.write(s.from, n.apology(s, code))
	case proxied:
		n.passBack(s.h, n.host, slices.Clone(n.apology(s, code)))
	}
	n.release(i)
}

// apology is this node's own answer to a request that it could not send on.
func (n *Node) apology(s *slot, code diameter.ResultCode) []byte {
	m, _ := diameter.Parse(s.buf)
	m.HopByHop = s.fromHop
	return n.refusal(m, &diameter.Error{Code: code, Text: "no peer answers"})
}

// expire ends what was under way for too long.
func (n *Node) expire() {
	n.ageArmed = false
	for n.age.first >= 0 {
		if ends := n.slots[n.age.first].born.Add(MaxAge); ends > n.now.Mono {
			n.ageArmed = true
			n.timers.Set(timer{what: oldest}, ends)
			return
		}
		n.fail(n.age.first, diameter.UnableToDeliver, NotAnswered)
	}
}

// answer takes an answer, finds who asked, and gives it to him.
func (n *Node) answer(p *peer, m diameter.Message) {
	i := int32(m.HopByHop & (1<<slotBits - 1))
	if int(i) >= len(n.slots) {
		n.drop(AnswerUnexpected, p.host)
		return
	}
	s := &n.slots[i]
	if !s.used || s.hop != m.HopByHop || s.p != p || s.endToEnd != m.EndToEnd || s.command != m.Command {
		n.drop(AnswerUnexpected, p.host)
		return
	}
	if m.Flags&diameter.ErrorBit != 0 && n.elsewhere(i, m) {
		return
	}
	switch s.kind {
	case ownRequest:
		if err := diameter.Check(m); err != nil {
			n.fail(i, err.(*diameter.Error).Code, BadGrammar)
			return
		}
		n.facts = append(n.facts, Answered{Ctx: s.ctx, Message: m})
	case relayed:
		if s.from.gone {
			n.drop(AnswerLate, s.back.host)
			break
		}
		diameter.SetHopByHop(m.Raw, s.fromHop)
		n.count.Relayed++
		n.write(s.from, m.Raw)
	case proxied:
		n.passBack(s.h, p.host, m.Raw)
	}
	n.release(i)
}

// elsewhere asks another peer if an answer says that this one could not do it: RFC 6733 §7.1.3, and §6.1.8 for redirects. These are answers, so
// that nobody may have seen the request: no T flag.
func (n *Node) elsewhere(i int32, m diameter.Message) bool {
	s := &n.slots[i]
	switch resultOf(m) {
	case diameter.TooBusy, diameter.UnableToDeliver, diameter.LoopDetected:
	case diameter.RedirectIndication:
		if !n.follow(s, m) {
			return false
		}
	default:
		return false
	}
	other, _ := n.pick(s)
	if other == nil {
		return false
	}
	n.count.Elsewhere++
	n.send(i, other, false)
	return true
}
