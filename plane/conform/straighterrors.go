package conform

import (
	"net/netip"

	"roam6/plane"
)

// straightErrorCases are ICMPv6 errors about packets that went straight: an application hears of the packet it sent.
func straightErrorCases() []Case {
	up, down, there := udp(hoa, cn, 100, 1), udp(cn, hoa, 100, 1), udp(hoa, hoa2, 100, 1)
	big := udp(hoa, cn, 1476, 1)
	quote := quoted(homed(big))
	shown := big[:len(quote)-24] // what an error can show of it
	about := func(to netip.Addr, kind, code uint8, value uint32, b []byte) Step {
		return wire(icmp(hop, to, kind, code, value, quoted(b)))
	}
	forged := icmp(hop, coa, 1, 0, 0, homed(up))
	forged[42] ^= 0xff
	told := func(mtu uint32) []byte { return tooBig(plane.Path{Local: coa}, big, mtu) }
	unreachable := icmp(hop, hoa, 1, 4, 0, up)
	twice := udp(hoa, hoa2, 1452, 1)
	return []Case{
		{"an unreachable peer", optimised(
			about(coa, 1, 4, 0, homed(up)).up(unreachable),
			about(coa, 3, 0, 0, homed(up)).up(icmp(hop, hoa, 3, 0, 0, up)),
			wire(icmp(cn, coa, 1, 4, 0, homed(up))).up(icmp(cn, hoa, 1, 4, 0, up)),
			wire(icmp(hop, coa, 1, 4, 0, homed(up)[:64])).up(icmp(hop, hoa, 1, 4, 0, up[:40])),
		)},
		{"a correspondent hears of an unreachable mobile node", peer(
			about(cn, 1, 0, 0, routed(down)).up(icmp(hop, cn, 1, 0, 0, down)),
			wire(icmp(coa, cn, 1, 4, 0, routed(down))).up(icmp(hoa, cn, 1, 4, 0, down)),
		)},
		{"between two mobile nodes", both(
			about(coa, 1, 0, 0, fully(there)).up(icmp(hop, hoa, 1, 0, 0, there)),
			wire(icmp(coa2, coa, 1, 4, 0, fully(there))).up(icmp(hoa2, hoa, 1, 4, 0, there)),
			about(coa, 2, 0, 1400, fully(twice)).up(icmp(hop, hoa, 2, 0, 1352, twice[:1232-48])),
		)},
		{"from the way through the home agent", mobile(
			route(hoa2, hoa, toOther),
			wire(tunnel(ha, coa, icmp(hop, hoa, 1, 0, 0, headed(there, hoa, none, coa2, hoa2)))).up(icmp(hop, hoa, 1, 0, 0, there)),
			about(coa, 1, 0, 0, tunnel(coa, ha, headed(there, hoa, none, coa2, hoa2))).up(icmp(coa, hoa, 1, 3, 0, there)),
			about(coa, 2, 0, 1400, tunnel(coa, ha, headed(udp(hoa, hoa2, 1400, 1), hoa, none, coa2, hoa2))).
				up(icmp(coa, hoa, 2, 0, 1336, udp(hoa, hoa2, 1400, 1)[:1232-64])),
		)},
		{"Packet Too Big teaches the path to the peer, and tells what is left of it", optimised(
			kernel(big).out(1, router, homed(big)),
			about(coa, 2, 0, 1400, homed(big)).up(icmp(hop, hoa, 2, 0, 1376, shown)),
			kernel(big).drops(plane.DropTooBig).up(told(1376)),
			kernel(udp(hoa, cn, 1376, 1)).out(1, router, homed(udp(hoa, cn, 1376, 1))),
			kernel(udp(hoa, evil, 1460, 1)).out(1, router, tunnel(coa, ha, udp(hoa, evil, 1460, 1))),
			about(coa, 2, 0, 1450, homed(big)).up(icmp(hop, hoa, 2, 0, 1426, shown)),
			kernel(big).drops(plane.DropTooBig).up(told(1376)),
			kernel(big).at(plane.PathMTULife).out(1, router, homed(big)),
		)},
		{"a correspondent learns the path to the care-of address", peer(
			about(cn, 2, 0, 1400, routed(udp(cn, hoa, 1476, 1))).up(icmp(hop, cn, 2, 0, 1376, udp(cn, hoa, 1476, 1)[:1232-24])),
			kernel(udp(cn, hoa, 1377, 1)).drops(plane.DropTooBig).
				up(tooBig(plane.Path{Local: linkAddr}, udp(cn, hoa, 1377, 1), 1376)),
			route(hoa, cn, toOther),
			kernel(udp(cn, hoa, 1377, 1)).out(1, router, headed(udp(cn, hoa, 1377, 1), cn, none, coa2, hoa)),
		)},
		{"no path is below the minimum, and a source that can send no less is not told", optimised(
			about(coa, 2, 0, 1279, homed(big)).drops(plane.DropICMPMTU),
			about(coa, 2, 0, 1<<20, homed(big)).drops(plane.DropICMPIgnored),
			kernel(big).out(1, router, homed(big)),
			about(coa, 2, 0, 1290, homed(udp(hoa, cn, 1280, 1))),
			kernel(udp(hoa, cn, 1280, 1)).
				out(1, router, behind(homed(udp(hoa, cn, 1280, 1)), 64, 40, 1, 0, 1216)).
				out(1, router, behind(homed(udp(hoa, cn, 1280, 1)), 64, 40, 1, 1216, 1240)),
		)},
		{"a Parameter Problem points at the same octet, or at our header, which the engines must know", optimised(
			about(coa, 4, 0, 6, homed(up)).up(icmp(hop, hoa, 4, 0, 6, up)),
			about(coa, 4, 1, 64, homed(up)).up(icmp(hop, hoa, 4, 1, 40, up)),
			about(coa, 4, 2, 46, homed(up)).punted(), // a correspondent that knows no Home Address option, RFC 6275 §11.3.5
		)},
		{"errors about packets that no Route sent", optimised(
			about(coa, 1, 0, 0, headed(up, coa, hoa2, cn, none)).punted(),
			about(coa, 1, 0, 0, headed(up, coa, hoa, evil, none)).punted(),
			about(coa, 1, 0, 0, headed(up, oldCoA, hoa, cn, none)).punted(),
			about(coa, 1, 0, 0, headed(up, coa, hoa, coa2, cn)).punted(),
			wire(forged).drops(plane.DropICMPChecksum),
			without(route(hoa, cn, toPeer)),
			about(coa, 1, 4, 0, homed(up)).punted(),
		)},
		{"at a correspondent they are its kernel's", peer(
			about(cn, 1, 0, 0, headed(down, cn, none, coa2, hoa)).up(icmp(hop, cn, 1, 0, 0, headed(down, cn, none, coa2, hoa))),
			about(cn, 1, 0, 0, down).up(icmp(hop, cn, 1, 0, 0, down)),
			about(cn, 1, 0, 0, headed(down, evil, none, coa, hoa)).up(icmp(hop, cn, 1, 0, 0, headed(down, evil, none, coa, hoa))),
		)},
		{"no error about an error", optimised(about(coa, 1, 0, 0, homed(icmp(hoa, cn, 1, 0, 0, up))))},
	}
}
