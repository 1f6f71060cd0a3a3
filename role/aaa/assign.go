package aaa

import (
	"net/netip"
	"slices"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

// askOwn asks the home agent that the mobile node has: one of our pool, or the visited one of a session of its own.
//
// spec DM-12
func (s *Server) askOwn(now engine.Now, out *engine.Effects, t *registration) {
	t.at, t.agent = s.home.find(t.own), t.own
	x := s.sessions.find(t.name, t.home)
	abroad := t.at == none && t.home.IsValid() && x != nil && x.agent == t.own && x.network != ""
	p := &t.profile
	allowed := abroad || len(p.HomeAgents) == 0 || slices.Contains(p.HomeAgents, t.own) || p.HomeAgent == t.own
	if t.at == none && !abroad || !allowed {
		t.at = none
		s.refuse(now, out, t, diameter.ErrorHomeAgentNotAllowed, "home-agent-not-allowed", "the home agent is not known, or not one this mobile node may ask for")
		return
	}
	s.home.take(t.at)
	if abroad {
		t.network = x.network
	} else if t.cell.Assign && !t.home.IsValid() && s.cfg.Home.Assign {
		t.home = s.assigns(s.cfg.Home.Secret, s.home.agents[t.at].Prefix, t.user(), t.refusals)
	}
	s.ask(now, out, t)
}

// askNext asks the next home agent: of the domains in the table's order, in the home domain the best of those that were not asked.
//
// spec DM-13 DM-16
func (s *Server) askNext(now engine.Now, out *engine.Effects, t *registration) {
	s.home.give(t.at)
	t.at, t.agent, t.network = none, netip.Addr{}, ""
	if t.cell.Assign {
		t.home = t.profile.HomeAddress
	}
	for _, d := range t.cell.Agents {
		if t.asked >= HomeAgentsAsked {
			break
		}
		if d == InVisited && t.offering {
			t.offering, t.network = false, t.partner.Network
			s.ask(now, out, t)
			return
		}
		if d != AtHome {
			continue
		}
		if t.at = s.home.choose(t.fits); t.at == none {
			continue
		}
		s.home.take(t.at)
		a := &s.home.agents[t.at]
		t.agent = a.Address
		if !t.home.IsValid() && s.cfg.Home.Assign {
			t.home = s.assigns(s.cfg.Home.Secret, a.Prefix, t.user(), t.refusals)
		}
		s.ask(now, out, t)
		return
	}
	if s.home.away(t.fits) { // as when this server has just been started: they come back before the mobile node has given up
		s.refuse(now, out, t, tooBusy, "home-agents-away", "the home agents are not connected just now; try again")
		return
	}
	s.refuse(now, out, t, noAgent, "no-home-agent", "no home agent can be had just now")
}

// fits says whether a home agent of the pool is one for this mobile node: allowed, on the link of its home address, not asked before.
func (t *registration) fits(a *Agent) bool {
	p := &t.profile
	return !slices.Contains(t.tried, a.Address) && (!t.home.IsValid() || a.Prefix.Contains(t.home)) &&
		(len(p.HomeAgents) == 0 || slices.Contains(p.HomeAgents, a.Address))
}

// ask sends the HOR.
//
// spec DM-13 DM-16 DM-19
func (s *Server) ask(now engine.Now, out *engine.Effects, t *registration) {
	t.asked++
	t.tried = append(t.tried, t.agent)
	h := mip6aaa.HOR{User: t.req.NAI, Visited: t.arr.Visited, CareOf: t.req.CareOf, Lifetime: t.lifetime, Features: t.req.Features, Home: t.home, Agent: t.agent,
		Route: mip6aaa.Route{Session: t.arr.Session, OriginHost: s.host, OriginRealm: s.realm, DestinationRealm: s.realm}}
	switch {
	case t.network != "":
		h.DestinationRealm = s.realmOf(t.network)
	default:
		h.DestinationHost = s.home.agents[t.at].Host
	}
	switch {
	case t.binding != nil:
		h.Binding = t.binding
	case t.agent.IsValid():
		h.Binding = update(t.req.CareOf, t.agent, t.home, t.lifetime, s.rand.Uint16())
	}
	h.Peer = s.agentKeys(t)
	raw := h.Octets(s.node.Builder())
	mip6aaa.ErasePeerKeys(h.Peer)
	if !s.node.Request(now, out, raw, t.id) {
		s.agentFailed(now, out, t, "agent-not-connected")
	}
	clear(raw)
}

// realmOf is where the AAAv of a visited network is.
func (s *Server) realmOf(network string) string {
	for _, p := range s.cfg.Home.Partners {
		if p.Network == network {
			return p.realm()
		}
	}
	return network
}

// update is the packet with a binding update that a server makes on behalf of a mobile node: §7.6, §9.5.
func update(careOf, agent, home netip.Addr, lifetime time.Duration, seq uint16) []byte {
	if !home.IsValid() {
		home = unspecified
	}
	p := ip6.Packet{Header: ip6.Header{Src: careOf, Dst: agent}, HomeAddress: home, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, home, agent, &mh.BindingUpdate{Seq: seq, Ack: true, Home: true, Lifetime: min(lifetime, maxBinding)})}
	return p.Append(nil)
}

// maxBinding is the longest lifetime that a binding update can ask for: 16 bits of 4 seconds, RFC 6275 §6.1.7.
const maxBinding = 0xffff * 4 * time.Second

// agentFailed goes on when a home agent cannot or will not: the next of the pool, once. A mobile node's own has no other.
//
// spec DM-13
func (s *Server) agentFailed(now engine.Now, out *engine.Effects, t *registration, why string) {
	s.drop(out, why, engine.S("user", t.name), engine.A("agent", t.agent), engine.S("network", t.network))
	if t.own.IsValid() {
		s.refuse(now, out, t, noAgent, "no-home-agent", "the home agent does not answer, or not as it should")
		return
	}
	s.askNext(now, out, t)
}

// agentAnswered takes the HOA.
//
// spec DM-13 DM-16 DM-17
func (s *Server) agentAnswered(now engine.Now, out *engine.Effects, t *registration, m diameter.Message) {
	h, err := mip6aaa.ParseHOA(m)
	if err != nil {
		s.agentFailed(now, out, t, "hoa-malformed")
		return
	}
	defer mip6aaa.ErasePeerKeys(h.Peer)
	if !h.Code.Success() {
		t.refusals++
		s.agentFailed(now, out, t, "agent-refused")
		return
	}
	b, ok := acknowledged(h, hidden(t.binding))
	switch {
	case !ok || t.agent.IsValid() && b.agent != t.agent || t.home.IsValid() && b.home != t.home || b.careOf != t.req.CareOf || s.foreign(t, b):
		s.agentFailed(now, out, t, "hoa-contradicts")
	case !b.accepted && t.binding == nil:
		t.refusals++
		s.agentFailed(now, out, t, "agent-refused-update")
	case !b.accepted:
		s.accept(now, out, t, &granted{binding: h.Binding}) // the mobile node reads the status; nothing has changed
	default:
		s.accept(now, out, t, &granted{bound: b, binding: h.Binding, peer: h.Peer, ok: true})
	}
}

// foreign says whether what was assigned is not whose it is to assign: a home address of our links, or a home agent of ours, by another network;
// a home address of another link by one of ours. Whoever has been assigned an address may name it afterwards.
func (s *Server) foreign(t *registration, b bound) bool {
	if t.network == "" {
		return t.at != none && !t.home.IsValid() && !s.home.agents[t.at].Prefix.Contains(b.home)
	}
	return slices.ContainsFunc(s.home.agents, func(a Agent) bool { return a.Address == b.agent || a.Prefix.Contains(b.home) })
}

// bound is what a binding acknowledgement says.
type bound struct {
	agent, home, careOf netip.Addr
	accepted            bool
}

// acknowledged reads the packet with a binding acknowledgement of a HOA. Where the mobile node's update was under ESP the answer may be too:
// then the HOA has a home address if that is bound.
func acknowledged(h *mip6aaa.HOA, hidden bool) (b bound, ok bool) {
	if h.Binding == nil {
		return b, false
	}
	p, err := ip6.Parse(h.Binding)
	if err != nil || p.Fragment != nil || !known(p.Src) || !known(p.Routing2) || h.Agent.IsValid() && h.Agent != p.Src || h.Home.IsValid() && h.Home != p.Routing2 {
		return b, false
	}
	b = bound{p.Src, p.Routing2, p.Dst, h.Home.IsValid()}
	if p.Proto == ip6.ProtoESP {
		return b, hidden
	}
	if p.Proto != ip6.ProtoMH {
		return b, false
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	ack, is := m.(*mh.BindingAck)
	if err != nil || !is {
		return b, false
	}
	b.accepted = ack.Status.Accepted()
	return b, true
}

// hidden says whether an embedded packet is under ESP: only mobile node and home agent can read it.
func hidden(raw []byte) bool {
	p, err := ip6.Parse(raw)
	return raw != nil && err == nil && p.Proto == ip6.ProtoESP
}
