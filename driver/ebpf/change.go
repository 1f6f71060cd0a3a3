package ebpf

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/plane"
)

// Before takes in what an Op makes slow, before Soft carries it out: no packet may take the fast way when the table says
// otherwise already. A nil Fast does nothing.
func (f *Fast) Before(op plane.Op) {
	if f == nil {
		return
	}
	f.take(op)
	f.switchOff()
	if op.Path != nil {
		e := f.entries[op.Path.Inner.Masked()]
		if e == nil || !e.there {
			return
		}
		flags, _ := f.judge(e, f.doors)
		if v := e.written; v.Flags&^flags&^flagForced != 0 {
			v.Flags &= flags | flagForced
			f.put(e, v)
		}
		return
	}
	f.follow(op)
}

// After takes in what an Op makes fast, when Soft has carried it out and its held packets have left. mtu gives the size
// of the largest packet that a tunnel carries (plane.Soft.TunnelMTU).
func (f *Fast) After(op plane.Op, mtu func(plane.Path) int) {
	if f == nil {
		return
	}
	f.mtu = mtu
	if op.Path != nil {
		if e := f.entries[op.Path.Inner.Masked()]; e != nil {
			f.refresh(e)
		}
	} else {
		f.follow(op)
	}
	f.switchOff()
}

// follow looks again at the paths that an Op about something else concerns.
func (f *Fast) follow(op plane.Op) {
	if op.Local != nil {
		f.lend(op.Local.Addr)
	}
	switch {
	case op.Local != nil && (f.ends[op.Local.Addr] > 0 || len(f.remotes[op.Local.Addr]) > 0), op.Link != nil:
		for _, e := range f.entries { //order:any each by itself
			f.refresh(e)
		}
	case op.Way != nil:
		if e := f.entries[op.Way.Key.Inner.Masked()]; e != nil {
			f.refresh(e)
		}
	}
}

// take brings the table in step with an Op.
func (f *Fast) take(op plane.Op) {
	switch {
	case op.Link != nil:
		change(f.links, op.Link.Port, op.Link.Link, op.Delete)
	case op.Local != nil:
		change(f.locals, op.Local.Addr, op.Local.Local, op.Delete || op.Local.Local.Proxy)
	case op.Path != nil:
		f.takePath(op.Path.Inner.Masked(), op.Path.Path, op.Delete)
	case op.Way != nil:
		key := plane.WayKey{Inner: op.Way.Key.Inner.Masked(), ID: op.Way.Key.ID}
		was := len(f.ways)
		change(f.ways, key, struct{}{}, op.Delete)
		e := f.entry(key.Inner)
		e.ways += len(f.ways) - was
		f.release(e)
	case op.Route != nil:
		change(f.routes, op.Route.Pair, struct{}{}, op.Delete)
	case op.Gate != nil:
		change(f.gates, plane.GateKey{From: op.Gate.Key.From.Masked(), Port: op.Gate.Key.Port}, struct{}{}, op.Delete)
	case op.Flow != nil:
		change(f.flows, op.Flow.Number, struct{}{}, op.Delete)
	}
}

func change[K comparable, V any](m map[K]V, k K, v V, del bool) {
	if del {
		delete(m, k)
	} else {
		m[k] = v
	}
}

func (f *Fast) entry(p netip.Prefix) *entry {
	e := f.entries[p]
	if e == nil {
		e = &entry{inner: p}
		f.entries[p] = e
	}
	return e
}

func (f *Fast) takePath(inner netip.Prefix, p plane.Path, del bool) {
	e := f.entry(inner)
	if e.set {
		f.account(e, -1)
	}
	e.path, e.set = p, !del
	if del {
		f.drop(e)
		e.path = plane.Path{}
		f.release(e)
		return
	}
	f.account(e, 1)
}

// account enters a path into, or removes it from, what is counted over all paths.
func (f *Fast) account(e *entry, by int) {
	side := 0
	if e.path.Side == plane.Agent {
		side = 1
		if !e.inner.IsSingleIP() && !e.path.Capture {
			f.bare += by
		}
	}
	f.sides[side] += by
	if f.ends[e.path.Local] += by; f.ends[e.path.Local] == 0 {
		delete(f.ends, e.path.Local)
	}
	r := e.path.Remote
	if !r.IsValid() {
		return
	}
	if by > 0 {
		f.remotes[r] = append(f.remotes[r], e)
		return
	}
	if list := slices.DeleteFunc(f.remotes[r], func(x *entry) bool { return x == e }); len(list) > 0 {
		f.remotes[r] = list
	} else {
		delete(f.remotes, r)
	}
}

// release forgets an entry that nothing names any more.
func (f *Fast) release(e *entry) {
	if !e.set && e.ways == 0 {
		delete(f.entries, e.inner)
	}
}

// refresh brings the programs in step with a path.
func (f *Fast) refresh(e *entry) {
	switch {
	case !e.set:
		return
	case !e.inner.IsSingleIP():
		e.why = SlowPrefix
		return
	case !f.reserve(e):
		e.why = SlowFull
		return
	}
	flags, why := f.judge(e, f.doors)
	e.why = why
	v := fastPath{Local: words(e.path.Local), Remote: words(e.path.Remote), Slot: e.slot, Flags: flags}
	if e.forced {
		v.Flags |= flagForced
	}
	if f.mtu != nil {
		v.Mtu = uint16(min(f.mtu(e.path), 0xffff))
	}
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
	f.addrs[e.inner.Addr()] = e
	return true
}

// put writes a path into the map, if it says something new.
func (f *Fast) put(e *entry, v fastPath) {
	if e.there && e.written == v {
		return
	}
	if err := f.kernel.setPath(e.inner.Addr(), &v); err != nil {
		// What stood there is wrong now: better none.
		e.why, e.there = SlowRefused+": "+err.Error(), false
		_ = f.kernel.deletePath(e.inner.Addr())
		return
	}
	e.written, e.there = v, true
}

// drop takes a deleted path from the programs.
func (f *Fast) drop(e *entry) {
	if e.there {
		_ = f.kernel.deletePath(e.inner.Addr())
		e.there = false
	}
	if e.slotted {
		delete(f.addrs, e.inner.Addr())
		delete(f.active, e)
		f.free = append(f.free, e.slot)
		e.slotted, e.watching, e.forced = false, false, false
	}
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

// switchOff tells the programs whether anything may be fast.
func (f *Fast) switchOff() {
	off := f.off() != ""
	if off == f.isOff {
		return
	}
	if f.kernel.setOff(off) == nil {
		f.isOff = off
	}
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
