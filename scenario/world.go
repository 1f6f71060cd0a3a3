package scenario

import (
	"fmt"
	"net/netip"
	"time"

	"roam6/plane"
)

// The addresses of two-operators, out of 2001:db8::/32 (RFC 3849).
var (
	HomePrefix  = netip.MustParsePrefix("2001:db8:0:1::/64")
	HomeRouter  = netip.MustParseAddr("2001:db8:0:1::1") // the home agent's kernel on the home link
	HomeAgent   = netip.MustParseAddr("2001:db8:0:1::a") // the home agent's service address
	CNAddr      = netip.MustParseAddr("2001:db8:c::c")
	coreAtCN    = netip.MustParseAddr("2001:db8:c::1")
	firstHome   = netip.MustParseAddr("2001:db8:0:1::100") // home address of mn; replicas follow
	everything  = netip.MustParsePrefix("::/0")
	operatorA   = netip.MustParsePrefix("2001:db8:a::/48")
	operatorB   = netip.MustParsePrefix("2001:db8:b::/48")
	infraOfA    = netip.MustParsePrefix("2001:db8:ffff:a0::/60")
	infraOfB    = netip.MustParsePrefix("2001:db8:ffff:b0::/60")
	accessCells = []accessCell{
		{"ar1", "opa", netip.MustParsePrefix("2001:db8:a:1::/64"), 0xa1},
		{"ar2", "opa", netip.MustParsePrefix("2001:db8:a:2::/64"), 0xa2},
		{"ar3", "opb", netip.MustParsePrefix("2001:db8:b:3::/64"), 0xb3},
	}
)

// accessCell is an access router, the cell named after it, and its wire to the operator's router.
type accessCell struct {
	name, operator string
	prefix         netip.Prefix
	infra          int // third group of the wire's prefix, 2001:db8:ffff:INFRA::/64
}

// Third groups of the wires of the core.
const (
	infraOpA = 1
	infraOpB = 2
	infraHA  = 3
)

// world adds the segments and the nodes of two-operators that are no mobile nodes.
func (b *builder) world() {
	s := b.s
	air := s.Radio.impairment().model(s.Delays.Air)
	b.segment("home", true, air)
	for _, a := range accessCells {
		b.segment(a.name, true, air)
	}
	b.wire("core", "opa", s.Delays.Core)
	b.wire("core", "opb", s.Delays.Core)
	b.wire("core", "ha", s.Delays.Home)
	b.wire("core", "cn", s.Delays.CN)
	for _, a := range accessCells {
		b.wire(a.operator, a.name, s.Delays.Operator)
	}
	b.core()
	b.operator("opa", infraOpA)
	b.operator("opb", infraOpB)
	for i := range accessCells {
		b.accessRouter(i)
	}
	b.homeAgent()
	b.correspondent()
}

func (b *builder) core() {
	n := b.node(Node{Name: "core", Forward: true, Routes: []Route{
		{Dst: operatorA, Via: infra(infraOpA, 2), Iface: "opa"},
		{Dst: infraOfA, Via: infra(infraOpA, 2), Iface: "opa"},
		{Dst: operatorB, Via: infra(infraOpB, 2), Iface: "opb"},
		{Dst: infraOfB, Via: infra(infraOpB, 2), Iface: "opb"},
		{Dst: HomePrefix, Via: infra(infraHA, 2), Iface: "ha"},
	}})
	if b.s.Mobile.Hosts > 0 {
		b.plan.Nodes[n].Routes = append(b.plan.Nodes[n].Routes, Route{Dst: networks, Via: infra(infraHA, 2), Iface: "ha"})
	}
	b.iface(n, Iface{Name: "opa", Segment: "core-opa", Addrs: on(infra(infraOpA, 1))})
	b.iface(n, Iface{Name: "opb", Segment: "core-opb", Addrs: on(infra(infraOpB, 1))})
	b.iface(n, Iface{Name: "ha", Segment: "core-ha", Addrs: on(infra(infraHA, 1))})
	b.iface(n, Iface{Name: "cn", Segment: "core-cn", Addrs: on(coreAtCN)})
	b.lan(n)
}

func (b *builder) operator(name string, link int) {
	node := Node{Name: name, Forward: true, Routes: []Route{{Dst: everything, Via: infra(link, 1), Iface: "core"}}}
	for _, a := range accessCells {
		if a.operator == name {
			node.Routes = append(node.Routes, Route{Dst: a.prefix, Via: infra(a.infra, 2), Iface: a.name})
		}
	}
	n := b.node(node)
	b.iface(n, Iface{Name: "core", Segment: "core-" + name, Addrs: on(infra(link, 2))})
	for _, a := range accessCells {
		if a.operator == name {
			b.iface(n, Iface{Name: a.name, Segment: name + "-" + a.name, Addrs: on(infra(a.infra, 1))})
		}
	}
}

func (b *builder) accessRouter(self int) {
	a := accessCells[self]
	n := b.node(Node{
		Name: a.name, Forward: true, Config: b.routerConfig(self),
		Routes: []Route{{Dst: everything, Via: infra(a.infra, 1), Iface: "core"}},
	})
	b.iface(n, Iface{Name: "core", Segment: a.operator + "-" + a.name, Addrs: on(infra(a.infra, 2))})
	b.iface(n, Iface{Name: "cell", Port: 1, Segment: a.name, Addrs: on(first(a.prefix))})
	b.linkLocal(n)
}

func (b *builder) homeAgent() {
	n := b.node(Node{
		Name: "ha", Forward: true, Config: b.homeAgentConfig(), Identity: b.identity(homeAgentHost),
		Routes: append(b.networkRoutes(), Route{Dst: everything, Via: infra(infraHA, 1), Iface: "core"}),
	})
	b.iface(n, Iface{Name: "core", Segment: "core-ha", Addrs: on(infra(infraHA, 2))})
	b.iface(n, Iface{Name: "home", Port: 1, Segment: "home", Addrs: on(HomeRouter)})
	b.linkLocal(n)
}

// linkLocal gives the last interface of a node the link-local address of its link-layer address. It is written
// down because router advertisements are sent from it: RFC 4291 appendix A, fe80::/64 and the modified EUI-64 (the
// link-layer address with its universal bit inverted and ff:fe in its middle), as the kernel makes it by itself.
func (b *builder) linkLocal(n int) {
	f := &b.plan.Nodes[n].Ifaces[len(b.plan.Nodes[n].Ifaces)-1]
	f.Addrs = append(f.Addrs, on(LinkLocal(f.HW))...)
}

// LinkLocal is the link-local address of a link-layer address, RFC 4291 appendix A.
func LinkLocal(hw plane.HW) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: hw[0] ^ 2, 9: hw[1], 10: hw[2], 11: 0xff, 12: 0xfe, 13: hw[3], 14: hw[4], 15: hw[5]})
}

// HomeAddress is the home address of mobile node i, counted from 0.
func HomeAddress(i int) netip.Addr {
	a := firstHome.As16()
	n := uint32(a[14])<<8 | uint32(a[15])
	n += uint32(i)
	a[12], a[13], a[14], a[15] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return netip.AddrFrom16(a)
}

// infra is an address on a wire of the infrastructure, 2001:db8:ffff:LINK::HOST.
func infra(link, host int) netip.Addr {
	a := netip.MustParseAddr("2001:db8:ffff::").As16()
	a[6], a[7], a[15] = byte(link>>8), byte(link), byte(host)
	return netip.AddrFrom16(a)
}

// on is an address with the length of its link's prefix.
func on(a netip.Addr) []netip.Prefix { return []netip.Prefix{netip.PrefixFrom(a, 64)} }

// first is the address ::1 of a prefix: its router.
func first(p netip.Prefix) netip.Addr { return p.Addr().Next() }

// wire adds a segment between two nodes, named after both.
func (b *builder) wire(from, to string, delay time.Duration) {
	b.segment(from+"-"+to, false, b.s.Wires.model(delay))
}

// wireNames are the wires of two-operators; none otherwise.
func wireNames(s *Scenario) []string {
	if s.Topology != TwoOperators {
		return nil
	}
	out := []string{"core-opa", "core-opb", "core-ha", "core-cn"}
	for _, a := range accessCells {
		out = append(out, fmt.Sprintf("%s-%s", a.operator, a.name))
	}
	return append(append(out, aaaWires(s)...), kerberosWires(s)...)
}
