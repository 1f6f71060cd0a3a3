package nd

import (
	"net/netip"

	"roam6/wire"
)

// Redirect tells a host of a better first hop to a destination, or that the destination is a neighbour (Target equals
// Destination); RFC 4861 §4.5.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           Reserved                            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                                                               |
//	+                       Target Address                          +
//	|                                                               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                                                               |
//	+                     Destination Address                       +
//	|                                                               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options ...
//	+-+-+-+-+-+-+-+-+-+-+-+-
//
// Options defined for it: target link-layer address, nonce and, for a handover to the target's link
// (draft-blair-rt-mobileipv6-seamoby-00 appendix B.2), its prefixes and what fast handovers need; the redirected header stays in Options.Unknown with
// Type OptRedirectedHeader, since no role reads it.
type Redirect struct {
	Target      netip.Addr // link-local of a router, or Destination
	Destination netip.Addr // never multicast
	Options     Options
}

const (
	redirectLen     = 40
	redirectOptions = hasTargetHW | hasLoosePrefix | hasNonce | hasHandover
)

func (*Redirect) icmpType() uint8 { return TypeRedirect }

// parseRedirect applies RFC 4861 §8.1, except that src is the current first hop: the role knows that.
func parseRedirect(src netip.Addr, b []byte) (*Redirect, error) {
	if !src.IsLinkLocalUnicast() {
		return nil, fail("Source Address", 0, wire.ErrValue)
	}
	if len(b) < redirectLen {
		return nil, fail("Destination Address", len(b), wire.ErrTruncated)
	}
	m := &Redirect{Target: addrAt(b, 8), Destination: addrAt(b, 24)}
	if m.Destination.IsMulticast() {
		return nil, fail("Destination Address", 24, wire.ErrValue)
	}
	if !m.Target.IsLinkLocalUnicast() && m.Target != m.Destination {
		return nil, fail("Target Address", 8, wire.ErrValue)
	}
	return m, m.Options.parse(b, redirectLen, redirectOptions, netip.Addr{})
}

func (m *Redirect) append(b []byte, src netip.Addr) []byte {
	b = append(b, 0, 0, 0, 0)
	b = appendAddr(b, m.Target)
	b = appendAddr(b, m.Destination)
	return m.Options.append(b, redirectOptions, src)
}
