package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roam6/keying/pkinit"
	"roam6/node"
	"roam6/wire/krb5"
)

// logonFiles writes the files of a KDC's and of ann's certificate to a directory.
func logonFiles(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := pkinit.NewIssuer("Example CA", key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", secret)
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", ca.Certificate())
	list, err := ca.Revoke(time.Now().Add(-time.Minute), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "gone.pem"), "X509 CRL", list)
	for file, w := range map[string]struct {
		name string
		of   pkinit.Purpose
	}{"kdc.pem": {"krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", pkinit.KDC}, "ann.pem": {"ann@HOME.EXAMPLE", pkinit.Client}} { //order:any
		p, err := krb5.ParsePrincipal(w.name)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := ca.Issue(pkinit.Wanted{Name: w.name, Principals: [][]byte{p.AppendSAN(nil)}, Purposes: []pkinit.Purpose{w.of}}, key.Public())
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, filepath.Join(dir, file), "CERTIFICATE", cert)
	}
}

const logonConfig = `name: box
links: [{name: wlan0, port: 1}]
database: {at: subs.db}
roles:
  - kdc:
      realm: HOME.EXAMPLE
      pkinit: {certificate: DIR/kdc.pem, key: DIR/key.pem, authorities: DIR/ca.pem, revoked: DIR/gone.pem}
  - mn:
      home_address: 2001:db8:0:1::100
      home_prefix: 2001:db8:0:1::/64
      nai: ann@home.example
      security: {auth: {spi: 256, key: "00112233445566778899aabbccddeeff00112233"}}
      kerberos:
        pkinit: {certificate: DIR/ann.pem, key: DIR/key.pem, authorities: DIR/ca.pem}
        ask: router
`

// Certificates for logons are read before a node starts, and a mistake is told with file, line and key.
func TestLogonCertificates(t *testing.T) { //spec RT-30
	dir := t.TempDir()
	logonFiles(t, dir)
	read := func(old, new string) (*node.Config, string, error) {
		at := filepath.Join(dir, "box.yaml")
		text := strings.ReplaceAll(strings.Replace(logonConfig, old, new, 1), "DIR", dir)
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, err := readNode(at)
		return c, at, err
	}
	c, _, err := read("", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Build(c, [32]byte{}); err != nil {
		t.Error(err)
	}
	if c, _, err = read("DIR/kdc.pem", "DIR/ann.pem"); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Build(c, [32]byte{}); err == nil || !strings.Contains(err.Error(), "does not name krbtgt/HOME.EXAMPLE@HOME.EXAMPLE") {
		t.Errorf("a client's certificate for the KDC: %v", err)
	}
	for _, x := range []struct{ old, new, want string }{
		{"DIR/kdc.pem", "DIR/none.pem", `box.yaml:7: roles[0].kdc.pkinit.certificate: `},
		{"revoked: DIR/gone.pem", "revoked: DIR/ca.pem", `no PEM block X509 CRL`},
		{"key: DIR/key.pem", "key: DIR/ca.pem", `no private key`},
		{"authorities: DIR/ca.pem}\n        ask", "authorities: DIR/key.pem}\n        ask", `box.yaml:14: roles[1].mn.kerberos.pkinit.authorities: `},
		{"        ask: router", "        key: \"00112233445566778899aabbccddeeff\"\n        ask: router", "exactly one of key, keytab, pkinit, aaa.key"},
	} {
		if _, _, err := read(x.old, x.new); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", x.new, err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "key.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read("", ""); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

// A keytab is read before a node starts: one that is not there, is none, or can be read by others is told.
func TestKeytabOfConfig(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.keytab")
	for _, x := range []struct {
		octets []byte
		mode   os.FileMode
		want   string
	}{{nil, 0, "principal keytab"}, {[]byte("no"), 0o600, "is no keytab"}, {[]byte{5, 2}, 0o640, "chmod 600"}, {[]byte{5, 2}, 0o600, ""}} {
		os.Remove(file)
		if x.mode != 0 {
			if err := os.WriteFile(file, x.octets, x.mode); err != nil {
				t.Fatal(err)
			}
		}
		octets, wrong := keytabOf(file)
		if (wrong == "") != (x.want == "") || !strings.Contains(wrong, x.want) || x.want == "" && len(octets) != 2 {
			t.Errorf("%q %o: %q", x.octets, x.mode, wrong)
		}
	}
}
