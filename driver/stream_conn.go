package driver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"roam6/engine"
)

// What the loop knows of a stream.
const (
	making  = iota // Opened has not come yet
	opened         //
	closing        // nothing is told any more but Closed
)

// keepBuffer is the capacity above which a buffer of octets to be sent is not kept for the next ones.
const keepBuffer = 256 << 10

// stream is one connection. It has a goroutine that makes it and reads, and one that writes while it is open.
type stream struct {
	s    *streams
	slot *slot // constant

	// the loop's
	conn    engine.Conn // 0: accepted, not told yet
	state   int
	counted bool   // in StreamStats.Open
	pending []byte // written in this turn

	free   chan []byte // buffers for reading; empty: all are with the loop
	cancel context.CancelFunc
	unsent atomic.Int64

	mu      sync.Mutex
	cond    sync.Cond
	c       net.Conn // nil: not made yet
	out     []byte   // to be written next
	spare   []byte
	why     string // the reason of Closed, if one is settled
	broke   string // why nothing can be written, if that came first
	closing bool   // nothing is written after out
	drained bool   // and all of that has left
	dead    bool   // nothing is written at all
}

func newStream(s *streams, owner *slot) *stream {
	st := &stream{s: s, slot: owner, free: make(chan []byte, MaxUnread/mostRead)}
	st.cond.L = &st.mu
	for range cap(st.free) {
		st.free <- nil
	}
	return st
}

// hand gives the writer octets, and the loop a buffer for the next ones.
func (st *stream) hand(b []byte) []byte {
	st.unsent.Add(int64(len(b)))
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.out) > 0 {
		st.out = append(st.out, b...)
	} else {
		st.out, b = b, st.out
		st.cond.Signal()
	}
	return b[:0]
}

// finish ends a stream when all is written, or the time over.
func (st *stream) finish(within time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.c == nil {
		st.fall(engine.ReasonClosed)
		return
	}
	st.closing = true
	_ = st.c.SetDeadline(time.Now().Add(within))
	st.cond.Signal()
}

// abort ends a stream at once.
func (st *stream) abort(reason string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.fall(reason)
}

// fall ends a stream at once, for the first reason given.
func (st *stream) fall(reason string) {
	if st.why == "" {
		st.why = reason
	}
	st.dead = true
	st.cond.Signal()
	if st.cancel != nil {
		st.cancel()
	}
	if st.c != nil {
		reset(st.c)
	}
}

// reset closes a connection without waiting for what is queued in the kernel.
func reset(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn() // whose Close would wait to say good-bye
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// have notes the connection once there is one; false if the stream has ended before.
func (st *stream) have(c net.Conn) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.dead {
		reset(c)
		return false
	}
	st.c = c
	return true
}

// connect makes a dialled connection and lives it.
func (st *stream) connect(ctx context.Context, d engine.Dial, profile *tls.Config) {
	c, err := st.s.l.n.host.DialStream(ctx, d.From, d.To)
	var names []string
	if err == nil && profile != nil {
		p := profile.Clone()
		p.ServerName = d.Server
		t := tls.Client(c, harden(p))
		if names, err = shake(ctx, t); err != nil {
			reset(c)
		}
		c = t
	}
	st.s.dials.Add(-1)
	if err == nil && st.have(c) {
		st.live(c, engine.Opened{Names: names})
		return
	}
	st.mu.Lock()
	reason := st.why
	st.mu.Unlock()
	var tell *engine.Event
	if reason == "" {
		reason = whyDial(err)
		tell = withEvent(st.slot, reason, "dial "+d.To.String()+": "+wordsOf(err)+hintDial(reason, err, d), d.To.Addr())
	}
	st.s.inbox.put(arrived{st: st, in: engine.Closed{Reason: reason}, tell: tell})
}

// shake does the handshake, and gives the names that the peer proved.
func shake(ctx context.Context, t *tls.Conn) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, HandshakeTimeout)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		if ctx.Err() == context.DeadlineExceeded {
			return nil, errShakeTimeout
		}
		return nil, tlsError{err}
	}
	return proved(t.ConnectionState()), nil
}

// live is the life of a connection from Opened to Closed.
func (st *stream) live(c net.Conn, o engine.Opened) {
	o.From, o.To = addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
	st.s.inbox.put(arrived{st: st, in: o})
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		st.writeAll(c)
	}()
	err := st.readAll(c)
	st.mu.Lock()
	if !st.closing {
		st.dead = true
		switch {
		case st.why != "":
		case st.broke != "" && errors.Is(err, os.ErrDeadlineExceeded):
			st.why = st.broke
		default:
			st.why = whyEnded(err)
		}
		st.cond.Signal()
		_ = c.SetDeadline(time.Unix(1, 0)) // frees the writer
	}
	st.mu.Unlock()
	<-wrote
	_ = c.Close()
	st.mu.Lock()
	reason := st.why
	switch {
	case reason != "":
	case st.drained:
		reason = engine.ReasonClosed
	default:
		reason = engine.ReasonNotDrained
	}
	st.mu.Unlock()
	st.s.inbox.put(arrived{st: st, in: engine.Closed{Listener: o.Listener, Reason: reason}, tell: st.alert(err, o)})
}

// alert tells of a connection that the other end gave up by TLS: with TLS 1.3 who dials hears only then that its certificate is not taken.
func (st *stream) alert(err error, o engine.Opened) *engine.Event {
	var alert *net.OpError
	if o.Names == nil || !errors.As(err, &alert) || alert.Op != "remote error" { // which is how package tls tells of alerts
		return nil
	}
	return withEvent(st.slot, engine.ReasonTLS, "TLS with "+o.To.String()+": "+wordsOf(err)+notTaken, o.To.Addr())
}

// readAll hands what comes to the loop, until there is no more or nobody wants it.
func (st *stream) readAll(c net.Conn) error {
	size := leastRead
	for {
		var buf []byte
		select {
		case buf = <-st.free:
		case <-st.s.ctx.Done(): // the loop gives nothing back any more
		}
		if buf = buf[:cap(buf)]; len(buf) < size {
			buf = make([]byte, size)
		}
		n, err := c.Read(buf)
		switch {
		case n > 0 && st.s.ctx.Err() == nil:
			st.s.inbox.put(arrived{st: st, buf: buf[:n]})
		case err == nil:
			select {
			case st.free <- buf:
			default:
			}
		}
		if err != nil {
			return err
		}
		if n == len(buf) {
			size = min(2*size, mostRead)
		}
	}
}

// writeAll writes what the loop hands over, all there is at a time.
func (st *stream) writeAll(c net.Conn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for {
		for len(st.out) == 0 && !st.closing && !st.dead {
			st.cond.Wait()
		}
		if st.dead {
			return
		}
		b := st.out
		if len(b) == 0 {
			st.mu.Unlock()
			done := endWriting(c)
			st.mu.Lock()
			st.drained = done
			return
		}
		st.out = st.spare[:0]
		st.mu.Unlock()
		_, err := c.Write(b)
		st.unsent.Add(-int64(len(b)))
		st.mu.Lock()
		if st.spare = b; cap(b) > keepBuffer {
			st.spare = nil
		}
		if err != nil {
			if !st.closing {
				st.hearOut(c, err)
			}
			return
		}
	}
}

// hearOut leaves the end of a connection on which nothing can be written to its reader: what the peer said before it reset it, an alert of TLS
// above all, is still to be read, and says more than the error of a write.
func (st *stream) hearOut(c net.Conn, err error) {
	st.dead, st.broke = true, whyEnded(err)
	_ = c.SetReadDeadline(time.Now().Add(HearTime))
}

// endWriting says good-bye: the peer reads to the end of what was sent.
func endWriting(c net.Conn) bool {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		if h.CloseWrite() != nil {
			return false
		}
		if t, ok := c.(*tls.Conn); ok {
			if h, ok := t.NetConn().(interface{ CloseWrite() error }); ok {
				return h.CloseWrite() == nil
			}
			return true
		}
		return true
	}
	return c.Close() == nil // a pipe has no half
}

// addrPort is the address of an end.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		p := t.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// whyEnded puts the end of a connection in one of the engine's words.
func whyEnded(err error) string {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return engine.ReasonPeerClosed
	}
	return why(err)
}
