package driver

import (
	"roam6/engine"
	"roam6/plane"
)

// asked is a Measure that waits for its turn to end.
type asked struct {
	slot *slot
	m    engine.Measure
}

// measures are the Measures of one turn. They are answered together, so that the kernel is asked once for them; a meter that is deleted
// behind its Measure goes when that is answered, so that the sessions that end in one turn are one question as well.
type measures struct {
	list []asked
	of   map[plane.MeterKey]bool // those asked about; true: that ends as well
	ends []end                   // in order
}

// end is the deletion of a meter that has not been carried out.
type end struct {
	now engine.Now
	op  plane.Op
}

// measure takes a Measure.
func (l *loop) measure(s *slot, m engine.Measure) {
	if l.measures.of[m.Key] {
		l.answers()
	}
	if _, there := l.soft.Meter(m.Key); !there {
		l.queue = append(l.queue, queued{s, engine.Measured{ID: m.ID, Key: m.Key, Err: engine.ErrNotFound}})
		return
	}
	if l.measures.of == nil {
		l.measures.of = map[plane.MeterKey]bool{}
	}
	l.measures.list, l.measures.of[m.Key] = append(l.measures.list, asked{s, m}), false
}

// ends takes the deletion of a meter that somebody has asked of. Whatever else is about a meter that ends comes after its end.
func (l *loop) ends(now engine.Now, op plane.Op) bool {
	if op.Meter == nil {
		return false
	}
	k := op.Meter.Key
	ending, there := l.measures.of[k]
	if ending {
		l.answers()
	}
	if ending || !there || !op.Delete {
		return false
	}
	l.measures.ends, l.measures.of[k] = append(l.measures.ends, end{now, op}), true
	return true
}

// measured answers what was asked in this turn. What the engines ask when they hear it is for the next.
func (l *loop) measured() {
	if len(l.measures.list) == 0 {
		return
	}
	l.answers()
	l.settle()
	if len(l.measures.list) > 0 {
		l.idle = false
	}
}

// answers queues the answers to what was asked until now, and does what waits for them.
func (l *loop) answers() {
	now := l.measures
	l.measures = measures{}
	l.answer(now.list)
	for _, e := range now.ends {
		l.apply(e.now, e.op)
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
