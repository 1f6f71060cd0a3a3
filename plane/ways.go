package plane

import (
	"bytes"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// way is a Way at work: a route of its own that no address leads to, since it is the path's route that packets find.
type way struct {
	id     uint16
	copy   bool
	unsure bool
	until  time.Duration
	copies Count
	route
}

// via is the way that a tunnel packet with these outer addresses came by: the path's own, one of its further ones, or nil.
//
// spec MIP-08
func (r *route) via(src, dst netip.Addr) *route {
	if r.accepts(src, dst) {
		return r
	}
	for _, w := range r.ways {
		if w.accepts(src, dst) {
			return &w.route
		}
	}
	return nil
}

// straightBy says whether packets that no tunnel brings are accepted by a port: the path or one of its ways is Direct.
func (r *route) straightBy(port Port) bool {
	return r.Mode == Direct || len(r.ways) > 0 && slices.ContainsFunc(r.ways, func(w *way) bool { return w.Mode == Direct && w.Out == port })
}

// way is the further way with a number, or nil.
func (r *route) way(id uint16) *way {
	for _, w := range r.ways {
		if w.id == id {
			return w
		}
	}
	return nil
}

// path is the Way as the Path of its route.
func (w Way) path(side Side) Path {
	p := Path{Side: side, Mode: Tunnel, Local: w.Local, Remote: w.Remote, Out: w.Out, To: w.To, MTU: w.MTU}
	if !w.Local.IsValid() && !w.Remote.IsValid() {
		p.Mode = Direct
	}
	return p
}

// applyWay carries out a WayOp, or says why not.
func (s *Soft) applyWay(op *WayOp, del bool, sink *Sink) (refused string) {
	k := op.Key.masked()
	r, list := s.waysOf(k.Inner)
	if !del {
		if why := s.refusesWay(k, list); why != "" {
			return why
		}
	}
	if r != nil {
		s.stops(r, k, &op.Way, del, sink)
	}
	s.setWay(r, list, k, &op.Way, del)
	if r != nil && r.order != nil {
		s.proceed(r, sink)
	}
	return ""
}

func (s *Soft) refusesWay(k WayKey, list []*way) string {
	switch known := slices.ContainsFunc(list, func(w *way) bool { return w.id == k.ID }); {
	case !isV6(k.Inner) || k.ID == 0:
		return RefusedInvalid
	case !known && (len(list) >= MaxPathWays || s.wayCount >= s.limits.ways):
		return RefusedFull
	}
	return ""
}

// setWay sets or deletes a way among those of a prefix, whose route is r if it has one.
func (s *Soft) setWay(r *route, list []*way, k WayKey, to *Way, del bool) {
	i, known := slices.BinarySearchFunc(list, k.ID, func(w *way, id uint16) int { return int(w.id) - int(id) })
	switch {
	case del && !known:
		return
	case del:
		s.paths.release(list[i].form)
		list = slices.Delete(list, i, i+1)
		s.wayCount--
	case !known:
		list = slices.Insert(list, i, &way{id: k.ID, route: route{extra: nothing}})
		s.wayCount++
	}
	if !del {
		w := list[i]
		w.copy, w.unsure, w.until, w.quiet = to.Copy, to.Unsure, to.Until, to.Copy
		var side Side
		if r != nil {
			side = r.Side
		}
		s.become(w, to.path(side))
	}
	if r == nil {
		put(&s.ways, len(list) == 0, k.Inner, list)
		return
	}
	r.own().ways = list
	r.slim()
}

// waysOf is the route of a prefix, or nil, and its further ways.
func (s *Soft) waysOf(inner netip.Prefix) (*route, []*way) {
	if r := s.paths.of(inner); r != nil {
		return r, r.ways
	}
	return nil, s.ways[inner]
}

// eachWay gives all further ways, in the order of their keys.
func (s *Soft) eachWay(yield func(netip.Prefix, *way)) {
	if s.wayCount == 0 {
		return
	}
	inners := slices.AppendSeq(s.paths.prefixes(), maps.Keys(s.ways))
	slices.SortFunc(inners, comparePrefix)
	for _, inner := range inners {
		_, list := s.waysOf(inner)
		for _, w := range list {
			yield(inner, w)
		}
	}
}

// wayTable gives all further ways as the table says them.
func (s *Soft) wayTable() map[WayKey]Way {
	var all map[WayKey]Way
	s.eachWay(func(inner netip.Prefix, w *way) { put(&all, false, WayKey{inner, w.id}, w.told()) })
	return all
}

// told is the way as the table says it.
func (w *way) told() Way {
	return Way{Local: w.Local, Remote: w.Remote(), Out: w.Out, To: w.To, MTU: w.MTU, Copy: w.copy, Until: w.until, Unsure: w.unsure}
}

// setSide gives a way the side of its path.
func (s *Soft) setSide(w *way, side Side) {
	if w.Side != side {
		p := w.Path()
		p.Side = side
		s.become(w, p)
	}
}

// become gives a way a path, whose form it shares.
func (s *Soft) become(w *way, p Path) {
	remote := split(&p)
	s.paths.set(&w.route, &p, remote)
}

// copied forwards a packet and sends copies of it by the ways that want one now.
func (s *Soft) copied(r *route, b []byte, taken uint16, sink *Sink) bool {
	if !s.copies(r, taken) {
		return s.forward(r, b, taken, sink)
	}
	whole := bytes.Clone(b)
	sent := s.forward(r, b, taken, sink)
	s.copy(r, whole, taken, sink)
	return sent
}

// copy sends copies of a packet. What becomes of a copy is told to nobody: the packet itself is reported.
func (s *Soft) copy(r *route, whole []byte, taken uint16, sink *Sink) {
	was := s.quiet // a copy of a tunnel packet with a copy in it
	s.quiet = true
	for _, w := range r.ways {
		if s.wants(w, taken) {
			c := withRoom(whole)
			if s.leave(&w.route, c, sink) {
				w.copies.add(len(whole))
			}
		}
	}
	s.quiet = was
}

// wants says whether a way carries a copy of a packet that takes another one.
func (s *Soft) wants(w *way, taken uint16) bool { return w.copy && s.now < w.until && w.id != taken }

// copies says whether any does.
func (s *Soft) copies(r *route, taken uint16) bool {
	return slices.ContainsFunc(r.ways, func(w *way) bool { return s.wants(w, taken) })
}

// withRoom is a copy with Headroom.
func withRoom(b []byte) []byte { return append(make([]byte, 0, len(b)+Headroom), b...) }
