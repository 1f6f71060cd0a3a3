package conform

import (
	"net/netip"

	"roam6/plane"
	"roam6/wire/ip6"
)

func meter(a netip.Addr, p plane.Port) Step {
	return op(plane.Op{Meter: &plane.MeterOp{Key: plane.MeterKey{Addr: a, Port: p}}})
}

// counts adds what a meter must have counted after the step.
func (s Step) counts(a netip.Addr, p plane.Port, up, down plane.Count) Step {
	s.Meters = append(s.Meters, plane.MeterCount{Addr: a, Port: p, Up: up, Down: down})
	return s
}

func of(packets, octets uint64) plane.Count { return plane.Count{Packets: packets, Octets: octets} }

func meterCases() []Case {
	none := of(0, 0)
	direct := path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1, To: station})
	hold := path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 2})
	return append(tunnelMeterCases(), []Case{
		{"a meter counts what leaves to its address by its port, from when it is there", router1(
			direct,
			give(1),
			meter(hoa, 1).counts(hoa, 1, none, none),
			give(2).counts(hoa, 1, none, of(1, 80)),
			meter(hoa, 1).counts(hoa, 1, none, of(1, 80)),
			give(3).counts(hoa, 1, none, of(2, 160)),
			without(meter(hoa, 1)),
			meter(hoa, 1).counts(hoa, 1, none, none),
		)},
		{"by no other port, to no other address", router1(
			direct,
			meter(hoa, 2), meter(hoa, plane.Kernel), meter(hoa2, 1), meter(cn, 1),
			give(1).counts(hoa, 2, none, none).counts(hoa, plane.Kernel, none, none).counts(hoa2, 1, none, none).counts(cn, 1, none, none),
		)},
		{"what the kernel hands over counts as its port's", router1(
			direct,
			meter(cn, plane.Kernel),
			give(1).counts(cn, plane.Kernel, of(1, 80), none),
			kernel(udp(cn, evil, 80, 1)).counts(cn, plane.Kernel, of(1, 80), none).loose(),
		)},
		{"what waits counts when it leaves, what is lost not at all", router1(
			hold, meter(hoa, 1), meter(cn, plane.Kernel),
			kernel(downward(1)), kernel(downward(2)),
			kernel(downward(3)).drops(plane.DropHoldFull).counts(hoa, 1, none, none).counts(cn, plane.Kernel, none, none),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1, To: station}).out(1, station, delivered(1)).out(1, station, delivered(2)).
				counts(hoa, 1, none, of(2, 160)).counts(cn, plane.Kernel, of(2, 160), none),
			hold,
			kernel(downward(4)),
			without(hold).drops(plane.DropHoldDeleted).counts(cn, plane.Kernel, of(2, 160), none),
		)},
		{"a gate stops what a meter does not count", agent(
			meter(coa, plane.Kernel), meter(hoa, plane.Kernel),
			gate("::/0", plane.Kernel, plane.Gate{}),
			kernel(tunnel(coa, ha, numbered(1))).drops(plane.DropGate).counts(coa, plane.Kernel, none, none),
			gate(visited, plane.Kernel, plane.Gate{Open: true}),
			gate(hoa.String()+"/128", plane.Kernel, plane.Gate{Open: true}),
			kernel(tunnel(coa, ha, numbered(1))).up(numbered(1)).counts(coa, plane.Kernel, of(1, uint64(len(numbered(1))+40)), none).counts(hoa, plane.Kernel, none, none),
		)},
		{"control is not counted", router1(
			meter(coa, 1), meter(routerless, 1),
			wire(udp(coa, ha, 100, 1)).punted().counts(coa, 1, none, none),
			wire(nd(coa, ip6.AllRouters, 133)).punted().counts(coa, 1, none, none),
			wire(nd(routerless, ha, 136)).punted().counts(routerless, 1, none, none),
		)},
		{"an error made here is not counted", router1(
			direct, meter(cn, plane.Kernel), meter(ha, plane.Kernel), meter(hoa, 1),
			kernel(hops(downward(1), 1)).drops(plane.DropHopLimit).up(icmp(ha, cn, 3, 0, 0, hops(downward(1), 1))).
				counts(cn, plane.Kernel, none, none).counts(hoa, 1, none, none),
		)},
		{"a meter of no unicast address is refused", router1(
			meter(ip6.AllNodes, 1).refused(plane.RefusedInvalid),
			meter(netip.MustParseAddr("10.0.0.1"), 1).refused(plane.RefusedInvalid),
			meter(netip.MustParseAddr("fe80::1%eth0"), 1).refused(plane.RefusedInvalid),
		)},
	}...)
}

// tunnelMeterCases are of what comes and goes in tunnels: the addresses on the link count.
func tunnelMeterCases() []Case {
	none := of(0, 0)
	down, up := udp(cn, hoa, 100, 1), udp(hoa, cn, 100, 1)
	big := udp(cn, hoa, 1270, 1)
	return []Case{
		{"a tunnel counts for its ends, with its header", agent(
			meter(coa, plane.Kernel), meter(hoa, plane.Kernel),
			kernel(down).up(tunnel(ha, coa, passed(down))).counts(coa, plane.Kernel, none, of(1, 140)),
			kernel(tunnel(coa, ha, up)).up(up).counts(coa, plane.Kernel, of(1, 140), of(1, 140)).counts(hoa, plane.Kernel, none, none),
			kernel(tunnel(evil, ha, up)).drops(plane.DropTunnelWrong),
			kernel(tunnel(coa, ha, udp(hoa2, cn, 100, 1))).drops(plane.DropTunnelUnknown).counts(coa, plane.Kernel, of(1, 140), of(1, 140)),
		)},
		{"fragments that leave count each, those that come when they are whole", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, MTU: 1280}),
			meter(coa, plane.Kernel), meter(cn, plane.Kernel),
			kernel(big).loose().counts(coa, plane.Kernel, none, of(2, 1310+2*8+40)).counts(cn, plane.Kernel, of(1, 1270), none),
			kernel(piece(tunnel(coa, ha, up), 7, 0, 48)).counts(coa, plane.Kernel, none, of(2, 1366)),
			kernel(piece(tunnel(coa, ha, up), 7, 48, 100)).up(up).counts(coa, plane.Kernel, of(1, 140), of(2, 1366)),
		)},
		{"copies count where they go, their packet once", agent(
			way(hoa, 1, plane.Way{Local: ha, Remote: oldCoA, Copy: true, Until: 1 << 40}),
			meter(coa, plane.Kernel), meter(oldCoA, plane.Kernel), meter(cn, plane.Kernel),
			kernel(down).loose().counts(coa, plane.Kernel, none, of(1, 140)).counts(oldCoA, plane.Kernel, none, of(1, 140)).counts(cn, plane.Kernel, of(1, 100), none),
		)},
		{"a packet that waits while its copy leaves counts once", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 3}),
			way(hoa, 1, plane.Way{Local: ha, Remote: oldCoA, Copy: true, Until: 1 << 40}),
			meter(cn, plane.Kernel), meter(oldCoA, plane.Kernel), meter(coa, plane.Kernel),
			kernel(down).loose().counts(oldCoA, plane.Kernel, none, of(1, 140)),
			path(hoa, agentTunnel).loose().counts(cn, plane.Kernel, of(1, 100), none).counts(coa, plane.Kernel, none, of(1, 140)),
		)},
		{"end markers count nowhere", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Mark: true}),
			meter(coa, plane.Kernel),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2, Mark: true}).loose().counts(coa, plane.Kernel, none, none),
		)},
		{"what waits for older packets counts when it leaves", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Settle: 1 << 30, Limit: 9}),
			way(hoa, 1, plane.Way{Local: ha, Remote: coa}),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2, Settle: 1 << 30, Limit: 9}),
			meter(coa, plane.Kernel), meter(coa2, plane.Kernel),
			kernel(tunnel(coa2, ha, up)).counts(coa2, plane.Kernel, none, none),
			without(way(hoa, 1, plane.Way{})).up(up).counts(coa2, plane.Kernel, of(1, 140), none).counts(coa, plane.Kernel, none, none),
		)},
		{"at a mobile node the applications' port counts", mobile(
			meter(hoa, plane.Kernel), meter(ha, 1),
			kernel(up).out(1, router, tunnel(coa, ha, up)).counts(hoa, plane.Kernel, of(1, 100), none).counts(ha, 1, none, of(1, 140)),
			wire(tunnel(ha, coa, down)).up(down).counts(hoa, plane.Kernel, of(1, 100), of(1, 100)).counts(ha, 1, of(1, 140), of(1, 140)),
		)},
	}
}

// defaultCases are of a link closed to every source that is not let in.
func defaultCases() []Case {
	all := netip.IPv6Unspecified()
	fe80, here := netip.MustParseAddr("fe80::9"), netip.MustParseAddr("fe80::1")
	out := func(a netip.Addr) []byte { return udp(a, cn, 100, 1) }
	stopped := func(b []byte) Step { return wire(b).drops(plane.DropGate) }
	closed := func(then ...Step) []Step {
		return router1(append([]Step{local(here, plane.Local{Port: 1}), gate("::/0", 1, plane.Gate{})}, then...)...)
	}
	nth := func(i int) netip.Addr {
		a := coa.As16()
		a[12], a[13] = byte(i>>8), byte(i)
		return netip.AddrFrom16(a)
	}
	many := make([]Step, 0, 3000)
	for i := range 1000 {
		many = append(many, gate(nth(i).String()+"/128", 1, plane.Gate{Open: true}))
	}
	for i := range 1000 {
		many = append(many, stopped(out(nth(i+1000))), wire(out(nth(i))))
	}
	return []Case{
		{"a link closed by default: what asks for an address and for authentication passes", closed(
			wire(nd(all, ip6.SolicitedNode(coa), 135)).punted(), // duplicate address detection
			wire(nd(all, ip6.AllRouters, 133)).punted(),
			wire(nd(fe80, ip6.AllRouters, 133)).punted(),
			wire(nd(fe80, here, 135)).punted(),
			wire(nd(fe80, here, 136)).punted(),
			wire(icmp(fe80, here, 150, 0, 0, []byte("AAA"))).punted(),
			wire(icmp(coa, here, 150, 0, 0, []byte("AAA"))).punted(),
			wire(icmp(coa, ha, 150, 0, 0, []byte("AAA"))).punted(),
			wire(udp(fe80, here, 100, 1)).punted(),
			wire(icmp(coa, ip6.AllNodes, 128, 0, 0, nil)), // others hear it: no forwarder's affair
		)},
		{"and nothing is sent on but what comes from those let in", closed(
			stopped(out(coa)), stopped(out(fe80)), stopped(out(evil)),
			stopped(icmp(coa, cn, 150, 0, 0, []byte("AAA"))),
			gate(coa.String()+"/128", 1, plane.Gate{Open: true}),
			wire(out(coa)), stopped(out(coa2)),
			without(gate(coa.String()+"/128", 1, plane.Gate{})),
			stopped(out(coa)),
		)},
		{"who may not send may receive", closed(
			path(coa2, plane.Path{Side: plane.Agent, Mode: plane.Direct, Out: 1, To: station}),
			kernel(udp(cn, coa2, 80, 1)).out(1, station, passed(udp(cn, coa2, 80, 1))),
			stopped(out(coa2)),
		)},
		{"thousands let in, and their neighbours not", closed(many...)},
	}
}
