package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"roam6/scenario"
	"roam6/sim"
	"roam6/sim/check"
)

// Runs with faults are stretched and thinned: the quiet last third must be longer than the longest wait the checkers allow,
// and a thousand packets a second show no more than fifty.
const (
	swarmQuiet    = check.DefaultWithin + 10*time.Second
	swarmInterval = 20 * time.Millisecond
)

// swarm runs seeds one after the other and names those that fail.
func (f *simFlags) swarm(ctx context.Context, arg string) error {
	f.faults = true
	began, first := time.Now(), f.seed
	failed, handovers := []uint64{}, 0
	var total sim.Stats
	for i := range uint64(f.seeds) {
		f.seed = first + i
		st, err := f.seedRun(ctx, arg)
		var known *failure
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &known):
			return err
		case err != nil:
			failed = append(failed, f.seed)
			fmt.Printf("seed %d failed: %v\n  again: %s\n", f.seed, err, f.again(arg))
		}
		handovers += st.Handovers
		total.Injected += st.Injected
		if !f.quiet && time.Since(began) > statusLineEvery {
			began = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d seeds, %d failed\n", i+1, f.seeds, len(failed))
		}
	}
	fmt.Printf("%d seeds from %d, %d handovers, %d packets replayed by the attacker: %d failed\n",
		f.seeds, first, handovers, total.Injected, len(failed))
	if len(failed) > 0 {
		return ended(exitFailed)
	}
	return nil
}

// seedRun runs one seed.
func (f *simFlags) seedRun(ctx context.Context, arg string) (sim.Stats, error) {
	_, p, err := f.faulty(arg)
	if err != nil {
		return sim.Stats{}, err
	}
	silent := f.runFlags
	silent.quiet = true
	return sim.Run(f.config(ctx, p, newLive(&silent, p, scenario.NewMeasure(p, "sim", "soft"))))
}

// faulty plans the scenario with faults.
func (f *simFlags) faulty(arg string) (*scenario.Scenario, *scenario.Plan, error) {
	s, p, err := f.plan(arg)
	if err != nil {
		return nil, nil, err
	}
	if length := 3 * swarmQuiet; p.Length < length {
		g := *f
		g.set = append(slices.Clone(f.set), "length="+length.String())
		if s, p, err = g.plan(arg); err != nil {
			return nil, nil, err
		}
	}
	for i := range p.Flows {
		p.Flows[i].Interval = max(p.Flows[i].Interval, swarmInterval)
	}
	return s, sim.Faults(p, p.Seed), nil
}

// again is the one command that runs a failing seed again and shows it.
func (f *simFlags) again(arg string) string {
	words := []string{"roam6 sim run", quoted(arg), "--faults --seed", fmt.Sprint(f.seed)}
	if f.nodes != 1 {
		words = append(words, "--nodes", fmt.Sprint(f.nodes))
	}
	words = append(words, "--strategy", f.strategy)
	for _, s := range f.set {
		words = append(words, "--set", quoted(s))
	}
	return strings.Join(words, " ")
}

// quoted is a word for a shell.
func quoted(s string) string {
	if strings.ContainsAny(s, " \t\n'\"\\$&|;<>()*?[]{}~#`!") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
