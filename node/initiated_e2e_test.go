package node_test

import (
	"bytes"
	"cmp"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
	"roam6/sim"
	checkers "roam6/sim/check"
)

// toldTo has the router that a node is at tell it to hand over to the cell it is going to, 150 ms before it goes there without notice of its
// own; with a node that takes that or does not.
func toldTo(t *testing.T, open string, seed uint64) *scenario.Plan {
	t.Helper()
	s, err := scenario.Read("told.yaml", []byte(`name: told
title: the network begins a handover
length: 12s
mn: {start: ar1}
radio: {blackout: 20ms}
moves:
  - {at: 8s, to: ar2}
flows:
  - {name: probe, interval: 1ms, size: 64, start: 5s, probe: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Strategy: "fmipv6", Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	args := map[string]string{"cell": scenario.CellHW("ar2").String()}
	for i := range p.Nodes {
		if n := &p.Nodes[i]; n.Name == "mn" {
			args["mobile"] = n.Ifaces[0].HW.String()
			n.Config = bytes.Replace(n.Config, []byte("strategy: fmipv6\n"), []byte("strategy: fmipv6\n      network_initiated: "+open+"\n"), 1)
		}
	}
	p.Actions = append(p.Actions, scenario.Action{At: 8*time.Second - 150*time.Millisecond, Verb: scenario.Command, Node: "ar1", Handover: -1,
		Command: engine.Command{ID: 1, Verb: "handover", Args: args}})
	slices.SortStableFunc(p.Actions, func(a, b scenario.Action) int { return cmp.Compare(a.At, b.At) })
	return p
}

// A handover that the network begins loses nothing, though the link layer gave no notice; a node that is not configured to take one goes on
// as if nobody had spoken.
//
// spec MIP-09
func TestNetworkBegins(t *testing.T) {
	for _, open := range []string{"on", "off"} {
		for seed := range uint64(2) {
			p := toldTo(t, open, seed)
			m := scenario.NewMeasure(p, "sim", "soft")
			if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale()}}); err != nil {
				t.Fatal(err)
			}
			r := m.Result()
			if len(r.Handovers) != 1 || r.Totals.Failed+r.Totals.Duplicated != 0 {
				t.Fatalf("%s, seed %d: %+v", open, seed, r.Totals)
			}
			h := r.Handovers[0]
			if lost := *h.Down.Lost; (lost == 0) != (open == "on") {
				t.Errorf("%s, seed %d: %d lost toward the node", open, seed, lost)
			}
			if over := time.Duration(*h.Down.L3Overhead); open == "on" && over > 10*time.Millisecond {
				t.Errorf("%s, seed %d: the node waits %v more than the radio makes it", open, seed, over)
			}
		}
	}
}
