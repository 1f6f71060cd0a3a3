package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/lab"
	"roam6/role/mn"
	"roam6/scenario"
	"roam6/scenario/report"
	"roam6/sim"
)

// rowKey is the key of the scenario that rows set themselves, and rowValues what they set it to.
const rowKey = "mn.dad"

var rowValues = []string{"standard", "optimistic"}

// worlds are what --world takes, and which worlds each means.
var worlds = map[string][]string{"sim": {"sim"}, "lab": {"lab"}, "both": {"sim", "lab"}}

// compareFlags are the flags of `compare`.
type compareFlags struct {
	runFlags
	plane string
}

// variant is one row of a comparison: a strategy and the overrides that make it what it is.
type variant struct {
	name string
	dad  string // its value of rowKey
	with runFlags
}

func compareCmd() *cobra.Command {
	f := &compareFlags{runFlags: runFlags{nodes: 1, compared: true}}
	c := &cobra.Command{
		Use:   "compare SCENARIO",
		Short: "Run a scenario with every handover strategy and print one table",
		Long: `Runs a scenario with every handover strategy, each with both ways of duplicate address detection, and prints a
row each. What the scenario expects is expected of each: if one does not show it, the exit status is 1. Where a scenario itself chooses a way of
detection, that is expected of the rows with that one, and the others are there for comparison.

A row's own key, mn.dad, is the row's: --set mn.dad=optimistic leaves the rows that say so.`,
		Example: lines(
			"roam6 compare commute",
			"roam6 compare commute --world both                    in the simulator and in the laboratory",
			"roam6 compare commute --world lab --set radio.blackout=50ms",
			"roam6 compare commute --world lab --plane ebpf       users' packets by the fast path in the kernel",
			"roam6 compare commute --json | jq '.[] | {name, p50: .result.totals.interruption_ms.p50}'",
		),
		Args:              exactly(1, "a SCENARIO"),
		ValidArgsFunction: scenarioNames,
		RunE:              work(func(c *cobra.Command, args []string) error { return compare(c.Context(), f, args[0]) }),
	}
	c.Flags().Uint64Var(&f.seed, "seed", 1, "`number` that all chance of the runs comes from")
	setFlag(c, &f.set)
	c.Flags().BoolVar(&f.json, "json", false, "print a list of names, results and checks as JSON")
	tellFlags(c, &f.runFlags)
	planeFlag(c, &f.plane)
	c.Flags().StringVar(&f.world, "world", "sim", "where it runs: sim, lab or both, a row each")
	must(c.RegisterFlagCompletionFunc("world", cobra.FixedCompletions([]string{"sim", "lab", "both"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// variants are the strategies; each comes with both ways of duplicate address detection, its longest wait, unless the user chose
// one. What a row is called it also is, whatever --set says: its own key comes last.
func variants(f *runFlags) []variant {
	var out []variant
	ways := rowValues
	for _, s := range f.set {
		if way, ok := strings.CutPrefix(s, rowKey+"="); ok && slices.Contains(rowValues, way) {
			ways = []string{way}
		}
	}
	for _, s := range mn.Strategies {
		for _, dad := range ways {
			for _, world := range worlds[f.world] {
				v := variant{name: s + ", " + dad + " DAD", dad: dad, with: *f}
				v.with.strategy, v.with.world = s, world
				v.with.set = append(slices.Clone(f.set), rowKey+"="+dad)
				out = append(out, v)
			}
		}
	}
	return out
}

func compare(ctx context.Context, f *compareFlags, arg string) error {
	if worlds[f.world] == nil {
		return usagef("--world %s: sim, lab or both is allowed", f.world)
	}
	if err := planeKnown(f.plane); err != nil {
		return err
	}
	if f.world == "sim" && f.plane != planes[0] {
		return usagef("--plane %s: the simulator has only %s; with --world lab or both the laboratory's rows take another", f.plane, planes[0])
	}
	list := variants(&f.runFlags)
	for _, v := range list {
		if _, _, err := v.with.plan(arg); err != nil {
			return err
		}
	}
	if !f.quiet && len(list) == len(mn.Strategies)*len(worlds[f.world]) {
		fmt.Fprintf(os.Stderr, "roam6: --set %s: only rows with it are compared\n", rowKey)
	}
	if slices.Contains(worlds[f.world], "lab") {
		if inside, err := enter(ctx, lab.EnterOptions{}); !inside {
			return err
		}
	}
	var rows []report.Variant
	passed := true
	for _, v := range list {
		row, err := v.run(ctx, driver.Plane(f.plane), arg)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		passed = passed && scenario.Passed(row.Checks)
	}
	if err := printComparison(&f.runFlags, rows); err != nil {
		return err
	}
	if !passed {
		return ended(exitFailed)
	}
	return nil
}

// run runs one variant, in the laboratory by a plane, and holds it to what the scenario expects.
func (v *variant) run(ctx context.Context, plane driver.Plane, arg string) (report.Variant, error) {
	row := report.Variant{Name: v.name}
	s, p, err := v.with.plan(arg)
	if err != nil {
		return row, err
	}
	expect, err := s.Expectation(v.with.options())
	if err != nil {
		return row, usage(err)
	}
	if v.with.world == "sim" {
		plane = driver.PlaneSoft
	}
	m := scenario.NewMeasure(p, v.with.world, planeOf(string(plane)))
	l := newLive(&v.with, p, m)
	if l.tty || v.with.world == "lab" {
		l.say(v.name)
	}
	stood, err := one(ctx, v.with.world, plane, p, l)
	if err != nil {
		return row, withoutFast(err)
	}
	m.StoodStill(stood)
	row.Result = m.Result()
	if own := s.DAD(); own != "" && own != v.dad {
		row.Beside = fmt.Sprintf("the scenario has %s DAD, and what it expects is expected of rows with that; the others are there for comparison", own)
		return row, nil
	}
	row.Checks = scenario.Verdict(row.Result, expect)
	return row, nil
}

// printComparison prints the table or the list.
func printComparison(f *runFlags, rows []report.Variant) error {
	if !f.json {
		_, err := os.Stdout.Write(report.Comparison(rows, columns()))
		return err
	}
	for _, r := range rows {
		sayFailed(r.Name+": ", r.Checks)
		if !scenario.Passed(r.Checks) {
			sayExcuse(r.Name+": ", r.Result)
		}
	}
	return printJSON(rows)
}

// sayFailed tells of what was not as expected, beside a result in JSON.
func sayFailed(prefix string, checks []scenario.Check) {
	for _, c := range checks {
		if !c.OK {
			fmt.Fprintf(os.Stderr, "roam6: %sexpected of %s: %s; came: %s\n", prefix, c.Name, c.Want, c.Got)
		}
	}
}

// sayExcuse tells, beside a result in JSON that is not as expected, when the machine is a reason for it.
func sayExcuse(prefix string, r *scenario.Result) {
	if excuse := report.Excuse(r); excuse != "" {
		fmt.Fprintf(os.Stderr, "roam6: %s%s\n", prefix, excuse)
	}
}

// one runs a plan in a world, by a plane, and gives the times in which that stood still.
func one(ctx context.Context, world string, plane driver.Plane, p *scenario.Plan, l *live) ([]scenario.Standstill, error) {
	defer l.done()
	if world == "sim" {
		f := &simFlags{}
		_, err := sim.Run(f.config(ctx, p, l))
		return nil, err
	}
	defer l.clock()()
	st, err := lab.Run(ctx, lab.Config{Plan: p, Build: build, Services: labServices(), Recorder: l, Plane: plane})
	return st.Stood, err
}
