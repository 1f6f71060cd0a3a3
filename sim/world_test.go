package sim

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
)

const ms = time.Millisecond

// tape is a Recorder that keeps what tests ask about and hashes every call.
type tape struct {
	sum      hash.Hash
	sent     map[packetKey]time.Duration
	received map[packetKey][]time.Duration
	order    []uint32 // sequence numbers toward the mobile node as they came
	drops    map[string]int
	events   []string
	did      []int
	air      int
}

type packetKey struct {
	flow int
	down bool
	seq  uint32
}

func newTape() *tape {
	return &tape{sum: sha256.New(), sent: map[packetKey]time.Duration{}, received: map[packetKey][]time.Duration{},
		drops: map[string]int{}}
}

func (t *tape) Event(at time.Duration, node, eng string, ev engine.Event) {
	b, _ := json.Marshal(ev)
	fmt.Fprintln(t.sum, "event", at, node, eng, string(b))
	t.events = append(t.events, fmt.Sprintf("%v %s %s %s", at, node, ev.Name, ev.Reason))
}
func (t *tape) Did(at time.Duration, i int) {
	fmt.Fprintln(t.sum, "did", at, i)
	t.did = append(t.did, i)
}
func (t *tape) Sent(at time.Duration, flow int, down bool, seq uint32) {
	fmt.Fprintln(t.sum, "sent", at, flow, down, seq)
	t.sent[packetKey{flow, down, seq}] = at
}
func (t *tape) Received(at time.Duration, flow int, down bool, seq uint32) {
	fmt.Fprintln(t.sum, "received", at, flow, down, seq)
	k := packetKey{flow, down, seq}
	t.received[k] = append(t.received[k], at)
	if down {
		t.order = append(t.order, seq)
	}
}
func (t *tape) Frame(at time.Duration, segment, node string, up bool, packet []byte) {
	fmt.Fprintln(t.sum, "frame", at, segment, node, up, packet)
	t.air++
}
func (t *tape) Dropped(reason string, n int) {
	fmt.Fprintln(t.sum, "dropped", reason, n)
	t.drops[reason] += n
}
func (t *tape) hash() string { return fmt.Sprintf("%x", t.sum.Sum(nil)) }

// script is an engine whose behaviour a test writes down.
type script struct {
	on  func(s *script, now engine.Now, in engine.Input, out *engine.Effects)
	due engine.Mono
}

func (s *script) Handle(now engine.Now, in engine.Input, out *engine.Effects) { s.on(s, now, in, out) }
func (s *script) Deadline() (engine.Mono, string)                             { return s.due, "test" }
func (s *script) View() any                                                   { return struct{}{} }

type handler = func(s *script, now engine.Now, in engine.Input, out *engine.Effects)

// scripts builds one engine a node from a handler of the node's name.
func scripts(by map[string]handler) scenario.Build {
	return func(n scenario.Node, _ [32]byte) (scenario.Built, error) {
		h, ok := by[n.Name]
		if !ok {
			return scenario.Built{}, fmt.Errorf("no script")
		}
		return scenario.Built{Engines: []scenario.NamedEngine{{Name: "test", Engine: &script{on: h, due: engine.Never}}}}, nil
	}
}

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func hw(n int) plane.HW { return plane.HW{2, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)} }

// twoNets is a host a, a router r and a host b: a --left-- r --right-- b, one flow with a as the mobile end.
func twoNets(left, right scenario.LinkModel) *scenario.Plan {
	return &scenario.Plan{
		Scenario: "two-nets", Seed: 1, Length: 10 * time.Second,
		Segments: []scenario.Segment{{Name: "left", Air: true, Link: left}, {Name: "right", Link: right}},
		Nodes: []scenario.Node{
			{Name: "a", Ifaces: []scenario.Iface{{Name: "eth0", HW: hw(1), Segment: "left", Addrs: []netip.Prefix{prefix("2001:db8:1::a/64")}}},
				Routes: []scenario.Route{{Dst: prefix("::/0"), Via: addr("2001:db8:1::1"), Iface: "eth0"}}},
			{Name: "r", Forward: true, Ifaces: []scenario.Iface{
				{Name: "eth0", HW: hw(2), Segment: "left", Addrs: []netip.Prefix{prefix("2001:db8:1::1/64")}},
				{Name: "eth1", HW: hw(3), Segment: "right", Addrs: []netip.Prefix{prefix("2001:db8:2::1/64")}}}},
			{Name: "b", Ifaces: []scenario.Iface{{Name: "eth0", HW: hw(4), Segment: "right", Addrs: []netip.Prefix{prefix("2001:db8:2::b/64")}}},
				Routes: []scenario.Route{{Dst: prefix("::/0"), Via: addr("2001:db8:2::1"), Iface: "eth0"}}},
		},
		Flows: []scenario.Flow{{Name: "f", Mobile: "a", Peer: "b", MobileAddr: addr("2001:db8:1::a"), PeerAddr: addr("2001:db8:2::b"),
			Port: 4000, Interval: 20 * ms, Size: 160, Stop: 9 * time.Second}},
	}
}

func run(t testing.TB, p *scenario.Plan, by map[string]handler) (*tape, Stats) {
	t.Helper()
	rec := newTape()
	stats, err := Run(Config{Plan: p, Build: scripts(by), Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	return rec, stats
}

func TestDelaysAreExact(t *testing.T) {
	rec, stats := run(t, twoNets(scenario.LinkModel{Delay: 5 * ms}, scenario.LinkModel{Delay: 7*ms + 1}), nil)
	for _, down := range []bool{false, true} {
		for seq := uint32(0); seq < 450; seq++ {
			k := packetKey{0, down, seq}
			got := rec.received[k]
			if len(got) != 1 {
				t.Fatalf("packet %v received %d times", k, len(got))
			}
			// The first packets wait for neighbour discovery on both links.
			if delay := got[0] - rec.sent[k]; seq >= 3 && delay != 12*ms+1 {
				t.Fatalf("packet %v took %v, want 12.000001ms", k, delay)
			}
		}
	}
	// Up: NS and NA on the left, the packet crosses; NS and NA on the right were b's own question, asked first.
	if got := rec.received[packetKey{0, false, 0}][0]; got != 3*5*ms+7*ms+1 {
		t.Errorf("first packet up took %v", got)
	}
	if rec.air == 0 || stats.Frames == 0 || stats.Events == 0 {
		t.Errorf("air %d, stats %+v", rec.air, stats)
	}
}

func TestRateLimitsAndQueueDrops(t *testing.T) {
	// 160 octets of payload are 222 on the wire: 20 packets a second at 222*8*20 bit/s. 180 in 9 s and what the queue holds.
	p := twoNets(scenario.LinkModel{}, scenario.LinkModel{Rate: 222 * 8 * 20, Queue: 10})
	rec, _ := run(t, p, nil)
	up := 0
	for k := range rec.received {
		if !k.down {
			up++
		}
	}
	if up < 186 || up > 192 {
		t.Errorf("%d packets in 9 s at 20 a second", up)
	}
	if rec.drops[dropQueueFull] == 0 {
		t.Error("the queue never overflowed")
	}
}

func TestDetachLosesFramesInFlight(t *testing.T) {
	p := twoNets(scenario.LinkModel{Delay: 50 * ms}, scenario.LinkModel{})
	p.Actions = []scenario.Action{
		{At: 2000*ms + 1, Verb: scenario.Detach, Node: "a", Iface: "eth0", Handover: 0},
		{At: 2100*ms + 1, Verb: scenario.Attach, Node: "a", Iface: "eth0", Segment: "left", Handover: 0},
	}
	rec, stats := run(t, p, nil)
	for seq := uint32(90); seq < 120; seq++ {
		k := packetKey{0, true, seq}
		at, got := rec.sent[k], len(rec.received[k])
		lost := at > 1950*ms && at < 2100*ms+1
		if lost != (got == 0) {
			t.Errorf("packet sent at %v received %d times", at, got)
		}
	}
	// Sent at 1960..2000 down: in flight at the detach.
	if rec.drops[dropLinkDown] < 3 || rec.drops[dropNoStation] == 0 {
		t.Errorf("drops %v", rec.drops)
	}
	if stats.Handovers != 1 || len(rec.did) != 2 {
		t.Errorf("handovers %d, did %v", stats.Handovers, rec.did)
	}
	// What a had sent before it left arrives.
	if n := len(rec.received[packetKey{0, false, 99}]); n != 1 {
		t.Errorf("the last packet up was received %d times", n)
	}
}

func noisy() *scenario.Plan {
	return twoNets(scenario.LinkModel{Delay: 5 * ms, Jitter: 3 * ms, Loss: 0.05, Duplicate: 0.05, Reorder: 0.02, ReorderBy: 30 * ms},
		scenario.LinkModel{Delay: 2 * ms, Rate: 1e6, Queue: 20})
}

func TestEqualPlansEqualRuns(t *testing.T) {
	a, sa := run(t, noisy(), nil)
	b, sb := run(t, noisy(), nil)
	if a.hash() != b.hash() || sa != sb {
		t.Fatal("two runs of one plan differ")
	}
	other := noisy()
	other.Seed = 2
	if c, _ := run(t, other, nil); c.hash() == a.hash() {
		t.Fatal("the seed changes nothing")
	}
	if a.drops[dropLoss] == 0 {
		t.Error("nothing was lost")
	}
}

// A node that is added must not change what happens to the others.
func TestAddedNodeChangesNoDraws(t *testing.T) {
	a, _ := run(t, noisy(), nil)
	p := noisy()
	p.Nodes = append([]scenario.Node{{Name: "c", Ifaces: []scenario.Iface{{Name: "eth0", HW: hw(9), Segment: "left",
		Addrs: []netip.Prefix{prefix("2001:db8:1::c/64")}}}}}, p.Nodes...)
	b, _ := run(t, p, nil)
	for k, at := range a.received {
		if fmt.Sprint(b.received[k]) != fmt.Sprint(at) {
			t.Fatalf("packet %v: %v, with another node %v", k, at, b.received[k])
		}
	}
}

func TestDegradeKeepsOrder(t *testing.T) {
	p := twoNets(scenario.LinkModel{Delay: 200 * ms}, scenario.LinkModel{})
	p.Actions = []scenario.Action{{At: 2 * time.Second, Verb: scenario.Degrade, Segment: "left", Link: scenario.LinkModel{Delay: ms}}}
	rec, _ := run(t, p, nil)
	for k := 1; k < len(rec.order); k++ {
		if rec.order[k] < rec.order[k-1] {
			t.Fatalf("packet %d came after %d", rec.order[k], rec.order[k-1])
		}
	}
	k := packetKey{0, true, 200}
	if d := rec.received[k][0] - rec.sent[k]; d != ms {
		t.Errorf("after the change a packet takes %v", d)
	}
}

func TestPlansThatCannotRun(t *testing.T) {
	for want, change := range map[string]func(p *scenario.Plan){
		`sim: node "a": interface "eth0": there is no segment "x"`: func(p *scenario.Plan) { p.Nodes[0].Ifaces[0].Segment = "x" },
		`sim: node "b": named twice`:                               func(p *scenario.Plan) { p.Nodes[0].Name = "b" },
		`sim: flow "f": there is no node "z"`:                      func(p *scenario.Plan) { p.Flows[0].Peer = "z" },
		`sim: action 0 (crash at 0s): node "a" runs no engine`: func(p *scenario.Plan) {
			p.Actions = []scenario.Action{{Verb: scenario.Crash, Node: "a"}}
		},
	} {
		p := twoNets(scenario.LinkModel{}, scenario.LinkModel{})
		change(p)
		_, err := Run(Config{Plan: p, Build: scripts(nil), Recorder: newTape()})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
