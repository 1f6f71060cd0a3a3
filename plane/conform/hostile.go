package conform

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// hostileCases are packets that somebody made to do harm: each is dropped for a reason that is counted, none is answered with more
// than it brought, and what was there before is there after.
func hostileCases() []Case {
	var all []Case
	for _, part := range [][]Case{cutCases(), falseCases(), quoteCases(), deepCases(), falseEndCases()} {
		all = append(all, part...)
	}
	return all
}

// falseEndCases are end markers that somebody else made.
func falseEndCases() []Case {
	ended := agentTunnel
	ended.Settle, ended.Limit = 100*time.Millisecond, 9
	next := ended
	next.Remote = coa2
	up := func(care netip.Addr, n byte) Step { return kernel(tunnel(care, ha, udp(hoa, cn, 100, n))) }
	end := func(care, src, dst netip.Addr) Step { return kernel(tunnel(care, ha, marker(src, dst))) }
	return []Case{
		{"end markers of strangers let nothing go", moved(9, 0,
			by(coa, down(1)),
			wire(tunnel(evil, oldCoA, marker(ha, hoa))).drops(plane.DropTunnelWrong),
			wire(marker(ha, hoa)).drops(plane.DropNotByTunnel),
			by(oldCoA, marker(evil, hoa)).up(marker(evil, hoa)), // a correspondent's packet
			by(oldCoA, marker(ha, hoa2)).drops(plane.DropTunnelUnknown),
			by(oldCoA, marker(ha, hoa)).up(down(1)),
		)},
		{"nor at the agent", agent(
			path(hoa, ended), way(hoa, 1, plane.Way{Local: ha, Remote: coa}), path(hoa, next),
			up(coa2, 1),
			end(evil, hoa, ha).drops(plane.DropTunnelWrong),
			end(coa, hoa2, ha).drops(plane.DropTunnelUnknown),
			end(coa, hoa, ha).up(udp(hoa, cn, 100, 1)),
		)},
		{"end markers without number hold nothing up", agent(
			path(hoa, ended),
			end(coa, hoa, ha).times(200),
			up(coa, 1).up(udp(hoa, cn, 100, 1)),
			up(coa, 2).at(time.Second).up(udp(hoa, cn, 100, 2)),
			end(coa, hoa, ha).at(time.Second),
			up(coa, 3).at(time.Second).up(udp(hoa, cn, 100, 3)),
		)},
	}
}

// deepCases are tunnel packets in pieces, which hide how many tunnels they are in.
func deepCases() []Case {
	user := udp(evil, evil, 1200, 1)
	foreign, none := limited(hoa, cn, 4, user), limited(hoa, cn, 1, user)
	narrow := mobileTunnel
	narrow.MTU = ip6.MinMTU
	out := limited(coa, ha, plane.EncapLimit-1, tunnel(hoa, cn, user))
	last := func(b []byte) []byte { return piece(b, 1, 1200, len(b)-40) }
	return []Case{
		{"each piece of a tunnel packet tells its limit, so that a loop ends for all of them", mobile(
			path(hoa, narrow),
			kernel(tunnel(hoa, cn, user)).out(1, router, behind(out, 48, 40, 1, 0, 1224)).out(1, router, behind(out, 48, 40, 1, 1224, 1240)),
			kernel(behind(none, 48, 40, 1, 0, 64)).drops(plane.DropEncapLimit).up(icmp(coa, hoa, 4, 0, 44, behind(none, 48, 40, 1, 0, 64))),
			kernel(behind(none, 48, 40, 1, 64, 1200)).drops(plane.DropEncapLimit).
				up(icmp(coa, hoa, 4, 0, 44, quoted(behind(none, 48, 40, 1, 64, 1200)))),
		)},
		{"a piece that hides its limit enters one tunnel more", mobile(
			kernel(piece(tunnel(hoa, cn, user), 1, 0, 640)).out(1, router, limited(coa, ha, plane.EncapLimit-1, piece(tunnel(hoa, cn, user), 1, 0, 640))),
			kernel(last(tunnel(hoa, cn, user))).out(1, router, limited(coa, ha, plane.EncapLimit-1, last(tunnel(hoa, cn, user)))),
			kernel(piece(foreign, 1, 0, 640)).out(1, router, limited(coa, ha, 1, piece(foreign, 1, 0, 640))),
			kernel(last(foreign)).out(1, router, limited(coa, ha, 1, last(foreign))),
			kernel(piece(udp(hoa, cn, 900, 1), 1, 0, 640)).out(1, router, tunnel(coa, ha, piece(udp(hoa, cn, 900, 1), 1, 0, 640))),
		)},
	}
}

// short is a packet that ends after n octets, with a length that says so.
func short(b []byte, n int) []byte {
	b = bytes.Clone(b[:n])
	binary.BigEndian.PutUint16(b[4:], uint16(n-ip6.HeaderLen))
	return b
}

// cutCases are the headers of route optimisation cut short.
func cutCases() []Case {
	up, down := udp(hoa, cn, 60, 1), udp(cn, hoa, 60, 1)
	var home, segment, twice []Step
	for n := range homed(up) {
		home = append(home, wire(homed(up)[:n]).drops(plane.DropMalformed))
		switch {
		case n >= 64:
			home = append(home, wire(short(homed(up), n)).up(short(up, n-24)))
		case n >= 40:
			home = append(home, wire(short(homed(up), n)).up(short(homed(up), n))) // for the kernel, which takes all apart anyway
		}
	}
	for n := range routed(down) {
		segment = append(segment, wire(routed(down)[:n]).drops(plane.DropMalformed))
		switch {
		case n >= 64:
			segment = append(segment, wire(short(routed(down), n)).up(short(down, n-24)))
		case n >= 40:
			segment = append(segment, wire(short(routed(down), n)).drops(plane.DropMalformed))
		}
	}
	there := udp(hoa2, hoa, 60, 1)
	for n := 40; n < 88; n++ {
		twice = append(twice, wire(short(headed(there, coa2, hoa2, coa, hoa), n)).drops(plane.DropMalformed))
	}
	option := func(size byte) []byte {
		return chained(coa, cn, ip6.ProtoDestOpts, join([]byte{ip6.ProtoUDP, 2, 1, 2, 0, 0, 0xc9, size}, hoa.AsSlice()))
	}
	return []Case{
		{"a Home Address option cut at every octet", peer(append(home, wire(homed(up)).up(up))...)},
		{"a routing header cut at every octet", optimised(append(segment, wire(routed(down)).up(down))...)},
		{"both of them cut at every octet", both(append(twice, wire(headed(there, coa2, hoa2, coa, hoa)).up(there))...)},
		{"a home address longer than its header is none, and the kernel's to refuse", peer(
			wire(option(17)).up(option(17)),
			wire(option(255)).up(option(255)),
			wire(option(16)).up(udp(hoa, cn, 100, 1)),
		)},
	}
}

// falseCases are packets in another's name, and toward another.
func falseCases() []Case {
	up, down := udp(hoa, cn, 100, 1), udp(cn, hoa, 100, 1)
	loopback := netip.IPv6Loopback()
	fold := func(src, dst netip.Addr, times int) []byte {
		b := up
		for range times {
			b = tunnel(src, dst, b)
		}
		return b
	}
	return []Case{
		{"home addresses that nobody can have", peer(
			wire(headed(up, coa, ip6.AllNodes, cn, none)).unbound(),
			wire(headed(up, coa, loopback, cn, none)).unbound(),
			wire(headed(up, coa, netip.IPv6Unspecified(), cn, none)).unbound(),
			wire(headed(up, ip6.AllNodes, hoa, cn, none)).drops(plane.DropBadAddress),
		)},
		{"routing headers toward many, or toward this host", optimised(
			wire(headed(down, cn, none, coa, ip6.AllNodes)).drops(plane.DropRouting),
			wire(headed(down, cn, none, coa, loopback)).drops(plane.DropRouting),
			wire(headed(down, cn, none, coa, coa)).drops(plane.DropRouting),
			wire(headed(down, ip6.AllNodes, none, coa, hoa)).drops(plane.DropBadAddress),
		)},
		{"a spoofed home address inside a tunnel", agent(
			route(hoa2, ha, plane.Route{Side: plane.Peer, CareOf: coa2, Out: 1}),
			kernel(tunnel(coa, ha, headed(up, hoa, hoa2, ha, none))).unboundInside(headed(up, hoa, hoa2, ha, none)),
			kernel(tunnel(evil, ha, headed(up, hoa, hoa2, ha, none))).drops(plane.DropTunnelWrong),
		)},
		{"a tunnel in a tunnel of the same ends is nobody's", agent(
			kernel(fold(coa, ha, 2)).drops(plane.DropTunnelUnknown),
			kernel(fold(coa, ha, 9)).drops(plane.DropTunnelUnknown),
			kernel(fold(coa, ha, 1)).up(up),
		)},
		{"a tunnel from ourselves to ourselves", mobile(
			wire(tunnel(coa, coa, down)).drops(plane.DropTunnelWrong),
			wire(tunnel(coa, coa, tunnel(ha, coa, down))).drops(plane.DropTunnelUnknown),
			wire(tunnel(ha, coa, tunnel(ha, coa, down))).drops(plane.DropTunnelUnknown),
		)},
		{"a binding that leads a packet back to its sender", peer(
			route(hoa, cn, plane.Route{Side: plane.Peer, CareOf: cn, Out: 1}),
			kernel(down).drops(plane.DropEncapLoop),
			wire(headed(up, cn, hoa, cn, none)).up(up),
		)},
	}
}

// unboundInside is unbound for a packet that a tunnel brought.
func (s Step) unboundInside(b []byte) Step { return s.punts(b).drops(plane.DropHomeAddress) }

// quoteCases are ICMPv6 errors that show what they like.
func quoteCases() []Case {
	big, small, down := udp(hoa, cn, 1460, 1), udp(hoa, cn, 60, 1), udp(cn, hoa, 60, 1)
	bent := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[43] ^= 1
		return b
	}
	var unreachable, tooBig, atAgent []Step
	sent := tunnel(coa, ha, small)
	for n := range len(sent) + 1 {
		about := wire(icmp(hop, coa, 1, 0, 0, sent[:n]))
		quiet := wire(icmp(hop, coa, 2, 0, 1500, sent[:n]))
		back := kernel(icmp(hop, ha, 1, 0, 0, tunnel(ha, coa, down)[:n]))
		switch {
		case n < 40:
			about, quiet, back = about.punted(), quiet.punted(), back.punted()
		case n < 80:
			about, quiet, back = about.drops(plane.DropICMPUnknown), quiet.drops(plane.DropICMPUnknown), back.drops(plane.DropICMPUnknown)
		default:
			about, back = about.up(icmp(coa, hoa, 1, 3, 0, small[:n-40])), back.up(icmp(ha, cn, 1, 3, 0, down[:n-40]))
		}
		at := plane.ICMPInterval * plane.ICMPBurst
		unreachable, tooBig, atAgent = append(unreachable, about.at(at)), append(tooBig, quiet), append(atAgent, back.at(at))
		if n == 80 { // the next errors have a full bucket again
			break
		}
	}
	return []Case{
		{"a wrong checksum is nobody's error, and teaches no path MTU", mobile(
			wire(bent(icmp(hop, coa, 2, 0, 1300, quoted(tunnel(coa, ha, big))))).drops(plane.DropICMPChecksum),
			wire(bent(icmp(hop, coa, 1, 0, 0, tunnel(coa, ha, small)))).drops(plane.DropICMPChecksum),
			kernel(big).out(1, router, tunnel(coa, ha, big)),
		)},
		{"neither at the agent, nor about what went straight", append(agent(
			kernel(bent(icmp(hop, ha, 2, 0, 1300, tunnel(ha, coa, down)))).drops(plane.DropICMPChecksum),
		), optimised(
			wire(bent(icmp(hop, coa, 2, 0, 1300, quoted(homed(big))))).drops(plane.DropICMPChecksum),
			kernel(big).out(1, router, homed(big)),
		)...)},
		{"an error that shows any part of a tunnel packet", mobile(append(unreachable, kernel(big).out(1, router, tunnel(coa, ha, big)))...)},
		{"at the agent too", agent(atAgent...)},
		{"a Packet Too Big that shows any part of what fits", mobile(append(tooBig, kernel(big).out(1, router, tunnel(coa, ha, big)))...)},
		{"an error about a tunnel packet in a tunnel packet", mobile(
			wire(icmp(hop, coa, 1, 0, 0, tunnel(coa, ha, tunnel(coa, ha, small)))).drops(plane.DropICMPUnknown),
			wire(icmp(hop, coa, 2, 0, 1300, tunnel(coa, ha, tunnel(evil, ha, small)))).drops(plane.DropICMPUnknown),
			kernel(big).out(1, router, tunnel(coa, ha, big)),
		)},
		{"an error with nothing in it, and one about itself", mobile(
			wire(icmp(hop, coa, 2, 0, 1300, nil)).punted(),
			wire(icmp(hop, coa, 2, 0, 1300, quoted(icmp(hop, coa, 2, 0, 1300, nil)))).punted(),
			kernel(big).out(1, router, tunnel(coa, ha, big)),
		)},
	}
}
