package tcp

import "time"

// Receive takes a segment of the peer. The octets of s are the caller's.
func (c *Conn) Receive(now time.Duration, s *Segment) Fact {
	switch c.state {
	case dead:
		return 0
	case synSent:
		return c.answered(now, s)
	}
	return c.arrived(now, s)
}

// answered takes what comes in answer to our SYN (RFC 9293 §3.10.7.3).
func (c *Conn) answered(now time.Duration, s *Segment) Fact {
	switch {
	case s.Flags&ACK != 0 && s.Ack != c.iss+1:
		if r, ok := Refusal(s); ok {
			c.stray = &r
		}
		return 0
	case s.Flags&(RST|ACK) == RST|ACK:
		c.state = dead
		return Refused
	case s.Flags&(RST|SYN|ACK) != SYN|ACK:
		return 0
	}
	c.rcv = s.Seq + 1
	c.agree(s)
	c.open(now)
	c.ack = true
	return Connected
}

// open ends the handshake: the peer knows our SYN.
func (c *Conn) open(now time.Duration) {
	if c.tries == 0 {
		c.sample(now - c.timedAt)
	} else {
		c.rto = FallbackRTO
	}
	c.state, c.una, c.timing, c.tries = established, c.iss+1, false, 0
	c.nxt = c.una
	c.max = c.una
	c.heard, c.stuck, c.rtxAt, c.keepAt = now, now, never, now+KeepIdle
}

// arrived takes a segment of a connection that is there for both (RFC 9293 §3.10.7.4).
func (c *Conn) arrived(now time.Duration, s *Segment) Fact {
	if c.state == synReceived && s.Flags&(SYN|ACK|RST) == SYN && s.Seq == c.rcv-1 {
		c.nxt = c.una // our answer was lost
		return 0
	}
	if !c.acceptable(s) {
		if s.Flags&RST == 0 {
			c.hear(now)
			c.correct(now, s)
			if c.dieAt != never && c.peerFin {
				c.dieAt = now + TimeWait
			}
		}
		return 0
	}
	switch {
	case s.Flags&RST != 0 && s.Seq == c.rcv:
		c.state = dead
		return Reset
	case s.Flags&(RST|SYN) != 0:
		c.ack = true // a challenge: who means it answers with the right number (RFC 5961 §3.2, §4.2)
		return 0
	case s.Flags&ACK == 0:
		return 0
	}
	c.hear(now)
	var f Fact
	if c.state == synReceived {
		if s.Ack != c.iss+1 {
			r, _ := Refusal(s)
			c.stray = &r
			return 0
		}
		c.open(now)
		c.wnd = int(s.Window) << c.shift
		f = Connected
	} else if !c.acknowledged(now, s) {
		return 0
	}
	return f | c.text(now, s)
}

// acceptable says whether any of a segment is in the window.
func (c *Conn) acceptable(s *Segment) bool {
	in := func(seq uint32) bool { return seq-c.rcv < c.window }
	n := s.length()
	return in(s.Seq) || n > 0 && in(s.Seq+n-1)
}

// correct answers a segment that does not fit by one that tells where we are; rarely if it has no octets, so that two ends that
// disagree do not answer each other for ever (tcp_invalid_ratelimit of Linux).
func (c *Conn) correct(now time.Duration, s *Segment) {
	if s.length() > 0 {
		c.ack = true
	} else if now >= c.quiet {
		c.ack, c.quiet = true, now+CorrectEvery
	}
}

func (c *Conn) hear(now time.Duration) {
	c.heard, c.probes = now, 0
	if c.keepAt != never {
		c.keepAt = now + KeepIdle
	}
}

// acknowledged takes the acknowledgement in a segment; false if it is for what was never sent.
func (c *Conn) acknowledged(now time.Duration, s *Segment) bool {
	wnd := int(s.Window) << c.shift
	switch {
	case before(c.max, s.Ack):
		c.correct(now, s)
		return false
	case before(c.una, s.Ack):
		c.progress(now, s.Ack)
	case s.Ack == c.una && s.length() == 0 && wnd == c.wnd && c.max != c.una:
		c.again()
	}
	c.wnd = wnd
	return true
}

// progress takes an acknowledgement of something new.
func (c *Conn) progress(now time.Duration, ack uint32) {
	n := int(ack - c.una)
	data := min(n, len(c.buf))
	c.buf = c.buf[data:]
	c.base += uint32(data)
	c.una = ack
	if before(c.nxt, ack) {
		c.nxt = ack
	}
	if c.timing && !before(ack, c.timed) {
		c.timing = false
		c.sample(now - c.timedAt)
	}
	c.settle()
	c.dups, c.tries, c.stuck, c.rtxAt = 0, 0, now, never
	switch {
	case c.recovering && before(ack, c.recover): // RFC 6582 §3.2 step 3, a partial one
		c.fast = true
		c.cwnd = max(c.mss, c.cwnd-n)
		if n >= c.mss {
			c.cwnd += c.mss
		}
	case c.recovering:
		c.recovering = false
		c.cwnd = min(c.ssthresh, max(int(c.max-c.una), c.mss)+c.mss)
	case c.cwnd < c.ssthresh:
		c.cwnd = min(Window, c.cwnd+min(n, c.mss))
	default:
		c.cwnd = min(Window, c.cwnd+max(1, c.mss*c.mss/c.cwnd))
	}
	if c.fin && len(c.buf) == 0 && ack == c.base+1 {
		c.finAcked = true
		c.over(now)
	}
}

// again takes an acknowledgement that says once more where a gap is (RFC 6582 §3.2).
func (c *Conn) again() {
	c.dups++
	switch {
	case c.recovering:
		c.cwnd += c.mss
	case c.dups == dupAcks && !before(c.una, c.recover):
		c.ssthresh = max(int(c.max-c.una)/2, 2*c.mss)
		c.cwnd = c.ssthresh + dupAcks*c.mss
		c.recovering, c.recover, c.fast = true, c.max, true
	}
}

// text takes the octets of a segment and its end.
func (c *Conn) text(now time.Duration, s *Segment) Fact {
	if s.length() == 0 {
		return 0
	}
	c.ack = true
	if c.orphan && before(c.rcv, s.Seq+uint32(len(s.Data))) {
		c.Abort() // to whom should it be given?
		return 0
	}
	end := s.Seq + uint32(len(s.Data))
	if s.Flags&FIN != 0 && !c.hasFin && end-c.rcv < c.window {
		c.hasFin, c.finAt = true, end
	}
	c.take(s.Seq, s.Data)
	if !c.hasFin || c.peerFin || c.rcv != c.finAt {
		return 0
	}
	c.peerFin = true
	c.rcv++
	c.over(now)
	return Finished
}

// over decides what becomes of a connection that has ended on a side.
func (c *Conn) over(now time.Duration) {
	switch {
	case c.state != established || !c.finAcked:
	case c.peerFin && !c.closedFirst:
		c.state = dead
	case c.peerFin || c.orphan:
		c.keepAt, c.dieAt = never, now+TimeWait
	}
}
