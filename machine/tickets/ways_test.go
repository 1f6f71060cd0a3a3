package tickets

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

func no(s Send, code krb5.ErrorCode, at time.Time) []byte {
	b := s.Data
	if s.Way == Stream {
		b = b[4:]
	}
	q := must(krb5.ParseKDCReq(b))
	e := krb5.KRBError{ServerTime: at, Code: code, Server: krb5.Principal{Name: q.Body.Server, Realm: q.Body.Realm}, Text: "so"}
	return e.Append(nil)
}

// KDCs are asked in turn, ever more slowly, and then no more for a while. Who answered is asked first the next time.
func TestSilence(t *testing.T) {
	second := ap("[2001:db8:1::89]:88")
	d := newDesk(t, func(c *Config) { c.Realms[0].KDCs = append(c.Realms[0].KDCs, KDC{At: second}) }).start()
	var asked []netip.AddrPort
	var when []time.Duration
	start := d.now.Mono
	for d.state(tgtHome).State == Asking {
		for _, s := range d.sends {
			asked, when = append(asked, s.KDC), append(when, d.now.Mono.Sub(start))
		}
		d.sends = nil
		d.pass()
	}
	h, s := addr[home], time.Second
	if !slices.Equal(asked, []netip.AddrPort{h, second, h, second, h, second, h, second}) ||
		!slices.Equal(when, []time.Duration{0, s / 2, s, 2 * s, 3 * s, 5 * s, 7 * s, 11 * s}) {
		t.Errorf("%v %v", asked, when)
	}
	if f := d.failed(); f.Code != krb5.ErrIAKERBKDCNoResponse || f.Again != Pause || d.now.Mono.Sub(start) > MaxAge+4*time.Second {
		t.Errorf("%+v", f)
	}
	d.want(router)
	if got := d.state(router); got.State != Waiting || !strings.Contains(got.Why, "no KDC of HOME.EXAMPLE answers") {
		t.Errorf("%+v", got)
	}
	d.took(d.c.Unwant(d.now, must(krb5.ParsePrincipal(router)), &d.out))
	d.pass()
	d.sends = nil
	d.pass() // the second
	d.serve()
	d.granted()
	d.want(router)
	if got := d.next(); got.KDC != second {
		t.Errorf("%v is asked first", got.KDC)
	}
}

// A copy of the answer to the request before does not end the one that is under way.
func TestCopyOfAnError(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.Keys, c.Password = nil, pw })
	d.kdcs[home].clients[ann.String()] = func(e keys.EType) keys.Key { return must(keys.StringToKey(e, pw, ann.Salt(), nil)) }
	d.start()
	s := d.next()
	b := d.ask(s)
	d.heard(s, b)
	s = d.next()
	d.heard(s, b)
	if at, _ := d.c.Deadline(); len(d.sends) > 0 || at != d.now.Mono.Add(FirstWait) {
		t.Errorf("%d requests, next at %v", len(d.sends), at)
	}
	d.heard(s, d.ask(s))
	d.granted()
}

// The first KDC's answer counts when the second one was asked already.
func TestLateAnswer(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.Realms[0].KDCs = append(c.Realms[0].KDCs, KDC{At: ap("[2001:db8:1::89]:88")}) }).start().serve()
	d.last()
	d.want(router)
	first := d.next()
	d.pass()
	second := d.next()
	if first.KDC == second.KDC || bytes.Equal(first.Data, second.Data) {
		t.Error("the same request again: the KDC takes its authenticator for a replay")
	}
	d.heard(first, d.ask(first))
	d.granted()
}

// A refusal that nobody proves waits for a reply; by a stream it is taken at once.
func TestRefusalIsAHint(t *testing.T) { //spec FH-18
	d := newDesk(t, nil).start().serve()
	d.last()
	d.want(router)
	s := d.next()
	d.heard(s, no(s, krb5.ErrSPrincipalUnknown, epoch))
	if len(d.facts) > 0 {
		t.Fatal(d.facts)
	}
	d.heard(s, d.ask(s))
	d.granted()
	d.want("mobileip/ar2.home.example@HOME.EXAMPLE")
	s = d.next()
	d.heard(s, no(s, krb5.ErrPolicy, epoch))
	start := d.now.Mono
	d.pass()
	if f := d.failed(); f.Code != krb5.ErrPolicy || !strings.Contains(f.Why, "so") || d.now.Mono.Sub(start) != HintWait {
		t.Errorf("%+v", f)
	}
	if d.state("mobileip/ar2.home.example@HOME.EXAMPLE").Why == "" {
		t.Error("nobody is told why")
	}
	d.c.realms[0].KDCs[0].Stream = true
	d.want("mobileip/ar3.home.example@HOME.EXAMPLE")
	s = d.next()
	d.heard(s, no(s, krb5.ErrPolicy, epoch))
	if f := d.failed(); f.Code != krb5.ErrPolicy {
		t.Errorf("%+v", f)
	}
}

// Errors for something else, or that only say "later", change nothing.
func TestErrorsPassedOver(t *testing.T) {
	d := newDesk(t, nil).start().serve()
	d.last()
	d.want(router)
	s := d.next()
	other := krb5.KRBError{ServerTime: epoch, Code: krb5.ErrPolicy, Server: krb5.Principal{Name: krb5.MakeName("host", "x"), Realm: home}}
	d.heard(s, other.Append(nil))
	if got := d.dropped(); !slices.Equal(got, []string{Unasked}) {
		t.Errorf("%q", got)
	}
	d.heard(s, no(s, krb5.ErrSvcUnavailable, epoch))
	start := d.now.Mono
	if d.pass(); d.now.Mono.Sub(start) != FirstWait || len(d.sends) != 1 {
		t.Errorf("%v, %d requests", d.now.Mono.Sub(start), len(d.sends))
	}
}

// A clock that is wrong costs a round trip. Only a reply sets it: an error alone does not.
func TestSkew(t *testing.T) { //spec FH-18
	d := newDesk(t, nil)
	d.ahead = 50 * time.Hour
	d.start()
	s := d.next()
	d.heard(s, d.ask(s)) // KRB_AP_ERR_SKEW
	if c, proven := d.c.Clock(d.now, home); proven || !c.Equal(d.now.Wall) {
		t.Error("an error sets the clock")
	}
	d.serve()
	got := d.granted()
	c, proven := d.c.Clock(d.now, home)
	if off := c.Sub(d.now.Wall.Add(d.ahead)); !proven || off.Abs() > time.Second || got.until != d.now.Mono.Add(10*time.Hour) {
		t.Errorf("off by %v; good until %v", off, got.until)
	}
	d.now.Wall = d.now.Wall.Add(-time.Hour) // a step of the wall clock is no matter
	d.ahead += time.Hour
	d.want(router)
	if d.serve(); len(d.kdcs[home].asked) != 3 {
		t.Errorf("%d requests", len(d.kdcs[home].asked))
	}
	d.granted()
	d.kdcs["A.EXAMPLE"].now = func() time.Time { return d.now.Wall.Add(d.ahead + 20*time.Minute) }
	d.want("mobileip/access.a.example@A.EXAMPLE")
	d.serve()
	if c, proven := d.c.Clock(d.now, "A.EXAMPLE"); !proven || c.Sub(d.now.Wall.Add(d.ahead)) != 20*time.Minute {
		t.Errorf("%v %v", c, proven)
	}
}

// An error that lies about the time leads to one request more, and to no clock.
func TestForgedSkew(t *testing.T) {
	d := newDesk(t, nil).start()
	s := d.next()
	for range 3 {
		d.heard(s, no(s, krb5.ErrSkew, epoch.Add(24*time.Hour)))
	}
	if len(d.sends) != 1 {
		t.Fatalf("%d requests", len(d.sends))
	}
	if _, proven := d.c.Clock(d.now, home); proven {
		t.Error("the clock is set")
	}
}

// What is too long for a datagram goes by stream, asking and answering.
func TestStream(t *testing.T) {
	d := newDesk(t, nil).start()
	s := d.next()
	d.heard(s, no(s, krb5.ErrResponseTooBig, epoch))
	s = d.next()
	if s.Way != Stream || s.KDC != addr[home] {
		t.Fatalf("%+v", s)
	}
	d.heard(s, d.ask(s))
	if f := d.last(); len(f) != 2 || f[0] != Fact(Over{s.Exchange}) {
		t.Errorf("%v", f)
	}
	d.want("mobileip/" + strings.Repeat("x", 1000) + "@HOME.EXAMPLE")
	s = d.next()
	if s.Way != Stream {
		t.Fatalf("%d octets by %v", len(s.Data), s.Way)
	}
	d.took(d.c.HeardStream(d.now, s.Exchange, []byte{255, 255, 255, 255}, &d.out))
	if got := d.dropped(); !slices.Equal(got, []string{Malformed}) {
		t.Errorf("%q", got)
	}
	if _, why := d.c.Deadline(); why != reasons[repeat] {
		t.Error("it does not try again")
	}
}

// A stream that cannot be opened: the next KDC at once.
func TestLost(t *testing.T) {
	second := ap("[2001:db8:1::89]:88")
	d := newDesk(t, func(c *Config) { c.Realms[0].KDCs = []KDC{{addr[home], true}, {second, true}} }).start()
	s := d.next()
	d.took(d.c.Lost(d.now, s.Exchange, &d.out))
	n := d.next()
	if n.KDC != second || n.Exchange != s.Exchange {
		t.Fatalf("%+v", n)
	}
	if d.took(d.c.Lost(d.now, n.Exchange, &d.out)); len(d.sends) > 0 {
		t.Error("asked again without end")
	}
	d.pass()
	d.serve()
	d.granted()
}

// Through the access router, as tokens; and from one way to the other in the middle.
func TestProxy(t *testing.T) { //spec RT-30
	d := newDesk(t, func(c *Config) { c.Realms = nil })
	d.kdcs[home] = newKDC(home, func() time.Time { return d.now.Wall })
	d.kdcs[home].light = true
	d.start()
	if f := d.failed(); f.Code != krb5.ErrIAKERBKDCNotFound {
		t.Errorf("%+v", f)
	}
	d.took(d.c.Through(d.now, Proxy, &d.out))
	if d.sends[0].Way != Proxy || d.sends[0].KDC.IsValid() || d.sends[0].Realm != home {
		t.Fatalf("%+v", d.sends)
	}
	d.took(d.c.HeardToken(d.now, []byte("hello"), &d.out))
	if got := d.dropped(); !slices.Equal(got, []string{Malformed}) {
		t.Errorf("%q", got)
	}
	d.serve()
	d.granted()
	d.want(router)
	old := d.next()
	if err := d.c.SetRealm(Realm{home, []KDC{{At: addr[home]}}}); err != nil {
		t.Fatal(err)
	}
	d.took(d.c.Through(d.now, Direct, &d.out))
	d.took(d.c.HeardToken(d.now, krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: d.ask(old)}.Append(nil), &d.out))
	if len(d.facts) > 0 {
		t.Error("a token is taken where nobody asked by one")
	}
	if d.sends[0].Way != Datagram {
		t.Errorf("%+v", d.sends)
	}
	d.serve()
	d.granted()
}

// A new link is a reason to ask again what rests.
func TestThroughWakes(t *testing.T) {
	d := newDesk(t, nil).start()
	for d.state(tgtHome).State != Resting {
		d.pass()
	}
	d.sends = nil
	d.took(d.c.Through(d.now, Direct, &d.out))
	d.serve()
	d.last()
	if d.state(tgtHome).State != Ready {
		t.Errorf("%+v", d.c.View())
	}
}

// Limits hold, whatever is wanted.
func TestLimits(t *testing.T) {
	d := newDesk(t, nil).start().serve()
	for i := range MaxWants + 5 {
		facts, ok := d.c.Want(d.now, krb5.Principal{Name: krb5.MakeName("mobileip", fmt.Sprint(i)), Realm: home}, &d.out)
		if d.took(facts); ok != (i < MaxWants-1) {
			t.Fatalf("want %d: %v", i, ok)
		}
	}
	if len(d.sends) != MaxExchanges || len(d.c.exchanges) != MaxExchanges {
		t.Errorf("%d exchanges at a time", len(d.sends))
	}
	if d.serve(); len(d.c.Tickets(d.now)) != MaxWants {
		t.Errorf("%d tickets", len(d.c.Tickets(d.now)))
	}
	for _, c := range []func(*Config){
		func(c *Config) { c.Keys = nil },
		func(c *Config) { c.Client = krb5.Principal{} },
		func(c *Config) { c.Keys = append(c.Keys, c.Keys[0]) },
		func(c *Config) { c.Keys = []keys.Key{{}} },
		func(c *Config) { c.Life = -1 },
		func(c *Config) { c.Realms[0].KDCs = nil },
		func(c *Config) { c.Realms[0].KDCs = make([]KDC, 1) },
		func(c *Config) { c.Realms[0].KDCs = make([]KDC, MaxKDCs+1) },
		func(c *Config) { c.Realms[0].Name = "" },
	} {
		cfg := config()
		if c(&cfg); cfg.Client.Realm == home || cfg.Client.IsZero() {
			if _, err := New(cfg, engine.NewRand([32]byte{})); err == nil {
				t.Errorf("%+v is taken", cfg.Realms)
			}
		}
	}
}

// No key and no password prints.
func TestNothingPrints(t *testing.T) {
	d := newDesk(t, nil).start().serve()
	got := d.granted()
	p := newDesk(t, func(c *Config) { c.Keys, c.Password = nil, "hunter2hunter2" })
	p.kdcs[home].clients[ann.String()] = func(e keys.EType) keys.Key { return must(keys.StringToKey(e, "hunter2hunter2", ann.Salt(), nil)) }
	p.start().serve()
	cfg := config()
	cfg.Password = "hunter2hunter2"
	for _, f := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		s := fmt.Sprintf(f+f+f+f+f, *got, Granted{Ticket: got}, cfg, *p.c, p.c.View()) + fmt.Sprintf("%v%v", p.out.List, d.out.List)
		for _, secret := range []string{"hunter2", fmt.Sprintf("%x", []byte(got.Key.Value)[:8]), fmt.Sprint([]byte(got.Key.Value)[:8])[1:20]} {
			if strings.Contains(s, secret) {
				t.Errorf("%s shows %q", f, secret)
			}
		}
	}
}

// Whatever comes in whatever order: limits hold, time goes on, and when the KDCs answer in the end, all that is wanted is there.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t, func(c *Config) { c.Renew = 30 * time.Hour })
		for _, k := range d.kdcs { //order:any
			k.renew = 30 * time.Hour
		}
		d.start()
		servers := []string{router, "mobileip/access.a.example@A.EXAMPLE", "krbtgt/B.EXAMPLE@HOME.EXAMPLE", "mobileip/x.b.example@B.EXAMPLE"}
		var old []Send
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 8).Draw(rt, "step") {
			case 0:
				d.want(rapid.SampledFrom(servers).Draw(rt, "server"))
			case 1:
				d.took(d.c.Unwant(d.now, must(krb5.ParsePrincipal(rapid.SampledFrom(servers).Draw(rt, "server"))), &d.out))
			case 2, 3:
				if at, _ := d.c.Deadline(); at != engine.Never {
					d.pass()
				}
			case 4, 5:
				if len(d.sends) > 0 {
					s := d.next()
					old = append(old, s)
					d.heard(s, d.ask(s))
				}
			case 6:
				if len(old) > 0 { // late, or twice
					s := rapid.SampledFrom(old).Draw(rt, "old")
					d.heard(s, d.ask(s))
				}
			case 7:
				if len(d.sends) > 0 {
					s := d.sends[0]
					if s.Way == Datagram {
						d.heard(s, no(s, krb5.ErrorCode(rapid.SampledFrom([]int{6, 7, 24, 25, 29, 34, 37, 52, 60}).Draw(rt, "code")), d.now.Wall.Add(time.Hour)))
					}
				}
			case 8:
				if len(d.sends) > 0 {
					d.took(d.c.Lost(d.now, d.sends[0].Exchange, &d.out))
				}
			}
			if len(d.c.exchanges) > MaxExchanges || len(d.c.wants) > MaxWants {
				rt.Fatal("over a limit")
			}
		}
		d.want(router)
		for i := 0; ; i++ {
			if d.serve(); !slices.ContainsFunc(d.c.wants, func(w *want) bool { return w.state != Ready && w.state != Idle }) {
				break
			}
			if d.pass(); i > 200 {
				rt.Fatalf("%+v", d.c.View())
			}
		}
		if d.c.Ticket(d.now, must(krb5.ParsePrincipal(router))) == nil {
			rt.Fatalf("%+v", d.c.View())
		}
	})
}
