package peers

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// lone is a node m.example with one peer, which the test plays: octets in, effects out.
type lone struct {
	t    *testing.T
	n    *Node
	p    *peer
	now  engine.Mono
	out  engine.Effects
	i, r engine.Conn
	b    diameter.Builder
	told []Fact
}

func newLone(t *testing.T, peerName string) *lone {
	n, err := New(Config{Host: "m" + domain, Realm: "r" + domain, Apps: []App{{ID: diameter.AppMobileIPv6AAA}},
		Listen: []Listen{{Name: "in", At: addr(1)}}, Peers: []Peer{{Host: peerName, At: addr(2)}}}, engine.NewRand([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	l := &lone{t: t, n: n, p: n.listed[0], i: 1, r: 2}
	n.Start(l.clock(), &l.out)
	return l
}

func (l *lone) clock() engine.Now { return engine.Now{Mono: l.now, Wall: time.Unix(1_700_000_000, 0)} }

func (l *lone) in(in engine.Input) {
	l.out.Reset()
	l.told = append(l.told[:0:0], l.n.Handle(l.clock(), in, &l.out)...)
}

// caps is a CER, or a CEA when code is not 0.
func (l *lone) caps(code diameter.ResultCode, origin string) []byte {
	b := l.b.Request(diameter.CapabilitiesExchange, 0, 0)
	if code != 0 {
		b = l.b.Answer(diameter.Header{Command: diameter.CapabilitiesExchange}, code)
	}
	return slices.Clone(b.Text(diameter.OriginHost, origin).Text(diameter.OriginRealm, "r"+domain).Addr(diameter.HostIPAddress, addr(2).Addr()).
		Uint32(diameter.VendorID, 1).Text(diameter.ProductName, "test").Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).Done())
}

func (l *lone) say(c engine.Conn, raw []byte) { l.in(engine.Stream{Conn: c, Data: raw}) }

// dpr is a DPR or DPA.
func (l *lone) dpr(request bool) []byte {
	if request {
		return l.b.Request(diameter.DisconnectPeer, 0, 0).Text(diameter.OriginHost, l.p.host).Text(diameter.OriginRealm, "r"+domain).
			Uint32(diameter.DisconnectCause, diameter.DisconnectCauseRebooting).Done()
	}
	return l.b.Answer(diameter.Header{Command: diameter.DisconnectPeer}, diameter.Success).Text(diameter.OriginHost, l.p.host).Text(diameter.OriginRealm, "r"+domain).Done()
}

// cause makes an event happen. The peer's accepted connections are 2, 4, 6…
func (l *lone) cause(on event) {
	open := l.i
	if l.p.state == ROpen || l.p.state == Closing && l.p.r != nil {
		open = l.r
	}
	switch on {
	case start:
		at, _ := l.n.Deadline()
		l.now = at
		l.in(engine.Tick{})
		l.i = l.n.nextConn - 2
	case rConnCER:
		c := l.r
		if l.p.r != nil || l.p.state.open() || l.p.state == Closing {
			c += 100
		}
		l.in(engine.Opened{Conn: c, Listener: "in", From: addr(1), To: addr(2)})
		l.say(c, l.caps(0, l.p.cfg.Host))
	case iConnAck:
		l.in(engine.Opened{Conn: l.i, From: addr(1), To: addr(2)})
	case iConnNack:
		l.in(engine.Closed{Conn: l.i, Reason: engine.ReasonRefused})
	case iRcvCEA:
		l.say(l.i, l.caps(diameter.Success, l.p.cfg.Host))
	case iRcvNonCEA:
		l.say(l.i, l.caps(diameter.UnknownPeer, l.p.cfg.Host))
	case iPeerDisc:
		l.in(engine.Closed{Conn: l.i, Reason: engine.ReasonPeerClosed})
	case rPeerDisc:
		l.in(engine.Closed{Conn: l.r, Reason: engine.ReasonPeerClosed})
	case rcvDPR:
		l.say(open, l.dpr(true))
	case rcvDPA:
		l.say(open, l.dpr(false))
	case stop:
		l.out.Reset()
		l.n.Stop(l.clock(), &l.out)
	case timeout:
		for range 20 {
			at, _ := l.n.Deadline()
			l.now = max(at, l.now)
			from := l.p.state
			if l.in(engine.Tick{}); l.p.state != from {
				return
			}
		}
	}
}

// TestEdges walks every line of the table, from Closed by the path that is named, with the peer's name below or above ours in an election.
func TestEdges(t *testing.T) {
	paths := map[State][]event{
		Closed: {iConnNack}, WaitConnAck: {}, WaitICEA: {iConnAck}, WaitConnAckElect: {rConnCER}, WaitReturns: {iConnAck, rConnCER},
		ROpen: {iConnNack, rConnCER}, IOpen: {iConnAck, iRcvCEA},
	}
	for _, e := range edges {
		from := []struct {
			state State
			path  []event
		}{{e.from, paths[e.from]}}
		if e.from == Closing {
			from[0].path = append(slices.Clone(paths[IOpen]), stop)
			if e.on == rPeerDisc {
				from[0].path = append(slices.Clone(paths[ROpen]), stop)
			}
		}
		peerName := "z" + domain // wins elections
		path, on := from[0].path, e.on
		if e.on == winElection { // it comes with the connection that makes two
			peerName, path, on = "a"+domain, []event{iConnAck}, rConnCER
		}
		l := newLone(t, peerName)
		for _, step := range path {
			l.cause(step)
		}
		if e.on != winElection && l.p.state != e.from {
			t.Errorf("%s on %s: the path leads to %s", e.from, e.on, l.p.state)
			continue
		}
		l.cause(on)
		if l.p.state != e.to {
			t.Errorf("%s on %s: %s, want %s", e.from, e.on, l.p.state, e.to)
		}
		l.consistent(e)
	}
	// The other way into an election.
	l := newLone(t, "a"+domain)
	l.cause(rConnCER)
	if l.cause(iConnAck); l.p.state != ROpen {
		t.Errorf("%s after an election that was won", l.p.state)
	}
}

// consistent holds connections and facts against the state.
func (l *lone) consistent(e edge) {
	l.t.Helper()
	p := l.p
	if hasI := p.i != nil; hasI != slices.Contains([]State{WaitConnAck, WaitICEA, WaitConnAckElect, WaitReturns, IOpen}, p.state) && p.state != Closing {
		l.t.Errorf("%s on %s: in %s dialled connection: %v", e.from, e.on, p.state, hasI)
	}
	if hasR := p.r != nil; hasR != slices.Contains([]State{WaitConnAckElect, WaitReturns, ROpen}, p.state) && p.state != Closing {
		l.t.Errorf("%s on %s: in %s accepted connection: %v", e.from, e.on, p.state, hasR)
	}
	n := 0
	for _, x := range []*link{p.i, p.r} {
		if x != nil {
			n++
		}
	}
	if len(l.n.links) != n {
		l.t.Errorf("%s on %s: %d connections, %d of the peer", e.from, e.on, len(l.n.links), n)
	}
	if (p.watch == Okay) != p.state.open() || l.n.Open(p.host) != p.state.open() {
		l.t.Errorf("%s on %s: %s %s", e.from, e.on, p.state, p.watch)
	}
	if p.armed != engine.Never && !p.state.open() {
		l.t.Errorf("%s on %s: the watchdog runs", e.from, e.on)
	}
}

// TestWatchEdges wants each state of the watchdog to be left by connections that go, and none to be left by what does not concern it.
func TestWatchEdges(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.n.enter(l.clock(), &l.out)
	for _, e := range watchEdges {
		l.p.watch = e.from
		l.n.facts = nil
		if !l.n.watch(l.p, e.on, "") || l.p.watch != e.to {
			t.Errorf("%s on %s: %s", e.from, e.on, l.p.watch)
		}
		want := 0
		if e.from == Okay || e.to == Okay {
			want = 1
		}
		if len(l.n.facts) != want {
			t.Errorf("%s on %s: %v", e.from, e.on, l.n.facts)
		}
	}
	for _, x := range []struct {
		w  Watch
		on watchEvent
	}{{Initial, noDWA}, {Initial, heardAny}, {Okay, connUp}, {Down, heardDWA}, {Down, noDWA}, {Reopen, heardAny}} {
		if l.p.watch = x.w; l.n.watch(l.p, x.on, "") {
			t.Errorf("%s on %s goes to %s", x.w, x.on, l.p.watch)
		}
	}
}

// TestElection: both dial at once; one connection stays, whoever is told first, and both agree which.
func TestElection(t *testing.T) {
	for _, delay := range []time.Duration{time.Millisecond, 300 * time.Millisecond} {
		w := newWorld(t)
		w.delay = delay
		a := w.add("a", nil)
		b := w.add("b", func(c *Config) { c.Peers = []Peer{peerTo(a)} })
		// a was made first: it learns of b here.
		n, err := New(Config{Host: name("a"), Realm: realm("a"), Apps: a.n.cfg.Apps, Listen: a.n.cfg.Listen, Peers: []Peer{peerTo(b)}}, engine.NewRand([32]byte{3}))
		if err != nil {
			t.Fatal(err)
		}
		a.n = n
		w.start()
		w.run(3 * time.Second)
		w.settled()
		if a.peer("b").state != IOpen || b.peer("a").state != ROpen {
			t.Errorf("%s and %s: the higher name keeps what it accepted", a.peer("b").state, b.peer("a").state)
		}
		if len(a.conns) != 1 || len(b.conns) != 1 || len(a.n.links) != 1 || len(b.n.links) != 1 {
			t.Errorf("%d and %d connections", len(a.conns), len(b.conns))
		}
		if !a.ask(1, name("b"), realm("b")) {
			t.Log("no route: as it should be") // a has no routes, b is a peer: Destination-Host is enough
		}
		w.run(2 * time.Second)
		a.want(1, diameter.Success)
	}
}

// TestDPR: a peer that goes on purpose is dialled again soon, one that does not want us much later; its requests go elsewhere at once.
func TestDPR(t *testing.T) {
	w, client, one, _, s1, _ := chain(t)
	s1.quiet = true
	client.ask(1, "", "home"+domain)
	w.run(20 * time.Millisecond)
	s1.call(func(now engine.Now, out *engine.Effects) { s1.n.Stop(now, out) })
	w.run(50 * time.Millisecond)
	client.want(1, diameter.Success)
	if p := one.peer("s1"); p.state.open() {
		t.Error(p.state)
	}
	if v := s1.n.View().(View); v.Peers[0].State != Closed || v.Peers[1].State != Closed {
		t.Errorf("%+v", v)
	}
	if !slices.ContainsFunc(one.got, func(f Fact) bool { d, ok := f.(PeerDown); return ok && d.Why == Disconnected }) {
		t.Errorf("%v", one.got)
	}
	l := newLone(t, "z"+domain)
	l.cause(iConnAck)
	l.cause(iRcvCEA)
	raw := l.dpr(true)
	diameter.SetUint32(raw, diameter.DisconnectCause, diameter.DisconnectCauseBusy)
	l.say(l.i, raw)
	l.cause(iPeerDisc)
	if at, _ := l.n.Deadline(); at.Sub(l.now) != StayAway {
		t.Errorf("dialled again after %v", at.Sub(l.now))
	}
}

// TestBackoff: a peer that cannot be reached is dialled again and again, ever more seldom, and after a good connection soon.
func TestBackoff(t *testing.T) {
	l := newLone(t, "z"+domain)
	last := time.Duration(0)
	for range 12 {
		l.cause(iConnNack)
		at, why := l.n.Deadline()
		wait := at.Sub(l.now)
		if wait < MinBackoff/2 || wait > MaxBackoff || wait < last/4 {
			t.Errorf("%v after %v for %s", wait, last, why)
		}
		last = wait
		l.cause(start)
	}
	if last < MaxBackoff/2 {
		t.Errorf("%v in the end", last)
	}
	l.cause(iConnAck)
	l.cause(iRcvCEA)
	l.now = l.now.Add(StableTime)
	l.cause(iPeerDisc)
	if at, _ := l.n.Deadline(); at.Sub(l.now) > MinBackoff {
		t.Errorf("%v after a good connection", at.Sub(l.now))
	}
}

func TestConfig(t *testing.T) {
	good := func() Config {
		return Config{Host: "a.example", Realm: "example", Peers: []Peer{{Host: "b.example"}}, Listen: []Listen{{Name: "x", At: addr(1)}},
			Routes: []Route{{Realm: "*", Via: []string{"B.example"}}, {Realm: "example", Action: Local}}}
	}
	if _, err := New(good(), engine.NewRand([32]byte{})); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"no host":          func(c *Config) { c.Host = "" },
		"no realm":         func(c *Config) { c.Realm = "a b" },
		"itself":           func(c *Config) { c.Peers[0].Host = "A.example" },
		"twice":            func(c *Config) { c.Peers = append(c.Peers, Peer{Host: "B.EXAMPLE"}) },
		"no name":          func(c *Config) { c.Listen[0].Name = "" },
		"no address":       func(c *Config) { c.Listen[0].At = netip.AddrPort{} },
		"unknown via":      func(c *Config) { c.Routes[0].Via[0] = "c.example" },
		"local via":        func(c *Config) { c.Routes[0].Action = Local },
		"no via":           func(c *Config) { c.Routes[0].Via = nil },
		"action":           func(c *Config) { c.Routes[0].Action = 9 },
		"realm of a route": func(c *Config) { c.Routes[0].Realm = "" },
		"too many":         func(c *Config) { c.Routes[0].Via = make([]string, MaxVia+1) },
	} {
		c := good()
		change(&c)
		if _, err := New(c, engine.NewRand([32]byte{})); err == nil {
			t.Errorf("%s: taken", want)
		}
	}
}
