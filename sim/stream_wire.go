package sim

import (
	"encoding/binary"
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/sim/tcp"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// segmentPacket is a segment in its packet.
func segmentPacket(s *tcp.Segment, src, dst netip.Addr) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoTCP}
	b := p.Append(make([]byte, 0, ip6.HeaderLen+tcp.HeaderLen+8+len(s.Data)+plane.Headroom))
	b = s.Append(b, src, dst)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-ip6.HeaderLen))
	return b
}

// originate sends a packet of the node's programs.
func (n *node) originate(data []byte) {
	switch {
	case !n.userland:
		n.output(data, nil)
	case n.mirror.host(dstOf(data)):
		n.application(data)
	case n.soft != nil && !n.mirror.host(srcOf(data)):
		n.w.drop(dropNoHost)
	default:
		n.intoPlane(plane.Kernel, plane.HW{}, data)
	}
}

// tcpIn takes a segment that is for this node.
func (n *node) tcpIn(p *ip6.Packet) {
	src, dst := p.EffectiveSrc(), p.EffectiveDst()
	if p.Fragment != nil {
		n.w.drop(dropNoSocket)
		return
	}
	seg, err := tcp.Parse(p.Payload, src, dst)
	if err != nil {
		n.w.drop(dropChecksum)
		return
	}
	if k := n.sockets; k != nil {
		at := pair{here: dst.As16(), there: src.As16(), local: seg.To, distance: seg.From}
		if s := k.byPair[at]; s != nil {
			s.receive(&seg)
			return
		}
		if seg.Flags&(tcp.SYN|tcp.ACK|tcp.RST) == tcp.SYN && k.greet(at, &seg) {
			return
		}
	}
	n.w.drop(dropNoSocket)
	if answer, ok := tcp.Refusal(&seg); ok {
		n.originate(segmentPacket(&answer, dst, src))
	}
}

// heardOf takes an ICMP error about one of the node's own segments.
func (n *node) heardOf(p *ip6.Packet) {
	if n.sockets == nil || len(p.Payload) == 0 || p.Payload[0] >= icmp6.TypeEchoRequest {
		return
	}
	m, err := icmp6.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		return
	}
	if e, ok := m.(*icmp6.Error); ok {
		n.undelivered(e.Type, e.Code, e.Param, e.Invoking)
	}
}

// undelivered tells a connection that one of its packets did not arrive, as far as the packet is one that it sent (RFC 5927 §4).
func (n *node) undelivered(typ, code uint8, param uint32, about []byte) {
	const ports = ip6.HeaderLen + 8 // and the sequence number
	if n.sockets == nil || len(about) < ports || about[6] != ip6.ProtoTCP {
		return
	}
	be := binary.BigEndian
	head := about[ip6.HeaderLen:]
	s := n.sockets.byPair[pair{here: srcOf(about), there: dstOf(about), local: be.Uint16(head), distance: be.Uint16(head[2:])}]
	if s == nil || !s.tcp.Awaits(be.Uint32(head[4:])) {
		return
	}
	switch typ {
	case icmp6.TypePacketTooBig:
		s.tcp.TooBig(int(param))
	case icmp6.TypeUnreachable:
		s.soft = unreachable(code)
		if !s.tcp.Established() {
			s.broke(s.soft)
			s.tcp.Abort()
		}
	}
	s.touch()
}

// unreachable puts a code of RFC 4443 §3.1 in one of the engine's words, by way of what a program is told (errno).
func unreachable(code uint8) string {
	switch code {
	case icmp6.CodePortUnreachable:
		return engine.ReasonRefused
	case icmp6.CodeProhibited, icmp6.CodePolicyFailed, icmp6.CodeRejectRoute:
		return engine.ReasonNoPermission
	}
	return engine.ReasonUnreachable
}
