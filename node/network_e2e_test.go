package node_test

import (
	"slices"
	"testing"
	"time"

	"roam6/plane"
	"roam6/scenario"
	"roam6/sim"
	checkers "roam6/sim/check"
)

// runPlan runs a built-in scenario with all checkers.
func runPlan(t *testing.T, name string, o scenario.Options) *scenario.Result {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale()}}); err != nil {
		t.Fatal(err)
	}
	return m.Result()
}

// The hosts of a vehicle feel of a handover what the mobile router itself would: with mipv6 its parts to the millisecond, with
// fmipv6 nothing is lost; in both modes of registration.
//
// spec MIP-11 MIP-09
func TestMobileNetwork(t *testing.T) {
	for mode, dad := range map[string]string{"explicit": "standard", "implicit": "optimistic"} {
		r := runPlan(t, "mobile-network", scenario.Options{Seed: 3, Set: []string{"mn.register_networks=" + mode, "mn.dad=" + dad}})
		if len(r.Handovers) != 3 {
			t.Fatalf("%s: %d handovers", mode, len(r.Handovers))
		}
		for _, h := range r.Handovers {
			checkInside(t, h)
		}
	}
	r := runPlan(t, "mobile-network", scenario.Options{Seed: 3, Strategy: "fmipv6"})
	if r.Totals.Failed+r.Totals.Lost+r.Totals.Duplicated != 0 || r.Totals.Handovers != 3 {
		t.Errorf("fmipv6: %+v", r.Totals)
	}
	for _, h := range r.Handovers {
		if over := time.Duration(*h.Down.L3Overhead); over > 10*time.Millisecond {
			t.Errorf("fmipv6, %s to %s: hosts wait %v more than the radio makes them", h.From, h.To, over)
		}
	}
	for _, f := range r.Flows {
		if f.Lost != 0 {
			t.Errorf("fmipv6: flow %s lost %d", f.Name, f.Lost)
		}
	}
}

// checkInside is check with the wire inside, which is longer than none.
func checkInside(t *testing.T, h scenario.Handover) {
	t.Helper()
	if h.Outcome != scenario.Registered || h.HomeRoundTrips != 1 || *h.Up.Lost+*h.Up.Reordered+*h.Up.Duplicated+*h.Down.Duplicated != 0 {
		t.Errorf("%s to %s: %+v", h.From, h.To, h)
	}
	answer, over := waits(h, "binding acknowledgement"), time.Duration(*h.Down.L3Overhead)
	if answer != roundTrip && answer != roundTrip+asking {
		t.Errorf("%s to %s: %v for the acknowledgement", h.From, h.To, answer)
	}
	sum := answer + waits(h, "router advertisement") + waits(h, "duplicate address detection")
	if over < sum-probe || over > sum+2*probe {
		t.Errorf("%s to %s: hosts wait %v, the parts are %v", h.From, h.To, over, sum)
	}
}

// Many vehicles, each with a network of its own.
//
// spec MIP-11
func TestManyNetworks(t *testing.T) {
	r := runPlan(t, "mobile-network", scenario.Options{Seed: 5, Nodes: 4})
	if r.Totals.Handovers != 12 || r.Totals.Failed != 0 {
		t.Errorf("%+v", r.Totals)
	}
}

// Two radios bound at once: nothing is lost, doubled or late when one changes cells without notice, by mipv6 alone. With the second one
// merely ready nothing is lost toward the network; with one binding at a time it is.
//
// spec MIP-08 RT-11
func TestTwoRadios(t *testing.T) {
	for _, strategy := range []string{"mipv6", "fmipv6"} {
		for seed := range uint64(2) {
			r := runPlan(t, "two-radios", scenario.Options{Seed: seed, Strategy: strategy})
			if r.Totals.Handovers != 2 || r.Totals.Failed+r.Totals.Lost+r.Totals.Duplicated+r.Totals.Reordered != 0 {
				t.Errorf("%s, seed %d: %+v", strategy, seed, r.Totals)
			}
			for _, h := range r.Handovers {
				if over := max(*h.Down.Interruption, *h.Up.Interruption); time.Duration(over) > 2*time.Millisecond {
					t.Errorf("%s, seed %d: interrupted for %v", strategy, seed, time.Duration(over))
				}
			}
		}
	}
	ready := runPlan(t, "two-radios", scenario.Options{Seed: 1, Set: []string{"mn.multihoming=register"}})
	single := runPlan(t, "two-radios", scenario.Options{Seed: 1, Set: []string{"mn.multihoming=off"}})
	for i, h := range ready.Handovers {
		if *h.Up.Interruption != 0 || *single.Handovers[i].Up.Interruption == 0 || *h.Up.Lost != 0 {
			t.Errorf("handover %d, up: %v with a second binding, %v without", i, *h.Up.Interruption, *single.Handovers[i].Up.Interruption)
		}
	}
}

// A vehicle whose router has two radios: the network goes by both.
//
// spec MIP-08 MIP-11
func TestVehicleWithTwoRadios(t *testing.T) {
	r := runPlan(t, "mobile-network", scenario.Options{Seed: 1, Set: []string{"mn.second=ar2", "mn.start=ar1", "mn.multihoming=bicast"}})
	if r.Totals.Failed+r.Totals.Lost+r.Totals.Duplicated != 0 || r.Totals.Handovers != 3 {
		t.Errorf("%+v", r.Totals)
	}
}

// What is for a network that is not bound is refused by its home agent, which tells the sender; it does not go to and fro
// between the agent and the router that sends everything for the network there. A route of the agent's kernel comes first.
//
// spec MIP-11
func TestUnboundNetwork(t *testing.T) {
	for name, c := range map[string]struct {
		route   bool // the agent's kernel has the network's route by the home address
		refused bool
	}{"no route": {false, true}, "a route": {true, false}} {
		s, err := scenario.Load("mobile-network")
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Plan(scenario.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range p.Nodes {
			if n.Name == "ha" && !c.route {
				p.Nodes[i].Routes = slices.DeleteFunc(n.Routes, func(r scenario.Route) bool { return r.Dst == scenario.NetworkPrefix(0) })
			}
		}
		for i := range p.Flows {
			p.Flows[i].Start = 500 * time.Millisecond // long before the mobile router has registered
		}
		m := scenario.NewMeasure(p, "sim", "soft")
		if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build}); err != nil {
			t.Fatal(err)
		}
		r := m.Result()
		if n := r.Drops["hop-limit"]; n != 0 {
			t.Errorf("%s: %d packets went to and fro until their hop limit", name, n)
		}
		if n := r.Drops[plane.DropNoPath]; (n > 1000) != c.refused {
			t.Errorf("%s: %d packets refused", name, n)
		}
		if r.Totals.Failed != 0 || r.Totals.Handovers != 3 {
			t.Errorf("%s: %+v", name, r.Totals)
		}
	}
}
