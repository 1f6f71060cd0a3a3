package tickets

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	lk "roam6/keying/lwkrb"
	"roam6/wire/krb5"
)

const (
	tgtHome = "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE"
	router  = "mobileip/ar1.home.example@HOME.EXAMPLE"
)

// With a key that the client has, a logon takes one round trip.
func TestLogonWithKey(t *testing.T) { //spec RT-30
	d := newDesk(t, func(c *Config) { c.Renew = 24 * time.Hour }).start()
	d.kdcs[home].renew = 20 * time.Hour
	if len(d.sends) != 1 || d.sends[0].Way != Datagram || d.sends[0].KDC != addr[home] || d.sends[0].Realm != home {
		t.Fatalf("%+v", d.sends)
	}
	d.serve()
	got := d.granted()
	if got.Server.String() != tgtHome || !got.Client.Equal(ann) || got.Flags&krb5.Renewable == 0 || len(d.kdcs[home].asked) != 1 || !got.Times.End.Equal(epoch.Add(10*time.Hour)) {
		t.Errorf("%+v after %d requests", got, len(d.kdcs[home].asked))
	}
	if d.c.Ticket(d.now, got.Server) != got || len(d.c.Tickets(d.now)) != 1 || d.state(tgtHome).State != Ready || !d.state(tgtHome).Lightweight {
		t.Errorf("%+v", d.c.View())
	}
	client, _ := Principal(ann)
	session := must(lk.SessionKey(got.Key.Value, string(client), string(got.Light.Key.Principal)))
	key := must(lk.NewKey(string(got.Light.Key.Principal), 3, got.Light.Key.EType, longTerm(got.Server, keys.EType(got.Light.Key.EType)).Octets()))
	if body := must(key.OpenTicket(got.Light.Key.Append(nil), got.Light.Sealed)); !bytes.Contains(body, session) {
		t.Error("the lightweight ticket has another session key")
	}
}

// With a password the KDC says how the key is made; the next logon knows.
func TestLogonWithPassword(t *testing.T) { //spec RT-30
	for _, params := range [][]byte{nil, {0, 0, 0x20, 0}} {
		d := newDesk(t, func(c *Config) { c.Keys, c.Password = nil, pw })
		d.kdcs[home].salt, d.kdcs[home].params = "pinch", params
		d.kdcs[home].clients[ann.String()] = func(e keys.EType) keys.Key { return must(keys.StringToKey(e, pw, "pinch", params)) }
		d.start().serve()
		d.granted()
		asked := d.kdcs[home].asked
		cookie, _ := asked[len(asked)-1].PAData.Find(krb5.PAFXCookie)
		if len(asked) != 2 || string(cookie) != "MIT" {
			t.Errorf("%d requests, cookie %q", len(asked), cookie)
		}
		d.took(d.c.Stop(d.now, &d.out))
		if d.start().serve(); len(d.kdcs[home].asked) != 3 {
			t.Errorf("%d requests with the next logon", len(d.kdcs[home].asked))
		}
		d.granted()
	}
}

// What would help guessing, or keep the node busy, is not computed; and who has the wrong key is told after one try.
func TestLogonRefused(t *testing.T) {
	for name, c := range map[string]struct { //order:any
		change func(*Config)
		kdc    func(*kdc)
		code   krb5.ErrorCode
		asked  int
	}{
		"few iterations":  {func(c *Config) { c.Keys, c.Password = nil, pw }, func(k *kdc) { k.params = []byte{0, 0, 0, 1} }, krb5.ErrPreauthRequired, 1},
		"many iterations": {func(c *Config) { c.Keys, c.Password = nil, pw }, func(k *kdc) { k.params = []byte{0, 9, 0, 0} }, krb5.ErrPreauthRequired, 1},
		"wrong key":       {func(c *Config) { c.Keys = c.Keys[:1] }, func(k *kdc) { wrongKey(k) }, krb5.ErrPreauthFailed, 1},
		"wrong password":  {func(c *Config) { c.Keys, c.Password = nil, pw }, func(k *kdc) { wrongKey(k) }, krb5.ErrPreauthFailed, 2},
		"unknown":         {func(c *Config) { c.Client.Name = krb5.MakeName("bob") }, func(*kdc) {}, krb5.ErrCPrincipalUnknown, 1},
	} {
		d := newDesk(t, c.change)
		c.kdc(d.kdcs[home])
		d.start().serve()
		d.pass() // HintWait
		f := d.failed()
		if f.Code != c.code || f.Held || f.Again != Pause || len(d.kdcs[home].asked) != c.asked || len(d.sends) > 0 {
			t.Errorf("%s: %+v after %d requests", name, f, len(d.kdcs[home].asked))
		}
	}
}

func wrongKey(k *kdc) {
	k.clients[ann.String()] = func(e keys.EType) keys.Key { return longTerm(krb5.Principal{Name: krb5.MakeName("x"), Realm: home}, e) }
}

// What an AS-REP or TGS-REP must be: each difference is dropped with its reason, and the true reply is taken after it.
func TestWrongReplies(t *testing.T) { //spec RT-30
	other := krb5.Principal{Name: krb5.MakeName("host", "x"), Realm: home}
	cases := []struct {
		name   string
		change func(*krb5.KDCRep, *krb5.EncKDCRepPart)
		want   string
	}{
		{"client", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { r.Client.Name = krb5.MakeName("bob") }, Unasked},
		{"client's realm", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { r.Client.Realm = "A.EXAMPLE" }, Unasked},
		{"kind", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { r.TGS = !r.TGS }, Unasked},
		{"ticket's server", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { r.Ticket.Server = other }, Unasked},
		{"ticket's realm", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { r.Ticket.Server.Realm = "A.EXAMPLE" }, Unasked},
		{"nonce", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Nonce++ }, WrongNonce},
		{"server", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Server = other }, WrongServer},
		{"realm", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Server.Realm = "A.EXAMPLE" }, WrongServer},
		{"key", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Key.Value = p.Key.Value[1:] }, WrongKey},
		{"key type", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Key.EType = 23 }, WrongKey},
		{"invalid", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Flags |= krb5.Invalid }, WrongFlags},
		{"renew-till", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Times.RenewTill = p.Times.End }, WrongFlags},
		{"address", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) {
			p.Addresses = []krb5.HostAddress{krb5.HostAddr(addr[home].Addr())}
		}, HasAddress},
		{"ended", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Times.End = p.Times.Auth.Add(-time.Second) }, WrongTimes},
		{"too long", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Times.End = p.Times.End.Add(time.Hour) }, WrongTimes},
		{"later", func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Times.Start = p.Times.Auth.Add(time.Hour) }, WrongTimes},
	}
	for _, tgs := range []bool{false, true} {
		for _, c := range cases {
			d := newDesk(t, nil).start()
			if tgs {
				d.serve()
				d.want(router)
				d.last()
			}
			s, k := d.next(), d.kdcs[home]
			k.asRep = c.change
			d.heard(s, d.ask(s))
			if got := d.dropped(); !slices.Equal(got, []string{c.want}) || len(d.facts) > 0 {
				t.Errorf("%s, TGS %v: dropped %q, facts %v", c.name, tgs, got, d.facts)
				continue
			}
			k.asRep = nil
			d.heard(s, d.ask(s))
			d.granted()
		}
	}
}

// Who cannot make the reply's key, or changes a request on its way, gets nothing.
func TestForgedReplies(t *testing.T) {
	d := newDesk(t, nil).start()
	s := d.next()
	b := d.ask(s)
	for name, change := range map[string]func() []byte{ //order:any
		"altered":  func() []byte { x := bytes.Clone(b); x[len(x)-1] ^= 1; return x },
		"cut":      func() []byte { return b[:len(b)-1] },
		"none":     func() []byte { return []byte("hello") },
		"empty":    func() []byte { return nil },
		"a ticket": func() []byte { return must(krb5.ParseKDCRep(b)).Ticket.Append(nil) },
	} {
		d.heard(s, change())
		if got := d.dropped(); len(got) != 1 || len(d.facts) > 0 {
			t.Errorf("%s: %q %v", name, got, d.facts)
		}
	}
	d.took(d.c.HeardFrom(d.now, ap("[2001:db8::bad]:88"), b, &d.out))
	if got := d.dropped(); !slices.Equal(got, []string{Unasked}) {
		t.Errorf("from another address: %q", got)
	}
	q := must(krb5.ParseKDCReq(s.Data))
	q.PAData = q.PAData[:1] // the wish for a checksum taken away is no matter, another request is
	q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PAReqEncPARep})
	d.heard(s, d.kdcs[home].answer(q.Append(nil)))
	if got := d.dropped(); !slices.Equal(got, []string{Altered}) {
		t.Errorf("altered on its way: %q", got)
	}
	d.heard(s, b)
	d.granted()
	d.heard(s, b)
	if got := d.dropped(); !slices.Equal(got, []string{Unasked}) || len(d.facts) > 0 {
		t.Errorf("again: %q", got)
	}
}

// A service's ticket waits for the TGT; the wish for a lightweight one goes with it.
func TestService(t *testing.T) {
	d := newDesk(t, nil).start()
	d.want(router)
	if got := d.state(router); got.State != Waiting {
		t.Errorf("%+v", got)
	}
	d.serve()
	if len(d.facts) != 2 {
		t.Fatal(d.facts)
	}
	got := d.c.Ticket(d.now, must(krb5.ParsePrincipal(router)))
	if got == nil || got.Server.String() != router || !got.Lightweight() || got.Light.Key.Principal != router {
		t.Fatalf("%+v", got)
	}
	d.took(d.c.Unwant(d.now, got.Server, &d.out))
	if d.c.Ticket(d.now, got.Server) != nil || len(d.c.Tickets(d.now)) != 1 {
		t.Error("still there")
	}
}

// A lightweight ticket for another key, or none at all, costs nothing but itself.
func TestLightweight(t *testing.T) { //spec FH-14
	for why, change := range map[string]func([]byte) []byte{ //order:any
		"lightweight-version":   func(b []byte) []byte { b[0] = 2; return b },
		"lightweight-malformed": func(b []byte) []byte { return b[:len(b)-1] },
		"lightweight-other-key": func(b []byte) []byte { b[len(router)+5] ^= 1; return b },
	} {
		d := newDesk(t, nil).start().serve()
		d.last()
		d.kdcs[home].asRep = func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.PAData[0].Data = change(p.PAData[0].Data) }
		d.want(router)
		d.serve()
		if got := d.granted(); got.Lightweight() || !slices.Equal(d.dropped(), []string{Light}) || d.state(router).Lightweight {
			t.Errorf("%s: %+v", why, got.Light.Key)
		}
	}
}

// From realm to realm: what comes may be for one on the way.
func TestWalk(t *testing.T) { //spec FH-17 RT-40
	d := newDesk(t, nil).start()
	d.kdcs[home].next["B.EXAMPLE"] = "A.EXAMPLE"
	d.want("mobileip/access.b.example@B.EXAMPLE")
	d.serve()
	got := d.c.Ticket(d.now, must(krb5.ParsePrincipal("mobileip/access.b.example@B.EXAMPLE")))
	if got == nil || !got.Lightweight() {
		t.Fatalf("%+v", d.c.View())
	}
	tgt := d.c.Ticket(d.now, krb5.Principal{Name: krb5.TGS("B.EXAMPLE"), Realm: home})
	if tgt == nil || tgt.Server.String() != "krbtgt/B.EXAMPLE@A.EXAMPLE" || !d.state("krbtgt/B.EXAMPLE@A.EXAMPLE").Helper {
		t.Fatalf("%+v", tgt)
	}
	if n := len(d.kdcs["A.EXAMPLE"].asked); n != 1 {
		t.Errorf("%d requests to A", n)
	}
	d.last()
	d.want("krbtgt/B.EXAMPLE@HOME.EXAMPLE") // now for itself
	if d.serve(); len(d.facts) > 0 || d.state("krbtgt/B.EXAMPLE@A.EXAMPLE").Helper {
		t.Errorf("%v", d.facts)
	}
}

// KDCs that lie about realms are left.
func TestWalkEnds(t *testing.T) {
	for name, c := range map[string]struct { //order:any
		prepare func(d *desk)
		code    krb5.ErrorCode
		why     string
	}{
		"back home": {func(d *desk) {
			d.kdcs[home].next["B.EXAMPLE"], d.kdcs["A.EXAMPLE"].next["B.EXAMPLE"] = "A.EXAMPLE", home
		}, krb5.ErrIAKERBKDCNoResponse, WrongRealm},
		"itself": {func(d *desk) {
			d.kdcs[home].next["B.EXAMPLE"], d.kdcs["A.EXAMPLE"].next["B.EXAMPLE"] = "A.EXAMPLE", "A.EXAMPLE"
		}, krb5.ErrIAKERBKDCNoResponse, WrongRealm},
		"unknown":     {func(d *desk) { d.kdcs[home].next["B.EXAMPLE"] = "X.EXAMPLE" }, krb5.ErrIAKERBKDCNotFound, "no KDC of X.EXAMPLE is known"},
		"without end": {endless, krb5.ErrIAKERBKDCNoResponse, WrongRealm},
		"wrong server": {func(d *desk) {
			d.kdcs[home].asRep = func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { r.Ticket.Server.Name = krb5.MakeName("host", "x") }
		}, krb5.ErrIAKERBKDCNoResponse, "no KDC of HOME.EXAMPLE answers"},
	} {
		d := newDesk(t, nil).start().serve()
		d.last()
		c.prepare(d)
		d.want("krbtgt/B.EXAMPLE@HOME.EXAMPLE")
		for i := 0; d.state("krbtgt/B.EXAMPLE@HOME.EXAMPLE").State != Resting; i++ {
			if d.serve(); i > 20 {
				t.Fatalf("%s: no end", name)
			}
			if d.state("krbtgt/B.EXAMPLE@HOME.EXAMPLE").State == Asking {
				d.pass()
			}
		}
		if f := d.failed(); f.Code != c.code || !strings.Contains(f.Why, c.why) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// endless has one realm name another for ever.
func endless(d *desk) {
	d.kdcs[home].next["B.EXAMPLE"] = "R0"
	for i := range MaxHops + 3 {
		r := fmt.Sprintf("R%d", i)
		if err := d.c.SetRealm(Realm{r, []KDC{{At: addr["A.EXAMPLE"]}}}); err != nil {
			d.t.Fatal(err)
		}
		d.kdcs[r] = newKDC(r, func() time.Time { return d.now.Wall })
		d.kdcs[r].next["B.EXAMPLE"] = fmt.Sprintf("R%d", i+1)
	}
}

// An access router asks for a ticket for the mobile node, in the session key of the TGT that it was pushed.
func TestUserToUser(t *testing.T) { //spec RT-36
	mn := newDesk(t, nil).start().serve()
	tgt := mn.granted()
	ar := krb5.Principal{Name: krb5.MakeName("mobileip", "ar1.a.example"), Realm: "A.EXAMPLE"}
	d := newDesk(t, func(c *Config) { c.Client, c.Keys = ar, []keys.Key{longTerm(ar, keys.AES256SHA1)} })
	d.kdcs["A.EXAMPLE"].clients[ar.String()] = func(e keys.EType) keys.Key { return longTerm(ar, e) }
	d.start().serve()
	d.last()
	facts, name := d.c.UserToUser(d.now, ann.Name, tgt.Ticket, &d.out)
	d.took(facts)
	d.serve()
	var got Granted
	for _, f := range d.last() {
		if g, ok := f.(Granted); ok && g.Want != 0 {
			got = g
		}
	}
	if name == 0 || got.Want != name || !got.Ticket.Server.Equal(ann) {
		t.Fatalf("%d %+v", name, got)
	}
	key := must(keys.NewKey(keys.EType(tgt.Key.EType), tgt.Key.Value))
	in := must(krb5.ParseEncTicketPart(must(key.Decrypt(nil, keys.TicketPart, got.Ticket.Ticket.Enc.Cipher))))
	if !in.Client.Equal(ar) || d.c.Ticket(d.now, ann) != nil {
		t.Errorf("%+v", in)
	}
	if _, name = d.c.UserToUser(d.now, ann.Name, got.Ticket.Ticket, &d.out); name != 0 {
		t.Error("a ticket that is no TGT is taken for one")
	}
	facts, name = d.c.UserToUser(d.now, krb5.MakeName("nobody", "x"), tgt.Ticket, &d.out)
	d.took(facts)
	d.took(d.c.Forget(d.now, name, &d.out))
	if at, why := d.c.Deadline(); why == reasons[repeat] {
		t.Errorf("goes on until %v", at)
	}
}

// Tickets are renewed before they end, the TGT first; where that is refused, or cannot be, there is a new logon.
func TestRenewal(t *testing.T) {
	for _, c := range []struct {
		renew  time.Duration
		refuse bool
		logons int
	}{{20 * time.Hour, false, 1}, {0, false, 3}, {20 * time.Hour, true, 3}} {
		d := newDesk(t, func(cfg *Config) { cfg.Renew = c.renew })
		k := d.kdcs[home]
		k.renew = c.renew
		d.start().serve()
		d.want(router)
		d.serve()
		k.refuse = c.refuse
		for d.now.Mono < engine.Mono(0).Add(18*time.Hour) {
			d.pass()
			d.serve()
			if len(d.c.Tickets(d.now)) != 2 {
				t.Fatalf("%v: %+v", d.now.Wall, d.c.View())
			}
		}
		logons := 0
		for _, q := range k.asked {
			if !q.TGS {
				logons++
			}
		}
		if logons > c.logons+1 || logons < c.logons || len(k.asked) > 30 {
			t.Errorf("renewable %v: %d logons of %d requests", c.renew, logons, len(k.asked))
		}
		for _, f := range d.last() {
			if _, ok := f.(Ended); ok {
				t.Error("ended")
			}
		}
	}
}

// A KDC that is silent lets tickets end, not the client: it asks on, and has them again.
func TestEnd(t *testing.T) {
	d := newDesk(t, nil).start().serve()
	d.want(router)
	d.serve()
	d.last()
	sent := 0
	for d.now.Mono < engine.Mono(0).Add(11*time.Hour) {
		d.pass()
		sent += len(d.sends)
		d.sends = nil
	}
	ended := 0
	for _, f := range d.last() {
		if _, ok := f.(Ended); ok {
			ended++
		}
	}
	if ended != 2 || len(d.c.Tickets(d.now)) != 0 || sent > 400 {
		t.Errorf("%d ended, %d left, %d requests", ended, len(d.c.Tickets(d.now)), sent)
	}
	for i := 0; len(d.c.Tickets(d.now)) < 2; i++ {
		if i > 20 {
			t.Fatalf("%+v", d.c.View())
		}
		d.serve()
		d.pass()
	}
}
