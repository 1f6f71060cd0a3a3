package plane

import (
	"encoding/binary"
	"net/netip"
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
	routingHeader = 24 // type 2 routing header, RFC 6275 §6.4.1
	homeHeader    = 24 // destination options header with a Home Address option, RFC 6275 §6.3
)

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
func (s *Soft) direct(r *route, b []byte, sink *Sink) bool {
	if r.Out == Kernel { // where it came from: it would come again
		s.drop(sink, DropPathInvalid)
		return false
	}
	if !s.hop(r, b, sink) {
		return false
	}
	if mtu := s.linkMTU(r.Out); len(b) > mtu {
		s.drop(sink, DropTooBig)
		s.report(sink, icmpError{kind: icmpTooBig, value: uint32(mtu), about: b, from: r.Local})
		return false
	}
	if r.To != (HW{}) {
		return s.sendTo(r.Out, r.To, b, sink)
	}
	return s.send(r.Out, b, sink)
}

// encapsulate puts the tunnel header of a path before a packet and sends it, RFC 2473 §3.1. added is the octets of the
// packet that its source did not write.
//
// spec MIP-10
func (s *Soft) encapsulate(r *route, b []byte, added int, sink *Sink) bool {
	if !r.Local.Is6() || !r.Remote().Is6() {
		s.drop(sink, DropPathInvalid)
		return false
	}
	src, dst, remote := sourceOf(b), destinationOf(b), r.Remote()
	if s.leadsHere(r) || src == r.Local && dst == remote || r.Side == Agent && dst == remote {
		s.drop(sink, DropEncapLoop)
		return false
	}
	limit, ok := s.nesting(r, b, sink)
	if !ok || !s.hop(r, b, sink) {
		return false
	}
	size := tunnelHeader
	if limit >= 0 {
		size += tunnelOptions
	}
	mtu := s.mtuTo(remote, r.Out, r.MTU)
	whole := mtu
	if s.ends > 0 {
		whole = s.below(r, mtu)
	}
	if len(b) > whole-size && len(b)-added > ip6.MinMTU && !r.end { // RFC 2473 §7.1 (a); of a tunnel in it, its own source did
		s.drop(sink, DropTooBig)
		s.report(sink, icmpError{kind: icmpTooBig, value: uint32(max(whole-size, ip6.MinMTU)), about: b, from: r.Local})
		return false
	}
	out := shift(b, size)
	writeTunnel(out, r, limit)
	if len(out) > mtu { // RFC 2473 §7.1 (b)
		c := cut{head: ip6.HeaderLen, nextAt: 6}
		if limit >= 0 { // every piece tells it, or a loop of tunnels would end for none of them
			c = cut{head: ip6.HeaderLen + tunnelOptions, nextAt: ip6.HeaderLen}
		}
		return s.fragment(r, r.Out, out, c, mtu, sink)
	}
	if s.ends > 0 {
		return s.emerge(r, out, sink)
	}
	return s.send(r.Out, out, sink)
}

// nesting applies RFC 2473 §4.1.1 to a packet about to enter a tunnel. limit is the value of the option its tunnel header
// must carry, -1 for no option: only packets that are tunnel packets already need one. Those without an option are
// counted by their headers, so that a routing loop between tunnels ends even where nobody else writes the option. A piece of a
// packet that hides its options, as a tunnel of another make cuts it, may enter this tunnel and no further one.
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
		if reason == "" && c.fragAt > 0 {
			depth = hidden(c.proto, depth)
			break
		}
		if reason != "" || c.proto != ip6.ProtoIPv6 || len(inner)-c.off < ip6.HeaderLen {
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

// hidden is how many tunnel headers are assumed of a fragment, behind depth of them that are seen, by the protocol it names.
func hidden(proto uint8, depth int) int {
	switch proto {
	case ip6.ProtoIPv6:
		return depth + 1
	case ip6.ProtoDestOpts:
		return max(depth+1, EncapLimit-1)
	}
	return depth
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
	putAddrs(out, r.Local, r.Remote())
}

// cut is where a packet may be cut into pieces.
type cut struct {
	head     int  // octets that every piece carries: the fixed header, and extension headers that routers on the way read
	nextAt   int  // offset of the Next Header octet that names what follows the head
	fragment bool // what follows is a Fragment header, named as such
}

// fragment sends a packet in pieces no larger than mtu, RFC 8200 §4.5. A fragment becomes smaller fragments of the same
// packet: all this happens at its source.
// They leave by a port, those of the tunnel of a route by what is beneath it.
func (s *Soft) fragment(r *route, port Port, out []byte, c cut, mtu int, sink *Sink) bool {
	s.fragmentID++
	id, proto, body, base, last := s.seed.permute(s.fragmentID), out[c.nextAt], out[c.head:], 0, uint16(0)
	if c.fragment {
		word := binary.BigEndian.Uint16(body[2:])
		id, proto, base, last = binary.BigEndian.Uint32(body[4:]), body[0], int(word&^7), word&1
		body = body[fragHeader:]
	}
	part := (mtu - c.head - fragHeader) &^ 7
	if part <= 0 { // headers that fill a packet
		s.drop(sink, DropTooBig)
		return false
	}
	sent := true
	for at := 0; at < len(body); at += part {
		end, more := at+part, uint16(1)
		if end >= len(body) {
			end, more = len(body), last
		}
		f := make([]byte, c.head+fragHeader, c.head+fragHeader+end-at)
		copy(f, out[:c.head])
		binary.BigEndian.PutUint16(f[4:], uint16(len(f)+end-at-ip6.HeaderLen))
		if !c.fragment {
			f[c.nextAt] = ip6.ProtoFragment
		}
		f[c.head] = proto
		binary.BigEndian.PutUint16(f[c.head+2:], uint16(base+at)|more)
		binary.BigEndian.PutUint32(f[c.head+4:], id)
		if f = append(f, body[at:end]...); r != nil {
			sent = s.emerge(r, f, sink) && sent
		} else {
			sent = s.send(port, f, sink) && sent
		}
	}
	return sent
}

// up hands a packet to the kernel.
func (s *Sink) up(b []byte) { s.Out = append(s.Out, Out{Port: Kernel, Data: b}) }

// send hands a packet to a port: on a link to its router.
func (s *Soft) send(port Port, b []byte, sink *Sink) bool {
	if port == Kernel {
		s.left(port, b)
		sink.up(b)
		return true
	}
	l := s.table.Links[port]
	if l.Gateway == (HW{}) {
		s.drop(sink, DropNoGateway)
		return false
	}
	s.left(port, b)
	sink.Out = append(sink.Out, Out{port, l.Gateway, b})
	return true
}

// sendTo hands a packet to a neighbour on a link, to the link's router if none is named.
func (s *Soft) sendTo(port Port, to HW, b []byte, sink *Sink) bool {
	if port == Kernel || to == (HW{}) {
		return s.send(port, b, sink)
	}
	s.left(port, b)
	sink.Out = append(sink.Out, Out{port, to, b})
	return true
}

// linkMTU is the MTU of a link in octets.
func (s *Soft) linkMTU(port Port) int {
	if l := s.table.Links[port]; l.MTU > 0 {
		return max(l.MTU, ip6.MinMTU)
	}
	return DefaultMTU
}

// pathMTU is the largest tunnel packet a path carries whole, as far as known.
func (s *Soft) pathMTU(r *route) int { return s.below(r, s.mtuTo(r.Remote(), r.Out, r.MTU)) }

// mtuTo is the largest packet that reaches a far end whole by a port, as far as known; told is what the table says.
func (s *Soft) mtuTo(remote netip.Addr, out Port, told int) int {
	mtu := DefaultMTU
	if told > 0 {
		mtu = told
	}
	if out != Kernel {
		mtu = min(mtu, s.linkMTU(out))
	}
	if len(s.pmtu.of) > 0 {
		if learned, ok := s.pmtu.of[remote]; ok && s.now < learned.until {
			mtu = min(mtu, learned.mtu)
		}
	}
	return max(mtu, ip6.MinMTU)
}
