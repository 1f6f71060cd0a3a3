package node_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/sim"
	checkers "roam6/sim/check"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// One way in the world of the built-in scenarios: air 1 ms, operator 2 ms, core 10 ms, and the correspondent's 10 ms or the home
// agent's 30 ms.
const (
	straight  = 23 * time.Millisecond
	roundHome = 83 * time.Millisecond
)

// ear hears what a run delivers, drops and tells.
type ear struct {
	sent   map[string]time.Duration
	ways   []trip
	drops  map[string]int
	events []string
}

// trip is one delivered packet: when it was sent, and how long it took.
type trip struct {
	down     bool
	at, took time.Duration
}

func (r *ear) Event(at time.Duration, node, _ string, ev engine.Event) {
	if ev.Name == engine.EventDrop {
		r.drops[ev.Reason]++
	}
	r.events = append(r.events, fmt.Sprintf("%v %s %s", at, node, ev.Name))
}
func (r *ear) Did(time.Duration, int) {}
func (r *ear) Sent(at time.Duration, flow int, down bool, seq uint32) {
	r.sent[fmt.Sprint(flow, down, seq)] = at
}
func (r *ear) Received(at time.Duration, flow int, down bool, seq uint32) {
	sent := r.sent[fmt.Sprint(flow, down, seq)]
	r.ways = append(r.ways, trip{down, sent, at - sent})
}
func (r *ear) Frame(time.Duration, string, string, bool, []byte) {}
func (r *ear) Dropped(reason string, n int)                      { r.drops[reason] += n }

// all reports whether every packet sent in a span took this long, and there were some both ways.
func (r *ear) all(t *testing.T, from, to, took time.Duration) {
	t.Helper()
	var n [2]int
	for _, w := range r.ways {
		if w.at < from || w.at >= to {
			continue
		}
		if w.took != took {
			t.Fatalf("sent at %v (down %v): %v, want %v", w.at, w.down, w.took, took)
		}
		if n[0]++; w.down {
			n[0]--
			n[1]++
		}
	}
	if n[0] == 0 || n[1] == 0 {
		t.Errorf("from %v to %v: %v packets delivered", from, to, n)
	}
}

// listen runs a built-in scenario. change may alter the plan, extra may add engines to a node.
func listen(t *testing.T, name string, change func(*scenario.Plan), extra map[string]engine.Engine, o scenario.Options) *ear {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return hear(t, s, change, extra, o)
}

func hear(t *testing.T, s *scenario.Scenario, change func(*scenario.Plan), extra map[string]engine.Engine, o scenario.Options) *ear {
	t.Helper()
	p, err := s.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(p)
	}
	r := &ear{sent: map[string]time.Duration{}, drops: map[string]int{}}
	_, err = sim.Run(sim.Config{Plan: p, Recorder: r, Checkers: []sim.Checker{checkers.NewOneOwner(), checkers.NewNoStale(), checkers.NewNoReplay(), checkers.NewNoDiversion()},
		Build: func(n scenario.Node, seed [32]byte) (scenario.Built, error) {
			b, err := build(n, seed)
			if e := extra[n.Name]; e != nil {
				b.Engines = append(b.Engines, scenario.NamedEngine{Name: "extra", Engine: e})
			}
			return b, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Once the correspondent knows the care-of address packets take the short way, both ways, and after each move again; what
// the mobile node sends arrives whole and in order.
//
// spec MIP-02 MIP-04
func TestRouteOptimised(t *testing.T) {
	for _, security := range []string{"esp", "auth"} {
		for _, dad := range []string{"standard", "optimistic"} {
			t.Run(security+"/"+dad, func(t *testing.T) {
				set := []string{"mn.security=" + security, "mn.dad=" + dad}
				o := scenario.Options{Seed: 1, Set: set}
				r := listen(t, "route-optimised", nil, nil, o)
				r.all(t, 5050*time.Millisecond, 5100*time.Millisecond, roundHome) // the first packets wait for the correspondent's link-layer address
				for _, settled := range []time.Duration{6, 10, 16, 22} {
					r.all(t, settled*time.Second, (settled+1)*time.Second, straight)
				}
				result := run(t, "route-optimised", 1, set...)
				for _, h := range result.Handovers {
					checkStraight(t, h)
				}
				for _, f := range result.Flows {
					if d := f.Delay; time.Duration(*d.Last) != straight || time.Duration(*d.First) < roundHome || !d.Changed() {
						t.Errorf("%s: at first %v, in the end %v", f.Name, *d.First, *d.Last)
					}
				}
				if len(r.drops) > 0 && r.drops["no-binding"]+r.drops[plane.DropHomeAddress] > 0 {
					t.Errorf("drops %v", r.drops)
				}
			})
		}
	}
}

// checkStraight measures a handover against its parts. The correspondent is told when the home agent has answered (RFC 6275
// §11.7.2), so packets come straight one round trip later; those that the node sends follow the update.
func checkStraight(t *testing.T, h scenario.Handover) {
	t.Helper()
	where := h.From + " to " + h.To
	parts := waits(h, "router advertisement") + waits(h, "duplicate address detection") + waits(h, "binding acknowledgement")
	if over := time.Duration(*h.Down.L3Overhead) - parts; over < 2*straight || over > 2*straight+probe {
		t.Errorf("%s: toward the node %v after the acknowledgement, want %v", where, over, 2*straight)
	}
	if over := time.Duration(*h.Up.L3Overhead) - parts; over < 0 || over > probe {
		t.Errorf("%s: from the node %v after the acknowledgement", where, over)
	}
	if *h.Up.Lost+*h.Up.Reordered+*h.Down.Reordered+*h.Up.Duplicated+*h.Down.Duplicated != 0 {
		t.Errorf("%s: up %d lost, %d reordered; down %d reordered", where, *h.Up.Lost, *h.Up.Reordered, *h.Down.Reordered)
	}
}

// Where the old access works until the new one is registered, nothing is lost and nothing is late: what is on its way straight to
// the old care-of address is still taken.
//
// spec MIP-04
func TestRouteMakeBeforeBreak(t *testing.T) {
	s, err := scenario.Read("mbb.yaml", []byte(`name: mbb
title: A better access comes while the other still works
length: 12s
mn: {start: ar1, second: ar3, dad: optimistic, route_optimisation: on-traffic}
moves: [{at: 7s, lose: wlan0}, {at: 9s, regain: wlan0, to: ar2}]
flows: [{name: probe, interval: 1ms, size: 64, start: 5s, probe: true}]
`))
	if err != nil {
		t.Fatal(err)
	}
	r := hear(t, s, nil, nil, scenario.Options{Seed: 1})
	came := map[bool]int{}
	for _, w := range r.ways {
		if w.at < 8*time.Second || w.at >= 11*time.Second {
			continue
		}
		came[w.down]++
		if w.down && w.took != straight {
			t.Fatalf("sent at %v toward the node: %v", w.at, w.took)
		}
	}
	if came[true] != 3000 || came[false] != 3000 {
		t.Errorf("of 3000 each way: %v", came)
	}
}

// A correspondent that restarts has forgotten everything. It says so by a Binding Error, and a new exchange brings the
// short way back.
//
// spec MIP-04
func TestCorrespondentRestarts(t *testing.T) {
	r := listen(t, "route-optimised", func(p *scenario.Plan) {
		p.Actions = append(p.Actions, scenario.Action{At: 8500 * time.Millisecond, Verb: scenario.Crash, Node: "cn", Handover: -1},
			scenario.Action{At: 8600 * time.Millisecond, Verb: scenario.Restart, Node: "cn", Handover: -1})
		slices.SortStableFunc(p.Actions, func(a, b scenario.Action) int { return int(a.At - b.At) })
	}, nil, scenario.Options{Seed: 1, Set: []string{"mn.dad=optimistic"}})
	r.all(t, 8*time.Second, 8400*time.Millisecond, straight)
	r.all(t, 12*time.Second, 13*time.Second, straight)
	if r.drops["no-binding"] == 0 {
		t.Errorf("nobody told the mobile node: %v", r.drops)
	}
}

// A mobile node that is gone leaves its correspondent no route for ever: routers say that its care-of address is not reached.
//
// spec MIP-04
func TestRouteToNobodyEnds(t *testing.T) {
	const gone = 8500 * time.Millisecond
	r := listen(t, "route-optimised", func(p *scenario.Plan) {
		p.Actions = []scenario.Action{{At: gone, Verb: scenario.Crash, Node: "mn", Handover: -1},
			// The simulated router forgets neighbours when its link goes, and else not.
			{At: gone + time.Second, Verb: scenario.Detach, Node: "ar1", Iface: "cell", Handover: -1},
			{At: gone + 1100*time.Millisecond, Verb: scenario.Attach, Node: "ar1", Iface: "cell", Segment: "ar1", Handover: -1}}
		p.Length, p.Flows[0].Stop = gone+time.Minute, gone+time.Minute
	}, nil, scenario.Options{Seed: 1, Set: []string{"mn.dad=optimistic"}})
	if !slices.ContainsFunc(r.events, func(e string) bool { return strings.HasSuffix(e, "cn correspondent.unreachable") }) {
		t.Errorf("the correspondent sends there for ever: %v", r.events)
	}
}

// Coming home ends the route: the correspondent is told, and packets are plain again.
//
// spec MIP-04
func TestRouteEndsAtHome(t *testing.T) {
	r := listen(t, "home", nil, nil, scenario.Options{Seed: 1, Set: []string{"mn.dad=optimistic", "mn.route_optimisation=on-traffic"}})
	r.all(t, 11*time.Second, 12*time.Second, straight)
	r.all(t, 15*time.Second, 16*time.Second, 51*time.Millisecond-10*time.Millisecond) // home link 1, home 30, correspondent 10
	if !slices.ContainsFunc(r.events, func(e string) bool { return strings.HasSuffix(e, "cn correspondent.removed") }) {
		t.Error("the correspondent was not told")
	}
}

// Two mobile nodes are each other's correspondents: home tests pass both home agents' tunnels, packets carry both headers.
//
// spec MIP-04
func TestTwoMobiles(t *testing.T) {
	for _, security := range []string{"esp", "auth"} {
		t.Run(security, func(t *testing.T) {
			r := listen(t, "route-optimised", func(p *scenario.Plan) {
				p.Actions = nil
				f := p.Flows[0]
				f.Mobile, f.Peer, f.MobileAddr, f.PeerAddr = "mn", "mn2", scenario.HomeAddress(0), scenario.HomeAddress(1)
				f.Start = 6 * time.Second
				p.Flows = []scenario.Flow{f}
				for i := range p.Nodes {
					p.Nodes[i].Measured = p.Nodes[i].Name == "mn"
				}
			}, nil, scenario.Options{Seed: 1, Nodes: 2, Set: []string{"mn.stagger=0s", "mn.security=" + security}})
			r.all(t, 6*time.Second, 6020*time.Millisecond, 86*time.Millisecond)
			r.all(t, 8*time.Second, 20*time.Second, 2*time.Millisecond)
		})
	}
}

// eve sends packets from the middle of the network, with whatever addresses she likes.
type eve struct {
	at      engine.Mono
	packets func() [][]byte
	done    bool
}

func (e *eve) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	if _, tick := in.(engine.Tick); !tick || e.done {
		return
	}
	e.done = true
	for _, p := range e.packets() {
		out.Send(plane.Kernel, plane.HW{}, p)
	}
}

func (e *eve) Deadline() (engine.Mono, string) {
	if e.done {
		return engine.Never, ""
	}
	return e.at, "the moment"
}
func (e *eve) View() any { return nil }

// What forgers can do: nothing is diverted, each try is dropped and counted, and the route stands or comes back.
//
// spec MIP-04
func TestRouteAttacks(t *testing.T) {
	hoa, cn, third := scenario.HomeAddress(0), scenario.CNAddr, netip.MustParseAddr("2001:db8:b:3::66")
	coa := ip6.FromEUI64(netip.MustParsePrefix("2001:db8:a:1::/64"), hwOf(t, "mn"))
	message := func(p ip6.Packet, m mh.Message) []byte {
		p.Proto = ip6.ProtoMH
		p.Payload = mh.Append(nil, p.EffectiveSrc(), p.EffectiveDst(), m)
		return p.Append(nil)
	}
	update := &mh.BindingUpdate{Seq: 9, Ack: true, Lifetime: 400 * time.Second}
	update.Options.Nonces = &mh.NonceIndices{Home: 1, CareOf: 2}
	update.Options.BindingAuth = make([]byte, 12)
	udp := ip6.Packet{Header: ip6.Header{Src: third, Dst: cn}, HomeAddress: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 16)}
	routed := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: third, Proto: ip6.ProtoUDP, Payload: make([]byte, 16)}
	for name, c := range map[string]struct {
		packet []byte
		drop   string
		costs  bool // the route is lost for a moment
	}{
		"update":                           {message(ip6.Packet{Header: ip6.Header{Src: third, Dst: cn}, HomeAddress: hoa}, update), "bu-nonce", false},
		"removal from the home":            {message(ip6.Packet{Header: ip6.Header{Src: hoa, Dst: cn}}, &mh.BindingUpdate{Seq: 9, Options: update.Options}), "bu-nonce", false},
		"home address of another":          {udp.Append(nil), plane.DropHomeAddress, false},
		"home test to the home":            {message(ip6.Packet{Header: ip6.Header{Src: cn, Dst: hoa}}, &mh.HomeTest{NonceIndex: 1}), "test-unexpected", false},
		"home test to the care-of":         {message(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}}, &mh.HomeTest{NonceIndex: 1}), "test-unexpected", false},
		"routing header to a third":        {routed.Append(nil), plane.DropRouting, false},
		"acknowledgement":                  {message(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa}, &mh.BindingAck{Status: 128}), "ba-unexpected", false},
		"refresh request":                  {message(ip6.Packet{Header: ip6.Header{Src: cn, Dst: hoa}}, &mh.BindingRefreshRequest{}), "brr-unexpected", false},
		"binding error of a third":         {message(ip6.Packet{Header: ip6.Header{Src: third, Dst: coa}}, &mh.BindingError{Status: 1, HomeAddress: hoa}), "be-unexpected", false},
		"binding error of a correspondent": {message(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}}, &mh.BindingError{Status: 1, HomeAddress: hoa}), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			e := &eve{at: engine.Mono(6100 * time.Millisecond), packets: func() [][]byte { return [][]byte{c.packet} }}
			r := listen(t, "route-optimised", nil, map[string]engine.Engine{"core": e}, scenario.Options{Seed: 1})
			if c.drop != "" && r.drops[c.drop] == 0 {
				t.Errorf("drops %v, want %s", r.drops, c.drop)
			}
			if !c.costs {
				r.all(t, 6*time.Second, 6900*time.Millisecond, straight)
			}
			r.all(t, 6500*time.Millisecond, 6900*time.Millisecond, straight)
			for _, w := range r.ways { // a lost route costs no packet
				if w.at > 6*time.Second && w.at < 6900*time.Millisecond && w.took > roundHome {
					t.Fatalf("%v at %v", w.took, w.at)
				}
			}
		})
	}
}

// hwOf is the link-layer address of a node's first interface.
func hwOf(t *testing.T, name string) plane.HW {
	s, err := scenario.Load("route-optimised")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Nodes {
		if n.Name == name {
			return n.Ifaces[0].HW
		}
	}
	t.Fatal("no node " + name)
	return plane.HW{}
}
