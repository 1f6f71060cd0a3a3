package aaa

import (
	"roam6/engine"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// granted is what a home agent gave.
type granted struct {
	bound
	binding []byte
	peer    []mip6aaa.PeerKey
	ok      bool // the home agent has the binding
}

// accept answers a registration that went well: keys, the binding acknowledgement, how long.
//
// spec DM-11 DM-19
func (s *Server) accept(now engine.Now, out *engine.Effects, t *registration, g *granted) {
	home := t.home
	if g != nil && g.ok {
		home = g.home
	}
	if !s.sessions.room(t.name, home, t.arr.Session, t.profile.MaxSessions) { // it was taken meanwhile, by another request of this user
		s.refuse(now, out, t, unauthorized, "sessions-full", "as many sessions as the subscriber may have")
		return
	}
	ara := mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.Success}, User: t.req.NAI, EAP: t.eap, Lifetime: t.lifetime, Interim: s.cfg.Home.Interim}
	x := session{user: t.name, id: t.arr.Session, seen: t.arr.Visited, home: home, at: none}
	if g != nil {
		if ara.Binding = g.binding; !g.ok {
			ara.Code = diameter.LimitedSuccess // authenticated; what became of the binding, its status says (RFC 6733 §7.1.2)
		}
	}
	if g != nil && g.ok {
		for _, p := range t.keys {
			k, ok := t.mobileKey(p, mip6aaa.FindPeerKey(g.peer, p.Use))
			if !ok {
				s.agentFailed(now, out, t, "hoa-without-key")
				return
			}
			ara.Keys = append(ara.Keys, k)
		}
		ara.Home, ara.Agent = g.home, g.agent
		x.agent, x.at, x.network = g.agent, t.at, t.network
		s.home.take(x.at) // the session's own; that of the registration ends with it
	}
	if t.talk != nil {
		granted := ara
		t.talk.granted = &granted
	}
	if m, p, ok := s.routerKey(t); ok {
		ara.Keys, ara.Peer = append(ara.Keys, m), append(ara.Peer, p)
	}
	if g == nil || g.ok || s.sessions.find(t.name, home) == nil { // also one without a binding, for it is let in
		s.sessions.put(now, x, t.lifetime, &s.home, out)
	}
	out.Event("aaa.accepted", engine.S("user", t.name), engine.S("network", t.arr.Visited), engine.A("home", x.home), engine.A("agent", x.agent), engine.A("lifetime", t.lifetime))
	s.answer(now, out, t, &ara)
	mip6aaa.ErasePeerKeys(ara.Peer)
}

// refuse answers a registration that did not go well, and forgets it.
func (s *Server) refuse(now engine.Now, out *engine.Effects, t *registration, code diameter.ResultCode, why, text string) {
	s.drop(out, why, engine.S("user", t.name), engine.S("from", t.from), engine.S("network", t.arr.Visited))
	s.answer(now, out, t, &mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: code, Message: text}, User: t.req.NAI, EAP: t.eap})
}

// answer sends the ARA, with network authentication data if the mobile node has proven who it is: to nobody else does the server prove itself.
//
// spec DM-05 DM-11
func (s *Server) answer(now engine.Now, out *engine.Effects, t *registration, ara *mip6aaa.ARA) {
	s.home.give(t.at)
	delete(s.registrations, t.id)
	s.timers.Stop(timer{registering, t.id})
	if t.talk != nil {
		t.talk.working = false
	}
	if t.proven {
		if s.perUser[t.name]--; s.perUser[t.name] <= 0 {
			delete(s.perUser, t.name)
		}
		ara.Auth = t.key.Greeting(t.exchange, ara.Reply().Covered())
		t.key.Erase()
	}
	m, ok := s.node.Message(t.handle)
	if !ok {
		return // the peer has gone meanwhile
	}
	raw := ara.Octets(s.node.Builder(), m, s.host, s.realm)
	s.node.Answer(now, out, t.handle, raw)
	clear(raw)
}
