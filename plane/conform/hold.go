package conform

import (
	"net/netip"
	"time"

	"roam6/plane"
)

// holding is a mobile node's path that keeps packets.
func holding(limit int, age time.Duration) Step {
	return path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Hold, Limit: limit, Age: age})
}

// numbered is the n-th packet of an application, and inTunnel the same as it must leave.
func numbered(n byte) []byte { return udp(hoa, cn, 80, n) }
func inTunnel(n byte) []byte { return tunnel(coa, ha, numbered(n)) }

func holdCases() []Case {
	ms := time.Millisecond
	return []Case{
		{"held packets leave in order when the path changes", mobile(
			holding(10, 0),
			kernel(numbered(1)), kernel(numbered(2)), kernel(numbered(3)),
			path(hoa, mobileTunnel).out(1, router, inTunnel(1)).out(1, router, inTunnel(2)).out(1, router, inTunnel(3)),
			kernel(numbered(4)).out(1, router, inTunnel(4)),
			path(hoa, mobileTunnel),
		)},
		{"held packets leave by the new way", mobile(
			holding(10, 0),
			kernel(numbered(1)),
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: 1}).out(1, router, numbered(1)),
		)},
		{"a full hold drops the newest", mobile(
			holding(2, 0),
			kernel(numbered(1)), kernel(numbered(2)),
			kernel(numbered(3)).drops(plane.DropHoldFull),
			path(hoa, mobileTunnel).out(1, router, inTunnel(1)).out(1, router, inTunnel(2)),
		)},
		{"a hold without a limit keeps nothing", mobile(
			holding(0, 0),
			kernel(numbered(1)).drops(plane.DropHoldFull),
			path(hoa, mobileTunnel),
		)},
		{"what waited too long is not sent", mobile(
			holding(10, 100*ms),
			kernel(numbered(1)).at(0), kernel(numbered(2)).at(50*ms), kernel(numbered(3)).at(120*ms),
			path(hoa, mobileTunnel).at(150*ms).drops(plane.DropHoldAged).
				out(1, router, inTunnel(2)).out(1, router, inTunnel(3)),
		)},
		{"what waited too long makes room", mobile(
			holding(1, 100*ms),
			kernel(numbered(1)).at(0),
			kernel(numbered(2)).at(101*ms).drops(plane.DropHoldAged),
			path(hoa, mobileTunnel).at(150*ms).out(1, router, inTunnel(2)),
		)},
		{"holding on goes on holding", mobile(
			holding(2, 0),
			kernel(numbered(1)),
			holding(3, 0),
			kernel(numbered(2)), kernel(numbered(3)),
			path(hoa, mobileTunnel).out(1, router, inTunnel(1)).out(1, router, inTunnel(2)).out(1, router, inTunnel(3)),
		)},
		{"a deleted path drops what it held", mobile(
			holding(10, 0),
			kernel(numbered(1)), kernel(numbered(2)),
			func() Step { s := without(holding(0, 0)); return s.dropsN(plane.DropHoldDeleted, 2) }(),
			path(hoa, mobileTunnel),
		)},
		{"a hold that names its tunnel goes on receiving", mobile(
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Hold, Limit: 9, Local: coa, Remote: ha}),
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).up(udp(cn, hoa, 100, 1)),
			holding(9, 0),
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).drops(plane.DropTunnelWrong),
		)},
		{"an agent holds, and takes its hop when it sends", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 9, Capture: true}),
			kernel(udp(cn, hoa, 100, 1)),
			path(hoa, agentTunnel).up(tunnel(ha, coa, passed(udp(cn, hoa, 100, 1)))),
		)},
		{"paths hold apart", mobile(
			holding(10, 0),
			path(hoa2, plane.Path{Side: plane.Mobile, Mode: plane.Hold, Limit: 10}),
			kernel(numbered(1)), kernel(udp(hoa2, cn, 80, 9)), kernel(numbered(2)),
			path(hoa2, plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: 1}).out(1, router, udp(hoa2, cn, 80, 9)),
			path(hoa, mobileTunnel).out(1, router, inTunnel(1)).out(1, router, inTunnel(2)),
		)},
		{"a hold of a prefix is that of its hosts", agent(
			prefixPath(network, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 9}),
			kernel(udp(cn, inNet(1), 100, 1)), kernel(udp(cn, inNet(2), 100, 2)),
			prefixPath(netip.PrefixFrom(inNet(9), 64), agentTunnel).
				up(tunnel(ha, coa, passed(udp(cn, inNet(1), 100, 1)))).
				up(tunnel(ha, coa, passed(udp(cn, inNet(2), 100, 2)))),
		)},
	}
}
