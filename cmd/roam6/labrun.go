package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"roam6/driver"
	"roam6/lab"
	"roam6/scenario"
)

// labFlags are the flags of `lab run`.
type labFlags struct {
	runFlags
	captures string
	plane    string
}

func labCmd() *cobra.Command {
	return group("lab", "Run scenarios in network namespaces on this machine", `lab runs a scenario on this machine's kernel: a network namespace for every node, real sockets, real traffic, and between
them links that roam6 emulates itself. It needs no root and no other program; roam6 doctor says what it does need.

Nothing is left behind, however the lab ends: its namespaces live and die with one process.`,
		labRunCmd(), labUpCmd(), labExecCmd(), labMoveCmd(), labCtlCmd(), labEventsCmd(), labStatusCmd(), labListCmd(), labDownCmd())
}

func labRunCmd() *cobra.Command {
	f := &labFlags{}
	c := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a scenario in a laboratory and say what every handover cost",
		Long: `SCENARIO is the name of a built-in scenario (roam6 scenario list) or the path of a file. It runs in real time. The table of
handovers, the timeline that explains each outage, and the verdict go to standard output, what happens meanwhile to standard error.`,
		Example: lines(
			"roam6 lab run commute --report out                out/report.html, out/result.json, out/*.pcapng",
			"roam6 lab run commute --set mn.dad=optimistic",
			"roam6 lab run commute --keep-captures out --json",
		),
		Args:              exactly(1, "a SCENARIO"),
		ValidArgsFunction: scenarioNames,
		RunE:              work(func(c *cobra.Command, args []string) error { return f.run(c.Context(), args[0]) }),
	}
	f.nodes, f.world = 1, "lab"
	f.choose(c)
	f.show(c)
	c.Flags().StringVar(&f.captures, "keep-captures", "", "write a pcapng of every segment into `DIR` (--report does so too)")
	planeFlag(c, &f.plane)
	must(c.MarkFlagDirname("keep-captures"))
	return c
}

// run is the command. It checks everything before it enters the namespaces, where it runs once more.
func (f *labFlags) run(ctx context.Context, arg string) error {
	if err := planeKnown(f.plane); err != nil {
		return err
	}
	s, p, err := f.plan(arg)
	if err != nil {
		return err
	}
	expect, err := s.Expectation(f.options())
	if err != nil {
		return usage(err)
	}
	if inside, err := enter(ctx, lab.EnterOptions{}); !inside {
		return err
	}
	m := scenario.NewMeasure(p, "lab", planeOf(f.plane))
	l := newLive(&f.runFlags, p, m)
	c := lab.Config{Plan: p, Build: build, Services: labServices(), Recorder: l, CaptureDir: f.captures, Plane: driver.Plane(f.plane)}
	if c.CaptureDir == "" {
		c.CaptureDir = f.report
	}
	c.Progress = func(at time.Duration, what string) {
		if at == 0 {
			l.say(what) // the rest comes with the recorder, in order with the events
		}
	}
	began := newMeter()
	stop := l.clock()
	st, err := lab.Run(ctx, c)
	stop()
	l.done()
	cut, err := withoutCaptures(err)
	if err != nil {
		return withoutFast(err)
	}
	m.StoodStill(st.Stood)
	if f.stats {
		printLabStats(os.Stderr, st, began.stop())
	}
	return (&outcome{scenario: s, expect: expect, measure: m, flags: &f.runFlags, cut: cut}).print(os.Stdout)
}

// enter goes into the lab's namespaces. Outside, where inside is false, the error is what the command ends with.
func enter(ctx context.Context, o lab.EnterOptions) (inside bool, err error) {
	if os.Getenv(envRuntime) == "" { // outside: the user's number is another one inside
		if err := lab.Supported(); err != nil {
			return false, lacks(err)
		}
		dir, err := runtimeDir()
		if err != nil {
			return false, err
		}
		if err := os.Setenv(envRuntime, dir); err != nil {
			return false, err
		}
	}
	inside, status, err := lab.Enter(ctx, o)
	switch {
	case inside && err != nil:
		return false, lacks(err)
	case inside:
		return true, nil
	case err != nil && status != exitDone:
		return false, &failure{status, err}
	case err != nil:
		return false, lacks(err)
	}
	return false, ended(status)
}

// withoutFast marks the error of a lab that lacks the fast path it was to have: it is the machine's.
func withoutFast(err error) error {
	switch {
	case !errors.Is(err, driver.ErrNoFast):
		return err
	case errors.Is(err, unix.EPERM):
		return lacks(fmt.Errorf("%w; what to do: run the lab as root, as without root it is in a user namespace, or take --plane soft", err))
	}
	return lacks(fmt.Errorf("%w; what to do: --plane soft needs none of this", err))
}

// clock tells how far a run in real time is, until the function it gives is called. Bringing a lab up takes time too:
// the run's own is reckoned from what it last told.
func (l *live) clock() (stop func()) {
	quit := make(chan struct{})
	go func() {
		t := time.NewTicker(statusEvery)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				l.progress(l.reckon())
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit) }
}

func (l *live) reckon() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard.IsZero() {
		return 0
	}
	return min(l.at+time.Since(l.heard), l.plan.Length)
}
