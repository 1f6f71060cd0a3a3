package icmp6

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/wire"
)

// ListenerQuery is the Multicast Listener Query, RFC 3810 §5.1: a router, or a switch in its place, asks who listens to
// a group, or to any. Version 1 (RFC 2710 §3) is the same as far as the Multicast Address; the length tells them apart.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Type = 130   |      Code     |           Checksum            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|    Maximum Response Code      |           Reserved            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                                                               |
//	*                       Multicast Address                       *
//	|                                                               |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	| Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       Source Addresses                        .
type ListenerQuery struct {
	Version1 bool
	// MaxResponse is the Maximum Response Delay: answers are due within it. Append writes milliseconds, from 32.768 s on
	// in version 2 the next lower time that the code can tell.
	MaxResponse time.Duration
	Group       netip.Addr // invalid in a General Query
	// What follows is of version 2 only.
	Suppress   bool          // S: other routers leave their timers alone
	Robustness uint8         // QRV, 0 to 7: the Querier's Robustness Variable; 0 when it is not told
	Interval   time.Duration // QQI: the Querier's Query Interval; whole seconds, with the reservation of MaxResponse from 128 s on
	Sources    []netip.Addr  // of a Multicast Address and Source Specific Query
}

// Lengths in octets, and bits.
const (
	listener1Len   = headerLen + addrLen // every version 1 message, RFC 2710 §3.7
	queryLen       = listener1Len + 4    // at least, of version 2, RFC 3810 §8.1
	querySuppress  = 0x08                // S
	queryRobust    = 0x07                // QRV
	maxResponse1   = 0xffff              // milliseconds of a version 1 query: the field is linear, RFC 3810 §8.2.1
	responseLinear = 1 << 15             // Maximum Response Codes from here on are floating-point, §5.1.3
	responseBits   = 12                  // of their mantissa
	maxResponse    = 0x1fff << (7 + 3)   // milliseconds
	intervalLinear = 1 << 7              // QQICs from here on are floating-point, §5.1.9
	intervalBits   = 4                   // of their mantissa
	maxInterval    = 0x1f << (7 + 3)     // seconds
	maxSources     = 0xffff              // Number of Sources (N)
	multicastFirst = 0xff                // octet of a multicast address, RFC 4291 §2.7
)

// Names of fields that more than one message has.
const (
	groupField   = "Multicast Address"
	sourcesField = "Source Address"
)

func parseListenerQuery(b []byte) (Message, error) {
	m := &ListenerQuery{Version1: len(b) == listener1Len}
	if len(b) < queryLen && !m.Version1 {
		return nil, fail(groupField, len(b), wire.ErrTruncated) // RFC 3810 §8.1: neither version has this length
	}
	code := binary.BigEndian.Uint16(b[4:])
	var err error
	if group := [addrLen]byte(b[headerLen:]); group != [addrLen]byte{} {
		if m.Group, err = parseGroup(b, headerLen); err != nil {
			return nil, err
		}
	}
	if m.Version1 {
		m.MaxResponse = time.Duration(code) * time.Millisecond
		return m, nil
	}
	m.MaxResponse = time.Duration(unfloat(int(code), responseLinear, responseBits)) * time.Millisecond
	m.Suppress = b[24]&querySuppress != 0
	m.Robustness = b[24] & queryRobust
	m.Interval = time.Duration(unfloat(int(b[25]), intervalLinear, intervalBits)) * time.Second
	n := int(binary.BigEndian.Uint16(b[26:]))
	if n > 0 && !m.Group.IsValid() {
		return nil, fail("Number of Sources (N)", 26, wire.ErrValue) // §5.1.13 knows no such query
	}
	if m.Sources, err = parseSources(b, queryLen, n); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *ListenerQuery) kind() (uint8, uint8) { return TypeListenerQuery, 0 }

func (m *ListenerQuery) append(b []byte) []byte {
	code := uint16(min(max(m.MaxResponse, 0)/time.Millisecond, maxResponse1))
	if !m.Version1 {
		code = uint16(float(int(min(max(m.MaxResponse, 0)/time.Millisecond, maxResponse)), responseLinear, responseBits))
	}
	b = binary.BigEndian.AppendUint16(b, code)
	b = append(b, 0, 0)
	b = appendAddr(b, m.Group)
	if m.Version1 {
		return b
	}
	flags := m.Robustness & queryRobust
	if m.Suppress {
		flags |= querySuppress
	}
	interval := float(int(min(max(m.Interval, 0)/time.Second, maxInterval)), intervalLinear, intervalBits)
	sources := m.Sources[:min(len(m.Sources), maxSources)]
	b = binary.BigEndian.AppendUint16(append(b, flags, uint8(interval)), uint16(len(sources)))
	return appendAddrs(b, sources)
}

// unfloat reads the number that a code of RFC 3810 §5.1.3 or §5.1.9 means: itself below linear, else one bit, three bits of
// exponent and a mantissa.
func unfloat(code, linear, mantissa int) int {
	if code < linear {
		return code
	}
	return (code&(1<<mantissa-1) | 1<<mantissa) << (code>>mantissa&7 + 3)
}

// float gives the code of the largest number that can be told and is not above v.
func float(v, linear, mantissa int) int {
	if v < linear {
		return v
	}
	exp := 0
	for v>>(exp+3) >= 1<<(mantissa+1) {
		exp++
	}
	return linear | exp<<mantissa | v>>(exp+3)&(1<<mantissa-1)
}

// parseGroup reads a multicast address at an offset.
func parseGroup(b []byte, at int) (netip.Addr, error) {
	if b[at] != multicastFirst {
		return netip.Addr{}, fail(groupField, at, wire.ErrValue)
	}
	return netip.AddrFrom16([addrLen]byte(b[at:])), nil
}

// parseSources reads n addresses at an offset.
func parseSources(b []byte, at, n int) ([]netip.Addr, error) {
	if n > (len(b)-at)/addrLen {
		return nil, fail(sourcesField, len(b), wire.ErrTruncated)
	}
	if n == 0 {
		return nil, nil
	}
	list := make([]netip.Addr, n)
	for i := range list {
		list[i] = netip.AddrFrom16([addrLen]byte(b[at+i*addrLen:]))
	}
	return list, nil
}

// appendAddrs writes addresses.
func appendAddrs(b []byte, list []netip.Addr) []byte {
	for _, a := range list {
		b = appendAddr(b, a)
	}
	return b
}

// appendAddr writes an address, :: for an invalid one.
func appendAddr(b []byte, a netip.Addr) []byte {
	x := [addrLen]byte{}
	if a.IsValid() {
		x = a.As16()
	}
	return append(b, x[:]...)
}
