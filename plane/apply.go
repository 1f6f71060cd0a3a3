package plane

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Apply changes the table by one Op. An Op whose target is set already replaces it; deleting what is not there
// changes nothing. Prefixes in keys are masked, so that one prefix has one entry. It panics on an Op that does not
// have exactly one target: such an Op is a mistake in the program, not in its input.
func (t *Table) Apply(op Op) {
	op.check()
	switch {
	case op.Link != nil:
		put(&t.Links, op.Delete, op.Link.Port, op.Link.Link)
	case op.Local != nil:
		put(&t.Locals, op.Delete, op.Local.Addr, op.Local.Local)
	case op.Host != nil:
		put(&t.Hosts, op.Delete, op.Host.Addr, op.Host.Host)
	case op.Path != nil:
		put(&t.Paths, op.Delete, masked(op.Path.Inner), op.Path.Path)
	case op.Way != nil:
		put(&t.Ways, op.Delete, op.Way.Key.masked(), op.Way.Way)
	case op.Route != nil:
		put(&t.Routes, op.Delete, op.Route.Pair, op.Route.Route)
	case op.Gate != nil:
		put(&t.Gates, op.Delete, op.Gate.Key.masked(), op.Gate.Gate)
	case op.Meter != nil:
		put(&t.Meters, op.Delete, op.Meter.Key, op.Meter.Meter)
	case op.Flow != nil:
		put(&t.Flows, op.Delete, op.Flow.Number, op.Flow.Flow)
	}
}

// put sets or deletes one entry of a map that may be nil.
func put[K comparable, V any](m *map[K]V, del bool, key K, value V) {
	if del {
		delete(*m, key)
		return
	}
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}

func (k WayKey) masked() WayKey   { return WayKey{masked(k.Inner), k.ID} }
func (k GateKey) masked() GateKey { return GateKey{k.From.Masked(), k.Port} }

// masked is Prefix.Masked. Most prefixes are whole addresses, which have nothing to mask.
func masked(p netip.Prefix) netip.Prefix {
	if p.Bits() == 128 {
		return p
	}
	return p.Masked()
}

// check panics unless one target is set.
func (op *Op) check() {
	n := 0
	for _, set := range [...]bool{op.Link != nil, op.Local != nil, op.Host != nil, op.Path != nil, op.Way != nil, op.Route != nil, op.Gate != nil, op.Meter != nil, op.Flow != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		panic(fmt.Sprintf("plane: an Op has %d targets, want exactly one of Link, Local, Host, Path, Way, Route, Gate, Meter and Flow", n))
	}
}

// Clone is a deep copy: changing one table does not change the other.
func (t Table) Clone() Table {
	return Table{
		Links:  maps.Clone(t.Links),
		Locals: maps.Clone(t.Locals),
		Hosts:  maps.Clone(t.Hosts),
		Paths:  maps.Clone(t.Paths),
		Ways:   maps.Clone(t.Ways),
		Routes: maps.Clone(t.Routes),
		Gates:  maps.Clone(t.Gates),
		Meters: maps.Clone(t.Meters),
		Flows:  maps.Clone(t.Flows),
	}
}

// Diff is the shortest list of Ops that turns from into to. What is new or changed comes first, in the order in
// which one thing needs the other (links, locals, hosts, meters, gates, ways, routes, flows, paths), then what goes away, in
// reverse: a path moves to its new link before the old link vanishes, and what it lets go finds its ways and flows. Within
// a kind the order is that of the keys, so equal tables give equal lists.
func Diff(from, to Table) []Op {
	var set, del []Op
	kind := func(changed, gone []Op) {
		set = append(set, changed...)
		del = append(gone, del...)
	}
	link := func(k Port, v Link) Op { return Op{Link: &LinkOp{k, v}} }
	local := func(k netip.Addr, v Local) Op { return Op{Local: &LocalOp{k, v}} }
	host := func(k netip.Addr, v Host) Op { return Op{Host: &HostOp{k, v}} }
	gate := func(k GateKey, v Gate) Op { return Op{Gate: &GateOp{k, v}} }
	meter := func(k MeterKey, v Meter) Op { return Op{Meter: &MeterOp{k, v}} }
	way := func(k WayKey, v Way) Op { return Op{Way: &WayOp{k, v}} }
	route := func(k Pair, v Route) Op { return Op{Route: &RouteOp{k, v}} }
	flow := func(k uint32, v Flow) Op { return Op{Flow: &FlowOp{k, v}} }
	path := func(k netip.Prefix, v Path) Op { return Op{Path: &PathOp{k, v}} }

	kind(differ(from.Links, to.Links, cmp.Compare[Port], link))
	kind(differ(from.Locals, to.Locals, netip.Addr.Compare, local))
	kind(differ(from.Hosts, to.Hosts, netip.Addr.Compare, host))
	kind(differ(from.Meters, to.Meters, compareMeter, meter))
	kind(differ(from.Gates, to.Gates, compareGate, gate))
	kind(differ(from.Ways, to.Ways, compareWay, way))
	kind(differ(from.Routes, to.Routes, comparePair, route))
	kind(differ(from.Flows, to.Flows, cmp.Compare[uint32], flow))
	kind(differ(from.Paths, to.Paths, comparePrefix, path))
	return append(set, del...)
}

// differ gives an Op for every entry of to that from lacks or has otherwise, and a deleting one for every entry of from
// that to lacks.
func differ[K, V comparable](from, to map[K]V, order func(K, K) int, op func(K, V) Op) (changes, gones []Op) {
	return changed(from, to, order, op), gone(from, to, order, op)
}

// changed gives an Op for every entry of to that from lacks or has otherwise.
func changed[K, V comparable](from, to map[K]V, order func(K, K) int, op func(K, V) Op) []Op {
	var ops []Op
	for _, k := range slices.SortedFunc(maps.Keys(to), order) {
		if old, ok := from[k]; !ok || old != to[k] {
			ops = append(ops, op(k, to[k]))
		}
	}
	return ops
}

// gone gives a deleting Op for every entry of from that to lacks.
func gone[K, V comparable](from, to map[K]V, order func(K, K) int, op func(K, V) Op) []Op {
	var ops []Op
	for _, k := range slices.SortedFunc(maps.Keys(from), order) {
		if _, ok := to[k]; !ok {
			o := op(k, from[k])
			o.Delete = true
			ops = append(ops, o)
		}
	}
	return ops
}

func comparePrefix(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

func compareWay(a, b WayKey) int {
	return cmp.Or(comparePrefix(a.Inner, b.Inner), cmp.Compare(a.ID, b.ID))
}

func compareGate(a, b GateKey) int {
	return cmp.Or(comparePrefix(a.From, b.From), cmp.Compare(a.Port, b.Port))
}

func compareMeter(a, b MeterKey) int {
	return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Port, b.Port))
}

func comparePair(a, b Pair) int { return cmp.Or(a.Mobile.Compare(b.Mobile), a.Peer.Compare(b.Peer)) }
