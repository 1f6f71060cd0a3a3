package plane

import (
	"cmp"
	"net/netip"
	"slices"
)

// route is a Path at work: the wanted state and what happened to it.
type route struct {
	Path
	inner          netip.Prefix
	held           []heldPacket
	sent, received Count

	checkedGen int  // localGen for which loops was found, plus one
	loops      bool // the tunnel's far end is this node
}

// ends names a tunnel by its outer addresses.
type ends struct{ local, remote netip.Addr }

// accepts says whether a tunnel packet with these outer addresses came by this path. A path that holds what it
// sends but still names its tunnel goes on receiving by it: packets of the old path are on their way yet.
func (r *route) accepts(src, dst netip.Addr) bool {
	return (r.Mode == Tunnel || r.Mode == Hold) && r.Remote == src && r.Local == dst
}

// index finds the route of an address: /128 by map, shorter prefixes by length.
type index struct {
	exact map[netip.Addr]*route
	nets  []*route // longest first, then by address
}

func (x *index) find(a netip.Addr) *route {
	if r := x.exact[a]; r != nil {
		return r
	}
	for _, r := range x.nets {
		if r.inner.Contains(a) {
			return r
		}
	}
	return nil
}

func (x *index) add(r *route) {
	if r.inner.IsSingleIP() {
		if x.exact == nil {
			x.exact = make(map[netip.Addr]*route)
		}
		x.exact[r.inner.Addr()] = r
		return
	}
	i, _ := slices.BinarySearchFunc(x.nets, r, longerFirst)
	x.nets = slices.Insert(x.nets, i, r)
}

func (x *index) remove(r *route) {
	if r.inner.IsSingleIP() {
		delete(x.exact, r.inner.Addr())
		return
	}
	x.nets = slices.DeleteFunc(x.nets, func(o *route) bool { return o == r })
}

func longerFirst(a, b *route) int {
	return cmp.Or(cmp.Compare(b.inner.Bits(), a.inner.Bits()), a.inner.Addr().Compare(b.inner.Addr()))
}

// setRoute makes, changes or deletes the route of a prefix and lets go what it held if it holds no more.
func (s *Soft) setRoute(inner netip.Prefix, p Path, del bool, sink *Sink) {
	r := s.routes[inner]
	if r != nil {
		s.unlink(r)
	}
	if del {
		if r != nil {
			delete(s.routes, inner)
			s.discardHeld(r, sink)
		}
		return
	}
	if r == nil {
		r = &route{inner: inner}
		s.routes[inner] = r
	}
	if r.Mode == Hold && p.Mode != Hold {
		s.dropAged(r, sink) // by the age of the path that held them
	}
	r.Path, r.checkedGen = p, 0
	s.link(r)
	if r.Mode != Hold {
		s.release(r, sink)
	}
}

// side is the index that routes of this side are in.
func (s *Soft) side(side Side) *index {
	if side == Agent {
		return &s.agent
	}
	return &s.mobile
}

func (s *Soft) link(r *route) {
	s.side(r.Side).add(r)
	if r.Mode != Direct && r.Remote.IsValid() {
		s.tunnels[ends{r.Local, r.Remote}]++
	}
}

func (s *Soft) unlink(r *route) {
	s.side(r.Side).remove(r)
	if r.Mode != Direct && r.Remote.IsValid() {
		e := ends{r.Local, r.Remote}
		if s.tunnels[e]--; s.tunnels[e] == 0 {
			delete(s.tunnels, e)
		}
	}
}

// leadsHere says whether the far end of the tunnel is an address of this node, RFC 2473 §4.1.2.
func (s *Soft) leadsHere(r *route) bool {
	if r.checkedGen != s.localGen+1 {
		l, ok := s.table.Locals[r.Remote]
		r.loops, r.checkedGen = ok && !l.Proxy || r.Remote == r.Local, s.localGen+1
	}
	return r.loops
}
