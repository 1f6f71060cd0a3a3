//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// bootAllowance is the time between opening the nodes' sockets and the zero of the run's clock, at which
	// all engines start together.
	bootAllowance = 300 * time.Millisecond
)

// Lab is a running world. Its methods may be called from any goroutine.
type Lab struct {
	c        Config
	base     time.Time // zero of nanos
	zero     time.Time // zero of the run; set by Start
	emu      *emulator
	hub      *hub
	nodes    []*node
	byName   map[string]*node
	segments map[string]*segment
	restore  func() // gives the Go runtime its settings back

	mu       sync.Mutex // Start, Do and Close, one at a time
	up       bool
	closed   bool
	failed   chan error // the first node that ended on its own
	execs    sync.WaitGroup
	schedule schedule
	ctx      context.Context // ends with the lab
	cancel   context.CancelFunc
}

// New checks the plan and makes a lab that Start brings up.
func New(c Config) (*Lab, error) {
	if err := check(c.Plan); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	l := &Lab{c: c, base: time.Now(), byName: map[string]*node{}, segments: map[string]*segment{}, failed: make(chan error, 1)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l, nil
}

// Start brings every node and link up and starts the engines; when it returns the run's clock stands at zero.
// After an error Close has been called.
func (l *Lab) Start(ctx context.Context) error {
	if err := l.start(ctx); err != nil {
		l.Close()
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

func (l *Lab) start(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up || l.closed {
		return errors.New("a lab starts only once")
	}
	l.restore = tune()
	caps, err := openCaptures(l.c.CaptureDir, l.c.Plan, l.base)
	if err != nil {
		return err
	}
	t := &tape{all: l.c.CaptureDir != ""}
	if l.emu, err = newEmulator(l.c.Plan, t, l.base); err != nil {
		return err
	}
	l.hub = newHub(l.c.Recorder, t, caps, l.emu.now, l.emu.stood.woke)
	for _, s := range l.emu.segments {
		l.segments[s.name] = s
	}
	for k := range l.c.Plan.Nodes {
		if err := l.build(&l.c.Plan.Nodes[k]); err != nil {
			return fmt.Errorf("node %s: %w", l.c.Plan.Nodes[k].Name, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	l.emu.start()
	go l.hub.serve()
	l.up = true
	return l.boot(ctx)
}

// boot attaches the interfaces, waits until the kernels are ready, and starts all engines at the zero of the run.
func (l *Lab) boot(ctx context.Context) error {
	for _, n := range l.nodes {
		for k := range n.plan.Ifaces {
			if i := &n.plan.Ifaces[k]; i.Segment != "" {
				l.emu.attach(n.members[i.Name], l.segments[i.Segment])
			}
		}
	}
	for _, n := range l.nodes {
		if err := inNS(n.ns, func() error { return settled(n.plan) }); err != nil {
			return fmt.Errorf("node %s: %w", n.plan.Name, err)
		}
	}
	return l.liven(ctx)
}

// liven starts all engines together, at the zero of the run's clock.
func (l *Lab) liven(ctx context.Context) (err error) {
	l.zero = time.Now().Add(bootAllowance)
	lives := make([]*life, len(l.nodes))
	defer func() {
		for _, f := range lives {
			if err != nil && f != nil {
				f.node.Close()
			}
		}
	}()
	for k, n := range l.nodes {
		if lives[k], err = l.conceive(n); err != nil {
			return fmt.Errorf("node %s: %w", n.plan.Name, err)
		}
	}
	l.hub.begin(l.zeroNanos())
	if err := sleepUntil(ctx, l.zero); err != nil {
		return err
	}
	for k, n := range l.nodes {
		if lives[k] != nil {
			l.live(n, lives[k])
		}
	}
	return nil
}

// Close takes everything down. It may be called twice. Its error is the first thing that went wrong while closing, a
// capture that could not be written for one.
func (l *Lab) Close() error {
	l.mu.Lock()
	l.cancel() // under the lock: an Exec is either counted before or refused after
	l.mu.Unlock()
	l.execs.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var errs []error
	for _, n := range l.nodes {
		if err := n.die(); err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", n.plan.Name, err))
		}
	}
	if l.emu != nil {
		l.emu.close(l.up)
	}
	if l.up {
		errs = append(errs, l.hub.close(l.emu.stats().Drops))
	} else if l.hub != nil {
		l.hub.caps.close()
	}
	for _, n := range l.nodes {
		n.ns.Close()
		if c, ok := n.store.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
		if n.serves.Close != nil {
			errs = append(errs, n.serves.Close())
		}
	}
	if l.restore != nil {
		l.restore()
	}
	return errors.Join(errs...)
}

// Stats tells how well the emulator kept its times so far.
func (l *Lab) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.emu == nil {
		return Stats{}
	}
	return l.stats()
}

// stats is Stats, for those that hold the lock. What was before the run's clock began concerns no run.
func (l *Lab) stats() Stats {
	s := l.emu.stats()
	if !l.zero.IsZero() {
		s.Stood = l.emu.stood.since(l.zeroNanos())
	}
	return s
}

// Status is the lab in a few plain values.
func (l *Lab) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Scenario: l.c.Plan.Scenario, PID: os.Getpid(), Uptime: time.Since(l.base).Round(time.Second).String(), Captures: l.c.CaptureDir}
	if l.emu == nil {
		return s
	}
	s.Stats = l.stats()
	s.Cells = Cells(l.c.Plan)
	for _, seg := range l.c.Plan.Segments {
		s.Segments = append(s.Segments, seg.Name)
	}
	for _, n := range l.nodes {
		ns := NodeStatus{Name: n.plan.Name, State: StateKernel, Mobile: mobile(l.c.Plan, n.plan)}
		switch {
		case n.life != nil && n.life.ended():
			ns.State = StateStopped
		case n.life != nil:
			ns.State = StateRunning
		case !l.plain(n):
			ns.State = StateCrashed
		}
		for _, i := range n.plan.Ifaces {
			ns.Ifaces = append(ns.Ifaces, IfaceStatus{Name: i.Name, HW: hwString(i.HW), Segment: l.emu.where(n.members[i.Name])})
		}
		s.Nodes = append(s.Nodes, ns)
	}
	return s
}

func (l *Lab) fail(err error) {
	select {
	case l.failed <- err:
	default: // one is enough to end the run
	}
}

func (l *Lab) zeroNanos() nanos { return nanos(l.zero.Sub(l.base)) }

func sleepUntil(ctx context.Context, at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
