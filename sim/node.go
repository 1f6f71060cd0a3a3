package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/ip6"
)

// node is one host or router: its kernel model always, its engines and plane while they run. A multicast visits
// thousands of nodes in a row and finds none of them in the processor's caches, so what it needs of a node stands
// together in front, the runner of the usual single engine included, and nothing that may stay empty is made.
type node struct {
	w        *world
	skew     time.Duration // plan.Skew
	soft     *plane.Soft   // nil while the engines are down
	userland bool          // plan.Userland
	lives    int           // how often the engines have been started
	started  time.Duration // the present life's start: Mono counts from it
	engines  []*runner
	first    runner // of the first life, if it has but one engine
	link     iface  // the first of ifaces
	plan     *scenario.Node
	ifaces   []*iface

	own    map[addr16]*iface // the kernel's addresses
	routes []kroute          // longest prefix first
	icmp   icmpBucket

	sockets *sockets // nil: no engine has used any in this life

	plane   plane.Soft    // of the first life
	settles time.Duration // when the plane is called for packets that wait in it; 0: not
	mirror  mirror        // what of the plane's table the kernel must know
	records []engine.Record
	byKey   map[recordKey]int // index in records
}

// byIface is the interface of a name; nil if there is none. A node has a few at most.
func (n *node) byIface(name string) *iface {
	for _, i := range n.ifaces {
		if i.name == name {
			return i
		}
	}
	return nil
}

// byPort is the interface engines know by a number; nil if there is none.
func (n *node) byPort(port plane.Port) *iface {
	for _, i := range n.ifaces {
		if i.port == port && port > 0 {
			return i
		}
	}
	return nil
}

type recordKey struct{ bucket, key string }

// runner is one engine of a node's present life.
type runner struct {
	node  *node
	eng   engine.Engine
	life  int
	armed time.Duration // time of its valid event in the heap; never if none
	due   time.Duration // when it wants its tick
	id    int32
	ticks int32 // ticks at the present moment
	name  string
}

const never = time.Duration(engine.Never)

// offered is an input that waits for an engine, or for all engines of a node (to is nil).
type offered struct {
	node *node
	life int
	to   *runner
	in   engine.Input

	about *socket // is asked first whether it is still wanted
}

// start builds the engines and gives them their first inputs.
func (n *node) start() {
	if n.plan.Config == nil {
		return
	}
	n.lives++
	seed := scenario.Seed(n.w.plan.Seed, "engine", n.plan.Name, fmt.Sprint(n.lives))
	built, err := n.w.config.Build(*n.plan, seed)
	if err != nil {
		n.w.fail(fmt.Errorf("node %q: %w", n.plan.Name, err))
		return
	}
	n.soft = plane.NewSoft()
	if n.lives == 1 {
		n.plane = *n.soft // beside the node
		n.soft = &n.plane
	}
	n.mirror.refuse = built.Refuse
	if len(built.Profiles) > 0 {
		n.useSockets().profiles = built.Profiles
	}
	n.started = n.w.now
	n.engines = make([]*runner, 0, len(built.Engines))
	for _, b := range built.Engines {
		r := &n.first
		if n.lives > 1 || len(built.Engines) > 1 {
			r = new(runner)
		}
		*r = runner{id: int32(len(n.w.engines)), node: n, name: b.Name, eng: b.Engine, life: n.lives, armed: never, due: never}
		n.engines = append(n.engines, r)
		n.w.engines = append(n.w.engines, r)
	}
	n.w.observe(Started{At: n.w.now, Node: n.plan.Name})
	n.offer(engine.Start{Records: n.stored()})
	for _, i := range n.ifaces {
		if i.seg != nil {
			n.linkUp(i)
		}
	}
}

// stored is a copy of the durable records in a fixed order.
func (n *node) stored() []engine.Record {
	out := make([]engine.Record, len(n.records))
	for k, r := range n.records {
		r.Value = slices.Clone(r.Value)
		out[k] = r
	}
	slices.SortFunc(out, func(a, b engine.Record) int {
		if c := strings.Compare(a.Bucket, b.Bucket); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return out
}

// crash takes away all that was not persisted: engines, plane with its held packets, captures, groups.
func (n *node) crash() {
	if n.soft == nil {
		return
	}
	for addr, l := range n.mirror.locals { //order:any
		n.leaveLocal(addr, l)
	}
	for _, r := range n.engines {
		n.w.engines[r.id].eng = nil
		r.armed = never
	}
	n.soft, n.engines, n.mirror, n.settles = nil, nil, mirror{}, 0
	n.vanish()
	n.w.observe(Crashed{At: n.w.now, Node: n.plan.Name})
}

// offer queues an input for all engines of the node.
func (n *node) offer(in engine.Input) {
	if n.soft == nil {
		return
	}
	n.w.inputs = append(n.w.inputs, offered{node: n, life: n.lives, in: in})
}

func (n *node) linkUp(i *iface) {
	if i.port == 0 || n.soft == nil {
		return
	}
	up := engine.LinkUp{Port: i.port, Name: i.name, HW: i.hw, MTU: i.mtu}
	if i.seg.air {
		up.Attachment, up.Cell = i.seg.name, i.seg.hw
	}
	n.offer(up)
}

// drain hands over the waiting inputs, each after all effects of the one before.
func (w *world) drain() {
	for k := 0; ; k++ {
		if k == len(w.inputs) && len(w.dirty) > 0 {
			w.flushSockets()
		}
		if k == len(w.inputs) {
			break
		}
		if k == w.limit {
			w.fail(fmt.Errorf("node %q: %d inputs follow from one: %w", w.inputs[k].node.plan.Name, k, ErrSpin))
			break
		}
		o := w.inputs[k]
		w.inputs[k] = offered{}
		for _, r := range o.node.engines {
			if r.life == o.life && (o.to == nil || o.to == r) && o.node.soft != nil {
				if o.about == nil || w.stillWanted(o) {
					r.handle(o.in)
				}
			}
		}
	}
	w.inputs = w.inputs[:0]
}

// handle is one turn of the law of the loop: input, effects in order, deadline.
func (r *runner) handle(in engine.Input) {
	w := r.node.w
	w.stats.Inputs++
	now := engine.Now{Mono: engine.Mono(r.node.clock()), Wall: Epoch.Add(w.now + r.node.skew)}
	w.effects.Reset()
	r.eng.Handle(now, in, &w.effects)
	if len(w.config.Checkers) > 0 {
		w.observe(Handled{At: w.now, Node: r.node.plan.Name, Engine: r.name, Input: in, Effects: w.effects.List, View: r.eng.View})
	}
	for _, e := range w.effects.List {
		r.do(e)
	}
	at, _ := r.eng.Deadline()
	r.arm(at)
}

// do carries out one effect.
func (r *runner) do(e engine.Effect) {
	n := r.node
	switch e := e.(type) {
	case engine.Send:
		n.emit(e.Port, e.To, slices.Clone(e.Data))
	case engine.Plane:
		n.apply(e.Op)
	case engine.Persist:
		n.persist(e)
	case engine.Attach:
		n.w.commanded(n, e)
	case engine.Listen, engine.Dial, engine.Write, engine.Close:
		r.streams(e)
	case engine.Bind, engine.Datagram:
		r.datagrams(e)
	case engine.Query:
		r.query(e)
	case engine.Measure:
		r.measure(e)
	case engine.Event:
		n.w.rec.Event(n.w.now, n.plan.Name, r.name, e)
	case engine.Reply:
		if e.Err != "" {
			n.w.rec.Event(n.w.now, n.plan.Name, r.name, engine.Event{Name: "command.refused", Reason: e.Err})
		}
	}
}

func (n *node) persist(p engine.Persist) {
	if n.byKey == nil {
		n.byKey = map[recordKey]int{}
	}
	key := recordKey{p.Bucket, p.Key}
	at, have := n.byKey[key]
	switch {
	case p.Value == nil && have:
		last := len(n.records) - 1
		n.records[at] = n.records[last]
		n.byKey[recordKey{n.records[at].Bucket, n.records[at].Key}] = at
		n.records = n.records[:last]
		delete(n.byKey, key)
	case p.Value == nil:
	case have:
		n.records[at].Value = slices.Clone(p.Value)
	default:
		n.byKey[key] = len(n.records)
		n.records = append(n.records, engine.Record{Bucket: p.Bucket, Key: p.Key, Value: slices.Clone(p.Value)})
	}
}

// arm notes a deadline. A deadline that moves later leaves the event where it is: tick looks again when it comes.
func (r *runner) arm(at engine.Mono) {
	if at == engine.Never {
		r.due = never
		return
	}
	w := r.node.w
	r.due = max(r.node.started+time.Duration(at), w.now)
	if r.due < r.armed {
		r.armed = r.due
		w.heap.push(event{at: r.due, kind: evTick, a: r.id})
	}
}

// tick gives the engine its Tick if the deadline has really come.
func (r *runner) tick(e event) {
	if r.eng == nil || e.at != r.armed {
		return
	}
	r.armed = never
	w := r.node.w
	switch {
	case r.due == never:
		return
	case r.due > w.now:
		r.armed = r.due
		w.heap.push(event{at: r.due, kind: evTick, a: r.id})
		return
	}
	r.handle(engine.Tick{})
	if r.due > w.now {
		r.ticks = 0
		return
	}
	if r.ticks++; r.ticks > MaxTicks {
		_, why := r.eng.Deadline()
		w.fail(fmt.Errorf("node %q, engine %q, deadline %q: %w", r.node.plan.Name, r.name, why, ErrSpin))
	}
}

// boxed is a packet as an input. Each of thousands of receivers of one multicast is given the same octets, and so the same
// input.
type boxed struct {
	packet engine.Packet
	input  engine.Input
}

func (b *boxed) box(p plane.Punt) engine.Input {
	if b.input == nil || len(p.Data) != len(b.packet.Data) || &p.Data[0] != &b.packet.Data[0] || p.Port != b.packet.Port || p.From != b.packet.From {
		b.packet = engine.Packet{Port: p.Port, From: p.From, Data: p.Data}
		b.input = b.packet
	}
	return b.input
}

// flush carries out what the plane has answered and gives the sink back. Punts wait behind the present input.
func (n *node) flush(s *plane.Sink) {
	for _, d := range s.Drops {
		n.w.rec.Dropped(d.Reason, d.N)
	}
	for _, r := range s.Refused {
		n.w.drop(r.Reason)
	}
	for _, p := range s.Punt {
		n.offer(n.w.punted.box(p))
	}
	for _, h := range s.Hints {
		n.offer(engine.Traffic{Mobile: h.Pair.Mobile, Peer: h.Pair.Peer, Straight: h.Straight, Unreachable: h.Unreachable})
	}
	for _, o := range s.Out {
		n.emit(o.Port, o.To, o.Data)
	}
	n.w.release(s)
	if due := n.soft.Deadline(); due < plane.Never && (n.settles == 0 || n.started+due < n.settles) && len(n.engines) > 0 {
		n.settles = n.started + due
		n.w.heap.push(event{at: n.settles, kind: evSettle, a: n.engines[0].id})
	}
}

// clock is the time on the node's engines' clock, which is the plane's: an Op may name a moment (plane.Way.Until).
func (n *node) clock() time.Duration { return n.w.now - n.started }

// settle lets the plane release what has waited for older packets.
func (n *node) settle(e event) {
	if e.at != n.settles || n.soft == nil || n.engines[0].id != e.a {
		return
	}
	n.settles = 0
	s := n.w.sink()
	n.soft.Advance(n.clock(), s)
	n.flush(s)
}

// intoPlane hands a packet to the plane by a port.
func (n *node) intoPlane(port plane.Port, from plane.HW, data []byte) {
	if n.soft == nil {
		n.w.drop(dropNodeDown)
		return
	}
	s := n.w.sink()
	n.soft.Handle(n.clock(), port, from, data, s)
	n.flush(s)
}

// emit sends a packet of the plane or of an engine: by a link, or into the host's stack as if it came out of the TUN
// device.
func (n *node) emit(port plane.Port, to plane.HW, data []byte) {
	switch {
	case len(data) < ip6.HeaderLen:
		n.w.drop(dropMalformed)
		return
	case port == plane.Kernel && n.userland:
		n.application(data)
		return
	case port == plane.Kernel:
		n.fromTUN(data)
		return
	}
	i := n.byPort(port)
	if i == nil {
		n.w.drop(dropNoRoute)
		return
	}
	if to == (plane.HW{}) {
		dst := dstOf(data)
		if !dst.multicast() {
			n.w.drop(dropNoNextHop) // as the driver does
			return
		}
		to = ip6.MulticastHW(dst.addr())
	}
	n.w.transmit(i, to, data)
}
