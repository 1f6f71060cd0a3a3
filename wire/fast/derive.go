package fast

import "net/netip"

// linkLocal is the prefix of link-local addresses, RFC 4291 §2.4.
var linkLocal = netip.MustParseAddr("fe80::")

// interfaceBits is the length of an interface identifier, RFC 4291 §2.5.1.
const interfaceBits = 64

// Hardware is the link-layer address in an address with a prefix of some length: the prefix is masked off, and what is left is the modified
// EUI-64 of the link-layer address (RFC 4291 appendix A). ok is false when it is none, as with addresses of RFC 8981 or set by hand, or when
// the prefix leaves less than 64 bits.
//
// spec FH-02 FH-06
func Hardware(a netip.Prefix) (hw [6]byte, ok bool) {
	if !a.Addr().Is6() || a.Bits() < 0 || a.Bits() > 128-interfaceBits {
		return hw, false
	}
	x := a.Addr().As16()
	if x[11] != 0xff || x[12] != 0xfe {
		return hw, false
	}
	hw = [6]byte{x[8] ^ 2, x[9], x[10], x[13], x[14], x[15]}
	return hw, hw != [6]byte{}
}

// hardware is the address a message gives, or the one that follows from an address.
func hardware(given [6]byte, a netip.Prefix) ([6]byte, bool) {
	if given != [6]byte{} {
		return given, true
	}
	return Hardware(a)
}

// Rebase puts the prefix of one address before the lower-order bits of another: a new care-of address of the new router's and the current
// one. It is not valid when one of them is not.
//
// spec FH-02
func Rebase(prefix netip.Prefix, low netip.Addr) netip.Addr {
	if !prefix.IsValid() || !prefix.Addr().Is6() || !low.Is6() {
		return netip.Addr{}
	}
	a, b := prefix.Addr().As16(), low.As16()
	for i := range a {
		keep := uint8(0xff) << (8 - min(8, max(0, prefix.Bits()-8*i))) // the bits of this octet that are the prefix's
		a[i] = a[i]&keep | b[i]&^keep
	}
	return netip.AddrFrom16(a)
}

// LinkLocal is the link-local address of who has an address with a prefix of some length: the prefix is replaced by fe80::.
//
// spec FH-02
func LinkLocal(a netip.Prefix) netip.Addr {
	return Rebase(netip.PrefixFrom(linkLocal, a.Bits()), a.Addr())
}
