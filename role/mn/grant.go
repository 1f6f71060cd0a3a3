package mn

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/enrol"
	"roam6/machine/sa"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// letIn takes what the home network granted: the access is open, the update that the request carried is answered in the reply, and so
// is the one that an AAA server made for a node without home agent or home address.
//
// spec DM-08 DM-18 DM-21
func (n *Node) letIn(now engine.Now, a *access, g *enrol.Grant, out *engine.Effects) {
	r, was := &n.home, a.asked
	r.missed, a.lent = 0, 0
	a.asked.over()
	out.Event(eventLetIn, engine.S("network", g.Network), engine.A("coa", g.CareOf))
	if i := slices.IndexFunc(g.Keys, func(k enrol.Key) bool { return k.Use == aaa.AccessRouter }); i >= 0 {
		a.routerKey = &g.Keys[i]
	}
	if a.link.Port != r.port || a.coa != r.coa || g.CareOf != a.coa {
		return
	}
	if b := g.Reply.Binding; b == nil {
		out.Event(engine.EventHomeRoundTrip, engine.S("exchange", "authentication"))
	} else if p, err := ip6.Parse(b); err != nil || p.Dst != g.CareOf {
		out.Drop("ba-not-for-us", engine.A("from", p.Src))
	} else {
		n.answered(now, a, was, g, b, &p, out)
	}
	switch {
	case r.phase == current && r.tries == 0, r.phase == unbound, r.port != a.link.Port:
	case n.lacks(now):
		n.giveUp(now, "the home network gave no home agent, home address or keys", out)
	default:
		if _, waits := r.timers.Armed(retransmit); waits && !(r.trusted && r.sentAt <= was.at) {
			return // the home agent's word came along, and something was done about it
		}
		// Or an update that left on trust before the request has no answer yet, but the request has: the gate was closed to it, or it was lost.
		r.tries = 0
		out.Step("authenticated", "binding acknowledgement", engine.A("coa", a.coa))
		n.update(now, out)
	}
}

// answered takes the acknowledgement that came with the reply.
func (n *Node) answered(now engine.Now, a *access, was asked, g *enrol.Grant, data []byte, p *ip6.Packet, out *engine.Effects) {
	if was.update && was.sa != nil {
		n.mobility(now, engine.Packet{Port: a.link.Port, Data: data}, p, out)
		if n.home.phase == current && n.home.tries == 0 {
			n.takeKeys(now, g.Keys, p.Src, out)
		}
		return
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	ba, ok := m.(*mh.BindingAck)
	home := p.Routing2
	switch {
	case err != nil || !ok:
		out.Drop("ba-unprotected", engine.A("from", p.Src))
	case !home.IsValid() || !n.id.nobody() && home != n.id.home:
		out.Drop("ba-without-home-address", engine.A("from", p.Src))
	case n.home.agent.IsValid() && p.Src != n.home.agent:
		out.Drop("not-our-home-agent", engine.A("from", p.Src))
	case was.update:
		if ba.Status.Accepted() {
			n.takeKeys(now, g.Keys, p.Src, out)
		}
		n.onBA(now, p, ba, out)
	default:
		n.assigned(now, a, was, g, p, ba, out)
	}
}

// assigned takes home agent and home address of the acknowledgement, §9.2.2, and the binding as if the node had asked for it: the
// sequence number goes on from the one that the AAA server used.
//
// spec DM-18
func (n *Node) assigned(now engine.Now, a *access, was asked, g *enrol.Grant, p *ip6.Packet, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	out.Event(engine.EventHomeRoundTrip, engine.S("exchange", "authentication"))
	if !ba.Status.Accepted() || ba.Lifetime == 0 {
		out.Event("binding.refused", engine.S("status", itoa(int(ba.Status))), engine.S("meaning", ba.Status.String()))
		return
	}
	if n.id.sa == nil && !slices.ContainsFunc(g.Keys, forAgent) {
		return // letIn says what is missing
	}
	n.adopt(now, p.Routing2, p.Src, out)
	n.takeKeys(now, g.Keys, p.Src, out)
	r.seq, r.asked, r.sentAt, r.status, r.tries = ba.Seq, ba.Lifetime, was.at, ba.Status, 0
	r.until = max(r.until, r.sentAt.Add(r.asked))
	out.Persist(seqBucket, n.id.home.String(), binary.BigEndian.AppendUint16(nil, r.seq))
	r.timers.Stop(retransmit)
	r.onBehalf = true
	n.accepted(now, a, ba, out)
	r.onBehalf = false
	if len(n.inside.carried) > 0 { // of which the server's update said nothing
		n.renew(now, out)
	}
}

func forAgent(k enrol.Key) bool { return k.Use == aaa.HomeAgent }

// takeKeys makes the association with the home agent of the keys in a reply.
//
// spec DM-19 DM-20
func (n *Node) takeKeys(now engine.Now, keys []enrol.Key, agent netip.Addr, out *engine.Effects) {
	i := slices.IndexFunc(keys, forAgent)
	if i < 0 || n.id.sa != nil && !n.id.lent {
		return
	}
	toAgent, toMobile := keys[i].ESP(agent.String())
	c := &sa.ESPConfig{OutSPI: keys[i].PeerSPI, InSPI: keys[i].MobileSPI, OutKey: toAgent, InKey: toMobile}
	if err := n.useKeys(c, out); err != nil {
		out.Drop("keys-unfit", engine.A("agent", agent), engine.S("error", err.Error()))
		return
	}
	life := keys[i].Until.Sub(now.Mono)
	n.id.ends, n.id.renew = keys[i].Until, now.Mono.Add(life-life/5)
	n.persistIdentity(now, c, out)
}
