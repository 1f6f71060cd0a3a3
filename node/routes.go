package node

import (
	"fmt"
	"net/netip"

	"roam6/machine/correspond"
	"roam6/machine/rr"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/role/cn"
)

// What a configuration says of route optimisation: RFC 6275 §11.6 for mobile nodes, §9 for correspondents.

// RoutePeersConfig is what a mobile node does about some correspondents.
type RoutePeersConfig struct {
	Peers netip.Prefix `yaml:"peers,required" doc:"correspondents' addresses: a prefix, one address as 2001:db8:c::c/128"`
	When  string       `yaml:"when,required" allowed:"never|on-traffic|always" doc:"never, which also keeps from them where the node is; on-traffic; always: as soon as the node is away (one address only)"`
}

// CNConfig is a correspondent node.
type CNConfig struct {
	Address netip.Addr     `yaml:"address,required" doc:"with link: the address of the host's applications, given to the TUN device; else one the node's engines answer for. Never an address of the kernel"`
	Link    int            `yaml:"link" doc:"port number of a link that the role owns: mobile nodes' packets then come and go straight (route optimisation); absent: no bindings are kept"`
	Refuse  []netip.Prefix `yaml:"refuse" doc:"home networks whose mobile nodes are refused route optimisation (status 129)"`
	Max     int            `yaml:"max_bindings" doc:"bindings at most; default 65536. One home network (/48) may take an eighth"`
}

// whens are the words of a configuration for those of package rr.
var whens = map[string]rr.When{"never": rr.Never, "on-traffic": rr.OnTraffic, "always": rr.Always}

// maxRoutePeers is the number of entries of route_peers.
const maxRoutePeers = 256

var everyone = netip.MustParsePrefix("::/0")

func (k *checker) routes(at string, m *MNConfig) {
	given(k, at+".route_optimisation", &m.RouteOptimisation, "never")
	active := m.RouteOptimisation != "never"
	k.must(len(m.RoutePeers) <= maxRoutePeers, at+".route_peers", len(m.RoutePeers), fmt.Sprintf("%d at most", maxRoutePeers))
	seen := map[netip.Prefix]bool{}
	for i, p := range m.RoutePeers {
		pat := fmt.Sprintf("%s.route_peers[%d]", at, i)
		k.must(p.Peers.IsValid() && p.Peers.Addr().Is6() && p.Peers == p.Peers.Masked() && !seen[p.Peers], pat+".peers", p.Peers, "an IPv6 prefix without bits behind its length, once")
		k.must(p.When != "always" || p.Peers.IsSingleIP(), pat+".when", p.When, "always for one address (/128) only; on-traffic for a prefix")
		seen[p.Peers] = true
		active = active || p.When != "never"
	}
	k.must(!active || m.Security.ESP == nil || m.Security.Tunnel != nil, at+".security.tunnel", "none",
		"keys (out_spi, in_spi, out_key, in_key) when routes are optimised: home tests go to the home agent by ESP in tunnel mode (RFC 6275 section 10.4.6)")
}

// routesOf is a mobile node's policy. Who meets no rule is treated as route_optimisation says.
func routesOf(m *MNConfig) rr.Config {
	c := rr.Config{Rules: []rr.Rule{{Peers: everyone, When: whens[m.RouteOptimisation]}}}
	for _, p := range m.RoutePeers {
		if p.Peers == everyone {
			c.Rules = c.Rules[:0]
		}
		c.Rules = append(c.Rules, rr.Rule{Peers: p.Peers, When: whens[p.When]})
	}
	return c
}

// tunnel checks the keys of the tunnel beside those of the signalling.
func (k *checker) tunnel(at string, s SecurityConfig) {
	t := s.Tunnel
	if t == nil {
		return
	}
	k.esp(at+".tunnel", t)
	k.must(s.ESP == nil || t.InSPI != s.ESP.InSPI, at+".tunnel.in_spi", t.InSPI, "another SPI than esp.in_spi")
	k.must(s.ESP == nil || t.OutSPI != s.ESP.OutSPI, at+".tunnel.out_spi", t.OutSPI, "another SPI than esp.out_spi")
}

func tunnelOf(s SecurityConfig) *sa.ESPConfig {
	if s.Tunnel == nil {
		return nil
	}
	return espOf(s.Tunnel)
}

func (k *checker) cn(at string, c *CNConfig, roles []RoleConfig) {
	k.unicast(at+".address", c.Address)
	k.own(at+".address", c.Address)
	given(k, at+".max_bindings", &c.Max, correspond.MaxBindings)
	k.must(c.Max >= 1 && c.Max <= correspond.MaxBindings, at+".max_bindings", c.Max, fmt.Sprintf("1 to %d", correspond.MaxBindings))
	for i, p := range c.Refuse {
		k.must(p.IsValid() && p.Addr().Is6() && p == p.Masked(), fmt.Sprintf("%s.refuse[%d]", at, i), p, "an IPv6 prefix without bits behind its length")
	}
	if c.Link == 0 {
		return
	}
	k.must(k.ports[c.Link] && !k.routed[c.Link], at+".link", c.Link, "the port of one of links on which no role advertises")
	for _, r := range roles {
		k.must(r.MN == nil, at+".link", c.Link, "no link beside mn: both take the default route, and a mobile node is a correspondent by itself")
		k.must(r.CN == nil || r.CN == c || r.CN.Link == 0, at+".link", c.Link, "one cn with a link on a node: it takes the default route")
	}
}

func correspondent(c *CNConfig) cn.Config {
	cfg := cn.Config{Address: c.Address, Port: plane.Port(c.Link), Bind: correspond.Config{Max: c.Max}}
	for _, p := range c.Refuse {
		cfg.Bind.Rules = append(cfg.Bind.Rules, correspond.Rule{Home: p, Refuse: true})
	}
	return cfg
}
