package icmp6

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"roam6/wire"
	"roam6/wire/ip6"
)

var goldenListenerReport = golden{
	src: local, dst: ip6.AllMLDRouters,
	text: `
		8f                      # Type 143
		00                      # Reserved
		29 f6                   # Checksum
		00 00                   # Reserved
		00 03                   # Nr of Mcast Address Records
		04 00 00 00             # CHANGE_TO_EXCLUDE_MODE, no auxiliary data, no sources
		ff 02 00 00 00 00 00 00 # Multicast Address
		00 00 00 01 ff 00 0a 01 #
		03 00 00 00             # CHANGE_TO_INCLUDE_MODE
		ff 02 00 00 00 00 00 00 # Multicast Address
		00 00 00 01 ff 00 01 00 #
		05 00 00 01             # ALLOW_NEW_SOURCES, one source
		ff 05 00 00 00 00 00 00 # Multicast Address
		00 00 00 00 00 00 00 02 #
		20 01 0d b8 00 0f 00 00 # Source Address
		00 00 00 00 00 00 00 01 #
	`,
	msg: &ListenerReport{Records: []ListenerRecord{
		{Type: ChangeToExclude, Group: group},
		{Type: ChangeToInclude, Group: netip.MustParseAddr("ff02::1:ff00:100")},
		{Type: AllowNewSources, Group: netip.MustParseAddr("ff05::2"), Sources: []netip.Addr{router}},
	}},
	whole: func(int) bool { return false },
}

var goldenListenerReport1 = golden{
	src: netip.IPv6Unspecified(), dst: group,
	text: `
		83                      # Type 131
		00                      # Code
		6c a1                   # Checksum
		00 00                   # Maximum Response Delay
		00 00                   # Reserved
		ff 02 00 00 00 00 00 00 # Multicast Address
		00 00 00 01 ff 00 0a 01 #
	`,
	msg:   &ListenerReport1{Group: group},
	whole: func(int) bool { return false },
}

var goldenListenerDone = golden{
	src: local, dst: ip6.AllRouters,
	text: `
		84                      # Type 132
		00                      # Code
		6d 20                   # Checksum
		00 00                   # Maximum Response Delay
		00 00                   # Reserved
		ff 02 00 00 00 00 00 00 # Multicast Address
		00 00 00 01 ff 00 0a 01 #
	`,
	msg:   &ListenerReport1{Done: true, Group: group},
	whole: func(int) bool { return false },
}

func TestListenerReport(t *testing.T) {
	for _, g := range []golden{goldenListenerReport, goldenListenerReport1, goldenListenerDone} {
		g.check(t)
	}
}

// RFC 3810 §5.2.10, §5.2.12: auxiliary data is skipped, a type that nobody knows is the receiver's to ignore.
func TestListenerReportSkipsAuxiliaryData(t *testing.T) {
	b := goldenListenerReport.octets()
	b[9] = 2
	b[28] = 77
	b = slices.Insert(b, 28, 1, 2, 3, 4, 5, 6, 7, 8)
	b[36] = 77
	m, err := Parse(local, ip6.AllMLDRouters, seal(local, ip6.AllMLDRouters, b))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(goldenListenerReport.msg.(*ListenerReport).Records)
	want[1].Type = 77
	if got := m.(*ListenerReport).Records; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestListenerReportRefusals(t *testing.T) {
	g := goldenListenerReport
	b := g.octets()
	b[7] = 4
	g.refused(t, "a record too many", b, "Nr of Mcast Address Records", 6, wire.ErrTruncated)
	b = Append(nil, g.src, g.dst, &ListenerReport{Records: []ListenerRecord{
		{Type: AllowNewSources, Group: group, Sources: []netip.Addr{ha, ha2}}, {Type: ModeIsExclude, Group: group}}})
	b[7] = 3
	g.refused(t, "a record too many behind sources", b, "Multicast Address Record", len(b), wire.ErrTruncated)
	b = g.octets()
	b[6] = 0xff // 65283 records: no memory is taken for them
	g.refused(t, "records that cannot be there", b, "Nr of Mcast Address Records", 6, wire.ErrTruncated)
	b = g.octets()
	b[12] = 0x20
	g.refused(t, "a unicast group", b, "Multicast Address", 12, wire.ErrValue)
	b = g.octets()
	b[51] = 2
	g.refused(t, "a source too many", b, "Source Address", len(b), wire.ErrTruncated)
	b = g.octets()
	b[49] = 1
	g.refused(t, "auxiliary data past the end", b, "Auxiliary Data", len(b), wire.ErrTruncated)
	b = goldenListenerReport1.octets()
	b[8] = 0
	goldenListenerReport1.refused(t, "a unicast group of version 1", b, "Multicast Address", 8, wire.ErrValue)
}

// RFC 3810 §5.2.15: a report of MaxListenerRecords fits the least MTU with the Router Alert before it.
func TestListenerReportFitsLeastMTU(t *testing.T) {
	m := &ListenerReport{Records: slices.Repeat([]ListenerRecord{{Type: ModeIsExclude, Group: group}}, MaxListenerRecords)}
	p := ip6.Packet{Header: ip6.Header{HopLimit: ListenerHopLimit, Src: local, Dst: ip6.AllMLDRouters}, RouterAlert: 1,
		Proto: ip6.ProtoICMPv6, Payload: Append(nil, local, ip6.AllMLDRouters, m)}
	if n := len(p.Append(nil)); n > ip6.MinMTU || n+recordLen <= ip6.MinMTU {
		t.Errorf("report of %d octets does not fill %d", n, ip6.MinMTU)
	}
}
