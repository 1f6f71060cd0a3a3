package icmp6

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// HomeAgentsRequest is the Home Agent Address Discovery Request: a mobile node asks the home agents anycast address of
// its home prefix who can serve it, RFC 6275 §6.5 with the flag of RFC 3963 §7.1.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |            Checksum           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          Identifier           |R|          Reserved           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type HomeAgentsRequest struct { //spec MIP-05
	ID            uint16
	MobileRouters bool // R: home agents that serve mobile routers are wanted
}

// HomeAgentsReply is the Home Agent Address Discovery Reply, RFC 6275 §6.6 with the flag of RFC 3963 §7.2.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |            Checksum           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|           Identifier          |R|           Reserved          |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                                                               |
//	.                      Home Agent Addresses                     .
//	|                                                               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type HomeAgentsReply struct { //spec MIP-05
	ID            uint16       // of the request
	MobileRouters bool         // R: those listed serve mobile routers
	Agents        []netip.Addr // best first
}

// MaxAgents is how many addresses a reply holds: as many as fit the least MTU of IPv6. Append drops the rest, which
// are the least preferred.
const MaxAgents = (ip6.MinMTU - ip6.HeaderLen - headerLen) / addrLen

const addrLen = 16

// The word behind type, code and checksum: the identifier, then this flag.
const (
	flagsAt       = 6
	mobileRouters = 0x80 // RFC 3963 §7.1, §7.2
)

// appendAsked writes that word.
func appendAsked(b []byte, id uint16, routers bool) []byte {
	var flags uint8
	if routers {
		flags = mobileRouters
	}
	return append(binary.BigEndian.AppendUint16(b, id), flags, 0)
}

func parseHomeAgentsRequest(b []byte) (Message, error) {
	return &HomeAgentsRequest{ID: identifier(b), MobileRouters: b[flagsAt]&mobileRouters != 0}, nil
}

func (m *HomeAgentsRequest) kind() (uint8, uint8) { return TypeHomeAgentsRequest, 0 }

func (m *HomeAgentsRequest) append(b []byte) []byte {
	return appendAsked(b, m.ID, m.MobileRouters)
}

func parseHomeAgentsReply(b []byte) (Message, error) {
	list := b[headerLen:]
	if len(list)%addrLen != 0 {
		return nil, fail("Home Agent Addresses", len(b)-len(list)%addrLen, wire.ErrTruncated)
	}
	if len(list)/addrLen > MaxAgents {
		return nil, fail("Home Agent Addresses", headerLen+MaxAgents*addrLen, wire.ErrLimit)
	}
	m := &HomeAgentsReply{ID: identifier(b), MobileRouters: b[flagsAt]&mobileRouters != 0}
	if len(list) > 0 {
		m.Agents = make([]netip.Addr, 0, len(list)/addrLen)
	}
	for ; len(list) > 0; list = list[addrLen:] {
		m.Agents = append(m.Agents, netip.AddrFrom16([addrLen]byte(list[:addrLen])))
	}
	return m, nil
}

func (m *HomeAgentsReply) kind() (uint8, uint8) { return TypeHomeAgentsReply, 0 }

func (m *HomeAgentsReply) append(b []byte) []byte {
	b = appendAsked(b, m.ID, m.MobileRouters)
	for _, a := range m.Agents[:min(len(m.Agents), MaxAgents)] {
		x := a.As16()
		b = append(b, x[:]...)
	}
	return b
}
