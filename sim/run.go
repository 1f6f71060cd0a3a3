package sim

import (
	"errors"
	"fmt"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// Config is what a run needs.
type Config struct {
	Plan     *scenario.Plan
	Build    scenario.Build
	Recorder scenario.Recorder
	Checkers []Checker // any number; the run stops at the first one that fails
	// Tables answers the queries of a node's engines; Err engine.ErrNoQueries says that the node has none. The octets of q are the
	// engine's, to be copied; those of the Result are its own from then on. It is called in the order of the queries, and equal calls in
	// equal order must give equal results. nil: each node has those of the Subscribers that the plan says, or none.
	Tables func(node string, q engine.Query) engine.Result
	// QueryDelay is how long a table takes to answer; 0 is DefaultQueryDelay.
	QueryDelay time.Duration
	// Replay is the attacker that records protected packets and sends them again; nil for none.
	Replay *Replay
	// Lose is asked about every packet that begins to cross a segment; what it names is lost there, as if by chance: for tests of
	// the loss of one certain message. May be nil.
	Lose func(at time.Duration, segment string, packet []byte) bool
	// Progress is told how far the run is, about every ProgressStep of virtual time. May be nil.
	Progress func(done time.Duration)
	// Stop is asked as often; an error ends the run. May be nil.
	Stop func() error
	// Capture is shown every frame as it leaves its sender: Ethernet header and IPv6 packet. The octets are the world's;
	// copy what is kept. May be nil.
	Capture func(segment string, at time.Duration, frame []byte)
}

// ProgressStep is the virtual time between two calls of Config.Progress.
const ProgressStep = 100 * time.Millisecond

// Stats are the counts of a run. They hold no wall time: equal plans give equal Stats.
type Stats struct {
	Events    uint64 // taken from the heap
	Frames    uint64 // sent on segments
	Inputs    uint64 // handled by engines
	PeakQueue int    // events in the heap at most
	Handovers int    // handovers completed by an Attach
	Injected  uint64 // packets the attacker sent again
}

// Checker watches a run for what must never happen. Observe gets one of the observations below; what they point
// to is the world's own and valid during the call only. Err is the first thing found wrong, or nil.
type Checker interface {
	Observe(o Observation)
	Err() error
}

// Observation is one thing checkers see: Started, Handled, Streamed, Crashed, Frame, Sent, Delivered or Finished.
type Observation interface{ observation() }

// Started says that a node's engines begin a life at a time: their Mono counts from it.
type Started struct {
	At   time.Duration
	Node string
}

// Handled is one input an engine has handled and what it answered, before the effects are carried out. View reads the
// engine's View as it is after the input.
type Handled struct {
	At           time.Duration
	Node, Engine string
	Input        engine.Input
	Effects      []engine.Effect
	View         func() any
}

// Streamed is octets that an engine is about to handle: Handled comes when it may have changed them.
type Streamed struct {
	At           time.Duration
	Node, Engine string
	Conn         engine.Conn
	Data         []byte
}

// Crashed says that a node's engines and plane have vanished.
type Crashed struct {
	At   time.Duration
	Node string
}

// Frame is an IPv6 packet a node begins to send on a segment. Node is "" for the attacker.
type Frame struct {
	At      time.Duration
	Segment string
	Node    string
	Packet  []byte
}

// Sent and Delivered are the applications' packets, as Recorder's Sent and Received tell them.
type Sent struct {
	At   time.Duration
	Flow int
	Down bool
	Seq  uint32
}

// Delivered see Sent.
type Delivered struct {
	At   time.Duration
	Flow int
	Down bool
	Seq  uint32
}

// Finished is the last observation of a run that came to its end.
type Finished struct{ At time.Duration }

func (Started) observation()   {}
func (Handled) observation()   {}
func (Streamed) observation()  {}
func (Crashed) observation()   {}
func (Frame) observation()     {}
func (Sent) observation()      {}
func (Delivered) observation() {}
func (Finished) observation()  {}

// ErrSpin is wrapped by the error of a run in which virtual time stands still.
var ErrSpin = errors.New("virtual time stands still")

// Bounds of what may happen at one moment of virtual time.
const (
	MaxTicks  = 1000    // of one engine
	MaxMoment = 1 << 21 // events, and inputs one event leads to; 100,000 nodes that start together stay far below
)

// Run carries out a plan from its first to its last moment. The Recorder is called in one order, the same for
// equal plans. An error says what is wrong with the plan, which engine never comes to rest, or what a checker found.
func Run(c Config) (Stats, error) {
	w, err := newWorld(c)
	if err != nil {
		return Stats{}, err
	}
	w.begin()
	err = w.loop()
	if err == nil {
		w.now = c.Plan.Length
		w.observe(Finished{At: w.now})
		err = w.failed()
	}
	w.stats.PeakQueue = w.heap.peak
	if err != nil {
		return w.stats, fmt.Errorf("sim: scenario %q, seed %d, at %v: %w", c.Plan.Scenario, c.Plan.Seed, w.now, err)
	}
	return w.stats, nil
}

// loop takes actions and events in the order of their times; an action comes before events of the same moment.
func (w *world) loop() error {
	for {
		if err := w.failed(); err != nil {
			return err
		}
		at, isAction, ok := w.next()
		if !ok {
			return nil
		}
		if at > w.now {
			w.now, w.moment = at, 0
			w.progress()
		}
		if w.moment++; w.moment > w.limit {
			return fmt.Errorf("%d events at one moment: %w", w.moment, ErrSpin)
		}
		if isAction {
			w.act(w.action)
			w.action++
		} else {
			w.happen(w.heap.pop())
		}
		w.drain()
	}
}

// next is the time of what comes next, within the length of the run.
func (w *world) next() (at time.Duration, isAction, ok bool) {
	at = w.plan.Length + 1
	if w.heap.len() > 0 {
		at = w.heap.list[0].at
	}
	if w.action < len(w.plan.Actions) && w.plan.Actions[w.action].At <= at {
		at, isAction = max(w.plan.Actions[w.action].At, w.now), true
	}
	return at, isAction, at <= w.plan.Length
}

func (w *world) happen(e event) {
	w.stats.Events++
	switch e.kind {
	case evArrive:
		w.arrive(e)
	case evSpread:
		w.arriveAll(e)
	case evTick:
		w.engines[e.a].tick(e)
	case evSolicit:
		w.neighbors[e.a].retry(e.b)
	case evFlow:
		w.sendFlow(e)
	case evAction:
		w.act(int(e.a))
	case evSettle:
		w.engines[e.a].node.settle(e)
	case evInject:
		w.inject(e)
	case evStream:
		w.wake(e)
	case evResult:
		w.result()
	}
}

func (w *world) progress() {
	if w.now < w.told {
		return
	}
	w.told = w.now - w.now%ProgressStep + ProgressStep
	if w.config.Progress != nil {
		w.config.Progress(w.now)
	}
	if w.config.Stop != nil {
		if err := w.config.Stop(); err != nil {
			w.fail(err)
		}
	}
}

// failed is the first error of the world itself or of a checker.
func (w *world) failed() error {
	if w.err != nil {
		return w.err
	}
	for _, c := range w.config.Checkers {
		if err := c.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) observe(o Observation) {
	for _, c := range w.config.Checkers {
		c.Observe(o)
	}
}

func (w *world) drop(reason string) { w.rec.Dropped(reason, 1) }

// fail keeps the first error that ends the run.
func (w *world) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
