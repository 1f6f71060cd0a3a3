package plane

import (
	"encoding/binary"

	"roam6/wire/ip6"
)

// relay treats an ICMPv6 error to one of our addresses. One about a tunnel packet of ours is told to the source of
// the inner packet, RFC 2473 §8, one about a packet that went straight to its application; one about anything else is for
// the engines. Errors about copies are not told: the packet itself went another way.
//
// spec MIP-10
func (s *Soft) relay(a *arrival, b []byte, off int, sink *Sink) {
	m := b[off:]
	if len(m) < icmpHeader {
		s.drop(sink, DropMalformed)
		return
	}
	if ip6.Checksum(sourceOf(b), destinationOf(b), ip6.ProtoICMPv6, m) != 0 {
		s.drop(sink, DropICMPChecksum)
		return
	}
	q, ok := quoteOf(m[icmpHeader:])
	if !ok || q.outer.local != destinationOf(b) {
		if len(s.pairs.at) == 0 || !s.restore(b, off, sink) {
			s.punt(a, b, sink)
		}
		return
	}
	r := s.sender(q)
	if r == nil {
		s.untold(a, DropICMPUnknown, sink)
		return
	}
	if !r.quiet {
		q.restored, q.added = s.bare(q.inner)
	}
	switch {
	case m[0] == icmpTooBig:
		s.relayTooBig(r, q, binary.BigEndian.Uint32(m[4:]), a.own, sink)
	case r.quiet: // it shows nobody who could be told
		s.untold(a, DropICMPIgnored, sink)
	case m[0] == icmpUnreachable, m[0] == icmpTimeExceeded && m[1] == codeHops,
		m[0] == icmpParameter && q.limitAt > 0 && binary.BigEndian.Uint32(m[4:]) == uint32(q.limitAt):
		// RFC 2473 §8.2: the tunnel is the link that failed
		s.report(sink, icmpError{kind: icmpUnreachable, code: codeAddress, about: q.restored, from: r.Local})
	default:
		s.untold(a, DropICMPIgnored, sink)
	}
}

// untold counts an error that nobody is told of, unless this plane made it: the packet that it is about is counted already.
func (s *Soft) untold(a *arrival, reason string, sink *Sink) {
	if !a.own {
		s.drop(sink, reason)
	}
}

// quote is the tunnel packet an ICMPv6 error is about, perhaps cut short.
type quote struct {
	outer   ends
	header  int    // octets of tunnel headers
	limitAt int    // see chain
	inner   []byte // nil if the cut or a fragment hides its header: nobody can tell whose it was then

	restored []byte // inner as its source sent it
	added    int    // octets of headers it has more than that
}

// quoteOf reads a quoted packet. ok is false if it is not a tunnel packet.
func quoteOf(b []byte) (q quote, ok bool) {
	if len(b) < ip6.HeaderLen || b[0]>>4 != 6 {
		return q, false
	}
	c, reason := walk(b)
	if reason != "" || c.proto != ip6.ProtoIPv6 && c.proto != ip6.ProtoDestOpts {
		return q, false
	}
	q = quote{outer: ends{local: sourceOf(b), remote: destinationOf(b)}, header: c.off, limitAt: c.limitAt}
	if c.fragAt > 0 {
		if binary.BigEndian.Uint16(b[c.fragAt+2:])&^7 == 0 { // only the first piece shows more
			q.inner = shown(c.proto, b[c.off:])
			q.header = len(b) - len(q.inner)
		}
		return q, true
	}
	q.inner = shown(c.proto, b[c.off:])
	return q, c.proto == ip6.ProtoIPv6
}

// sender is the route or the way that sent the quoted packet, or nil.
func (s *Soft) sender(q quote) *route {
	if q.inner == nil {
		return nil
	}
	_, by := s.through(q.outer, sourceOf(q.inner), destinationOf(q.inner))
	return by
}

// relayTooBig remembers the path MTU and tells the source of the inner packet what is left of it, RFC 2473 §8.2. What this
// plane told itself of tunnels beneath is known.
func (s *Soft) relayTooBig(r *route, q quote, mtu uint32, own bool, sink *Sink) {
	if !own && !s.learn(q.outer.remote, mtu, sink) || r.quiet {
		return
	}
	left := max(int(mtu)-q.header-q.added, ip6.MinMTU)
	if sizeOf(q.restored) <= left {
		return
	}
	s.report(sink, icmpError{kind: icmpTooBig, value: uint32(left), about: q.restored, from: r.Local})
}
