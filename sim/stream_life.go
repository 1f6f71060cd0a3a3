package sim

import (
	"net/netip"

	"roam6/engine"
	"roam6/sim/tcp"
)

// offer queues an input about the connection for its engine.
func (s *socket) offer(in engine.Input) {
	w := s.k.n.w
	w.inputs = append(w.inputs, offered{node: s.k.n, life: s.r.life, to: s.r, in: in, about: s})
}

// stillWanted asks a connection about an input, and shows checkers the octets in it.
func (w *world) stillWanted(o offered) bool {
	if !o.about.wanted(o.in) {
		return false
	}
	if in, ok := o.in.(engine.Stream); ok && len(w.config.Checkers) > 0 {
		w.observe(Streamed{At: w.now, Node: o.node.plan.Name, Engine: o.to.name, Conn: in.Conn, Data: in.Data})
	}
	return true
}

// wanted is asked when the engine's turn has come for an input, and says whether it still holds.
func (s *socket) wanted(in engine.Input) bool {
	switch in.(type) {
	case engine.Opened:
		if s.state != making { // closed while it was dialled
			return false
		}
		s.state = opened
	case engine.Stream:
		return s.state == opened
	case engine.Closed:
		s.state = over
		delete(s.k.open, connKey{s.r, s.conn})
	}
	return true
}

// receive takes a segment.
func (s *socket) receive(seg *tcp.Segment) {
	s.soft = "" // it does get through
	s.happened(s.tcp.Receive(s.k.n.w.now, seg))
	s.touch()
}

// happened takes what TCP tells.
func (s *socket) happened(f tcp.Fact) {
	if f&tcp.Connected != 0 {
		s.connected()
	}
	if b := s.tcp.Read(); len(b) > 0 && !s.gone && !s.eof {
		if s.secure != nil {
			s.unseal(b)
		} else {
			s.deliver(b)
		}
	}
	if f&tcp.Finished != 0 {
		s.peerEnds()
	}
	switch {
	case f&tcp.Refused != 0:
		s.broke(engine.ReasonRefused)
	case f&tcp.Reset != 0:
		s.broke(engine.ReasonReset)
	case f&tcp.TimedOut != 0 && s.soft != "":
		s.broke(s.soft)
	case f&tcp.TimedOut != 0 && !s.made:
		s.broke(engine.ReasonTimeout)
	case f&tcp.TimedOut != 0:
		s.broke(engine.ReasonSilent)
	}
}

// ready tells the engine that octets can flow.
func (s *socket) ready(names []string) {
	s.shaken()
	s.made, s.limit = true, never
	o := engine.Opened{From: netip.AddrPortFrom(s.pair.here.addr(), s.pair.local), To: netip.AddrPortFrom(s.pair.there.addr(), s.pair.distance), Names: names}
	if s.door != nil {
		o.Listener = s.door.name
		s.k.accepted[s.r] += 2
		s.conn = s.k.accepted[s.r]
		s.k.open[connKey{s.r, s.conn}] = s
	}
	o.Conn = s.conn
	s.offer(o)
}

// shaken says that the handshake is over, this way or that.
func (s *socket) shaken() {
	if s.shaking {
		s.shaking = false
		s.door.shaking--
	}
	if s.dialing {
		s.dialing = false
		s.k.dials--
	}
}

// deliver gives the engine octets.
func (s *socket) deliver(b []byte) {
	if len(b) > 0 && s.made && !s.gone && s.state <= opened {
		s.offer(engine.Stream{Conn: s.conn, Data: b})
	}
}

// write takes octets of the engine, until the end of the turn.
func (s *socket) write(data []byte) {
	switch {
	case s.state != opened || s.gone:
	case s.unsent()+len(data) > engine.MaxUnsent:
		s.tcp.Abort()
		s.end(engine.ReasonPeerDoesNotRead)
		s.touch()
	default:
		s.pending = append(s.pending, data...)
		s.touch()
	}
}

// unsent is what the kernel has not taken.
func (s *socket) unsent() int {
	return len(s.pending) + max(0, s.tcp.Unanswered()-tcp.SendBuffer)
}

// close is the engine's Close.
func (s *socket) close() {
	s.state = closing
	switch {
	case s.gone:
	case !s.made:
		s.fail(engine.ReasonClosed)
	default:
		s.seal()
		s.farewell()
		s.tcp.Finish()
		s.limit = s.k.n.w.now + DrainTime
	}
	s.touch()
}

// left is the reason of Closed for an engine that asked for it.
func (s *socket) left() string {
	if s.unsent() > 0 {
		return engine.ReasonNotDrained
	}
	return engine.ReasonClosed
}

// drained ends a connection that the engine has closed, when all has left and the peer has answered.
func (s *socket) drained() {
	if s.state == closing && s.eof && !s.gone && s.unsent() == 0 {
		s.leave(engine.ReasonClosed)
	}
}

// peerEnds is the end of what the peer sends.
func (s *socket) peerEnds() {
	if s.eof || s.gone {
		return
	}
	s.eof = true
	switch {
	case !s.made:
		s.fail(engine.ReasonTLS)
	case s.state < closing:
		s.leave(engine.ReasonPeerClosed)
	}
}

// tooLate is the end of a time limit.
func (s *socket) tooLate() {
	s.limit = never
	switch {
	case s.gone:
	case s.made:
		s.leave(s.left())
	default:
		s.fail(s.limitAs)
	}
}

// leave tells the engine of the end; the kernel sends what it has taken.
func (s *socket) leave(reason string) {
	s.end(reason)
	s.pending = nil
	s.tcp.Abandon(s.k.n.w.now, tcp.SendBuffer)
	s.touch()
}

// broke is the end by the peer or the network.
func (s *socket) broke(reason string) {
	switch {
	case s.gone:
	case s.made && s.state == closing:
		s.end(s.left())
	case !s.made && s.secure != nil && s.secure.begun:
		s.fail(engine.ReasonTLS)
	case !s.made:
		s.fail(reason)
	default:
		s.end(reason)
	}
}

// fail ends a connection that no engine has heard of, or one that is being dialled.
func (s *socket) fail(reason string) {
	s.tcp.Abort()
	if s.conn == 0 && s.secure != nil && s.secure.begun {
		s.k.n.w.drop(reason)
		s.r.complain(reason, "TLS with %v: %s", s.pair.there.addr(), reason)
	} else if s.conn != 0 && reason != engine.ReasonClosed {
		s.r.complain(reason, "dial [%v]:%d: %s", s.pair.there.addr(), s.pair.distance, reason)
	}
	s.end(reason)
	s.touch()
}

// end offers Closed, if the engine knows of the connection.
func (s *socket) end(reason string) {
	s.shaken()
	s.gone, s.limit = true, never
	if s.half {
		s.half = false
		s.door.half--
	}
	if s.admitted {
		s.admitted = false
		s.door.open--
	}
	if s.conn == 0 {
		s.state = over
		return
	}
	c := engine.Closed{Conn: s.conn, Reason: reason}
	if s.door != nil {
		c.Listener = s.door.name
	}
	s.offer(c)
}
