package plane

import (
	"net/netip"

	"roam6/wire/ip6"
)

// An end marker says: nothing more comes by this way (decision 9). It is a packet of the path without content (No Next Header,
// RFC 8200 §4.7) between the mobile address and the agent's end of the tunnel, in that tunnel. A prefix is named by its
// network address.

// markerSize is the octets of an end marker without its tunnel header.
const markerSize = ip6.HeaderLen

// departs ends the way that a path with Mark leaves, or that it shall not Mark any more. A path that begins to hold has not left
// its way, it may come back: the way is remembered, unless the path holds without Mark. to is the path that is wanted now.
func (s *Soft) departs(r *route, to *Path, del bool, sink *Sink) {
	left, goes := r.left, r.Mark && r.Mode == Tunnel
	if !goes && left == nil {
		return
	}
	if !del && to.Mode == Hold && to.Mark {
		if goes {
			p := r.Path()
			r.own().left = &p
		}
		return
	}
	if left != nil {
		r.left = nil
	}
	switch {
	case !del && to.Mode == Hold:
	case goes && (del || !to.Mark || !r.goes(to)):
		s.mark(r.inner(), r, sink)
	case !goes && (del || !to.Mark || wayOf(left) != wayOf(to)):
		s.mark(r.inner(), loose(*left), sink)
	}
}

// stops ends a Way that carried copies of a path with Mark and shall carry none any more.
func (s *Soft) stops(r *route, k WayKey, to *Way, del bool, sink *Sink) {
	if !r.Mark || !del && to.Copy {
		return
	}
	if w := r.way(k.ID); w != nil && w.copy && s.now < w.until && w.Mode == Tunnel {
		s.mark(k.Inner, &w.route, sink)
	}
}

// mark sends an end marker as the last packet of a way, as whose route by has it. Nobody misses one that cannot leave; from an
// address that is gone none does.
func (s *Soft) mark(inner netip.Prefix, by *route, sink *Sink) {
	if _, ours := s.table.Locals[by.Local]; !ours {
		return
	}
	b := make([]byte, markerSize, markerSize+Headroom)
	b[0], b[6], b[7] = 0x60, ip6.ProtoNone, TunnelHopLimit
	if by.Side == Agent {
		putAddrs(b, by.Local, inner.Addr())
	} else {
		putAddrs(b, inner.Addr(), by.Remote())
	}
	was := s.quiet
	s.quiet, s.ours = true, true
	if s.encapsulate(by, b, 0, sink) {
		s.count.marksSent++
	}
	s.quiet, s.ours = was, false
}

// isMarker says whether what a tunnel of a path carried, a packet without next header, is its end marker.
func isMarker(r *route, outer ends, b []byte) bool {
	if len(b) != markerSize {
		return false
	}
	if r.Side == Agent {
		return sourceOf(b) == r.inner().Addr() && destinationOf(b) == outer.local
	}
	return destinationOf(b) == r.inner().Addr() && sourceOf(b) == outer.remote
}
