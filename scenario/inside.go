package scenario

import (
	"fmt"
	"net/netip"
	"time"
)

// A mobile router's network in two-operators: a wire that moves along, and hosts on it that know nothing of it.

const (
	// MaxHosts is how many hosts one network has at most.
	MaxHosts = 16
	// maxNetworks is how many mobile routers have a network of their own in networks.
	maxNetworks = 1 << 16
	// firstHost is the last group of the first host's address.
	firstHost = 0x11
	// insideDelay is one way over the wire inside a vehicle.
	insideDelay = 100 * time.Microsecond
	// insidePort is by which number a mobile router knows the link inside.
	insidePort = 3
)

// networks holds the networks of all mobile routers. It belongs to home.
var networks = netip.MustParsePrefix("2001:db8:1000::/48")

// NetworkPrefix is the network of mobile node i.
func NetworkPrefix(i int) netip.Prefix {
	a := networks.Addr().As16()
	a[6], a[7] = byte(i>>8), byte(i)
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}

// HostAddress is the address of a host of the network of mobile node i; hosts count from 1.
func HostAddress(i, host int) netip.Addr {
	a := NetworkPrefix(i).Addr().As16()
	a[15] = byte(firstHost + host - 1)
	return netip.AddrFrom16(a)
}

// hostName is host1, host2 …, those of replicas mn2-host1 …
func hostName(i, host int) string {
	if i == 0 {
		return fmt.Sprintf("host%d", host)
	}
	return fmt.Sprintf("%s-host%d", mobileName(i), host)
}

// vehicle is the name of the wire inside of mobile node i.
func vehicle(i int) string { return "in-" + mobileName(i) }

// insideLink is the link inside in a mobile router's configuration.
func (b *builder) insideLink() string {
	if b.s.Mobile.Hosts == 0 {
		return ""
	}
	return fmt.Sprintf(", {name: lan0, port: %d}", insidePort)
}

// networks is what mobile node i is told of its network.
func (b *builder) networks(i int) string {
	if b.s.Mobile.Hosts == 0 {
		return ""
	}
	p := NetworkPrefix(i)
	return fmt.Sprintf("      networks: [{port: %d, prefix: %s, address: %s, interval_min: 3s, interval_max: 10s}]\n      register_networks: %s\n",
		insidePort, p, first(p), b.s.Mobile.Register)
}

// networkRoutes are the home agent's routes to the networks of mobile routers that are at home. While one is away its binding
// comes first; where there is neither, packets end here.
func (b *builder) networkRoutes() []Route {
	if b.s.Mobile.Hosts == 0 {
		return nil
	}
	var out []Route
	for i := range b.o.Nodes {
		out = append(out, Route{Dst: NetworkPrefix(i), Via: HomeAddress(i), Iface: "home"})
	}
	return out
}

// inside adds the link inside to mobile node i, whose number among the nodes is n.
func (b *builder) inside(i, n int) {
	if b.s.Mobile.Hosts == 0 {
		return
	}
	p, wire := NetworkPrefix(i), vehicle(i)
	b.segment(wire, false, b.s.Wires.model(insideDelay))
	b.iface(n, Iface{Name: "lan0", Port: insidePort, Segment: wire, Addrs: on(first(p)), Kernel: true})
	b.linkLocal(n)
}

// hosts adds the hosts of mobile node i. They stand behind all mobile nodes: numbers of those are counted on (ifaceHW).
func (b *builder) hosts(i int) {
	p, wire := NetworkPrefix(i), vehicle(i)
	for host := 1; host <= b.s.Mobile.Hosts; host++ {
		h := b.node(Node{Name: hostName(i, host), Routes: []Route{{Dst: everything, Via: first(p), Iface: "eth0"}}})
		b.iface(h, Iface{Name: "eth0", Segment: wire, Addrs: on(HostAddress(i, host))})
	}
}
