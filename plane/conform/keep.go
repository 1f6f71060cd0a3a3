package conform

import (
	"time"

	"roam6/plane"
)

// onLink is the path of an access router to a mobile node on its link, keeping copies; toNext its tunnel to the next router.
func onLink(limit, octets int, age time.Duration) Step {
	return path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1, To: station, Keep: true, Limit: limit, Octets: octets, Age: age, Capture: true})
}

var (
	station = plane.HW{2, 0, 0, 0, 0, 9}
	toNext  = path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Capture: true})
)

// down and across are the n-th packet for the mobile node, on its link and in the tunnel to the next router.
func downward(n byte) []byte  { return udp(cn, hoa, 80, n) }
func delivered(n byte) []byte { return passed(downward(n)) }
func across(n byte) []byte    { return tunnel(ha, coa, delivered(n)) }

func router1(then ...Step) []Step {
	return append([]Step{link(1, plane.Link{Gateway: router, MTU: 1500}), local(ha, plane.Local{Capture: true})}, then...)
}

// give is the n-th packet, delivered on the link.
func give(n byte) Step { return kernel(downward(n)).out(1, station, delivered(n)) }

func keepCases() []Case {
	ms := time.Millisecond
	held := func(limit, octets int, policy plane.DropPolicy) Step {
		return path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: limit, Octets: octets, Policy: policy})
	}
	return append([]Case{
		{"a path delivers to a neighbour", router1(onLink(0, 0, 0), give(1), toNext, kernel(downward(2)).up(across(2)))},
		{"copies of what was sent leave by the next way, ahead of what comes", router1(
			onLink(10, 0, 0),
			give(1), give(2), give(3),
			toNext.up(across(1)).up(across(2)).up(across(3)),
			kernel(downward(4)).up(across(4)),
			toNext,
		)},
		{"copies leave once, unless the next way keeps too", router1(
			onLink(10, 0, 0), give(1),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Keep: true, Limit: 10}).up(across(1)),
			kernel(downward(2)).up(across(2)),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2}).
				up(tunnel(ha, coa2, delivered(1))).up(tunnel(ha, coa2, delivered(2))),
			toNext,
		)},
		{"the same way again is no change", router1(
			onLink(10, 0, 0), give(1), onLink(9, 0, time.Hour), give(2),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1, To: router2, Keep: true, Limit: 10}).
				out(1, router2, delivered(1)).out(1, router2, delivered(2)),
		)},
		{"a path that keeps no longer forgets", router1(
			onLink(10, 0, 0), give(1),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1, To: station}),
			toNext,
		)},
		{"new copies push out old ones without a word", router1(
			onLink(2, 0, 0), give(1), give(2), give(3),
			toNext.up(across(2)).up(across(3)),
		)},
		{"copies are bounded by octets", router1(
			onLink(10, 200, 0), give(1), give(2), give(3),
			kernel(udp(cn, hoa, 300, 9)).out(1, station, passed(udp(cn, hoa, 300, 9))),
			toNext,
			onLink(10, 200, 0), give(4), give(5), give(6),
			toNext.up(across(5)).up(across(6)),
		)},
		{"copies too old are not sent, and no loss", router1(
			onLink(10, 0, 100*ms),
			give(1).at(0), give(2).at(50*ms), give(3).at(120*ms),
			toNext.at(150*ms).up(across(2)).up(across(3)),
		)},
		{"what was not sent is not kept", router1(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 2, Keep: true, Limit: 10}),
			kernel(downward(1)).drops(plane.DropNoGateway),
			kernel(hops(downward(1), 1)).drops(plane.DropHopLimit).up(icmp(ha, cn, 3, 0, 0, hops(downward(1), 1))),
			toNext,
		)},
		{"copies wait where the path waits, and make room", router1(
			onLink(10, 0, 0), give(1), give(2), give(3),
			held(3, 0, ""),
			kernel(downward(4)), kernel(downward(5)),
			toNext.up(across(3)).up(across(4)).up(across(5)),
		)},
		{"copies never cost a packet its place", router1(
			onLink(10, 0, 0), give(1), give(2),
			held(2, 0, ""),
			kernel(downward(3)), kernel(downward(4)), kernel(downward(5)).drops(plane.DropHoldFull),
			without(toNext).dropsN(plane.DropHoldDeleted, 2),
		)},
		{"a deleted path forgets its copies", router1(onLink(10, 0, 0), give(1), without(toNext), toNext)},
	}, policyCases(held)...)
}

func policyCases(held func(int, int, plane.DropPolicy) Step) []Case {
	return []Case{
		{"a full hold drops the oldest if told to", router1(
			held(2, 0, plane.Oldest),
			kernel(downward(1)), kernel(downward(2)),
			kernel(downward(3)).drops(plane.DropHoldFull),
			toNext.up(across(2)).up(across(3)),
		)},
		{"a hold is bounded by octets", router1(
			held(10, 200, plane.Newest),
			kernel(downward(1)), kernel(downward(2)),
			kernel(downward(3)).drops(plane.DropHoldFull),
			kernel(udp(cn, hoa, 40, 9)),
			kernel(udp(cn, hoa, 41, 9)).drops(plane.DropHoldFull),
			toNext.up(across(1)).up(across(2)).up(tunnel(ha, coa, passed(udp(cn, hoa, 40, 9)))),
		)},
		{"many small packets give way to a large one", router1(
			held(10, 200, plane.Oldest),
			kernel(downward(1)), kernel(downward(2)),
			kernel(udp(cn, hoa, 150, 9)).dropsN(plane.DropHoldFull, 2),
			toNext.up(tunnel(ha, coa, passed(udp(cn, hoa, 150, 9)))),
		)},
		{"one that never fits costs no other its place", router1(
			held(10, 200, plane.Oldest),
			kernel(downward(1)),
			kernel(udp(cn, hoa, 201, 9)).drops(plane.DropHoldFull),
			toNext.up(across(1)),
			held(0, 0, plane.Oldest),
			kernel(downward(2)).drops(plane.DropHoldFull),
		)},
	}
}
