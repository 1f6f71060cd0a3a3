package kdc

import (
	"strings"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// notAS are options that an AS-REQ cannot have: they are about a ticket that is shown, or about postdated ones.
const notAS = krb5.OptForwarded | krb5.OptProxy | krb5.OptEncTktInSkey | krb5.OptRenew | krb5.OptValidate

// logon is an AS exchange: RFC 4120 §3.1.
type logon struct {
	t              *task
	id, server     krb5.Principal
	client, target *account
	key            *row // the client's, which the reply is sealed under
	flags          krb5.TicketFlags
	outer          krb5.List // padata of the reply
	data           krb5.List // authorization data
}

// as takes an AS-REQ, in the armor of FAST if it has one.
//
// spec RT-30
func (s *Server) as(now engine.Now, out *engine.Effects, t *task) {
	data, ok := t.req.PAData.Find(krb5.PAFXFast)
	if !ok || len(data) == 0 {
		s.asBare(now, out, t)
		return
	}
	armor, server, r := s.armorOf(data)
	if r != nil {
		s.refuse(now, out, t, r)
		return
	}
	s.want(now, out, t, func(now engine.Now, out *engine.Effects) {
		if r := s.unarmorAS(now, t, armor); r != nil {
			s.refuse(now, out, t, r)
			return
		}
		s.asBare(now, out, t)
	}, server)
}

// asBare goes on with what was in the armor, or without one.
func (s *Server) asBare(now engine.Now, out *engine.Effects, t *task) {
	b := &t.req.Body
	x := &logon{t: t, server: s.serverOf(t)}
	var r *refusal
	switch {
	case b.Client.IsZero():
		r = no(krb5.ErrCPrincipalUnknown, "no client is named")
	case b.Options&krb5.OptPostdated != 0:
		r = no(krb5.ErrCannotPostdate, "tickets are not postdated here")
	case b.Options&notAS != 0:
		r = no(krb5.ErrBadoption, "options of a TGS-REQ in an AS-REQ")
	case b.Realm != s.cfg.Realm:
		r = &refusal{code: krb5.ErrWrongRealm, text: "this is the KDC of " + s.cfg.Realm}
	default:
		if x.id, r = s.clientOf(b); r == nil {
			r = nameless(x.id, b.Options)
		}
	}
	if r != nil {
		s.refuse(now, out, t, r)
		return
	}
	s.want(now, out, t, func(now engine.Now, out *engine.Effects) {
		g, r := s.logOn(now, x)
		if r != nil {
			s.refuse(now, out, t, r)
			return
		}
		s.issue(now, out, t, g)
	}, x.id.String(), x.server.String())
}

// clientOf is the principal that a client names: its own name, or an enterprise name (RFC 6806 §5), which here is the NAI.
func (s *Server) clientOf(b *krb5.KDCReqBody) (krb5.Principal, *refusal) {
	id := krb5.Principal{Name: b.Client, Realm: b.Realm}
	if b.Client.Type != krb5.NTEnterprise || len(b.Client.Parts) != 1 {
		return id, nil
	}
	at := strings.LastIndexByte(b.Client.Parts[0], '@')
	if at < 0 {
		return id, nil
	}
	id = krb5.OfNAI(b.Client.Parts[0][:at] + "@" + strings.ToLower(b.Client.Parts[0][at+1:]))
	if id.Realm != s.cfg.Realm {
		return id, &refusal{code: krb5.ErrWrongRealm, client: id, text: "its realm is " + id.Realm}
	}
	return id, nil
}

// logOn grants a logon, or says why not.
func (s *Server) logOn(now engine.Now, x *logon) (*grant, *refusal) {
	b := &x.t.req.Body
	if r := x.found(); r != nil {
		return nil, r
	}
	for _, e := range b.ETypes {
		if x.key = x.client.of(e); x.key != nil {
			break
		}
	}
	if x.key == nil && !s.asksByCertificate(x.t) {
		return nil, no(krb5.ErrEtypeNosupp, "the client has no key of these encryption types; 17 to 20 are known here")
	}
	if r := s.authenticate(now, x); r != nil {
		return nil, r
	}
	if x.target.p.Flags.Has(principal.PreAuth) && x.flags&krb5.PreAuthent == 0 {
		return nil, no(krb5.ErrPolicy, "the server's clients have to pre-authenticate")
	}
	forSession := x.target
	if x.server.Equal(s.self) {
		forSession = nil
	}
	etype, r := sessionType(b.ETypes, forSession)
	if r != nil {
		return nil, r
	}
	l, r := s.lifeOf(now.Wall, b, nil, x.client, x.target)
	if r != nil {
		return nil, r
	}
	flags := x.flags | krb5.Initial | mayBe(b.Options, x.client, x.target)
	if l.renewable {
		flags |= krb5.Renewable
	}
	canonical := krb5.Principal{Name: b.Client, Realm: b.Realm}
	if b.Options&krb5.OptCanonicalize != 0 || b.Client.Type == krb5.NTEnterprise {
		canonical = x.id
	}
	g := &grant{server: x.server, seal: x.target.best(), reply: x.key.key(), usage: keys.ASRepPart, kvno: x.key.kvno, canon: canonical,
		part: krb5.EncTicketPart{Flags: flags, Key: s.sessionKey(etype), Client: canonical, Times: l.Times, Addresses: b.Addresses, AuthData: s.attributes(x.data, x.client)}}
	g.outer = x.outer
	if x.key.info.HasSalt {
		g.outer = append(g.outer, krb5.Typed{Type: krb5.PAETypeInfo2, Data: krb5.AppendETypeInfo2(nil, []krb5.ETypeInfo{x.key.info})})
	}
	_, g.prove = x.t.req.PAData.Find(krb5.PAReqEncPARep)
	return g, nil
}

// found checks what the database said of client and server.
func (x *logon) found() *refusal {
	x.client, x.target = x.t.have[x.id.String()], x.t.have[x.server.String()]
	switch {
	case x.client == nil:
		return no(krb5.ErrCPrincipalUnknown, "no such client")
	case !x.client.p.Enabled:
		return no(krb5.ErrClientRevoked, "the client is disabled")
	case !x.client.p.Flags.Has(principal.Client) || len(x.client.rows) == 0:
		return no(krb5.ErrPolicy, "the client may not log on")
	}
	return checkTarget(x.target)
}

// checkTarget says whether tickets are sealed under the long-term key of a server.
func checkTarget(a *account) *refusal {
	switch {
	case a == nil:
		return no(krb5.ErrSPrincipalUnknown, "no such server")
	case !a.p.Enabled:
		return no(krb5.ErrServiceRevoked, "the server is disabled")
	case !a.p.Flags.Has(principal.Server) && a.p.Flags.Has(principal.UserToUser):
		return no(krb5.ErrMustUseUser2user, "the server takes tickets under the session key of its TGT alone")
	case !a.p.Flags.Has(principal.Server):
		return no(krb5.ErrPolicy, "nobody gets tickets for this server")
	case a.best() == nil:
		return no(krb5.ErrNullKey, "the server has no key")
	}
	return nil
}
