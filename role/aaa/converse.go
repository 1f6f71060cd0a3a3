package aaa

import (
	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/keying/gpsk"
	"roam6/machine/eap"
	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// MaxConversations is how many EAP conversations may be under way.
const MaxConversations = 1 << 12

// conversation is one of EAP between a mobile node and this server, by way of AAA client and AAAv: an ARR a round, all of one session.
type conversation struct {
	id     uint64
	key    conversationKey
	user   string
	server *eap.Server
	psk    gpsk.Key
	known  bool // there is such a subscriber, whose psk that is
}

type conversationKey struct{ from, session string }

// converse takes a round. p is nil if there is no such subscriber: then the conversation looks the same, and fails. What a request asks for
// besides is done when the last round has succeeded, as the last request has it. Nothing but the mobile node's check of network authentication
// data covers it: who changes it on the way is found out by the mobile node, not here.
//
// spec DM-06
func (s *Server) converse(now engine.Now, out *engine.Effects, t *registration, p *profile.Profile) {
	k := conversationKey{t.from, t.arr.Session}
	c := s.talks[k]
	if c != nil && c.user != t.name {
		s.refuse(now, out, t, rejected, "eap-of-another", rejectedText)
		return
	}
	if c == nil {
		if len(s.talks) >= MaxConversations {
			s.refuse(now, out, t, tooBusy, "conversations-full", "too many conversations at a time; try again")
			return
		}
		var err error
		if c, err = s.converser(k, t.name, p); err != nil {
			s.refuse(now, out, t, rejected, "eap-impossible", rejectedText)
			return
		}
	}
	packet, o := c.server.Handle(now, t.req.EAP)
	if packet == nil {
		s.refuse(now, out, t, rejected, "eap-refused", "the EAP packet does not belong here: "+o.Reason)
		return
	}
	t.eap = packet
	switch o.Result {
	case eap.Going:
		if c.id == 0 {
			s.last++
			c.id = s.last
			s.talks[k], s.talkers[c.id] = c, c
			s.timers.Set(timer{conversing, c.id}, now.Mono.Add(eap.MaxAge))
		}
		s.answer(now, out, t, &mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.MultiRoundAuth}, User: t.req.NAI, EAP: packet})
	case eap.Failed:
		s.hangUp(c)
		s.refuse(now, out, t, rejected, "eap-failed", rejectedText)
	default:
		s.convinced(now, out, t, c, p)
	}
}

// converser makes the server of a conversation that begins.
func (s *Server) converser(k conversationKey, user string, p *profile.Profile) (c *conversation, err error) {
	c = &conversation{key: k, user: user}
	cfg := eap.ServerConfig{Name: s.host}
	if p != nil {
		if cfg.Peer = p.EAPIdentity; cfg.Peer == "" {
			cfg.Peer = p.Name()
		}
		if c.psk, err = gpsk.NewKey(p.Key); err != nil {
			return nil, err
		}
		cfg.Key, cfg.Denied, c.known = c.psk, !p.Enabled, true
	}
	c.server, err = eap.NewServer(cfg, s.rand)
	return c, err
}

// convinced goes on with what the request asks for, under the secret that the conversation has made.
//
// spec DM-06
func (s *Server) convinced(now engine.Now, out *engine.Effects, t *registration, c *conversation, p *profile.Profile) {
	keys, ok := c.server.Keys()
	s.hangUp(c)
	if !ok || p == nil {
		s.refuse(now, out, t, rejected, "eap-failed", rejectedText) // the subscriber was removed meanwhile
		return
	}
	emsk := keys.EMSK()
	keys.Erase()
	defer clear(emsk)
	mn := aaa.Identity(t.req.NAI, t.req.HomeAddress)
	secret, err := aaa.Exported(emsk, mn, t.arr.Visited)
	if err == nil {
		defer clear(secret)
		t.key, err = aaa.NewKey(secret, mn, t.arr.Visited)
	}
	if err != nil {
		s.refuse(now, out, t, rejected, "eap-impossible", rejectedText)
		return
	}
	s.authorize(now, out, t, p)
}

// hangUp forgets a conversation and its key.
func (s *Server) hangUp(c *conversation) {
	if c.known {
		c.psk.Erase()
	}
	if c.id == 0 {
		return
	}
	delete(s.talks, c.key)
	delete(s.talkers, c.id)
	s.timers.Stop(timer{conversing, c.id})
}
