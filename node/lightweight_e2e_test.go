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

// fastRun runs a built-in scenario with strategy fast, which may lose packets.
func fastRun(t *testing.T, name string, seed uint64, lose func(at time.Duration, segment string, p []byte) bool, set ...string) *scenario.Result {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: seed, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	if p.Strategy != "fast" {
		t.Fatalf("%s is of strategy %s", name, p.Strategy)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build, Lose: lose, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale()}}); err != nil {
		t.Fatal(err)
	}
	return m.Result()
}

// Somebody has the next address: the node is reachable at another one, one round trip home later, and the host keeps its own.
//
// spec FH-07 FH-08 FH-22
func TestFastConflict(t *testing.T) {
	for seed := range uint64(3) {
		h := fastRun(t, "fast-conflict", seed, nil).Handovers[0]
		if h.Outcome != scenario.FellBack || time.Duration(*h.Down.L3Overhead) > roundTrip+10*time.Millisecond {
			t.Errorf("seed %d: %s %s, %v", seed, h.Outcome, h.Reason, time.Duration(*h.Down.L3Overhead))
		}
	}
}

// Back on the old link: packets flow there again as soon as the node has said so. What was forwarded meanwhile is lost, no more.
//
// spec FH-19
func TestFastReversal(t *testing.T) {
	for seed := range uint64(3) {
		r := fastRun(t, "fast-reversal", seed, nil)
		h := r.Handovers[0]
		if len(r.Handovers) != 2 || r.Totals.Failed != 0 || time.Duration(*h.Down.L3Overhead) > 10*time.Millisecond || *h.Down.Lost > 40 || *h.Up.Lost != 0 {
			t.Errorf("seed %d: %s %s, %v, %d lost", seed, h.Outcome, h.Reason, time.Duration(*h.Down.L3Overhead), *h.Down.Lost)
		}
		if next := r.Handovers[1]; next.Outcome != scenario.Registered || *next.Down.Lost+*next.Up.Lost != 0 {
			t.Errorf("seed %d, then: %s %s, %d lost", seed, next.Outcome, next.Reason, *next.Down.Lost)
		}
	}
}

// All KDCs fall silent once the tickets are there. With a shared key nobody notices. Else the node is at the next router when the radio says so, and
// let in when a KDC answers again: its ap-req is repeated until then.
//
// spec FH-12 FH-13 FH-14 FH-15 FH-22
func TestFastWithoutKDC(t *testing.T) {
	silent := func(until time.Duration) func(time.Duration, string, []byte) bool {
		return func(at time.Duration, _ string, p []byte) bool { return at > 6*time.Second && at < until && toKDC(p) }
	}
	if r := fastRun(t, "fast-shared-key", 1, silent(time.Hour)); r.Totals.Failed+r.Totals.Lost != 0 {
		t.Errorf("a shared key: %+v", r.Totals)
	}
	r := fastRun(t, "fast-local-kdc", 1, silent(11*time.Second))
	if h := r.Handovers[0]; time.Duration(*h.Down.L3Overhead) > 4*time.Second {
		t.Errorf("%s %s, %v", h.Outcome, h.Reason, time.Duration(*h.Down.L3Overhead))
	}
	for _, h := range r.Handovers[1:] {
		if h.Outcome != scenario.Registered || *h.Down.Lost+*h.Up.Lost != 0 {
			t.Errorf("to %s: %s %s", h.To, h.Outcome, h.Reason)
		}
	}
}

// Two round trips over the air are saved: fewer messages than Mobile IPv6 sends where networks ask who comes, and no home round trip before
// the first packet.
//
// spec FH-21
func TestFastOnTheAir(t *testing.T) {
	h := fastRun(t, "fast-shared-key", 1, nil).Handovers[0]
	if h.Air.Messages > 10 || h.HomeRoundTrips != 0 {
		t.Errorf("%d messages, %d home round trips", h.Air.Messages, h.HomeRoundTrips)
	}
}
