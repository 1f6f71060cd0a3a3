package conform

import (
	"time"

	"roam6/plane"
)

// former is the way of a care-of address that was; copying the same with copies until a moment.
var former = plane.Way{Local: oldCoA, Remote: ha, Out: 1}

func copying(w plane.Way, until time.Duration) plane.Way {
	w.Copy, w.Until = true, until
	return w
}

func wayCases() []Case {
	return append(acceptCases(), bicastCases()...)
}

func acceptCases() []Case {
	up, down := udp(hoa, cn, 100, 1), udp(cn, hoa, 100, 1)
	second := plane.Way{Local: ha, Remote: coa2}
	return []Case{
		{"a mobile node accepts by a further way while it stands", mobile(
			local(oldCoA, plane.Local{Port: 1}),
			wire(tunnel(ha, oldCoA, down)).drops(plane.DropTunnelWrong),
			way(hoa, 1, former),
			wire(tunnel(ha, oldCoA, down)).up(down),
			wire(tunnel(ha, coa, down)).up(down),
			wire(tunnel(evil, oldCoA, down)).drops(plane.DropTunnelWrong),
			wire(tunnel(ha, oldCoA, udp(cn, hoa2, 100, 1))).drops(plane.DropTunnelUnknown),
			kernel(up).out(1, router, tunnel(coa, ha, up)),
			without(way(hoa, 1, former)),
			wire(tunnel(ha, oldCoA, down)).drops(plane.DropTunnelWrong),
		)},
		{"an agent accepts from several care-of addresses, RFC 5648", agent(
			way(hoa, 1, second),
			kernel(tunnel(coa2, ha, up)).up(up),
			kernel(tunnel(coa, ha, up)).up(up),
			kernel(tunnel(coa2, ha, udp(hoa2, cn, 100, 1))).drops(plane.DropTunnelUnknown),
			kernel(down).up(tunnel(ha, coa, passed(down))),
			way(hoa, 1, plane.Way{Local: ha, Remote: oldCoA}),
			kernel(tunnel(coa2, ha, up)).drops(plane.DropTunnelWrong),
			kernel(tunnel(oldCoA, ha, up)).up(up),
		)},
		{"a way may come before its path, and outlive it", agent(
			way(hoa2, 1, plane.Way{Local: ha, Remote: coa2}),
			kernel(tunnel(coa2, ha, udp(hoa2, cn, 100, 1))).drops(plane.DropTunnelUnknown),
			path(hoa2, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: oldCoA}),
			kernel(tunnel(coa2, ha, udp(hoa2, cn, 100, 1))).up(udp(hoa2, cn, 100, 1)),
			without(path(hoa2, plane.Path{})),
			kernel(tunnel(coa2, ha, udp(hoa2, cn, 100, 1))).drops(plane.DropTunnelUnknown),
		)},
		{"packets that no tunnel brings are accepted by the link of a way that is straight", mobile(
			wire(down).drops(plane.DropNotByTunnel),
			way(hoa, 1, plane.Way{Out: 1}),
			wire(down).up(down),
			way(hoa, 1, plane.Way{Out: 2}),
			wire(down).drops(plane.DropNotByTunnel),
		)},
		{"what the home agent reports of a further way is told", agent(
			way(hoa, 1, second),
			kernel(icmp(hop, ha, 1, 0, 0, tunnel(ha, coa2, down))).up(icmp(ha, cn, 1, 3, 0, down)),
		)},
	}
}

func bicastCases() []Case {
	s := time.Second
	down := udp(cn, hoa, 100, 1)
	one, two := tunnel(ha, coa, passed(down)), tunnel(ha, coa2, passed(down))
	second := plane.Way{Local: ha, Remote: coa2}
	big := udp(cn, hoa, 1400, 1)
	return []Case{
		{"bicast until a moment, and then no more", agent(
			way(hoa, 1, copying(second, 2*s)),
			kernel(down).up(one).up(two),
			kernel(down).at(2*s-1).up(one).up(two),
			kernel(down).at(2*s).up(one),
			kernel(tunnel(coa2, ha, udp(hoa, cn, 100, 1))).at(2*s).up(udp(hoa, cn, 100, 1)),
			way(hoa, 1, copying(second, 0)).at(2*s),
			kernel(down).at(2*s).up(one),
		)},
		{"by several ways, in the order of their numbers", agent(
			way(hoa, 9, copying(second, s)),
			way(hoa, 3, copying(plane.Way{Local: ha, Remote: oldCoA}, s)),
			kernel(down).up(one).up(tunnel(ha, oldCoA, passed(down))).up(two),
		)},
		{"a mobile node bicasts too", mobile(
			link(2, plane.Link{Gateway: router2, MTU: 1500}),
			way(hoa, 1, copying(plane.Way{Local: coa2, Remote: ha, Out: 2}, s)),
			kernel(numbered(1)).out(1, router, inTunnel(1)).out(2, router2, tunnel(coa2, ha, numbered(1))),
		)},
		{"a copy on a link goes to its neighbour", router1(
			toNext,
			way(hoa, 1, copying(plane.Way{Out: 1, To: station}, s)),
			kernel(down).up(one).out(1, station, passed(down)),
		)},
		{"copies leave while the path holds, and what it held is not copied again", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 9}),
			way(hoa, 1, copying(second, s)),
			kernel(down).up(two),
			path(hoa, agentTunnel).up(one),
		)},
		{"what becomes of a copy is told to nobody", agent(
			way(hoa, 1, copying(plane.Way{Local: ha, Remote: coa2, MTU: 1300}, s)),
			kernel(big).up(tunnel(ha, coa, passed(big))),
			way(hoa, 1, copying(plane.Way{Out: 7, To: station}, s)),
			way(hoa, 2, copying(plane.Way{Out: 6}, s)),
			kernel(down).up(one).out(7, station, passed(down)),
			kernel(hops(down, 1)).drops(plane.DropHopLimit).up(icmp(ha, cn, 3, 0, 0, hops(down, 1))),
		)},
		{"errors about copies stay here, but teach the path", agent(
			way(hoa, 1, copying(second, s)),
			kernel(icmp(hop, ha, 1, 0, 0, two)).drops(plane.DropICMPIgnored),
			kernel(icmp(hop, ha, 2, 0, 1300, quoted(tunnel(ha, coa2, big)))),
			kernel(icmp(hop, ha, 1, 0, 0, one)).up(icmp(ha, cn, 1, 3, 0, passed(down))),
			kernel(big).up(tunnel(ha, coa, passed(big))),
		)},
		{"a copy never leads back", agent(
			way(hoa, 1, copying(plane.Way{Local: ha, Remote: hoa}, s)),
			way(hoa, 2, copying(plane.Way{Local: ha, Remote: ha}, s)),
			kernel(down).up(one),
		)},
	}
}
