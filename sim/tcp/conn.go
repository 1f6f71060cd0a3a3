package tcp

import (
	"slices"
	"time"
)

// Numbers of Linux, but for Window and SendBuffer, which it tunes by itself; KeepIdle to UserTimeout are what the driver asks for.
const (
	Window     = 512 << 10 // what a peer may send without an answer, octets
	SendBuffer = 256 << 10 // what the kernel takes from a program before the peer has answered for it, octets

	InitialRTO  = time.Second            // RFC 6298 §2.1
	FallbackRTO = 3 * time.Second        // after a handshake that was retransmitted, §5.7
	MinRTO      = 200 * time.Millisecond // TCP_RTO_MIN
	MaxRTO      = 120 * time.Second      // TCP_RTO_MAX
	MaxSYNACKs  = 5                      // retransmissions of a SYN that accepts (tcp_synack_retries)
	MaxSYNs     = 6                      // and of one that dials (tcp_syn_retries)
	TimeWait    = time.Minute            // TCP_TIMEWAIT_LEN; a peer's FIN is waited for as long when the owner has left

	CorrectEvery = 500 * time.Millisecond // between answers to empty segments that do not fit (tcp_invalid_ratelimit)

	KeepIdle    = 30 * time.Second // a peer that says nothing so long is asked,
	KeepEvery   = 10 * time.Second // and again,
	UserTimeout = 60 * time.Second // until it has not answered for so long; the same for octets under way
)

const (
	headers    = 60   // IPv6 and TCP, octets
	defaultMSS = 1220 // of a peer that names none (RFC 9293 §3.7.1)
	leastMSS   = 64   // smaller ones are not believed
	scale      = 4    // our windows' shift
	dupAcks    = 3    // that ask for a retransmission (RFC 5681 §3.2)
	never      = time.Duration(1<<63 - 1)
)

type state uint8

const (
	synSent state = iota
	synReceived
	established // and all that comes after it but the end
	dead
)

// Fact is what happened, several at a time.
type Fact uint8

// The facts.
const (
	Connected Fact = 1 << iota // the handshake is over
	Finished                   // the peer sends nothing more
	Reset                      // the peer broke it
	Refused                    // the peer answered our SYN by a reset
	TimedOut                   // the peer answers nothing
)

// Conn is one end of a connection.
type Conn struct {
	local, remote uint16 // ports
	state         state
	orphan        bool // nobody reads any more
	broken        bool // a reset is to be sent
	stray         *Segment

	sender
	receiver
	timers
}

type sender struct {
	iss, una, nxt, max uint32 // initial, unacknowledged, next, highest sent so far
	base               uint32 // sequence number of buf[0]
	buf                []byte // not acknowledged
	fin, finAcked      bool   // nothing is written after buf; and the peer knows
	closedFirst        bool   // our FIN left before the peer's came
	mss, cwnd, wnd     int
	ssthresh           int
	shift              int // of the peer's windows
	dups               int
	recovering         bool
	fast               bool   // the first segment is to be sent again at once
	recover            uint32 // fast recovery ends here
}

type receiver struct {
	rcv     uint32 // next expected
	window  uint32 // free
	in      []byte // in order, not read
	pieces  []piece
	finAt   uint32
	hasFin  bool
	peerFin bool
	ack     bool          // is to be sent
	quiet   time.Duration // no correction before
}

// piece came before what is in front of it.
type piece struct {
	seq  uint32
	data []byte
}

func before(a, b uint32) bool { return int32(a-b) < 0 }

// Dial makes the end that opens, on an interface of this MTU.
func Dial(now time.Duration, local, remote uint16, iss uint32, mtu int) *Conn {
	return newConn(now, local, remote, iss, mtu)
}

// Accept makes the end that answers a SYN.
func Accept(now time.Duration, syn *Segment, iss uint32, mtu int) *Conn {
	c := newConn(now, syn.To, syn.From, iss, mtu)
	c.state, c.rcv = synReceived, syn.Seq+1
	c.agree(syn)
	return c
}

func newConn(now time.Duration, local, remote uint16, iss uint32, mtu int) *Conn {
	c := &Conn{local: local, remote: remote}
	c.iss, c.una, c.nxt, c.max, c.base, c.recover = iss, iss, iss, iss, iss+1, iss
	c.mss, c.ssthresh, c.window = max(leastMSS, mtu-headers), Window, Window
	c.timers = timers{rto: InitialRTO, heard: now, stuck: now, rtxAt: never, keepAt: never, dieAt: never}
	return c
}

// agree takes what a SYN of the peer says of it.
func (c *Conn) agree(syn *Segment) {
	theirs := defaultMSS
	if syn.MSS > 0 {
		theirs = max(leastMSS, int(syn.MSS))
	}
	c.mss = min(c.mss, theirs)
	if syn.Scale > 0 {
		c.shift = syn.Scale - 1
	} else {
		c.window = 0xffff
	}
	c.wnd = int(syn.Window) // that of a SYN is never shifted
	switch {                // RFC 5681 §3.1
	case c.mss > 2190:
		c.cwnd = 2 * c.mss
	case c.mss > 1095:
		c.cwnd = 3 * c.mss
	default:
		c.cwnd = 4 * c.mss
	}
}

// Write takes octets to send.
func (c *Conn) Write(b []byte) {
	if !c.fin && c.state != dead {
		c.buf = append(c.buf, b...)
	}
}

// Unanswered is the number of octets that were written and not acknowledged.
func (c *Conn) Unanswered() int { return len(c.buf) }

// Finish sends the end behind what was written.
func (c *Conn) Finish() { c.fin = true }

// Abandon is Finish by an owner who reads nothing more and has no more than keep octets sent: what arrives is answered by a reset.
func (c *Conn) Abandon(now time.Duration, keep int) {
	if c.state == established && !c.finSent() {
		c.buf = c.buf[:max(min(len(c.buf), keep), int(c.max-c.base))]
	}
	c.fin, c.orphan = true, true
	c.over(now)
}

// Abort ends the connection by a reset.
func (c *Conn) Abort() {
	if c.state != dead {
		c.broken = c.state != synSent
		c.state = dead
	}
}

// Dead says that nothing will happen any more, once Poll has been called.
func (c *Conn) Dead() bool { return c.state == dead }

// Established says whether the handshake is over, and the connection not.
func (c *Conn) Established() bool { return c.state == established }

// Read gives the octets that came in order since the last Read. They are the caller's.
func (c *Conn) Read() []byte {
	b := c.in
	c.in = nil
	return b
}

// Awaits says whether an octet was sent and is not acknowledged: a router's word about others is not believed (RFC 5927 §4.1).
func (c *Conn) Awaits(seq uint32) bool { return seq-c.una < c.max-c.una }

// MaxSegment is the number of octets in the largest segment.
func (c *Conn) MaxSegment() int { return c.mss }

// TooBig takes a router's word that packets must not be larger than mtu (RFC 8201 §4), which is at least that of every link.
func (c *Conn) TooBig(mtu int) {
	const least = 1280 // RFC 8200 §5
	if mss := max(mtu, least) - headers; mss < c.mss && c.state == established {
		c.mss = mss
		c.nxt, c.timing = c.una, false
	}
}

// insert keeps octets that came out of order.
func (r *receiver) insert(seq uint32, data []byte) {
	at, same := slices.BinarySearchFunc(r.pieces, seq, func(p piece, seq uint32) int { return int(int32(p.seq - seq)) })
	switch p := (piece{seq, slices.Clone(data)}); {
	case !same:
		r.pieces = slices.Insert(r.pieces, at, p)
	case len(r.pieces[at].data) < len(data):
		r.pieces[at] = p
	}
}

// take takes octets of a segment, as far as the window goes.
func (r *receiver) take(seq uint32, data []byte) {
	if before(seq, r.rcv) {
		k := r.rcv - seq
		if int(k) >= len(data) {
			return
		}
		seq, data = r.rcv, data[k:]
	}
	if room := int(r.rcv + r.window - seq); len(data) > room {
		data = data[:max(0, room)]
	}
	switch {
	case len(data) == 0:
	case seq != r.rcv:
		r.insert(seq, data)
	default:
		r.in = append(r.in, data...)
		r.rcv += uint32(len(data))
		for len(r.pieces) > 0 && !before(r.rcv, r.pieces[0].seq) {
			p := r.pieces[0]
			r.pieces = r.pieces[1:]
			if k := int(r.rcv - p.seq); k < len(p.data) {
				r.in = append(r.in, p.data[k:]...)
				r.rcv += uint32(len(p.data) - k)
			}
		}
	}
}
