package conform

import (
	"net/netip"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// ruleCases are rules whose absence the stories elsewhere do not show: one a case.
func ruleCases() []Case {
	var all []Case
	for _, part := range [][]Case{controlCases(), headerCases(), markerCases(), ruledFlowCases(), ruledErrorCases()} {
		all = append(all, part...)
	}
	return all
}

// controlCases are who gets what is for engines.
func controlCases() []Case {
	controlled := agentTunnel
	controlled.Control = true
	message := mobility(cn, hoa)
	padded := extended(message, ip6.ProtoDestOpts, []byte{ip6.ProtoMH, 0, 1, 4, 0, 0, 0, 0})
	refused := extended(message, ip6.ProtoDestOpts, []byte{ip6.ProtoMH, 0, 0xfe, 4, 0, 0, 0, 0}) // an option that discards its packet
	down := func(b []byte) Step { return kernel(b).up(tunnel(ha, coa, passed(b))) }
	return []Case{
		{"mobility headers to an address with Control are the agent's engines'", agent(
			down(message),
			path(hoa, controlled),
			kernel(message).punted(),
			kernel(padded).punted(),
			down(refused),
			down(piece(message, 1, 0, 8)),
			down(udp(cn, hoa, 100, 1)),
			down(proto(ip6.ProtoTCP, udp(cn, hoa, 100, 1))),
			down(extended(udp(cn, hoa, 100, 1), ip6.ProtoDestOpts, []byte{ip6.ProtoUDP, 0, 1, 4, 0, 0, 0, 0})),
			path(hoa, agentTunnel),
			down(padded),
		)},
		{"a mobile node's own mobility headers leave, Control or not", mobile(
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: coa, Remote: ha, Out: 1, Control: true}),
			kernel(mobility(hoa, cn)).out(1, router, tunnel(coa, ha, mobility(hoa, cn))),
			wire(tunnel(ha, coa, mobility(cn, hoa))).punts(mobility(cn, hoa)),
			wire(tunnel(ha, coa, piece(mobility(cn, hoa), 1, 0, 8))).up(piece(mobility(cn, hoa), 1, 0, 8)),
		)},
		{"neighbour discovery of every kind is the engines', what stands beside it in the numbers is not", mobile(
			wire(nd(routerless, coa, 132)).punted(),
			path(coa2, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1}),
			local(coa2, plane.Local{Port: 1, Proxy: true}),
			wire(nd(routerless, coa2, 133)).punted(),
			wire(nd(routerless, coa2, 137)).punted(),
			wire(nd(routerless, coa2, 154)).punted(),
		)},
		{"authenticated packets need no binding either, RFC 6275 §9.3.1", peer(
			wire(headed(proto(ip6.ProtoAH, udp(hoa, cn, 80, 1)), evil, hoa2, cn, none)).
				up(headed(proto(ip6.ProtoAH, udp(hoa, cn, 80, 1)), evil, hoa2, cn, none)),
		)},
		{"encrypted packets of another mobile node that talks straight are the applications'", both(
			wire(headed(protected(hoa2, hoa), coa2, hoa2, coa, hoa)).up(protected(hoa2, hoa)),
			without(route(hoa, hoa2, toPeer)),
			wire(headed(protected(hoa2, hoa), coa2, hoa2, coa, hoa)).punted(),
		)},
	}
}

// headerCases are extension headers and addresses.
func headerCases() []Case {
	const routing, dst, udpNext = ip6.ProtoRouting, ip6.ProtoDestOpts, ip6.ProtoUDP
	spent := func(kind byte) []byte { return chained(cn, hoa, routing, []byte{udpNext, 0, kind, 0, 0, 0, 0, 0}) }
	down := func(b []byte) Step { return wire(tunnel(ha, coa, b)).up(b) }
	twice := chained(cn, coa, routing, join(rh2(routing, hoa), rh2(udpNext, hoa)))
	inner := tunnel(hoa, cn, udp(evil, evil, 60, 1))
	two := extended(inner, dst, []byte{ip6.ProtoIPv6, 0, 4, 1, 3, 4, 1, 0}) // two limits: the first counts
	return []Case{
		{"a routing header that is done is no hindrance, RFC 8200 §4.4", mobile(
			down(spent(0)), down(spent(4)), down(spent(253)),
		)},
		{"a routing header that is not done is not followed, RFC 5095", mobile(
			wire(chained(cn, coa, routing, []byte{udpNext, 0, 0, 1, 0, 0, 0, 0})).drops(plane.DropOption),
			wire(chained(cn, coa, routing, []byte{udpNext, 0, 4, 1, 0, 0, 0, 0})).drops(plane.DropOption),
			wire(chained(cn, coa, routing, join([]byte{udpNext, 2, 0, 1, 0, 0, 0, 0}, hoa.AsSlice()))).drops(plane.DropOption),
		)},
		{"a second type 2 routing header is one too many, RFC 6275 §6.4", optimised(wire(twice).drops(plane.DropRouting))},
		{"a home address is reached by its own care-of addresses, whatever ways it has, RFC 6275 §6.4", optimised(
			local(oldCoA, plane.Local{Port: 1}),
			way(hoa, 1, plane.Way{Local: coa2, Remote: ha, Out: 1}),
			wire(headed(udp(cn, hoa, 100, 1), cn, none, oldCoA, hoa)).drops(plane.DropRouting),
			way(hoa, 2, plane.Way{Local: oldCoA, Remote: ha, Out: 1}),
			wire(headed(udp(cn, hoa, 100, 1), cn, none, oldCoA, hoa)).up(udp(cn, hoa, 100, 1)),
		)},
		{"the first of two encapsulation limits counts", mobile(
			kernel(two).out(1, router, limited(coa, ha, 3, two)),
		)},
		{"a Route of addresses that packets cannot be sent to is refused", optimised(
			route(hoa, netip.IPv6Unspecified(), toPeer).refused(plane.RefusedInvalid),
			route(netip.IPv6Loopback(), cn, toPeer).refused(plane.RefusedInvalid),
			route(hoa, cn, plane.Route{Side: plane.Mobile, CareOf: netip.IPv6Loopback(), Out: 1}).refused(plane.RefusedInvalid),
			route(hoa, cn, plane.Route{Side: plane.Agent, CareOf: coa, Out: 1}).refused(plane.RefusedInvalid),
			route(hoa, cn, plane.Route{Side: plane.Mobile, CareOf: coa, Out: 1, MTU: plane.MaxMTU + 1}).refused(plane.RefusedInvalid),
			route(hoa, cn, plane.Route{Side: plane.Mobile, CareOf: coa, Out: 1, MTU: -1}).refused(plane.RefusedInvalid),
			route(hoa, cn, plane.Route{Side: plane.Mobile, CareOf: coa, Out: -1}).refused(plane.RefusedInvalid),
			kernel(udp(hoa, cn, 100, 1)).out(1, router, homed(udp(hoa, cn, 100, 1))),
		)},
	}
}

// markerCases are what is an end marker, and which way has one.
func markerCases() []Case {
	s := time.Second
	full := proto(ip6.ProtoNone, udp(ha, hoa, ip6.HeaderLen+8, 0))
	netPath := mobileTunnel
	netPath.Settle, netPath.Limit = 100*time.Millisecond, 9
	toNet := func(host byte) []byte { return marker(ha, inNet(host)) }
	second := plane.Way{Local: ha, Remote: coa2}
	straight := plane.Way{Out: 1, To: station}
	unled := marking(coa2)
	unled.Out = 7 // a port without a router
	return []Case{
		{"an empty packet that is not between the two ends is a user's", moved(9, 0,
			by(coa, down(2)),
			by(oldCoA, full).up(full),
			by(oldCoA, marker(cn, hoa)).up(marker(cn, hoa)),
			by(oldCoA, marker(ha, hoa)).up(down(2)),
		)},
		{"at the agent too", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Capture: true}),
			kernel(tunnel(coa, ha, marker(hoa, ha))),
			kernel(tunnel(coa, ha, marker(hoa, cn))).up(marker(hoa, cn)),
		)},
		{"the end of a network's way names the network, not a host of it", mobile(
			prefixPath(network, netPath),
			wire(tunnel(ha, coa, toNet(1))).up(toNet(1)),
			wire(tunnel(ha, coa, marker(ha, network.Addr()))),
		)},
		{"the home agent of a network knows its end by the network too", agent(
			prefixPath(network, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Capture: true}),
			kernel(tunnel(coa, ha, marker(network.Addr(), ha))),
			kernel(tunnel(coa, ha, marker(inNet(1), ha))).punts(marker(inNet(1), ha)),
		)},
		{"a network's mobile router ends its way as the network", mobile(
			prefixPath(network, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: coa, Remote: ha, Out: 1, Mark: true}),
			without(prefixPath(network, plane.Path{})).out(1, router, tunnel(coa, ha, marker(network.Addr(), ha))),
		)},
		{"copies that no tunnel carries end without a marker", router1(
			path(hoa, marking(coa)),
			way(hoa, 1, copying(straight, s)),
			way(hoa, 1, straight),
		)},
		{"copies that go on are not ended", agent(
			path(hoa, marking(coa)),
			way(hoa, 1, copying(second, s)),
			way(hoa, 1, copying(second, 2*s)),
			kernel(down(1)).up(forwarded(coa, 1)).up(forwarded(coa2, 1)),
		)},
		{"an end marker that cannot leave is nobody's loss, and what cannot leave after it is", agent(
			path(hoa, unled),
			path(hoa, marking(coa)),
			path(hoa, unled).up(left(coa)),
			kernel(down(1)).drops(plane.DropNoGateway),
		)},
	}
}

// ruledFlowCases are flows.
func ruledFlowCases() []Case {
	like := ported(cn, hoa, 7000, 5060)
	copy(like[ip6.HeaderLen+40:], like[ip6.HeaderLen:ip6.HeaderLen+4]) // the second piece begins as the first does
	classed := class(like, 0xba, 7)
	mark := plane.Flow{DstPort: 5060, Mark: true, DSCP: 1}
	v4 := netip.MustParsePrefix("10.0.0.0/8")
	plain := func(b []byte) Step { return kernel(b).up(tunnel(ha, coa, passed(b))) }
	one := func(b []byte) Step { return kernel(b).up(tunnel(ha, coa, marked(passed(b), 1))) }
	return []Case{
		{"what looks like ports in a later piece is none", agent(
			flow(1, mark),
			one(like), one(piece(like, 1, 0, 40)),
			plain(piece(like, 1, 40, 60)),
		)},
		{"what a mobile node sends through its agent is policed and marked", agent(
			flow(1, plane.Flow{Src: netip.PrefixFrom(hoa, 128), Mark: true, DSCP: 10, Rate: 1000, Burst: 150}),
			kernel(tunnel(coa, ha, udp(hoa, cn, 100, 1))).up(marked(udp(hoa, cn, 100, 1), 10)),
			kernel(tunnel(coa, ha, udp(hoa, cn, 100, 1))).drops(plane.DropPoliced),
		)},
		{"a flow without Mark leaves the code point alone", agent(flow(1, plane.Flow{Proto: ip6.ProtoUDP}), plain(classed))},
		{"flows that say nothing are refused", agent(
			flow(1, plane.Flow{Src: v4}).refused(plane.RefusedInvalid),
			flow(1, plane.Flow{Dst: v4}).refused(plane.RefusedInvalid),
			flow(1, plane.Flow{Mark: true, DSCP: 64}).refused(plane.RefusedInvalid),
			flow(1, plane.Flow{Mark: true, DSCP: 63}),
			flow(2, plane.Flow{Rate: -1}).refused(plane.RefusedInvalid),
			flow(2, plane.Flow{Rate: plane.MaxRate + 1}).refused(plane.RefusedInvalid),
			flow(2, plane.Flow{Rate: 1, Burst: -1}).refused(plane.RefusedInvalid),
			flow(2, plane.Flow{Rate: 1, Burst: plane.MaxBurst + 1}).refused(plane.RefusedInvalid),
			flow(2, plane.Flow{Rate: plane.MaxRate, Burst: plane.MaxBurst}),
			kernel(like).up(tunnel(ha, coa, marked(passed(like), 63))),
		)},
	}
}

// ruledErrorCases are ICMPv6 errors, and what comes in pieces.
func ruledErrorCases() []Case {
	small, down := udp(hoa, cn, 100, 1), udp(cn, hoa, 100, 1)
	limit := limited(coa, ha, 1, small)
	whole := tunnel(ha, coa, down)
	bent := func(b []byte) []byte { b[43] ^= 1; return b }
	other := func(b []byte) []byte { b[0] = 4<<4 | b[0]&15; return b }
	about := func(kind uint8, value uint32, b []byte) Step { return wire(icmp(hop, coa, kind, 0, value, b)) }
	disguised := tunnel(coa, ha, udp(hoa, cn, 300, 1))
	copy(disguised[40+64:], udp(hoa, cn, 40, 1)) // what stands in the second piece looks like a packet of the mobile node
	toPeer := func(b []byte) []byte { return icmp(hop, cn, 1, 0, 0, b) }
	return []Case{
		{"a Parameter Problem that does not point at the encapsulation limit concerns nobody, RFC 2473 §8.2", mobile(
			about(4, 43, limit).drops(plane.DropICMPIgnored),
			about(4, 45, limit).drops(plane.DropICMPIgnored),
			about(4, 0, tunnel(coa, ha, small)).drops(plane.DropICMPIgnored),
			about(100, 44, limit).drops(plane.DropICMPIgnored),
		)},
		{"a later piece of a tunnel packet shows no packet in it, whatever it looks like", mobile(
			about(1, 0, piece(disguised, 1, 64, 300)).drops(plane.DropICMPUnknown),
			about(1, 0, other(tunnel(coa, ha, small))).punted(),
			about(1, 0, join(tunnel(coa, ha, small)[:40], other(udp(hoa, cn, 100, 1)))).drops(plane.DropICMPUnknown),
		)},
		{"errors about packets that went straight are proved where they come to the peer itself", peer(
			wire(toPeer(routed(down))).up(icmp(hop, cn, 1, 0, 0, down)),
			wire(bent(toPeer(routed(down)))).drops(plane.DropICMPChecksum),
			wire(toPeer(headed(down, evil, none, coa, hoa))).up(toPeer(headed(down, evil, none, coa, hoa))),
			wire(toPeer(other(routed(down)))).up(toPeer(other(routed(down)))),
			wire(toPeer(routed(down)[:39])).up(toPeer(routed(down)[:39])),
			wire(toPeer(down)).up(toPeer(down)),
		)},
		{"a packet with a piece missing is none", mobile(
			wire(piece(whole, 1, 0, 48)),
			wire(piece(whole, 1, 96, 100)),
			wire(piece(whole, 2, 48, 96)),
			wire(piece(whole, 2, 96, 100)),
			wire(piece(whole, 1, 48, 96)).up(down),
			wire(piece(whole, 2, 0, 48)).up(down),
		)},
		{"a piece in the place of another, with other content, ends the packet, RFC 5722", mobile(
			wire(piece(whole, 1, 0, 48)),
			wire(piece(whole, 1, 0, 48)),
			wire(piece(tunnel(ha, coa, udp(cn, hoa, 100, 2)), 1, 0, 48)).drops(plane.DropFragOverlap),
			wire(piece(whole, 1, 48, 100)).drops(plane.DropFragOverlap),
		)},
		{"an agent sends on to nobody and to no host", agent(
			kernel(tunnel(coa, ha, udp(hoa, netip.IPv6Unspecified(), 100, 1))).drops(plane.DropBadAddress),
			kernel(tunnel(coa, ha, udp(hoa, netip.IPv6Loopback(), 100, 1))).drops(plane.DropBadAddress),
			kernel(tunnel(coa, ha, udp(hoa, linkAddr, 100, 1))).drops(plane.DropBadAddress),
		)},
	}
}
