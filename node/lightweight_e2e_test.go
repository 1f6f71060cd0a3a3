package node_test

import (
	"testing"
	"time"

	"roam6/scenario"
	"roam6/sim"
	checkers "roam6/sim/check"
)

// runFast runs a scenario with strategy fast, under the checkers.
func runFast(t *testing.T, text string, seed uint64, set ...string) *scenario.Result {
	t.Helper()
	s, err := scenario.Read("fast.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Strategy: "fast", Seed: seed, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale()}}); err != nil {
		t.Fatal(err)
	}
	return m.Result()
}

const around = `name: around
title: three routers of two operators
length: 25s
mn: {start: ar1, dad: optimistic}
radio: {blackout: 20ms}
moves:
  - {at: 8s, to: ar2, notice: 300ms}
  - {at: 13s, to: ar3, notice: 300ms}
  - {at: 18s, to: ar1, notice: 300ms}
flows:
  - {name: probe, interval: 1ms, size: 64, start: 6s, probe: true}
`

// The three cases, with KDCs and tickets as they come: nothing is lost, and packets flow as soon as the radio lets them, however far the KDC.
//
// Toward the node, between two operators, the way from router to router is 4 ms longer than the blackout (decision 13).
//
// spec FH-04 FH-09 FH-10 FH-11 FH-12 FH-13 FH-14 FH-15
func TestFastByTickets(t *testing.T) {
	for _, tickets := range []string{"best", "local", "home"} {
		for seed := range uint64(2) {
			r := runFast(t, around, seed, "mn.tickets="+tickets)
			if len(r.Handovers) != 3 || r.Totals.Failed+r.Totals.Lost+r.Totals.Duplicated != 0 {
				t.Errorf("%s, seed %d: %+v", tickets, seed, r.Totals)
			}
			for _, h := range r.Handovers {
				down := 3 * time.Millisecond
				if h.To != "ar2" {
					down += 4 * time.Millisecond
				}
				if h.Outcome != scenario.Registered || time.Duration(*h.Up.L3Overhead) > 3*time.Millisecond || time.Duration(*h.Down.L3Overhead) > down {
					t.Errorf("%s, seed %d, to %s: %s %s, down %v up %v", tickets, seed, h.To, h.Outcome, h.Reason, time.Duration(*h.Down.L3Overhead), time.Duration(*h.Up.L3Overhead))
				}
			}
		}
	}
}
