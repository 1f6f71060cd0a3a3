package plane

import (
	"math/bits"
	"net/netip"
	"slices"
)

// book holds the routes of all paths: one number a prefix. A home agent has one for each of its bindings, which may be millions;
// so a route is small (route.go), stands in a chunk with others, and costs no entry in a map. A route stays where it is.
type book struct {
	seed   hashSeed
	finder           // by prefix
	chunks [][]route // chunk 0 has one, each up to fullChunk as many as all before it, then chunkRoutes
	used   uint32    // numbers given so far
	free   uint32    // the first of those given back, plus one; each names the next
	forms  map[Path]*form
	latest [latestForms]*form // those asked for last, in any order
	oldest uint8              // of them: the next to be replaced
}

// latestForms is how many forms are found without a look into the map of them: those of an agent's bindings before, while and after
// they move, and of the ways before.
const latestForms = 4

// Chunks: thousands of planes in a simulator have one path each, so the first are small.
const (
	fullChunk   = 12
	chunkRoutes = 1 << fullChunk
)

// form is what many paths have in common: all but the address of the far end, which is :: here if the route has it. An
// address that is not sixteen octets, or none, stays here.
type form struct {
	Path
	uses  int
	side  uint8 // Path.Side as a number, for it is asked with every packet
	plain bool  // the route has the far end
	usual bool  // what enters leaves by the path's own way, and nothing else is done with it, unless there are ways
}

// split takes the far end out of a path.
func split(p *Path) [16]byte {
	if !isPlain(p.Remote) {
		return [16]byte{}
	}
	remote := p.Remote.As16()
	p.Remote = netip.IPv6Unspecified()
	return remote
}

func newForm(p Path) *form {
	return &form{Path: p, side: number(p.Side), plain: p.Remote == netip.IPv6Unspecified(),
		usual: p.Mode != Hold && !p.Keep && !(p.Control && p.Side == Agent)}
}

// number is a Side as a number: 0 for what is none of a path.
func number(s Side) uint8 {
	switch s {
	case Mobile:
		return 1
	case Agent:
		return 2
	}
	return 0
}

// loose is a route that belongs to no path of the table.
func loose(p Path) *route {
	r := &route{extra: nothing}
	r.be(p)
	return r
}

// be gives a route that is not in a book another path.
func (r *route) be(p Path) {
	r.remote = split(&p)
	r.form = newForm(p)
}

// chunkOf is the chunk of a number, and the place in it.
func chunkOf(n uint32) (chunk, place uint32) {
	if n < chunkRoutes {
		c := uint32(bits.Len32(n))
		return c, n - 1<<c>>1
	}
	return fullChunk + n>>fullChunk, n % chunkRoutes
}

// chunkSize is how many routes a chunk has.
func chunkSize(chunk uint32) uint32 {
	return max(1, uint32(1)<<min(chunk, fullChunk+1)>>1)
}

func (b *book) at(number uint32) *route {
	chunk, place := chunkOf(number)
	return &b.chunks[chunk][place]
}

// prefixHash hashes a masked prefix.
func (b *book) prefixHash(a *[16]byte, bits uint8) uint32 {
	return b.seed.quick(a, uint64(bits))
}

// get is the route of a masked prefix, or nil.
func (b *book) get(a *[16]byte, bits uint8) *route {
	if b.finder.n == 0 {
		return nil
	}
	hash := b.prefixHash(a, bits)
	for at := b.home(hash); ; {
		number, then, ok := b.next(hash, at)
		if !ok {
			return nil
		}
		if r := b.at(number); r.addr == *a && r.bits == bits {
			return r
		}
		at = then
	}
}

// of is the route of a prefix as a table tells it, or nil.
func (b *book) of(p netip.Prefix) *route {
	if !isV6(p) {
		return nil
	}
	a := p.Addr().As16()
	return b.get(&a, uint8(p.Bits()))
}

// add makes the route of a prefix, which has none.
func (b *book) add(p netip.Prefix) *route {
	number := b.used
	if b.free != 0 {
		number = b.free - 1
		b.free = b.at(number).next
	} else {
		if chunk, place := chunkOf(number); place == 0 {
			b.chunks = append(b.chunks, make([]route, chunkSize(chunk)))
		}
		b.used++
	}
	r := b.at(number)
	*r = route{number: number, addr: p.Addr().As16(), bits: uint8(p.Bits()), extra: nothing}
	b.finder.add(b.prefixHash(&r.addr, r.bits), number)
	return r
}

// remove takes a route out.
func (b *book) remove(r *route) {
	number := r.number
	b.finder.remove(b.prefixHash(&r.addr, r.bits), number)
	b.release(r.form)
	if b.finder.n == 0 {
		*b = book{seed: b.seed, forms: b.forms} // ways that wait for their path have theirs
		return
	}
	*r = route{next: b.free, extra: nothing}
	b.free = number + 1
}

// set gives a route of the book its path, without its far end.
func (b *book) set(r *route, bare *Path, remote [16]byte) {
	r.remote = remote
	if s := b.form(bare, r.form); s != r.form {
		s.uses++
		b.release(r.form)
		r.form = s
	}
}

// form is the one form of a path: most often that of the path before, or the one asked for last.
func (b *book) form(bare *Path, was *form) *form {
	if was != nil && was.Path == *bare {
		return was
	}
	for _, s := range b.latest {
		if s != nil && s.Path == *bare {
			return s
		}
	}
	s := b.forms[*bare]
	if s == nil {
		s = newForm(*bare)
		put(&b.forms, false, *bare, s)
	}
	b.latest[b.oldest], b.oldest = s, (b.oldest+1)%latestForms
	return s
}

// release forgets a form that no route has any longer.
func (b *book) release(s *form) {
	if s == nil {
		return
	}
	if s.uses--; s.uses == 0 {
		delete(b.forms, s.Path)
		if i := slices.Index(b.latest[:], s); i >= 0 {
			b.latest[i] = nil
		}
	}
}

// prefixes are those that have a route, in order.
func (b *book) prefixes() []netip.Prefix {
	all := make([]netip.Prefix, 0, b.finder.n)
	for n := range b.used {
		if r := b.at(n); r.form != nil {
			all = append(all, r.inner())
		}
	}
	slices.SortFunc(all, comparePrefix)
	return all
}

// table gives all paths as the table says them.
func (b *book) table() map[netip.Prefix]Path {
	if b.finder.n == 0 {
		return nil
	}
	all := make(map[netip.Prefix]Path, b.finder.n)
	for n := range b.used {
		if r := b.at(n); r.form != nil {
			all[r.inner()] = r.Path()
		}
	}
	return all
}
