package kdc

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/keying/pkinit"
	"roam6/wire/krb5"
)

// PKINIT is what logons by certificate need: RFC 4556.
type PKINIT struct {
	Identity    pkinit.Identity     // the KDC's: its certificate is for id-pkinit-KPKdc and names krbtgt/REALM@REALM, or clients will not have it
	Authorities *pkinit.Authorities // who issues certificates of clients, for id-pkinit-KPClientAuth, that name their principal
}

func (p *PKINIT) check(realm string) error {
	switch {
	case p == nil:
		return nil
	case !p.Identity.Valid() || p.Authorities == nil:
		return errors.New("kdc: pkinit: a certificate with its key and the certificates of authorities are needed, both")
	}
	self := krb5.Principal{Name: krb5.TGS(realm), Realm: realm}
	if !names(pkinit.Principals(p.Identity.Certificate()), self) {
		return fmt.Errorf("kdc: pkinit: the certificate of %v does not name %v (id-pkinit-san): no client would believe that this is the KDC", p.Identity.Certificate().Subject, self)
	}
	return nil
}

// names says whether one of the names of a certificate is a principal's.
func names(list [][]byte, p krb5.Principal) bool {
	return slices.ContainsFunc(list, func(b []byte) bool {
		n, err := krb5.ParsePrincipalSAN(b)
		return err == nil && n.Equal(p)
	})
}

// asksByCertificate says whether the client needs no key in the database.
func (s *Server) asksByCertificate(t *task) bool {
	_, ok := t.req.PAData.Find(krb5.PAPKASReq)
	return ok && s.cfg.PKINIT != nil
}

// signedBy are the errors for why a signed message is not believed, RFC 4556 §3.2.2.
var signedBy = map[pkinit.Reason]krb5.ErrorCode{
	pkinit.Malformed: krb5.ErrPreauthFailed, pkinit.WrongContent: krb5.ErrPreauthFailed, pkinit.WrongDigest: krb5.ErrDigestInSignedDataNotAccepted,
	pkinit.WrongSignature: krb5.ErrInvalidSig, pkinit.NoCertificate: krb5.ErrCantVerifyCertificate, pkinit.Untrusted: krb5.ErrCantVerifyCertificate,
	pkinit.Invalid: krb5.ErrInvalidCertificate, pkinit.Revoked: krb5.ErrRevokedCertificate, pkinit.RevocationUnknown: krb5.ErrRevocationStatusUnknown,
	pkinit.WrongPurpose: krb5.ErrInconsistentKeyPurpose, pkinit.WrongPublic: krb5.ErrDHKeyParametersNotAccepted, pkinit.WrongParameters: krb5.ErrDHKeyParametersNotAccepted,
}

// unsigned is the refusal for a reason.
func (s *Server) unsigned(err error) *refusal {
	var why pkinit.Reason
	errors.As(err, &why)
	r := no(signedBy[why], err.Error())
	switch r.code {
	case krb5.ErrCantVerifyCertificate:
		r.typed = krb5.List{{Type: krb5.TDTrustedCertifiers, Data: s.cfg.PKINIT.Authorities.Certifiers()}}
	case krb5.ErrDHKeyParametersNotAccepted:
		r.typed = krb5.List{{Type: krb5.TDDHParameters, Data: pkinit.Parameters()}}
	}
	return r
}

// pkASReq is PA-PK-AS-REQ, RFC 4556 §3.2.2: the client has signed what it asks with the key of its certificate, which names it. The key of the reply comes of
// Diffie-Hellman, both values of which are signed.
//
// spec RT-30
func pkASReq(s *Server, now engine.Now, x *logon, data []byte) *refusal {
	m, err := krb5.ParsePKASReq(data)
	if err != nil {
		return no(krb5.ErrPreauthFailed, "PA-PK-AS-REQ cannot be read")
	}
	signed, err := s.cfg.PKINIT.Authorities.Open(m.Signed, pkinit.AuthData, pkinit.Client, now.Wall)
	if err != nil {
		return s.unsigned(err)
	}
	if !names(pkinit.Principals(signed.Certificate), x.id) {
		return no(krb5.ErrClientNameMismatch, "the certificate does not name the client")
	}
	pack, err := krb5.ParseAuthPack(signed.Content)
	if err != nil {
		return no(krb5.ErrPreauthFailed, "AuthPack cannot be read")
	}
	body := sha1.Sum(x.t.req.Body.Octets())
	switch {
	case now.Wall.Sub(pack.Time).Abs() > Skew:
		return no(krb5.ErrSkew, "clocks differ by more than "+Skew.String())
	case len(pack.Checksum) == 0:
		return no(krb5.ErrPAChecksumMustBeIncluded, "paChecksum is needed")
	case !bytes.Equal(pack.Checksum, body[:]):
		return no(krb5.ErrModified, "the request is not what was signed")
	case len(pack.PublicValue) == 0:
		return no(krb5.ErrPublicKeyEncryptionNotSupported, "Diffie-Hellman is needed; nothing is encrypted by the client's public key here")
	}
	if r := s.agree(x, &pack); r != nil {
		return r
	}
	if cas := signed.Chain[1:]; len(cas) > 0 { // who vouched for the client, RFC 4556 §3.2.3
		x.data = append(x.data, krb5.List{{Type: krb5.ADInitialVerifiedCAs, Data: pkinit.Identifiers(cas)}}.IfRelevant())
	}
	return nil
}

// agree makes the key of the reply, and the PA-PK-AS-REP by which the client makes it too: RFC 4556 §3.2.3.1, RFC 8636 §4.
func (s *Server) agree(x *logon, pack *krb5.AuthPack) *refusal {
	group, public, err := pkinit.ParsePublicInfo(pack.PublicValue)
	if err != nil {
		return s.unsigned(pkinit.WrongParameters)
	}
	body := &x.t.req.Body
	etype, r := sessionType(body.ETypes, nil)
	if r != nil {
		return r
	}
	kdf := keys.KDF(0)
	if len(pack.KDFs) > 0 {
		if kdf = keys.BestKDF(pack.KDFs); kdf == 0 {
			return no(krb5.ErrNoAcceptableKDF, "none of the key derivation functions of RFC 8636 is offered")
		}
	}
	own := pkinit.Draw(group, s.rand)
	z, err := own.Shared(public)
	if err != nil {
		return s.unsigned(err)
	}
	defer clear(z)
	info := krb5.KDCDHKeyInfo{PublicKey: own.Public(), Nonce: pack.Nonce}
	signed, err := s.cfg.PKINIT.Identity.Sign(pkinit.DHKeyData, info.Append(nil))
	if err != nil {
		return &refusal{code: krb5.ErrGeneric, why: "signing-failed", text: "this KDC cannot sign just now"}
	}
	rep := krb5.PKASRep{Signed: signed, KDF: int(kdf)}.Append(nil)
	var key keys.Key
	if kdf == 0 {
		key, err = keys.PKINITKey(etype, z)
	} else {
		client := krb5.Principal{Name: body.Client, Realm: body.Realm}
		key, err = keys.PKINITKeyAgile(etype, kdf, z, krb5.KDFOtherInfo(int(kdf), client, x.server, int32(etype), x.t.raw, rep))
	}
	if err != nil {
		panic(err) // the types of key and function are known
	}
	x.key = &row{etype: etype, own: key}
	x.outer = append(x.outer, krb5.Typed{Type: krb5.PAPKASRep, Data: rep})
	return nil
}
