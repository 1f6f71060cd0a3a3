package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"roam6/scenario"
	"roam6/sim"
	"roam6/sim/check"
)

// simFlags are the flags of `sim run`.
type simFlags struct {
	runFlags
	check  bool
	faults bool
	seeds  int
}

func simCmd() *cobra.Command {
	return group("sim", "Run scenarios in virtual time", `sim runs a scenario on virtual time: the same protocol code as on real hosts, with simulated links and a model of the
kernel. It needs no privilege and nothing installed. Equal seeds give equal results, octet for octet.`, simRunCmd())
}

func simRunCmd() *cobra.Command {
	f := &simFlags{}
	c := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a scenario in virtual time and say what every handover cost",
		Long: `SCENARIO is the name of a built-in scenario (roam6 scenario list) or the path of a file. The table of handovers, the
timeline that explains each outage, and the verdict go to standard output, what happens meanwhile to standard error.`,
		Example: lines(
			"roam6 sim run commute",
			"roam6 sim run commute --set mn.dad=optimistic --set radio.blackout=50ms",
			"roam6 sim run commute --seed 7 --json | jq '.handovers[].down.interruption_ms'",
			"roam6 sim run commute --nodes 10000 --stats       ten thousand mobile nodes like mn",
			"roam6 sim run commute --report out                out/report.html, out/result.json, out/*.pcapng",
			"roam6 sim run commute --seeds 200                 200 runs with faults, all checkers on",
		),
		Args:              exactly(1, "a SCENARIO"),
		ValidArgsFunction: scenarioNames,
		RunE: work(func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("seeds") {
				return f.run(c.Context(), args[0])
			}
			if err := inRange("seeds", f.seeds, 1, maxSeeds); err != nil {
				return err
			}
			return f.swarm(c.Context(), args[0])
		}),
	}
	f.world = "sim"
	f.choose(c)
	f.show(c)
	c.Flags().IntVar(&f.nodes, "nodes", 1, "`number` of mobile nodes; the first ten have traffic of their own")
	c.Flags().BoolVar(&f.check, "check", false, "turn all checkers on: what must never happen ends the run")
	c.Flags().BoolVar(&f.faults, "faults", false, "add faults drawn from the seed: loss, reordering, crashes, clock skew, replayed packets; implies --check")
	c.Flags().IntVar(&f.seeds, "seeds", 0, "run `N` seeds, from --seed on, with faults and checkers, and name those that fail")
	ranged(c, "nodes", 1, scenario.MaxMobiles)
	ranged(c, "seeds", 1, maxSeeds)
	must(c.RegisterFlagCompletionFunc("nodes", nothing))
	must(c.RegisterFlagCompletionFunc("seeds", nothing))
	return c
}

// run is the command.
func (f *simFlags) run(ctx context.Context, arg string) error {
	if err := inRange("nodes", f.nodes, 1, scenario.MaxMobiles); err != nil {
		return err
	}
	plan := f.plan
	if f.faults {
		plan = f.faulty
	}
	s, p, err := plan(arg)
	if err != nil {
		return err
	}
	expect, err := s.Expectation(f.options())
	if err != nil {
		return usage(err)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	l := newLive(&f.runFlags, p, m)
	captures := f.report
	if captures != "" && f.nodes > scenario.MeasuredMobiles {
		captures = ""
		l.say(fmt.Sprintf("no captures are kept of more than %d mobile nodes", scenario.MeasuredMobiles))
	}
	caps, err := openPcaps(captures, p)
	if err != nil {
		return err
	}
	began := newMeter()
	c := f.config(ctx, p, l)
	c.Capture = caps.write
	st, err := sim.Run(c)
	l.done()
	cut, err := withoutCaptures(errors.Join(err, caps.close()))
	if err != nil {
		return err
	}
	spent := began.stop()
	out := &outcome{scenario: s, expect: expect, measure: m, flags: &f.runFlags, cut: cut}
	if f.faults {
		out.expect = scenario.Expect{} // what the scenario expects holds without faults; the checkers have judged
	}
	if f.stats {
		printSimStats(os.Stderr, st, spent, len(m.Result().Handovers))
	}
	return out.print(os.Stdout)
}

// config is the run of one plan.
func (f *simFlags) config(ctx context.Context, p *scenario.Plan, l *live) sim.Config {
	c := sim.Config{Plan: p, Build: build, Recorder: l, Progress: l.progress, Stop: ctx.Err}
	if f.check || f.faults || f.seeds > 0 {
		quiet := time.Duration(0)
		if f.faults {
			quiet = sim.QuietFrom(p.Length)
			c.Replay = &sim.Replay{Share: replayShare, Min: replayMin, Max: replayMax, Until: quiet}
		}
		c.Checkers = append(check.All(p, quiet, check.DefaultWithin), check.NewNoKeys(keysOf(p)))
	}
	return c
}

// The attacker of runs with faults.
const (
	replayShare = 0.1
	replayMin   = 10 * time.Millisecond
	replayMax   = 5 * time.Second
)
