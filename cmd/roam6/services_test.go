package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/engine"
	"roam6/node"
	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
)

// certify writes a certificate for a name, and its key, of an authority that nobody else knows.
func certify(t *testing.T, cert, key, name string) {
	t.Helper()
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	certifyBy(t, ca, cert, key, name)
}

func certifyBy(t *testing.T, ca *authority, cert, key, name string) {
	t.Helper()
	der, private, err := ca.issue(name)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", secret)
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProfiles(t *testing.T) { //spec DM-23
	dir := t.TempDir()
	c := node.TLSConfig{Name: "peers", Certificate: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"), Authorities: filepath.Join(dir, "cert")}
	certify(t, c.Certificate, c.Key, "ar.a.example")
	got, err := tlsProfiles([]node.TLSConfig{c})
	if err != nil || got["peers"] == nil {
		t.Fatal(got, err)
	}
	for _, wrong := range []struct {
		name, want string
		spoil      func(c *node.TLSConfig)
	}{
		{"no key", "no such file", func(c *node.TLSConfig) { c.Key += "x" }},
		{"no certificate", "no such file", func(c *node.TLSConfig) { c.Certificate += "x" }},
		{"no authority", "no such file", func(c *node.TLSConfig) { c.Authorities += "x" }},
		{"a key for authorities", "has no certificate", func(c *node.TLSConfig) { c.Authorities = c.Key }},
		{"a key anybody reads", "chmod 600", func(c *node.TLSConfig) {
			c.Key = filepath.Join(dir, "open")
			text, _ := os.ReadFile(filepath.Join(dir, "key"))
			os.WriteFile(c.Key, text, 0o644)
		}},
		{"another certificate's key", "private key does not match", func(c *node.TLSConfig) {
			c.Key = filepath.Join(dir, "other")
			certify(t, filepath.Join(dir, "unused"), c.Key, "other.example")
		}},
	} {
		x := c
		wrong.spoil(&x)
		_, err := tlsProfiles([]node.TLSConfig{c, x})
		if err == nil || !strings.Contains(err.Error(), wrong.want) || !strings.Contains(err.Error(), "tls profile peers") || conclude(io.Discard, &cobra.Command{}, err) != exitUsage {
			t.Errorf("%s: %v", wrong.name, err)
		}
	}
}

// A certificate that is renewed is shown without a restart; files that are wrong for a moment leave the old one in use.
func TestCertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	c := &certificate{files: node.TLSConfig{Certificate: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key")}}
	certify(t, c.files.Certificate, c.files.Key, "one.example")
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
	certify(t, c.files.Certificate, c.files.Key, "two.example")
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
	if _, _, err := openDatabase(&node.DatabaseConfig{At: at}); err == nil || !strings.Contains(err.Error(), "roam6 subscriber add") {
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
	db, ask, err := openDatabase(&node.DatabaseConfig{At: at})
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
