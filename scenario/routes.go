package scenario

import (
	"fmt"
	"net/netip"
)

// SPIs of the first mobile node's pair of tunnel mode associations, far from those of the other pair.
const (
	firstTunnelOutSPI = 0x40001001
	firstTunnelInSPI  = 0x40001002
)

// OnTraffic is Mobile.Routes when routes are optimised.
const OnTraffic = "on-traffic"

// tunnelSecurity is the tunnel of mobile node i, as security is its signalling: with ESP and only when home tests need it.
func (b *builder) tunnelSecurity(i int, mirrored bool) string {
	if b.s.Mobile.Routes != OnTraffic || b.s.Mobile.protection() != "esp" {
		return ""
	}
	outSPI, inSPI := firstTunnelOutSPI+2*i, firstTunnelInSPI+2*i
	out, in := b.derive("tunnel to home", mobileName(i)), b.derive("tunnel from home", mobileName(i))
	if mirrored {
		outSPI, inSPI, out, in = inSPI, outSPI, in, out
	}
	return fmt.Sprintf(`, tunnel: {out_spi: 0x%x, in_spi: 0x%x, out_key: "%x", in_key: "%x"}`, outSPI, inSPI, out[:espKey], in[:espKey])
}

// correspondent adds the correspondent node: a plain host, or with route optimisation one that runs the role on its link. A
// router advertises on that link then, as on any that hosts live on.
func (b *builder) correspondent() {
	iface := Iface{Name: "core", Segment: "core-cn", Addrs: []netip.Prefix{netip.PrefixFrom(CNAddr, 64)}}
	node := Node{Name: "cn", Routes: []Route{{Dst: everything, Via: coreAtCN, Iface: "core"}}}
	if b.s.Mobile.Routes == OnTraffic {
		node = Node{Name: "cn", Userland: true, Config: fmt.Appendf(nil, "name: cn\nlinks: [{name: core, port: 1}]\nroles:\n  - cn: {address: %s, link: 1}\n", CNAddr)}
		iface.Addrs, iface.Port = nil, 1
	}
	b.iface(b.node(node), iface)
}

// lan makes the core's last interface one that hosts find a router on. It is no air that a handover waits for, so it advertises as
// seldom as a wired router does.
func (b *builder) lan(core int) {
	if b.s.Mobile.Routes != OnTraffic {
		return
	}
	n := &b.plan.Nodes[core]
	n.Ifaces[len(n.Ifaces)-1].Port = 1
	b.linkLocal(core)
	n.Config = fmt.Appendf(nil, "name: core\nlinks: [{name: cn, port: 1}]\nroles:\n  - ar: {links: [{port: 1, prefix: %s, address: %s, interval_min: 3s, interval_max: 10s}]}\n",
		netip.PrefixFrom(CNAddr, 64).Masked(), coreAtCN)
}
