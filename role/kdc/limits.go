package kdc

import (
	"container/list"
	"net/netip"

	"roam6/engine"
)

// rates counts requests before anything is done for them: those of each source, and all. The source that was quiet longest is forgotten
// first; it then begins with a full bucket, which is what it would have if it was quiet for two seconds.
type rates struct {
	whole engine.Bucket
	by    map[netip.Prefix]*list.Element
	order list.List // of *source; the front was heard last
}

type source struct {
	at     netip.Prefix
	bucket engine.Bucket
}

// sourceOf is what counts as one source: who has an IPv6 address has 2^64 of them.
func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits)
	return p
}

// take says whether one more request may be looked at, and else why not.
func (r *rates) take(now engine.Mono, from netip.Addr, perSource, whole int) (why string) {
	p := sourceOf(from)
	e := r.by[p]
	if e == nil {
		if r.order.Len() >= MaxSources {
			old := r.order.Back()
			delete(r.by, r.order.Remove(old).(*source).at)
		}
		if r.by == nil {
			r.by = map[netip.Prefix]*list.Element{}
		}
		e = r.order.PushFront(&source{at: p})
		r.by[p] = e
	}
	r.order.MoveToFront(e)
	if !e.Value.(*source).bucket.Take(now, 2*perSource, perSource) {
		return "rate-source"
	}
	if !r.whole.Take(now, 2*whole, whole) {
		return "rate-whole"
	}
	return ""
}
