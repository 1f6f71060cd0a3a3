package driver

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// EventPlane tells of a plane operation that was refused; Reason is one of the plane.Refused… reasons. What was there is untouched.
const EventPlane = "driver.plane"

// EventAttach tells that a role is ready for another point of attachment and that nobody commands the link: a script that follows
// the events may; attrs port, attachment.
const EventAttach = "driver.attach"

// carryOut does one effect.
func (l *loop) carryOut(s *slot, now engine.Now, e engine.Effect) {
	switch e := e.(type) {
	case engine.Send:
		l.report(now.Mono) // before the packet: it may be a probe of duplicate detection (RFC 4862 §5.4.2)
		l.send(e.Port, e.To, e.Data)
	case engine.Plane:
		l.change(now, e.Op)
	case engine.Persist:
		// commit has done it
	case engine.Attach:
		l.attach(now, e)
	case engine.Reply:
		l.reply(e)
	case engine.Event:
		l.event(now.Mono, s.Name, e)
	case engine.Listen, engine.Dial, engine.Write, engine.Close:
		l.streams.carryOut(s, e)
	case engine.Bind, engine.Datagram:
		l.streams.datagrams(s, e)
	case engine.Query:
		l.streams.query(s, e)
	case engine.Measure:
		l.measure(s, e)
	default:
		panic(fmt.Sprintf("driver: engine %s appended an effect of unknown type %T", s.Name, e))
	}
}

// change applies one operation: first to the kernel, so that packets which the plane releases find their addresses and
// routes, then to the plane.
func (l *loop) change(now engine.Now, op plane.Op) {
	why := l.soft.Refuses(op)
	if why != "" && len(l.measures.ends) > 0 { // perhaps what waits to be deleted makes room
		l.answers()
		why = l.soft.Refuses(op)
	}
	if why != "" {
		l.soft.Apply(time.Duration(now.Mono), op, &l.sink) // counts it
		l.drain()
		l.event(now.Mono, ownName, engine.Event{Name: EventPlane, Reason: why, Attrs: []engine.Attr{engine.S("op", op.String())}})
		return
	}
	if !l.ends(now, op) {
		l.apply(now, op)
	}
}

func (l *loop) apply(now engine.Now, op plane.Op) {
	l.fast.Before(op)
	defer l.after(op)
	if err := l.n.host.Apply(op); err != nil {
		if errors.Is(err, ErrNoDevice) {
			l.fail(err)
			return
		}
		l.event(now.Mono, ownName, engine.Event{Name: EventKernel, Reason: err.Error()})
	}
	if op.Local != nil {
		l.mld.local(op.Local.Addr, op.Local.Local, op.Delete)
	}
	l.soft.Apply(time.Duration(now.Mono), op, &l.sink)
	if l.frames != nil && len(l.sink.Out) > 0 {
		l.frames.calm()
	}
	l.drain()
}

// attach commands the link layer, where there is somebody to command it.
func (l *loop) attach(now engine.Now, e engine.Attach) {
	if f := l.n.c.OnAttach; f != nil {
		f(e)
		return
	}
	l.event(now.Mono, ownName, engine.Event{Name: EventAttach, Reason: "nothing here commands the link; it switches when it does",
		Attrs: []engine.Attr{engine.S("port", fmt.Sprint(int(e.Port))), engine.S("attachment", e.Attachment)}})
}

func (l *loop) reply(r engine.Reply) {
	if answer, ok := l.waiting[r.ID]; ok {
		delete(l.waiting, r.ID)
		answer <- r
	}
}

func (l *loop) event(at engine.Mono, name string, ev engine.Event) {
	if ev.Name == engine.EventDrop {
		l.drop(ev.Reason, 1)
	}
	if f := l.n.c.OnEvent; f != nil {
		f(time.Duration(at), name, ev)
	}
	l.n.hub.publish(Told{At: time.Duration(at), Engine: name, Event: ev})
}

func (l *loop) drop(reason string, n int) {
	l.stats.Drops[reason] += n
	if f := l.n.c.OnDrop; f != nil {
		f(reason, n)
	}
}

func (l *loop) send(port plane.Port, to plane.HW, data []byte) {
	err := l.n.host.Send(port, to, data)
	if err == nil {
		return
	}
	if errors.Is(err, ErrNoDevice) {
		l.fail(err)
		return
	}
	var reason DropError
	if !errors.As(err, &reason) {
		reason = DropSend
	}
	l.drop(string(reason), 1)
}

// drain empties the plane's sink: packets out, packets for the engines, drops.
func (l *loop) drain() {
	for _, o := range l.sink.Out {
		l.send(o.Port, o.To, o.Data)
	}
	for _, p := range l.sink.Punt {
		l.queue = append(l.queue, queued{in: engine.Packet{Port: p.Port, From: p.From, Data: bytes.Clone(p.Data)}})
	}
	for _, h := range l.sink.Hints {
		l.queue = append(l.queue, queued{in: engine.Traffic{Mobile: h.Pair.Mobile, Peer: h.Pair.Peer, Straight: h.Straight, Unreachable: h.Unreachable}})
	}
	for _, d := range l.sink.Drops {
		l.drop(d.Reason, d.N)
	}
	l.sink.Reset()
}

func (l *loop) fail(err error) {
	if l.fatal == nil {
		l.fatal = fmt.Errorf("driver: node %s: %w", l.n.c.Name, err)
	}
}

// guarded calls the engine. A panic writes the journal first, so that the input that caused it can be replayed.
func (l *loop) guarded(s *slot, now engine.Now, in engine.Input) {
	defer func() {
		if cause := recover(); cause != nil {
			l.flush()
			panic(&Crash{Node: l.n.c.Name, Engine: s.Name, Line: l.journal.lines, Input: in, Cause: cause, Stack: debug.Stack()})
		}
	}()
	s.Engine.Engine.Handle(now, in, &l.fx)
}

// Crash is what a node panics with after an engine has: the engine, the input, and where the journal holds it.
type Crash struct {
	Node, Engine string
	Line         int // line of the journal with the input; 0 when none is kept
	Input        engine.Input
	Cause        any
	Stack        []byte
}

// Error tells the cause and how to see it again.
func (c *Crash) Error() string {
	how := "run with a journal to be able to replay it"
	if c.Line > 0 {
		how = fmt.Sprintf("it is line %d of the journal: roam6 replay JOURNAL", c.Line)
	}
	return fmt.Sprintf("node %s: engine %s panicked: %v\ninput %T: %s\n%s\n%s", c.Node, c.Engine, c.Cause, c.Input, pretty(c.Input), how, c.Stack)
}

func (l *loop) record(e engine.Entry) {
	if err := l.journal.write(e); err != nil {
		l.event(e.Mono, ownName, engine.Event{Name: EventJournal, Reason: err.Error()})
	}
}

func (l *loop) flush() {
	if err := l.journal.flush(); err != nil {
		l.event(l.now().Mono, ownName, engine.Event{Name: EventJournal, Reason: err.Error()})
	}
}

// endJournal writes that this is all there is to the journal.
func (l *loop) endJournal(failed error) {
	how := EndStopped
	if failed != nil {
		how = EndFailed
	}
	if err := l.journal.end(how); err != nil {
		l.event(l.now().Mono, ownName, engine.Event{Name: EventJournal, Reason: err.Error()})
	}
}

func (l *loop) views() map[string]any {
	views := make(map[string]any, len(l.slots))
	for _, s := range l.slots {
		views[s.Name] = s.Engine.Engine.View()
	}
	return views
}

func (l *loop) snapshot() Stats {
	if n := l.n.host.Overflow(); n > 0 {
		l.drop(string(DropRxOverflow), n)
	}
	if n := l.n.host.Stopped(); n > 0 {
		l.drop(plane.DropGate, n)
	}
	streams, datagrams := l.streams.snapshot() // which may have drops to count
	st := l.stats
	st.Drops = maps.Clone(l.stats.Drops)
	st.Plane = l.soft.Counters()
	st.Fast = l.fastReport(&st.Plane)
	l.cannotRead(l.n.host.Measure(st.Plane.Meters))
	st.MLD = l.mld.stats
	st.Streams, st.Datagrams = streams, datagrams
	now := l.now().Mono
	st.Now = now
	for _, s := range l.slots {
		w := Waiting{Engine: s.Name, For: s.why}
		if s.deadline != engine.Never {
			w.In = s.deadline.Sub(now)
		}
		st.Waiting = append(st.Waiting, w)
	}
	return st
}
