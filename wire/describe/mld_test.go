package describe_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/wire/describe"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// listener is a packet of multicast listener discovery.
func listener(src, dst netip.Addr, m icmp6.Message) []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: 1}, RouterAlert: 1, Proto: ip6.ProtoICMPv6,
		Payload: icmp6.Append(nil, src, dst, m)})
}

// checked mends the checksum of a packet with an ICMPv6 message behind a hop-by-hop header of 8 octets.
func checked(b []byte) []byte {
	b[50], b[51] = 0, 0
	src, dst := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	binary.BigEndian.PutUint16(b[50:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, b[48:]))
	return b
}

func listenerSamples() []sample {
	group := ip6.SolicitedNode(coa)
	report := listener(unspec, ip6.AllMLDRouters, &icmp6.ListenerReport{Records: []icmp6.ListenerRecord{
		{Type: icmp6.ChangeToExclude, Group: group},
		{Type: icmp6.ChangeToInclude, Group: ip6.SolicitedNode(ha)},
		{Type: icmp6.AllowNewSources, Group: netip.MustParseAddr("ff05::7"), Sources: []netip.Addr{cn, ha}},
	}})
	general := listener(router, ip6.AllNodes, &icmp6.ListenerQuery{MaxResponse: 10 * time.Second, Robustness: 2, Interval: 125 * time.Second})
	return []sample{
		{"mld-report", report, false},
		{"mld-query", general, false},
		{"mld-query-source", listener(router, group, &icmp6.ListenerQuery{MaxResponse: time.Minute, Group: group, Suppress: true,
			Interval: 5 * time.Minute, Sources: []netip.Addr{cn}}), false},
		{"mld-query-v1", listener(router, ip6.AllNodes, &icmp6.ListenerQuery{Version1: true, MaxResponse: 40 * time.Second}), false},
		{"mld-report-v1", listener(local, group, &icmp6.ListenerReport1{Group: group}), false},
		{"mld-done", listener(local, ip6.AllRouters, &icmp6.ListenerReport1{Done: true, Group: group}), false},
		{"mld-hop-limit", changed(general, 7, 64), true},
	}
}

// listenerMessages are those of the samples that have no fault.
func listenerMessages() (all [][]byte) {
	for _, s := range listenerSamples() {
		if !s.faults {
			all = append(all, s.b)
		}
	}
	return all
}

const listenerHeads = "Multicast Listener Query|Multicast Listener Report|Multicast Listener Done"

var listenerFields = []theirs{
	{"ipv6.opt.router_alert", "Hop-by-Hop Options", "Router Alert", ""},
	{"icmpv6.mld.maximum_response_delay", listenerHeads, "Maximum Response Delay", ""},
	{"icmpv6.mld.maximum_response_code", listenerHeads, "Maximum Response Code", ""},
	{"icmpv6.mld.multicast_address", listenerHeads, "Multicast Address", ""},
	{"icmpv6.mld.flag.s", listenerHeads, "S Flag", ""}, {"icmpv6.mld.flag.qrv", listenerHeads, "QRV", ""},
	{"icmpv6.mld.qqi", listenerHeads, "QQIC", ""}, {"icmpv6.mld.nb_sources", listenerHeads, "Number of Sources (N)", ""},
	{"icmpv6.mld.source_address", listenerHeads, "Source Address", ""},
	{"icmpv6.mldr.nb_mcast_records", "Version 2 Multicast Listener Report", "Nr of Mcast Address Records (M)", ""},
	{"icmpv6.mldr.mar.record_type", "Multicast Address Record", "Record Type", ""},
	{"icmpv6.mldr.mar.aux_data_len", "Multicast Address Record", "Aux Data Len", ""},
	{"icmpv6.mldr.mar.nb_sources", "Multicast Address Record", "Number of Sources (N)", ""},
	{"icmpv6.mldr.mar.multicast_address", "Multicast Address Record", "Multicast Address", ""},
	{"icmpv6.mldr.mar.source_address", "Multicast Address Record", "Source Address", ""},
}

// What a listener message asks of the packet around it stands on the field that does not give it.
func TestListenerFaults(t *testing.T) {
	group := ip6.SolicitedNode(coa)
	query := listener(router, ip6.AllNodes, &icmp6.ListenerQuery{})
	report := listener(local, ip6.AllMLDRouters, &icmp6.ListenerReport{Records: []icmp6.ListenerRecord{{Type: 2, Group: group}}})
	for _, c := range []struct {
		name, line, why string
		b               []byte
	}{
		{"hop limit", "Hop Limit", "must be 1", changed(query, 7, 255)},
		{"query from the unspecified address", "Source Address", "must be link-local", listener(unspec, ip6.AllNodes, &icmp6.ListenerQuery{})},
		{"report from a global address", "Source Address", "must be link-local", listener(coa, ip6.AllMLDRouters, &icmp6.ListenerReport{})},
		{"no router alert", "Next Header", "needs a Router Alert", changed(query, 42, 0x1e)},
		{"a record that is not there", "Nr of Mcast Address Records", "truncated", checked(changed(report, 55, 2))},
		{"a unicast group", "Multicast Address", "value not allowed", checked(changed(report, 60, 0x20))},
	} {
		tree := describe.Packet(c.b)
		found := false
		for line := range strings.Lines(tree.Text()) {
			found = found || strings.Contains(line, "!!") && strings.Contains(line, c.line) && strings.Contains(line, c.why)
		}
		if !found || tree.Faults() != 1 {
			t.Errorf("%s: no %q on %s\n%s", c.name, c.why, c.line, tree.Text())
		}
	}
	if tree := describe.Packet(report); tree.Faults() > 0 {
		t.Errorf("a report without fault has one\n%s", tree.Text())
	}
}

// However many records and sources a message has, the tree stays small, and says how many it leaves out.
func TestListenerTreesAreBounded(t *testing.T) {
	group := ip6.SolicitedNode(coa)
	many := slices.Repeat([]icmp6.ListenerRecord{{Type: icmp6.ModeIsExclude, Group: group, Sources: []netip.Addr{cn, ha, home}}}, 200)
	tree := describe.Packet(listener(local, ip6.AllMLDRouters, &icmp6.ListenerReport{Records: many}))
	text := tree.Text()
	if n := strings.Count(text, "\n"); n > 500 || !strings.Contains(text, "136 records not shown") ||
		!strings.Contains(text, "source addresses not shown") || !strings.Contains(tree.Summary(), "and 196 more") || tree.Faults() > 0 {
		t.Errorf("%d lines: %s\n%s", n, tree.Summary(), text[:2000])
	}
}
