package conform

import (
	"roam6/plane"
	"roam6/wire/ip6"
)

// optionCases are where the headers of route optimisation stand among others, and who may not carry or send them.
func optionCases() []Case {
	return append(append(placeCases(), spoofCases()...), pieceCases()...)
}

func placeCases() []Case {
	const hbh, dst, udpNext, frag = ip6.ProtoHopByHop, ip6.ProtoDestOpts, ip6.ProtoUDP, ip6.ProtoFragment
	pad := func(next uint8) []byte { return []byte{next, 0, 1, 4, 0, 0, 0, 0} }
	other := func(next uint8) []byte { return []byte{next, 0, 0x1e, 4, 1, 2, 3, 4} } // an option to be skipped, RFC 4727
	alert := func(next uint8) []byte { return []byte{next, 0, 5, 2, 0, 0, 1, 0} }
	mixed := join([]byte{udpNext, 3, 0x1e, 4, 1, 2, 3, 4, 0, 0, 1, 2, 0, 0, 0xc9, 16}, hoa.AsSlice()) // both in one header
	hollow := join([]byte{udpNext, 3, 0x1e, 4, 1, 2, 3, 4, 0, 0, 1, 2, 0, 0, 1, 16}, make([]byte, 16))
	return []Case{
		{"behind a hop-by-hop header, before destination options", both(
			kernel(chained(hoa, hoa2, hbh, join(alert(dst), other(udpNext)))).
				out(1, router, chained(coa, coa2, hbh, join(alert(ip6.ProtoRouting), rh2(dst, hoa2), hao(dst, hoa), other(udpNext)))),
			kernel(chained(hoa, hoa2, dst, other(udpNext))).
				out(1, router, chained(coa, coa2, ip6.ProtoRouting, join(rh2(dst, hoa2), hao(dst, hoa), other(udpNext)))),
		)},
		{"other options stay when the home address is taken out", peer(
			wire(chained(coa, cn, hbh, join(alert(dst), hao(dst, hoa), other(udpNext)))).
				up(chained(hoa, cn, hbh, join(alert(dst), other(udpNext)))),
			wire(chained(coa, cn, dst, mixed)).up(chained(hoa, cn, dst, hollow)),
			wire(chained(coa, cn, dst, join([]byte{udpNext, 2, 0, 0, 0, 0, 0xc9, 16}, hoa.AsSlice()))).up(udp(hoa, cn, 100, 1)),
			wire(chained(coa, cn, dst, join(pad(dst), hao(udpNext, hoa)))).up(chained(hoa, cn, dst, pad(udpNext))),
		)},
		{"other headers stay when the routing header is taken out", optimised(
			wire(chained(cn, coa, hbh, join(alert(ip6.ProtoRouting), rh2(dst, hoa), other(udpNext)))).
				up(chained(cn, hoa, hbh, join(alert(dst), other(udpNext)))),
			wire(chained(cn, coa, dst, join(other(ip6.ProtoRouting), rh2(udpNext, hoa)))).
				up(chained(cn, hoa, dst, other(udpNext))),
		)},
		{"a fragment's header comes after them", both(
			kernel(piece(udp(hoa, hoa2, 800, 1), 5, 0, 400)).
				out(1, router, extended(udp(coa, coa2, 40, 0), ip6.ProtoRouting,
					join(rh2(dst, hoa2), hao(frag, hoa), piece(udp(hoa, hoa2, 800, 1), 5, 0, 400)[40:]))),
			wire(chained(coa2, coa, ip6.ProtoRouting, join(rh2(dst, hoa), hao(frag, hoa2), []byte{udpNext, 0, 0, 9, 0, 0, 0, 7}))).
				up(chained(hoa2, hoa, frag, []byte{udpNext, 0, 0, 9, 0, 0, 0, 7})),
		)},
		{"packets that must not carry them take the path", optimised(
			kernel(roamed(udp(hoa, cn, 100, 1))).out(1, router, tunnel(coa, ha, roamed(udp(hoa, cn, 100, 1)))),
			kernel(chained(hoa, cn, ip6.ProtoRouting, rh2(udpNext, hoa2))).
				out(1, router, tunnel(coa, ha, chained(hoa, cn, ip6.ProtoRouting, rh2(udpNext, hoa2)))),
			kernel(mobility(hoa, cn)).out(1, router, tunnel(coa, ha, mobility(hoa, cn))),
			kernel(nd(hoa, cn, 136)).out(1, router, tunnel(coa, ha, nd(hoa, cn, 136))),
			kernel(tunnel(hoa, cn, udp(evil, evil, 60, 1))).
				out(1, router, limited(coa, ha, plane.EncapLimit-1, tunnel(hoa, cn, udp(evil, evil, 60, 1)))),
			kernel(chained(hoa, cn, dst, []byte{udpNext, 0, 1, 5, 0, 0, 0, 0})).
				out(1, router, tunnel(coa, ha, chained(hoa, cn, dst, []byte{udpNext, 0, 1, 5, 0, 0, 0, 0}))),
		)},
	}
}

func spoofCases() []Case {
	const routing, dst, udpNext = ip6.ProtoRouting, ip6.ProtoDestOpts, ip6.ProtoUDP
	up := udp(hoa, cn, 100, 1)
	bad := func(raw ...byte) []byte { return chained(cn, coa, routing, append(raw, hoa.AsSlice()...)) }
	return []Case{
		{"a home address without a binding is for the engines, RFC 6275 §9.3.1", peer(
			wire(headed(up, oldCoA, hoa, cn, none)).unbound(),
			wire(headed(up, coa, hoa2, cn, none)).unbound(),
			wire(headed(up, evil, hoa, cn, none)).unbound(),
			wire(headed(up, coa, cn, cn, none)).unbound(),
			without(route(hoa, cn, fromPeer)),
			wire(homed(up)).unbound(),
		)},
		{"an old binding binds no more", peer(
			route(hoa, cn, plane.Route{Side: plane.Peer, CareOf: coa2, Out: 1}),
			wire(homed(up)).unbound(),
			wire(headed(up, coa2, hoa, cn, none)).up(up),
		)},
		{"a mobile node's own Route is no binding of its peer", optimised(
			wire(headed(udp(cn, hoa, 60, 1), evil, cn, coa, hoa)).
				drops(plane.DropHomeAddress).punts(headed(udp(cn, hoa, 60, 1), evil, cn, hoa, none)),
		)},
		{"packets that prove themselves need no binding", peer(
			wire(homed(mobility(hoa, cn))).punted(),
			wire(headed(mobility(hoa, cn), evil, hoa2, cn, none)).punted(),
			wire(headed(protected(hoa, cn), evil, hoa2, cn, none)).up(headed(protected(hoa, cn), evil, hoa2, cn, none)),
			wire(homed(protected(hoa, cn))).up(protected(hoa, cn)),
		)},
		{"to an address of the engines as well", mobile(
			wire(headed(up, evil, hoa2, coa, none)).unbound(),
			wire(headed(mobility(hoa, cn), evil, hoa2, coa, none)).punted(),
			wire(headed(protected(hoa, cn), evil, hoa2, coa, none)).punted(),
			route(hoa2, coa, plane.Route{Side: plane.Peer, CareOf: coa2, Out: 1}),
			wire(headed(up, coa2, hoa2, coa, none)).punted(),
			wire(headed(up, evil, hoa2, coa, none)).unbound(),
		)},
		{"a routing header toward a third party goes nowhere, RFC 6275 §11.3.3", optimised(
			wire(headed(up, cn, none, coa, evil)).drops(plane.DropRouting),
			wire(headed(up, cn, none, coa, ha)).drops(plane.DropRouting),
			wire(headed(up, cn, none, coa, hoa2)).drops(plane.DropRouting),
			prefixPath(network, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: coa, Remote: ha, Out: 1}),
			wire(headed(up, cn, none, coa, inNet(1))).drops(plane.DropRouting),
		)},
		{"a routing header by way of an address that is none of its care-of addresses", optimised(
			local(oldCoA, plane.Local{Port: 1}),
			wire(headed(up, cn, none, oldCoA, hoa)).drops(plane.DropRouting),
			route(hoa, cn, plane.Route{Side: plane.Mobile, CareOf: oldCoA, Out: 1}),
			wire(headed(udp(cn, hoa, 60, 1), cn, none, oldCoA, hoa)).up(udp(cn, hoa, 60, 1)),
			wire(headed(up, evil, none, oldCoA, hoa)).drops(plane.DropRouting),
			way(hoa, 1, plane.Way{Local: oldCoA, Remote: ha, Out: 1}),
			wire(headed(udp(evil, hoa, 60, 1), evil, none, oldCoA, hoa)).up(udp(evil, hoa, 60, 1)),
		)},
		{"a routing header where no mobile node is", agent(
			kernel(headed(up, cn, none, ha, hoa)).drops(plane.DropRouting),
			kernel(headed(up, cn, none, ha, evil)).drops(plane.DropRouting),
		)},
		{"a home address of ours with a segment left", home(
			wire(headed(up, cn, none, hoa, hoa)).drops(plane.DropRouting),
			wire(headed(up, cn, none, hoa, evil)).drops(plane.DropRouting),
		)},
		{"routing headers that are not as §6.4.1 says", optimised(
			wire(bad(udpNext, 2, 2, 0, 0, 0, 0, 0)).drops(plane.DropRouting),
			wire(bad(udpNext, 2, 2, 2, 0, 0, 0, 0)).drops(plane.DropRouting),
			wire(chained(cn, coa, routing, join([]byte{udpNext, 4, 2, 1, 0, 0, 0, 0}, hoa.AsSlice(), hoa2.AsSlice()))).drops(plane.DropRouting),
			wire(chained(cn, coa, routing, []byte{udpNext, 0, 2, 1, 0, 0, 0, 0})).drops(plane.DropRouting),
			wire(chained(cn, coa, routing, join(rh2(routing, hoa), rh2(udpNext, hoa)))).drops(plane.DropRouting),
			wire(bad(udpNext, 2, 0, 1, 0, 0, 0, 0)).drops(plane.DropOption),
			wire(bad(udpNext, 2, 2, 1, 9, 9, 9, 9)).up(udp(cn, hoa, 100, 1)), // reserved, ignored
		)},
		{"home address options that are not as §6.3 says", peer(
			wire(chained(coa, cn, dst, join(hao(dst, hoa), hao(udpNext, hoa)))).drops(plane.DropOption),
			wire(chained(coa, cn, dst, append([]byte{udpNext, 2, 0xc9, 4, 1, 2, 3, 4}, make([]byte, 16)...))).drops(plane.DropOption),
			wire(chained(coa, cn, ip6.ProtoHopByHop, hao(udpNext, hoa))).
				up(chained(coa, cn, ip6.ProtoHopByHop, hao(udpNext, hoa))), // there it is an option like any other
		)},
		{"routing headers for the engines stay theirs", optimised(
			wire(headed(mobility(cn, hoa), cn, none, coa, hoa)).punted(),
			wire(headed(protected(ha, hoa), ha, none, coa, hoa)).punted(),
			wire(headed(protected(cn, hoa), cn, none, coa, hoa)).up(protected(cn, hoa)),
		)},
	}
}

func pieceCases() []Case {
	const routing, dst, udpNext = ip6.ProtoRouting, ip6.ProtoDestOpts, ip6.ProtoUDP
	narrow := plane.Route{Side: plane.Mobile, CareOf: coa, Out: 1, MTU: 1280}
	big := func(n int) []byte { return udp(hoa, cn, n, 1) }
	told := func(b []byte, mtu uint32) []byte { return tooBig(plane.Path{Local: coa}, b, mtu) }
	full := make([]byte, 1232) // a hop-by-hop header that fills the minimum MTU
	full[0], full[1] = udpNext, 1232/8-1
	own := piece(udp(hoa, cn, 4000, 1), 5, 1232, 2464) // an application's fragment of 1280 octets
	cut := func(n, from, to int) []byte { return behind(homed(big(n)), 64, 40, 1, from, to) }
	recut := func(from, to int) []byte { return behind(homed(udp(hoa, cn, 4000, 1)), 64, 40, 5, from, to) }
	return []Case{
		{"the headers take from the path's MTU", optimised(
			kernel(big(1476)).out(1, router, homed(big(1476))),
			kernel(big(1477)).drops(plane.DropTooBig).up(told(big(1477), 1476)),
			route(hoa, cn, plane.Route{Side: plane.Mobile, CareOf: coa, Out: 1, MTU: 1400}),
			kernel(big(1376)).out(1, router, homed(big(1376))),
			kernel(big(1377)).drops(plane.DropTooBig).up(told(big(1377), 1376)),
		)},
		{"both of them", both(
			kernel(udp(hoa, hoa2, 1452, 1)).out(1, router, fully(udp(hoa, hoa2, 1452, 1))),
			kernel(udp(hoa, hoa2, 1453, 1)).drops(plane.DropTooBig).up(told(udp(hoa, hoa2, 1453, 1), 1452)),
			route(hoa2, hoa, plane.Route{Side: plane.Peer, CareOf: coa2, Out: 1, MTU: 1400}),
			kernel(udp(hoa, hoa2, 1353, 1)).drops(plane.DropTooBig).up(told(udp(hoa, hoa2, 1353, 1), 1352)),
			route(hoa, hoa2, plane.Route{Side: plane.Mobile, CareOf: coa, Out: 1, MTU: 1390}),
			kernel(udp(hoa, hoa2, 1353, 1)).drops(plane.DropTooBig).up(told(udp(hoa, hoa2, 1353, 1), 1342)),
		)},
		{"a correspondent is told too", peer(
			kernel(udp(cn, hoa, 1476, 1)).out(1, router, routed(udp(cn, hoa, 1476, 1))),
			kernel(udp(cn, hoa, 1477, 1)).drops(plane.DropTooBig).
				up(tooBig(plane.Path{Local: linkAddr}, udp(cn, hoa, 1477, 1), 1476)),
			without(local(linkAddr, plane.Local{})),
			kernel(udp(cn, hoa, 1477, 1)).drops(plane.DropTooBig).
				up(tooBig(plane.Path{Local: hoa}, udp(cn, hoa, 1477, 1), 1476)),
		)},
		{"and a tunnel", mobile(
			route(hoa2, hoa, toOther),
			kernel(udp(hoa, hoa2, 1436, 1)).out(1, router, tunnel(coa, ha, headed(udp(hoa, hoa2, 1436, 1), hoa, none, coa2, hoa2))),
			kernel(udp(hoa, hoa2, 1437, 1)).drops(plane.DropTooBig).up(told(udp(hoa, hoa2, 1437, 1), 1436)),
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: coa, Remote: ha, Out: 1, MTU: 1280}),
			kernel(udp(hoa, hoa2, 1280, 1)).
				out(1, router, piece(tunnel(coa, ha, headed(udp(hoa, hoa2, 1280, 1), hoa, none, coa2, hoa2)), 1, 0, 1232)).
				out(1, router, piece(tunnel(coa, ha, headed(udp(hoa, hoa2, 1280, 1), hoa, none, coa2, hoa2)), 1, 1232, 1304)),
			kernel(udp(hoa, hoa2, 1281, 1)).drops(plane.DropTooBig).up(told(udp(hoa, hoa2, 1281, 1), 1280)),
		)},
		{"the minimum MTU always passes: cut behind the option, RFC 6275 §6.3", optimised(
			route(hoa, cn, narrow),
			kernel(big(1256)).out(1, router, homed(big(1256))),
			kernel(big(1280)).out(1, router, cut(1280, 0, 1208)).out(1, router, cut(1280, 1208, 1240)),
			kernel(big(1281)).drops(plane.DropTooBig).up(told(big(1281), 1280)),
		)},
		{"an application's fragment is cut smaller, with its own identification", optimised(
			route(hoa, cn, narrow),
			kernel(own).out(1, router, recut(1232, 2440)).out(1, router, recut(2440, 2464)),
			kernel(piece(udp(hoa, cn, 4000, 1), 5, 2728, 3960)).
				out(1, router, recut(2728, 3936)).out(1, router, recut(3936, 3960)),
		)},
		{"headers that fill a packet leave no room for a cut", optimised(
			route(hoa, cn, narrow),
			kernel(extended(udp(hoa, cn, 48, 1), ip6.ProtoHopByHop, full)).drops(plane.DropTooBig),
		)},
	}
}
