//go:build linux

package lab

import (
	"context"
	"fmt"
	"sync"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/scenario"
)

// toldBacklog is how many events whoever watches a move may lag behind before it loses some.
const toldBacklog = 1024

// mover measures one handover: the yardstick of runs, laid on a plan of two actions. The hub's goroutine tells it of the node.
type mover struct {
	silent
	node string
	tell chan Told     // for whoever watches
	reg  chan struct{} // closed when the node is registered by its new link

	mu       sync.Mutex
	plan     *scenario.Plan
	measure  *scenario.Measure
	attached time.Duration // notYet before
	last     time.Duration // latest thing told
	waits    string        // for what, when last told
	done     bool
}

const notYet = time.Duration(-1)

// newMover is for a node whose interfaces are attached as they are now.
func newMover(n *node, m Move, where func(*member) string) *mover {
	p := *n.plan
	p.Ifaces = append([]scenario.Iface(nil), p.Ifaces...)
	for k := range p.Ifaces {
		p.Ifaces[k].Segment = where(n.members[p.Ifaces[k].Name])
	}
	plan := &scenario.Plan{Nodes: []scenario.Node{p}, Actions: []scenario.Action{
		{Verb: scenario.Detach, Node: m.Node, Iface: m.Iface},
		{Verb: scenario.Attach, Node: m.Node, Iface: m.Iface, Segment: m.Segment},
	}}
	if m.Notice > 0 {
		plan.Actions = append([]scenario.Action{{Verb: scenario.Hint, Node: m.Node, Iface: m.Iface, Segment: m.Segment, Notice: m.Notice}}, plan.Actions...)
	}
	return &mover{node: m.Node, tell: make(chan Told, toldBacklog), reg: make(chan struct{}), plan: plan,
		measure: scenario.NewMeasure(plan, "lab", "soft"), attached: notYet}
}

func (v *mover) Event(at time.Duration, node, eng string, ev engine.Event) {
	if node != v.node {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.measure.Event(at, node, eng, ev)
	v.last = max(v.last, at)
	if ev.Name == engine.EventStep {
		v.waits = ev.Reason
	}
	select {
	case v.tell <- Told{Node: node, Told: driver.Told{At: at, Engine: eng, Event: ev}}:
	default:
	}
	if v.attached == notYet || at < v.attached || v.done {
		return
	}
	if ev.Name == engine.EventRegistered || ev.Name == engine.EventState && ev.Get("to") == scenario.StateBound {
		v.done = true
		close(v.reg)
	}
}

func (v *mover) Frame(at time.Duration, segment, node string, up bool, packet []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.measure.Frame(at, segment, node, up, packet)
}

func (v *mover) did(at time.Duration, action int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.measure.Did(at, action)
	v.last = max(v.last, at)
	if v.plan.Actions[action].Verb == scenario.Attach {
		v.attached, v.waits = at, ""
	}
}

// handover is what came of it until now.
func (v *mover) handover(limit time.Duration) *scenario.Handover {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.plan.Length = v.last + 1 // the end of the window is no part of it
	r := v.measure.Result()
	if len(r.Handovers) == 0 {
		return nil
	}
	h := &r.Handovers[0]
	if n := len(h.Timeline); n > 0 && v.done {
		h.Timeline[n-1].WaitingFor = "" // nobody watches for packets here
	}
	if h.Registered == nil {
		h.Reason = fmt.Sprintf("not registered within %v of joining; it waits for: %s", limit, v.waits)
		if v.waits == "" {
			h.Reason = fmt.Sprintf("not registered within %v of joining, and the node has told of no step: "+
				"it may go on by another interface; roam6 lab ctl %s view", limit, v.node)
		}
	}
	return h
}

// Move takes a node off its segment and, after the blackout, attaches it to another; then it waits until the node has
// registered by it, or the limit. With a notice the node's engines are told of it first; it then happens when one of them is
// ready (engine.Attach), or when the notice is over. Nothing that ends a wait early leaves the node unattached. tell gets the
// node's events meanwhile; nil for nobody.
func (l *Lab) Move(ctx context.Context, m Move, tell func(Told)) (Moved, error) {
	if err := m.check(l.Status()); err != nil {
		return Moved{}, fmt.Errorf("lab: %w", err)
	}
	n, alive, leave, err := l.reserve(m.Node)
	if err != nil {
		return Moved{}, err
	}
	defer leave()
	m.ready = make(chan struct{}, 1)
	v := newMover(n, m, l.emu.where)
	defer l.hub.listen(v)()
	out := Moved{Node: m.Node, Iface: m.Iface, Segment: m.Segment}
	for k, a := range v.plan.Actions {
		switch a.Verb {
		case scenario.Hint:
			n.awaits.Store(&m)
			defer n.awaits.Store(nil)
		case scenario.Detach:
			v.pause(ctx, l.ctx, m.Notice, m.ready, tell)
		case scenario.Attach:
			v.pause(ctx, l.ctx, m.Blackout, nil, tell)
		}
		v.did(l.now(), k)
		if err := l.byHand(a); err != nil {
			return out, err
		}
	}
	if m.Limit == 0 || !n.plan.Userland || !alive {
		return out, nil
	}
	limited, cancel := context.WithTimeout(ctx, m.Limit+hubHold)
	defer cancel()
	v.watch(limited, l.ctx, tell)
	if err := ctx.Err(); err != nil {
		return out, err
	}
	if l.ctx.Err() != nil {
		return out, errNotUp
	}
	out.Handover = v.handover(m.Limit)
	return out, nil
}

// pause passes events on for a time, or until somebody says that it is ready.
func (v *mover) pause(ctx, lab context.Context, length time.Duration, ready <-chan struct{}, tell func(Told)) {
	if length <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	go func() {
		select {
		case <-ready:
			cancel()
		case <-ctx.Done():
		}
	}()
	v.watch(ctx, lab, tell)
}

// commanded tells a move by hand that an engine is ready for it. It is called on the loop of the engine's node.
func (n *node) commanded(e engine.Attach) {
	m := n.awaits.Load()
	if m == nil || e.Attachment != m.Segment || n.iface(m.Iface).Port != e.Port {
		return
	}
	select {
	case m.ready <- struct{}{}:
	default: // it has heard it
	}
}

// watch passes events on until the node has registered or one of the contexts ends.
func (v *mover) watch(ctx, lab context.Context, tell func(Told)) {
	reg := v.reg
	var settle <-chan time.Time
	for {
		select {
		case t := <-v.tell:
			if tell != nil {
				tell(t)
			}
		case <-reg:
			reg, settle = nil, time.After(2*hubEvery) // what it told in the same moment comes with the same pass
		case <-settle:
			return
		case <-ctx.Done():
			return
		case <-lab.Done():
			return
		}
	}
}

// reserve keeps others from moving a node meanwhile, and tells whether its engines run.
func (l *Lab) reserve(name string) (n *node, alive bool, leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = l.byName[name]
	switch {
	case !l.up || l.closed:
		return nil, false, nil, errNotUp
	case n.moving:
		return nil, false, nil, fmt.Errorf("lab: %s is being moved already; wait for that to end", name)
	}
	n.moving = true
	return n, n.life != nil, func() {
		l.mu.Lock()
		n.moving = false
		l.mu.Unlock()
	}, nil
}

// byHand carries out an action that is not in the plan, and tells of it.
func (l *Lab) byHand(a scenario.Action) error {
	at := l.nanosOf(time.Now())
	if a.Verb == scenario.Detach {
		a.Segment = l.segmentOf(a)
	}
	if err := l.Do(a); err != nil {
		return err
	}
	if a.Verb == scenario.Detach || a.Verb == scenario.Attach {
		l.hub.event(at, a.Node, ownName, handEvent(a.Verb, a.Iface, a.Segment))
	}
	return nil
}

// segmentOf is where the interface of an action is attached now, "" for nowhere or when there is none.
func (l *Lab) segmentOf(a scenario.Action) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.byName[a.Node]; n != nil && n.members[a.Iface] != nil {
		return l.emu.where(n.members[a.Iface])
	}
	return ""
}

// now is the time of the lab's clock, as events have it.
func (l *Lab) now() time.Duration { return time.Duration(l.nanosOf(time.Now()) - l.zeroNanos()) }
