package check_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"hash"
	"hash/fnv"
	"regexp"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/node"
	"roam6/scenario"
	"roam6/sim"
	"roam6/sim/check"
	"roam6/wire/ip6"
)

// The swarm: many seeds of the built-in scenarios with faults, crashes, skewed clocks and a replaying attacker. A
// longer one: go test ./sim/check -run TestSwarm -seeds 1000 -timeout 1h
var (
	only  = flag.String("scenario", "", "run the swarm on this scenario only")
	from  = flag.Uint64("from", 0, "first seed of the swarm")
	seeds = flag.Uint64("seeds", 5, "seeds of the swarm for each scenario")
)

const (
	swarmLength   = 150 * time.Second // so that the quiet tail is longer than check.DefaultWithin
	swarmInterval = 100 * time.Millisecond
	swarmNodes    = 3
)

// trace is a Recorder that hashes all it is told.
type trace struct{ sum hash.Hash64 }

func (t *trace) Event(at time.Duration, node, eng string, ev engine.Event) {
	fmt.Fprint(t.sum, "e", int64(at), node, eng, ev.Name, ev.Reason, ev.Attrs)
}
func (t *trace) Did(at time.Duration, i int) { fmt.Fprint(t.sum, "a", int64(at), i) }
func (t *trace) Sent(at time.Duration, flow int, down bool, seq uint32) {
	fmt.Fprint(t.sum, "s", int64(at), flow, down, seq)
}
func (t *trace) Received(at time.Duration, flow int, down bool, seq uint32) {
	fmt.Fprint(t.sum, "r", int64(at), flow, down, seq)
}
func (t *trace) Frame(at time.Duration, segment, node string, up bool, packet []byte) {
	fmt.Fprint(t.sum, "f", int64(at), segment, node, up)
	t.sum.Write(packet)
}
func (t *trace) Dropped(reason string, n int) { fmt.Fprint(t.sum, "d", reason, n) }

// build makes a node's engines as the command does.
func build(n scenario.Node, seed [32]byte) (scenario.Built, error) {
	c, err := node.Parse(n.Name+".yaml", n.Config)
	if err != nil {
		return scenario.Built{}, err
	}
	engines, err := node.Build(c, seed)
	b := scenario.Built{Refuse: c.Refuse(), Profiles: c.Profiles()}
	for _, e := range engines {
		b.Engines = append(b.Engines, scenario.NamedEngine{Name: e.Name, Engine: e.Engine})
	}
	return b, err
}

// faulty is a scenario made longer, with thinner traffic and faults.
func faulty(t *testing.T, s *scenario.Scenario, seed uint64) *scenario.Plan {
	t.Helper()
	security := []string{"esp", "auth"}[seed%2]
	dad := []string{"standard", "optimistic"}[seed/2%2]
	lifetime := []string{"420s", "24s"}[seed/4%2]
	set := []string{"mn.dad=" + dad, "mn.lifetime=" + lifetime}
	if !s.Mobile.Keyed() {
		set = append(set, "mn.security="+security)
	}
	p, err := s.Plan(scenario.Options{Seed: seed, Nodes: swarmNodes, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	p.Length = swarmLength
	for k := range p.Flows {
		p.Flows[k].Interval, p.Flows[k].Stop = swarmInterval, swarmLength-time.Second
	}
	return sim.Faults(p, seed)
}

var hexKey = regexp.MustCompile(`"([0-9a-f]{32,})"`)

// keysOf finds the keys in the nodes' configurations.
func keysOf(t *testing.T, p *scenario.Plan) *check.NoKeys {
	t.Helper()
	keys := map[string][]byte{}
	var names []string
	for _, n := range p.Nodes {
		for k, m := range hexKey.FindAllSubmatch(n.Config, -1) {
			name := fmt.Sprint(n.Name, " key ", k)
			keys[name], _ = hex.DecodeString(string(m[1]))
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatal("no keys found in the configurations")
	}
	return check.NewNoKeys(names, keys)
}

func TestSwarm(t *testing.T) {
	for _, s := range scenario.List() {
		if *only != "" && *only != s.Name {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel() // a simulation runs on one core
			var injected uint64
			for seed := *from; seed < *from+*seeds; seed++ {
				var sums [2][]byte
				for k := range sums {
					p := faulty(t, s, seed)
					tr := &trace{fnv.New64a()}
					stats, err := sim.Run(sim.Config{Plan: p, Recorder: tr, Build: build,
						Replay:   &sim.Replay{Share: 0.5, Min: time.Millisecond, Max: 20 * time.Second},
						Checkers: append(check.All(p, sim.QuietFrom(p.Length), check.DefaultWithin), keysOf(t, p))})
					if err != nil {
						t.Errorf("%v\nagain: go test ./sim/check -run TestSwarm -scenario %s -from %d -seeds 1", err, s.Name, seed)
					}
					injected += stats.Injected
					sums[k] = tr.sum.Sum(nil)
				}
				if !bytes.Equal(sums[0], sums[1]) {
					t.Errorf("seed %d: two runs of one plan differ", seed)
				}
			}
			if injected == 0 {
				t.Error("the attacker never found anything to replay")
			}
		})
	}
}

// tunnels counts the tunnel packets a node sends, and notes the last.
type tunnels struct {
	node string
	n    int
	last time.Duration
}

func (c *tunnels) Observe(o sim.Observation) {
	if f, ok := o.(sim.Frame); ok && f.Node == c.node && f.Packet[6] == ip6.ProtoIPv6 {
		c.n++
		c.last = f.At
	}
}
func (c *tunnels) Err() error { return nil }

// A mobile node that vanishes is served until its binding expires and no longer.
func TestBindingOfASilentNodeExpires(t *testing.T) {
	s, err := scenario.Load("commute")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: 1, Set: []string{"mn.lifetime=16s", "mn.aaa=off", "mn.home_agent=configured"}})
	if err != nil {
		t.Fatal(err)
	}
	const gone = 10 * time.Second
	p.Length = time.Minute
	p.Actions = []scenario.Action{{At: gone, Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: -1}}
	for k := range p.Flows {
		p.Flows[k].Interval, p.Flows[k].Stop = swarmInterval, p.Length
	}
	seen := &tunnels{node: "ha"}
	_, err = sim.Run(sim.Config{Plan: p, Recorder: &trace{fnv.New64a()}, Build: build,
		Checkers: []sim.Checker{check.NewOneOwner(), check.NewNoStale(), seen}})
	if err != nil {
		t.Fatal(err)
	}
	if seen.last < gone || seen.last > gone+16*time.Second {
		t.Errorf("%d packets tunnelled, the last at %v; the node was gone at %v", seen.n, seen.last, gone)
	}
}

// The checkers must be able to fail on the real roles: a key that does cross the air is found.
func TestSwarmFindsWhatIsThere(t *testing.T) {
	s, err := scenario.Load("commute")
	if err != nil {
		t.Fatal(err)
	}
	p := faulty(t, s, 1)
	hoa := p.Flows[0].MobileAddr.As16()
	c := check.NewNoKeys([]string{"hoa"}, map[string][]byte{"hoa": hoa[:]})
	_, err = sim.Run(sim.Config{Plan: p, Recorder: &trace{fnv.New64a()}, Build: build, Checkers: []sim.Checker{c}})
	if err == nil || !strings.Contains(err.Error(), `key "hoa"`) {
		t.Errorf("got %v", err)
	}
	r := check.NewReachable(p, 0, time.Millisecond)
	_, err = sim.Run(sim.Config{Plan: p, Recorder: &trace{fnv.New64a()}, Build: build, Checkers: []sim.Checker{r}})
	if err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("got %v", err)
	}
}
