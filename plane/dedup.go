package plane

import (
	"encoding/binary"
	"time"
)

// Limits of duplicate suppression.
const (
	// MaxPathRemembered is the number of received packets one path remembers. One more makes it forget the oldest before
	// its time: a copy of that would pass then. Nothing is lost by it.
	MaxPathRemembered = 8192
	// MaxRemembered is the number of packets all paths remember; a path that remembers none at that point starts to when others forget.
	MaxRemembered = 1 << 18
	// MaxDedupWays is the number of ways told apart for one path; a further one takes the place of the one used least recently.
	MaxDedupWays = 8
)

// memory is the packets a path received lately. IPv6 has no identity of packets, and applications may send equal ones. So
// the n-th equal packet by one way is taken for a copy if another way has brought n of them already (decision 7).
type memory struct {
	ring    []occurrence // in order of time
	head, n int
	packets map[uint64]*equals
	ways    [MaxDedupWays]dedupWay
}

// occurrence is one packet that was passed on.
type occurrence struct {
	hash uint64
	at   time.Duration
}

// equals is all remembered packets with one hash, numbered from the first. Each way has brought the first so many of them.
type equals struct {
	begin, end uint32 // those remembered yet
	brought    [MaxDedupWays]uint32
}

// dedupWay tells ways apart: the port, and the outer addresses of a tunnel; of packets sent straight, the care-of address.
type dedupWay struct {
	port  Port
	outer ends
	used  time.Duration
	known bool
}

// Seed sets the key of the hash by which received packets are remembered (Path.Dedup): a secret from the world's source
// of randomness, before the first packet. Without it whoever reads this code can make packets that are taken for copies of others.
func (s *Soft) Seed(key [16]byte) {
	s.seed = hashSeed{binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])}
	if s.paths.finder.n == 0 { // what stands was found by the seed before
		s.paths.seed = s.seed
	}
}

// duplicate says whether a packet is a copy of one that came by another way, and remembers it.
func (s *Soft) duplicate(r *route, a *arrival, b []byte) bool {
	if r.seen == nil {
		r.own().seen = &memory{packets: map[uint64]*equals{}}
	}
	m := r.seen
	for m.n > 0 && s.now-m.ring[m.head].at > r.Dedup {
		s.forgetFirst(m)
	}
	way, hash := m.way(a, s.now), s.identity(b)
	e := m.packets[hash]
	if e != nil {
		if next := max(e.brought[way], e.begin); next < e.end {
			e.brought[way] = next + 1
			return true
		}
	}
	if m.n >= MaxPathRemembered || m.n > 0 && s.remembered >= s.limits.remembered {
		s.forgetFirst(m)
		e = m.packets[hash]
	}
	if s.remembered >= s.limits.remembered {
		return false
	}
	if e == nil {
		e = &equals{}
		m.packets[hash] = e
	}
	e.end++
	e.brought[way] = e.end
	m.push(occurrence{hash, s.now})
	s.remembered++
	return false
}

// identity is the hash of a packet without what changes on the way: hop limit and congestion marks.
func (s *Soft) identity(b []byte) uint64 {
	class, hops := b[1], b[7]
	b[1], b[7] = class&^0x30, 0
	h := s.seed.sum(b)
	b[1], b[7] = class, hops
	return h
}

// way is the number of the way a packet came by.
func (m *memory) way(a *arrival, now time.Duration) int {
	oldest := 0
	for i := range m.ways {
		w := &m.ways[i]
		if w.known && w.port == a.port && w.outer == a.outer {
			w.used = now
			return i
		}
		if o := &m.ways[oldest]; o.known && (!w.known || w.used < o.used) {
			oldest = i
		}
	}
	if m.ways[oldest].known {
		for _, e := range m.packets { //order:any each by itself
			e.brought[oldest] = 0
		}
	}
	m.ways[oldest] = dedupWay{a.port, a.outer, now, true}
	return oldest
}

func (m *memory) push(o occurrence) {
	if m.n == len(m.ring) {
		ring := make([]occurrence, max(16, 2*m.n))
		copy(ring[copy(ring, m.ring[m.head:]):], m.ring[:m.head])
		m.ring, m.head = ring, 0
	}
	m.ring[(m.head+m.n)%len(m.ring)] = o
	m.n++
}

// forgetFirst forgets the oldest packet.
func (s *Soft) forgetFirst(m *memory) {
	hash := m.ring[m.head].hash
	m.head = (m.head + 1) % len(m.ring)
	m.n--
	s.remembered--
	if e := m.packets[hash]; e.begin+1 == e.end {
		delete(m.packets, hash)
	} else {
		e.begin++
	}
}

// forget frees the memory of a path.
func (s *Soft) forget(r *route) {
	if r.seen != nil {
		s.remembered -= r.seen.n
		r.seen = nil
	}
}
