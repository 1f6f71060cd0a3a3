package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"roam6/scenario"
)

// benchSim runs a scenario with ever more mobile nodes on one core. The numbers of nodes should rise: the peak of memory is the
// process's, and never falls.
func benchSim(ctx context.Context, b *benchFlags) ([]benchRow, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var rows []benchRow
	for _, n := range b.nodes {
		if n < 1 || n > scenario.MaxMobiles {
			return nil, usagef("--nodes %d: 1 to %d are allowed", n, scenario.MaxMobiles)
		}
		if !b.json {
			fmt.Fprintf(os.Stderr, "%s …\n", plural(n, "mobile node"))
		}
		f := &simFlags{runFlags: runFlags{strategy: "mipv6", seed: 1, nodes: n, quiet: true}}
		_, p, err := f.plan(b.scenario)
		if err != nil {
			return nil, err
		}
		var m *scenario.Measure
		runs, wall, cost := 0, time.Duration(0), spent{}
		handovers := 0
		for runs == 0 || wall < time.Second { // short runs are repeated
			runs++
			began := newMeter()
			m = scenario.NewMeasure(p, "sim", "soft")
			if err := one(ctx, "sim", p, newLive(&f.runFlags, p, m)); err != nil {
				return nil, err
			}
			cost = began.stop()
			wall += cost.wall
			handovers += len(m.Result().Handovers)
		}
		with := plural(n, "mobile node")
		rows = append(rows,
			ours("handovers, "+with, "1/s", float64(handovers)/wall.Seconds(), runs),
			ours("virtual time, "+with, "s/s", float64(runs)*p.Length.Seconds()/wall.Seconds(), runs),
			ours("peak memory, "+with, "MiB", float64(cost.peak)/(1<<20), runs))
	}
	return rows, nil
}
