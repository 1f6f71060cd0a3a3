package plane

import (
	"net/netip"
	"slices"

	"roam6/wire/ip6"
)

// Groups is what must be joined on a link port for its Locals to be found: the solicited-node group of each of
// them (RFC 4291 §2.7.1; the tentative too, RFC 4862 §5.4.2) and all-nodes. Sorted, each once.
func (t Table) Groups(port Port) []netip.Addr {
	groups := []netip.Addr{ip6.AllNodes}
	for a, l := range t.Locals { //order:any sorted below
		if l.Port == port {
			groups = append(groups, ip6.SolicitedNode(a))
		}
	}
	slices.SortFunc(groups, netip.Addr.Compare)
	return slices.Compact(groups)
}

// Captures is what the kernel of a node must route into the plane: Locals, Paths and the mobile addresses of Routes with
// Capture. Sorted, each once.
func (t Table) Captures() []netip.Prefix {
	var out []netip.Prefix
	for a, l := range t.Locals { //order:any sorted below
		if l.Capture {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	for p, path := range t.Paths { //order:any sorted below
		if path.Capture {
			out = append(out, p)
		}
	}
	for pair, route := range t.Routes { //order:any sorted below
		if route.Capture {
			out = append(out, netip.PrefixFrom(pair.Mobile, pair.Mobile.BitLen()))
		}
	}
	slices.SortFunc(out, comparePrefix)
	return slices.Compact(out)
}
