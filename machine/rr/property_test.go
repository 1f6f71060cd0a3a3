package rr

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// play runs a world in which the network loses, doubles, delays and reorders messages while the node moves, goes home,
// loses its access, and packets come and go. After everything that happens a route that the node uses is one that the peer knows, the
// peer knows only places where the node was, and in the end, when the network is well again, all that is wanted is there.
func play(t *rapid.T, fail func(string, ...any)) []string {
	places := []netip.Addr{coa, coa2, netip.MustParseAddr("2001:db8:f::10")}
	w := newWorld(nil, Config{Rules: []Rule{{netip.PrefixFrom(cn2, 128), Always}}}, rapid.Byte().Draw(t, "seed"), cn, cn2)
	w.t = quiet{fail: fail}
	const maxDelay = 3000 // ms
	faults, restarted := true, false
	loss := rapid.IntRange(0, 40).Draw(t, "loss")
	w.delay = func(*ip6.Packet, mh.Message) []time.Duration {
		if !faults {
			return []time.Duration{10 * time.Millisecond}
		}
		var copies []time.Duration
		for range 1 + rapid.IntRange(0, 9).Draw(t, "double")/9 {
			if rapid.IntRange(0, 99).Draw(t, "lost") >= loss {
				copies = append(copies, time.Duration(rapid.IntRange(1, maxDelay).Draw(t, "delay"))*time.Millisecond)
			}
		}
		return copies
	}
	check := func() {
		for _, a := range w.names {
			c := w.routes[a]
			switch {
			case !c.IsValid() || w.believes(a, c):
			case w.m.peers[a].bound != c: // foreseen: the update is under way, and the peer says so if it is not
				if p := w.m.peers[a]; !p.bu.out {
					fail("%v: a route to %v that no update under way makes: %+v", w.now, a, p)
				}
			case a == cn && restarted && w.cns[a].Len() == 0: // it says so as soon as the route is used
				w.binding(mh.UnknownBinding, c, hoa)
			default:
				fail("%v: %v does not know %v", w.now, a, c)
			}
			for _, b := range w.cns[a].View() {
				if !slices.Contains(places, b.CoA) {
					fail("%v: bound to %v", w.now, b.CoA)
				}
			}
		}
	}
	w.each = check
	for range rapid.IntRange(1, 30).Draw(t, "steps") {
		switch rapid.IntRange(0, 11).Draw(t, "step") {
		case 0, 1:
			w.attach(rapid.SampledFrom(places).Draw(t, "place"))
		case 2:
			w.home()
		case 3:
			w.away = netip.Addr{}
			w.do(w.m.Lost)
		case 4, 5:
			w.wanted(cn)
		case 6:
			w.used(rapid.SampledFrom(w.names).Draw(t, "peer"))
		case 7:
			w.restart(cn, rapid.Byte().Draw(t, "restart"))
			restarted = true
		default:
			for range rapid.IntRange(1, 20).Draw(t, "time") {
				w.run(time.Duration(rapid.IntRange(1, 15000).Draw(t, "ms")) * time.Millisecond)
			}
		}
		check()
	}
	faults = false
	settle(w, places, check, fail)
	return w.tape
}

// settle lets the network be well, and wants what there should be then: a route to everybody, and at home none at all.
func settle(w *world, places []netip.Addr, check func(), fail func(string, ...any)) {
	w.run(10 * time.Second) // what is under way arrives
	w.attach(places[0])
	w.attach(places[1])
	w.wanted(cn)
	w.run(20 * time.Second)
	w.wanted(cn)
	w.run(time.Second)
	check()
	for _, a := range w.names {
		if w.routes[a] != places[1] {
			fail("no route to %v in the end: %+v", a, w.m.View())
		}
	}
	w.home()
	w.run(20 * time.Second)
	for _, a := range w.names {
		if len(w.routes) != 0 || len(w.cns[a].View()) != 0 || len(w.m.View()) != 0 {
			fail("at home: %v %+v %+v", w.routes, w.cns[a].View(), w.m.View())
		}
	}
}

// quiet lets a world tell a property test what is wrong.
type quiet struct {
	testing.TB
	fail func(string, ...any)
}

func (q quiet) Helper()                      {}
func (q quiet) Errorf(f string, args ...any) { q.fail(f, args...) }
func (q quiet) Fatal(args ...any)            { q.fail("%v", args) }

// spec MIP-04
func TestFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { play(t, t.Fatalf) })
}

// Equal seeds and equal faults give equal messages.
func TestRepeats(t *testing.T) {
	run := func() (tape []string) {
		w := newWorld(t, Config{}, 5, cn, cn2)
		i := 0
		w.delay = func(*ip6.Packet, mh.Message) []time.Duration {
			i++
			return make([]time.Duration, i%3)
		}
		w.attach(coa)
		for i := range 50 {
			w.wanted(w.names[i%2])
			w.run(3 * time.Second)
			w.attach([]netip.Addr{coa, coa2}[i/7%2])
		}
		return w.tape
	}
	if a, b := run(), run(); !slices.Equal(a, b) || len(a) < 50 {
		t.Errorf("%q\n%q", a, b)
	}
}
