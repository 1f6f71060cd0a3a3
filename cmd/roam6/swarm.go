package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
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

// swarm runs seeds, one on each core at a time, and names those that fail in their order.
func (f *simFlags) swarm(ctx context.Context, arg string) error {
	f.faults = true
	if _, _, err := f.faulty(arg); err != nil {
		return err
	}
	began, failed, handovers, injected := time.Now(), 0, 0, uint64(0)
	for i, run := range f.seedRuns(ctx, arg) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		handovers += run.stats.Handovers
		injected += run.stats.Injected
		if run.err != nil {
			failed++
			fmt.Printf("seed %d failed: %v\n  again: %s\n", run.flags.seed, run.err, run.flags.again(arg))
		}
		if !f.quiet && time.Since(began) > statusLineEvery {
			began = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d seeds, %d failed\n", i+1, f.seeds, failed)
		}
	}
	fmt.Printf("%s from %d, %s, %d packets replayed by the attacker: %d failed\n",
		plural(f.seeds, "seed"), f.seed, plural(handovers, "handover"), injected, failed)
	if failed > 0 {
		return ended(exitFailed)
	}
	return nil
}

// seedRun is the run of one seed.
type seedRun struct {
	flags simFlags
	stats sim.Stats
	err   error
}

// seedRuns runs the seeds and yields them in order.
func (f *simFlags) seedRuns(ctx context.Context, arg string) iter.Seq2[int, *seedRun] {
	return func(yield func(int, *seedRun) bool) {
		next := make(chan chan *seedRun, runtime.GOMAXPROCS(0)-1) // so many wait while one more is waited for
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			defer close(next)
			for i := range uint64(f.seeds) {
				run, done := &seedRun{flags: *f}, make(chan *seedRun, 1)
				run.flags.seed = f.seed + i
				select {
				case next <- done:
				case <-ctx.Done():
					return
				}
				go func() {
					run.stats, run.err = run.flags.runSeed(ctx, arg)
					done <- run
				}()
			}
		}()
		i := 0
		for done := range next {
			if !yield(i, <-done) {
				return
			}
			i++
		}
	}
}

// runSeed runs one seed, in silence.
func (f *simFlags) runSeed(ctx context.Context, arg string) (sim.Stats, error) {
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
