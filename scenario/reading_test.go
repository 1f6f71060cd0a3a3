package scenario_test

import (
	"testing"
	"time"

	"roam6/scenario"
)

func TestReading(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0"}, {20 * ms, "20"}, {42300 * time.Microsecond, "42.3"}, {2121284 * time.Microsecond, "2,121"}, {4000 * ms, "4,000"},
		{1234567 * ms, "1,234,567"},
	} {
		if got := scenario.Millis(c.d).Reading(); got != c.want {
			t.Errorf("%v reads %q, want %q", c.d, got, c.want)
		}
	}
}

// A verdict has the numbers that the tables have, and the exact one where only that shows why a check failed.
func TestVerdictReadsAsTablesDo(t *testing.T) {
	for _, c := range []struct {
		limit, got   time.Duration
		want, showed string
		ok           bool
	}{
		{4000 * ms, 2121284 * time.Microsecond, "at most 4,000 ms", "2,121 ms", true},
		{2121 * ms, 2121284 * time.Microsecond, "at most 2,121 ms", "2121.284 ms", false},
		{2121 * ms, 2122284 * time.Microsecond, "at most 2,121 ms", "2,122 ms", false},
	} {
		m := scenario.Millis(c.got)
		r := &scenario.Result{Totals: scenario.Totals{Interruption: scenario.Percentile{Max: &m}}}
		checks := scenario.Verdict(r, scenario.Expect{MaxInterruption: &c.limit})
		if len(checks) != 1 || checks[0].Want != c.want || checks[0].Got != c.showed || checks[0].OK != c.ok {
			t.Errorf("%v of %v: got %+v", c.got, c.limit, checks)
		}
	}
}
