package check

import (
	"fmt"
	"time"

	"roam6/scenario"
	"roam6/sim"
)

// failure keeps the first thing found wrong.
type failure struct{ err error }

// Err is the first thing found wrong, or nil.
func (f *failure) Err() error { return f.err }

func (f *failure) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// DefaultWithin is how long after the faults a node may stay unreachable. The longest wait it may be in is the
// retransmission of a binding update at its largest interval, MAX_BINDACK_TIMEOUT (32 s, RFC 6275 §12).
const DefaultWithin = 40 * time.Second

// All makes one checker of each kind but NoKeys, for a plan whose faults are over at quiet.
func All(plan *scenario.Plan, quiet, within time.Duration) []sim.Checker {
	return []sim.Checker{NewOneOwner(), NewNoStale(), NewNoReplay(), NewNoDiversion(), NewReachable(plan, quiet, within), NewInOrder()}
}
