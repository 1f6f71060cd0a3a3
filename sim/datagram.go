package sim

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// MaxBinds is the number of Binds of a node at a time: the driver's.
const MaxBinds = 64

// port is one Bind.
type port struct {
	r    *runner
	name string
	at   netip.AddrPort // :: for all addresses
}

// datagrams carries out an effect about datagrams.
func (r *runner) datagrams(e engine.Effect) {
	switch e := e.(type) {
	case engine.Bind:
		r.node.useSockets().bind(r, e)
	case engine.Datagram:
		if k := r.node.sockets; k != nil {
			if p := k.bound(r, e.Name); p != nil {
				k.throw(p, e)
			}
		}
	}
}

// bind opens a port, or says why not.
func (k *sockets) bind(r *runner, e engine.Bind) {
	at := e.At
	if !at.Addr().IsValid() {
		at = netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port())
	}
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), k.freePort())
	}
	reason, words := "", ""
	switch {
	case k.named(r, e.Name):
		reason, words = engine.ReasonNameInUse, "there is a Listen or a Bind of this name"
	case len(k.ports) >= MaxBinds:
		reason, words = engine.ReasonTooMany, "the node has too many already"
	case !k.n.couldHave(at.Addr()):
		reason, words = engine.ReasonNoAddress, "the node's kernel does not have the address"
	case taken(k.ports, at):
		reason, words = engine.ReasonAddressInUse, "another Bind has address and port"
	default:
		if k.ports == nil {
			k.ports = map[netip.AddrPort]*port{}
		}
		k.ports[at] = &port{r: r, name: e.Name, at: at}
		return
	}
	r.complain(reason, "bind UDP %v: %s", at, words)
	r.tell(engine.Closed{Listener: e.Name, Reason: reason})
}

// couldHave reports whether a socket can be bound to an address.
func (n *node) couldHave(a netip.Addr) bool {
	return a.Is6() && (a.IsUnspecified() || n.has(a.As16()))
}

// freePort takes the next port that no Bind and no flow of the plan has.
func (k *sockets) freePort() uint16 {
	for {
		if k.port++; k.port > lastPort {
			k.port = firstPort
		}
		used := slices.ContainsFunc(k.n.w.flows, func(f flow) bool { return f.plan.Port == k.port })
		if !used && !taken(k.ports, netip.AddrPortFrom(netip.IPv6Unspecified(), k.port)) {
			return k.port
		}
	}
}

// bound is an engine's Bind of a name; nil if there is none.
func (k *sockets) bound(r *runner, name string) *port {
	for _, p := range k.ports { //order:any
		if p.r == r && p.name == name {
			return p
		}
	}
	return nil
}

// throw sends a datagram, in a packet of its own: one that is larger than an MTU on its way is lost.
func (k *sockets) throw(p *port, d engine.Datagram) {
	from := d.Local
	if !from.IsValid() && !p.at.Addr().IsUnspecified() {
		from = p.at.Addr()
	}
	src, reason := k.n.sourceTo(d.Peer.Addr(), from)
	switch {
	case len(d.Data) > engine.MaxDatagram:
		k.n.w.drop(dropTooBig)
	case reason != "" || d.Peer.Port() == 0:
		k.n.w.drop(dropNoWay)
	default:
		k.n.originate(datagramPacket(netip.AddrPortFrom(src.addr(), p.at.Port()), d.Peer, d.Data))
	}
}

// datagramPacket is a datagram in its packet.
func datagramPacket(from, to netip.AddrPort, data []byte) []byte {
	udp := make([]byte, udpHeader, udpHeader+len(data))
	binary.BigEndian.PutUint16(udp, from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(udpHeader+len(data)))
	udp = append(udp, data...)
	sum := ip6.Checksum(from.Addr(), to.Addr(), ip6.ProtoUDP, udp)
	if sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(udp[6:], sum)
	p := ip6.Packet{Header: ip6.Header{Src: from.Addr(), Dst: to.Addr()}, Proto: ip6.ProtoUDP, Payload: udp}
	return p.Append(make([]byte, 0, ip6.HeaderLen+len(udp)+plane.Headroom))
}

// datagramIn gives a UDP packet to the engine that has its port; false if none has.
func (n *node) datagramIn(p *ip6.Packet) bool {
	if n.sockets == nil || p.Fragment != nil || len(p.Payload) < udpHeader {
		return false
	}
	src, dst, udp := p.EffectiveSrc(), p.EffectiveDst(), p.Payload
	at := netip.AddrPortFrom(dst, binary.BigEndian.Uint16(udp[2:]))
	to := n.sockets.ports[at]
	if to == nil {
		to = n.sockets.ports[netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port())]
	}
	if to == nil {
		return false
	}
	from, size := binary.BigEndian.Uint16(udp), int(binary.BigEndian.Uint16(udp[4:]))
	switch {
	case size < udpHeader || size > len(udp):
		n.w.drop(dropMalformed)
	case ip6.Checksum(src, dst, ip6.ProtoUDP, udp[:size]) != 0:
		n.w.drop(dropChecksum)
	case from == 0:
		n.w.drop(dropNotUnicast)
	default: // a frame may arrive twice, and the engine may change what it is given
		to.r.tell(engine.Datagram{Name: to.name, Peer: netip.AddrPortFrom(src, from), Local: dst, Data: slices.Clone(udp[udpHeader:size])})
	}
	return true
}
