package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"roam6/scenario"
)

// outcome is a run that has ended, ready to be shown.
type outcome struct {
	scenario *scenario.Scenario
	expect   scenario.Expect
	measure  *scenario.Measure
	flags    *runFlags
}

// print shows the result, writes the report and ends with status 1 when an expectation failed.
func (o *outcome) print(w io.Writer) error {
	r := o.measure.Report(o.scenario, o.expect)
	if o.flags.json {
		if _, err := w.Write(r.Result.JSON()); err != nil {
			return err
		}
	}
	if dir := o.flags.report; dir != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return usage(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "result.json"), r.Result.JSON(), 0o666); err != nil {
			return err
		}
	}
	if !scenario.Passed(r.Checks) {
		if o.flags.json {
			for _, c := range r.Checks {
				if !c.OK {
					fmt.Fprintf(os.Stderr, "roam6: expected %s: %s; got %s\n", c.Name, c.Want, c.Got)
				}
			}
		}
		return ended(exitFailed)
	}
	return nil
}
