package aaa

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
)

// passing takes a request that is for another realm: from our AAA clients to the home of who visits.
//
// spec DM-10
func (s *Server) passing(now engine.Now, out *engine.Effects, f peers.Arrived) {
	switch f.Message.Command {
	case diameter.AARegistration:
		s.passRegistration(now, out, f)
	case diameter.Accounting:
		if !contains(s.cfg.Visited.Clients, f.From) {
			s.reject(now, out, f, &diameter.Error{Code: unauthorized, Text: f.From + " is no AAA client of this network"}, "client-unknown")
			return
		}
		s.node.Forward(now, out, f.Handle, f.Message.Raw)
	default: // a HOR, or the like, that another server would take for ours
		s.reject(now, out, f, &diameter.Error{Code: unauthorized, Text: "only requests of AAA clients are sent on"}, "not-of-a-client")
	}
}

// passRegistration checks the AAA client and the name of the network, and tells the home server whether there is a home agent for its
// user here. Nothing else of the ARR changes.
//
// spec DM-10 DM-16
func (s *Server) passRegistration(now engine.Now, out *engine.Effects, f peers.Arrived) {
	v := s.cfg.Visited
	if !contains(v.Clients, f.From) {
		s.reject(now, out, f, &diameter.Error{Code: unauthorized, Text: f.From + " is no AAA client of this network"}, "client-unknown")
		return
	}
	arr, err := mip6aaa.ParseARR(f.Message)
	if err != nil {
		s.reject(now, out, f, asError(err), "arr-malformed")
		return
	}
	if arr.Visited != v.Network {
		s.reject(now, out, f, &diameter.Error{Code: unauthorized, Text: "this network is " + v.Network + ", not " + arr.Visited}, "visited-network-wrong")
		return
	}
	a, ok := s.agreement(arr.DestinationRealm)
	if !ok {
		s.reject(now, out, f, &diameter.Error{Code: diameter.RealmNotServed, Text: "there is no agreement with " + arr.DestinationRealm}, "realm-without-agreement")
		return
	}
	raw := f.Message.Raw
	features := arr.Features &^ access.VisitedAvailable
	if a.Agents && features&access.HomeAgentRequested != 0 && features&access.OnlyInHomeDomain == 0 && s.visited.choose(anyAgent) != none {
		features |= access.VisitedAvailable
	}
	if features != arr.Features {
		raw = bytes.Clone(raw) // the message is kept as it came
		diameter.SetUint32(raw, diameter.MIPv6FeatureVector, uint32(features))
	}
	s.node.Forward(now, out, f.Handle, raw)
}

func anyAgent(*Agent) bool { return true }

// agreement is that about the users of a realm.
func (s *Server) agreement(realm string) (Agreement, bool) {
	for _, a := range s.cfg.Visited.Agreements {
		if strings.EqualFold(a.Realm, realm) {
			return a, true
		}
	}
	return Agreement{}, false
}

// assignment is a HOR of a home server that is being worked on.
type assignment struct {
	id     uint64
	handle peers.Handle
	hor    *mip6aaa.HOR // without keys: they are written once and erased, and drawn from the message again for a second try
	user   string       // as its realm spells it
	at     int
	home   netip.Addr
	agent  netip.Addr
	tried  []netip.Addr

	refusals int // of home agents, perhaps of the home address
}

// assign takes a HOR of the home server of a user who visits: with neither home agent nor home address to choose them here (§9.5.1),
// or about a home agent that was chosen before.
//
// spec DM-16
func (s *Server) assign(now engine.Now, out *engine.Effects, f peers.Arrived) {
	h, err := mip6aaa.ParseHOR(f.Message)
	if err != nil {
		s.reject(now, out, f, asError(err), "hor-malformed")
		return
	}
	defer mip6aaa.ErasePeerKeys(h.Peer)
	user, err := profile.Canonical(h.User)
	switch {
	case !s.speaksFor(f.From, h.OriginRealm):
		s.reject(now, out, f, &diameter.Error{Code: unauthorized, Text: "no agreement lets " + f.From + " of " + h.OriginRealm + " have home agents here"}, "hor-without-agreement")
		return
	case !h.CareOf.IsValid() || err != nil || h.Agent.IsValid() != (h.Binding != nil) || h.Lifetime <= 0 || h.Lifetime > MaxSessionTime:
		s.reject(now, out, f, &diameter.Error{Code: diameter.ErrorBadHOR, Text: "a HOR needs a user, a care-of address, an Authorization-Lifetime, and a binding update if it names a home agent"}, "hor-incomplete")
		return
	case !s.speaksFor(f.From, realmOf(user)):
		s.reject(now, out, f, &diameter.Error{Code: unauthorized, Text: f.From + " does not speak for users of " + realmOf(user)}, "hor-user-of-another-realm")
		return
	case h.Agent.IsValid() && s.visited.find(h.Agent) == none:
		s.reject(now, out, f, &diameter.Error{Code: diameter.ErrorHomeAgentNotAllowed, Text: "there is no such home agent"}, "home-agent-not-allowed")
		return
	case !h.Agent.IsValid() && len(s.visiting.byUser[user]) == 0 && s.shareTaken(realmOf(user)):
		s.reject(now, out, f, &diameter.Error{Code: noAgent, Text: "the realm has its share of the home agents here"}, "realm-share-taken")
		return
	case len(s.assignments) >= MaxTransactions || len(s.visiting.byKey) >= MaxSessions:
		s.reject(now, out, f, &diameter.Error{Code: tooBusy, Text: "too many requests at a time; try again"}, "assignments-full")
		return
	}
	if p, err := ip6.ParseUnassigned(h.Binding); h.Binding != nil && (err != nil || p.Dst != h.Agent || p.Src != h.CareOf) {
		s.reject(now, out, f, &diameter.Error{Code: diameter.ErrorBadHOR, Text: "the binding update is not from the care-of address to the home agent"}, "hor-contradicts")
		return
	}
	s.last++
	t := &assignment{id: s.last, handle: f.Handle, hor: h, user: user, at: none}
	s.assignments[t.id] = t
	s.assigning[realmOf(user)]++
	s.timers.Set(timer{assigning, t.id}, now.Mono.Add(TransactionTime))
	s.askHere(now, out, t)
}

// shareTaken says whether a home realm has all that one alone has of the home agents here.
func (s *Server) shareTaken(realm string) bool {
	realms, room := 0, 0
	for _, a := range s.cfg.Visited.Agreements {
		if a.Agents {
			realms++
		}
	}
	for _, a := range s.visited.agents {
		room += a.Capacity
	}
	return realms > 1 && s.visiting.held[realm]+s.assigning[realm] >= (room*AgentsShare+99)/100
}

// speaksFor says whether a peer may have home agents here for the users of a realm.
func (s *Server) speaksFor(from, realm string) bool {
	a, ok := s.agreement(realm)
	return ok && a.Agents && contains(a.Hosts, from)
}

// realmOf is the realm of a NAI in canonical form.
func realmOf(nai string) string { return nai[strings.LastIndexByte(nai, '@')+1:] }

// askHere asks a home agent of this network: the one that the HOR names, or the best that was not asked.
//
// spec DM-16
func (s *Server) askHere(now engine.Now, out *engine.Effects, t *assignment) {
	s.visited.give(t.at)
	h := *t.hor
	t.home = h.Home
	if t.at = s.visited.find(h.Agent); !h.Agent.IsValid() {
		t.at = none
		if len(t.tried) < HomeAgentsAsked {
			t.at = s.visited.choose(func(a *Agent) bool {
				return !slices.Contains(t.tried, a.Address) && (!t.home.IsValid() || a.Prefix.Contains(t.home))
			})
		}
	} else if len(t.tried) > 0 {
		t.at = none
	}
	s.visited.take(t.at)
	m, ok := s.node.Message(t.handle)
	if t.at == none || !ok {
		s.notAssigned(now, out, t, noAgent, "no-home-agent", "no home agent can be had just now")
		return
	}
	a := &s.visited.agents[t.at]
	t.agent, t.tried = a.Address, append(t.tried, a.Address)
	if !t.home.IsValid() && h.Binding == nil && s.cfg.Visited.Assign {
		t.home = s.assigns(s.cfg.Visited.Secret, a.Prefix, t.user, t.refusals)
	}
	if h.Binding == nil {
		h.Binding = update(h.CareOf, a.Address, t.home, h.Lifetime, s.rand.Uint16())
	}
	h.Agent, h.Home = a.Address, t.home
	h.OriginHost, h.OriginRealm, h.DestinationRealm, h.DestinationHost = s.host, s.realm, s.realm, a.Host
	if again, err := mip6aaa.ParseHOR(m); err == nil {
		h.Peer = again.Peer
	}
	raw := h.Octets(s.node.Builder())
	mip6aaa.ErasePeerKeys(h.Peer)
	sent := s.node.Request(now, out, raw, t.id)
	clear(raw)
	if !sent {
		s.drop(out, "agent-not-connected", engine.A("agent", t.agent))
		s.askHere(now, out, t)
	}
}

// assigned takes the home agent's HOA and gives the home server one that says what was assigned.
//
// spec DM-16
func (s *Server) assigned(now engine.Now, out *engine.Effects, t *assignment, m diameter.Message) {
	h, err := mip6aaa.ParseHOA(m)
	why := ""
	var b bound
	switch {
	case err != nil:
		why = "hoa-malformed"
	case !h.Code.Success():
		why = "agent-refused"
	default:
		var ok bool
		if b, ok = acknowledged(h, hidden(t.hor.Binding)); !ok || b.agent != t.agent || b.careOf != t.hor.CareOf || t.home.IsValid() && b.home != t.home ||
			!t.home.IsValid() && !s.visited.agents[t.at].Prefix.Contains(b.home) {
			why = "hoa-contradicts"
		} else if !b.accepted && t.hor.Binding == nil {
			why = "agent-refused-update"
		}
	}
	if why != "" {
		t.refusals++
		s.drop(out, why, engine.A("agent", t.agent))
		s.askHere(now, out, t)
		return
	}
	defer mip6aaa.ErasePeerKeys(h.Peer)
	if b.accepted {
		s.visited.take(t.at)
		s.visiting.put(now, session{user: t.user, id: t.hor.Session, home: b.home, agent: b.agent, at: t.at}, t.hor.Lifetime, &s.visited, out)
	}
	out.Event("aaa.assigned", engine.S("user", t.hor.User), engine.A("home", b.home), engine.A("agent", b.agent), engine.A("lifetime", t.hor.Lifetime.Truncate(time.Second)))
	hoa := mip6aaa.HOA{Outcome: mip6aaa.Outcome{Code: h.Code, Message: h.Message}, User: t.hor.User, Binding: h.Binding, Agent: b.agent, Peer: h.Peer}
	if b.accepted {
		hoa.Home = b.home
	}
	s.answerHome(now, out, t, &hoa)
}

// notAssigned answers that there is no home agent.
func (s *Server) notAssigned(now engine.Now, out *engine.Effects, t *assignment, code diameter.ResultCode, why, text string) {
	s.drop(out, why, engine.S("user", t.hor.User), engine.A("agent", t.agent))
	s.answerHome(now, out, t, &mip6aaa.HOA{Outcome: mip6aaa.Outcome{Code: code, Message: text}, User: t.hor.User})
}

// answerHome sends the home server its HOA, and forgets the assignment.
func (s *Server) answerHome(now engine.Now, out *engine.Effects, t *assignment, h *mip6aaa.HOA) {
	s.visited.give(t.at)
	delete(s.assignments, t.id)
	if r := realmOf(t.user); s.assigning[r] == 1 {
		delete(s.assigning, r)
	} else {
		s.assigning[r]--
	}
	s.timers.Stop(timer{assigning, t.id})
	if m, ok := s.node.Message(t.handle); ok {
		s.node.Answer(now, out, t.handle, h.Octets(s.node.Builder(), m, s.host, s.realm))
	}
}
