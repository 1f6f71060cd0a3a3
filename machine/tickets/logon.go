package tickets

import (
	"bytes"
	"slices"

	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// Limits of what a KDC says of the way from a password to a key; it has proved nothing then. MinIterations is what RFC 3962 §4 has; fewer would help whoever
// guesses passwords.
const (
	MinIterations = 4096
	MaxIterations = 100_000
	// MaxMade is how many keys of a password are kept.
	MaxMade = 4
	// MaxCookie is the longest PA-FX-COOKIE that is sent back.
	MaxCookie = 512
)

// preauth is what is known of pre-authentication.
type preauth struct {
	key    keys.Key // to be used; none: nothing is known
	cookie []byte
	tried  []made // of which keys were made that were used
}

// made is how a key was made of the password.
type made struct {
	etype  int32
	salt   string
	params []byte
	key    keys.Key
}

func (m made) same(o made) bool {
	return m.etype == o.etype && m.salt == o.salt && bytes.Equal(m.params, o.params)
}

// etypes are the encryption types of keys that the client has or can make.
func (c *Client) etypes() (list []int32) {
	if len(c.cfg.Keys) == 0 {
		return allETypes()
	}
	for _, k := range c.cfg.Keys {
		list = append(list, int32(k.EType()))
	}
	return list
}

func allETypes() (list []int32) {
	for _, e := range keys.ETypes() {
		list = append(list, int32(e))
	}
	return list
}

// composeLogon makes an AS-REQ, RFC 4120 §3.1.1: with pre-authentication from the beginning if there is a key for it.
//
// spec RT-30
func (c *Client) composeLogon(e *exchange) bool {
	if e.turns == 0 && !e.pre.key.Valid() {
		switch {
		case len(c.cfg.Keys) > 0:
			e.pre.use(made{etype: int32(c.cfg.Keys[0].EType()), key: c.cfg.Keys[0]})
		case len(c.made) > 0:
			e.pre.use(c.made[len(c.made)-1])
		}
	}
	now := c.time(e)
	q := krb5.KDCReq{Body: krb5.KDCReqBody{
		Client: c.cfg.Client.Name, Realm: e.realm, Server: e.server.Name, Till: now.Add(c.cfg.Life), Nonce: e.nonce, ETypes: c.etypes(),
	}}
	if c.cfg.Renew > 0 {
		q.Body.Options |= krb5.OptRenewable
		q.Body.RenewTill = now.Add(c.cfg.Renew)
	}
	e.body = q.Body
	if k := e.pre.key; k.Valid() {
		stamp := c.seal(k, keys.PAEncTimestamp, krb5.PAEncTSEnc{Time: now}.Append(nil))
		q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PAEncTimestamp, Data: stamp.Append(nil)})
	}
	if c.cfg.PKINIT != nil {
		q.PAData = append(q.PAData, c.signedRequest(e, now))
	}
	if len(e.pre.cookie) > 0 {
		q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PAFXCookie, Data: e.pre.cookie})
	}
	q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PAReqEncPARep})
	if c.cfg.Lightweight {
		q.PAData = append(q.PAData, wantsLight)
	}
	e.request = q.Append(nil)
	return true
}

var wantsLight = krb5.Typed{Type: krb5.PALWKRB, Data: []byte{lightVersion}}

// seal encrypts with a fresh confounder.
func (c *Client) seal(k keys.Key, u keys.Usage, plain []byte) krb5.EncryptedData {
	var confounder [keys.ConfounderLen]byte
	c.rand.Read(confounder[:])
	return krb5.EncryptedData{EType: int32(k.EType()), Cipher: k.Encrypt(nil, u, confounder[:], plain)}
}

func (p *preauth) use(m made) {
	p.key = m.key
	p.tried = append(p.tried, m)
}

// advise takes from an error how pre-authentication is to be done (RFC 4120 §5.2.7.5); false if not otherwise than it was.
func (c *Client) advise(e *exchange, m *krb5.KRBError) bool {
	method, err := krb5.ParseMethodData(m.Data)
	if err != nil {
		return false
	}
	if cookie, ok := method.Find(krb5.PAFXCookie); ok && len(cookie) <= MaxCookie {
		e.pre.cookie = cookie
	}
	if c.cfg.PKINIT != nil {
		return false
	}
	for _, m := range c.offered(method) {
		if slices.ContainsFunc(e.pre.tried, m.same) || len(e.pre.tried) >= MaxMade {
			return false // the other keys are as wrong as that one, and tries may be counted
		}
		if k, ok := c.make(m); ok {
			m.key = k
			e.pre.use(m)
			return true
		}
	}
	return false
}

// offered are the ways to a key in padata, the KDC's preferred first.
func (c *Client) offered(padata krb5.List) (list []made) {
	data, ok := padata.Find(krb5.PAETypeInfo2)
	if !ok || c.cfg.PKINIT != nil {
		return nil
	}
	info, err := krb5.ParseETypeInfo2(data)
	if err != nil {
		return nil
	}
	for _, i := range info {
		m := made{etype: i.EType, salt: i.Salt, params: i.Params}
		if !i.HasSalt {
			m.salt = c.cfg.Client.Salt()
		}
		if len(c.cfg.Keys) > 0 {
			m.salt, m.params = "", nil
		}
		list = append(list, m)
	}
	return list
}

// make gives the key of an encryption type, or makes it of the password.
func (c *Client) make(m made) (k keys.Key, ok bool) {
	for _, k := range c.cfg.Keys {
		if int32(k.EType()) == m.etype {
			return k, true
		}
	}
	if len(c.cfg.Keys) > 0 {
		return k, false
	}
	if i := slices.IndexFunc(c.made, m.same); i >= 0 {
		return c.made[i].key, true
	}
	if n, ok := iterations(m.params); ok && (n < MinIterations || n > MaxIterations) {
		return k, false
	}
	k, err := keys.StringToKey(keys.EType(m.etype), c.password(), m.salt, m.params)
	if err != nil {
		return k, false
	}
	if len(c.made) == MaxMade {
		c.made = slices.Delete(c.made, 0, 1)
	}
	m.key = k
	c.made = append(c.made, m)
	return k, true
}

// iterations of PBKDF2, if the parameters are of RFC 3962 §4.
func iterations(params []byte) (n uint32, ok bool) {
	if len(params) != 4 {
		return 0, false
	}
	for _, b := range params {
		n = n<<8 | uint32(b)
	}
	return n, true
}
