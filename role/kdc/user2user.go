package kdc

import (
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// userToUser says whether a ticket is wanted under the session key of its server's TGT: RFC 4120 §3.7.
func (s *Server) userToUser(x *exchange) bool {
	return x.t.req.Body.Options&(krb5.OptEncTktInSkey|krb5.OptRenew) == krb5.OptEncTktInSkey
}

// secondTicket looks at the server's TGT as far as it is in clear.
func (s *Server) secondTicket(x *exchange) *refusal {
	list := x.t.req.Body.Additional
	if len(list) == 0 {
		return no(krb5.ErrBadoption, "there is no additional ticket")
	}
	if !list[0].Server.Equal(s.self) {
		return no(krb5.ErrPolicy, "the additional ticket is not a TGT of this realm")
	}
	return nil
}

// openSecond opens the server's TGT. Its user is the server, and has to be the one that is named if any is.
//
// spec RT-36 FH-18
func (s *Server) openSecond(now engine.Now, x *exchange) *refusal {
	a := x.t.have[s.self.String()]
	if a == nil {
		return no(krb5.ErrSvcUnavailable, "this KDC has no key of its own")
	}
	peer, r := openTicket(now, a, x.t.req.Body.Additional[0])
	if r != nil {
		return r
	}
	if !x.t.req.Body.Server.IsZero() && !peer.Client.Equal(x.server) {
		return no(krb5.ErrServerNomatch, "the additional ticket is of another than the server")
	}
	x.peer, x.server = peer, peer.Client
	return nil
}

// grantUserToUser gives a ticket for who has logged on to this realm.
//
// What the mobile node's TGT says of its rights goes into a ticket extension, where an access router reads it before the mobile node has shown
// anything: the draft's TE-MOBILEIP-ATTRIBUTES. Nothing protects extensions, therefore only signed attributes go there.
//
// spec RT-36 RT-42
func (s *Server) grantUserToUser(now engine.Now, x *exchange, client, target *account) (*grant, *refusal) {
	local := x.server.Realm == s.cfg.Realm
	switch {
	case target == nil && local:
		return nil, no(krb5.ErrSPrincipalUnknown, "no such server")
	case target != nil && !target.p.Enabled:
		return nil, no(krb5.ErrServiceRevoked, "the server is disabled")
	case target != nil && !target.p.Flags.Has(principal.UserToUser):
		return nil, no(krb5.ErrPolicy, "nobody gets tickets under the session key of this server's TGT")
	}
	key, err := keys.NewKey(keys.EType(x.peer.Key.EType), x.peer.Key.Value)
	if err != nil {
		return nil, no(krb5.ErrEtypeNosupp, "the session key of the additional ticket is of an encryption type not known here")
	}
	g, r := s.grantAny(now, x, client, nil, both(client, target)...)
	if r != nil {
		return nil, r
	}
	g.skey = key
	if g.part.Times.End = earlier(g.part.Times.End, x.peer.Times.End); !g.part.Times.RenewTill.IsZero() {
		g.part.Times.RenewTill, g.part.Flags = time.Time{}, g.part.Flags&^krb5.Renewable // by whom: nobody keeps the key
	}
	if data, ok := x.peer.AuthData.Flat().Find(krb5.ADMobileIPAttributes); ok && x.part.Client.Name.Service() == krb5.MobileIPService {
		if m, err := krb5.ParseMobileAttributes(data); err == nil && m.Algorithm != krb5.SignNone {
			g.extra = krb5.List{{Type: krb5.TEMobileIPAttributes, Data: data}}
		}
	}
	return g, nil
}
