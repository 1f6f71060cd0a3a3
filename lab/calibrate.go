//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/plane"
	"roam6/scenario"
)

// The load of a calibration: that of the demo's links, over as many of them as a packet crosses there and some more.
const (
	calibrationRouters = 8
	calibrationDelay   = 2 * time.Millisecond // of each link
	calibrationEvery   = time.Millisecond     // between packets of each of four streams
	calibrationWarmUp  = 500 * time.Millisecond
	calibrationLength  = 3 * time.Second
)

// Calibrate runs the load once, inside the namespaces (Enter), with captures in a directory.
func Calibrate(ctx context.Context, captures string) (Calibration, error) {
	p := chain(calibrationRouters, scenario.LinkModel{Delay: calibrationDelay})
	a, b := chainEnds(calibrationRouters)
	stop := calibrationWarmUp + calibrationLength
	for k := range 2 {
		p.Flows = append(p.Flows, scenario.Flow{Name: fmt.Sprintf("probe%d", k), Mobile: "a", Peer: "b", MobileAddr: a, PeerAddr: b,
			Port: uint16(5004 + k), Interval: calibrationEvery, Size: 160, Start: calibrationWarmUp, Stop: stop, Voice: true})
	}
	p.Length = stop + calibrationWarmUp
	t := &timer{sent: map[uint32]time.Duration{}}
	s, err := Run(ctx, Config{Plan: p, Recorder: t, CaptureDir: captures})
	c := Calibration{Stats: s, Sent: t.all, Received: t.came, Early: t.early, Twice: t.twice}
	if err == nil && len(t.beyond) == 0 {
		err = errors.New("lab: no packet of the calibration arrived")
	}
	if err != nil {
		return c, err
	}
	slices.Sort(t.beyond)
	at := func(q int) time.Duration { return t.beyond[(len(t.beyond)-1)*q/100] }
	c.PathP50, c.PathP99, c.PathMax = at(50), at(99), at(100)
	return c, nil
}

// timer is a Recorder that follows the first flow toward the mobile end, and counts the packets of all.
type timer struct {
	silent
	sent        map[uint32]time.Duration // of the flow followed; what has arrived is arrived
	beyond      []time.Duration
	all, came   int
	early       int
	twice       int
	firstsFound int
}

// arrived marks a packet that was received.
const arrived = time.Duration(-1)

func (t *timer) Sent(at time.Duration, flow int, down bool, seq uint32) {
	t.all++
	if flow == 0 && down {
		t.sent[seq] = at
	}
}

func (t *timer) Received(at time.Duration, flow int, down bool, seq uint32) {
	t.came++
	sent, ok := t.sent[seq]
	switch {
	case flow != 0 || !down || !ok:
		return
	case sent == arrived:
		t.twice++
		return
	}
	t.sent[seq] = arrived
	if t.firstsFound++; t.firstsFound <= calibrationSettles {
		return
	}
	d := at - sent - calibrationDelay*(calibrationRouters+1)
	t.beyond = append(t.beyond, d)
	if d < 0 {
		t.early++
	}
}

// calibrationSettles is the number of packets that may wait for neighbour discovery on the way.
const calibrationSettles = 200

// chain is host a, so many routers in a row, and host b; link k has the prefix 2001:db8:c:k::/64, its left end ::1 and its
// right end ::2.
func chain(routers int, m scenario.LinkModel) *scenario.Plan {
	p := &scenario.Plan{Scenario: "chain", Seed: 1}
	end := func(link, host int) netip.Addr {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:c:%x::%x", link, host))
	}
	prefix := func(link int) netip.Prefix { return netip.PrefixFrom(end(link, 0), 64) }
	iface := func(name string, link, host int) scenario.Iface {
		return scenario.Iface{Name: name, HW: plane.HW{2, 0, 0, 0, byte(link), byte(host)}, Segment: fmt.Sprintf("link%d", link),
			Addrs: []netip.Prefix{netip.PrefixFrom(end(link, host), 64)}}
	}
	for k := range routers + 1 {
		p.Segments = append(p.Segments, scenario.Segment{Name: fmt.Sprintf("link%d", k), Link: m})
	}
	all := netip.MustParsePrefix("::/0")
	p.Nodes = append(p.Nodes, scenario.Node{Name: "a", Ifaces: []scenario.Iface{iface("eth0", 0, 1)},
		Routes: []scenario.Route{{Dst: all, Via: end(0, 2), Iface: "eth0"}}})
	for k := range routers {
		p.Nodes = append(p.Nodes, scenario.Node{Name: fmt.Sprintf("r%d", k), Forward: true,
			Ifaces: []scenario.Iface{iface("eth0", k, 2), iface("eth1", k+1, 1)},
			Routes: []scenario.Route{{Dst: prefix(0), Via: end(k, 1), Iface: "eth0"}, {Dst: all, Via: end(k+1, 2), Iface: "eth1"}}})
		if k == 0 {
			p.Nodes[1].Routes = p.Nodes[1].Routes[1:]
		}
	}
	p.Nodes = append(p.Nodes, scenario.Node{Name: "b", Ifaces: []scenario.Iface{iface("eth0", routers, 2)},
		Routes: []scenario.Route{{Dst: all, Via: end(routers, 1), Iface: "eth0"}}})
	return p
}

func chainEnds(routers int) (a, b netip.Addr) {
	return netip.MustParseAddr("2001:db8:c:0::1"), netip.MustParseAddr(fmt.Sprintf("2001:db8:c:%x::2", routers))
}
