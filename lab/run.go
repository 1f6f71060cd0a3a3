//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"roam6/scenario"
)

// Run carries out a whole plan: up, actions at their times, flows, down. When ctx ends early it returns ctx's error
// after taking everything down; what the recorder was told until then stands.
func Run(ctx context.Context, c Config) (Stats, error) {
	l, err := New(c)
	if err != nil {
		return Stats{}, err
	}
	l.progress(0, fmt.Sprintf("bringing up %d nodes and %d segments", len(c.Plan.Nodes), len(c.Plan.Segments)))
	if err := l.Start(ctx); err != nil {
		return l.Stats(), err
	}
	err = l.play(ctx)
	stats := l.Stats()
	return stats, errors.Join(err, l.Close())
}

// actionNap is the longest sleep between two looks at whether the run was interrupted.
const actionNap = 20 * time.Millisecond

// play runs actions and flows from the zero of the run to its length.
func (l *Lab) play(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-l.failed:
			cancel(err)
		case <-ctx.Done():
		}
	}()
	t := l.runTraffic(ctx)
	acted := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread's priority must not serve anyone else
		urgent(0)
		acted <- l.act(ctx)
	}()
	err := <-acted
	if err == nil {
		err = sleepUntil(ctx, l.zero.Add(l.c.Plan.Length))
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	cancel(nil)
	t.wait()
	return err
}

// act carries out the actions, each at its time or when an engine commands it.
func (l *Lab) act(ctx context.Context) error {
	l.schedule.begin(l.c.Plan, l.zeroNanos())
	for {
		i, due, nap := l.schedule.next()
		if i < 0 {
			return nil
		}
		if left := due - l.nanosOf(time.Now()); left > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			sleep(min(left, nap))
			continue
		}
		l.schedule.take(i)
		a := l.c.Plan.Actions[i]
		at := l.nanosOf(time.Now())
		l.hub.did(at, i)
		if err := l.Do(a); err != nil {
			return err
		}
		l.progress(time.Duration(at-l.zeroNanos()), describe(a))
	}
}

func (l *Lab) progress(at time.Duration, what string) {
	if l.c.Progress != nil {
		l.c.Progress(at, what)
	}
}

func (l *Lab) nanosOf(t time.Time) nanos { return nanos(t.Sub(l.base)) }

// describe is an action in a few words, its note when it has one.
func describe(a scenario.Action) string {
	if a.Note != "" {
		return a.Note
	}
	switch a.Verb {
	case scenario.Detach:
		return fmt.Sprintf("%s/%s leaves its segment", a.Node, a.Iface)
	case scenario.Attach:
		return fmt.Sprintf("%s/%s joins %s", a.Node, a.Iface, a.Segment)
	case scenario.Hint:
		return fmt.Sprintf("%s/%s will be at %s", a.Node, a.Iface, a.Segment)
	case scenario.Degrade:
		return fmt.Sprintf("%s changes its link model", a.Segment)
	case scenario.Command:
		return fmt.Sprintf("%s is told %q", a.Node, a.Command.Verb)
	}
	return fmt.Sprintf("%s %s", a.Verb, a.Node)
}
