package ebpf

import (
	"net/netip"
	"slices"

	"roam6/plane"
)

// Behind is the plane that the fast path stands in front of.
type Behind interface {
	// TunnelMTU is the size in octets of the largest packet that a tunnel carries.
	TunnelMTU(plane.Path) int
	// Waits says whether received packets of a path may have to wait for others.
	Waits(netip.Prefix) bool
}

// entry is one path of the table and what the programs know of it.
type entry struct {
	inner netip.Prefix
	path  plane.Path
	set   bool // path is in the table; else only ways name it
	ways  map[uint16]plane.Way
	ends  []further
	took  map[uint16]plane.Count // by ways, when they had other ends
	waits bool                   // received packets may have to wait for others

	slot    uint32
	slotted bool
	written fastPath // what the map holds
	there   bool     // the map holds it
	counted bool     // in table.absent
	forced  bool
	why     string // why it is not fast, "" if it is

	last     [2]moved // see Sweep
	watching bool
}

// further is a tunnel of a path's Way, as the programs know it.
type further struct {
	id            uint16
	local, remote netip.Addr
}

// copies says whether a further way carries copies of what is sent. When they end the plane says by a WayOp.
func (e *entry) copies() bool {
	for _, w := range e.ways { //order:any whether there is one
		if w.Copy {
			return true
		}
	}
	return false
}

// table is what of a plane.Table decides which paths are fast.
type table struct {
	doors   map[plane.Port]door // link ports with a program
	links   map[plane.Port]plane.Link
	locals  map[netip.Addr]plane.Local // but those of others (proxied)
	lent    map[netip.Addr]plane.Port  // whose tunnel packets the link program handles or passes into the TUN
	entries map[netip.Prefix]*entry
	remotes map[netip.Addr][]*entry // by the far end of their tunnel
	near    map[netip.Addr][]*entry // of the mobile side, by the near end
	ownEnds map[netip.Addr]int      // paths and ways by the near end
	addrs   map[netip.Addr]*entry   // whole addresses
	nets    []netBits               // prefix lengths in use, the longest first

	gates  map[plane.GateKey]plane.Gate
	meters map[plane.MeterKey]plane.Meter
	flows  flowSet
	routes map[plane.Pair]plane.Side // that are in the programs' map, and which end this node is

	unpaired int    // Routes that are not
	sides    [2]int // paths of the mobile side and of the agent side
	bare     int    // paths of the agent side that the kernel does not capture
	absent   int    // paths that are not in the programs' maps
	covered  bool   // prefixes were looked at when there were such
}

// netBits is how many paths have a prefix length.
type netBits struct{ bits, n int }

func newTable() table {
	return table{
		doors: map[plane.Port]door{}, links: map[plane.Port]plane.Link{}, locals: map[netip.Addr]plane.Local{}, lent: map[netip.Addr]plane.Port{},
		entries: map[netip.Prefix]*entry{}, remotes: map[netip.Addr][]*entry{}, near: map[netip.Addr][]*entry{},
		ownEnds: map[netip.Addr]int{}, addrs: map[netip.Addr]*entry{},
		gates: map[plane.GateKey]plane.Gate{}, meters: map[plane.MeterKey]plane.Meter{}, flows: flowSet{}, routes: map[plane.Pair]plane.Side{},
	}
}

// find is the path of an address as the programs find it: of the whole address, then of the longest prefix, among those in
// their maps.
func (t *table) find(a netip.Addr) *entry {
	if e := t.addrs[a]; e != nil && e.there {
		return e
	}
	for _, l := range t.nets {
		if e := t.entries[netip.PrefixFrom(a, l.bits).Masked()]; e != nil && e.there {
			return e
		}
	}
	return nil
}

// countNet keeps the prefix lengths in use.
func (t *table) countNet(bits, by int) {
	i, ok := slices.BinarySearchFunc(t.nets, bits, func(l netBits, bits int) int { return bits - l.bits })
	if !ok {
		t.nets = slices.Insert(t.nets, i, netBits{bits: bits})
	}
	if t.nets[i].n += by; t.nets[i].n == 0 {
		t.nets = slices.Delete(t.nets, i, i+1)
	}
}

// take brings the table in step with an Op that is no RouteOp.
func (t *table) take(op plane.Op) {
	switch {
	case op.Link != nil:
		change(t.links, op.Link.Port, op.Link.Link, op.Delete)
	case op.Local != nil:
		change(t.locals, op.Local.Addr, op.Local.Local, op.Delete || op.Local.Local.Proxy)
	case op.Path != nil:
		t.takePath(op.Path.Inner.Masked(), op.Path.Path, op.Delete)
	case op.Way != nil:
		t.takeWay(op.Way, op.Delete)
	case op.Gate != nil:
		change(t.gates, plane.GateKey{From: op.Gate.Key.From.Masked(), Port: op.Gate.Key.Port}, op.Gate.Gate, op.Delete)
	case op.Meter != nil:
		change(t.meters, op.Meter.Key, op.Meter.Meter, op.Delete)
	case op.Flow != nil:
		change(t.flows, op.Flow.Number, op.Flow.Flow, op.Delete)
	}
}

func change[K comparable, V any](m map[K]V, k K, v V, del bool) {
	if del {
		delete(m, k)
	} else {
		m[k] = v
	}
}

func (t *table) entry(p netip.Prefix) *entry {
	e := t.entries[p]
	if e == nil {
		e = &entry{inner: p}
		t.entries[p] = e
	}
	return e
}

func (t *table) takePath(inner netip.Prefix, p plane.Path, del bool) {
	e := t.entry(inner)
	if e.set {
		t.account(e, -1)
	}
	wasSettled, same := e.set && e.path.Settle > 0, e.set && !del && e.path == p
	e.path, e.set = p, !del
	if del {
		e.path = plane.Path{}
		t.release(e)
		return
	}
	e.waits = e.waits || !same && (wasSettled || p.Settle > 0) // until the plane says otherwise
	t.account(e, 1)
}

func (t *table) takeWay(op *plane.WayOp, del bool) {
	e := t.entry(op.Key.Inner.Masked())
	if e.ways == nil {
		e.ways = map[uint16]plane.Way{}
	}
	if was, ok := e.ways[op.Key.ID]; ok {
		t.countEnd(was.Local, -1)
	}
	if change(e.ways, op.Key.ID, op.Way, del); !del {
		t.countEnd(op.Way.Local, 1)
	}
	if len(e.ways) == 0 {
		e.ways = nil
	}
	e.waits = e.waits || e.path.Settle > 0
	t.release(e)
}

// account enters a path into, or removes it from, what is counted over all paths.
func (t *table) account(e *entry, by int) {
	side := 0
	if e.path.Side == plane.Agent {
		side = 1
		if !e.path.Capture {
			t.bare += by
		}
	} else {
		enlist(t.near, e.path.Local, e, by)
	}
	t.sides[side] += by
	t.countEnd(e.path.Local, by)
	enlist(t.remotes, e.path.Remote, e, by)
	if !e.inner.IsSingleIP() {
		t.countNet(e.inner.Bits(), by)
	}
}

// countEnd keeps how many tunnels end at an address here.
func (t *table) countEnd(a netip.Addr, by int) {
	if t.ownEnds[a] += by; t.ownEnds[a] == 0 {
		delete(t.ownEnds, a)
	}
}

// enlist enters a path under an address, or removes it.
func enlist(m map[netip.Addr][]*entry, a netip.Addr, e *entry, by int) {
	if !a.IsValid() {
		return
	}
	if by > 0 {
		m[a] = append(m[a], e)
		return
	}
	if list := slices.DeleteFunc(m[a], func(x *entry) bool { return x == e }); len(list) > 0 {
		m[a] = list
	} else {
		delete(m, a)
	}
}

// release forgets an entry that nothing names any more.
func (t *table) release(e *entry) {
	if !e.set && len(e.ways) == 0 {
		delete(t.entries, e.inner)
	}
}

// concerned calls f with every path that an Op may make faster or slower.
func (t *table) concerned(op plane.Op, f func(*entry)) {
	switch {
	case op.Path != nil:
		inner := op.Path.Inner.Masked()
		if e := t.entries[inner]; e != nil {
			f(e)
		}
		for _, e := range t.near[inner.Addr()] {
			f(e)
		}
	case op.Way != nil:
		if e := t.entries[op.Way.Key.Inner.Masked()]; e != nil {
			f(e)
		}
	case op.Gate != nil && len(t.gates) > MaxRules: // nothing is fast now; all are looked at again with the last one too many
	case op.Local != nil && t.ownEnds[op.Local.Addr] > 0, op.Link != nil, op.Gate != nil, op.Flow != nil:
		for _, e := range t.entries { //order:any each by itself
			f(e)
		}
	case op.Local != nil: // a home agent has one for every address it represents
		a := op.Local.Addr
		for _, e := range t.remotes[a] {
			f(e)
		}
		if e := t.entries[netip.PrefixFrom(a, 128)]; e != nil {
			f(e)
		}
		for _, l := range t.nets {
			if e := t.entries[netip.PrefixFrom(a, l.bits).Masked()]; e != nil {
				f(e)
			}
		}
	}
}
