package tickets

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/keying/pkinit"
	"roam6/wire/krb5"
)

// PKINIT is a logon by certificate, RFC 4556.
type PKINIT struct {
	Identity    pkinit.Identity     // the client's: its certificate is for id-pkinit-KPClientAuth and names it
	Authorities *pkinit.Authorities // who issues certificates of KDCs, for id-pkinit-KPKdc, that name krbtgt/REALM@REALM
	Group       pkinit.Group        // of Diffie-Hellman; a KDC that does not take P256 is asked again with MODP2048
}

func (p *PKINIT) check(client krb5.Principal) error {
	switch {
	case !p.Identity.Valid() || p.Authorities == nil:
		return errors.New("tickets: a certificate with its key and the certificates of authorities are needed, both")
	case !named(pkinit.Principals(p.Identity.Certificate()), client):
		return fmt.Errorf("tickets: the certificate of %v does not name %v (id-pkinit-san)", p.Identity.Certificate().Subject, client)
	}
	return nil
}

// named says whether one of the names of a certificate is a principal's.
func named(list [][]byte, p krb5.Principal) bool {
	return slices.ContainsFunc(list, func(b []byte) bool {
		n, err := krb5.ParsePrincipalSAN(b)
		return err == nil && n.Equal(p)
	})
}

// kdfs are the key derivation functions that are offered, RFC 8636. A KDC that knows none uses that of RFC 4556.
var kdfs = []int{int(keys.KDFSHA256), int(keys.KDFSHA384), int(keys.KDFSHA512)}

// signedRequest makes PA-PK-AS-REQ for the request whose body is known: RFC 4556 §3.2.1.
//
// spec RT-30
func (c *Client) signedRequest(e *exchange, now time.Time) krb5.Typed {
	group := c.cfg.PKINIT.Group
	if e.modp {
		group = pkinit.MODP2048
	}
	e.dh = pkinit.Draw(group, c.rand)
	sum := sha1.Sum(e.body.Octets())
	pack := krb5.AuthPack{Time: now, Nonce: e.nonce, Checksum: sum[:], PublicValue: e.dh.PublicInfo(), KDFs: kdfs}
	signed, err := c.cfg.PKINIT.Identity.Sign(pkinit.AuthData, pack.Append(nil))
	if err != nil { // a key outside this program; the KDC will refuse
		c.out.Event("tickets.not-signed", engine.S("error", err.Error()))
	}
	return krb5.Typed{Type: krb5.PAPKASReq, Data: krb5.PKASReq{Signed: signed}.Append(nil)}
}

// plainer changes to the group that every KDC has; false if it was that.
func (c *Client) plainer(e *exchange) bool {
	if e.what != logon || c.cfg.PKINIT == nil || e.modp || c.cfg.PKINIT.Group == pkinit.MODP2048 {
		return false
	}
	e.modp = true
	return true
}

// agree takes PA-PK-AS-REP and makes the key of the reply, RFC 4556 §3.2.4. The certificate's time is held against the client's own clock or what KDCs proved: not against
// what an error said.
//
// spec RT-30
func (c *Client) agree(e *exchange, rep *krb5.KDCRep) (why string) {
	e.pre.key = keys.Key{}
	data, ok := rep.PAData.Find(krb5.PAPKASRep)
	if !ok || !e.dh.Valid() {
		return NotOpened
	}
	key, err := c.agreed(e, rep, data)
	if err != nil {
		c.out.Event("tickets.kdc-not-believed", engine.S("realm", e.realm), engine.S("why", err.Error()))
		return WrongKDC
	}
	e.pre.key = key
	return ""
}

func (c *Client) agreed(e *exchange, rep *krb5.KDCRep, data []byte) (k keys.Key, err error) {
	m, err := krb5.ParsePKASRep(data)
	if err != nil {
		return k, err
	}
	if len(m.Signed) == 0 {
		return k, errors.New("a key that the KDC made alone; Diffie-Hellman was asked for")
	}
	clock, _ := c.Clock(c.now, e.realm)
	signed, err := c.cfg.PKINIT.Authorities.Open(m.Signed, pkinit.DHKeyData, pkinit.KDC, clock)
	if err != nil {
		return k, err
	}
	info, err := krb5.ParseKDCDHKeyInfo(signed.Content)
	switch {
	case err != nil:
		return k, err
	case !named(pkinit.Principals(signed.Certificate), e.server):
		return k, fmt.Errorf("the certificate of %v does not name %v", signed.Certificate.Subject, e.server)
	case info.Nonce != e.nonce:
		return k, errors.New("it answers another request")
	case m.KDF != 0 && !slices.Contains(kdfs, m.KDF):
		return k, errors.New("a key derivation function that was not offered")
	}
	z, err := e.dh.Shared(info.PublicKey)
	if err != nil {
		return k, err
	}
	defer clear(z)
	etype := keys.EType(rep.Enc.EType)
	if m.KDF == 0 {
		return keys.PKINITKey(etype, z) // no nonce was offered, so none counts
	}
	return keys.PKINITKeyAgile(etype, keys.KDF(m.KDF), z, krb5.KDFOtherInfo(m.KDF, c.cfg.Client, e.server, int32(etype), e.request, data))
}
