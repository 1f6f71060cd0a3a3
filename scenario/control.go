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

// isControl reports whether an IPv6 packet is signalling: everything but UDP, TCP, echo, later fragments and empty packets,
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
			return len(rest) > 0 && rest[0] != icmpEcho && rest[0] != icmpReply
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
