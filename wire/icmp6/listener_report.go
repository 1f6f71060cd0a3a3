package icmp6

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// Types of a ListenerRecord, RFC 3810 §5.2.12. A receiver ignores records of others.
const (
	ModeIsInclude   uint8 = 1
	ModeIsExclude   uint8 = 2 // with no sources: this node listens to the group
	ChangeToInclude uint8 = 3 // with no sources: it no longer does
	ChangeToExclude uint8 = 4 // with no sources: from now on it does
	AllowNewSources uint8 = 5
	BlockOldSources uint8 = 6
)

// ListenerReport is the Version 2 Multicast Listener Report, RFC 3810 §5.2: what a node listens to on a link, or how that
// has changed.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Type = 143   |    Reserved   |           Checksum            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|           Reserved            |Nr of Mcast Address Records (M)|
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                  Multicast Address Records                    .
type ListenerReport struct {
	Records []ListenerRecord // MaxListenerRecords at most, when they are without sources
}

// ListenerRecord is a Multicast Address Record. Auxiliary data is skipped: none is defined (RFC 3810 §5.2.10).
//
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Record Type  |  Aux Data Len |     Number of Sources (N)     |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       Multicast Address                       |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       Source Addresses                        .
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                         Auxiliary Data                        .
type ListenerRecord struct {
	Type    uint8
	Group   netip.Addr
	Sources []netip.Addr
}

// ListenerReport1 is the Multicast Listener Report of version 1, or its Multicast Listener Done: RFC 2710 §3. It is about
// one group, and goes to the group itself; Done goes to all routers.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Maximum Response Delay    |          Reserved             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                       Multicast Address                       |
type ListenerReport1 struct {
	Done  bool // the sender no longer listens
	Group netip.Addr
}

const (
	recordLen = 4 + addrLen // without sources and auxiliary data
	auxUnit   = 4           // octets a unit of Aux Data Len, RFC 3810 §5.2.6
	alertLen  = 8           // the hop-by-hop header with the Router Alert, RFC 2711
)

// MaxListenerRecords is how many records without sources a report holds: as many as fit the least MTU of IPv6 behind
// the hop-by-hop header that it needs. Whoever has more sends more reports (RFC 3810 §5.2.15).
const MaxListenerRecords = (ip6.MinMTU - ip6.HeaderLen - alertLen - headerLen) / recordLen

func parseListenerReport(b []byte) (Message, error) {
	n := int(binary.BigEndian.Uint16(b[6:]))
	if n > (len(b)-headerLen)/recordLen {
		return nil, fail("Nr of Mcast Address Records", 6, wire.ErrTruncated)
	}
	m := &ListenerReport{}
	if n > 0 {
		m.Records = make([]ListenerRecord, 0, n)
	}
	for at := headerLen; n > 0; n-- {
		if len(b)-at < recordLen {
			return nil, fail("Multicast Address Record", len(b), wire.ErrTruncated)
		}
		r := ListenerRecord{Type: b[at]}
		aux, sources := auxUnit*int(b[at+1]), int(binary.BigEndian.Uint16(b[at+2:]))
		var err error
		if r.Group, err = parseGroup(b, at+4); err != nil {
			return nil, err
		}
		if r.Sources, err = parseSources(b, at+recordLen, sources); err != nil {
			return nil, err
		}
		if at += recordLen + sources*addrLen + aux; at > len(b) {
			return nil, fail("Auxiliary Data", len(b), wire.ErrTruncated)
		}
		m.Records = append(m.Records, r)
	}
	return m, nil
}

func (m *ListenerReport) kind() (uint8, uint8) { return TypeListenerReport, 0 }

func (m *ListenerReport) append(b []byte) []byte {
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Records)))
	for _, r := range m.Records {
		sources := r.Sources[:min(len(r.Sources), maxSources)]
		b = append(b, r.Type, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(len(sources)))
		b = appendAddrs(appendAddr(b, r.Group), sources)
	}
	return b
}

func parseListenerReport1(b []byte) (Message, error) {
	if len(b) < listener1Len {
		return nil, fail(groupField, len(b), wire.ErrTruncated)
	}
	group, err := parseGroup(b, headerLen)
	if err != nil {
		return nil, err
	}
	return &ListenerReport1{Done: b[0] == TypeListenerDone, Group: group}, nil
}

func (m *ListenerReport1) kind() (uint8, uint8) {
	if m.Done {
		return TypeListenerDone, 0
	}
	return TypeListenerReport1, 0
}

func (m *ListenerReport1) append(b []byte) []byte { return appendAddr(append(b, 0, 0, 0, 0), m.Group) }
