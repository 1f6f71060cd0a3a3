package describe_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/wire/describe"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// A mobile node between two access routers.
var (
	pcoa   = netip.MustParseAddr("2001:db8:a::5")
	ncoa   = netip.MustParseAddr("2001:db8:b::5")
	par    = netip.MustParseAddr("2001:db8:a::1")
	nar    = netip.MustParseAddr("2001:db8:b::1")
	narHW  = [6]byte{2, 0, 0, 0, 0x0b, 2}
	narNet = netip.MustParsePrefix("2001:db8:b::/64")
	badf   = &mh.FastAuth{SPI: 256, Data: []byte("abcdefghijkl")}
	found  = nd.AccessPoint{HW: [6]byte{2, 0, 0, 0, 0xc1, 1}, Outcome: nd.APFound, RouterHW: narHW, Router: netip.PrefixFrom(nar, 64)}
)

// fastUpdate is the packet of RFC 5568 §6.2.2: the previous care-of address is in a Home Address option.
func fastUpdate() []byte {
	return packet(ip6.Packet{Header: ip6.Header{Src: pcoa, Dst: par}, HomeAddress: pcoa, Proto: ip6.ProtoMH, Payload: mh.Append(nil, pcoa, par,
		&mh.FastBindingUpdate{Seq: 7, Ack: true, Home: true, Lifetime: 10 * time.Second, Options: mh.Options{AltCareOf: ncoa, LLA: hw, FastAuth: badf}})})
}

func initiate() []byte {
	return mobility(par, nar, &mh.HandoverInitiate{Seq: 258, Buffer: true, Options: mh.Options{LLA: hw,
		Addresses: []mh.AddressPrefix{mh.Host(mh.OldCareOf, pcoa), mh.Host(mh.NewCareOf, ncoa)}}})
}

func proxy(m *nd.PrRtAdv) []byte { return neighbour(router, local, m) }

// manyAddresses is a binding update of several care-of addresses and a network.
func manyAddresses() []byte {
	return mobility(home, ha, &mh.BindingUpdate{Seq: 9, Ack: true, Home: true, MobileRouter: true, Overwrite: true, Lifetime: 400 * time.Second,
		Options: mh.Options{Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8:77::/48")}, Bindings: []mh.BindingID{
			{ID: 1, Simultaneous: true, CareOf: coa}, {ID: 2, CareOf: netip.MustParseAddr("192.0.2.1")}, {ID: 3}}}})
}

func fastSamples() []sample {
	adv := proxy(&nd.PrRtAdv{ID: 4660, SourceHW: narHW, AccessPoints: []nd.AccessPoint{found}})
	fbu := fastUpdate()
	return []sample{
		{"fbu", fbu, false},
		{"fback", mobility(par, pcoa, &mh.FastBindingAck{Status: mh.FastUseSupplied, Seq: 7, Lifetime: 10 * time.Second,
			Options: mh.Options{AltCareOf: ncoa, FastAuth: badf}}), false},
		{"hi", initiate(), false},
		{"hack", mobility(nar, par, &mh.HandoverAck{Seq: 258, Code: mh.HAckAssigned,
			Options: mh.Options{Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, ncoa)}}}), false},
		{"rtsolpr", neighbour(local, ip6.AllRouters, &nd.RtSolPr{ID: 4660, SourceHW: hw, AccessPoints: [][6]byte{found.HW}}), false},
		{"rtsolpr-wildcard", neighbour(local, ip6.AllRouters, &nd.RtSolPr{ID: 4661, Wildcard: true}), false},
		{"prrtadv", adv, false},
		{"naack", neighbour(router, coa, &nd.RouterAdvertisement{Options: nd.Options{NAAck: &nd.NAAck{Status: nd.NAAckUseSupplied, CareOf: ncoa}}}), false},
		{"bu-many", manyAddresses(), false},
		{"prrtadv-hop-limit", changed(adv, 7, 64), true},
		{"fbu-checksum", changed(fbu, len(fbu)-1, 0xbb), true},
	}
}

func TestFastFaultsStandOnTheirFields(t *testing.T) {
	adv := proxy(&nd.PrRtAdv{ID: 1, AccessPoints: []nd.AccessPoint{found}})
	for _, c := range []struct {
		name, line string
		b          []byte
	}{
		{"prefix of 129 bits", "Prefix Length", changed(adv, 40+8+16+16+3, 129)},
		{"code", "Code", changed(adv, 41, 9)},
		{"option length", "IPv6 Address/Prefix", changed(initiate(), 40+10+9+1+1, 60)},
	} {
		wantMarked(t, c.name, c.line, describe.Packet(c.b))
	}
}

func TestSubtypesNobodyKnowsAreShown(t *testing.T) {
	b := []byte{nd.TypeFast, 0, 0, 0, 4, 0, 0, 1}
	tree := describe.ICMP(b)
	if !strings.Contains(tree.Text(), "154 (FMIPv6 Message)") || !strings.Contains(tree.Text(), "Message Body") {
		t.Error(tree.Text())
	}
}

// fastMessages are one of each message, with every option and other values in every field, for tshark.
func fastMessages() [][]byte {
	v4less := mobility(home, ha, &mh.BindingUpdate{Seq: 9, Home: true, MobileRouter: true, Overwrite: true, Options: mh.Options{
		Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8:77::/48"), netip.MustParsePrefix("2001:db8:78:1::/64")},
		Bindings: []mh.BindingID{{ID: 1, Simultaneous: true, CareOf: coa}, {ID: 513, CareOf: cn}, {ID: 3}}}})
	proposed := found
	proposed.Router, proposed.Prefix, proposed.CareOf = netip.PrefixFrom(nar, 0), narNet, ncoa
	return [][]byte{
		fastUpdate(), initiate(), v4less,
		mobility(home, par, &mh.FastBindingUpdate{Seq: 65535, LinkLocal: true, KeyMgmt: true, Options: mh.Options{FastAuth: badf}}),
		mobility(par, pcoa, &mh.FastBindingAck{Status: mh.FastInterfaceIDSize, KeyMgmt: true, Seq: 300, Lifetime: 11 * time.Second,
			Options: mh.Options{AltCareOf: ncoa, FastAuth: badf}}),
		mobility(par, nar, &mh.HandoverInitiate{Seq: 259, Assign: true, Code: mh.HIReactive}),
		mobility(nar, par, &mh.HandoverAck{Seq: 260, Code: mh.HAckResources, Options: mh.Options{Addresses: []mh.AddressPrefix{
			mh.Host(mh.NewCareOf, ncoa), {Code: mh.RouterAddr, Prefix: netip.PrefixFrom(nar, 64)}, {Code: mh.RouterPrefix, Prefix: narNet}}}}),
		mobility(ha, home, &mh.BindingAck{Status: mh.MCOANotComplete, MobileRouter: true, Seq: 9, Options: mh.Options{
			Bindings: []mh.BindingID{{ID: 1}, {ID: 2, Status: mh.MCOAUnknownCoA}}}}),
		neighbour(local, ip6.AllRouters, &nd.RtSolPr{ID: 4660, SourceHW: hw, AccessPoints: [][6]byte{found.HW, narHW}}),
		neighbour(local, router, &nd.RtSolPr{ID: 4661, Wildcard: true}),
		proxy(&nd.PrRtAdv{ID: 4662, SourceHW: narHW, AccessPoints: []nd.AccessPoint{found}}),
		proxy(&nd.PrRtAdv{Code: nd.ProxyHandover, AccessPoints: []nd.AccessPoint{proposed}}),
		proxy(&nd.PrRtAdv{Code: nd.ProxySome, ID: 1, AccessPoints: []nd.AccessPoint{found, {HW: hw, Outcome: nd.APSameRouter}, {HW: hw, Outcome: nd.APNoPrefix},
			{HW: hw, Outcome: nd.APNotSupported}}}),
		neighbour(router, coa, &nd.RouterAdvertisement{Options: nd.Options{NAAck: &nd.NAAck{Status: nd.NAAckUnknownLLA}}}),
		control(coa, ha, &icmp6.HomeAgentsRequest{ID: 700, MobileRouters: true}),
	}
}

// fastFields leave out what tshark 4.0 shows otherwise: the address in a NAACK option, which it reads from the Reserved field
// on, and link-layer addresses in neighbour discovery, which it shows with their padding.
var fastFields = []theirs{
	{"mip6.fbu.seqnr", "Fast Binding Update", "Sequence #", ""}, {"mip6.fbu.lifetime", "Fast Binding Update", "Lifetime", ""},
	{"mip6.fbu.a_flag", "Fast Binding Update", "Flags", "A"}, {"mip6.fbu.h_flag", "Fast Binding Update", "Flags", "H"},
	{"mip6.fbu.l_flag", "Fast Binding Update", "Flags", "L"}, {"mip6.fbu.k_flag", "Fast Binding Update", "Flags", "K"},
	{"mip6.fback.status", "Fast Binding Acknowledgment", "Status", ""}, {"mip6.fback.seqnr", "Fast Binding Acknowledgment", "Sequence #", ""},
	{"mip6.fback.lifetime", "Fast Binding Acknowledgment", "Lifetime", ""}, {"mip6.fback.k_flag", "Fast Binding Acknowledgment", "Flags", "K"},
	{"mip6.hi.seqnr", "Handover Initiate", "Sequence #", ""}, {"mip6.hi.code", "Handover Initiate", "Code", ""},
	{"mip6.hi.s_flag", "Handover Initiate", "Flags", "S"}, {"mip6.hi.u_flag", "Handover Initiate", "Flags", "U"},
	{"mip6.hack.seqnr", "Handover Acknowledge", "Sequence #", ""}, {"mip6.hack.code", "Handover Acknowledge", "Code", ""},
	{"mip6.lla.optcode", "Mobility Header Link-Layer Address", "Option-Code", ""}, {"mip6.lla", "Mobility Header Link-Layer Address", "Link-Layer Address", ""},
	{"mip6.badff.spi", "Binding Authorization Data for FMIPv6", "SPI", ""}, {"mip6.badff.auth", "Binding Authorization Data for FMIPv6", "Authenticator", ""},
	{"mip6.mhipv6ap.opt_code", "IPv6 Address/Prefix", "Option-Code", ""}, {"mip6.mhipv6ap.len", "IPv6 Address/Prefix", "Prefix Length", ""},
	{"mip6.mhipv6ap.ipv6_address", "IPv6 Address/Prefix", "IPv6 Address/Prefix", ""},
	{"mip6.bi.bid", "Binding Identifier", "Binding ID", ""}, {"mip6.bi.status", "Binding Identifier", "Status", ""},
	{"mip6.bi.h_flag", "Binding Identifier", "Flags", "H"}, {"mip6.bi.coa_ipv6", "Binding Identifier", "Care-of Address", ""},
	{"mip6.nemo.mnp.pfl", "Mobile Network Prefix", "Prefix Length", ""}, {"mip6.nemo.mnp.mnp", "Mobile Network Prefix", "Mobile Network Prefix", ""},

	{"icmpv6.fmip6.subtype", "Router Solicitation for Proxy Advertisement|Proxy Router Advertisement", "Subtype", ""},
	{"icmpv6.fmip6.identifier", "Router Solicitation for Proxy Advertisement|Proxy Router Advertisement", "Identifier", ""},
	{"icmpv6.opt.lla.option_code", "Link-Layer Address", "Option-Code", ""},
	{"icmpv6.opt.ipa.option_code", "IP Address/Prefix", "Option-Code", ""}, {"icmpv6.opt.ipa.prefix_len", "IP Address/Prefix", "Prefix Length", ""},
	{"icmpv6.opt.ipa.ipv6_address", "IP Address/Prefix", "IPv6 Address", ""},
	{"icmpv6.opt.naack.option_code", "Neighbor Advertisement Acknowledgment", "Option-Code", ""},
	{"icmpv6.opt.naack.status", "Neighbor Advertisement Acknowledgment", "Status", ""},
}
