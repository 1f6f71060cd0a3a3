package conform

import (
	"time"

	"roam6/plane"
)

func errorCases() []Case {
	return append(sentCases(), relayCases()...)
}

func sentCases() []Case {
	last := hops(udp(cn, hoa, 100, 1), 1)
	bigError := icmp(hoa, cn, 1, 0, 0, make([]byte, 1450))
	bigEcho := icmp(hoa, cn, 129, 0, 0, make([]byte, 1450))
	expired := kernel(last).drops(plane.DropHopLimit)
	told := expired.up(icmp(ha, cn, 3, 0, 0, last))
	return []Case{
		{"hop limit exhausted at the agent, RFC 4443 §3.3", agent(
			told,
			kernel(hops(udp(cn, hoa, 100, 1), 0)).drops(plane.DropHopLimit).
				up(icmp(ha, cn, 3, 0, 0, hops(udp(cn, hoa, 100, 1), 0))),
			kernel(hops(extended(udp(cn, hoa, 40, 0), 58, nil), 1)).drops(plane.DropHopLimit),
			kernel(hops(udp(cn, hoa, 100, 1), 2)).up(tunnel(ha, coa, hops(udp(cn, hoa, 100, 1), 1))),
		)},
		{"between two mobile nodes as well", agent(
			path(hoa2, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2}),
			kernel(tunnel(coa, ha, hops(udp(hoa, hoa2, 100, 1), 1))).drops(plane.DropHopLimit).
				up(icmp(ha, hoa, 3, 0, 0, hops(udp(hoa, hoa2, 100, 1), 1))),
		)},
		{"no error about an error, RFC 4443 §2.4 (e)", mobile(
			kernel(bigError).drops(plane.DropTooBig),
			kernel(bigEcho).drops(plane.DropTooBig).up(tooBig(mobileTunnel, bigEcho, 1460)),
			kernel(icmp(hoa, cn, 137, 0, 0, make([]byte, 1450))).drops(plane.DropTooBig),
			kernel(extended(bigError, 60, []byte{58, 0, 1, 4, 0, 0, 0, 0})).drops(plane.DropTooBig),
			kernel(piece(bigError, 1, 0, 1448)).drops(plane.DropTooBig),
			kernel(piece(bigEcho, 1, 8, 1458)).drops(plane.DropTooBig),
		)},
		{"errors are limited in rate, RFC 4443 §2.4 (f)", agent(
			told.times(plane.ICMPBurst),
			expired.times(3),
			told.at(plane.ICMPInterval),
			expired.at(plane.ICMPInterval),
			told.at(3*plane.ICMPInterval).times(2),
			expired.at(3*plane.ICMPInterval),
			told.at(time.Hour).times(plane.ICMPBurst),
			expired.at(time.Hour),
		)},
	}
}

func relayCases() []Case {
	big := udp(hoa, cn, 1460, 1)
	small := udp(hoa, cn, 100, 1)
	down := udp(cn, hoa, 100, 1)
	narrow := plane.Path{Local: coa}
	from := func(kind, code uint8, value uint32, inner []byte) Step {
		return wire(icmp(hop, coa, kind, code, value, quoted(tunnel(coa, ha, inner))))
	}
	unreachable := icmp(coa, hoa, 1, 3, 0, small)
	forged := icmp(hop, coa, 1, 0, 0, tunnel(coa, ha, small))
	forged[42] ^= 0xff
	inLimit := limited(coa, ha, 1, small)
	shown := quoted(tunnel(coa, ha, big))[40:] // what an error from the tunnel can show of the packet
	return []Case{
		{"Packet Too Big from inside the tunnel lowers the path MTU, RFC 2473 §8.2", mobile(
			kernel(big).out(1, router, tunnel(coa, ha, big)),
			from(2, 0, 1400, big).up(icmp(coa, hoa, 2, 0, 1360, shown)),
			kernel(big).drops(plane.DropTooBig).up(tooBig(narrow, big, 1360)),
			kernel(udp(hoa, cn, 1360, 1)).out(1, router, tunnel(coa, ha, udp(hoa, cn, 1360, 1))),
			kernel(big).at(plane.PathMTULife).out(1, router, tunnel(coa, ha, big)),
		)},
		{"the path MTU is not raised by a message", mobile(
			from(2, 0, 1400, big).up(icmp(coa, hoa, 2, 0, 1360, shown)),
			from(2, 0, 1450, big).up(icmp(coa, hoa, 2, 0, 1410, shown)),
			kernel(big).drops(plane.DropTooBig).up(tooBig(narrow, big, 1360)),
		)},
		{"a source that can send no less is not told", mobile(
			from(2, 0, 1300, udp(hoa, cn, 1280, 1)),
			kernel(udp(hoa, cn, 1280, 1)).
				out(1, router, piece(tunnel(coa, ha, udp(hoa, cn, 1280, 1)), 1, 0, 1248)).
				out(1, router, piece(tunnel(coa, ha, udp(hoa, cn, 1280, 1)), 1, 1248, 1280)),
		)},
		{"below the minimum it is no path MTU, RFC 8201 §4", mobile(
			from(2, 0, 1279, big).drops(plane.DropICMPMTU),
			from(2, 0, 0, big).drops(plane.DropICMPMTU),
			kernel(big).out(1, router, tunnel(coa, ha, big)),
		)},
		{"what the tunnel cannot reach is unreachable, RFC 2473 §8.2", mobile(
			from(1, 0, 0, small).up(unreachable),
			from(1, 4, 0, small).up(unreachable),
			from(3, 0, 0, small).up(unreachable),
			wire(icmp(hop, coa, 4, 0, 44, inLimit)).up(unreachable),
		)},
		{"other errors of a tunnel concern nobody", mobile(
			from(3, 1, 0, small).drops(plane.DropICMPIgnored),
			from(4, 0, 6, small).drops(plane.DropICMPIgnored),
		)},
		{"the agent tells the correspondent node", agent(
			kernel(icmp(hop, ha, 1, 3, 0, tunnel(ha, coa, down))).up(icmp(ha, cn, 1, 3, 0, down)),
		)},
		{"no error about an error, through a tunnel either", mobile(
			from(1, 0, 0, icmp(hoa, cn, 1, 0, 0, small)),
			from(3, 0, 0, icmp(hoa, cn, 129, 0, 0, nil)).up(icmp(coa, hoa, 1, 3, 0, icmp(hoa, cn, 129, 0, 0, nil))),
		)},
		{"errors about packets never sent", mobile(
			from(1, 0, 0, udp(evil, cn, 100, 1)).drops(plane.DropICMPUnknown),
			wire(icmp(hop, coa, 1, 0, 0, tunnel(coa, evil, small))).drops(plane.DropICMPUnknown),
			wire(icmp(hop, coa, 2, 0, 1300, tunnel(coa, evil, small)[:60])).drops(plane.DropICMPUnknown),
			wire(forged).drops(plane.DropICMPChecksum),
			kernel(big).out(1, router, tunnel(coa, ha, big)),
		)},
		{"an error that shows no inner packet lowers no path MTU", mobile(
			wire(icmp(hop, coa, 2, 0, 1400, tunnel(coa, ha, big)[:79])).drops(plane.DropICMPUnknown),
			kernel(big).out(1, router, tunnel(coa, ha, big)),
			wire(icmp(hop, coa, 2, 0, 1400, tunnel(coa, ha, big)[:80])).up(tooBig(narrow, big[:40], 1360)),
			kernel(big).drops(plane.DropTooBig).up(tooBig(narrow, big, 1360)),
		)},
		{"errors about the fragments of a tunnel packet", mobile(
			wire(icmp(hop, coa, 1, 0, 0, piece(tunnel(coa, ha, small), 7, 0, 56))).
				up(icmp(coa, hoa, 1, 3, 0, small[:56])),
			wire(icmp(hop, coa, 1, 0, 0, piece(tunnel(coa, ha, small), 7, 56, 100))).drops(plane.DropICMPUnknown),
			wire(icmp(hop, coa, 1, 0, 0, piece(inLimit, 7, 0, 56))).up(icmp(coa, hoa, 1, 3, 0, small[:48])),
			wire(icmp(hop, coa, 2, 0, 1400, piece(inLimit, 7, 56, 108))).drops(plane.DropICMPUnknown),
			wire(icmp(hop, coa, 2, 0, 1400, piece(inLimit, 7, 0, 40))).drops(plane.DropICMPUnknown),
			kernel(big).out(1, router, tunnel(coa, ha, big)),
			wire(icmp(hop, coa, 2, 0, 1400, piece(inLimit, 7, 0, 56))),
			kernel(big).drops(plane.DropTooBig).up(tooBig(narrow, big, 1360)),
			wire(icmp(hop, coa, 1, 0, 0, piece(udp(coa, cn, 100, 1), 7, 56, 60))).punted(),
		)},
		{"an error that quotes the inner header and no more", mobile(
			wire(icmp(hop, coa, 1, 0, 0, tunnel(coa, ha, small)[:80])).up(icmp(coa, hoa, 1, 3, 0, small[:40])),
			wire(icmp(hop, coa, 1, 0, 0, tunnel(coa, ha, small)[:79])).drops(plane.DropICMPUnknown),
			wire(icmp(hop, coa, 1, 0, 0, nil)).punted(),
		)},
		{"errors about control packets are control", mobile(
			wire(icmp(hop, coa, 1, 0, 0, udp(coa, cn, 100, 1))).punted(),
			wire(icmp(hop, coa, 1, 0, 0, udp(coa, cn, 100, 1)[:30])).punted(),
			wire(icmp(hop, coa, 1, 0, 0, tunnel(evil, ha, small))).punted(),
		)},
	}
}
