package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"roam6/plane"
	"roam6/scenario"
)

// benchResult is the form of DESIGN part 8. A row without a peer has only ours.
type benchResult struct {
	Bench string     `json:"bench"`
	Rows  []benchRow `json:"rows"`
}

type benchRow struct {
	Name     string   `json:"name"`
	Unit     string   `json:"unit"`
	Ours     *float64 `json:"ours,omitempty"`     // the median of Runs
	OursMin  *float64 `json:"ours_min,omitempty"` // their least and largest, where they are more than one
	OursMax  *float64 `json:"ours_max,omitempty"`
	Peer     string   `json:"peer,omitempty"`
	Theirs   *float64 `json:"theirs,omitempty"`
	Ratio    *float64 `json:"ratio,omitempty"`
	RatioMin *float64 `json:"ratio_min,omitempty"`
	RatioMax *float64 `json:"ratio_max,omitempty"`
	Runs     int      `json:"runs,omitempty"`
	Skipped  string   `json:"skipped,omitempty"`
}

// ours is a row without a peer, of one measurement or more.
func ours(name, unit string, values ...float64) benchRow {
	slices.Sort(values)
	n := len(values)
	r := benchRow{Name: name, Unit: unit, Ours: &values[n/2], Runs: n}
	if n > 1 {
		r.OursMin, r.OursMax = &values[0], &values[n-1]
	}
	return r
}

// benches are what can be measured.
var benches = []struct {
	name, short string
	run         func(ctx context.Context, f *benchFlags) ([]benchRow, error)
}{
	{"codec", "Time and allocations of parsing and appending messages", benchCodec},
	{"plane", "Packets through a home agent, with the fast path and without, beside the kernel's own tunnels (as root)", benchPlane},
	{"soft", "TCP, delay and holding of a home agent in user space, beside wireguard-go and a loop of one packet a call (as root)", benchSoft},
	{"bindings", "Look-ups and moves among up to four million bindings, and what one takes of memory", benchBindings},
	{"updates", "Binding updates under ESP a second on one core, among up to a million bindings, beside a UDP echo", benchUpdates},
	{"aaa", "Diameter: a relay beside freeDiameter, a silent server, registrations, messages", benchAAA},
	{"kdc", "Kerberos: logons and tickets beside MIT's krb5kdc, lightweight tickets beside AP-REQs", benchKDC},
	{"sim", "Handovers per second of wall time and memory of the simulator, on one core", benchSim},
	{"emulator", "How late the laboratory's links deliver, at 4,000 packets a second over nine of them", benchEmulator},
}

// bindingSizes are the numbers of bindings that are measured if none are told.
var bindingSizes = map[string][]int{"bindings": {1000, 100_000, 1_000_000, 4_000_000}, "updates": {1, 100_000, 1_000_000}}

type benchFlags struct {
	json     bool
	nodes    []int
	scenario string
	bindings []int
	only     []string
}

func benchCmd() *cobra.Command {
	c := group("bench", "Measure roam6 itself", `Measurements of roam6 itself, the same everywhere, so that machines and versions can be compared. The spread is the
difference between the slowest and the fastest run, in percent of the median: a difference between two versions that is
smaller than it says nothing. On a busy machine it says so.`)
	for _, b := range benches {
		f := &benchFlags{}
		sub := &cobra.Command{
			Use: b.name, Short: b.short, Args: exactly(0, "no argument"),
			Example: lines("roam6 bench " + b.name + " --json"),
			RunE: work(func(c *cobra.Command, _ []string) error {
				load, _ := os.ReadFile("/proc/loadavg") // before we make some ourselves
				rows, err := b.run(c.Context(), f)
				if err != nil || rows == nil { // those of the laboratory are printed inside it
					return err
				}
				if text := busy(string(load), runtime.NumCPU()); text != "" {
					fmt.Fprintln(os.Stderr, "roam6: "+text)
				}
				none := nothingMeasured(rows)
				switch {
				case f.json:
					err = printJSON(benchResult{b.name, rows})
				case none == nil:
					err = printRows(os.Stdout, rows)
				}
				return errors.Join(err, none)
			}),
		}
		sub.Flags().BoolVar(&f.json, "json", false, "print JSON")
		if sizes := bindingSizes[b.name]; sizes != nil {
			sub.Flags().IntSliceVar(&f.bindings, "bindings", sizes, "`numbers` of bindings")
			must(sub.Flags().SetAnnotation("bindings", allowedNote, []string{fmt.Sprintf("each from 1 to %d", plane.MaxPaths)}))
			must(sub.RegisterFlagCompletionFunc("bindings", nothing))
		}
		if b.name == "aaa" || b.name == "kdc" {
			sub.Flags().StringSliceVar(&f.only, "only", nil, "`parts` that are measured; default: all")
			must(sub.RegisterFlagCompletionFunc("only", nothing))
		}
		if b.name == "sim" {
			sub.Flags().IntSliceVar(&f.nodes, "nodes", []int{1, 1000, 10000}, "`numbers` of mobile nodes")
			sub.Flags().StringVar(&f.scenario, "scenario", "commute", "`scenario` that is run")
			must(sub.Flags().SetAnnotation("nodes", allowedNote, []string{fmt.Sprintf("each from 1 to %d", scenario.MaxMobiles)}))
			must(sub.RegisterFlagCompletionFunc("nodes", nothing))
			must(sub.RegisterFlagCompletionFunc("scenario", func(c *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return scenarioNames(c, nil, typed)
			}))
		}
		c.AddCommand(sub)
	}
	c.AddCommand(benchHandoverCmd(), aaaRelayCmd(), kdcServerCmd())
	return c
}

// nothingMeasured says what this machine lacks where every row was skipped: a table of skipped rows says it as often as it has rows.
func nothingMeasured(rows []benchRow) error {
	if len(rows) == 0 || slices.ContainsFunc(rows, func(r benchRow) bool { return r.Skipped == "" }) {
		return nil
	}
	return lacks(fmt.Errorf("nothing could be measured here: %s", rows[0].Skipped))
}

// printRows prints medians and how far the runs lie apart: from the least to the largest, in percent of the median.
func printRows(w io.Writer, rows []benchRow) error {
	wide := 0
	for _, r := range rows {
		wide = max(wide, len(r.Name))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name, median, spread, runs, unit string) {
		fmt.Fprintf(t, "%-*s\t%s\t%s\t%s\t  %s\n", wide, name, median, spread, runs, unit)
	}
	line("", "median", "spread", "runs", "unit")
	for _, r := range rows {
		if r.Ratio != nil {
			r.Unit += fmt.Sprintf(", %.2f × %s (%.2f to %.2f)", *r.Ratio, r.Peer, *r.RatioMin, *r.RatioMax)
		}
		switch {
		case r.Ours == nil:
			line(r.Name, "–", "–", "–", r.Unit+", skipped: "+r.Skipped)
		case r.OursMin != nil && *r.Ours > 0:
			line(r.Name, figure(*r.Ours), fmt.Sprintf("%.0f %%", 100*(*r.OursMax-*r.OursMin) / *r.Ours), strconv.Itoa(r.Runs), r.Unit)
		default:
			line(r.Name, figure(*r.Ours), "–", strconv.Itoa(r.Runs), r.Unit)
		}
	}
	return t.Flush()
}

// figure prints three digits that say something, and all those before the point.
func figure(v float64) string {
	switch {
	case v == math.Trunc(v), v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// busyLoad is the part of the processors that others may use before a measurement says less than it seems to.
const busyLoad = 0.25

// busy is the warning of a machine that does something else; "" for one that does not. Load is the line of /proc/loadavg.
func busy(load string, processors int) string {
	first, _, _ := strings.Cut(load, " ")
	v, err := strconv.ParseFloat(first, 64)
	if err != nil || v <= busyLoad*float64(processors) {
		return ""
	}
	return fmt.Sprintf("warning: this machine is busy (load %.1f on %s): times come out too long and lie far apart; run it again when the load is below %.1f",
		v, plural(processors, "processor"), busyLoad*float64(processors))
}

// Each measurement is the median of benchRuns runs of at least benchTime.
const (
	benchRuns = 5
	benchTime = 100 * time.Millisecond
)

// measure gives the nanoseconds of a call of f, run by run, and its allocations.
func measure(f func()) (ns []float64, allocs float64) {
	n := 1
	for { // how many calls last long enough
		began := time.Now()
		for range n {
			f()
		}
		if spent := time.Since(began); spent > benchTime {
			break
		} else if spent > benchTime/50 {
			n = int(float64(n)*float64(benchTime)/float64(spent)) + 1
			break
		}
		n *= 4
	}
	var before, after runtime.MemStats
	for range benchRuns {
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		for range n {
			f()
		}
		ns = append(ns, float64(time.Since(began))/float64(n))
		runtime.ReadMemStats(&after)
		allocs = float64((after.Mallocs - before.Mallocs) / uint64(n))
	}
	return ns, allocs
}
