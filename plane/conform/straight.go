package conform

import (
	"net/netip"

	"roam6/plane"
	"roam6/wire/ip6"
)

// The Routes of two mobile nodes and their correspondent.
var (
	toPeer     = plane.Route{Side: plane.Mobile, CareOf: coa, Out: 1}
	fromPeer   = plane.Route{Side: plane.Peer, CareOf: coa, Out: 1}
	toOther    = plane.Route{Side: plane.Peer, CareOf: coa2, Out: 1}
	linkAddr   = netip.MustParseAddr("fe80::200")
	directPath = plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: 1, Control: true}
)

// optimised is the table of a mobile node away from home that talks straight to the correspondent, peer that of the
// correspondent.
func optimised(then ...Step) []Step {
	return mobile(append([]Step{route(hoa, cn, toPeer)}, then...)...)
}

func peer(then ...Step) []Step {
	return append([]Step{
		link(1, plane.Link{Gateway: router, MTU: 1500}),
		local(linkAddr, plane.Local{Port: 1}),
		path(cn, directPath),
		route(hoa, cn, fromPeer),
	}, then...)
}

// both is the table of a mobile node that talks straight to another one, which is away from home too.
func both(then ...Step) []Step {
	return mobile(append([]Step{route(hoa, hoa2, toPeer), route(hoa2, hoa, toOther)}, then...)...)
}

// headed is a packet with the headers of route optimisation: those of the addresses that are valid.
func headed(b []byte, careOf, home, to, final netip.Addr) []byte {
	p, err := ip6.Parse(b)
	if err != nil {
		panic(err)
	}
	p.Src, p.Dst, p.HomeAddress, p.Routing2 = careOf, to, home, final
	return p.Append(nil)
}

var none netip.Addr

// homed and routed are a packet between the mobile node and the correspondent as it goes straight.
func homed(b []byte) []byte  { return headed(b, coa, hoa, cn, none) }
func routed(b []byte) []byte { return headed(b, cn, none, coa, hoa) }

// fully is a packet from one mobile node to the other, and back as the first receives it.
func fully(b []byte) []byte { return headed(b, coa, hoa, coa2, hoa2) }
func back(b []byte) []byte  { return headed(b, coa2, hoa2, coa, hoa) }

func straightCases() []Case {
	up, down := udp(hoa, cn, 100, 1), udp(cn, hoa, 100, 1)
	there, here := udp(hoa, hoa2, 100, 1), udp(hoa2, hoa, 100, 1)
	return []Case{
		{"octets of a packet with a Home Address option, RFC 6275 §6.3", optimised(
			kernel(hexed("60012345 0004 11 40 20010db8000000010000000000000100 20010db8000c00000000000000000001 01020304")).
				out(1, router, hexed("60012345 001c 3c 40 20010db8000a00010000000000000100 20010db8000c00000000000000000001"+
					"11 02 01020000 c910 20010db8000000010000000000000100 01020304")),
		)},
		{"octets of a packet with a type 2 routing header, RFC 6275 §6.4", peer(
			kernel(hexed("60012345 0004 11 40 20010db8000c00000000000000000001 20010db8000000010000000000000100 01020304")).
				out(1, router, hexed("60012345 001c 2b 40 20010db8000c00000000000000000001 20010db8000a00010000000000000100"+
					"11 02 02 01 00000000 20010db8000000010000000000000100 01020304")),
		)},
		{"a mobile node sends straight and receives straight", optimised(
			kernel(up).out(1, router, homed(up)),
			wire(routed(down)).up(down),
			kernel(udp(hoa, evil, 100, 1)).out(1, router, tunnel(coa, ha, udp(hoa, evil, 100, 1))),
			wire(tunnel(ha, coa, down)).up(down),
		)},
		{"a correspondent sends straight and receives straight", peer(
			kernel(down).out(1, router, routed(down)),
			wire(homed(up)).up(up),
			kernel(udp(cn, hoa2, 100, 1)).out(1, router, udp(cn, hoa2, 100, 1)),
			wire(udp(hoa2, cn, 100, 1)).up(udp(hoa2, cn, 100, 1)),
			wire(up).up(up),
		)},
		{"two mobile nodes: both headers, both ways", both(
			kernel(there).out(1, router, fully(there)),
			wire(back(here)).up(here),
		)},
		{"a mobile node sends to another through its home agent, the other's header inside", mobile(
			route(hoa2, hoa, toOther),
			kernel(there).out(1, router, tunnel(coa, ha, headed(there, hoa, none, coa2, hoa2))),
			wire(tunnel(ha, coa, headed(here, coa2, hoa2, hoa, none))).up(here),
		)},
		{"the class of a packet stays, and its hop limit", optimised(
			kernel(class(hops(up, 1), 0xba, 0xfedcb)).out(1, router, class(hops(homed(up), 1), 0xba, 0xfedcb)),
			wire(class(hops(routed(down), 1), 0xbb, 7)).up(class(hops(down, 1), 0xbb, 7)),
		)},
		{"a Route is used at once, and no longer", optimised(
			without(route(hoa, cn, toPeer)),
			kernel(up).out(1, router, tunnel(coa, ha, up)),
			wire(routed(down)).up(down), // the correspondent may not know yet
			route(hoa, cn, plane.Route{Side: plane.Mobile, CareOf: coa2, Out: 2}),
			link(2, plane.Link{Gateway: router2, MTU: 1500}),
			kernel(up).out(2, router2, headed(up, coa2, hoa, cn, none)),
		)},
		{"what holds, holds all; it leaves by the Route when the path does", optimised(
			holding(9, 0),
			kernel(up),
			wire(routed(down)).up(down),
			path(hoa, mobileTunnel).out(1, router, homed(up)),
		)},
		{"a kernel that owns the correspondent's address hands over what it sends", []Step{
			local(ha, plane.Local{}), link(1, plane.Link{Gateway: router, MTU: 1500}),
			route(hoa, cn, plane.Route{Side: plane.Peer, CareOf: coa, Out: 1, Capture: true}),
			kernel(down).out(1, router, routed(down)),
			kernel(udp(cn, hoa2, 100, 1)).drops(plane.DropNoPath).up(icmp(ha, cn, 1, 3, 0, udp(cn, hoa2, 100, 1))),
		}},
		{"a care-of address that is the sender's own", peer(
			route(hoa, cn, plane.Route{Side: plane.Peer, CareOf: cn, Out: 1}),
			kernel(down).drops(plane.DropEncapLoop),
		)},
		{"no router on the link of the care-of address", optimised(
			link(1, plane.Link{MTU: 1500}),
			kernel(up).drops(plane.DropNoGateway),
		)},
		{"a Route that says nothing is refused", mobile(
			route(hoa, cn, plane.Route{Side: plane.Agent, CareOf: coa}).refused(plane.RefusedInvalid),
			route(hoa, cn, plane.Route{Side: plane.Mobile}).refused(plane.RefusedInvalid),
			route(hoa, cn, plane.Route{Side: plane.Peer, CareOf: ip6.AllNodes}).refused(plane.RefusedInvalid),
			route(hoa, ip6.AllNodes, toPeer).refused(plane.RefusedInvalid),
			kernel(up).out(1, router, tunnel(coa, ha, up)),
		)},
	}
}

// chained is a packet of udp between addresses with raw extension headers.
func chained(src, dst netip.Addr, first uint8, raw []byte) []byte {
	return extended(udp(src, dst, 100, 1), first, raw)
}

// hao and rh2 are the headers of route optimisation as raw octets, with what follows them.
func hao(next uint8, home netip.Addr) []byte {
	return append([]byte{next, 2, 1, 2, 0, 0, 0xc9, 16}, home.AsSlice()...)
}
func rh2(next uint8, home netip.Addr) []byte {
	return append([]byte{next, 2, 2, 1, 0, 0, 0, 0}, home.AsSlice()...)
}
