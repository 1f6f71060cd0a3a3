package ebpf

import (
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"

	"roam6/plane"
)

// reasons names enum why of fast.c, in its order.
var reasons = [...]string{
	"path-slow", "waiting", "upper-layer", "length", "hop-limit", "too-big", "bad-address", "congestion", "no-route", "refused", "tunnel-unknown",
	"between-paths", "new-peer", "straight",
}

// Report is what the fast path has done and what it has left.
type Report struct {
	Links  []string    `json:"links,omitempty"` // interfaces with a program
	Why    string      `json:"why,omitempty"`   // why nothing is fast
	Paths  []PathCount `json:"paths,omitempty"` // in the order of their prefixes
	Left   []LeftCount `json:"left,omitempty"`
	Lost   int64       `json:"lost"`   // packets that the kernel dropped on their way to the plane
	Forced int         `json:"forced"` // times a path went ahead of a plane that could not catch up
}

// PathCount is one path: what took the fast way, of inner packets, and why the path is not fast, if it is not.
type PathCount struct {
	Inner    netip.Prefix `json:"inner"`
	Sent     plane.Count  `json:"sent"`
	Received plane.Count  `json:"received"`
	Slow     string       `json:"slow,omitempty"`
	Ways     []WayCount   `json:"ways,omitempty"` // of what was received, by further ways
}

// WayCount is what a further way of a path brought.
type WayCount struct {
	ID       uint16      `json:"id"`
	Received plane.Count `json:"received"`
}

// LeftCount is how many packets were left to the plane for a reason.
type LeftCount struct {
	Reason string `json:"reason"`
	N      uint64 `json:"n"`
}

// Report tells what there is to tell. A nil Fast has nothing.
func (f *Fast) Report() *Report {
	if f == nil {
		return nil
	}
	r := &Report{Links: slices.Sorted(maps.Values(f.names)), Why: f.off(), Lost: f.lost, Forced: f.forced}
	for _, p := range slices.SortedFunc(maps.Keys(f.entries), netip.Prefix.Compare) {
		e := f.entries[p]
		if !e.set {
			continue
		}
		c := PathCount{Inner: p, Slow: e.why}
		if e.slotted {
			c.Sent, c.Received = f.slots[e.slot].count(dirOut), f.slots[e.slot].count(dirIn)
		}
		for _, x := range e.ends {
			c.Ways = append(c.Ways, WayCount{x.id, plus(e.took[x.id], f.kernel.took(e.slot, x))})
		}
		r.Paths = append(r.Paths, c)
	}
	for i, n := range f.kernel.left() {
		if n > 0 && i < len(reasons) {
			r.Left = append(r.Left, LeftCount{reasons[i], n})
		}
	}
	return r
}

func (s *fastSlot) count(dir int) plane.Count {
	return plane.Count{Packets: atomic.LoadUint64(&s.Packets[dir]), Octets: atomic.LoadUint64(&s.Octets[dir])}
}

func plus(a, b plane.Count) plane.Count {
	return plane.Count{Packets: a.Packets + b.Packets, Octets: a.Octets + b.Octets}
}

// Add adds what was fast to what the plane counted, so that a path's counters tell all it carried.
func (r *Report) Add(c *plane.Counters) {
	if r == nil {
		return
	}
	at := map[netip.Prefix]PathCount{}
	for _, p := range r.Paths {
		at[p.Inner] = p
	}
	for i, w := range c.Ways {
		for _, x := range at[w.Inner].Ways {
			if x.ID == w.ID {
				c.Ways[i].Received = plus(w.Received, x.Received)
			}
		}
	}
	for i := range c.Paths {
		p := at[c.Paths[i].Inner]
		c.Paths[i].Sent, c.Paths[i].Received = plus(c.Paths[i].Sent, p.Sent), plus(c.Paths[i].Received, p.Received)
	}
}
