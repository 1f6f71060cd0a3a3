package plane

import (
	"net/netip"
	"slices"
)

// route is a Path at work: the wanted state and what happened to it.
type route struct {
	Path
	inner          netip.Prefix
	ways           []*way // by number
	held           queue  // what waits, or copies of what was sent: copies first
	seen           *memory
	order          *ordering // with Settle: what waits for older packets
	left           *Path     // with Mark: the way it went before it began to hold
	sent, received Count

	checkedGen int  // localGen for which loops was found, plus one
	loops      bool // the tunnel's far end is this node
	end        bool // tunnels of this node begin at its address
	quiet      bool // it carries copies: errors about them concern nobody
	usual      bool // what enters leaves by the path's own way, and nothing else is done with it
}

// ends names a tunnel by its outer addresses.
type ends struct{ local, remote netip.Addr }

// accepts says whether a tunnel packet with these outer addresses came by this path. A path that holds what it
// sends but still names its tunnel goes on receiving by it: packets of the old path are on their way yet.
func (r *route) accepts(src, dst netip.Addr) bool {
	return (r.Mode == Tunnel || r.Mode == Hold) && r.Remote == src && r.Local == dst
}

// index finds the route of an address: the longest prefix that contains it. Whole addresses are the common case and
// stand in the first level; a look-up costs one map access per prefix length in use.
type index struct {
	levels []level // longest prefix first; none is empty
}

// level is the routes of one prefix length, by network address.
type level struct {
	bits   int
	routes map[netip.Addr]*route
}

func (x *index) find(a netip.Addr) *route {
	for i := range x.levels {
		l := &x.levels[i]
		key := a
		if l.bits < 128 {
			key = netip.PrefixFrom(a, l.bits).Masked().Addr()
		}
		if r := l.routes[key]; r != nil {
			return r
		}
	}
	return nil
}

// at is where the level of a prefix length stands or belongs.
func (x *index) at(bits int) (int, bool) {
	return slices.BinarySearchFunc(x.levels, bits, func(l level, bits int) int { return bits - l.bits })
}

func (x *index) add(r *route) {
	i, ok := x.at(r.inner.Bits())
	if !ok {
		x.levels = slices.Insert(x.levels, i, level{r.inner.Bits(), make(map[netip.Addr]*route)})
	}
	x.levels[i].routes[r.inner.Addr()] = r
}

func (x *index) remove(r *route) {
	i, _ := x.at(r.inner.Bits())
	delete(x.levels[i].routes, r.inner.Addr())
	if len(x.levels[i].routes) == 0 {
		x.levels = slices.Delete(x.levels, i, i+1)
	}
}

// setRoute makes, changes or deletes the route of a prefix, and sends what it held or kept if the way is another now.
func (s *Soft) setRoute(inner netip.Prefix, p Path, del bool, sink *Sink) {
	r := s.routes[inner]
	if r != nil {
		if del || p.Settle <= 0 || p.Side != r.Side {
			s.settle(r, sink)
			r.order = nil
		}
		s.departs(r, p, del, sink)
		s.unlink(r)
	}
	if del {
		if r != nil {
			delete(s.routes, inner)
			s.countEnd(r, false)
			s.discardHeld(r, sink)
			s.forget(r)
		}
		return
	}
	if r == nil {
		r = &route{inner: inner, ways: s.ways[inner]}
		put(&s.routes, false, inner, r)
	}
	moved := r.Mode == Hold && p.Mode != Hold || r.Mode != Hold && wayOf(r.Path) != wayOf(p)
	if moved {
		s.dropAged(r, sink) // by the age of the path that held them
	}
	was := r.Path
	r.Path, r.checkedGen = p, 0
	r.setUsual()
	if inner.IsSingleIP() {
		s.setEnd(inner.Addr())
	}
	for _, w := range r.ways {
		w.Side = r.Side
	}
	if p.Dedup <= 0 {
		s.forget(r)
	}
	s.link(r)
	s.turn(r, was, sink)
	switch {
	case moved && p.Mode != Hold:
		s.release(r, sink)
	case p.Mode != Hold && !p.Keep:
		s.discardCopies(r)
	}
}

// setUsual keeps whether nothing special is wanted of the route.
func (r *route) setUsual() {
	r.usual = r.Mode != Hold && !r.Keep && len(r.ways) == 0 && !(r.Control && r.Side == Agent)
}

// wayOf is what of a Path says which way its packets go.
func wayOf(p Path) Path {
	return Path{Side: p.Side, Mode: p.Mode, Local: p.Local, Remote: p.Remote, Out: p.Out, To: p.To}
}

// side is the index that the route belongs to; nil if its prefix or side is none.
func (s *Soft) side(r *route) *index {
	switch {
	case !r.inner.IsValid():
		return nil
	case r.Side == Mobile:
		return &s.mobile
	case r.Side == Agent:
		return &s.agent
	}
	return nil
}

func (s *Soft) link(r *route) {
	x := s.side(r)
	if x == nil {
		return
	}
	x.add(r)
	s.countEnds(r, 1)
}

func (s *Soft) unlink(r *route) {
	x := s.side(r)
	if x == nil {
		return
	}
	x.remove(r)
	s.countEnds(r, -1)
}

// leadsHere says whether the far end of the tunnel is an address of this node, RFC 2473 §4.1.2.
func (s *Soft) leadsHere(r *route) bool {
	if r.checkedGen != s.localGen+1 {
		l, ok := s.table.Locals[r.Remote]
		r.loops, r.checkedGen = ok && !l.Proxy || r.Remote == r.Local, s.localGen+1
	}
	return r.loops
}
