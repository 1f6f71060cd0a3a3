package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses, DESIGN part 9. A contract that scripts rely on.
const (
	exitDone   = 0
	exitFailed = 1 // the run's expectation failed, or the work could not be finished
	exitUsage  = 2 // command line or configuration
	exitLacks  = 3 // the machine lacks something
)

// failure is an error and the status to end with. An empty text prints nothing: all has been said.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage marks an error of the command line or of a configuration.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &failure{exitUsage, err}
}

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// lacks marks an error of the machine.
func lacks(err error) error {
	if err == nil {
		return nil
	}
	return &failure{exitLacks, err}
}

// ended ends with a status and without a word.
func ended(status int) error {
	if status == exitDone {
		return nil
	}
	return &failure{status: status}
}

// conclude prints an error and gives the exit status. What cobra finds wrong (flags, arguments, unknown commands) is usage.
func conclude(w io.Writer, cmd *cobra.Command, err error) int {
	if err == nil {
		return exitDone
	}
	var f *failure
	status := exitUsage
	if errors.As(err, &f) {
		status = f.status
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "roam6: interrupted")
		return exitFailed
	}
	text := err.Error()
	if text == "" {
		return status
	}
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		status = exitLacks
		text += "; what to do: allow more open files, such as ulimit -n 1024, or LimitNOFILE=1024 in a unit"
	}
	fmt.Fprintln(w, "roam6: "+text)
	if f == nil && cmd != nil {
		fmt.Fprintf(w, "Try `%s --help`.\n", cmd.CommandPath())
	}
	return status
}

// work makes the RunE of a command: errors that carry no status are failures of the work, not of the command line.
func work(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := f(cmd, args)
		var known *failure
		if err == nil || errors.As(err, &known) {
			return err
		}
		return &failure{exitFailed, err}
	}
}
