package pkinit

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// Issuer issues certificates of clients and KDCs: for simulated networks, laboratories and tests. Serial numbers are counted.
type Issuer struct {
	own    *x509.Certificate
	signer func() crypto.Signer
	last   int64
}

// NewIssuer makes an authority with a key. Its certificate is good from one time to another, as are those it issues.
func NewIssuer(name string, key crypto.Signer, from, to time.Time) (*Issuer, error) {
	i := &Issuer{signer: func() crypto.Signer { return key }}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: sum(digests[0].hash, []byte(name))[:20]}
	var err error
	i.own, err = i.create(c, c, key.Public())
	i.last = 1
	return i, err
}

func (i *Issuer) create(c, parent *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	b, err := x509.CreateCertificate(nil, c, parent, public, i.signer())
	if err != nil {
		return nil, fmt.Errorf("pkinit: a certificate of %v: %w", c.Subject, err)
	}
	return x509.ParseCertificate(b)
}

// Certificate is the authority's own, DER.
func (i *Issuer) Certificate() []byte { return i.own.Raw }

// Wanted is what a certificate is to say.
type Wanted struct {
	Name       string // of the subject, for people
	Principals [][]byte
	Purposes   []Purpose
	From, To   time.Time // zero: those of the authority
}

// Issue makes a certificate for a public key, DER.
func (i *Issuer) Issue(w Wanted, public crypto.PublicKey) ([]byte, error) {
	i.last++
	c := &x509.Certificate{SerialNumber: big.NewInt(i.last), Subject: pkix.Name{CommonName: w.Name}, NotBefore: i.own.NotBefore, NotAfter: i.own.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature}
	if !w.From.IsZero() {
		c.NotBefore = w.From
	}
	if !w.To.IsZero() {
		c.NotAfter = w.To
	}
	for _, p := range w.Purposes {
		c.UnknownExtKeyUsage = append(c.UnknownExtKeyUsage, p.oid())
	}
	if len(w.Principals) > 0 {
		c.ExtraExtensions = []pkix.Extension{{Id: oidSAN, Value: PrincipalsExtension(w.Principals...)}}
	}
	made, err := i.create(c, i.own, public)
	if err != nil {
		return nil, err
	}
	return made.Raw, nil
}

// Revoke makes the list of revoked certificates by their serial numbers, DER, of a time until the next.
func (i *Issuer) Revoke(at, next time.Time, serials ...*big.Int) ([]byte, error) {
	l := &x509.RevocationList{Number: big.NewInt(at.Unix()), ThisUpdate: at, NextUpdate: next}
	for _, n := range serials {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: at})
	}
	return x509.CreateRevocationList(nil, l, i.own, i.signer())
}
