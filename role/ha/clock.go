package ha

import (
	"cmp"
	"slices"
	"time"

	"roam6/engine"
)

// A binding has one deadline on the agent's agenda, the first of what it waits for: with millions of them each further one
// would cost memory. Ways before have a queue of their own (movedQueue).

// dueKind is what a binding waits for.
type dueKind uint8

const (
	expire dueKind = iota
	ask
	previous
	expireSome
	depart
	retire
)

func (d dueKind) String() string {
	return [...]string{"binding lifetime", "binding refresh request", "packets from the care-of address before", "lifetime of a care-of address",
		"authorisation of a mobile node from AAA", "packets under keys that were replaced"}[d]
}

// due is the first of what a mobile node waits for; Never if nothing.
func (a *Agent) due(m *mobile) (at engine.Mono, what dueKind) {
	at, what = engine.Never, expire
	first := func(t engine.Mono, k dueKind) {
		if t < at {
			at, what = t, k
		}
	}
	if m.visitor {
		at, what = a.guestOf(m).due()
	}
	b := m.binding
	if b == nil {
		return at, what
	}
	first(b.expires, expire)
	if !b.asked {
		first(b.askAt(), ask)
	}
	if len(b.Several) > 0 {
		c := slices.MinFunc(b.Several, func(x, y careOf) int { return cmp.Compare(x.expires, y.expires) })
		first(c.expires, expireSome)
	}
	return at, what
}

// askAt is when the node of a binding is asked to refresh it.
func (b *binding) askAt() engine.Mono {
	return b.expires.Add(-time.Duration(float64(b.Granted()) * (1 - brrAt)))
}

// arm puts what a binding waits for on the agenda.
func (a *Agent) arm(m *mobile) {
	at, _ := a.due(m)
	a.agenda.Set(m.number, at)
}

// next is the first of what bindings wait for.
func (a *Agent) next() (engine.Mono, string) {
	at, number := a.agenda.Next()
	if over, _ := a.firstMoved(); over < at {
		return over, previous.String()
	}
	if at == engine.Never {
		return at, expire.String()
	}
	_, what := a.due(a.order[number])
	return at, what.String()
}

func (a *Agent) bindingTick(now engine.Now, out *engine.Effects) {
	for {
		at, _ := a.agenda.Next()
		if over, m := a.firstMoved(); over < at && over <= now.Mono {
			a.previousOver(m, out)
			continue
		}
		number, ok := a.agenda.Pop(now.Mono)
		if !ok {
			return
		}
		m := a.order[number]
		_, what := a.due(m)
		switch what {
		case expire:
			out.Event("binding.expired", engine.A("hoa", m.hoa), engine.A("coa", m.binding.CoA()))
			a.forget(m, out)
			continue
		case ask:
			m.binding.asked = true
			a.refreshRequest(now, m, out)
		case expireSome:
			a.someExpired(now, m, out)
		case depart:
			a.depart(now, a.guestOf(m), out)
			continue
		case retire:
			a.retire(a.guestOf(m), out)
		}
		a.arm(m)
	}
}
