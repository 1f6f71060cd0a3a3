package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"roam6/scenario"
	"roam6/scenario/report"
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
	text := report.Text(r, columns())
	if o.flags.json {
		text = r.Result.JSON()
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := o.leave(r); err != nil {
		return err
	}
	if scenario.Passed(r.Checks) {
		return nil
	}
	if o.flags.json {
		sayFailed("", r.Checks)
	}
	return ended(exitFailed)
}

// leave writes the report's files.
func (o *outcome) leave(r *scenario.Report) error {
	dir := o.flags.report
	if dir == "" {
		return nil
	}
	page := filepath.Join(dir, "report.html")
	err := errors.Join(
		os.MkdirAll(dir, 0o777),
		os.WriteFile(filepath.Join(dir, "result.json"), r.Result.JSON(), 0o666),
		os.WriteFile(page, report.HTML(r), 0o666),
	)
	if err == nil && !o.flags.json {
		fmt.Fprintf(os.Stderr, "Report: %s, and beside it result.json and captures (roam6 decode, wireshark)\n", page)
	}
	return err
}
