package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"

	"roam6/conf"
	"roam6/keying/pkinit"
	"roam6/machine/tickets"
	"roam6/node"
	"roam6/role/kdc"
)

// logonCertificates reads the certificates for logons to Kerberos that a configuration names, before its engines are made.
func logonCertificates(c *node.Config) error {
	var errs []error
	for _, p := range c.PKINITs() {
		r := &pkinitReader{c: c, at: p.At + "."}
		identity, authorities := r.read(p.Files)
		errs = append(errs, r.errs...)
		switch {
		case len(r.errs) > 0:
		case p.Server:
			p.SetServer(kdc.PKINIT{Identity: identity, Authorities: authorities})
		default:
			p.SetClient(tickets.PKINIT{Identity: identity, Authorities: authorities})
		}
	}
	return conf.Join(errs...)
}

// pkinitReader reads the files of one certificate and finds what is wrong with them.
type pkinitReader struct {
	c    *node.Config
	at   string
	errs []error
}

func (r *pkinitReader) wrong(key, path, problem string) {
	r.errs = append(r.errs, r.c.Wrong(r.at+key, path, problem))
}

func (r *pkinitReader) read(f *node.PKINITConfig) (identity pkinit.Identity, authorities *pkinit.Authorities) {
	chain, roots := r.blocks("certificate", f.Certificate, "CERTIFICATE"), r.blocks("authorities", f.Authorities, "CERTIFICATE")
	var revoked [][]byte
	if f.Revoked != "" {
		revoked = r.blocks("revoked", f.Revoked, "X509 CRL")
	}
	key := r.key(f.Key)
	if len(r.errs) > 0 {
		return identity, nil
	}
	var err error
	if identity, err = pkinit.NewIdentity(chain, key); err != nil {
		r.wrong("certificate", f.Certificate, err.Error())
	}
	if authorities, err = pkinit.NewAuthorities(roots, revoked); err != nil {
		r.wrong("authorities", f.Authorities, err.Error())
	}
	return identity, authorities
}

// blocks are those of a kind in a PEM file.
func (r *pkinitReader) blocks(key, path, kind string) (list [][]byte) {
	text, err := os.ReadFile(credential(path))
	if err != nil {
		r.wrong(key, path, "cannot be read: "+errors.Unwrap(err).Error())
		return nil
	}
	for {
		b, rest := pem.Decode(text)
		if b == nil {
			break
		}
		if text = rest; b.Type == kind {
			list = append(list, b.Bytes)
		}
	}
	if len(list) == 0 {
		r.wrong(key, path, "has no PEM block "+kind)
	}
	return list
}

func (r *pkinitReader) key(path string) crypto.Signer {
	if at, err := os.Stat(path); err == nil && credential(path) == path && at.Mode().Perm()&0o077 != 0 {
		r.wrong("key", path, "can be read by others; chmod 600 "+path)
		return nil
	}
	text, err := os.ReadFile(credential(path))
	if err != nil {
		r.wrong("key", path, "cannot be read: "+errors.Unwrap(err).Error())
		return nil
	}
	for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
		for _, parse := range []func([]byte) (any, error){x509.ParsePKCS8PrivateKey, func(d []byte) (any, error) { return x509.ParseECPrivateKey(d) },
			func(d []byte) (any, error) { return x509.ParsePKCS1PrivateKey(d) }} {
			if k, err := parse(b.Bytes); err == nil {
				if s, ok := k.(crypto.Signer); ok {
					return s
				}
			}
		}
	}
	r.wrong("key", path, "has no private key in PEM that can sign, without a passphrase")
	return nil
}
