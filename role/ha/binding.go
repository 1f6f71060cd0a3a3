package ha

import (
	"encoding/json"
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

// binding is an entry of the binding cache: RFC 6275 §9.1. Its JSON is its durable record.
type binding struct {
	HoA     netip.Addr    `json:"hoa"`
	CoA     netip.Addr    `json:"coa"`
	Seq     uint16        `json:"seq"`
	Granted time.Duration `json:"granted"`
	Wall    int64         `json:"expires"` // nanoseconds since 1970: survives a restart
	// Of a mobile router (RFC 3963 §6.1.1): flag R, and the networks behind it, sorted.
	Router   bool           `json:"router,omitempty"`
	Networks []netip.Prefix `json:"networks,omitempty"`
	// Several care-of addresses, by BID; CoA is that of the first, and the binding lasts as long as any (RFC 5648). None: just CoA.
	Several []careOf `json:"several,omitempty"`
	expires engine.Mono
}

const bindingBucket = "ha/binding"

// due is what a timer of the cache is for.
type due struct {
	hoa  netip.Addr
	what dueKind
}

type dueKind uint8

const (
	expire dueKind = iota
	ask
	previous
	expireSome
)

func (d dueKind) String() string {
	return [...]string{"binding lifetime", "binding refresh request", "packets from the care-of address before", "lifetime of a care-of address"}[d]
}

// bind accepts a request.
//
// spec MIP-01 MIP-06
func (a *Agent) bind(now engine.Now, m *mobile, q request, out *engine.Effects) {
	granted := min(q.lifetime, a.cfg.MaxLifetime)
	if a.adv != nil { // not beyond the home prefix: RFC 6275 §10.3.1
		granted = min(granted, a.cfg.Advertise.Valid)
	}
	granted = granted.Truncate(mh.Unit)
	b := &binding{
		HoA: m.hoa, CoA: q.coa, Seq: q.seq, Granted: granted,
		Wall: now.Wall.Add(granted).UnixNano(), expires: now.Mono.Add(granted),
		Router: q.router, Networks: q.networks,
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
	case m.binding.CoA != b.CoA:
		what = "binding.moved"
	}
	fresh, prev, old := m.binding == nil, netip.Addr{}, m.binding
	if !fresh && !b.holds(old.CoA) {
		prev = old.CoA
	} else if !fresh {
		prev = b.CoA
	}
	m.binding = b
	a.persist(b, out)
	a.uncarry(old, b, out)
	a.arm(b)
	if fresh {
		a.carry(b, out)
		a.represent(m, out)
	}
	out.Event(what, engine.A("hoa", b.HoA), engine.A("coa", b.CoA), engine.S("lifetime", granted.String()))
	a.answer(now, m, q, q.several.status(), q.seq, granted, out)
	if !fresh { // behind the answer: a node that waits for it takes nothing by the new way before
		a.keepPrevious(now, m, prev, out)
		a.carry(b, out)
	}
}

// exchange is replace where nobody asked.
func (a *Agent) exchange(now engine.Now, m *mobile, b *binding, out *engine.Effects) {
	old, prev := m.binding, b.CoA
	if !b.holds(old.CoA) {
		prev = old.CoA
	}
	m.binding = b
	a.persist(b, out)
	a.uncarry(old, b, out)
	a.arm(b)
	a.keepPrevious(now, m, prev, out)
	a.carry(b, out)
}

// deregister removes a binding on its node's wish. Plane and home link first: the acknowledgement must already take the straight way.
//
// spec MIP-01
func (a *Agent) deregister(now engine.Now, m *mobile, q request, out *engine.Effects) {
	m.pending, m.letter = nil, nil
	m.gone = farewell{seq: q.seq, until: now.Mono.Add(MaxDeleteTimeout)}
	a.dad.Stop(dad.Key{Port: a.cfg.Port, Addr: m.hoa})
	a.forget(m, out)
	out.Event("binding.removed", engine.A("hoa", m.hoa))
	a.answer(now, m, q, mh.Accepted, q.seq, 0, out)
}

// forget takes a binding out of cache, store, home link and plane.
func (a *Agent) forget(m *mobile, out *engine.Effects) {
	a.timers.Stop(due{m.hoa, expire})
	a.timers.Stop(due{m.hoa, ask})
	a.timers.Stop(due{m.hoa, expireSome})
	a.dropPrevious(m, out)
	a.speaker.Disown(a.key(m.hoa))
	if m.binding != nil {
		a.uncarry(m.binding, nil, out)
		m.binding = nil
		a.bound--
	}
	out.Plane(plane.Op{Delete: true, Local: &plane.LocalOp{Addr: m.hoa}})
	out.Persist(bindingBucket, m.hoa.String(), nil)
}

func (a *Agent) persist(b *binding, out *engine.Effects) {
	v, err := json.Marshal(b)
	if err != nil {
		panic("ha: a binding is always JSON: " + err.Error())
	}
	out.Persist(bindingBucket, b.HoA.String(), v)
}

func (a *Agent) arm(b *binding) {
	a.timers.Set(due{b.HoA, expire}, b.expires)
	left := time.Duration(float64(b.Granted) * (1 - brrAt))
	a.timers.Set(due{b.HoA, ask}, b.expires.Add(-left))
	a.armSome(b)
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
	b := &binding{}
	if err := json.Unmarshal(r.Value, b); err != nil || a.mobiles[b.HoA] == nil {
		out.Event("record.unusable", engine.S("bucket", r.Bucket), engine.S("key", r.Key))
		return
	}
	left := time.Duration(b.Wall - now.Wall.UnixNano())
	if left <= 0 {
		out.Persist(bindingBucket, r.Key, nil)
		return
	}
	b.expires = now.Mono.Add(min(left, b.Granted)) // a clock stepped back must not prolong it
	b.restrict(a.mobiles[b.HoA])
	if !b.revive(now) {
		out.Persist(bindingBucket, r.Key, nil)
		return
	}
	if a.mobiles[b.HoA].binding == nil {
		a.bound++
	}
	a.mobiles[b.HoA].binding = b
	a.arm(b)
	a.carry(b, out)
	out.Event("binding.restored", engine.A("hoa", b.HoA), engine.A("coa", b.CoA))
}

func (a *Agent) bindingTick(now engine.Now, out *engine.Effects) {
	for d, ok := a.timers.Pop(now.Mono); ok; d, ok = a.timers.Pop(now.Mono) {
		m := a.mobiles[d.hoa]
		if m == nil || m.binding == nil {
			continue
		}
		switch d.what {
		case expire:
			out.Event("binding.expired", engine.A("hoa", m.hoa), engine.A("coa", m.binding.CoA))
			a.forget(m, out)
		case previous:
			a.previousOver(m, out)
		case ask:
			a.refreshRequest(now, m, out)
		case expireSome:
			a.someExpired(now, m, out)
		}
	}
}
