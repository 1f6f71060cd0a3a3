package driver

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// memoryPort is where a Memory's dialled connections come from: there are no ports to run out of.
const memoryPort = 49152

// ListenStream opens a port of this Memory alone.
func (m *Memory) ListenStream(at netip.AddrPort) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ports[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "memory", Err: syscall.EADDRINUSE}
	}
	if m.ports == nil {
		m.ports = map[netip.AddrPort]*memoryListener{}
	}
	l := &memoryListener{m: m, at: at, conns: make(chan net.Conn), closed: make(chan struct{})}
	m.ports[at] = l
	return l, nil
}

// DialStream connects to whoever OnDial says, or without one to a port of this Memory. Tests call it as a peer.
func (m *Memory) DialStream(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	if m.OnDial != nil {
		return m.OnDial(ctx, from, to)
	}
	return m.Reach(ctx, from, to)
}

// Reach connects to a port of this Memory: the way in for a peer.
func (m *Memory) Reach(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	m.mu.Lock()
	l := m.ports[to]
	m.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: syscall.ECONNREFUSED}
	}
	if !from.IsValid() {
		from = netip.IPv6Loopback()
	}
	near, far := net.Pipe()
	here := net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, memoryPort))
	there := net.TCPAddrFromAddrPort(to)
	select {
	case l.conns <- memoryConn{far, there, here}:
		return memoryConn{near, here, there}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// memoryConn is one end of a pipe, with addresses. A Write lasts until the other end has read it.
type memoryConn struct {
	net.Conn
	local, remote net.Addr
}

// LocalAddr is this end's address.
func (c memoryConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the other end's.
func (c memoryConn) RemoteAddr() net.Addr { return c.remote }

type memoryListener struct {
	m      *Memory
	at     netip.AddrPort
	conns  chan net.Conn
	closed chan struct{}
}

// Accept waits for Reach.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close frees the port.
func (l *memoryListener) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.ports[l.at] == l {
		delete(l.m.ports, l.at)
		close(l.closed)
	}
	return nil
}

// Addr is where it listens.
func (l *memoryListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }
