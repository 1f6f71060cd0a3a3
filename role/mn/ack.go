package mn

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// mobility takes a mobility message: from the home agent only what its protection proves.
//
// spec MIP-02 MIP-03
func (n *Node) mobility(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	if n.routes.tunnel.Owns(p) {
		n.fromTunnel(now, p, out)
		return
	}
	if p.Proto == ip6.ProtoMH && n.openly(now, in, p, out) {
		return
	}
	if p.Src != n.home.agent {
		out.Drop("not-our-home-agent", engine.A("from", p.Src))
		return
	}
	got, reason := n.receive(now, p)
	if reason != "" {
		out.Drop(reason, engine.A("from", p.Src))
		return
	}
	if got.ICMPv6 != nil {
		n.prefixAdvertisement(now, p, got.ICMPv6, out)
		return
	}
	switch m := got.MH.(type) {
	case *mh.BindingAck:
		n.onBA(now, p, m, out)
	case *mh.BindingRefreshRequest:
		n.onBRR(now, p, out)
	default:
		out.Drop("unexpected-message", engine.S("type", itoa(int(m.Type()))))
	}
}

// receive opens what the home agent protected.
func (n *Node) receive(now engine.Now, p *ip6.Packet) (sa.Received, string) {
	if n.id.sa == nil {
		return sa.Received{}, sa.ESPUnknownSPI
	}
	return n.id.sa.Receive(now, p)
}

// commit makes durable what the association took. An acknowledgement that the home network vouched for needs none.
func (n *Node) commit(out *engine.Effects) {
	if n.id.sa != nil {
		n.id.sa.Commit(out)
	}
}

// openly takes the mobility messages that the home agent does not protect: those of correspondents, a binding error, which
// nobody can protect (RFC 6275 §9.3.3), and those that are answered with an error (§9.2). It reports whether the message was one of
// them.
func (n *Node) openly(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) bool {
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		out.Drop("mh-malformed", engine.S("error", err.Error()))
		n.tellAbout(now, in, p, err, out)
		return true
	}
	if ack, ok := m.(*mh.FastBindingAck); ok && n.ahead.fast != nil {
		n.ahead.fast.FastAck(now, p, ack, out)
		return true
	}
	if p.Src != n.home.agent {
		n.peerMessage(now, p, m, n.plainly(p), out)
		return true
	}
	be, ok := m.(*mh.BindingError)
	if ok {
		n.onBindingError(now, p, be, out)
	}
	return ok
}

// onBA takes a binding acknowledgement: RFC 6275 §11.7.3.
//
// spec MIP-01
func (n *Node) onBA(now engine.Now, p *ip6.Packet, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	switch {
	case r.tries == 0:
		out.Drop("ba-unexpected")
		return
	case !r.leaving && p.Routing2 != n.id.home || p.EffectiveDst() != n.id.home:
		out.Drop("ba-without-home-address", engine.A("from", p.Src))
		return
	case ba.Status == mh.SequenceOutOfWindow:
		n.resequence(now, ba, out)
		return
	case ba.Seq != r.seq:
		out.Drop("ba-sequence", engine.S("got", itoa(int(ba.Seq))), engine.S("sent", itoa(int(r.seq))))
		return
	case ba.Status == mh.AuthFailed:
		// Whoever forges an update in our name can make the home agent send us this (RFC 4285 §5.1.1): it is told, and the
		// retransmissions go on as if it had not come.
		r.status = ba.Status
		out.Event("binding.refused", engine.S("status", itoa(int(ba.Status))), engine.S("meaning", ba.Status.String()))
		return
	}
	n.commit(out)
	out.Event(engine.EventHomeRoundTrip, engine.S("exchange", "binding update"))
	r.status, r.tries = ba.Status, 0
	r.timers.Stop(retransmit)
	switch {
	case !ba.Status.Accepted():
		n.refused(now, ba, out)
	case r.leaving:
		n.settledAtHome(now, n.accessOf(r.port), out)
	case ba.Lifetime == 0: // accepted, and not: there is no binding
		n.giveUp(now, "home agent granted no lifetime", out)
	default:
		n.accepted(now, n.accessOf(r.port), ba, out)
	}
}

// resequence takes over the home agent's idea of the sequence number. A refusal that came late and names a number we are
// past tells nothing new: going back would use a number twice (RFC 6275 §11.7.2).
func (n *Node) resequence(now engine.Now, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	n.commit(out)
	if mh.After(r.seq, ba.Seq) {
		out.Drop("ba-sequence", engine.S("got", itoa(int(ba.Seq))), engine.S("sent", itoa(int(r.seq))))
		return
	}
	out.Event(engine.EventHomeRoundTrip, engine.S("exchange", "binding update"))
	out.Event("binding.resequenced", engine.S("sequence", itoa(int(ba.Seq))))
	r.status, r.seq, r.tries = ba.Status, ba.Seq, 0
	n.update(now, out)
}

func (n *Node) accepted(now engine.Now, a *access, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	moved := r.phase == updating
	r.phase, r.atHome, r.acked = current, false, r.coa
	r.lifetime = min(ba.Lifetime, r.asked) // RFC 6275 §11.7.3: what was asked for, less what was not granted
	r.expires = r.sentAt.Add(r.lifetime)
	after := time.Duration(float64(r.lifetime) * refreshAt)
	if advice := ba.Options.RefreshAdvice; advice > 0 {
		after = min(after, max(advice, minLifetime))
	}
	r.renewAt = r.sentAt.Add(after)
	r.timers.Set(refresh, r.renewAt)
	r.timers.Set(expire, r.expires)
	clear(r.silent)
	if moved {
		out.Event(engine.EventRegistered, engine.A("hoa", n.id.home), engine.A("coa", r.coa), engine.A("ha", r.agent),
			engine.S("port", itoa(int(r.port))), engine.S("lifetime", r.lifetime.String()))
	} else {
		out.Event("binding.refreshed", engine.S("lifetime", r.lifetime.String()))
	}
	if !r.onBehalf {
		n.routerAccepted(ba, out)
		n.named(ba, out)
	}
	// The access may have gone while the acknowledgement was on its way; then the strategy registers again, or takes up this
	// binding when the access is back.
	if moved && a != nil && a.usable() && a.coa == r.coa {
		n.follow(now, out) // updates to correspondents first: what was held then goes straight behind them
		n.open(a, out)
		n.strategy.Registered(now, r.port, out)
	}
	if ba.Status == mh.AcceptedPrefixDiscovery {
		n.solicitPrefixes(now, out)
	}
}

// refused acts on a status of 128 and above: RFC 6275 §11.7.3. The home agent was heard, so another access would not help.
func (n *Node) refused(now engine.Now, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	why := ba.Status.String()
	out.Event("binding.refused", engine.S("status", itoa(int(ba.Status))), engine.S("meaning", why))
	again := r.clock
	r.clock = false
	switch ba.Status {
	case mh.IDMismatch: // RFC 4285 §6: the association has taken over the home agent's time; once at once, then slowly
		if !again {
			r.clock = true
			n.update(now, out)
			return
		}
	case mh.NotHomeAgent:
		if r.leaving && !r.taken { // it holds no binding that could be removed: RFC 6275 §10.3.2
			n.settledAtHome(now, n.accessOf(r.port), out)
			return
		}
		if r.leaving {
			n.homeLost(now, out)
			return
		}
	}
	if r.phase == updating && otherAgentHelps(ba.Status) && n.nextAgent(now, out) {
		return
	}
	if n.routerRefused(now, ba.Status, out) || n.severalRefused(now, ba.Status, out) {
		return
	}
	n.giveUp(now, why, out)
}

// otherAgentHelps tells the refusals that are about the home agent from those about the node.
func otherAgentHelps(s mh.Status) bool {
	switch s {
	case mh.InsufficientResources, mh.HomeRegistrationNotSupported, mh.NotHomeSubnet, mh.NotHomeAgent,
		mh.MobileRouterNotPermitted, mh.InvalidPrefix, mh.NotAuthorizedForPrefix, mh.ForwardingSetupFailed: // RFC 3963 §5.4
		return true
	}
	return false
}

// giveUp ends an attempt. What refuses us may pass with time, so it is tried again, slowly.
func (n *Node) giveUp(now engine.Now, why string, out *engine.Effects) {
	r := &n.home
	r.wait = MaxBindackTimeout
	r.delayed = true // the next one is no retransmission
	r.timers.Set(retransmit, now.Mono.Add(MaxBindackTimeout))
	if r.phase == updating {
		out.Event(engine.EventFailed, engine.S("reason", why))
	}
}

// nextAgent turns to the next home agent that discovery told of, or looks for others (RFC 6275 §11.4.1). It reports false
// when the agent is configured, and on the home link, where only the agent that holds the binding can remove it.
func (n *Node) nextAgent(now engine.Now, out *engine.Effects) bool {
	r := &n.home
	if n.id.agent.IsValid() || r.leaving {
		return false
	}
	r.tries, r.wait = 0, FirstBindackTimeout
	if next := n.agents.after(r.agent); next.IsValid() {
		r.agent = next
		out.Event("home-agent.next", engine.A("agent", next))
		n.update(now, out)
		return true
	}
	r.agent = netip.Addr{}
	n.discover(now, out)
	return true
}

// onBRR refreshes the binding because its holder asks (RFC 6275 §11.7.4).
func (n *Node) onBRR(now engine.Now, p *ip6.Packet, out *engine.Effects) {
	r := &n.home
	if p.EffectiveDst() != n.id.home || r.phase != current || r.atHome {
		out.Drop("brr-unexpected", engine.A("from", p.Src))
		return
	}
	n.commit(out)
	if r.tries == 0 { // else an update is out already
		n.renew(now, out)
	}
}

// onBindingError registers again when the home agent says that it knows no binding (RFC 6275 §11.3.6). Anyone can forge it,
// so all it can cause is one update in BindingErrorInterval, and none while one is out.
func (n *Node) onBindingError(now engine.Now, p *ip6.Packet, be *mh.BindingError, out *engine.Effects) {
	r := &n.home
	if p.Src != r.agent || be.Status != mh.UnknownBinding || be.HomeAddress != n.id.home || r.phase != current || r.atHome {
		out.Drop("be-unexpected", engine.A("from", p.Src))
		return
	}
	if r.tries > 0 || now.Mono < r.deaf {
		out.Drop("be-rate", engine.A("from", p.Src))
		return
	}
	r.deaf = now.Mono.Add(BindingErrorInterval)
	out.Event("binding.error", engine.A("from", p.Src))
	n.renew(now, out)
}
