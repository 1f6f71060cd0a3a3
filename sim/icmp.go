package sim

import (
	"net/netip"
	"time"

	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// ICMP errors of one node are limited as RFC 4443 §2.4 (f) demands, with the numbers of Linux: a burst, then a rate.
const (
	icmpBurst = 50
	icmpEvery = time.Millisecond
)

type icmpBucket struct {
	tokens int
	last   time.Duration
}

func (b *icmpBucket) take(now time.Duration) bool {
	if gained := int((now - b.last) / icmpEvery); gained > 0 {
		b.tokens = min(icmpBurst, b.tokens+gained)
		b.last += time.Duration(gained) * icmpEvery
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}

// icmpError tells the source of a packet why it was not passed on (RFC 4443 §2.4 and §3). in is where the packet came
// from, nil for the TUN device or the node itself.
func (n *node) icmpError(in *iface, typ, code uint8, param uint32, about []byte) {
	src := srcOf(about)
	if src.unspecified() || src.multicast() || dstOf(about).multicast() || isICMPError(about) {
		return
	}
	from, ok := n.source(in)
	if !ok || !n.icmp.take(n.w.now) {
		return
	}
	e := icmp6.Error{Type: typ, Code: code, Param: param, Invoking: about}
	n.output(icmpPacket(from.addr(), src.addr(), &e), in)
}

// source is the node's address for an error about a packet that came in by an interface: a global one of that
// interface, else any global one, else the interface's link-local one.
func (n *node) source(in *iface) (addr16, bool) {
	if in != nil {
		for _, a := range in.addrs {
			if !a.linkLocal() {
				return a, true
			}
		}
	}
	for _, i := range n.ifaces {
		for _, a := range i.addrs {
			if !a.linkLocal() {
				return a, true
			}
		}
	}
	if in != nil && len(in.addrs) > 0 {
		return in.addrs[0], true
	}
	return addr16{}, false
}

func isICMPError(data []byte) bool {
	return data[6] == ip6.ProtoICMPv6 && len(data) > ip6.HeaderLen && data[ip6.HeaderLen] < 128
}

func icmpPacket(src, dst netip.Addr, m icmp6.Message) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: icmp6.Append(nil, src, dst, m)}
	return p.Append(nil)
}

// echoReply answers an echo request (RFC 4443 §4.2); nil for any other message.
func echoReply(p *ip6.Packet) []byte {
	src, dst := p.EffectiveSrc(), p.EffectiveDst()
	if len(p.Payload) == 0 || p.Payload[0] != icmp6.TypeEchoRequest || p.Fragment != nil {
		return nil
	}
	m, err := icmp6.Parse(src, dst, p.Payload)
	if err != nil {
		return nil
	}
	echo := *m.(*icmp6.Echo)
	echo.Reply = true
	return icmpPacket(dst, src, &echo)
}
