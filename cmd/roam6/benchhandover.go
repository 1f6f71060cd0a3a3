package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/lab"
	"roam6/scenario"
	"roam6/sim"
)

// What fast handovers claim, beyond what cannot be less: the precision of a probe each millisecond in the simulator; in the laboratory
// what kernels and links that share the machine's processors add.
const (
	claimSim = time.Millisecond
	claimLab = 3 * time.Millisecond
)

// Handovers of a kind unless it is said, and in one run of the simulator: the rest of them have seeds of their own.
const (
	benchHandoversSim = 1000
	benchHandoversLab = 50
	handoversARun     = 100
)

// coreDelay is one way between an operator and the core, as in two-operators, where home is not nearer than that.
const coreDelay = 10 * time.Millisecond

// handoverFlags are the flags of `bench handover`.
type handoverFlags struct {
	lab, json, quiet bool
	handovers        int
	blackouts, homes []time.Duration
	planes           []string
	seed             uint64
	set              []string
}

func benchHandoverCmd() *cobra.Command {
	f := &handoverFlags{}
	c := &cobra.Command{
		Use:   "handover",
		Short: "What many handovers of fmipv6 and of mipv6 cost, at several blackouts and distances from home",
		Long: `Runs the scenario walk with many handovers of every strategy, and prints a row for each blackout, distance from home and strategy: packets
lost, duplicated and reordered of a thousand a second each way, and how much longer than the blackout the interruptions were.

fmipv6 claims that nothing is lost, duplicated or reordered, and that 99 of 100 interruptions are longer than the blackout by at most
one way over the air (1 ms) and 1 ms, in the laboratory 3 ms, whatever the distance from home. Toward the mobile node that can only
be where the blackout lasts as long as packets take from the previous router to the next; else the rest of that way, the floor, is
added. Where the machine makes longer gaps in the second before the handovers (quiet), these are allowed for. If a claim does not hold,
the exit status is 1.`,
		Example: lines(
			"roam6 bench handover                                12 kinds, 1,000 handovers of each strategy in each; takes minutes",
			"roam6 bench handover --handovers 100                the same in a minute or two",
			"roam6 bench handover --lab                          50 of each in the laboratory, by both planes; takes 6 minutes",
			"roam6 bench handover --blackout 20ms --home 150ms --json | jq '.cells[] | {strategy, up: .up.l3_overhead_ms.p99}'",
		),
		Args: exactly(0, "no argument"),
		RunE: work(func(c *cobra.Command, _ []string) error { return f.run(c.Context()) }),
	}
	c.Flags().BoolVar(&f.lab, "lab", false, "in the laboratory instead of the simulator, by default with the world's own blackout and distance")
	c.Flags().IntVar(&f.handovers, "handovers", 0, fmt.Sprintf("`number` of handovers of a kind (default %d, in the laboratory %d)", benchHandoversSim, benchHandoversLab))
	c.Flags().DurationSliceVar(&f.blackouts, "blackout", nil, "`times` without a link (default 0s,5ms,20ms,50ms, in the laboratory 20ms)")
	c.Flags().DurationSliceVar(&f.homes, "home", nil, "`times` one way between an operator and home (default 1ms,40ms,150ms, in the laboratory 40ms)")
	c.Flags().StringSliceVar(&f.planes, "plane", nil, "with --lab: `who` forwards users' packets (default soft,ebpf)")
	for _, flag := range []string{"blackout", "home"} {
		c.Flags().Lookup(flag).DefValue = "" // help would show an empty list beside what the text says
	}
	c.Flags().Uint64Var(&f.seed, "seed", 1, "`number` that all chance of the runs comes from")
	setFlag(c, &f.set)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON: the rows of a bench, and all figures as cells")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no progress on standard error")
	ranged(c, "handovers", 1, scenario.MaxWalk)
	for _, flag := range []string{"handovers", "blackout", "home", "seed"} {
		must(c.RegisterFlagCompletionFunc(flag, nothing))
	}
	must(c.RegisterFlagCompletionFunc("plane", cobra.FixedCompletions([]string{"soft", "ebpf"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// defaults fills in what was not said.
func (f *handoverFlags) defaults() error {
	if f.handovers == 0 {
		if f.handovers = benchHandoversSim; f.lab {
			f.handovers = benchHandoversLab
		}
	}
	if err := inRange("handovers", f.handovers, 1, scenario.MaxWalk); err != nil {
		return err
	}
	if f.blackouts == nil {
		if f.blackouts = []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond}; f.lab {
			f.blackouts = []time.Duration{20 * time.Millisecond}
		}
	}
	if f.homes == nil {
		if f.homes = []time.Duration{time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond}; f.lab {
			f.homes = []time.Duration{40 * time.Millisecond}
		}
	}
	for _, p := range f.planes {
		if p != string(driver.PlaneSoft) && p != string(driver.PlaneEBPF) {
			return usagef("--plane %s: soft, ebpf are allowed", p)
		}
	}
	switch {
	case !f.lab && f.planes != nil:
		return usagef("--plane: only with --lab; the simulator has the soft one")
	case !f.lab:
		f.planes = []string{string(driver.PlaneSoft)}
	case f.planes == nil:
		f.planes = []string{string(driver.PlaneSoft), string(driver.PlaneEBPF)}
	}
	return nil
}

// walks are the handovers of one kind: a row.
type walks struct {
	*scenario.Sweep
	flags   []*runFlags // a run each
	skipped error
}

// kinds are the rows, those of strategies that claim nothing below the ones they are beside.
func (f *handoverFlags) kinds() []*walks {
	var out []*walks
	for _, blackout := range f.blackouts {
		for _, home := range f.homes {
			for _, plane := range f.planes {
				for _, strategy := range []string{claimant, baseline} {
					w := &walks{Sweep: &scenario.Sweep{World: f.world(), Strategy: strategy, Plane: plane,
						Blackout: scenario.Millis(blackout), Home: scenario.Millis(home)}}
					for left, seed := f.handovers, f.seed; left > 0; seed++ {
						n := left
						if !f.lab {
							n = min(n, handoversARun)
						}
						w.flags = append(w.flags, f.one(strategy, blackout, home, n, seed))
						left -= n
					}
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// The strategy that claims to lose nothing, and the one it is compared with.
const (
	claimant = "fmipv6"
	baseline = "mipv6"
)

func (f *handoverFlags) world() string {
	if f.lab {
		return "lab"
	}
	return "sim"
}

// one are the flags of one run. Moves are far enough apart for the slower strategy at the largest distance; the core is as near as home
// where home is nearer.
func (f *handoverFlags) one(strategy string, blackout, home time.Duration, n int, seed uint64) *runFlags {
	core := min(coreDelay, home/2)
	every := walkEvery + blackout + 4*home
	set := []string{"mn.dad=standard", fmt.Sprint("walk.moves=", n), fmt.Sprint("walk.every=", every), fmt.Sprint("radio.blackout=", blackout),
		fmt.Sprint("delays.core=", core), fmt.Sprint("delays.home=", home-core), "expect={}"}
	return &runFlags{strategy: strategy, seed: seed, set: append(set, f.set...), nodes: 1, quiet: true, world: f.world()}
}

// walkEvery is the time between two moves beside what the distances add: standard duplicate detection takes up to two seconds, the
// spread of walk is half a one.
const walkEvery = 2800 * time.Millisecond

func (f *handoverFlags) run(ctx context.Context) error {
	if err := f.defaults(); err != nil {
		return err
	}
	rows := f.kinds()
	for _, w := range rows {
		for _, r := range w.flags {
			_, p, err := r.plan("walk")
			if err != nil {
				return err
			}
			w.Place(p)
		}
	}
	if f.lab {
		if inside, err := enter(ctx, lab.EnterOptions{}); !inside {
			return err
		}
		load, _ := os.ReadFile("/proc/loadavg") // before we make some ourselves
		if text := busy(string(load), runtime.NumCPU()); text != "" {
			fmt.Fprintln(os.Stderr, "roam6: "+text)
		}
	}
	if err := f.measure(ctx, rows); err != nil {
		return err
	}
	return f.print(rows)
}

// measure makes all runs: those of the simulator one on each processor at a time, those of the laboratory one after the other.
func (f *handoverFlags) measure(ctx context.Context, rows []*walks) error {
	began, told := time.Now(), time.Now()
	for i, w := range rows {
		var results []*scenario.Result
		var err error
		if f.lab {
			results, err = w.lab(ctx)
		} else {
			results, err = w.sim(ctx)
		}
		if errors.Is(err, driver.ErrNoFast) {
			w.skipped, err = err, nil
		}
		if err != nil {
			return err
		}
		for _, r := range results {
			w.Add(r)
		}
		if w.Strategy == claimant && w.skipped == nil {
			tolerance := claimSim
			if f.lab {
				tolerance = claimLab
			}
			w.Judge(tolerance)
		}
		if !f.quiet && (!f.json || onTerminal()) && (time.Since(told) > statusLineFirst || f.lab) {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d kinds after %v: %s, blackout %v, home %v\n", i+1, len(rows), time.Since(began).Round(time.Second),
				w.Strategy, time.Duration(w.Blackout), time.Duration(w.Home))
		}
	}
	return nil
}

// sim gives the results in the order of their seeds.
func (w *walks) sim(ctx context.Context) ([]*scenario.Result, error) {
	out, errs := make([]*scenario.Result, len(w.flags)), make([]error, len(w.flags))
	slots, done := make(chan struct{}, runtime.GOMAXPROCS(0)), make(chan struct{})
	for i, r := range w.flags {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; done <- struct{}{} }()
			out[i], errs[i] = simWalk(ctx, r)
		}()
		if i >= cap(slots)-1 {
			<-done
		}
	}
	for range min(len(w.flags), cap(slots)-1) {
		<-done
	}
	return out, errors.Join(errs...)
}

func simWalk(ctx context.Context, r *runFlags) (*scenario.Result, error) {
	_, p, err := r.plan("walk")
	if err != nil {
		return nil, err
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	if _, err := sim.Run(sim.Config{Plan: p, Build: build, Recorder: m, Stop: ctx.Err}); err != nil {
		return nil, err
	}
	return m.Result(), nil
}

func (w *walks) lab(ctx context.Context) ([]*scenario.Result, error) {
	var out []*scenario.Result
	for _, r := range w.flags {
		_, p, err := r.plan("walk")
		if err != nil {
			return nil, err
		}
		m := scenario.NewMeasure(p, "lab", w.Plane)
		if _, err := lab.Run(ctx, lab.Config{Plan: p, Build: build, Services: labServices(), Recorder: m, Plane: driver.Plane(w.Plane)}); err != nil {
			return nil, err
		}
		out = append(out, m.Result())
	}
	return out, nil
}
