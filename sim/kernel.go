package sim

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// addr16 is an IPv6 address as a map key: hashed and compared faster than netip.Addr.
type addr16 [16]byte

func (a addr16) addr() netip.Addr  { return netip.AddrFrom16(a) }
func (a addr16) multicast() bool   { return a[0] == 0xff }
func (a addr16) linkLocal() bool   { return a[0] == 0xfe && a[1]&0xc0 == 0x80 }
func (a addr16) unspecified() bool { return a == addr16{} }
func (a addr16) words() (hi, lo uint64) {
	return binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
}

func srcOf(data []byte) addr16 { return addr16(data[8:24]) }
func dstOf(data []byte) addr16 { return addr16(data[24:40]) }

// kroute is a route of the kernel model.
type kroute struct {
	bits           int
	hi, lo         uint64 // destination
	maskHi, maskLo uint64
	out            *iface
	via            addr16 // unspecified: on link
}

func routeOf(r scenario.Route, out *iface) kroute {
	k := kroute{bits: r.Dst.Bits(), out: out}
	k.maskHi, k.maskLo = mask(k.bits)
	hi, lo := addr16(r.Dst.Addr().As16()).words()
	k.hi, k.lo = hi&k.maskHi, lo&k.maskLo
	if r.Via.IsValid() {
		k.via = r.Via.As16()
	}
	return k
}

func mask(bits int) (hi, lo uint64) {
	if bits > 64 {
		return ^uint64(0), ^uint64(0) << (128 - bits)
	}
	return ^uint64(0) << (64 - bits), 0
}

// addRoute keeps the routes longest prefix first; among equal lengths the earlier wins.
func (n *node) addRoute(k kroute) {
	at, _ := slices.BinarySearchFunc(n.routes, k.bits, func(r kroute, bits int) int {
		if r.bits >= bits {
			return -1
		}
		return 1
	})
	n.routes = slices.Insert(n.routes, at, k)
}

func (n *node) route(dst addr16) *kroute {
	hi, lo := dst.words()
	for k := range n.routes {
		r := &n.routes[k]
		if hi&r.maskHi == r.hi && lo&r.maskLo == r.lo {
			return r
		}
	}
	return nil
}

func (n *node) addAddr(i *iface, a addr16) {
	put(&n.own, a, i)
	i.addrs = append(i.addrs, a)
}

// trim cuts link padding off and refuses what is no IPv6 packet.
func trim(data []byte) ([]byte, bool) {
	if len(data) < ip6.HeaderLen || data[0]>>4 != 6 {
		return nil, false
	}
	end := ip6.HeaderLen + int(binary.BigEndian.Uint16(data[4:]))
	if end > len(data) {
		return nil, false
	}
	return data[:end], true
}

// receive takes a packet from a link. Shared octets belong to other receivers too.
func (n *node) receive(i *iface, from plane.HW, data []byte, shared bool) {
	data, ok := trim(data)
	dst := addr16{}
	if ok {
		dst = dstOf(data)
	}
	switch {
	case !ok:
		n.w.drop(dropMalformed)
		return
	case !i.kernel && n.soft == nil && dst.multicast():
		return
	}
	// Neighbour discovery goes through the plane to the engines as it is. They read it only (engine.Packet), so that those
	// who hear one multicast share its octets; all else may be changed on its way.
	nd := isND(data)
	if !i.kernel {
		n.intoPlane(i.port, from, owned(data, shared && !nd))
		return
	}
	if i.port > 0 && n.soft != nil {
		l, local := n.mirror.locals[dst]
		switch {
		case nd:
			n.intoPlane(i.port, from, data)
		case local && !l.Capture && !l.Proxy:
			n.intoPlane(i.port, from, owned(data, shared))
			return
		}
	}
	switch {
	case nd:
		n.neighborIn(i, data)
	case dst.multicast():
	case n.gated(i, dst, data):
	case n.mirror.captured(dst):
		n.capture(i, owned(data, shared))
	case n.own[dst] != nil:
		n.local(data)
	default:
		n.forward(i, owned(data, shared))
	}
}

// gated drops a packet that a gate of the plane stops, unless it is for the kernel itself: the driver carries gates into the real one.
func (n *node) gated(in *iface, dst addr16, data []byte) bool {
	if !n.mirror.gates || in.port == 0 || n.own[dst] != nil && !n.mirror.captured(dst) {
		return false
	}
	s := n.w.sink()
	stops := n.soft.Stops(in.port, data, s)
	n.flush(s)
	return stops
}

// owned gives octets that may be changed and kept.
func owned(data []byte, shared bool) []byte {
	if shared {
		return slices.Clone(data)
	}
	return data
}

// fromTUN takes a packet the plane hands to the kernel: the TUN device is an interface like any other, so what is not
// for the kernel itself is forwarded, hop limit and all. That ends every loop through the plane.
func (n *node) fromTUN(data []byte) {
	data, ok := trim(data)
	if !ok {
		n.w.drop(dropMalformed)
		return
	}
	switch dst := dstOf(data); {
	case n.mirror.captured(dst):
		n.capture(nil, data)
	case n.own[dst] != nil:
		n.local(data)
	default:
		n.forward(nil, data)
	}
}

// capture routes a packet into the plane.
func (n *node) capture(in *iface, data []byte) {
	if n.hop(in, data) {
		n.passed(in, nil, data)
		n.intoPlane(plane.Kernel, plane.HW{}, data)
	}
}

// hop spends one hop of a packet that is passed on; false if none was left.
func (n *node) hop(in *iface, data []byte) bool {
	if data[7] <= 1 {
		n.w.drop(dropHopLimit)
		n.icmpError(in, icmp6.TypeTimeExceeded, icmp6.CodeHopLimit, 0, data)
		return false
	}
	data[7]--
	return true
}

// forward passes a packet on that is for somebody else. in is nil for the TUN device.
func (n *node) forward(in *iface, data []byte) {
	src, dst := srcOf(data), dstOf(data)
	switch {
	case !n.plan.Forward:
		n.w.drop(dropNoRoute)
		return
	case dst.multicast() || dst.linkLocal() || src.linkLocal() || src.unspecified() || src.multicast():
		n.w.drop(dropScope)
		return
	case !n.hop(in, data):
		return
	}
	r := n.route(dst)
	switch mtu := n.mirror.mtu; {
	case n.mirror.refuses(dst, r):
		n.passed(in, nil, data)
		n.intoPlane(plane.Kernel, plane.HW{}, data)
		return
	case r != nil:
	case mtu == 0:
		n.w.drop(dropNoRoute)
		n.icmpError(in, icmp6.TypeUnreachable, icmp6.CodeNoRoute, 0, data)
		return
	case len(data) > mtu:
		n.w.drop(dropTooBig)
		n.icmpError(in, icmp6.TypePacketTooBig, 0, uint32(mtu), data)
		return
	default:
		n.passed(in, nil, data)
		n.intoPlane(plane.Kernel, plane.HW{}, data)
		return
	}
	if len(data) > r.out.mtu {
		n.w.drop(dropTooBig)
		n.icmpError(in, icmp6.TypePacketTooBig, 0, uint32(r.out.mtu), data)
		return
	}
	n.passed(in, r.out, data)
	n.sendTo(r.out, r.next(dst), data)
}

// next is the neighbour to send to.
func (r *kroute) next(dst addr16) addr16 {
	if r.via.unspecified() {
		return dst
	}
	return r.via
}

// output sends a packet of the node's own. Link-local destinations need an interface, which the caller may name.
func (n *node) output(data []byte, out *iface) {
	dst := dstOf(data)
	switch {
	case n.mirror.captured(dst):
		n.intoPlane(plane.Kernel, plane.HW{}, data)
		return
	case n.own[dst] != nil:
		n.local(data)
		return
	case out != nil && dst.linkLocal():
		n.sendTo(out, dst, data)
		return
	}
	r := n.route(dst)
	switch {
	case n.mirror.refuses(dst, r), r == nil && n.mirror.mtu > 0 && !dst.multicast() && !dst.linkLocal():
		n.intoPlane(plane.Kernel, plane.HW{}, data)
	case r == nil || dst.multicast() || dst.linkLocal():
		n.w.drop(dropNoRoute)
	case len(data) > r.out.mtu:
		n.w.drop(dropTooBig)
	default:
		n.sendTo(r.out, r.next(dst), data)
	}
}

// local delivers a packet to this kernel: echo requests are answered, UDP goes to the engines' ports and the flows, TCP to the engines' connections.
func (n *node) local(data []byte) {
	p := ip6.Packet{Proto: data[6], Payload: data[ip6.HeaderLen:]}
	switch p.Proto {
	case ip6.ProtoUDP, ip6.ProtoICMPv6:
		p.Src, p.Dst = srcOf(data).addr(), dstOf(data).addr()
	default:
		var err error
		if p, err = ip6.Parse(data); err != nil {
			n.w.drop(dropMalformed)
			return
		}
	}
	switch p.Proto {
	case ip6.ProtoUDP:
		n.deliver(&p)
	case ip6.ProtoICMPv6:
		if reply := echoReply(&p); reply != nil {
			n.output(reply, nil)
		} else {
			n.heardOf(&p)
		}
	case ip6.ProtoTCP:
		n.tcpIn(&p)
	default:
		n.w.drop(dropNoSocket)
	}
}

// application delivers a packet to the applications of a user-space node, whose addresses are those on the TUN device.
func (n *node) application(data []byte) {
	data, ok := trim(data)
	if !ok {
		n.w.drop(dropMalformed)
		return
	}
	p, err := ip6.Parse(data)
	if err != nil {
		n.w.drop(dropMalformed)
		return
	}
	if !n.mirror.host(p.EffectiveDst().As16()) {
		if n.plan.Forward {
			n.fromTUN(data)
			return
		}
		n.w.drop(dropNoHost)
		return
	}
	switch p.Proto {
	case ip6.ProtoUDP:
		n.deliver(&p)
	case ip6.ProtoICMPv6:
		if reply := echoReply(&p); reply != nil {
			n.intoPlane(plane.Kernel, plane.HW{}, reply)
		} else {
			n.heardOf(&p)
		}
	case ip6.ProtoTCP:
		n.tcpIn(&p)
	default:
		n.w.drop(dropNoSocket)
	}
}
