package driver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"roam6/driver/ebpf"
	"roam6/engine"
	"roam6/plane"
)

// flushEvery is how long journal lines may wait in memory when Config.JournalSync is off.
const flushEvery = time.Second

// ownName is the engine name of events that the driver tells itself.
const ownName = "driver"

// Events of the driver.
const (
	EventKernel  = "driver.kernel"  // the kernel refused an address, route or group; Reason is its error
	EventJournal = "driver.journal" // the journal could not be written and ends here; Reason is the error
	EventForward = "driver.forward" // packets are captured, but this kernel does not forward; Reason says what to do
	EventHeld    = "driver.held"    // the kernel holds an address itself that is to be captured; Reason says where, and what to do; attr address
	// EventNeighbours tells that the kernel's neighbour table, one for the whole machine and all its network namespaces, was full: packets
	// were lost for want of an entry. Reason says what to do; attr times, since the last such event.
	EventNeighbours = "driver.neighbours"
)

// slot is one engine and its next deadline.
type slot struct {
	Engine
	deadline engine.Mono
	why      string
}

// loop is what the goroutine of Run owns.
type loop struct {
	n       *Node
	slots   []*slot
	byName  map[string]*slot // constant after init
	soft    *plane.Soft
	fast    *ebpf.Fast // nil: none
	mld     *mld
	sink    plane.Sink
	epochs  map[plane.Port]uint32 // of links that have come or gone
	fx      engine.Effects
	queue   []queued // inputs that carrying out effects brought about; taken before anything new
	waiting map[uint64]chan engine.Reply
	journal *journal
	stats   Stats
	fatal   error
	flushAt engine.Mono // when the journal is flushed next
	idle    bool        // nothing had arrived when it was last looked
	frames  framer      // nil: the host hands over packets only
	scratch []byte      // for packets that come merged
	one     Arrival     // one of them
	commits commits
	streams streams

	measures   measures
	unmeasured string // why the kernel's counters could not be read the last time
}

// framer is a Host that hands over packets as frames, and takes them.
type framer interface {
	sendFrame(port plane.Port, to plane.HW, f *frame, tunnel bool)
	calm()
}

// queued is an input for one slot, or for all when slot is nil.
type queued struct {
	slot *slot
	in   engine.Input
}

func (l *loop) init(n *Node) {
	*l = loop{n: n, byName: map[string]*slot{}, soft: plane.NewSoft(), waiting: map[uint64]chan engine.Reply{}, epochs: map[plane.Port]uint32{}}
	l.stats.Drops = map[string]int{}
	l.streams.init(l)
	l.mld = openMLD(n.host)
	if l.fast, _ = n.host.Fast(); l.fast != nil {
		l.fast.Stand(l.soft)
	}
	if f, ok := n.host.(framer); ok {
		l.frames, l.scratch = f, make([]byte, frameSize)
	}
	l.journal = newJournal(n.c.Journal, n.c.JournalSync, n.c.JournalHeader)
	for _, e := range n.c.Engines {
		s := &slot{Engine: e, deadline: engine.Never}
		l.slots = append(l.slots, s)
		l.byName[e.Name] = s
	}
}

// Run starts the engines with their records and runs the node until the context ends, Stop or Close is called (nil) or
// it fails. It is called once.
func (n *Node) Run(ctx context.Context) error {
	if !n.state.CompareAndSwap(prepared, running) {
		return fmt.Errorf("driver: node %s: Run was called twice, or after Close: %w", n.c.Name, ErrStopped)
	}
	defer close(n.ended)
	err := n.live(ctx)
	n.loop.endJournal(err) // not after a panic: such a journal has no end
	return err
}

func (n *Node) live(ctx context.Context) error {
	l := &n.loop
	defer l.streams.end()
	if err := l.start(); err != nil {
		return err
	}
	n.host.Listen(Feed{
		Do:    n.post,
		Input: func(in engine.Input) { l.offer("", in) },
		Tell:  func(ev engine.Event) { l.event(l.now().Mono, ownName, ev) },
		Drop:  l.drop,
		Fail: func(err error) {
			select {
			case n.failed <- err:
				n.host.Wake()
			default:
			}
		},
		Ended: n.ended,
	})
	return l.run(ctx)
}

// start hands every engine its Start.
func (l *loop) start() error {
	own := map[string][]engine.Record{}
	if l.n.c.Store != nil {
		records, err := l.n.c.Store.Load()
		if err != nil {
			return fmt.Errorf("driver: node %s: reading the store: %w", l.n.c.Name, err)
		}
		for _, r := range records {
			if name, bucket, ok := strings.Cut(r.Bucket, "/"); ok {
				own[name] = append(own[name], engine.Record{Bucket: bucket, Key: r.Key, Value: r.Value})
			}
		}
	}
	for _, s := range l.slots {
		l.handle(s, engine.Start{Records: own[s.Name]})
	}
	return l.fatal
}

// run is the loop: where nothing has arrived it waits; then what has arrived, first of all, what is due, what was asked.
func (l *loop) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, l.n.host.Wake)()
	l.flushAt, l.idle = l.now().Mono+engine.Mono(flushEvery), len(l.measures.list) == 0
	for take := l.arrive; ; {
		if l.idle {
			l.n.host.Wait(l.wait())
		}
		l.commits.group = true
		l.idle = !l.n.host.Read(take)
		if l.streams.read() {
			l.idle = false
		}
		l.commits.group = false
		l.commit()
		l.settle()
		l.ticks()
		if l.fatal != nil {
			return l.fatal
		}
		over, err := l.asked(ctx)
		l.measured()
		l.streams.flush()
		if over {
			return err
		}
		if l.now().Mono >= l.flushAt {
			l.flushAt = l.now().Mono + engine.Mono(flushEvery)
			l.flush()
			l.sweep(true)
		}
	}
}

// asked does what was asked from outside until now; over says that the node ends, with an error or not.
func (l *loop) asked(ctx context.Context) (over bool, err error) {
	select {
	case <-ctx.Done():
		return true, nil
	case <-l.n.quit:
		return true, nil
	case err := <-l.n.failed:
		return true, fmt.Errorf("driver: node %s: %w", l.n.c.Name, err)
	default:
	}
	for range len(l.n.calls) {
		if (<-l.n.calls)(); l.fatal != nil {
			return true, l.fatal
		}
	}
	return false, nil
}

// mono reads the monotonic clock.
func (l *loop) mono() engine.Mono { return engine.Mono(time.Since(l.n.c.Epoch)) }

// now reads both clocks at once. Mono counts on the monotonic clock, so that a step of the wall clock moves no timer.
func (l *loop) now() engine.Now {
	t := time.Now()
	return engine.Now{Mono: engine.Mono(t.Sub(l.n.c.Epoch)), Wall: t.UTC().Round(0)}
}

// wait is the time to the earliest deadline.
func (l *loop) wait() time.Duration {
	next := engine.Never
	for _, s := range l.slots {
		next = min(next, s.deadline)
	}
	next = min(next, l.mld.deadline(), l.sweepAt(), engine.Mono(l.soft.Deadline()), l.flushAt)
	return max(0, next.Sub(l.now().Mono))
}

// ticks gives one Tick to every engine whose deadline has come: late perhaps, never early.
func (l *loop) ticks() {
	l.tickMLD()
	l.tickPlane()
	l.sweep(false)
	for _, s := range l.slots {
		if s.deadline == engine.Never {
			continue
		}
		if late := l.now().Mono.Sub(s.deadline); late >= 0 {
			l.stats.Late = max(l.stats.Late, late)
			l.handle(s, engine.Tick{})
		}
	}
}

// tickPlane lets the plane release what has waited for older packets.
func (l *loop) tickPlane() {
	if now := time.Duration(l.now().Mono); l.soft.Deadline() <= now {
		l.soft.Advance(now, &l.sink)
		l.drain()
		l.settle()
	}
}

// arrive takes one packet through the plane, unless its link has come or gone since it was read: packets and changes of
// links reach the loop by different ways, and an advertisement of the cell that the node left must not be taken for one of
// the cell it is in.
func (l *loop) arrive(a *Arrival) {
	if a.Epoch != l.epochs[a.Port] {
		l.drop(string(DropRxStale), 1)
		return
	}
	if a.frame != nil {
		if !l.through(a) {
			l.each(a)
		}
		return
	}
	l.stats.Packets++
	if l.heard(a) {
		return
	}
	if len(l.commits.parked) > 0 && l.soft.Strange(a.Data) && l.commits.opens(a.Data) { // it followed the binding update that makes it known
		l.commit()
		l.settle()
	}
	token := l.fast.Seen(a.Port, a.Data)
	l.soft.Handle(time.Duration(l.now().Mono), a.Port, a.From, a.Data, &l.sink)
	l.drain()
	l.fast.Finished(token)
	l.settle()
}

// offer queues an input for one engine, or for all in their order, and takes it.
func (l *loop) offer(engineName string, in engine.Input) {
	switch change := in.(type) {
	case engine.LinkUp:
		l.turn(change.Port)
		l.mld.up(change.Port)
		in = l.complete(change)
	case engine.LinkDown:
		l.turn(change.Port)
		l.mld.down(change.Port)
	}
	var s *slot
	if engineName != "" {
		if s = l.byName[engineName]; s == nil {
			return
		}
	}
	l.queue = append(l.queue, queued{s, in})
	l.settle()
}

// turn makes stale what has arrived by a link so far.
func (l *loop) turn(port plane.Port) {
	epoch, stale := l.n.host.Turn(port)
	l.epochs[port] = epoch
	if stale > 0 {
		l.drop(string(DropRxStale), stale)
	}
}

// complete fills in what the injector of a LinkUp left out.
func (l *loop) complete(up engine.LinkUp) engine.LinkUp {
	known, ok := l.n.host.Link(up.Port)
	if !ok {
		return up
	}
	if up.Name == "" {
		up.Name = known.Name
	}
	if up.HW == (plane.HW{}) {
		up.HW = known.HW
	}
	if up.MTU == 0 {
		up.MTU = known.MTU
	}
	return up
}

// handle gives one engine one input, and then whatever follows from it.
func (l *loop) handle(s *slot, in engine.Input) {
	l.queue = append(l.queue, queued{s, in})
	l.settle()
}

// settle takes queued inputs until none is left. A failure stops it: nothing may follow a Persist that failed.
func (l *loop) settle() {
	for i := 0; i < len(l.queue) && l.fatal == nil; i++ {
		q := l.queue[i]
		if q.slot != nil {
			l.step(q.slot, q.in)
			continue
		}
		for _, s := range l.slots {
			l.step(s, q.in)
		}
	}
	clear(l.queue)
	l.queue = l.queue[:0]
}

// step is the law: one input, the deadline, all its effects in order; those behind a Persist when it is durable.
func (l *loop) step(s *slot, in engine.Input) {
	if l.fatal != nil {
		return
	}
	now := l.now()
	l.record(engine.Entry{Mono: now.Mono, Wall: now.Wall.UnixNano(), Engine: s.Name, Input: in})
	l.fx.Reset()
	l.guarded(s, now, in)
	l.stats.Inputs++
	for _, e := range l.fx.List {
		l.record(engine.Entry{Mono: now.Mono, Wall: now.Wall.UnixNano(), Engine: s.Name, Effect: e})
	}
	s.deadline, s.why = s.Engine.Engine.Deadline()
	l.carryOutAll(s, now, l.park(s, now, l.fx.List))
	if !l.commits.group || len(l.commits.parked) >= MaxParked {
		l.commit()
	}
}

func (l *loop) find(name string) (*slot, error) {
	if s := l.byName[name]; s != nil {
		return s, nil
	}
	names := make([]string, len(l.slots))
	for i, s := range l.slots {
		names[i] = s.Name
	}
	if name == "" && len(l.slots) == 1 {
		return l.slots[0], nil
	}
	return nil, fmt.Errorf("driver: node %s has no engine %q; it has: %s", l.n.c.Name, name, strings.Join(names, ", "))
}
