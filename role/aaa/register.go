package aaa

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
)

// Results by the names they have here.
const (
	rejected     = diameter.AuthenticationRejected
	unauthorized = diameter.AuthorizationRejected
	tooBusy      = diameter.TooBusy
	unable       = diameter.UnableToDeliver
	noAgent      = diameter.ErrorNoHomeAgent
)

// rejectedText is all that is said of failed authentication, whatever was wrong.
const rejectedText = "the authentication data are not right"

// registration is an ARR that is being worked on.
type registration struct {
	id      uint64
	handle  peers.Handle
	from    string // the peer
	arr     *mip6aaa.ARR
	req     *access.Request
	name    string // of the subscriber in the database
	partner Partner

	// Once the subscriber is known; once it is authenticated.
	eap      []byte          // the packet of EAP that the answer has
	talk     *conversation   // that proved it; nil: authentication data did
	profile  profile.Profile // without its key
	key      aaa.Key
	proven   bool
	proposed netip.Addr // the home address that it names and nobody has given it: the database is asked whose it is
	exchange aaa.Exchange
	lifetime time.Duration

	plan
}

// register takes an ARR: who sends it, what it says, whom it is about. Nothing is kept of one that is refused.
//
// spec DM-11
func (s *Server) register(now engine.Now, out *engine.Effects, f peers.Arrived) {
	arr, err := mip6aaa.ParseARR(f.Message)
	var req *access.Request
	if err == nil {
		req, err = arr.Request()
	}
	if err != nil {
		s.reject(now, out, f, asError(err), "arr-malformed")
		return
	}
	partner, ok := s.partner(f.From, arr.Visited)
	if !ok {
		s.reject(now, out, f, &diameter.Error{Code: unauthorized, Text: "the network " + arr.Visited + " is not that of peer " + f.From}, "visited-network-not-of-peer")
		return
	}
	name, err := nameOf(req)
	if err != nil {
		s.reject(now, out, f, &diameter.Error{Code: rejected, Text: rejectedText}, "user-malformed")
		return
	}
	if len(s.registrations) >= MaxTransactions {
		s.reject(now, out, f, &diameter.Error{Code: tooBusy, Text: "too many requests at a time; try again"}, "registrations-full")
		return
	}
	s.last++
	t := &registration{id: s.last, handle: f.Handle, from: f.From, arr: arr, req: req, name: name, partner: partner, plan: plan{at: none}}
	s.registrations[t.id] = t
	s.timers.Set(timer{registering, t.id}, now.Mono.Add(TransactionTime))
	s.lookup(now, out, t)
}

// partner finds who may say that users are in a network: a partner's peers, or our own AAA clients. Home agents of our own network are
// those at home.
//
// spec DM-11
func (s *Server) partner(from, network string) (Partner, bool) {
	for _, p := range s.cfg.Home.Partners {
		if p.Network == network && contains(p.Hosts, from) {
			return p, true
		}
	}
	if v := s.cfg.Visited; v != nil && v.Network == network && contains(v.Clients, from) {
		return Partner{Network: network, Realm: s.realm, Hosts: v.Clients}, true
	}
	return Partner{}, false
}

// user is the subscriber's NAI as the database spells it; empty without one.
func (t *registration) user() string {
	if t.req.NAI == "" {
		return ""
	}
	return t.name
}

// nameOf is what the database calls the subscriber: the NAI, or without one the home address (§3.2).
//
// spec DM-07
func nameOf(r *access.Request) (string, error) {
	if r.NAI == "" {
		return r.HomeAddress.String(), nil
	}
	return profile.Canonical(r.NAI)
}

// asError is an error of a parser as Diameter says it.
func asError(err error) *diameter.Error {
	var e *diameter.Error
	if errors.As(err, &e) {
		return e
	}
	return &diameter.Error{Code: diameter.UnableToComply, Text: err.Error()}
}

// known goes on when the subscriber is: authenticates, then authorizes. p's key is used here and not kept.
//
// spec DM-05 DM-11
func (s *Server) known(now engine.Now, out *engine.Effects, t *registration, p *profile.Profile) {
	if t.req.Auth == nil {
		s.converse(now, out, t, p)
		return
	}
	key, err := aaa.NewKey(p.Key, aaa.Identity(t.req.NAI, t.req.HomeAddress), t.arr.Visited)
	if err != nil {
		s.refuse(now, out, t, rejected, "key-length", rejectedText) // the default authentication needs 32 octets; the store takes others, for EAP
		return
	}
	t.exchange = t.about()
	if !key.VerifyAnswer(t.exchange, t.req.Auth) {
		key.Erase()
		s.refuse(now, out, t, rejected, "authentication-wrong", rejectedText)
		return
	}
	if !s.replays.fresh(now.Mono, t.mark()) {
		key.Erase()
		s.refuse(now, out, t, rejected, "challenges-replayed", rejectedText)
		return
	}
	t.key = key
	s.authorize(now, out, t, p)
}

// about is what both authenticators of the exchange are about.
func (t *registration) about() aaa.Exchange {
	return aaa.Exchange{HostChallenge: t.req.HostChallenge, LocalChallenge: t.req.LocalChallenge, CareOf: t.req.CareOf, Request: t.req.Covered()}
}

// authorize goes on with a mobile node that has proven who it is, in t.exchange; t.key proves the network to it.
func (s *Server) authorize(now engine.Now, out *engine.Effects, t *registration, p *profile.Profile) {
	t.proven, t.profile = true, *p
	s.perUser[t.name]++
	t.profile.Key, t.profile.HomeAgents = nil, slices.Clone(p.HomeAgents)
	if t.lifetime = p.SessionTime; t.lifetime == 0 {
		t.lifetime = s.cfg.Home.SessionTime
	}
	switch {
	case !p.Enabled:
		s.refuse(now, out, t, unauthorized, "subscriber-disabled", "the subscriber is not served")
		return
	case s.perUser[t.name] > MaxPerUser:
		s.refuse(now, out, t, tooBusy, "registrations-of-user", "too many requests of one user at a time; try again")
		return
	}
	s.decide(now, out, t)
}

// mark is a user's pair of challenges. Each stands behind its length.
func (t *registration) mark() [32]byte {
	h := sha256.New()
	for _, b := range [][]byte{[]byte(t.name), t.req.HostChallenge, t.req.LocalChallenge} {
		h.Write([]byte{byte(len(b) >> 8), byte(len(b))})
		h.Write(b)
	}
	return [32]byte(h.Sum(nil))
}

// plan is what shall be done for an authenticated request.
type plan struct {
	cell     *Cell
	home     netip.Addr // the home address; unset: one is to be assigned by the home agent
	own      netip.Addr // the mobile node's own home agent; unset: one is chosen
	binding  []byte     // its embedded update
	at       int        // the asked home agent's place in the pool; none
	agent    netip.Addr // the asked home agent; unset: AAAv chooses
	network  string     // the visited network whose home agent is asked; empty: at home
	offering bool       // the visited network may be asked for one
	tried    []netip.Addr
	asked    int
	refusals int // of home agents, perhaps of the home address
	keys     []pending
}

// decide finds what the flags ask for, and whether the subscriber may have it.
//
// spec DM-12 DM-15 DM-16 DM-17
func (s *Server) decide(now engine.Now, out *engine.Effects, t *registration) {
	agent, hasAgent := t.ownAgent()
	home, hasHome := t.ownHome()
	cell, err := Decide(t.req.Features, hasAgent, hasHome)
	if err != nil {
		s.refuse(now, out, t, diameter.ErrorFeaturesNotSupported, "features-not-supported", err.Error())
		return
	}
	t.cell = cell
	if cell.Own != Not && (cell.Own == Must || hasAgent == InRequest) {
		t.own = agent
	}
	if cell.Assign {
		t.home = t.profile.HomeAddress // its fixed one, or unset
	} else if hasHome == InRequest || cell.Address == Must {
		t.home = home
	}
	switch {
	case hasHome != InRequest, s.has(t, home):
		s.place(now, out, t)
	case !t.profile.HomeAddress.IsValid() && t.profile.AddressFrom == profile.FromMobile:
		t.proposed = home
		s.lookup(now, out, t)
	default:
		s.notAllowed(now, out, t)
	}
}

func (s *Server) notAllowed(now engine.Now, out *engine.Effects, t *registration) {
	s.refuse(now, out, t, unauthorized, "home-address-not-allowed", "the home address is not this mobile node's")
}

// place goes on with a mobile node that may have the home address that it names, if it names one.
//
// spec DM-12 DM-13
func (s *Server) place(now engine.Now, out *engine.Effects, t *registration) {
	if !s.sessions.room(t.name, t.home, t.arr.Session, t.profile.MaxSessions) {
		s.refuse(now, out, t, unauthorized, "sessions-full", "as many sessions as the subscriber may have")
		return
	}
	t.offering = t.partner.Agents && t.req.Features&access.VisitedAvailable != 0 && t.req.Features&access.OnlyInHomeDomain == 0 &&
		t.profile.VisitedHomeAgent && t.profile.AddressFrom != profile.FromHome && !t.profile.HomeAddress.IsValid()
	switch {
	case t.own.IsValid():
		t.binding = t.req.Binding
		s.askOwn(now, out, t)
	case len(t.cell.Agents) > 0:
		s.askNext(now, out, t)
	default:
		s.accept(now, out, t, nil)
	}
}

// ownAgent is the mobile node's home agent, by its embedded update or its profile.
func (t *registration) ownAgent() (netip.Addr, Has) {
	switch {
	case t.req.Binding != nil:
		return t.arr.Agent, InRequest
	case t.profile.HomeAgent.IsValid():
		return t.profile.HomeAgent, InProfile
	}
	return netip.Addr{}, Nowhere
}

// ownHome is the mobile node's home address, by what it says, its embedded update, or its profile.
func (t *registration) ownHome() (netip.Addr, Has) {
	if known(t.req.HomeAddress) {
		return t.req.HomeAddress, InRequest
	}
	if p, err := ip6.Parse(t.req.Binding); t.req.Binding != nil && err == nil && known(p.HomeAddress) {
		return p.HomeAddress, InRequest
	}
	if t.profile.HomeAddress.IsValid() {
		return t.profile.HomeAddress, InProfile
	}
	return netip.Addr{}, Nowhere
}

// has says whether a home address that a mobile node names is its own. Under ESP the home agent finds out: the association is of one
// home address.
func (s *Server) has(t *registration, home netip.Addr) bool {
	return t.profile.HomeAddress == home || s.sessions.find(t.name, home) != nil || hidden(t.req.Binding)
}

// proposes goes on when the database has said whose a home address is that a mobile node proposes: nobody's, or it may not have it.
//
// spec DM-17
func (s *Server) proposes(now engine.Now, out *engine.Effects, t *registration, p *profile.Profile, why string) {
	switch {
	case p != nil && p.Name() != t.name:
		s.notAllowed(now, out, t)
	case p != nil, why == engine.ErrNotFound:
		s.place(now, out, t)
	default:
		s.refuse(now, out, t, tooBusy, "database-"+reason(why), "it cannot be looked up just now whose the home address is; try again")
	}
}
