package ha

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// PreviousLifetime is how long packets of a mobile node are still taken from the care-of address before the present one. They
// left before the node knew of its new binding, or come by its previous access router (RFC 5568 §4), which is the longer way.
// RFC 6275 §10.4.5 would have them dropped; whoever can send them now could have a moment ago.
const PreviousLifetime = 5 * time.Second

// Order across the ways of a binding that moves, decision 9.
const (
	// SettleFor is how long packets by the new way wait for older ones at most: longer than a detour by another operator's
	// network, shorter than what a call would not survive.
	SettleFor = 200 * time.Millisecond
	// SettlePackets is how many wait at most, so that one node's burst cannot take all of the plane's room.
	SettlePackets = 512
	// CopyWindow is how far a copy by the way before may come behind: more than SettleFor. Copies come while a node does not know
	// yet whether its update was heard.
	CopyWindow = 500 * time.Millisecond
)

// previousWay is the number of that way in the plane; RFC 5648 numbers care-of addresses from 1.
const previousWay = 0xff00

// keepPrevious has the plane go on taking packets that come from the address before; prev is it, invalid when the binding is
// new. The node that says the same again has not heard the answer, and sends as before.
//
// spec MIP-09
func (a *Agent) keepPrevious(now engine.Now, m *mobile, prev netip.Addr, out *engine.Effects) {
	kept := m.keptPrevious()
	switch {
	case !prev.IsValid(), prev == m.binding.CoA() && !kept:
		return
	case prev != m.binding.CoA():
		for inner := range m.binding.inners() {
			out.Plane(plane.Op{Way: &plane.WayOp{Key: previousKey(inner), Way: plane.Way{Local: a.cfg.Address, Remote: prev, Unsure: true}}})
		}
	}
	if until := now.Mono.Add(PreviousLifetime); m.before != until {
		m.before = until
		a.moved.push(movedEntry{until, m.number})
	}
}

// dropPrevious takes nothing from there any longer.
func (a *Agent) dropPrevious(m *mobile, out *engine.Effects) {
	if m.keptPrevious() {
		a.endPrevious(m, out)
	}
}

// previousOver ends what dropPrevious ends, when its time has come; packets are compared with each other no longer.
func (a *Agent) previousOver(m *mobile, out *engine.Effects) {
	a.endPrevious(m, out)
	a.carry(m.binding, out)
}

// endPrevious takes those ways out of the plane.
func (a *Agent) endPrevious(m *mobile, out *engine.Effects) {
	m.before = 0
	for inner := range m.binding.inners() {
		out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: previousKey(inner)}})
	}
}

// keptPrevious says whether packets are taken from the care-of address before.
func (m *mobile) keptPrevious() bool { return m.before != 0 }

// movedQueue is who moved a moment ago, in the order of the moves, which is that of their ends, since all last equally long. Bindings
// that move so cost the agenda nothing. What was ended early, or goes on for longer, is passed over when its turn comes; each entry
// costs whoever makes it an authentic update, and is gone after PreviousLifetime.
type movedQueue struct {
	list []movedEntry
	head int // of list: the first that counts
}

// movedEntry is a mobile node whose mobile.before was set.
type movedEntry struct {
	until  engine.Mono
	number uint32
}

// movedKept is how many entries of an empty queue keep their room.
const movedKept = 1024

func (q *movedQueue) push(e movedEntry) {
	if len(q.list) == cap(q.list) && q.head > len(q.list)/2 {
		q.list, q.head = q.list[:copy(q.list, q.list[q.head:])], 0
	}
	q.list = append(q.list, e)
}

func (q *movedQueue) pop() {
	if q.head++; q.head < len(q.list) {
		return
	}
	if q.list, q.head = q.list[:0], 0; cap(q.list) > movedKept {
		q.list = nil
	}
}

// firstMoved is the mobile node whose way before ends first, and when; nil and Never if there is none.
func (a *Agent) firstMoved() (engine.Mono, *mobile) {
	for q := &a.moved; q.head < len(q.list); q.pop() {
		e := q.list[q.head]
		if m := a.order[e.number]; m != nil && m.before == e.until {
			return e.until, m
		}
	}
	return engine.Never, nil
}

func previousKey(inner netip.Prefix) plane.WayKey { return plane.WayKey{Inner: inner, ID: previousWay} }
