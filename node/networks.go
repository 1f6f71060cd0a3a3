package node

import (
	"fmt"
	"net/netip"
	"slices"

	"roam6/machine/advertise"
	"roam6/plane"
	"roam6/role/ha"
)

// What a configuration says of mobile routers: RFC 3963.

// maxNetworkBits is the longest prefix of a mobile network: hosts inside make addresses of it.
const maxNetworkBits = 64

// networks checks a mobile router's links inside.
func (k *checker) networks(at string, m *MNConfig) {
	given(k, at+".register_networks", &m.RegisterNetworks, "explicit")
	k.must(len(m.Networks) > 0 || !k.doc.Has(at+".register_networks"), at+".register_networks", m.RegisterNetworks, "nothing unless the node has networks")
	k.must(len(m.Networks) <= ha.MaxNetworks, at+".networks", len(m.Networks), fmt.Sprintf("%d at most", ha.MaxNetworks))
	for i := range m.Networks {
		n, nat := &m.Networks[i], fmt.Sprintf("%s.networks[%d]", at, i)
		k.advertise(nat, n)
		k.must(!n.Prefix.IsValid() || !n.Prefix.Overlaps(m.HomePrefix), nat+".prefix", n.Prefix, "another prefix than home_prefix: what is on the home link does not move")
		k.must(!slices.ContainsFunc(m.Networks[:i], func(o AdvertiseConfig) bool { return o.Prefix == n.Prefix }), nat+".prefix", n.Prefix, "a prefix that no other of networks has")
	}
}

// Refuse are the networks of all mobile routers that the node's home agents serve, as few prefixes as say so. While one is not bound, what
// is for it would go back where the home agent's kernel sends everything, and come again (RFC 3963 §6.7: it is not forwarded).
//
// spec MIP-11
func (c *Config) Refuse() []netip.Prefix {
	var list []netip.Prefix
	for _, r := range c.Roles {
		if r.HA != nil {
			for _, m := range r.HA.Mobiles {
				list = append(list, m.Networks...)
			}
		}
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	var out []netip.Prefix
	for _, p := range list { // none overlaps another
		for len(out) > 0 && out[len(out)-1].Bits() == p.Bits() && p.Bits() > 0 {
			both := netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
			if !both.Contains(out[len(out)-1].Addr()) {
				break
			}
			out, p = out[:len(out)-1], both
		}
		out = append(out, p)
	}
	return out
}

// claim is a network of the prefix table, and the place of the configuration that gives it.
type claim struct {
	netip.Prefix
	at string
}

// table checks the networks that a home agent's mobile nodes may register.
func (k *checker) table(at string, h *HAConfig) {
	all := []claim{{h.Prefix, at + ".prefix"}}
	for i, m := range h.Mobiles {
		mat := fmt.Sprintf("%s.mobiles[%d].networks", at, i)
		k.must(len(m.Networks) <= ha.MaxNetworks, mat, len(m.Networks), fmt.Sprintf("%d at most", ha.MaxNetworks))
		for j, p := range m.Networks {
			pat := fmt.Sprintf("%s[%d]", mat, j)
			ok := p.IsValid() && p == p.Masked() && p.Bits() > 0 && p.Bits() <= maxNetworkBits && routable(p.Addr())
			k.must(ok, pat, p, "a prefix of routable unicast addresses, up to /64, without bits behind its length, such as 2001:db8:0:100::/56")
			if ok {
				all = append(all, claim{p, pat})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b claim) int { return a.Prefix.Compare(b.Prefix) })
	for i := 1; i < len(all); i++ { // sorted, a prefix stands right before the first that it contains
		bad, other := all[i], all[i-1]
		if !bad.Prefix.IsValid() || !other.Overlaps(bad.Prefix) {
			continue
		}
		if bad.at == at+".prefix" {
			bad, other = other, bad
		}
		k.must(false, bad.at, bad.Prefix, "a network that overlaps neither the home prefix nor another mobile node's: not "+other.String())
	}
}

// networksOf is what a mobile router advertises inside.
func networksOf(m *MNConfig) []advertise.Config {
	var list []advertise.Config
	for _, n := range m.Networks {
		list = append(list, advertised(n))
	}
	return list
}

// advertised is what a router advertises on one link.
func advertised(l AdvertiseConfig) advertise.Config {
	return advertise.Config{
		Port: plane.Port(l.Port), Prefix: l.Prefix, Address: l.Address, IntervalMin: l.IntervalMin, IntervalMax: l.IntervalMax,
		Lifetime: *l.Lifetime, DelayMax: *l.RADelayMax, Valid: l.Valid, Preferred: l.Preferred,
	}
}
