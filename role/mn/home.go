package mn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Protocol constants, RFC 6275 §12 and §13.
const (
	FirstBindackTimeout   = 1500 * time.Millisecond // InitialBindackTimeoutFirstReg: the home agent runs DAD first
	InitialBindackTimeout = time.Second
	MaxBindackTimeout     = 32 * time.Second
	MaxUpdateRate         = 3 // updates a second to one node, MAX_UPDATE_RATE
)

// refreshAt is the part of a binding's lifetime after which it is refreshed when the home agent advises nothing.
const refreshAt = 0.8

// tunnelMTU is what applications may send in one packet: an Ethernet link less the outer header.
const tunnelMTU = 1500 - ip6.HeaderLen

// phase of the registration.
type phase string

const (
	unbound  phase = "unbound"  // nothing registered, nothing asked for
	updating phase = "updating" // an update is out, unanswered
	current  phase = "bound"    // the home agent accepted the last update
)

// registration is the binding with the home agent: the one entry of the binding update list this node has (RFC 6275 §11.1).
type registration struct {
	agent   netip.Addr // invalid until known
	phase   phase
	port    plane.Port // the access bound to, or being bound to
	coa     netip.Addr
	leaving bool // the update removes the binding: the node is at home
	atHome  bool // it is removed

	seq      uint16
	ever     bool        // a registration was accepted in this life
	sentAt   engine.Mono // the last update
	wait     time.Duration
	tries    int
	recent   [MaxUpdateRate]engine.Mono // send times of the latest updates, a ring
	sent     int
	lifetime time.Duration // granted
	expires  engine.Mono
	status   mh.Status
	timers   engine.Timers[homeTimer]
}

type homeTimer uint8

const (
	retransmit homeTimer = iota
	refresh
	expire
)

const seqBucket = "mn/sequence"

// restore takes up the sequence number of an earlier life: the home agent would refuse a lower one.
func (r *registration) restore(rec engine.Record) {
	if rec.Bucket == seqBucket && len(rec.Value) == 2 {
		r.seq = binary.BigEndian.Uint16(rec.Value)
		r.ever = true // the home agent may still hold a binding of that life
	}
}

func (r *registration) deadline() (engine.Mono, string) {
	at, what := r.timers.Next()
	return at, [...]string{"binding acknowledgement", "binding refresh", "binding lifetime"}[what]
}

// Hold keeps applications' packets until a registration succeeds; see handover.Core. What still arrives by the tunnel of the last
// registration is delivered: the home agent sends there until it has the new care-of address.
//
// spec RT-06
func (n *Node) Hold(_ engine.Now, out *engine.Effects) {
	p := plane.Path{Side: plane.Mobile, Mode: plane.Hold, Limit: n.cfg.HoldPackets, Age: n.cfg.HoldAge}
	if r := &n.home; r.ever && !r.atHome && r.coa.IsValid() && r.agent.IsValid() {
		p.Local, p.Remote = r.coa, r.agent
	}
	out.Plane(n.path(p))
}

// Register binds the home address to an access; see handover.Core.
//
// spec MIP-01
func (n *Node) Register(now engine.Now, port plane.Port, out *engine.Effects) {
	a := n.accessOf(port)
	r := &n.home
	if a == nil || !a.ready {
		return
	}
	if r.phase == current && r.port == port && r.atHome == a.atHome && (a.atHome || r.coa == a.coa) && r.expires > now.Mono {
		n.open(a, out) // nothing changed at the home agent
		n.strategy.Registered(now, port, out)
		return
	}
	n.Hold(now, out)
	r.port, r.coa, r.leaving, r.atHome = port, a.coa, a.atHome, false
	r.tries = 0
	r.wait = InitialBindackTimeout
	if !r.ever {
		r.wait = FirstBindackTimeout
	}
	r.phase = updating
	r.timers.Stop(refresh)
	if a.atHome && !r.ever && r.sent == 0 {
		n.settledAtHome(now, a, out) // never away: the home agent holds nothing for us
		return
	}
	if !r.agent.IsValid() {
		n.discover(now, out)
		return
	}
	n.update(now, out)
}

// update sends a binding update, unless MaxUpdateRate forbids it for now.
func (n *Node) update(now engine.Now, out *engine.Effects) {
	r := &n.home
	a := n.accessOf(r.port)
	if a == nil || !r.agent.IsValid() || !a.ready || !a.link.IsUp() {
		r.timers.Stop(retransmit) // the strategy registers again when there is an access
		return
	}
	if r.sent >= MaxUpdateRate {
		if free := r.recent[r.sent%MaxUpdateRate].Add(time.Second); free > now.Mono {
			r.timers.Set(retransmit, free)
			return
		}
	}
	r.recent[r.sent%MaxUpdateRate] = now.Mono
	r.sent++
	r.tries++
	r.seq++
	r.sentAt = now.Mono
	out.Persist(seqBucket, n.cfg.HomeAddress.String(), binary.BigEndian.AppendUint16(nil, r.seq))

	bu := &mh.BindingUpdate{Seq: r.seq, Ack: true, Home: true, Lifetime: n.cfg.Lifetime}
	bu.Options.NAI = n.cfg.NAI
	// ESP does not cover the source address, so the option says it under protection: RFC 6275 §11.7.1.
	bu.Options.AltCareOf = r.coa
	p := ip6.Packet{Header: ip6.Header{Src: r.coa, Dst: r.agent}, HomeAddress: n.cfg.HomeAddress}
	if r.leaving {
		bu.Lifetime = 0
		bu.Options.AltCareOf = n.cfg.HomeAddress
		p = ip6.Packet{Header: ip6.Header{Src: n.cfg.HomeAddress, Dst: r.agent}}
	}
	n.transmit(a, n.sa.Protect(now, p, bu, out), out)
	out.Event("binding.update", engine.A("coa", p.Src), engine.A("ha", r.agent), engine.S("sequence", itoa(int(r.seq))), engine.S("try", itoa(r.tries)))
	r.timers.Set(retransmit, now.Mono.Add(r.wait))
	r.wait = min(2*r.wait, MaxBindackTimeout)
}

// mobility takes a mobility message: from the home agent only what its protection proves.
//
// spec MIP-02 MIP-03
func (n *Node) mobility(now engine.Now, p *ip6.Packet, out *engine.Effects) {
	if p.Proto == ip6.ProtoMH {
		// A binding error is the one message nobody can protect (RFC 6275 §9.3.3): whoever sends it has no binding for us.
		if m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload); err == nil {
			if be, ok := m.(*mh.BindingError); ok {
				n.onBindingError(now, p, be, out)
				return
			}
		}
	}
	got, reason := n.sa.Receive(now, p)
	if reason != "" {
		out.Drop(reason, engine.A("from", p.Src))
		return
	}
	if p.Src != n.home.agent {
		out.Drop("not-our-home-agent", engine.A("from", p.Src))
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
		n.onBRR(now, out)
	default:
		out.Drop("unexpected-message", engine.S("type", itoa(int(m.Type()))))
	}
}

// onBA takes a binding acknowledgement: RFC 6275 §11.7.3.
//
// spec MIP-01
func (n *Node) onBA(now engine.Now, p *ip6.Packet, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	if r.phase != updating && r.tries == 0 {
		out.Drop("ba-unexpected")
		return
	}
	if !r.leaving && p.Routing2 != n.cfg.HomeAddress {
		out.Drop("ba-without-home-address", engine.A("from", p.Src))
		return
	}
	if ba.Status == mh.SequenceOutOfWindow {
		n.sa.Commit(out)
		out.Event("binding.resequenced", engine.S("sequence", itoa(int(ba.Seq))))
		r.seq, r.tries = ba.Seq, 0
		n.update(now, out)
		return
	}
	if ba.Seq != r.seq {
		out.Drop("ba-sequence", engine.S("got", itoa(int(ba.Seq))), engine.S("sent", itoa(int(r.seq))))
		return
	}
	n.sa.Commit(out)
	r.status = ba.Status
	r.tries = 0
	r.timers.Stop(retransmit)
	out.Event(engine.EventHomeRoundTrip, engine.S("exchange", "binding update"))
	if !ba.Status.Accepted() {
		n.refused(now, ba, out)
		return
	}
	a := n.accessOf(r.port)
	if r.leaving {
		n.settledAtHome(now, a, out)
		return
	}
	n.accepted(now, a, ba, out)
}

func (n *Node) accepted(now engine.Now, a *access, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	moved := r.phase == updating
	r.phase, r.ever, r.lifetime = current, true, ba.Lifetime
	r.expires = r.sentAt.Add(ba.Lifetime)
	after := time.Duration(float64(ba.Lifetime) * refreshAt)
	if advice := ba.Options.RefreshAdvice; advice > 0 && advice < after {
		after = advice
	}
	r.timers.Set(refresh, r.sentAt.Add(after))
	r.timers.Set(expire, r.expires)
	n.open(a, out)
	if ba.Status == mh.AcceptedPrefixDiscovery {
		n.solicitPrefixes(now, out)
	}
	if !moved {
		out.Event("binding.refreshed", engine.S("lifetime", ba.Lifetime.String()))
		return
	}
	out.Event(engine.EventRegistered, engine.A("hoa", n.cfg.HomeAddress), engine.A("coa", r.coa), engine.A("ha", r.agent),
		engine.S("port", itoa(int(r.port))), engine.S("lifetime", ba.Lifetime.String()))
	n.strategy.Registered(now, r.port, out)
}

// refused acts on a status of 128 and above: RFC 6275 §11.7.3.
func (n *Node) refused(now engine.Now, ba *mh.BindingAck, out *engine.Effects) {
	r := &n.home
	why := ba.Status.String()
	out.Event("binding.refused", engine.S("status", itoa(int(ba.Status))), engine.S("meaning", why))
	switch ba.Status {
	case mh.NotHomeAgent, mh.HomeRegistrationNotSupported:
		if r.leaving { // it holds no binding that could be removed: RFC 6275 §10.3.2
			n.settledAtHome(now, n.accessOf(r.port), out)
			return
		}
		if !n.cfg.HomeAgent.IsValid() { // found by discovery: look again
			r.agent = netip.Addr{}
			n.discover(now, out)
			n.strategy.RegistrationFailed(now, r.port, why, out)
			return
		}
	}
	// The rest passes or does not pass with time: try again, slowly.
	r.timers.Set(retransmit, now.Mono.Add(MaxBindackTimeout))
	n.strategy.RegistrationFailed(now, r.port, why, out)
	out.Event(engine.EventFailed, engine.S("reason", why))
}

// open lets applications' packets go by an access again, the held ones first.
func (n *Node) open(a *access, out *engine.Effects) {
	r := &n.home
	if a.atHome {
		out.Plane(n.path(plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: a.link.Port}))
		return
	}
	out.Plane(n.path(plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: a.coa, Remote: r.agent, Out: a.link.Port, MTU: a.mtu}))
}

func (n *Node) path(p plane.Path) plane.Op {
	return plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(n.cfg.HomeAddress, 128), Path: p}}
}

// arriveHome prepares the return: the home address is answered for, so that the home agent can deliver its
// acknowledgement, but not announced and not probed, since the agent still defends it (RFC 6275 §11.5.5).
//
// spec MIP-01
func (n *Node) arriveHome(now engine.Now, a *access, r routerFacts, out *engine.Effects) {
	a.coa, a.ready = n.cfg.HomeAddress, true
	n.setLocal(n.cfg.HomeAddress, plane.Local{Port: a.link.Port}, out)
	n.speaker.Own(neighbor.Key{Port: a.link.Port, Addr: n.cfg.HomeAddress}, neighbor.Stance{HW: a.link.HW()})
	if !n.home.agent.IsValid() && r.Agent && r.Global.IsValid() {
		n.home.agent = r.Global
	}
	n.strategy.AddressReady(now, a.link.Port, out)
}

// settledAtHome ends the return: the home address is plain on the link again, and every node there is told.
func (n *Node) settledAtHome(now engine.Now, a *access, out *engine.Effects) {
	r := &n.home
	r.phase, r.atHome, r.leaving = current, true, false
	r.expires = engine.Never
	r.timers = engine.Timers[homeTimer]{}
	// From here on only neighbour discovery for the home address is ours; its packets are the applications'.
	n.setLocal(n.cfg.HomeAddress, plane.Local{Port: a.link.Port, Proxy: true}, out)
	n.open(a, out)
	n.speaker.Announce(neighbor.Key{Port: a.link.Port, Addr: n.cfg.HomeAddress}, out)
	out.Event(engine.EventRegistered, engine.A("hoa", n.cfg.HomeAddress), engine.A("coa", n.cfg.HomeAddress), engine.S("port", itoa(int(r.port))))
	n.strategy.Registered(now, r.port, out)
}

// onBRR refreshes the binding because its holder asks (RFC 6275 §11.7.4).
func (n *Node) onBRR(now engine.Now, out *engine.Effects) {
	n.sa.Commit(out)
	if n.home.phase == current && !n.home.atHome {
		n.renew(now, out)
	}
}

// onBindingError registers again when the home agent says that it knows no binding (RFC 6275 §9.3.3, §11.3.6). Anyone can
// forge it, so all it can cause is an update, and MaxUpdateRate bounds those.
func (n *Node) onBindingError(now engine.Now, p *ip6.Packet, be *mh.BindingError, out *engine.Effects) {
	if p.Src != n.home.agent || be.Status != 1 || be.HomeAddress != n.cfg.HomeAddress || n.home.phase != current || n.home.atHome {
		out.Drop("be-unexpected", engine.A("from", p.Src))
		return
	}
	out.Event("binding.error", engine.A("from", p.Src))
	n.renew(now, out)
}

// renew sends an update for the binding as it is.
func (n *Node) renew(now engine.Now, out *engine.Effects) {
	n.home.tries, n.home.wait = 0, InitialBindackTimeout
	n.update(now, out)
}

func (n *Node) homeTick(now engine.Now, out *engine.Effects) {
	r := &n.home
	for t, ok := r.timers.Pop(now.Mono); ok; t, ok = r.timers.Pop(now.Mono) {
		switch t {
		case retransmit:
			n.update(now, out)
		case refresh:
			n.renew(now, out)
		case expire:
			out.Event("binding.expired", engine.A("coa", r.coa))
			r.phase, r.tries = updating, 0
			n.Hold(now, out)
			n.update(now, out)
		}
	}
}
