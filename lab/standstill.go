//go:build linux

package lab

import (
	"slices"
	"sync"
	"time"

	"roam6/scenario"
)

const (
	// standsFrom is the lateness from which on a thread that wakes says that the machine stood still. It is above all that is usual, also
	// where other programs keep every processor busy (docs/performance.md, the laboratory's links), and as long as a whole
	// blackout of the built-in scenarios: a figure that holds such a time says little of the protocol.
	standsFrom = 20 * time.Millisecond
	// standsKept is the number of times that are kept of a run, the longest ones.
	standsKept = 100
)

// standstills are the times in which the machine did not let the lab run: other programs had the processors, or all of it stood, as a
// virtual machine whose host is busy. Who wakes later than it asked to tells of it: the emulator, which sleeps until a frame is due,
// the pacer, which sleeps for a millisecond at most, and the hub, which stands for all goroutines that are nothing special. They wake
// for their own work; nobody wakes for this.
type standstills struct {
	mu   sync.Mutex
	list []standstill // in order, apart from each other
}

type standstill struct{ from, to nanos }

// woke is told when a thread wanted to run and when it did.
func (s *standstills) woke(want, now nanos) {
	if now-want >= nanos(standsFrom) {
		s.add(standstill{want, now})
	}
}

// add joins what several threads tell of the same time. Over standsKept the shortest is forgotten.
func (s *standstills) add(n standstill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := len(s.list)
	for i > 0 && s.list[i-1].to >= n.from {
		i--
	}
	j := i
	for j < len(s.list) && s.list[j].from <= n.to {
		n = standstill{min(n.from, s.list[j].from), max(n.to, s.list[j].to)}
		j++
	}
	s.list = slices.Replace(s.list, i, j, n)
	if len(s.list) > standsKept {
		least := 0
		for k, o := range s.list {
			if o.to-o.from < s.list[least].to-s.list[least].from {
				least = k
			}
		}
		s.list = slices.Delete(s.list, least, least+1)
	}
}

// since gives those of the run that began at zero; never nil.
func (s *standstills) since(zero nanos) []scenario.Standstill {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []scenario.Standstill{}
	for _, o := range s.list {
		if from := max(o.from, zero); o.to > zero {
			out = append(out, scenario.Standstill{At: scenario.Millis(from - zero), Length: scenario.Millis(o.to - from)})
		}
	}
	return out
}
