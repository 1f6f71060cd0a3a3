package nd

import (
	"net/netip"

	"roam6/wire"
)

// NeighborSolicitation asks for the link-layer address of a target, verifies that a neighbour is still there, or, from
// the unspecified address, asks whether anybody has the target address already; RFC 4861 §4.3, RFC 4862 §5.4.2.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           Reserved                            |
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
// Options defined for it: source link-layer address, nonce, what fast handovers need.
type NeighborSolicitation struct {
	Target  netip.Addr // never multicast
	Options Options
}

const (
	nsLen     = 24
	nsOptions = hasSourceHW | hasNonce | hasHandover
)

// solicitedNodes holds every solicited-node multicast address, RFC 4291 §2.7.1.
var solicitedNodes = netip.MustParsePrefix("ff02::1:ff00:0/104")

func (*NeighborSolicitation) icmpType() uint8 { return TypeNeighborSolicitation }

// parseNeighborSolicitation applies RFC 4861 §7.1.1.
func parseNeighborSolicitation(src, dst netip.Addr, b []byte) (*NeighborSolicitation, error) {
	if len(b) < nsLen {
		return nil, fail("Target Address", len(b), wire.ErrTruncated)
	}
	if src.IsUnspecified() && !solicitedNodes.Contains(dst) {
		return nil, fail("Destination Address", 0, wire.ErrValue)
	}
	m := &NeighborSolicitation{Target: addrAt(b, 8)}
	if m.Target.IsMulticast() {
		return nil, fail("Target Address", 8, wire.ErrValue)
	}
	return m, m.Options.parse(b, nsLen, nsOptions, src)
}

func (m *NeighborSolicitation) append(b []byte, src netip.Addr) []byte {
	b = append(b, 0, 0, 0, 0)
	b = appendAddr(b, m.Target)
	return m.Options.append(b, nsOptions, src)
}
