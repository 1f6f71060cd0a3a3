package plane

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"roam6/wire/ip6"
)

// Limits of reassembly. Only packets to Locals are put together; others pass in pieces. What does not show a first piece that came by
// the tunnel of a path may take half of the room, and gives way first.
const (
	ReassemblyTimeout   = 60 * time.Second // RFC 8200 §4.5
	MaxReassemblySets   = 64               // packets in the making; the oldest gives way
	MaxReassemblyPieces = 64               // fragments of one packet
	MaxReassemblyOctets = 1 << 20          // of all packets in the making; the oldest gives way
)

// fragmentKey names a packet in the making, RFC 8200 §4.5.
type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
}

// piece is a copy of one fragment's part of a packet.
type piece struct {
	at   int
	data []byte
}

// fragmentSet is a packet in the making.
type fragmentSet struct {
	key      fragmentKey
	deadline time.Duration
	first    []byte  // headers of the first fragment, its Fragment header last; nil until it came
	fragFrom int     // see chain
	pieces   []piece // ordered, no two overlap
	total    int     // length of the fragmentable part; 0 until the last fragment came
	octets   int
	stranger bool   // no piece has shown yet that it is a path's tunnel packet
	refused  string // why what still comes of it is dropped until its deadline (RFC 5722 §4); empty if it is not
}

// reassembly is all packets in the making, and their order by deadline.
type reassembly struct {
	sets   map[fragmentKey]*fragmentSet
	order  []*fragmentSet
	octets int

	strangers, theirs int // sets of strangers, and their octets
}

// reassemble takes a fragment in and gives the whole packet when it is complete, else nil.
func (s *Soft) reassemble(b []byte, c chain, sink *Sink) []byte {
	key := fragmentKey{sourceOf(b), destinationOf(b), binary.BigEndian.Uint32(b[c.fragAt+4:])}
	word := binary.BigEndian.Uint16(b[c.fragAt+2:])
	p := piece{at: int(word &^ 7), data: b[c.off:]}
	more := word&1 == 1
	if len(p.data) == 0 || more && len(p.data)%8 != 0 || c.fragAt-ip6.HeaderLen+p.at+len(p.data) > 65535 {
		s.drop(sink, DropFragMalformed)
		return nil
	}
	set := s.fragmentSet(key, p.at == 0 && s.isTunnelled(b, &c), sink)
	if set.refused != "" {
		s.drop(sink, set.refused)
		return nil
	}
	if !s.addPiece(set, p, more, sink) {
		return nil
	}
	if p.at == 0 {
		set.first, set.fragFrom = bytes.Clone(b[:c.off]), c.fragFrom
	}
	return s.complete(set, sink)
}

// isTunnelled says whether the first piece of a packet shows that it came by the tunnel of a path.
func (s *Soft) isTunnelled(b []byte, c *chain) bool {
	inner := shown(c.proto, b[c.off:])
	if inner == nil {
		return false
	}
	r, _ := s.through(ends{local: destinationOf(b), remote: sourceOf(b)}, destinationOf(inner), sourceOf(inner))
	return r != nil
}

// shown is the packet in a tunnel packet of which b is what follows its Fragment header, at least the fixed header of it; nil
// if b does not show so much. Between the two there may be the options of the tunnel (RFC 2473 §5.1).
func shown(proto uint8, b []byte) []byte {
	if proto == ip6.ProtoDestOpts && len(b) >= 2 && len(b) >= 8*(int(b[1])+1) {
		proto, b = b[0], b[8*(int(b[1])+1):]
	}
	if proto != ip6.ProtoIPv6 || len(b) < ip6.HeaderLen || b[0]>>4 != 6 {
		return nil
	}
	return b
}

// fragmentSet finds or makes the set of a key. tunnelled says that the piece at hand is known to be a path's.
func (s *Soft) fragmentSet(key fragmentKey, tunnelled bool, sink *Sink) *fragmentSet {
	f := &s.fragments
	if set := f.sets[key]; set != nil {
		if tunnelled && set.stranger {
			f.strangers--
			f.theirs -= set.octets
			set.stranger = false
		}
		return set
	}
	set := &fragmentSet{key: key, deadline: s.now + ReassemblyTimeout, stranger: !tunnelled}
	switch {
	case set.stranger && f.strangers >= MaxReassemblySets/2:
		s.giveWay(set, true, sink)
	case len(f.order) >= MaxReassemblySets:
		s.giveWay(set, f.strangers > 0, sink)
	}
	put(&f.sets, false, key, set)
	f.order = append(f.order, set)
	if set.stranger {
		f.strangers++
	}
	return set
}

// giveWay gives up the oldest packet in the making, the oldest of strangers alone if so told, for another one. It is false if
// there is none.
func (s *Soft) giveWay(to *fragmentSet, strangers bool, sink *Sink) bool {
	for _, set := range s.fragments.order {
		if set != to && (set.stranger || !strangers) {
			s.fragments.remove(set)
			if set.refused == "" {
				s.drop(sink, DropFragFull)
			}
			return true
		}
	}
	return false
}

// makeRoom makes room for octets of a packet in the making.
func (s *Soft) makeRoom(set *fragmentSet, octets int, sink *Sink) bool {
	f := &s.fragments
	for set.stranger && f.theirs+octets > MaxReassemblyOctets/2 {
		if !s.giveWay(set, true, sink) {
			return false
		}
	}
	for f.octets+octets > MaxReassemblyOctets {
		if !s.giveWay(set, f.theirs > 0, sink) {
			return false
		}
	}
	return true
}

// take counts octets of a packet in the making, or gives them back.
func (f *reassembly) take(set *fragmentSet, octets int) {
	set.octets += octets
	f.octets += octets
	if set.stranger {
		f.theirs += octets
	}
}

// addPiece puts a piece where it belongs. It is false if the piece brings nothing: a copy of one that is there, or
// a reason to refuse the packet.
func (s *Soft) addPiece(set *fragmentSet, p piece, more bool, sink *Sink) bool {
	i, found := slices.BinarySearchFunc(set.pieces, p.at, func(q piece, at int) int { return q.at - at })
	if found && bytes.Equal(set.pieces[i].data, p.data) {
		return false // the network sent it twice
	}
	end := p.at + len(p.data)
	overlap := found ||
		i > 0 && set.pieces[i-1].at+len(set.pieces[i-1].data) > p.at ||
		i < len(set.pieces) && set.pieces[i].at < end
	last := set.pieces
	beyond := set.total > 0 && (end > set.total || !more) ||
		!more && len(last) > 0 && last[len(last)-1].at+len(last[len(last)-1].data) > end
	switch {
	case overlap, beyond:
		s.refuse(set, DropFragOverlap, sink)
		return false
	case len(set.pieces) >= MaxReassemblyPieces, !s.makeRoom(set, len(p.data), sink):
		s.refuse(set, DropFragFull, sink)
		return false
	}
	if !more {
		set.total = end
	}
	p.data = bytes.Clone(p.data)
	set.pieces = slices.Insert(set.pieces, i, p)
	s.fragments.take(set, len(p.data))
	return true
}

// refuse forgets what came of a packet and remembers to refuse the rest.
func (s *Soft) refuse(set *fragmentSet, reason string, sink *Sink) {
	s.drop(sink, reason)
	s.fragments.take(set, -set.octets)
	set.refused, set.pieces, set.first = reason, nil, nil
}

// complete joins the pieces if none is missing.
func (s *Soft) complete(set *fragmentSet, sink *Sink) []byte {
	if set.total == 0 || set.first == nil || set.octets != set.total {
		return nil // pieces do not overlap, so the sum tells
	}
	head := len(set.first) - fragHeader
	if head-ip6.HeaderLen+set.total > 65535 { // each piece fits behind its own headers, but not behind the first one's
		s.refuse(set, DropFragMalformed, sink)
		return nil
	}
	out := make([]byte, 0, head+set.total+Headroom)
	out = append(out, set.first[:head]...)
	out[set.fragFrom] = set.first[head]
	for _, p := range set.pieces {
		out = append(out, p.data...)
	}
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)-ip6.HeaderLen))
	s.fragments.remove(set)
	return out
}

func (f *reassembly) remove(set *fragmentSet) {
	f.take(set, -set.octets)
	if set.stranger {
		f.strangers--
	}
	delete(f.sets, set.key)
	f.order = slices.DeleteFunc(f.order, func(o *fragmentSet) bool { return o == set })
}

// expireFragments ends what was not completed in time.
func (s *Soft) expireFragments(sink *Sink) {
	for len(s.fragments.order) > 0 && s.fragments.order[0].deadline <= s.now {
		set := s.fragments.order[0]
		s.fragments.remove(set)
		if set.refused != "" {
			continue
		}
		s.drop(sink, DropFragTimeout)
		if set.first != nil { // RFC 8200 §4.5: told only if the first fragment came
			about := append(set.first, set.pieces[0].data...)
			s.report(sink, icmpError{kind: icmpTimeExceeded, code: codeReassembly, about: about, from: set.key.dst})
		}
	}
}
