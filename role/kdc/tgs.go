package kdc

import (
	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// exchange is a TGS exchange: RFC 4120 §3.3.
type exchange struct {
	t       *task
	ap      krb5.APReq
	part    krb5.EncTicketPart // of the ticket that is shown
	session keys.Key           // of that
	auth    krb5.Authenticator
	server  krb5.Principal      // whom the ticket to be is for
	peer    *krb5.EncTicketPart // user-to-user: of the server's TGT
}

// tgs takes a TGS-REQ.
//
// spec RT-30
func (s *Server) tgs(now engine.Now, out *engine.Effects, t *task) {
	data, ok := t.req.PAData.Find(krb5.PATGSReq)
	if !ok {
		s.refuse(now, out, t, no(krb5.ErrPadataTypeNosupp, "there is no PA-TGS-REQ"))
		return
	}
	ap, err := krb5.ParseAPReq(data)
	if err != nil {
		s.refuse(now, out, t, &refusal{code: krb5.ErrGeneric, why: "malformed", text: "PA-TGS-REQ cannot be read"})
		return
	}
	x := &exchange{t: t, ap: ap}
	shown := ap.Ticket.Server
	if shown.Name.TGSRealm() != s.cfg.Realm && shown.Realm != s.cfg.Realm { // others have no key that is ours
		s.refuse(now, out, t, no(krb5.ErrNotUs, "the ticket that is shown is not for this KDC"))
		return
	}
	s.want(now, out, t, func(now engine.Now, out *engine.Effects) {
		r := s.authentic(now, x)
		if r == nil {
			r = s.unarmorTGS(x, data)
		}
		if r == nil {
			r = s.wanted(x)
		}
		if r != nil {
			s.refuse(now, out, t, r)
			return
		}
		s.tgsFound(now, out, x)
	}, shown.String(), s.self.String())
}

// wanted finds out whom the ticket to be is for.
func (s *Server) wanted(x *exchange) *refusal {
	b, shown := &x.t.req.Body, x.ap.Ticket.Server
	x.server = s.serverOf(x.t)
	switch {
	case b.Options&(krb5.OptPostdated|krb5.OptValidate) != 0:
		return no(krb5.ErrCannotPostdate, "tickets are not postdated here")
	case b.Options&krb5.OptRenew != 0:
		if shown.Realm != s.cfg.Realm {
			return no(krb5.ErrNotUs, "the ticket to be renewed is of another KDC")
		}
		x.server = shown
	case shown.Name.TGSRealm() != s.cfg.Realm:
		return no(krb5.ErrNotUs, "the ticket that is shown is not for this KDC")
	case b.Realm != s.cfg.Realm:
		return no(krb5.ErrWrongRealm, "this is the KDC of "+s.cfg.Realm)
	case s.userToUser(x):
		return s.secondTicket(x)
	case b.Server.IsZero():
		return no(krb5.ErrSPrincipalUnknown, "no server is named")
	default:
		x.server = s.toward(x.server)
	}
	return nil
}

// authentic opens the ticket that is shown and its authenticator, and checks both: RFC 4120 §3.3.3.1.
//
// spec RT-30 FH-18
func (s *Server) authentic(now engine.Now, x *exchange) *refusal {
	a := x.t.have[x.ap.Ticket.Server.String()]
	if a == nil {
		return no(krb5.ErrNotUs, "there is no key of the realm that issued the ticket")
	}
	if !a.p.Enabled {
		return no(krb5.ErrServiceRevoked, "the realm that issued the ticket is disabled")
	}
	part, r := openTicket(now, a, x.ap.Ticket)
	if r != nil {
		return r
	}
	x.part = *part
	var err error
	if x.session, err = keys.NewKey(keys.EType(x.part.Key.EType), x.part.Key.Value); err != nil {
		return no(krb5.ErrEtypeNosupp, "the session key of the ticket is of an encryption type not known here")
	}
	enc := x.ap.Authenticator
	if enc.EType != x.part.Key.EType {
		return no(krb5.ErrBadIntegrity, "the authenticator is under a key of another type")
	}
	plain, err := x.session.Decrypt(nil, keys.TGSReqAuth, enc.Cipher)
	if err != nil {
		return no(krb5.ErrBadIntegrity, "the authenticator does not open")
	}
	if x.auth, err = krb5.ParseAuthenticator(plain); err != nil {
		return no(krb5.ErrModified, "the authenticator cannot be read")
	}
	sum := x.auth.Checksum
	switch {
	case !x.auth.Client.Equal(x.part.Client):
		return no(krb5.ErrBadmatch, "ticket and authenticator are of different clients")
	case now.Wall.Sub(x.auth.Time).Abs() > Skew:
		return no(krb5.ErrSkew, "clocks differ by more than "+Skew.String())
	case sum.IsZero() || sum.Type != x.session.EType().Checksum():
		return no(krb5.ErrInappCksum, "the checksum over the body has to be the session key's own")
	case !x.session.Verify(keys.TGSReqChecksum, sum.Type, sum.Sum, x.t.req.Body.Octets()):
		return no(krb5.ErrModified, "the checksum over the body is wrong")
	case s.replays.has(digestOf(enc.Cipher)):
		return no(krb5.ErrRepeat, "the authenticator was seen before")
	}
	return x.place()
}

// openTicket opens a ticket under a principal's key and checks its times. No skew is granted behind the end.
func openTicket(now engine.Now, a *account, ticket krb5.Ticket) (*krb5.EncTicketPart, *refusal) {
	row, known := a.version(ticket.Enc.KVNO, ticket.Enc.EType)
	if row == nil && known {
		return nil, no(krb5.ErrBadkeyver, "the ticket is under a version of the key that is not kept")
	}
	if row == nil {
		return nil, no(krb5.ErrNokey, "there is no key of the ticket's encryption type")
	}
	plain, err := row.key.Decrypt(nil, keys.TicketPart, ticket.Enc.Cipher)
	if err != nil {
		return nil, no(krb5.ErrBadIntegrity, "the ticket does not open")
	}
	part, err := krb5.ParseEncTicketPart(plain)
	if err != nil {
		return nil, no(krb5.ErrModified, "the ticket cannot be read")
	}
	start := part.Times.Start
	if start.IsZero() {
		start = part.Times.Auth
	}
	switch {
	case part.Flags&krb5.Invalid != 0 || start.After(now.Wall.Add(Skew)):
		return nil, no(krb5.ErrTktNYV, "the ticket is not valid yet")
	case !part.Times.End.After(now.Wall):
		return nil, no(krb5.ErrTktExpired, "the ticket has expired")
	}
	return &part, nil
}

// place checks the addresses that a ticket may be used from, where it says any.
func (x *exchange) place() *refusal {
	if len(x.part.Addresses) == 0 {
		return nil
	}
	from := x.t.from.peer.Addr().Unmap().WithZone("")
	for _, a := range x.part.Addresses {
		if a.IP() == from {
			return nil
		}
	}
	return no(krb5.ErrBadaddr, "the ticket is for other addresses")
}

// tgsFound goes on with a request whose sender is known: by the client, where it is one of this realm; one of another realm, the way it came is looked at.
func (s *Server) tgsFound(now engine.Now, out *engine.Effects, x *exchange) {
	issuer := x.ap.Ticket.Server.Realm
	if x.part.Client.Realm == s.cfg.Realm && issuer != s.cfg.Realm {
		s.refuse(now, out, x.t, no(krb5.ErrPolicy, "another realm does not speak for users of this one"))
		return
	}
	if r := s.transit(x, issuer); r != nil {
		s.refuse(now, out, x.t, r)
		return
	}
	if s.userToUser(x) {
		if r := s.openSecond(now, x); r != nil {
			s.refuse(now, out, x.t, r)
			return
		}
	}
	var names []string
	for _, p := range []krb5.Principal{x.part.Client, x.server} {
		if p.Realm == s.cfg.Realm {
			names = append(names, p.String())
		}
	}
	s.want(now, out, x.t, func(now engine.Now, out *engine.Effects) {
		if next, ok := s.referral(x); ok {
			x.server = next
			s.want(now, out, x.t, func(now engine.Now, out *engine.Effects) { s.decide(now, out, x) }, next.String())
			return
		}
		s.decide(now, out, x)
	}, names...)
}

// decide grants a ticket or refuses it. The authenticator is remembered before the answer.
func (s *Server) decide(now engine.Now, out *engine.Effects, x *exchange) {
	g, r := s.grantFor(now, x)
	if r == nil && s.replays.full() {
		r = no(krb5.ErrSvcUnavailable, "too many tickets at a time; try again")
	}
	what := digestOf(x.ap.Authenticator.Cipher)
	if r == nil && s.replays.has(what) { // another copy was faster
		r = no(krb5.ErrRepeat, "the authenticator was seen before")
	}
	if r != nil {
		s.refuse(now, out, x.t, r)
		return
	}
	s.replays.mark(now, out, what)
	s.issue(now, out, x.t, g)
}

// grantFor makes the ticket, or says why not.
func (s *Server) grantFor(now engine.Now, x *exchange) (*grant, *refusal) {
	var client *account
	if x.part.Client.Realm == s.cfg.Realm {
		if client = x.t.have[x.part.Client.String()]; client == nil || !client.p.Enabled {
			return nil, no(krb5.ErrClientRevoked, "the client is disabled, or gone")
		}
	}
	target := x.t.have[x.server.String()]
	if s.userToUser(x) {
		return s.grantUserToUser(now, x, client, target)
	}
	if r := checkTarget(target); r != nil {
		return nil, r
	}
	if target.p.Flags.Has(principal.PreAuth) && x.part.Flags&krb5.PreAuthent == 0 {
		return nil, no(krb5.ErrPolicy, "the server's clients have to pre-authenticate")
	}
	if x.t.req.Body.Options&krb5.OptRenew != 0 {
		return s.grantRenewed(now, x, client, target)
	}
	forSession := target
	if x.server.Equal(s.self) {
		forSession = nil
	}
	g, r := s.grantAny(now, x, client, forSession, both(client, target)...)
	if r != nil {
		return nil, r
	}
	g.seal = target.best()
	return g, nil
}

// both are the accounts that there are.
func both(list ...*account) (out []*account) {
	for _, a := range list {
		if a != nil {
			out = append(out, a)
		}
	}
	return out
}

// grantAny is what all tickets of a TGS exchange have in common.
func (s *Server) grantAny(now engine.Now, x *exchange, client, forSession *account, who ...*account) (*grant, *refusal) {
	b := &x.t.req.Body
	etype, r := sessionType(b.ETypes, forSession)
	if r != nil {
		return nil, r
	}
	l, r := s.lifeOf(now.Wall, b, &x.part, who...)
	if r != nil {
		return nil, r
	}
	flags, addresses, r := x.rights(b)
	if r != nil {
		return nil, r
	}
	flags |= mayBe(b.Options, who...) & x.part.Flags
	if l.renewable {
		flags |= krb5.Renewable
	}
	more, r := x.more()
	if r != nil {
		return nil, r
	}
	return x.reply(&grant{server: x.server, part: krb5.EncTicketPart{Flags: flags, Key: s.sessionKey(etype), Client: x.part.Client, Transited: x.part.Transited,
		Times: l.Times, Addresses: addresses, AuthData: s.attributes(append(more, x.part.AuthData...), client)}})
}

// rights are the flags that go from the ticket that is shown to the one to be, and the addresses of that: others only with a ticket that may be forwarded, or
// used by a proxy (RFC 4120 §2.5, §2.6).
func (x *exchange) rights(b *krb5.KDCReqBody) (krb5.TicketFlags, []krb5.HostAddress, *refusal) {
	flags := x.part.Flags&(krb5.PreAuthent|krb5.HWAuthent|krb5.Forwarded|krb5.Proxy) | krb5.TransitedPolicyChecked
	switch {
	case b.Options&krb5.OptForwarded != 0:
		if x.part.Flags&krb5.Forwardable == 0 {
			return 0, nil, no(krb5.ErrBadoption, "the ticket that is shown may not be forwarded")
		}
		return flags | krb5.Forwarded, b.Addresses, nil
	case b.Options&krb5.OptProxy != 0:
		if x.part.Flags&krb5.Proxiable == 0 {
			return 0, nil, no(krb5.ErrBadoption, "the ticket that is shown is not for proxies")
		}
		return flags | krb5.Proxy, b.Addresses, nil
	}
	return flags, x.part.Addresses, nil
}

// more is the authorization data that the client adds: never attributes of a mobile node, and nothing that we would have to understand.
func (x *exchange) more() (krb5.List, *refusal) {
	enc := x.t.req.Body.AuthData
	if enc.IsZero() {
		return nil, nil
	}
	key, usage := x.session, keys.TGSReqDataSession
	if !x.auth.Subkey.IsZero() {
		sub, err := keys.NewKey(keys.EType(x.auth.Subkey.EType), x.auth.Subkey.Value)
		if err != nil {
			return nil, no(krb5.ErrEtypeNosupp, "the subkey is of an encryption type not known here")
		}
		key, usage = sub, keys.TGSReqDataSubkey
	}
	if int32(key.EType()) != enc.EType {
		return nil, no(krb5.ErrBadIntegrity, "the authorization data is under a key of another type")
	}
	plain, err := key.Decrypt(nil, usage, enc.Cipher)
	if err != nil {
		return nil, no(krb5.ErrBadIntegrity, "the authorization data does not open")
	}
	list, err := krb5.ParseAuthData(plain)
	if err != nil {
		return nil, no(krb5.ErrModified, "the authorization data cannot be read")
	}
	if _, ok := list.Flat().Find(krb5.ADMandatoryForKDC); ok {
		return nil, no(krb5.ErrPolicy, "authorization data that a KDC has to understand, and this one does not")
	}
	return without(list), nil
}

// reply completes a grant by the key that the client opens it with.
func (x *exchange) reply(g *grant) (*grant, *refusal) {
	g.canon, g.reply, g.usage = g.part.Client, x.session, keys.TGSRepPartSession
	if !x.auth.Subkey.IsZero() {
		sub, err := keys.NewKey(keys.EType(x.auth.Subkey.EType), x.auth.Subkey.Value)
		if err != nil {
			return nil, no(krb5.ErrEtypeNosupp, "the subkey is of an encryption type not known here")
		}
		g.reply, g.usage = sub, keys.TGSRepPartSubkey
	}
	return g, nil
}
