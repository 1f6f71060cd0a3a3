package kdc

import (
	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// exchange is a TGS exchange: RFC 4120 §3.3.
type exchange struct {
	t       *task
	ap      krb5.APReq
	part    krb5.EncTicketPart // of the ticket that is shown
	session keys.Key           // of that
	auth    krb5.Authenticator
	what    digest              // of that, sealed
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
	}
	if x.what = digestOf(enc.Cipher); s.replays.has(x.what) {
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
	plain, err := row.key().Decrypt(nil, keys.TicketPart, ticket.Enc.Cipher)
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
	r := nameless(x.part.Client, x.t.req.Body.Options)
	if r == nil {
		r = s.transit(x, issuer)
	}
	if r != nil {
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
