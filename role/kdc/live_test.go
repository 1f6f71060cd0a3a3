package kdc

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/messages"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// live is KDCs on sockets of the loopback, for the clients of others.
type live struct {
	t     *testing.T
	mu    sync.Mutex
	begin time.Time
	dir   string
	list  []*socketed
}

type socketed struct {
	*Server
	l     *live
	at    netip.AddrPort
	db    map[string]*principal.Principal
	udp   *net.UDPConn
	conns map[engine.Conn]net.Conn
	drops []string
}

func newLive(t *testing.T) *live {
	return &live{t: t, begin: time.Now(), dir: t.TempDir()}
}

// add opens the KDC of a realm at a port of the host's choice.
func (l *live) add(cfg Config, names ...string) *socketed {
	l.t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		l.t.Skip("no loopback: ", err)
	}
	at := ln.Addr().(*net.TCPAddr).AddrPort()
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		ln.Close()
		l.t.Skip("the port is taken for UDP: ", err)
	}
	cfg.Listen = []netip.AddrPort{at}
	s := &socketed{Server: must(New(cfg, [32]byte{byte(len(l.list) + 1)})), l: l, at: at, db: map[string]*principal.Principal{}, udp: udp, conns: map[engine.Conn]net.Conn{}}
	for _, n := range append([]string{"krbtgt/" + cfg.Realm + "@" + cfg.Realm}, names...) {
		s.db[n] = l.principal(n)
	}
	l.list = append(l.list, s)
	l.t.Cleanup(func() { ln.Close(); udp.Close() })
	go s.readUDP()
	go s.accept(ln)
	return s
}

// principal is one with keys: of the password for users, of the name for others.
func (l *live) principal(name string) *principal.Principal {
	p := must(principal.Fresh(name))
	if p.Kind == principal.Subscriber {
		if slow[name] == nil {
			slow[name] = must(principal.FromPassword(name, 1, password, rounds, keys.ETypes(), time.Now()))
		}
		p.Add(slow[name]...)
		return p
	}
	p.Add(principal.Drawn(1, keys.ETypes(), time.Now(), func(b []byte) {
		sum := sha256.Sum256([]byte(name))
		copy(b, sum[:])
	})...)
	return p
}

// slow keeps what takes long to make of a password.
var slow = map[string][]principal.Key{}

func (s *socketed) readUDP() {
	b := make([]byte, 1<<16)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		s.give(engine.Datagram{Name: "kdc/0 udp", Peer: from, Data: bytes.Clone(b[:n])})
	}
}

func (s *socketed) accept(ln net.Listener) {
	for n := engine.Conn(2); ; n += 2 {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		s.l.mu.Lock()
		s.conns[n] = c
		s.l.mu.Unlock()
		s.give(engine.Opened{Conn: n, To: c.RemoteAddr().(*net.TCPAddr).AddrPort()})
		go func() {
			b := make([]byte, 1<<12)
			for {
				k, err := c.Read(b)
				if err != nil {
					s.give(engine.Closed{Conn: n})
					c.Close()
					return
				}
				s.give(engine.Stream{Conn: n, Data: bytes.Clone(b[:k])})
			}
		}()
	}
}

func (s *socketed) give(in engine.Input) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	now := engine.Now{Mono: engine.Mono(time.Since(s.l.begin)), Wall: time.Now()}
	for queue := []engine.Input{in}; len(queue) > 0; queue = queue[1:] {
		var out engine.Effects
		s.Handle(now, queue[0], &out)
		for _, e := range out.List {
			switch e := e.(type) {
			case engine.Query:
				if p := s.db[e.Key]; p != nil {
					queue = append(queue, engine.Result{ID: e.ID, Value: principal.Encode(p)})
				} else {
					queue = append(queue, engine.Result{ID: e.ID, Err: engine.ErrNotFound})
				}
			case engine.Datagram:
				s.udp.WriteToUDPAddrPort(e.Data, e.Peer)
			case engine.Write:
				s.conns[e.Conn].Write(e.Data)
			case engine.Close:
				s.conns[e.Conn].Close()
			case engine.Event:
				if e.Name == engine.EventDrop {
					s.drops = append(s.drops, fmt.Sprint(e.Reason, e.Attrs))
				}
			}
		}
	}
}

func (s *socketed) dropped() string {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	return strings.Join(s.drops, "\n")
}

// conf is a krb5.conf for these KDCs.
func (l *live) conf(udpLimit int, etypes string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[libdefaults]\n default_realm = HOME.EXAMPLE\n dns_lookup_kdc = false\n dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = %d\n", udpLimit)
	fmt.Fprintf(&b, " default_tkt_enctypes = %[1]s\n default_tgs_enctypes = %[1]s\n permitted_enctypes = %[1]s\n noaddresses = true\n ticket_lifetime = 5h\n renew_lifetime = 2d\n forwardable = true\n", etypes)
	b.WriteString("[realms]\n")
	for _, s := range l.list {
		fmt.Fprintf(&b, " %[1]s = {\n  kdc = %[2]v\n  primary_kdc = %[2]v\n }\n", s.cfg.Realm, s.at)
	}
	b.WriteString("[domain_realm]\n .a.example = A.EXAMPLE\n .b.example = B.EXAMPLE\n")
	return b.String()
}

// gokrb5 logs on and gets tickets, over both transports, with the encryption types that it knows well.
func TestGokrb5Client(t *testing.T) { //spec RT-30
	for _, etype := range []string{"aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha256-128"} {
		for _, limit := range []int{1, 1465} {
			l := newLive(t)
			l.add(Config{Realm: "HOME.EXAMPLE", Realms: []Realm{{Name: "A.EXAMPLE", Transit: true}, {Name: "B.EXAMPLE", Via: "A.EXAMPLE"}}}, ann, host, "krbtgt/A.EXAMPLE@HOME.EXAMPLE")
			l.add(Config{Realm: "A.EXAMPLE"}, "krbtgt/A.EXAMPLE@HOME.EXAMPLE", "mobileip/ar1.a.example@A.EXAMPLE")
			cfg := must(config.NewFromString(l.conf(limit, etype)))
			c := client.NewWithPassword("ann", "HOME.EXAMPLE", password, cfg, client.DisablePAFXFAST(true))
			if err := c.Login(); err != nil {
				t.Fatalf("%s: %v\n%s", etype, err, l.list[0].dropped())
			}
			for _, spn := range []string{"host/www.home.example", "mobileip/ar1.a.example"} {
				var ticket messages.Ticket
				ticket, _, err := c.GetServiceTicket(spn)
				if err != nil || ticket.SName.PrincipalNameString() != spn {
					t.Errorf("%s, %s: %v\n%s\n%s", etype, spn, err, l.list[0].dropped(), l.list[1].dropped())
				}
			}
			wrong := client.NewWithPassword("ann", "HOME.EXAMPLE", "wrong", cfg, client.DisablePAFXFAST(true))
			if err := wrong.Login(); err == nil {
				t.Error("a wrong password is taken")
			}
			c.Destroy()
		}
	}
}

// mit runs a program of MIT Kerberos and gives what it says; it fails if that is not as it should be.
func (l *live) mit(stdin string, ok bool, args ...string) string {
	l.t.Helper()
	c := exec.Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), "KRB5_CONFIG="+filepath.Join(l.dir, "krb5.conf"), "KRB5CCNAME=FILE:"+filepath.Join(l.dir, "cc"), "KRB5_CLIENT_KTNAME=/nonexistent", "LC_ALL=C", "KRB5_TRACE="+filepath.Join(l.dir, "trace"))
	c.Stdin = strings.NewReader(stdin)
	b, err := c.CombinedOutput()
	if (err == nil) != ok {
		trace, _ := os.ReadFile(filepath.Join(l.dir, "trace"))
		var drops string
		for _, s := range l.list {
			drops += s.dropped() + "\n"
		}
		l.t.Fatalf("%q: %v\n%s\n%s\n%s", args, err, b, trace, drops)
	}
	return string(b)
}

func (l *live) write(name, text string) {
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// kinit, kvno and klist of MIT Kerberos, over UDP or TCP, with each encryption type: logon, service tickets, tickets of another realm and of one behind
// that, user-to-user, renewal, an enterprise name, a keytab, FAST in both exchanges; a wrong password, an unknown user and a disabled one are told so.
func TestMIT(t *testing.T) { //spec RT-30
	for _, x := range []string{"kinit", "kvno", "klist"} {
		if _, err := exec.LookPath(x); err != nil {
			t.Skip("no ", x, " (apt-get install krb5-user)")
		}
	}
	for i, e := range keys.ETypes() {
		limit := []int{1465, 1}[i%2]
		t.Run(e.String(), func(t *testing.T) { mitSession(t, e, limit) })
	}
}

func mitSession(t *testing.T, e keys.EType, limit int) {
	l := newLive(t)
	h := l.add(Config{Realm: "HOME.EXAMPLE", Realms: []Realm{{Name: "A.EXAMPLE"}, {Name: "B.EXAMPLE", Via: "A.EXAMPLE"}}}, ann, "bob@HOME.EXAMPLE", host, "krbtgt/A.EXAMPLE@HOME.EXAMPLE")
	l.add(Config{Realm: "A.EXAMPLE"}, "krbtgt/A.EXAMPLE@HOME.EXAMPLE", "mobileip/ar1.a.example@A.EXAMPLE", "krbtgt/B.EXAMPLE@A.EXAMPLE")
	b := l.add(Config{Realm: "B.EXAMPLE", Realms: []Realm{{Name: "A.EXAMPLE", Transit: true}}}, "krbtgt/B.EXAMPLE@A.EXAMPLE", "mobileip/ar1.b.example@B.EXAMPLE")
	l.write("krb5.conf", l.conf(limit, e.String()))

	l.mit(password+"\n", true, "kinit", "-r", "2d", "ann@HOME.EXAMPLE")
	l.mit("", true, "kvno", "host/www.home.example@HOME.EXAMPLE", "mobileip/ar1.a.example@A.EXAMPLE", "mobileip/ar1.b.example@B.EXAMPLE")
	list := l.mit("", true, "klist", "-ef")
	for _, want := range []string{"krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", "host/www.home.example@HOME.EXAMPLE", "krbtgt/A.EXAMPLE@HOME.EXAMPLE", "mobileip/ar1.a.example@A.EXAMPLE", "mobileip/ar1.b.example@B.EXAMPLE", "FRIA", e.String()} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
	if !regexp.MustCompile(`(?m)ar1\.b\.example@B\.EXAMPLE\n.*Flags: FRAT`).MatchString(list) {
		t.Errorf("the transited realms of the far ticket were not checked:\n%s", list)
	}
	l.mit("", true, "kinit", "-R")
	l.mit("", true, "kvno", "--u2u", "FILE:"+filepath.Join(l.dir, "cc"), "ann@HOME.EXAMPLE")
	l.mit(password+"\n", true, "kinit", "-E", "ann@home.example")

	own, _ := h.db[host].Key(e, 0)
	kt := must(krb5.AppendKeytab(nil, []krb5.KeytabEntry{{Principal: id(host), KVNO: 1, Key: krb5.EncryptionKey{EType: int32(e), Value: krb5.Secret(own.Octets)}}}))
	l.write("keytab", string(kt))
	l.mit("", true, "kinit", "-k", "-t", filepath.Join(l.dir, "keytab"), host)

	armor := "FILE:" + filepath.Join(l.dir, "cc") // the service's
	os.Remove(filepath.Join(l.dir, "trace"))
	l.mit(password+"\n", true, "kinit", "-T", armor, "-c", "FILE:"+filepath.Join(l.dir, "ann"), ann)
	l.mit("", true, "kvno", "-c", "FILE:"+filepath.Join(l.dir, "ann"), "host/www.home.example@HOME.EXAMPLE")
	trace := string(must(os.ReadFile(filepath.Join(l.dir, "trace"))))
	for _, want := range []string{"encrypted_challenge (138) (real) returned: 0/Success", "FAST negotiation: available", "Decoding FAST response", "TGS request result: 0/Success"} {
		if !strings.Contains(trace, want) {
			t.Errorf("no %q in\n%s", want, trace)
		}
	}
	if got := l.mit("wrong\n", false, "kinit", "-T", armor, "-c", "FILE:"+filepath.Join(l.dir, "no"), ann); !strings.Contains(got, "Password incorrect") {
		t.Errorf("in armor: %s", got)
	}

	l.mu.Lock()
	h.db["bob@HOME.EXAMPLE"].Enabled = false
	l.mu.Unlock()
	for _, x := range []struct{ who, pw, want string }{
		{"ann@HOME.EXAMPLE", "wrong", "Password incorrect"}, {"eve@HOME.EXAMPLE", password, "not found"}, {"bob@HOME.EXAMPLE", password, "revoked"},
	} {
		if got := l.mit(x.pw+"\n", false, "kinit", x.who); !strings.Contains(got, x.want) {
			t.Errorf("%s: %s", x.who, got)
		}
	}
	l.mit(password+"\n", true, "kinit", ann)
	l.mu.Lock()
	b.cfg.realm("A.EXAMPLE").Transit = false
	l.mu.Unlock()
	if got := l.mit("", false, "kvno", "mobileip/ar1.b.example@B.EXAMPLE"); !strings.Contains(got, "path") && !strings.Contains(got, "PATH") {
		t.Errorf("a way that is not trusted: %s", got)
	}
}

// rounds are of string-to-key: MIT Kerberos takes no fewer for types 19 and 20 than these have by themselves.
const rounds = 32768
