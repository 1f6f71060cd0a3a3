//go:build linux

package lab

import (
	"fmt"
	"net/netip"

	"roam6/plane"
	"roam6/scenario"
)

// chain is host a, so many routers in a row, and host b; link k has the prefix 2001:db8:c:k::/64, its left end ::1 and its
// right end ::2.
func chain(routers int, m scenario.LinkModel) *scenario.Plan {
	p := &scenario.Plan{Scenario: "chain", Seed: 1}
	end := func(link, host int) netip.Addr {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:c:%x::%x", link, host))
	}
	prefix := func(link int) netip.Prefix { return netip.PrefixFrom(end(link, 0), 64) }
	iface := func(name string, link, host int) scenario.Iface {
		return scenario.Iface{Name: name, HW: plane.HW{2, 0, 0, 0, byte(link), byte(host)}, Segment: fmt.Sprintf("link%d", link),
			Addrs: []netip.Prefix{netip.PrefixFrom(end(link, host), 64)}}
	}
	for k := range routers + 1 {
		p.Segments = append(p.Segments, scenario.Segment{Name: fmt.Sprintf("link%d", k), Link: m})
	}
	all := netip.MustParsePrefix("::/0")
	p.Nodes = append(p.Nodes, scenario.Node{Name: "a", Ifaces: []scenario.Iface{iface("eth0", 0, 1)},
		Routes: []scenario.Route{{Dst: all, Via: end(0, 2), Iface: "eth0"}}})
	for k := range routers {
		p.Nodes = append(p.Nodes, scenario.Node{Name: fmt.Sprintf("r%d", k), Forward: true,
			Ifaces: []scenario.Iface{iface("eth0", k, 2), iface("eth1", k+1, 1)},
			Routes: []scenario.Route{{Dst: prefix(0), Via: end(k, 1), Iface: "eth0"}, {Dst: all, Via: end(k+1, 2), Iface: "eth1"}}})
		if k == 0 {
			p.Nodes[1].Routes = p.Nodes[1].Routes[1:]
		}
	}
	p.Nodes = append(p.Nodes, scenario.Node{Name: "b", Ifaces: []scenario.Iface{iface("eth0", routers, 2)},
		Routes: []scenario.Route{{Dst: all, Via: end(routers, 1), Iface: "eth0"}}})
	return p
}

func chainEnds(routers int) (a, b netip.Addr) {
	return netip.MustParseAddr("2001:db8:c:0::1"), netip.MustParseAddr(fmt.Sprintf("2001:db8:c:%x::2", routers))
}
