package driver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
)

type netConn = net.Conn

// authority signs certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key}
	a.cert = a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)}, key)
	return a
}

func (a *authority) sign(t testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c.SerialNumber, c.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-2*time.Hour)
	parent := a.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// profile is that of a node whose certificate bears names, or only a common one, and ends when it says.
func (a *authority) profile(t testing.TB, ends time.Time, names ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	common := strings.TrimSuffix("common."+strings.Join(names[:min(len(names), 1)], ""), ".")
	c := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: common}, DNSNames: names, NotAfter: ends, KeyUsage: x509.KeyUsageDigitalSignature}, key)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: key}}, RootCAs: pool, ClientCAs: pool}
}

func (a *authority) profiles(t testing.TB, name string) map[string]*tls.Config {
	return map[string]*tls.Config{name: a.profile(t, time.Now().Add(time.Hour), name+".example.org")}
}

// Both ends verify the other's certificate, and each learns the other's names from it.
func TestStreamTLS(t *testing.T) { //spec DM-23
	ours, other := newAuthority(t), newAuthority(t)
	later, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	good := ours.profile(t, later, "a.example.org", "b.example.org")
	mixed := func(shows, trusts *tls.Config) *tls.Config {
		return &tls.Config{Certificates: shows.Certificates, RootCAs: trusts.RootCAs, ClientCAs: trusts.ClientCAs}
	}
	for name, c := range map[string]struct { //order:any
		server, client *tls.Config
		call           string // the name that the client wants
		want           string // why the client's Dial failed; empty: it did not
		late           bool   // the server refuses, which TLS 1.3 lets the client know behind its Opened
	}{
		"good":          {good, ours.profile(t, later, "client.example.org"), "b.example.org", "", false},
		"wrong name":    {good, good, "c.example.org", engine.ReasonTLSName, false},
		"common name":   {good, good, "common.a.example.org", engine.ReasonTLSName, false},
		"unknown CA":    {mixed(other.profile(t, later, "a.example.org"), good), good, "a.example.org", engine.ReasonTLSUnknownCA, false},
		"expired":       {ours.profile(t, past, "a.example.org"), good, "a.example.org", engine.ReasonTLSExpired, false},
		"other client":  {good, mixed(other.profile(t, later, "client.example.org"), good), "a.example.org", engine.ReasonTLS, true},
		"stale client":  {good, ours.profile(t, past, "client.example.org"), "a.example.org", engine.ReasonTLS, true},
		"no name":       {ours.profile(t, later), good, "common", engine.ReasonTLSName, false},
		"no client":     {good, ours.profile(t, later), "a.example.org", engine.ReasonTLS, true},
		"other version": {good, &tls.Config{Certificates: good.Certificates, RootCAs: good.RootCAs, ClientCAs: good.ClientCAs, MaxVersion: tls.VersionTLS11}, "a.example.org", engine.ReasonTLS, false},
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan engine.Input, 100)
			keep := func(in engine.Input, out *engine.Effects) {
				if _, ok := in.(engine.Start); !ok {
					if s, ok := in.(engine.Stream); ok {
						s.Data = slices.Clone(s.Data)
						in = s
					}
					told <- in
				}
			}
			h := onLoopback(t)
			at := h.port(t)
			heard := make(chan engine.Opened, 1)
			server := peerOf([]engine.Listen{{Name: "tls", At: at, TLS: "x"}}, func(in engine.Input, out *engine.Effects) {
				if o, ok := in.(engine.Opened); ok {
					heard <- o
				}
				echo(in, out)
			})
			listening := begin(t, Config{Host: h, TLS: map[string]*tls.Config{"x": c.server}, Engines: []Engine{{"server", server}}})
			if _, err := listening.Stats(t.Context()); err != nil {
				t.Fatal(err)
			}
			client := peerOf(nil, func(in engine.Input, out *engine.Effects) {
				switch in := in.(type) {
				case engine.Command:
					out.Dial(engine.Dial{Conn: 1, To: at, TLS: "x", Server: c.call})
				case engine.Opened:
					out.Write(in.Conn, []byte("hello"))
				}
				keep(in, out)
			})
			n := begin(t, Config{Host: onLoopback(t), TLS: map[string]*tls.Config{"x": c.client}, Engines: []Engine{{"client", client}}})
			n.Inject("client", engine.Command{})
			<-told
			switch first := hear(t, told).(type) {
			case engine.Opened:
				if c.want != "" && !c.late {
					t.Fatalf("%+v", first)
				}
				if c.late {
					if last, ok := hear(t, told).(engine.Closed); !ok || last.Reason != c.want && last.Reason != engine.ReasonReset {
						t.Errorf("%+v", last)
					}
					return
				}
				if !slices.Equal(first.Names, []string{"a.example.org", "b.example.org"}) || first.To != at {
					t.Errorf("%+v", first)
				}
				if o := hear(t, heard); !slices.Equal(o.Names, []string{"client.example.org"}) || o.To != first.From {
					t.Errorf("the server was told %+v", o)
				}
				if s, ok := hear(t, told).(engine.Stream); !ok || string(s.Data) != "hello" {
					t.Errorf("%+v", s)
				}
			case engine.Closed:
				if first.Reason != c.want {
					t.Errorf("%+v, want %s", first, c.want)
				}
			}
		})
	}
}

// A client that never says hello is let go in time, and its engine never hears of it.
func TestStreamSilentHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		e := peerOf([]engine.Listen{{Name: "tls", At: door1, TLS: "x"}}, nil)
		n := begin(t, Config{Host: m, TLS: newAuthority(t).profiles(t, "x"), Engines: []Engine{{"e", e}}})
		synctest.Wait()
		start := time.Now()
		c, err := m.Reach(t.Context(), netip.Addr{}, door1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(start) != HandshakeTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if st, err := n.Stats(t.Context()); err != nil || st.Drops[engine.ReasonTLSTimeout] != 1 || len(after(e)) != 0 {
			t.Errorf("%+v, %v; %+v", st.Drops, err, after(e))
		}
	})
}

// No more handshakes are under way than there may be: more are refused.
func TestStreamHandshakesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		n := begin(t, Config{Host: m, TLS: newAuthority(t).profiles(t, "x"), Engines: []Engine{{"e", peerOf([]engine.Listen{{Name: "tls", At: door1, TLS: "x"}}, nil)}}})
		synctest.Wait()
		for i := range MaxHandshakes + 3 {
			if _, err := m.Reach(t.Context(), netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 7: byte(i / 8)}), door1); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if st, err := n.Stats(t.Context()); err != nil || st.Drops[string(DropHandshakes)] != 3 || st.Streams.Unwanted != 3 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// Who only connects keeps nobody out that comes from elsewhere.
func TestStreamHandshakesOfOneNetwork(t *testing.T) { //spec DM-23
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		a := newAuthority(t)
		n := begin(t, Config{Host: m, TLS: a.profiles(t, "x"), Engines: []Engine{{"e", peerOf([]engine.Listen{{Name: "tls", At: door1, TLS: "x"}}, nil)}}})
		synctest.Wait()
		for i := range 2 * MaxHandshakes {
			if _, err := m.Reach(t.Context(), netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 7: 66, 14: byte(i >> 8), 15: byte(i)}), door1); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		c, err := m.Reach(t.Context(), netip.MustParseAddr("2001:db8:0:1::1"), door1)
		if err != nil {
			t.Fatal(err)
		}
		p := a.profile(t, time.Now().Add(time.Hour), "b.example.org")
		p.ServerName = "x.example.org"
		if err := tls.Client(c, p).HandshakeContext(t.Context()); err != nil {
			t.Errorf("an honest one is kept out: %v", err)
		}
		if st, err := n.Stats(t.Context()); err != nil || st.Drops[string(DropHandshakes)] != 2*MaxHandshakes-MaxHandshakesFrom {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// A profile by which a peer would not be verified is refused before anything begins.
func TestTLSProfiles(t *testing.T) {
	good := newAuthority(t).profile(t, time.Now().Add(time.Hour), "a")
	for want, p := range map[string]*tls.Config{ //order:any
		"has no certificate":    {RootCAs: good.RootCAs, ClientCAs: good.ClientCAs},
		"which authorities":     {Certificates: good.Certificates, RootCAs: good.RootCAs},
		"does not verify peers": {Certificates: good.Certificates, RootCAs: good.RootCAs, ClientCAs: good.ClientCAs, InsecureSkipVerify: true},
	} {
		if _, err := New(Config{Name: "n", Host: &Memory{}, TLS: map[string]*tls.Config{"bad": p}}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Whoever refuses a certificate says why and what to do, be it who dialled or who was dialled, and the other end says where to look.
func TestStreamTLSWords(t *testing.T) { //spec DM-23
	ours, other, later, past := newAuthority(t), newAuthority(t), time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	good := ours.profile(t, later, "a.example.org")
	trusts := func(shows *tls.Config) *tls.Config {
		return &tls.Config{Certificates: shows.Certificates, RootCAs: good.RootCAs, ClientCAs: good.ClientCAs}
	}
	unknown := []string{engine.ReasonTLSUnknownCA, `no authority of profile "x" signed the certificate that was shown: "a.example.org", issued by "CN=authority"`}
	stale := []string{engine.ReasonTLSExpired, `must be renewed, or a clock set: "a.example.org"`}
	nameless := []string{engine.ReasonTLSName, `"CN=common"`, "subject alternative names", "subjectAltName=DNS:"}
	refused := []string{engine.ReasonTLS, "certificate", "does not take this node's certificate"}
	for name, c := range map[string]struct { //order:any
		server, client         *tls.Config
		saysServer, saysClient []string
	}{
		"nameless client":     {good, ours.profile(t, later), nameless, refused},
		"client's authority":  {good, trusts(other.profile(t, later, "a.example.org")), unknown, refused},
		"client's last day":   {good, ours.profile(t, past, "a.example.org"), stale, refused},
		"server's authority":  {trusts(other.profile(t, later, "a.example.org")), good, refused, unknown},
		"server's last day":   {ours.profile(t, past, "a.example.org"), good, refused, stale},
		"other server's name": {ours.profile(t, later, "b.example.org"), good, refused, []string{engine.ReasonTLSName, `must bear the name "a.example.org"`}},
	} {
		t.Run(name, func(t *testing.T) {
			said := sayWhenRefused(t, c.server, c.client)
			for who, wants := range map[string][]string{"server": c.saysServer, "client": c.saysClient} { //order:any
				for _, want := range append(wants, "::1") {
					if !strings.Contains(said[who], want) {
						t.Errorf("the %s's log has no %q: %s", who, want, said[who])
					}
				}
			}
		})
	}
}

// sayWhenRefused is what both ends of a connection say that comes to nothing.
func sayWhenRefused(t *testing.T, server, client *tls.Config) map[string]string {
	h := onLoopback(t)
	at := h.port(t)
	heard := make(chan engine.Event, 100)
	tell := func(_ time.Duration, _ string, e engine.Event) {
		if e.Name == EventStream {
			heard <- e
		}
	}
	listening := begin(t, Config{Host: h, OnEvent: tell, TLS: map[string]*tls.Config{"x": server},
		Engines: []Engine{{"server", peerOf([]engine.Listen{{Name: "tls", At: at, TLS: "x"}}, nil)}}})
	if _, err := listening.Stats(t.Context()); err != nil {
		t.Fatal(err)
	}
	dials := peerOf(nil, func(in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Command:
			out.Dial(engine.Dial{Conn: 1, To: at, TLS: "x", Server: "a.example.org"})
		case engine.Opened:
			out.Write(in.Conn, []byte("hello"))
		}
	})
	n := begin(t, Config{Host: onLoopback(t), OnEvent: tell, TLS: map[string]*tls.Config{"x": client}, Engines: []Engine{{"client", dials}}})
	n.Inject("client", engine.Command{})
	said := map[string]string{}
	for len(said) < 2 {
		e := hear(t, heard)
		said[e.Get("engine")] = e.Reason + " " + e.Get("with") + " " + e.Get("says")
	}
	return said
}

// A certificate that nobody believes says in the log whose it claims to be.
func TestStreamWhose(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	shown := other.profile(t, time.Now().Add(time.Hour), "x.example.org")
	leaf, err := x509.ParseCertificate(shown.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: ours.profile(t, time.Now().Add(time.Hour), "a").RootCAs})
	if got := hintTLS(err, "peers"); !strings.Contains(got, `"x.example.org", issued by "CN=authority"`) {
		t.Errorf("%v: %s", err, got)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: shown.RootCAs, CurrentTime: time.Now().Add(2 * time.Hour)})
	if got := hintTLS(err, "peers"); !strings.Contains(got, "must be renewed") || !strings.Contains(got, "x.example.org") {
		t.Errorf("%v: %s", err, got)
	}
}

// What a stranger's certificate says is bounded in what is told of it, and no terminal obeys it.
func TestStreamWords(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"connection refused", "connection refused"},
		{"not \x1b]0;x\a\n", `"not \x1b]0;x\a\n"`},
		{"not \xff", "not ?"},
		{strings.Repeat("é", 1000), strings.Repeat("é", maxWords/2) + "…"},
		{"x" + strings.Repeat("é", 1000), "x" + strings.Repeat("é", maxWords/2-1) + "…"},
	} {
		if got := wordsOf(errors.New(c.said)); got != c.want {
			t.Errorf("%q: %q", c.said, got)
		}
	}
}
