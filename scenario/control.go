package scenario

import "encoding/binary"

// Next headers, IANA protocol numbers. Written again here because a scenario needs no codec: it only tells signalling
// from the users' packets.
const (
	nextHopByHop = 0
	nextTCP      = 6
	nextUDP      = 17
	nextIPv6     = 41
	nextRouting  = 43
	nextFragment = 44
	nextICMPv6   = 58
	nextNone     = 59
	nextDestOpts = 60
	icmpEcho     = 128
	icmpReply    = 129
	maxHeaders   = 16
)

// Types of multicast listener discovery, RFC 2710 §3 and RFC 3810 §4.
const (
	listenerQuery   = 130
	listenerDone    = 132
	listenerReport2 = 143
)

// isControl reports whether an IPv6 packet is signalling: everything but UDP, TCP, echo, multicast listener discovery (the link's
// housekeeping: the same whatever the strategy, and no world but the laboratory has it), later fragments and empty packets,
// looked for behind extension headers and inside tunnels (next header 41). Encrypted packets (ESP) are signalling: in
// this project users' packets are not in ESP on the air.
func isControl(packet []byte) bool {
	if len(packet) < 40 {
		return false
	}
	next, rest := packet[6], packet[40:]
	for range maxHeaders {
		switch next {
		case nextTCP, nextUDP, nextNone:
			return false
		case nextIPv6:
			if len(rest) < 40 {
				return false
			}
			next, rest = rest[6], rest[40:]
		case nextICMPv6:
			return len(rest) > 0 && !isHousekeeping(rest[0])
		case nextFragment:
			if len(rest) < 8 || binary.BigEndian.Uint16(rest[2:])&^7 != 0 {
				return false
			}
			next, rest = rest[0], rest[8:]
		case nextHopByHop, nextDestOpts, nextRouting:
			if len(rest) < 8 || len(rest) < 8*(int(rest[1])+1) {
				return false
			}
			next, rest = rest[0], rest[8*(int(rest[1])+1):]
		default:
			return true
		}
	}
	return false
}

// isHousekeeping tells echo and multicast listener discovery from the other ICMPv6 types.
func isHousekeeping(icmp byte) bool {
	return icmp == icmpEcho || icmp == icmpReply || icmp >= listenerQuery && icmp <= listenerDone || icmp == listenerReport2
}
