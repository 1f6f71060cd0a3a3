package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"roam6/conf"
	"roam6/role/mn"
	"roam6/scenario"
)

// runFlags are the flags that every run of a scenario has.
type runFlags struct {
	strategy string
	seed     uint64
	set      []string
	nodes    int
	json     bool
	stats    bool
	quiet    bool
	verbose  bool
	report   string
	world    string // "sim" or "lab"; "" where what happens goes into a log of its own
	compared bool   // one of several runs
}

func (f *runFlags) options() scenario.Options {
	return scenario.Options{Strategy: f.strategy, Seed: f.seed, Nodes: f.nodes, Set: f.set}
}

// choose adds the flags that decide about the plan.
func (f *runFlags) choose(c *cobra.Command) {
	c.Flags().StringVar(&f.strategy, "strategy", "", "handover `strategy`: "+strings.Join(mn.Strategies, ", ")+" (default: what the scenario says, or "+mn.Strategies[0]+")")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "`number` that all chance of the run comes from")
	setFlag(c, &f.set)
	must(c.RegisterFlagCompletionFunc("strategy", strategies))
	must(c.RegisterFlagCompletionFunc("seed", nothing))
}

// show adds the flags that decide what a run shows and leaves.
func (f *runFlags) show(c *cobra.Command) {
	c.Flags().BoolVar(&f.json, "json", false, "print the result as JSON (docs/result.md) instead of tables")
	c.Flags().BoolVar(&f.stats, "stats", false, "print wall time, memory and rates to standard error")
	tellFlags(c, f)
	c.Flags().StringVar(&f.report, "report", "", "write report.html, result.json and captures into `DIR`")
	must(c.MarkFlagDirname("report"))
}

// setFlag adds the flag that overrides the scenario.
func setFlag(c *cobra.Command, set *[]string) {
	c.Flags().StringArrayVar(set, "set", nil, "override one `key=value` of the scenario, such as radio.blackout=50ms (may be repeated)")
	must(c.RegisterFlagCompletionFunc("set", setKeys))
}

// tellFlags adds the flags that decide what is told meanwhile.
func tellFlags(c *cobra.Command, f *runFlags) {
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "no progress on standard error")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "tell every step on standard error, as on a terminal")
}

// plan works out the scenario that an argument names. Errors are of the configuration.
func (f *runFlags) plan(arg string) (*scenario.Scenario, *scenario.Plan, error) {
	if f.strategy != "" && !slices.Contains(mn.Strategies, f.strategy) {
		return nil, nil, usagef("--strategy %s: there is no such strategy; there are: %s", f.strategy, strings.Join(mn.Strategies, ", "))
	}
	if f.quiet && f.verbose {
		return nil, nil, usagef("--quiet and --verbose: one of them is allowed")
	}
	s, err := open(arg)
	if err != nil {
		return nil, nil, err
	}
	if f.strategy == "" {
		f.strategy = s.Strategy
	}
	p, err := s.Plan(f.options())
	return s, p, usage(err)
}

// open reads a scenario by the name of a built-in one or the path of a file.
func open(arg string) (*scenario.Scenario, error) {
	if !strings.ContainsAny(arg, "/.") {
		s, err := scenario.Load(arg)
		return s, usage(err)
	}
	text, err := readConfig(arg)
	if err != nil {
		return nil, err
	}
	s, err := scenario.Read(arg, text)
	return s, usage(err)
}

// readConfig reads a file that the user named, but no more than a configuration may have: what it names may have no end.
func readConfig(file string) ([]byte, error) {
	f, err := os.Open(file)
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(f, conf.MaxPlain+1))
		f.Close()
	}
	var where *fs.PathError
	if errors.As(err, &where) {
		return nil, usagef("%s: %w", file, where.Err)
	}
	return text, usage(err)
}

// must is for mistakes of this program that a test would show.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("roam6: %v", err))
	}
}
