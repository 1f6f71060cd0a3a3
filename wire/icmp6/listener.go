package icmp6

import (
	"roam6/wire"
	"roam6/wire/ip6"
)

// ListenerHopLimit is the Hop Limit of every packet of multicast listener discovery, RFC 3810 §5.
const ListenerHopLimit = 1

// IsListener says whether an ICMPv6 type is one of multicast listener discovery.
func IsListener(icmpType uint8) bool {
	return icmpType >= TypeListenerQuery && icmpType <= TypeListenerDone || icmpType == TypeListenerReport
}

// CheckListener checks what a listener message of a type asks of the packet it came in, so that nobody off the link is
// listened to: the Hop Limit, the Router Alert option and a link-local source (RFC 3810 §5.1.14, §6.2). A report may come
// from the unspecified address as well (§5.2.13), though routers do not listen to such a one. The error's offset counts
// from the start of the packet.
func CheckListener(icmpType uint8, p *ip6.Packet) error {
	unspecified := p.Src.IsUnspecified() && icmpType != TypeListenerQuery
	switch {
	case p.HopLimit != ListenerHopLimit:
		return fail("Hop Limit", 7, wire.ErrValue)
	case !p.Src.IsLinkLocalUnicast() && !unspecified:
		return fail("Source Address", 8, wire.ErrValue)
	case p.RouterAlert == 0:
		return fail("Router Alert", 6, wire.ErrValue)
	}
	return nil
}
