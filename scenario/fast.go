package scenario

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"roam6/plane"
)

// fmipv6 is the strategy whose configurations need more than the others': keys, neighbours, service addresses (RFC 5568).
const fmipv6 = "fmipv6"

// Where two-operators puts its nodes; their link-layer addresses follow from it. Configurations name those of nodes that are not
// made yet.
const (
	firstRouterNode = 3 // behind core, opa and opb
	firstMobileNode = 8 // behind the access routers, ha and cn
	cellIface       = 2 // an access router's interface on its cell
)

// SPIs of fast handovers: of a mobile node's link, and between two access routers.
const (
	firstHandoverSPI = 0x100
	routersSPI       = 0x2000
)

// handoverKey is the length of a handover key in octets.
const handoverKey = 20

// ifaceHW is the link-layer address of a node's interface: 02, the node's number in four octets, the interface's number, both
// from 1.
func ifaceHW(node, iface int) (hw plane.HW) {
	hw[0] = 2
	binary.BigEndian.PutUint32(hw[1:], uint32(node+1))
	hw[5] = byte(iface)
	return hw
}

// serviceAddress is where an access router of two-operators takes mobility messages: ::a in its prefix.
func serviceAddress(a accessCell) netip.Addr {
	x := a.prefix.Addr().As16()
	x[15] = 0xa
	return netip.AddrFrom16(x)
}

func hwText(hw plane.HW) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", hw[0], hw[1], hw[2], hw[3], hw[4], hw[5])
}

// handoverKeys is the list of a mobile node's handover keys as the access routers have them (with its link-layer addresses), or
// as it has them itself (with the numbers of its links).
func (b *builder) handoverKeys(i int, routers bool) []string {
	ports := 1
	if b.s.Mobile.Second != "" {
		ports = 2
	}
	var out []string
	for port := 1; port <= ports; port++ {
		key := b.derive("handover", fmt.Sprint(mobileName(i), " ", port))
		who := fmt.Sprintf("port: %d", port)
		if routers {
			who = fmt.Sprintf("hw: %q", hwText(ifaceHW(firstMobileNode+i, port)))
		}
		out = append(out, fmt.Sprintf(`{%s, spi: 0x%x, key: "%x"}`, who, firstHandoverSPI+2*i+port-1, key[:handoverKey]))
	}
	return out
}

// fastRouter is the part of an access router's configuration that fast handovers need; nothing for other strategies.
func (b *builder) fastRouter(self int) string {
	if b.o.Strategy != fmipv6 {
		return ""
	}
	var w strings.Builder
	a := accessCells[self]
	fmt.Fprintf(&w, "      fmipv6:\n        address: %s\n        cells: [%q]\n        neighbours:\n", serviceAddress(a), hwText(CellHW(a.name)))
	for k, n := range accessCells {
		if k == self {
			continue
		}
		fmt.Fprintf(&w, "          - {address: %s, hw: %q, prefix: %s, cells: [%q], security: %s}\n", serviceAddress(n),
			hwText(ifaceHW(firstRouterNode+k, cellIface)), n.prefix, hwText(CellHW(n.name)), b.betweenRouters(self, k))
	}
	w.WriteString("        mobiles:\n")
	for i := range b.o.Nodes {
		for _, key := range b.handoverKeys(i, true) {
			fmt.Fprintf(&w, "          - %s\n", key)
		}
	}
	return w.String()
}

// fastByTickets is the strategy in which nodes authenticate themselves by tickets of Kerberos, decision 22.
const fastByTickets = "fast"

// lightweightRouter is the part of an access router's configuration that fast handovers by tickets need; nothing for other strategies.
func (b *builder) lightweightRouter(self int) string {
	if b.o.Strategy != fastByTickets {
		return ""
	}
	var w strings.Builder
	a, gate := accessCells[self], "on"
	if b.aaa() { // whose gate it is
		gate = "off"
	}
	fmt.Fprintf(&w, "      fast:\n        address: %s\n        cells: [%q]\n        gate: %s\n        neighbours:\n", serviceAddress(a), hwText(CellHW(a.name)), gate)
	key := func(from, to accessCell) []byte {
		k := b.derive("ah between routers", from.name+" "+to.name)
		return k[:]
	}
	for k, n := range accessCells {
		if k == self {
			continue
		}
		fmt.Fprintf(&w, "          - {address: %s, hw: %q, prefix: %s, cells: [%q], principal: %s, ah: {out_spi: 0x%x, in_spi: 0x%x, out_key: \"%x\", in_key: \"%x\"}}\n",
			serviceAddress(n), hwText(ifaceHW(firstRouterNode+k, cellIface)), n.prefix, hwText(CellHW(n.name)), n.principal(),
			routersSPI+self*len(accessCells)+k, routersSPI+k*len(accessCells)+self, key(a, n), key(n, a))
	}
	return w.String()
}

// betweenRouters is the security between two access routers, as the first has it.
func (b *builder) betweenRouters(self, other int) string {
	spi := func(from, to int) int { return routersSPI + from*len(accessCells) + to }
	key := func(from, to int) []byte {
		k := b.derive("esp between routers", accessCells[from].name+" "+accessCells[to].name)
		return k[:espKey]
	}
	return fmt.Sprintf(`{esp: {out_spi: 0x%x, in_spi: 0x%x, out_key: "%x", in_key: "%x"}}`,
		spi(self, other), spi(other, self), key(self, other), key(other, self))
}
