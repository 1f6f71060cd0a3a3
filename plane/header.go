package plane

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire/ip6"
)

// trim checks the fixed header and cuts link padding off. ok is false if b holds no whole IPv6 packet.
// Jumbograms (RFC 2675) are none to us: no tunnel here carries them.
func trim(b []byte) ([]byte, bool) {
	if len(b) < ip6.HeaderLen || b[0]>>4 != 6 {
		return nil, false
	}
	end := sizeOf(b)
	if end > len(b) {
		return nil, false
	}
	return b[:end], true
}

// sizeOf is the length of the packet as its header tells it.
func sizeOf(b []byte) int { return ip6.HeaderLen + int(binary.BigEndian.Uint16(b[4:])) }

func sourceOf(b []byte) netip.Addr      { return netip.AddrFrom16([16]byte(b[8:24])) }
func destinationOf(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b[24:40])) }

// putAddrs writes both addresses of a header.
func putAddrs(b []byte, src, dst netip.Addr) {
	s, d := src.As16(), dst.As16()
	copy(b[8:24], s[:])
	copy(b[24:40], d[:])
}

// chain is what the extension headers of a packet say to a forwarder. ip6.Parse takes packets apart for
// engines; this walk allocates nothing, keeps offsets and is content with a packet cut short behind the headers.
type chain struct {
	proto    uint8 // the upper layer, or what the fragment carries
	off      int   // where it begins
	limitAt  int   // offset of the Tunnel Encapsulation Limit value (RFC 2473 §4.1.1); 0 for none
	fragAt   int   // offset of a Fragment header that makes this a fragment; 0 for none
	fragFrom int   // offset of the Next Header octet that names the Fragment header
	plain    bool  // no Home Address option and no routing header
	home     place // the destination options header with the Home Address option
	homeAt   int   // offset of the home address in it; 0 for none
	type2    place // the type 2 routing header with a segment left
}

// place is where an extension header stands.
type place struct {
	at   int // offset; 0 for none
	from int // offset of the Next Header octet that names it
}

// Options a tunnel end or a forwarder meets; any other is left to the two highest bits of its type.
const (
	optPad1       = 0x00
	optPadN       = 0x01
	optEncapLimit = 0x04
	optRouter     = 0x05 // Router Alert, RFC 2711
	optHome       = 0xc9
)

// walk follows the extension headers, RFC 8200 §4. reason is a drop reason, empty if all is well.
func walk(b []byte) (c chain, reason string) {
	c.plain = true
	next, nextAt, off := b[6], 6, ip6.HeaderLen
	for n := 0; ; n++ {
		switch next {
		case ip6.ProtoHopByHop, ip6.ProtoDestOpts, ip6.ProtoRouting, ip6.ProtoFragment:
		default:
			c.proto, c.off = next, off
			return c, ""
		}
		size := 8
		if len(b)-off >= 2 && next != ip6.ProtoFragment {
			size = 8 * (int(b[off+1]) + 1)
		}
		if n == ip6.MaxExtensions || len(b)-off < size {
			return c, DropMalformed
		}
		switch next {
		case ip6.ProtoHopByHop, ip6.ProtoDestOpts:
			reason = c.options(b[off:off+size], place{off, nextAt}, next)
		case ip6.ProtoRouting:
			reason = c.routing(b[off:off+size], place{off, nextAt})
		case ip6.ProtoFragment:
			if binary.BigEndian.Uint16(b[off+2:])&^6 != 0 { // else it is whole, RFC 6946
				c.fragAt, c.fragFrom, c.proto, c.off = off, nextAt, b[off], off+8
				return c, ""
			}
		}
		if reason != "" {
			return c, reason
		}
		next, nextAt, off = b[off], off, off+size
	}
}

// options walks the options of one header.
func (c *chain) options(ext []byte, at place, header uint8) string {
	for i := 2; i < len(ext); {
		if ext[i] == optPad1 {
			i++
			continue
		}
		if i+2 > len(ext) || i+2+int(ext[i+1]) > len(ext) {
			return DropMalformed
		}
		switch kind, size := ext[i], int(ext[i+1]); {
		case kind == optEncapLimit:
			if size != 1 {
				return DropMalformed
			}
			if c.limitAt == 0 {
				c.limitAt = at.at + i + 2
			}
		case kind == optHome && header == ip6.ProtoDestOpts:
			c.plain = false
			if size != 16 || c.homeAt != 0 { // RFC 6275 §6.3: sixteen octets, and once
				return DropOption
			}
			c.home, c.homeAt = at, at.at+i+2
		case kind == optRouter:
		case kind>>6 != 0: // RFC 8200 §4.2: an unknown option of these types discards the packet
			return DropOption
		}
		i += 2 + int(ext[i+1])
	}
	return ""
}

// routing takes the type 2 routing header of RFC 6275 §6.4, one address and one segment left, and lets spent ones of
// other types pass; RFC 5095 ended the rest.
func (c *chain) routing(ext []byte, at place) string {
	c.plain = false
	switch {
	case ext[2] != 2 && ext[3] != 0:
		return DropOption
	case ext[2] != 2:
		return ""
	case len(ext) != routingHeader || ext[3] != 1 || c.type2.at != 0:
		return DropRouting
	}
	c.type2 = at
	return ""
}

// isND says whether the packet is neighbour discovery (RFC 4861 §4, RFC 5568 §6.1), whatever stands before it.
func isND(b []byte) bool {
	off := ip6.HeaderLen
	if b[6] != ip6.ProtoICMPv6 {
		switch b[6] {
		case ip6.ProtoHopByHop, ip6.ProtoDestOpts, ip6.ProtoRouting, ip6.ProtoFragment:
		default:
			return false
		}
		c, reason := walk(b)
		if reason != "" || c.proto != ip6.ProtoICMPv6 || c.fragAt > 0 { // fragmented ND is refused, RFC 6980
			return false
		}
		off = c.off
	}
	return off < len(b) && (b[off] >= 133 && b[off] <= 137 || b[off] == 154)
}
