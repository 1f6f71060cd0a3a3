package plane

import (
	"encoding/binary"
	"time"

	"roam6/wire/ip6"
)

// Properties of the tunnel headers written here.
const (
	// TunnelHopLimit is the hop limit of tunnel headers, RFC 2473 §6.3: that of a host's packets.
	TunnelHopLimit = 64
	// EncapLimit is how many tunnel headers may stand before a user's packet when it is encapsulated here
	// (RFC 2473 §6.6). The first tunnel header carries no limit option; further ones do.
	EncapLimit = 4
	// DefaultMTU is the path MTU (octets) where the table does not tell one.
	DefaultMTU = 1500
	// PathMTULife is how long a Packet Too Big is remembered, RFC 8201 §5.3.
	PathMTULife = 10 * time.Minute
	// MaxPathMTUs is the number of far ends whose path MTU is remembered at once.
	MaxPathMTUs = 4096

	tunnelHeader  = ip6.HeaderLen
	tunnelOptions = 8 // destination options header with the encapsulation limit
	fragHeader    = 8
)

// forward sends a packet by its path.
func (s *Soft) forward(r *route, b []byte, sink *Sink) {
	switch r.Mode {
	case Hold:
		s.hold(r, b, sink)
	case Direct:
		s.direct(r, b, sink)
	case Tunnel:
		s.encapsulate(r, b, sink)
	default:
		s.drop(sink, DropPathInvalid)
	}
}

// hop takes one off the hop limit where this node forwards for others (an agent; RFC 2473 §3.1), and reports a
// packet that has none left. A mobile node sends for its own applications.
func (s *Soft) hop(r *route, b []byte, sink *Sink) bool {
	if r.Side != Agent {
		return true
	}
	if b[7] <= 1 {
		s.drop(sink, DropHopLimit)
		s.report(sink, icmpError{kind: icmpTimeExceeded, about: b, from: r.Local})
		return false
	}
	b[7]--
	return true
}

// direct sends a packet as it is.
func (s *Soft) direct(r *route, b []byte, sink *Sink) {
	if r.Out == Kernel { // where it came from: it would come again
		s.drop(sink, DropPathInvalid)
		return
	}
	if !s.hop(r, b, sink) {
		return
	}
	if mtu := s.linkMTU(r.Out); len(b) > mtu {
		s.drop(sink, DropTooBig)
		s.report(sink, icmpError{kind: icmpTooBig, value: uint32(mtu), about: b, from: r.Local})
		return
	}
	r.sent.add(len(b))
	s.send(r.Out, b, sink)
}

// encapsulate puts the tunnel header of a path before a packet and sends it, RFC 2473 §3.1.
//
// spec MIP-10
func (s *Soft) encapsulate(r *route, b []byte, sink *Sink) {
	if !r.Local.Is6() || !r.Remote.Is6() {
		s.drop(sink, DropPathInvalid)
		return
	}
	src, dst := sourceOf(b), destinationOf(b)
	if s.leadsHere(r) || src == r.Local && dst == r.Remote || r.Side == Agent && dst == r.Remote {
		s.drop(sink, DropEncapLoop)
		return
	}
	limit, ok := s.nesting(r, b, sink)
	if !ok || !s.hop(r, b, sink) {
		return
	}
	size := tunnelHeader
	if limit >= 0 {
		size += tunnelOptions
	}
	mtu := s.pathMTU(r)
	if len(b) > mtu-size && len(b) > ip6.MinMTU { // RFC 2473 §7.1 (a)
		s.drop(sink, DropTooBig)
		s.report(sink, icmpError{kind: icmpTooBig, value: uint32(max(mtu-size, ip6.MinMTU)), about: b, from: r.Local})
		return
	}
	r.sent.add(len(b))
	out := shift(b, size)
	writeTunnel(out, r, limit)
	if len(out) > mtu { // RFC 2473 §7.1 (b)
		s.fragment(r.Out, out, mtu, sink)
		return
	}
	s.send(r.Out, out, sink)
}

// nesting applies RFC 2473 §4.1.1 to a packet about to enter a tunnel. limit is the value of the option its tunnel header
// must carry, -1 for no option: only packets that are tunnel packets already need one. Those without an option are
// counted by their headers, so that a routing loop between tunnels ends even where nobody else writes the option.
func (s *Soft) nesting(r *route, b []byte, sink *Sink) (limit int, ok bool) {
	switch b[6] {
	case ip6.ProtoTCP, ip6.ProtoUDP, ip6.ProtoICMPv6, ip6.ProtoESP:
		return -1, true
	}
	depth := 0
	for inner := b; depth < EncapLimit; depth++ {
		c, reason := walk(inner)
		if c.limitAt > 0 {
			return s.lowerLimit(r, b, len(b)-len(inner)+c.limitAt, depth, sink)
		}
		if reason != "" || c.fragAt > 0 || c.proto != ip6.ProtoIPv6 || len(inner)-c.off < ip6.HeaderLen {
			break
		}
		inner = inner[c.off:]
	}
	if depth == 0 {
		return -1, true
	}
	if depth >= EncapLimit {
		s.drop(sink, DropEncapLimit)
		return 0, false
	}
	return EncapLimit - depth - 1, true
}

// lowerLimit takes one off the limit found at an offset of b, behind depth tunnel headers without any.
func (s *Soft) lowerLimit(r *route, b []byte, at, depth int, sink *Sink) (int, bool) {
	if left := int(b[at]) - depth; left > 0 {
		return left - 1, true
	}
	s.drop(sink, DropEncapLimit)
	if depth == 0 {
		s.report(sink, icmpError{kind: icmpParameter, value: uint32(at), about: b, from: r.Local})
	}
	return 0, false
}

// shift makes room for size octets before a packet: in its buffer if that has the capacity, else in a new one.
func shift(b []byte, size int) []byte {
	n := len(b)
	if cap(b)-n < size {
		out := make([]byte, size+n)
		copy(out[size:], b)
		return out
	}
	out := b[:n+size]
	copy(out[size:], b)
	return out
}

// writeTunnel writes the tunnel header (RFC 2473 §5) before the packet that starts behind it. Traffic class and flow
// label are those of the packet: routers on the way treat and spread the flow as they would without the tunnel
// (RFC 2473 §6.4, RFC 6040 §4.1, RFC 6438).
func writeTunnel(out []byte, r *route, limit int) {
	inner := out[tunnelHeader:]
	out[6] = ip6.ProtoIPv6
	if limit >= 0 {
		copy(inner, []byte{ip6.ProtoIPv6, 0, optEncapLimit, 1, uint8(limit), 1, 1, 0})
		inner = inner[tunnelOptions:]
		out[6] = ip6.ProtoDestOpts
	}
	copy(out[:4], inner[:4])
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)-ip6.HeaderLen))
	out[7] = TunnelHopLimit
	putAddrs(out, r.Local, r.Remote)
}

// fragment sends a tunnel packet in pieces no larger than mtu, RFC 8200 §4.5. All behind the fixed header is the
// fragmentable part; the fixed header is copied.
func (s *Soft) fragment(port Port, out []byte, mtu int, sink *Sink) {
	s.fragmentID++
	part := (mtu - ip6.HeaderLen - fragHeader) &^ 7
	body := out[ip6.HeaderLen:]
	for at := 0; at < len(body); at += part {
		end, more := at+part, uint16(1)
		if end >= len(body) {
			end, more = len(body), 0
		}
		f := make([]byte, ip6.HeaderLen+fragHeader, ip6.HeaderLen+fragHeader+end-at)
		copy(f, out[:ip6.HeaderLen])
		binary.BigEndian.PutUint16(f[4:], uint16(fragHeader+end-at))
		f[6] = ip6.ProtoFragment
		f[40] = out[6]
		binary.BigEndian.PutUint16(f[42:], uint16(at)|more)
		binary.BigEndian.PutUint32(f[44:], s.fragmentID)
		s.send(port, append(f, body[at:end]...), sink)
	}
}

// send hands a packet to a port: on a link to its router.
func (s *Soft) send(port Port, b []byte, sink *Sink) {
	if port == Kernel {
		sink.Out = append(sink.Out, Out{Port: Kernel, Data: b})
		return
	}
	l := s.table.Links[port]
	if l.Gateway == (HW{}) {
		s.drop(sink, DropNoGateway)
		return
	}
	sink.Out = append(sink.Out, Out{port, l.Gateway, b})
}

// linkMTU is the MTU of a link in octets.
func (s *Soft) linkMTU(port Port) int {
	if l := s.table.Links[port]; l.MTU > 0 {
		return max(l.MTU, ip6.MinMTU)
	}
	return DefaultMTU
}

// pathMTU is the largest tunnel packet a path carries whole, as far as known.
func (s *Soft) pathMTU(r *route) int {
	mtu := DefaultMTU
	if r.MTU > 0 {
		mtu = r.MTU
	}
	if r.Out != Kernel {
		mtu = min(mtu, s.linkMTU(r.Out))
	}
	if len(s.pmtu) > 0 {
		if learned, ok := s.pmtu[r.Remote]; ok && s.now < learned.until {
			mtu = min(mtu, learned.mtu)
		}
	}
	return max(mtu, ip6.MinMTU)
}
