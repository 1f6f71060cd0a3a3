package scenario_test

import (
	"strings"
	"testing"
	"time"

	"roam6/scenario"
)

// A walk goes through its cells in turn, at times that fall into step with nothing, and makes the run as long as it needs.
func TestWalk(t *testing.T) {
	s, err := scenario.Load("walk")
	if err != nil {
		t.Fatal(err)
	}
	set := []string{"walk.moves=40", "walk.every=2s", "walk.spread=500ms", "walk.first=7s", "walk.notice=200ms"}
	p, err := s.Plan(scenario.Options{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	var to []string
	quarters := map[time.Duration]int{}
	last := time.Duration(0)
	for _, a := range p.Actions {
		switch {
		case a.Verb == scenario.Hint && (a.Notice != 200*time.Millisecond || a.Segment == ""):
			t.Errorf("hint %+v", a)
		case a.Verb == scenario.Detach:
			i := time.Duration(len(to))
			late := a.At - 7*time.Second - i*2*time.Second
			if late < 0 || late > 500*time.Millisecond {
				t.Errorf("move %d is %v late", i, late)
			}
			quarters[late/(125*time.Millisecond)]++
			last = a.At
		case a.Verb == scenario.Attach:
			to = append(to, a.Segment)
		}
	}
	if got := strings.Join(to[:7], " "); len(to) != 40 || got != "ar2 ar3 ar1 ar2 ar3 ar1 ar2" {
		t.Errorf("%d moves: %s", len(to), got)
	}
	for q := range time.Duration(4) {
		if quarters[q] < 8 || quarters[q] > 12 {
			t.Errorf("of 40 moves %d are in quarter %d of the spread", quarters[q], q)
		}
	}
	if p.Length < last+4*time.Second || p.Flows[0].Stop < last+3*time.Second {
		t.Errorf("the run ends at %v, its traffic at %v, the last move is at %v", p.Length, p.Flows[0].Stop, last)
	}
	if e, err := s.Expectation(scenario.Options{Set: set}); err != nil || e.Handovers == nil || *e.Handovers != 40 {
		t.Errorf("%+v is expected, %v", e, err)
	}
}

// What a walk cannot be is said with its key and what it can.
func TestWalkRefused(t *testing.T) {
	s, err := scenario.Load("walk")
	if err != nil {
		t.Fatal(err)
	}
	for set, want := range map[string]string{
		"walk.moves=-1":             "0 to 10000",
		"walk.moves=10001":          "0 to 10000",
		"walk.moves=0":              "more than 0 and at most 24h", // no walk, and no length
		"walk.through=[]":           "cells",
		"walk.through=[ar2, ar9]":   "a cell",
		"walk.through=[ar1, ar2]":   "another cell than the one before",
		"walk.through=[ar2]":        "another cell first than last",
		"walk.every=99ms":           "at least 100ms",
		"walk.spread=2s":            "less than walk.every",
		"walk.spread=-1s":           "less than walk.every",
		"walk.first=-1s":            "not negative",
		"walk.every=24h":            "within 24h",
		"walk.notice=1600ms":        "less walk.spread",
		"moves=[{at: 7s, to: ar2}]": "a walk or moves",
	} {
		if _, err := s.Plan(scenario.Options{Set: []string{set}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--set %s: %v, want %q", set, err, want)
		}
	}
	if p, err := s.Plan(scenario.Options{Set: []string{"walk.moves=1", "walk.through=[ar2]"}}); err != nil || len(p.Actions) != 3 {
		t.Errorf("a walk of one move: %v", err)
	}
}
