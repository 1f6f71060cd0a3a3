package plane

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire/ip6"
)

// deliver hands a packet for a mobile address of this node to its applications. by is the way it came by, r or one of
// its ways.
func (s *Soft) deliver(r, by *route, a *arrival, b []byte, sink *Sink) {
	switch {
	case r.end:
		if l, ok := s.table.Locals[destinationOf(b)]; ok {
			s.carried(r, by, a, l, b, sink)
			return
		}
	case b[6] == ip6.ProtoTCP, b[6] == ip6.ProtoUDP:
	default:
		if b = s.inspect(r, a, b, sink); b == nil {
			return
		}
	}
	if r.Dedup > 0 && s.duplicate(r, a, b) {
		s.drop(sink, DropDuplicate)
		return
	}
	if a.straight {
		if e := s.pairs.find(b[24:40], b[8:24], false); e != nil {
			e.received.add(len(b))
			e.use(s.now, b[24:40], b[8:24], sink)
		}
	} else if r.Hints && a.outer.remote.IsValid() {
		s.heardFrom(b, sink)
	}
	r.received.add(len(b))
	if by != r {
		by.received.add(len(b))
	}
	s.left(Kernel, b)
	sink.up(b)
}

// carried receives again what came by the path of a tunnel end.
func (s *Soft) carried(r, by *route, a *arrival, l Local, b []byte, sink *Sink) {
	if r.Dedup > 0 && s.duplicate(r, a, b) {
		s.drop(sink, DropDuplicate)
		return
	}
	r.received.add(len(b))
	if by != r {
		by.received.add(len(b))
	}
	s.receiveAgain(a, l, b, sink)
}

// inspect treats packets that are more than user data: control, options that must be proved and taken out, errors about
// packets that went straight. It gives the packet for the applications, nil if there is none. Other headers that lie are
// left to the kernel, which takes all apart anyway.
func (s *Soft) inspect(r *route, a *arrival, b []byte, sink *Sink) []byte {
	if b[6] == ip6.ProtoICMPv6 && len(s.pairs.at) == 0 {
		return b
	}
	c, reason := walk(b)
	switch {
	case c.type2.at > 0: // a segment left, and no care-of address was passed
		s.drop(sink, DropRouting)
		return nil
	case reason != "" && !c.plain:
		s.drop(sink, reason)
		return nil
	case reason != "":
		return b
	case c.proto == ip6.ProtoMH && c.fragAt == 0 && r.Control:
		s.punt(a, b, sink)
		return nil
	case c.homeAt > 0:
		if b = s.unmask(a, b, &c, sink); b == nil {
			return nil
		}
		c, _ = walk(b)
	}
	if len(s.pairs.at) > 0 && c.proto == ip6.ProtoICMPv6 && c.fragAt == 0 && isError(b[c.off:]) && s.restore(b, c.off, sink) {
		return nil
	}
	return b
}

// unmask puts the home address of a Home Address option into the source field, RFC 6275 §9.3.1, if the binding says so.
// Without one the packet is for the engines, which answer with a Binding Error; protected packets prove themselves.
//
// spec MIP-04
func (s *Soft) unmask(a *arrival, b []byte, c *chain, sink *Sink) []byte {
	e := s.bound(b, c)
	switch {
	case e != nil:
		home := [16]byte(b[c.homeAt:])
		b = without(b, c)
		copy(b[8:24], home[:])
		e.received.add(len(b))
		e.use(s.now, b[8:24], b[24:40], sink)
		return b
	case provesItself(c.proto):
		return b
	}
	s.unbound(a, b, sink)
	return nil
}

// bound is the Route that says: the source of this packet is the care-of address of its Home Address option. Else nil.
func (s *Soft) bound(b []byte, c *chain) *straight {
	if len(s.pairs.at) == 0 {
		return nil
	}
	e := s.pairs.find(b[c.homeAt:c.homeAt+16], b[24:40], true)
	if e == nil || e.careOf != [16]byte(b[8:24]) {
		return nil
	}
	return e
}

// provesItself says whether RFC 6275 §9.3.1 lets a packet of this protocol carry a Home Address option without binding.
func provesItself(proto uint8) bool {
	return proto == ip6.ProtoESP || proto == ip6.ProtoAH || proto == ip6.ProtoMH
}

// unbound gives a packet with a spoofed or outdated home address to the engines: lost to the applications.
func (s *Soft) unbound(a *arrival, b []byte, sink *Sink) {
	s.drop(sink, DropHomeAddress)
	s.punt(a, b, sink)
}

// without takes the Home Address option out of a packet: with its header if there is nothing else in it but padding, else
// it becomes padding.
func without(b []byte, c *chain) []byte {
	size := 8 * (int(b[c.home.at+1]) + 1)
	for i := 2; i < size; {
		o := b[c.home.at+i:]
		switch {
		case o[0] == optPad1:
			i++
			continue
		case o[0] == optPadN, c.home.at+i+2 == c.homeAt:
			i += 2 + int(o[1])
			continue
		}
		o = b[c.homeAt-2:]
		clear(o[:18])
		o[0], o[1] = optPadN, 16
		return b
	}
	return takeOut(b, c.home, size)
}

// takeOut removes an extension header. What stands before it moves, which is less than what follows. The packet may be
// cut short behind.
func takeOut(b []byte, h place, size int) []byte {
	b[h.from] = b[h.at]
	binary.BigEndian.PutUint16(b[4:], binary.BigEndian.Uint16(b[4:])-uint16(size))
	copy(b[size:], b[:h.at])
	return b[size:]
}

// arrive treats a packet to a care-of address with a type 2 routing header, RFC 6275 §11.3.3: its last hop is the home
// address, inside this node. What does not name a home address that has this care-of address would be sent on to a third party.
//
// spec MIP-04
func (s *Soft) arrive(a *arrival, b []byte, c *chain, sink *Sink) {
	home := b[c.type2.at+8 : c.type2.at+24]
	r := s.byMobile(netip.AddrFrom16([16]byte(home)))
	if r == nil || r.bits < 128 || !s.caresFor(r, b, c) {
		s.drop(sink, DropRouting)
		return
	}
	if s.gates.n > 0 && s.stopped(a.port, sourceOf(b), sink) {
		return
	}
	a.outer.local, a.straight = destinationOf(b), true
	copy(b[24:40], home)
	s.deliver(r, r, a, takeOut(b, c.type2, routingHeader), sink)
}

// caresFor says whether the destination of a packet is a care-of address of a home address: of its path, of one of its
// ways, or of its Route to the sender.
func (s *Soft) caresFor(r *route, b []byte, c *chain) bool {
	dst := destinationOf(b)
	if r.Local == dst {
		return true
	}
	for _, w := range r.ways {
		if w.Local == dst {
			return true
		}
	}
	e := s.routeOf(b, c)
	return e != nil && e.careOf == dst.As16()
}

// routeOf is this mobile node's Route to the sender of a packet with a type 2 routing header, or nil.
func (s *Soft) routeOf(b []byte, c *chain) *straight {
	if len(s.pairs.at) == 0 {
		return nil
	}
	peer := b[8:24]
	if c.homeAt > 0 {
		peer = b[c.homeAt : c.homeAt+16]
	}
	return s.pairs.find(b[c.type2.at+8:c.type2.at+24], peer, false)
}
