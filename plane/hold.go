package plane

import (
	"bytes"
	"time"
)

const (
	// MaxHeldOctets bounds what all paths of a plane hold together; each path has its own Limit besides.
	MaxHeldOctets = 64 << 20
	// MaxKeptOctets bounds the copies of all paths that Keep. They have a bound of their own, so that copies of what was
	// sent never take the room of what was not.
	MaxKeptOctets = 16 << 20
)

// heldPacket is a copy of a packet that waits for its path, since when, and the Way its flow takes.
type heldPacket struct {
	at   time.Duration
	data []byte
	way  uint16
	sent bool // a copy of what was sent, kept in case it did not arrive: losing it is no loss
	pass passing
	bi   bool // copies of it left by further ways when it came; else they do when it leaves
}

// queue is packets in the order they came, in a ring that grows.
type queue struct {
	ring    []heldPacket
	head, n int
	octets  int
}

func (q *queue) first() *heldPacket { return &q.ring[q.head] }

func (q *queue) push(h heldPacket) {
	if q.n == len(q.ring) {
		ring := make([]heldPacket, max(8, 2*q.n))
		copy(ring[copy(ring, q.ring[q.head:]):], q.ring[:q.head])
		q.ring, q.head = ring, 0
	}
	q.ring[(q.head+q.n)%len(q.ring)] = h
	q.n++
	q.octets += len(h.data)
}

func (q *queue) pop() heldPacket {
	h := q.ring[q.head]
	q.ring[q.head] = heldPacket{}
	q.head = (q.head + 1) % len(q.ring)
	q.n--
	q.octets -= len(h.data)
	if q.n == 0 {
		*q = queue{}
	}
	return h
}

// sentBefore is how many of the packets are copies of what was sent. They stand first: a path that keeps holds nothing.
func (q *queue) sentBefore() (n int) {
	for n < q.n && q.ring[(q.head+n)%len(q.ring)].sent {
		n++
	}
	return n
}

// hold keeps a copy of the packet until the path changes. Packets too old to be sent, and copies of what was sent, make
// room for new ones; else the path's policy decides.
func (s *Soft) hold(r *route, b []byte, way uint16, sink *Sink) bool {
	if !s.room(r, len(b)) {
		s.dropAged(r, sink)
	}
	fits := r.Limit > 0 && (r.Octets == 0 || len(b) <= r.Octets)
	for fits && !s.room(r, len(b)) && r.held.n > 0 && (r.held.first().sent || r.Policy == Oldest) {
		if !s.pop(r).sent {
			s.drop(sink, DropHoldFull)
		}
	}
	if !s.room(r, len(b)) {
		s.drop(sink, DropHoldFull)
		return false
	}
	s.heldOctets += len(b)
	r.own().held.push(heldPacket{at: s.now, data: withRoom(b), way: way, pass: s.pass, bi: s.copies(r, way)})
	s.pass = passing{}
	return true
}

// room says whether one more packet fits.
func (s *Soft) room(r *route, octets int) bool {
	return r.held.n < r.Limit && (r.Octets == 0 || r.held.octets+octets <= r.Octets) && s.heldOctets+octets <= s.limits.held
}

// pop takes the oldest packet out of a path's queue and of the plane's accounts.
func (s *Soft) pop(r *route) heldPacket {
	h := r.held.pop()
	if h.sent {
		s.keptOctets -= len(h.data)
	} else {
		s.heldOctets -= len(h.data)
	}
	return h
}

// aged says whether a packet has waited longer than its path allows.
func (s *Soft) aged(r *route, h *heldPacket) bool { return r.Age > 0 && s.now-h.at > r.Age }

// dropAged gives up the oldest packets of a path. Packets are held in order of time, so the old ones stand first.
func (s *Soft) dropAged(r *route, sink *Sink) {
	for r.held.n > 0 && s.aged(r, r.held.first()) {
		if !s.pop(r).sent {
			s.drop(sink, DropHoldAged)
		}
	}
}

// keep remembers a packet that was sent by a path. What it pushes out was sent too, so nothing is lost.
func (s *Soft) keep(r *route, at time.Duration, b []byte, way uint16) {
	for r.held.n > 0 && (s.aged(r, r.held.first()) || !s.roomToKeep(r, len(b))) {
		s.pop(r)
	}
	if !s.roomToKeep(r, len(b)) {
		return
	}
	s.keptOctets += len(b)
	r.own().held.push(heldPacket{at: at, data: b, way: way, sent: true})
}

func (s *Soft) roomToKeep(r *route, octets int) bool {
	return r.held.n < r.Limit && (r.Octets == 0 || r.held.octets+octets <= r.Octets) && s.keptOctets+octets <= s.limits.kept
}

// release sends what the path held, oldest first, by the way the path goes now, and copies by the ways that want them now if
// none left when it came.
func (s *Soft) release(r *route, sink *Sink) {
	if r.held.n == 0 {
		return
	}
	waiting := r.held
	r.held = queue{}
	for waiting.n > 0 {
		h := waiting.pop()
		if h.sent {
			s.keptOctets -= len(h.data)
		} else {
			s.heldOctets -= len(h.data)
		}
		if !h.sent && !h.bi && s.copies(r, h.way) {
			whole := bytes.Clone(h.data)
			s.depart(r, h, sink)
			s.copy(r, whole, h.way, sink)
			continue
		}
		s.depart(r, h, sink)
	}
}

// depart sends a packet that waited. A path that keeps copies keeps it for as long as it was to be kept from the first.
func (s *Soft) depart(r *route, h heldPacket, sink *Sink) {
	was := s.pass
	s.pass = h.pass
	s.departNow(r, h, sink)
	s.pass = was
}

func (s *Soft) departNow(r *route, h heldPacket, sink *Sink) {
	if !r.Keep {
		s.transmit(r, h.data, h.way, sink)
		return
	}
	again := withRoom(h.data)
	if s.transmit(r, h.data, h.way, sink) {
		s.keep(r, h.at, again, h.way)
	}
}

// discardHeld drops what a deleted path held.
func (s *Soft) discardHeld(r *route, sink *Sink) {
	for r.held.n > 0 {
		if !s.pop(r).sent {
			s.drop(sink, DropHoldDeleted)
		}
	}
}

// discardCopies forgets the copies that a path keeps.
func (s *Soft) discardCopies(r *route) {
	for r.held.n > 0 && r.held.first().sent {
		s.pop(r)
	}
}
