package mn

import (
	"iter"
	"maps"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// A mobile router: RFC 3963. The networks behind the node go wherever its home address goes: by the same tunnel, held when it
// is held. Its kernel forwards between the links inside and the plane; the node advertises itself on them, and never on a
// link it is a guest of (§5.6).

// inside is the networks behind the node.
type inside struct {
	links   []insideLink
	carried []netip.Prefix // what the home agent is asked to serve; none once it has refused to
	refused mh.Status      // why
}

// insideLink is one link with hosts that move along.
type insideLink struct {
	cfg advertise.Config
	adv *advertise.Advertiser
	up  bool
}

func (n *Node) newInside() {
	for _, c := range n.cfg.Networks {
		n.inside.links = append(n.inside.links, insideLink{cfg: c, adv: advertise.New(c, n.rand)})
		n.inside.carried = append(n.inside.carried, c.Prefix)
	}
}

// inners are what the plane carries together: the home address, and the networks behind it.
func (n *Node) inners() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if !n.id.nobody() && !yield(netip.PrefixFrom(n.id.home, n.id.home.BitLen())) {
			return
		}
		for _, p := range n.inside.carried {
			if !yield(p) {
				return
			}
		}
	}
}

// along sends the home address's packets by a path, and the networks' with them. Mobility headers for nodes inside are theirs,
// and what comes to them is no business of the node's routes.
//
// spec MIP-11
func (n *Node) along(p plane.Path, out *engine.Effects) {
	p.Mark = true
	n.lay(p, out)
}

// lay does so by a path that is not to be ended with a marker.
func (n *Node) lay(p plane.Path, out *engine.Effects) {
	p.Settle = SettleFor
	if p.Limit == 0 {
		p.Limit = SettlePackets
	}
	op := n.path(n.blend(p))
	if !n.id.nobody() {
		out.Plane(op)
	}
	for _, network := range n.inside.carried {
		through := *op.Path
		through.Inner, through.Path.Control, through.Path.Hints = network, false, false
		out.Plane(plane.Op{Path: &through})
	}
}

// claim writes into a binding update what the mobile router asks for: flag R in each, the networks in explicit mode unless it
// ends the binding (RFC 3963 §5.2, §5.8).
//
// spec MIP-11
func (n *Node) claim(bu *mh.BindingUpdate, leaving bool) {
	bu.MobileRouter = len(n.inside.carried) > 0
	if bu.MobileRouter && !n.cfg.Implicit && !leaving {
		bu.Options.Networks = slices.Clone(n.inside.carried)
	}
}

// routerAccepted looks whether a home agent that accepted the binding serves the networks too (RFC 3963 §5.3). One that does not
// keeps the binding of the home address.
func (n *Node) routerAccepted(ba *mh.BindingAck, out *engine.Effects) {
	if len(n.inside.carried) > 0 && !ba.MobileRouter {
		n.inside.refused = mh.MobileRouterNotPermitted
		n.abandon("the home agent does not serve mobile routers", out)
	}
}

// routerRefused goes on as a plain mobile node when no home agent takes the networks: flag R must not be sent again, and their
// prefixes must not be advertised any longer (RFC 3963 §5.4). It is false when the refusal is about something else.
//
// spec MIP-11
func (n *Node) routerRefused(now engine.Now, s mh.Status, out *engine.Effects) bool {
	switch s {
	case mh.MobileRouterNotPermitted, mh.InvalidPrefix, mh.NotAuthorizedForPrefix, mh.ForwardingSetupFailed:
	default:
		return false
	}
	if len(n.inside.carried) == 0 {
		return false
	}
	n.inside.refused = s
	n.abandon(s.String(), out)
	n.renew(now, out)
	return true
}

// abandon gives the networks up until the node starts again.
func (n *Node) abandon(why string, out *engine.Effects) {
	for _, p := range n.inside.carried {
		for _, f := range n.ahead.forwards {
			out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: plane.WayKey{Inner: p, ID: f.way}}})
		}
		for _, bid := range slices.Sorted(maps.Keys(n.several.ways)) {
			out.Plane(plane.Op{Delete: true, Way: &plane.WayOp{Key: plane.WayKey{Inner: p, ID: bid}}})
		}
		out.Plane(plane.Op{Delete: true, Path: &plane.PathOp{Inner: p}})
		out.Event("network.refused", engine.S("prefix", p.String()), engine.S("reason", why))
	}
	n.inside.carried = nil
	for i := range n.inside.links {
		l := &n.inside.links[i]
		l.adv.Down(engine.LinkDown{Port: l.cfg.Port})
	}
}

// insideUp begins to advertise on a link inside. Hosts there are told the MTU of the tunnel, so that nobody has to be told that
// his packets are too big.
func (n *Node) insideUp(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	for i := range n.inside.links {
		l := &n.inside.links[i]
		if l.cfg.Port != in.Port {
			continue
		}
		if l.up = true; n.inside.refused == mh.Accepted {
			in.MTU = min(in.MTU, tunnelMTU)
			l.adv.Up(now, in, out)
		}
	}
}

func (n *Node) insideDown(in engine.LinkDown) {
	for i := range n.inside.links {
		l := &n.inside.links[i]
		if l.cfg.Port == in.Port {
			l.up = false
			l.adv.Down(in)
		}
	}
}

// fromInside takes a router solicitation of a host that moves along. All else there is the kernel's.
func (n *Node) fromInside(now engine.Now, in engine.Packet, out *engine.Effects) {
	i := slices.IndexFunc(n.inside.links, func(l insideLink) bool { return l.cfg.Port == in.Port })
	if i < 0 {
		return
	}
	p, err := ip6.Parse(in.Data)
	if err != nil || p.Proto != ip6.ProtoICMPv6 {
		return
	}
	msg, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
	if err != nil {
		out.Drop("nd-malformed", engine.S("error", err.Error()))
		return
	}
	if _, ok := msg.(*nd.RouterSolicitation); ok {
		n.inside.links[i].adv.Heard(now, in.Port)
	}
}

func (n *Node) insideTick(now engine.Now, out *engine.Effects) {
	for i := range n.inside.links {
		n.inside.links[i].adv.Tick(now, out)
	}
}

func (s *inside) deadline() (engine.Mono, string) {
	at, why := engine.Never, ""
	for i := range s.links {
		if t, w := s.links[i].adv.Deadline(); t < at {
			at, why = t, w
		}
	}
	return at, why
}

// NetworkView is one network behind a mobile router.
type NetworkView struct {
	Prefix  string `json:"prefix"`
	Port    int    `json:"port"` // the link inside
	Up      bool   `json:"up"`
	Refused string `json:"refused,omitempty"` // why the home agent does not serve it
}

func (s *inside) view() []NetworkView {
	var list []NetworkView
	for i := range s.links {
		l := &s.links[i]
		v := NetworkView{Prefix: l.cfg.Prefix.String(), Port: int(l.cfg.Port), Up: l.up}
		if s.refused != mh.Accepted {
			v.Refused = s.refused.String()
		}
		list = append(list, v)
	}
	return list
}
