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

// maxSeeds is the number of seeds that one command runs; a million take a day.
const maxSeeds = 1_000_000

// swarmResult is what a run of many seeds came to, as --json prints it.
type swarmResult struct {
	Scenario  string       `json:"scenario"`
	Strategy  string       `json:"strategy"`
	Nodes     int          `json:"nodes"`
	From      uint64       `json:"from"` // the first seed
	Seeds     int          `json:"seeds"`
	Handovers int          `json:"handovers"`
	Replayed  uint64       `json:"replayed"` // packets, by the attacker
	Failed    []failedSeed `json:"failed"`
}

// failedSeed is a seed that failed, and the command that runs it again.
type failedSeed struct {
	Seed  uint64 `json:"seed"`
	Error string `json:"error"`
	Again string `json:"again"`
}

// swarm runs seeds, one on each core at a time, and names those that fail in their order.
func (f *simFlags) swarm(ctx context.Context, arg string) error {
	f.faults = true
	if err := inRange("nodes", f.nodes, 1, scenario.MaxMobiles); err != nil {
		return err
	}
	if f.report != "" {
		return usagef("--report: not with --seeds, which makes many runs; run the seed you mean with --seed N --faults --report %s", quoted(f.report))
	}
	s, _, err := f.faulty(arg)
	if err != nil {
		return err
	}
	r := &swarmResult{Scenario: s.Name, Strategy: f.strategy, Nodes: f.nodes, From: f.seed, Seeds: f.seeds, Failed: []failedSeed{}}
	began, told, every := newMeter(), time.Now(), statusLineEvery
	if onTerminal() {
		every = statusLineFirst
	}
	for i, run := range f.seedRuns(ctx, arg) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.add(run, arg)
		if n := len(r.Failed); run.err != nil && !f.json {
			fmt.Printf("seed %d failed: %s\n  again: %s\n", r.Failed[n-1].Seed, r.Failed[n-1].Error, r.Failed[n-1].Again)
		}
		if f.tellsSeeds() && time.Since(told) > every {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d seeds, %d failed\n", i+1, f.seeds, len(r.Failed))
		}
	}
	if f.stats {
		spent := began.stop()
		fmt.Fprintf(os.Stderr, "stats: %v\nstats: %d handovers (%.0f /s of wall time)\n", spent, r.Handovers, float64(r.Handovers)/spent.wall.Seconds())
	}
	return r.print(f.json)
}

// tellsSeeds reports whether progress is shown: to people, and in logs unless the result is for a program.
func (f *simFlags) tellsSeeds() bool { return !f.quiet && (!f.json || onTerminal()) }

func (r *swarmResult) add(run *seedRun, arg string) {
	r.Handovers += run.stats.Handovers
	r.Replayed += run.stats.Injected
	if run.err != nil {
		r.Failed = append(r.Failed, failedSeed{run.flags.seed, run.err.Error(), run.flags.again(arg)})
	}
}

// print gives the result and the status: 1 when a seed failed.
func (r *swarmResult) print(asJSON bool) error {
	if asJSON {
		if err := printJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Printf("%s from %d, %s, %d packets replayed by the attacker: %d failed\n",
			plural(r.Seeds, "seed"), r.From, plural(r.Handovers, "handover"), r.Replayed, len(r.Failed))
	}
	if len(r.Failed) > 0 {
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
