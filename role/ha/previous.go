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
	kept := a.keptPrevious(m)
	switch {
	case !prev.IsValid(), prev == m.binding.CoA() && !kept:
		return
	case prev != m.binding.CoA():
		for inner := range m.binding.inners() {
			out.Plane(plane.Op{Way: &plane.WayOp{Key: previousKey(inner), Way: plane.Way{Local: a.cfg.Address, Remote: prev, Unsure: true}}})
		}
	}
	if a.before == nil {
		a.before = map[uint32]engine.Mono{}
	}
	a.before[m.number] = now.Mono.Add(PreviousLifetime)
	a.arm(m)
}

// dropPrevious takes nothing from there any longer.
func (a *Agent) dropPrevious(m *mobile, out *engine.Effects) {
	if a.keptPrevious(m) {
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
	delete(a.before, m.number)
	for inner := range m.binding.inners() {
		out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: previousKey(inner)}})
	}
}

func previousKey(inner netip.Prefix) plane.WayKey { return plane.WayKey{Inner: inner, ID: previousWay} }
