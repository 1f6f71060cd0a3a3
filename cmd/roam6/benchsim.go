package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"roam6/driver"
	"roam6/scenario"
)

// benchSim runs a scenario with ever more mobile nodes on one core. The numbers of nodes should rise: the peak of memory is the
// process's, and never falls.
func benchSim(ctx context.Context, b *benchFlags) ([]benchRow, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var rows []benchRow
	for _, n := range b.nodes {
		if err := inRange("nodes", n, 1, scenario.MaxMobiles); err != nil {
			return nil, err
		}
		if !b.json || onTerminal() {
			fmt.Fprintf(os.Stderr, "%s …\n", plural(n, "mobile node"))
		}
		f := &runFlags{strategy: "mipv6", seed: 1, nodes: n, quiet: true}
		_, p, err := f.plan(b.scenario)
		if err != nil {
			return nil, err
		}
		perSecond, virtual, peak, err := simRuns(ctx, p)
		if err != nil {
			return nil, err
		}
		with := plural(n, "mobile node")
		rows = append(rows,
			ours("handovers, "+with, "1/s", perSecond...),
			ours("virtual time, "+with, "s/s", virtual...),
			ours("peak memory, "+with, "MiB", peak))
	}
	return rows, nil
}

// simTime is how long a plan is run again and again, and simRunsMost how often: the first runs fill caches, and one long run has
// no spread.
const (
	simTime     = 2 * time.Second
	simRunsMost = 11
)

// simRuns runs a plan until simTime has gone by, twice at least, and gives the rates of each run.
func simRuns(ctx context.Context, p *scenario.Plan) (perSecond, virtual []float64, peak float64, err error) {
	for all := time.Duration(0); len(perSecond) < 2 || all < simTime && len(perSecond) < simRunsMost; {
		m := scenario.NewMeasure(p, "sim", "soft")
		began := newMeter()
		if _, err := one(ctx, "sim", driver.PlaneSoft, p, newLive(&runFlags{quiet: true}, p, m)); err != nil {
			return nil, nil, 0, err
		}
		cost := began.stop()
		all += cost.wall
		perSecond = append(perSecond, float64(len(m.Result().Handovers))/cost.wall.Seconds())
		virtual = append(virtual, p.Length.Seconds()/cost.wall.Seconds())
		peak = float64(cost.peak) / (1 << 20)
	}
	return perSecond, virtual, peak, nil
}
