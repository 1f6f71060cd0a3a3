package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"roam6/scenario"
)

// Bounds of what Faults adds.
const (
	maxLoss      = 0.2
	maxDuplicate = 0.1
	maxReorder   = 0.1
	maxReorderBy = 50 * time.Millisecond
	maxJitter    = 20 * time.Millisecond
	maxSkew      = 2 * time.Second
	maxOutage    = 3 * time.Second // from a crash to the restart
	maxCrashes   = 2               // of one node
	// warmUp is left alone, so that the first registration can happen as the scenario means it.
	warmUp = 2 * time.Second
	// tailShare of the run, at its end, is free of faults.
	tailShare = 3
)

// QuietFrom is the time from which a plan made by Faults has no more faults: the start of its quiet tail.
func QuietFrom(length time.Duration) time.Duration { return length - length/tailShare }

// Faults gives a copy of a plan with trouble in it, drawn from the seed: loss, jitter, duplication and reordering on
// segments, crashes and restarts of nodes that run engines for others (not mobile nodes), skewed clocks. What the plan
// degrades itself is left to it. The last third of the run is quiet. Equal plans and seeds give equal plans.
func Faults(plan *scenario.Plan, seed uint64) *scenario.Plan {
	p := *plan
	p.Segments = slices.Clone(plan.Segments)
	p.Nodes = slices.Clone(plan.Nodes)
	p.Actions = slices.Clone(plan.Actions)
	quiet := QuietFrom(p.Length)
	if quiet <= warmUp {
		return &p
	}
	for _, s := range p.Segments {
		if slices.ContainsFunc(plan.Actions, func(a scenario.Action) bool {
			return a.Verb == scenario.Degrade && a.Segment == s.Name
		}) {
			continue
		}
		draw := scenario.Draw(seed, "fault", "segment", s.Name)
		p.Actions = append(p.Actions, segmentFaults(&draw, s, quiet)...)
	}
	for k := range p.Nodes {
		n := &p.Nodes[k]
		draw := scenario.Draw(seed, "fault", "node", n.Name)
		if n.Config == nil {
			continue
		}
		n.Skew += time.Duration(scenario.UpTo(&draw, 2*int64(maxSkew))) - maxSkew
		if !n.Userland {
			p.Actions = append(p.Actions, crashes(&draw, n.Name, quiet)...)
		}
	}
	slices.SortStableFunc(p.Actions, func(a, b scenario.Action) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return &p
}

// segmentFaults gives a segment up to three bad spells, the model as it was between them and after the last.
func segmentFaults(draw *rand.PCG, s scenario.Segment, quiet time.Duration) []scenario.Action {
	var out []scenario.Action
	spells := scenario.UpTo(draw, 3)
	at := warmUp
	for k := int64(0); k < spells; k++ {
		begin := at + time.Duration(scenario.UpTo(draw, int64(quiet-at)))
		end := begin + time.Duration(scenario.UpTo(draw, int64(quiet-begin)))
		bad := s.Link
		bad.Loss = min(1, bad.Loss+fraction(draw)*maxLoss)
		bad.Duplicate += fraction(draw) * maxDuplicate
		bad.Reorder += fraction(draw) * maxReorder
		bad.ReorderBy = max(bad.ReorderBy, time.Duration(scenario.UpTo(draw, int64(maxReorderBy))))
		bad.Jitter += time.Duration(scenario.UpTo(draw, int64(maxJitter)))
		out = append(out,
			scenario.Action{At: begin, Verb: scenario.Degrade, Segment: s.Name, Link: bad, Handover: -1, Note: "fault"},
			scenario.Action{At: end, Verb: scenario.Degrade, Segment: s.Name, Link: s.Link, Handover: -1, Note: "fault over"})
		at = end
	}
	return out
}

// crashes draws crashes of a node, each with its restart before the quiet tail.
func crashes(draw *rand.PCG, node string, quiet time.Duration) []scenario.Action {
	var out []scenario.Action
	at := warmUp
	for k := scenario.UpTo(draw, maxCrashes); k > 0 && at < quiet; k-- {
		down := at + time.Duration(scenario.UpTo(draw, int64(quiet-at)))
		up := min(quiet, down+time.Duration(scenario.UpTo(draw, int64(maxOutage))))
		out = append(out,
			scenario.Action{At: down, Verb: scenario.Crash, Node: node, Handover: -1, Note: "fault"},
			scenario.Action{At: up, Verb: scenario.Restart, Node: node, Handover: -1, Note: "fault over"})
		at = up
	}
	return out
}

// fraction draws from 0 up to 1.
func fraction(draw *rand.PCG) float64 { return float64(draw.Uint64()>>11) / (1 << 53) }
