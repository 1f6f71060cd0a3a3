package ip6

import (
	"encoding/binary"
	"net/netip"
)

// Well-known addresses.
var (
	AllNodes      = netip.MustParseAddr("ff02::1") // RFC 4291 §2.7.1
	AllRouters    = netip.MustParseAddr("ff02::2")
	AllMLDRouters = netip.MustParseAddr("ff02::16") // all MLDv2-capable routers, RFC 3810 §11
	linkLocal     = netip.MustParsePrefix("fe80::/64")
)

// LinkLocal is the link-local address of a link-layer address, RFC 4862 §5.3 with RFC 2464 §5.
func LinkLocal(hw [6]byte) netip.Addr { return FromEUI64(linkLocal, hw) }

// FromEUI64 puts the modified EUI-64 identifier of a link-layer address behind a 64-bit prefix, RFC 4291 appendix A.
func FromEUI64(prefix netip.Prefix, hw [6]byte) netip.Addr {
	a := prefix.Addr().As16()
	id := [8]byte{hw[0] ^ 2, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]}
	copy(a[8:], id[:])
	return netip.AddrFrom16(a)
}

// SolicitedNode is the solicited-node multicast address of an address, RFC 4291 §2.7.1.
func SolicitedNode(a netip.Addr) netip.Addr {
	x := a.As16()
	return netip.AddrFrom16([16]byte{0xff, 0x02, 11: 1, 12: 0xff, 13: x[13], 14: x[14], 15: x[15]})
}

// MulticastHW is the link-layer address of a multicast address, RFC 2464 §7.
func MulticastHW(a netip.Addr) [6]byte {
	x := a.As16()
	return [6]byte{0x33, 0x33, x[12], x[13], x[14], x[15]}
}

// HomeAgentsAnycast is the Mobile IPv6 home agents anycast address of a prefix with 64-bit identifiers, RFC 2526 §2
// (identifier fdff:ffff:ffff:fffe).
func HomeAgentsAnycast(prefix netip.Prefix) netip.Addr {
	a := prefix.Masked().Addr().As16()
	binary.BigEndian.PutUint64(a[8:], 0xfdfffffffffffffe)
	return netip.AddrFrom16(a)
}

// Routable reports whether an address may be a home or care-of address: unicast and routable (RFC 6275 §6.1.7, §9.3.1, §9.5.1, §11.3.3).
func Routable(a netip.Addr) bool { return a.Is6() && !a.Is4In6() && a.IsGlobalUnicast() }

// Identifiers of interfaces that no host may have, RFC 5453 §3: of anycast addresses of routers as RFC 4291 §2.6.1 has them, of those
// that Ethernet's numbers were set aside for, and of RFC 2526's, the home agents' among them.
const (
	firstEthernetReserved, lastEthernetReserved = 0x02005efffe000000, 0x02005efffe005212
	firstAnycast, lastAnycast                   = 0xfdffffffffffff80, 0xfdffffffffffffff
)

// ReservedID reports whether the interface identifier of an address, its last 64 bits, is one that no host may have for its own.
func ReservedID(a netip.Addr) bool {
	b := a.As16()
	id := binary.BigEndian.Uint64(b[8:])
	return id == 0 || id >= firstEthernetReserved && id <= lastEthernetReserved || id >= firstAnycast && id <= lastAnycast
}
