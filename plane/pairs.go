package plane

import (
	"maps"
	"net/netip"
	"slices"
)

// pairKey is a Pair as thirty-two octets: the mobile address, then its peer.
type pairKey [32]byte

func keyOf(p Pair) pairKey { return join(p.Mobile.As16(), p.Peer.As16()) }

func join(mobile, peer [16]byte) (k pairKey) {
	copy(k[:16], mobile[:])
	copy(k[16:], peer[:])
	return k
}

func (k pairKey) pair() Pair {
	return Pair{netip.AddrFrom16([16]byte(k[:16])), netip.AddrFrom16([16]byte(k[16:]))}
}

// straight is a Route at work. There may be a million, so it has neither pointers nor netip addresses.
type straight struct {
	careOf         [16]byte
	mtu            uint32
	out            uint16
	peer, capture  bool   // peer: this node is the peer
	hinted         uint32 // second of the last hint, from 1; 0: none
	erred          uint32 // likewise, that the care-of address is not reached
	sent, received Count
}

// pairs are all Routes, by value in one list, and the places of their keys in it.
type pairs struct {
	at   map[pairKey]uint32
	list []straight
	free []uint32
}

// find is the Route of a pair if this node is that end of it. The pointer is good until the next change.
func (p *pairs) find(mobile, peer []byte, isPeer bool) *straight {
	if e := p.get(join([16]byte(mobile), [16]byte(peer))); e != nil && e.peer == isPeer {
		return e
	}
	return nil
}

// get is the Route of a pair, whichever end of it this node is; nil if there is none.
func (p *pairs) get(k pairKey) *straight {
	if i, ok := p.at[k]; ok {
		return &p.list[i]
	}
	return nil
}

// set adds or changes a Route; what was counted stays.
func (p *pairs) set(k pairKey, r Route) {
	i, ok := p.at[k]
	switch {
	case ok:
	case len(p.free) > 0:
		i = p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
	default:
		i = uint32(len(p.list))
		p.list = append(p.list, straight{})
	}
	put(&p.at, false, k, i)
	e := &p.list[i]
	e.careOf, e.mtu, e.out, e.peer, e.capture = r.CareOf.As16(), uint32(r.MTU), uint16(r.Out), r.Side == Peer, r.Capture
}

func (p *pairs) remove(k pairKey) {
	i, ok := p.at[k]
	if !ok {
		return
	}
	delete(p.at, k)
	p.list[i] = straight{}
	p.free = append(p.free, i)
}

// route is the entry as the table says it.
func (e *straight) route() Route {
	side := Mobile
	if e.peer {
		side = Peer
	}
	return Route{Side: side, CareOf: netip.AddrFrom16(e.careOf), Out: Port(e.out), MTU: int(e.mtu), Capture: e.capture}
}

// table gives all Routes as the table says them.
func (p *pairs) table() map[Pair]Route {
	if len(p.at) == 0 {
		return nil
	}
	m := make(map[Pair]Route, len(p.at))
	for k, i := range p.at { //order:any into a map
		m[k.pair()] = p.list[i].route()
	}
	return m
}

func (p *pairs) counts() (all []RouteCount) {
	order := func(a, b pairKey) int { return slices.Compare(a[:], b[:]) }
	for _, k := range slices.SortedFunc(maps.Keys(p.at), order) {
		e, pair := &p.list[p.at[k]], k.pair()
		all = append(all, RouteCount{pair.Mobile, pair.Peer, e.sent, e.received})
	}
	return all
}

// MaxMTU is the largest MTU a table may tell: no packet is larger.
const MaxMTU = 65575

func (s *Soft) refusesRoute(op *RouteOp) string {
	r := op.Route
	ok := isUnicast(op.Pair.Mobile) && isUnicast(op.Pair.Peer) && isUnicast(r.CareOf) && (r.Side == Mobile || r.Side == Peer) &&
		r.MTU >= 0 && r.MTU <= MaxMTU && r.Out >= 0 && r.Out < MaxLinks<<8
	if !ok {
		return RefusedInvalid
	}
	return full(s.pairs.at, keyOf(op.Pair), s.limits.routes)
}

// setPair carries out a RouteOp.
func (s *Soft) setPair(op *RouteOp, del bool) {
	k := keyOf(op.Pair)
	if old := s.pairs.get(k); old != nil && old.capture {
		s.captures--
	}
	if del {
		s.pairs.remove(k)
		return
	}
	s.pairs.set(k, op.Route)
	if op.Route.Capture {
		s.captures++
	}
}
