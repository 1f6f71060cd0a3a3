package scenario

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"roam6/engine"
)

// change is a handover as the plan and the world tell it.
type change struct {
	node, from, to string
	notice         time.Duration // when the link layer announced it; first when it did not
	first          time.Duration // its first action but that; the handover's at_ms
	detach, attach time.Duration // notDone: there was none
	before         time.Duration // when the node's handover before this one began; notDone: there was none
	mbb            bool          // another interface was attached when the old link went
	window         window        // of packets
	told           window        // of events: a handover's preparations are its own
	settled        time.Duration // when gaps begin that are not its own any more
	wayUp          time.Duration // what packets up took before it; 0: unknown
	shaky          window        // when a machine that stands still makes its figures
}

// linkUp is when there was a link to go on with: the attachment, or at once when another interface was up.
func (c *change) linkUp() time.Duration {
	if c.attach != notDone {
		return c.attach
	}
	return c.first
}

// blackout is how long the radio kept the node from its new link.
func (c *change) blackout() time.Duration {
	if c.mbb || c.detach == notDone || c.attach == notDone {
		return 0
	}
	return max(0, c.attach-c.detach)
}

// changes reads the handovers that happened, in order.
func (m *Measure) changes() []*change {
	attached := map[string]map[string]string{} // node -> interface -> segment
	for _, n := range m.plan.Nodes {
		if m.mobiles[n.Name] == nil {
			continue
		}
		attached[n.Name] = map[string]string{}
		for _, f := range n.Ifaces {
			if !f.Kernel { // a link inside is no way out
				attached[n.Name][f.Name] = f.Segment
			}
		}
	}
	byNumber, announced, out := map[int]*change{}, map[int]time.Duration{}, []*change{}
	for i, a := range m.plan.Actions {
		if a.Verb == Hint && m.did[i] != notDone {
			announced[a.Handover] = m.did[i]
		}
		if a.Verb != Attach && a.Verb != Detach || m.did[i] == notDone || attached[a.Node] == nil {
			continue
		}
		links := attached[a.Node]
		c := byNumber[a.Handover]
		if c == nil && a.Handover >= 0 {
			c = &change{node: a.Node, notice: m.did[i], first: m.did[i], detach: notDone, attach: notDone}
			c.from, c.mbb = m.from(a, links)
			if at, ok := announced[a.Handover]; ok {
				c.notice = at
			}
			byNumber[a.Handover] = c
			out = append(out, c)
		}
		if a.Verb == Detach {
			links[a.Iface] = ""
		} else {
			links[a.Iface] = a.Segment
		}
		if c == nil {
			continue
		}
		if a.Verb == Detach {
			c.detach = m.did[i]
			c.to = m.best(a.Node, links)
		} else {
			c.attach, c.to = m.did[i], a.Segment
		}
	}
	m.windows(out)
	return out
}

// from gives the segment a handover begins on, and whether the node has another link meanwhile (make before break).
func (m *Measure) from(a Action, links map[string]string) (string, bool) {
	//spec RT-06
	others := map[string]string{}
	for name, segment := range links { //order:any
		if name != a.Iface {
			others[name] = segment
		}
	}
	other := m.best(a.Node, others)
	if a.Verb == Attach {
		return other, other != ""
	}
	return links[a.Iface], other != ""
}

// best is the segment of the first of a node's interfaces that is attached; "" for none.
func (m *Measure) best(node string, links map[string]string) string {
	for _, name := range m.mobiles[node].ifaces {
		if s := links[name]; s != "" {
			return s
		}
	}
	return ""
}

// windows ends each handover's window where the same node's next begins.
func (m *Measure) windows(changes []*change) {
	slices.SortStableFunc(changes, func(a, b *change) int { return cmp.Compare(a.first, b.first) })
	last := map[string]*change{}
	for _, c := range changes {
		c.before = notDone
		if p := last[c.node]; p != nil {
			c.before = p.first
			c.notice = max(c.notice, p.first)
			p.window.end, p.told.end = c.first, c.notice
		}
		c.window, c.told = window{c.first, m.plan.Length}, window{c.notice, m.plan.Length}
		last[c.node] = c
	}
}

// handover works out one handover.
func (m *Measure) handover(c *change) Handover {
	//spec RT-16
	//spec FH-21
	h := Handover{Mobile: c.node, From: c.from, To: c.to, Type: "bbm", Control: "mobile", At: Millis(c.first), Blackout: Millis(c.blackout())}
	if c.mbb {
		h.Type = "mbb"
	}
	x := m.mobiles[c.node]
	events := x.within(c.told)
	down, up := notDone, notDone
	if x.probe >= 0 {
		f := m.plan.Flows[x.probe]
		c.settled = c.settledBy(events)
		h.Down, down = m.flows[x.probe].down.direction(c.window, c.settled, f, c.blackout())
		h.Up, up = m.flows[x.probe].up.direction(c.window, c.settled, f, c.blackout())
		c.wayUp = m.flows[x.probe].up.before(c.window)
		h.Down.quiet, h.Up.quiet = m.flows[x.probe].down.quiet(c, f), m.flows[x.probe].up.quiet(c, f)
	}
	m.judge(&h, c, events, down, up)
	first := earliest(down, up)
	if first == notDone { // not measured, or nothing was delivered any more: until it was registered, or for ever
		first = c.window.end
		if h.Registered != nil {
			first = c.linkUp() + time.Duration(*h.Registered)
		}
	}
	for _, e := range events {
		if e.name == engine.EventHomeRoundTrip && e.at <= first {
			h.HomeRoundTrips++
		}
	}
	for _, f := range x.frames[sort.Search(len(x.frames), func(i int) bool { return x.frames[i].at >= c.notice }):] {
		if f.at > first || f.at >= c.window.end {
			break
		}
		h.Air.Messages++
		h.Air.Octets += f.octets
	}
	h.Timeline = timeline(c, events, down, up, x.probe >= 0)
	c.shaky = window{c.notice, max(c.registeredBy(events), h.Down.gapEnd, h.Up.gapEnd)}
	return h
}

// settledBy is when gaps that begin are not put down to the handover any more: settledAfter the node was registered, or the end
// of the window.
func (c *change) settledBy(events []told) time.Duration {
	return min(c.window.end, c.registeredBy(events)+settledAfter)
}

// registeredBy is when the node was registered, or the end of the window.
func (c *change) registeredBy(events []told) time.Duration {
	for _, e := range events {
		if e.at >= c.linkUp() && (e.name == engine.EventRegistered || e.name == engine.EventState) {
			return e.at
		}
	}
	return c.window.end
}

// judge sets outcome, reason and the times after link up.
func (m *Measure) judge(h *Handover, c *change, events []told, down, up time.Duration) {
	after := func(e told) *Millis { return millis(e.at - c.linkUp()) }
	fellBack, failed := "", ""
	var stands *Millis
	for _, e := range events {
		switch {
		case e.name == engine.EventFellBack:
			fellBack = or(e.reason, "no reason told")
		case e.name == engine.EventFailed:
			failed = or(e.reason, "no reason told")
		case e.at < c.linkUp():
		case e.name == engine.EventRegistered && h.Registered == nil:
			h.Registered = after(e)
		case e.name == engine.EventState && stands == nil:
			stands = after(e)
		case e.name == EventAuthenticated && h.Authenticated == nil:
			h.Authenticated = after(e)
		case e.name == EventQoSRestored && h.QoSRestored == nil:
			h.QoSRestored = after(e)
		}
	}
	same := ""
	if h.Registered == nil && stands != nil {
		h.Registered, same = stands, "the same router as before: the binding stands, nobody had to be told"
	}
	switch {
	case h.Registered == nil:
		h.Outcome, h.Reason = Failed, or(failed, "not registered before the next handover or the end")
	case h.Down.Interruption != nil && down == notDone && c.window.end-c.first > defaultStop:
		h.Outcome, h.Reason = Failed, "registered, but no packet reached the mobile node any more"
	case h.Up.Interruption != nil && up == notDone && c.window.end-c.first > defaultStop:
		h.Outcome, h.Reason = Failed, "registered, but no packet of the mobile node arrived any more"
	case fellBack != "":
		h.Outcome, h.Reason = FellBack, fellBack
	default:
		h.Outcome, h.Reason = Registered, same
	}
}

// within gives the events of a window; they are in order of time.
func (x *mobile) within(w window) []told {
	from := sort.Search(len(x.events), func(i int) bool { return x.events[i].at >= w.start })
	to := sort.Search(len(x.events), func(i int) bool { return x.events[i].at >= w.end })
	return x.events[from:max(from, to)]
}

func earliest(a, b time.Duration) time.Duration {
	if a == notDone || b != notDone && b < a {
		return b
	}
	return a
}

// Result works out everything. It may be called again after more was recorded.
func (m *Measure) Result() *Result {
	r := &Result{
		Scenario: m.plan.Scenario, World: m.world, Strategy: m.plan.Strategy, Plane: m.plane, Seed: m.plan.Seed,
		Handovers: []Handover{}, Flows: []FlowResult{}, Drops: map[string]int{},
	}
	changes := m.changes()
	for _, c := range changes {
		r.Handovers = append(r.Handovers, m.handover(c))
	}
	m.outages(changes, r.Handovers)
	r.Stood = m.standstills(changes, r.Handovers)
	for i, f := range m.plan.Flows {
		r.Flows = append(r.Flows, m.flows[i].down.result(f, "down"), m.flows[i].up.result(f, "up"))
	}
	for reason, n := range m.drops { //order:any
		r.Drops[reason] = n
	}
	r.Totals = totals(r.Handovers)
	return r
}

// result sums up one direction of a flow.
func (t *track) result(f Flow, direction string) FlowResult {
	all := window{0, 1<<63 - 1}
	r := FlowResult{Name: f.Name + ":" + direction}
	r.Lost, r.Duplicated, r.Reordered = t.count(all)
	for _, at := range t.sent {
		if at != notDone {
			r.Sent++
		}
	}
	r.Received = r.Sent - r.Lost
	r.Delay = t.oneWay()
	if f.Voice && r.Sent > 0 {
		rating, late := t.rating()
		d := Decimal(rating)
		r.R, r.Late = &d, &late
	}
	return r
}

func totals(handovers []Handover) Totals {
	t := Totals{Handovers: len(handovers)}
	var interruption, overhead []time.Duration
	for _, h := range handovers {
		if h.Outcome == Failed {
			t.Failed++
		}
		longest, over, ranked := time.Duration(0), time.Duration(0), false
		for _, d := range []Direction{h.Down, h.Up} {
			if d.Interruption == nil {
				continue
			}
			if d.Outage != nil { // else it is ranked with the handover it is put down to
				ranked, longest, over = true, max(longest, time.Duration(*d.Outage)), max(over, d.overhead)
			}
			t.Lost += *d.Lost
			t.Duplicated += *d.Duplicated
			t.Reordered += *d.Reordered
		}
		if ranked {
			interruption, overhead = append(interruption, longest), append(overhead, over)
		}
	}
	t.Interruption, t.L3Overhead = percentile(interruption), percentile(overhead)
	return t
}

// percentile ranks by the nearest-rank method: the smallest value that p percent of all do not exceed.
func percentile(d []time.Duration) Percentile {
	if len(d) == 0 {
		return Percentile{}
	}
	slices.Sort(d)
	rank := func(p int) *Millis { return millis(d[(p*len(d)+99)/100-1]) }
	return Percentile{P50: rank(50), P99: rank(99), Max: rank(100)}
}
