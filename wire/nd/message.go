package nd

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// ICMPv6 types, RFC 4861 §4.
const (
	TypeRouterSolicitation    uint8 = 133
	TypeRouterAdvertisement   uint8 = 134
	TypeNeighborSolicitation  uint8 = 135
	TypeNeighborAdvertisement uint8 = 136
	TypeRedirect              uint8 = 137
)

// HopLimit is the only hop limit a message may arrive with: no router has forwarded it (RFC 4861 §6.1, §7.1, §8.1).
const HopLimit uint8 = 255

// headerLen is the ICMPv6 header without the word that follows: type, code, checksum.
const headerLen = 4

// Message is one of *RouterSolicitation, *RouterAdvertisement, *NeighborSolicitation, *NeighborAdvertisement,
// *Redirect, *RtSolPr and *PrRtAdv.
type Message interface {
	icmpType() uint8
	// append writes what follows the checksum. It needs the source because a sender without an address may not give
	// its link-layer address.
	append(b []byte, src netip.Addr) []byte
}

// IsND says whether an ICMPv6 type is one that this package knows: the five of RFC 4861, and that of fast handovers.
func IsND(icmpType uint8) bool {
	return icmpType >= TypeRouterSolicitation && icmpType <= TypeRedirect || icmpType == TypeFast
}

// Parse reads an ICMPv6 message from its type octet on. src, dst and hopLimit are those of the IPv6 header it came in.
// The checksum, the hop limit and every other validity rule of RFC 4861 and RFC 5568 are verified; the result shares nothing
// with icmp.
func Parse(src, dst netip.Addr, hopLimit uint8, icmp []byte) (Message, error) {
	if len(icmp) < headerLen {
		return nil, fail("header", len(icmp), wire.ErrTruncated)
	}
	if !IsND(icmp[0]) {
		return nil, fail("Type", 0, wire.ErrUnknown)
	}
	if hopLimit != HopLimit {
		return nil, fail("Hop Limit", 0, wire.ErrValue)
	}
	if ip6.Checksum(src, dst, ip6.ProtoICMPv6, icmp) != 0 {
		return nil, fail("Checksum", 2, wire.ErrChecksum)
	}
	if icmp[0] == TypeFast {
		return parseFast(src, icmp)
	}
	if icmp[1] != 0 {
		return nil, fail("Code", 1, wire.ErrValue)
	}
	switch icmp[0] {
	case TypeRouterSolicitation:
		return message(parseRouterSolicitation(src, icmp))
	case TypeRouterAdvertisement:
		return message(parseRouterAdvertisement(src, icmp))
	case TypeNeighborSolicitation:
		return message(parseNeighborSolicitation(src, dst, icmp))
	case TypeNeighborAdvertisement:
		return message(parseNeighborAdvertisement(dst, icmp))
	default:
		return message(parseRedirect(src, icmp))
	}
}

// message keeps a nil pointer from becoming a Message that is not nil.
func message[M Message](m M, err error) (Message, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Append writes m with its checksum for an IPv6 packet from src to dst, which must be sent with HopLimit. It writes
// only the options that are defined for the message, and no source link-layer address when src is unspecified.
func Append(b []byte, src, dst netip.Addr, m Message) []byte {
	start := len(b)
	b = append(b, m.icmpType(), 0, 0, 0)
	if p, ok := m.(*PrRtAdv); ok {
		b[start+1] = p.Code
	}
	b = m.append(b, src)
	binary.BigEndian.PutUint16(b[start+2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b[start:]))
	return b
}

func fail(field string, offset int, cause error) error { return wire.Fail("nd", field, offset, cause) }

// addrAt reads 16 octets; the caller has checked that they are there.
func addrAt(b []byte, off int) netip.Addr { return netip.AddrFrom16([16]byte(b[off : off+16])) }

func appendAddr(b []byte, a netip.Addr) []byte {
	x := a.As16()
	return append(b, x[:]...)
}
