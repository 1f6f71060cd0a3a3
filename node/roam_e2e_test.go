package node_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"roam6/role/ar"
	"roam6/scenario"
	"roam6/sim"
	checkers "roam6/sim/check"
)

// keyMaterial is the beginning of an AVP with a session key, wherever it may be: code, and flags (docs/diameter.md).
var keyMaterial = []byte{0, 0, 0x03, 0xf8, 0xc0}

// A mobile node goes through networks that ask who comes. Being let in and registered take one exchange with the home network, the binding is
// made of what the home network gave, no key and nothing that would be one is read on any wire, and what must never happen does not.
//
// The exchange: 2 ms over the air and back; 2 ms for the AAA client to find the address at the node, unless it was there before; 96 ms from there
// by the AAA servers and back, and 4 ms from the home AAA server to its home agent, or 96 ms to that of operator B.
//
// spec DM-05 DM-08 DM-09 DM-10 DM-11 DM-12 DM-13 DM-14 DM-16 DM-17 DM-18 DM-19 DM-20 DM-21 DM-23
func TestRoaming(t *testing.T) {
	const home, visited = 104 * time.Millisecond, 196 * time.Millisecond
	for name, most := range map[string]time.Duration{"roam-home-ha": home, "roam-dh": home, "roam-embedded-bu": home, "roam-visited-ha": visited} {
		for seed, set := range [][]string{nil, {"mn.dad=standard", "mn.route_optimisation=on-traffic"}} {
			t.Run(fmt.Sprint(name, set), func(t *testing.T) { roam(t, name, most, uint64(seed), set) })
		}
	}
}

func roam(t *testing.T, name string, most time.Duration, seed uint64, set []string) {
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: seed, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	c := sim.Config{Plan: p, Recorder: m, Build: build, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale(), checkers.NewNoReplay()}}
	c.Capture = func(segment string, at time.Duration, frame []byte) {
		if bytes.Contains(frame, keyMaterial) {
			t.Errorf("%v: a session key on %s", at, segment)
		}
	}
	if _, err := sim.Run(c); err != nil {
		t.Fatal(err)
	}
	r := m.Result()
	if len(r.Handovers) != 3 || r.Totals.Failed != 0 {
		t.Fatalf("%d handovers, %d failed", len(r.Handovers), r.Totals.Failed)
	}
	for _, h := range r.Handovers {
		where := h.From + " to " + h.To
		if h.Outcome != scenario.Registered || h.Authenticated == nil || h.Registered == nil || *h.Authenticated > *h.Registered || h.HomeRoundTrips != 1 {
			t.Errorf("%s: %s, authenticated %v, registered %v, %d home round trips", where, h.Outcome, h.Authenticated, h.Registered, h.HomeRoundTrips)
		}
		if got := waits(h, "home network"); got < most-2*time.Millisecond || got > most {
			t.Errorf("%s: %v for the home network, want %v", where, got, most)
		}
		if scenario.Accounted(h) < 0.95 || *h.Up.Lost != 0 {
			t.Errorf("%s: %.3f explained, %d lost up", where, scenario.Accounted(h), *h.Up.Lost)
		}
	}
}

// Several mobile nodes at once have each what is its own, with home addresses assigned or their own.
func TestManyRoam(t *testing.T) {
	for _, name := range []string{"roam-home-ha", "roam-embedded-bu", "roam-visited-ha"} {
		s, err := scenario.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Plan(scenario.Options{Seed: 3, Nodes: 12, Set: []string{"flows[0].interval=50ms", "flows[1].interval=10ms"}})
		if err != nil {
			t.Fatal(err)
		}
		m := scenario.NewMeasure(p, "sim", "soft")
		if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale()}}); err != nil {
			t.Fatal(err)
		}
		if r := m.Result(); len(r.Handovers) != 36 || r.Totals.Failed != 0 {
			t.Errorf("%s: %d handovers, %d failed", name, len(r.Handovers), r.Totals.Failed)
		}
	}
}

// fastMost is what a prepared handover may take: the blackout of 20 ms, and going on.
const fastMost = 30 * time.Millisecond

// Fast handovers are as fast where networks ask who comes: whom a neighbour has announced may send at once, and is asked beside it. Nothing is
// lost, doubled or put out of order, and the home network is asked all the same.
//
// spec DM-08 DM-09 MIP-09
func TestFastRoaming(t *testing.T) {
	s, err := scenario.Load("commute")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		for _, set := range [][]string{{"mn.home_agent=configured"}, nil, {"mn.keys=dh"}} {
			fastRoam(t, s, scenario.Options{Seed: seed, Strategy: "fmipv6", Set: set})
		}
	}
}

func fastRoam(t *testing.T, s *scenario.Scenario, o scenario.Options) {
	p, err := s.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build}); err != nil {
		t.Fatal(err)
	}
	x := m.Result()
	if y := x.Totals; y.Failed+y.Lost+y.Duplicated+y.Reordered != 0 || y.Interruption.Max == nil || time.Duration(*y.Interruption.Max) > fastMost {
		t.Errorf("%d %v: %+v, interrupted %v ms at most", o.Seed, o.Set, y, y.Interruption.Max)
	}
	for _, h := range x.Handovers {
		if h.Authenticated == nil || h.Registered == nil {
			t.Errorf("%d %v: %s to %s: authenticated %v, registered %v", o.Seed, o.Set, h.From, h.To, h.Authenticated, h.Registered)
		}
	}
}

// With router_key every access router that lets the mobile node in has a key with it, without that none.
//
// spec DM-19 DM-20
func TestRouterKeys(t *testing.T) {
	s, err := scenario.Load("commute")
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []bool{false, true} {
		p, err := s.Plan(scenario.Options{Seed: 1, Strategy: "fmipv6"})
		if err != nil {
			t.Fatal(err)
		}
		var routers []*ar.Router
		_, err = sim.Run(sim.Config{Plan: p, Recorder: scenario.NewMeasure(p, "sim", "soft"), Build: func(n scenario.Node, seed [32]byte) (scenario.Built, error) {
			if n.Name == "mn" && on {
				n.Config = bytes.Replace(n.Config, []byte("aaa: {"), []byte("aaa: {router_key: on, "), 1)
			}
			b, err := build(n, seed)
			for _, e := range b.Engines {
				if r, ok := e.Engine.(*ar.Router); ok {
					routers = append(routers, r)
				}
			}
			return b, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		keyed := 0
		for _, r := range routers {
			for _, x := range r.View().(ar.View).AAA.Sessions {
				if x.Keyed != on {
					t.Errorf("router_key %v: %+v", on, x)
				}
				keyed++
			}
		}
		if keyed != 3 {
			t.Errorf("router_key %v: %d sessions", on, keyed)
		}
	}
}
