package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"roam6/lab"
	"roam6/scenario"
	"roam6/scenario/report"
)

// outcome is a run that has ended, ready to be shown.
type outcome struct {
	scenario *scenario.Scenario
	expect   scenario.Expect
	measure  *scenario.Measure
	flags    *runFlags
	cut      *lab.CaptureError // captures that could not be written; nil: all are whole
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
		sayFailed("", r.Checks)
		return err
	}
	if scenario.Passed(r.Checks) {
		return nil
	}
	if o.flags.json {
		sayFailed("", r.Checks)
		sayExcuse("", r.Result)
	}
	return ended(exitFailed)
}

// leave writes the report's files. What cannot be written is missing, not cut short; the error says in one line what is.
func (o *outcome) leave(r *scenario.Report) error {
	var missing []string
	var why error
	if o.cut != nil {
		missing, why = []string{"the captures"}, o.cut.Err
	}
	if dir := o.flags.report; dir != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		for _, file := range []struct {
			name string
			text []byte
		}{{"result.json", r.Result.JSON()}, {"report.html", report.HTML(r)}} {
			if err := writeWhole(filepath.Join(dir, file.name), file.text); err != nil {
				missing, why = append(missing, file.name), cmp.Or(why, err)
			}
		}
		if why == nil && !o.flags.json {
			fmt.Fprintf(os.Stderr, "Report: %s, and beside it result.json and captures (roam6 decode, wireshark)\n", filepath.Join(dir, "report.html"))
		}
	}
	if why == nil {
		return nil
	}
	return fmt.Errorf("not written: %s (%w)", strings.Join(missing, ", "), why)
}

// writeWhole writes a file, or leaves none.
func writeWhole(path string, text []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = cmp.Or(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}
