package conform

import (
	"time"

	"roam6/plane"
)

// wary is a mobile node that receives by two care-of addresses and drops copies for a second.
func wary(then ...Step) []Step {
	p := mobileTunnel
	p.Dedup = time.Second
	return mobile(append([]Step{path(hoa, p), local(oldCoA, plane.Local{Port: 1}), way(hoa, 1, former)}, then...)...)
}

func dedupCases() []Case {
	s, ms := time.Second, time.Millisecond
	in := func(n byte) []byte { return udp(cn, hoa, 100, n) }
	first := func(n byte) Step { return wire(tunnel(ha, coa, in(n))) }
	second := func(n byte) Step { return wire(tunnel(ha, oldCoA, in(n))) }
	copied := second(1).drops(plane.DropDuplicate)
	return []Case{
		{"a copy by another way is dropped, whichever comes first", wary(
			first(1).up(in(1)), copied,
			second(2).up(in(2)), first(2).drops(plane.DropDuplicate),
		)},
		{"equal packets by one way are never copies", wary(first(1).up(in(1)).times(5))},
		{"the n-th equal packet is a copy of the n-th", wary(
			first(1).up(in(1)).times(3),
			copied.times(3),
			second(1).up(in(1)),
			first(1).drops(plane.DropDuplicate),
			first(1).up(in(1)),
		)},
		{"after the window it is new", wary(
			first(1).up(in(1)),
			second(1).at(s).drops(plane.DropDuplicate),
			first(1).at(s+ms).up(in(1)),
			second(1).at(2*s+2*ms).up(in(1)),
		)},
		{"what changes on the way does not make it another", wary(
			first(1).up(in(1)),
			wire(tunnel(ha, oldCoA, hops(in(1), 9))).drops(plane.DropDuplicate),
			wire(tunnel(ha, oldCoA, class(in(2), 2, 0))).up(class(in(2), 2, 0)),
			wire(class(tunnel(ha, coa, class(in(2), 2, 0)), 3, 0)).drops(plane.DropDuplicate),
			wire(tunnel(ha, coa, class(in(1), 0xb8, 0))).up(class(in(1), 0xb8, 0)),
		)},
		{"another port is another way", wary(
			first(1).up(in(1)),
			func() Step { d := first(1).drops(plane.DropDuplicate); d.Port = 2; return d }(),
		)},
		{"straight and through the tunnel", append(wary(route(hoa, cn, toPeer)),
			wire(routed(in(1))).up(in(1)),
			first(1).drops(plane.DropDuplicate),
			first(2).up(in(2)),
			wire(routed(in(2))).drops(plane.DropDuplicate),
		)},
		{"peers do not disturb each other", wary(
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).up(udp(cn, hoa, 100, 1)),
			wire(tunnel(ha, oldCoA, udp(evil, hoa, 100, 1))).up(udp(evil, hoa, 100, 1)),
		)},
		{"an agent drops copies of what a mobile node bicasts", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Dedup: s}),
			way(hoa, 1, plane.Way{Local: ha, Remote: coa2}),
			kernel(tunnel(coa, ha, numbered(1))).up(numbered(1)),
			kernel(tunnel(coa2, ha, numbered(1))).drops(plane.DropDuplicate),
		)},
		{"a path without a window drops nothing", mobile(
			local(oldCoA, plane.Local{Port: 1}), way(hoa, 1, former),
			first(1).up(in(1)), second(1).up(in(1)),
		)},
		{"more than a path remembers: the oldest is forgotten, nothing is lost", wary(
			first(1).up(in(1)),
			first(2).up(in(2)).times(plane.MaxPathRemembered),
			second(1).up(in(1)),
			second(2).drops(plane.DropDuplicate),
		)},
	}
}
