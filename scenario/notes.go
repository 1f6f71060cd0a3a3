package scenario

import "strings"

// Note says what a scenario that is right does not measure, though its author may think so; "" when there is nothing to say.
func (s *Scenario) Note(p *Plan) string {
	for _, f := range p.Flows {
		if f.Probe {
			return ""
		}
	}
	text := "no flow has `probe: true`: handovers are seen, but no interruption, loss or overhead is measured"
	var idle []string
	for _, x := range []struct {
		key   string
		given bool
	}{
		{"max_interruption", s.Expect.MaxInterruption != nil}, {"max_l3_overhead", s.Expect.MaxOverhead != nil},
		{"max_lost", s.Expect.MaxLost != nil}, {"min_accounted", s.Expect.MinAccounted != nil},
	} {
		if x.given {
			idle = append(idle, x.key)
		}
	}
	if len(idle) > 0 {
		text += "; what expect says of " + strings.Join(idle, ", ") + " holds whatever happens"
	}
	if s.Topology == TwoOperators {
		text += "; a flow that measures: {name: probe, interval: 1ms, start: 5s, probe: true}"
	}
	return text
}
