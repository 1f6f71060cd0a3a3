package report

import (
	"strings"

	"roam6/scenario"
)

// Sweep is a table of one row a kind of run, for a terminal of so many columns (0: any). Kinds of the same link and home stand together.
func Sweep(list []*scenario.Sweep, width int) []byte {
	t := &table{columns: []column{
		{head: "blackout", right: true}, {head: "home", right: true}, {head: "strategy"}, {head: "plane", drop: 7}, {head: "handovers", right: true, drop: 3},
		{head: "failed", right: true, drop: 4}, {head: "fell back", right: true, drop: 5},
		{head: "lost", right: true}, {head: "dup.", name: "duplicated", right: true, drop: 2}, {head: "reord.", name: "reordered", right: true},
		{head: "quiet", right: true, drop: 2}, {head: "floor", right: true, drop: 2},
		{head: "↓ p50", name: "medians", right: true, drop: 1}, {head: "↓ p99", right: true}, {head: "↓ max", name: "largest", right: true, drop: 6},
		{head: "↑ p50", name: "medians", right: true, drop: 1}, {head: "↑ p99", right: true}, {head: "↑ max", name: "largest", right: true, drop: 6},
		{head: "as it claims"},
	}}
	for i, s := range list {
		blackout, home := number(&s.Blackout), number(&s.Home)
		if i > 0 && list[i-1].Blackout == s.Blackout && list[i-1].Home == s.Home {
			blackout, home = "", ""
		}
		t.rows = append(t.rows, []string{
			blackout, home, s.Strategy, s.Plane, thousands(s.Handovers), thousands(s.Failed), thousands(s.FellBack),
			thousands(s.Down.Lost + s.Up.Lost), thousands(s.Down.Duplicated + s.Up.Duplicated), thousands(s.Down.Reordered + s.Up.Reordered),
			number(noise(s)), number(&s.Floor), number(s.Down.L3Overhead.P50), number(s.Down.L3Overhead.P99), number(s.Down.L3Overhead.Max),
			number(s.Up.L3Overhead.P50), number(s.Up.L3Overhead.P99), number(s.Up.L3Overhead.Max), claim(s),
		})
	}
	left := t.fit(width)
	return []byte(t.String() + leftOut(left, width) + fold(sweepLegend, width))
}

// noise is the worse direction's.
func noise(s *scenario.Sweep) *scenario.Millis {
	down, up := s.Down.Quiet.P99, s.Up.Quiet.P99
	if down == nil || up != nil && *up > *down {
		return up
	}
	return down
}

// claim says whether a strategy is as it claims.
func claim(s *scenario.Sweep) string {
	switch {
	case s.Wrong == nil:
		return "–"
	case len(s.Wrong) == 0:
		return "yes"
	}
	return "NO: " + strings.Join(s.Wrong, ", ")
}

// sweepLegend says what the columns mean.
const sweepLegend = "blackout: without a link, ms · home: one way between operator and home, ms · lost, dup., reord.: packets of all handovers, both directions\n" +
	"↓ ↑: L3 overhead, interruption less blackout, ms, toward mn and from it\n" +
	"quiet: the longest gap in the second before a handover (p99), which the world makes by itself\n" +
	"floor: the least ↓ of packets that the previous router forwards, one way to the next router less the blackout\n"
