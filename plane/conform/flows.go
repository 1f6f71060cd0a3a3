package conform

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// ported is a UDP packet with ports.
func ported(src, dst netip.Addr, from, to uint16) []byte {
	b := udp(src, dst, 100, 1)
	binary.BigEndian.PutUint16(b[40:], from)
	binary.BigEndian.PutUint16(b[42:], to)
	return b
}

// marked is the packet with a code point, its congestion mark untouched.
func marked(b []byte, dscp uint8) []byte {
	word := binary.BigEndian.Uint32(b)
	return class(b, dscp<<2|uint8(word>>20)&3, word&0xfffff)
}

func flowCases() []Case {
	return append(matchCases(), policeCases()...)
}

func matchCases() []Case {
	host := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, 128) }
	mark := func(f plane.Flow, dscp uint8) plane.Flow { f.Mark, f.DSCP = true, dscp; return f }
	down := ported(cn, hoa, 7000, 5060)
	as := func(b []byte, dscp uint8) []byte { return tunnel(ha, coa, marked(passed(b), dscp)) }
	plain := func(b []byte) Step { return kernel(b).up(tunnel(ha, coa, passed(b))) }
	is := func(b []byte, dscp uint8) Step { return kernel(b).up(as(b, dscp)) }
	whole := ported(cn, hoa, 7000, 5060)
	tcp := proto(ip6.ProtoTCP, ported(cn, hoa, 7000, 5060))
	behindOpts := extended(down, ip6.ProtoDestOpts, []byte{17, 0, 1, 4, 0, 0, 0, 0})
	return []Case{
		{"a mark is on the packet and its tunnel, the congestion mark stays", agent(
			flow(1, mark(plane.Flow{}, 46)),
			is(down, 46), is(class(down, 0x22, 0x12345), 46), is(class(down, 3, 0), 46),
			flow(1, mark(plane.Flow{}, 0)),
			is(class(down, 0xba, 7), 0),
			without(flow(1, plane.Flow{})),
			plain(class(down, 0xba, 7)),
		)},
		{"each part of a flow must match", agent(
			flow(1, mark(plane.Flow{Src: host(cn), Dst: host(hoa), Proto: 17, SrcPort: 7000, DstPort: 5060}, 1)),
			is(down, 1), is(behindOpts, 1),
			plain(ported(cn, hoa, 7001, 5060)), plain(ported(cn, hoa, 7000, 5061)), plain(tcp), plain(ported(evil, hoa, 7000, 5060)),
			path(hoa2, agentTunnel),
			plain(ported(cn, hoa2, 7000, 5060)),
			flow(1, mark(plane.Flow{Src: netip.MustParsePrefix("2001:db8:c::/47"), DstPort: 5060}, 2)),
			is(down, 2), is(tcp, 2), is(ported(netip.MustParseAddr("2001:db8:d::1"), hoa, 1, 5060), 2),
			plain(ported(evil, hoa, 7000, 5060)),
		)},
		{"the lowest number that matches wins", agent(
			flow(30, mark(plane.Flow{}, 30)),
			flow(20, mark(plane.Flow{Dst: host(hoa)}, 20)),
			flow(10, mark(plane.Flow{Src: host(cn)}, 10)),
			is(down, 10),
			flow(5, mark(plane.Flow{Src: host(cn)}, 5)),
			is(down, 5),
			without(flow(5, plane.Flow{})),
			is(down, 10),
			without(flow(10, plane.Flow{})),
			is(down, 20),
			without(flow(20, plane.Flow{})),
			is(down, 30),
			flow(0, plane.Flow{Proto: 17}),
			plain(down),
		)},
		{"fragments but the first have no ports", agent(
			flow(1, mark(plane.Flow{DstPort: 5060}, 1)),
			flow(2, mark(plane.Flow{Proto: 17}, 2)),
			is(piece(whole, 1, 0, 40), 1),
			is(piece(whole, 1, 40, 60), 2),
			is(proto(ip6.ProtoICMPv6, ported(cn, hoa, 7000, 5060)), 0).plainly(),
			is(udp(cn, hoa, 43, 1), 2), // too short to have ports
		)},
		{"what a mobile node sends is matched at its agent, by the addresses inside", agent(
			flow(1, mark(plane.Flow{Src: host(hoa)}, 46)),
			kernel(tunnel(coa, ha, numbered(1))).up(marked(numbered(1), 46)),
			path(hoa2, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2}),
			kernel(tunnel(coa, ha, udp(hoa, hoa2, 100, 1))).up(tunnel(ha, coa2, passed(marked(udp(hoa, hoa2, 100, 1), 46)))),
		)},
		{"and at the mobile node; what it receives is not", mobile(
			flow(1, mark(plane.Flow{}, 46)),
			kernel(numbered(1)).out(1, router, tunnel(coa, ha, marked(numbered(1), 46))),
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).up(udp(cn, hoa, 100, 1)),
			route(hoa, cn, toPeer),
			kernel(numbered(1)).out(1, router, homed(marked(numbered(1), 46))),
		)},
		{"a flow takes a way of the path, if there is one", mobile(
			link(2, plane.Link{Gateway: router2, MTU: 1500}),
			flow(1, plane.Flow{DstPort: 5060, Way: 2}),
			route(hoa, cn, toPeer),
			kernel(ported(hoa, cn, 1, 5060)).out(1, router, homed(ported(hoa, cn, 1, 5060))),
			way(hoa, 2, plane.Way{Local: coa2, Remote: ha, Out: 2}),
			kernel(ported(hoa, cn, 1, 5060)).out(2, router2, tunnel(coa2, ha, ported(hoa, cn, 1, 5060))),
			kernel(ported(hoa, cn, 1, 5061)).out(1, router, homed(ported(hoa, cn, 1, 5061))),
			way(hoa, 2, copying(plane.Way{Local: coa2, Remote: ha, Out: 2}, time.Hour)),
			kernel(ported(hoa, cn, 1, 5060)).out(2, router2, tunnel(coa2, ha, ported(hoa, cn, 1, 5060))),
			holding(9, 0),
			way(hoa, 2, plane.Way{Local: coa2, Remote: ha, Out: 2}),
			kernel(ported(hoa, cn, 1, 5060)),
			path(hoa, mobileTunnel).out(2, router2, tunnel(coa2, ha, ported(hoa, cn, 1, 5060))),
		)},
	}
}

// plainly expects an unmarked packet, for what no flow matches.
func (s Step) plainly() Step {
	s.Out = nil
	return s.up(tunnel(ha, coa, passed(s.Data)))
}

func policeCases() []Case {
	s, ms := time.Second, time.Millisecond
	down := udp(cn, hoa, 100, 1)
	pass := kernel(down).up(tunnel(ha, coa, passed(down)))
	beyond := kernel(down).drops(plane.DropPoliced)
	rate := func(rate, burst int) Step { return flow(1, plane.Flow{Rate: rate, Burst: burst}) }
	often := agent(rate(3, 100), pass) // an octet each third of a second
	for at := 400 * ms; at < 33*s; at += 400 * ms {
		often = append(often, beyond.at(at))
	}
	return []Case{
		{"a policer passes a burst, then its rate", agent(
			rate(1000, 300),
			pass.times(3), beyond,
			pass.at(100*ms), beyond.at(100*ms),
			beyond.at(199*ms), pass.at(200*ms),
			pass.at(s).times(3), beyond.at(s),
			pass.at(time.Hour).times(3), beyond.at(time.Hour),
		)},
		{"parts of an octet are not lost, however often one asks", append(often, beyond.at(33*s+333*ms), pass.at(33*s+335*ms))},
		{"a packet larger than the burst never passes", agent(rate(1_000_000, 99), beyond, beyond.at(time.Hour))},
		{"without a burst a large packet passes all the same", agent(
			rate(1, 0), pass.times(plane.MinBurst/100), beyond,
		)},
		{"a policer goes on when it is told again, and starts anew when it changes", agent(
			rate(1000, 300), pass.times(3), rate(1000, 300), beyond,
			rate(1000, 200), pass.times(2), beyond,
		)},
		{"what waits has been counted", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Hold, Limit: 9}),
			rate(1, 200),
			kernel(down), kernel(down), beyond,
			path(hoa, agentTunnel).up(tunnel(ha, coa, passed(down))).up(tunnel(ha, coa, passed(down))),
		)},
		{"values out of range are refused", agent(
			flow(1, plane.Flow{DSCP: 64}).refused(plane.RefusedInvalid),
			rate(-1, 0).refused(plane.RefusedInvalid),
			rate(1, -1).refused(plane.RefusedInvalid),
			rate(plane.MaxRate+1, 0).refused(plane.RefusedInvalid),
			rate(1, plane.MaxBurst+1).refused(plane.RefusedInvalid),
			flow(1, plane.Flow{Src: netip.MustParsePrefix("10.0.0.0/8")}).refused(plane.RefusedInvalid),
			pass,
		)},
	}
}
