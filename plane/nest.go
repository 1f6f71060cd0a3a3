package plane

import (
	"encoding/binary"
	"net/netip"
)

// A tunnel end may itself be the inner address of another path: while the home agent may not know where a node is, the node
// sends copies by its previous care-of address, through the tunnel of the router that forwards that one (decision 9, RFC 5568 §4).
// What encapsulation made goes by the path of its source, what decapsulation gave is received again. Encapsulation limits
// (RFC 2473 §4.1.1) bound the one, maxDepth the other. A plane whose ends is 0 asks for none of this.

// maxDepth is how many tunnels one inside the other a packet is taken out of, or an error is handed down through.
const maxDepth = EncapLimit + 1

// setEnd keeps whether the path of an address carries tunnels of this node: the address is one of the engines' and not given
// to applications.
func (s *Soft) setEnd(a netip.Addr) {
	if r := s.paths.of(netip.PrefixFrom(a, a.BitLen())); r != nil {
		s.countEnd(r, s.isEnd(r))
	}
}

// isEnd says whether the path of a route carries tunnels of this node.
func (s *Soft) isEnd(r *route) bool {
	if r.Side != Mobile || r.bits < 128 {
		return false
	}
	a := netip.AddrFrom16(r.addr)
	l, ours := s.table.Locals[a]
	_, hosts := s.table.Hosts[a]
	return ours && !l.Proxy && !hosts
}

// countEnd keeps how many paths carry tunnels.
func (s *Soft) countEnd(r *route, end bool) {
	if r.end {
		s.ends--
	}
	if r.end = end; end {
		s.ends++
	}
}

// beneath is the path that carries the tunnel of a near end; nil if it leaves as it is.
func (s *Soft) beneath(local netip.Addr) *route {
	if s.ends == 0 {
		return nil
	}
	if r := s.byMobile(local); r != nil && r.end && (r.Mode == Tunnel || r.Mode == Hold) {
		return r
	}
	return nil
}

// below is the largest packet that the tunnels beneath a path carry whole, at most mtu.
func (s *Soft) below(r *route, mtu int) int {
	taken := 0
	for n := s.beneath(r.Local); n != nil && n.Mode == Tunnel && taken < maxDepth*(tunnelHeader+tunnelOptions); n = s.beneath(n.Local) {
		taken += tunnelHeader + tunnelOptions // a tunnel in a tunnel tells its limit
		mtu = min(mtu, s.mtuTo(n.Remote(), n.Out, n.MTU)-taken)
	}
	return mtu
}

// emerge sends what the tunnel of a route made: by the path of its near end, or by the port.
func (s *Soft) emerge(r *route, out []byte, sink *Sink) bool {
	if n := s.beneath(r.Local); n != nil {
		return s.copied(n, out, 0, sink)
	}
	return s.send(r.Out, out, sink)
}

// owned is the Local that a packet which left a tunnel is for, if it is one of this node. Few addresses are, so most
// packets are done with a bit.
func (s *Soft) owned(b []byte) (Local, bool) {
	if !s.near.has(b[24:40]) {
		return Local{}, false
	}
	l, ok := s.table.Locals[destinationOf(b)]
	return l, ok && !l.Proxy
}

// sieve knows of addresses which are surely not among those it was given. It forgets none.
type sieve [4]uint64

func (v *sieve) add(a netip.Addr)     { x := a.As16(); h := v.hash(x[:]); v[h>>6] |= 1 << (h & 63) }
func (v *sieve) has(addr []byte) bool { h := v.hash(addr); return v[h>>6]>>(h&63)&1 != 0 }

// hash is eight bits of all of an address: many end in the same octets.
func (*sieve) hash(a []byte) uint8 {
	x := binary.LittleEndian.Uint64(a)*3 ^ binary.LittleEndian.Uint64(a[8:])
	return uint8(x * 0x9e3779b97f4a7c15 >> 56)
}

// receiveAgain treats a packet that came out of a tunnel and is for an address of the engines. Neighbour discovery is for
// links: inside a tunnel it is somebody's who is on none of ours.
func (s *Soft) receiveAgain(a *arrival, l Local, b []byte, sink *Sink) {
	switch a.depth++; {
	case a.depth > maxDepth:
		s.drop(sink, DropEncapLimit)
	case isND(b):
		s.drop(sink, DropTunnelND)
	default:
		s.toLocal(a, l, b, sink)
	}
}

// handDown takes an error about a packet that a tunnel of this node made to the source of what is in it, as if it had come
// from outside. It is false if the packet is none of these.
func (s *Soft) handDown(sink *Sink, e icmpError) bool {
	if s.ends == 0 || s.quiet {
		return false
	}
	r := s.paths.of(netip.PrefixFrom(sourceOf(e.about), 128))
	if r == nil || !r.end {
		return false
	}
	if s.depth++; s.depth <= maxDepth {
		m := e.packet()
		s.relay(&arrival{port: Kernel, own: true}, m, icmpAt, sink)
	}
	s.depth--
	return true
}
