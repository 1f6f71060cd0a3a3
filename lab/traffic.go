//go:build linux

package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"roam6/scenario"
)

// The payload of a flow's packets, as in the simulator: for voice an RTP header (RFC 3550 §5.1), then three 32-bit numbers,
// big endian: "r6f1", twice the flow's number plus 1 toward the mobile node, the sequence number.
const (
	rtpLen     = 12
	rtpClock   = 8000 // samples per second
	stampLen   = 12
	magic      = 0x72366631
	maxPayload = 65000 // octets
)

const (
	bindRetry     = 5 * time.Millisecond // how often the mobile end looks whether its address is there yet
	receiveBuffer = 1 << 20              // octets of a receiving socket's buffer
)

// payloadLen is the size of a flow's payload: what was asked for, or what a packet must say.
func payloadLen(f *scenario.Flow) int {
	if f.Voice {
		return max(f.Size, rtpLen+stampLen)
	}
	return max(f.Size, stampLen)
}

// stopOf is when a flow ends; one that names no end lasts as long as the run.
func stopOf(p *scenario.Plan, f *scenario.Flow) time.Duration {
	if f.Stop == 0 {
		return p.Length
	}
	return f.Stop
}

func idOf(flow int, down bool) uint32 {
	id := uint32(flow) << 1
	if down {
		id |= 1
	}
	return id
}

// fill writes a packet's payload into b, which has the flow's size and zeros at the end.
func fill(b []byte, f *scenario.Flow, flow int, down bool, seq uint32) {
	id := idOf(flow, down)
	if f.Voice {
		b[0], b[1] = 0x80, 0
		binary.BigEndian.PutUint16(b[2:], uint16(seq))
		binary.BigEndian.PutUint32(b[4:], uint32(int64(seq)*int64(f.Interval)*rtpClock/int64(time.Second)))
		binary.BigEndian.PutUint32(b[8:], id)
		b = b[rtpLen:]
	}
	binary.BigEndian.PutUint32(b, magic)
	binary.BigEndian.PutUint32(b[4:], id)
	binary.BigEndian.PutUint32(b[8:], seq)
}

// stamp reads what fill wrote; ok is false for a packet that is not the flow's.
func stamp(b []byte, f *scenario.Flow, flow int, down bool) (seq uint32, ok bool) {
	if f.Voice && len(b) >= rtpLen {
		b = b[rtpLen:]
	}
	if len(b) < stampLen || binary.BigEndian.Uint32(b) != magic || binary.BigEndian.Uint32(b[4:]) != idOf(flow, down) {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[8:]), true
}

// traffic runs the flows of a plan.
type traffic struct {
	l     *Lab
	pacer *pacer
	wg    sync.WaitGroup
}

// runTraffic starts all flows and returns; wait returns when ctx has ended and all sockets are closed.
func (l *Lab) runTraffic(ctx context.Context) *traffic {
	t := &traffic{l: l, pacer: newPacer(l)}
	for k := range l.c.Plan.Flows {
		f := &l.c.Plan.Flows[k]
		t.wg.Add(2)
		go t.end(ctx, k, f, l.byName[f.Mobile], f.MobileAddr, f.PeerAddr, false)
		go t.end(ctx, k, f, l.byName[f.Peer], f.PeerAddr, f.MobileAddr, true)
	}
	t.wg.Add(1)
	go func() {
		defer t.wg.Done()
		t.pacer.run(ctx)
	}()
	return t
}

func (t *traffic) wait() { t.wg.Wait() }

// end is one end of a flow: it sends toward the mobile node when sendsDown and receives the other direction.
func (t *traffic) end(ctx context.Context, k int, f *scenario.Flow, n *node, own, other netip.Addr, sendsDown bool) {
	defer t.wg.Done()
	conn, err := openSocket(ctx, n, netip.AddrPortFrom(own, f.Port))
	if err != nil {
		if ctx.Err() == nil {
			t.l.fail(fmt.Errorf("flow %s on node %s: %w", f.Name, n.plan.Name, err))
		}
		return
	}
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	s := t.pacer.add(k, f, conn, netip.AddrPortFrom(other, f.Port), sendsDown)
	t.receive(conn, k, f, !sendsDown)
	t.pacer.remove(s)
	conn.Close()
}

// openSocket binds in the node's namespace, as soon as the node has the address.
func openSocket(ctx context.Context, n *node, at netip.AddrPort) (*net.UDPConn, error) {
	var conn *net.UDPConn
	for {
		err := inNS(n.ns, func() (err error) {
			conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
			return err
		})
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EADDRNOTAVAIL) {
			return nil, err
		}
		if err := sleepUntil(ctx, time.Now().Add(bindRetry)); err != nil {
			return nil, err
		}
	}
	conn.SetReadBuffer(receiveBuffer)
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var serr error
	err = raw.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	return conn, errors.Join(err, serr)
}

// receive tells of every packet of the flow, at the time the kernel got it.
func (t *traffic) receive(conn *net.UDPConn, k int, f *scenario.Flow, down bool) {
	b, oob := make([]byte, maxPayload+1), make([]byte, 128)
	var came arrivals
	for {
		n, on, _, _, err := conn.ReadMsgUDPAddrPort(b, oob)
		if errors.Is(err, unix.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return
		}
		now := time.Now()
		at := came.next(t.l.nanosOf(now) - age(oob[:on], now))
		if seq, ok := stamp(b[:n], f, k, down); ok {
			t.l.hub.received(at, k, down, seq)
		}
	}
}

// arrivals gives the packets of one socket the order in which it had them. Their times alone do not: each is a difference of two clocks
// that are read one after the other, and packets that were held until a handover was over come within microseconds.
type arrivals struct{ last nanos }

// next is when the next packet came, by the clocks or, if that is earlier, when the one before did.
func (a *arrivals) next(at nanos) nanos {
	a.last = max(a.last, at)
	return a.last
}

// maxAge bounds the age a time stamp is believed to have: beyond it the wall clock was set.
const maxAge = 10 * time.Second

// age is how long before now the kernel received the packet, by its SO_TIMESTAMPNS (on the wall clock).
func age(oob []byte, now time.Time) nanos {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
			at := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			if d := now.Round(0).Sub(at); d > 0 && d < maxAge {
				return nanos(d)
			}
		}
	}
	return 0
}
