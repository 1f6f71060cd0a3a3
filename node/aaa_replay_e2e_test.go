package node_test

import (
	"bytes"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/admit"
	"roam6/plane"
	"roam6/scenario"
	"roam6/sim"
	"roam6/wire/access"
	"roam6/wire/ip6"
)

// sender is a node with nothing but radios: it sends what it is told to.
type sender struct {
	at   []engine.Mono // when to
	send func(k int, out *engine.Effects)
	done int
}

func (e *sender) Handle(now engine.Now, _ engine.Input, out *engine.Effects) {
	for e.done < len(e.at) && e.at[e.done] <= now.Mono {
		e.done++
		e.send(e.done-1, out)
	}
}

func (e *sender) Deadline() (engine.Mono, string) {
	if e.done < len(e.at) {
		return e.at[e.done], "sending"
	}
	return engine.Never, ""
}
func (e *sender) View() any { return nil }

// radio adds a node with a radio in each of the cells, ports 1, 2, …, that runs a script.
func (w *trouble) radio(name string, hw byte, script engine.Engine, cells ...string) {
	n := scenario.Node{Name: name, Userland: true, Config: []byte("-")}
	for i, c := range cells {
		n.Ifaces = append(n.Ifaces, scenario.Iface{Name: "radio-" + c, Port: plane.Port(i + 1), HW: plane.HW{2, 0xee, 0, 0, hw, byte(i + 1)}, Segment: c})
	}
	w.plan.Nodes = append(w.plan.Nodes, n)
	w.scripts[name] = func([32]byte) engine.Engine { return script }
}

// cellOf is the link-layer address of an access router in its cell.
func (w *trouble) cellOf(router string) plane.HW {
	for _, f := range w.node(router).Ifaces {
		if f.Name == "cell" {
			return f.HW
		}
	}
	w.t.Fatal("no cell of " + router)
	return plane.HW{}
}

// requests are the access requests heard in a cell; hear is a Lose that loses nothing.
type requests map[string][][]byte

func (r requests) hear(_ time.Duration, cell string, packet []byte) bool {
	if p, err := ip6.Parse(packet); err == nil && p.Proto == ip6.ProtoICMPv6 && access.IsAccess(p.Payload) {
		if part, err := access.Parse(p.Src, p.Dst, p.Payload); err == nil && part.Subtype == access.SubtypeRequest {
			r[cell] = append(r[cell], bytes.Clone(packet))
		}
	}
	return false
}

// Whoever repeats what he has heard is answered at most by what was answered before, or told that the challenge is old: with the sender's own
// link-layer address, as another station, at another router, at once and minutes later. No session begins by it, none ends, and the home
// network hears nothing of it.
//
// spec DM-05 DM-09
func TestReplayedRequests(t *testing.T) {
	run := func(steal bool) *trouble {
		w := inTrouble(t, "home", 120*time.Second, round)
		heard := requests{}
		w.lose = heard.hear
		thief := &sender{at: []engine.Mono{engine.Mono(5 * time.Second), engine.Mono(6 * time.Second), engine.Mono(110 * time.Second)}}
		w.radio("thief", 1, thief, "ar1", "ar2")
		thief.send = func(k int, out *engine.Effects) {
			for _, p := range heard["ar1"] {
				out.Send(1, w.cellOf("ar1"), p)
				out.Send(2, w.cellOf("ar2"), p)
			}
		}
		if w.replay = (&sim.Replay{Share: 1, Min: 100 * time.Millisecond, Max: 3 * time.Second}); !steal {
			w.replay, thief.at = nil, nil
		}
		w.run()
		for _, at := range []time.Duration{8, 14, 20} {
			w.soon("mn", at*time.Second, 500*time.Millisecond)
		}
		w.idle(3)
		w.accounts()
		return w
	}
	quiet, w := run(false), run(true)
	w.must("ar1", "access-other-station", 5*time.Second, 7*time.Second)
	w.must("ar1", "access-stale", 110*time.Second, always)
	client := w.router("ar1").Clients[0].(admit.View)
	if client.Repeated == 0 || client.Stale == 0 || client.Waiting+client.Checking+client.Messages != 0 {
		t.Errorf("%+v", client)
	}
	for _, what := range []string{"access.requested", "access.granted", "access.ended"} {
		for _, r := range []string{"ar1", "ar2", "ar3"} {
			if a, b := quiet.saw(r, what, 0, always), w.saw(r, what, 0, always); a != b {
				t.Errorf("%s: %s %d times, %d with a thief", r, what, a, b)
			}
		}
	}
}

// A mobile node that has heard no challenge for so long that its own is old is given a fresh one with the refusal, and is let in again before
// its session ends: nothing that it sends is stopped.
//
// spec DM-04 DM-05
func TestStaleChallenge(t *testing.T) {
	w := inTrouble(t, "home", 100*time.Second, "[{at: 99s, to: ar2}]")
	for _, u := range []string{"mn", "mn2", "mn3"} {
		w.subscriber(u+"@home.example", `"nai"`, `"session_s":90,"nai"`)
	}
	w.lose = func(at time.Duration, cell string, packet []byte) bool { // advertisements
		p, err := ip6.Parse(packet)
		return at > 5*time.Second && cell == "ar1" && err == nil && p.Proto == ip6.ProtoICMPv6 && len(p.Payload) > 0 && p.Payload[0] == 134
	}
	w.run()
	w.must("ar1", "access-stale", 60*time.Second, 90*time.Second)
	for _, u := range []string{"mn", "mn2", "mn3"} {
		w.must(u, "access.stale", 60*time.Second, 90*time.Second)
		w.soon(u, 60*time.Second, 20*time.Second)
	}
	if n := w.saw("ar1", "access.ended", 0, 98*time.Second); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
	w.idle(3)
	w.accounts()
}
