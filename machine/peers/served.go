package peers

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"roam6/engine"
	"roam6/wire/diameter"
)

// served is a request that the owner of the node has.
type served struct {
	used     bool
	proxy    bool
	gen      uint32
	p        *peer
	from     *link
	hop      uint32
	endToEnd uint32
	slot     int32 // under way to a peer by Forward; -1: not
	key      duplicate
	raw      []byte
	born     engine.Mono
}

// local gives a request to the owner, unless it is a copy of one that he has or had.
func (n *Node) local(p *peer, l *link, m diameter.Message) {
	if !n.speaks(m.App) {
		n.wrongWay(l, m, NoApplication, diameter.ApplicationUnsupported, "the application is not spoken here")
		return
	}
	if err := diameter.Check(m); err != nil {
		n.refuse(l, m, BadGrammar, err.(*diameter.Error))
		return
	}
	key := duplicateOf(m)
	if raw := n.done.find(key, n.now.Mono); raw != nil {
		n.count.Repeated++
		at := len(l.out)
		n.write(l, raw)
		diameter.SetHopByHop(l.out[at:], m.HopByHop)
		return
	}
	if i, ok := n.flight[key]; ok {
		// The answer goes the way of the newest copy: the one before may have been cut off.
		s := &n.served[i]
		s.from, s.hop = l, m.HopByHop
		n.drop(DuplicateWaits, p.host)
		return
	}
	n.arrive(p, l, m, false, key)
}

// arrive tells the owner of a request, and keeps it.
func (n *Node) arrive(p *peer, l *link, m diameter.Message, proxy bool, key duplicate) {
	if p.serving >= MaxServed || p.held >= MaxPeerOctets || n.held+len(m.Raw) > MaxServedOctets || len(n.idle) == 0 && len(n.served) >= MaxServedAll {
		n.unsent(l, m, diameter.TooBusy)
		return
	}
	if len(n.idle) == 0 {
		n.idle = append(n.idle, int32(len(n.served)))
		n.served = append(n.served, served{})
		n.byServed = append(n.byServed, node{})
	}
	i := n.idle[len(n.idle)-1]
	n.idle = n.idle[:len(n.idle)-1]
	s := &n.served[i]
	*s = served{used: true, proxy: proxy, gen: s.gen + 1, p: p, from: l, hop: m.HopByHop, endToEnd: m.EndToEnd, slot: -1, key: key,
		raw: append(s.raw[:0], m.Raw...), born: n.now.Mono}
	if !proxy {
		n.flight[key] = i
	}
	p.serving++
	p.held += len(s.raw)
	n.held += len(s.raw)
	n.serving.push(n.byServed, i)
	if !n.servingArmed {
		n.servingArmed = true
		n.timers.Set(timer{what: unserved}, s.born.Add(ServeAge))
	}
	m.Raw = s.raw
	n.facts = append(n.facts, Arrived{Handle: Handle(s.gen)<<32 | Handle(i), From: p.host, Message: m, Proxy: proxy})
}

// lookup finds the request of a handle.
func (n *Node) lookup(h Handle) (int32, *served) {
	if i := int(uint32(h)); i < len(n.served) {
		if s := &n.served[i]; s.used && s.gen == uint32(h>>32) {
			return int32(i), s
		}
	}
	return -1, nil
}

func (n *Node) unhold(i int32) {
	s := &n.served[i]
	if s.slot >= 0 {
		n.release(s.slot)
	}
	if !s.proxy {
		delete(n.flight, s.key)
	}
	s.p.serving--
	s.p.held -= len(s.raw)
	n.held -= len(s.raw)
	n.serving.remove(n.byServed, i)
	raw := s.raw // there may be keys in it
	if n.inHandle {
		clear(raw)
	} else { // facts of the last Handle may show it
		n.spend(raw)
	}
	if cap(raw) > MaxIdleSlot {
		raw = nil
	}
	*s = served{gen: s.gen, raw: raw}
	n.idle = append(n.idle, i)
}

// spend has memory of a message overwritten when facts and effects that may show it are nobody's any more: in the next Handle.
func (n *Node) spend(raw []byte) {
	if len(raw) > 0 {
		n.spent = append(n.spent, raw)
	}
}

// erase overwrites what was spent.
func (n *Node) erase() {
	for _, raw := range n.spent {
		clear(raw)
	}
	clear(n.spent)
	n.spent = n.spent[:0]
}

// unserve answers what the owner left lying.
func (n *Node) unserve() {
	n.servingArmed = false
	for i := n.serving.first; i >= 0; i = n.serving.first {
		s := &n.served[i]
		if ends := s.born.Add(ServeAge); ends > n.now.Mono {
			n.servingArmed = true
			n.timers.Set(timer{what: unserved}, ends)
			return
		}
		if m, err := diameter.Parse(s.raw); err == nil && !s.from.gone {
			m.HopByHop = s.hop
			n.refuse(s.from, m, NotAnswered, &diameter.Error{Code: diameter.TooBusy, Text: "not answered in time"})
		}
		n.unhold(i)
	}
}

// Message is a request that arrived and is not answered yet.
func (n *Node) Message(h Handle) (diameter.Message, bool) {
	_, s := n.lookup(h)
	if s == nil {
		return diameter.Message{}, false
	}
	m, err := diameter.Parse(s.raw)
	return m, err == nil
}

// Answer answers what Arrived. raw is as Builder.Reply begins it. A handle that is not known any more is ignored.
func (n *Node) Answer(now engine.Now, out *engine.Effects, h Handle, raw []byte) {
	n.enter(now, out)
	i, s := n.lookup(h)
	if s == nil {
		n.drop(AnswerLate, "")
		return
	}
	if len(raw) > diameter.MaxMessage { // the peer would take it for garbage
		m, _ := diameter.Parse(s.raw)
		n.drop(TooLong, s.p.host)
		raw = n.refusal(m, &diameter.Error{Code: diameter.UnableToComply, Text: "the answer is too long"})
	}
	raw = slices.Clone(raw)
	diameter.SetHopByHop(raw, s.hop)
	diameter.SetEndToEnd(raw, s.endToEnd)
	n.count.Answered++
	if !s.proxy && flagsOf(raw)&diameter.ErrorBit == 0 { // who says that he cannot now may be asked again
		n.remember(s.key, raw)
	} else {
		n.spend(raw)
	}
	if s.from.gone {
		n.drop(AnswerLate, s.p.host)
	} else {
		n.out.Write(s.from.id, raw)
	}
	n.unhold(i)
}

// Refuse answers what Arrived with what is wrong with it, or with the world.
func (n *Node) Refuse(now engine.Now, out *engine.Effects, h Handle, e *diameter.Error) {
	m, _ := n.Message(h)
	n.Answer(now, out, h, n.refusal(m, e))
}

// refusal is this node's own answer to a message; good until the next.
func (n *Node) refusal(m diameter.Message, e *diameter.Error) []byte {
	return n.own.Refuse(m, e, n.cfg.Host, n.cfg.Realm).Done()
}

// Forward sends on a request that Arrived with Proxy, perhaps edited. Passed follows, also where no peer can be reached: then with an
// answer of this node's own. Never in the same input.
func (n *Node) Forward(now engine.Now, out *engine.Effects, h Handle, raw []byte) {
	n.enter(now, out)
	k, sv := n.lookup(h)
	if sv == nil || !sv.proxy || sv.slot >= 0 {
		n.drop(AnswerLate, "")
		return
	}
	m, err := diameter.Parse(raw)
	if err != nil || !m.IsRequest() {
		panic("peers: Forward is given what is not a request")
	}
	i, ok := n.take(len(raw), sv.p)
	if !ok {
		n.passBack(h, n.host, slices.Clone(n.refusal(m, &diameter.Error{Code: diameter.TooBusy, Text: "too many requests wait"})))
		n.leave()
		return
	}
	s := &n.slots[i]
	s.buf = diameter.Relay(s.buf, m, 0, sv.p.host)
	diameter.SetEndToEnd(s.buf, sv.endToEnd)
	m.EndToEnd = sv.endToEnd
	n.filled(i, m, sv.p)
	s.kind, s.h, s.fromHop = proxied, h, sv.hop
	d := n.look(m)
	n.aim(s, &d, n.wayOf(d.realm, m.App))
	n.served[k].slot = i
	p, code := n.pick(s)
	if p == nil || len(s.buf) > diameter.MaxMessage {
		n.fail(i, code, NotDelivered)
		n.leave()
		return
	}
	n.send(i, p, false)
}

// passBack tells the owner of the answer to what he sent on.
func (n *Node) passBack(h Handle, from string, raw []byte) {
	_, s := n.lookup(h)
	if s == nil {
		return
	}
	s.slot = -1
	if m, err := diameter.Parse(raw); err == nil {
		n.facts = append(n.facts, Passed{Handle: h, From: from, Message: m})
	}
}

// Return gives back an answer that Passed, perhaps edited.
func (n *Node) Return(now engine.Now, out *engine.Effects, h Handle, raw []byte) {
	n.Answer(now, out, h, raw)
}

// duplicate names a request: its End-to-End Identifier and a sum over what no agent on the way changes. RFC 6733 §3 takes Origin-Host instead; but a
// peer that guessed both for another's request would be given the answer to that, and the keys in it.
type duplicate struct {
	endToEnd uint32
	sum      uint64
}

const (
	sumStart = 0xcbf29ce484222325
	sumPrime = 0x9e3779b97f4a7c15
)

func duplicateOf(m diameter.Message) duplicate {
	sum := uint64(sumStart) ^ uint64(m.Command)<<32 ^ uint64(m.App)
	for a := range m.All() {
		if a.Key == diameter.RouteRecord || a.Key == diameter.ProxyInfo {
			continue
		}
		for b := a.Raw(); len(b) >= 4; b = b[4:] {
			sum = bits.RotateLeft64((sum^uint64(binary.BigEndian.Uint32(b)))*sumPrime, 29)
		}
	}
	return duplicate{m.EndToEnd, sum}
}

// answered is the answers given not long ago, the oldest first.
type answered struct {
	at     map[duplicate]uint64 // number of the answer
	list   []old
	base   uint64 // number of list[0]
	octets int
}

type old struct {
	key duplicate
	at  engine.Mono
	raw []byte
}

func (d *answered) find(k duplicate, now engine.Mono) []byte {
	i, ok := d.at[k]
	if !ok || now.Sub(d.list[i-d.base].at) > AnsweredAge {
		return nil
	}
	return d.list[i-d.base].raw
}

// add keeps one more, and gives the memory of those that had to go for it.
func (d *answered) add(k duplicate, raw []byte, now engine.Mono, gone [][]byte) [][]byte {
	if d.at == nil {
		d.at = map[duplicate]uint64{}
	}
	d.at[k] = d.base + uint64(len(d.list))
	d.list = append(d.list, old{k, now, raw})
	d.octets += len(raw)
	return d.outdate(now, gone)
}

// outdate takes out what is too old or too much.
func (d *answered) outdate(now engine.Mono, gone [][]byte) [][]byte {
	for len(d.list) > MaxAnswered || d.octets > MaxAnsweredBytes || len(d.list) > 0 && now.Sub(d.list[0].at) > AnsweredAge {
		first := d.list[0]
		if d.at[first.key] == d.base {
			delete(d.at, first.key)
		}
		d.octets -= len(first.raw)
		d.list[0] = old{}
		d.list = d.list[1:]
		d.base++
		gone = append(gone, first.raw)
	}
	return gone
}

// remember keeps an answer for copies of its request.
func (n *Node) remember(k duplicate, raw []byte) {
	n.spent = n.done.add(k, raw, n.now.Mono, n.spent)
	if !n.doneArmed {
		n.doneArmed = true
		n.timers.Set(timer{what: outdated}, n.now.Mono.Add(AnsweredAge+1))
	}
}

// outdate lets the answers go that are kept no longer. There may be keys in them, so that they go also where no others come; many at once,
// lest each costs a Tick.
func (n *Node) outdate() {
	for _, raw := range n.done.outdate(n.now.Mono, nil) {
		clear(raw)
	}
	if n.doneArmed = len(n.done.list) > 0; n.doneArmed {
		n.timers.Set(timer{what: outdated}, max(n.done.list[0].at.Add(AnsweredAge+1), n.now.Mono.Add(OutdatedPause)))
	}
}
