//go:build linux

package lab

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"roam6/scenario"
)

const (
	catchUp      = 100 * time.Millisecond // a sender further behind skips packets instead of sending a burst
	pacerIdle    = time.Millisecond       // how long the pacer sleeps when it has nothing to send soon
	dropSendFail = "send-failed"          // the kernel did not take a packet from its application
	dropSendLate = "send-skipped"         // the machine was too busy to send it in time
)

// pacer sends the packets of all flows, each at its time: start + k × interval, so that nothing drifts. It has a
// thread of its own, which sleeps to absolute times.
type pacer struct {
	l  *Lab
	mu sync.Mutex
	on []*stream
}

// stream is one direction of a flow.
type stream struct {
	flow   int
	f      *scenario.Flow
	down   bool
	raw    syscall.RawConn
	to     unix.Sockaddr
	buf    []byte
	next   nanos // when the next packet is due
	every  nanos
	until  nanos
	seq    uint32
	failed error
}

func newPacer(l *Lab) *pacer { return &pacer{l: l} }

// add begins to send on a socket. A stream that could open its socket only after the flow's start keeps to the flow's grid.
func (p *pacer) add(k int, f *scenario.Flow, conn *net.UDPConn, to netip.AddrPort, down bool) *stream {
	zero := p.l.zeroNanos()
	raw, err := conn.SyscallConn()
	s := &stream{flow: k, f: f, down: down, raw: raw, to: sockaddr(to), buf: make([]byte, payloadLen(f)), failed: err,
		next: zero + nanos(f.Start), every: nanos(f.Interval), until: zero + nanos(stopOf(p.l.c.Plan, f))}
	if late := p.l.nanosOf(time.Now()) - s.next; late > s.every {
		s.next += late / s.every * s.every
	}
	p.mu.Lock()
	p.on = append(p.on, s)
	p.mu.Unlock()
	return s
}

func (p *pacer) remove(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range p.on {
		if o == s {
			p.on = append(p.on[:i:i], p.on[i+1:]...)
			return
		}
	}
}

func (p *pacer) run(ctx context.Context) {
	runtime.LockOSThread() // and never unlocked: the thread's priority must not serve anyone else
	urgent(pacerRuntime)
	want := p.l.nanosOf(time.Now())
	for ctx.Err() == nil {
		now := p.l.nanosOf(time.Now())
		p.l.emu.stood.woke(want, now)
		want = min(p.send(now), now+nanos(pacerIdle))
		sleep(want - p.l.nanosOf(time.Now()))
	}
}

func sleep(d nanos) {
	if d > 0 {
		ts := unix.NsecToTimespec(int64(d))
		unix.Nanosleep(&ts, nil) // an interruption only makes the caller look again
	}
}

// send sends what is due and says when the next packet is.
func (p *pacer) send(now nanos) nanos {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := now + nanos(pacerIdle)
	for _, s := range p.on {
		if behind := now - s.next; behind > nanos(catchUp) && s.next < s.until {
			n := min(behind, s.until-s.next) / s.every
			s.next += n * s.every
			p.l.hub.dropped(dropSendLate, int(n))
		}
		for s.next <= now && s.next < s.until {
			p.packet(s)
			s.next += s.every
		}
		if s.next < s.until {
			next = min(next, s.next)
		}
	}
	return next
}

// packet sends one packet. What the kernel refuses counts as sent by the application and lost.
func (p *pacer) packet(s *stream) {
	fill(s.buf, s.f, s.flow, s.down, s.seq)
	at := p.l.nanosOf(time.Now())
	err := s.failed
	if err == nil {
		rerr := s.raw.Control(func(fd uintptr) {
			err = unix.Sendto(int(fd), s.buf, unix.MSG_DONTWAIT, s.to)
			if err == unix.ECONNREFUSED { // the error of an earlier packet; this one has not been tried
				err = unix.Sendto(int(fd), s.buf, unix.MSG_DONTWAIT, s.to)
			}
		})
		if rerr != nil {
			err = rerr
		}
	}
	p.l.hub.sent(at, s.flow, s.down, s.seq)
	if err != nil {
		p.l.hub.dropped(dropSendFail, 1)
	}
	s.seq++
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
