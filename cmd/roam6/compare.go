package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"roam6/lab"
	"roam6/role/mn"
	"roam6/scenario"
	"roam6/sim"
)

// variant is one row of a comparison: a strategy and the overrides that make it what it is.
type variant struct {
	Name string `json:"name"`
	with runFlags
}

// row is what a variant came to.
type row struct {
	Name   string           `json:"name"`
	Result *scenario.Result `json:"result"`
}

func compareCmd() *cobra.Command {
	f, world := &runFlags{nodes: 1}, "sim"
	c := &cobra.Command{
		Use:   "compare SCENARIO",
		Short: "Run a scenario with every handover strategy and print one table",
		Example: lines(
			"roam6 compare commute",
			"roam6 compare commute --world lab --set radio.blackout=50ms",
			"roam6 compare commute --json | jq '.[] | {name, p50: .result.totals.interruption_ms.p50}'",
		),
		Args:              exactly(1, "a SCENARIO"),
		ValidArgsFunction: scenarioNames,
		RunE:              work(func(c *cobra.Command, args []string) error { return compare(c.Context(), f, world, args[0]) }),
	}
	c.Flags().Uint64Var(&f.seed, "seed", 1, "`number` that all chance of the runs comes from")
	c.Flags().StringArrayVar(&f.set, "set", nil, "override one `key=value` of the scenario (may be repeated)")
	c.Flags().BoolVar(&f.json, "json", false, "print a list of names and results as JSON")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no progress on standard error")
	c.Flags().StringVar(&world, "world", "sim", "where it runs: sim or lab")
	must(c.RegisterFlagCompletionFunc("world", cobra.FixedCompletions([]string{"sim", "lab"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// variants are the strategies; mipv6 comes with both ways of duplicate address detection, its longest wait.
func variants(f *runFlags) []variant {
	var out []variant
	for _, s := range mn.Strategies {
		for _, dad := range []string{"standard", "optimistic"} {
			v := variant{Name: s + ", " + dad + " DAD", with: *f}
			v.with.strategy = s
			v.with.set = append([]string{"mn.dad=" + dad}, f.set...)
			out = append(out, v)
		}
	}
	return out
}

func compare(ctx context.Context, f *runFlags, world, arg string) error {
	if world != "sim" && world != "lab" {
		return usagef("--world %s: there are sim and lab", world)
	}
	list := variants(f)
	for _, v := range list {
		if _, _, err := v.with.plan(arg); err != nil {
			return err
		}
	}
	if world == "lab" {
		if inside, err := enter(ctx, lab.EnterOptions{}); !inside {
			return err
		}
	}
	var rows []row
	for _, v := range list {
		_, p, err := v.with.plan(arg)
		if err != nil {
			return err
		}
		m := scenario.NewMeasure(p, world, "soft")
		l := newLive(&v.with, p, m)
		l.say(v.Name)
		if err := one(ctx, world, p, l); err != nil {
			return err
		}
		rows = append(rows, row{v.Name, m.Result()})
	}
	if f.json {
		return printJSON(rows)
	}
	return printComparison(rows)
}

// one runs a plan in a world.
func one(ctx context.Context, world string, p *scenario.Plan, l *live) error {
	defer l.done()
	if world == "sim" {
		f := &simFlags{}
		_, err := sim.Run(f.config(ctx, p, l))
		return err
	}
	defer l.clock()()
	_, err := lab.Run(ctx, lab.Config{Plan: p, Build: build, Recorder: l})
	return err
}

func printComparison(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "strategy\thandovers\tfailed\tout p50 ms\tout max\tL3 p50\tL3 max\tlost\tair packets\toctets\tworst voice R\t")
	for _, r := range rows {
		t, air := r.Result.Totals, scenario.Air{}
		for _, h := range r.Result.Handovers {
			air.Messages += h.Air.Messages
			air.Octets += h.Air.Octets
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t\n", r.Name, t.Handovers, t.Failed,
			milli(t.Interruption.P50), milli(t.Interruption.Max), milli(t.L3Overhead.P50), milli(t.L3Overhead.Max),
			t.Lost, air.Messages, air.Octets, worstVoice(r.Result))
	}
	return w.Flush()
}

func milli(m *scenario.Millis) string {
	if m == nil {
		return "-"
	}
	return strconv.FormatFloat(float64(*m)/1e6, 'f', 1, 64)
}

func worstVoice(r *scenario.Result) string {
	var worst *scenario.Decimal
	for _, f := range r.Flows {
		if f.R != nil && (worst == nil || *f.R < *worst) {
			worst = f.R
		}
	}
	if worst == nil {
		return "-"
	}
	return strconv.FormatFloat(float64(*worst), 'f', 1, 64)
}
