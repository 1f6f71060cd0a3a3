package aaa

import (
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/keying/gpsk"
	"roam6/machine/eap"
	"roam6/store/subscriber/profile"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

const (
	MaxConversations = 1 << 12 // of EAP that may be under way, or be kept
	// KeptTime is how long one that succeeded is kept, so that a mobile node whose Success was lost can ask for it again: its last wait for
	// a reply is shorter. What is kept makes room for what begins.
	KeptTime = 10 * time.Second
)

// conversation is one of EAP between a mobile node and this server, by way of AAA client and AAAv: an ARR a round, all of one session.
type conversation struct {
	id     uint64
	key    conversationKey
	user   string
	server *eap.Server

	// Once it has succeeded.
	secret  []byte            // takes the place of the long-term key
	about   [sha256.Size]byte // of the request that it was for
	working bool              // the request is being worked on
	granted *mip6aaa.ARA      // what it was answered, but for what is the AAA client's
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
	var packet []byte
	var o eap.Outcome
	if c != nil {
		packet, o = c.server.Handle(t.req.EAP)
		if _, begins := eap.Identity(t.req.EAP); packet == nil && begins { // the mobile node has given it up, or it is over
			s.hangUp(c)
			c = nil
		}
	}
	if c == nil {
		s.makeRoom(out)
		var err error
		if c, err = s.converser(k, t.name, p); err != nil {
			s.refuse(now, out, t, rejected, "eap-impossible", rejectedText)
			return
		}
		packet, o = c.server.Handle(t.req.EAP)
	}
	if packet == nil || c.secret != nil && c.about != t.asksFor() {
		if c.id == 0 {
			s.hangUp(c)
		}
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
			s.begun.Set(c.id, now.Mono.Add(eap.MaxAge))
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
		if cfg.Key, err = gpsk.NewKey(p.Key); err != nil {
			return nil, err
		}
		cfg.Denied = !p.Enabled
	}
	if c.server, err = eap.NewServer(cfg, s.rand); err != nil {
		cfg.Key.Erase()
		return nil, err
	}
	return c, nil
}

// convinced goes on with what the request asks for, under the secret that the conversation has made.
//
// spec DM-06
func (s *Server) convinced(now engine.Now, out *engine.Effects, t *registration, c *conversation, p *profile.Profile) {
	mn, err := aaa.Identity(t.req.NAI, t.req.HomeAddress), error(nil)
	if c.secret == nil {
		err = s.keep(now, c, t, mn)
	}
	if c.working {
		s.refuse(now, out, t, tooBusy, "eap-working", "this is being worked on")
		return
	}
	if err == nil {
		t.key, err = aaa.NewKey(c.secret, mn, t.arr.Visited)
	}
	if err != nil || p == nil {
		s.hangUp(c)
		s.refuse(now, out, t, rejected, "eap-failed", rejectedText) // the subscriber was removed meanwhile
		return
	}
	if c.granted != nil {
		s.repeat(now, out, t, c.granted)
		return
	}
	t.talk, c.working, t.exchange = c, true, t.about()
	s.authorize(now, out, t, p)
}

// repeat answers as before who asks again. Anybody may have heard the request, so that it does nothing a second time.
func (s *Server) repeat(now engine.Now, out *engine.Effects, t *registration, granted *mip6aaa.ARA) {
	ara := *granted
	ara.EAP, ara.Keys = t.eap, slices.Clone(granted.Keys)
	t.exchange, t.proven, t.lifetime = t.about(), true, granted.Lifetime
	s.perUser[t.name]++
	if m, p, ok := s.routerKey(t); ok {
		ara.Keys, ara.Peer = append(ara.Keys, m), append(ara.Peer, p)
	}
	s.answer(now, out, t, &ara)
	mip6aaa.ErasePeerKeys(ara.Peer)
}

// keep takes the secret of a conversation that has succeeded, and keeps it for a while instead of its keys.
func (s *Server) keep(now engine.Now, c *conversation, t *registration, mn string) error {
	keys, ok := c.server.Keys()
	if !ok {
		return errors.New("no keys")
	}
	emsk := keys.EMSK()
	defer clear(emsk)
	var err error
	if c.secret, err = aaa.Exported(emsk, mn, t.arr.Visited); err != nil {
		return err
	}
	c.about = t.asksFor()
	c.server.End()
	s.begun.Stop(c.id)
	s.kept.Set(c.id, now.Mono.Add(KeptTime))
	return nil
}

// asksFor is what a request is about, whatever its local challenge: a repetition may have a fresh one. Only the very request is answered
// again, for nothing in it proves who sends it.
func (t *registration) asksFor() [sha256.Size]byte {
	x := *t.req
	x.LocalChallenge = nil
	return sha256.Sum256(append(x.Covered(), t.arr.Visited...))
}

// makeRoom gives up the oldest conversation if there are as many as may be: one that is over, else one under way. Anybody can begin one, and
// a true one is over in a few round trips: those who never go on must not keep it out.
func (s *Server) makeRoom(out *engine.Effects) {
	if len(s.talks) < MaxConversations {
		return
	}
	if _, id := s.kept.Next(); s.kept.Len() > 0 {
		s.hangUp(s.talkers[id])
	} else if _, id := s.begun.Next(); s.begun.Len() > 0 {
		s.drop(out, "conversations-full", engine.S("user", s.talkers[id].user))
		s.hangUp(s.talkers[id])
	}
}

// hangUp forgets a conversation and its keys.
func (s *Server) hangUp(c *conversation) {
	c.server.End()
	clear(c.secret)
	s.kept.Stop(c.id)
	if c.id == 0 {
		return
	}
	delete(s.talks, c.key)
	delete(s.talkers, c.id)
	s.begun.Stop(c.id)
}
