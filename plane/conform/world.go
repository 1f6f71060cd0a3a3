package conform

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// The addresses all cases use.
var (
	hoa    = netip.MustParseAddr("2001:db8:0:1::100") // home address of the mobile node
	hoa2   = netip.MustParseAddr("2001:db8:0:1::200") // of another mobile node
	ha     = netip.MustParseAddr("2001:db8:0:1::1")   // the home agent
	coa    = netip.MustParseAddr("2001:db8:a:1::100") // care-of address of the mobile node
	coa2   = netip.MustParseAddr("2001:db8:a:2::200") // of the other
	oldCoA = netip.MustParseAddr("2001:db8:a:9::100") // a care-of address given up
	cn     = netip.MustParseAddr("2001:db8:c::1")     // a correspondent node
	evil   = netip.MustParseAddr("2001:db8:e::666")   // a stranger
	hop    = netip.MustParseAddr("2001:db8:f::1")     // a router inside the tunnel

	router  = plane.HW{2, 0, 0, 0, 0, 1}
	router2 = plane.HW{2, 0, 0, 0, 0, 2}
	network = netip.MustParsePrefix("2001:db8:0:7::/64") // a prefix that moves
)

// Cases is the whole suite.
func Cases() []Case {
	var all []Case
	for _, part := range [][]Case{tunnelCases(), portCases(), holdCases(), sizeCases(), errorCases(), malformedCases(),
		straightCases(), optionCases(), straightErrorCases(), keepCases(), wayCases(), dedupCases(), gateCases(), defaultCases(), meterCases(), flowCases(), limitCases(), orderCases(), leaveCases(), hostileCases(), ruleCases()} {
		all = append(all, part...)
	}
	return all
}

// op is a step that changes the table and causes nothing.
func op(o plane.Op) Step { return Step{Op: &o} }

func link(p plane.Port, l plane.Link) Step {
	return op(plane.Op{Link: &plane.LinkOp{Port: p, Link: l}})
}
func local(a netip.Addr, l plane.Local) Step {
	return op(plane.Op{Local: &plane.LocalOp{Addr: a, Local: l}})
}
func path(a netip.Addr, p plane.Path) Step { return prefixPath(netip.PrefixFrom(a, 128), p) }
func prefixPath(in netip.Prefix, p plane.Path) Step {
	return op(plane.Op{Path: &plane.PathOp{Inner: in, Path: p}})
}

func way(a netip.Addr, id uint16, w plane.Way) Step {
	return op(plane.Op{Way: &plane.WayOp{Key: plane.WayKey{Inner: netip.PrefixFrom(a, 128), ID: id}, Way: w}})
}
func route(mobile, peer netip.Addr, r plane.Route) Step {
	return op(plane.Op{Route: &plane.RouteOp{Pair: plane.Pair{Mobile: mobile, Peer: peer}, Route: r}})
}
func gate(from string, p plane.Port, g plane.Gate) Step {
	return op(plane.Op{Gate: &plane.GateOp{Key: plane.GateKey{From: netip.MustParsePrefix(from), Port: p}, Gate: g}})
}
func flow(n uint32, f plane.Flow) Step {
	return op(plane.Op{Flow: &plane.FlowOp{Number: n, Flow: f}})
}

// without turns a step that sets something into one that deletes it.
func without(s Step) Step {
	o := *s.Op
	o.Delete = true
	return op(o)
}

// kernel and wire are steps that hand a packet to a plane.
func kernel(b []byte) Step { return Step{Port: plane.Kernel, Data: b} }
func wire(b []byte) Step   { return Step{Port: 1, From: router, Data: b} }

func (s Step) at(t time.Duration) Step { s.At = t; return s }
func (s Step) times(n int) Step        { s.Times = n; return s }

// out, up, punted and drops add to what a step must cause.
func (s Step) out(p plane.Port, to plane.HW, b []byte) Step {
	s.Out = append(s.Out, plane.Out{Port: p, To: to, Data: b})
	return s
}
func (s Step) up(b []byte) Step { return s.out(plane.Kernel, plane.HW{}, b) }
func (s Step) punted() Step {
	s.Punt = append(s.Punt, plane.Punt{Port: s.Port, From: s.From, Data: s.Data})
	return s
}
func (s Step) punts(b []byte) Step {
	s.Punt = append(s.Punt, plane.Punt{Port: s.Port, From: s.From, Data: b})
	return s
}
func (s Step) drops(reason string) Step { return s.dropsN(reason, 1) }
func (s Step) dropsN(reason string, n int) Step {
	s.Drops = map[string]int{reason: n}
	return s
}

func (s Step) loose() Step { s.Loose = true; return s }

func (s Step) refused(why string) Step { s.Refused = why; return s }

// unbound is what a Home Address option without a binding causes: the engines answer it, the applications never see it.
func (s Step) unbound() Step { return s.punted().drops(plane.DropHomeAddress) }

// mobile is the table of a mobile node away from home, agent that of its home agent.
func mobile(then ...Step) []Step {
	return append([]Step{
		link(1, plane.Link{Gateway: router, MTU: 1500}),
		local(coa, plane.Local{Port: 1}),
		path(hoa, mobileTunnel),
	}, then...)
}

func agent(then ...Step) []Step {
	return append([]Step{
		local(ha, plane.Local{Capture: true}),
		path(hoa, agentTunnel),
	}, then...)
}

var (
	mobileTunnel = plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: coa, Remote: ha, Out: 1}
	agentTunnel  = plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ha, Remote: coa, Capture: true}
)

// udp is a user packet of size octets in all; the seed tells one from another.
func udp(src, dst netip.Addr, size int, seed byte) []byte {
	payload := make([]byte, size-ip6.HeaderLen)
	for i := range payload {
		payload[i] = byte(i) ^ seed
	}
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoUDP, Payload: payload}
	return p.Append(nil)
}

// hops is the packet with another hop limit, class with another traffic class and flow label.
func hops(b []byte, n uint8) []byte {
	b = append([]byte(nil), b...)
	b[7] = n
	return b
}

func class(b []byte, tc uint8, flow uint32) []byte {
	b = append([]byte(nil), b...)
	binary.BigEndian.PutUint32(b, 6<<28|uint32(tc)<<20|flow)
	return b
}

// passed is the packet after one forwarder: its hop limit one lower.
func passed(b []byte) []byte { return hops(b, b[7]-1) }

// tunnel puts a packet into a tunnel as the suite expects it: hop limit 64, traffic class and flow label copied.
func tunnel(src, dst netip.Addr, inner []byte) []byte { return limited(src, dst, 0, inner) }

// limited is a tunnel packet whose encapsulation limit option holds limit-1; none for 0.
func limited(src, dst netip.Addr, limit int, inner []byte) []byte {
	word := binary.BigEndian.Uint32(inner)
	p := ip6.Packet{
		Header:     ip6.Header{Src: src, Dst: dst, TrafficClass: uint8(word >> 20), FlowLabel: word & 0xfffff},
		EncapLimit: limit, Proto: ip6.ProtoIPv6, Payload: inner,
	}
	return p.Append(nil)
}

// icmp is an ICMPv6 message with a right checksum.
func icmp(src, dst netip.Addr, kind, code uint8, value uint32, rest []byte) []byte {
	m := append([]byte{kind, code, 0, 0, 0, 0, 0, 0}, rest...)
	binary.BigEndian.PutUint32(m[4:], value)
	binary.BigEndian.PutUint16(m[2:], ip6.Checksum(src, dst, ip6.ProtoICMPv6, m))
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: m}
	return p.Append(nil)
}

// quoted is what an ICMPv6 error may hold of a packet.
func quoted(b []byte) []byte { return b[:min(len(b), ip6.MinMTU-ip6.HeaderLen-8)] }

// extended puts raw extension headers between the fixed header and the rest: proto names the first, and the last
// one's Next Header octet must be right already.
func extended(b []byte, proto uint8, raw []byte) []byte {
	out := append([]byte(nil), b[:ip6.HeaderLen]...)
	out = append(out, raw...)
	out = append(out, b[ip6.HeaderLen:]...)
	out[6] = proto
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)-ip6.HeaderLen))
	return out
}

// piece is a fragment of a packet: octets from..to of what follows its fixed header.
func piece(b []byte, id uint32, from, to int) []byte {
	return behind(b, ip6.HeaderLen, 6, id, from, to)
}

// behind is a fragment of a packet that is cut behind a head of more than the fixed header; nextAt is the Next Header
// octet that names what is cut.
func behind(b []byte, head, nextAt int, id uint32, from, to int) []byte {
	body := b[head:]
	raw := []byte{b[nextAt], 0, byte(from >> 8), byte(from), 0, 0, 0, 0}
	if to < len(body) {
		raw[3] |= 1
	}
	binary.BigEndian.PutUint32(raw[4:], id)
	out := join(b[:head], raw, body[from:to])
	out[nextAt] = ip6.ProtoFragment
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)-ip6.HeaderLen))
	return out
}

// mobility and protected are a mobility header's packet and an encrypted one.
func mobility(src, dst netip.Addr) []byte  { return proto(ip6.ProtoMH, udp(src, dst, 56, 1)) }
func protected(src, dst netip.Addr) []byte { return proto(ip6.ProtoESP, udp(src, dst, 80, 1)) }

func proto(p uint8, b []byte) []byte {
	b[6] = p
	return b
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
