package mn

import (
	"roam6/engine"
	"roam6/machine/correspond"
	"roam6/machine/rr"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// What comes from correspondents, and from mobile nodes whose correspondent this one is (RFC 6275 §9, §11.6).

// fromTunnel takes a mobility header that the home agent sent on under protection: RFC 6275 §10.4.6.
//
// spec MIP-02 MIP-04
func (n *Node) fromTunnel(now engine.Now, p *ip6.Packet, out *engine.Effects) {
	t := n.routes.tunnel
	inner, _, reason := t.Unwrap(p)
	switch {
	case reason != "":
	case p.Src != n.home.agent:
		reason = "not-our-home-agent"
	case inner.Proto != ip6.ProtoMH || inner.Dst != n.id.home:
		reason = "tunnel-selector"
	}
	if reason != "" {
		out.Drop(reason, engine.A("from", p.Src))
		return
	}
	m, err := mh.Parse(inner.EffectiveSrc(), inner.EffectiveDst(), inner.Payload)
	if err != nil {
		out.Drop("mh-malformed", engine.S("error", err.Error()))
		return
	}
	t.SA().Commit(out)
	n.peerMessage(now, &inner, m, true, out)
}

// peerMessage takes a mobility message that is not the home agent's; through says whether it came out of the tunnel that
// protects home tests.
func (n *Node) peerMessage(now engine.Now, p *ip6.Packet, m mh.Message, through bool, out *engine.Effects) {
	switch m.(type) {
	case *mh.HomeTestInit, *mh.CareOfTestInit, *mh.BindingUpdate:
		if p.Dst != n.id.home { // whoever is mobile itself is a correspondent by its home address: RFC 6275 §5.2.9
			out.Drop("mh-not-for-us", engine.A("to", p.Dst))
			return
		}
		if n.routes.peers == nil {
			n.routes.peers = correspond.New(correspond.Config{}, n.rand)
		}
		a := n.routes.peers.Heard(now, p, m, out)
		if a.Unproven && !n.tell.May(now, p.Dst, p) {
			return
		}
		n.answer(a, out)
	default:
		if n.routes.mobile == nil {
			out.Drop(rr.Unexpected, engine.A("from", p.Src))
			return
		}
		n.act(n.routes.mobile.Heard(now, p, m, through, out), out)
	}
}

// plainly reports whether a message to the home address came out of the plain tunnel, and that is protection enough: no keys
// are configured for another. Away from home the plane takes packets for it from nowhere else.
func (n *Node) plainly(p *ip6.Packet) bool {
	return n.routes.tunnel == nil && p.Dst == n.id.home && !n.home.atHome
}

// answer does what the correspondent's end asks for: the route first, then the packet.
func (n *Node) answer(a correspond.Answer, out *engine.Effects) {
	if a.Fact.Kind != correspond.Nothing {
		out.Plane(plane.Op{Delete: a.Fact.Kind == correspond.Unbound, Route: &plane.RouteOp{
			Pair:  plane.Pair{Mobile: a.Fact.HoA, Peer: a.Fact.Peer},
			Route: plane.Route{Side: plane.Peer, CareOf: a.Fact.CoA, Out: n.home.port},
		}})
	}
	n.viaHome(a.Packet, out)
}

// unbound answers a user packet whose home address option no binding backs: RFC 6275 §9.3.1.
func (n *Node) unbound(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	if n.routes.peers != nil && !n.routes.peers.Stranger(now, p) {
		return // bound since
	}
	out.Drop("no-binding", engine.A("from", p.Src))
	be := n.tell.BindingError(now, p.Dst, p, mh.UnknownBinding)
	if p.Dst == n.id.home {
		n.viaHome(be, out)
		return
	}
	n.sendIf(in.Port, p, be, out)
}

// onProblem takes a Parameter Problem about a message to a correspondent that knows no mobility header: RFC 6275 §11.3.5.
//
// spec MIP-04
func (n *Node) onProblem(now engine.Now, e *icmp6.Error, out *engine.Effects) {
	if e.Type == icmp6.TypeParameterProblem && n.routes.mobile != nil {
		n.act(n.routes.mobile.Problem(now, e, out), out)
	}
}
