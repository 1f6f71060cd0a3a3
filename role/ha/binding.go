package ha

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/dad"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// brrAt is the part of a binding's lifetime after which its node is asked to refresh it. Nodes refresh earlier by themselves; this one
// is for those whose updates were lost.
const brrAt = 0.95

// binding is an entry of the binding cache: RFC 6275 §9.1. There may be millions: what few of them have stands apart (rest).
type binding struct {
	m       *mobile // whose
	*rest           // plain, for most
	coa     [16]byte
	expires engine.Mono
	Seq     uint16
	granted uint16 // lifetime, in units of mh.Unit
	asked   bool   // its node was asked to refresh it
}

// rest is what few bindings have.
type rest struct {
	// Of a mobile router (RFC 3963 §6.1.1): flag R, and the networks behind it, sorted.
	Router   bool
	Networks []netip.Prefix
	// Several care-of addresses, by BID; CoA is that of the first, and the binding lasts as long as any (RFC 5648). None: just CoA.
	Several []careOf
}

// plain is the rest of a binding that has none. Nobody writes to it: see own.
var plain = new(rest)

// own is a binding's rest to write to: copies of a binding share it.
func (b *binding) own() *rest {
	r := *b.rest
	b.rest = &r
	return b.rest
}

// HoA is the home address.
func (b *binding) HoA() netip.Addr { return b.m.hoa }

// CoA is the care-of address, of several the primary one.
func (b *binding) CoA() netip.Addr { return netip.AddrFrom16(b.coa) }

// Granted is the lifetime it was given.
func (b *binding) Granted() time.Duration { return time.Duration(b.granted) * mh.Unit }

const bindingBucket = "ha/binding"

// bind accepts a request.
//
// spec MIP-01 MIP-06
func (a *Agent) bind(now engine.Now, m *mobile, q request, out *engine.Effects) {
	granted := min(q.lifetime, a.cfg.MaxLifetime)
	if a.adv != nil { // not beyond the home prefix: RFC 6275 §10.3.1
		granted = min(granted, a.cfg.Advertise.Valid)
	}
	granted = a.engage(now, m, q, granted, out).Truncate(mh.Unit)
	b := &binding{m: m, coa: q.coa.As16(), Seq: q.standing(), granted: units(granted), expires: now.Mono.Add(granted), rest: plain}
	if q.router {
		b.rest = &rest{Router: true, Networks: q.networks}
	}
	q.several.settle(b)
	a.replace(now, m, b, q, granted, out)
}

// replace puts a binding in the place of the one before, if there is one: cache, record, home link, plane, acknowledgement, in that
// order, so that nothing is promised that would not survive a crash. When a binding moves the plane comes last: the way before must
// be known as such when the new one is taken up.
func (a *Agent) replace(now engine.Now, m *mobile, b *binding, q request, granted time.Duration, out *engine.Effects) {
	what := "binding.refreshed"
	switch {
	case m.binding == nil:
		what = "binding.added"
		a.bound++
	case m.binding.coa != b.coa:
		what = "binding.moved"
	}
	fresh, prev, old := m.binding == nil, netip.Addr{}, m.binding
	if !fresh && !b.holds(old.CoA()) {
		prev = old.CoA()
	} else if !fresh {
		prev = b.CoA()
	}
	m.binding, b.asked = b, false
	a.persist(now, b, out)
	a.uncarry(old, b, out)
	a.arm(m)
	if fresh {
		a.carry(b, out)
		a.represent(m, out)
	}
	out.Event(what, engine.S("hoa", m.name()), engine.A("coa", b.CoA()), engine.S("lifetime", granted.String()))
	a.answer(now, m, q, q.several.status(), q.seq, granted, out)
	if !fresh && (!b.like(old) || m.keptPrevious()) { // behind the answer: a node that waits for it takes nothing by the new way before
		a.keepPrevious(now, m, prev, out)
		a.carry(b, out)
	}
}

// like says whether the plane carries a binding as the one before it, which is so with most refreshes.
func (b *binding) like(old *binding) bool {
	return b.coa == old.coa && b.rest == plain && old.rest == plain
}

// exchange is replace where nobody asked.
func (a *Agent) exchange(now engine.Now, m *mobile, b *binding, out *engine.Effects) {
	old, prev := m.binding, b.CoA()
	if !b.holds(old.CoA()) {
		prev = old.CoA()
	}
	m.binding, b.asked = b, false
	a.persist(now, b, out)
	a.uncarry(old, b, out)
	a.arm(m)
	a.keepPrevious(now, m, prev, out)
	a.carry(b, out)
}

// deregister removes a binding on its node's wish. Plane and home link first: the acknowledgement must already take the straight way.
//
// spec MIP-01
func (a *Agent) deregister(now engine.Now, m *mobile, q request, out *engine.Effects) {
	a.engage(now, m, q, 0, out)
	a.supersede(now, m, out)
	m.letter = nil
	m.goneSeq, m.gone = q.seq, now.Mono.Add(MaxDeleteTimeout)
	a.dad.Stop(dad.Key{Port: a.cfg.Port, Addr: m.hoa})
	a.forget(m, out)
	out.Event("binding.removed", engine.A("hoa", m.hoa))
	a.answer(now, m, q, mh.Accepted, q.seq, 0, out)
}

// forget takes a binding out of cache, store, home link and plane.
func (a *Agent) forget(m *mobile, out *engine.Effects) {
	a.dropPrevious(m, out)
	a.speaker.Disown(a.key(m.hoa))
	if m.binding != nil {
		a.uncarry(m.binding, nil, out)
		m.binding = nil
		a.bound--
	}
	a.arm(m)
	out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: m.hoa}})
	out.Persist(bindingBucket, m.name(), nil)
}

func (a *Agent) persist(now engine.Now, b *binding, out *engine.Effects) {
	out.Persist(bindingBucket, b.m.name(), b.record(now))
}

// carry has the plane tunnel the packets of the home address and of the networks behind it.
func (a *Agent) carry(b *binding, out *engine.Effects) {
	p := a.path(b)
	for inner := range b.inners() {
		out.Plane(plane.Op{Path: &plane.PathOp{Inner: inner, Path: p}})
		a.carryOthers(b, inner, out)
		p.Control = false // mobility headers for nodes of a network are theirs
	}
}

// represent speaks for a home address on the home link from now on and tells every node there (RFC 6275 §10.4.1).
//
// spec MIP-06
func (a *Agent) represent(m *mobile, out *engine.Effects) {
	if a.adv == nil || !a.up {
		return
	}
	out.Plane(plane.Op{Local: &plane.LocalOp{Addr: m.hoa, Local: plane.Local{Port: a.cfg.Port, Proxy: true}}})
	a.speaker.Own(a.key(m.hoa), neighbor.Stance{HW: a.hw, Soft: true, Source: ip6.LinkLocal(a.hw), Router: m.binding != nil && m.binding.Router})
	a.speaker.Announce(a.key(m.hoa), out)
}

// restore takes up a binding of an earlier life, if it has not expired meanwhile.
func (a *Agent) restore(now engine.Now, r engine.Record, out *engine.Effects) {
	if r.Bucket != bindingBucket {
		return
	}
	hoa, _ := netip.ParseAddr(r.Key)
	m := a.mobiles[hoa]
	if m == nil {
		out.Event("record.unusable", engine.S("bucket", r.Bucket), engine.S("key", r.Key))
		return
	}
	b, err := readRecord(now, m, r.Value)
	if err != nil {
		out.Event("record.unusable", engine.S("bucket", r.Bucket), engine.S("key", r.Key))
		return
	}
	b.restrict()
	if b.expires <= now.Mono || !b.revive(now) {
		out.Persist(bindingBucket, r.Key, nil)
		return
	}
	if m.binding == nil {
		a.bound++
	}
	m.binding = b
	a.arm(m)
	a.carry(b, out)
	out.Event("binding.restored", engine.A("hoa", hoa), engine.A("coa", b.CoA()))
}
