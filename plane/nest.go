package plane

import "net/netip"

// A tunnel end may itself be the inner address of another path: while the home agent does not know where a node is, the node
// sends by its previous care-of address, through the tunnel of the router that forwards that one (decision 9, RFC 5568 §4).
// What encapsulation made goes by the path of its source, what decapsulation gave is received again. Encapsulation limits
// (RFC 2473 §4.1.1) bound the one, maxDepth the other.

// maxDepth is how many tunnels one inside the other a packet is taken out of.
const maxDepth = EncapLimit + 1

// beneath is the path that carries the tunnel of a route: that of the tunnel's near end, if this is a mobile node and has one.
func (s *Soft) beneath(r *route) *route {
	if r.Side != Mobile || len(s.mobile.levels) == 0 || len(s.mobile.levels[0].routes) < 2 {
		return nil
	}
	n := s.mobile.find(r.Local)
	if n == nil || n == r || n.Mode != Tunnel {
		return nil
	}
	return n
}

// isEnd says whether the mobile address of a delivered packet is a tunnel end of this node and no application's: an
// address of the engines that is not given to the host.
func (s *Soft) isEnd(dst netip.Addr) (Local, bool) {
	if len(s.mobile.levels) == 0 || len(s.mobile.levels[0].routes) < 2 {
		return Local{}, false
	}
	l, ok := s.table.Locals[dst]
	if !ok || l.Proxy {
		return Local{}, false
	}
	_, hosts := s.table.Hosts[dst]
	return l, !hosts
}

// receiveAgain treats a packet that came out of a tunnel and is for a tunnel end of this node.
func (s *Soft) receiveAgain(a *arrival, l Local, b []byte, sink *Sink) {
	if a.depth++; a.depth > maxDepth {
		s.drop(sink, DropEncapLimit)
		return
	}
	s.toLocal(a, l, b, sink)
}
