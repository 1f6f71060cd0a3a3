package conform

import (
	"net/netip"

	"roam6/plane"
	"roam6/wire/ip6"
)

// home is the table of a mobile node on its home link.
func home(then ...Step) []Step {
	return append([]Step{
		link(1, plane.Link{Gateway: router, MTU: 1500}),
		local(routerless, plane.Local{Port: 1}),
		path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: 1}),
	}, then...)
}

// routerless is a link-local address of the mobile node.
var routerless = netip.MustParseAddr("fe80::100")

// nd is a neighbour discovery message.
func nd(src, dst netip.Addr, kind uint8) []byte {
	return hops(icmp(src, dst, kind, 0, 0, make([]byte, 16)), 255)
}

func portCases() []Case {
	echo := icmp(cn, coa, 128, 0, 7, []byte("echo"))
	toHA := icmp(cn, ha, 128, 0, 7, []byte("echo"))
	fe80 := netip.MustParseAddr("fe80::1")
	return []Case{
		{"at home packets go as they are, both ways", home(
			kernel(udp(hoa, cn, 100, 1)).out(1, router, udp(hoa, cn, 100, 1)),
			wire(udp(cn, hoa, 100, 1)).up(udp(cn, hoa, 100, 1)),
		)},
		{"away from home only the tunnel brings packets, RFC 6275 §11.3.1", mobile(
			wire(udp(cn, hoa, 100, 1)).drops(plane.DropNotByTunnel),
		)},
		{"an address given up", mobile(
			wire(tunnel(ha, oldCoA, udp(cn, hoa, 100, 1))).drops(plane.DropUnknownAddress),
			without(local(coa, plane.Local{})),
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).drops(plane.DropUnknownAddress),
		)},
		{"a router overhears without a word", agent(wire(udp(cn, evil, 100, 1)))},
		{"control to an address of ours is punted", mobile(
			wire(echo).punted(),
			wire(roamed(echo)).punted().drops(plane.DropHomeAddress),
			wire(udp(cn, coa, 100, 1)).punted(),
			kernel(echo).punted(),
			wire(icmp(cn, coa, 0, 0, 0, nil)[:40]).drops(plane.DropMalformed),
			wire(extended(echo[:40], ip6.ProtoICMPv6, nil)).punted(),
		)},
		{"control to a captured address is punted", agent(kernel(toHA).punted())},
		{"neighbour discovery is punted whomever it is to", mobile(
			wire(nd(fe80, ip6.AllNodes, 134)).punted(),
			wire(nd(fe80, ip6.SolicitedNode(coa), 135)).punted(),
			wire(nd(fe80, coa, 136)).punted(),
			wire(nd(netip.IPv6Unspecified(), ip6.SolicitedNode(evil), 135)).punted(),
			wire(nd(fe80, evil, 137)).punted(),
			wire(nd(fe80, ip6.AllRouters, 133)).punted(),
		)},
		{"neighbour discovery behind extension headers", mobile(
			wire(extended(nd(fe80, ip6.AllNodes, 134), ip6.ProtoDestOpts, []byte{58, 0, 1, 4, 0, 0, 0, 0})).punted(),
			wire(extended(nd(fe80, coa, 134), ip6.ProtoHopByHop, []byte{58, 0, 1, 4, 0, 0, 0, 0})).punted(),
			wire(extended(nd(fe80, ip6.AllNodes, 134), ip6.ProtoDestOpts, []byte{58, 0, 1, 9, 0, 0, 0, 0})),
			wire(extended(icmp(fe80, ip6.AllNodes, 132, 0, 0, nil), ip6.ProtoDestOpts, []byte{58, 0, 1, 4, 0, 0, 0, 0})),
			wire(extended(udp(fe80, ip6.AllNodes, 60, 0x87), ip6.ProtoDestOpts, []byte{17, 0, 1, 4, 0, 0, 0, 0})),
		)},
		{"neighbour discovery in pieces is refused, RFC 6980", mobile(
			wire(piece(nd(fe80, ip6.AllNodes, 134), 1, 0, 16)),
			wire(piece(nd(fe80, coa, 136), 1, 0, 16)),
			wire(piece(nd(fe80, coa, 136), 1, 16, 24)).drops(plane.DropFragMalformed),
		)},
		{"other multicast is overheard", mobile(
			wire(icmp(fe80, ip6.AllNodes, 130, 0, 0, make([]byte, 16))),
			wire(udp(fe80, netip.MustParseAddr("ff02::fb"), 100, 1)),
		)},
		{"the host's own group reports stay inside", mobile(
			kernel(icmp(fe80, netip.MustParseAddr("ff02::16"), 143, 0, 0, nil)),
			kernel(nd(fe80, ip6.AllRouters, 133)),
			kernel(udp(fe80, cn, 60, 1)),
			kernel(udp(hoa, fe80, 60, 1)),
			kernel(udp(hoa, netip.MustParseAddr("ff0e::1"), 60, 1)),
		)},
		{"a tentative address takes neighbour discovery only, RFC 4862 §5.4", mobile(
			local(coa, plane.Local{Port: 1, Tentative: true}),
			wire(nd(fe80, coa, 136)).punted(),
			wire(echo).drops(plane.DropTentative),
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).drops(plane.DropTentative),
		)},
		{"a represented address is not ours", agent(
			local(hoa, plane.Local{Port: 1, Proxy: true}),
			wire(nd(fe80, hoa, 135)).punted(),
			wire(icmp(cn, hoa, 128, 0, 0, nil)),
			kernel(icmp(cn, hoa, 128, 0, 0, nil)).up(tunnel(ha, coa, passed(icmp(cn, hoa, 128, 0, 0, nil)))),
		)},
		{"no path at a mobile node: no route", mobile(
			kernel(udp(hoa2, cn, 100, 1)).drops(plane.DropNoPath).up(icmp(coa, hoa2, 1, 0, 0, udp(hoa2, cn, 100, 1))),
		)},
		{"no path at an agent: address unreachable", agent(
			without(path(hoa, plane.Path{})),
			kernel(udp(cn, hoa, 100, 1)).drops(plane.DropNoPath).up(icmp(ha, cn, 1, 3, 0, udp(cn, hoa, 100, 1))),
		)},
		{"addresses no packet may carry", mobile(
			kernel(udp(ip6.AllNodes, cn, 100, 1)).drops(plane.DropBadAddress),
			kernel(udp(netip.IPv6Unspecified(), cn, 100, 1)).drops(plane.DropBadAddress),
			wire(udp(netip.IPv6Loopback(), coa, 100, 1)).drops(plane.DropBadAddress),
			wire(udp(cn, netip.IPv6Loopback(), 100, 1)).drops(plane.DropBadAddress),
		)},
		{"a direct path into the kernel would come again", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct}),
			kernel(udp(cn, hoa, 100, 1)).drops(plane.DropPathInvalid),
		)},
	}
}
