package driver

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"roam6/driver/ebpf"
	"roam6/engine"
	"roam6/plane"
)

// Memory is a Host without a machine: links are calls, the kernel's state is a list. It serves tests and whoever wants to
// run a node inside one process. Its methods may be called from any goroutine.
type Memory struct {
	// OnSend is called for every packet sent; it must not keep data. Set it before New.
	OnSend func(port plane.Port, to plane.HW, data []byte) error
	// OnApply is called for every Op; its error is the kernel's. Set it before New.
	OnApply func(op plane.Op) error

	// OnDial makes the connections that engines dial; it returns when its context ends. nil: they lead to this Memory's own ports.
	// Set it before New.
	OnDial func(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)

	// OnDatagram gets the datagrams that engines send; it must not keep data. nil: they go to this Memory's own ports. Set it before New.
	OnDatagram func(from, to netip.AddrPort, data []byte)

	mu       sync.Mutex
	feed     Feed
	arrivals chan []Arrival
	bell     chan struct{}
	links    map[plane.Port]engine.LinkUp
	epoch    map[plane.Port]uint32
	up       map[plane.Port]bool
	ports    map[netip.AddrPort]*memoryListener
	bound    map[netip.AddrPort]*memoryPortUDP
}

// SetLink makes a link exist, and brings it up or down; the node hears of it if it runs.
func (m *Memory) SetLink(l engine.LinkUp, up bool) {
	m.mu.Lock()
	if m.links == nil {
		m.links, m.up = map[plane.Port]engine.LinkUp{}, map[plane.Port]bool{}
	}
	was := m.up[l.Port]
	m.links[l.Port], m.up[l.Port] = l, up
	feed := m.feed
	m.mu.Unlock()
	if feed.Do == nil || was == up {
		return
	}
	feed.Do(func() {
		if up {
			feed.Input(l)
		} else {
			feed.Input(engine.LinkDown{Port: l.Port})
		}
	})
}

// Deliver hands the node packets that arrived; it owns their data from then on. It blocks while the node is behind. False when
// the node has ended or not begun.
func (m *Memory) Deliver(batch ...Arrival) bool {
	m.mu.Lock()
	feed, arrivals := m.feed, m.arrivals
	for i := range batch {
		batch[i].Epoch = m.epoch[batch[i].Port]
	}
	m.mu.Unlock()
	if arrivals == nil {
		return false
	}
	select {
	case arrivals <- batch:
		m.Wake()
		return true
	case <-feed.Ended:
		return false
	}
}

// memoryBatches is how many calls of Deliver may be ahead of the node.
const memoryBatches = 32

// Read hands over what Deliver brought.
func (m *Memory) Read(take func(*Arrival)) bool {
	select {
	case batch := <-m.arrivals:
		for i := range batch {
			take(&batch[i])
		}
		return true
	default:
		return false
	}
}

// Wait waits for Wake.
func (m *Memory) Wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-m.ring():
	case <-timer.C:
	}
}

// Wake ends Wait.
func (m *Memory) Wake() {
	select {
	case m.ring() <- struct{}{}:
	default: // it rings already
	}
}

// ring is the bell, made when first needed: a Memory needs no maker.
func (m *Memory) ring() chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bell == nil {
		m.bell = make(chan struct{}, 1)
	}
	return m.bell
}

// Listen is called by the node.
func (m *Memory) Listen(f Feed) {
	m.mu.Lock()
	m.feed, m.arrivals = f, make(chan []Arrival, memoryBatches)
	var up []engine.LinkUp
	for _, p := range slices.Sorted(maps.Keys(m.links)) {
		if m.up[p] {
			up = append(up, m.links[p])
		}
	}
	m.mu.Unlock()
	for _, l := range up {
		f.Input(l)
	}
}

// Send gives the packet to OnSend.
func (m *Memory) Send(port plane.Port, to plane.HW, data []byte) error {
	if m.OnSend == nil {
		return nil
	}
	return m.OnSend(port, to, data)
}

// Apply gives the Op to OnApply.
func (m *Memory) Apply(op plane.Op) error {
	if m.OnApply == nil {
		return nil
	}
	return m.OnApply(op)
}

// Link tells what SetLink said.
func (m *Memory) Link(p plane.Port) (engine.LinkUp, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.links[p]
	return l, ok
}

// Turn counts; nothing waits to be read here.
func (m *Memory) Turn(p plane.Port) (epoch uint32, stale int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.epoch == nil {
		m.epoch = map[plane.Port]uint32{}
	}
	m.epoch[p]++
	return m.epoch[p], 0
}

// LinkLocal is none: there is no stack.
func (m *Memory) LinkLocal(plane.Port) netip.Addr { return netip.Addr{} }

// Overflow is always 0: Deliver waits.
func (m *Memory) Overflow() int { return 0 }

// Fast is none: there are no programs.
func (m *Memory) Fast() (*ebpf.Fast, string) { return nil, "" }

// Stopped is always 0: there is no kernel that forwards.
func (m *Memory) Stopped() int { return 0 }

// Measure adds nothing: there is no kernel that forwards.
func (m *Memory) Measure([]plane.MeterCount) error { return nil }

// Close does nothing; the node no longer listens.
func (m *Memory) Close() error { return nil }
