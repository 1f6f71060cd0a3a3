package ha

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Mobile routers: RFC 3963. The configuration's networks are the prefix table of §6.1.2: what a mobile router may claim in
// explicit mode, and what it is given in implicit mode. No two mobile nodes have overlapping networks there, so that none
// can claim what is another's.

// MaxNetworks is how many networks a mobile router may have: as many as fit one binding update.
const MaxNetworks = mh.MaxNetworks

// inners are what the plane carries for a binding: the home address, then the networks behind it.
func (b *binding) inners() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if !yield(netip.PrefixFrom(b.HoA(), 128)) {
			return
		}
		for _, n := range b.Networks {
			if !yield(n) {
				return
			}
		}
	}
}

// checkTable makes sure that no network is two mobile nodes', nor the home link's.
func checkTable(cfg *Config) error {
	type entry struct {
		netip.Prefix
		of netip.Addr
	}
	all := []entry{{cfg.Prefix, cfg.Address}}
	for _, m := range cfg.Mobiles {
		if len(m.Networks) > MaxNetworks {
			return fmt.Errorf("ha: %v has %d networks; %d at most", m.HomeAddress, len(m.Networks), MaxNetworks)
		}
		for _, n := range m.Networks {
			all = append(all, entry{n, m.HomeAddress})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return a.Prefix.Compare(b.Prefix) })
	for i := 1; i < len(all); i++ { // sorted, a prefix stands right before what it contains
		if all[i-1].Overlaps(all[i].Prefix) {
			return fmt.Errorf("ha: %v of %v overlaps %v of %v", all[i].Prefix, all[i].of, all[i-1].Prefix, all[i-1].of)
		}
	}
	return nil
}

// networksOf is the networks that an update asks for, or the status that refuses them: RFC 3963 §6.2. Without flag R the node is
// no router, and nothing is forwarded to networks behind it.
//
// spec MIP-11
func (a *Agent) networksOf(m *mobile, bu *mh.BindingUpdate) ([]netip.Prefix, mh.Status) {
	asked := bu.Options.Networks
	switch {
	case !bu.MobileRouter:
		return nil, mh.Accepted
	case !a.routers:
		return nil, mh.MobileRouterNotPermitted
	case len(asked) == 0 && len(m.networks) == 0:
		return nil, mh.ForwardingSetupFailed
	case len(asked) == 0:
		return m.networks, mh.Accepted
	}
	list := slices.Clone(asked)
	slices.SortFunc(list, netip.Prefix.Compare)
	list = slices.Compact(list)
	for _, p := range list {
		if !p.Addr().Is6() || !ip6.Routable(p.Addr()) || p.Bits() == 0 || p.Bits() > 64 || p.Overlaps(a.cfg.Prefix) {
			return nil, mh.InvalidPrefix
		}
	}
	for _, p := range list {
		if !slices.ContainsFunc(m.networks, func(n netip.Prefix) bool { return n.Bits() <= p.Bits() && n.Contains(p.Addr()) }) {
			return nil, mh.NotAuthorizedForPrefix
		}
	}
	return list, mh.Accepted
}

// admitRouter says whether the mobile router's part of a request is allowed. What removes a binding asks for nothing
// (RFC 3963 §6.2, §6.7).
//
// spec MIP-11
func (a *Agent) admitRouter(m *mobile, q *request, bu *mh.BindingUpdate) mh.Status {
	switch {
	case bu.MobileRouter && !bu.Home:
		return mh.MobileRouterNotPermitted
	case q.removes(m):
		return mh.Accepted
	}
	if m.binding != nil && m.binding.Router != bu.MobileRouter && bu.Home {
		return mh.TypeChangeDisallowed
	}
	list, status := a.networksOf(m, bu)
	if !status.Accepted() {
		return status
	}
	if slices.ContainsFunc(list, func(n netip.Prefix) bool { return n.Contains(q.coa) }) {
		return mh.InvalidCoA // the tunnel to a network would begin in it
	}
	q.router, q.networks = bu.MobileRouter, list
	return mh.Accepted
}

// uncarry ends what the plane carries for a binding and not for the one that follows it, if there are such: RFC 3963 §6.2.
func (a *Agent) uncarry(b, next *binding, out *engine.Effects) {
	if b == nil {
		return
	}
	kept := b.m.keptPrevious()
	for inner := range b.inners() {
		if next != nil && next.carries(inner) {
			a.uncarryOthers(b, next, inner, out)
			continue
		}
		a.uncarryOthers(b, nil, inner, out)
		if kept {
			out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: previousKey(inner)}})
		}
		out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: inner}})
	}
}

// carries says whether the plane carries an address or a network for a binding.
func (b *binding) carries(inner netip.Prefix) bool {
	return inner.Addr() == b.HoA() || slices.Contains(b.Networks, inner)
}

// restrict takes from a binding of an earlier life the networks that the configuration does not give its node any more.
func (b *binding) restrict() {
	if len(b.Networks) == 0 {
		return
	}
	b.own().Networks = slices.DeleteFunc(b.Networks, func(p netip.Prefix) bool {
		return !slices.ContainsFunc(b.m.networks, func(n netip.Prefix) bool { return n.Bits() <= p.Bits() && n.Contains(p.Addr()) })
	})
}
