package rr

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// One rule of RFC 6275 a test: each fails without that rule alone.

// HoTI goes through the home agent while away, straight at home; all else goes straight always: §11.6.1, §11.6.3, §11.7.2.
//
// spec MIP-04
func TestWays(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	ways := map[string][]Kind{}
	note := func(facts []Fact) {
		for _, f := range facts {
			if f.Packet != nil {
				_, m := parse(t, f.Packet)
				ways[kindOf(m)] = append(ways[kindOf(m)], f.Kind)
			}
			w.act(f)
		}
	}
	w.attach(coa)
	var out engine.Effects
	note(w.m.Wanted(w.at(), cn, &out))
	w.run(300 * time.Second) // the tokens are old by now
	w.away = netip.Addr{}
	note(w.m.Home(w.at(), &out))
	if got := ways["HomeTestInit"]; !slices.Equal(got, []Kind{Through, Straight}) {
		t.Errorf("HoTI away and at home: %v", got)
	}
	if got := ways["CareOfTestInit"]; !slices.Equal(got, []Kind{Straight}) {
		t.Errorf("CoTI: %v", got)
	}
}

// Refresh requests and Binding Errors have neither a Home Address option nor a routing header: §6.1.
//
// spec MIP-04
func TestBareHeaders(t *testing.T) {
	for name, edit := range map[string]func(*ip6.Packet){
		"home address":   func(q *ip6.Packet) { q.HomeAddress = hoa },
		"routing header": func(q *ip6.Packet) { q.Routing2 = hoa },
	} {
		for to, m := range map[netip.Addr]mh.Message{hoa: &mh.BindingRefreshRequest{}, coa: &mh.BindingError{Status: mh.UnknownBinding, HomeAddress: hoa}} { //order:any
			w := bound.world(t)
			q := ip6.Packet{Header: ip6.Header{Src: cn, Dst: to}, Proto: ip6.ProtoMH}
			edit(&q)
			before := dump(w.m)
			w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Heard(now, &q, m, true, out) })
			if dump(w.m) != before || !slices.Equal(w.drops(), []string{BadHeaders}) {
				t.Errorf("%T with a %s: %v", m, name, w.drops())
			}
		}
	}
	w := updated.world(t)
	q := w.ack(mh.Accepted, nil)
	q.HomeAddress = cn
	w.do(func(now engine.Now, out *engine.Effects) []Fact {
		m, _ := mh.ParseUnchecked(q.Payload)
		return w.m.Heard(now, &q, m, false, out)
	})
	if !slices.Equal(w.drops(), []string{WrongAddress}) {
		t.Errorf("acknowledgement with a home address: %v", w.drops())
	}
}

// A refresh request counts while the peer has a binding, from ErrorInterval after the last update on, and once in ErrorInterval.
//
// spec MIP-04
func TestRefreshRequestTimes(t *testing.T) {
	ask := func(w *world) int {
		n := w.count("BindingUpdate")
		q := withBody(ip6.Packet{Header: ip6.Header{Src: cn, Dst: hoa}, Proto: ip6.ProtoMH}, &mh.BindingRefreshRequest{})
		w.arrive(q.Append(nil))
		return w.count("BindingUpdate") - n
	}
	w := newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(30 * time.Millisecond) // 10 ms before it is acknowledged
	w.run(10 * time.Millisecond)
	w.run(ErrorInterval - time.Millisecond)
	if ask(w) != 0 {
		t.Error("too soon after the update")
	}
	w.run(time.Millisecond)
	if ask(w) != 1 {
		t.Error("not believed when it was time")
	}
	w.run(time.Second)
	w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Arrived(now, coa2, out) })
	w.run(ErrorInterval)
	if ask(w) != 0 {
		t.Error("an update before the home agent knows")
	}
	// A Binding Error and a request share what is believed.
	w = bound.world(t)
	w.binding(mh.UnknownBinding, coa, hoa)
	w.run(ErrorInterval - time.Millisecond)
	if w.routes[cn] != coa || ask(w) != 0 {
		t.Error("believed so soon after an error")
	}
}

// A Binding Error that is believed leaves nothing that the peer might have forgotten: coming back to the address of before sends an update.
//
// spec MIP-04
func TestUnboundIsForgotten(t *testing.T) {
	w := bound.world(t)
	w.dead[cn] = true
	w.binding(mh.UnknownBinding, coa, hoa)
	w.do(w.m.Lost)
	w.attach(coa)
	if w.routes[cn].IsValid() {
		t.Error("a route that the peer said there is not")
	}
	// Twice in ErrorInterval: it may be forged, the peer is left alone, and a move is a reason to ask again.
	w = bound.world(t)
	w.binding(mh.UnknownBinding, coa, hoa)
	w.run(time.Second)
	w.binding(mh.UnknownBinding, coa, hoa)
	n := len(w.tape)
	w.attach(coa2)
	w.run(time.Second)
	if len(w.tape) == n || w.routes[cn] != coa2 {
		t.Errorf("not asked after a move: %v", w.tape[n:])
	}
}

// Status 2 is about something that was sent a moment ago, to an address it was sent from.
//
// spec MIP-04
func TestUnknownTypeIsAboutSomething(t *testing.T) {
	for to, want := range map[netip.Addr]bool{coa: true, hoa: true, coa2: false} { //order:any
		w := asking.world(t)
		q := withBody(ip6.Packet{Header: ip6.Header{Src: cn, Dst: to}, Proto: ip6.ProtoMH}, &mh.BindingError{Status: mh.UnknownMHType})
		w.do(func(now engine.Now, out *engine.Effects) []Fact {
			return w.m.Heard(now, &q, &mh.BindingError{Status: mh.UnknownMHType}, false, out)
		})
		if got := w.m.peers[cn].phase == barred; got != want {
			t.Errorf("to %v: barred %v", to, got)
		}
	}
	for lost, want := range map[string]bool{"HomeTest": true, "CareOfTest": true, "BindingAck": true, "": false} { //order:any — which answer is waited for
		w := newWorld(t, Config{}, 1, cn)
		w.delay = func(_ *ip6.Packet, m mh.Message) []time.Duration {
			if kindOf(m) == lost {
				return nil
			}
			return []time.Duration{10 * time.Millisecond}
		}
		w.attach(coa)
		w.wanted(cn)
		w.run(100 * time.Millisecond)
		w.binding(mh.UnknownMHType, coa, netip.IPv6Unspecified())
		if got := w.m.peers[cn].phase == barred; got != want {
			t.Errorf("%q lost: barred %v", lost, got)
		}
	}
}

// A Parameter Problem counts if it quotes, whole, what waits for its answer and left from here.
//
// spec MIP-04
func TestProblemQuotes(t *testing.T) {
	w := asking.world(t)
	var sent ip6.Packet
	for _, f := range w.queue {
		if p, m := parse(t, f.data); kindOf(m) == "HomeTestInit" || kindOf(m) == "HomeTest" {
			sent = p
		}
	}
	if sent.Src != hoa {
		t.Fatalf("no HoTI: %+v", sent)
	}
	tell := func(e icmp6.Error) bool {
		before := dump(w.m)
		w.events = nil
		w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Problem(now, &e, out) })
		if same := dump(w.m) == before; same != slices.Equal(w.drops(), []string{ProblemForeign}) {
			t.Errorf("changed %v, drops %v", !same, w.drops())
		}
		return dump(w.m) != before
	}
	quote := func(edit func(*ip6.Packet)) []byte {
		p := sent
		edit(&p)
		return p.Append(nil)
	}
	same := quote(func(*ip6.Packet) {})
	fragment := slices.Concat(same[:ip6.HeaderLen], []byte{same[6], 0, 0, 1, 0, 0, 0, 1}, same[ip6.HeaderLen:])
	fragment[5] += 8
	fragment[6] = ip6.ProtoFragment
	for name, e := range map[string]icmp6.Error{
		"another type":     {Type: icmp6.TypePacketTooBig, Code: icmp6.CodeNextHeader, Invoking: same},
		"to a stranger":    {Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Invoking: quote(func(p *ip6.Packet) { p.Dst = cn2 })},
		"from a stranger":  {Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Invoking: quote(func(p *ip6.Packet) { p.Src = coa2 })},
		"no mobility":      {Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Invoking: quote(func(p *ip6.Packet) { p.Proto = ip6.ProtoUDP })},
		"a fragment":       {Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Invoking: fragment},
		"another's cookie": {Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Invoking: quote(func(p *ip6.Packet) { p.Payload = mh.Append(nil, hoa, cn, &mh.HomeTestInit{}) })},
	} {
		if tell(e) {
			t.Errorf("%s: believed", name)
		}
	}
	if !tell(icmp6.Error{Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Invoking: same}) {
		t.Error("not believed")
	}
}

// Routes that are always wanted are refreshed before they end: there is no moment without one.
//
// spec MIP-04
func TestAlwaysHasNoGap(t *testing.T) {
	w := newWorld(t, Config{Rules: []Rule{{netip.PrefixFrom(cn, 128), Always}}}, 1, cn)
	w.attach(coa)
	w.run(time.Second)
	w.each = func() {
		if w.routes[cn] != coa {
			t.Fatalf("no route at %v", w.now)
		}
	}
	w.run(30 * time.Minute)
}

// A route that nothing uses is not refreshed, and what was used before the last update is not in use after it.
//
// spec MIP-04
func TestUnusedEnds(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(time.Second)
	w.used(cn)
	w.run(MaxBindingLifetime - RefreshBefore)
	if w.count("BindingUpdate") != 2 {
		t.Errorf("%d updates for a route that was used once", w.count("BindingUpdate"))
	}
	w.run(2 * MaxBindingLifetime)
	if w.count("BindingUpdate") != 2 || len(w.routes) != 0 || len(w.m.View()) != 0 {
		t.Errorf("%d updates, %v", w.count("BindingUpdate"), w.m.View())
	}
}

// What lifetimes are asked for, by configuration: never more than MAX_RR_BINDING_LIFETIME, in whole units, and one at least.
//
// spec MIP-04
func TestLifetimeAsked(t *testing.T) {
	for c, want := range map[time.Duration]time.Duration{
		0: MaxBindingLifetime, -time.Second: MaxBindingLifetime, time.Hour: MaxBindingLifetime, MaxBindingLifetime: MaxBindingLifetime,
		101 * time.Second: 100 * time.Second, time.Second: mh.Unit,
	} { //order:any
		w := newWorld(t, Config{Lifetime: c}, 1, cn)
		var asked time.Duration
		w.delay = func(_ *ip6.Packet, m mh.Message) []time.Duration {
			if bu, ok := m.(*mh.BindingUpdate); ok {
				asked = bu.Lifetime
			}
			return []time.Duration{time.Millisecond}
		}
		w.attach(coa)
		w.wanted(cn)
		w.run(time.Second)
		if asked != want {
			t.Errorf("configured %v: asked for %v, want %v", c, asked, want)
		}
	}
}

// Nobody is asked at an address that is none: not our own, not of one link or of many.
//
// spec MIP-04
func TestPeersThatAreNone(t *testing.T) {
	rules := []Rule{{netip.PrefixFrom(hoa, 128), Always}, {netip.PrefixFrom(cn2, 128), Never}, {netip.MustParsePrefix("2001:db8:c::/48"), Always}}
	w := newWorld(t, Config{Rules: rules}, 1, cn)
	w.attach(coa)
	for _, a := range []netip.Addr{hoa, coa, netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::1"), netip.MustParseAddr("::1"), {}, cn2} {
		w.wanted(a)
	}
	if len(w.m.peers) != 0 || len(w.tape) != 0 {
		t.Errorf("%v", w.tape)
	}
}

// What is no more than the peer's number is kept while the peer may know it, and no longer; what it holds is told on coming home, what it
// cannot hold any more is not.
//
// spec MIP-04
func TestHomeTellsWhoMayHold(t *testing.T) {
	w := newWorld(t, Config{Lifetime: 100 * time.Second}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(30 * time.Millisecond) // sent at 20 ms, not acknowledged yet: the peer may have it
	w.do(w.m.Lost)
	w.run(10 * time.Second)
	w.tape = nil
	w.home()
	w.run(time.Second)
	if w.count("BindingUpdate") != 1 || w.believes(cn, coa) {
		t.Errorf("not told: %v", w.tape)
	}
	w = newWorld(t, Config{Lifetime: 100 * time.Second}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(30 * time.Millisecond)
	w.do(w.m.Lost)
	w.run(100*time.Second - 10*time.Millisecond)
	w.tape = nil
	w.home()
	w.run(10 * time.Second)
	if len(w.tape) != 0 {
		t.Errorf("told though it is over: %v", w.tape)
	}
	w.run(MaxBindingLifetime)
	if len(w.m.peers) != 0 || w.m.timers.Len() != 0 {
		t.Errorf("left over: %s", dump(w.m))
	}
}

// Nowhere, nothing is sent and nothing waits.
//
// spec MIP-04
func TestNowhere(t *testing.T) {
	for _, g := range []stage{asking, updated, bound} {
		w := g.world(t)
		w.do(w.m.Lost)
		w.queue, w.tape = nil, nil
		w.run(MaxBindingLifetime)
		w.wanted(cn)
		w.used(cn)
		if len(w.tape) != 0 {
			t.Errorf("stage %d: %v", g, w.tape)
		}
		w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Registered(now, engine.Never, out) })
		w.do(func(now engine.Now, out *engine.Effects) []Fact { return w.m.Arrived(now, netip.Addr{}, out) })
		if len(w.tape) != 0 || len(w.routes) != 0 {
			t.Errorf("stage %d, registered nowhere: %v", g, w.tape)
		}
	}
}

// A token is used until TokenMargin before its end, not longer: §5.2.7.
//
// spec MIP-04
func TestTokenAge(t *testing.T) {
	for age, fresh := range map[time.Duration]bool{MaxTokenLifetime - TokenMargin - time.Millisecond: true, MaxTokenLifetime - TokenMargin: false} { //order:any
		w := newWorld(t, Config{}, 1, cn)
		w.attach(coa)
		w.wanted(cn)
		w.run(age) // both questions left at 0
		w.tape = nil
		w.attach(coa2)
		if got := w.count("HomeTestInit") == 0; got != fresh {
			t.Errorf("token of %v used: %v", age, got)
		}
	}
}

// Refusals for the sequence number end: a peer that always asks for another is left alone.
//
// spec MIP-04
func TestSequenceRefusedForEver(t *testing.T) {
	w := updated.world(t)
	w.queue, w.dead[cn] = nil, true
	for range 3 * maxTries {
		if !w.m.peers[cn].bu.out {
			break
		}
		q := w.ack(mh.SequenceOutOfWindow, func(_ *ip6.Packet, ba *mh.BindingAck) { ba.Seq += 1000 })
		w.arrive(q.Append(nil))
		w.run(900 * time.Millisecond)
		w.queue = nil
	}
	if n := w.count("BindingUpdate"); n != maxTries || w.m.peers[cn].phase != barred {
		t.Errorf("%d updates, %v", n, w.m.peers[cn].phase)
	}
}

// A full list gives up the peer that was not wanted for the longest time, and none that has a route, an exchange, or may be bound.
//
// spec MIP-04
func TestEviction(t *testing.T) {
	addr := func(i byte) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 15: i}) }
	w := newWorld(t, Config{Max: 4}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(time.Second) // bound
	for i := byte(1); i <= 3; i++ {
		w.wanted(addr(i)) // never answers
		w.run(time.Second)
	}
	w.wanted(addr(4))
	if w.m.peers[addr(4)] != nil || w.events[len(w.events)-1].Name != "route.full" {
		t.Error("an exchange under way was given up")
	}
	n := len(w.events)
	w.run(time.Second)
	w.events = w.events[:min(n, len(w.events))]
	w.wanted(addr(4))
	if len(w.events) != n {
		t.Error("told again within ErrorInterval")
	}
	w.run(20 * time.Second) // now all are barred
	w.wanted(addr(2))
	w.run(time.Second)
	w.wanted(addr(1))
	w.run(time.Second)
	for _, c := range []struct{ in, out byte }{{5, 3}, {6, 2}, {7, 1}} {
		if w.m.peers[addr(c.out)] == nil {
			t.Fatalf("%d is gone already", c.out)
		}
		w.wanted(addr(c.in))
		if w.m.peers[addr(c.in)] == nil || w.m.peers[addr(c.out)] != nil || w.m.peers[cn] == nil {
			t.Errorf("%d came: %s", c.in, dump(w.m))
		}
	}
}

// Packets by the tunnel say that the peer forgot the binding, from LostAfter on; before, they may have been on their way.
//
// spec MIP-04
func TestLostAfter(t *testing.T) {
	w := newWorld(t, Config{}, 1, cn)
	w.attach(coa)
	w.wanted(cn)
	w.run(30 * time.Millisecond)
	w.run(10 * time.Millisecond) // acknowledged
	w.run(LostAfter - time.Millisecond)
	if w.wanted(cn); w.count("BindingUpdate") != 1 {
		t.Error("too soon")
	}
	w.run(time.Millisecond)
	if w.wanted(cn); w.count("BindingUpdate") != 2 {
		t.Error("not told again")
	}
}
