package driver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// callQueue is how many commands, injected inputs and link changes may wait for the loop.
const callQueue = 256

// ErrStopped is the answer of a node that has ended.
var ErrStopped = errors.New("driver: the node has stopped")

// Node is a running node. Its methods may be called from any goroutine.
type Node struct {
	// constant after New
	c      Config
	host   Host
	calls  chan func()
	failed chan error
	quit   chan struct{} // closed by Stop and Close: Run ends
	ended  chan struct{} // closed when Run has returned
	hub    hub
	ids    atomic.Uint64 // last Command ID

	// life cycle
	stop  sync.Once
	state atomic.Int32

	loop loop // owned by the goroutine of Run
}

// The states of a node. Run and Close each leave the first, so that neither can begin under the other.
const (
	prepared int32 = iota
	running
	closed
)

// New opens everything the node needs, in the network namespace of the calling thread. Its errors say what the machine
// lacks. Nothing of the node's state is in the kernel before Run.
func New(c Config) (*Node, error) {
	if err := check(c); err != nil {
		return nil, err
	}
	h := c.Host
	if h == nil {
		var err error
		if h, err = openHost(c); err != nil {
			return nil, fmt.Errorf("driver: node %s: %w", c.Name, err)
		}
	}
	if c.Epoch.IsZero() {
		c.Epoch = time.Now()
	}
	n := &Node{
		c: c, host: h,
		calls:  make(chan func(), callQueue),
		failed: make(chan error, 1),
		quit:   make(chan struct{}),
		ended:  make(chan struct{}),
	}
	n.loop.init(n)
	var secret [16]byte
	_, _ = rand.Read(secret[:]) // never fails
	n.loop.soft.Seed(secret)
	return n, nil
}

func check(c Config) error {
	names := map[string]bool{}
	for _, e := range c.Engines {
		if e.Name == "" || e.Engine == nil {
			return fmt.Errorf("driver: node %s: every engine needs a name and an engine", c.Name)
		}
		if names[e.Name] {
			return fmt.Errorf("driver: node %s: two engines are named %q", c.Name, e.Name)
		}
		names[e.Name] = true
	}
	if err := checkTLS(c); err != nil {
		return err
	}
	ports, ifnames := map[plane.Port]bool{}, map[string]bool{}
	for _, l := range c.Links {
		switch {
		case l.Port <= plane.Kernel:
			return fmt.Errorf("driver: node %s: link %s has port %d; ports count from 1", c.Name, l.Ifname, l.Port)
		case ports[l.Port]:
			return fmt.Errorf("driver: node %s: two links have port %d", c.Name, l.Port)
		case ifnames[l.Ifname]:
			return fmt.Errorf("driver: node %s: interface %s is given to two ports", c.Name, l.Ifname)
		}
		ports[l.Port], ifnames[l.Ifname] = true, true
	}
	return nil
}

// Stop makes Run return nil. It does not wait.
func (n *Node) Stop() {
	n.stop.Do(func() {
		close(n.quit)
		n.host.Wake()
	})
}

// Close stops the node, waits for Run to return, and removes every address, route and device the node made.
func (n *Node) Close() error {
	n.Stop()
	if n.state.CompareAndSwap(prepared, closed) {
		close(n.ended) // Run will not
	}
	<-n.ended
	n.hub.close()
	return n.host.Close()
}

// do runs f on the loop and waits for it.
func (n *Node) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case n.calls <- func() { f(); close(done) }:
		n.host.Wake()
	case <-n.quit:
		return ErrStopped
	case <-n.ended:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-n.ended:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// post queues f for the loop without waiting for it; false when the node has ended.
func (n *Node) post(f func()) bool {
	select {
	case n.calls <- f:
		n.host.Wake()
		return true
	case <-n.quit:
	case <-n.ended:
	}
	return false
}

// Inject hands an input to one engine, or to all when the name is empty. Before Run it is kept until after Start. A LinkUp
// may leave Name, HW and MTU empty: they are filled in from the interface.
func (n *Node) Inject(engineName string, in engine.Input) {
	n.post(func() { n.loop.offer(engineName, in) })
}

// InjectWait is Inject that returns when the input has been handled and all its effects have been run: what the node did about it
// stands from then on.
func (n *Node) InjectWait(ctx context.Context, engineName string, in engine.Input) error {
	return n.do(ctx, func() { n.loop.offer(engineName, in) })
}

// Command gives an order to an engine and waits for its reply. The engine's name may be empty if there is only one.
func (n *Node) Command(ctx context.Context, engineName, verb string, args map[string]string) (engine.Reply, error) {
	s, err := n.loop.find(engineName)
	if err != nil {
		return engine.Reply{}, err
	}
	id := n.ids.Add(1)
	answer := make(chan engine.Reply, 1)
	err = n.do(ctx, func() {
		n.loop.waiting[id] = answer
		n.loop.handle(s, engine.Command{ID: id, Verb: verb, Args: args})
	})
	if err != nil {
		n.post(func() { delete(n.loop.waiting, id) })
		return engine.Reply{}, err
	}
	select {
	case r := <-answer:
		return r, nil
	case <-ctx.Done():
		n.post(func() { delete(n.loop.waiting, id) })
		return engine.Reply{}, fmt.Errorf("driver: %s has not answered %q: %w", s.Name, verb, ctx.Err())
	case <-n.ended:
		return engine.Reply{}, ErrStopped
	}
}

// Views asks every engine for its view.
func (n *Node) Views(ctx context.Context) (map[string]any, error) {
	var views map[string]any
	err := n.do(ctx, func() { views = n.loop.views() })
	return views, err
}

// Stats tells what the node has counted.
func (n *Node) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	err := n.do(ctx, func() { st = n.loop.snapshot() })
	return st, err
}

// Table is a copy of the plane's wanted state.
func (n *Node) Table(ctx context.Context) (plane.Table, error) {
	var t plane.Table
	err := n.do(ctx, func() { t = n.loop.soft.Table() })
	return t, err
}
