package admit

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// What did not come from a station on this link, to the client alone, is dropped by its reason.
func TestMisplaced(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(in *engine.Packet, p *ip6.Packet)
	}{
		{"access-not-for-us", func(in *engine.Packet, _ *ip6.Packet) { in.Port = 2 }},
		{"access-not-for-us", func(_ *engine.Packet, p *ip6.Packet) { p.Dst = router }},
		{"access-hop-limit", func(_ *engine.Packet, p *ip6.Packet) { p.HopLimit-- }},
		{"access-headers", func(_ *engine.Packet, p *ip6.Packet) { p.HomeAddress = client }},
		{"access-headers", func(_ *engine.Packet, p *ip6.Packet) { p.Routing2 = client }},
		{"access-headers", func(_ *engine.Packet, p *ip6.Packet) { p.Fragment = &ip6.Fragment{} }},
		{"access-bad-station", func(in *engine.Packet, _ *ip6.Packet) { in.From = plane.HW{} }},
		{"access-bad-station", func(in *engine.Packet, _ *ip6.Packet) { in.From[0] |= 1 }},
		{"access-bad-station", func(in *engine.Packet, _ *ip6.Packet) { in.From = arHW }},
		{"access-bad-source", func(_ *engine.Packet, p *ip6.Packet) { p.Src = router }},
		{"access-bad-source", func(_ *engine.Packet, p *ip6.Packet) { p.Src = client }},
		{"access-bad-source", func(_ *engine.Packet, p *ip6.Packet) { p.Src = netip.MustParseAddr("2001:db8:b:1::9") }},
		{"access-bad-source", func(_ *engine.Packet, p *ip6.Packet) { p.Src = prefix.Addr() }},
	} {
		w, m := newWorld(t), newMobile(1)
		b := m.packets(m.ask(w.c.Access().LocalChallenge))[0]
		p, err := ip6.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		in := engine.Packet{Port: 1, From: m.hw, Data: b}
		c.change(&in, &p)
		facts := w.c.Heard(w.now, in, &p, &w.out)
		if w.take(); facts != nil || w.drop[c.reason] != 1 || w.c.rates.stations.len() != 0 {
			t.Errorf("%s: %v, %v", c.reason, facts, w.drop)
		}
	}
}

// In the long run each is heard at its rate, after a burst and no more.
func TestRatesInTheLongRun(t *testing.T) { //spec DM-09
	const seconds = 4
	for _, c := range []struct {
		reason      string
		burst, rate int
		next        func(i int) *mobile
	}{
		{"access-rate-source", SourceBurst, SourceRate, func(int) *mobile { return newMobile(1) }},
		{"access-rate-station", StationBurst, StationRate, func(i int) *mobile { return &mobile{hw: newMobile(1).hw, coa: newMobile(i).coa} }},
		{"access-rate", AllBurst, AllRate, newMobile},
	} {
		r, heard := newRates(), 0
		for s := range seconds {
			n := 2 * c.rate
			if s == 0 {
				n = 2 * c.burst
			}
			for i := range n {
				m := c.next(2*c.burst*s + i)
				if _, reason := r.allow(engine.Now{Mono: engine.Mono(time.Duration(s) * time.Second)}, m.hw, m.coa); reason == "" {
					heard++
				} else if reason != c.reason {
					t.Fatalf("%s: %s", c.reason, reason)
				}
			}
		}
		if want := c.burst + (seconds-1)*c.rate; heard != want {
			t.Errorf("%s: %d heard, want %d", c.reason, heard, want)
		}
	}
}

// Stations that were refused have a rate of their own: those that nobody knows cannot take it from them, nor they from those.
func TestFailedRate(t *testing.T) {
	r := newRates()
	failed := newMobile(1)
	r.learn(engine.Now{}, failed.hw, bad)
	now := engine.Now{Mono: engine.Mono(PenaltyFirst)}
	for i := range AllBurst + 1 {
		m := newMobile(100 + i)
		if _, reason := r.allow(now, m.hw, m.coa); (reason == "access-rate") != (i == AllBurst) {
			t.Fatalf("stranger %d: %s", i, reason)
		}
	}
	if _, reason := r.allow(now, failed.hw, failed.coa); reason != "" {
		t.Errorf("who was refused before: %s", reason)
	}
}

// A refusal counts against a station if it is of the home network's codes and the home network does not vouch for it; once a station was let in
// it is nobody's fault any more. The penalty has an end.
func TestWhatIsAFault(t *testing.T) {
	vouched := &access.Reply{Result: 4001, Auth: make([]byte, access.AuthLen)}
	for _, c := range []struct {
		name  string
		reply *access.Reply
		known bool
		fault bool
	}{
		{"first code of transient failures", &access.Reply{Result: 4000}, false, true},
		{"last code of the protocol's", &access.Reply{Result: 3999}, false, false},
		{"permanent failure", &access.Reply{Result: 5003}, false, true},
		{"vouched for", vouched, false, false},
		{"let in before", &access.Reply{Result: 4001}, true, false},
	} {
		r, m := newRates(), newMobile(1)
		if c.known {
			r.learn(engine.Now{}, m.hw, good)
		}
		r.learn(engine.Now{}, m.hw, c.reply)
		if _, reason := r.allow(engine.Now{}, m.hw, m.coa); (reason == "access-penalty") != c.fault {
			t.Errorf("%s: %q", c.name, reason)
		}
	}
	r, m := newRates(), newMobile(1)
	for range 100 {
		r.learn(engine.Now{}, m.hw, bad)
	}
	if _, reason := r.allow(engine.Now{Mono: engine.Mono(PenaltyMost) - 1}, m.hw, m.coa); reason != "access-penalty" {
		t.Errorf("shortly before: %q", reason)
	}
	if _, reason := r.allow(engine.Now{Mono: engine.Mono(PenaltyMost)}, m.hw, m.coa); reason != "" {
		t.Errorf("after PenaltyMost: %q", reason)
	}
}

// Each remembered thing lasts for its age at least, whenever it was put, and counts once however often it is put.
func TestRecentAges(t *testing.T) {
	r := newRecent[plane.HW, int](8, time.Minute)
	at := func(s int) engine.Now { return engine.Now{Mono: engine.Mono(time.Duration(s) * time.Second)} }
	r.put(at(0), plane.HW{1}, 1)
	r.put(at(59), plane.HW{2}, 2)
	r.put(at(61), plane.HW{2}, 3)
	if r.len() != 2 {
		t.Errorf("%d keys", r.len())
	}
	r.put(at(119), plane.HW{3}, 3)
	if v, ok := r.find(at(122), plane.HW{3}); !ok || v != 3 {
		t.Error("forgotten after 3 s")
	}
	if _, ok := r.find(at(122), plane.HW{1}); ok {
		t.Error("remembered for over two ages")
	}
}

// A client is deaf and has nothing to do before its link is up. It turns its challenge when it is time, and not when something else is due.
func TestChallengeTurns(t *testing.T) { //spec DM-05
	c := New(Config{Port: 1, Prefix: prefix, Address: client, Rotate: 7 * time.Second}, engine.NewRand([32]byte{1}))
	if at, _ := c.Deadline(); at != engine.Never || c.Access() != nil {
		t.Errorf("a deadline at %v", at)
	}
	w := newWorld(t)
	w.c = c
	w.c.Up(w.now, arHW)
	if at, why := c.Deadline(); at.Sub(w.now.Mono) != 7*time.Second || why != "new local challenge" {
		t.Errorf("%s in %v", why, at.Sub(w.now.Mono))
	}
	m := newMobile(1)
	long := m.ask(c.Access().LocalChallenge)
	long.EAP = append([]byte{2, 1, 8, 0}, make([]byte, 2044)...)
	w.hear(m.hw, m.packets(long)[0])
	first := bytes.Clone(c.Access().LocalChallenge)
	if w.pass(PartsFor); w.drop["access-parts-missing"] != 1 || !bytes.Equal(first, c.Access().LocalChallenge) {
		t.Errorf("%v, the challenge turned early", w.drop)
	}
	if w.pass(2 * time.Second); bytes.Equal(first, c.Access().LocalChallenge) {
		t.Error("the challenge did not turn")
	}
}

// When one challenge has all the pairs that it may, it goes: an old one alone, with the present one left.
func TestPairsOfTheOldChallenge(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	old := bytes.Clone(w.c.Access().LocalChallenge)
	w.pass(DefaultRotate)
	now := bytes.Clone(w.c.Access().LocalChallenge)
	for i := range MaxPairs - 1 {
		w.c.last.pairs[pair{byte(i), byte(i >> 8)}] = struct{}{}
	}
	pick[Check](t, w.hear(m.hw, m.packets(m.ask(old))...))
	if !bytes.Equal(now, w.c.Access().LocalChallenge) {
		t.Error("the challenge of now went as well")
	}
	other := newMobile(2)
	if w.hear(other.hw, other.packets(other.ask(old))...); w.drop["access-stale"] != 1 || w.c.View().Stale != 1 {
		t.Errorf("%v", w.drop)
	}
}

// A conversation of EAP has no host challenge, and uses up no pair.
func TestNoPairWithoutHostChallenge(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	ask := m.ask(w.c.Access().LocalChallenge)
	ask.HostChallenge, ask.Auth, ask.EAP = nil, nil, []byte{2, 1, 0, 4}
	pick[Check](t, w.hear(m.hw, m.packets(ask)...))
	if len(w.c.now.pairs) != 0 {
		t.Errorf("%d pairs", len(w.c.now.pairs))
	}
}

// A station keeps its address as long as it speaks for it. What was known of the link before it went down is not believed.
func TestOwnerStays(t *testing.T) {
	w, m, thief := newWorld(t), newMobile(1), newMobile(2)
	w.c.Neighbour(w.now, m.coa, m.hw)
	for range 5 {
		w.c.Neighbour(w.now, m.coa, thief.hw)
		w.c.Neighbour(w.now, m.coa, m.hw)
		w.pass(NeighbourFor + time.Second)
	}
	if hw, ok := w.c.Owner(w.now, m.coa); !ok || hw != m.hw {
		t.Errorf("the owner is %v, %v", hw, ok)
	}
	w.c.Down()
	w.c.Up(w.now, arHW)
	if hw, ok := w.c.Owner(w.now, m.coa); ok {
		t.Errorf("the owner after the link was down: %v", hw)
	}
	pick[Check](t, w.ask(m))
}

// Parts that wait are in nobody's way: a whole request of the same address is checked at once, and no part is dropped that has its place.
func TestPartsBesideARequest(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	long := m.ask(w.c.Access().LocalChallenge)
	long.EAP = append([]byte{2, 1, 8, 0}, make([]byte, 2044)...)
	parts := m.packets(long)
	if facts := w.hear(m.hw, parts[0]); facts != nil || len(w.drop) != 0 {
		t.Fatalf("%v, %v", facts, w.drop)
	}
	pick[Check](t, w.ask(m))
	if v := w.c.View(); v.Checking != 1 || v.Waiting != 0 || v.Messages != 1 {
		t.Errorf("%+v", v)
	}
	// Of another number of parts under the same identifier.
	p, _ := ip6.Parse(parts[0])
	part, _ := access.Parse(p.Src, p.Dst, p.Payload)
	part.Part, part.Parts = 1, part.Parts+1
	m.id--
	if w.hear(m.hw, whole(m.coa, client, access.HopLimit, part)); w.drop["access-parts-differ"] != 1 {
		t.Errorf("%v", w.drop)
	}
	w.sound()
}

// Of two requests of one address, duplicate detection is about the one that waits for it alone; a reply is only taken for the one that was
// handed on.
func TestCheckedIsForWhoWaits(t *testing.T) { //spec DM-09
	w, m := newWorld(t), newMobile(1)
	w.c.Neighbour(w.now, m.coa, m.hw)
	first := pick[Request](t, w.ask(m))
	w.c.neighbours = newRecent[netip.Addr, plane.HW](MaxNeighbours, NeighbourFor) // it was silent for long
	pick[Check](t, w.ask(m))
	if w.reply(first.Handle+1, good) {
		t.Error("a reply is taken for what was not asked")
	}
	if facts := w.c.Checked(w.now, m.coa, true, &w.out); facts != nil {
		t.Errorf("%v", facts)
	}
	if w.take(); w.drop["access-duplicate"] != 1 {
		t.Errorf("%v", w.drop)
	}
	if got := w.heard(m); got == nil || got.Result != uint32(diameter.InvalidAVPValue) {
		t.Errorf("%+v", got)
	}
	m.id--
	if !w.reply(first.Handle, good) || w.heard(m).Result != good.Result {
		t.Error("the first request is not replied to")
	}
	w.sound()
}

// When as many wait as may, the next is told to come again, known or not; what this end refuses is limited.
func TestBusy(t *testing.T) {
	w := newWorld(t)
	var all []*mobile
	for i := range MaxExchanges + 1 {
		m := newMobile(i)
		w.c.rates.learn(w.now, m.hw, good)
		all = append(all, m)
	}
	for i, m := range all[:MaxExchanges] {
		if facts := w.ask(m); len(facts) != 1 {
			t.Fatalf("%d: %v, %v", i, facts, w.drop)
		}
		w.pass(time.Second / KnownRate)
	}
	last := all[MaxExchanges]
	if facts := w.ask(last); facts != nil || w.drop["access-busy"] != 1 {
		t.Fatalf("%v, %v", facts, w.drop)
	}
	if got := w.heard(last); got == nil || got.Result != uint32(diameter.TooBusy) || got.Auth != nil {
		t.Errorf("%+v", got)
	}
	w.sound()
}

// This end refuses at its rate, whoever makes it.
func TestRefusalsAtTheirRate(t *testing.T) {
	w := newWorld(t)
	for s := range 3 {
		for i := range 2 * RefuseBurst {
			m := newMobile(2*RefuseBurst*s + i)
			w.hear(m.hw, m.packets(m.ask(make([]byte, 16)))...)
		}
		w.pass(time.Second)
	}
	if want := RefuseBurst + 2*RefuseRate; len(w.sent) != want || w.c.View().Stale != 6*RefuseBurst {
		t.Errorf("%d refusals sent of %d, want %d", len(w.sent), w.c.View().Stale, want)
	}
}

// The role is told of what it is asked by an event too.
func TestRequestedIsTold(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	w.c.Neighbour(w.now, m.coa, m.hw)
	b := m.packets(m.ask(w.c.Access().LocalChallenge))[0]
	p, _ := ip6.Parse(b)
	w.c.Heard(w.now, engine.Packet{Port: 1, From: m.hw, Data: b}, &p, &w.out)
	for _, e := range w.out.List {
		if e, ok := e.(engine.Event); ok && e.Name == "access.requested" && len(e.Attrs) == 2 && e.Attrs[0].Value == m.coa.String() && e.Attrs[1].Value == "user@home.example" {
			return
		}
	}
	t.Errorf("%+v", w.out.List)
}

// No step that has no edge is taken, whatever a mistake in the code asks for.
func TestNoOtherStep(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("from answered to waiting")
		}
	}()
	newWorld(t).c.become(&exchange{state: answered}, waiting)
}
