package tickets

import (
	"time"

	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// composeGrant makes a TGS-REQ, RFC 4120 §3.3.1: with a subkey, the same in each copy, and a new authenticator.
//
// spec RT-30 RT-36
func (c *Client) composeGrant(e *exchange) {
	session := c.keyOf(e.tgt.Key)
	if !e.subkey.Valid() {
		e.subkey = c.draw(session.EType())
	}
	now := c.time(e)
	q := krb5.KDCReq{TGS: true, Body: krb5.KDCReqBody{
		Realm: e.realm, Server: e.server.Name, Till: now.Add(c.cfg.Life), Nonce: e.nonce, ETypes: allETypes(),
	}}
	switch {
	case e.what == renewal:
		q.Body.Options = krb5.OptRenew | krb5.OptRenewable
		q.Body.Till = time.Time{} // as long as before
	case e.w.user != nil:
		q.Body.Options = krb5.OptEncTktInSkey
		q.Body.Additional = []krb5.Ticket{*e.w.user}
	case e.tgt.Flags&krb5.Renewable != 0 && c.cfg.Renew > 0:
		q.Body.Options = krb5.OptRenewable
		q.Body.RenewTill = now.Add(c.cfg.Renew)
	}
	e.body = q.Body
	auth := krb5.Authenticator{
		Client: c.cfg.Client, Time: now.Truncate(time.Microsecond),
		Checksum: krb5.Checksum{Type: session.EType().Checksum(), Sum: session.Checksum(nil, keys.TGSReqChecksum, q.Body.Octets())},
		Subkey:   krb5.EncryptionKey{EType: int32(e.subkey.EType()), Value: e.subkey.Octets()},
	}
	plain := auth.Append(nil)
	ap := krb5.APReq{Ticket: e.tgt.Ticket, Authenticator: c.seal(session, keys.TGSReqAuth, plain)}
	clear(plain)
	clear(auth.Subkey.Value)
	q.PAData = krb5.List{{Type: krb5.PATGSReq, Data: ap.Append(nil)}}
	if c.cfg.Lightweight && e.w.user == nil {
		q.PAData = append(q.PAData, wantsLight)
	}
	e.request = q.Append(nil)
}

// keyOf is a key that was checked when it came.
func (c *Client) keyOf(k krb5.EncryptionKey) keys.Key {
	key, err := keys.NewKey(keys.EType(k.EType), k.Value)
	if err != nil {
		panic("tickets: " + err.Error())
	}
	return key
}

func (c *Client) draw(e keys.EType) keys.Key {
	b := make([]byte, e.KeyLen())
	c.rand.Read(b)
	defer clear(b)
	return c.keyOf(krb5.EncryptionKey{EType: int32(e), Value: b})
}
