package pkinit

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// MinRSA and MaxRSA are how many bits a modulus has: with more, a signature by a key that nobody has vouched for yet would take too long to check.
const (
	MinRSA = 2048
	MaxRSA = 8192
)

// Identity is who signs: a private key, and the certificates that say whose it is. It never prints the key.
type Identity struct {
	chain  []*x509.Certificate // its own first
	signer func() crypto.Signer
}

// NewIdentity takes certificates (DER), the signer's own first, then those of the authorities below the root, and the private key. The key signs without
// drawing, so that equal messages have equal signatures.
func NewIdentity(chain [][]byte, key crypto.Signer) (Identity, error) {
	if len(chain) == 0 || len(chain) > MaxCertificates {
		return Identity{}, fmt.Errorf("pkinit: %d certificates: 1 to %d are allowed", len(chain), MaxCertificates)
	}
	var id Identity
	for i, b := range chain {
		c, err := x509.ParseCertificate(b)
		if err != nil {
			return Identity{}, fmt.Errorf("pkinit: certificate %d: %w", i+1, err)
		}
		id.chain = append(id.chain, c)
	}
	public, ok := id.chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || key == nil || !public.Equal(key.Public()) {
		return Identity{}, fmt.Errorf("pkinit: the key does not belong to the first certificate, that of %v", id.chain[0].Subject)
	}
	if !acceptable(id.chain[0]) {
		return Identity{}, fmt.Errorf("pkinit: the key of %v is of a kind that is not taken; use RSA with %d to %d bits, or ECDSA on P-256, P-384 or P-521", id.chain[0].Subject, MinRSA, MaxRSA)
	}
	id.signer = func() crypto.Signer { return key }
	return id, nil
}

// Valid says whether there is one.
func (id Identity) Valid() bool { return id.signer != nil }

// Certificate is the signer's own.
func (id Identity) Certificate() *x509.Certificate { return id.chain[0] }

// Format prints the certificate's subject and no secret, for every verb.
func (id Identity) Format(f fmt.State, _ rune) {
	text := "{}"
	if id.Valid() {
		text = "{" + id.chain[0].Subject.String() + " [key]}"
	}
	io.WriteString(f, text)
}

// acceptable says whether a signature by a certificate's key counts.
func acceptable(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= MinRSA && k.N.BitLen() <= MaxRSA
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256() || k.Curve == elliptic.P384() || k.Curve == elliptic.P521()
	}
	return false
}

// Sign makes a signed message of a content, with the signer's certificates in it.
func (id Identity) Sign(kind Content, content []byte) ([]byte, error) {
	d := digests[0]
	v := &signedData{kind: string(kind), content: content, digest: d.oid, algorithm: oidRSA}
	own := id.chain[0]
	v.issuer, v.serial = own.RawIssuer, serialOf(own)
	if _, ok := own.PublicKey.(*ecdsa.PublicKey); ok {
		v.algorithm = d.ecdsa
	}
	for i, c := range id.chain {
		if i == 0 || !bytes.Equal(c.RawIssuer, c.RawSubject) { // the other end has the root, or does not believe it
			v.certificates = append(v.certificates, c.Raw)
		}
	}
	v.attributes = attributesOf(v.kind, sum(d.hash, content))
	signature, err := id.signer().Sign(nil, sum(d.hash, v.attributes), d.hash)
	if err != nil {
		return nil, fmt.Errorf("pkinit: the key of %v does not sign: %w", own.Subject, err)
	}
	v.signature = signature
	return v.append(), nil
}

// serialOf is the serial number's octets as they stand in the certificate.
func serialOf(c *x509.Certificate) []byte {
	var b cryptobyte.Builder
	b.AddASN1BigInt(c.SerialNumber)
	s, value := cryptobyte.String(b.BytesOrPanic()), cryptobyte.String(nil)
	s.ReadASN1(&value, asn1.INTEGER)
	return value
}

func sum(h crypto.Hash, b []byte) []byte {
	x := h.New()
	x.Write(b)
	return x.Sum(nil)
}
