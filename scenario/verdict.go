package scenario

import (
	"fmt"
	"time"
)

// Check is one expectation of a scenario against a result.
type Check struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
	OK   bool   `json:"ok"`
}

// Verdict compares a result with what its scenario expects. The run has passed when every check is OK.
func Verdict(r *Result, e Expect) []Check {
	var out []Check
	add := func(name string, ok bool, want, got any) {
		out = append(out, Check{Name: name, Want: fmt.Sprint(want), Got: fmt.Sprint(got), OK: ok})
	}
	if e.Handovers != nil {
		least, most, nodes := countPerNode(r)
		add("handovers of each mobile node", nodes > 0 && least == *e.Handovers && most == *e.Handovers || nodes == 0 && *e.Handovers == 0, *e.Handovers, span(least, most))
	}
	if e.Outcome != "" {
		other := 0
		for _, h := range r.Handovers {
			if h.Outcome != e.Outcome {
				other++
			}
		}
		got := fmt.Sprintf("all %d", len(r.Handovers))
		if other > 0 {
			got = fmt.Sprintf("%d of %d otherwise", other, len(r.Handovers))
		}
		add("outcome", other == 0, "every handover "+e.Outcome, got)
	}
	if e.Failed != nil {
		add("failed", r.Totals.Failed <= *e.Failed, "at most "+Grouped(*e.Failed), Grouped(r.Totals.Failed))
	}
	longest := func(name string, limit *time.Duration, got *Millis) {
		if limit == nil {
			return
		}
		most, text := Millis(*limit), "not measured"
		ok := got == nil || *got <= most
		if got != nil {
			text = got.Reading()
			if !ok && text == most.Reading() { // more by less than a reader is told elsewhere
				text = got.String()
			}
			text += " ms"
		}
		add(name, ok, "at most "+most.Reading()+" ms", text)
	}
	longest("longest interruption", e.MaxInterruption, r.Totals.Interruption.Max)
	longest("largest L3 overhead", e.MaxOverhead, r.Totals.L3Overhead.Max)
	if e.MaxLost != nil {
		most := 0
		for _, h := range r.Handovers {
			for _, d := range []Direction{h.Down, h.Up} {
				if d.Lost != nil {
					most = max(most, *d.Lost)
				}
			}
		}
		add("lost in a handover", most <= *e.MaxLost, "at most "+Grouped(*e.MaxLost), Grouped(most))
	}
	if e.MinAccounted != nil {
		least := 1.0
		for _, h := range r.Handovers {
			least = min(least, Accounted(h))
		}
		add("explained by the timeline", least >= *e.MinAccounted, fmt.Sprintf("at least %.0f %%", 100**e.MinAccounted), fmt.Sprintf("%.1f %%", 100*least))
	}
	return out
}

// Passed reports whether every check is OK.
func Passed(checks []Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return true
}

// countPerNode is the least and the most handovers of a mobile node, and the number of mobile nodes.
func countPerNode(r *Result) (least, most, nodes int) {
	count := map[string]int{}
	for _, h := range r.Handovers {
		count[h.Mobile]++
	}
	for _, n := range count { //order:any
		if nodes == 0 || n < least {
			least = n
		}
		most = max(most, n)
		nodes++
	}
	return least, most, nodes
}

func span(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
