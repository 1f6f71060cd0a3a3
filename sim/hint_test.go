package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
)

// A hint comes when the plan says; what the engine answers decides when the move happens (decision 10).
//
// spec RT-04
func TestHintAndAttach(t *testing.T) {
	bssid := plane.HW{6, 1}
	for name, c := range map[string]struct {
		answer string        // the cell of the Attach; "" for none
		after  time.Duration // the hint
		twice  bool
		want   []string
	}{
		"ignored":           {"", 0, false, []string{"hint near 200ms 1.8s", "down 2s", "up near 2.02s"}},
		"at once":           {"near", 0, false, []string{"hint near 200ms 1.8s", "down 1.8s", "up near 1.82s"}},
		"when prepared":     {"near", 50 * ms, false, []string{"hint near 200ms 1.8s", "down 1.85s", "up near 1.87s"}},
		"said twice":        {"near", 50 * ms, true, []string{"hint near 200ms 1.8s", "down 1.85s", "up near 1.87s"}},
		"too late":          {"near", 230 * ms, false, []string{"hint near 200ms 1.8s", "down 2s", "up near 2.02s"}},
		"not what is ahead": {"cell", 50 * ms, false, []string{"hint near 200ms 1.8s", "down 2s", "up near 2.02s"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := lone(true)
			p.Segments = append(p.Segments, scenario.Segment{Name: "near", Air: true, HW: bssid, Link: scenario.LinkModel{Delay: ms}})
			p.Actions = []scenario.Action{
				{At: 1800 * ms, Verb: scenario.Hint, Node: "n", Iface: "wlan0", Segment: "near", Notice: 200 * ms},
				{At: 2000 * ms, Verb: scenario.Detach, Node: "n", Iface: "wlan0"},
				{At: 2020 * ms, Verb: scenario.Attach, Node: "n", Iface: "wlan0", Segment: "near"},
			}
			var log []string
			h := func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
				at := time.Duration(now.Mono)
				switch in := in.(type) {
				case engine.LinkHint:
					if in.HW != bssid || in.Port != 1 {
						t.Errorf("hint %+v", in)
					}
					log = append(log, fmt.Sprintf("hint %s %v %v", in.Attachment, in.In, at))
					s.due = now.Mono.Add(c.after)
				case engine.Tick:
					s.due = engine.Never
					for range map[bool]int{false: 1, true: 2}[c.twice] {
						out.Attach(1, c.answer)
					}
				case engine.LinkDown:
					log = append(log, fmt.Sprintf("down %v", at))
				case engine.LinkUp:
					if at > 0 {
						log = append(log, fmt.Sprintf("up %s %v", in.Attachment, at))
					}
				}
			}
			rec, stats := run(t, p, map[string]handler{"n": h})
			if !slices.Equal(log, c.want) {
				t.Errorf("got  %q\nwant %q", log, c.want)
			}
			if !slices.Equal(rec.did, []int{0, 1, 2}) || stats.Handovers != 1 {
				t.Errorf("did %v, %d handovers", rec.did, stats.Handovers)
			}
		})
	}
}

// An engine that was told nothing commands nothing.
func TestAttachWithoutHint(t *testing.T) {
	p := lone(true)
	p.Segments = append(p.Segments, scenario.Segment{Name: "near", Air: true})
	p.Actions = []scenario.Action{
		{At: 2000 * ms, Verb: scenario.Detach, Node: "n", Iface: "wlan0"},
		{At: 2020 * ms, Verb: scenario.Attach, Node: "n", Iface: "wlan0", Segment: "near"},
	}
	var down time.Duration
	run(t, p, map[string]handler{"n": func(_ *script, now engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.LinkUp:
			out.Attach(1, "near")
			out.Attach(7, "near")
		case engine.LinkDown:
			down = time.Duration(now.Mono)
		}
	}})
	if down != 2000*ms {
		t.Errorf("the link went down at %v", down)
	}
}
