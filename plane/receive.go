package plane

import (
	"net/netip"

	"roam6/wire/ip6"
)

// toLocal treats a packet addressed to one of the engines' addresses: one that came straight to a mobile node goes to its
// applications, a tunnel packet is taken apart, an ICMPv6 error about a packet of ours relayed, fragments put together;
// the rest is control.
func (s *Soft) toLocal(a *arrival, l Local, b []byte, sink *Sink) {
	if l.Tentative { // neighbour discovery from a link never comes here
		s.drop(sink, DropTentative)
		return
	}
	c, reason := walk(b)
	if reason == "" && c.type2.at > 0 && s.isUsers(b, &c) { // a fragment too: its kernel puts it together
		s.arrive(a, b, &c, sink)
		return
	}
	if reason == "" && c.fragAt > 0 {
		b = s.reassemble(b, c, sink)
		if b == nil {
			return
		}
		s.pass.octets = len(b)
		// No honest sender makes a fragment of a fragment, or of neighbour discovery (RFC 6980).
		if c, reason = walk(b); c.fragAt > 0 || isND(b) {
			reason = DropFragMalformed
		}
	}
	switch {
	case reason != "":
		s.drop(sink, reason)
	case c.type2.at > 0 && s.isUsers(b, &c):
		s.arrive(a, b, &c, sink)
	case c.proto == ip6.ProtoIPv6 && c.plain:
		s.decapsulate(a, b, c.off, sink)
	case c.proto == ip6.ProtoIPv6: // a tunnel of ours has neither home address nor routing header
		s.drop(sink, DropTunnelUnknown)
	case c.homeAt > 0 && !provesItself(c.proto) && s.bound(b, &c) == nil:
		s.unbound(a, b, sink)
	case c.proto == ip6.ProtoICMPv6 && isError(b[c.off:]):
		s.relay(a, b, c.off, sink)
	default:
		s.punt(a, b, sink)
	}
}

// isUsers says whether a packet with a type 2 routing header is for applications. Mobility headers are the engines', and
// protected packets, unless they come from a peer that talks to the home address straight.
func (s *Soft) isUsers(b []byte, c *chain) bool {
	return !provesItself(c.proto) || c.proto != ip6.ProtoMH && s.routeOf(b, c) != nil
}

// decapsulate takes the inner packet at an offset out of its tunnel, if it came by a path of this table: nobody else may
// use a tunnel to send in another's name (RFC 6275 §10.4.5, §11.3.1).
func (s *Soft) decapsulate(a *arrival, b []byte, off int, sink *Sink) {
	inner, ok := trim(b[off:])
	if !ok {
		s.drop(sink, DropInner)
		return
	}
	outer := ends{local: destinationOf(b), remote: sourceOf(b)}
	src, dst := sourceOf(inner), destinationOf(inner)
	if s.gates.n > 0 && (s.stopped(a.port, outer.remote, sink) || s.stopped(a.port, src, sink)) {
		return
	}
	a.outer = outer
	if r, by := s.through(outer, dst, src); r != nil {
		s.byTunnel(r, by, a, b, inner, sink)
		return
	}
	if s.byMobile(dst) != nil || s.byAgent(src) != nil {
		s.drop(sink, DropTunnelWrong)
	} else {
		s.drop(sink, DropTunnelUnknown)
	}
}

// through is the path whose packets take a tunnel, and the way of it that the tunnel is: the path of the mobile node that has the
// address here, else of the one represented here that has the address there. Both are nil if there is none.
func (s *Soft) through(tunnel ends, here, there netip.Addr) (r, by *route) {
	if r = s.byMobile(here); r != nil {
		if by = r.via(tunnel.remote, tunnel.local); by != nil {
			return r, by
		}
	}
	if r = s.byAgent(there); r != nil {
		if by = r.via(tunnel.remote, tunnel.local); by != nil {
			return r, by
		}
	}
	return nil, nil
}

// byTunnel takes in what the tunnel packet b brought by a way of the path.
func (s *Soft) byTunnel(r, by *route, a *arrival, b, inner []byte, sink *Sink) {
	switch {
	case inner[6] == ip6.ProtoNone && isMarker(r, a.outer, inner):
		s.marked(r, lane{outer: a.outer}, sink)
	case !s.congestion(b, inner, sink):
	case r.order != nil && s.early(r, a, lane{outer: a.outer}, inner, sink):
	default:
		s.take(r, by, a, inner, sink)
	}
}

// fromMobile forwards at the agent what a mobile node sent through its tunnel: to another mobile node by its path, else
// by the kernel's routes.
func (s *Soft) fromMobile(r, by *route, a *arrival, inner []byte, dst netip.Addr, sink *Sink) {
	switch {
	case dst.IsLinkLocalUnicast() || dst.IsLinkLocalMulticast() || dst.IsUnspecified() || dst.IsLoopback():
		s.drop(sink, DropBadAddress)
		return
	case r.Dedup > 0 && s.duplicate(r, a, inner):
		s.drop(sink, DropDuplicate)
		return
	}
	r.received.add(len(inner))
	if by != r {
		by.received.add(len(inner))
	}
	if to := s.byAgent(dst); to != nil {
		s.enter(to, a, inner, sink)
		return
	}
	if l, ok := s.owned(inner); ok {
		s.receiveAgain(a, l, inner, sink)
		return
	}
	if len(s.flows.shapes) > 0 {
		if _, ok := s.classify(inner, sink); !ok {
			return
		}
	}
	s.left(Kernel, inner)
	sink.up(inner)
}

// ECN code points, the two low bits of the traffic class (RFC 3168 §5).
const (
	ecnNot = 0
	ecn1   = 1
	ecn0   = 2
	ecnCE  = 3
)

// congestion carries the congestion mark of the tunnel header into the inner packet, RFC 6040 §4.2. It is false
// when the packet must be dropped because it cannot carry the mark.
func (s *Soft) congestion(outer, inner []byte, sink *Sink) bool {
	out, in := outer[1]>>4&3, inner[1]>>4&3
	switch {
	case out == in || out == ecnNot || out == ecn0 || in == ecnCE:
	case in == ecnNot && out == ecnCE:
		s.drop(sink, DropECN)
		return false
	case in == ecnNot:
	default: // CE on a packet that can carry it, or ECT(1) on ECT(0)
		inner[1] |= out << 4
		if out == ecn1 {
			inner[1] = inner[1]&^0x30 | ecn1<<4
		}
	}
	return true
}

// Strange says whether a packet for this node is one of a user that would be refused because no path, as the table stands, is known to
// come by its tunnel or straight from its care-of address. Whoever has changes of the table to make may make them before.
func (s *Soft) Strange(b []byte) bool {
	b, ok := trim(b)
	if !ok {
		return false
	}
	l, ok := s.table.Locals[destinationOf(b)]
	c, reason := walk(b)
	switch {
	case !ok || l.Proxy || reason != "" || c.fragAt > 0:
		return false
	case c.homeAt > 0:
		return !provesItself(c.proto) && s.bound(b, &c) == nil
	case c.proto != ip6.ProtoIPv6 || !c.plain:
		return false
	}
	inner, ok := trim(b[c.off:])
	if !ok {
		return false
	}
	r, _ := s.through(ends{local: destinationOf(b), remote: sourceOf(b)}, destinationOf(inner), sourceOf(inner))
	return r == nil
}
