//go:build linux

package lab

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// A move that an engine commands is due at once, and its end as much earlier; what it does not command stays.
//
// spec RT-04
func TestSchedule(t *testing.T) {
	const s = time.Second
	n := &scenario.Node{Name: "mn", Ifaces: []scenario.Iface{{Name: "wlan0", Port: 1}, {Name: "wwan0", Port: 2}}}
	p := &scenario.Plan{Nodes: []scenario.Node{*n}, Actions: []scenario.Action{
		{At: 1 * s, Verb: scenario.Hint, Node: "mn", Iface: "wlan0", Segment: "two"},
		{At: 2 * s, Verb: scenario.Detach, Node: "mn", Iface: "wlan0"},
		{At: 3 * s, Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "two"},
		{At: 4 * s, Verb: scenario.Mark, Handover: -1},
	}}
	for name, c := range map[string]struct {
		e    engine.Attach
		want [2]time.Duration // detach and attach
	}{
		"commanded":      {engine.Attach{Port: 1, Attachment: "two"}, [2]time.Duration{1500 * time.Millisecond, 2500 * time.Millisecond}},
		"another cell":   {engine.Attach{Port: 1, Attachment: "three"}, [2]time.Duration{2 * s, 3 * s}},
		"another link":   {engine.Attach{Port: 2, Attachment: "two"}, [2]time.Duration{2 * s, 3 * s}},
		"a port of none": {engine.Attach{Port: 9, Attachment: "two"}, [2]time.Duration{2 * s, 3 * s}},
	} {
		var x schedule
		x.commanded(n, c.e, 1) // before the run: a node of a kept lab may say anything
		x.begin(p, nanos(10*s))
		x.commanded(n, c.e, nanos(10*s)) // before the hint
		i, due, nap := x.next()
		if i != 0 || due != nanos(11*s) || nap != nanos(actionNap) {
			t.Fatalf("%s: action %d at %v, naps of %v", name, i, due, nap)
		}
		x.take(0)
		x.commanded(n, c.e, nanos(11500*time.Millisecond))
		for k, want := range c.want {
			i, due, nap := x.next()
			if i != k+1 || due != nanos(10*s+want) {
				t.Errorf("%s: action %d at %v, want %d at %v", name, i, due, k+1, 10*s+want)
			}
			if (nap == nanos(commandNap)) != (k == 0) {
				t.Errorf("%s: action %d: naps of %v", name, i, nap)
			}
			x.take(i)
			x.commanded(n, c.e, due) // too late
		}
		if i, _, _ := x.next(); i != 3 {
			t.Errorf("%s: then action %d", name, i)
		}
		x.take(3)
		if i, _, _ := x.next(); i != -1 {
			t.Errorf("%s: action %d after the last", name, i)
		}
	}
}
