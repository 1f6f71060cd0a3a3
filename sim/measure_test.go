package sim

import (
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
)

// A meter counts what the kernel sends on and what it hands to the plane, from when it is there until it is deleted; who asks before
// learns what it came to.
func TestMetersOnTheWay(t *testing.T) {
	p := home()
	p.Nodes[2].Ifaces[1].Port = 2
	begun, ended := 1500*ms, 3*time.Second
	for _, at := range []time.Duration{begun, ended} {
		p.Actions = append(p.Actions, scenario.Action{At: at, Verb: scenario.Command, Node: "ha"})
	}
	scripts := homeScripts()
	begin := scripts["ha"]
	key := plane.MeterKey{Addr: addr("2001:db8:d::7"), Port: 2}
	op := plane.Op{Meter: &plane.MeterOp{Key: key}}
	var got []engine.Measured
	scripts["ha"] = func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		begin(s, now, in, out)
		switch in := in.(type) {
		case engine.Command:
			out.Measure(1, key)
			out.Plane(op)
			op.Delete = true
			out.Measure(2, key)
		case engine.Measured:
			got = append(got, in)
		}
	}
	rec, _ := run(t, p, scripts)
	var up, down plane.Count
	size := uint64(p.Flows[0].Size + 48) // with the headers of UDP and IPv6
	for k, at := range rec.sent {
		switch at += 20 * ms; { // to the home agent, from the correspondent
		case k.down && at >= begun && at < ended:
			up.More(plane.Count{Packets: 1, Octets: size})
		case !k.down && at-9*ms >= begun && at-9*ms < ended:
			down.More(plane.Count{Packets: 1, Octets: size})
		}
	}
	want := []engine.Measured{{ID: 1, Key: key, Err: engine.ErrNotFound}, {ID: 2, Key: key},
		{ID: 1, Key: key, Up: up, Down: down}, {ID: 2, Key: key, Err: engine.ErrNotFound}}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
