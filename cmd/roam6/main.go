package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is set by the linker: -X main.version=1.2.3.
var version string

// sameSignal is how long after a signal further ones mean the same: a terminal's Ctrl-C goes to every process of the command,
// and the outside of a lab passes on to the inside what that has got already.
const sameSignal = 500 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), wanted()...)
	context.AfterFunc(ctx, func() { // a second Ctrl-C ends what does not end by itself
		time.Sleep(sameSignal)
		stop()
	})
	status := run(ctx, os.Args[1:])
	os.Exit(status)
}

// wanted are the signals that end a command in good order, but those that whoever started it had it ignore (nohup, a
// shell's background jobs).
func wanted() []os.Signal {
	var list []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// run executes one command line and gives the exit status.
func run(ctx context.Context, args []string) int {
	root := rootCmd()
	root.SetArgs(args)
	out := &watched{w: os.Stdout}
	root.SetOut(out)
	cmd, err := root.ExecuteContextC(ctx)
	if out.err != nil && (err == nil || errors.Is(err, out.err)) {
		err = &failure{exitFailed, out.err}
	}
	return conclude(os.Stderr, cmd, err)
}

// watched notes that what cobra prints by itself, help and versions, cannot be written: it does not look.
type watched struct {
	w   io.Writer
	err error
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}
