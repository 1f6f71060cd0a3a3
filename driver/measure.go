package driver

import (
	"slices"

	"roam6/engine"
	"roam6/plane"
)

// MaxMetersTold is of how many meters Stats tell, the first in the order of their keys: to read one from a kernel takes the loop 10 µs.
const MaxMetersTold = 1024

// asked is a Measure that waits for its turn to end.
type asked struct {
	slot *slot
	m    engine.Measure
}

// measure takes a Measure. All of one turn are answered together, so that the kernel is asked once for them.
func (l *loop) measure(s *slot, m engine.Measure) {
	if _, there := l.soft.Meter(m.Key); !there {
		l.queue = append(l.queue, queued{s, engine.Measured{ID: m.ID, Key: m.Key, Err: engine.ErrNotFound}})
		return
	}
	l.measures = append(l.measures, asked{s, m})
}

// measured answers what was asked in this turn. What the engines ask when they hear it is for the next.
func (l *loop) measured() {
	if len(l.measures) == 0 {
		return
	}
	list := l.measures
	l.measures = nil
	l.answer(list)
	l.settle()
	if len(l.measures) > 0 {
		l.idle = false
	}
}

// ending answers what was asked of a meter that is about to be deleted.
func (l *loop) ending(k plane.MeterKey) {
	var list []asked
	l.measures = slices.DeleteFunc(l.measures, func(a asked) bool {
		if a.m.Key == k {
			list = append(list, a)
			return true
		}
		return false
	})
	if len(list) > 0 {
		l.answer(list)
	}
}

// cannotRead tells why the kernel's counters cannot be read, once for each reason.
func (l *loop) cannotRead(err error) {
	why := ""
	if err != nil {
		why = "what the kernel has counted of what it forwards cannot be read: " + err.Error()
	}
	if why != "" && why != l.unmeasured {
		l.event(l.now().Mono, ownName, engine.Event{Name: EventKernel, Reason: why})
	}
	l.unmeasured = why
}

// answer queues the answers: what the plane has counted, and what the kernel forwarded past it.
func (l *loop) answer(list []asked) {
	counts := make([]plane.MeterCount, len(list))
	for i, a := range list {
		counts[i] = plane.MeterCount{Addr: a.m.Key.Addr, Port: a.m.Key.Port}
	}
	err := l.n.host.Measure(counts)
	l.cannotRead(err)
	for i, a := range list {
		c, _ := l.soft.Meter(a.m.Key)
		in := engine.Measured{ID: a.m.ID, Key: a.m.Key, Up: c.Up, Down: c.Down}
		in.Up.More(counts[i].Up)
		in.Down.More(counts[i].Down)
		if err != nil {
			in.Err = engine.ErrFailed
		}
		l.queue = append(l.queue, queued{a.slot, in})
	}
}
