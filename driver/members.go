package driver

import (
	"net/netip"
	"slices"

	"roam6/plane"
	"roam6/wire/ip6"
)

// members are the Locals of a table and the solicited-node groups that they need, RFC 4861 §7.2.1, each as often as there
// are Locals behind it.
type members struct {
	locals map[netip.Addr]plane.Local
	groups map[group]int
}

// group is a multicast group on a port.
type group struct {
	port plane.Port
	addr netip.Addr
}

func newMembers() members {
	return members{locals: map[netip.Addr]plane.Local{}, groups: map[group]int{}}
}

// take takes a Local in, or out when it is gone, and gives the groups that are needed from now on and no longer.
func (m *members) take(a netip.Addr, l plane.Local, gone bool) (joined, left []group) {
	old, had := m.locals[a]
	if gone {
		delete(m.locals, a)
	} else {
		m.locals[a] = l
	}
	g := ip6.SolicitedNode(a)
	if !gone && l.Port != plane.Kernel && !(had && old.Port == l.Port) {
		if k := (group{l.Port, g}); m.count(k, 1) == 1 {
			joined = append(joined, k)
		}
	}
	if had && old.Port != plane.Kernel && (gone || old.Port != l.Port) {
		if k := (group{old.Port, g}); m.count(k, -1) == 0 {
			left = append(left, k)
		}
	}
	return joined, left
}

func (m *members) count(g group, by int) int {
	m.groups[g] += by
	n := m.groups[g]
	if n == 0 {
		delete(m.groups, g)
	}
	return n
}

// own gives the addresses that are the engines' and no other node's.
func (m *members) own() (all []netip.Addr) {
	for a, l := range m.locals { //order:any
		if !l.Proxy {
			all = append(all, a)
		}
	}
	return all
}

// joined gives the groups of one port, sorted, without those that are always joined.
func (m *members) joined(port plane.Port) []netip.Addr {
	var all []netip.Addr
	for g := range m.groups { //order:any — sorted below
		if g.port == port {
			all = append(all, g.addr)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}
