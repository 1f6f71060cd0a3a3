package ha

import (
	"cmp"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/wire/icmp6"
	"roam6/wire/nd"
)

// agents is the home agents list of the home link: RFC 6275 §10.1, filled from advertisements with the H bit.
type agents []otherAgent

type otherAgent struct {
	link       netip.Addr // its link-local address, which names it
	addr       netip.Addr
	preference uint16
	routers    bool // it serves mobile routers
	expires    engine.Mono
}

// heard takes the advertisement of another router of the home link (RFC 6275 §10.5.1).
func (l *agents) heard(now engine.Now, home netip.Prefix, from netip.Addr, ra *nd.RouterAdvertisement) {
	o := otherAgent{link: from, expires: now.Mono.Add(ra.Lifetime)}
	if info := ra.Options.HomeAgent; info != nil {
		o.preference, o.expires, o.routers = info.Preference, now.Mono.Add(info.Lifetime), info.MobileRouters
	}
	for _, p := range ra.Options.Prefixes {
		if p.RouterAddr && home.Contains(p.Addr) {
			o.addr = p.Addr
		}
	}
	// What it says now replaces what it said before; an H bit or a lifetime gone ends it.
	*l = slices.DeleteFunc(*l, func(x otherAgent) bool { return x.expires <= now.Mono || x.link == from })
	if ra.HomeAgent && o.addr.IsValid() && o.expires > now.Mono && len(*l) < MaxAgents {
		*l = append(*l, o)
	}
}

// onHomeAgentsRequest answers home agent discovery: every agent of the link, the preferred first (RFC 6275 §10.5.1).
//
// spec MIP-05
func (a *Agent) onHomeAgentsRequest(now engine.Now, m *icmp6.HomeAgentsRequest) *icmp6.HomeAgentsReply {
	list := append(agents{{addr: a.cfg.Address, preference: a.cfg.Preference, routers: a.routers, expires: engine.Never}}, a.others...)
	list = slices.DeleteFunc(list, func(o otherAgent) bool { return o.expires <= now.Mono })
	for i := len(list) - 1; i > 0; i-- { // agents of equal preference share the nodes
		k := int(a.rand.Uint64() % uint64(i+1))
		list[i], list[k] = list[k], list[i]
	}
	slices.SortStableFunc(list, func(x, y otherAgent) int { return cmp.Compare(y.preference, x.preference) })
	r := &icmp6.HomeAgentsReply{ID: m.ID}
	if m.MobileRouters { // only those that serve mobile routers, if there are such: RFC 3963 §7.2
		if fit := slices.DeleteFunc(slices.Clone(list), func(o otherAgent) bool { return !o.routers }); len(fit) > 0 {
			r.MobileRouters, list = true, fit
		}
	}
	for _, o := range list {
		r.Agents = append(r.Agents, o.addr)
	}
	return r
}
