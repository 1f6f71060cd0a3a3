package scenario

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/conf"
	"roam6/engine"
	"roam6/plane"
)

// MeasuredMobiles is the number of mobile nodes that get traffic of their own. A thousand replicas with a thousand
// packets a second each would measure the machine, not the handover; their handovers are judged by their events.
const MeasuredMobiles = 10

// MaxMobiles is the number of mobile nodes at most; more have no link-layer address.
const MaxMobiles = 1 << 20

// Options are what a run decides about a scenario.
type Options struct {
	Strategy string   // "" is what the scenario says
	Seed     uint64   // equal seeds make equal plans
	Nodes    int      // mobile nodes; 0 is 1
	Set      []string // overrides "key=value"
}

// Plan works the scenario out for one run.
func (s *Scenario) Plan(o Options) (*Plan, error) {
	scene, doc, err := read(s.file, s.text, o.Set)
	if err != nil {
		return nil, err
	}
	o.Strategy, o.Nodes = or(o.Strategy, scene.Strategy), max(o.Nodes, 1)
	if o.Nodes > MaxMobiles || o.Nodes > 1 && scene.Topology == Explicit {
		return nil, fmt.Errorf("--nodes %d: at most %d, and 1 with an explicit topology", o.Nodes, MaxMobiles)
	}
	b := &builder{s: scene, doc: doc, o: o, plan: &Plan{Scenario: scene.Name, Strategy: o.Strategy, Seed: o.Seed, Length: scene.Length}}
	if scene.Topology == TwoOperators && scene.Mobile.Hosts > 0 && o.Nodes > maxNetworks {
		return nil, fmt.Errorf("--nodes %d: at most %d with networks behind them (mn.hosts)", o.Nodes, maxNetworks)
	}
	if scene.Topology == TwoOperators {
		b.crowd()
		b.world()
		for i := range o.Nodes {
			b.mobile(i)
		}
		for i := range o.Nodes {
			b.hosts(i)
		}
		b.admission()
		b.trust()
	}
	b.explicit()
	b.introduce()
	b.moves()
	b.faults()
	slices.SortStableFunc(b.plan.Actions, func(x, y Action) int { return cmp.Compare(x.At, y.At) })
	b.number()
	return b.plan, nil
}

// Expectation is what the scenario with these overrides expects; nodes does not change it.
func (s *Scenario) Expectation(o Options) (Expect, error) {
	scene, _, err := read(s.file, s.text, o.Set)
	if err != nil {
		return Expect{}, err
	}
	return scene.Expect, nil
}

// DAD is the way of duplicate address detection that the file itself chooses, "" where it leaves that open. What it expects it expects with that one:
// a limit of time that the one keeps says nothing of the other, which waits a second longer.
func (s *Scenario) DAD() string {
	scene, doc, err := read(s.file, s.text, nil)
	if err != nil || !doc.Has("mn.dad") {
		return ""
	}
	return scene.Mobile.DAD
}

// builder works out one plan.
type builder struct {
	s    *Scenario
	doc  *conf.Doc
	o    Options
	plan *Plan
}

func (b *builder) segment(name string, air bool, link LinkModel) {
	s := Segment{Name: name, Air: air, Link: link}
	if air {
		s.HW = CellHW(name)
	}
	b.plan.Segments = append(b.plan.Segments, s)
}

// CellHW is the identity (BSSID) of a radio cell. It follows from the name, so that plans and hands-on labs agree; its first
// octet tells it from the addresses of interfaces.
func CellHW(name string) plane.HW {
	sum := sha256.Sum256([]byte("roam6 cell\x00" + name))
	hw := plane.HW(sum[:])
	hw[0] = 6
	return hw
}

// node adds a node and gives its number.
func (b *builder) node(n Node) int {
	b.plan.Nodes = append(b.plan.Nodes, n)
	return len(b.plan.Nodes) - 1
}

// iface adds an interface; see ifaceHW for its link-layer address.
func (b *builder) iface(node int, f Iface) {
	n := &b.plan.Nodes[node]
	f.HW = ifaceHW(node, len(n.Ifaces)+1)
	n.Ifaces = append(n.Ifaces, f)
}

// introduce tells the kernel nodes on each wire about each other; see Node.Neighbors. Radio cells and home links are
// left to neighbour discovery: who is there is what a handover is about.
func (b *builder) introduce() {
	wires := map[string][]Neighbor{}
	for _, n := range b.plan.Nodes {
		for _, f := range n.Ifaces {
			for _, a := range f.Addrs {
				if n.Owned(&f) && a.Addr().Is6() {
					wires[f.Segment] = append(wires[f.Segment], Neighbor{Addr: a.Addr(), HW: f.HW})
				}
			}
		}
	}
	for _, s := range b.plan.Segments {
		if s.Air {
			delete(wires, s.Name)
		}
	}
	for k := range b.plan.Nodes {
		n := &b.plan.Nodes[k]
		for _, f := range n.Ifaces {
			for _, other := range wires[f.Segment] {
				if other.HW != f.HW && n.Owned(&f) {
					n.Neighbors = append(n.Neighbors, Neighbor{f.Name, other.Addr, other.HW})
				}
			}
		}
	}
}

// mobileName is mn, mn2, mn3 …
func mobileName(i int) string {
	if i == 0 {
		return "mn"
	}
	return fmt.Sprintf("mn%d", i+1)
}

// mobile adds mobile node i, its traffic when it is measured, and its first attachment when it begins later.
func (b *builder) mobile(i int) {
	name, later := mobileName(i), b.later(i)
	n := b.node(Node{Name: name, Userland: true, Forward: b.s.Mobile.Hosts > 0, Measured: i < MeasuredMobiles, Skew: b.s.Mobile.Skew, Config: b.mobileConfig(i)})
	start := b.s.Mobile.Start
	b.attached(n, Iface{Name: "wlan0", Port: 1, Segment: start}, later+b.lead())
	if b.s.Mobile.Second != "" {
		b.attached(n, Iface{Name: "wwan0", Port: 2, Segment: b.s.Mobile.Second}, later+b.lead())
	}
	b.inside(i, n)
	if i >= MeasuredMobiles {
		return
	}
	for _, f := range b.s.Flows {
		flow := b.flow(f, name, b.homeOf(i), "cn", CNAddr)
		if f.Host > 0 {
			flow.Mobile, flow.MobileAddr, flow.Behind = hostName(i, f.Host), HostAddress(i, f.Host), name
		}
		flow.Start += later
		if i > 0 {
			flow.Name = f.Name + "-" + name
		}
		b.addFlow(flow)
	}
}

// attached adds an interface that is attached from the start, or by an action when its node begins later.
func (b *builder) attached(n int, f Iface, later time.Duration) {
	if later > 0 {
		b.act(Action{At: later, Verb: Attach, Node: b.plan.Nodes[n].Name, Iface: f.Name, Segment: f.Segment, Handover: -1})
		f.Segment = ""
	}
	b.iface(n, f)
}

// settle is the time that is left to replicas after their last move.
const settle = 4 * time.Second

// later is how much later than the first mobile node number i does everything. Drawn from the seed and the node's
// name, so that more nodes do not change the others. The last move keeps its time to settle.
func (b *builder) later(i int) time.Duration {
	span := min(b.s.Mobile.Stagger, b.spare())
	if i == 0 || span <= 0 {
		return 0
	}
	return engine.NewRand(b.derive("stagger", mobileName(i))).Between(0, span)
}

// spare is how much later than the first a mobile node may do everything.
func (b *builder) spare() time.Duration {
	spare := b.s.Length - settle
	for _, m := range b.s.Moves {
		spare = min(spare, b.s.Length-settle-m.At)
	}
	return spare
}

// newcomers is how many mobile nodes a second enter a network that does not know them. An access router hears AllRate (machine/admit) packets
// of strangers a second, and each of them asks about three times until it has its answer. More at once would be a test of that limit:
// some would wait out a pause while others move on.
const newcomers = 256

// crowd gives many mobile nodes that ask to be let in as much time as their number needs, and makes the run longer by that.
func (b *builder) crowd() {
	need := time.Duration(b.o.Nodes) * time.Second / newcomers
	if !b.aaa() || b.s.Mobile.Stagger != defaultStagger || need <= defaultStagger {
		return
	}
	b.s.Mobile.Stagger = need
	longer := max(0, need-b.spare())
	b.s.Length += longer
	b.plan.Length = b.s.Length
}

// derive makes 32 octets of the seed for a purpose and a name.
func (b *builder) derive(purpose, name string) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "roam6 scenario\x00%d\x00%s\x00%s", b.o.Seed, purpose, name))
}

// defaultStop is how long before the end flows stop, so that their last packets still arrive.
const defaultStop = 500 * time.Millisecond

// firstPort is the UDP port of the first flow; each flow has its own.
const firstPort = 40000

func (b *builder) flow(f FlowSpec, mobile string, mobileAddr netip.Addr, peer string, peerAddr netip.Addr) Flow {
	out := Flow{
		Name: f.Name, Mobile: mobile, Peer: peer, MobileAddr: mobileAddr, PeerAddr: peerAddr, Interval: f.Interval,
		Size: f.Size, Start: f.Start, Stop: f.Stop, Voice: f.Voice, Probe: f.Probe,
	}
	if out.Size == 0 {
		out.Size = 64
	}
	if out.Stop == 0 {
		out.Stop = max(b.s.Length-defaultStop, f.Start)
	}
	return out
}

func (b *builder) addFlow(f Flow) {
	f.Port = firstPort + uint16(len(b.plan.Flows))
	b.plan.Flows = append(b.plan.Flows, f)
}

// explicit adds what the file lists itself.
func (b *builder) explicit() {
	for _, s := range b.s.Segments {
		b.segment(s.Name, s.Air, s.Link.model())
	}
	for _, spec := range b.s.Nodes {
		n := Node{Name: spec.Name, Userland: spec.Userland, Forward: spec.Forward, Measured: spec.Measured, Skew: spec.Skew}
		if spec.Config != "" {
			n.Config = []byte(spec.Config)
		}
		for _, r := range spec.Routes {
			n.Routes = append(n.Routes, Route(r))
		}
		at := b.node(n)
		for _, f := range spec.Ifaces {
			b.iface(at, Iface{Name: f.Name, Port: plane.Port(f.Port), Segment: f.Segment, Addrs: f.Addrs, MTU: f.MTU})
		}
	}
	if b.s.Topology == Explicit {
		for _, f := range b.s.Flows {
			b.addFlow(b.flow(f, or(f.Mobile, "mn"), f.MobileAddr, or(f.Peer, "cn"), f.PeerAddr))
		}
	}
}
