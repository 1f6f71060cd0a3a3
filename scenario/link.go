package scenario

import (
	"math/rand/v2"
	"time"
)

// EthernetHeader is what a frame has before the IPv6 packet; rates count it (octets).
const EthernetHeader = 14

// DefaultQueue is the number of frames that may wait for a member's rate when the model gives none.
const DefaultQueue = 1000

// Shaper is the rate and the queue of one member of a segment: a first-come queue before a transmitter of fixed speed.
// Together with LinkPath it is the whole arithmetic of a link, shared by simulator and emulator, so that both treat a sequence
// of frames alike. The zero Shaper is idle.
type Shaper struct {
	free   time.Duration   // when the transmitter has sent all it accepted
	starts []time.Duration // when each waiting frame begins, ascending, from head on
	head   int
}

// Send accepts a frame of so many octets (Ethernet header included) at now and says when its last bit leaves; false if
// the queue is full and the frame is lost. Times already given do not change when the model does.
func (s *Shaper) Send(m *LinkModel, now time.Duration, octets int) (time.Duration, bool) {
	for s.head < len(s.starts) && s.starts[s.head] <= now {
		s.head++
	}
	if s.head == len(s.starts) {
		s.starts, s.head = s.starts[:0], 0
	}
	if m.Rate <= 0 && s.free <= now {
		return now, true
	}
	start := max(now, s.free)
	if start > now {
		limit := m.Queue
		if limit == 0 {
			limit = DefaultQueue
		}
		if len(s.starts)-s.head >= limit {
			return 0, false
		}
		if s.head > 64 && 2*s.head > len(s.starts) {
			s.starts = append(s.starts[:0], s.starts[s.head:]...)
			s.head = 0
		}
		s.starts = append(s.starts, start)
	}
	s.free = start + serialisation(m.Rate, octets)
	return s.free, true
}

// serialisation is the time so many octets take at a rate in bits per second, rounded up to the nanosecond.
func serialisation(rate int64, octets int) time.Duration {
	if rate <= 0 {
		return 0
	}
	bits := int64(octets) * 8 * int64(time.Second)
	return time.Duration((bits + rate - 1) / rate)
}

// LinkPath is what happens to frames between one member and another: delay, jitter, loss, duplication, reordering. Its
// draws are its own, named by segment and members.
type LinkPath struct {
	draw rand.PCG
	last time.Duration // latest arrival of a frame that kept its place
}

// NewLinkPath makes the path of a segment from one member to another ("ar1/cell").
func NewLinkPath(run uint64, segment, from, to string) *LinkPath {
	return &LinkPath{draw: Draw(run, "path", segment, from, to)}
}

// Pass says when the copies of a frame that left at the given time arrive; none if it is lost.
func (p *LinkPath) Pass(m *LinkModel, leaves time.Duration) (arrive [2]time.Duration, copies int) {
	if Chance(&p.draw, m.Loss) {
		return arrive, 0
	}
	arrive[0] = p.one(m, leaves)
	if !Chance(&p.draw, m.Duplicate) {
		return arrive, 1
	}
	arrive[1] = p.one(m, leaves)
	return arrive, 2
}

// one draws the arrival of one copy. Only frames that are not held back move the mark later frames may not overtake.
func (p *LinkPath) one(m *LinkModel, leaves time.Duration) time.Duration {
	at := leaves + m.Delay + time.Duration(UpTo(&p.draw, int64(m.Jitter)))
	at = max(at, p.last)
	if Chance(&p.draw, m.Reorder) {
		return at + m.ReorderBy
	}
	p.last = at
	return at
}

// Plain reports whether the model never draws: every frame takes exactly Delay.
func (m *LinkModel) Plain() bool {
	return m.Jitter <= 0 && m.Loss <= 0 && m.Duplicate <= 0 && m.Reorder <= 0
}
