package kdc

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	lk "roam6/keying/lwkrb"
	"roam6/wire/krb5"
	lw "roam6/wire/lwkrb"
)

// attributes puts what the database has of a client into authorization data, as AD-MOBILEIP-ATTRIBUTES in AD-IF-RELEVANT, in place of what was there; who is
// not in this database (nil) keeps what another realm said.
//
// spec RT-42 FH-16
func (s *Server) attributes(list krb5.List, client *account) krb5.List {
	if client == nil {
		return list
	}
	list = without(list)
	if len(client.p.Attributes) == 0 {
		return list
	}
	data := s.sign(client.p.Attributes).Append(nil)
	return append(list, krb5.List{{Type: krb5.ADMobileIPAttributes, Data: data}}.IfRelevant())
}

// sign makes AVPs the attributes of a ticket. The signature is for AAA servers: who opens the ticket believes its KDC.
func (s *Server) sign(avps []byte) krb5.MobileAttributes {
	a := krb5.MobileAttributes{TLVs: avps}
	if len(s.cfg.SignKey) > 0 {
		mac := hmac.New(sha256.New, s.cfg.SignKey)
		mac.Write(avps)
		a.Algorithm = krb5.SignHMACSHA256
		a.Signature = mac.Sum(nil)[:krb5.SignHMACSHA256.SignatureLen()]
	}
	return a
}

// without is the list without AD-MOBILEIP-ATTRIBUTES, wherever it stands: a client may not give itself any.
func without(list krb5.List) krb5.List {
	return slices.DeleteFunc(slices.Clone(list), func(x krb5.Typed) bool {
		_, has := krb5.List{x}.Flat().Find(krb5.ADMobileIPAttributes)
		return has
	})
}

// lightweight makes the lightweight ticket beside a ticket, where it is asked for and can be said: docs/lwkrb.md. A user-to-user ticket has none: nobody
// keeps its key.
//
// spec FH-13 FH-14 FH-15 FH-16
func (s *Server) lightweight(q *krb5.KDCReq, g *grant) (krb5.Typed, bool) {
	if asks, ok := q.PAData.Find(krb5.PALWKRB); !ok || len(asks) != 1 || asks[0] != 1 || g.seal == nil {
		return krb5.Typed{}, false
	}
	server, client := principalOf(g.server), principalOf(g.part.Client)
	transited, err := g.part.Transited.Realms(g.part.Client.Realm, g.server.Realm)
	attributes, _ := g.part.AuthData.Flat().Find(krb5.ADMobileIPAttributes)
	if err != nil || !server.Valid() || !client.Valid() || len(transited) > lw.MaxRealms || len(attributes) > lw.MaxAttributes ||
		slices.ContainsFunc(transited, func(r string) bool { return !lw.ValidRealm(r) }) {
		return krb5.Typed{}, false
	}
	key, ok := g.seal.lightweight(string(server))
	if !ok {
		return krb5.Typed{}, false
	}
	session, err := lk.SessionKey(g.part.Key.Value, string(client), string(server))
	if err != nil {
		return krb5.Typed{}, false
	}
	defer clear(session)
	body := lw.TicketBody{Flags: uint32(g.part.Flags), Start: g.part.Times.Start, End: g.part.Times.End, Session: session, Client: client, Transited: transited, Attributes: attributes}
	name := lw.KeyName{Principal: server, KVNO: g.seal.kvno, EType: uint8(g.seal.etype)}
	plain := body.Append(nil)
	defer clear(plain)
	ticket := lw.Ticket{Key: name, Sealed: key.SealTicket(nil, s.drawn(), name.Append(nil), plain)}
	if len(ticket.Sealed) > lw.MaxTicket {
		return krb5.Typed{}, false
	}
	s.granted["lightweight"]++
	return krb5.Typed{Type: krb5.PALWKRB, Data: ticket.Append([]byte{1})}, true
}

// principalOf is a principal as lightweight Kerberos has it; it has to be asked whether it is Valid.
func principalOf(p krb5.Principal) lw.Principal { return lw.MakePrincipal(p.Realm, p.Name.Parts...) }
