package scenario_test

import (
	"strings"
	"testing"
	"time"

	"roam6/scenario"
)

// What is said of a move before it happens, and what may not be said.
//
// spec RT-04
func TestNotice(t *testing.T) {
	p := plan(t, "commute", scenario.Options{Seed: 7, Set: []string{"moves[1].hint=ar1"}})
	var hints []scenario.Action
	for _, a := range p.Actions {
		if a.Verb == scenario.Hint {
			hints = append(hints, a)
		}
	}
	if len(hints) != 3 || hints[0].At != 6800*time.Millisecond || hints[0].Segment != "ar2" || hints[0].Notice != 200*time.Millisecond ||
		hints[1].Segment != "ar1" || hints[1].Handover != 1 || hints[2].Handover != 2 {
		t.Errorf("hints %+v", hints)
	}
	seen := map[string]bool{}
	for _, s := range p.Segments {
		if s.Air != (s.HW[0] == 6) {
			t.Errorf("%s has the identity %x", s.Name, s.HW)
		}
		if s.Air && seen[string(s.HW[:])] {
			t.Errorf("%s has the identity of another cell", s.Name)
		}
		seen[string(s.HW[:])] = true
	}
	for set, want := range map[string]string{
		"moves[0].notice=8s":  "from 0s to 7s",
		"moves[0].notice=-1s": "from 0s to 7s",
		"moves[0].hint=ar9":   "a cell",
	} {
		if _, err := load(t, "commute").Plan(scenario.Options{Set: []string{set}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
	if _, err := load(t, "commute").Plan(scenario.Options{Set: []string{"moves[0].notice=0s", "moves[0].hint=ar2"}}); err == nil {
		t.Error("a hint without notice was taken")
	}
	if _, err := load(t, "link-loss").Plan(scenario.Options{Set: []string{"moves[0].notice=1s"}}); err == nil {
		t.Error("a loss without warning was announced")
	}
}
