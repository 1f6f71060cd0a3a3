package fast

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/machine/lwkrb"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	lw "roam6/wire/lwkrb"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// Choices and limits of the mobile node's end.
const (
	MaxRtSolPr    = 1 + 3 // sent in one use, as RFC 5568 §9 has it
	RtSolPrRate   = 3     // a second, MAX_RTSOLPR_RATE; redirects that nobody asked for count too
	FirstInterval = 100 * time.Millisecond
	// PrepareFor is how long the next router, and the KDC behind it, may take to know the node, which goes unprepared then: what a router waits
	// for its KDC (lwkrb.GiveUp), no longer.
	PrepareFor = lwkrb.GiveUp
	// Patience is how long the link may take to switch once the node is ready: less than handover.ExpectFor.
	Patience = 2 * time.Second
	// RetryAfter is how long a router that refused the node, or did not answer, is not asked again without a redirect.
	RetryAfter = 3 * time.Second
	// RenewAfter is how often a session is begun anew because the router says that it lives another life; nobody vouches for that.
	RenewAfter = 10 * time.Second
	// TicketWait is when a router is asked again for which there was no ticket: they come in the background.
	TicketWait = 200 * time.Millisecond
	// MaxSessions is with how many routers the node has one; the oldest goes.
	MaxSessions = 8
	// MaxNotify and FirstNotify are how often a previous router is told that the node is back, or elsewhere, and when again.
	MaxNotify   = 3
	FirstNotify = 100 * time.Millisecond
	// renewAt is the part of a session after which the next one is begun.
	renewAt = 0.8
)

// Config is the mobile node's end's.
type Config struct {
	// Tickets, if set, are those that are good, besides what was put into Kerberos: asked for whenever one is wanted.
	Tickets func(now engine.Now) []lwkrb.Ticket
	// NetworkInitiated takes a Redirect that the node did not ask for, from a router that it shares no key with: nothing proves who sent it.
	NetworkInitiated bool
	// Renew, if set, is told that a ticket is not taken any more: the principal whose key seals it.
	Renew func(now engine.Now, sealer lw.Principal, out *engine.Effects)
}

// Mobile is the mobile node's end. It leaves to the base strategy whatever no handover is prepared for.
type Mobile struct {
	c        Config
	base     handover.Mobile
	core     handover.FastCore
	rand     *engine.Rand
	kerberos *lwkrb.Mobile

	state   state
	port    plane.Port               // of what is prepared or under way
	hint    engine.LinkHint          // what it follows
	id      uint16                   // of the RtSolPr
	asked   [RtSolPrRate]engine.Mono // when the latest left, the oldest first
	asks    int
	tries   int
	wait    time.Duration
	prev    handover.Site // where the node leaves
	next    target        // where it goes, or is
	request []byte        // the ap-req that is under way
	shin    bool          // a SHIN is due
	known   bool          // the next router knows the node: there is a session
	bound   bool          // the home agent knows the address
	unheard plane.Port    // an update left by it alone, which the gate has perhaps stopped

	spoken   map[plane.Port]spoken        // routers that say who they are
	sites    map[plane.Port]handover.Site // where the node was last able to send from
	sessions []session                    // the oldest first
	refusals []refusal                    // the oldest first
	notices  []notice                     // to previous routers
	lent     []lent
	renewed  engine.Mono // when a stale session was last begun anew
	timers   engine.Timers[timer]
}

// target is a router and the node's address there.
type target struct {
	handover.Next
	principal lw.Principal
}

// spoken is what a router advertises of itself.
type spoken struct {
	router    netip.Addr // link-local
	principal lw.Principal
	life      uint32 // 0: not told yet
}

// session is what the node and a router have agreed on.
type session struct {
	router    netip.Addr // service address
	principal lw.Principal
	coa       netip.Addr
	port      plane.Port
	ah        *sa.AH // nil: without protection
	until     engine.Mono
	life      uint32 // of the router; 0: not heard yet
	stale     bool   // the router has said that it is another's
}

// refusal is a router that did not let the node in.
type refusal struct {
	router netip.Addr
	until  engine.Mono
}

// lent is a forwarding that may stand at a previous router.
type lent struct {
	coa, router netip.Addr
	until       engine.Mono
}

type timer uint8

const (
	again    timer = iota // RtSolPr
	prepare               // the next router takes too long
	commit                // the link has not switched
	exchange              // machine/lwkrb
	tell                  // a notice is due
	renewal               // a session ends soon
	retry                 // there may be a ticket by now
)

// NewMobile makes the mobile node's end on its core. base is the strategy that acts when nothing is prepared.
func NewMobile(core handover.FastCore, base handover.Mobile, c Config) *Mobile {
	return &Mobile{c: c, core: core, base: base, state: idle, spoken: map[plane.Port]spoken{}, sites: map[plane.Port]handover.Site{}}
}

var (
	_ handover.Anticipator = (*Mobile)(nil)
	_ handover.Messenger   = (*Mobile)(nil)
	_ handover.Carrier     = (*Mobile)(nil)
)

// Kerberos is where the node's tickets are put.
func (m *Mobile) Kerberos() *lwkrb.Mobile { return m.kerberos }

// State names the state: the base strategy's, while nothing is prepared.
func (m *Mobile) State() string {
	if m.state == idle {
		return m.base.State()
	}
	return string(m.state)
}

// Start see handover.Anticipator.
func (m *Mobile) Start(_ engine.Start, rand *engine.Rand) {
	m.rand, m.kerberos = rand, lwkrb.NewMobile(rand)
}

// LinkUp see handover.Mobile.
func (m *Mobile) LinkUp(now engine.Now, port plane.Port, out *engine.Effects) {
	m.base.LinkUp(now, port, out)
}

// LinkDown ends what needed the link.
func (m *Mobile) LinkDown(now engine.Now, port plane.Port, out *engine.Effects) {
	delete(m.spoken, port)
	if port == m.port {
		m.timers.Stop(again)
		switch m.state {
		case asking:
			m.fellBack("moved before the router told where to", out)
		case arrived, entering:
			m.stop("link down", out)
		}
	}
	m.base.LinkDown(now, port, out)
}

// RouterFound see handover.Mobile.
func (m *Mobile) RouterFound(now engine.Now, port plane.Port, out *engine.Effects) {
	m.base.RouterFound(now, port, out)
}

// RouterConfirmed says that the node is where it was.
func (m *Mobile) RouterConfirmed(now engine.Now, port plane.Port, out *engine.Effects) {
	m.settled(now, port, out)
	m.base.RouterConfirmed(now, port, out)
	m.enterIf(now, port, out)
}

// AddressReady is where the update of a handover, prepared or not, is sent: it goes into a SHIN, or the SHIN goes alone.
func (m *Mobile) AddressReady(now engine.Now, port plane.Port, out *engine.Effects) {
	m.settled(now, port, out)
	m.base.AddressReady(now, port, out)
	if m.shin && port == m.port {
		m.sayHere(nil, out)
	}
	m.enterIf(now, port, out)
}

// AccessLost see handover.Mobile.
func (m *Mobile) AccessLost(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	if port == m.port && (m.state == arrived || m.state == entering || m.state == asking) {
		m.stop(why, out)
	}
	m.base.AccessLost(now, port, why, out)
}

// Registered ends the handover: forwarding runs out by itself, for what is on its way.
func (m *Mobile) Registered(now engine.Now, port plane.Port, out *engine.Effects) {
	if m.bound = port == m.port; m.bound && m.state == arrived && m.known {
		m.stop("binding acknowledged", out)
	}
	m.base.Registered(now, port, out)
}

// RegistrationFailed: perhaps the router was started again and does not know the node any more. It is told again who comes.
func (m *Mobile) RegistrationFailed(now engine.Now, port plane.Port, why string, out *engine.Effects) {
	if site, ok := m.core.Site(port); ok && m.with(now, site.Service, site.CoA) != nil {
		m.drop(site.CoA)
		if port == m.port && m.state == arrived {
			m.stop("binding not acknowledged", out)
		}
	}
	m.base.RegistrationFailed(now, port, why, out)
}

// FastAck is RFC 5568's.
func (m *Mobile) FastAck(_ engine.Now, p *ip6.Packet, _ *mh.FastBindingAck, out *engine.Effects) {
	out.Drop("fback-unexpected", engine.A("from", p.Src))
}

// Denied is RFC 5568's.
func (m *Mobile) Denied(_ engine.Now, _ plane.Port, dst netip.Addr, _ *nd.NAAck, out *engine.Effects) (netip.Addr, bool) {
	out.Drop("naack-unexpected", engine.A("coa", dst))
	return netip.Addr{}, false
}

// Deadline is when Tick has something to do.
func (m *Mobile) Deadline() (engine.Mono, string) {
	at, what := m.timers.Next()
	return at, [...]string{"handover redirect", "next router's answer", "switch of the link", "next router's answer", "word to the previous router",
		"end of a session", "ticket for the access router"}[what]
}

// Tick does what is due.
func (m *Mobile) Tick(now engine.Now, out *engine.Effects) {
	for t, ok := m.timers.Pop(now.Mono); ok; t, ok = m.timers.Pop(now.Mono) {
		switch t {
		case again:
			m.unanswered(now, out)
		case prepare:
			if m.state == answering {
				m.fellBack("the next router does not answer in time", out)
			}
		case commit:
			m.stayed(now, out)
		case exchange:
			m.facts(now, m.kerberos.Tick(now, out), out)
		case tell:
			m.notify(now, out)
		case renewal:
			m.renew(now, out)
		case retry:
			for _, a := range m.core.Accesses() {
				m.enterIf(now, a.Port, out)
			}
		}
	}
	m.arm()
}

// arm has the exchange's deadline among ours.
func (m *Mobile) arm() {
	at, _ := m.kerberos.Deadline()
	m.timers.Set(exchange, at)
}

// stop ends what is under way as far as this strategy goes.
func (m *Mobile) stop(why string, out *engine.Effects) {
	m.timers.Stop(again)
	m.timers.Stop(prepare)
	m.timers.Stop(commit)
	m.kerberos.Stop()
	m.arm()
	m.shin, m.request = false, nil
	m.become(idle, why, out)
}

// fellBack does so and says that the base strategy must do what is left.
func (m *Mobile) fellBack(why string, out *engine.Effects) {
	out.List = append(out.List, engine.Event{Name: engine.EventFellBack, Reason: why})
	m.stop(why, out)
}

// with is the session that the node has with a router at a care-of address; nil for none.
func (m *Mobile) with(now engine.Now, router, coa netip.Addr) *session {
	i := slices.IndexFunc(m.sessions, func(s session) bool { return s.router == router && s.coa == coa && s.until > now.Mono })
	if i < 0 {
		return nil
	}
	return &m.sessions[i]
}

// seal protects a packet for a router with the session's key, if there is one.
func (s *session) seal(packet []byte, out *engine.Effects) []byte {
	if s == nil || s.ah == nil {
		return packet
	}
	return s.ah.Seal(packet, out)
}

// Message takes what routers say. See handover.Messenger.
//
// spec FH-18
func (m *Mobile) Message(now engine.Now, in engine.Packet, p *ip6.Packet, out *engine.Effects) {
	defer m.arm()
	proven := false
	if p.Proto == ip6.ProtoAH {
		spi, _ := sa.FindAH(in.Data)
		i := slices.IndexFunc(m.sessions, func(s session) bool { return s.ah != nil && s.ah.InSPI() == spi && s.until > now.Mono })
		if i < 0 {
			out.Drop(sa.AHUnknownSPI, engine.A("from", p.Src))
			return
		}
		plain, reason := m.sessions[i].ah.Open(in.Data)
		if reason == "" && (plain.Src != m.sessions[i].router || plain.Proto != ip6.ProtoICMPv6) {
			reason = "fast-unexpected"
		}
		if reason != "" {
			out.Drop(reason, engine.A("from", p.Src))
			return
		}
		m.sessions[i].ah.Commit(out)
		proven, p = true, &plain
	}
	msg, err := fast.Parse(p.Src, p.Dst, p.Payload)
	if err != nil {
		out.Drop("fast-malformed", engine.A("from", p.Src), engine.S("error", err.Error()))
		return
	}
	if p.HopLimit != fast.HopLimit { // whatever routers say to nodes, they say on the link
		out.Drop("fast-from-afar", engine.A("from", p.Src))
		return
	}
	switch msg := msg.(type) {
	case *fast.Redirect:
		m.onRedirect(now, in, p, msg, proven, out)
	case *fast.AuthenticatedMN:
		m.heard(now, msg.Options.Lightweight, out)
	case *fast.HandoverError:
		m.onError(now, in, p, msg, proven, out)
	default:
		out.Drop("fast-unexpected", engine.A("from", p.Src))
	}
}

// lived holds what a router says of its life against what it was when the session with it began. Nobody vouches for that, so the session stays,
// and the next one is begun, not more often than RenewAfter has it.
//
// spec FH-12
func (m *Mobile) lived(now engine.Now, port plane.Port, say spoken) {
	site, ok := m.core.Site(port)
	if !ok || site.Router != say.router {
		return
	}
	switch s := m.with(now, site.Service, site.CoA); {
	case s == nil:
	case s.life == 0:
		s.life = say.life
	case s.life != say.life:
		s.life, s.stale = say.life, true // retry is set
	}
}

// Advertised notes who a router says it is: whom a ticket is wanted for where nothing was prepared.
func (m *Mobile) Advertised(now engine.Now, in engine.Packet, p *ip6.Packet, ra *nd.RouterAdvertisement, _ *engine.Effects) {
	if h := ra.Options.Handover; h != nil && h.Principal.Name != "" {
		say := spoken{p.Src, lw.Principal(h.Principal.String()), h.Life}
		if !say.principal.Router() || m.spoken[in.Port] == say {
			return
		}
		m.spoken[in.Port] = say
		m.timers.Set(retry, now.Mono)
		m.lived(now, in.Port, say)
	}
}
