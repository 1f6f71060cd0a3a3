package nd

import (
	"net/netip"

	"roam6/wire"
)

// RouterSolicitation asks the routers of a link to advertise at once, RFC 4861 §4.1.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                            Reserved                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options ...
//	+-+-+-+-+-+-+-+-+-+-+-+-
//
// Options defined for it: source link-layer address, nonce, what fast handovers need.
type RouterSolicitation struct {
	Options Options
}

const (
	rsLen     = 8
	rsOptions = hasSourceHW | hasNonce | hasHandover
)

func (*RouterSolicitation) icmpType() uint8 { return TypeRouterSolicitation }

// parseRouterSolicitation applies RFC 4861 §6.1.1.
func parseRouterSolicitation(src netip.Addr, b []byte) (*RouterSolicitation, error) {
	if len(b) < rsLen {
		return nil, fail("Reserved", len(b), wire.ErrTruncated)
	}
	m := &RouterSolicitation{}
	return m, m.Options.parse(b, rsLen, rsOptions, src)
}

func (m *RouterSolicitation) append(b []byte, src netip.Addr) []byte {
	b = append(b, 0, 0, 0, 0)
	return m.Options.append(b, rsOptions, src)
}
