package tickets

import (
	"slices"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// Skew is how far clocks may be apart, RFC 4120 §1.6.
const Skew = 5 * time.Minute

// reply takes an AS-REP or TGS-REP; it gives why not.
//
// spec RT-30
func (c *Client) reply(e *exchange, rep *krb5.KDCRep) (why string) {
	if rep.TGS != (e.what != logon) || !rep.Client.Equal(c.cfg.Client) || !c.fits(e, rep.Ticket.Server) {
		return Unasked
	}
	if e.what == logon && c.cfg.PKINIT != nil {
		if why = c.agree(e, rep); why != "" {
			return why
		}
	}
	part, key := c.open(e, rep)
	if part == nil {
		return NotOpened
	}
	if why = c.check(e, rep, part); why != "" {
		return why
	}
	if e.what == logon {
		if why = proven(key, part, e.request); why != "" {
			return why
		}
	}
	t := &Ticket{Client: rep.Client, Server: part.Server, Ticket: rep.Ticket, Key: part.Key, Flags: part.Flags, Times: part.Times, from: e.realm}
	if why = c.times(e, t); why != "" {
		return why
	}
	if c.cfg.Lightweight && e.w.user == nil {
		if why := light(t, part.PAData); why != "" {
			c.out.Drop(Light, engine.A("server", t.Server), engine.S("why", why))
		}
	}
	return c.accept(e, t)
}

// fits says whether a ticket may be for what it is for: what was asked for, or on a walk another realm's KDC.
func (c *Client) fits(e *exchange, server krb5.Principal) bool {
	return server.Equal(e.server) || e.what == walk && server.Realm == e.realm && server.Name.TGSRealm() != ""
}

// open decrypts the part for the client, with the key that did it.
func (c *Client) open(e *exchange, rep *krb5.KDCRep) (*krb5.EncKDCRepPart, keys.Key) {
	use := keys.TGSRepPartSubkey
	list := []keys.Key{e.subkey}
	if e.what == logon {
		use, list = keys.ASRepPart, c.replyKeys(e, rep)
	}
	for _, k := range list {
		if !k.Valid() || int32(k.EType()) != rep.Enc.EType {
			continue
		}
		plain, err := k.Decrypt(nil, use, rep.Enc.Cipher)
		if err != nil {
			continue
		}
		if part, err := krb5.ParseEncKDCRepPart(plain); err == nil {
			return part, k
		}
	}
	return nil, keys.Key{}
}

// replyKeys are the keys with which a KDC may have encrypted an AS-REP. One whose KDC wants no pre-authentication says there how the key is made of a
// password.
func (c *Client) replyKeys(e *exchange, rep *krb5.KDCRep) (list []keys.Key) {
	if c.cfg.PKINIT != nil {
		return []keys.Key{e.pre.key}
	}
	for _, m := range e.pre.tried {
		list = append(list, m.key)
	}
	list = append(list, c.cfg.Keys...)
	for _, m := range c.offered(rep.PAData) {
		if m.etype != rep.Enc.EType || slices.ContainsFunc(e.pre.tried, m.same) || len(e.pre.tried) >= MaxMade {
			continue
		}
		if k, ok := c.make(m); ok {
			m.key = k
			e.pre.tried = append(e.pre.tried, m) // each is made once
			list = append(list, k)
		}
	}
	return list
}

// check holds a reply against its request, RFC 4120 §3.1.5 and §3.3.4.
func (c *Client) check(e *exchange, rep *krb5.KDCRep, part *krb5.EncKDCRepPart) string {
	_, err := keys.NewKey(keys.EType(part.Key.EType), part.Key.Value)
	switch {
	case part.Nonce != e.nonce:
		return WrongNonce
	case !part.Server.Equal(rep.Ticket.Server):
		return WrongServer
	case err != nil || !slices.Contains(e.body.ETypes, part.Key.EType):
		return WrongKey
	case part.Flags&krb5.Invalid != 0, part.Flags&krb5.Renewable == 0 && !part.Times.RenewTill.IsZero():
		return WrongFlags
	case len(part.Addresses) > 0:
		return HasAddress
	}
	return ""
}

// proven says whether the KDC got the request as it was sent, if it tells: RFC 6806 §11.
func proven(k keys.Key, part *krb5.EncKDCRepPart, request []byte) string {
	if part.Flags&krb5.EncPARep == 0 {
		return ""
	}
	data, _ := part.PAData.Find(krb5.PAReqEncPARep)
	sum, err := krb5.ParseChecksum(data)
	if err != nil || !k.Verify(keys.ASReq, sum.Type, sum.Sum, request) {
		return Altered
	}
	return ""
}

// times checks those of a ticket, by the clock of the KDC that gave it, and takes that clock where the reply proves it.
func (c *Client) times(e *exchange, t *Ticket) string {
	now := c.time(e)
	if e.what == logon {
		now = t.Times.Auth // the KDC's, and the reply is fresh
	}
	life := t.Times.End.Sub(now)
	switch {
	case !t.Times.End.After(t.Start()), life <= 0, t.Start().Sub(now) > Skew:
		return WrongTimes
	case !e.body.Till.IsZero() && t.Times.End.Sub(e.body.Till) > coarse:
		return WrongTimes
	case e.what != logon && e.what != renewal && t.Times.End.Sub(e.tgt.Times.End) > coarse:
		return WrongTimes
	case e.body.Options&krb5.OptRenewable != 0 && !e.body.RenewTill.IsZero() && t.Times.RenewTill.Sub(e.body.RenewTill) > coarse:
		return WrongTimes
	}
	t.until = c.now.Mono.Add(life)
	switch {
	case e.what == logon:
		c.learnWhole(e.realm, now)
	case e.skewed: // it took our time
		c.learn(e.realm, now)
	}
	return ""
}

// accept goes on with a ticket that is right.
func (c *Client) accept(e *exchange, t *Ticket) string {
	w := e.w
	if e.what == walk && !t.Server.Name.Equal(w.server.Name) {
		next := t.Server.Name.TGSRealm()
		if next == c.cfg.Client.Realm || next == e.realm || slices.Contains(w.passed, next) || len(w.passed) >= MaxHops {
			return WrongRealm
		}
		w.passed, w.at = append(w.passed, e.realm), t
		c.answered(e)
		c.become(w, Waiting)
		return ""
	}
	c.answered(e)
	c.granted(w, t)
	return ""
}

// answered ends an exchange, and remembers who answers.
func (c *Client) answered(e *exchange) {
	if r := c.realm(e.realm); r != nil && c.way != Proxy {
		r.best = e.kdc % len(r.KDCs)
	}
	c.close(e)
}
