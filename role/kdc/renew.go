package kdc

import (
	"time"

	"roam6/engine"
	"roam6/wire/krb5"
)

// grantRenewed gives a ticket another life of the same length, as often as it may be renewed and as long as its client and server are not disabled: RFC 4120
// §3.3.3. What it says is that of the old one but for its times, its session key and the client's attributes.
//
// spec RT-30
func (s *Server) grantRenewed(now engine.Now, x *exchange, client, target *account) (*grant, *refusal) {
	b := &x.t.req.Body
	start := now.Wall.UTC().Truncate(time.Second)
	old := x.part.Times
	switch {
	case !b.Server.IsZero() && !s.serverOf(x.t).Equal(x.server):
		return nil, no(krb5.ErrBadmatch, "the ticket to be renewed is for "+x.server.String())
	case x.part.Flags&krb5.Renewable == 0:
		return nil, no(krb5.ErrBadoption, "the ticket may not be renewed")
	case !old.RenewTill.After(start):
		return nil, no(krb5.ErrTktExpired, "the ticket may not be renewed any longer")
	}
	from := old.Start
	if from.IsZero() {
		from = old.Auth
	}
	length := min(old.End.Sub(from), s.cfg.Life)
	for _, a := range both(client, target) {
		if a.p.MaxLife > 0 {
			length = min(length, a.p.MaxLife)
		}
	}
	forSession := target
	if x.server.Equal(s.self) {
		forSession = nil
	}
	etype, r := sessionType(b.ETypes, forSession)
	if r != nil {
		return nil, r
	}
	times := krb5.Times{Auth: old.Auth, Start: start, End: earlier(start.Add(length), old.RenewTill), RenewTill: old.RenewTill}
	flags := x.part.Flags &^ (krb5.Initial | krb5.EncPARep)
	return x.reply(&grant{server: x.server, seal: target.best(), part: krb5.EncTicketPart{Flags: flags, Key: s.sessionKey(etype), Client: x.part.Client, Transited: x.part.Transited,
		Times: times, Addresses: x.part.Addresses, AuthData: s.attributes(x.part.AuthData, client)}})
}
