package mn

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/machine/correspond"
	"roam6/machine/rr"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
)

// linger is how long packets are still taken at the care-of address of before while its access works: correspondents hear of the
// new one after the home agent has (RFC 6275 §11.7.2), and meanwhile send straight to the old one.
const linger = 3 * time.Second

// lingerWay numbers the Way for it. Lower numbers are those of several care-of addresses.
const lingerWay = 0xfe00

// routing is what the node has with its correspondents: as a mobile node, and as the correspondent of others. Its parts
// are made when there is a use for them: a simulator has many thousand nodes that tell nobody where they are.
type routing struct {
	mobile *rr.Mobile       // nil when the policy is Never for everybody
	peers  *correspond.Node // nil until a mobile node asks
	tunnel *sa.Tunnel       // to the home agent, for mobility headers; nil: they go by the plain tunnel

	here   netip.Addr  // as told to mobile: the home address at home, invalid when nowhere
	until  engine.Mono // likewise; 0 when it was not told of a binding for here
	routed int         // routes that stand
	old    engine.Mono // when packets to the care-of address of before end to be taken; 0: they are not
}

// newRouting makes the node's ends of route optimisation.
func (n *Node) newRouting() error {
	if n.routes.tunnel == nil {
		t, err := sa.NewTunnel(n.cfg.Tunnel, n.called())
		if err != nil {
			return err
		}
		n.routes.tunnel = t
	}
	c := n.cfg.Routes
	c.HomeAddress = n.id.home
	if n.id.nobody() {
		return nil
	}
	if len(c.Rules) == 0 || slices.ContainsFunc(c.Rules, func(r rr.Rule) bool { return r.When != rr.Never }) {
		n.routes.mobile = rr.New(c, n.rand)
	}
	return nil
}

// follow tells the routes where the node is. It looks at what has become of an input, so that nothing else in the node
// needs to know of routes.
//
// spec MIP-04
func (n *Node) follow(now engine.Now, out *engine.Effects) {
	f, r := &n.routes, &n.home
	if f.mobile == nil {
		return
	}
	if here := n.whereabouts(); here != f.here {
		before := f.here
		f.here, f.until = here, 0
		switch here {
		case netip.Addr{}:
			n.act(f.mobile.Lost(now, out), out)
		case n.id.home:
			n.act(f.mobile.Home(now, out), out)
		default:
			n.keepOld(now, before, out)
			n.act(f.mobile.Arrived(now, here, out), out)
		}
	}
	if f.here.IsValid() && f.here == r.coa && f.here != n.id.home && r.phase == current && r.bound(now) && r.expires != f.until {
		f.until = r.expires
		n.act(f.mobile.Registered(now, r.expires, out), out)
	}
}

// whereabouts is the address that packets can come to and go from: the home address once nobody else represents it, the
// care-of address being registered, or none.
func (n *Node) whereabouts() netip.Addr {
	r := &n.home
	a := n.accessOf(r.port)
	switch {
	case a == nil || !a.usable() || a.coa != r.coa || r.leaving:
	case !a.atHome, r.phase == current && r.atHome:
		return a.coa
	}
	return netip.Addr{}
}

// keepOld has the plane go on taking what comes straight to the care-of address of before, if its access still works.
func (n *Node) keepOld(now engine.Now, old netip.Addr, out *engine.Effects) {
	if n.routes.routed == 0 {
		return
	}
	if a := n.accessAt(old); a != nil && !a.atHome {
		n.routes.old = now.Mono.Add(linger)
		out.Plane(plane.Op{Way: &plane.WayOp{Key: n.lingerKey(), Way: plane.Way{Local: old, Remote: n.home.agent, Out: a.link.Port}}})
	}
}

func (n *Node) lingerKey() plane.WayKey {
	return plane.WayKey{Inner: netip.PrefixFrom(n.id.home, 128), ID: lingerWay}
}

func (n *Node) routesTick(now engine.Now, out *engine.Effects) {
	f := &n.routes
	if f.old != 0 && f.old <= now.Mono {
		f.old = 0
		out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: n.lingerKey()}})
	}
	if f.mobile != nil {
		n.act(f.mobile.Tick(now, out), out)
	}
	if f.peers == nil {
		return
	}
	for _, a := range f.peers.Tick(now, out) {
		n.answer(a, out)
	}
}

// deadline is the earliest of the two ends' deadlines.
func (f *routing) deadline() (engine.Mono, string) {
	at, why := engine.Never, ""
	if f.mobile != nil {
		at, why = f.mobile.Deadline()
	}
	if f.peers != nil {
		if t, w := f.peers.Deadline(); t < at {
			at, why = t, w
		}
	}
	if f.old != 0 && f.old < at {
		at, why = f.old, "end of the care-of address of before"
	}
	return at, why
}

// act does what the routes ask for, in order.
func (n *Node) act(facts []rr.Fact, out *engine.Effects) {
	for _, f := range facts {
		a := n.accessAt(f.CoA)
		switch f.Kind {
		case rr.Straight:
			if a != nil {
				n.transmit(a, f.Packet, out)
			}
		case rr.Through:
			n.viaHome(f.Packet, out)
		case rr.Ready:
			op := plane.RouteOp{Pair: plane.Pair{Mobile: n.id.home, Peer: f.Peer}, Route: plane.Route{Side: plane.Mobile, CareOf: f.CoA}}
			if a != nil {
				op.Route.Out, op.Route.MTU = a.link.Port, a.mtu
			}
			n.routes.routed++
			out.Plane(plane.Op{Route: &op})
		case rr.Gone:
			n.routes.routed--
			out.Plane(plane.Op{Delete: true, Route: &plane.RouteOp{Pair: plane.Pair{Mobile: n.id.home, Peer: f.Peer}}})
		}
	}
}

// accessAt is the access that has an address, if it can be used.
func (n *Node) accessAt(addr netip.Addr) *access {
	for _, a := range n.access {
		if a.usable() && a.coa == addr {
			return a
		}
	}
	return nil
}

// viaHome sends a packet from the home address: through the tunnel with the home agent when the node is away, protected if
// there are keys for it (RFC 6275 §11.6.1, §11.6.3). Without a binding there is no way, and whoever waits asks again.
//
// spec MIP-02 MIP-04
func (n *Node) viaHome(packet []byte, out *engine.Effects) {
	r, f := &n.home, &n.routes
	a := n.accessOf(r.port)
	if packet == nil || a == nil || !a.usable() || a.coa != r.coa || r.phase != current {
		return
	}
	if r.atHome {
		n.transmit(a, packet, out)
		return
	}
	if f.tunnel != nil {
		packet = f.tunnel.Wrap(r.coa, r.agent, packet, out)
	} else {
		outer := ip6.Packet{Header: ip6.Header{Src: r.coa, Dst: r.agent}, Proto: ip6.ProtoIPv6, Payload: packet}
		packet = outer.Append(nil)
	}
	if packet != nil {
		n.transmit(a, packet, out)
	}
}

// traffic takes a hint of the plane.
//
// spec MIP-04
func (n *Node) traffic(now engine.Now, in engine.Traffic, out *engine.Effects) {
	f, hoa := &n.routes, n.id.home
	switch {
	case in.Straight && in.Peer == hoa:
		if f.peers == nil {
			return
		}
		if in.Unreachable.IsValid() {
			n.answer(f.peers.Unreachable(now, in.Mobile, in.Peer, in.Unreachable, out), out)
			return
		}
		f.peers.Used(now, in.Mobile, in.Peer)
	case in.Mobile != hoa || f.mobile == nil:
	case in.Straight:
		n.act(f.mobile.Used(now, in.Peer, out), out)
	case in.Peer != n.home.agent:
		n.act(f.mobile.Wanted(now, in.Peer, out), out)
	}
}
