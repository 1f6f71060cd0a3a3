package check_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"roam6/scenario"
	"roam6/sim"
	"roam6/sim/check"
)

// fastSeeds times 84 handovers: -fast 12 makes a thousand.
var fastSeeds = flag.Uint64("fast", 2, "seeds of TestFastHandovers")

// fastMoves is how many handovers one run of TestFastHandovers makes, and the time between them.
const (
	fastMoves = 7
	fastEvery = 1500 * time.Millisecond
)

// shuttle goes between the commute's cells: at each step to one of the other two, with notice.
func shuttle(t *testing.T, seed uint64, blackout, home time.Duration) *scenario.Plan {
	t.Helper()
	draw := scenario.Draw(seed, "shuttle")
	cells, at := []string{"ar1", "ar2", "ar3"}, 0
	moves := ""
	for k := range fastMoves {
		at = (at + 1 + int(scenario.UpTo(&draw, 1))) % len(cells)
		moves += fmt.Sprintf("  - {at: %v, to: %s, notice: 200ms}\n", 6*time.Second+time.Duration(k)*fastEvery, cells[at])
	}
	text := fmt.Sprintf(`name: shuttle
title: many fast handovers
length: %v
mn: {start: ar1}
radio: {blackout: %v}
delays: {home: %v}
moves:
%sflows:
  - {name: probe, interval: 1ms, size: 64, start: 5s, probe: true}
`, 6*time.Second+(fastMoves+1)*fastEvery, blackout, home-10*time.Millisecond, moves)
	s, err := scenario.Read("shuttle.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Strategy: "fmipv6", Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// between is one way from one access router of the commute to another.
func between(from, to string) time.Duration {
	if (from == "ar3") == (to == "ar3") {
		return 4 * time.Millisecond // twice 2 ms inside an operator's network
	}
	return 24 * time.Millisecond // and twice 10 ms between two
}

// Fast handovers lose nothing, double nothing and keep the order, whatever the blackout and however far home is. Packets from the
// node go on with the link. Packets toward it come one way over the air later, or as much later as the way by the previous
// router is longer than the blackout.
//
// spec MIP-09
func TestFastHandovers(t *testing.T) {
	const (
		air   = time.Millisecond
		probe = time.Millisecond
	)
	handovers := 0
	worst := map[[2]time.Duration][2]time.Duration{}
	for _, blackout := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond} {
		for _, home := range []time.Duration{11 * time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond} {
			for seed := range *fastSeeds {
				p := shuttle(t, seed, blackout, home)
				m := scenario.NewMeasure(p, "sim", "soft")
				if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build,
					Checkers: []sim.Checker{check.NewOneOwner()}}); err != nil {
					t.Fatalf("blackout %v, home %v, seed %d: %v", blackout, home, seed, err)
				}
				for i, h := range m.Result().Handovers {
					handovers++
					where := fmt.Sprintf("blackout %v, home %v, seed %d, handover %d, %s to %s", blackout, home, seed, i+1, h.From, h.To)
					if h.Outcome != scenario.Registered {
						t.Fatalf("%s: %s, %s", where, h.Outcome, h.Reason)
					}
					key := [2]time.Duration{between(h.From, h.To), blackout}
					worst[key] = [2]time.Duration{max(worst[key][0], time.Duration(*h.Down.L3Overhead)), max(worst[key][1], time.Duration(*h.Up.L3Overhead))}
					unharmed(t, where, h.Down)
					unharmed(t, where, h.Up)
					if over, late := time.Duration(*h.Down.L3Overhead), max(air, between(h.From, h.To)-blackout)+probe; over > late {
						t.Errorf("%s: down overhead %v, want at most %v", where, over, late)
					}
					if over := time.Duration(*h.Up.L3Overhead); over > probe {
						t.Errorf("%s: up overhead %v", where, over)
					}
				}
			}
		}
	}
	for k, w := range worst { //order:any
		t.Logf("routers %v apart, blackout %v: overhead %v down, %v up", k[0], k[1], w[0], w[1])
	}
	if handovers != 4*3*int(*fastSeeds)*fastMoves {
		t.Errorf("%d handovers", handovers)
	}
}

func unharmed(t *testing.T, where string, d scenario.Direction) {
	t.Helper()
	if *d.Lost+*d.Duplicated+*d.Reordered != 0 {
		t.Errorf("%s: %d lost, %d doubled, %d late", where, *d.Lost, *d.Duplicated, *d.Reordered)
	}
}

// The swarm again with fast handovers: whatever is lost, doubled, late, crashed or sent again, every node is reachable in the end.
//
// spec MIP-09
func TestFastSwarm(t *testing.T) {
	for seed := *from; seed < *from+*seeds; seed++ {
		p := fastFaulty(t, seed)
		_, err := sim.Run(sim.Config{Plan: p, Recorder: &trace{fnv.New64a()}, Build: build,
			Replay:   &sim.Replay{Share: 0.5, Min: time.Millisecond, Max: 20 * time.Second},
			Checkers: append(check.All(p, sim.QuietFrom(p.Length), check.DefaultWithin), keysOf(t, p))})
		if err != nil {
			t.Errorf("%v\nagain: go test ./sim/check -run TestFastSwarm -from %d -seeds 1", err, seed)
		}
	}
}

func fastFaulty(t *testing.T, seed uint64) *scenario.Plan {
	t.Helper()
	s, err := scenario.Load("pingpong")
	if err != nil {
		t.Fatal(err)
	}
	set := []string{"mn.dad=" + []string{"standard", "optimistic"}[seed%2]}
	for i := range 4 {
		set = append(set, fmt.Sprintf("moves[%d].notice=%dms", i, 20+seed*37%300))
	}
	if seed%3 == 1 {
		set = append(set, "moves[1].hint=ar3")
	}
	p, err := s.Plan(scenario.Options{Strategy: "fmipv6", Seed: seed, Nodes: swarmNodes, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	p.Length = swarmLength
	for k := range p.Flows {
		p.Flows[k].Interval, p.Flows[k].Stop = swarmInterval, swarmLength-time.Second
	}
	return sim.Faults(p, seed)
}
