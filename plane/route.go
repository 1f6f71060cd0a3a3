package plane

import (
	"net/netip"
	"slices"
)

// route is a Path at work: what is wanted and what happened to it. What many have in common is said once (form), what few have
// stands apart (extra).
type route struct {
	*form
	*extra                // nothing, for most
	addr, remote [16]byte // of its prefix, and of the far end
	number       uint32   // in its book
	next         uint32   // among the numbers given back
	bits         uint8    // of its prefix
	end          bool     // tunnels of this node begin at its address
	quiet        bool     // it carries copies: errors about them concern nobody
	sent         Count
	received     Count
}

// extra is what few routes have.
type extra struct {
	ways  []*way    // by number
	held  queue     // what waits, or copies of what was sent: copies first
	seen  *memory   // with Dedup
	order *ordering // with Settle: what waits for older packets
	left  *Path     // with Mark: the way it went before it began to hold
}

// nothing is the extra of a route that has none. Nobody writes to it: see own.
var nothing = new(extra)

// own is a route's extra to write to.
func (r *route) own() *extra {
	if r.extra == nothing {
		r.extra = new(extra)
	}
	return r.extra
}

// slim gives an extra up that says nothing.
func (r *route) slim() {
	if e := r.extra; len(e.ways) == 0 && e.held.n == 0 && e.seen == nil && e.order == nil && e.left == nil {
		r.extra = nothing
	}
}

// Path is the wanted state.
func (r *route) Path() Path {
	p := r.form.Path
	p.Remote = r.Remote()
	return p
}

// Remote is Path.Remote.
func (r *route) Remote() netip.Addr {
	if r.plain {
		return netip.AddrFrom16(r.remote)
	}
	return r.form.Path.Remote
}

func (r *route) inner() netip.Prefix { return netip.PrefixFrom(netip.AddrFrom16(r.addr), int(r.bits)) }

// ends names a tunnel by its outer addresses.
type ends struct{ local, remote netip.Addr }

// accepts says whether a tunnel packet with these outer addresses came by this path. A path that holds what it
// sends but still names its tunnel goes on receiving by it: packets of the old path are on their way yet.
func (r *route) accepts(src, dst netip.Addr) bool {
	return (r.Mode == Tunnel || r.Mode == Hold) && r.Remote() == src && r.Local == dst
}

// index finds the route of an address on one side: the longest prefix that contains it. Whole addresses are the common case and
// are asked for first; a look-up costs one search per prefix length in use.
type index struct {
	side   uint8
	levels []level // longest prefix first; none is empty
}

// level is a prefix length, and how many routes have it.
type level struct {
	bits uint8
	n    int
}

func (x *index) find(b *book, a netip.Addr) *route {
	key := a.As16()
	for i := range x.levels {
		bits := x.levels[i].bits
		if bits < 128 {
			key = netip.PrefixFrom(a, int(bits)).Masked().Addr().As16()
		}
		if r := b.get(&key, bits); r != nil && r.side == x.side {
			return r
		}
	}
	return nil
}

// count keeps how many routes a prefix length has.
func (x *index) count(bits uint8, by int) {
	i, ok := slices.BinarySearchFunc(x.levels, bits, func(l level, bits uint8) int { return int(bits) - int(l.bits) })
	if !ok {
		x.levels = slices.Insert(x.levels, i, level{bits: bits})
	}
	if x.levels[i].n += by; x.levels[i].n == 0 {
		x.levels = slices.Delete(x.levels, i, i+1)
	}
}

// byMobile and byAgent are the routes of an address on each side, or nil.
func (s *Soft) byMobile(a netip.Addr) *route { return s.mobile.find(&s.paths, a) }
func (s *Soft) byAgent(a netip.Addr) *route  { return s.agent.find(&s.paths, a) }

// applyPath carries out a PathOp, or says why not.
func (s *Soft) applyPath(op *PathOp, del bool, sink *Sink) (refused string) {
	inner := masked(op.Inner)
	r := s.paths.of(inner)
	if del {
		if r != nil {
			s.dropRoute(r, sink)
		}
		return ""
	}
	if r == nil {
		if why := s.refusesPath(inner, r); why != "" {
			return why
		}
	}
	bare := op.Path
	remote := split(&bare)
	if r != nil && r.extra == nothing && r.side != 0 && r.form.Path == bare && (r.remote == remote || !r.Mark && r.Settle <= 0) {
		r.remote = remote // most updates of a binding do not even that
		return ""
	}
	s.setRoute(r, inner, &op.Path, &bare, remote, sink)
	return ""
}

// setRoute makes or changes the route r of a prefix, and sends what it held or kept if the way is another now. bare and remote are
// the path as split gives it.
func (s *Soft) setRoute(r *route, inner netip.Prefix, p, bare *Path, remote [16]byte, sink *Sink) {
	moved, before := true, turnOf(r)
	stays := r != nil && r.form.Path.Side == bare.Side
	if r == nil {
		r = s.paths.add(inner)
		if list := s.ways[inner]; len(list) > 0 {
			r.own().ways = list
			delete(s.ways, inner)
		}
	} else {
		moved = s.leaves(r, p, sink)
		s.captures -= captures(r.Capture)
		if !stays {
			s.unlink(r)
		}
	}
	s.paths.set(r, bare, remote)
	s.captures += captures(r.Capture)
	if !stays {
		s.link(r)
	}
	s.countEnd(r, s.isEnd(r))
	if r.extra == nothing && r.Settle <= 0 {
		return
	}
	for _, w := range r.ways {
		s.setSide(w, r.Side)
	}
	if p.Dedup <= 0 {
		s.forget(r)
	}
	s.turn(r, before, sink)
	switch {
	case moved && p.Mode != Hold:
		s.release(r, sink)
	case p.Mode != Hold && !p.Keep:
		s.discardCopies(r)
	}
	r.slim()
}

// leaves ends what a route did by the path it has, and says whether the next one is another way.
func (s *Soft) leaves(r *route, to *Path, sink *Sink) (moved bool) {
	if r.order != nil && (to.Settle <= 0 || to.Side != r.Side) {
		s.settle(r, sink)
		r.order = nil
	}
	s.departs(r, to, false, sink)
	if moved = r.Mode == Hold && to.Mode != Hold || r.Mode != Hold && !r.goes(to); moved {
		s.dropAged(r, sink) // by the age of the path that held them
	}
	return moved
}

// dropRoute deletes a route.
func (s *Soft) dropRoute(r *route, sink *Sink) {
	if r.order != nil {
		s.settle(r, sink)
		r.order = nil
	}
	s.departs(r, nil, true, sink)
	s.captures -= captures(r.Capture)
	s.unlink(r)
	s.countEnd(r, false)
	s.discardHeld(r, sink)
	s.forget(r)
	if len(r.ways) > 0 {
		put(&s.ways, false, r.inner(), r.ways)
	}
	s.paths.remove(r)
}

// goes says whether the packets of a path go the way they go now.
func (r *route) goes(p *Path) bool {
	return r.Side == p.Side && r.Mode == p.Mode && r.Local == p.Local && r.Out == p.Out && r.To == p.To && r.Remote() == p.Remote
}

// wayOf is what of a Path says which way its packets go.
func wayOf(p *Path) Path {
	return Path{Side: p.Side, Mode: p.Mode, Local: p.Local, Remote: p.Remote, Out: p.Out, To: p.To}
}

// side is the index that the route belongs to; nil if its side is none.
func (s *Soft) side(r *route) *index { return s.index(r.form.Side) }

func (s *Soft) index(side Side) *index {
	switch side {
	case Mobile:
		return &s.mobile
	case Agent:
		return &s.agent
	}
	return nil
}

func (s *Soft) link(r *route) {
	if x := s.side(r); x != nil {
		x.count(r.bits, 1)
	}
}

func (s *Soft) unlink(r *route) {
	if x := s.side(r); x != nil {
		x.count(r.bits, -1)
	}
}

// captures is how many entries with Capture one is.
func captures(capture bool) int {
	if capture {
		return 1
	}
	return 0
}

// leadsHere says whether the far end of the tunnel is an address of this node, RFC 2473 §4.1.2.
func (s *Soft) leadsHere(r *route) bool {
	remote := r.Remote()
	if remote == r.Local {
		return true
	}
	if r.plain && !s.near.has(r.remote[:]) {
		return false
	}
	l, ok := s.table.Locals[remote]
	return ok && !l.Proxy
}

// Tunnel is the tunnel that packets of an address take, on one side: the outer addresses here and there. It is false if
// there is none, or packets do not take it now.
func (s *Soft) Tunnel(side Side, a netip.Addr) (local, remote netip.Addr, ok bool) {
	x := s.index(side)
	if x == nil {
		return local, remote, false
	}
	r := x.find(&s.paths, a)
	if r == nil || r.Mode != Tunnel {
		return local, remote, false
	}
	return r.Local, r.Remote(), true
}
