//go:build linux

package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"roam6/scenario"
)

// defaultQueue is the Queue of a LinkModel that names none.
const defaultQueue = 1000

// Reasons for which the emulator drops frames. The simulator uses the same words.
const (
	dropLoss      = "loss"         // the model's Loss drew it
	dropQueueFull = "queue-full"   // the sender's queue for Rate is full
	dropLinkDown  = "link-down"    // sender or receiver left the segment while the frame was under way
	dropNoStation = "no-station"   // no member has the frame's destination address
	dropRefused   = "tap-refused"  // the receiving kernel did not take it
	dropMalformed = "malformed"    // shorter than an Ethernet header
	dropTape      = "capture-full" // went through, but is missing in captures
)

// nanos is a point in time of a lab: nanoseconds of the monotonic clock since it was made.
type nanos int64

// shaper is the rate and the queue of one member: a first-come queue before a transmitter of fixed speed. The zero
// shaper is idle. The arithmetic and the draws below are those of the simulator, so that both worlds treat a
// sequence of frames alike.
type shaper struct {
	free   nanos   // when the transmitter has sent all it accepted
	starts []nanos // when each waiting frame begins, ascending
}

// send accepts a frame of so many octets (Ethernet header included) at now and says when its last bit leaves; ok is
// false when the queue is full.
func (s *shaper) send(m *scenario.LinkModel, now nanos, octets int) (leaves nanos, ok bool) {
	begun := 0
	for begun < len(s.starts) && s.starts[begun] <= now {
		begun++
	}
	s.starts = append(s.starts[:0], s.starts[begun:]...)
	if m.Rate <= 0 && s.free <= now {
		return now, true
	}
	start := max(now, s.free)
	if start > now {
		limit := m.Queue
		if limit == 0 {
			limit = defaultQueue
		}
		if len(s.starts) >= limit {
			return 0, false
		}
		s.starts = append(s.starts, start)
	}
	s.free = start + serialisation(m.Rate, octets)
	return s.free, true
}

// serialisation is the time so many octets take at a rate in bits per second, rounded up to the nanosecond.
func serialisation(rate int64, octets int) nanos {
	if rate <= 0 {
		return 0
	}
	bits := int64(octets) * 8 * int64(time.Second)
	return nanos((bits + rate - 1) / rate)
}

// path is what happens to frames between one member and another of a segment. Its draws are its own.
type path struct {
	draw *rand.PCG
	last nanos // latest arrival of a frame that kept its place
}

func newPath(seed uint64, segment, from, to string) *path {
	s := seedOf(seed, "path", segment, from, to)
	return &path{draw: rand.NewPCG(binary.BigEndian.Uint64(s[:]), binary.BigEndian.Uint64(s[8:]))}
}

// pass says when the copies of a frame that left at the given time arrive; none if it is lost.
func (p *path) pass(m *scenario.LinkModel, leaves nanos) (arrive [2]nanos, copies int) {
	if chance(p.draw, m.Loss) {
		return arrive, 0
	}
	arrive[0] = p.one(m, leaves)
	if !chance(p.draw, m.Duplicate) {
		return arrive, 1
	}
	arrive[1] = p.one(m, leaves)
	return arrive, 2
}

// one draws the arrival of one copy. Only frames that are not held back move the mark later frames may not overtake.
func (p *path) one(m *scenario.LinkModel, leaves nanos) nanos {
	at := leaves + nanos(m.Delay)
	if m.Jitter > 0 {
		at += nanos(p.draw.Uint64() % uint64(m.Jitter+1))
	}
	at = max(at, p.last)
	if chance(p.draw, m.Reorder) {
		return at + nanos(m.ReorderBy)
	}
	p.last = at
	return at
}

// chance draws true with probability p, 0..1. It draws nothing when p is 0 or less.
func chance(r *rand.PCG, p float64) bool {
	return p > 0 && float64(r.Uint64()>>11)/(1<<53) < p
}

// seedOf derives an independent seed from the run's seed and the names of who will draw.
func seedOf(run uint64, names ...string) [32]byte {
	h := sha256.New()
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], run)
	h.Write(n[:])
	for _, name := range names {
		binary.BigEndian.PutUint64(n[:], uint64(len(name)))
		h.Write(n[:])
		h.Write([]byte(name))
	}
	return [32]byte(h.Sum(nil))
}
