package rr

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Protocol constants, RFC 6275 §12.
const (
	InitialTimeout     = time.Second       // INITIAL_BINDACK_TIMEOUT
	MaxTimeout         = 32 * time.Second  // MAX_BINDACK_TIMEOUT
	MaxFailures        = 3                 // MAX_RO_FAILURE: retries before packets go by the tunnel for good
	MaxTokenLifetime   = 210 * time.Second // MAX_TOKEN_LIFETIME
	MaxBindingLifetime = 420 * time.Second // MAX_RR_BINDING_LIFETIME
	MaxUpdateRate      = 3                 // MAX_UPDATE_RATE: messages of a type to one peer in a second
)

// Limits and choices where RFC 6275 leaves them open.
const (
	MaxPeers      = 256              // entries of the list when Config says nothing
	StartBurst    = 16               // exchanges begun at once with peers not in the list
	StartRate     = 4                // the same a second in the long run
	TokenMargin   = 5 * time.Second  // what must be left of a token's life when an update is sent
	RenewAfter    = 2                // unanswered updates after which new tokens are fetched: the peer may have forgotten its nonces
	MaxStale      = 2                // refusals for old nonces (nobody can sign them) believed in one exchange
	RefreshBefore = 60 * time.Second // before a binding ends it is refreshed; a quarter of its lifetime if that is less
	SilentFor     = 2 * time.Minute  // no new exchange with a peer that did not answer; a move ends it
	RefusedFor    = 5 * time.Minute  // nor with one that refused
	UnableFor     = 30 * time.Minute // nor with one that knows no mobility header (RFC 6275 §11.3.5)
	ErrorInterval = 10 * time.Second // exchanges provoked by Binding Errors or refresh requests of one peer: anyone can forge those
	LostAfter     = time.Minute      // packets by the tunnel this long after the last update say that the peer forgot the binding
)

// When says for which reason a peer's route is optimised.
type When uint8

// The reasons.
const (
	OnTraffic When = iota // when a packet of the peer came through the home agent, for as long as the route is used
	Never                 // also keeps the node's place from the peer
	Always                // as soon as the peer is known, and for ever; a rule of one address makes it known
)

// Rule is the policy for some peers.
type Rule struct {
	Peers netip.Prefix
	When  When
}

// Config is what an operator may decide.
type Config struct {
	HomeAddress netip.Addr
	Lifetime    time.Duration // asked for; 0 and all above MaxBindingLifetime mean MaxBindingLifetime
	NoAck       bool          // updates ask for no acknowledgement: routes are used an exchange earlier, and blindly
	Max         int           // MaxPeers when 0
	Rules       []Rule        // the longest prefix decides; OnTraffic for peers that meet none
}

// Kind says what a Fact is.
type Kind uint8

// The kinds of facts.
const (
	Straight Kind = iota + 1 // send Packet by the access that has the address CoA
	Through                  // send Packet through the home agent, protected (RFC 6275 §11.6.3)
	Ready                    // packets to Peer go straight from CoA, and come so; also when CoA changed
	Gone                     // no more: they go by the tunnel, or as any packet at home
)

// Fact is what the role is to do next.
type Fact struct {
	Kind   Kind
	Peer   netip.Addr
	CoA    netip.Addr // at home it is the home address
	Packet []byte     // a whole IPv6 packet
}

// Mobile is the mobile node's end for one home address. Make it with New.
type Mobile struct {
	cfg    Config
	rand   *engine.Rand
	coa    netip.Addr  // where the node is: the home address at home; invalid when nowhere
	until  engine.Mono // the home agent's binding for coa ends then; 0 when there is none yet
	peers  map[netip.Addr]*peer
	timers engine.Timers[timer]
	starts engine.Bucket // exchanges begun with strangers: StartBurst, StartRate
	told   engine.Mono   // when the event of a full list was last told

	problem engine.Mono // likewise, that of a peer who knows no Home Address option
}

// step is one call of the role: its time, its effects, and the facts found so far.
type step struct {
	now   engine.Mono
	out   *engine.Effects
	facts []Fact
}

// New makes the end of a mobile node that is nowhere yet.
func New(cfg Config, rand *engine.Rand) *Mobile {
	if cfg.Max <= 0 {
		cfg.Max = MaxPeers
	}
	if cfg.Lifetime <= 0 || cfg.Lifetime > MaxBindingLifetime {
		cfg.Lifetime = MaxBindingLifetime
	}
	cfg.Lifetime = max(cfg.Lifetime.Truncate(mh.Unit), mh.Unit) // 0 would remove the binding
	return &Mobile{cfg: cfg, rand: rand, peers: make(map[netip.Addr]*peer)}
}

// String tells where the node is and how many peers it knows.
func (m *Mobile) String() string {
	return fmt.Sprintf("rr(%s, %d peers)", m.cfg.HomeAddress, len(m.peers))
}

// Format prints what String gives, for every verb: tokens never leave.
func (m *Mobile) Format(f fmt.State, _ rune) { io.WriteString(f, m.String()) }

// Arrived tells of a new care-of address. Routes of the former one end; the new one is tested at once, while the home
// agent is still being told (RFC 6275 §11.6.1, §5.2.7).
//
// spec MIP-04
func (m *Mobile) Arrived(now engine.Now, coa netip.Addr, out *engine.Effects) []Fact {
	switch coa {
	case m.coa:
		return nil
	case netip.Addr{}:
		return m.Lost(now, out)
	case m.cfg.HomeAddress:
		return m.Home(now, out)
	}
	s := &step{now: now.Mono, out: out}
	m.coa, m.until = coa, 0
	for _, p := range m.sorted() {
		if p.route.IsValid() {
			m.gone(s, p, "moved")
		}
		switch {
		case p.phase == barred && !p.silent, p.phase == idle && p.when != Always:
		case p.phase != barred && p.bound == coa && p.expires > s.now: // the peer still has this one
			m.halt(p)
			p.phase = current
			m.ready(s, p)
			m.armRefresh(p)
		default:
			m.begin(s, p)
		}
	}
	return s.facts
}

// Registered tells that the home agent holds a binding for the care-of address until the given moment, again after each
// refresh. Only from now on do HoTI and updates leave.
//
// spec MIP-04
func (m *Mobile) Registered(now engine.Now, until engine.Mono, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	if !m.coa.IsValid() || m.atHome() {
		return nil
	}
	m.until = until
	for _, r := range m.cfg.Rules {
		if a := r.Peers.Addr(); r.When == Always && r.Peers.IsSingleIP() && m.peers[a] == nil && m.eligible(a) && len(m.peers) < m.cfg.Max {
			m.begin(s, m.enter(s, a, Always))
		}
	}
	for _, p := range m.sorted() {
		m.advance(s, p)
	}
	return s.facts
}

// Home tells that the node is at home and that the home agent has given its address back: peers are told to forget it
// (RFC 6275 §11.5.5), for which the home test is enough (§11.6.1).
//
// spec MIP-04
func (m *Mobile) Home(now engine.Now, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	if m.atHome() {
		return nil
	}
	m.coa, m.until = m.cfg.HomeAddress, engine.Never
	for _, p := range m.sorted() {
		if p.route.IsValid() {
			m.gone(s, p, "at home")
		}
		if p.holds <= s.now {
			m.rest(s, p)
			continue
		}
		m.begin(s, p)
	}
	return s.facts
}

// Lost tells that the care-of address cannot be used any more and that there is no other.
func (m *Mobile) Lost(now engine.Now, out *engine.Effects) []Fact {
	s := &step{now: now.Mono, out: out}
	m.coa, m.until = netip.Addr{}, 0
	for _, p := range m.sorted() {
		if p.route.IsValid() {
			m.gone(s, p, "no access")
		}
		if p.phase == seeking || p.phase == current {
			m.halt(p)
		}
	}
	return s.facts
}

func (m *Mobile) atHome() bool { return m.coa == m.cfg.HomeAddress }

// away reports whether the node may have routes: it has a care-of address that its home agent knows.
func (m *Mobile) away(now engine.Mono) bool { return m.coa.IsValid() && !m.atHome() && m.until > now }

// sorted lists the peers in an order that repeats.
func (m *Mobile) sorted() []*peer {
	list := make([]*peer, 0, len(m.peers))
	for _, a := range slices.SortedFunc(maps.Keys(m.peers), netip.Addr.Compare) {
		list = append(list, m.peers[a])
	}
	return list
}

// when is the policy for a peer.
func (m *Mobile) when(peer netip.Addr) When {
	bits, when := -1, OnTraffic
	for _, r := range m.cfg.Rules {
		if r.Peers.Bits() > bits && r.Peers.Contains(peer) {
			bits, when = r.Peers.Bits(), r.When
		}
	}
	return when
}

// eligible reports whether an address can be a peer's.
func (m *Mobile) eligible(peer netip.Addr) bool {
	return ip6.Routable(peer) && peer != m.cfg.HomeAddress && peer != m.coa
}
