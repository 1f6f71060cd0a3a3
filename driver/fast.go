package driver

import (
	"errors"
	"time"

	"roam6/driver/ebpf"
	"roam6/engine"
	"roam6/plane"
)

// Plane is who forwards users' packets.
type Plane string

// The planes. PlaneEBPF is PlaneSoft with a fast path in front (package ebpf); what that cannot do PlaneSoft does.
const (
	PlaneSoft Plane = "soft" // in user space, on any machine
	PlaneEBPF Plane = "ebpf" // New fails where the fast path cannot be
	PlaneAuto Plane = "auto" // PlaneEBPF where it can be, else PlaneSoft; Stats says why
)

// ErrNoFast is of a machine on which PlaneEBPF cannot be.
var ErrNoFast = errors.New("no fast path (ebpf)")

// EventFast tells, once, that the fast path has no room for a path; Reason says why. Stats say of each path whether it is fast.
const EventFast = "driver.fast"

// FastStats is what the fast path did, or why there is none.
type FastStats struct {
	None string `json:"none,omitempty"`
	*ebpf.Report
}

// fastReport tells of the fast path, and adds what it carried to what the plane counted. nil: none was asked for.
func (l *loop) fastReport(c *plane.Counters) *FastStats {
	if l.fast == nil {
		if _, none := l.n.host.Fast(); none != "" {
			return &FastStats{None: none}
		}
		return nil
	}
	r := l.fast.Report()
	r.Add(c)
	return &FastStats{Report: r}
}

// after lets the fast path take in an Op that the plane has carried out.
func (l *loop) after(op plane.Op) {
	l.fast.After(op)
	if why := l.fast.Crowded(op); why != "" {
		l.event(l.now().Mono, ownName, engine.Event{Name: EventFast, Reason: "a path goes through the plane, and perhaps others after it: " + why,
			Attrs: []engine.Attr{engine.S("op", op.String())}})
	}
}

// sweepAt is when the fast path wants to be looked at.
func (l *loop) sweepAt() engine.Mono {
	if at, ok := l.fast.Due(); ok {
		return engine.Mono(at)
	}
	return engine.Never
}

func (l *loop) sweep(all bool) {
	if l.fast != nil {
		l.fast.Sweep(time.Duration(l.now().Mono), l.idle, all)
	}
}
