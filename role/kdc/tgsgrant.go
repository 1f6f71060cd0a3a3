package kdc

import (
	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// decide grants a ticket or refuses it. The authenticator is remembered before the answer.
func (s *Server) decide(now engine.Now, out *engine.Effects, x *exchange) {
	g, r := s.grantFor(now, x)
	if r == nil && s.replays.full() {
		r = no(krb5.ErrSvcUnavailable, "too many tickets at a time; try again")
	}
	if r == nil && s.replays.has(x.what) { // another copy was faster
		r = no(krb5.ErrRepeat, "the authenticator was seen before")
	}
	if r != nil {
		s.refuse(now, out, x.t, r)
		return
	}
	s.replays.mark(now, out, x.what)
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
