package tcp

import "time"

// timers are the moments at which a connection does something by itself.
type timers struct {
	rto, srtt, rttvar time.Duration
	tries             int // retransmissions of the same
	rtxAt             time.Duration
	stuck             time.Duration // since when nothing new was acknowledged
	timing            bool          // a segment's way there and back is being measured
	timed             uint32        // up to here
	timedAt           time.Duration
	heard             time.Duration // the peer's last segment
	keepAt            time.Duration
	probes            int
	probe             bool // is to be sent
	dieAt             time.Duration
}

// sample takes a time there and back (RFC 6298 §2).
func (t *timers) sample(r time.Duration) {
	if t.srtt == 0 {
		t.srtt, t.rttvar = r, r/2
	} else {
		t.rttvar += ((t.srtt - r).Abs() - t.rttvar) / 4
		t.srtt += (r - t.srtt) / 8
	}
	t.srtt = max(t.srtt, 1)
	t.settle()
}

// settle takes the doubling back.
func (t *timers) settle() {
	if t.srtt > 0 {
		t.rto = min(MaxRTO, t.srtt+max(MinRTO, 4*t.rttvar))
	}
}

// Deadline is when Timer has to be called; the largest Duration if never.
func (c *Conn) Deadline() time.Duration {
	if c.state == dead {
		return never
	}
	return min(c.rtxAt, c.keepAt, c.dieAt)
}

// Timer does what is due.
func (c *Conn) Timer(now time.Duration) Fact {
	switch {
	case c.state == dead:
	case now >= c.dieAt:
		c.state = dead
	case now >= c.rtxAt:
		return c.late(now)
	case now >= c.keepAt:
		return c.silent(now)
	}
	return 0
}

// late is the end of the patience for an acknowledgement (RFC 6298 §5, RFC 5681 §3.1).
func (c *Conn) late(now time.Duration) Fact {
	c.tries++
	switch {
	case c.state == synReceived && c.tries > MaxSYNACKs, c.state == synSent && c.tries > MaxSYNs,
		c.state == established && now-c.stuck >= UserTimeout:
		c.state = dead
		return TimedOut
	case c.state == established && c.tries == 1:
		c.ssthresh = max(int(c.max-c.una)/2, 2*c.mss)
	}
	if c.state == established {
		c.cwnd = c.mss
	}
	c.rto = min(MaxRTO, 2*c.rto)
	c.nxt, c.recover = c.una, c.max
	c.timing, c.recovering, c.fast, c.dups, c.rtxAt = false, false, false, 0, never
	return 0
}

// silent asks a peer that has said nothing for long, or gives it up.
func (c *Conn) silent(now time.Duration) Fact {
	switch {
	case c.max != c.una: // the other timer runs
	case c.probes > 0 && now-c.heard >= UserTimeout:
		c.Abort()
		return TimedOut
	default:
		c.probes++
		c.probe = true
	}
	c.keepAt = now + KeepEvery
	return 0
}

// Poll gives all segments that are due. They are valid during the call of emit only.
func (c *Conn) Poll(now time.Duration, emit func(*Segment)) {
	send := func(s Segment) {
		s.From, s.To = c.local, c.remote
		emit(&s)
	}
	if c.stray != nil {
		send(*c.stray)
		c.stray = nil
	}
	switch c.state {
	case dead:
		if c.broken {
			c.broken = false
			send(Segment{Seq: c.max, Ack: c.rcv, Flags: RST | ACK})
		}
		return
	case synSent, synReceived:
		c.shake(now, send)
	default:
		if c.probe {
			c.probe = false
			send(Segment{Seq: c.una - 1, Ack: c.rcv, Flags: ACK, Window: c.offer()})
		}
		c.stream(now, send)
	}
	if c.rtxAt == never && c.max != c.una {
		c.rtxAt = now + c.rto
		if c.state == established {
			c.rtxAt = max(now, min(c.rtxAt, c.stuck+UserTimeout))
		}
	}
}

// offer is the window as the wire has it.
func (c *Conn) offer() uint16 {
	if c.window > 0xffff {
		return uint16(c.window >> scale)
	}
	return uint16(c.window)
}

// shake sends our SYN, if it is due.
func (c *Conn) shake(now time.Duration, send func(Segment)) {
	if c.nxt != c.una {
		return
	}
	s := Segment{Seq: c.iss, Flags: SYN, Window: uint16(min(c.window, 0xffff)), MSS: uint16(min(c.mss, 0xffff)), Scale: scale + 1}
	if c.state == synReceived {
		s.Flags, s.Ack = SYN|ACK, c.rcv
		if c.window == 0xffff { // the peer does not know the option
			s.Scale = 0
		}
	}
	send(s)
	if c.max == c.una {
		c.timedAt = now
	}
	c.nxt++
	c.max = c.nxt
}

// stream sends octets as far as the windows allow, the end behind them, and an acknowledgement if none of these took it along.
func (c *Conn) stream(now time.Duration, send func(Segment)) {
	if c.max == c.una {
		c.stuck = now
	}
	if c.fast {
		c.fast, c.timing, c.rtxAt = false, false, never
		n := min(c.mss, len(c.buf), int(c.max-c.una))
		c.segment(c.una, n, n == len(c.buf) && c.finSent(), send)
	}
	for {
		seq := c.nxt
		left := len(c.buf) - int(seq-c.base)
		if left < 0 { // the end is on its way
			break
		}
		n := max(0, min(c.mss, left, min(c.cwnd, c.wnd)-int(seq-c.una)))
		if n < left && n < c.mss && seq != c.una || n == 0 && (left > 0 || !c.fin) { // no silly windows, RFC 9293 §3.8.6.2.1
			break
		}
		last := n == left && c.fin
		c.segment(seq, n, last, send)
		c.nxt += uint32(n)
		if last {
			if !before(c.nxt, c.max) {
				c.closedFirst = !c.peerFin
			}
			c.nxt++
		}
		if before(c.max, c.nxt) {
			if seq == c.max && !c.timing {
				c.timing, c.timed, c.timedAt = true, c.nxt, now
			}
			c.max = c.nxt
		}
	}
	if c.ack {
		send(Segment{Seq: c.max, Ack: c.rcv, Flags: ACK, Window: c.offer()})
		c.ack = false
	}
}

// finSent says whether the end has left, acknowledged or not.
func (c *Conn) finSent() bool { return c.finAcked || int(c.max-c.base) == len(c.buf)+1 }

// segment sends n octets from a sequence number on, and the end if they are the last.
func (c *Conn) segment(seq uint32, n int, last bool, send func(Segment)) {
	from := int(seq - c.base)
	s := Segment{Seq: seq, Ack: c.rcv, Flags: ACK, Window: c.offer(), Data: c.buf[from : from+n]}
	if n > 0 && from+n == len(c.buf) {
		s.Flags |= PSH
	}
	if last {
		s.Flags |= FIN
	}
	send(s)
	c.ack = false
}
