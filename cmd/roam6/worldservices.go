package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"roam6/lab"
	"roam6/node"
	"roam6/scenario"
	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
)

// labServices gives the nodes of one lab certificates of an authority that lives as long as the lab, and those with subscribers a
// real database. Paths in the nodes' configurations are not looked at: they are those of hosts.
func labServices() func(*scenario.Node) (lab.Services, error) {
	var ca *authority
	return func(n *scenario.Node) (s lab.Services, err error) {
		c, err := node.Parse(n.Name+".yaml", n.Config)
		if err != nil {
			return s, err
		}
		if len(c.TLS) > 0 && ca == nil {
			if ca, err = newAuthority(); err != nil {
				return s, err
			}
		}
		for _, t := range c.TLS {
			if s.TLS == nil {
				s.TLS = map[string]*tls.Config{}
			}
			if s.TLS[t.Name], err = ca.profile(n.Identity); err != nil {
				return s, err
			}
		}
		if n.Subscribers != nil {
			err = withDatabase(&s, n.Subscribers)
		}
		return s, err
	}
}

// withDatabase makes a database of subscribers that is gone with the lab.
func withDatabase(s *lab.Services, subscribers []byte) error {
	dir, err := os.MkdirTemp("", "roam6-subscribers")
	if err != nil {
		return err
	}
	db, err := subscriber.Create(filepath.Join(dir, "subscribers.db"), "")
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.Query = tables(db)
	s.Close = func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) }
	_, err = db.Import(context.Background(), bytes.NewReader(subscribers), profile.JSONL, func(subscriber.Loaded) {})
	return err
}

// authority signs the certificates of one lab.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

// labCertificates is how long a lab's certificates hold: longer than any lab is up.
const labCertificates = 10 * 365 * 24 * time.Hour

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	form := &x509.Certificate{Subject: pkix.Name{CommonName: "roam6 lab"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.cert = form
	der, err := a.sign(form, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	a.pool.AddCert(a.cert)
	return a, nil
}

func (a *authority) sign(form *x509.Certificate, public *ecdsa.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	form.SerialNumber, form.NotBefore, form.NotAfter = serial, time.Now().Add(-time.Hour), time.Now().Add(labCertificates)
	return x509.CreateCertificate(rand.Reader, form, a.cert, public, a.key)
}

// profile makes a node's profile: a certificate of its own, and trust in whom the authority signed.
func (a *authority) profile(name string) (*tls.Config, error) {
	if name == "" {
		return nil, fmt.Errorf("a node with TLS has no identity in the plan")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: a.pool, ClientCAs: a.pool}, nil
}
