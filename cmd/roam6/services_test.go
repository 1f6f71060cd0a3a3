package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/engine"
	"roam6/node"
	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
)

func certifyBy(t *testing.T, ca *authority, cert, key, name string) {
	t.Helper()
	der, private, err := ca.issue(name)
	if err != nil {
		t.Fatal(err)
	}
	writePair(t, cert, key, der, private)
}

func writePair(t *testing.T, cert, key string, der []byte, private *ecdsa.PrivateKey) {
	t.Helper()
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", secret)
}

// issued writes a certificate and its key, as form says, signed by an authority whose own certificate it writes beside them.
func issued(t *testing.T, dir, name string, form *x509.Certificate) (cert, key, authorities string) {
	t.Helper()
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ends := form.NotAfter
	der, err := ca.sign(form, &private.PublicKey)
	if !ends.IsZero() && err == nil {
		form.NotAfter = ends
		der, err = x509.CreateCertificate(rand.Reader, form, ca.cert, &private.PublicKey, ca.key)
	}
	if err != nil {
		t.Fatal(err)
	}
	cert, key, authorities = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"), filepath.Join(dir, name+".ca")
	writePair(t, cert, key, der, private)
	writePEM(t, authorities, "CERTIFICATE", ca.cert.Raw)
	return cert, key, authorities
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// served is a configuration with one profile, and the place of its lines.
const served = `name: aaav
tls:
  - name: peers
    certificate: CERT
    key: KEY
    authorities: CA
roles:
  - aaa:
      diameter:
        host: aaa.a.example
        realm: a.example
        listen: [{address: "::", tls: peers}]
        peers: [{host: ar1.a.example, tls: peers}]
      visited: {clients: [ar1.a.example]}
`

// TestProfiles: of every mistake in the files of a profile the user is told file, line, key, path and what is wrong. A certificate that is not valid today
// is no mistake.
func TestProfiles(t *testing.T) { //spec DM-23
	dir := t.TempDir()
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	const host = "aaa.a.example"
	cert, key, ca := issued(t, dir, "good", &x509.Certificate{Subject: pkix.Name{CommonName: host}, DNSNames: []string{"AAA.a.example"}, ExtKeyUsage: both})
	_, otherKey, _ := issued(t, dir, "other", &x509.Certificate{DNSNames: []string{host}})
	common, commonKey, _ := issued(t, dir, "common", &x509.Certificate{Subject: pkix.Name{CommonName: host}})
	named, namedKey, _ := issued(t, dir, "named", &x509.Certificate{DNSNames: []string{"x.example"}})
	server, serverKey, _ := issued(t, dir, "server", &x509.Certificate{DNSNames: []string{host}, ExtKeyUsage: both[:1]})
	old, oldKey, _ := issued(t, dir, "old", &x509.Certificate{DNSNames: []string{host}, NotAfter: time.Now().Add(-time.Minute)})
	write := func(name, text string, mode os.FileMode) string {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return at
	}
	text, _ := os.ReadFile(key)
	open, locked := write("open", string(text), 0o644), write("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", 0o600)
	for _, c := range []struct {
		name, cert, key, ca string
		line                int // 0: no mistake
		says                []string
	}{
		{"right", cert, key, ca, 0, nil},
		{"old", old, oldKey, ca, 0, nil},
		{"no certificate", cert + "x", key, ca, 4, []string{"tls[0].certificate", "is not there", "README"}},
		{"no key", cert, key + "x", ca, 5, []string{"tls[0].key", "is not there"}},
		{"no authorities", cert, key, ca + "x", 6, []string{"tls[0].authorities", "is not there"}},
		{"a directory", dir, key, ca, 4, []string{"cannot be read", "is a directory"}},
		{"a key for a certificate", key, key, ca, 4, []string{"has no certificate", "BEGIN CERTIFICATE"}},
		{"a key for authorities", cert, key, key, 6, []string{"has no certificate"}},
		{"a leaf for authorities", cert, key, cert, 6, []string{"no authority", "basicConstraints"}},
		{"an authority for a certificate", ca, key, ca, 4, []string{"authority", "comes first"}},
		{"a key that all can read", cert, open, ca, 5, []string{"chmod 600 " + open}},
		{"a key with a password", cert, locked, ca, 5, []string{"password", "openssl pkey"}},
		{"another's key", cert, otherKey, ca, 5, []string{"is not the private key of " + cert}},
		{"a certificate for a key", cert, cert, ca, 5, []string{"is not the private key"}},
		{"no name but the common one", common, commonKey, ca, 4, []string{"subject alternative names", "CN=" + host, "RFC 9525", "subjectAltName=DNS:" + host}},
		{"another name", named, namedKey, ca, 4, []string{"is for x.example", "diameter.host is " + host}},
		{"for servers alone", server, serverKey, ca, 4, []string{"clientAuth"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := write("aaav.yaml", strings.NewReplacer("CERT", c.cert, "KEY", c.key, "CA", c.ca).Replace(served), 0o600)
			parsed, _, err := readNode(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := tlsProfiles(parsed)
			if c.line == 0 {
				if err != nil || p.tls["peers"] == nil || len(p.shown) != 2 || !strings.Contains(p.shown[1], "tls peers trusts: CN=roam6 lab (until ") || (len(p.stale) > 0) != (c.name == "old") {
					t.Errorf("%+v, %v", p, err)
				}
				if c.name == "old" && (!strings.Contains(p.stale[0].Error(), file+":4: tls[0].certificate: ") || !strings.Contains(p.stale[0].Error(), "expired on")) {
					t.Error(p.stale)
				}
				return
			}
			if err == nil || conclude(io.Discard, &cobra.Command{}, err) != exitUsage {
				t.Fatalf("status of %v", err)
			}
			for _, says := range append(c.says, fmt.Sprintf("%s:%d: ", file, c.line)) {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("no %q in: %v", says, err)
				}
			}
		})
	}
}

// What was read at the start is what is shown, also when the files are gone before anybody connects.
func TestCertificateIsReadOnce(t *testing.T) {
	cert, key, ca := issued(t, t.TempDir(), "peer", &x509.Certificate{DNSNames: []string{"one.example"}})
	p, err := tlsProfiles(&node.Config{TLS: []node.TLSConfig{{Name: "peers", Certificate: cert, Key: key, Authorities: ca}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(cert), os.Remove(key)); err != nil {
		t.Fatal(err)
	}
	got, err := p.tls["peers"].GetCertificate(nil)
	if err != nil || got.Leaf.DNSNames[0] != "one.example" {
		t.Error(got, err)
	}
}

// What systemd hands over is read in place of files that are root's alone.
func TestCredential(t *testing.T) {
	dir := t.TempDir()
	if got := credential("/etc/roam6/tls/x.key"); got != "/etc/roam6/tls/x.key" {
		t.Errorf("without systemd: %s", got)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	handed := filepath.Join(dir, "tls_x.key")
	if err := os.WriteFile(handed, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/etc/roam6/tls/x.key": handed, "/etc/roam6/tls/y.key": "/etc/roam6/tls/y.key", "/etc/roam6": "/etc/roam6",
		"/etc/roam6/../tls_x.key": "/etc/roam6/../tls_x.key", "/srv/tls/x.key": "/srv/tls/x.key", "tls/x.key": "tls/x.key"} {
		if got := credential(path); got != want {
			t.Errorf("%s is read as %s", path, got)
		}
	}
}

// A certificate that is renewed is shown without a restart; files that are wrong for a moment leave the old one in use.
func TestCertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	renew := func(name string) (cert, key string) {
		cert, key, _ = issued(t, dir, "peer", &x509.Certificate{DNSNames: []string{name}})
		return cert, key
	}
	cert, key := renew("one.example")
	c := &certificate{files: node.TLSConfig{Certificate: cert, Key: key}}
	shown := func() string {
		got, err := c.load()
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.DNSNames[0]
	}
	if shown() != "one.example" {
		t.Fatal("not the first")
	}
	renew("two.example")
	if shown() != "one.example" {
		t.Error("read again at once: each connection would read files")
	}
	c.read = c.read.Add(-certificateAge)
	if shown() != "two.example" {
		t.Error("the renewed one is not shown")
	}
	os.WriteFile(c.files.Certificate, nil, 0o600)
	c.read = c.read.Add(-certificateAge)
	if shown() != "two.example" {
		t.Error("an empty file took the certificate away")
	}
}

func TestTables(t *testing.T) {
	at := filepath.Join(t.TempDir(), "subscribers.db")
	if _, _, err := openDatabase(&node.Config{Database: &node.DatabaseConfig{At: at}}); err == nil || !strings.Contains(err.Error(), "roam6 subscriber add") {
		t.Errorf("a database that is not there: %v", err)
	}
	made, err := subscriber.Create(at, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Add(t.Context(), &profile.Profile{NAI: "mn@home.example", AddressFrom: profile.FromHome, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	made.Close()
	db, ask, err := openDatabase(&node.Config{Database: &node.DatabaseConfig{At: at}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if value, err := ask(t.Context(), subscriber.TableSubscriber, "mn@home.example", nil); err != nil || len(value) == 0 {
		t.Errorf("%q, %v", value, err)
	}
	var word driver.QueryError
	if _, err := ask(t.Context(), subscriber.TableSubscriber, "nobody@home.example", nil); !errors.As(err, &word) || word != engine.ErrNotFound {
		t.Errorf("nobody: %v", err)
	}
	if _, err := ask(context.Background(), "weather", "x", nil); err == nil || errors.As(err, &word) {
		t.Errorf("a table that is not there: %v", err)
	}
}
