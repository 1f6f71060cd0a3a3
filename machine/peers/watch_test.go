package peers

import (
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// TestIdle: peers that have nothing to say ask each other now and then whether they live, and one that does not is found out, without
// anybody having asked it anything.
func TestIdle(t *testing.T) {
	w, client, one, _, s1, _ := chain(t)
	before := one.peer("s1").count.In
	w.run(10 * time.Minute)
	w.settled()
	if n := one.peer("s1").count.In - before; n < 70 || n > 300 {
		t.Errorf("%d messages in 10 min", n)
	}
	s1.hung = true
	began := w.now
	for one.n.Open(name("s1")) {
		w.run(100 * time.Millisecond)
	}
	if took := w.now.Sub(began); took > WatchdogInterval+WatchdogJitter+WatchdogWait+time.Second {
		t.Errorf("noticed after %v", took)
	}
	client.ask(1, "", "home"+domain)
	w.run(50 * time.Millisecond)
	client.want(1, diameter.Success)
}

// TestSlowPeer: a server that takes long for an answer, but lives, is not left.
func TestSlowPeer(t *testing.T) {
	w, client, one, _, s1, s2 := chain(t)
	s1.quiet = true
	client.ask(1, "", "home"+domain)
	w.run(6 * time.Second)
	if !one.n.Open(name("s1")) || len(s2.arrived) != 0 || one.n.count.FailedOver+client.n.count.FailedOver != 0 {
		t.Fatalf("%+v %v", one.n.count, one.drops)
	}
	if in := one.peer("s1").count.In; in < 4 || in > 8 {
		t.Errorf("%d watchdogs in 6 s", in)
	}
	h := Handle(s1.n.served[0].gen) << 32
	s1.call(func(now engine.Now, out *engine.Effects) {
		m, ok := s1.n.Message(h)
		if !ok {
			t.Fatal("forgotten")
		}
		s1.n.Answer(now, out, h, s1.n.Builder().Reply(m, diameter.Success, name("s1"), "home"+domain).Done())
	})
	w.run(50 * time.Millisecond)
	client.want(1, diameter.Success)
}

// TestFrozen: a server stands still and goes on. What had nobody else stays with it and is answered; what was given to another is answered by
// that one, and the late answer is dropped.
func TestFrozen(t *testing.T) {
	w, client, agent, x, _ := star(t, func(a, x, y *Config) {
		a.Routes = []Route{{Realm: "x" + domain, Via: []string{name("x")}}, {Realm: "both" + domain, Via: []string{name("x"), name("y")}}}
		x.Routes = []Route{{Realm: "x" + domain, Action: Local}, {Realm: "both" + domain, Action: Local}}
		y.Routes = x.Routes
	})
	x.frozen = true
	client.ask(1, "", "x"+domain)
	client.ask(2, "", "both"+domain)
	w.run(4 * time.Second)
	if agent.peer("x").watch != Suspect || agent.peer("x").pending.n != 1 {
		t.Fatalf("%s, %d wait", agent.peer("x").watch, agent.peer("x").pending.n)
	}
	client.want(2, diameter.Success)
	client.ask(3, "", "x"+domain)
	w.run(50 * time.Millisecond)
	client.want(3, diameter.UnableToDeliver) // nobody waits for a suspect
	x.thaw()
	w.run(50 * time.Millisecond)
	client.want(1, diameter.Success)
	if agent.drops[AnswerUnexpected] != 1 || !agent.n.Open(name("x")) {
		t.Errorf("%v, %s", agent.drops, agent.peer("x").watch)
	}
}

// TestForeignAnswer: only who was asked can answer, once, and about what was asked.
func TestForeignAnswer(t *testing.T) {
	k := newTalker(t)
	k.in(engine.Stream{Conn: k.x, Data: k.request("far"+domain, 7)})
	asked, err := diameter.Parse(k.written[k.y])
	if err != nil {
		t.Fatal(err)
	}
	var b diameter.Builder
	right := slices.Clone(b.Reply(asked, diameter.Success, "y"+domain, "far"+domain).Done())
	clear(k.written)
	for what, change := range map[string]func([]byte) engine.Conn{
		"another peer":             func([]byte) engine.Conn { return k.x },
		"another use of the slot":  func(raw []byte) engine.Conn { diameter.SetHopByHop(raw, asked.HopByHop+1<<slotBits); return k.y },
		"another slot":             func(raw []byte) engine.Conn { diameter.SetHopByHop(raw, asked.HopByHop+1); return k.y },
		"another end-to-end":       func(raw []byte) engine.Conn { diameter.SetEndToEnd(raw, 8); return k.y },
		"another command":          func(raw []byte) engine.Conn { raw[7]++; return k.y },
		"no slot there ever was":   func(raw []byte) engine.Conn { diameter.SetHopByHop(raw, 1<<slotBits-1); return k.y },
		"a frame that is not good": func(raw []byte) engine.Conn { raw[len(raw)-len("far"+domain)-4] = 200; return k.y },
	} { //order:any
		raw := slices.Clone(right)
		k.in(engine.Stream{Conn: change(raw), Data: raw})
		if len(k.written) != 0 || k.n.age.n != 1 {
			t.Errorf("%s is taken for the answer", what)
		}
	}
	k.in(engine.Stream{Conn: k.y, Data: slices.Clone(right)})
	m, err := diameter.Parse(k.written[k.x])
	if err != nil || m.HopByHop != 7 || m.EndToEnd != 7 || resultOf(m) != diameter.Success {
		t.Errorf("%+v %v", m.Header, err)
	}
	clear(k.written)
	k.in(engine.Stream{Conn: k.y, Data: slices.Clone(right)})
	if len(k.written) != 0 {
		t.Error("answered twice")
	}
}

// TestReopenSilent: on probation a peer has two waits, then its connection goes.
func TestReopenSilent(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.cause(iConnAck)
	l.cause(iRcvCEA)
	if len(l.told) != 1 || l.told[0] != (PeerUp{"z.example"}) {
		t.Errorf("%v", l.told)
	}
	l.cause(iPeerDisc)
	if len(l.told) != 1 || l.told[0] != (PeerDown{"z.example", engine.ReasonPeerClosed}) {
		t.Errorf("%v", l.told)
	}
	l.cause(start)
	l.cause(iConnAck)
	l.cause(iRcvCEA)
	began := l.now
	if m := l.written(); m.Command != diameter.DeviceWatchdog || l.n.Open("z.example") || len(l.told) != 0 {
		t.Fatalf("%+v %v", m.Header, l.told)
	}
	if l.n.Request(l.clock(), &l.out, l.b.Request(diameter.SessionTermination, diameter.AppMobileIPv6AAA, 0).Text(diameter.DestinationHost, "z"+domain).Done(), 1) {
		t.Error("it is asked")
	}
	l.cause(timeout)
	if took := l.now.Sub(began); took != 2*WatchdogWait || l.p.state != Closed || l.p.watch != Down {
		t.Errorf("%s after %v", l.p.state, took)
	}
}

// TestRestarted: a peer whose Origin-State-Id changes has forgotten everything, and that is told.
func TestRestarted(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.cause(iConnAck)
	l.cause(iRcvCEA)
	for i, want := range []int{0, 0, 1, 1} {
		state := uint32(5 + i/2)
		l.say(l.i, l.b.Request(diameter.DeviceWatchdog, 0, 0).Text(diameter.OriginHost, "z"+domain).Text(diameter.OriginRealm, "r"+domain).
			Uint32(diameter.OriginStateID, state).Done())
		if m := l.written(); m.Command != diameter.DeviceWatchdog || m.IsRequest() || resultOf(m) != diameter.Success || diameter.Check(m) != nil {
			t.Errorf("%+v %v", m.Header, diameter.Check(m))
		}
		got := 0
		for _, e := range l.out.List {
			if e, ok := e.(engine.Event); ok && e.Name == "peer.restarted" {
				got++
			}
		}
		if i == 3 {
			want = 0
		}
		if got != want {
			t.Errorf("%d: told %d times, want %d", i, got, want)
		}
	}
}

// TestStrangerGoes: a stranger is known while its connection lasts.
func TestStrangerGoes(t *testing.T) {
	n, err := New(Config{Host: "m" + domain, Realm: "r" + domain, Apps: []App{{ID: diameter.AppMobileIPv6AAA}}, Strangers: true,
		Listen: []Listen{{Name: "in", At: addr(1), TLS: "x"}}}, engine.NewRand([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	l := &lone{t: t, n: n}
	n.Start(l.clock(), &l.out)
	for i := range engine.Conn(MaxStrangers + 1) {
		c := 2*i + 2
		host := "h" + number(i).String() + domain
		l.in(engine.Opened{Conn: c, Listener: "in", From: addr(1), To: addr(2), Names: []string{host}})
		l.say(c, l.caps(0, host))
		if open := n.Open(host); open != (i < MaxStrangers) {
			t.Fatalf("%d: %v", i, open)
		}
	}
	if v := n.View().(View); len(v.Peers) != MaxStrangers || !v.Peers[0].Stranger {
		t.Errorf("%d peers", len(v.Peers))
	}
	for i := range engine.Conn(MaxStrangers) {
		l.in(engine.Closed{Conn: 2*i + 2, Reason: engine.ReasonReset})
	}
	if len(n.byHost) != 0 || n.strangers != 0 || n.timers.Len() != 0 || len(n.links) != 0 {
		t.Errorf("%d peers, %d timers, %d connections stay", len(n.byHost), n.timers.Len(), len(n.links))
	}
}

// TestSignsOfLife: what brings a suspect back, what does not count as the answer to a watchdog, and that a second connection makes the first one doubtful.
func TestSignsOfLife(t *testing.T) {
	open := func() *lone {
		l := newLone(t, "z"+domain)
		l.cause(iConnAck)
		l.cause(iRcvCEA)
		return l
	}
	l := open()
	l.now = l.now.Add(WatchdogInterval + WatchdogJitter)
	l.in(engine.Tick{})
	dwr := l.written()
	dwa := func(hop uint32) []byte {
		raw := slices.Clone(l.b.Answer(dwr.Header, diameter.Success).Text(diameter.OriginHost, "z"+domain).Text(diameter.OriginRealm, "r"+domain).Done())
		diameter.SetHopByHop(raw, hop)
		return raw
	}
	if l.say(l.i, dwa(dwr.HopByHop+1)); !l.p.dwr {
		t.Error("another's answer is taken")
	}
	l.now = l.now.Add(WatchdogWait)
	l.in(engine.Tick{})
	if l.p.watch != Suspect {
		t.Fatal(l.p.watch)
	}
	l.say(l.i, l.b.Request(diameter.DeviceWatchdog, 0, 0).Text(diameter.OriginHost, "z"+domain).Text(diameter.OriginRealm, "r"+domain).Done())
	if l.p.watch != Okay || !l.p.dwr || !slices.Contains(l.told, Fact(PeerUp{"z.example"})) {
		t.Errorf("%s after its own DWR", l.p.watch)
	}
	if l.say(l.i, dwa(dwr.HopByHop)); l.p.dwr {
		t.Error("the answer is not taken")
	}

	l = open()
	l.cause(rConnCER)
	if m := l.written(); m.Command != diameter.DeviceWatchdog || !m.IsRequest() || l.dropped() != Rejected || l.p.state != IOpen {
		t.Errorf("%+v %s %s", m.Header, l.dropped(), l.p.state)
	}
}
