package peers

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// chain is client – one and two, relays – server one and two: the client prefers relay one, relays prefer server one.
func chain(t testing.TB) (w *world, client, one, two, s1, s2 *host) {
	w = newWorld(t)
	server := func(c *Config) { c.Realm = "home" + domain; c.Peers = []Peer{{Host: name("one")}, {Host: name("two")}} }
	s1, s2 = w.add("s1", server), w.add("s2", server)
	relay := func(c *Config) {
		c.Apps = []App{{ID: diameter.AppRelay}}
		c.Peers = []Peer{peerTo(s1), peerTo(s2), {Host: name("client")}}
		c.Routes = []Route{{Realm: "home" + domain, Via: []string{name("s1"), name("s2")}}}
	}
	one, two = w.add("one", relay), w.add("two", relay)
	client = w.add("client", func(c *Config) {
		c.Listen = nil
		c.Peers = []Peer{peerTo(one), peerTo(two)}
		c.Routes = []Route{{Realm: "*", Via: []string{name("one"), name("two")}}}
	})
	w.start()
	w.run(time.Second)
	return w, client, one, two, s1, s2
}

// spec DM-01
func TestRelay(t *testing.T) {
	w, client, one, _, s1, _ := chain(t)
	w.settled()
	if !client.ask(1, "", "home"+domain) {
		t.Fatal("not sent")
	}
	w.run(100 * time.Millisecond)
	client.want(1, diameter.Success)
	if len(s1.arrived) != 1 {
		t.Fatalf("%d arrived", len(s1.arrived))
	}
	m := s1.arrived[0]
	if a, ok := m.Find(diameter.RouteRecord); !ok || !a.IsIdentity(name("client")) {
		t.Errorf("Route-Record %q", a.Data)
	}
	if m.Flags&diameter.Retransmitted != 0 {
		t.Error("T flag")
	}
	if v := one.n.View().(View); v.Counts.Relayed != 1 || v.Pending != 0 || v.Peers[0].State != IOpen {
		t.Errorf("%+v", v)
	}
	if v := s1.n.View().(View); v.Serving != 0 || v.Kept != 1 || v.Peers[0].State != ROpen {
		t.Errorf("%+v", v)
	}
}

// TestFailover: a server hangs while it owes answers. They come from another one in under 3 s, with the T flag and the same end-to-end
// identifier; the client, two hops away, notices nothing but the delay.
//
// spec DM-23
func TestFailover(t *testing.T) {
	w, client, one, _, s1, s2 := chain(t)
	s1.hung = true
	began := w.now
	for i := range uint64(20) {
		client.ask(i, "", "home"+domain)
	}
	w.run(3 * time.Second)
	for i := range uint64(20) {
		client.want(i, diameter.Success)
		if took := client.answered[i] - time.Duration(began); took >= 3*time.Second || took < RequestWait+WatchdogWait {
			t.Errorf("%d took %v", i, took)
		}
	}
	if len(s2.arrived) != 20 || s2.arrived[0].Flags&diameter.Retransmitted == 0 {
		t.Fatalf("%d arrived, flags %x", len(s2.arrived), s2.arrived[0].Flags)
	}
	if one.n.count.FailedOver != 20 || one.peer("s1").watch != Suspect || one.n.Open(name("s1")) {
		t.Errorf("%d failed over, %s", one.n.count.FailedOver, one.peer("s1").watch)
	}
	if !client.n.Open(name("one")) {
		t.Error("the relay was suspected, which answered its watchdog")
	}

	// From now on requests do not wait for it.
	client.ask(100, "", "home"+domain)
	w.run(100 * time.Millisecond)
	client.want(100, diameter.Success)

	// It wakes up while it is a suspect: what it says brings it back, and its late answers go nowhere.
	s1.hung = false
	one.n.step(one.peer("s1"), start, nil, "") // does nothing to an open peer
	one.call(func(now engine.Now, out *engine.Effects) { one.n.enter(now, out); one.n.sendDWR(one.peer("s1")) })
	w.run(100 * time.Millisecond)
	if one.peer("s1").watch != Okay {
		t.Errorf("fail-back: %s", one.peer("s1").watch)
	}
	client.ask(101, "", "home"+domain)
	w.run(100 * time.Millisecond)
	client.want(101, diameter.Success)
	if len(s1.arrived) != 1 {
		t.Errorf("%d arrived at the first server", len(s1.arrived))
	}
}

// TestReopen: a suspect that stays silent loses its connection; when it comes back it must answer three watchdogs before it is
// asked anything.
//
// spec DM-23
func TestReopen(t *testing.T) {
	w, client, one, _, s1, s2 := chain(t)
	s1.hung, s1.bornDead = true, map[uint64]bool{}
	client.ask(1, "", "home"+domain)
	w.run(RequestWait + WatchdogWait + SuspectWait + time.Second)
	client.want(1, diameter.Success)
	p := one.peer("s1")
	if p.state.open() || p.watch != Down {
		t.Fatalf("%s %s", p.state, p.watch)
	}
	w.run(20 * time.Second)
	if dials := int(one.n.nextConn); dials < 8 || dials > 60 {
		t.Errorf("%d dialled in 27 s", dials/2)
	}
	s1.hung = false
	for !p.state.open() {
		w.run(time.Millisecond)
	}
	began := w.now
	if p.watch != Reopen {
		t.Fatal(p.watch)
	}
	client.ask(2, "", "home"+domain)
	for p.watch == Reopen {
		w.run(time.Millisecond)
	}
	client.want(2, diameter.Success)
	if took := w.now.Sub(began); p.watch != Okay || took < 2*ReopenPause || took > 3*ReopenPause || p.good != ReopenAnswer {
		t.Errorf("%s after %v and %d answers", p.watch, took, p.good)
	}
	before := len(s2.arrived)
	client.ask(3, "", "home"+domain)
	w.run(100 * time.Millisecond)
	client.want(3, diameter.Success)
	if len(s1.arrived) != 1 || len(s2.arrived) != before {
		t.Errorf("fail-back: %d and %d arrived", len(s1.arrived), len(s2.arrived))
	}
}

// TestCut: a broken connection hands requests over at once.
func TestCut(t *testing.T) {
	w, client, one, two, s1, s2 := chain(t)
	s1.quiet = true
	client.ask(1, "", "home"+domain)
	w.run(50 * time.Millisecond)
	w.cut(one, s1)
	w.run(50 * time.Millisecond)
	client.want(1, diameter.Success)
	if len(s2.arrived) != 1 || s2.arrived[0].Flags&diameter.Retransmitted == 0 || s2.arrived[0].EndToEnd != s1.arrived[0].EndToEnd ||
		s2.arrived[0].HopByHop == s1.arrived[0].HopByHop {
		t.Errorf("%+v after %+v", s2.arrived, s1.arrived)
	}
	w.run(time.Second)
	w.settled()

	// The relay goes away: the client asks the other, which asks the server that has the request already.
	s1.quiet, s2.quiet = true, true
	client.ask(2, "", "home"+domain)
	w.run(50 * time.Millisecond)
	w.cut(client, one)
	w.run(50 * time.Millisecond)
	if len(s1.arrived) != 2 || s1.drops[DuplicateWaits] != 1 {
		t.Fatalf("%d arrived, %v", len(s1.arrived), s1.drops)
	}
	s1.call(func(now engine.Now, out *engine.Effects) {
		i := s1.n.serving.last
		m, _ := s1.n.Message(Handle(s1.n.served[i].gen)<<32 | Handle(i))
		s1.n.Answer(now, out, Handle(s1.n.served[i].gen)<<32|Handle(i), s1.n.Builder().Reply(m, diameter.Success, "s1.example", "home.example").Done())
	})
	w.run(50 * time.Millisecond)
	client.want(2, diameter.Success)
	if two.n.count.Relayed != 1 {
		t.Errorf("the answer went another way: %+v", two.n.count)
	}
}

// TestRepeat: a copy of a request that was answered is answered again, the same, and nobody is told of it.
func TestRepeat(t *testing.T) {
	w, client, one, _, s1, _ := chain(t)
	client.ask(1, "", "home"+domain)
	w.run(8 * time.Millisecond) // it is at the relay
	p := one.peer("s1")
	w.run(4 * time.Millisecond) // it is at the server
	if len(s1.arrived) != 1 {
		t.Fatal(len(s1.arrived))
	}
	w.cut(client, one) // and its answer does not come back
	w.run(50 * time.Millisecond)
	client.want(1, diameter.Success)
	if len(s1.arrived) != 1 || s1.n.count.Repeated != 1 || s1.n.count.Answered != 1 {
		t.Errorf("%d arrived, %+v", len(s1.arrived), s1.n.count)
	}
	if one.drops[AnswerLate] != 1 || p.pending.n != 0 {
		t.Errorf("%v", one.drops)
	}

	// The same identifiers in another's request are another request.
	m := s1.arrived[0]
	other := diameter.AppendAVP(append([]byte(nil), m.Raw...), diameter.UserName, []byte("somebody"))
	o, _ := diameter.Parse(other)
	if duplicateOf(o) == duplicateOf(m) {
		t.Error("the answer would be given to somebody else")
	}
	with := diameter.AppendRoute(append([]byte(nil), m.Raw...), "elsewhere.example")
	if o, _ = diameter.Parse(with); duplicateOf(o) != duplicateOf(m) {
		t.Error("another way makes another request")
	}
}

func TestAnswersAreForgotten(t *testing.T) {
	var d answered
	for i := range uint32(MaxAnswered + 10) {
		d.add(duplicate{endToEnd: i}, make([]byte, 20), engine.Mono(i), nil)
	}
	if len(d.list) != MaxAnswered || len(d.at) != MaxAnswered || d.find(duplicate{endToEnd: 3}, 0) != nil || d.find(duplicate{endToEnd: 10}, 0) == nil {
		t.Errorf("%d %d", len(d.list), len(d.at))
	}
	if d.find(duplicate{endToEnd: 10}, engine.Mono(AnsweredAge)+11) != nil {
		t.Error("too old")
	}
	d.add(duplicate{endToEnd: 1 << 30}, make([]byte, MaxAnsweredBytes), engine.Mono(AnsweredAge), nil)
	if len(d.list) != 1 || d.octets != MaxAnsweredBytes {
		t.Errorf("%d of %d octets", len(d.list), d.octets)
	}
	d.add(duplicate{endToEnd: 1}, nil, 3*engine.Mono(AnsweredAge), nil)
	if len(d.list) != 1 || len(d.at) != 1 {
		t.Errorf("%d", len(d.list))
	}
}
