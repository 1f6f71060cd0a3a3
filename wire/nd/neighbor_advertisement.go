package nd

import (
	"net/netip"

	"roam6/wire"
)

// NeighborAdvertisement answers a NeighborSolicitation or tells unasked that a link-layer address has changed,
// RFC 4861 §4.4.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|R|S|O|                     Reserved                            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                                                               |
//	+                                                               +
//	|                                                               |
//	+                       Target Address                          +
//	|                                                               |
//	+                                                               +
//	|                                                               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options ...
//	+-+-+-+-+-+-+-+-+-+-+-+-
//
// Options defined for it: target link-layer address, nonce, what fast handovers need.
type NeighborAdvertisement struct {
	Router    bool       // R: the sender is a router
	Solicited bool       // S: answers a solicitation of the destination; never in a multicast
	Override  bool       // O: replaces a cached link-layer address
	Target    netip.Addr // never multicast
	Options   Options
}

const (
	naLen     = 24
	naOptions = hasTargetHW | hasNonce | hasHandover

	naRouter    = 0x80
	naSolicited = 0x40
	naOverride  = 0x20
)

func (*NeighborAdvertisement) icmpType() uint8 { return TypeNeighborAdvertisement }

// parseNeighborAdvertisement applies RFC 4861 §7.1.2.
func parseNeighborAdvertisement(dst netip.Addr, b []byte) (*NeighborAdvertisement, error) {
	if len(b) < naLen {
		return nil, fail("Target Address", len(b), wire.ErrTruncated)
	}
	m := &NeighborAdvertisement{
		Router:    b[4]&naRouter != 0,
		Solicited: b[4]&naSolicited != 0,
		Override:  b[4]&naOverride != 0,
		Target:    addrAt(b, 8),
	}
	if m.Target.IsMulticast() {
		return nil, fail("Target Address", 8, wire.ErrValue)
	}
	if m.Solicited && dst.IsMulticast() {
		return nil, fail("S", 4, wire.ErrValue)
	}
	return m, m.Options.parse(b, naLen, naOptions, netip.Addr{})
}

func (m *NeighborAdvertisement) append(b []byte, src netip.Addr) []byte {
	var flags uint8
	if m.Router {
		flags |= naRouter
	}
	if m.Solicited {
		flags |= naSolicited
	}
	if m.Override {
		flags |= naOverride
	}
	b = append(b, flags, 0, 0, 0)
	b = appendAddr(b, m.Target)
	return m.Options.append(b, naOptions, src)
}
