package kdc

import (
	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// opening is an open-req: what is in an ap-req that an access router cannot open (docs/lwkrb.md). It comes from the router, or from another KDC.
type opening struct {
	t    *task
	m    lw.OpenRequest
	key  lk.Key // of who asks
	sure bool   // who asks is who it says
	body lw.OpenRequestBody
	req  lw.Request // the ap-req

	// Of the ap-req, as far as it is open.
	ticket lw.TicketBody
	plain  []byte // the authenticator
	auth   lw.Authenticator
	access lk.Access
	open   bool
}

// open takes an open-req.
//
// spec FH-14 FH-15
func (s *Server) open(now engine.Now, out *engine.Effects, from origin, raw []byte) {
	raw = append([]byte(nil), raw...)
	m, err := lw.ParseOpenRequest(raw)
	if err != nil {
		s.drop(out, "open-malformed", engine.A("from", from.peer), engine.S("error", err.Error()))
		return
	}
	t, why := s.begin(now, from, "open", raw)
	if t == nil {
		s.drop(out, why, engine.A("from", from.peer))
		return
	}
	x := &opening{t: t, m: m}
	t.fail = func(now engine.Now, out *engine.Effects, why string) { s.refuseOpen(now, out, x, lw.Unavailable, why) }
	if realm, ok := m.Key.Principal.KDCOf(); !m.Key.Principal.Router() && (!ok || realm != s.cfg.Realm) {
		s.refuseOpen(now, out, x, lw.NoKey, "")
		return
	}
	s.want(now, out, t, func(now engine.Now, out *engine.Effects) {
		if code := s.whoAsks(now, x); code != lw.None {
			s.refuseOpen(now, out, x, code, "")
			return
		}
		s.openFor(now, out, x)
	}, string(m.Key.Principal))
}

// whoAsks opens what the asker has sealed, and checks that it may ask so.
//
// spec FH-14 FH-15 FH-18
func (s *Server) whoAsks(now engine.Now, x *opening) lw.Code {
	a, code := s.keyOf(x.t, x.m.Key)
	if code != lw.None {
		return code
	}
	plain, err := a.OpenOpenRequest(x.t.raw[:len(x.t.raw)-len(x.m.Sealed)], x.m.Sealed)
	if err != nil {
		return lw.BadIntegrity
	}
	x.key, x.sure = a, true
	if x.body, err = lw.ParseOpenRequestBody(plain); err != nil {
		return lw.Generic
	}
	if err := x.body.Check(now.Wall, x.m.Key.Principal, s.cfg.Realm); err != nil {
		return codeOf(err)
	}
	for i, r := range x.body.Path { // the first has an own router ask, the others let others through
		if i > 0 && !s.cfg.trusted(r) || i == 0 && len(x.body.Path) > 1 && s.cfg.realm(r) == nil {
			return lw.BadPath
		}
	}
	if x.req, err = lw.ParseRequest(x.body.Request); err != nil {
		return lw.Generic
	}
	return lw.None
}

// codeOf is the code that an error of wire/lwkrb is.
func codeOf(err error) lw.Code {
	if c, ok := err.(lw.Code); ok {
		return c
	}
	return lw.Generic
}

// keyOf is the key that a name says, of a principal that was looked up.
func (s *Server) keyOf(t *task, name lw.KeyName) (lk.Key, lw.Code) {
	a := t.have[string(name.Principal)]
	if a == nil {
		return lk.Key{}, lw.NoKey
	}
	if !a.p.Enabled {
		return lk.Key{}, lw.UnknownRouter
	}
	var row *row
	for _, r := range a.rows {
		if r.kvno == name.KVNO && uint8(r.etype) == name.EType {
			row = r
		}
	}
	if row == nil {
		return lk.Key{}, lw.BadKeyVersion
	}
	k, ok := row.lightweight(string(name.Principal))
	if !ok {
		return lk.Key{}, lw.NoKey
	}
	return k, lw.None
}

// openFor opens an ap-req here, or has another KDC open it.
func (s *Server) openFor(now engine.Now, out *engine.Effects, x *opening) {
	sealer := x.req.Ticket.Key.Principal
	home, tgs := sealer.KDCOf()
	switch {
	case lw.Opens(s.cfg.Realm, sealer, x.body.Router):
		s.want(now, out, x.t, func(now engine.Now, out *engine.Effects) { s.openHere(now, out, x) }, string(sealer))
	case tgs && home != s.cfg.Realm:
		s.forward(now, out, x, home)
	default:
		s.refuseOpen(now, out, x, lw.NotUs, "")
	}
}

// openHere opens ticket and authenticator.
//
// spec FH-14 FH-15 FH-18
func (s *Server) openHere(now engine.Now, out *engine.Effects, x *opening) {
	if code := s.openTicket(x); code != lw.None {
		s.refuseOpen(now, out, x, code, "")
		return
	}
	var names []string
	if x.ticket.Client.Realm() == s.cfg.Realm {
		names = append(names, string(x.ticket.Client))
	}
	s.want(now, out, x.t, func(now engine.Now, out *engine.Effects) {
		if code := s.checkOpened(now, x); code != lw.None {
			s.refuseOpen(now, out, x, code, "")
			return
		}
		// The client by its own name: who may not know it is a matter between realms that trust each other less than these.
		s.tell(now, out, x, lw.OpenReplyBody{Key: x.access.Octets(), Opened: lw.Opened{Flags: x.ticket.Flags, End: x.ticket.End, Client: x.ticket.Client,
			Transited: x.ticket.Transited, Authenticator: x.plain, Attributes: x.ticket.Attributes}})
	}, names...)
}

func (s *Server) openTicket(x *opening) lw.Code {
	name := x.req.Ticket.Key
	k, code := s.keyOf(x.t, name)
	if code != lw.None {
		return code
	}
	plain, err := k.OpenTicket(name.Append(nil), x.req.Ticket.Sealed)
	if err != nil {
		return lw.BadIntegrity
	}
	if x.ticket, err = lw.ParseTicketBody(plain); err != nil {
		return lw.Generic
	}
	defer x.ticket.Session.Erase()
	session, err := lk.NewSession(x.ticket.Session)
	if err != nil {
		return lw.Generic
	}
	defer session.Erase()
	raw := x.body.Request
	if x.plain, err = session.OpenAuthenticator(raw[:len(raw)-len(x.req.Authenticator)], x.req.Authenticator); err != nil {
		return lw.BadIntegrity
	}
	if x.auth, err = lw.ParseAuthenticator(x.plain); err != nil {
		return lw.Generic
	}
	x.access, x.open = session.Access(x.req.Authenticator, string(x.auth.Router)), true
	return lw.None
}

// checkOpened checks what was opened, in the order of docs/lwkrb.md.
func (s *Server) checkOpened(now engine.Now, x *opening) lw.Code {
	client, issuer := x.ticket.Client, x.req.Ticket.Key.Principal.Realm()
	if client.Realm() == s.cfg.Realm {
		if issuer != s.cfg.Realm {
			return lw.Policy // another realm does not speak for users of this one
		}
		if a := x.t.have[string(client)]; a == nil || !a.p.Enabled {
			return lw.Revoked
		}
	}
	if err := x.ticket.Check(now.Wall); err != nil {
		return codeOf(err)
	}
	way := x.ticket.Transited
	if issuer != s.cfg.Realm && issuer != client.Realm() {
		way = append(way[:len(way):len(way)], issuer)
	}
	for _, r := range way {
		if r == client.Realm() || r == s.cfg.Realm || !s.cfg.trusted(r) {
			return lw.BadPath
		}
	}
	if err := x.auth.Check(now.Wall, x.body.Router); err != nil {
		return codeOf(err)
	}
	return lw.None
}

// tell answers an open-req under the asker's key, and ends it.
func (s *Server) tell(now engine.Now, out *engine.Effects, x *opening, body lw.OpenReplyBody) {
	s.end(x.t)
	x.forget()
	body.Time = now.Wall
	plain := body.Append(nil)
	defer clear(plain)
	body.Key.Erase()
	before := lw.Before(nil, lw.TypeOpenReply, x.m.ID, len(plain)+lk.Overhead)
	octets := x.key.SealOpenReply(before, s.drawn(), x.m.Sealed, before, plain)
	if body.Code == lw.None {
		s.granted["open"]++
		s.answers.keep(now.Mono, x.t.what, octets)
		out.Event("kdc.opened", engine.S("client", string(body.Client)), engine.S("router", string(x.body.Router)), engine.S("ticket", string(x.req.Ticket.Key.Principal)))
	}
	s.send(now, out, x.t.from, octets)
}

// forget erases the key that came of an ap-req.
func (x *opening) forget() {
	if x.open {
		x.access.Erase()
		x.open = false
	}
}

// refuseOpen answers an open-req by a code: so that the mobile node can believe it if the ap-req was opened, and as a mere hint to who could not show
// who it is.
//
// spec FH-18
func (s *Server) refuseOpen(now engine.Now, out *engine.Effects, x *opening, code lw.Code, why string) {
	if why == "" {
		why = "open-" + openReasons[code]
	}
	s.drop(out, why, engine.A("from", x.t.from.peer), engine.S("asker", string(x.m.Key.Principal)), engine.S("router", string(x.body.Router)), engine.S("error", code.String()))
	if !x.sure {
		s.end(x.t)
		e := lw.Error{ID: x.m.ID, Code: code, Time: now.Wall}
		s.send(now, out, x.t.from, e.Append(nil))
		return
	}
	body := lw.OpenReplyBody{Code: code}
	if x.open {
		k := x.access.ErrorKey()
		body.Key = k.Octets()
		k.Erase()
	}
	s.tell(now, out, x, body)
}

// openReasons are the words that refused open-reqs are counted by.
var openReasons = map[lw.Code]string{
	lw.UnknownRouter: "principal-disabled", lw.Policy: "policy", lw.Revoked: "client-revoked", lw.BadPath: "path-not-accepted", lw.Unavailable: "busy",
	lw.BadIntegrity: "bad-integrity", lw.Expired: "ticket-expired", lw.NotYetValid: "ticket-not-yet-valid", lw.NotUs: "not-us", lw.BadMatch: "bad-match",
	lw.Skew: "skew", lw.BadKeyVersion: "key-version", lw.NoKey: "no-key", lw.Generic: "malformed-inside", lw.WrongRealm: "wrong-realm", lw.NoKDC: "no-kdc",
	lw.SilentKDC: "kdc-silent",
}
