package driver

import (
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// memoryHeard is how many datagrams wait in a port of a Memory.
const memoryHeard = 256

// memoryPortUDP is a UDP port of a Memory.
type memoryPortUDP struct {
	m      *Memory
	at     netip.AddrPort
	came   chan memoryDatagram
	closed chan struct{}
	once   sync.Once
}

type memoryDatagram struct {
	peer  netip.AddrPort
	local netip.Addr
	data  []byte
}

// Bind opens a UDP port of this Memory alone, at any address of one or, without an address, of both families.
func (m *Memory) Bind(at netip.AddrPort) (Socket, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for free := uint16(memoryPort); at.Port() == 0; free++ {
		if try := netip.AddrPortFrom(at.Addr(), free); m.bound[try] == nil {
			at = try
		}
	}
	if m.bound[at] != nil {
		return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	if m.bound == nil {
		m.bound = map[netip.AddrPort]*memoryPortUDP{}
	}
	p := &memoryPortUDP{m: m, at: at, came: make(chan memoryDatagram, memoryHeard), closed: make(chan struct{})}
	m.bound[at] = p
	return p, nil
}

// Throw is a datagram that somebody sends to this Memory; false: nobody has the port, or does not read.
func (m *Memory) Throw(from, to netip.AddrPort, data []byte) bool {
	anyOf := netip.IPv6Unspecified()
	if to.Addr().Is4() {
		anyOf = netip.IPv4Unspecified()
	}
	m.mu.Lock()
	var p *memoryPortUDP
	for _, at := range []netip.Addr{to.Addr(), anyOf, {}} {
		if p = m.bound[netip.AddrPortFrom(at, to.Port())]; p != nil {
			break
		}
	}
	m.mu.Unlock()
	if p == nil {
		return false
	}
	select {
	case p.came <- memoryDatagram{from, to.Addr(), append([]byte{}, data...)}:
		return true
	default:
		return false
	}
}

// Receive waits for Throw.
func (p *memoryPortUDP) Receive(b []byte) (Heard, error) {
	select {
	case d := <-p.came:
		return Heard{Peer: d.peer, Local: d.local, N: copy(b, d.data)}, nil
	case <-p.closed:
		return Heard{}, os.ErrClosed
	}
}

// Send gives a datagram to OnDatagram, or without one to a port of this Memory.
func (p *memoryPortUDP) Send(peer netip.AddrPort, local netip.Addr, data []byte) error {
	if !local.IsValid() {
		if local = p.at.Addr(); !local.IsValid() || local.IsUnspecified() {
			local = netip.IPv6Loopback()
		}
	}
	from := netip.AddrPortFrom(local, p.at.Port())
	if f := p.m.OnDatagram; f != nil {
		f(from, peer, data)
	} else if !p.m.Throw(from, peer, data) {
		return DropNoWay
	}
	return nil
}

// Close frees the port.
func (p *memoryPortUDP) Close() error {
	p.once.Do(func() {
		p.m.mu.Lock()
		defer p.m.mu.Unlock()
		delete(p.m.bound, p.at)
		close(p.closed)
	})
	return nil
}
