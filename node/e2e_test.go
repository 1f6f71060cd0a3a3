package node_test

import (
	"fmt"
	"testing"
	"time"

	"roam6/node"
	"roam6/scenario"
	"roam6/sim"
)

// One way from an access router's cell to the home agent in the world of the built-in scenarios: air 1 ms, operator 2 ms, home
// 40 ms. The home link is air alone. Where the router does not know the node's link-layer address yet it asks: there and
// back over the air.
const (
	roundTrip     = 86 * time.Millisecond
	homeRoundTrip = 2 * time.Millisecond
	asking        = 2 * time.Millisecond
	agentDAD      = time.Second // the home agent's duplicate detection before the first acknowledgement
	probe         = time.Millisecond
	maxRA         = 71 * time.Millisecond // the longest interval between advertisements, and the air
)

func build(n scenario.Node, seed [32]byte) (scenario.Built, error) {
	c, err := node.Parse(n.Name+".yaml", n.Config)
	if err != nil {
		return scenario.Built{}, err
	}
	engines, err := node.Build(c, seed)
	b := scenario.Built{Refuse: c.Refuse(), Profiles: c.Profiles()}
	for _, e := range engines {
		b.Engines = append(b.Engines, scenario.NamedEngine{Name: e.Name, Engine: e.Engine})
	}
	return b, err
}

func run(t *testing.T, name string, seed uint64, set ...string) *scenario.Result {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: seed, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build}); err != nil {
		t.Fatal(err)
	}
	return m.Result()
}

// Every handover of the built-in scenarios in every way to configure the mobile node: registered, nothing lost toward the
// network, and on virtual time the overhead is what its parts say, to the millisecond.
//
// spec MIP-01 MIP-03 MIP-05 MIP-07 RT-11
func TestHandovers(t *testing.T) {
	for _, name := range []string{"commute", "home", "pingpong", "link-loss"} {
		for _, dad := range []string{"standard", "optimistic"} {
			for _, dhaad := range []string{"false", "true"} {
				for _, security := range []string{"esp", "auth"} {
					for seed := range uint64(1) {
						t.Run(fmt.Sprintf("%s/%s/dhaad=%s/%s/%d", name, dad, dhaad, security, seed), func(t *testing.T) {
							r := run(t, name, seed, "mn.dad="+dad, "mn.discover_home_agent="+dhaad, "mn.security="+security, "mn.aaa=off", "mn.home_agent=configured")
							if len(r.Handovers) == 0 || r.Totals.Failed != 0 {
								t.Fatalf("%d handovers, %d failed", len(r.Handovers), r.Totals.Failed)
							}
							for _, h := range r.Handovers {
								check(t, h, dad)
							}
						})
					}
				}
			}
		}
	}
}

// waits gives the time a handover spent waiting for a thing.
func waits(h scenario.Handover, what string) (d time.Duration) {
	for _, s := range h.Timeline {
		if s.WaitingFor == what {
			d += time.Duration(s.Length)
		}
	}
	return d
}

func check(t *testing.T, h scenario.Handover, dad string) {
	t.Helper()
	where := h.From + " to " + h.To
	if h.Outcome != scenario.Registered {
		t.Fatalf("%s: %s, %s", where, h.Outcome, h.Reason)
	}
	ra, detection, answer := waits(h, "router advertisement"), waits(h, "duplicate address detection"), waits(h, "binding acknowledgement")
	if ra > maxRA {
		t.Errorf("%s: %v for an advertisement", where, ra)
	}
	low, high := time.Duration(0), time.Duration(0)
	if dad == "standard" && h.To != "home" && h.Type == "bbm" {
		low, high = time.Second, 2*time.Second // RFC 4862 §5.4.2: at most a second's delay, then RetransTimer
	}
	if detection < low || detection > high {
		t.Errorf("%s: %v for duplicate detection, want %v to %v", where, detection, low, high)
	}
	want := roundTrip
	switch {
	case h.To == "home":
		want = homeRoundTrip
	case h.From == "home":
		want += agentDAD
	}
	if answer != want && answer != want+asking {
		t.Errorf("%s: %v for the acknowledgement, want %v", where, answer, want)
	}
	if h.HomeRoundTrips != 1 {
		t.Errorf("%s: %d home round trips", where, h.HomeRoundTrips)
	}
	// The next packet after the acknowledgement ends the interruption.
	over := time.Duration(*h.Down.L3Overhead)
	if sum := ra + detection + answer; over < sum || over > sum+probe {
		t.Errorf("%s: overhead %v, its parts %v", where, over, sum)
	}
	// What is in the old tunnel when the binding is removed comes too late: RFC 6275 §10.4.5 has the agent drop it.
	inFlight := 0
	if h.To == "home" {
		inFlight = int((roundTrip / 2) / probe)
	}
	if *h.Up.Lost > inFlight {
		t.Errorf("%s: %d packets lost toward the network", where, *h.Up.Lost)
	}
	if *h.Down.Duplicated+*h.Up.Duplicated+*h.Up.Reordered != 0 {
		t.Errorf("%s: %d %d duplicated, %d reordered", where, *h.Down.Duplicated, *h.Up.Duplicated, *h.Up.Reordered)
	}
}

// The first registration of all waits for what the documents say and no longer: the home agent's duplicate detection ends before
// the first retransmission would be due.
//
// spec MIP-01
func TestOneUpdateIsEnough(t *testing.T) {
	r := run(t, "home", 1, "mn.dad=optimistic")
	for _, h := range r.Handovers {
		if h.From == "home" && h.Air.Messages > 12 {
			t.Errorf("%d messages over the air to leave home", h.Air.Messages)
		}
	}
}
