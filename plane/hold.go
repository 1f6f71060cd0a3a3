package plane

import "time"

// MaxHeldOctets bounds what all paths of a plane hold together; each path has its own Limit besides.
const MaxHeldOctets = 64 << 20

// heldPacket is a copy of a packet that waits for its path, and since when.
type heldPacket struct {
	at   time.Duration
	data []byte
}

// hold keeps a copy of the packet until the path changes. Packets too old to be sent make room for new ones.
func (s *Soft) hold(r *route, b []byte, sink *Sink) {
	if len(r.held) >= r.Limit {
		s.dropAged(r, sink)
	}
	if len(r.held) >= r.Limit || s.heldOctets+len(b) > MaxHeldOctets {
		s.drop(sink, DropHoldFull)
		return
	}
	kept := make([]byte, len(b), len(b)+Headroom)
	copy(kept, b)
	s.heldOctets += len(kept)
	r.held = append(r.held, heldPacket{s.now, kept})
}

// aged says whether a packet has waited longer than its path allows.
func (s *Soft) aged(r *route, h heldPacket) bool { return r.Age > 0 && s.now-h.at > r.Age }

// dropAged gives up the oldest packets of a path. Packets are held in order of time, so the old ones stand first.
func (s *Soft) dropAged(r *route, sink *Sink) {
	n := 0
	for n < len(r.held) && s.aged(r, r.held[n]) {
		s.heldOctets -= len(r.held[n].data)
		s.drop(sink, DropHoldAged)
		n++
	}
	rest := copy(r.held, r.held[n:])
	clear(r.held[rest:])
	r.held = r.held[:rest]
}

// release sends what the path held, oldest first, by the way the path goes now.
func (s *Soft) release(r *route, sink *Sink) {
	held := r.held
	r.held = nil
	for _, h := range held {
		s.heldOctets -= len(h.data)
		s.forward(r, h.data, sink)
	}
}

// discardHeld drops what a deleted path held.
func (s *Soft) discardHeld(r *route, sink *Sink) {
	for _, h := range r.held {
		s.heldOctets -= len(h.data)
		s.drop(sink, DropHoldDeleted)
	}
	r.held = nil
}
