package plane

import (
	"net/netip"
	"time"

	"roam6/wire/ip6"
)

// Merged says that a packet stands for several of one flow that follow each other, as kernels hand them over (TSO, GRO):
// their headers once, the lengths in them those of the whole, and all their payload behind. The zero value is a packet that is one.
type Merged struct {
	Segment int // octets of payload in each of them; the last may have fewer
	Header  int // offset of the payload
}

// count is how many packets b stands for, and their octets.
func (m Merged) count(b []byte) Count {
	n := 1
	if m.Segment > 0 {
		n = max(1, (len(b)-m.Header+m.Segment-1)/m.Segment)
	}
	return Count{uint64(n), uint64(len(b) + (n-1)*m.Header)}
}

// fits says whether b begins with an IPv6 header that tells its length, without padding behind. Where a tunnel is around
// many, their length together may be more than the field can say.
func (m Merged) fits(b []byte) bool {
	return len(b) >= ip6.HeaderLen && b[0]>>4 == 6 && uint16(len(b)) == uint16(sizeOf(b)) && (m.Segment > 0 || len(b) == sizeOf(b))
}

// largest is the length of the longest of them.
func (m Merged) largest(b []byte) int {
	if m.Segment > 0 {
		return min(len(b), m.Header+m.Segment)
	}
	return len(b)
}

// MergedRoom is the octets before a packet that HandleMerged may write to.
const MergedRoom = tunnelHeader

// HandleMerged is Handle for users' packets of TCP and UDP that only go into a tunnel or come out of one, and which may be merged:
// what holds for the first holds for all. It is false, with nothing counted or changed but the time, when more is to be done with the
// packet or it is to be refused: then each of its packets is for Handle. The packet begins at an offset of buf, at least MergedRoom.
// If it is true, the last Out of the sink is the packet, in buf, with a tunnel header more or less; of the lengths in headers
// before it a merged one has only the low 16 bits. Checksums need not be complete.
func (s *Soft) HandleMerged(now time.Duration, port Port, buf []byte, at int, m Merged, sink *Sink) bool {
	s.advance(now, sink)
	b := buf[at:]
	if !m.fits(b) || s.gates.n+s.ends+len(s.flows.shapes)+len(s.meters) > 0 {
		return false
	}
	switch b[6] {
	case ip6.ProtoTCP, ip6.ProtoUDP:
		return port == Kernel && s.enterMerged(buf, at, m, sink)
	case ip6.ProtoIPv6:
		return s.leaveMerged(port, b, m, sink)
	}
	return false
}

// ordinary says whether an address is one that packets between users have.
func ordinary(a netip.Addr) bool {
	return !a.IsMulticast() && !a.IsLoopback() && !a.IsUnspecified() && !a.IsLinkLocalUnicast()
}

// enterMerged is fromKernel, enter and encapsulate.
func (s *Soft) enterMerged(buf []byte, at int, m Merged, sink *Sink) bool {
	b := buf[at:]
	src, dst := sourceOf(b), destinationOf(b)
	if l, ok := s.table.Locals[dst]; ok && !l.Proxy || !ordinary(src) || !ordinary(dst) {
		return false
	}
	r := s.byMobile(src)
	if r == nil {
		r = s.byAgent(dst)
	}
	switch {
	case r == nil, r.Mode != Tunnel, r.Keep, len(r.ways) > 0, r.quiet, r.end, r.Side == Mobile && len(s.pairs.at) > 0:
		return false
	case !r.Local.Is6(), !r.Remote().Is6(), s.leadsHere(r), r.Side == Agent && (dst == r.Remote() || b[7] <= 1):
		return false
	case src == r.Local && dst == r.Remote(), m.largest(b)+tunnelHeader > s.mtuTo(r.Remote(), r.Out, r.MTU):
		return false
	case r.Out != Kernel && s.table.Links[r.Out].Gateway == (HW{}):
		return false
	}
	if r.Side == Agent {
		b[7]--
	}
	r.sent.More(m.count(b))
	out := buf[at-tunnelHeader:]
	writeTunnel(out, r, -1)
	return s.send(r.Out, out, sink)
}

// leaveMerged is toLocal, decapsulate, byTunnel, and fromMobile or deliver.
func (s *Soft) leaveMerged(port Port, b []byte, m Merged, sink *Sink) bool {
	inner := b[tunnelHeader:]
	if !m.fits(inner) || inner[6] != ip6.ProtoTCP && inner[6] != ip6.ProtoUDP {
		return false
	}
	outer := ends{local: destinationOf(b), remote: sourceOf(b)}
	src, dst := sourceOf(inner), destinationOf(inner)
	l, ok := s.table.Locals[outer.local]
	out, in := b[1]>>4&3, inner[1]>>4&3
	if !ok || l.Proxy || l.Tentative || !ordinary(outer.remote) || !ordinary(src) || !ordinary(dst) || in == ecnNot && out == ecnCE {
		return false
	}
	r, by := s.through(outer, dst, src)
	if r == nil || r.order != nil || r.Dedup > 0 || r.end {
		return false
	}
	if r.Side == Agent {
		if _, mine := s.owned(inner); mine || s.byAgent(dst) != nil {
			return false
		}
	}
	s.congestion(b, inner, sink)
	if r.Side == Mobile && r.Hints {
		s.heardFrom(inner, sink)
	}
	m.Header -= tunnelHeader
	c := m.count(inner)
	r.received.More(c)
	if by != r {
		by.received.More(c)
	}
	sink.up(inner)
	return true
}
