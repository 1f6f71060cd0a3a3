package report_test

import (
	"strings"
	"testing"
	"time"

	"roam6/scenario"
	"roam6/scenario/report"
)

func TestSweepTable(t *testing.T) {
	ms := func(n int) *scenario.Millis { return new(scenario.Millis(time.Duration(n) * time.Millisecond)) }
	side := func(n int) scenario.SweepSide {
		return scenario.SweepSide{Lost: n, Reordered: 2 * n, L3Overhead: scenario.Percentile{P50: ms(n), P99: ms(n + 1), Max: ms(n + 2)}}
	}
	list := []*scenario.Sweep{
		{Strategy: "fmipv6", Plane: "soft", Blackout: *ms(20), Home: *ms(40), Floor: *ms(4), Handovers: 1000, Down: side(0), Up: side(0), Wrong: []string{}},
		{Strategy: "mipv6", Plane: "soft", Blackout: *ms(20), Home: *ms(40), Floor: *ms(4), Handovers: 1000, Down: side(2000), Up: side(2000)},
		{Strategy: "fmipv6", Plane: "soft", Blackout: *ms(50), Home: *ms(40), Floor: *ms(1), Handovers: 10, Down: side(1), Up: side(1), Wrong: []string{"lost", "L3 ↓"}},
	}
	list[0].Up.Quiet.P99, list[0].Down.Quiet.P99 = ms(7), ms(6)
	want := `
  blackout  home  strategy  plane  handovers  failed  fell back   lost  dup.  reord.  quiet  floor  ↓ p50  ↓ p99  ↓ max  ↑ p50  ↑ p99  ↑ max  as it claims
  ────────  ────  ────────  ─────  ─────────  ──────  ─────────  ─────  ────  ──────  ─────  ─────  ─────  ─────  ─────  ─────  ─────  ─────  ──────────────
        20    40  fmipv6    soft       1,000       0          0      0     0       0      7      4      0      1      2      0      1      2  yes
                  mipv6     soft       1,000       0          0  4,000     0   8,000      –      4  2,000  2,001  2,002  2,000  2,001  2,002  –
        50    40  fmipv6    soft          10       0          0      2     0       4      –      1      1      2      3      1      2      3  NO: lost, L3 ↓
`
	if got := string(report.Sweep(list, 0)); !strings.HasPrefix(got, want[1:]) {
		t.Errorf("got\n%swant\n%s", got, want[1:])
	}
	for line := range strings.Lines(string(report.Sweep(list, 72))) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 72 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
