package engine

import (
	"math"
	"time"
)

// Mono is a point on a node's monotonic clock, in nanoseconds since the node started. It survives
// clock steps; it does not survive a restart.
type Mono int64

// Never is a deadline that does not come.
const Never Mono = math.MaxInt64

// Add gives the point d later. Never stays Never, and a point too late to be told (292 years) is Never too: lifetimes
// come from packets, and a sum that wrapped would be due at once.
func (m Mono) Add(d time.Duration) Mono {
	if m == Never || d > 0 && m > Never-Mono(d) {
		return Never
	}
	return m + Mono(d)
}

// Sub gives the time from n to m.
func (m Mono) Sub(n Mono) time.Duration { return time.Duration(m - n) }

// Now is the time an input is handled at, on two clocks. Protocol timers use Mono. Wall is for what the
// protocols write as absolute time (tickets, RFC 4285 timestamps); the simulator skews it per node.
type Now struct {
	Mono Mono
	Wall time.Time
}

// Engine is one role on one node: a protocol as a value. Equal inputs at equal times give equal effects,
// byte for byte, in every world.
//
// The law of the loop: hand over one Input, run all its effects in order, read Deadline, hand over the
// next. The first input of every engine is Start. A Tick may come late, never early.
type Engine interface {
	// Handle takes one input and appends its effects to out. It returns no error because nobody above
	// could act on one: a malformed or refused message is an event with its reason; what cannot happen panics.
	Handle(now Now, in Input, out *Effects)
	// Deadline is when the engine next wants a Tick, and for what; Never if it waits for nothing.
	Deadline() (at Mono, why string)
	// View is a plain copy of what the engine knows, for dashboards and checkers. It never holds a key.
	View() any
}
