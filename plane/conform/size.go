package conform

import (
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

func sizeCases() []Case {
	return append(mtuCases(), fragmentCases()...)
}

// tooBig is the Packet Too Big a source gets.
func tooBig(from plane.Path, about []byte, mtu uint32) []byte {
	p, _ := ip6.Parse(about)
	return icmp(from.Local, p.Src, 2, 0, mtu, quoted(about))
}

func mtuCases() []Case {
	narrow := mobileTunnel
	narrow.MTU = 1280
	middle := mobileTunnel
	middle.MTU = 1310
	big := func(n int) []byte { return udp(hoa, cn, n, 1) }
	in := func(n int) []byte { return tunnel(coa, ha, big(n)) }
	return []Case{
		{"what fits goes whole, what does not is told, RFC 2473 §7.1 (a)", mobile(
			kernel(big(1460)).out(1, router, in(1460)),
			kernel(big(1461)).drops(plane.DropTooBig).up(tooBig(mobileTunnel, big(1461), 1460)),
			kernel(big(9000)).drops(plane.DropTooBig).up(tooBig(mobileTunnel, big(9000), 1460)),
		)},
		{"the link bounds the path", mobile(
			link(1, plane.Link{Gateway: router, MTU: 1400}),
			kernel(big(1360)).out(1, router, in(1360)),
			kernel(big(1361)).drops(plane.DropTooBig).up(tooBig(mobileTunnel, big(1361), 1360)),
		)},
		{"no packet of the minimum MTU is too big: the tunnel packet is fragmented, RFC 2473 §7.1 (b)", mobile(
			path(hoa, narrow),
			kernel(big(1240)).out(1, router, in(1240)),
			kernel(big(1241)).out(1, router, piece(in(1241), 1, 0, 1232)).out(1, router, piece(in(1241), 1, 1232, 1241)),
			kernel(big(1280)).out(1, router, piece(in(1280), 1, 0, 1232)).out(1, router, piece(in(1280), 1, 1232, 1280)),
			kernel(big(1281)).drops(plane.DropTooBig).up(tooBig(narrow, big(1281), 1280)),
		)},
		{"between the minimum and the path there is a fragment too", mobile(
			path(hoa, middle),
			kernel(big(1270)).out(1, router, in(1270)),
			kernel(big(1280)).out(1, router, piece(in(1280), 1, 0, 1256)).out(1, router, piece(in(1280), 1, 1256, 1280)),
			kernel(big(1281)).drops(plane.DropTooBig).up(tooBig(middle, big(1281), 1280)),
		)},
		{"the option of a nested tunnel counts", mobile(
			kernel(tunnel(hoa, cn, udp(cn, cn, 1412, 1))).
				out(1, router, limited(coa, ha, plane.EncapLimit-1, tunnel(hoa, cn, udp(cn, cn, 1412, 1)))),
			kernel(tunnel(hoa, cn, udp(cn, cn, 1413, 1))).drops(plane.DropTooBig).
				up(tooBig(mobileTunnel, tunnel(hoa, cn, udp(cn, cn, 1413, 1)), 1452)),
		)},
		{"an agent tells the sender", agent(
			kernel(udp(cn, hoa, 1460, 1)).up(tunnel(ha, coa, passed(udp(cn, hoa, 1460, 1)))),
			kernel(udp(cn, hoa, 1500, 1)).drops(plane.DropTooBig).
				up(tooBig(agentTunnel, passed(udp(cn, hoa, 1500, 1)), 1460)),
		)},
		{"without a tunnel the link is the bound", home(
			kernel(big(1500)).out(1, router, big(1500)),
			kernel(big(1501)).drops(plane.DropTooBig).
				up(tooBig(plane.Path{Local: routerless}, big(1501), 1500)),
		)},
		{"held packets meet the size of the new path", mobile(
			holding(9, 0),
			kernel(big(1400)), kernel(big(1270)),
			path(hoa, narrow).drops(plane.DropTooBig).up(tooBig(narrow, big(1400), 1280)).
				out(1, router, piece(in(1270), 1, 0, 1232)).out(1, router, piece(in(1270), 1, 1232, 1270)),
		)},
	}
}

func fragmentCases() []Case {
	inner := udp(cn, hoa, 1280, 1)
	in := tunnel(ha, coa, inner)
	opt := limited(ha, coa, 3, inner)
	control := udp(cn, coa, 600, 7)
	id := func(n int) []byte { return piece(in, uint32(n), 0, 48) }
	evilTail := udp(evil, hoa, 1280, 9)
	overlap := piece(tunnel(ha, coa, evilTail), 1, 1224, 1280)
	full := mobile()
	for n := range plane.MaxReassemblySets {
		full = append(full, wire(id(n)))
	}
	return []Case{
		{"a tunnel packet in pieces is put together, in any order", mobile(
			wire(piece(in, 1, 0, 1232)),
			wire(piece(in, 1, 1232, 1280)).up(inner),
			wire(piece(in, 2, 1232, 1280)), wire(piece(in, 2, 600, 1232)),
			wire(piece(in, 2, 0, 600)).up(inner),
			wire(piece(opt, 3, 800, 1288)),
			wire(piece(opt, 3, 0, 800)).up(inner),
		)},
		{"pieces of different packets do not mix", mobile(
			wire(piece(in, 1, 0, 1232)),
			wire(piece(tunnel(evil, coa, inner), 1, 1232, 1280)),
			wire(piece(in, 2, 1232, 1280)),
		)},
		{"a piece that comes twice is one piece", mobile(
			wire(piece(in, 1, 0, 1232)).times(3),
			wire(piece(in, 1, 1232, 1280)).up(inner),
		)},
		{"a fragment that is the whole packet, RFC 6946", mobile(
			wire(extended(in, ip6.ProtoFragment, []byte{ip6.ProtoIPv6, 0, 0, 0, 0, 0, 0, 9})).up(inner),
		)},
		{"control packets in pieces are punted whole", mobile(
			wire(piece(control, 1, 256, 560)),
			func() Step {
				s := wire(piece(control, 1, 0, 256))
				s.Punt = []plane.Punt{{Port: 1, From: router, Data: control}}
				return s
			}(),
		)},
		{"overlapping pieces end the packet, RFC 5722", mobile(
			wire(piece(in, 1, 0, 1232)),
			wire(overlap).drops(plane.DropFragOverlap),
			wire(piece(in, 1, 1232, 1280)).drops(plane.DropFragOverlap),
			wire(piece(in, 1, 0, 1232)).drops(plane.DropFragOverlap),
		)},
		{"a piece beyond the last ends the packet", mobile(
			wire(piece(in, 1, 1232, 1280)),
			wire(piece(append(in, make([]byte, 64)...), 1, 1288, 1296)).drops(plane.DropFragOverlap),
		)},
		{"what is not complete in time is told, RFC 8200 §4.5", mobile(
			wire(piece(in, 1, 0, 1232)),
			wire(piece(in, 2, 1232, 1280)).at(time.Second),
			wire(nd(cn, coa, 136)).punted().at(plane.ReassemblyTimeout).drops(plane.DropFragTimeout).
				up(icmp(coa, ha, 3, 1, 0, quoted(piece(in, 1, 0, 1232)))),
			wire(nd(cn, coa, 136)).punted().at(plane.ReassemblyTimeout+time.Second).drops(plane.DropFragTimeout),
			wire(piece(in, 1, 1232, 1280)).at(plane.ReassemblyTimeout+2*time.Second),
		)},
		{"the oldest gives way", append(full,
			wire(id(999)).drops(plane.DropFragFull),
			wire(piece(in, 1, 48, 1280)).up(inner),
		)},
		{"pieces that cannot be", mobile(
			wire(extended(in, ip6.ProtoFragment, []byte{41, 0, 0xff, 0xf8, 0, 0, 0, 1})).drops(plane.DropFragMalformed),
			wire(extended(in[:40], ip6.ProtoFragment, []byte{41, 0, 0, 8, 0, 0, 0, 1})).drops(plane.DropFragMalformed),
			wire(extended(udp(cn, coa, 40+15, 0), ip6.ProtoFragment, []byte{17, 0, 0xff, 0xf0, 0, 0, 0, 2})),
			wire(extended(udp(cn, coa, 40+16, 0), ip6.ProtoFragment, []byte{17, 0, 0xff, 0xf0, 0, 0, 0, 3})).drops(plane.DropFragMalformed),
			wire(extended(in[:51], ip6.ProtoFragment, []byte{41, 0, 0, 1, 0, 0, 0, 1})).drops(plane.DropFragMalformed),
		)},
		{"a fragment inside a fragment", mobile(
			wire(piece(piece(in, 9, 8, 1280), 1, 0, 800)),
			wire(piece(piece(in, 9, 8, 1280), 1, 800, 1280)).drops(plane.DropFragMalformed),
		)},
		{"pieces for others pass", agent(
			kernel(piece(udp(cn, hoa, 800, 1), 5, 0, 400)).
				up(tunnel(ha, coa, passed(piece(udp(cn, hoa, 800, 1), 5, 0, 400)))),
		)},
	}
}
