package driver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A peer's host that answers nothing is given up after about a minute, whether or not something was on the way to it.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}

// userTimeout is how long octets may be on the way without an answer, or wait for a peer's window (TCP_USER_TIMEOUT, RFC 5482).
const userTimeout = 60 * time.Second

// within runs f on a thread of the namespace that the machine was opened in.
func (m *machine) within(f func()) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		here, err := os.Stat("/proc/thread-self/ns/net")
		if err == nil && os.SameFile(here, m.spaceInfo) {
			f()
			runtime.UnlockOSThread()
			done <- nil
			return
		}
		if err == nil {
			err = unix.Setns(int(m.space.Fd()), unix.CLONE_NEWNET) // for good: nobody else gets this thread
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	return <-done
}

// openSpace remembers the namespace of the calling thread.
func (m *machine) openSpace() (err error) {
	if m.space, err = os.Open("/proc/thread-self/ns/net"); err == nil {
		m.spaceInfo, err = m.space.Stat()
	}
	return err
}

// ListenStream opens a TCP port in the node's namespace.
func (m *machine) ListenStream(at netip.AddrPort) (l net.Listener, err error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive, Control: patient} // SO_REUSEADDR and TCP_NODELAY are package net's own habit
	config.SetMultipathTCP(false)
	if e := m.within(func() {
		l, err = config.Listen(context.Background(), network(at.Addr()), strings.TrimPrefix(whereTo(at), "*"))
	}); e != nil {
		return nil, fmt.Errorf("entering the node's network namespace: %w", e)
	}
	return l, err
}

// DialStream connects in the node's namespace.
func (m *machine) DialStream(ctx context.Context, from netip.Addr, to netip.AddrPort) (c net.Conn, err error) {
	dialer := net.Dialer{KeepAliveConfig: keepAlive, Control: patient}
	dialer.SetMultipathTCP(false)
	if from.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	if e := m.within(func() { c, err = dialer.DialContext(ctx, network(to.Addr()), to.String()) }); e != nil {
		return nil, fmt.Errorf("entering the node's network namespace: %w", e)
	}
	return c, err
}

func network(a netip.Addr) string {
	switch {
	case !a.IsValid(): // every address
		return "tcp"
	case a.Is4():
		return "tcp4"
	}
	return "tcp6"
}

// patient sets userTimeout; accepted sockets have it of their listener.
func patient(_, _ string, raw syscall.RawConn) error {
	var err error
	if e := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	}); e != nil {
		return e
	}
	return err
}
