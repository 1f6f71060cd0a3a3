package report

import (
	"fmt"
	"slices"
	"strconv"

	"roam6/scenario"
)

// Variant is what one strategy came to in a comparison.
type Variant struct {
	Name   string           `json:"name"`
	Result *scenario.Result `json:"result"`
	Checks []scenario.Check `json:"checks"`           // against what the scenario expects
	Beside string           `json:"beside,omitempty"` // why it is not held to that: the row is there for comparison
}

// Comparison is one row a variant, for a terminal of so many columns (0: any), and what was not as expected.
func Comparison(list []Variant, width int) []byte {
	t := &table{columns: []column{
		{head: "strategy"}, {head: "handovers", right: true, drop: 2}, {head: "failed", right: true},
		{head: "out median ms", name: "out", right: true}, {head: "max", name: "out", right: true},
		{head: "L3 median ms", name: "L3", right: true, drop: 4}, {head: "max", name: "L3", right: true, drop: 4},
		{head: "lost", right: true}, {head: "reord.", name: "reordered", right: true, drop: 7}, {head: "air", right: true, drop: 5}, {head: "octets", right: true, drop: 6},
		{head: "worst R", name: "R", right: true, drop: 1}, {head: "expected", drop: 3},
	}}
	several := slices.ContainsFunc(list, func(v Variant) bool { return v.Result.World != list[0].Result.World })
	for _, v := range list {
		s, air, name := v.Result.Totals, scenario.Air{}, v.Name
		if several {
			name += ", " + v.Result.World
		}
		for _, h := range v.Result.Handovers {
			air.Messages += h.Air.Messages
			air.Octets += h.Air.Octets
		}
		t.rows = append(t.rows, []string{
			name, thousands(s.Handovers), thousands(s.Failed), number(s.Interruption.P50), number(s.Interruption.Max),
			number(s.L3Overhead.P50), number(s.L3Overhead.Max), thousands(s.Lost), thousands(s.Reordered), thousands(air.Messages), thousands(air.Octets),
			worstVoice(v.Result), verdict(v.Checks),
		})
	}
	left := t.fit(width)
	out := t.String() + leftOut(left, width)
	out += fold(comparisonLegend, width)
	if i := slices.IndexFunc(list, func(v Variant) bool { return v.Beside != "" }); i >= 0 {
		out += fold("expected –: "+list[i].Beside, width)
	}
	for _, v := range list {
		for _, c := range v.Checks {
			if !c.OK {
				out += fold(fmt.Sprintf("FAILED: %s: expected of %s: %s; came: %s", v.Name, c.Name, c.Want, c.Got), width)
			}
		}
		if excuse := Excuse(v.Result); excuse != "" && (v.Result.Disturbed() || !scenario.Passed(v.Checks)) {
			out += fold(fmt.Sprintf("%s: %s", v.Name, excuse), width)
		}
	}
	return []byte(out)
}

// comparisonLegend says what the columns mean.
const comparisonLegend = "out: interruption, the worse direction · L3: that less the imposed blackout · lost, reord.: packets of the probe, both ways\n" +
	"air: signalling packets on the radio · R: voice quality (E-model), 93.2 at best; 80 and more is good, below 60 bad\n"

func verdict(checks []scenario.Check) string {
	switch {
	case len(checks) == 0:
		return "–"
	case scenario.Passed(checks):
		return "ok"
	}
	return "FAILED"
}

func worstVoice(r *scenario.Result) string {
	var worst *scenario.Decimal
	for _, f := range r.Flows {
		if f.R != nil && (worst == nil || *f.R < *worst) {
			worst = f.R
		}
	}
	if worst == nil {
		return "–"
	}
	return strconv.FormatFloat(float64(*worst), 'f', 1, 64)
}
