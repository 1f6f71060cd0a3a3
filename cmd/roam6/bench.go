package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// benchResult is the form of DESIGN part 8. A row without a peer has only ours.
type benchResult struct {
	Bench string     `json:"bench"`
	Rows  []benchRow `json:"rows"`
}

type benchRow struct {
	Name     string   `json:"name"`
	Unit     string   `json:"unit"`
	Ours     *float64 `json:"ours,omitempty"`
	Peer     string   `json:"peer,omitempty"`
	Theirs   *float64 `json:"theirs,omitempty"`
	Ratio    *float64 `json:"ratio,omitempty"`
	RatioMin *float64 `json:"ratio_min,omitempty"`
	RatioMax *float64 `json:"ratio_max,omitempty"`
	Runs     int      `json:"runs,omitempty"`
	Skipped  string   `json:"skipped,omitempty"`
}

// ours is a row without a peer.
func ours(name, unit string, v float64, runs int) benchRow {
	return benchRow{Name: name, Unit: unit, Ours: &v, Runs: runs}
}

// benches are what can be measured.
var benches = []struct {
	name, short string
	run         func(ctx context.Context, f *benchFlags) ([]benchRow, error)
}{
	{"codec", "Time and allocations of parsing and appending messages", benchCodec},
	{"sim", "Handovers per second of wall time and memory of the simulator, on one core", benchSim},
}

type benchFlags struct {
	json     bool
	nodes    []int
	scenario string
}

func benchCmd() *cobra.Command {
	c := group("bench", "Measure roam6 itself", "Measurements of roam6 itself, the same everywhere, so that machines and versions can be compared.")
	for _, b := range benches {
		f := &benchFlags{}
		sub := &cobra.Command{
			Use: b.name, Short: b.short, Args: exactly(0, "no argument"),
			Example: lines("roam6 bench " + b.name + " --json"),
			RunE: work(func(c *cobra.Command, _ []string) error {
				rows, err := b.run(c.Context(), f)
				if err != nil {
					return err
				}
				if f.json {
					return printJSON(benchResult{b.name, rows})
				}
				return printRows(rows)
			}),
		}
		sub.Flags().BoolVar(&f.json, "json", false, "print JSON")
		if b.name == "sim" {
			sub.Flags().IntSliceVar(&f.nodes, "nodes", []int{1, 1000, 10000}, "`numbers` of mobile nodes")
			sub.Flags().StringVar(&f.scenario, "scenario", "commute", "`scenario` that is run")
		}
		c.AddCommand(sub)
	}
	return c
}

func printRows(rows []benchRow) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, r := range rows {
		what := "skipped: " + r.Skipped
		if r.Ours != nil {
			what = fmt.Sprintf("%.6g", *r.Ours)
		}
		fmt.Fprintf(w, "%s\t%s\t %s\t\n", r.Name, what, r.Unit)
	}
	return w.Flush()
}

// Each measurement is the median of benchRuns runs of at least benchTime.
const (
	benchRuns = 5
	benchTime = 100 * time.Millisecond
)

// measure gives the nanoseconds and allocations of one call of f.
func measure(f func()) (ns, allocs float64) {
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
	var times []float64
	var before, after runtime.MemStats
	for range benchRuns {
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		for range n {
			f()
		}
		times = append(times, float64(time.Since(began))/float64(n))
		runtime.ReadMemStats(&after)
		allocs = float64((after.Mallocs - before.Mallocs) / uint64(n))
	}
	slices.Sort(times)
	return times[len(times)/2], allocs
}
