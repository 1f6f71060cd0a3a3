// Package attach is a host's presence on one link: it finds the router, notices when the router is gone, and says which
// prefix to form an address in. Router discovery is RFC 4861 §6.3 with the retransmissions of RFC 7559, unreachability
// detection §7.3, movement detection RFC 6275 §11.5.1, and a link that comes back is treated as RFC 6059 does.
//
//	        link up                 advertisement                   probes unanswered, lifetime over
//	Down ───────────▶ Soliciting ──────────────────▶ Found ──────────────────────────────────────▶ Lost, Soliciting
//	                     ▲ link up again: the router known so far must be heard again ("suspect")
//
// It returns facts; forming addresses and detecting duplicates is the role's.
//
// Advertisements are believed as they come: without SEND (RFC 3971) whoever can send on the link can pose as its router.
// What a stranger can do by it is bounded: the node may attach to him and lose its packets, but bindings are protected
// by the security association with the home agent, and timers taken from packets are kept within named limits.
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
	SolicitInterval    = 4 * time.Second // RTR_SOLICITATION_INTERVAL, RFC 4861 §10; the first wait of RFC 7559 §2
	MaxSolicitInterval = time.Hour       // MRT, RFC 7559 §2
	ProbeRetrans       = time.Second     // RetransTimer, RFC 4861 §10, unless the router advertises another
	MaxProbes          = 3               // MAX_UNICAST_SOLICIT, RFC 4861 §10
	ReachableTime      = 30 * time.Second
	// MinRetrans and MaxRetrans bound the RetransTimer that an advertisement may impose: at less a router would be given up
	// before it could answer, at more its loss would never be noticed.
	MinRetrans = 100 * time.Millisecond
	MaxRetrans = 10 * time.Second
	// MinAdvInterval is the least advertisement interval that is believed (RFC 6275 §7.5: MinRtrAdvInterval).
	MinAdvInterval = 30 * time.Millisecond
	// MissedAdvertisements of a router that promised an interval make it suspect: RFC 6275 §11.5.1 leaves the number open.
	MissedAdvertisements = 3
	// MaxAbsent advertisements in a row without the prefix in use, but with others, mean that it is not advertised any
	// more: RFC 6059 §5.10. A router may spread its prefixes over several advertisements.
	MaxAbsent = 3
	// TwoHours is the least to which an advertisement may shorten a prefix's life: RFC 4862 §5.5.3 (e).
	TwoHours   = 2 * time.Hour
	MaxRouters = 8 // remembered on a link besides the current one; more are ignored
)

// Reasons of the Lost fact. Moved and Renumbered are followed by Found at once.
const (
	Moved             = "moved"
	Renumbered        = "renumbered"
	RouterLifetime    = "router-lifetime"
	RouterUnreachable = "router-unreachable"
	PrefixExpired     = "prefix-expired"
	NoRouterAnyMore   = "router-is-none-any-more" // its advertisement says that it does not route
)

// Reasons why a neighbour advertisement is refused.
const (
	NAOtherStation = "na-other-station" // the router's address with another link-layer address
	NAUnsolicited  = "na-unsolicited"   // nothing was asked, or the answer does not say that it is one
)

// Kind of a Fact.
type Kind uint8

// The facts.
const (
	Found     Kind = iota + 1 // a router to use from now on; it differs from the one before
	Confirmed                 // after the link came back the prefix known before is there, by this router
	Lost                      // the router is gone; Why says how that was noticed
)

// Fact is what the link found out.
type Fact struct {
	Kind   Kind
	Router Router
	Why    string
}

// Config describes a link.
type Config struct {
	Port plane.Port
	Home netip.Prefix // the home prefix, chosen before others where a router advertises several; may be invalid
}

// Link is the presence on one link.
type Link struct {
	Port plane.Port

	home    netip.Prefix
	rand    *engine.Rand
	hw      plane.HW
	source  netip.Addr // address solicitations come from; invalid while none may be used
	up      bool
	suspect bool    // the link came up and the current router has not been heard since
	told    bool    // another router told of the current one, which has not been heard yet; see Arrive
	hearsay bool    // confirmed by an advertisement, which need not be of now; nobody asked the router yet
	current *Router // at router, or nil
	router  Router
	others  []Router
	wait    time.Duration // before the next router solicitation; 0 before the first
	probes  int           // of the running unreachability detection
	asked   bool          // one of them really went out
	askedAt engine.Mono   // the first of them, if any did
	absent  int           // advertisements in a row without the prefix in use
	timers  engine.Timers[what]
}

type what uint8

const (
	solicit what = iota
	probe
	quiet
	lifetime
	prefix
	rival
)

// New makes the presence on a port, down. Randomness is for the solicitations' waits.
func New(c Config, rand *engine.Rand) *Link { return &Link{Port: c.Port, home: c.Home, rand: rand} }

// SetHome tells the home prefix when it is known later than the link.
func (l *Link) SetHome(p netip.Prefix) { l.home = p }

// Up handles a link that can carry packets. The random delay of RFC 4861 §6.3.7 is left out: the link layer has said that
// this node alone arrived (RFC 6275 §11.5.1 lets a mobile node solicit as soon as it knows it moved).
//
// spec MIP-07
func (l *Link) Up(now engine.Now, in engine.LinkUp, out *engine.Effects) {
	l.up, l.hw, l.suspect, l.hearsay = true, in.HW, l.current != nil, false
	if l.current == nil {
		l.others = nil
	}
	l.wait, l.probes, l.asked = 0, 0, false
	l.timers.Stop(quiet)
	l.timers.Stop(probe)
	l.timers.Stop(rival)
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
		l.timers.Set(prefix, l.current.prefixEnds)
	}
}

// IsUp reports whether the link can carry packets.
func (l *Link) IsUp() bool { return l.up }

// HW is this node's link-layer address on the link.
func (l *Link) HW() plane.HW { return l.hw }

// Source sets the address solicitations come from: one that duplicate detection has found unique. An invalid address means
// that there is none; router solicitations then come from the unspecified address and routers cannot be probed
// (RFC 4429 §3.2 forbids both for optimistic addresses).
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

// Usable reports whether packets can be sent: the link is up and its router is known and was heard since.
func (l *Link) Usable() bool { return l.up && l.current != nil && !l.suspect }

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
	return at, [...]string{"router solicitation", "unreachability probe", "sign of life of the router", "router lifetime", "prefix lifetime", "router that is silent while another speaks"}[what]
}

// Tick does what is due.
func (l *Link) Tick(now engine.Now, out *engine.Effects) []Fact {
	var facts []Fact
	for w, ok := l.timers.Pop(now.Mono); ok; w, ok = l.timers.Pop(now.Mono) {
		switch w {
		case solicit:
			l.solicitNow(now, out)
		case quiet:
			l.Doubt(now, out)
		case lifetime:
			facts = l.lose(now, RouterLifetime, facts, out)
		case prefix:
			facts = l.lose(now, PrefixExpired, facts, out)
		case rival:
			facts = l.silent(now, facts, out)
		case probe:
			if l.probes >= MaxProbes {
				facts = l.lose(now, RouterUnreachable, facts, out)
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
	cur := l.current
	r := l.routerOf(now, from, p, ra)
	if cur != nil && l.confirms(&r) {
		l.told, cur.Addr = false, r.Addr
		l.take(now, r)
		cur = l.current
	}
	switch {
	case cur != nil && cur.same(&r):
		return l.refresh(now, r, ra, out)
	case ra.Lifetime == 0:
		l.forget(&r)
		return nil
	case !r.Prefix.IsValid():
		return nil // nothing to form an address in
	case cur == nil:
		return l.use(now, r, nil)
	case l.suspect:
		return l.elsewhere(now, r)
	}
	// Another router does not mean another link (RFC 6275 §11.5.1); that a new one appears is a reason to ask after the old,
	// and so is any other when the old was confirmed by an advertisement alone: that may have been late, or forged.
	if l.remember(now, r) || l.hearsay {
		l.hearsay = false
		l.Doubt(now, out)
	}
	l.contest(now)
	return nil
}

// HeardNA takes a neighbour advertisement: a solicited one from the current router proves it reachable (RFC 4861
// §7.3.1). reason says why one that speaks for the router's address is refused. A router that moved to another link-layer
// address is found by its advertisements once the old one does not answer.
func (l *Link) HeardNA(now engine.Now, na *nd.NeighborAdvertisement, out *engine.Effects) (facts []Fact, reason string) {
	if !l.up || l.current == nil || na.Target != l.current.Addr {
		return nil, ""
	}
	if hw := na.Options.TargetHW; hw != (plane.HW{}) && hw != l.current.HW {
		l.Doubt(now, out)
		return nil, NAOtherStation
	}
	if !na.Solicited || !l.asked {
		return nil, NAUnsolicited
	}
	if !na.Router { // RFC 4861 §7.2.5
		return l.lose(now, NoRouterAnyMore, nil, out), ""
	}
	facts = l.alive(now)
	l.hearsay = false
	return facts, ""
}

// elsewhere judges another router's advertisement on a link that came back. The same prefix is the same link, and so is
// a router known from it; any other says that we moved.
func (l *Link) elsewhere(now engine.Now, r Router) []Fact {
	old := *l.current
	switch {
	case r.Prefix == old.Prefix:
		l.remember(now, old)
		l.forget(&r)
		l.take(now, r)
		l.suspect = true // until alive says so
		return l.alive(now)
	case l.knows(&r):
		l.remember(now, r)
		l.contest(now)
		return nil // the current router is asked; it answers, or this one is taken
	}
	l.others = nil
	return l.use(now, r, []Fact{{Lost, old, Moved}})
}

// refresh takes in a new advertisement of the router in use.
func (l *Link) refresh(now engine.Now, r Router, ra *nd.RouterAdvertisement, out *engine.Effects) []Fact {
	cur := l.current
	if ra.Lifetime == 0 {
		return l.lose(now, RouterLifetime, nil, out)
	}
	named := l.renew(now, cur, ra)
	switch {
	case r.Prefix == cur.Prefix || !r.Prefix.IsValid():
	case named || r.Prefix == l.home || l.absent+1 >= MaxAbsent:
		// Same router, another prefix: a new place as far as addresses go.
		return l.use(now, r, []Fact{{Lost, *cur, Renumbered}})
	default:
		l.absent++
	}
	if named {
		l.absent = 0
	}
	r.Prefix, r.Global, r.prefixEnds = cur.Prefix, cur.Global, cur.prefixEnds
	l.take(now, r)
	return l.alive(now)
}

// alive notes that the current router answers.
func (l *Link) alive(now engine.Now) []Fact {
	l.timers.Stop(probe)
	l.timers.Stop(solicit)
	l.timers.Stop(rival)
	l.probes, l.asked, l.wait = 0, false, 0
	silence := ReachableTime // packets are on their way all the time, so reachability is asked after as often
	if l.current.Interval > 0 {
		silence = min(silence, l.current.patience())
	}
	l.timers.Set(quiet, now.Mono.Add(silence))
	if !l.suspect {
		return nil
	}
	l.suspect, l.hearsay = false, true
	return []Fact{{Confirmed, *l.current, ""}}
}

// take makes a router the current one.
func (l *Link) take(now engine.Now, r Router) {
	l.router = r
	l.current = &l.router
	l.timers.Set(lifetime, r.expires)
	l.timers.Set(prefix, r.prefixEnds)
}

func (l *Link) use(now engine.Now, r Router, facts []Fact) []Fact {
	l.take(now, r)
	l.suspect, l.hearsay, l.told, l.absent = false, false, false, 0
	l.alive(now)
	return append(facts, Fact{Found, r, ""})
}

// lose gives up the current router and takes another that was heard on the link, if there is one.
func (l *Link) lose(now engine.Now, why string, facts []Fact, out *engine.Effects) []Fact {
	if l.current == nil {
		return facts
	}
	facts = append(facts, Fact{Lost, *l.current, why})
	l.current, l.suspect, l.hearsay, l.probes, l.asked = nil, false, false, 0, false
	l.timers = engine.Timers[what]{}
	if !l.up {
		return facts
	}
	for i, r := range l.others {
		if r.expires > now.Mono && r.prefixEnds > now.Mono {
			l.others = append(l.others[:i], l.others[i+1:]...)
			return l.use(now, r, facts)
		}
	}
	l.wait = 0
	l.solicitNow(now, out)
	return facts
}
