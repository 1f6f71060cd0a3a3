package nd

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/wire"
)

// RouterAdvertisement tells of a router and of the parameters of its link, RFC 4861 §4.2 with the home agent flag of
// RFC 6275 §7.1.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	| Cur Hop Limit |M|O|H| Reserved|       Router Lifetime         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                         Reachable Time                        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                          Retrans Timer                        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options ...
//	+-+-+-+-+-+-+-+-+-+-+-+-
//
// Options defined for it: source link-layer address, prefixes, MTU, advertisement interval, nonce, neighbour
// advertisement acknowledgement, what access and fast handovers need, and with HomeAgent the home agent information.
type RouterAdvertisement struct {
	HopLimit  uint8 // for the host's own packets; 0: this router does not say
	Managed   bool  // M: addresses by DHCPv6
	Other     bool  // O: other configuration by DHCPv6
	HomeAgent bool  // H: the router is a home agent on this link

	Lifetime  time.Duration // as a default router, whole seconds up to 65535 s on the wire; 0: not a default router
	Reachable time.Duration // whole milliseconds on the wire; 0: this router does not say
	Retrans   time.Duration // between retransmitted solicitations, whole milliseconds on the wire; 0: does not say

	Options Options
}

const (
	raLen     = 16
	raOptions = hasSourceHW | hasPrefix | hasMTU | hasAdvInterval | hasNonce | hasNAAck | hasAccess | hasHandover

	raManaged   = 0x80
	raOther     = 0x40
	raHomeAgent = 0x20 // RFC 6275 §7.1
)

func (*RouterAdvertisement) icmpType() uint8 { return TypeRouterAdvertisement }

// parseRouterAdvertisement applies RFC 4861 §6.1.2.
func parseRouterAdvertisement(src netip.Addr, b []byte) (*RouterAdvertisement, error) {
	if !src.IsLinkLocalUnicast() {
		return nil, fail("Source Address", 0, wire.ErrValue)
	}
	if len(b) < raLen {
		return nil, fail("Retrans Timer", len(b), wire.ErrTruncated)
	}
	// Nearly every advertisement has one prefix: one piece of memory holds both.
	x := &struct {
		RouterAdvertisement
		first [1]Prefix
	}{}
	m := &x.RouterAdvertisement
	m.HopLimit = b[4]
	m.Managed = b[5]&raManaged != 0
	m.Other = b[5]&raOther != 0
	m.HomeAgent = b[5]&raHomeAgent != 0
	m.Lifetime = time.Duration(binary.BigEndian.Uint16(b[6:])) * time.Second
	m.Reachable = time.Duration(binary.BigEndian.Uint32(b[8:])) * time.Millisecond
	m.Retrans = time.Duration(binary.BigEndian.Uint32(b[12:])) * time.Millisecond
	m.Options.Prefixes = x.first[:0:1]
	err := m.Options.parse(b, raLen, m.options(), src)
	if len(m.Options.Prefixes) == 0 {
		m.Options.Prefixes = nil
	}
	return m, err
}

func (m *RouterAdvertisement) append(b []byte, src netip.Addr) []byte {
	var flags uint8
	if m.Managed {
		flags |= raManaged
	}
	if m.Other {
		flags |= raOther
	}
	if m.HomeAgent {
		flags |= raHomeAgent
	}
	b = append(b, m.HopLimit, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(units(m.Lifetime, time.Second, 1<<16-1)))
	b = binary.BigEndian.AppendUint32(b, uint32(units(m.Reachable, time.Millisecond, 1<<32-1)))
	b = binary.BigEndian.AppendUint32(b, uint32(units(m.Retrans, time.Millisecond, 1<<32-1)))
	return m.Options.append(b, m.options(), src)
}

// options leaves the home agent information out of the advertisement of a router that is none, RFC 6275 §7.4.
func (m *RouterAdvertisement) options() optionSet {
	if m.HomeAgent {
		return raOptions | hasHomeAgent
	}
	return raOptions
}

// units gives d in whole units, at least 0 and at most limit.
func units(d, unit time.Duration, limit int64) int64 {
	return min(max(int64(d/unit), 0), limit)
}
