package pkinit

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	noon  = begin.AddDate(0, 6, 0)
	end   = begin.AddDate(1, 0, 0)
)

// annDER stands for a KRB5PrincipalName, which is not looked into here.
const annDER = "\x1b\x03ann"

// keys of each kind, made once: RSA takes long.
var (
	rsaKey   = must(rsa.GenerateKey(rand.Reader, 2048))
	weakKey  = must(rsa.GenerateKey(rand.Reader, 1024))
	curveKey = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rootKey  = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
)

func issuer(t testing.TB) *Issuer {
	t.Helper()
	return must(NewIssuer("Example CA", rootKey, begin, end))
}

func client(t testing.TB, i *Issuer, key crypto.Signer, change func(*Wanted)) Identity {
	t.Helper()
	w := Wanted{Name: "ann", Principals: [][]byte{[]byte(annDER)}, Purposes: []Purpose{Client}}
	if change != nil {
		change(&w)
	}
	return must(NewIdentity([][]byte{must(i.Issue(w, key.Public()))}, key))
}

func TestSignedIsOpened(t *testing.T) { //spec RT-30
	i := issuer(t)
	a := must(NewAuthorities([][]byte{i.Certificate()}, nil))
	for _, key := range []crypto.Signer{rsaKey, curveKey} {
		id := client(t, i, key, nil)
		m := must(id.Sign(AuthData, []byte("what is signed")))
		got, err := a.Open(m, AuthData, Client, noon)
		if err != nil || string(got.Content) != "what is signed" || len(got.Chain) != 2 {
			t.Fatalf("%T: %v, %q, chain of %d", key, err, got.Content, len(got.Chain))
		}
		if again := must(id.Sign(AuthData, []byte("what is signed"))); !bytes.Equal(m, again) {
			t.Errorf("%T: equal contents have different signatures", key)
		}
		if n := Principals(got.Certificate); len(n) != 1 || string(n[0]) != annDER {
			t.Errorf("names %q", n)
		}
		for n := range m { // no prefix, and nothing that was altered, is believed
			if _, err := a.Open(m[:n], AuthData, Client, noon); err == nil {
				t.Fatalf("%d of %d octets are believed", n, len(m))
			}
		}
		for n := 0; n < len(m); n += 11 {
			bad := bytes.Clone(m)
			bad[n] ^= 4
			got, err := a.Open(bad, AuthData, Client, noon)
			if err == nil && !bytes.Equal(got.Content, []byte("what is signed")) {
				t.Fatalf("octet %d altered: %q is believed", n, got.Content)
			}
			if err != nil && !errors.As(err, new(Reason)) {
				t.Fatalf("octet %d altered: %v is no reason", n, err)
			}
		}
		if text := fmt.Sprintf("%v %+v %#v", id, id, id); strings.Count(text, "[key]") != 3 {
			t.Error(text)
		}
	}
}

func TestRefused(t *testing.T) { //spec RT-30
	i := issuer(t)
	other := must(NewIssuer("Example CA", curveKey, begin, end)) // the same name, another key
	stranger := must(NewIssuer("Stranger", curveKey, begin, end))
	roots := [][]byte{i.Certificate()}
	good := client(t, i, rsaKey, nil)
	list := func(from, to time.Time, serials ...*big.Int) [][]byte {
		return [][]byte{must(i.Revoke(from, to, serials...))}
	}
	serial := good.Certificate().SerialNumber
	for _, c := range []struct {
		name  string
		id    Identity
		lists [][]byte
		at    time.Time
		kind  Content
		alter func(*signedData)
		want  error
	}{
		{name: "good", id: good},
		{name: "a stranger's", id: client(t, stranger, rsaKey, nil), want: Untrusted},
		{name: "the authority's name, not its key", id: client(t, other, rsaKey, nil), want: Untrusted},
		{name: "expired", id: good, at: end.Add(time.Hour), want: Invalid},
		{name: "not yet good", id: client(t, i, rsaKey, func(w *Wanted) { w.From = noon.Add(time.Hour) }), want: Invalid},
		{name: "for a KDC", id: client(t, i, rsaKey, func(w *Wanted) { w.Purposes = []Purpose{KDC} }), want: WrongPurpose},
		{name: "for nothing", id: client(t, i, rsaKey, func(w *Wanted) { w.Purposes = nil }), want: WrongPurpose},
		{name: "another content", id: good, kind: DHKeyData, want: WrongContent},
		{name: "revoked", id: good, lists: list(noon.Add(-time.Hour), end, serial), want: Revoked},
		{name: "revoked, by an old list", id: good, lists: list(begin, begin.Add(time.Hour), serial), want: Revoked},
		{name: "another is revoked", id: good, lists: list(noon.Add(-time.Hour), end, big.NewInt(77))},
		{name: "the list is old", id: good, lists: list(begin, begin.Add(time.Hour)), want: RevocationUnknown},
		{name: "a stranger's list", id: good, lists: [][]byte{must(other.Revoke(begin, end, serial))}},
		{name: "no certificate", id: good, alter: func(v *signedData) { v.certificates = nil }, want: NoCertificate},
		{name: "a weak key", id: weak(t, i), want: NoCertificate},
		{name: "SHA-1", id: good, alter: func(v *signedData) { v.digest = "\x2b\x0e\x03\x02\x1a" }, want: WrongDigest},
		{name: "another signature algorithm", id: good, alter: func(v *signedData) { v.algorithm = digests[2].rsa }, want: WrongSignature},
		{name: "another content under it", id: good, alter: func(v *signedData) { v.content = []byte("other") }, want: WrongSignature},
		{name: "attributes of another kind", id: good, alter: func(v *signedData) { v.kind = string(DHKeyData) }, want: WrongContent},
	} {
		a := must(NewAuthorities(roots, c.lists))
		m := must(c.id.Sign(AuthData, []byte("content")))
		if c.alter != nil {
			v := must(parseSigned(m))
			c.alter(v)
			m = v.append()
		}
		if c.kind == "" {
			c.kind = AuthData
		}
		if c.at.IsZero() {
			c.at = noon
		}
		if _, err := a.Open(m, c.kind, Client, c.at); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// weak is an identity with a key that NewIdentity does not take.
func weak(t *testing.T, i *Issuer) Identity {
	t.Helper()
	b := must(i.Issue(Wanted{Name: "ann", Principals: [][]byte{[]byte(annDER)}, Purposes: []Purpose{Client}}, weakKey.Public()))
	return Identity{chain: []*x509.Certificate{must(x509.ParseCertificate(b))}, signer: func() crypto.Signer { return weakKey }}
}

// What has a signature without signed attributes, or two signers, cannot be read as something else.
func TestShape(t *testing.T) {
	i := issuer(t)
	a := must(NewAuthorities([][]byte{i.Certificate()}, nil))
	m := must(client(t, i, rsaKey, nil).Sign(AuthData, []byte("content")))
	v := must(parseSigned(m))
	if !bytes.Equal(v.append(), m) {
		t.Error("it is not written as it was read")
	}
	v.attrDigest = nil
	if v.verify(rsaCertificate(t, v)) == nil {
		t.Error("without attributes")
	}
	for _, bad := range [][]byte{nil, {0x30}, append(bytes.Clone(m), 0), make([]byte, MaxMessage+1)} {
		if _, err := a.Open(bad, AuthData, Client, noon); !errors.Is(err, Malformed) {
			t.Errorf("%d octets: %v", len(bad), err)
		}
	}
}

func rsaCertificate(t *testing.T, v *signedData) *x509.Certificate {
	t.Helper()
	return must(x509.ParseCertificate(v.certificates[0]))
}

func TestIdentityIsChecked(t *testing.T) {
	i := issuer(t)
	mine := must(i.Issue(Wanted{Name: "ann"}, rsaKey.Public()))
	for _, c := range []struct {
		chain [][]byte
		key   crypto.Signer
		want  string
	}{
		{nil, rsaKey, "0 certificates"},
		{slices.Repeat([][]byte{mine}, MaxCertificates+1), rsaKey, "1 to 8"},
		{[][]byte{mine[1:]}, rsaKey, "certificate 1"},
		{[][]byte{mine}, curveKey, "does not belong"},
		{[][]byte{mine}, nil, "does not belong"},
		{[][]byte{must(i.Issue(Wanted{Name: "weak"}, weakKey.Public()))}, weakKey, "2048 to 8192 bits"},
	} {
		if _, err := NewIdentity(c.chain, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if _, err := NewAuthorities(nil, nil); err == nil {
		t.Error("nobody is believed")
	}
	if _, err := NewAuthorities([][]byte{mine}, nil); err == nil || !strings.Contains(err.Error(), "no authority") {
		t.Errorf("a user as an authority: %v", err)
	}
	if _, err := NewAuthorities([][]byte{i.Certificate()}, [][]byte{mine}); err == nil {
		t.Error("a certificate as a list")
	}
}

// The message of MIT Kerberos in the tree of wire/krb5 is read; its certificate names eve, and has no purpose.
func TestMIT(t *testing.T) { //spec RT-30
	m := mitMessage(t)
	v := must(parseSigned(m))
	own, _, err := v.signer()
	if err != nil || v.kind != string(AuthData) {
		t.Fatal(err)
	}
	if err := v.verify(own); err != nil {
		t.Error(err)
	}
	if n := Principals(own); len(n) != 1 || !bytes.Contains(n[0], []byte("eve")) {
		t.Errorf("%q", n)
	}
	if purposed(own, Client) {
		t.Error("it has a purpose")
	}
}

// mitMessage finds the signed message in a recorded AS-REQ: a ContentInfo with SignedData, whose length has two octets.
func mitMessage(t testing.TB) []byte {
	t.Helper()
	for line := range strings.Lines(string(must(os.ReadFile("../../wire/krb5/testdata/mit.txt")))) {
		if name, digits, _ := strings.Cut(strings.TrimSpace(line), " "); name == "pkinit-req" {
			b := must(hex.DecodeString(digits))
			at := bytes.Index(b, []byte("\x06\x09"+oidSignedData)) - 4
			return b[at : at+4+int(b[at+2])<<8+int(b[at+3])]
		}
	}
	t.Fatal("no pkinit-req")
	return nil
}

// OpenSSL verifies what we sign.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl")
	}
	now := time.Now()
	i := must(NewIssuer("Example CA", rootKey, now.Add(-time.Hour), now.Add(time.Hour)))
	dir := t.TempDir()
	for _, key := range []crypto.Signer{rsaKey, curveKey} {
		m := must(client(t, i, key, nil).Sign(AuthData, []byte("content")))
		for name, b := range map[string][]byte{"m": m, "ca": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate()})} { //order:any
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command("openssl", "cms", "-verify", "-inform", "DER", "-in", filepath.Join(dir, "m"), "-CAfile", filepath.Join(dir, "ca"), "-purpose", "any").CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("content")) {
			t.Errorf("%T: %v\n%s", key, err, out)
		}
	}
}

func TestDiffieHellman(t *testing.T) { //spec RT-30
	for _, g := range []Group{MODP2048, P256} {
		a, b := Draw(g, rand.Reader), Draw(g, rand.Reader)
		info := a.PublicInfo()
		got, public, err := ParsePublicInfo(info)
		if err != nil || got != g {
			t.Fatalf("%v: %v, %v", g, got, err)
		}
		x, y := must(b.Shared(public)), must(a.Shared(b.Public()))
		if !bytes.Equal(x, y) || len(x) != map[Group]int{MODP2048: 256, P256: 32}[g] {
			t.Errorf("%v: %d and %d octets", g, len(x), len(y))
		}
		seed := bytes.Repeat([]byte{7}, secretLen)
		if !bytes.Equal(Draw(g, bytes.NewReader(seed)).Public(), Draw(g, bytes.NewReader(seed)).Public()) {
			t.Errorf("%v: equal draws differ", g)
		}
		for n := range info {
			if _, _, err := ParsePublicInfo(info[:n]); err == nil {
				t.Fatalf("%v: %d octets are taken", g, n)
			}
		}
		if text := fmt.Sprintf("%v %+v %#v %x", a, a, a, a); text != "[key] [key] [key] [key]" {
			t.Error(text)
		}
	}
	integer := func(n *big.Int) []byte { return must(asn1Integer(n)) }
	for name, bad := range map[string][]byte{ //order:any
		"0": integer(new(big.Int)), "1": integer(big.NewInt(1)), "p-1": integer(new(big.Int).Sub(prime, big.NewInt(1))), "p": integer(prime), "-2": integer(big.NewInt(-2)),
		"none": nil, "long": make([]byte, 400),
	} {
		if _, err := Draw(MODP2048, rand.Reader).Shared(bad); !errors.Is(err, WrongPublic) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Draw(P256, rand.Reader).Shared(bytes.Repeat([]byte{4}, 65)); !errors.Is(err, WrongPublic) {
		t.Error("a point beside the curve")
	}
	odd := bytes.Replace(Draw(MODP2048, rand.Reader).PublicInfo(), []byte{2, 1, 2}, []byte{2, 1, 3}, 1)
	if _, _, err := ParsePublicInfo(odd); !errors.Is(err, WrongParameters) {
		t.Errorf("another generator: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	i := issuer(f)
	a := must(NewAuthorities([][]byte{i.Certificate()}, nil))
	f.Add(must(client(f, i, curveKey, nil).Sign(AuthData, []byte("content"))))
	f.Add(mitMessage(f))
	f.Add(Draw(MODP2048, rand.Reader).PublicInfo())
	f.Add(Draw(P256, rand.Reader).PublicInfo())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := a.Open(b, AuthData, Client, noon); err != nil && !errors.As(err, new(Reason)) {
			t.Errorf("%v is no reason", err)
		}
		if v, err := parseSigned(b); err == nil && v.attributes != nil && v.issuer != nil {
			if again, err := parseSigned(v.append()); err != nil || !bytes.Equal(again.content, v.content) || !bytes.Equal(again.signature, v.signature) {
				t.Errorf("%x is not written as it was read: %v", b, err)
			}
		}
		if g, public, err := ParsePublicInfo(b); err == nil {
			_, _ = Draw(g, bytes.NewReader(bytes.Repeat([]byte{7}, 64))).Shared(public)
		}
	})
}

func asn1Integer(n *big.Int) ([]byte, error) { return asn1.Marshal(n) }
