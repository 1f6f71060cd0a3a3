package scenario

import (
	"cmp"
	"slices"
	"time"
)

// share is what a handover has of the outages of one direction that touch its window.
type share struct {
	whole    time.Duration // the longest outage put down to it, from beginning to end
	overhead time.Duration // that less the blackouts it reaches over
	rest     time.Duration // the longest part in its window of an outage put down to another,
	of       int           // which is this one
}

// outages finds how long outages were as a whole. A window cuts what lasts longer; who waits for packets does not see windows. So
// each outage is put down to the handover of the node in whose window most of it lies, once and whole. A handover of which the
// longest outage is only a part of another's has none of its own.
func (m *Measure) outages(changes []*change, handovers []Handover) {
	of := map[string][]int{}
	for i, c := range changes {
		of[c.node] = append(of[c.node], i)
	}
	for node, mine := range of { //order:any
		x := m.mobiles[node]
		if x.probe < 0 {
			continue
		}
		slices.SortStableFunc(mine, func(a, b int) int { return cmp.Compare(changes[a].first, changes[b].first) })
		own := make([]*change, len(mine))
		for k, i := range mine {
			own[k] = changes[i]
		}
		f, t := m.plan.Flows[x.probe], &m.flows[x.probe]
		down, up := t.down.shares(own, f, m.plan.Length), t.up.shares(own, f, m.plan.Length)
		for k, i := range mine {
			handovers[i].Down.take(down[k], mine)
			handovers[i].Up.take(up[k], mine)
		}
	}
}

// take notes the outage of a direction that was measured, or whose it is a part of.
func (d *Direction) take(s share, numbers []int) {
	switch {
	case d.Interruption == nil:
	case s.whole >= s.rest:
		d.Outage, d.overhead = millis(s.whole), s.overhead
	default:
		d.partOf = 1 + numbers[s.of]
	}
}

// Shared is an outage that several handovers of a mobile node have a part in, as a whole.
type Shared struct {
	Mobile    string
	Handovers []int   // numbers in the result, from 0, in order
	Down, Up  *Millis // nil where only one of the handovers has a part
}

// Shared gives the outages that lasted over another handover, in order of the first.
func (r *Result) Shared() []Shared {
	var out []Shared
	at := map[int]int{} // the handover an outage is put down to -> place in out
	for i := range r.Handovers {
		for _, d := range []*Direction{&r.Handovers[i].Down, &r.Handovers[i].Up} {
			home := d.partOf - 1
			if home < 0 {
				continue
			}
			k, known := at[home]
			if !known {
				k = len(out)
				at[home], out = k, append(out, Shared{Mobile: r.Handovers[i].Mobile, Handovers: []int{home}})
			}
			s := &out[k]
			if !slices.Contains(s.Handovers, i) {
				s.Handovers = append(s.Handovers, i)
			}
			if d == &r.Handovers[i].Down {
				s.Down = r.Handovers[home].Down.Outage
			} else {
				s.Up = r.Handovers[home].Up.Outage
			}
		}
	}
	for k := range out {
		slices.Sort(out[k].Handovers)
	}
	return out
}

// shares puts every outage of a direction down to a handover. The changes are one node's, in order of time.
func (t *track) shares(changes []*change, f Flow, length time.Duration) []share {
	out := make([]share, len(changes))
	k, previous := 0, f.Start
	put := func(start, end time.Duration) {
		start = max(start, changes[0].first-f.Interval) // what was before any handover is none's doing
		for k < len(changes) && changes[k].window.end <= start {
			k++
		}
		t.put(out, changes, k, window{start, end}, f.Interval)
	}
	for _, a := range t.arrivals {
		put(previous, a.at)
		previous = max(previous, a.at)
	}
	if tail := min(length, f.Stop); tail-previous > 2*f.Interval { // nothing came any more, as in gap
		put(previous, tail)
	}
	return out
}

// put puts one time without packets down. From is the first change whose window it may touch.
func (t *track) put(out []share, changes []*change, from int, w window, interval time.Duration) {
	whole := w.end - w.start - interval
	if whole <= 0 {
		return
	}
	home, most, blackouts := -1, time.Duration(0), time.Duration(0)
	part := func(c *change) time.Duration { return min(w.end, c.window.end) - max(w.start, c.window.start) }
	n := from
	for ; n < len(changes) && changes[n].first < w.end; n++ {
		if p := part(changes[n]); p > most && w.start < changes[n].settled { // what begins later is not its own, as in gap
			home, most = n, p
		}
	}
	for i := from; i < n && home >= 0; i++ {
		p := part(changes[i])
		if w.start >= changes[i].settled {
			continue // nor is its blackout in it
		}
		blackouts += min(changes[i].blackout(), max(0, p))
		if i != home && p-interval > out[i].rest {
			out[i].rest, out[i].of = p-interval, home
		}
	}
	if home >= 0 && whole > out[home].whole {
		out[home].whole = whole
	}
	if home >= 0 {
		out[home].overhead = max(out[home].overhead, whole-blackouts)
	}
}
