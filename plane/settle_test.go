package plane

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// lossless is two ends of a path and the network between them: each way in order, with a delay of its own.
type lossless struct {
	t        *rapid.T
	ha, mn   *Soft
	now      time.Duration
	flying   []flight
	delay    map[netip.Addr]time.Duration
	last     map[netip.Addr]time.Duration
	received []uint32
	marks    bool // false: the network loses end markers
	moved    []time.Duration
}

// longest is the longest delay of a way.
const longest = 50 * time.Millisecond

type flight struct {
	at   time.Duration
	data []byte
}

// sent takes what the agent sent into the network.
func (n *lossless) sent(sink *Sink) {
	for _, o := range sink.Out {
		to := destinationOf(o.Data)
		if !n.marks && len(o.Data) == 2*markerSize {
			continue
		}
		at := max(n.now+n.delay[to], n.last[to])
		n.last[to] = at
		n.flying = append(n.flying, flight{at, bytes.Clone(o.Data)})
	}
	if len(sink.Drops) > 0 {
		n.t.Fatalf("the agent dropped %+v", sink.Drops)
	}
}

// delivered takes what reached applications.
func (n *lossless) delivered(sink *Sink) {
	for _, o := range sink.Out {
		serial, ok := serialOf(o.Data)
		if !ok {
			n.t.Fatalf("delivered %x", o.Data)
		}
		n.received = append(n.received, serial)
	}
	if len(sink.Drops)+len(sink.Punt) > 0 {
		n.t.Fatalf("%+v", sink)
	}
}

// until moves the time on: packets arrive, and who waits is called.
func (n *lossless) until(end time.Duration) {
	for {
		next := -1
		for i := range n.flying {
			if n.flying[i].at <= end && (next < 0 || n.flying[i].at < n.flying[next].at) {
				next = i
			}
		}
		var sink Sink
		switch due := n.mn.Deadline(); {
		case due <= end && (next < 0 || due < n.flying[next].at):
			n.now = due
			n.mn.Advance(due, &sink)
		case next < 0:
			n.now = end
			return
		default:
			f := n.flying[next]
			n.flying = slices.Delete(n.flying, next, next+1)
			n.now = f.at
			n.mn.Handle(f.at, 1, ar, f.data, &sink)
		}
		n.delivered(&sink)
	}
}

// apply changes the path at both ends: the mobile node hears of it ahead of the first packet by the new way.
func (n *lossless) apply(to netip.Addr) {
	var sink Sink
	for id, a := range []netip.Addr{coa, previous} {
		n.mn.Apply(n.now, Op{Way: &WayOp{WayKey{host(hoa), uint16(id + 1)}, Way{Local: a, Remote: ha, Out: 1}}}, &sink)
	}
	n.mn.Apply(n.now, pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: to, Remote: ha, Out: 1, Settle: time.Second, Limit: 1000}), &sink)
	n.delivered(&sink)
	sink.Reset()
	n.ha.Apply(n.now, pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: to, Mark: true}), &sink)
	n.sent(&sink)
}

func newLossless(t *rapid.T) *lossless {
	n := &lossless{t: t, ha: NewSoft(), mn: NewSoft(), delay: map[netip.Addr]time.Duration{}, last: map[netip.Addr]time.Duration{}, marks: true}
	for _, op := range []Op{{Link: &LinkOp{1, Link{ar, 1500}}}, {Local: &LocalOp{coa, Local{Port: 1}}}, {Local: &LocalOp{previous, Local{Port: 1}}}} {
		n.mn.Apply(0, op, &Sink{})
	}
	n.ha.Apply(0, Op{Local: &LocalOp{ha, Local{Capture: true}}}, &Sink{})
	for _, a := range []netip.Addr{coa, previous} {
		n.delay[a] = time.Duration(rapid.IntRange(0, int(longest/time.Millisecond)).Draw(t, "delay")) * time.Millisecond
	}
	n.apply(coa)
	return n
}

func (n *lossless) send(serial uint32) {
	b := udp(cn, hoa, 4)
	binary.BigEndian.PutUint32(b[40:], serial)
	var sink Sink
	n.ha.Handle(n.now, Kernel, HW{}, b, &sink)
	n.sent(&sink)
}

// moves notes a change of way, and is false if so many are under way yet: beyond maxStints order is not promised.
func (n *lossless) moves(limit int) bool {
	n.moved = slices.DeleteFunc(n.moved, func(at time.Duration) bool { return n.now-at > longest })
	if len(n.moved) == limit {
		return false
	}
	n.moved = append(n.moved, n.now)
	return true
}

// TestOrderAcrossWays changes between two ways of different delays at any times: everything is delivered, in order, once.
func TestOrderAcrossWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newLossless(t)
		serial := uint32(0)
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			n.until(n.now + time.Duration(rapid.IntRange(0, 4).Draw(t, "pass"))*time.Millisecond)
			if rapid.IntRange(0, 19).Draw(t, "move") == 0 && n.moves(maxStints-1) {
				to := previous
				if rapid.Bool().Draw(t, "there") {
					to = coa
				}
				n.apply(to)
				continue
			}
			serial++
			n.send(serial)
		}
		n.until(n.now + 10*time.Second)
		for i, got := range n.received {
			if got != uint32(i+1) {
				t.Fatalf("packet %d came as number %d: %v", got, i+1, n.received)
			}
		}
		if len(n.received) != int(serial) || n.mn.heldOctets != 0 {
			t.Fatalf("%d of %d delivered, %d octets wait", len(n.received), serial, n.mn.heldOctets)
		}
	})
}

// TestWithoutMarkers loses the markers: everything is delivered all the same, once, and nothing later than Settle.
func TestWithoutMarkers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newLossless(t)
		n.marks = false
		serial := uint32(0)
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			n.until(n.now + time.Millisecond)
			if i%20 == 19 {
				n.apply([]netip.Addr{coa, previous}[i/20%2])
			}
			serial++
			n.send(serial)
		}
		n.until(n.now + time.Second + 50*time.Millisecond)
		slices.Sort(n.received)
		if len(n.received) != int(serial) || len(slices.Compact(n.received)) != int(serial) {
			t.Fatalf("%d sent: %v", serial, n.received)
		}
	})
}
