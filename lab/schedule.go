//go:build linux

package lab

import (
	"sync"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// commandNap is how long the lab looks away while a move is announced: an engine may say at any moment that it is ready for it.
const commandNap = 200 * time.Microsecond

// schedule is when the actions of a plan are due: at their times, or ahead of them when an engine commands its link.
type schedule struct {
	mu   sync.Mutex
	plan *scenario.Plan
	zero nanos // of the plan's times; 0 before the run
	due  []nanos
	done []bool
	told int // announced moves that have not begun
}

// begin sets the plan's times.
func (s *schedule) begin(p *scenario.Plan, zero nanos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan, s.zero, s.told = p, zero, 0
	s.due, s.done = make([]nanos, len(p.Actions)), make([]bool, len(p.Actions))
	for i, a := range p.Actions {
		s.due[i] = zero + nanos(a.At)
	}
}

// next is the action that is due first of those that are left, and how long to sleep at most before looking again; -1 at the end.
func (s *schedule) next() (i int, due, nap nanos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, nap = -1, nanos(actionNap)
	if s.told > 0 {
		nap = nanos(commandNap)
	}
	for k, at := range s.due {
		if !s.done[k] && (i < 0 || at < due) {
			i, due = k, at
		}
	}
	return i, due, nap
}

// take notes that an action is carried out.
func (s *schedule) take(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[i] = true
	switch a := &s.plan.Actions[i]; {
	case a.Verb == scenario.Hint:
		s.told++
	case a.Verb == scenario.Detach && s.told > 0:
		s.told--
	}
}

// commanded makes the announced move of an interface to a segment due now. It is called on the loop of the engine's node.
func (s *schedule) commanded(n *scenario.Node, e engine.Attach, now nanos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range n.Ifaces {
		if n.Ifaces[k].Port != e.Port || s.plan == nil {
			continue
		}
		leave, join := s.plan.Announced(s.plan.Moves(n.Name, n.Ifaces[k].Name), s.done)
		if join >= 0 && s.plan.Actions[join].Segment == e.Attachment && s.due[leave] > now {
			s.due[join] = now + s.due[join] - s.due[leave]
			s.due[leave] = now
		}
	}
}
