package driver

import (
	"maps"
	"net/netip"
	"slices"

	"roam6/plane"
)

// demand is what a plane's table asks of the machine under it, kept up one Op at a time: a home agent changes it with
// every binding, and must not walk ten thousand others for it.
type demand struct {
	// shared: the links on which the kernel speaks IPv6 as well.
	shared map[plane.Port]bool
	members
	hosts  map[netip.Addr]plane.Host
	paths  map[netip.Prefix]pathWish
	direct map[plane.Port]map[netip.Prefix]struct{}
	pairs  map[plane.Pair]bool // Routes whose mobile address is captured
	routed map[netip.Addr]int  // by how many of them
}

// pathWish is what a path asks of the machine. A home agent has one for each binding, so it is small.
type pathWish struct{ capture, byLink bool }

func newDemand(shared map[plane.Port]bool) *demand {
	return &demand{
		shared:  shared,
		members: newMembers(),
		hosts:   map[netip.Addr]plane.Host{},
		paths:   map[netip.Prefix]pathWish{},
		direct:  map[plane.Port]map[netip.Prefix]struct{}{},
		pairs:   map[plane.Pair]bool{},
		routed:  map[netip.Addr]int{},
	}
}

// delta is what one Op changed of the demand: only what is named here may differ from before.
type delta struct {
	joined, left []group
	filters      []plane.Port // ports whose packets of interest changed; plane.Kernel means every link
	capture      netip.Prefix // look again whether it is captured; invalid: no
	host         netip.Addr   // look again whether the kernel has it; invalid: no
}

// apply takes one Op in.
func (d *demand) apply(op plane.Op) delta {
	switch {
	case op.Local != nil:
		return d.local(op.Local.Addr, op.Local.Local, op.Delete)
	case op.Path != nil:
		return d.path(op.Path.Inner.Masked(), op.Path.Path, op.Delete)
	case op.Route != nil:
		return d.route(op.Route.Pair, op.Route.Route.Capture && !op.Delete)
	case op.Host != nil:
		if op.Delete {
			delete(d.hosts, op.Host.Addr)
		} else {
			d.hosts[op.Host.Addr] = op.Host.Host
		}
		return delta{host: op.Host.Addr}
	}
	return delta{}
}

func (d *demand) local(a netip.Addr, l plane.Local, gone bool) delta {
	c := delta{capture: netip.PrefixFrom(a, a.BitLen())}
	old, had := d.locals[a]
	c.joined, c.left = d.take(a, l, gone)
	if had && byLink(old) {
		c.unwant(d, old.Port, c.capture)
	}
	if !gone && byLink(l) {
		c.want(d, l.Port, c.capture)
	}
	return c
}

// byLink tells whether packets to a Local come by its link's packet socket. Captured ones come by the kernel's routing
// and the TUN: taking them from the link as well would handle them twice. Of a proxied one only neighbour discovery
// is wanted, and that always passes.
func byLink(l plane.Local) bool { return !l.Capture && !l.Proxy && l.Port != plane.Kernel }

func (d *demand) path(p netip.Prefix, path plane.Path, gone bool) delta {
	c := delta{capture: p}
	if d.paths[p].byLink {
		c.unwant(d, plane.Kernel, p)
	}
	if gone {
		delete(d.paths, p)
		return c
	}
	wish := pathWish{path.Capture, byAnyLink(path)}
	d.paths[p] = wish
	if wish.byLink {
		c.want(d, plane.Kernel, p)
	}
	return c
}

// overheard tells whether packets to an address come by the socket of a link on which the kernel speaks too. An address that may still turn
// out to be another node's is not ours to silence, and link-local ones no kernel forwards to.
func (d *demand) overheard(a netip.Addr) bool {
	l, ok := d.locals[a]
	return ok && byLink(l) && d.shared[l.Port] && !l.Tentative && !a.IsLinkLocalUnicast()
}

// route keeps whether a mobile address is captured for the sake of one of its peers.
func (d *demand) route(p plane.Pair, capture bool) delta {
	if capture == d.pairs[p] {
		return delta{}
	}
	if capture {
		d.pairs[p] = true
		d.routed[p.Mobile]++
	} else {
		delete(d.pairs, p)
		if d.routed[p.Mobile]--; d.routed[p.Mobile] == 0 {
			delete(d.routed, p.Mobile)
		}
	}
	return delta{capture: netip.PrefixFrom(p.Mobile, p.Mobile.BitLen())}
}

// byAnyLink tells whether packets to a mobile address come by packet socket: a mobile node at home, or on its way there,
// is sent packets that no tunnel brings.
func byAnyLink(p plane.Path) bool { return p.Side == plane.Mobile }

func (c *delta) want(d *demand, port plane.Port, p netip.Prefix) {
	if d.direct[port] == nil {
		d.direct[port] = map[netip.Prefix]struct{}{}
	}
	d.direct[port][p] = struct{}{}
	c.filters = append(c.filters, port)
}

func (c *delta) unwant(d *demand, port plane.Port, p netip.Prefix) {
	delete(d.direct[port], p)
	c.filters = append(c.filters, port)
}

// captured tells whether the kernel must route packets for a prefix into the plane.
func (d *demand) captured(p netip.Prefix) bool {
	if d.paths[p].capture {
		return true
	}
	return p.IsSingleIP() && (d.locals[p.Addr()].Capture || d.routed[p.Addr()] > 0)
}

// wants gives the destinations whose packets a link port must bring up, sorted. What is wanted of any link are addresses
// that the kernel has too (on the TUN): where it shares the link it delivers those itself, and the applications would get
// them twice.
func (d *demand) wants(port plane.Port) []netip.Prefix {
	all := slices.Collect(maps.Keys(d.direct[port]))
	if !d.shared[port] {
		all = slices.AppendSeq(all, maps.Keys(d.direct[plane.Kernel]))
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return slices.Compact(all)
}
