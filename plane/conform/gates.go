package conform

import (
	"fmt"
	"net/netip"

	"roam6/plane"
	"roam6/wire/ip6"
)

// visited is the prefix of an access router's link.
const visited = "2001:db8:a:1::/64"

func gateCases() []Case {
	out := udp(coa, cn, 100, 1)
	stopped := func(s Step) Step { return s.drops(plane.DropGate) }
	byPort := func(p plane.Port, b []byte) Step { return Step{Port: p, From: router, Data: b} }
	host := func(a netip.Addr) string { return fmt.Sprint(netip.PrefixFrom(a, 128)) }
	return []Case{
		{"what comes from behind a closed gate is not sent on", router1(
			wire(out),
			gate(visited, 1, plane.Gate{}),
			stopped(wire(out)),
			byPort(2, out),
			wire(udp(coa2, cn, 100, 1)),
			without(gate(visited, 1, plane.Gate{})),
			wire(out),
		)},
		{"what the source needs to authenticate passes", router1(
			gate(visited, 1, plane.Gate{}),
			wire(nd(coa, ip6.AllRouters, 133)).punted(),
			wire(nd(coa, ha, 136)).punted(),
			wire(udp(coa, ha, 100, 1)).punted(),
			wire(udp(coa, ip6.AllRouters, 100, 1)),
		)},
		{"an open gate is an exception; the longest prefix wins", router1(
			gate(visited, 1, plane.Gate{}),
			gate(host(coa), 1, plane.Gate{Open: true}),
			wire(out),
			stopped(wire(udp(netip.MustParseAddr("2001:db8:a:1::101"), cn, 100, 1))),
			gate(host(coa), 1, plane.Gate{}),
			stopped(wire(out)),
			gate("2001:db8:a:1::100/127", 1, plane.Gate{Open: true}),
			without(gate(host(coa), 1, plane.Gate{})),
			wire(out),
		)},
		{"a gate stops what a tunnel brings too", agent(
			gate(visited, plane.Kernel, plane.Gate{}),
			stopped(kernel(tunnel(coa, ha, numbered(1)))),
			without(gate(visited, plane.Kernel, plane.Gate{})),
			gate(host(hoa), plane.Kernel, plane.Gate{}),
			stopped(kernel(tunnel(coa, ha, numbered(1)))),
			without(gate(host(hoa), plane.Kernel, plane.Gate{})),
			kernel(tunnel(coa, ha, numbered(1))).up(numbered(1)),
		)},
		{"and what comes straight", optimised(
			gate(host(cn), 1, plane.Gate{}),
			stopped(wire(routed(udp(cn, hoa, 100, 1)))),
			wire(udp(cn, coa, 100, 1)).punted(),
		)},
		{"and what a kernel hands over", agent(
			gate("::/0", plane.Kernel, plane.Gate{}),
			stopped(kernel(udp(cn, hoa, 100, 1))),
			kernel(udp(cn, ha, 100, 1)).punted(),
			gate("2001:db8:c::/48", plane.Kernel, plane.Gate{Open: true}),
			kernel(udp(cn, hoa, 100, 1)).up(tunnel(ha, coa, passed(udp(cn, hoa, 100, 1)))),
		)},
		{"receiving into a hold while the gate is closed", router1(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 9}),
			gate(host(hoa), 1, plane.Gate{}),
			kernel(downward(1)),
			stopped(wire(udp(hoa, cn, 100, 1))),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1, To: station}).out(1, station, delivered(1)),
			stopped(wire(udp(hoa, cn, 100, 1))),
			gate(host(hoa), 1, plane.Gate{Open: true}),
			wire(udp(hoa, cn, 100, 1)),
		)},
		{"a gate of no IPv6 prefix is refused", router1(
			gate("10.0.0.0/8", 1, plane.Gate{}).refused(plane.RefusedInvalid),
		)},
	}
}

func limitCases() []Case {
	var ways, flows, shapes []Step
	for n := range uint16(plane.MaxPathWays) {
		ways = append(ways, way(hoa, n+1, plane.Way{Local: ha, Remote: oldCoA}))
	}
	for n := range uint32(plane.MaxFlows) {
		flows = append(flows, flow(n, plane.Flow{DstPort: uint16(n + 1)}))
	}
	for n := range plane.MaxFlowShapes {
		shapes = append(shapes, flow(uint32(n), plane.Flow{Src: netip.PrefixFrom(evil, 128-n)}))
	}
	down := udp(cn, hoa, 100, 1)
	still := kernel(down).up(tunnel(ha, coa, passed(down)))
	return []Case{
		{"a path with all its ways takes no more, and loses none", agent(append(ways,
			way(hoa, 99, plane.Way{Local: ha, Remote: coa2}).refused(plane.RefusedFull),
			kernel(tunnel(coa2, ha, numbered(1))).drops(plane.DropTunnelWrong),
			kernel(tunnel(oldCoA, ha, numbered(1))).up(numbered(1)),
			way(hoa2, 99, plane.Way{Local: ha, Remote: coa2}),
			way(hoa, 1, plane.Way{Local: ha, Remote: coa2}),
			kernel(tunnel(coa2, ha, numbered(1))).up(numbered(1)),
			without(way(hoa, 2, plane.Way{})),
			way(hoa, 99, plane.Way{Local: ha, Remote: coa2}),
			way(hoa, 0, plane.Way{Local: ha, Remote: coa2}).refused(plane.RefusedInvalid),
		)...)},
		{"flows up to the limit, and no more", agent(append(flows,
			flow(plane.MaxFlows, plane.Flow{DstPort: 9999, Rate: 1, Burst: 1}).refused(plane.RefusedFull),
			still,
			flow(7, plane.Flow{Dst: netip.PrefixFrom(hoa, 128), Rate: 1, Burst: 1}),
			kernel(down).drops(plane.DropPoliced),
		)...)},
		{"flows of so many shapes, and no more", agent(append(shapes,
			flow(1000, plane.Flow{Dst: netip.PrefixFrom(hoa, 128), Rate: 1, Burst: 1}).refused(plane.RefusedFull),
			still,
			flow(1000, plane.Flow{Src: netip.PrefixFrom(cn, 128), Rate: 1, Burst: 1}),
			kernel(down).drops(plane.DropPoliced),
			without(flow(3, plane.Flow{})),
			flow(1000, plane.Flow{Dst: netip.PrefixFrom(hoa, 128)}),
			still,
		)...)},
	}
}
