package rr

import (
	"testing"
	"time"

	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// A peer that took an update before is believed to take the next: the route stands from the update on, and packets follow it.
// What shows that the update was lost ends it.
//
// spec MIP-04
func TestForesee(t *testing.T) {
	move := func(t *testing.T, lost bool) *world {
		w := newWorld(t, Config{}, 1, cn)
		w.attach(coa)
		w.wanted(cn)
		w.run(10 * time.Second)
		w.delay = func(_ *ip6.Packet, m mh.Message) []time.Duration {
			if _, bu := m.(*mh.BindingUpdate); bu && lost {
				return nil
			}
			return []time.Duration{10 * time.Millisecond}
		}
		w.attach(coa2)
		w.run(20 * time.Millisecond) // the care-of test
		if w.routes[cn] != coa2 || w.believes(cn, coa2) {
			t.Fatalf("with the update on its way: route %v, the peer knows: %v", w.routes[cn], w.believes(cn, coa2))
		}
		return w
	}
	t.Run("taken", func(t *testing.T) {
		w := move(t, false)
		w.run(time.Second)
		if w.routes[cn] != coa2 || !w.believes(cn, coa2) {
			t.Errorf("route %v, peer knows %v", w.routes[cn], w.believes(cn, coa2))
		}
	})
	t.Run("the peer says so", func(t *testing.T) {
		w := move(t, true)
		w.binding(mh.UnknownBinding, coa2, hoa)
		if w.routes[cn].IsValid() {
			t.Errorf("route %v after a Binding Error", w.routes[cn])
		}
		w.run(300 * time.Millisecond)
		if w.routes[cn].IsValid() {
			t.Errorf("route %v: foreseen again, though nothing has proved the peer", w.routes[cn])
		}
	})
	t.Run("silence", func(t *testing.T) {
		w := move(t, true)
		w.run(InitialTimeout)
		if w.routes[cn].IsValid() {
			t.Errorf("route %v, though no acknowledgement came in time", w.routes[cn])
		}
	})
}
