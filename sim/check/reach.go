package check

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/scenario"
	"roam6/sim"
)

// Reachable demands that every flow of a plan is delivered again, both ways, at most Within after the faults are over,
// and that from then on its silence is never longer than Within. A flow is between the addresses that the plan foresees: of a node that was
// assigned a home address, but never that one (the home network chose another home agent while the foreseen one was away), nothing can be
// demanded of it. A node that had the address and lost it gets no such pardon.
type Reachable struct {
	failure
	plan   *scenario.Plan
	from   time.Duration
	within time.Duration
	last   [][2]time.Duration // by flow and direction: sending time of the latest packet delivered since from
	sent   []map[uint32]time.Duration
	homes  map[string][]netip.Addr // assigned so far, by node
}

// NewReachable makes the checker for faults that are over at from.
func NewReachable(plan *scenario.Plan, from, within time.Duration) *Reachable {
	c := &Reachable{plan: plan, from: from, within: within, homes: map[string][]netip.Addr{}}
	for _, f := range plan.Flows {
		begin := max(from, f.Start)
		c.last = append(c.last, [2]time.Duration{begin, begin})
		c.sent = append(c.sent, map[uint32]time.Duration{}, map[uint32]time.Duration{})
	}
	return c
}

// Observe follows the flows; see sim.Checker.
func (c *Reachable) Observe(o sim.Observation) {
	switch o := o.(type) {
	case sim.Sent:
		if o.At >= c.from {
			c.sent[slot(o.Flow, o.Down)][o.Seq] = o.At
		}
	case sim.Delivered:
		sent := c.sent[slot(o.Flow, o.Down)]
		if at, ok := sent[o.Seq]; ok {
			delete(sent, o.Seq)
			c.delivered(o, at)
		}
	case sim.Handled:
		c.handled(o)
	case sim.Finished:
		c.finished(o.At)
	}
}

func (c *Reachable) handled(h sim.Handled) {
	for _, e := range h.Effects {
		if ev, ok := e.(engine.Event); ok && ev.Name == "home-address" {
			if a, err := netip.ParseAddr(ev.Get("hoa")); err == nil {
				c.homes[h.Node] = append(c.homes[h.Node], a)
			}
		}
	}
}

func slot(flow int, down bool) int {
	if down {
		return 2*flow + 1
	}
	return 2 * flow
}

func (c *Reachable) delivered(d sim.Delivered, sent time.Duration) {
	last := &c.last[d.Flow][slot(0, d.Down)]
	if gap := sent - *last; gap > c.within {
		c.silent(d.Flow, d.Down, *last, gap)
	}
	*last = max(*last, sent)
}

// finished looks at the end of every flow: its last packets may still be under way for as long as within.
func (c *Reachable) finished(end time.Duration) {
	for k, f := range c.plan.Flows {
		stop := f.Stop
		if stop == 0 || stop > end {
			stop = end
		}
		for dir := range 2 {
			if gap := stop - c.last[k][dir]; stop > max(c.from, f.Start) && gap > c.within {
				c.silent(k, dir == 1, c.last[k][dir], gap)
			}
		}
	}
}

func (c *Reachable) silent(flow int, down bool, since, gap time.Duration) {
	way := "from"
	if down {
		way = "toward"
	}
	f := c.plan.Flows[flow]
	if homes := c.homes[f.Mobile]; len(homes) > 0 && !slices.Contains(homes, f.MobileAddr) {
		return
	}
	c.fail("unreachable: nothing that flow %q sent %s %s after %v was delivered for %v; faults were over at %v, the bound is %v",
		f.Name, way, f.Mobile, since, gap, c.from, c.within)
}
