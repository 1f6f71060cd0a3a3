package scenario

import "time"

// Sweep is what the handovers of several runs of one kind came to, each direction by itself.
type Sweep struct {
	World     string    `json:"world"`
	Strategy  string    `json:"strategy"`
	Plane     string    `json:"plane"`
	Blackout  Millis    `json:"l2_blackout_ms"`
	Home      Millis    `json:"home_ms"`  // one way between an operator and home
	Air       Millis    `json:"air_ms"`   // one way over the air
	Apart     Millis    `json:"apart_ms"` // one way between the routers of a move, the farthest ones
	Floor     Millis    `json:"floor_ms"` // the least L3 overhead of packets that the previous router forwards
	Runs      int       `json:"runs"`
	Handovers int       `json:"handovers"`
	FellBack  int       `json:"fell_back"`
	Failed    int       `json:"failed"`
	Down      SweepSide `json:"down"`
	Up        SweepSide `json:"up"`
	// Wrong is what is not as the strategy claims; empty when all is, nil when it claims nothing (see Judge).
	Wrong []string `json:"wrong"`
}

// SweepSide is one direction. The percentiles rank whole outages, each once.
type SweepSide struct {
	Lost         int        `json:"lost"`
	Duplicated   int        `json:"duplicated"`
	Reordered    int        `json:"reordered"`
	Interruption Percentile `json:"interruption_ms"`
	L3Overhead   Percentile `json:"l3_overhead_ms"`
	Quiet        Percentile `json:"quiet_ms"` // longest gaps in the second before each handover: what the world does by itself

	interruption, overhead, quiet []time.Duration
}

// Add takes the handovers of one more run in.
func (s *Sweep) Add(r *Result) {
	s.Runs++
	for i := range r.Handovers {
		h := &r.Handovers[i]
		s.Handovers++
		switch h.Outcome {
		case FellBack:
			s.FellBack++
		case Failed:
			s.Failed++
		}
		s.Down.add(&h.Down)
		s.Up.add(&h.Up)
	}
	s.Down.rank()
	s.Up.rank()
}

func (s *SweepSide) add(d *Direction) {
	if d.Interruption == nil {
		return
	}
	s.Lost += *d.Lost
	s.Duplicated += *d.Duplicated
	s.Reordered += *d.Reordered
	if d.quiet != notDone {
		s.quiet = append(s.quiet, d.quiet)
	}
	if d.Outage != nil { // else it is ranked with the handover it is put down to
		s.interruption, s.overhead = append(s.interruption, time.Duration(*d.Outage)), append(s.overhead, d.overhead)
	}
}

func (s *SweepSide) rank() {
	s.Interruption, s.L3Overhead, s.Quiet = percentile(s.interruption), percentile(s.overhead), percentile(s.quiet)
}

// Place works out what no strategy undercuts whose packets go from the previous router to the next: they are as late as the routers are
// apart, less the blackout in which they are on their way; in any case the air is to be crossed.
func (s *Sweep) Place(p *Plan) {
	for _, seg := range p.Segments {
		if seg.Air {
			s.Air = max(s.Air, Millis(seg.Link.Delay))
		}
	}
	cells := map[string]string{}
	for _, n := range p.Nodes {
		for _, f := range n.Ifaces {
			cells[n.Name] = f.Segment // of mobile nodes the one they begin in
		}
	}
	for _, a := range p.Actions {
		if a.Verb == Attach {
			s.Apart = max(s.Apart, Millis(p.apart(cells[a.Node], a.Segment)))
			cells[a.Node] = a.Segment
		}
	}
	s.Floor = max(s.Air, s.Apart-s.Blackout)
}

// apart is one way between the access routers of two cells of two-operators.
func (p *Plan) apart(from, to string) time.Duration {
	delays, operators := map[string]time.Duration{}, map[string]string{}
	for _, seg := range p.Segments {
		delays[seg.Name] = seg.Link.Delay
	}
	for _, c := range accessCells {
		operators[c.name] = c.operator
	}
	a, b := operators[from], operators[to]
	if a == "" || b == "" || from == to {
		return 0
	}
	way := delays[a+"-"+from] + delays[b+"-"+to]
	if a != b {
		way += delays["core-"+a] + delays["core-"+b]
	}
	return way
}

// Judge holds the handovers to what a strategy without loss claims: nothing lost, duplicated, or out of order, none that fell back or
// failed, and in 99 of 100 an L3 overhead of at most the floor and a tolerance toward the mobile node, and of the air and the tolerance
// from it, where nothing has to come from elsewhere. Where the world makes longer gaps without any handover, those are tolerated.
func (s *Sweep) Judge(tolerance time.Duration) {
	s.Wrong = []string{}
	wrong := func(bad bool, what string) {
		if bad {
			s.Wrong = append(s.Wrong, what)
		}
	}
	wrong(s.Handovers == 0, "no handover")
	wrong(s.Failed > 0, "failed")
	wrong(s.FellBack > 0, "fell back")
	wrong(s.Down.Lost+s.Up.Lost > 0, "lost")
	wrong(s.Down.Duplicated+s.Up.Duplicated > 0, "duplicated")
	wrong(s.Down.Reordered+s.Up.Reordered > 0, "reordered")
	late := func(side *SweepSide, least Millis) bool {
		allowed := Millis(tolerance)
		if side.Quiet.P99 != nil {
			allowed = max(allowed, *side.Quiet.P99)
		}
		return side.L3Overhead.P99 == nil || *side.L3Overhead.P99 > least+allowed
	}
	wrong(late(&s.Down, s.Floor), "L3 ↓")
	wrong(late(&s.Up, s.Air), "L3 ↑")
}
