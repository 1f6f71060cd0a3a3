package conform

import (
	"bytes"

	"roam6/plane"
	"roam6/wire/ip6"
)

func malformedCases() []Case {
	good := tunnel(ha, coa, udp(cn, hoa, 60, 1))
	var cuts, innerCuts []Step
	for n := range good {
		cuts = append(cuts, wire(good[:n]).drops(plane.DropMalformed), kernel(good[:n]).drops(plane.DropMalformed))
	}
	inner := udp(cn, hoa, 60, 1)
	for n := range inner {
		p := ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, Proto: ip6.ProtoIPv6, Payload: inner[:n]}
		innerCuts = append(innerCuts, wire(p.Append(nil)).drops(plane.DropInner))
	}
	version := func(b []byte, v byte) []byte {
		b = bytes.Clone(b)
		b[0] = v<<4 | b[0]&15
		return b
	}
	inFour := bytes.Clone(good)
	inFour[40] = 0x45
	opts := func(raw ...byte) []byte { return extended(good, ip6.ProtoDestOpts, raw) }
	chain := bytes.Repeat([]byte{ip6.ProtoDestOpts, 0, 1, 4, 0, 0, 0, 0}, ip6.MaxExtensions+1)
	chain[len(chain)-8] = ip6.ProtoIPv6
	return []Case{
		{"cut at every octet", mobile(cuts...)},
		{"the inner packet cut at every octet", mobile(innerCuts...)},
		{"not IPv6", mobile(
			wire(version(good, 4)).drops(plane.DropMalformed),
			kernel(version(udp(hoa, cn, 60, 1), 4)).drops(plane.DropMalformed),
			wire(inFour).drops(plane.DropInner),
		)},
		{"option lengths that lie", mobile(
			wire(opts(41, 0, 1, 5, 0, 0, 0, 0)).drops(plane.DropMalformed),
			wire(opts(41, 0, 4, 2, 0, 0, 1, 0)).drops(plane.DropMalformed),
			wire(opts(41, 0, 1, 3, 0, 0, 0, 1)).drops(plane.DropMalformed),
			wire(opts(41, 200, 1, 4, 0, 0, 0, 0)).drops(plane.DropMalformed),
		)},
		{"unknown options do as their type says, RFC 8200 §4.2", mobile(
			wire(opts(41, 0, 0x3e, 4, 0, 0, 0, 0)).up(inner),
			wire(opts(41, 0, 0, 0, 1, 0, 0, 0)).up(inner),
			wire(opts(41, 0, 5, 2, 0, 0, 1, 0)).up(inner),
			wire(opts(41, 0, 0x7e, 4, 0, 0, 0, 0)).drops(plane.DropOption),
			wire(opts(41, 0, 0xbe, 4, 0, 0, 0, 0)).drops(plane.DropOption),
			wire(opts(41, 0, 0xfe, 4, 0, 0, 0, 0)).drops(plane.DropOption),
		)},
		{"routing headers of an ended type, RFC 5095", mobile(
			wire(extended(good, ip6.ProtoRouting, []byte{41, 0, 0, 1, 0, 0, 0, 0})).drops(plane.DropOption),
		)},
		{"more extension headers than anyone needs", mobile(
			wire(extended(good, ip6.ProtoDestOpts, chain)).drops(plane.DropMalformed),
			wire(extended(good, ip6.ProtoDestOpts, chain[8:])).up(inner),
		)},
		{"a jumbogram is none here", mobile(
			wire(extended(good[:40], ip6.ProtoHopByHop, nil)).drops(plane.DropMalformed),
		)},
		{"headers that lie do not stop a packet that only passes", mobile(
			kernel(extended(udp(hoa, cn, 60, 1), ip6.ProtoDestOpts, []byte{17, 0, 1, 5, 0, 0, 0, 0})).
				out(1, router, tunnel(coa, ha, extended(udp(hoa, cn, 60, 1), ip6.ProtoDestOpts, []byte{17, 0, 1, 5, 0, 0, 0, 0}))),
		)},
		{"an ICMPv6 error too short to be one", mobile(
			wire(extended(udp(hop, coa, 44, 1), ip6.ProtoICMPv6, nil)).drops(plane.DropMalformed),
		)},
	}
}
