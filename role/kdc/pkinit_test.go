package kdc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/keying/pkinit"
	"roam6/machine/tickets"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// keys of certificates, made once.
var (
	caKey     = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	kdcKey    = must(rsa.GenerateKey(rand.Reader, 2048))
	clientKey = must(rsa.GenerateKey(rand.Reader, 2048))
)

// papers is an authority, and what it gave.
type papers struct {
	*pkinit.Issuer
	kdc *PKINIT
}

// newPapers makes an authority, and what the KDC of a realm needs of it.
func newPapers(at time.Time, realm string, lists ...[]byte) *papers {
	p := &papers{Issuer: must(pkinit.NewIssuer("Example CA", caKey, at.Add(-24*time.Hour), at.Add(24*time.Hour)))}
	cert := p.issue(krb5.Principal{Name: krb5.TGS(realm), Realm: realm}, kdcKey, func(w *pkinit.Wanted) { w.Purposes = []pkinit.Purpose{pkinit.KDC} })
	p.kdc = &PKINIT{Identity: must(pkinit.NewIdentity([][]byte{cert}, kdcKey)), Authorities: must(pkinit.NewAuthorities([][]byte{p.Certificate()}, lists))}
	return p
}

func (p *papers) issue(name krb5.Principal, key crypto.Signer, change func(*pkinit.Wanted)) []byte {
	w := pkinit.Wanted{Name: name.String(), Principals: [][]byte{name.AppendSAN(nil)}, Purposes: []pkinit.Purpose{pkinit.Client}}
	if change != nil {
		change(&w)
	}
	return must(p.Issue(w, key.Public()))
}

func (p *papers) client(name string, change func(*pkinit.Wanted)) pkinit.Identity {
	return must(pkinit.NewIdentity([][]byte{p.issue(id(name), clientKey, change)}, clientKey))
}

// signed changes a request to one with PA-PK-AS-REQ.
func (w *world) signed(by pkinit.Identity, change func(*krb5.AuthPack)) func(*krb5.KDCReq) {
	return func(q *krb5.KDCReq) {
		sum := sha1.Sum(q.Body.Octets())
		pack := krb5.AuthPack{Time: w.now.Wall, Nonce: 7, Checksum: sum[:], PublicValue: pkinit.Draw(pkinit.MODP2048, rand.Reader).PublicInfo(), KDFs: []int{2}}
		if change != nil {
			change(&pack)
		}
		q.PAData = krb5.List{{Type: krb5.PAPKASReq, Data: krb5.PKASReq{Signed: must(by.Sign(pkinit.AuthData, pack.Append(nil)))}.Append(nil)}}
	}
}

// A logon by certificate gives a TGT, in either group, with the key derivation of either RFC; it has the authorities in it, and serves like any other.
func TestCertificate(t *testing.T) { //spec RT-30
	w := newWorld(t)
	p := newPapers(w.now.Wall, "HOME.EXAMPLE")
	c := w.add(Config{Realm: "HOME.EXAMPLE", PKINIT: p.kdc}, ann, host)
	c.start()
	for _, g := range []pkinit.Group{pkinit.MODP2048, pkinit.P256} {
		cl := must(tickets.New(tickets.Config{Client: id(ann), Lightweight: true, PKINIT: &tickets.PKINIT{Identity: p.client(ann, nil), Authorities: p.kdc.Authorities, Group: g},
			Realms: []tickets.Realm{{Name: "HOME.EXAMPLE", KDCs: []tickets.KDC{{At: c.at, Stream: true}}}}}, engine.NewRand([32]byte{byte(g) + 1})))
		var out engine.Effects
		got := byStream(c, cl, cl.Start(w.now, &out))
		if len(got) != 1 || got[0].Flags&(krb5.Initial|krb5.PreAuthent) != krb5.Initial|krb5.PreAuthent || len(got[0].Light.Sealed) == 0 {
			t.Fatalf("%v: %+v, %v", g, got, c.drops)
		}
		in := must(krb5.ParseEncTicketPart(must(keyOf(home, keys.EType(got[0].Ticket.Enc.EType)).Decrypt(nil, keys.TicketPart, got[0].Ticket.Enc.Cipher))))
		if _, ok := in.AuthData.Flat().Find(krb5.ADInitialVerifiedCAs); !ok {
			t.Errorf("%v: no authorities in %+v", g, in.AuthData)
		}
		facts, _ := cl.Want(w.now, id(host), &out)
		if got := byStream(c, cl, facts); len(got) != 1 || !got[0].Server.Equal(id(host)) {
			t.Errorf("%v: %+v, %v", g, got, c.drops)
		}
	}
	if n := c.granted["as"]; n != 2 {
		t.Errorf("%d logons", n)
	}
}

// byStream carries what a client sends to a KDC and back.
func byStream(c *center, cl *tickets.Client, facts []tickets.Fact) (granted []*tickets.Ticket) {
	var out engine.Effects
	for ; len(facts) > 0; facts = facts[1:] {
		switch f := facts[0].(type) {
		case tickets.Send:
			m, _, _ := krb5.NextFrame(f.Data)
			facts = append(facts, cl.HeardStream(c.w.now, f.Exchange, krb5.AppendFrame(nil, c.askTCP(m)), &out)...)
		case tickets.Granted:
			granted = append(granted, f.Ticket)
		}
	}
	return granted
}

// Each refusal has its own error and count, and changes nothing.
func TestCertificateRefused(t *testing.T) { //spec RT-30
	w := newWorld(t)
	now := w.now.Wall
	stranger := must(pkinit.NewIssuer("Stranger", clientKey, now.Add(-time.Hour), now.Add(time.Hour)))
	p := newPapers(now, "HOME.EXAMPLE")
	good, gone := p.client(ann, nil), p.client(ann, nil)
	p = &papers{p.Issuer, &PKINIT{p.kdc.Identity, must(pkinit.NewAuthorities([][]byte{p.Certificate()}, [][]byte{must(p.Revoke(now, now.Add(time.Hour), gone.Certificate().SerialNumber))}))}}
	c := w.add(Config{Realm: "HOME.EXAMPLE", PKINIT: p.kdc}, ann, "bob@HOME.EXAMPLE", "off@HOME.EXAMPLE")
	c.db["off@HOME.EXAMPLE"].Enabled = false
	c.start()
	foreign := must(pkinit.NewIdentity([][]byte{must(stranger.Issue(pkinit.Wanted{Principals: [][]byte{id(ann).AppendSAN(nil)}, Purposes: []pkinit.Purpose{pkinit.Client}}, clientKey.Public()))}, clientKey))
	for _, x := range []struct {
		name   string
		who    string
		by     pkinit.Identity
		change func(*krb5.AuthPack)
		raw    func(*krb5.KDCReq)
		want   krb5.ErrorCode
		typed  int32
	}{
		{name: "foreign", by: foreign, want: krb5.ErrCantVerifyCertificate, typed: krb5.TDTrustedCertifiers},
		{name: "expired", by: p.client(ann, func(w *pkinit.Wanted) { w.To = now.Add(-time.Minute) }), want: krb5.ErrInvalidCertificate},
		{name: "not yet", by: p.client(ann, func(w *pkinit.Wanted) { w.From = now.Add(time.Minute) }), want: krb5.ErrInvalidCertificate},
		{name: "revoked", by: gone, want: krb5.ErrRevokedCertificate},
		{name: "another's", by: p.client("bob@HOME.EXAMPLE", nil), want: krb5.ErrClientNameMismatch},
		{name: "nobody's", by: p.client(ann, func(w *pkinit.Wanted) { w.Principals = nil }), want: krb5.ErrClientNameMismatch},
		{name: "a KDC's", by: p.client(ann, func(w *pkinit.Wanted) { w.Purposes = []pkinit.Purpose{pkinit.KDC} }), want: krb5.ErrInconsistentKeyPurpose},
		{name: "disabled", who: "off@HOME.EXAMPLE", by: p.client("off@HOME.EXAMPLE", nil), want: krb5.ErrClientRevoked},
		{name: "unknown", who: "eve@HOME.EXAMPLE", by: p.client("eve@HOME.EXAMPLE", nil), want: krb5.ErrCPrincipalUnknown},
		{name: "old", by: good, change: func(a *krb5.AuthPack) { a.Time = a.Time.Add(-6 * time.Minute) }, want: krb5.ErrSkew},
		{name: "another body", by: good, change: func(a *krb5.AuthPack) { a.Checksum[3] ^= 1 }, want: krb5.ErrModified},
		{name: "no checksum", by: good, change: func(a *krb5.AuthPack) { a.Checksum = nil }, want: krb5.ErrPAChecksumMustBeIncluded},
		{name: "no public value", by: good, change: func(a *krb5.AuthPack) { a.PublicValue = nil }, want: krb5.ErrPublicKeyEncryptionNotSupported},
		{name: "a small group", by: good, change: func(a *krb5.AuthPack) { a.PublicValue[60] ^= 1 }, want: krb5.ErrDHKeyParametersNotAccepted, typed: krb5.TDDHParameters},
		{name: "unknown functions", by: good, change: func(a *krb5.AuthPack) { a.KDFs = []int{77} }, want: krb5.ErrNoAcceptableKDF},
		{name: "not CMS", by: good, raw: func(q *krb5.KDCReq) {
			q.PAData = krb5.List{{Type: krb5.PAPKASReq, Data: krb5.PKASReq{Signed: []byte{0x30, 0}}.Append(nil)}}
		}, want: krb5.ErrPreauthFailed},
		{name: "no padata", by: good, raw: func(q *krb5.KDCReq) { q.PAData = krb5.List{{Type: krb5.PAPKASReq, Data: []byte{1}}} }, want: krb5.ErrPreauthFailed},
	} {
		if x.who == "" {
			x.who = ann
		}
		if x.raw == nil {
			x.raw = w.signed(x.by, x.change)
		}
		before, records, counted := c.granted["as"], len(c.records), c.refused[(&refusal{code: x.want}).reason()]
		_, e := w.read(nil, c.askTCP(c.asReq(x.who, keys.AES256SHA384, x.raw)), keys.Key{}, 0)
		if e == nil || e.Code != x.want {
			t.Errorf("%s: %+v, want %v", x.name, e, x.want)
			continue
		}
		if x.typed != 0 {
			if list, err := krb5.ParseAuthData(e.Data); err != nil || len(list) != 1 || list[0].Type != x.typed {
				t.Errorf("%s: e-data %v, %v", x.name, list, err)
			}
		}
		if c.granted["as"] != before || len(c.records) != records || len(c.tasks)+len(c.working) != 0 {
			t.Errorf("%s changed something", x.name)
		}
		if c.refused[(&refusal{code: x.want}).reason()] != counted+1 {
			t.Errorf("%s is not counted: %v", x.name, c.refused)
		}
	}
	_, e := w.read(nil, c.askTCP(c.asReq(ann, keys.AES256SHA384, func(q *krb5.KDCReq) { q.PAData = nil })), keys.Key{}, 0)
	if list, err := krb5.ParseMethodData(e.Data); err != nil || !slices.ContainsFunc(list, func(x krb5.Typed) bool { return x.Type == krb5.PAPKASReq }) {
		t.Errorf("PKINIT is not offered: %v %v", list, err)
	}
}

// A KDC that has no certificate of its realm does not start.
func TestCertificateOfKDC(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := newPapers(at, "HOME.EXAMPLE")
	cfg := Config{Realm: "A.EXAMPLE", Listen: newWorld(t).add(Config{Realm: "HOME.EXAMPLE"}).cfg.Listen, PKINIT: p.kdc}
	if _, err := New(cfg, [32]byte{}); err == nil || !strings.Contains(err.Error(), "does not name krbtgt/A.EXAMPLE@A.EXAMPLE") {
		t.Error(err)
	}
	cfg.PKINIT = &PKINIT{}
	if _, err := New(cfg, [32]byte{}); err == nil || !strings.Contains(err.Error(), "both") {
		t.Error(err)
	}
}

// kinit of MIT Kerberos logs on with a certificate, and uses the ticket; with a revoked one it is refused.
func TestMITCertificate(t *testing.T) { //spec RT-30
	if _, err := exec.LookPath("kinit"); err != nil {
		t.Skip("no kinit (apt-get install krb5-user)")
	}
	if list, _ := filepath.Glob("/usr/lib/*/krb5/plugins/preauth/pkinit.so"); list == nil {
		t.Skip("kinit has no PKINIT (apt-get install krb5-pkinit)")
	}
	l := newLive(t)
	now := time.Now()
	p := newPapers(now, "HOME.EXAMPLE")
	gone := p.issue(id(ann), clientKey, nil)
	serial := must(x509.ParseCertificate(gone)).SerialNumber
	p.kdc.Authorities = must(pkinit.NewAuthorities([][]byte{p.Certificate()}, [][]byte{must(p.Revoke(now.Add(-time.Hour), now.Add(time.Hour), serial, big.NewInt(99)))}))
	h := l.add(Config{Realm: "HOME.EXAMPLE", PKINIT: p.kdc}, host)
	h.db[ann] = must(principal.Fresh(ann))
	h.db[ann].Add(principal.Drawn(1, keys.ETypes(), now, func(b []byte) { clear(b) })...)
	conf := strings.Replace(l.conf(1465, "aes256-cts-hmac-sha384-192"), " HOME.EXAMPLE = {\n", " HOME.EXAMPLE = {\n  pkinit_anchors = FILE:"+l.dir+"/ca.pem\n", 1)
	l.write("krb5.conf", conf)
	file := func(name, kind string, b []byte) {
		l.write(name, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})))
	}
	file("ca.pem", "CERTIFICATE", p.Certificate())
	file("key.pem", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(clientKey)))
	file("ann.pem", "CERTIFICATE", p.issue(id(ann), clientKey, nil))
	file("gone.pem", "CERTIFICATE", gone)
	with := func(cert string) string {
		return "X509_user_identity=FILE:" + l.dir + "/" + cert + "," + l.dir + "/key.pem"
	}
	l.mit("", true, "kinit", "-X", with("ann.pem"), ann)
	l.mit("", true, "kvno", host)
	if list := l.mit("", true, "klist", "-ef"); !strings.Contains(list, "Default principal: "+ann) || !strings.Contains(list, host) {
		t.Errorf("klist: %s", list)
	}
	armor := "FILE:" + filepath.Join(l.dir, "cc")
	l.mit("", true, "kinit", "-T", armor, "-c", "FILE:"+filepath.Join(l.dir, "second"), "-X", with("ann.pem"), ann)
	l.mit("\n", false, "kinit", "-c", "FILE:"+filepath.Join(l.dir, "no"), "-X", with("gone.pem"), ann)
	if !strings.Contains(h.dropped(), "revoked-certificate") {
		t.Errorf("refused: %s", h.dropped())
	}
}
