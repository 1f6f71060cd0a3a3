//go:build linux

package lab

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
)

// needLab skips a test where no lab can run, and says why.
func needLab(t *testing.T) {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skip(err)
	}
	if !capable(21) || !capable(12) { // CAP_SYS_ADMIN, CAP_NET_ADMIN
		t.Skip("this test makes namespaces in its own process and needs root; TestRootless covers the way without")
	}
}

var (
	addrA = netip.MustParseAddr("2001:db8:a::1")
	addrB = netip.MustParseAddr("2001:db8:b::1")
)

// triangle is two kernel hosts, a and b, on either side of a kernel router r.
func triangle(left, right scenario.LinkModel) *scenario.Plan {
	p := netip.MustParsePrefix
	hw := func(n byte) plane.HW { return plane.HW{2, 0, 0, 0, 0, n} }
	def := p("::/0")
	return &scenario.Plan{
		Scenario: "triangle", Seed: 1,
		Segments: []scenario.Segment{{Name: "left", Link: left}, {Name: "right", Link: right, Air: true}},
		Nodes: []scenario.Node{
			{Name: "a", Ifaces: []scenario.Iface{{Name: "eth0", HW: hw(1), Segment: "left", Addrs: []netip.Prefix{p("2001:db8:a::1/64")}}},
				Routes: []scenario.Route{{Dst: def, Via: netip.MustParseAddr("2001:db8:a::ff"), Iface: "eth0"}}},
			{Name: "r", Forward: true, Ifaces: []scenario.Iface{
				{Name: "eth0", HW: hw(2), Segment: "left", Addrs: []netip.Prefix{p("2001:db8:a::ff/64")}},
				{Name: "eth1", HW: hw(3), Segment: "right", Addrs: []netip.Prefix{p("2001:db8:b::ff/64")}}}},
			{Name: "b", Ifaces: []scenario.Iface{{Name: "eth0", HW: hw(4), Segment: "right", Addrs: []netip.Prefix{p("2001:db8:b::1/64")}}},
				Routes: []scenario.Route{{Dst: def, Via: netip.MustParseAddr("2001:db8:b::ff"), Iface: "eth0"}}},
		},
	}
}

func up(t *testing.T, c Config) *Lab {
	t.Helper()
	needLab(t)
	l, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	return l
}

// ear is a Recorder that keeps what it hears.
type ear struct {
	t        testing.TB
	mu       sync.Mutex
	last     time.Duration
	events   []engine.Event
	did      []int
	didAt    []time.Duration
	sent     map[[2]uint32]time.Duration // by flow<<1|down and seq
	received map[[2]uint32][]time.Duration
	order    []uint32 // seqs received
	frames   int
	disorder int // calls with an earlier time than the one before
	up       int
	dropped  map[string]int
}

func newEar(t testing.TB) *ear {
	return &ear{t: t, sent: map[[2]uint32]time.Duration{}, received: map[[2]uint32][]time.Duration{}, dropped: map[string]int{}}
}

func (e *ear) at(at time.Duration) func() {
	e.mu.Lock()
	if at < e.last {
		e.disorder++
	}
	e.last = max(e.last, at)
	return e.mu.Unlock
}

func key(flow int, down bool, seq uint32) [2]uint32 {
	k := uint32(flow) << 1
	if down {
		k |= 1
	}
	return [2]uint32{k, seq}
}

func (e *ear) Event(at time.Duration, node, eng string, ev engine.Event) {
	defer e.at(at)()
	e.events = append(e.events, ev)
}

func (e *ear) Did(at time.Duration, i int) {
	defer e.at(at)()
	e.did, e.didAt = append(e.did, i), append(e.didAt, at)
}

func (e *ear) Sent(at time.Duration, flow int, down bool, seq uint32) {
	defer e.at(at)()
	e.sent[key(flow, down, seq)] = at
}

func (e *ear) Received(at time.Duration, flow int, down bool, seq uint32) {
	defer e.at(at)()
	k := key(flow, down, seq)
	e.received[k] = append(e.received[k], at)
	e.order = append(e.order, seq)
}

func (e *ear) Frame(at time.Duration, segment, node string, up bool, packet []byte) {
	defer e.at(at)()
	if packet[0]>>4 != 6 {
		e.t.Errorf("frame told is not an IPv6 packet: % x", packet[:8])
	}
	e.frames++
	if up {
		e.up++
	}
}

func (e *ear) Dropped(reason string, n int) {
	e.mu.Lock()
	e.dropped[reason] += n
	e.mu.Unlock()
}

// run runs a plan to its end.
func run(t testing.TB, p *scenario.Plan, c Config) (*ear, Stats) {
	t.Helper()
	e := newEar(t)
	c.Plan, c.Recorder = p, e
	s, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return e, s
}

// busy is the lateness of frames from which on a machine is too busy for a test of timing to say anything.
const busy = 2 * time.Millisecond

// isQuiet reports whether the machine could keep time while a test ran. On one that could not, a test judges what holds on any.
func isQuiet(t testing.TB, s Stats, e *ear) bool {
	t.Helper()
	if s.P99 <= busy && e.dropped[dropSendLate] == 0 {
		return true
	}
	t.Logf("the machine was too busy to keep time, which is not judged: frames late by p99 %v, max %v; dropped %v", s.P99, s.Max, e.dropped)
	return false
}
