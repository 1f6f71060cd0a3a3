// Package attach is a host's presence on one link: it finds the router, notices when the router is gone, and says which
// prefix to form an address in. Router discovery is RFC 4861 §6.3, unreachability detection §7.3, movement
// detection RFC 6275 §11.5.1.
//
//	        link up                 advertisement                   probes unanswered, lifetime over
//	Down ───────────▶ Soliciting ──────────────────▶ Found ──────────────────────────────────────▶ Lost, Soliciting
//	                     ▲ link up again: the router known so far must be heard again ("suspect")
//
// It returns facts; forming addresses and detecting duplicates is the role's.
package attach

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// Protocol constants and limits.
const (
	SolicitInterval = 4 * time.Second // RTR_SOLICITATION_INTERVAL, RFC 4861 §10
	MaxSolicits     = 3               // MAX_RTR_SOLICITATIONS, RFC 4861 §10
	// SolicitIdle is how often a link without any router is asked again after MaxSolicits: RFC 7559 §2.
	SolicitIdle  = 120 * time.Second
	ProbeRetrans = time.Second // RetransTimer, RFC 4861 §10, unless the router advertises another
	MaxProbes    = 3           // MAX_UNICAST_SOLICIT, RFC 4861 §10
	// MissedAdvertisements of a router that promised an interval make it suspect: RFC 6275 §11.5.1 leaves the number open.
	MissedAdvertisements = 3
	MaxRouters           = 8 // remembered on a link; more are ignored
)

// Router is a default router as its advertisements describe it.
type Router struct {
	Addr     netip.Addr // link-local
	HW       plane.HW
	Global   netip.Addr // from the R bit of its prefix, RFC 6275 §7.2; invalid if it gave none
	Prefix   netip.Prefix
	Agent    bool // advertises itself as a home agent, RFC 6275 §7.1
	MTU      int
	Valid    time.Duration // lifetime of the prefix
	Interval time.Duration // promised between advertisements; 0 if it promised none
	Retrans  time.Duration // RetransTimer it asked for; 0 if none

	expires   engine.Mono
	multicast bool // its last advertisement was not for us alone
}

// Multicast reports whether the router was learnt from a multicast advertisement (RFC 4862 §5.4.2 then wants a random delay).
func (r Router) Multicast() bool { return r.multicast }

// Kind of a Fact.
type Kind uint8

// The facts.
const (
	Found     Kind = iota + 1 // a router to use from now on; it differs from the one before
	Confirmed                 // the router known before is still there after the link came back
	Lost                      // the router is gone; Why says how that was noticed
)

// Fact is what the link found out.
type Fact struct {
	Kind   Kind
	Router Router
	Why    string
}

// Link is the presence on one link.
type Link struct {
	Port plane.Port

	hw       plane.HW
	source   netip.Addr // link-local address; invalid while it must not be used
	up       bool
	suspect  bool // the link came up and the current router has not been heard since
	current  *Router
	others   []Router
	solicits int
	probes   int
	timers   engine.Timers[what]
}

type what uint8

const (
	solicit what = iota
	probe
	missed
	lifetime
)

// New makes the presence on a port, down.
func New(port plane.Port) *Link { return &Link{Port: port} }

// Up handles a link that can carry packets. The random delay of RFC 4861 §6.3.7 is left out: the link layer has said that
// this node alone arrived (RFC 6275 §11.5.1 lets a mobile node solicit as soon as it knows it moved).
//
// spec MIP-07
func (l *Link) Up(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	l.up, l.hw, l.suspect = true, in.HW, l.current != nil
	l.others, l.solicits, l.probes = nil, 0, 0
	l.timers.Stop(missed)
	l.timers.Stop(probe)
	l.solicitNow(now, out)
	if l.suspect {
		l.startProbe(now, out)
	}
}

// Down handles a link that can carry nothing. The router is remembered: the link may come back at the same place.
func (l *Link) Down() {
	l.up = false
	l.timers = engine.Timers[what]{}
	if l.current != nil {
		l.timers.Set(lifetime, l.current.expires)
	}
}

// IsUp reports whether the link can carry packets.
func (l *Link) IsUp() bool { return l.up }

// HW is this node's link-layer address on the link.
func (l *Link) HW() plane.HW { return l.hw }

// Source sets the link-local address solicitations may come from; an invalid address means none is usable yet.
func (l *Link) Source(a netip.Addr) { l.source = a }

// Current is the router in use.
func (l *Link) Current() (Router, bool) {
	if l.current == nil {
		return Router{}, false
	}
	return *l.current, true
}

// Suspect reports whether the current router has not been heard since the link came up.
func (l *Link) Suspect() bool { return l.suspect }

// Doubt starts unreachability detection of the current router: somebody noticed that packets do not come through.
//
// spec MIP-07
func (l *Link) Doubt(now engine.Now, out *engine.Effects) {
	if _, running := l.timers.Armed(probe); l.current != nil && l.up && !running {
		l.startProbe(now, out)
	}
}

// Deadline is when Tick has something to do.
func (l *Link) Deadline() (engine.Mono, string) {
	at, what := l.timers.Next()
	return at, [...]string{"router solicitation", "unreachability probe", "missing router advertisement", "router lifetime"}[what]
}

// Tick does what is due.
func (l *Link) Tick(now engine.Now, out *engine.Effects) []Fact {
	var facts []Fact
	for w, ok := l.timers.Pop(now.Mono); ok; w, ok = l.timers.Pop(now.Mono) {
		switch w {
		case solicit:
			l.solicitNow(now, out)
		case missed:
			l.startProbe(now, out)
		case lifetime:
			facts = l.lose(now, "router-lifetime", facts, out)
		case probe:
			if l.probes >= MaxProbes {
				facts = l.lose(now, "router-unreachable", facts, out)
				continue
			}
			l.sendProbe(now, out)
		}
	}
	return facts
}

// HeardRA takes a valid router advertisement.
//
// spec MIP-07
func (l *Link) HeardRA(now engine.Now, from plane.HW, p *ip6.Packet, ra *nd.RouterAdvertisement, out *engine.Effects) []Fact {
	if !l.up {
		return nil
	}
	r := routerOf(now, from, p, ra)
	cur := l.current
	if cur != nil && cur.Addr == r.Addr && cur.HW == r.HW {
		return l.refresh(now, r, out)
	}
	if ra.Lifetime == 0 || !r.Prefix.IsValid() {
		return nil // not a default router, or nothing to form an address in
	}
	switch {
	case cur == nil:
		return l.use(now, r, nil, out)
	case l.suspect:
		// The link layer said the attachment changed, and the first router heard is another one: we moved.
		return l.use(now, r, []Fact{{Lost, *cur, "moved"}}, out)
	}
	l.remember(r)
	l.Doubt(now, out)
	return nil
}

// HeardNA takes a neighbour advertisement: a solicited one from the current router proves it reachable (RFC 4861 §7.3.1).
func (l *Link) HeardNA(now engine.Now, p *ip6.Packet, na *nd.NeighborAdvertisement) []Fact {
	if l.current == nil || !na.Solicited || na.Target != l.current.Addr {
		return nil
	}
	if hw := na.Options.TargetHW; hw != ([6]byte{}) && hw != l.current.HW {
		return nil // another node has this link-local address now
	}
	return l.alive(now)
}

// refresh takes in a new advertisement of the router in use.
func (l *Link) refresh(now engine.Now, r Router, out *engine.Effects) []Fact {
	if r.expires <= now.Mono {
		return l.lose(now, "router-lifetime", nil, out)
	}
	if !r.Prefix.IsValid() || r.Prefix != l.current.Prefix {
		if r.Prefix.IsValid() { // same router, renumbered: a new place as far as addresses go
			return l.use(now, r, []Fact{{Lost, *l.current, "renumbered"}}, out)
		}
		r.Prefix, r.Global = l.current.Prefix, l.current.Global
	}
	*l.current = r
	l.timers.Set(lifetime, r.expires)
	return l.alive(now)
}

// alive notes that the current router answers.
func (l *Link) alive(now engine.Now) []Fact {
	l.timers.Stop(probe)
	l.timers.Stop(solicit)
	l.probes = 0
	if l.current.Interval > 0 {
		l.timers.Set(missed, now.Mono.Add(MissedAdvertisements*l.current.Interval))
	}
	if !l.suspect {
		return nil
	}
	l.suspect = false
	return []Fact{{Confirmed, *l.current, ""}}
}

func (l *Link) use(now engine.Now, r Router, facts []Fact, _ *engine.Effects) []Fact {
	l.current, l.suspect = &r, false
	l.timers.Set(lifetime, r.expires)
	l.alive(now)
	return append(facts, Fact{Found, r, ""})
}

// lose gives up the current router and takes another that was heard on the link, if there is one.
func (l *Link) lose(now engine.Now, why string, facts []Fact, out *engine.Effects) []Fact {
	if l.current == nil {
		return facts
	}
	facts = append(facts, Fact{Lost, *l.current, why})
	l.current, l.suspect = nil, false
	l.timers = engine.Timers[what]{}
	for i, r := range l.others {
		if r.expires > now.Mono {
			l.others = append(l.others[:i], l.others[i+1:]...)
			return l.use(now, r, facts, out)
		}
	}
	if l.up {
		l.solicits = 0
		l.solicitNow(now, out)
	}
	return facts
}

func (l *Link) remember(r Router) {
	for i := range l.others {
		if l.others[i].Addr == r.Addr && l.others[i].HW == r.HW {
			l.others[i] = r
			return
		}
	}
	if len(l.others) < MaxRouters {
		l.others = append(l.others, r)
	}
}

func routerOf(now engine.Now, from plane.HW, p *ip6.Packet, ra *nd.RouterAdvertisement) Router {
	r := Router{
		Addr: p.Src, HW: ra.Options.SourceHW, Agent: ra.HomeAgent, MTU: int(ra.Options.MTU),
		Interval: ra.Options.AdvInterval, Retrans: ra.Retrans,
		expires: now.Mono.Add(ra.Lifetime), multicast: p.Dst.IsMulticast(),
	}
	if r.HW == (plane.HW{}) {
		r.HW = from // without the option the frame itself tells
	}
	for _, pfx := range ra.Options.Prefixes {
		if pfx.Autonomous && pfx.Prefix.Bits() == 64 && pfx.Valid > 0 && !r.Prefix.IsValid() {
			r.Prefix, r.Valid = pfx.Prefix, pfx.Valid
			if pfx.RouterAddr {
				r.Global = pfx.Addr
			}
		}
	}
	return r
}
