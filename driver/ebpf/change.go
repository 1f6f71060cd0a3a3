package ebpf

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/plane"
)

// Before takes in what an Op makes slow, before the plane carries it out: no packet may take the fast way when the table says
// otherwise already. A nil Fast does nothing.
func (f *Fast) Before(op plane.Op) {
	if f == nil {
		return
	}
	if op.Path != nil && op.Delete {
		f.drop(f.entries[op.Path.Inner.Masked()])
	}
	f.take(op)
	if op.Route != nil && !op.Delete {
		f.pair(op.Route)
	}
	if op.Local != nil {
		f.lend(op.Local.Addr)
	}
	f.tell(true)
	f.concerned(op, f.narrow)
}

// After takes in what an Op makes fast, when the plane has carried it out and its held packets have left.
func (f *Fast) After(op plane.Op) {
	if f == nil {
		return
	}
	if op.Route != nil && op.Delete {
		f.unpair(op.Route.Pair)
	}
	f.concerned(op, f.refresh)
	f.cover()
	f.tell(false)
}

// cover looks again at prefixes when paths begin to be without room, or all have it.
func (f *Fast) cover() {
	if covered := f.absent > 0; covered == f.covered || len(f.nets) == 0 {
		return
	}
	f.covered = !f.covered
	for _, e := range f.entries { //order:any each by itself
		if !e.inner.IsSingleIP() {
			f.refresh(e)
		}
	}
}

// narrow takes from the programs what they may not do any more.
func (f *Fast) narrow(e *entry) {
	if !e.there {
		return
	}
	flags, _ := f.judge(e)
	v := e.written
	v.Flags &= flags | flagForced | flagWays
	if v.Local != words(e.path.Local) || v.Remote != words(e.path.Remote) { // an end marker is the last by the old way
		v.Flags &^= flagSends | flagTakes
	}
	f.put(e, v)
	f.closeEnds(e)
}

// refresh brings the programs in step with a path.
func (f *Fast) refresh(e *entry) {
	if !e.set {
		return
	}
	e.waits = e.waits && f.behind.Waits(e.inner)
	if !f.reserve(e) {
		e.why = SlowFull
		f.countAbsent(e)
		return
	}
	flags, why := f.judge(e)
	e.why = why
	f.closeEnds(e)
	if f.openEnds(e); len(e.ends) > 0 {
		flags |= flagWays
	}
	v := fastPath{Local: words(e.path.Local), Remote: words(e.path.Remote), Slot: e.slot, Flags: flags}
	if e.forced {
		v.Flags |= flagForced
	}
	v.Mtu = uint16(min(f.behind.TunnelMTU(e.path), 0xffff))
	if e.path.Side == plane.Mobile {
		d, gateway := f.doors[e.path.Out], f.links[e.path.Out].Gateway
		v.Ifindex = d.index
		copy(v.Frame[:], gateway[:])
		copy(v.Frame[6:], d.hw[:])
	}
	f.put(e, v)
	f.watch(e)
}

// reserve gives an entry a slot: counters of its own that nothing else has.
func (f *Fast) reserve(e *entry) bool {
	if e.slotted {
		return true
	}
	switch n := len(f.free); {
	case n > 0:
		e.slot, f.free = f.free[n-1], f.free[:n-1]
	case int(f.used) < len(f.slots):
		e.slot = f.used
		f.used++
	default:
		return false
	}
	f.slots[e.slot] = fastSlot{}
	e.slotted = true
	if e.inner.IsSingleIP() {
		f.addrs[e.inner.Addr()] = e
	}
	return true
}

// put writes a path into its map, if it says something new.
func (f *Fast) put(e *entry, v fastPath) {
	if e.there && e.written == v {
		return
	}
	if err := f.kernel.setPath(e.inner, &v); err != nil {
		// What stood there is wrong now: better none.
		e.why, e.there = SlowRefused+": "+err.Error(), false
		_ = f.kernel.deletePath(e.inner)
	} else {
		e.written, e.there = v, true
	}
	f.countAbsent(e)
}

// countAbsent keeps how many paths are not in their maps.
func (f *Fast) countAbsent(e *entry) {
	if absent := e.set && !e.there; absent != e.counted {
		e.counted = absent
		if f.absent--; absent {
			f.absent += 2
		}
	}
}

// drop takes a path that is deleted from the programs.
func (f *Fast) drop(e *entry) {
	if e == nil {
		return
	}
	if e.there {
		_ = f.kernel.deletePath(e.inner)
		e.there = false
	}
	if e.counted {
		e.counted = false
		f.absent--
	}
	for _, x := range e.ends {
		_ = f.kernel.deleteEnd(e.slot, x)
	}
	e.ends, e.took, e.waits = nil, nil, false
	if e.slotted {
		delete(f.addrs, e.inner.Addr())
		delete(f.active, e)
		delete(f.lowered, e)
		f.free = append(f.free, e.slot)
		e.slotted, e.watching, e.forced = false, false, false
	}
}

// closeEnds takes from the programs the tunnels that a path accepts packets by no more.
func (f *Fast) closeEnds(e *entry) {
	e.ends = slices.DeleteFunc(e.ends, func(x further) bool {
		w, ok := e.ways[x.id]
		if ok && w.Local == x.local && w.Remote == x.remote && f.accepts(e, w) {
			return false
		}
		if ok {
			f.keep(e, x)
		}
		return f.kernel.deleteEnd(e.slot, x) == nil
	})
}

// keep remembers what came by a way that gets other ends.
func (f *Fast) keep(e *entry, x further) {
	if e.took == nil {
		e.took = map[uint16]plane.Count{}
	}
	e.took[x.id] = plus(e.took[x.id], f.kernel.took(e.slot, x))
}

// openEnds tells the programs the tunnels that a path accepts packets by besides its own. One that finds no room is slow.
func (f *Fast) openEnds(e *entry) {
	for id, w := range e.ways { //order:any each by itself
		x := further{id, w.Local, w.Remote}
		known := func(o further) bool { return o.local == x.local && o.remote == x.remote }
		if f.accepts(e, w) && !slices.ContainsFunc(e.ends, known) && f.kernel.setEnd(e.slot, x) == nil {
			e.ends = append(e.ends, x)
		}
	}
}

// pair tells the programs of a pair that talks straight, before it does.
func (f *Fast) pair(op *plane.RouteOp) {
	side, known := f.routes[op.Pair]
	if known && side == op.Route.Side {
		return
	}
	if known {
		f.unpair(op.Pair)
	}
	if _, ok := f.unplaced[op.Pair]; ok {
		return
	}
	if f.kernel.setPair(op.Pair, op.Route.Side) != nil {
		f.unplaced[op.Pair] = struct{}{}
		f.unpaired = len(f.unplaced)
		return
	}
	f.routes[op.Pair] = op.Route.Side
}

// unpair is of a pair that does no longer. Those that found no room are not tried again: with so many of them a node
// is slow until they end.
func (f *Fast) unpair(p plane.Pair) {
	if side, ok := f.routes[p]; ok {
		_ = f.kernel.deletePair(p, side)
		delete(f.routes, p)
	}
	delete(f.unplaced, p)
	f.unpaired = len(f.unplaced)
}

// lend tells the link program whether what it leaves of tunnel packets to an address must go into the TUN: yes, if the
// kernel has neither the address nor a route for it there. The packet socket of the link must then bring none of them (Lent).
func (f *Fast) lend(a netip.Addr) {
	l, ok := f.locals[a]
	want := ok && !l.Capture && f.doors[l.Port].index != 0
	port, is := f.lent[a]
	switch {
	case is && !(want && port == l.Port):
		_ = f.kernel.setLocal(a, false)
		delete(f.lent, a)
	case !is && want && len(f.lent) < MaxLent && f.kernel.setLocal(a, true) == nil:
		f.lent[a] = l.Port
	}
}

// Lent gives the addresses on a port whose tunnel packets (next header 41) come by the fast path or the TUN, and must not
// be taken from the link as well. Sorted.
func (f *Fast) Lent(port plane.Port) (list []netip.Addr) {
	if f == nil {
		return nil
	}
	for a, p := range f.lent { //order:any sorted below
		if p == port {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}

// tell tells the programs what holds for all paths, if it is something new; with closing, only what makes something slow.
func (f *Fast) tell(closing bool) {
	s := f.told
	s.Off, s.Nets, s.Straight = bit(f.off() != ""), bit(len(f.nets) > 0), bit(len(f.routes) > 0)
	s.Agent, s.Bare = bit(f.sides[1] > 0), bit(f.bare > 0)
	if closing {
		s.Off, s.Straight, s.Bare = s.Off|f.told.Off, s.Straight|f.told.Straight, s.Bare|f.told.Bare
	}
	if s != f.told && f.kernel.setSetting(&s) == nil {
		f.told = s
	}
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// words is an address as the programs see it.
func words(a netip.Addr) (w [4]uint32) {
	if !a.IsValid() {
		return w
	}
	b := a.As16()
	for i := range w {
		w[i] = binary.NativeEndian.Uint32(b[4*i:])
	}
	return w
}
