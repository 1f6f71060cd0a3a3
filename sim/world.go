package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/ip6"
)

// Epoch is the wall clock's time at the start of every run, before a node's Skew.
var Epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// DefaultMTU is the MTU of an interface that names none (octets).
const DefaultMTU = 1500

// world is one run.
type world struct {
	config Config
	plan   *scenario.Plan
	rec    scenario.Recorder
	now    time.Duration
	err    error
	stats  Stats

	heap    heap
	frames  frames
	inputs  []offered // waiting for engines, first come first served
	punted  boxed     // the latest packet given to engines
	sinks   []*plane.Sink
	effects engine.Effects
	action  int             // next of plan.Actions
	done    []bool          // those carried out, perhaps ahead of their time
	moves   map[int32][]int // those of the handovers of an interface, in order
	moment  int             // events at the present moment
	limit   int             // MaxMoment
	told    time.Duration   // Progress has been told up to here
	ether   []byte          // scratch for Capture
	warmed  engine.Mono     // what warm read; without a use the reading might be left out

	segments  []*segment
	segByName map[string]*segment
	nodes     []*node
	byName    map[string]*node
	ifaces    []*iface
	byHW      map[plane.HW]*iface
	engines   []*runner
	neighbors []*neighbor
	flows     []flow
	socks     []*socket // nil: over
	dirty     []*socket // to which something happened in this turn
	answers   []answer  // to queries, from answered on
	answered  int
	attacker  *attacker
}

func newWorld(c Config) (*world, error) {
	if c.Plan == nil || c.Recorder == nil || c.Build == nil {
		return nil, errors.New("sim: Config needs Plan, Build and Recorder")
	}
	if c.Tables == nil {
		var err error
		if c.Tables, err = subscribers(c.Plan); err != nil {
			return nil, err
		}
	}
	w := &world{limit: MaxMoment, config: c, plan: c.Plan, rec: c.Recorder, segByName: map[string]*segment{}, done: make([]bool, len(c.Plan.Actions)),
		byName: map[string]*node{}, byHW: map[plane.HW]*iface{}}
	for i, s := range c.Plan.Segments {
		if w.segByName[s.Name] != nil {
			return nil, fmt.Errorf("sim: segment %q is named twice", s.Name)
		}
		seg := newSegment(int32(i), s)
		w.segments = append(w.segments, seg)
		w.segByName[s.Name] = seg
	}
	for k := range c.Plan.Nodes {
		if err := w.addNode(&c.Plan.Nodes[k]); err != nil {
			return nil, fmt.Errorf("sim: node %q: %w", c.Plan.Nodes[k].Name, err)
		}
	}
	for i := range c.Plan.Flows {
		if err := w.addFlow(i); err != nil {
			return nil, fmt.Errorf("sim: flow %q: %w", c.Plan.Flows[i].Name, err)
		}
	}
	for i, a := range c.Plan.Actions {
		if err := w.checkAction(a); err != nil {
			return nil, fmt.Errorf("sim: action %d (%s at %v): %w", i, a.Verb, a.At, err)
		}
	}
	if !slices.IsSortedFunc(c.Plan.Actions, func(a, b scenario.Action) int { return int(min(1, max(-1, a.At-b.At))) }) {
		return nil, errors.New("sim: actions must be ordered by their times")
	}
	w.indexMoves()
	if c.Replay != nil {
		w.attacker = newAttacker(c.Plan.Seed, *c.Replay)
	}
	return w, nil
}

func (w *world) addNode(p *scenario.Node) error {
	if w.byName[p.Name] != nil {
		return errors.New("named twice")
	}
	n := &node{w: w, plan: p, userland: p.Userland, skew: p.Skew, icmp: icmpBucket{tokens: icmpBurst}}
	w.nodes = append(w.nodes, n)
	w.byName[p.Name] = n
	for _, f := range p.Ifaces {
		if err := n.addIface(f); err != nil {
			return fmt.Errorf("interface %q: %w", f.Name, err)
		}
	}
	for _, r := range p.Routes {
		i := n.byIface(r.Iface)
		if i == nil {
			return fmt.Errorf("route %v: there is no interface %q", r.Dst, r.Iface)
		}
		n.addRoute(routeOf(r, i))
	}
	for _, b := range p.Neighbors {
		i := n.byIface(b.Iface)
		if i == nil || i.neigh == nil {
			return fmt.Errorf("neighbour %v: there is no kernel interface %q", b.Addr, b.Iface)
		}
		e := i.entry(b.Addr.As16())
		e.known, e.hw = true, b.HW
	}
	return nil
}

func (n *node) addIface(f scenario.Iface) error {
	w := n.w
	if n.byIface(f.Name) != nil {
		return errors.New("named twice")
	}
	if f.Segment != "" && w.segByName[f.Segment] == nil {
		return fmt.Errorf("there is no segment %q", f.Segment)
	}
	if w.byHW[f.HW] != nil {
		return fmt.Errorf("link-layer address %x is also that of %s", f.HW, w.byHW[f.HW].label())
	}
	if f.Port > 0 && n.byPort(f.Port) != nil {
		return fmt.Errorf("port %d is taken twice", f.Port)
	}
	i := &n.link
	if len(n.ifaces) > 0 {
		i = new(iface)
	}
	*i = iface{id: int32(len(w.ifaces)), node: n, name: f.Name, port: f.Port, hw: f.HW, mtu: f.MTU, kernel: n.plan.Owned(&f), detached: -1}
	if i.mtu == 0 {
		i.mtu = DefaultMTU
	}
	w.ifaces = append(w.ifaces, i)
	w.byHW[f.HW] = i
	n.ifaces = append(n.ifaces, i)
	if !i.kernel {
		i.join(allNodesHW)
		return nil
	}
	i.neigh = map[addr16]*neighbor{}
	if len(f.Addrs) == 0 || !slices.ContainsFunc(f.Addrs, func(p netip.Prefix) bool { return p.Addr().IsLinkLocalUnicast() }) {
		n.addAddr(i, ip6.LinkLocal(f.HW).As16())
	}
	for _, p := range f.Addrs {
		n.addAddr(i, p.Addr().As16())
		if p.Bits() < 128 && !p.Addr().IsLinkLocalUnicast() {
			n.addRoute(routeOf(scenario.Route{Dst: p.Masked()}, i))
		}
	}
	return nil
}

// begin attaches the interfaces, starts every node's engines and arms the flows.
func (w *world) begin() {
	for _, n := range w.nodes {
		for k, i := range n.ifaces {
			if s := n.plan.Ifaces[k].Segment; s != "" {
				i.plug(w.segByName[s])
			}
		}
		n.start()
	}
	w.drain()
	for i := range w.flows {
		w.armFlow(i)
	}
}

// sink lends an empty sink; give it back with release.
func (w *world) sink() *plane.Sink {
	if k := len(w.sinks); k > 0 {
		s := w.sinks[k-1]
		w.sinks = w.sinks[:k-1]
		return s
	}
	return &plane.Sink{}
}

func (w *world) release(s *plane.Sink) {
	s.Reset()
	w.sinks = append(w.sinks, s)
}
