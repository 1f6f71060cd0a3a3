package sim

import (
	"net/netip"
	"slices"

	"roam6/plane"
	"roam6/wire/ip6"
)

// mirror is the part of the plane's table that the kernel and the links must know, kept by each operation. The zero
// mirror is that of an empty table.
type mirror struct {
	locals   map[addr16]plane.Local
	hosts    []addr16       // one or two
	mtu      int            // of the TUN device, if it is the kernel's default route; else 0
	captures map[addr16]int // addresses the kernel routes into the plane: how many entries want it
	prefixes []netip.Prefix // the same for shorter prefixes
	paths    map[netip.Prefix]bool
	routes   map[plane.Pair]bool // those with Capture
	gates    bool                // there were some
	meters   bool                // there were some
	refuse   []netip.Prefix      // scenario.Built.Refuse
}

// host reports whether an address is given to the applications.
func (m *mirror) host(a addr16) bool { return slices.Contains(m.hosts, a) }

// put sets an entry of a map that may be nil.
func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}

// captured reports whether the kernel must hand packets for an address to the plane.
func (m *mirror) captured(a addr16) bool {
	if len(m.captures) > 0 && m.captures[a] > 0 {
		return true
	}
	for _, p := range m.prefixes {
		if p.Contains(a.addr()) {
			return true
		}
	}
	return false
}

// refuses reports whether the kernel hands what is for an address to the plane, to be refused, for want of a route as good.
func (m *mirror) refuses(a addr16, r *kroute) bool {
	return slices.ContainsFunc(m.refuse, func(p netip.Prefix) bool { return (r == nil || r.bits < p.Bits()) && p.Contains(a.addr()) })
}

func (m *mirror) capture(p netip.Prefix, by int) {
	if p.Bits() == 128 {
		a := addr16(p.Addr().As16())
		if n := m.captures[a] + by; n != 0 {
			put(&m.captures, a, n)
		} else {
			delete(m.captures, a)
		}
		return
	}
	if by > 0 {
		m.prefixes = append(m.prefixes, p)
	} else if at := slices.Index(m.prefixes, p); at >= 0 {
		m.prefixes = slices.Delete(m.prefixes, at, at+1)
	}
}

// apply changes the plane: first what the kernel must know of it, then the plane itself, which may release packets.
func (n *node) apply(op plane.Op) {
	if n.soft.Refuses(op) == "" { // else the kernel is not told; the plane's answer is that of the real one
		n.tellKernel(op)
	}
	s := n.w.sink()
	n.soft.Apply(n.clock(), op, s)
	n.flush(s)
}

func (n *node) tellKernel(op plane.Op) {
	switch {
	case op.Gate != nil:
		n.mirror.gates = true
	case op.Meter != nil:
		n.mirror.meters = true
	case op.Local != nil:
		n.setLocal(op.Local.Addr.As16(), op.Local.Local, op.Delete)
	case op.Host != nil:
		a := addr16(op.Host.Addr.As16())
		at := slices.Index(n.mirror.hosts, a)
		if op.Delete && at >= 0 {
			n.mirror.hosts = slices.Delete(n.mirror.hosts, at, at+1)
		} else if !op.Delete && at < 0 {
			n.mirror.hosts = append(n.mirror.hosts, a)
		}
		n.mirror.mtu = 0
		if h := op.Host.Host; h.Default && !op.Delete {
			n.mirror.mtu = h.MTU
		}
	case op.Path != nil:
		inner := op.Path.Inner.Masked()
		if n.mirror.paths[inner] {
			n.mirror.capture(inner, -1)
			delete(n.mirror.paths, inner)
		}
		if !op.Delete && op.Path.Path.Capture {
			n.mirror.capture(inner, 1)
			put(&n.mirror.paths, inner, true)
		}
	case op.Route != nil:
		n.setRoute(op.Route.Pair, op.Route.Route.Capture && !op.Delete)
	}
}

// setRoute keeps whether a mobile address is captured for the sake of one of its peers.
func (n *node) setRoute(p plane.Pair, capture bool) {
	if capture == n.mirror.routes[p] {
		return
	}
	to := netip.PrefixFrom(p.Mobile, p.Mobile.BitLen())
	if capture {
		n.mirror.capture(to, 1)
		put(&n.mirror.routes, p, true)
	} else {
		n.mirror.capture(to, -1)
		delete(n.mirror.routes, p)
	}
}

func (n *node) setLocal(a addr16, l plane.Local, del bool) {
	if old, have := n.mirror.locals[a]; have {
		n.leaveLocal(a, old)
		delete(n.mirror.locals, a)
	}
	if del {
		return
	}
	put(&n.mirror.locals, a, l)
	if l.Capture {
		n.mirror.capture(netip.PrefixFrom(a.addr(), 128), 1)
	}
	if i := n.byPort(l.Port); i != nil {
		i.join(plane.HW(ip6.MulticastHW(ip6.SolicitedNode(a.addr()))))
	}
}

func (n *node) leaveLocal(a addr16, l plane.Local) {
	if l.Capture {
		n.mirror.capture(netip.PrefixFrom(a.addr(), 128), -1)
	}
	if i := n.byPort(l.Port); i != nil {
		i.unjoin(plane.HW(ip6.MulticastHW(ip6.SolicitedNode(a.addr()))))
	}
}
