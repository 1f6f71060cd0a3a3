package ha

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// A guest whose time is over while the home link is asked for its address leaves nobody waiting, and no address behind.
func TestDepartsWhileProbed(t *testing.T) { //spec DM-14
	b := newBench(t, espPair, nil)
	empty := b.view()
	r := newRoamer(b)
	var table plane.Table
	b.feed(&table, r.enter(t, coa))
	_, ok, effects := r.status(t, r.own(bu(1, 0), coa))
	if b.feed(&table, effects); !ok || r.guest().binding != nil || len(table.Locals) != 0 {
		t.Fatalf("%v; bound %v, %v", ok, r.guest().binding, table.Locals)
	}
	b.feed(&table, b.pass(r.guest().until().Sub(b.now.Mono)-500*time.Millisecond))
	e, effects := b.ask(r.hor(coa2))
	if b.feed(&table, effects); e.done || b.a.guests.waiting != 1 || len(table.Locals) != 1 {
		t.Fatalf("%+v; %d wait, %v", e.answer, b.a.guests.waiting, table.Locals)
	}
	b.feed(&table, b.pass(500*time.Millisecond))
	if !e.done || e.answer.Code != diameter.ErrorNoHomeAgent || e.answer.Message != "hor-superseded" || b.a.guests.waiting != 0 {
		t.Errorf("%v, %+v; %d wait", e.done, e.answer, b.a.guests.waiting)
	}
	if b.feed(&table, b.pass(2*time.Second)); b.view() != empty || len(table.Locals)+len(table.Paths) != 0 || len(b.a.guests.spis) != 0 {
		t.Errorf("left %s, %v, SPIs %v", b.view(), table, b.a.guests.spis)
	}
}

// One that is bound to nothing when its time is over has nothing in the plane that could be taken away.
func TestDepartsUnbound(t *testing.T) { //spec DM-14
	b := newBench(t, espPair, nil)
	r := newRoamer(b)
	r.enter(t, coa)
	r.status(t, r.own(bu(1, 0), coa))
	b.pass(r.guest().until().Sub(b.now.Mono) - time.Second)
	effects := b.pass(time.Second)
	if eventsOf(effects, "guest.departed") != 1 || eventsOf(effects, "binding.expired") != 0 || has(effects, func(engine.Plane) bool { return true }) {
		t.Errorf("%+v", effects)
	}
}

// One that AAA gives another home address departs from its old one, binding and all.
func TestDepartsForAnotherAddress(t *testing.T) { //spec DM-14
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	var table plane.Table
	b.feed(&table, r.enter(t, coa))
	before := r.hoa
	r.hoa, r.spi = fixedHome, r.spi+1
	effects := r.enter(t, coa2)
	if b.feed(&table, effects); eventsOf(effects, "binding.expired") != 1 || eventsOf(effects, "guest.departed") != 1 || eventsOf(effects, "guest.added") != 1 {
		t.Errorf("%+v", effects)
	}
	if r.guest().hoa != fixedHome || b.a.mobiles[before] != nil || len(table.Paths) != 1 || table.Paths[netip.PrefixFrom(fixedHome, 128)].Remote != coa2 || len(b.a.guests.spis) != 1 {
		t.Errorf("at %v, paths %v, SPIs %v", r.guest().hoa, table.Paths, b.a.guests.spis)
	}
}

// One whose stay ends before what was under way under its old keys is over takes both sets of keys along.
func TestDepartsWithOldKeys(t *testing.T) { //spec DM-14
	b := newBench(t, espPair, virtual)
	disk := len(b.disk)
	r := newRoamer(b)
	r.enter(t, coa)
	r.random, r.spi = 2, mnSPI+1
	h := r.hor(coa)
	h.Lifetime = KeyOverlap - time.Second
	e, _ := b.ask(h)
	if r.learn(t, e); r.guest().old == nil || len(b.a.guests.spis) != 2 {
		t.Fatalf("SPIs %v", b.a.guests.spis)
	}
	if b.pass(h.Lifetime); r.guest() != nil || len(b.a.guests.spis) != 0 || len(b.disk) != disk {
		t.Errorf("left SPIs %v, %v", b.a.guests.spis, sortedKeys(b.disk))
	}
}

// Until KeyOverlap is over a packet under the old keys is theirs, and from then on nobody's.
func TestOldKeysAtTheirEnd(t *testing.T) { //spec DM-14
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	p, err := ip6.Parse(r.own(bu(1, time.Minute), coa))
	if err != nil {
		t.Fatal(err)
	}
	r.random, r.spi = 2, mnSPI+1
	e, _ := b.ask(r.hor(coa))
	r.learn(t, e)
	g := r.guest()
	for left, old := range map[time.Duration]bool{1: true, 0: false} { //order:any
		now := b.now
		now.Mono = g.retire.Add(-left)
		if got := b.a.association(now, &g.mobile, &p); (got == g.old) != old || (got == g.sa) == old {
			t.Errorf("%v before the end: old %v", left, got == g.old)
		}
	}
}

// Another home address is tried only for a HOR that left it to the agent, of a node that is not here yet.
func TestReassign(t *testing.T) { //spec DM-17
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	home, g := r.hoa, r.guest()
	for what, q := range map[string]request{
		"of one who is here": {errand: &errand{assigned: true}},
		"without a HOR":      {},
	} { //order:any
		if b.a.reassign(b.now, &g.mobile, q, &b.out) || g.hoa != home {
			t.Errorf("%s: %v", what, g.hoa)
		}
	}
	if !strings.Contains(b.view(), home.String()) {
		t.Error(b.view())
	}
}
