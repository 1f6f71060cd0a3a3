package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"roam6/lab"
)

// emulatorRuns is how often the emulator is measured: each run takes four seconds.
const emulatorRuns = 5

// benchEmulator measures how well the laboratory's links keep their times. Outside the namespaces it gives no rows: they are
// printed inside.
func benchEmulator(ctx context.Context, b *benchFlags) ([]benchRow, error) {
	if inside, err := enter(ctx, lab.EnterOptions{}); !inside {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "roam6-bench")
	if err != nil {
		return nil, lacks(err)
	}
	defer os.RemoveAll(dir)
	figures := []struct {
		name, unit string
		of         func(c lab.Calibration) float64
		all        []float64
	}{
		{"a frame late by, p50", "µs", func(c lab.Calibration) float64 { return micros(c.Stats.P50) }, nil},
		{"a frame late by, p99", "µs", func(c lab.Calibration) float64 { return micros(c.Stats.P99) }, nil},
		{"a frame late by, max", "µs", func(c lab.Calibration) float64 { return micros(c.Stats.Max) }, nil},
		{"a packet over nine links late by, p50", "µs", func(c lab.Calibration) float64 { return micros(c.PathP50) }, nil},
		{"a packet over nine links late by, p99", "µs", func(c lab.Calibration) float64 { return micros(c.PathP99) }, nil},
		{"packets sent, of 12,000 that were due", "packets", func(c lab.Calibration) float64 { return float64(c.Sent) }, nil},
		{"packets lost, where the model loses none", "packets", func(c lab.Calibration) float64 { return float64(c.Sent - c.Received) }, nil},
	}
	for run := range emulatorRuns {
		if !b.json || onTerminal() {
			fmt.Fprintf(os.Stderr, "run %d of %d …\n", run+1, emulatorRuns)
		}
		c, err := lab.Calibrate(ctx, dir)
		if err != nil {
			return nil, err
		}
		for k := range figures {
			figures[k].all = append(figures[k].all, figures[k].of(c))
		}
	}
	var rows []benchRow
	for _, f := range figures {
		rows = append(rows, ours(f.name, f.unit, f.all...))
	}
	return rows, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
