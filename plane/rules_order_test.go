package plane

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/wire/ip6"
)

// waiter is a mobile node whose path settles, on the move between two care-of addresses.
type waiter struct {
	t    *testing.T
	s    *Soft
	path Path
	now  time.Duration
	ways [2]netip.Addr
	here int // where it is
}

func newWaiter(t *testing.T, limit, octets int) *waiter {
	w := &waiter{t: t, ways: [2]netip.Addr{coa, previous}, path: Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1, Settle: 100 * time.Millisecond, Limit: limit, Octets: octets}}
	w.s = ruled(t, Op{Link: &LinkOp{1, Link{ar, 1500}}}, Op{Local: &LocalOp{coa, Local{Port: 1}}}, Op{Local: &LocalOp{previous, Local{Port: 1}}}, pathOp(hoa, w.path))
	return w
}

// way keeps the path's other address as a Way.
func (w *waiter) way(id uint16, local netip.Addr, until time.Duration, unsure bool) []byte {
	return w.apply(Op{Way: &WayOp{WayKey{host(hoa), id}, Way{Local: local, Remote: ha, Out: 1, Until: until, Unsure: unsure}}})
}

// move goes to the other address; the one of before stays a Way.
func (w *waiter) move(until time.Duration, unsure bool) []byte {
	out := w.way(uint16(1+w.here), w.ways[w.here], until, unsure)
	w.here = 1 - w.here
	w.path.Local = w.ways[w.here]
	return append(out, w.apply(pathOp(hoa, w.path))...)
}

// numbers are the last octets of what was delivered.
func (w *waiter) numbers(sink *Sink) (list []byte) {
	w.t.Helper()
	if len(sink.Drops) > 0 || len(sink.Refused) > 0 {
		w.t.Errorf("at %v: %+v", w.now, sink)
	}
	for _, o := range sink.Out {
		list = append(list, o.Data[len(o.Data)-1])
	}
	return list
}

func (w *waiter) apply(op Op) []byte {
	sink := &Sink{}
	w.s.Apply(w.now, op, sink)
	return w.numbers(sink)
}

// comes is packet n by a way, and what is delivered then.
func (w *waiter) comes(way int, n byte) []byte {
	b := udp(cn, hoa, 60)
	b[len(b)-1] = n
	return w.raw(way, b)
}

func (w *waiter) raw(way int, b []byte) []byte {
	sink := &Sink{}
	w.s.Handle(w.now, 1, ar, inTunnel(ha, w.ways[way], b), sink)
	return w.numbers(sink)
}

func (w *waiter) ends(way int) []byte {
	b := make([]byte, markerSize)
	b[0], b[6], b[7] = 0x60, ip6.ProtoNone, 64
	putAddrs(b, ha, hoa)
	return w.raw(way, b)
}

func (w *waiter) want(what string, got []byte, want ...byte) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: delivered %v, want %v", what, got, want)
	}
}

// What waited gives its room back, however often and fast the node moves: the bound is never reached by what has left.
func TestSettleGivesBack(t *testing.T) {
	size := len(udp(cn, hoa, 60))
	for name, w := range map[string]*waiter{"packets": newWaiter(t, 2, 0), "octets": newWaiter(t, 1000, 2*size+1)} {
		w.move(0, false)
		w.want(name, w.comes(1, 0))
		for i := byte(1); i < 50; i++ {
			w.want(name, w.move(0, false))
			w.want(name, w.ends(w.here), i-1) // the end of the stint before that one
			w.want(name, w.comes(w.here, i))  // waits for the end of the one between
			if c := w.s.Counters(); c.Paths[0].Waiting != 1 || w.s.heldOctets != size {
				t.Fatalf("%s: %d wait, %d octets", name, c.Paths[0].Waiting, w.s.heldOctets)
			}
		}
		w.want(name, w.ends(1-w.here), 49)
		if c := w.s.Counters(); c.Paths[0].Waiting != 0 || w.s.heldOctets != 0 || c.MarksReceived != 50 {
			t.Errorf("%s: %+v, %d octets", name, c, w.s.heldOctets)
		}
	}
}

// The bounds are packets, octets, and what all paths hold together; whichever is reached lets all go, in order.
func TestSettleBounds(t *testing.T) {
	size := len(udp(cn, hoa, 60))
	for name, c := range map[string]struct{ limit, octets, all int }{
		"packets": {2, 0, 0}, "octets": {9, 2 * size, 0}, "all together": {9, 0, 2 * size},
	} {
		w := newWaiter(t, c.limit, c.octets)
		if c.all > 0 {
			small := *standard
			small.held = c.all
			w.s.limits = &small
		}
		w.move(0, false)
		w.want(name, w.comes(1, 1))
		w.want(name, w.comes(1, 2))
		w.want(name, w.comes(1, 3), 1, 2, 3)
		w.want(name, w.comes(1, 4), 4)
		if w.s.heldOctets != 0 || w.s.Waits(host(hoa)) {
			t.Errorf("%s: %d octets held", name, w.s.heldOctets)
		}
	}
}

// More changes than are told apart end the oldest: nothing is lost, nothing waits for ever.
func TestSettleStints(t *testing.T) {
	w := newWaiter(t, 100, 0)
	var got []byte
	for i := range byte(3 * maxStints) {
		got = append(got, w.move(0, false)...)
		got = append(got, w.comes(w.here, i)...)
		if n := len(w.s.paths.of(host(hoa)).order.stints); n > maxStints {
			t.Fatalf("%d stints", n)
		}
	}
	w.now += 100 * time.Millisecond
	sink := &Sink{}
	w.s.Advance(w.now, sink)
	if got = append(got, w.numbers(sink)...); len(got) != 3*maxStints || w.s.heldOctets != 0 {
		t.Errorf("delivered %v", got)
	}
}

// Who calls at the Deadline lets go no sooner and no later than must be.
func TestSettleDeadline(t *testing.T) {
	const ms = time.Millisecond
	call := func(w *waiter) []byte {
		sink := &Sink{}
		w.now = w.s.Deadline()
		w.s.Advance(w.now, sink)
		return w.numbers(sink)
	}
	w := newWaiter(t, 9, 0)
	if w.s.Deadline() != Never || w.s.Waits(host(hoa)) {
		t.Error("nothing waits, and yet")
	}
	w.now = 5 * ms
	w.move(0, false)
	if !w.s.Waits(host(hoa)) || w.s.Waits(host(coa)) {
		t.Error("it must wait from the move on")
	}
	w.comes(1, 1)
	w.now = 9 * ms
	w.comes(1, 2)
	if w.s.Deadline() != 105*ms {
		t.Errorf("deadline %v, Settle", w.s.Deadline())
	}
	w.want("Settle", call(w), 1, 2)

	w = newWaiter(t, 9, 0)
	w.move(30*ms, false)
	w.comes(1, 1)
	if w.s.Deadline() != 30*ms {
		t.Errorf("deadline %v, Until", w.s.Deadline())
	}
	w.want("Until", call(w), 1)

	w = newWaiter(t, 9, 0)
	w.move(0, true)
	w.want("unsure, and silent from the first", w.comes(1, 1), 1)

}

// Two paths that wait are called each at its time.
func TestSettleTwoPaths(t *testing.T) {
	const ms = time.Millisecond
	other := netip.MustParseAddr("2001:db8:0:1::200")
	w := newWaiter(t, 9, 0)
	second := Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1, Settle: 300 * ms, Limit: 9}
	w.apply(pathOp(other, second))
	w.move(0, false)
	w.apply(Op{Way: &WayOp{WayKey{host(other), 1}, Way{Local: coa, Remote: ha, Out: 1}}})
	second.Local = previous
	w.apply(pathOp(other, second))
	w.comes(1, 1)
	b := udp(cn, other, 60)
	b[len(b)-1] = 2
	w.raw(1, b)
	for _, c := range []struct {
		at   time.Duration
		want byte
	}{{100 * ms, 1}, {300 * ms, 2}} {
		if w.s.Deadline() != c.at {
			t.Errorf("deadline %v, want %v", w.s.Deadline(), c.at)
		}
		sink := &Sink{}
		w.now = c.at
		w.s.Advance(c.at, sink)
		w.want("called", w.numbers(sink), c.want)
	}
	if w.s.Deadline() != Never {
		t.Errorf("deadline %v when nothing waits", w.s.Deadline())
	}
}

// Control does not wait: engines have an order of their own.
func TestControlDoesNotWait(t *testing.T) {
	for _, control := range []bool{true, false} {
		w := newWaiter(t, 9, 0)
		w.path.Control = control
		w.apply(pathOp(hoa, w.path))
		w.move(0, false)
		b := udp(cn, hoa, 60)
		b[6] = ip6.ProtoMH
		sink := &Sink{}
		w.s.Handle(0, 1, ar, inTunnel(ha, w.ways[1], b), sink)
		if got := len(sink.Punt) == 1; got != control || len(sink.Out) != 0 {
			t.Errorf("Control %v: %+v", control, sink)
		}
		w.want("users' packets", w.comes(1, 1))
	}
}

// A marker to a path that does not settle is counted, and begins nothing.
func TestMarkerWithoutSettle(t *testing.T) {
	w := newWaiter(t, 9, 0)
	w.path.Settle = 0
	w.apply(pathOp(hoa, w.path))
	w.want("marker", w.ends(0))
	if w.s.Waits(host(hoa)) || w.s.Counters().MarksReceived != 1 {
		t.Errorf("%+v", w.s.Counters())
	}
}

// What duplicates are remembered for is forgotten with the path, and with Dedup: the room is for others.
func TestDedupGivesBack(t *testing.T) {
	for name, last := range map[string]Op{
		"deleted":    {Delete: true, Path: &PathOp{Inner: host(hoa)}},
		"no Dedup":   pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}),
		"another":    pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: previous, Remote: ha, Out: 1, Dedup: time.Second}),
		"in a while": {},
	} {
		w := newWaiter(t, 9, 0)
		w.path.Dedup = time.Second
		w.apply(pathOp(hoa, w.path))
		for n := range byte(20) {
			w.want(name, w.comes(0, n), n)
		}
		want := 0
		switch name {
		case "in a while":
			w.now = 2 * time.Second
			w.want(name, w.comes(0, 99), 99)
			want = 1
		case "another":
			w.apply(last)
			want = 20
		default:
			w.apply(last)
		}
		if w.s.remembered != want {
			t.Errorf("%s: %d are remembered, want %d", name, w.s.remembered, want)
		}
	}
}

// What all paths remember together has an end: beyond it a path remembers its newest in place of its oldest, and one that remembers nothing
// lets all pass.
func TestRememberedIsBounded(t *testing.T) {
	const most = 10
	other := netip.MustParseAddr("2001:db8:0:1::200")
	w := newWaiter(t, 9, 0)
	small := *standard
	small.remembered = most
	w.s.limits = &small
	w.path.Settle, w.path.Dedup = 0, time.Second
	w.apply(pathOp(hoa, w.path))
	w.apply(pathOp(other, w.path))
	w.way(1, previous, 0, false)
	for n := range byte(50) {
		w.want("first", w.comes(0, n), n)
		if w.s.remembered > most {
			t.Fatalf("%d are remembered", w.s.remembered)
		}
	}
	b := udp(cn, other, 60)
	for range 3 {
		w.raw(0, slices.Clone(b))
		if w.s.remembered > most {
			t.Fatalf("%d are remembered", w.s.remembered)
		}
	}
	for n := byte(50 - most); n < 50; n++ {
		sink, u := &Sink{}, udp(cn, hoa, 60)
		u[len(u)-1] = n
		if w.s.Handle(w.now, 1, ar, inTunnel(ha, previous, u), sink); len(sink.Drops) != 1 || sink.Drops[0].Reason != DropDuplicate {
			t.Errorf("a copy of %d passed", n)
		}
	}
}

// Copies of a tunnel that carries another are dropped before the tunnel in them is looked at, and each way counts what it brought.
func TestDuplicatesOfTunnels(t *testing.T) {
	also := netip.MustParseAddr("2001:db8:d::100")
	s := ruled(t, Op{Link: &LinkOp{1, Link{ar, 1500}}}, Op{Local: &LocalOp{coa, Local{Port: 1}}}, Op{Local: &LocalOp{also, Local{Port: 1}}},
		Op{Local: &LocalOp{previous, Local{}}},
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: previous, Remote: ha, Out: 1}),
		pathOp(previous, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: par, Out: 1, Dedup: time.Second}),
		Op{Way: &WayOp{WayKey{host(previous), 1}, Way{Local: also, Remote: par, Out: 1}}})
	comes := func(to netip.Addr, n byte) *Sink {
		b, sink := udp(cn, hoa, 60), &Sink{}
		b[len(b)-1] = n
		s.Handle(0, 1, ar, inTunnel(par, to, inTunnel(ha, previous, b)), sink)
		return sink
	}
	if a, b := comes(coa, 1), comes(also, 1); len(a.Out) != 1 || len(b.Out) != 0 || len(b.Drops) != 1 || b.Drops[0].Reason != DropDuplicate {
		t.Errorf("%+v, its copy %+v", a, b)
	}
	if a := comes(also, 2); len(a.Out) != 1 {
		t.Errorf("%+v", a)
	}
	c := s.Counters()
	inner := len(inTunnel(ha, previous, udp(cn, hoa, 60)))
	if i := slices.IndexFunc(c.Paths, func(p PathCount) bool { return p.Inner == host(previous) }); c.Paths[i].Received != count(2, 2*inner) || c.Ways[0].Received != count(1, inner) {
		t.Errorf("%+v %+v", c.Paths, c.Ways)
	}
}
