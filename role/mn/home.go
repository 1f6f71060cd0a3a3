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

// Choices where RFC 6275 leaves them open.
const (
	// refreshAt is the part of a binding's lifetime after which it is refreshed when the home agent advises nothing.
	refreshAt = 0.8
	// Patience is how many updates go unanswered by one access before another that is ready is tried; each further round
	// has one more, up to MaxPatience, where the wait has reached MaxBindackTimeout.
	Patience    = 3
	MaxPatience = 6
	// BindingErrorInterval is the least time between updates provoked by binding errors: anyone can forge those.
	BindingErrorInterval = 10 * time.Second
	// minLifetime is the least lifetime that is not a wish to be forgotten, the unit of the wire.
	minLifetime = mh.Unit
)

// tunnelMTU is what applications may send in one packet: an Ethernet link less the outer header.
const tunnelMTU = 1500 - ip6.HeaderLen

// phase of the registration.
type phase string

const (
	unbound  phase = "unbound"  // nothing registered, nothing asked for
	updating phase = "updating" // an update is out, unanswered, or would be if there were a way
	current  phase = "bound"    // the home agent accepted the last update; or the node is settled at home
)

// registration is the binding with the home agent: the one entry of the binding update list this node has (RFC 6275 §11.1).
type registration struct {
	agent   netip.Addr // invalid until known
	phase   phase
	port    plane.Port // the access bound to, or being bound to
	coa     netip.Addr
	leaving bool // the update removes the binding: the node is at home
	atHome  bool // it is removed, or there never was one
	taken   bool // duplicate detection at home found the home address in use

	seq      uint16
	until    engine.Mono // a binding may exist at the home agent until then, accepted or not; 0: none
	asked    time.Duration
	sentAt   engine.Mono // the last update
	wait     time.Duration
	tries    int
	trusted  bool // the last update left on trust (trust.go), before the node was let in
	delayed  bool // the armed retransmission is a first sending that MaxUpdateRate held back
	clock    bool // the last update was refused for our clock, which has been set right since
	recent   [MaxUpdateRate]engine.Mono
	sent     int
	lifetime time.Duration // granted
	expires  engine.Mono   // of the binding accepted last; Never at home
	renewAt  engine.Mono
	deaf     engine.Mono // until then binding errors are not heard
	status   mh.Status
	timers   engine.Timers[homeTimer]
	silent   map[plane.Port]int // rounds in which an access brought no answer
	acked    netip.Addr         // the care-of address of the binding accepted last
	told     netip.Addr         // the one that the last update named
	missed   engine.Mono        // since when the home network has had no home agent; 0: it had one when it was asked last
	onBehalf bool               // the update that is accepted was made by an AAA server
	opened   plane.Path         // how applications' packets last went; Mode "" for not at all
}

type homeTimer uint8

const (
	retransmit homeTimer = iota
	refresh
	expire
)

const seqBucket = "mn/sequence"

// restore takes up the sequence number of an earlier life: the home agent would refuse a lower one. A binding of that
// life may exist still, nobody knows how long.
func (r *registration) restore(rec engine.Record) bool {
	if rec.Bucket != seqBucket || len(rec.Value) != 2 {
		return false
	}
	r.seq, r.until = binary.BigEndian.Uint16(rec.Value), engine.Never
	return true
}

func (r *registration) deadline() (engine.Mono, string) {
	at, what := r.timers.Next()
	return at, [...]string{"binding acknowledgement", "binding refresh", "binding lifetime"}[what]
}

// bound reports whether the home agent holds a binding that it acknowledged.
func (r *registration) bound(now engine.Now) bool {
	return r.phase != "" && !r.atHome && r.expires != engine.Never && r.expires > now.Mono
}

// covers reports whether the home agent knows already what a registration by this access would tell it.
func (r *registration) covers(now engine.Now, a *access) bool {
	return r.phase == current && r.port == a.link.Port && r.atHome == a.atHome && (a.atHome || r.coa == a.coa) && r.expires > now.Mono
}

// firstWait is how long the first acknowledgement may take: RFC 6275 §11.8.
func (r *registration) firstWait(now engine.Now) time.Duration {
	if r.bound(now) {
		return InitialBindackTimeout
	}
	return FirstBindackTimeout
}

// Register binds the home address to an access; see handover.Core.
//
// spec MIP-01
func (n *Node) Register(now engine.Now, port plane.Port, out *engine.Effects) {
	a := n.accessOf(port)
	r := &n.home
	if a == nil || !a.usable() {
		return
	}
	if r.covers(now, a) {
		n.resume(now, a, out)
		return
	}
	r.told = netip.Addr{}
	_, round := n.detour(now) // then packets follow the update
	if !round {
		n.Hold(now, out)
	}
	r.wait, r.tries, r.clock = r.firstWait(now), 0, false
	r.port, r.coa, r.leaving, r.atHome, r.phase = port, a.coa, a.atHome, false, updating
	r.timers.Stop(refresh)
	r.timers.Stop(retransmit)
	switch {
	case !a.atHome:
		n.giveUpHome(out)
	case r.until <= now.Mono && !r.taken:
		n.settledAtHome(now, a, out) // the home agent holds nothing of ours
		return
	}
	switch {
	case n.enter(now, a, out):
	case r.agent.IsValid():
		n.update(now, out)
	case n.id.sa != nil && n.id.prefix.IsValid():
		n.discover(now, out)
		return
	}
	if round {
		n.Hold(now, out)
	}
}

// resume goes on with a binding that is as it should be.
func (n *Node) resume(now engine.Now, a *access, out *engine.Effects) {
	r := &n.home
	n.open(a, out)
	n.strategy.Registered(now, a.link.Port, out)
	if r.atHome {
		n.speaker.Announce(n.homeKey(a), out)
		return
	}
	if r.renewAt <= now.Mono {
		n.renew(now, out)
		return
	}
	r.timers.Set(refresh, r.renewAt)
}

// update sends a binding update, unless MaxUpdateRate forbids it for now.
func (n *Node) update(now engine.Now, out *engine.Effects) {
	r := &n.home
	a := n.accessOf(r.port)
	r.timers.Stop(retransmit)
	if a == nil || !a.usable() || a.coa != r.coa {
		return // the strategy registers again when there is an access
	}
	if n.enter(now, a, out) || !r.agent.IsValid() || n.id.sa == nil || n.id.nobody() {
		return
	}
	late := r.delayed
	if r.delayed = false; r.sent >= MaxUpdateRate {
		if free := r.recent[r.sent%MaxUpdateRate].Add(time.Second); free > now.Mono {
			r.delayed = true
			r.timers.Set(retransmit, free)
			return
		}
	}
	if update := n.compose(now, a, "", out); !n.carried(now, a, update, out) {
		n.transmit(a, update, out)
	}
	r.trusted = n.onTrust(now, a)
	if late && r.phase == updating {
		n.goOn(now, out)
	}
	r.timers.Set(retransmit, now.Mono.Add(r.wait))
	r.wait = min(2*r.wait, MaxBindackTimeout)
}

// compose builds the update that the registration stands for: RFC 6275 §11.7.1, at home §11.5.5. by is "aaa" for one that travels with
// a request to the home network: only that one may be unprotected, since the home network vouches for it.
func (n *Node) compose(now engine.Now, a *access, by string, out *engine.Effects) []byte {
	r := &n.home
	r.recent[r.sent%MaxUpdateRate] = now.Mono
	r.sent++
	r.tries++
	r.seq++
	r.sentAt, r.trusted = now.Mono, false
	out.Persist(seqBucket, n.id.home.String(), binary.BigEndian.AppendUint16(nil, r.seq))
	r.asked = n.lifetimeFor(now, a)
	bu := &mh.BindingUpdate{Seq: r.seq, Ack: true, Home: true, Lifetime: r.asked}
	bu.Options.NAI = n.cfg.NAI
	// ESP does not cover the source address, so the option says it under protection: RFC 6275 §11.7.1.
	bu.Options.AltCareOf = r.coa
	n.claim(bu, r.leaving)
	n.name(bu, r.leaving)
	p := ip6.Packet{Header: ip6.Header{Src: r.coa, Dst: r.agent}, HomeAddress: n.id.home}
	if r.leaving {
		bu.Lifetime = 0
		p.HomeAddress = netip.Addr{}
		n.expectAtHome(a, out)
	} else if until := now.Mono.Add(r.asked); until > r.until {
		r.until = until
	}
	if !r.leaving {
		r.told = r.coa
	}
	attrs := []engine.Attr{engine.A("coa", p.Src), engine.A("ha", r.agent), engine.S("sequence", itoa(int(r.seq))), engine.S("try", itoa(r.tries))}
	if by != "" {
		attrs = append(attrs, engine.S("by", by))
	}
	out.Event("binding.update", attrs...)
	if n.id.sa == nil {
		p.Proto, p.Payload = ip6.ProtoMH, mh.Append(nil, p.EffectiveSrc(), p.EffectiveDst(), bu)
		return p.Append(nil)
	}
	return n.id.sa.Protect(now, p, bu, out)
}

// lifetimeFor is the lifetime to ask for: not beyond the life of either address's prefix (RFC 6275 §11.7.1), and never so short
// that it would mean the opposite.
func (n *Node) lifetimeFor(now engine.Now, a *access) time.Duration {
	life := n.cfg.Lifetime
	if rt, ok := a.link.Current(); ok {
		life = min(life, rt.PrefixLeft(now))
	}
	if end := n.prefixes.valid; end != 0 {
		life = min(life, end.Sub(now.Mono))
	}
	return max(life.Truncate(mh.Unit), minLifetime)
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
			n.unanswered(now, out)
		case refresh:
			n.renew(now, out)
		case expire:
			n.expired(now, out)
		}
	}
}

// unanswered goes on when no acknowledgement came in time: by another access once this one has had its chance, with
// another home agent once the wait is at its longest (RFC 6275 §11.7.1), else by sending again.
func (n *Node) unanswered(now engine.Now, out *engine.Effects) {
	r := &n.home
	a := n.accessOf(r.port)
	if r.delayed || a == nil || !a.usable() {
		n.update(now, out)
		return
	}
	a.link.Doubt(now, out) // perhaps it is the router that is gone
	if r.phase == updating && r.tries >= min(Patience+r.silent[r.port], MaxPatience) {
		port := r.port
		r.silent[port]++
		n.strategy.RegistrationFailed(now, port, "no acknowledgement", out)
		if r.port != port {
			return
		}
	}
	if r.tries >= MaxPatience && (n.rekey(now, out) || r.phase == updating && n.nextAgent(now, out)) {
		return
	}
	n.update(now, out)
}

// expired holds packets again: the home agent has forgotten us.
func (n *Node) expired(now engine.Now, out *engine.Effects) {
	r := &n.home
	out.Event("binding.expired", engine.A("coa", r.coa))
	if r.phase != current {
		if n.multihomed() {
			n.Hold(now, out) // nothing stands by any more
		}
		return // an update is out already, and packets are held
	}
	port := r.port
	r.phase, r.tries, r.wait = updating, 0, FirstBindackTimeout
	n.Hold(now, out)
	n.strategy.RegistrationFailed(now, port, "binding expired", out)
	if r.port == port && r.phase == updating && r.tries == 0 {
		n.update(now, out)
	}
}

// Hold keeps applications' packets until a registration succeeds; see handover.Core. What is on its way by the old
// tunnel is still received while its access stands. On the home link the node goes on as it is while it is still there: the
// home agent takes packets over only when it accepts the update.
func (n *Node) Hold(now engine.Now, out *engine.Effects) {
	if n.goOn(now, out) || n.standby(now, out) {
		return
	}
	p := plane.Path{Side: plane.Mobile, Mode: plane.Hold, Limit: n.cfg.HoldPackets, Age: n.cfg.HoldAge}
	r := &n.home
	if a := n.accessOf(r.opened.Out); a != nil && a.usable() {
		switch {
		case r.opened.Mode == plane.Direct && a.atHome:
			return
		case r.opened.Mode == plane.Tunnel && a.coa == r.opened.Local:
			p.Local, p.Remote = r.opened.Local, r.opened.Remote
		}
	}
	if p.Remote.IsValid() {
		n.along(p, out)
		return
	}
	r.opened = plane.Path{}
	n.lay(p, out) // without Mark: nothing more can be said by the way before
	n.copyBy(0, out)
}

// open lets applications' packets go by an access again, the held ones first.
func (n *Node) open(a *access, out *engine.Effects) {
	r := &n.home
	p := n.tunnel(a)
	if a.atHome {
		n.takeHome(a, out)
		p = plane.Path{Side: plane.Mobile, Mode: plane.Direct, Out: a.link.Port}
	}
	r.opened = p
	n.along(p, out)
	n.copyBy(0, out)
}

// tunnel is the way of applications' packets by an access that is not at home.
func (n *Node) tunnel(a *access) plane.Path {
	return plane.Path{Side: plane.Mobile, Mode: plane.Tunnel, Local: a.coa, Remote: n.home.agent, Out: a.link.Port, MTU: a.mtu}
}

func (n *Node) path(p plane.Path) plane.Op {
	p.Control, p.Hints = true, n.routes.mobile != nil
	return plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(n.id.home, 128), Path: p}}
}

func (n *Node) homeKey(a *access) neighbor.Key {
	return neighbor.Key{Port: a.link.Port, Addr: n.id.home}
}
