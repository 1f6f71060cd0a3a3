package plane

import "roam6/wire/ip6"

// enter gives a packet to a path: what its flow says of it, its copies, then its way.
func (s *Soft) enter(r *route, a *arrival, b []byte, sink *Sink) {
	if r.usual && len(r.ways) == 0 && len(s.flows.shapes)+len(s.pairs.at) == 0 {
		if size := len(b); s.leave(r, b, sink) {
			r.sent.add(size)
		}
		return
	}
	if r.Control && r.Side == Agent && isMobility(b) {
		s.punt(a, b, sink)
		return
	}
	var taken uint16
	if len(s.flows.shapes) > 0 {
		var ok bool
		if taken, ok = s.classify(b, sink); !ok {
			return
		}
	}
	if len(r.ways) > 0 {
		s.copied(r, b, taken, sink)
		return
	}
	s.forward(r, b, taken, sink)
}

// forward sends a packet by its path now, or holds it. taken is the Way its flow asks for. It is false if the packet did
// not leave.
func (s *Soft) forward(r *route, b []byte, taken uint16, sink *Sink) bool {
	switch {
	case r.Mode == Hold:
		return s.hold(r, b, taken, sink)
	case r.Keep:
		kept := withRoom(b)
		if !s.transmit(r, b, taken, sink) {
			return false
		}
		s.keep(r, s.now, kept, taken)
		return true
	}
	return s.transmit(r, b, taken, sink)
}

// transmit sends a packet: by the Way its flow asks for, straight to its peer, or by the path's own way. It is false
// if the packet did not leave.
func (s *Soft) transmit(r *route, b []byte, taken uint16, sink *Sink) bool {
	size := len(b)
	if taken != 0 && len(r.ways) > 0 {
		if w := r.way(taken); w != nil {
			if !s.leave(&w.route, b, sink) {
				return false
			}
			w.sent.add(size)
			r.sent.add(size)
			return true
		}
	}
	done, sent := false, false
	if len(s.pairs.at) > 0 && r.Side == Mobile {
		done, sent = s.optimise(r, b, sink)
	}
	if !done {
		sent = s.leave(r, b, sink)
	}
	if sent {
		r.sent.add(size)
	}
	return sent
}

// leave sends a packet by the way of a route itself.
func (s *Soft) leave(r *route, b []byte, sink *Sink) bool {
	switch r.Mode {
	case Direct:
		return s.direct(r, b, sink)
	case Tunnel:
		return s.encapsulate(r, b, 0, sink)
	}
	s.drop(sink, DropPathInvalid)
	return false
}

// isMobility says whether a packet carries a mobility header (RFC 6275 §6.1), whole.
func isMobility(b []byte) bool {
	switch b[6] {
	case ip6.ProtoMH:
		return true
	case ip6.ProtoHopByHop, ip6.ProtoDestOpts, ip6.ProtoRouting, ip6.ProtoFragment:
		c, reason := walk(b)
		return reason == "" && c.proto == ip6.ProtoMH && c.fragAt == 0
	}
	return false
}
