package tickets

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// mit is a krb5kdc of MIT Kerberos with three realms in a row, on the loopback, in a directory of its own.
type mit struct {
	t   *testing.T
	dir string
	at  map[string]netip.AddrPort
	log bytes.Buffer

	extra string // in each realm's part of kdc.conf
}

const (
	mitPassword = "correct horse"
	mitCross    = "between us"
)

func startMIT(t *testing.T, more ...func(m *mit)) *mit {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a KDC")
	}
	for _, x := range []string{"krb5kdc", "kdb5_util", "kadmin.local"} {
		if _, err := exec.LookPath(x); err != nil {
			t.Skip("needs MIT Kerberos (krb5-kdc, krb5-admin-server): ", err)
		}
	}
	m := &mit{t: t, dir: t.TempDir(), at: map[string]netip.AddrPort{}}
	for _, f := range more {
		f(m)
	}
	realms := []string{home, "A.EXAMPLE", "B.EXAMPLE"}
	m.configure(realms)
	for i, r := range realms {
		m.run("kdb5_util", "-r", r, "create", "-s", "-P", "master")
		var add []string
		for _, p := range []string{"ann", "bob", "mobileip/access." + strings.ToLower(r)} {
			add = append(add, fmt.Sprintf("addprinc -pw \"%s\" %s@%s", mitPassword, p, r))
		}
		for j := max(1, i); j <= i+1 && j < len(realms); j++ {
			add = append(add, fmt.Sprintf("addprinc -pw \"%s\" krbtgt/%s@%s", mitCross, realms[j], realms[j-1]))
		}
		for _, q := range add {
			m.run("kadmin.local", "-r", r, "-q", q)
		}
		m.run("kadmin.local", "-r", r, "-q", "modprinc -maxrenewlife 7d krbtgt/"+r+"@"+r)
	}
	m.serve(realms)
	return m
}

func (m *mit) configure(realms []string) {
	var kdc, client strings.Builder
	fmt.Fprintf(&client, "[libdefaults]\n default_realm = %s\n dns_lookup_kdc = false\n dns_lookup_realm = false\n[capaths]\n %s = {\n  %s = %s\n }\n", home, home, realms[2], realms[1])
	kdc.WriteString("[realms]\n")
	for _, r := range realms {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			m.t.Skip("no loopback: ", err)
		}
		m.at[r] = l.Addr().(*net.TCPAddr).AddrPort()
		l.Close()
		fmt.Fprintf(&kdc, " %s = {\n"+m.extra+"  database_name = %s/%s\n  key_stash_file = %s/stash.%s\n  kdc_listen = %s\n  kdc_tcp_listen = %s\n  max_life = 10h\n  max_renewable_life = 7d\n"+
			"  supported_enctypes = aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal aes256-cts-hmac-sha1-96:normal\n  default_principal_flags = +preauth\n }\n",
			r, m.dir, r, m.dir, r, m.at[r], m.at[r])
	}
	fmt.Fprintf(&kdc, "[logging]\n kdc = FILE:%s/log\n", m.dir)
	for name, text := range map[string]string{"kdc.conf": kdc.String(), "krb5.conf": client.String()} { //order:any
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *mit) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "KRB5_CONFIG="+m.dir+"/krb5.conf", "KRB5_KDC_PROFILE="+m.dir+"/kdc.conf")
	return c
}

func (m *mit) run(name string, args ...string) {
	m.t.Helper()
	if out, err := m.command(name, args...).CombinedOutput(); err != nil || bytes.Contains(out, []byte("while ")) {
		m.t.Fatalf("%s %s: %v\n%s", name, args, err, out)
	}
}

func (m *mit) serve(realms []string) {
	args := []string{"-n"}
	for _, r := range realms {
		args = append(args, "-r", r)
	}
	c := m.command("krb5kdc", args...)
	c.Stdout, c.Stderr = &m.log, &m.log
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	for i := 0; ; i++ { // it says nowhere that it is ready
		conn, err := net.Dial("tcp4", m.at[realms[len(realms)-1]].String())
		if err == nil {
			conn.Close()
			return
		}
		if i == 100 {
			b, _ := os.ReadFile(m.dir + "/log")
			m.t.Fatalf("krb5kdc does not listen: %v\n%s", err, b)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// user is a client on real sockets.
type user struct {
	m     *mit
	c     *Client
	udp   *net.UDPConn
	conns map[ID]net.Conn
	skew  time.Duration
	begin time.Time
	facts []Fact
	sent  int
}

func (m *mit) user(change func(*Config)) *user {
	m.t.Helper()
	cfg := Config{Client: ann, Password: mitPassword, Lightweight: true, Renew: 24 * time.Hour}
	for r, at := range m.at { //order:any
		cfg.Realms = append(cfg.Realms, Realm{r, []KDC{{At: at}}})
	}
	change(&cfg)
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { udp.Close() })
	return &user{m: m, c: must(New(cfg, engine.NewRand([32]byte{byte(time.Now().UnixNano())}))), udp: udp, conns: map[ID]net.Conn{}, begin: time.Now()}
}

func (u *user) now() engine.Now {
	return engine.Now{Mono: engine.Mono(time.Since(u.begin)), Wall: time.Now().Add(u.skew)}
}

// do carries out facts and what follows, until nothing is under way.
func (u *user) do(facts []Fact) *user {
	u.m.t.Helper()
	var out engine.Effects
	for len(facts) > 0 {
		f := facts[0]
		facts = facts[1:]
		s, ok := f.(Send)
		if !ok {
			u.facts = append(u.facts, f)
			continue
		}
		u.sent++
		switch b := u.exchange(s); s.Way {
		case Datagram:
			facts = append(facts, u.c.HeardFrom(u.now(), s.KDC, b, &out)...)
		case Stream:
			facts = append(facts, u.c.HeardStream(u.now(), s.Exchange, b, &out)...)
		case Proxy:
			facts = append(facts, u.c.HeardToken(u.now(), krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: b}.Append(nil), &out)...)
		}
		for _, e := range out.List {
			if ev := e.(engine.Event); ev.Name == engine.EventDrop && ev.Reason != Light {
				u.m.t.Fatalf("dropped: %+v", ev)
			}
		}
		out.Reset()
	}
	return u
}

// exchange takes octets to the KDC and gives what comes back: a message, or by a stream what came of it.
func (u *user) exchange(s Send) []byte {
	u.m.t.Helper()
	b, at := s.Data, s.KDC
	if s.Way == Proxy {
		b, at = must(krb5.ParseToken(b)).Message, u.m.at[s.Realm]
	}
	reply := make([]byte, 1<<16)
	deadline := time.Now().Add(5 * time.Second)
	if s.Way == Stream {
		conn, err := net.Dial("tcp4", at.String())
		if err != nil {
			u.m.t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(deadline)
		conn.Write(b)
		all := reply[:0]
		for {
			n, err := conn.Read(reply[len(all):])
			if all = reply[:len(all)+n]; err != nil {
				u.m.t.Fatal(err)
			}
			if m, _, err := krb5.NextFrame(all); m != nil || err != nil {
				return all
			}
		}
	}
	u.udp.SetDeadline(deadline)
	if _, err := u.udp.WriteToUDPAddrPort(b, at); err != nil {
		u.m.t.Fatal(err)
	}
	n, _, err := u.udp.ReadFromUDPAddrPort(reply)
	if err != nil {
		log, _ := os.ReadFile(u.m.dir + "/log")
		u.m.t.Fatalf("%v\n%s", err, log)
	}
	return reply[:n]
}

func (u *user) want(s string) *Ticket {
	u.m.t.Helper()
	p := must(krb5.ParsePrincipal(s))
	var out engine.Effects
	facts, _ := u.c.Want(u.now(), p, &out)
	u.do(facts)
	t := u.c.Ticket(u.now(), p)
	if t == nil {
		log, _ := os.ReadFile(u.m.dir + "/log")
		u.m.t.Fatalf("no %s: %+v\n%s", s, u.c.View(), log)
	}
	return t
}

func (u *user) start() *user {
	u.m.t.Helper()
	var out engine.Effects
	u.do(u.c.Start(u.now(), &out))
	if len(u.c.Tickets(u.now())) != 1 {
		log, _ := os.ReadFile(u.m.dir + "/log")
		u.m.t.Fatalf("%+v\n%s", u.c.View(), log)
	}
	return u
}

// Our client against krb5kdc: logon by password and by key, services, realms in a row, renewal, user-to-user, a clock that is wrong; by datagram,
// stream and token.
func TestLiveMIT(t *testing.T) { //spec RT-30 RT-36 RT-40
	m := startMIT(t)
	ways := map[string]func(*Config){ //order:any
		"datagram": func(*Config) {},
		"stream": func(c *Config) {
			for i := range c.Realms {
				c.Realms[i].KDCs[0].Stream = true
			}
		},
		"key": func(c *Config) {
			c.Password, c.Keys = "", []keys.Key{must(keys.StringToKey(keys.AES256SHA384, mitPassword, ann.Salt(), nil))}
		},
	}
	for name, change := range ways { //order:any
		t.Run(name, func(t *testing.T) {
			m.t = t
			u := m.user(change).start()
			if want := map[string]int{"key": 1}[name]; want > 0 && u.sent != want {
				t.Errorf("%d requests", u.sent)
			}
			u.want("mobileip/access.home.example@HOME.EXAMPLE")
			far := u.want("mobileip/access.b.example@B.EXAMPLE")
			if tgt := u.want("krbtgt/B.EXAMPLE@HOME.EXAMPLE"); tgt.Server.String() != "krbtgt/B.EXAMPLE@A.EXAMPLE" {
				t.Errorf("%v", tgt.Server)
			}
			key := must(keys.StringToKey(keys.EType(far.Ticket.Enc.EType), mitPassword, far.Server.Salt(), nil))
			part := must(krb5.ParseEncTicketPart(must(key.Decrypt(nil, keys.TicketPart, far.Ticket.Enc.Cipher))))
			if passed, err := part.Transited.Realms(home, "B.EXAMPLE"); err != nil || len(passed) != 1 || passed[0] != "A.EXAMPLE" || !part.Client.Equal(ann) {
				t.Errorf("%v %v %v", passed, err, part.Client)
			}
		})
	}
	t.Run("token", func(t *testing.T) {
		m.t = t
		u := m.user(func(c *Config) { c.Realms = nil })
		u.c.way = Proxy
		u.start().want("mobileip/access.a.example@A.EXAMPLE")
	})
	t.Run("skew", func(t *testing.T) {
		m.t = t
		u := m.user(func(*Config) {})
		u.skew = -1000 * time.Hour
		u.start().want("mobileip/access.b.example@B.EXAMPLE")
		if c, ok := u.c.Clock(u.now(), home); !ok || time.Since(c).Abs() > 2*time.Second {
			t.Errorf("%v, it is %v", c, time.Now())
		}
	})
	t.Run("renewal", func(t *testing.T) {
		m.t = t
		u := m.user(func(*Config) {}).start()
		before, n := u.c.Tickets(u.now())[0], u.sent
		var out engine.Effects
		u.do(u.c.turn(u.now(), &out, func() { u.c.due(u.c.wants[0]) }))
		if after := u.c.Tickets(u.now())[0]; after == before || u.sent != n+1 || after.Flags&krb5.Renewable == 0 || !after.Times.RenewTill.Equal(before.Times.RenewTill) {
			t.Errorf("%+v after %d requests", after, u.sent-n)
		}
	})
	t.Run("user-to-user", func(t *testing.T) {
		m.t = t
		tgt := m.user(func(*Config) {}).start().c.Tickets(engine.Now{})[0]
		u := m.user(func(c *Config) { c.Client.Name = krb5.MakeName("bob") }).start()
		var out engine.Effects
		facts, name := u.c.UserToUser(u.now(), ann.Name, tgt.Ticket, &out)
		u.do(facts)
		var got *Ticket
		for _, f := range u.facts {
			if g, ok := f.(Granted); ok && g.Want == name {
				got = g.Ticket
			}
		}
		if got == nil {
			t.Fatalf("%v", u.facts)
		}
		key := must(keys.NewKey(keys.EType(tgt.Key.EType), tgt.Key.Value))
		part := must(krb5.ParseEncTicketPart(must(key.Decrypt(nil, keys.TicketPart, got.Ticket.Enc.Cipher))))
		if part.Client.String() != "bob@HOME.EXAMPLE" {
			t.Errorf("%v", part.Client)
		}
	})
	t.Run("refused", func(t *testing.T) {
		m.t = t
		u := m.user(func(c *Config) { c.Password = "wrong"; c.Realms = streams(c.Realms) })
		var out engine.Effects
		u.do(u.c.Start(u.now(), &out))
		if f, ok := u.facts[len(u.facts)-1].(Failed); !ok || f.Code != krb5.ErrPreauthFailed {
			t.Errorf("%v", u.facts)
		}
	})
}

func streams(list []Realm) []Realm {
	for i := range list {
		list[i].KDCs[0].Stream = true
	}
	return list
}
