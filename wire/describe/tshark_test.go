package describe_test

import (
	"encoding/binary"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"roam6/wire/describe"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

func mobility(src, dst netip.Addr, m mh.Message) []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoMH, Payload: mh.Append(nil, src, dst, m)})
}

// advertisedFlags is an advertisement with these flags, of which the codec knows some.
func advertisedFlags(f uint8) []byte {
	b := nd.Append(nil, router, coa, &nd.RouterAdvertisement{})
	b[2], b[3], b[5] = 0, 0, f
	sum := ip6.Checksum(router, coa, ip6.ProtoICMPv6, b)
	b[2], b[3] = byte(sum>>8), byte(sum)
	return packet(ip6.Packet{Header: ip6.Header{Src: router, Dst: coa, HopLimit: 255}, Proto: ip6.ProtoICMPv6, Payload: b})
}

// everyMessage is one of each message of the protocols, with every option and other values in every field.
func everyMessage() [][]byte {
	cookie, token := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, [8]byte{9, 10, 11, 12, 13, 14, 15, 16}
	mac := []byte("abcdefghijkl")
	prefix := nd.Prefix{Prefix: homeNet, OnLink: true, Valid: 3 * time.Hour, Preferred: 2 * time.Hour}
	second := nd.Prefix{Prefix: netip.MustParsePrefix("2001:db8:2::/56"), Autonomous: true, Valid: nd.Infinity, Preferred: time.Minute}
	about := datagram(cn, home)
	fault := func(kind, code uint8, param uint32) []byte {
		return control(ha, cn, &icmp6.Error{Type: kind, Code: code, Param: param, Invoking: about})
	}
	return [][]byte{
		bindingUpdate(), bindingAck(), advertisement(),
		mobility(home, cn, &mh.BindingUpdate{Seq: 65535, LinkLocal: true, KeyMgmt: true, MobileRouter: true, Options: mh.Options{
			Nonces: &mh.NonceIndices{Home: 3, CareOf: 4}, BindingAuth: mac}}),
		mobility(ha, home, &mh.BindingAck{Status: mh.SequenceOutOfWindow, KeyMgmt: true, MobileRouter: true, Seq: 300, Options: mh.Options{
			Auth: &mh.Auth{Subtype: mh.AuthMNHA, SPI: 70000, Data: mac}, AuthAAA: &mh.Auth{Subtype: mh.AuthMNAAA, SPI: 3, Data: mac}}}),
		resum(changed(bindingUpdate(), 72, 0xff, 0xc0)), resum(changed(mobility(ha, home, &mh.BindingAck{}), 47, 0xf8)),
		mobility(cn, home, &mh.BindingRefreshRequest{}),
		mobility(home, cn, &mh.HomeTestInit{Cookie: cookie}),
		mobility(coa, cn, &mh.CareOfTestInit{Cookie: token}),
		mobility(cn, home, &mh.HomeTest{NonceIndex: 513, Cookie: cookie, Keygen: token}),
		mobility(cn, coa, &mh.CareOfTest{NonceIndex: 514, Cookie: token, Keygen: cookie}),
		mobility(cn, coa, &mh.BindingError{Status: mh.UnknownMHType, HomeAddress: home}),
		neighbour(router, ip6.AllNodes, &nd.RouterAdvertisement{HopLimit: 61, Managed: true, Other: true, Lifetime: 2 * time.Second, Reachable: 30 * time.Second,
			Retrans: time.Second, Options: nd.Options{MTU: 1280, Prefixes: []nd.Prefix{prefix, second}}}),
		advertisedFlags(0x0c), advertisedFlags(0xf0), advertisedFlags(0x18),
		neighbour(local, ip6.AllRouters, &nd.RouterSolicitation{Options: nd.Options{SourceHW: hw}}),
		neighbour(local, ip6.SolicitedNode(coa), &nd.NeighborSolicitation{Target: coa, Options: nd.Options{SourceHW: hw, Nonce: []byte{1, 2, 3, 4, 5, 6}}}),
		neighbour(coa, local, &nd.NeighborAdvertisement{Router: true, Solicited: true, Target: coa, Options: nd.Options{TargetHW: hw}}),
		neighbour(coa, local, &nd.NeighborAdvertisement{Override: true, Target: coa}),
		neighbour(router, local, &nd.Redirect{Target: router, Destination: cn}),
		fault(icmp6.TypeUnreachable, icmp6.CodePortUnreachable, 0), fault(icmp6.TypePacketTooBig, 0, 1460),
		fault(icmp6.TypeTimeExceeded, icmp6.CodeReassembly, 0), fault(icmp6.TypeParameterProblem, icmp6.CodeOption, 46),
		control(home, cn, &icmp6.Echo{ID: 7, Seq: 8, Data: []byte("hello")}), control(cn, home, &icmp6.Echo{Reply: true, ID: 7, Seq: 9}),
		control(coa, ha, &icmp6.HomeAgentsRequest{ID: 700}), control(ha, coa, &icmp6.HomeAgentsReply{ID: 700, Agents: []netip.Addr{ha, cn}}),
		control(coa, ha, &icmp6.PrefixSolicitation{ID: 701}), control(ha, coa, &icmp6.PrefixAdvertisement{ID: 701, Managed: true, Prefixes: []nd.Prefix{prefix}}),
		control(ha, coa, &icmp6.PrefixAdvertisement{ID: 702, Other: true, Prefixes: []nd.Prefix{second}}),
		clearESP(ip6.ProtoMH, bindingUpdate()[64:]),
	}
}

// theirs is a field of tshark, and where this package says the same: a field in a header ("" is any; "|" stands between several, "!"
// before those it is not in), and the letter of a flag.
type theirs struct {
	field, header, name, flag string
}

var theirFields = append(slices.Concat(fastFields, listenerFields), []theirs{
	{"ipv6.plen", "IPv6", "Payload Length", ""}, {"ipv6.nxt", "IPv6", "Next Header", ""}, {"ipv6.hlim", "IPv6", "Hop Limit", ""},
	{"ipv6.src", "IPv6", "Source Address", ""}, {"ipv6.dst", "IPv6", "Destination Address", ""},
	{"ipv6.opt.mipv6.home_address", "Destination Options", "Home Address", ""}, {"ipv6.routing.mipv6.home_address", "Type 2 Routing Header", "Home Address", ""},
	{"esp.spi", "ESP", "Security Parameters Index", ""}, {"esp.sequence", "ESP", "Sequence Number", ""},

	{"mip6.mhtype", "", "MH Type", ""}, {"mip6.hlen", "", "Header Len", ""}, {"mip6.proto", "", "Payload Proto", ""},
	{"mip6.bu.seqnr", "Binding Update", "Sequence #", ""}, {"mip6.bu.lifetime", "Binding Update", "Lifetime", ""},
	{"mip6.bu.a_flag", "Binding Update", "Flags", "A"}, {"mip6.bu.h_flag", "Binding Update", "Flags", "H"},
	{"mip6.bu.l_flag", "Binding Update", "Flags", "L"}, {"mip6.bu.k_flag", "Binding Update", "Flags", "K"},
	{"mip6.bu.m_flag", "Binding Update", "Flags", "M"}, {"mip6.nemo.bu.r_flag", "Binding Update", "Flags", "R"},
	{"mip6.bu.p_flag", "Binding Update", "Flags", "P"}, {"mip6.bu.f_flag", "Binding Update", "Flags", "F"},
	{"mip6.bu.t_flag", "Binding Update", "Flags", "T"}, {"mip6.bu.b_flag", "Binding Update", "Flags", "B"},
	{"mip6.ba.status", "Binding Acknowledgement", "Status", ""}, {"mip6.ba.seqnr", "Binding Acknowledgement", "Sequence #", ""},
	{"mip6.ba.lifetime", "Binding Acknowledgement", "Lifetime", ""}, {"mip6.ba.k_flag", "Binding Acknowledgement", "Flags", "K"},
	{"mip6.nemo.ba.r_flag", "Binding Acknowledgement", "Flags", "R"}, {"mip6.ba.p_flag", "Binding Acknowledgement", "Flags", "P"},
	{"mip6.ba.t_flag", "Binding Acknowledgement", "Flags", "T"}, {"mip6.ba.b_flag", "Binding Acknowledgement", "Flags", "B"},
	{"mip6.hoti.cookie", "Home Test Init", "Home Init Cookie", ""}, {"mip6.coti.cookie", "Care-of Test Init", "Care-of Init Cookie", ""},
	{"mip6.hot.nindex", "Home Test", "Home Nonce Index", ""}, {"mip6.hot.cookie", "Home Test", "Home Init Cookie", ""},
	{"mip6.hot.token", "", "Home Keygen Token|Care-of Keygen Token", ""}, {"mip6.cot.nindex", "Care-of Test", "Care-of Nonce Index", ""},
	{"mip6.cot.cookie", "Care-of Test", "Care-of Init Cookie", ""},
	{"mip6.be.status", "Binding Error", "Status", ""}, {"mip6.be.haddr", "Binding Error", "Home Address", ""},
	{"mip6.bra.interval", "Mobility Options", "Binding Refresh Advice", ""}, {"mip6.acoa.acoa", "Mobility Options", "Alternate Care-of Address", ""},
	{"mip6.ni.hni", "Nonce Indices", "Home Nonce Index", ""}, {"mip6.ni.cni", "Nonce Indices", "Care-of Nonce Index", ""},
	{"mip6.bad.auth", "Mobility Options", "Binding Authorization Data", ""}, {"mip6.mnid.subtype", "Mobile Node Identifier", "Subtype", ""},
	{"mip6.mnid.identifier", "Mobile Node Identifier", "Identifier", ""}, {"mip6.auth.subtype", "Mobility Message Authentication", "Subtype", ""},
	{"mip6.auth.mobility_spi", "Mobility Message Authentication", "Mobility SPI", ""},
	{"mip6.auth.auth_data", "Mobility Message Authentication", "Authentication Data", ""},

	{"icmpv6.type", "", "Type", ""}, {"icmpv6.code", "!Handover Initiate|Handover Acknowledge", "Code", ""},
	{"icmpv6.mtu", "Packet Too Big", "MTU", ""}, {"icmpv6.pointer", "Parameter Problem", "Pointer", ""},
	{"icmpv6.echo.identifier", "Echo Request|Echo Reply", "Identifier", ""}, {"icmpv6.echo.sequence_number", "Echo Request|Echo Reply", "Sequence Number", ""},
	{"icmpv6.nd.ra.cur_hop_limit", "Router Advertisement", "Cur Hop Limit", ""}, {"icmpv6.nd.ra.router_lifetime", "Router Advertisement", "Router Lifetime", ""},
	{"icmpv6.nd.ra.reachable_time", "Router Advertisement", "Reachable Time", ""}, {"icmpv6.nd.ra.retrans_timer", "Router Advertisement", "Retrans Timer", ""},
	{"icmpv6.nd.ra.flag.m", "Router Advertisement", "Flags", "M"}, {"icmpv6.nd.ra.flag.o", "Router Advertisement", "Flags", "O"},
	{"icmpv6.nd.ra.flag.h", "Router Advertisement", "Flags", "H"}, {"icmpv6.nd.ra.flag.p", "Router Advertisement", "Flags", "P"},
	{"icmpv6.nd.ra.flag.prf", "Router Advertisement", "Default Router Preference", ""},
	{"icmpv6.nd.ns.target_address", "Neighbor Solicitation", "Target Address", ""}, {"icmpv6.nd.na.target_address", "Neighbor Advertisement", "Target Address", ""},
	{"icmpv6.nd.na.flag.r", "Neighbor Advertisement", "Flags", "R"}, {"icmpv6.nd.na.flag.s", "Neighbor Advertisement", "Flags", "S"},
	{"icmpv6.nd.na.flag.o", "Neighbor Advertisement", "Flags", "O"}, {"icmpv6.nd.rd.target_address", "Redirect", "Target Address", ""},
	{"icmpv6.rd.na.destination_address", "Redirect", "Destination Address", ""},
	{"icmpv6.opt.src_linkaddr", "Options", "Source Link-Layer Address", ""}, {"icmpv6.opt.target_linkaddr", "Options", "Target Link-Layer Address", ""},
	{"icmpv6.opt.prefix.length", "Prefix Information", "Prefix Length", ""}, {"icmpv6.opt.prefix", "Prefix Information", "Prefix", ""},
	{"icmpv6.opt.prefix.valid_lifetime", "Prefix Information", "Valid Lifetime", ""},
	{"icmpv6.opt.prefix.preferred_lifetime", "Prefix Information", "Preferred Lifetime", ""},
	{"icmpv6.opt.prefix.flag.l", "Prefix Information", "Flags", "L"}, {"icmpv6.opt.prefix.flag.a", "Prefix Information", "Flags", "A"},
	{"icmpv6.opt.prefix.flag.r", "Prefix Information", "Flags", "R"},
	{"icmpv6.opt.mtu", "Options", "MTU", ""}, {"icmpv6.opt.advertisement_interval", "Options", "Advertisement Interval", ""},
	{"icmpv6.opt.home_agent_preference", "Home Agent Information", "Home Agent Preference", ""},
	{"icmpv6.opt.home_agent_lifetime", "Home Agent Information", "Home Agent Lifetime", ""}, {"icmpv6.opt.nonce", "Options", "Nonce", ""},
	{"icmpv6.mip6.identifier", "Home Agent Address Discovery Request|Home Agent Address Discovery Reply|Mobile Prefix Solicitation|Mobile Prefix Advertisement",
		"Identifier", ""}, {"icmpv6.mip6.home_agent_address", "", "Home Agent Address", ""},
	{"icmpv6.mip6.flag.m", "Mobile Prefix Advertisement", "Flags", "M"}, {"icmpv6.mip6.flag.o", "Mobile Prefix Advertisement", "Flags", "O"},
}...)

// TestTsharkAgrees: two readings that share no code see the same values in every field of every message.
func TestTsharkAgrees(t *testing.T) {
	seen := agree(t, slices.Concat(everyMessage(), fastMessages(), listenerMessages()))
	for _, f := range theirFields {
		if !seen[f.field] {
			t.Errorf("%s is in no packet: nothing was compared", f.field)
		}
	}
}

// tsharkLines gives the line of fields that tshark prints of each packet.
func tsharkLines(t *testing.T, packets [][]byte, fields ...string) []string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("no tshark")
	}
	file := filepath.Join(t.TempDir(), "packets.pcap")
	if err := os.WriteFile(file, rawCapture(packets), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tshark", append([]string{"-n", "-r", file, "-T", "fields"}, fields...)...).Output()
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(lines) != len(packets) {
		t.Fatalf("tshark: %v, %d lines for %d packets", err, len(lines), len(packets))
	}
	return lines
}

// agree compares the two readings and gives the fields of tshark that had a value.
func agree(t *testing.T, packets [][]byte) (seen map[string]bool) {
	t.Helper()
	args := []string{"-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=;"}
	for _, f := range theirFields {
		args = append(args, "-e", f.field)
	}
	lines := tsharkLines(t, packets, args...)
	seen = map[string]bool{}
	for i, b := range packets {
		tree := describe.Packet(b)
		if tree.Faults() > 0 {
			t.Errorf("%s", tree.Summary())
		}
		for k, want := range strings.Split(lines[i], "\t") {
			f := theirFields[k]
			seen[f.field] = seen[f.field] || want != ""
			if got, want := strings.Join(f.ours(&tree), ";"), plain(want); got != want && !f.cut(got, want) {
				t.Errorf("%s\n%s (%s): %q here, %q for tshark", tree.Summary(), f.field, f.name, got, want)
			}
		}
	}
	return seen
}

// cut: tshark 4.0 leaves off the last two octets of the authentication data. Option Length counts subtype, SPI and data (RFC 4285 §5),
// but not type and length, which it subtracts as well. It does the same to the authenticator of RFC 5568 §6.4.5.
func (f theirs) cut(ours, tshark string) bool {
	a, b := strings.Split(ours, ";"), strings.Split(tshark, ";")
	return (f.field == "mip6.auth.auth_data" || f.field == "mip6.badff.auth") && slices.EqualFunc(a, b, func(x, y string) bool { return len(x) == len(y)+4 && strings.HasPrefix(x, y) })
}

// rawCapture is a pcap file of link type RAW.
func rawCapture(packets [][]byte) []byte {
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{2 | 4<<16, 0, 0, 1 << 16, 101} {
		out = le.AppendUint32(out, v)
	}
	for i, b := range packets {
		for _, v := range []int{i, 0, len(b), len(b)} {
			out = le.AppendUint32(out, uint32(v))
		}
		out = append(out, b...)
	}
	return out
}

// ours gives the values of the field in a tree, in order.
func (f theirs) ours(t *describe.Tree) []string { return f.in(t, "") }

func (f theirs) in(t *describe.Tree, header string) []string {
	var out []string
	if _, rest, ok := strings.Cut(header, ": "); ok {
		header = rest // "Invoking Packet: IPv6"
	}
	if slices.Contains(strings.Split(f.name, "|"), t.Name) && f.under(header) && t.Value != "" && t.Value != "(none)" {
		v := plain(t.Value)
		if f.flag != "" {
			v = map[bool]string{true: "1", false: "0"}[strings.Contains(t.Value, "("+f.flag+")")]
		}
		out = append(out, v)
	}
	for i := range t.Kids {
		out = append(out, f.in(&t.Kids[i], t.Name)...)
	}
	return out
}

// under reports whether the field may stand in a header.
func (f theirs) under(header string) bool {
	not, negated := strings.CutPrefix(f.header, "!")
	return f.header == "" || slices.Contains(strings.Split(not, "|"), header) != negated
}

// plain makes values comparable: numbers decimal, octets without colons, without the words behind them.
func plain(all string) string {
	out := strings.Split(all, ";")
	for i, v := range out {
		v = strings.TrimPrefix(v, "octet ")
		v, _, _ = strings.Cut(v, " ")
		v = strings.Trim(v, `"`)
		if n, err := strconv.ParseUint(v, 0, 64); err == nil && (v == "0" || v[0] != '0' || strings.HasPrefix(v, "0x")) {
			v = strconv.FormatUint(n, 10)
		}
		if v == "infinite" {
			v = "4294967295"
		}
		out[i] = strings.ReplaceAll(v, ":", "")
	}
	return strings.Join(out, ";")
}
