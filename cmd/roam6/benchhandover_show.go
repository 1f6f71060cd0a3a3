package main

import (
	"fmt"
	"os"
	"time"

	"roam6/scenario"
	"roam6/scenario/report"
)

// print shows the table or JSON, and ends with status 1 when a claim does not hold.
func (f *handoverFlags) print(rows []*walks) error {
	var list []*scenario.Sweep
	right := true
	for _, w := range rows {
		if w.skipped != nil {
			fmt.Fprintf(os.Stderr, "roam6: skipped: %s by plane %s: %v\n", w.Strategy, w.Plane, w.skipped)
			continue
		}
		list = append(list, w.Sweep)
		right = right && len(w.Wrong) == 0
	}
	var err error
	if f.json {
		err = printJSON(handoverResult{benchResult{"handover", handoverRows(rows)}, list})
	} else {
		_, err = os.Stdout.Write(report.Sweep(list, columns()))
	}
	if err == nil && !right {
		err = ended(exitFailed)
	}
	return err
}

// handoverResult is what --json prints: a bench, and every figure of every row.
type handoverResult struct {
	benchResult
	Cells []*scenario.Sweep `json:"cells"`
}

// handoverRows are the rows of a bench: the claimant's figures beside the baseline's.
func handoverRows(rows []*walks) []benchRow {
	out := []benchRow{}
	for i, w := range rows {
		if w.Strategy != claimant || i+1 == len(rows) {
			continue
		}
		peer := rows[i+1].Sweep
		kind := fmt.Sprintf(", blackout %v, home %v, %s", time.Duration(w.Blackout), time.Duration(w.Home), w.Plane)
		if w.skipped != nil {
			out = append(out, benchRow{Name: "handovers" + kind, Unit: "ms", Skipped: w.skipped.Error()})
			continue
		}
		for _, q := range []struct {
			name, unit string
			of         func(s *scenario.Sweep) float64
		}{
			{"lost", "packets", func(s *scenario.Sweep) float64 { return float64(s.Down.Lost + s.Up.Lost) }},
			{"duplicated", "packets", func(s *scenario.Sweep) float64 { return float64(s.Down.Duplicated + s.Up.Duplicated) }},
			{"reordered", "packets", func(s *scenario.Sweep) float64 { return float64(s.Down.Reordered + s.Up.Reordered) }},
			{"L3 overhead p99 down", "ms", func(s *scenario.Sweep) float64 { return inMillis(s.Down.L3Overhead.P99) }},
			{"L3 overhead p99 up", "ms", func(s *scenario.Sweep) float64 { return inMillis(s.Up.L3Overhead.P99) }},
		} {
			row, theirs := ours(q.name+kind, q.unit, q.of(w.Sweep)), q.of(peer)
			row.Peer, row.Theirs = baseline, &theirs
			if theirs > 0 {
				row.Ratio = new(*row.Ours / theirs)
				row.RatioMin, row.RatioMax = row.Ratio, row.Ratio
			}
			out = append(out, row)
		}
	}
	return out
}

func inMillis(m *scenario.Millis) float64 {
	if m == nil {
		return 0
	}
	return float64(*m) / float64(time.Millisecond)
}
