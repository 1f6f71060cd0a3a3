package kdc

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

const (
	ann  = "ann@HOME.EXAMPLE"
	host = "host/www.home.example@HOME.EXAMPLE"
	ar1  = "mobileip/ar1.home.example@HOME.EXAMPLE"
	home = "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE"
)

func atHome(t testing.TB) (*world, *center) {
	w := newWorld(t)
	return w, w.add(Config{Realm: "HOME.EXAMPLE"}, ann, "bob@HOME.EXAMPLE", host, ar1)
}

// A logon with every encryption type: what the client asked for and no more, the same on both sides.
func TestLogon(t *testing.T) { //spec RT-30
	for _, e := range keys.ETypes() {
		w, c := atHome(t)
		x, refused := c.as(ann, e)
		if refused != nil {
			t.Fatalf("%v: %v %s", e, refused.Code, refused.Text)
		}
		in, start := w.inside(x), w.now.Wall.Truncate(time.Second)
		want := krb5.Forwardable | krb5.Renewable | krb5.Initial | krb5.PreAuthent | krb5.EncPARep
		if in.Flags != want || x.Flags != want || in.Client.String() != ann || x.EncKDCRepPart.Server.String() != home || x.Ticket.Server.String() != home {
			t.Errorf("%v: %v for %v, %v", e, in.Flags, in.Client, x.EncKDCRepPart.Server)
		}
		if in.Times != x.Times || !x.Times.Auth.Equal(start) || !x.Times.Start.Equal(start) || !x.Times.End.Equal(start.Add(8*time.Hour)) || !x.Times.RenewTill.Equal(start.Add(48*time.Hour)) {
			t.Errorf("%v: %+v, %+v", e, in.Times, x.Times)
		}
		if !bytes.Equal(in.Key.Value, x.Key.Value) || x.Key.EType != int32(e) || x.Ticket.Enc.EType != 20 || x.Ticket.Enc.KVNO != 1 || in.Transited.Type != 1 {
			t.Errorf("%v: keys, types", e)
		}
		sum, ok := x.PAData.Find(krb5.PAReqEncPARep)
		if s := must(krb5.ParseChecksum(sum)); !ok || !keyOf(ann, e).Verify(keys.ASReq, s.Type, s.Sum, x.octets) {
			t.Errorf("%v: no right PA-REQ-ENC-PA-REP", e)
		}
		info, ok := x.rep.PAData.Find(krb5.PAETypeInfo2)
		if i := must(krb5.ParseETypeInfo2(info)); !ok || i[0].Salt != "HOME.EXAMPLEann" || len(i[0].Params) != 4 {
			t.Errorf("%v: %+v", e, i)
		}
	}
}

// Without pre-authentication there is nothing, but how to do it.
func TestPreauthRequired(t *testing.T) {
	w, c := atHome(t)
	c.db[ann].Keys = slices.DeleteFunc(c.db[ann].Keys, func(k principal.Key) bool { return k.EType == 20 })
	_, e := w.read(nil, c.ask(c.asReq(ann, 18, func(q *krb5.KDCReq) { q.PAData, q.Body.ETypes = nil, []int32{20, 18, 17, 23, 18} })), keys.Key{}, 0)
	method := must(krb5.ParseMethodData(e.Data))
	data, _ := method.Find(krb5.PAETypeInfo2)
	info := must(krb5.ParseETypeInfo2(data))
	_, stamps := method.Find(krb5.PAEncTimestamp)
	if e.Code != krb5.ErrPreauthRequired || !stamps || len(info) != 2 || info[0].EType != 18 || info[1].EType != 17 || info[0].Salt != "HOME.EXAMPLEann" || e.Client.String() != ann {
		t.Errorf("%+v %+v", e, info)
	}
	if len(c.drops) != 0 || len(c.tasks)+len(c.working) != 0 {
		t.Errorf("%v, %d tasks", c.drops, len(c.tasks))
	}
	c.db[ann].Flags &^= principal.PreAuth
	c.give(engine.Command{Verb: "forget"})
	x, e := c.as(ann, 18, func(q *krb5.KDCReq) { q.PAData = nil })
	if e != nil || x.Flags&krb5.PreAuthent != 0 {
		t.Errorf("who needs none: %+v, %+v", x, e)
	}
	c.db[home].Flags |= principal.PreAuth
	c.give(engine.Command{Verb: "forget"})
	if _, e := c.as(ann, 18, func(q *krb5.KDCReq) { q.PAData = nil }); e == nil || e.Code != krb5.ErrPolicy {
		t.Errorf("a server that wants it: %+v", e)
	}
}

// Each refusal of an AS-REQ by its code, counted by reason, and nothing is left behind.
func TestLogonRefused(t *testing.T) {
	body := func(f func(*krb5.KDCReqBody)) func(*krb5.KDCReq) {
		return func(q *krb5.KDCReq) { f(&q.Body) }
	}
	pre := func(p ...krb5.Typed) func(*krb5.KDCReq) { return func(q *krb5.KDCReq) { q.PAData = p } }
	now := newWorld(t).now.Wall
	type db = func(*center)
	for _, c := range []struct {
		name   string
		db     db
		change func(*krb5.KDCReq)
		code   krb5.ErrorCode
		why    string
	}{
		{"unknown client", func(c *center) { delete(c.db, ann) }, nil, krb5.ErrCPrincipalUnknown, "c-principal-unknown"},
		{"no client", nil, body(func(b *krb5.KDCReqBody) { b.Client = krb5.Name{} }), krb5.ErrCPrincipalUnknown, "c-principal-unknown"},
		{"disabled client", func(c *center) { c.db[ann].Enabled = false }, nil, krb5.ErrClientRevoked, "client-revoked"},
		{"client without keys", func(c *center) { c.db[ann].Keys = nil }, nil, krb5.ErrPolicy, "policy"},
		{"who may not log on", func(c *center) { c.db[ann].Flags &^= principal.Client }, nil, krb5.ErrPolicy, "policy"},
		{"unknown server", nil, body(func(b *krb5.KDCReqBody) { b.Server = krb5.MakeName("host", "x") }), krb5.ErrSPrincipalUnknown, "s-principal-unknown"},
		{"disabled server", func(c *center) { c.db[home].Enabled = false }, nil, krb5.ErrServiceRevoked, "service-revoked"},
		{"server without keys", func(c *center) { c.db[home].Keys = nil }, nil, krb5.ErrNullKey, "null-key"},
		{"a user as server", nil, body(func(b *krb5.KDCReqBody) { b.Server = krb5.MakeName("bob") }), krb5.ErrMustUseUser2user, "must-use-user2user"},
		{"another realm", nil, body(func(b *krb5.KDCReqBody) { b.Realm = "A.EXAMPLE" }), krb5.ErrWrongRealm, "wrong-realm"},
		{"old encryption types", nil, body(func(b *krb5.KDCReqBody) { b.ETypes = []int32{23, 16} }), krb5.ErrEtypeNosupp, "etype-nosupp"},
		{"renewal", nil, with(krb5.OptRenew), krb5.ErrBadoption, "badoption"},
		{"postdated", nil, with(krb5.OptPostdated), krb5.ErrCannotPostdate, "cannot-postdate"},
		{"from tomorrow", nil, body(func(b *krb5.KDCReqBody) { b.From = now.Add(24 * time.Hour) }), krb5.ErrCannotPostdate, "cannot-postdate"},
		{"till yesterday", nil, body(func(b *krb5.KDCReqBody) { b.Till = now.Add(-time.Hour) }), krb5.ErrNeverValid, "never-valid"},
		{"wrong key", nil, pre(stamp(keyOf("bob@HOME.EXAMPLE", 18), now)), krb5.ErrPreauthFailed, "preauth-failed"},
		{"a key of a type not asked for", nil, pre(stamp(keyOf(ann, 17), now)), krb5.ErrPreauthFailed, "preauth-failed"},
		{"octets", nil, pre(krb5.Typed{Type: krb5.PAEncTimestamp, Data: []byte{1}}), krb5.ErrPreauthFailed, "preauth-failed"},
		{"slow clock", nil, pre(stamp(keyOf(ann, 18), now.Add(-Skew-time.Second))), krb5.ErrSkew, "skew"},
		{"fast clock", nil, pre(stamp(keyOf(ann, 18), now.Add(Skew+time.Second))), krb5.ErrSkew, "skew"},
		{"database busy", func(c *center) { c.broken = engine.ErrBusy }, nil, krb5.ErrSvcUnavailable, "database-busy"},
		{"database strange", func(c *center) { c.broken = "on fire" }, nil, krb5.ErrSvcUnavailable, "database-failed"},
		{"enterprise name of another realm", nil, body(func(b *krb5.KDCReqBody) {
			b.Client = krb5.Name{Type: krb5.NTEnterprise, Parts: []string{"eve@a.example"}}
		}), krb5.ErrWrongRealm, "wrong-realm"},
	} {
		w, k := atHome(t)
		if c.db != nil {
			c.db(k)
		}
		if c.change == nil {
			c.change = func(*krb5.KDCReq) {}
		}
		octets := k.asReq(ann, 18, c.change)
		x, e := w.read(octets, k.ask(octets), keyOf(ann, 18), keys.ASRepPart)
		if e == nil {
			t.Errorf("%s: granted %+v", c.name, x)
			continue
		}
		if e.Code != c.code || k.drops[c.why] != 1 || k.refused[c.why] != 1 || e.Text == "" {
			t.Errorf("%s: %v %q, drops %v", c.name, e.Code, e.Text, k.drops)
		}
		if len(k.tasks)+len(k.working)+len(k.lookups)+len(k.asking)+len(k.records)+k.timers.Len() != 0 {
			t.Errorf("%s: something is left", c.name)
		}
		if c.name == "enterprise name of another realm" && e.Client.Realm != "A.EXAMPLE" {
			t.Errorf("referred to %v", e.Client)
		}
	}
}

// The times of a ticket are bounded by KDC, client and server; a client that says renewable-ok gets one that may be renewed.
func TestLifetimes(t *testing.T) {
	w, c := atHome(t)
	start := w.now.Wall.Truncate(time.Second)
	for _, x := range []struct {
		name       string
		life       time.Duration
		of         string
		till       time.Duration // 0: 1970
		options    krb5.KDCOptions
		end, renew time.Duration
	}{
		{"as asked", 0, ann, time.Hour, krb5.OptRenewable, time.Hour, 48 * time.Hour},
		{"the KDC's", 0, ann, 0, 0, DefaultLife, 0},
		{"the client's", 2 * time.Hour, ann, 0, 0, 2 * time.Hour, 0},
		{"the server's", 3 * time.Hour, home, 0, 0, 3 * time.Hour, 0},
		{"renewable instead of long", 2 * time.Hour, ann, 24 * time.Hour, krb5.OptRenewableOK, 2 * time.Hour, 24 * time.Hour},
		{"short enough", 2 * time.Hour, ann, time.Hour, krb5.OptRenewableOK, time.Hour, 0},
	} {
		c.principal(ann)
		c.principal(home)
		c.db[x.of].MaxLife = x.life
		c.give(engine.Command{Verb: "forget"})
		got := c.logon(ann, func(q *krb5.KDCReq) {
			if q.Body.Options, q.Body.Till = x.options, time.Unix(0, 0); x.till > 0 {
				q.Body.Till = start.Add(x.till)
			}
		})
		want := time.Time{}
		if x.renew > 0 {
			want = start.Add(x.renew)
		}
		if !got.Times.End.Equal(start.Add(x.end)) || !got.Times.RenewTill.Equal(want) || (got.Flags&krb5.Renewable != 0) != (x.renew > 0) {
			t.Errorf("%s: %+v, %v", x.name, got.Times, got.Flags)
		}
	}
}

// A subscriber logs on by the key of the mobile node as well as by its password; the reply is under the one that was used. Who asks how is told of the password.
// A service has the newest key alone.
func TestTwoKeys(t *testing.T) { //spec RT-30
	w, c := atHome(t)
	other := must(keys.NewKey(20, bytes.Repeat([]byte{3}, 32)))
	for name, p := range c.db { //order:any
		p.Keys = nil
		p.Add(principal.Key{Version: 1, EType: 20, Octets: principal.Secret(other.Octets())})
		p.Add(must(principal.FromPassword(name, 2, password, 1, []keys.EType{20}, w.now.Wall))...)
	}
	for _, k := range []keys.Key{other, keyOf(ann, 20)} {
		octets := c.asReq(ann, 20, func(q *krb5.KDCReq) { q.PAData = krb5.List{stamp(k, w.now.Wall)} })
		x, e := w.read(octets, c.askTCP(octets), k, keys.ASRepPart)
		if e != nil || (x.rep.Enc.KVNO == 1) != k.Equal(other) {
			t.Errorf("%+v", e)
		}
	}
	_, e := c.as(ann, 20, func(q *krb5.KDCReq) { q.PAData = nil })
	data, _ := must(krb5.ParseMethodData(e.Data)).Find(krb5.PAETypeInfo2)
	if info := must(krb5.ParseETypeInfo2(data)); len(info) != 1 || !info[0].HasSalt {
		t.Errorf("%+v", info)
	}
	if _, e := c.as(host, 20, func(q *krb5.KDCReq) { q.PAData = krb5.List{stamp(other, w.now.Wall)} }); e == nil || e.Code != krb5.ErrPreauthFailed {
		t.Errorf("a service's old key: %+v", e)
	}
}

// An enterprise name is the NAI; the reply has the principal.
func TestEnterpriseName(t *testing.T) {
	_, c := atHome(t)
	x := c.logon(ann, func(q *krb5.KDCReq) {
		q.Body.Client = krb5.Name{Type: krb5.NTEnterprise, Parts: []string{"ann@home.example"}}
		q.Body.Options |= krb5.OptCanonicalize
	})
	if x.rep.Client.String() != ann {
		t.Errorf("a ticket for %v", x.rep.Client)
	}
}

// What is no request, or not whole, gets no answer; a database that is silent is waited for a time; a request that is under way is not begun twice.
func TestWaiting(t *testing.T) {
	w, c := atHome(t)
	octets := c.asReq(ann, 20)
	for _, b := range [][]byte{{}, {1}, {0x30}, octets[:len(octets)-1], bytes.Repeat([]byte{0x6a}, MaxRequest+1)} {
		if a := c.ask(b); a != nil {
			t.Errorf("%d octets: %x", len(b), a)
		}
	}
	c.hold = true
	for range 3 {
		if c.ask(octets) != nil {
			t.Fatal("answered without a database")
		}
	}
	if c.queries != 2 || len(c.tasks) != 1 || c.drops["under-way"] != 2 {
		t.Errorf("%d queries, %d tasks, %v", c.queries, len(c.tasks), c.drops)
	}
	c.ask(c.asReq(ann, 20)) // another, which waits for the same look-ups
	if c.queries != 2 || len(c.tasks) != 2 {
		t.Errorf("%d queries, %d tasks", c.queries, len(c.tasks))
	}
	w.sleep(LookupTime)
	if len(w.back) != 2 || len(c.tasks)+len(c.lookups) != 0 || c.drops["database-timeout"] != 2 {
		t.Errorf("%d answers, %d tasks, %v", len(w.back), len(c.tasks), c.drops)
	}
	for _, r := range c.slow { // too late
		c.give(r)
	}
	if len(c.tasks)+len(c.accounts.by) != 0 {
		t.Error("late results are taken")
	}
}

// Answers that are too large for a datagram send the client to TCP, where the same request gets the same ticket.
func TestTooBig(t *testing.T) {
	w, c := atHome(t)
	c.db[ann].Attributes = avp(300)
	octets := c.asReq(ann, 20, lightly)
	for range 2 {
		_, e := w.read(octets, c.ask(octets), keyOf(ann, 20), keys.ASRepPart)
		if e == nil || e.Code != krb5.ErrResponseTooBig || e.Client.String() != ann {
			t.Fatalf("%+v", e)
		}
	}
	if x, e := w.read(octets, c.askTCP(octets), keyOf(ann, 20), keys.ASRepPart); e != nil || c.granted["as"] != 1 || x.Nonce == 0 {
		t.Errorf("%+v, %v", e, c.granted)
	}
}

// A connection that lies about lengths is closed, one that is idle as well, and one too many.
func TestConnections(t *testing.T) {
	w, c := atHome(t)
	open := func(n engine.Conn) {
		c.give(engine.Opened{Conn: n, Listener: "kdc/0 tcp", From: c.at, To: clientAt})
	}
	for _, b := range [][]byte{{0xff, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0x41, 0}, krb5.AppendFrame(nil, make([]byte, MaxRequest+1))} {
		open(4)
		c.give(engine.Stream{Conn: 4, Data: b})
		if len(c.conns) != 0 && len(b) > 4 || c.drops["framing"] == 0 && b[0] != 0 {
			t.Errorf("%x…: %d connections, %v", b[:4], len(c.conns), c.drops)
		}
		c.give(engine.Closed{Conn: 4})
	}
	open(6)
	w.sleep(IdleTime - 1)
	if len(c.conns) != 1 {
		t.Error("closed too early")
	}
	w.sleep(1)
	if len(c.conns) != 0 || !slices.Contains(c.closed, 6) {
		t.Error("idle and open")
	}
	for i := range engine.Conn(MaxConns + 1) {
		open(8 + 2*i)
	}
	if len(c.conns) != MaxConns || c.drops["connections-full"] != 1 {
		t.Errorf("%d connections", len(c.conns))
	}
}

// Rates: of a source, in which all addresses of a /64 are one; and of all.
func TestRates(t *testing.T) { //spec FH-18
	w := newWorld(t)
	c := w.add(Config{Realm: "HOME.EXAMPLE", PerSource: 5, Whole: 20})
	from := func(a string) (n int) {
		for i := range 50 {
			peer := netip.AddrPortFrom(netip.MustParseAddr(a), uint16(1000+i))
			w.back = nil
			c.give(engine.Datagram{Name: "kdc/0 udp", Peer: peer, Data: c.asReq(ann, 17)})
			n += len(w.back)
		}
		return n
	}
	if a, b := from("2001:db8::1"), from("2001:db8::2"); a != 10 || b != 0 {
		t.Errorf("%d, %d answers to one source", a, b)
	}
	if a, b, d := from("192.0.2.1"), from("192.0.2.2"), from("192.0.2.3"); a != 10 || b != 10 || d != 10 {
		t.Errorf("%d, %d, %d", a, b, d)
	}
	if n := from("192.0.2.4"); n != 0 || c.drops["rate-whole"] == 0 || c.drops["rate-source"] == 0 {
		t.Errorf("%d answers, %v", n, c.drops)
	}
	w.sleep(2 * time.Second)
	if n := from("2001:db8::1"); n != 10 {
		t.Errorf("%d after a while", n)
	}
}

// A change in the database holds after MaxAccountAge; until then nothing is asked twice.
func TestAccountsAreRemembered(t *testing.T) {
	w, c := atHome(t)
	c.logon(ann)
	c.logon(ann)
	if c.queries != 2 {
		t.Errorf("%d queries", c.queries)
	}
	c.db[ann].Enabled = false
	c.logon(ann)
	w.sleep(MaxAccountAge + 1)
	if _, e := c.as(ann, 20); e == nil || e.Code != krb5.ErrClientRevoked {
		t.Errorf("%+v", e)
	}
}

// What could not be listened at is tried again.
func TestListening(t *testing.T) {
	w, c := atHome(t)
	c.give(engine.Closed{Listener: "kdc/0 udp", Reason: engine.ReasonAddressInUse})
	if v := c.View().(View); v.Down["kdc/0 udp"] != engine.ReasonAddressInUse {
		t.Errorf("%+v", v)
	}
	var out engine.Effects
	w.now.Mono = w.now.Mono.Add(RebindTime)
	c.Handle(w.now, engine.Tick{}, &out)
	if len(out.List) != 1 || out.List[0] != (engine.Bind{Name: "kdc/0 udp", At: c.at}) || len(c.View().(View).Down) != 0 {
		t.Errorf("%+v", out.List)
	}
}

// Nobody is no client, not if the database had such a principal; and no ticket is without a name (RFC 8062).
func TestAnonymous(t *testing.T) { //spec FH-18
	_, c := atHome(t)
	const nobody = "WELLKNOWN/ANONYMOUS@HOME.EXAMPLE"
	c.principal(nobody)
	if x, e := c.as(nobody, keys.AES256SHA384); e == nil || e.Code != krb5.ErrPolicy {
		t.Errorf("%+v %+v", x, e)
	}
	if x, e := c.as(ann, keys.AES256SHA384, with(krb5.OptRequestAnonymous)); e == nil || e.Code != krb5.ErrBadoption {
		t.Errorf("%+v %+v", x, e)
	}
	if x, e := c.tgs(c.logon(ann), ann, host, with(krb5.OptRequestAnonymous)); e == nil || e.Code != krb5.ErrBadoption {
		t.Errorf("%+v %+v", x, e)
	}
}
