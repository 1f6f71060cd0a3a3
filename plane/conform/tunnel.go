package conform

import (
	"encoding/hex"
	"net/netip"

	"roam6/plane"
	"roam6/wire/ip6"
)

func tunnelCases() []Case {
	var all []Case
	for _, part := range [][]Case{encapCases(), decapCases(), nestingCases(), classCases()} {
		all = append(all, part...)
	}
	return all
}

func encapCases() []Case {
	return []Case{
		{"mobile node encapsulates by source, hop limit untouched", mobile(
			kernel(udp(hoa, cn, 100, 1)).out(1, router, tunnel(coa, ha, udp(hoa, cn, 100, 1))),
			kernel(hops(udp(hoa, cn, 100, 1), 1)).out(1, router, tunnel(coa, ha, hops(udp(hoa, cn, 100, 1), 1))),
		)},
		{"agent encapsulates by destination and takes one hop", agent(
			kernel(udp(cn, hoa, 100, 1)).up(tunnel(ha, coa, passed(udp(cn, hoa, 100, 1)))),
		)},
		{"octets of an encapsulated packet", mobile(
			kernel(hexed("60012345 0004 3b 40 20010db8000000010000000000000100 20010db8000c00000000000000000001 01020304")).
				out(1, router, hexed("60012345 002c 29 40 20010db8000a00010000000000000100 20010db8000000010000000000000001"+
					"60012345 0004 3b 40 20010db8000000010000000000000100 20010db8000c00000000000000000001 01020304")),
		)},
		{"the longest prefix wins", agent(
			prefixPath(network, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2}),
			path(inNet(1), plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa}),
			kernel(udp(cn, inNet(1), 100, 1)).up(tunnel(ha, coa, passed(udp(cn, inNet(1), 100, 1)))),
			kernel(udp(cn, inNet(2), 100, 1)).up(tunnel(ha, coa2, passed(udp(cn, inNet(2), 100, 1)))),
			without(path(inNet(1), plane.Path{})),
			kernel(udp(cn, inNet(1), 100, 1)).up(tunnel(ha, coa2, passed(udp(cn, inNet(1), 100, 1)))),
		)},
		{"a changed path is used at once", mobile(
			local(coa2, plane.Local{Port: 2}),
			link(2, plane.Link{Gateway: router2, MTU: 1500}),
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: coa2, Remote: ha, Out: 2}),
			kernel(udp(hoa, cn, 100, 1)).out(2, router2, tunnel(coa2, ha, udp(hoa, cn, 100, 1))),
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).drops(plane.DropTunnelWrong),
		)},
		{"no gateway", mobile(
			link(1, plane.Link{MTU: 1500}),
			kernel(udp(hoa, cn, 100, 1)).drops(plane.DropNoGateway),
			without(link(1, plane.Link{})),
			kernel(udp(hoa, cn, 100, 1)).drops(plane.DropNoGateway),
		)},
		{"a tunnel without ends is no tunnel", mobile(
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Out: 1}),
			kernel(udp(hoa, cn, 100, 1)).drops(plane.DropPathInvalid),
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: coa, Out: 1}),
			kernel(udp(hoa, cn, 100, 1)).drops(plane.DropPathInvalid),
			path(hoa, plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Remote: ha, Out: 1}),
			kernel(udp(hoa, cn, 100, 1)).drops(plane.DropPathInvalid),
		)},
	}
}

func decapCases() []Case {
	return []Case{
		{"mobile node decapsulates for its home address", mobile(
			wire(tunnel(ha, coa, udp(cn, hoa, 100, 1))).up(udp(cn, hoa, 100, 1)),
			wire(limited(ha, coa, 5, udp(cn, hoa, 100, 1))).up(udp(cn, hoa, 100, 1)),
		)},
		{"agent decapsulates from the care-of address", agent(
			kernel(tunnel(coa, ha, udp(hoa, cn, 100, 1))).up(udp(hoa, cn, 100, 1)),
		)},
		{"link padding is cut off, outside and inside", mobile(
			wire(append(tunnel(ha, coa, udp(cn, hoa, 41, 1)), 0, 0, 0)).up(udp(cn, hoa, 41, 1)),
			wire(tunnel(ha, coa, append(udp(cn, hoa, 41, 1), 0, 0))).up(udp(cn, hoa, 41, 1)),
		)},
		{"spoofed outer source at the mobile node, RFC 6275 §11.3.1", mobile(
			wire(tunnel(evil, coa, udp(cn, hoa, 100, 1))).drops(plane.DropTunnelWrong),
		)},
		{"spoofed outer source at the agent, RFC 6275 §10.4.5", agent(
			kernel(tunnel(evil, ha, udp(hoa, cn, 100, 1))).drops(plane.DropTunnelWrong),
			kernel(tunnel(oldCoA, ha, udp(hoa, cn, 100, 1))).drops(plane.DropTunnelWrong),
		)},
		{"spoofed inner source from a known care-of address", agent(
			path(hoa2, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2}),
			kernel(tunnel(coa, ha, udp(evil, cn, 100, 1))).drops(plane.DropTunnelUnknown),
			kernel(tunnel(coa, ha, udp(hoa2, cn, 100, 1))).drops(plane.DropTunnelWrong),
		)},
		{"inner destination that is not ours", mobile(
			wire(tunnel(ha, coa, udp(cn, evil, 100, 1))).drops(plane.DropTunnelUnknown),
		)},
		{"from one mobile node to another", agent(
			path(hoa2, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa2}),
			kernel(tunnel(coa, ha, udp(hoa, hoa2, 100, 1))).up(tunnel(ha, coa2, passed(udp(hoa, hoa2, 100, 1)))),
		)},
		{"link-local inner destinations stay out, RFC 6275 §10.4.2", agent(
			kernel(tunnel(coa, ha, udp(hoa, netip.MustParseAddr("fe80::1"), 100, 1))).drops(plane.DropBadAddress),
			kernel(tunnel(coa, ha, udp(hoa, ip6.AllNodes, 100, 1))).drops(plane.DropBadAddress),
		)},
		{"a home address or routing header makes no tunnel packet", agent(
			kernel(roamed(tunnel(coa, ha, udp(hoa, cn, 100, 1)))).drops(plane.DropTunnelUnknown),
		)},
	}
}

func nestingCases() []Case {
	one := tunnel(hoa, cn, udp(evil, evil, 60, 1))
	two := tunnel(hoa, cn, one)
	three := tunnel(hoa, cn, two)
	four := tunnel(hoa, cn, three)
	zero := limited(hoa, cn, 1, udp(evil, evil, 60, 1))
	return []Case{
		{"nested tunnels carry the limit, RFC 2473 §4.1.1", mobile(
			kernel(one).out(1, router, limited(coa, ha, plane.EncapLimit-1, one)),
			kernel(two).out(1, router, limited(coa, ha, plane.EncapLimit-2, two)),
			kernel(three).out(1, router, limited(coa, ha, plane.EncapLimit-3, three)),
			kernel(four).drops(plane.DropEncapLimit),
		)},
		{"a limit found is lowered by one", mobile(
			kernel(limited(hoa, cn, 6, udp(evil, evil, 60, 1))).
				out(1, router, limited(coa, ha, 5, limited(hoa, cn, 6, udp(evil, evil, 60, 1)))),
			kernel(limited(hoa, cn, 2, udp(evil, evil, 60, 1))).
				out(1, router, limited(coa, ha, 1, limited(hoa, cn, 2, udp(evil, evil, 60, 1)))),
		)},
		{"a limit of zero ends it with a Parameter Problem", mobile(
			kernel(zero).drops(plane.DropEncapLimit).up(icmp(coa, hoa, 4, 0, 44, zero)),
		)},
		{"two home addresses that tunnel to each other end in a drop", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: hoa2}),
			path(hoa2, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: hoa}),
			kernel(tunnel(ha, hoa2, tunnel(ha, hoa, tunnel(ha, hoa2, tunnel(ha, hoa, udp(cn, hoa, 60, 1)))))).
				drops(plane.DropEncapLimit),
		)},
		{"loopback encapsulation, RFC 2473 §4.1.2", agent(
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: hoa}),
			kernel(udp(cn, hoa, 100, 1)).drops(plane.DropEncapLoop),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: ha}),
			kernel(udp(cn, hoa, 100, 1)).drops(plane.DropEncapLoop),
			local(oldCoA, plane.Local{Capture: true}),
			path(hoa, plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: oldCoA}),
			kernel(udp(cn, hoa, 100, 1)).drops(plane.DropEncapLoop),
			without(local(oldCoA, plane.Local{})),
			kernel(udp(cn, hoa, 100, 1)).up(tunnel(ha, oldCoA, passed(udp(cn, hoa, 100, 1)))),
		)},
		{"a tunnel packet does not enter its own tunnel again, RFC 2473 §4.1.2", mobile(
			path(coa, mobileTunnel),
			kernel(tunnel(coa, ha, numbered(1))).drops(plane.DropEncapLoop),
		)},
	}
}

func classCases() []Case {
	in := func(ecn uint8) []byte { return class(udp(cn, hoa, 60, 1), 0xb8|ecn, 0x12345) }
	outer := func(ecn, inner uint8) []byte { return class(tunnel(ha, coa, in(inner)), 0xb8|ecn, 0x12345) }
	return []Case{
		{"traffic class and flow label are copied", mobile(
			kernel(class(udp(hoa, cn, 60, 1), 0xba, 0xfedcb)).
				out(1, router, class(tunnel(coa, ha, class(udp(hoa, cn, 60, 1), 0xba, 0xfedcb)), 0xba, 0xfedcb)),
		)},
		{"congestion marks come out of the tunnel, RFC 6040 §4.2", mobile(
			wire(outer(0, 0)).up(in(0)), wire(outer(2, 0)).up(in(0)), wire(outer(1, 0)).up(in(0)),
			wire(outer(3, 0)).drops(plane.DropECN),
			wire(outer(0, 2)).up(in(2)), wire(outer(2, 2)).up(in(2)), wire(outer(1, 2)).up(in(1)), wire(outer(3, 2)).up(in(3)),
			wire(outer(0, 1)).up(in(1)), wire(outer(2, 1)).up(in(1)), wire(outer(1, 1)).up(in(1)), wire(outer(3, 1)).up(in(3)),
			wire(outer(0, 3)).up(in(3)), wire(outer(2, 3)).up(in(3)), wire(outer(1, 3)).up(in(3)), wire(outer(3, 3)).up(in(3)),
		)},
	}
}

// inNet is a host of the prefix that moves.
func inNet(n byte) netip.Addr {
	a := network.Addr().As16()
	a[15] = n
	return netip.AddrFrom16(a)
}

// roamed puts a Home Address option before the upper layer.
func roamed(b []byte) []byte {
	p, _ := ip6.Parse(b)
	p.HomeAddress = hoa
	return p.Append(nil)
}

// hexed reads hexadecimal with spaces.
func hexed(s string) []byte {
	var digits []byte
	for _, c := range []byte(s) {
		if c != ' ' {
			digits = append(digits, c)
		}
	}
	b, err := hex.DecodeString(string(digits))
	if err != nil {
		panic(err)
	}
	return b
}
