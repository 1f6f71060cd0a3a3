package admit

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
)

// One station, and one address, are heard so often.
func TestRates(t *testing.T) { //spec DM-09
	for reason, c := range map[string]struct { //order:any
		burst int
		next  func(i int) *mobile
	}{
		"access-rate-source":  {SourceBurst, func(i int) *mobile { return newMobile(1) }},
		"access-rate-station": {StationBurst, func(i int) *mobile { return &mobile{hw: newMobile(1).hw, coa: newMobile(i).coa} }},
		"access-rate":         {AllBurst, newMobile},
	} {
		w := newWorld(t)
		for i := range 2 * c.burst {
			w.ask(c.next(i))
		}
		if w.drop[reason] != c.burst {
			t.Errorf("%s: %v", reason, w.drop)
		}
		w.now.Mono = w.now.Mono.Add(time.Second)
		if w.ask(c.next(0)); w.drop[reason] != c.burst {
			t.Errorf("%s: none after a second", reason)
		}
		w.sound()
	}
}

// A station that the home server refuses waits, longer each time; who is let in begins anew.
func TestPenalty(t *testing.T) {
	w, m := newWorld(t), newMobile(1)
	w.c.Neighbour(w.now, m.coa, m.hw)
	for wait := PenaltyFirst; wait <= PenaltyMost; wait *= 2 {
		w.c.Neighbour(w.now, m.coa, m.hw)
		w.reply(pick[Request](t, w.ask(m)).Handle, bad)
		before := w.drop["access-penalty"]
		w.pass(wait - 1)
		if w.ask(m); w.drop["access-penalty"] != before+1 {
			t.Fatalf("heard within %v", wait)
		}
		w.pass(1)
	}
	w.let(m)
	w.reply(pick[Request](t, w.ask(m)).Handle, bad) // it is known now
	pick[Request](t, w.ask(m))
	other := newMobile(2)
	w.c.Neighbour(w.now, other.coa, other.hw)
	busy := *bad
	busy.Result = 3002 // the servers' fault
	w.reply(pick[Request](t, w.ask(other)).Handle, &busy)
	pick[Request](t, w.ask(other))
}

// Ten thousand stations that nobody knows ask again and again, with the right challenge and whatever addresses they like. What they cost is bounded;
// nodes that were let in before do not notice; newcomers are served as soon as the impostors were refused.
func TestFlood(t *testing.T) { //spec DM-09
	const impostors = 10_000
	w := newWorld(t)
	friend, newcomer := newMobile(1<<20), newMobile(1<<21)
	w.let(friend)
	var all []*mobile
	for i := range impostors {
		all = append(all, newMobile(i))
	}
	requests, served, newcomerIn := 0, 0, time.Duration(-1)
	start := w.now.Mono
	answer := func(m *mobile, honest bool, facts []Fact) (got bool) {
		for len(facts) > 0 {
			f := facts[0]
			facts = facts[1:]
			switch f := f.(type) {
			case Check:
				facts = append(facts, w.c.Checked(w.now, f.Addr, false, &w.out)...)
			case Request:
				requests++
				if r := bad; !honest {
					w.reply(f.Handle, r)
				} else {
					w.reply(f.Handle, good)
					got = true
				}
			}
		}
		return got
	}
	const rounds = 30
	for round := range rounds { // a second each
		for i, m := range all {
			answer(m, false, w.ask(m))
			if newcomerIn < 0 && i == (round*7919+impostors*2/3)%impostors { // somewhere among them
				if answer(newcomer, true, w.ask(newcomer)) {
					newcomerIn = w.now.Mono.Sub(start)
				}
			}
			if i == impostors/2 && answer(friend, true, w.ask(friend)) {
				served++
			}
			w.pass(time.Second / impostors)
		}
		w.sound()
	}
	if most := AllBurst + rounds + impostors + FailedBurst + rounds*FailedRate; requests > most {
		t.Errorf("%d requests went to the servers, at most %d may", requests, most)
	}
	if served != rounds {
		t.Errorf("who was let in before was served %d times of %d", served, rounds)
	}
	if newcomerIn < 0 || newcomerIn > 15*time.Second {
		t.Errorf("the newcomer was served after %v", newcomerIn)
	}
	t.Logf("%d requests of %d, newcomer after %v", requests, rounds*impostors, newcomerIn)
}

// A flood from addresses that are made up for each packet fills no table and no server.
func TestFloodOfMadeUpAddresses(t *testing.T) {
	w, friend := newWorld(t), newMobile(1<<30)
	w.let(friend)
	requests := 0
	for i := range 50_000 {
		m := newMobile(i)
		requests += len(w.ask(m))
		w.now.Mono += engine.Mono(100 * time.Microsecond)
	}
	w.sound()
	if most := MaxExchanges * StrangersShare / 100; requests > most {
		t.Errorf("%d under way, at most %d may be", requests, most)
	}
	w.let(friend)
	if w.drop["access-busy"] == 0 || w.drop["access-rate"] == 0 {
		t.Errorf("%v", w.drop)
	}
}

// What is remembered of late is remembered for its time at least, and has an end.
func TestRecent(t *testing.T) {
	r := newRecent[plane.HW, int](2, time.Minute)
	at := func(d time.Duration) engine.Now { return engine.Now{Mono: engine.Mono(d)} }
	r.put(at(0), plane.HW{2}, 7)
	for _, c := range []struct {
		at time.Duration
		ok bool
	}{{time.Minute - 1, true}, {time.Minute, true}, {2*time.Minute - 1, true}, {2 * time.Minute, false}} {
		if v, ok := r.find(at(c.at), plane.HW{2}); ok != c.ok || ok && v != 7 {
			t.Errorf("after %v: %d %v", c.at, v, ok)
		}
	}
	for i := range 100 {
		r.put(at(2*time.Minute), plane.HW{2, byte(i)}, i)
		if _, ok := r.find(at(2*time.Minute), plane.HW{2, byte(i)}); !ok || r.len() > 4 {
			t.Fatalf("%d: %v, %d", i, ok, r.len())
		}
	}
}
