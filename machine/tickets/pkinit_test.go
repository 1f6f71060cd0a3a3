package tickets

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/pkinit"
	"roam6/wire/krb5"
)

// keys of certificates, made once.
var (
	caKey   = must(rsa.GenerateKey(rand.Reader, 2048))
	ownKey  = must(rsa.GenerateKey(rand.Reader, 2048))
	homeKDC = krb5.Principal{Name: krb5.TGS(home), Realm: home}
)

// papers is an authority, good for a day around now.
func papers(at time.Time) *pkinit.Issuer {
	return must(pkinit.NewIssuer("Example CA", caKey, at.Add(-24*time.Hour), at.Add(24*time.Hour)))
}

func certified(i *pkinit.Issuer, who krb5.Principal, use pkinit.Purpose, change func(*pkinit.Wanted)) []byte {
	w := pkinit.Wanted{Name: who.String(), Principals: [][]byte{who.AppendSAN(nil)}, Purposes: []pkinit.Purpose{use}}
	if change != nil {
		change(&w)
	}
	return must(i.Issue(w, ownKey.Public()))
}

// byCertificate is a client's configuration.
func byCertificate(i *pkinit.Issuer, g pkinit.Group) *PKINIT {
	id := must(pkinit.NewIdentity([][]byte{certified(i, ann, pkinit.Client, nil)}, ownKey))
	return &PKINIT{Identity: id, Authorities: must(pkinit.NewAuthorities([][]byte{i.Certificate()}, nil)), Group: g}
}

func pemFile(t *testing.T, dir, name, kind string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Our client logs on at krb5kdc with a certificate, in the group that it has, and when it asks for the curve first; a KDC with a certificate of an authority that is
// not ours is not believed.
func TestLiveMITCertificate(t *testing.T) { //spec RT-30
	if list, _ := filepath.Glob("/usr/lib/*/krb5/plugins/preauth/pkinit.so"); list == nil {
		t.Skip("no PKINIT (apt-get install krb5-pkinit)")
	}
	ca := papers(time.Now())
	m := startMIT(t, func(m *mit) {
		cert := pemFile(t, m.dir, "kdc.pem", "CERTIFICATE", certified(ca, homeKDC, pkinit.KDC, nil))
		key := pemFile(t, m.dir, "key.pem", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(crypto.PrivateKey(ownKey))))
		m.extra = "  pkinit_identity = FILE:" + cert + "," + key + "\n  pkinit_anchors = FILE:" + pemFile(t, m.dir, "ca.pem", "CERTIFICATE", ca.Certificate()) + "\n"
	})
	for _, g := range []pkinit.Group{pkinit.MODP2048, pkinit.P256} {
		u := m.user(func(c *Config) { c.Password, c.PKINIT = "", byCertificate(ca, g) }).start()
		if tgt := u.c.Tickets(u.now())[0]; tgt.Flags&(krb5.Initial|krb5.PreAuthent) != krb5.Initial|krb5.PreAuthent {
			t.Errorf("%v: %v", g, tgt.Flags)
		}
		u.want("mobileip/access.home.example@HOME.EXAMPLE")
		u.want("mobileip/access.b.example@B.EXAMPLE")
	}
	u := m.user(func(c *Config) { c.PKINIT, c.Realms = byCertificate(ca, 0), streams(c.Realms) })
	stranger := must(pkinit.NewIssuer("Example CA", ownKey, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	u.c.cfg.PKINIT.Authorities = must(pkinit.NewAuthorities([][]byte{stranger.Certificate()}, nil))
	if why := logonOf(u); !strings.Contains(why, WrongKDC) || len(u.c.Tickets(u.now())) > 0 {
		t.Errorf("a KDC of a stranger: %q", why)
	}
}

// logonOf logs on once and gives what was dropped.
func logonOf(u *user) (why string) {
	var out engine.Effects
	for _, f := range u.c.Start(u.now(), &out) {
		if s, ok := f.(Send); ok {
			u.c.HeardStream(u.now(), s.Exchange, u.exchange(s), &out)
		}
	}
	for _, e := range out.List {
		if ev, ok := e.(engine.Event); ok && ev.Name == engine.EventDrop {
			why += ev.Reason + " "
		}
	}
	return why
}

// What a KDC may not say, one lie at a time; nothing of it makes a key.
func TestCertificateOfKDC(t *testing.T) { //spec RT-30
	ca, stranger := papers(epoch), must(pkinit.NewIssuer("Example CA", ownKey, epoch.Add(-time.Hour), epoch.Add(time.Hour)))
	far := krb5.Principal{Name: krb5.TGS("A.EXAMPLE"), Realm: "A.EXAMPLE"}
	type lie struct {
		signer *pkinit.Issuer
		name   krb5.Principal
		use    pkinit.Purpose
		wanted func(*pkinit.Wanted)
		kind   pkinit.Content
		info   func(*krb5.KDCDHKeyInfo)
		rep    func(*krb5.PKASRep)
	}
	truth := func() lie {
		return lie{signer: ca, name: homeKDC, use: pkinit.KDC, kind: pkinit.DHKeyData, info: func(*krb5.KDCDHKeyInfo) {}, rep: func(*krb5.PKASRep) {}}
	}
	for name, change := range map[string]func(*lie){ //order:any
		"":                        func(*lie) {},
		"without RFC 8636":        func(l *lie) { l.rep = func(r *krb5.PKASRep) { r.KDF = 0 } },
		"a stranger":              func(l *lie) { l.signer = stranger },
		"of another realm":        func(l *lie) { l.name = far },
		"a client":                func(l *lie) { l.use = pkinit.Client },
		"expired":                 func(l *lie) { l.wanted = func(w *pkinit.Wanted) { w.To = epoch.Add(-time.Minute) } },
		"other content":           func(l *lie) { l.kind = pkinit.AuthData },
		"another nonce":           func(l *lie) { l.info = func(i *krb5.KDCDHKeyInfo) { i.Nonce++ } },
		"a weak public value":     func(l *lie) { l.info = func(i *krb5.KDCDHKeyInfo) { i.PublicKey = []byte{2, 1, 1} } },
		"a function not offered":  func(l *lie) { l.rep = func(r *krb5.PKASRep) { r.KDF = 1 } },
		"a key of the KDC's own":  func(l *lie) { l.rep = func(r *krb5.PKASRep) { *r = krb5.PKASRep{KeyPack: []byte{1}} } },
		"something else than CMS": func(l *lie) { l.rep = func(r *krb5.PKASRep) { r.Signed = []byte{1} } },
	} {
		l := truth()
		change(&l)
		c := must(New(Config{Client: ann, PKINIT: byCertificate(ca, pkinit.MODP2048), Realms: []Realm{{home, []KDC{{At: addr[home]}}}}}, engine.NewRand([32]byte{1})))
		var out engine.Effects
		now := engine.Now{Mono: 1e9, Wall: epoch}
		c.Start(now, &out)
		e := c.exchanges[0]
		data, _ := must(krb5.ParseKDCReq(e.request)).PAData.Find(krb5.PAPKASReq)
		if len(must(krb5.ParsePKASReq(data)).Signed) == 0 {
			t.Fatal("nothing is signed")
		}
		by := must(pkinit.NewIdentity([][]byte{certified(l.signer, l.name, l.use, l.wanted)}, ownKey))
		info := krb5.KDCDHKeyInfo{PublicKey: pkinit.Draw(pkinit.MODP2048, c.rand).Public(), Nonce: e.nonce}
		l.info(&info)
		rep := krb5.PKASRep{Signed: must(by.Sign(l.kind, info.Append(nil))), KDF: 2}
		l.rep(&rep)
		var why string
		m := &krb5.KDCRep{PAData: krb5.List{{Type: krb5.PAPKASRep, Data: rep.Append(nil)}}, Enc: krb5.EncryptedData{EType: 20}}
		c.turn(now, &out, func() { why = c.agree(e, m) })
		good := name == "" || name == "without RFC 8636"
		if (why == "") != good || e.pre.key.Valid() != good || !good && why != WrongKDC {
			t.Errorf("%q: %q", name, why)
		}
	}
	if _, err := New(Config{Client: far, PKINIT: byCertificate(ca, 0)}, nil); err == nil || !strings.Contains(err.Error(), "does not name") {
		t.Error(err)
	}
	if _, err := New(Config{Client: ann, PKINIT: &PKINIT{}}, nil); err == nil || !strings.Contains(err.Error(), "both") {
		t.Error(err)
	}
}
