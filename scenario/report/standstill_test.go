package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"roam6/scenario"
	"roam6/scenario/report"
)

// disturb has the machine stand still in the first handover, of which the run has several.
func disturb(r *scenario.Report, times int) {
	h := r.Result.Handovers[0]
	r.Result.Handovers = []scenario.Handover{h, h}
	r.Result.Handovers[1].Stood = scenario.Millis(1480 * ms)
	for range times {
		r.Result.Stood = append(r.Result.Stood, scenario.Standstill{At: scenario.Millis(12300 * ms), Length: scenario.Millis(1480 * ms), Handovers: []int{1}})
	}
	r.Result.Stood = append(r.Result.Stood, scenario.Standstill{At: scenario.Millis(15 * time.Second), Length: scenario.Millis(25 * ms)})
}

// A machine that stood still is named, with the handover it was in; where something was not as expected the end says so as well, and
// where all was nothing is excused.
func TestMachineThatStoodStill(t *testing.T) {
	r := recorded(t)
	calm := string(report.Text(r, 0)) + string(report.HTML(r))
	if strings.Contains(calm, "stood still") || strings.Contains(calm, ">1*<") {
		t.Error("a run is disturbed by nothing")
	}
	disturb(r, 1)
	const (
		line   = "* the machine stood still for 1,480 ms at 12.30 s: up to as much of what handover 2 took is its doing, not the protocol's; run again when it is less busy\n"
		other  = "  outside handovers the machine stood still 1 time, for 25 ms at most\n"
		row    = "\n  2*  mn"
		head   = "; the machine stood still for 1,480 ms of this\n"
		excuse = "\nNot as expected, but the machine stood still in handover 2, so this may be its doing and not the protocol's: run again when it is less busy"
	)
	text, page := string(report.Text(r, 0)), string(report.HTML(r))
	for _, want := range []string{line, other, row, head, excuse, "\n  1   mn"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, want := range []string{"<td>2*</td>", "<td>1</td>", "stood still for 1,480 ms at 12.30 s", "stood still 1 time", "Not as expected, but the machine stood still"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in the page", want)
		}
	}
	if got := string(report.Comparison([]report.Variant{{Name: "one", Result: r.Result, Checks: r.Checks}}, 0)); !strings.Contains(got, "one: the machine stood still in handover 2") {
		t.Errorf("a comparison says nothing of it:\n%s", got)
	}
	for i := range r.Checks {
		r.Checks[i].OK = true
	}
	if strings.Contains(string(report.Text(r, 0)), "Not as expected") || bytes.Contains(report.HTML(r), []byte("Not as expected, but")) {
		t.Error("what is as expected is excused")
	}
}

// What is not in any handover is no excuse, unless it lasted; and many times are not told one by one.
func TestManyStandstills(t *testing.T) {
	r := recorded(t)
	r.Result.Stood = []scenario.Standstill{{At: scenario.Millis(15 * time.Second), Length: scenario.Millis(25 * ms)}}
	if text := string(report.Text(r, 0)); strings.Contains(text, "Not as expected, but") || strings.Contains(text, "1*") {
		t.Errorf("excused without a reason:\n%s", text)
	}
	r.Result.Stood[0].Length = scenario.Millis(100 * ms)
	if text := string(report.Text(r, 0)); !strings.Contains(text, "Not as expected, but the machine stood still for 100 ms at 15.00 s") {
		t.Errorf("a time that can be felt later is not told:\n%s", text)
	}
	r.Result.Stood = nil
	disturb(r, 40)
	if text := string(report.Text(r, 0)); !strings.Contains(text, "* the machine stood still 40 times from 12.30 s on, together for 1,480 ms: up to") {
		t.Errorf("40 times:\n%s", text)
	}
	r.Result.Stood = nil
	for i := range 9 {
		r.Result.Handovers = append(r.Result.Handovers, r.Result.Handovers[1])
		r.Result.Stood = append(r.Result.Stood, scenario.Standstill{At: scenario.Millis(i), Length: scenario.Millis(25 * ms), Handovers: []int{i}})
	}
	if text := string(report.Text(r, 0)); strings.Count(text, "up to as much") != 5 || !strings.Contains(text, "* and so in 4 more handovers; run again") {
		t.Errorf("in 9 handovers:\n%s", text)
	}
}
