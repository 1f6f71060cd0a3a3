package sim

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/ip6"
)

func TestFaultsEndBeforeTheTail(t *testing.T) {
	plan := home()
	plan.Length = time.Minute
	quiet := QuietFrom(plan.Length)
	crashes, spells := 0, 0
	for seed := range uint64(50) {
		p := Faults(plan, seed)
		if !reflect.DeepEqual(p, Faults(plan, seed)) {
			t.Fatal("two calls differ")
		}
		down := map[string]bool{}
		bad := map[string]bool{}
		var last time.Duration
		for _, a := range p.Actions {
			if a.At > quiet || a.At < last || a.At < warmUp {
				t.Fatalf("seed %d: action at %v after %v, quiet from %v", seed, a.At, last, quiet)
			}
			last = a.At
			switch a.Verb {
			case scenario.Crash:
				crashes++
				down[a.Node] = true
				if a.Node != "ha" {
					t.Errorf("seed %d: %s crashes", seed, a.Node)
				}
			case scenario.Restart:
				down[a.Node] = false
			case scenario.Degrade:
				spells++
				at := slices.IndexFunc(plan.Segments, func(s scenario.Segment) bool { return s.Name == a.Segment })
				bad[a.Segment] = a.Link != plan.Segments[at].Link
			}
		}
		for name, is := range down {
			if is {
				t.Errorf("seed %d: %s stays down", seed, name)
			}
		}
		for name, is := range bad {
			if is {
				t.Errorf("seed %d: %s stays bad", seed, name)
			}
		}
		if _, err := Run(Config{Plan: p, Build: scripts(homeScripts()), Recorder: newTape()}); err != nil {
			t.Fatal(err)
		}
	}
	if crashes == 0 || spells == 0 || len(plan.Actions) != 0 {
		t.Errorf("%d crashes, %d spells, plan changed: %v", crashes, spells, plan.Actions)
	}
}

// The attacker's copies arrive like the original, later.
func TestReplayAttacker(t *testing.T) {
	self := addr("2001:db8:1::77")
	var at []time.Duration
	p := lone(true)
	p.Nodes = append(p.Nodes, scenario.Node{Name: "m", Userland: true, Config: []byte("x"),
		Ifaces: []scenario.Iface{{Name: "w", Port: 1, HW: hw(3), Segment: "cell"}}})
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Command, Node: "m"}}
	packet := ip6.Packet{Header: ip6.Header{Src: addr("2001:db8:1::3"), Dst: self}, Proto: ip6.ProtoMH, Payload: make([]byte, 16)}
	stats, err := Run(Config{Plan: p, Recorder: newTape(), Replay: &Replay{Share: 1, Min: time.Second, Max: time.Second},
		Build: scripts(map[string]handler{
			"m": func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
				if _, ok := in.(engine.Command); ok {
					out.Send(1, hw(1), packet.Append(nil))
				}
			},
			"n": func(_ *script, now engine.Now, in engine.Input, out *engine.Effects) {
				switch in.(type) {
				case engine.LinkUp:
					out.Plane(plane.Op{Local: &plane.LocalOp{Addr: self, Local: plane.Local{Port: 1}}})
				case engine.Packet:
					at = append(at, time.Duration(now.Mono))
				}
			}})})
	if err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{1001 * ms, 2001 * ms}; !slices.Equal(at, want) || stats.Injected != 1 {
		t.Errorf("packets at %v, want %v; %d injected", at, want, stats.Injected)
	}
}
