package kdc

import (
	"slices"

	"roam6/wire/krb5"
)

// toward is the KDC whose TGT is to be had when one is asked for that of another realm: the neighbour on the way there (RFC 4120 §3.3.3, "closer").
func (s *Server) toward(server krb5.Principal) krb5.Principal {
	realm := server.Name.TGSRealm()
	if realm == "" || realm == s.cfg.Realm {
		return server
	}
	if next, ok := s.cfg.hop(realm); ok {
		server.Name = krb5.TGS(next)
	}
	return server
}

// referral is the KDC that a client is sent to which asks for a service that is not here, but by its host's name in another realm, and said that it
// follows (RFC 6806 §8).
func (s *Server) referral(x *exchange) (krb5.Principal, bool) {
	b := &x.t.req.Body
	parts := x.server.Name.Parts
	if x.t.have[x.server.String()] != nil || b.Options&krb5.OptCanonicalize == 0 || s.userToUser(x) || len(parts) != 2 || parts[0] == krb5.TGSService {
		return krb5.Principal{}, false
	}
	realm, ok := s.cfg.realmOf(parts[1])
	if !ok {
		return krb5.Principal{}, false
	}
	next, ok := s.cfg.hop(realm)
	return krb5.Principal{Name: krb5.TGS(next), Realm: s.cfg.Realm}, ok
}

// transit holds the way by which a client's authentication came against policy, and puts the realm that issued the ticket on it: RFC 4120 §2.7, §3.3.3.2. Each
// realm between the client's and this one has to be one that the configuration lets others come through. A way that fails is refused and not
// only marked: lightweight tickets go to who does not look.
//
// spec RT-30 FH-15 FH-18
func (s *Server) transit(x *exchange, issuer string) *refusal {
	client := x.part.Client.Realm
	realms, err := x.part.Transited.Realms(client, s.cfg.Realm)
	if err != nil {
		return no(krb5.ErrPathNotAccepted, "the transited realms cannot be read")
	}
	if issuer != s.cfg.Realm && issuer != client && !slices.Contains(realms, issuer) {
		realms = append(realms, issuer)
		x.part.Transited = x.part.Transited.With(issuer)
	}
	if len(realms) > krb5.MaxTransited {
		return no(krb5.ErrPathNotAccepted, "too many realms")
	}
	for _, r := range realms {
		if r == client || r == s.cfg.Realm || !s.cfg.trusted(r) {
			return no(krb5.ErrPathNotAccepted, "users of "+client+" may not come through "+r)
		}
	}
	return nil
}
