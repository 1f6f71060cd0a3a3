package pkinit

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Authorities are whose certificates are believed, and which of them were revoked.
type Authorities struct {
	roots *x509.CertPool
	list  []*x509.Certificate // the same
	lists []*x509.RevocationList
}

// NewAuthorities takes the certificates of authorities and lists of revoked certificates, all DER. A certificate whose issuer has no list here is taken for not
// revoked; one whose issuer's newest list is out of date is refused.
func NewAuthorities(roots, revoked [][]byte) (*Authorities, error) {
	if len(roots) == 0 {
		return nil, errors.New("pkinit: no authority is named; whose certificates are to be believed?")
	}
	a := &Authorities{roots: x509.NewCertPool()}
	for i, b := range roots {
		c, err := x509.ParseCertificate(b)
		if err != nil {
			return nil, fmt.Errorf("pkinit: authority %d: %w", i+1, err)
		}
		if !c.IsCA || !c.BasicConstraintsValid {
			return nil, fmt.Errorf("pkinit: %v is no authority: its certificate lacks the basic constraint CA", c.Subject)
		}
		a.roots.AddCert(c)
		a.list = append(a.list, c)
	}
	for i, b := range revoked {
		l, err := x509.ParseRevocationList(b)
		if err != nil {
			return nil, fmt.Errorf("pkinit: list %d of revoked certificates: %w", i+1, err)
		}
		for _, x := range l.Extensions {
			if x.Critical {
				return nil, fmt.Errorf("pkinit: list %d of revoked certificates has the critical extension %v, so it is not whole; use the full list of %v", i+1, x.Id, l.Issuer)
			}
		}
		a.lists = append(a.lists, l)
	}
	return a, nil
}

// Certifiers names the authorities: TD-TRUSTED-CERTIFIERS, RFC 4556 §3.2.2.
func (a *Authorities) Certifiers() []byte { return Identifiers(a.list) }

// Identifiers names certificates by subject, issuer and serial number: a SEQUENCE OF ExternalPrincipalIdentifier, RFC 4556 §3.2.1.
func Identifiers(list []*x509.Certificate) []byte {
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, c := range list {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(tag0Octets, func(b *cryptobyte.Builder) { b.AddBytes(c.RawSubject) })
					b.AddASN1(asn1.Tag(1).ContextSpecific(), func(b *cryptobyte.Builder) {
						b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddBytes(c.RawIssuer)
							b.AddASN1BigInt(c.SerialNumber)
						})
					})
				})
			}
		})
	})
}

// Signed is what a signed message says, and who says it.
type Signed struct {
	Content     []byte
	Certificate *x509.Certificate
	Chain       []*x509.Certificate // from it to the authority, both included
}

// Open reads a signed message and checks everything about it: RFC 4556 §3.2.2 and §3.2.4 as far as they do not look at names. Errors are a Reason.
func (a *Authorities) Open(message []byte, kind Content, use Purpose, at time.Time) (Signed, error) {
	v, err := parseSigned(message)
	if err != nil {
		return Signed{}, err
	}
	if v.kind != string(kind) {
		return Signed{}, WrongContent
	}
	own, others, err := v.signer()
	if err != nil {
		return Signed{}, err
	}
	chain, err := a.chain(own, others, at)
	if err != nil {
		return Signed{}, err
	}
	if err := a.revoked(chain, at); err != nil {
		return Signed{}, err
	}
	if !purposed(own, use) {
		return Signed{}, WrongPurpose
	}
	if err := v.verify(own); err != nil {
		return Signed{}, err
	}
	return Signed{v.content, own, chain}, nil
}

// signer finds the signer's certificate among those in the message.
func (v *signedData) signer() (own *x509.Certificate, others *x509.CertPool, err error) {
	others = x509.NewCertPool()
	for _, b := range v.certificates {
		c, err := x509.ParseCertificate(b)
		if err != nil || !acceptable(c) {
			continue // somebody's on the way whom we may not need
		}
		is := bytes.Equal(v.issuer, c.RawIssuer) && bytes.Equal(v.serial, serialOf(c))
		if v.keyID != nil {
			is = bytes.Equal(v.keyID, c.SubjectKeyId)
		}
		if is && own == nil {
			own = c
			continue
		}
		others.AddCert(c)
	}
	if own == nil {
		return nil, nil, NoCertificate
	}
	return own, others, nil
}

// chain finds the way from a certificate to an authority, RFC 5280 §6.
func (a *Authorities) chain(own *x509.Certificate, others *x509.CertPool, at time.Time) ([]*x509.Certificate, error) {
	// Names of Kerberos are all that may be in it, which are not read there but here.
	own.UnhandledCriticalExtensions = slices.DeleteFunc(own.UnhandledCriticalExtensions, oidSAN.Equal)
	chains, err := own.Verify(x509.VerifyOptions{Roots: a.roots, Intermediates: others, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		return nil, Untrusted
	}
	if err != nil || len(chains) == 0 {
		return nil, Invalid
	}
	for _, c := range chains[0] {
		if !acceptable(c) {
			return nil, Invalid
		}
	}
	return chains[0], nil
}

// revoked asks the lists of each issuer, RFC 5280 §6.3.
func (a *Authorities) revoked(chain []*x509.Certificate, at time.Time) error {
	for i := range len(chain) - 1 {
		c, issuer := chain[i], chain[i+1]
		var newest *x509.RevocationList
		for _, l := range a.lists {
			if bytes.Equal(l.RawIssuer, issuer.RawSubject) && l.CheckSignatureFrom(issuer) == nil && (newest == nil || l.ThisUpdate.After(newest.ThisUpdate)) {
				newest = l
			}
		}
		switch {
		case newest == nil:
			continue
		case slices.ContainsFunc(newest.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 }):
			return Revoked
		case at.Before(newest.ThisUpdate) || at.After(newest.NextUpdate):
			return RevocationUnknown
		}
	}
	return nil
}

// purposed says whether a certificate is for a purpose, by its extended key usages, and for signatures.
func purposed(c *x509.Certificate, use Purpose) bool {
	if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return false
	}
	return slices.ContainsFunc(c.UnknownExtKeyUsage, use.oid().Equal)
}

// verify checks the signature: RFC 5652 §5.4, §5.6.
func (v *signedData) verify(own *x509.Certificate) error {
	for _, d := range digests {
		if d.oid != v.digest {
			continue
		}
		if v.attributes == nil || string(v.attrKind) != v.kind || !bytes.Equal(v.attrDigest, sum(d.hash, v.content)) {
			return WrongSignature
		}
		hashed := sum(d.hash, v.attributes)
		ok := false
		switch k := own.PublicKey.(type) {
		case *rsa.PublicKey:
			ok = (v.algorithm == oidRSA || v.algorithm == d.rsa) && rsa.VerifyPKCS1v15(k, crypto.Hash(d.hash), hashed, v.signature) == nil
		case *ecdsa.PublicKey:
			ok = v.algorithm == d.ecdsa && ecdsa.VerifyASN1(k, hashed, v.signature)
		}
		if !ok {
			return WrongSignature
		}
		return nil
	}
	return WrongDigest
}

// maxNames is how many names of Kerberos a certificate may have.
const maxNames = 8

// Principals are the values of id-pkinit-san in a certificate, RFC 4556 §3.2.2: each the DER of a KRB5PrincipalName.
func Principals(c *x509.Certificate) (names [][]byte) {
	for _, x := range c.Extensions {
		if !x.Id.Equal(oidSAN) {
			continue
		}
		s, list := cryptobyte.String(x.Value), cryptobyte.String(nil)
		if !s.ReadASN1(&list, asn1.SEQUENCE) {
			return nil
		}
		for !list.Empty() && len(names) < maxNames {
			var one, oid, value cryptobyte.String
			var tag asn1.Tag
			if !list.ReadAnyASN1(&one, &tag) {
				return nil
			}
			if tag == tag0 && one.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) && string(oid) == oidPrincipalSAN && one.ReadASN1(&value, tag0) && one.Empty() {
				names = append(names, value)
			}
		}
	}
	return names
}

// PrincipalsExtension is the value of a certificate's subjectAltName with names of Kerberos: for who issues certificates, and tests.
func PrincipalsExtension(names ...[]byte) []byte {
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, n := range names {
				b.AddASN1(tag0, func(b *cryptobyte.Builder) {
					addOID(b, oidPrincipalSAN)
					b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(n) })
				})
			}
		})
	})
}
