package peers

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// fill makes the client send what the builder is told, and gives the answer.
func (h *host) fill(ctx uint64, app uint32, flags diameter.Flags, more func(*diameter.Builder)) bool {
	ok := false
	h.call(func(now engine.Now, out *engine.Effects) {
		b := h.n.Builder().Request(diameter.SessionTermination, app, flags).Text(diameter.SessionID, h.n.NewSessionID())
		h.n.Origin(b)
		more(b)
		b.Uint32(diameter.AuthApplicationID, app).Uint32(diameter.TerminationCause, diameter.TerminationCauseLogout)
		ok = h.n.Request(now, out, b.Done(), ctx)
	})
	return ok
}

// star is a client whose requests all go to an agent, which has peers x and y and whatever routes.
func star(t testing.TB, change func(agent, x, y *Config)) (w *world, client, agent, x, y *host) {
	w = newWorld(t)
	var cx, cy Config
	var ca Config
	change(&ca, &cx, &cy)
	leaf := func(extra *Config) func(*Config) {
		return func(c *Config) {
			c.Peers = []Peer{{Host: name("agent")}}
			c.Routes = extra.Routes
			if extra.Apps != nil {
				c.Apps = extra.Apps
			}
		}
	}
	x, y = w.add("x", leaf(&cx)), w.add("y", leaf(&cy))
	agent = w.add("agent", func(c *Config) {
		c.Apps = []App{{ID: diameter.AppRelay}}
		if ca.Apps != nil {
			c.Apps = ca.Apps
		}
		c.Peers = []Peer{peerTo(x), peerTo(y), {Host: name("client")}}
		c.Routes, c.Routed = ca.Routes, ca.Routed
	})
	client = w.add("client", func(c *Config) {
		c.Listen = nil
		c.Apps = []App{{ID: diameter.AppMobileIPv6AAA}, {ID: diameter.AppBaseAccounting}}
		c.Peers = []Peer{peerTo(agent)}
		c.Routes = []Route{{Realm: "*", Via: []string{name("agent")}}}
	})
	w.start()
	w.run(time.Second)
	w.settled()
	return w, client, agent, x, y
}

// errand is a request at an agent, and what becomes of it.
type errand struct {
	what   string
	routes []Route
	app    uint32
	flags  diameter.Flags
	to     func(*diameter.Builder)
	code   diameter.ResultCode
	at     string // where it arrives
	drop   string // at the agent
}

// errands are those of TestRoutes.
func errands() []errand {
	const app, acct = diameter.AppMobileIPv6AAA, diameter.AppBaseAccounting
	to := func(host, realm string) func(*diameter.Builder) {
		return func(b *diameter.Builder) {
			if realm != "" {
				b.Text(diameter.DestinationRealm, realm)
			}
			if host != "" {
				b.Text(diameter.DestinationHost, host)
			}
		}
	}
	viaX := []Route{{Realm: "far" + domain, Via: []string{name("x"), name("y")}}}
	return []errand{
		{"by realm", viaX, app, diameter.Proxiable, to("", "FAR"+domain), diameter.Success, "x", ""},
		{"by host", viaX, app, diameter.Proxiable, to(name("Y"), "far"+domain), diameter.Success, "y", ""},
		{"by host without route", nil, app, diameter.Proxiable, to(name("y"), "far"+domain), diameter.Success, "y", ""},
		{"host is no peer", viaX, app, diameter.Proxiable, to(name("q"), "far"+domain), diameter.UnableToDeliver, "", ""},
		{"default", []Route{{Realm: "*", Via: []string{name("y")}}}, app, diameter.Proxiable, to("", "far"+domain), diameter.Success, "y", ""},
		{"the realm's own before the default", []Route{{Realm: "*", Via: []string{name("y")}}, viaX[0]}, app, diameter.Proxiable, to("", "far"+domain), diameter.Success, "x", ""},
		{"by application", []Route{{Realm: "far" + domain, App: acct, Via: []string{name("y")}}, viaX[0]}, app, diameter.Proxiable, to("", "far"+domain), diameter.Success, "x", ""},
		{"no route", viaX, app, diameter.Proxiable, to("", "else"+domain), diameter.RealmNotServed, "", NoRoute},
		{"our realm, no peer", viaX, app, diameter.Proxiable, to(name("q"), realm("agent")), diameter.UnableToDeliver, "", NotDelivered},
		{"not to be passed on", viaX, app, 0, to("", "far"+domain), diameter.UnableToDeliver, "", NotDelivered},
		{"nobody speaks it", viaX, 77, diameter.Proxiable, to("", "far"+domain), diameter.UnableToDeliver, "", NotDelivered},
		{"not spoken here", viaX, app, diameter.Proxiable, to(name("agent"), realm("agent")), diameter.ApplicationUnsupported, "", NoApplication},
		{"not spoken in our realm", viaX, app, diameter.Proxiable, to("", realm("agent")), diameter.ApplicationUnsupported, "", NoApplication},
		{"back where it came from", []Route{{Realm: "far" + domain, Via: []string{name("client")}}}, app, diameter.Proxiable, to("", "far"+domain), diameter.UnableToDeliver, "",
			NotDelivered},
		{"has been there", viaX, app, diameter.Proxiable, func(b *diameter.Builder) {
			to("", "far"+domain)(b)
			b.Text(diameter.RouteRecord, name("X"))
		}, diameter.Success, "y", ""},
	}
}

// TestRoutes: what becomes of a request at an agent, RFC 6733 §6.1 and §7.1.3.
func TestRoutes(t *testing.T) {
	for _, c := range errands() {
		t.Run(c.what, func(t *testing.T) {
			w, client, agent, x, y := star(t, func(a, x, y *Config) {
				local := []Route{{Realm: "far" + domain, Action: Local}}
				a.Routes, x.Routes, y.Routes = c.routes, local, local
			})
			if !client.fill(1, c.app, c.flags, c.to) {
				t.Fatal("not sent")
			}
			w.run(time.Second)
			where := ""
			for _, h := range []*host{x, y} {
				if len(h.arrived) > 0 {
					where += h.name
				}
			}
			client.want(1, c.code)
			if where != c.at {
				t.Errorf("arrived at %q, want %q", where, c.at)
			}
			if c.drop != "" && agent.drops[c.drop] == 0 {
				t.Errorf("%v", agent.drops)
			}
			if agent.n.count.Elsewhere != 0 && c.what != "host is no peer" {
				t.Error("the wrong one was asked before")
			}
			for _, h := range w.hosts {
				if v := h.n.View().(View); v.Pending != 0 || v.Serving != 0 || h.n.octets != 0 || h.n.held != 0 {
					t.Errorf("%s: something stays: %+v", h.name, v)
				}
			}
		})
	}
}

// TestLoop: a request that was here before is not sent round again.
func TestLoop(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.cause(iConnAck)
	l.cause(iRcvCEA)
	l.say(l.i, l.b.Request(diameter.SessionTermination, diameter.AppMobileIPv6AAA, diameter.Proxiable).Text(diameter.SessionID, "s").
		Text(diameter.OriginHost, "q"+domain).Text(diameter.OriginRealm, "r"+domain).Text(diameter.DestinationRealm, "far"+domain).
		Text(diameter.RouteRecord, "p"+domain).Text(diameter.RouteRecord, "M.EXAMPLE").Done())
	if m := l.written(); resultOf(m) != diameter.LoopDetected || m.Flags&diameter.ErrorBit == 0 || l.dropped() != Loop {
		t.Errorf("%v %s", resultOf(m), l.dropped())
	}
}

// TestBusy: a peer that has as many requests as it may have is spared, one that asks too much has to wait, and who asks is told.
func TestBusy(t *testing.T) {
	w, client, agent, x, y := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "far" + domain, Via: []string{name("x")}}}
		y.Routes = []Route{{Realm: "*", Via: []string{name("agent")}}}
	})
	x.hung = true
	w.delay = 0
	for i := range uint64(MaxAsking + 1) {
		client.ask(i, "", "far"+domain)
	}
	w.run(time.Millisecond)
	if got := agent.peer("x").pending.n; got != MaxAsking {
		t.Fatalf("%d wait", got)
	}
	client.want(MaxAsking, diameter.TooBusy)
	y.ask(1, "", "far"+domain)
	w.run(time.Millisecond)
	if got := agent.peer("x").pending.n; got != MaxAsking+1 { // others may
		t.Fatalf("%d wait", got)
	}
	for i := range uint64(MaxPending) {
		y.ask(10+i, "", "far"+domain)
	}
	w.run(time.Millisecond)
	if p := agent.peer("x"); p.pending.n != 2*MaxAsking || p.octets != agent.n.octets {
		t.Fatalf("%d wait, %d octets of %d", p.pending.n, p.octets, agent.n.octets)
	}
	agent.n.byHost[name("y")].asking = 0 // as if there were a third
	y.ask(9, "", "far"+domain)
	w.run(time.Millisecond)
	agent.n.byHost[name("y")].asking = MaxAsking
	y.want(9, diameter.TooBusy)
	agent.peer("x").octets += MaxPeerOctets
	if _, code := agent.n.pick(&slot{via: []*peer{agent.peer("x")}}); code != diameter.TooBusy {
		t.Error(code)
	}
	agent.peer("x").octets -= MaxPeerOctets
	w.run(MaxAge + time.Second)
	for _, p := range agent.n.listed {
		if p.asking != 0 || p.octets != 0 || p.pending.n != 0 {
			t.Errorf("%s: %d %d %d", p.host, p.asking, p.octets, p.pending.n)
		}
	}
}

// TestNotAnswered: what nobody answers ends with 3002 after MaxAge, at whoever waits.
func TestNotAnswered(t *testing.T) {
	w, client, agent, x, _ := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "far" + domain, Via: []string{name("x")}}}
		x.Routes = []Route{{Realm: "far" + domain, Action: Local}}
	})
	x.quiet = true // its watchdog is answered
	client.ask(1, "", "far"+domain)
	w.run(MaxAge + time.Second)
	client.want(1, diameter.UnableToDeliver)
	if !agent.n.Open(name("x")) || agent.peer("x").pending.n != 0 || client.drops[NotAnswered] != 1 {
		t.Errorf("%v %v", agent.drops, client.drops)
	}
	if x.n.serving.n != 1 {
		t.Errorf("%d held", x.n.serving.n)
	}
	w.run(ServeAge)
	if x.n.serving.n != 0 || x.n.held != 0 || len(x.n.flight) != 0 || x.drops[NotAnswered] != 1 {
		t.Errorf("%d held, %v", x.n.serving.n, x.drops)
	}
}

// TestElsewhere: where one peer says that it cannot, the next is asked, and the last one's words are given back.
func TestElsewhere(t *testing.T) {
	w, client, agent, x, y := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "far" + domain, Via: []string{name("x"), name("y")}}}
		y.Routes = []Route{{Realm: "far" + domain, Action: Local}}
		x.Apps = []App{{ID: diameter.AppRelay}} // passes it on, but to whom?
		x.Routes = []Route{{Realm: "far" + domain, Via: []string{name("agent")}}}
	})
	client.ask(1, "", "far"+domain)
	w.run(time.Second)
	client.want(1, diameter.Success)
	if agent.n.count.Elsewhere != 1 || len(y.arrived) != 1 || x.drops[NotDelivered] != 1 || y.arrived[0].Flags&diameter.Retransmitted != 0 {
		t.Errorf("%+v %v", agent.n.count, x.drops)
	}
	w.cut(agent, y)
	client.ask(2, "", "far"+domain)
	w.run(time.Second)
	client.want(2, diameter.UnableToDeliver)
}

// TestAskedOnce: the host that is named is not asked again as one of its route.
func TestAskedOnce(t *testing.T) {
	w, client, agent, x, y := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "far" + domain, Via: []string{name("y"), name("x")}}}
		y.Routes = []Route{{Realm: "far" + domain, Via: []string{name("agent")}}}
	})
	x.proxy = func(h *host, f Fact) bool {
		a, ok := f.(Arrived)
		if ok {
			h.call(func(now engine.Now, out *engine.Effects) {
				h.n.Answer(now, out, a.Handle, h.n.Builder().Reply(a.Message, diameter.TooBusy, name("x"), realm("x")).Done())
			})
		}
		return ok
	}
	client.ask(1, name("x"), "far"+domain)
	w.run(time.Second)
	client.want(1, diameter.UnableToDeliver) // the words of y, which was the last
	if agent.n.count.Elsewhere != 1 || x.n.count.Answered != 1 || len(x.n.done.list) != 0 || y.n.count.Refused != 1 {
		t.Errorf("%+v %+v %+v", agent.n.count, x.n.count, y.n.count)
	}
}

// TestNoAgent: a node that did not say that it passes messages on does not, whomever it knows.
func TestNoAgent(t *testing.T) {
	for _, routes := range [][]Route{nil, {{Realm: "far" + domain, Action: Local}}} {
		w, client, _, _, y := star(t, func(a, x, y *Config) { a.Apps, a.Routes = []App{{ID: diameter.AppMobileIPv6AAA}}, routes })
		client.ask(1, name("y"), "far"+domain)
		w.run(time.Second)
		if len(y.arrived) != 0 || client.result(1) < 3000 {
			t.Errorf("%d arrived, %d", len(y.arrived), client.result(1))
		}
	}
}

// TestRedirect: an agent says whom to ask, and who is told so asks there: RFC 6733 §6.1.8.
func TestRedirect(t *testing.T) {
	w, client, agent, x, y := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "far" + domain, Via: []string{name("x")}}, {Realm: "near" + domain, Via: []string{name("x")}}}
		x.Apps = []App{{ID: diameter.AppRelay}}
		x.Routes = []Route{{Realm: "far" + domain, Via: []string{"unknown.example", name("Y")}, Action: Redirect},
			{Realm: "near" + domain, Via: []string{"unknown.example"}, Action: Redirect}}
		y.Routes = []Route{{Realm: "far" + domain, Action: Local}}
	})
	client.ask(1, "", "far"+domain)
	client.ask(2, "", "near"+domain)
	w.run(time.Second)
	client.want(1, diameter.Success)
	client.want(2, diameter.RedirectIndication) // nobody whom the agent knows: the client may know better
	if len(y.arrived) != 1 || x.n.count.Redirected != 2 || agent.n.count.Elsewhere != 1 {
		t.Errorf("%d %+v", len(y.arrived), x.n.count)
	}
	m := client.answers[2]
	if a, ok := m.Find(diameter.RedirectHost); !ok || string(a.Data) != "aaa://unknown.example" {
		t.Errorf("%q", a.Data)
	}

	// Two that name each other are asked no more than MaxRedirects times.
	w, client, agent, x, y = star(t, func(a, x, y *Config) {
		relay := []App{{ID: diameter.AppRelay}}
		a.Routes = []Route{{Realm: "far" + domain, Via: []string{name("x")}}}
		x.Apps, x.Routes = relay, []Route{{Realm: "far" + domain, Via: []string{name("y")}, Action: Redirect}}
		y.Apps, y.Routes = relay, []Route{{Realm: "far" + domain, Via: []string{name("x")}, Action: Redirect}}
	})
	client.ask(1, "", "far"+domain)
	w.run(time.Second)
	client.want(1, diameter.RedirectIndication)
	if agent.n.count.Elsewhere != MaxRedirects || x.n.count.Redirected+y.n.count.Redirected != MaxRedirects+1 {
		t.Errorf("%+v %+v", x.n.count, y.n.count)
	}
}

// TestRedirectURI holds the form of RFC 6733 §4.3.1.
func TestRedirectURI(t *testing.T) {
	for want, p := range map[string]*peer{
		"aaa://h.example": nil, "aaa://h.example:3868;transport=tcp": newPeer("h", Peer{At: addr(1)}),
		"aaas://h.example:3868;transport=tcp": newPeer("h", Peer{At: addr(1), TLS: "x"}),
	} {
		if got := redirectURI("h.example", p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestProxy: the owner edits what he passes on, and the answer; he may answer himself; and is told when nobody can be reached.
func TestProxy(t *testing.T) {
	w, client, agent, x, _ := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "*", Via: []string{name("x"), name("y")}, Action: Proxy}}
		local := []Route{{Realm: "far" + domain, Action: Local}}
		x.Routes, y.Routes = local, local
	})
	passed := 0
	agent.proxy = func(h *host, f Fact) bool {
		now := w.clock()
		var out engine.Effects
		switch f := f.(type) {
		case Arrived:
			if u, _ := f.Message.Find(diameter.OriginHost); f.From != name("client") || !u.IsIdentity(name("client")) || !f.Proxy {
				t.Errorf("%+v", f)
			}
			h.n.Forward(now, &out, f.Handle, diameter.AppendAVP(append([]byte(nil), f.Message.Raw...), diameter.UserName, []byte("edited")))
		case Passed:
			passed++
			h.n.Return(now, &out, f.Handle, diameter.AppendAVP(append([]byte(nil), f.Message.Raw...), diameter.Class, []byte("too")))
		default:
			return false
		}
		for _, e := range out.List {
			h.effect(e)
		}
		return true
	}
	client.ask(1, "", "far"+domain)
	w.run(time.Second)
	client.want(1, diameter.Success)
	u, _ := x.arrived[0].Find(diameter.UserName)
	c, _ := client.answers[1].Find(diameter.Class)
	if string(u.Data) != "edited" || string(c.Data) != "too" || passed != 1 {
		t.Errorf("%q %q", u.Data, c.Data)
	}

	// Fail-over happens below him; only when nobody is left he hears this node's own answer.
	x.quiet = true
	client.ask(2, "", "far"+domain)
	w.run(50 * time.Millisecond)
	w.cut(agent, x)
	w.run(100 * time.Millisecond)
	client.want(2, diameter.Success)
	for _, h := range w.hosts[:2] {
		h.call(func(now engine.Now, out *engine.Effects) { h.n.Stop(now, out) })
	}
	w.run(time.Second)
	client.ask(3, "", "far"+domain)
	w.run(time.Second)
	client.want(3, diameter.UnableToDeliver)
	if v := agent.n.View().(View); v.Serving != 0 || v.Pending != 0 || passed != 3 {
		t.Errorf("%d %+v", passed, v)
	}

	agent.proxy = func(h *host, f Fact) bool {
		a, ok := f.(Arrived)
		if ok {
			var out engine.Effects
			h.n.Answer(w.clock(), &out, a.Handle, h.n.Builder().Reply(a.Message, diameter.AuthorizationRejected, name("agent"), realm("agent")).Done())
			h.n.Answer(w.clock(), &out, a.Handle, h.n.Builder().Reply(a.Message, diameter.Success, name("agent"), realm("agent")).Done())
			for _, e := range out.List {
				h.effect(e)
			}
		}
		return ok
	}
	client.ask(4, "", "far"+domain)
	w.run(time.Second)
	client.want(4, diameter.AuthorizationRejected)
}

// TestSilentPeerCostsOthersNothing: requests to y are answered as fast as ever while x says nothing.
func TestSilentPeerCostsOthersNothing(t *testing.T) {
	w, client, agent, x, _ := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "x" + domain, Via: []string{name("x")}}, {Realm: "y" + domain, Via: []string{name("y")}}}
		y.Routes = []Route{{Realm: "y" + domain, Action: Local}}
	})
	x.hung = true
	rtt := 4 * w.delay
	for i := range uint64(200) {
		client.ask(2*i, "", "x"+domain)
		began := time.Duration(w.now)
		client.ask(2*i+1, "", "y"+domain)
		w.run(50 * time.Millisecond)
		client.want(2*i+1, diameter.Success)
		if took := client.answered[2*i+1] - began; took != rtt {
			t.Fatalf("%d took %v, not %v", i, took, rtt)
		}
	}
	w.run(MaxAge)
	for i := range uint64(200) {
		client.want(2*i, diameter.UnableToDeliver)
	}
	if !client.n.Open(name("agent")) || agent.n.age.n != 0 {
		t.Error("the agent suffered")
	}
}

// TestRepeats: equal seeds and inputs give equal effects.
func TestRepeats(t *testing.T) {
	var tapes [2][]string
	for i := range tapes {
		w, client, _, _, s1, _ := chain(t)
		for k := range uint64(50) {
			client.ask(k, "", "home"+domain)
			s1.hung = k > 20 && k < 30
			w.run(777 * time.Millisecond)
		}
		tapes[i] = w.tape
	}
	if len(tapes[0]) < 250 || len(tapes[0]) != len(tapes[1]) {
		t.Fatalf("%d and %d", len(tapes[0]), len(tapes[1]))
	}
	for i := range tapes[0] {
		if tapes[0][i] != tapes[1][i] {
			t.Fatalf("%s\n%s", tapes[0][i], tapes[1][i])
		}
	}
}
