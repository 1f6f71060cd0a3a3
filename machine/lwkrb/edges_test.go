package lwkrb

import (
	"testing"
	"time"

	"roam6/engine"
	lw "roam6/wire/lwkrb"
)

// A ticket that has ended by the router's clock, or not begun: another one is wanted, and the next is tried.
func TestTicketTimes(t *testing.T) { //spec FH-18
	for _, sealer := range []Key{keyOf(ar2, 20), keyOf(local, 17)} {
		w := newWorld(t)
		w.m.Put(ticketUntil(sealer, nil, start.Add(time.Minute)))
		w.m.Put(ticketFor(keyOf(home, 18), nil))
		w.skew = -2 * time.Minute
		w.pass(2 * time.Minute)
		w.ask(wish())
		w.pass(time.Second)
		if w.answers[0].Code != lw.Expired || len(w.renew) != 1 || w.renew[0].Sealer != sealer.Name.Principal {
			t.Errorf("%+v, %+v", w.answers[0], w.renew)
		}
		if s := w.agreed(); s.Case != lw.CaseFar {
			t.Errorf("case %d", s.Case)
		}

		w = newWorld(t)
		w.now.Wall = start.Add(-time.Hour - lw.MaxSkew - 2*time.Second)
		w.skew = 3 * time.Second
		w.m.Put(ticketFor(sealer, nil))
		w.ask(wish())
		w.pass(time.Second)
		if w.answers[0].Code != lw.NotYetValid || len(w.renew) != 1 || len(w.failed) != 1 {
			t.Errorf("%+v, %+v, %+v", w.answers[0], w.renew, w.failed)
		}
	}
}

// A ticket that is too long for an ap-req is passed over; without a ticket nothing is asked.
func TestNoTicket(t *testing.T) {
	w := newWorld(t)
	w.ask(wish())
	if len(w.failed) != 1 || w.failed[0] != (Failed{ar2, lw.None, false}) {
		t.Errorf("%+v", w.failed)
	}
	w = newWorld(t)
	long := ticketFor(keyOf("krbtgt/A.EXAMPLE@"+lw.Principal(ramp('a', 20))+lw.Principal(ramp('a', 20)), 17), nil)
	long.Sealed = make([]byte, lw.MaxMessage-150)
	w.m.Put(long)
	w.m.Put(ticketFor(keyOf(home, 18), nil))
	w.ask(wish())
	if len(w.requests) != 1 || w.requests[0].Sealer != home || w.drop["lwkrb-ticket-too-long"] != 1 {
		t.Errorf("%+v, dropped %v", w.requests, w.drop)
	}
}

// Whoever stops, or asks for something else, is not bothered with the answer any more.
func TestStop(t *testing.T) {
	w := newWorld(t)
	w.m.Put(ticketFor(keyOf(ar2, 20), nil))
	w.ask(wish())
	if x, busy := w.m.Asks(); !busy || x.Router != ar2 {
		t.Errorf("%+v", x)
	}
	w.m.Stop()
	w.pass(time.Second)
	if at, _ := w.m.Deadline(); at != engine.Never || len(w.mn) != 0 || len(w.failed) != 0 || w.drop["lwkrb-unasked"] != 1 {
		t.Errorf("dropped %v", w.drop)
	}
	if _, busy := w.m.Asks(); busy {
		t.Error("still asking")
	}
	for _, raw := range [][]byte{w.requests[0].Octets, nil, {1, 2}} { // nothing for a mobile node
		w.mobile(w.m.Heard(w.now, raw, &w.out))
	}
	if w.drop["lwkrb-unexpected"] != 1 || w.drop["lwkrb-malformed"] != 2 || w.m.View().Counts.Dropped != 4 {
		t.Errorf("dropped %v", w.drop)
	}
	w.router(w.r.Answered(w.now, w.requests[0].Octets, &w.out))
	w.router(w.r.Answered(w.now, plainError(9, lw.NoKey, start), &w.out))
	if w.drop["lwkrb-kdc-unexpected"] != 1 || w.drop["lwkrb-kdc-unasked"] != 1 {
		t.Errorf("dropped %v", w.drop)
	}
}

// A ticket put in the place of another; one taken away while it is in use does no harm.
func TestTicketsChange(t *testing.T) {
	w := newWorld(t)
	w.m.Put(ticketFor(keyOf(ar2, 20), nil))
	w.m.Put(ticketUntil(keyOf(ar2, 20), nil, start.Add(2*time.Hour)))
	if v := w.m.View(); len(v.Tickets) != 1 || v.Tickets[0].End != start.Add(2*time.Hour).Unix() {
		t.Errorf("%+v", v)
	}
	w.ask(wish())
	w.m.Remove(ar2)
	w.pass(time.Second)
	w.agreed()
	if v := w.m.View(); len(v.Tickets) != 0 || v.Counts.Agreed != 1 || v.Clocks["A.EXAMPLE"] != 0 {
		t.Errorf("%+v", v)
	}
	for i := range 2 * MaxClocks {
		w.m.wish.Router = lw.MakePrincipal(string(rune('a'+i)), lw.ServiceRouter, "ar")
		w.m.correct(w.now, start)
	}
	if len(w.m.clocks) != MaxClocks {
		t.Errorf("%d clocks", len(w.m.clocks))
	}
}

// New keys: the old version goes on as long as the router has it.
func TestRekey(t *testing.T) { //spec FH-13
	w := newWorld(t, keyOf(shared, 18))
	w.m.Put(ticketFor(keyOf(shared, 18), nil))
	newer := keyOf(shared, 20)
	newer.Name.KVNO = 4
	if err := w.r.Rekey([]Key{keyOf(ar2, 20), newer, keyOf(shared, 18)}); err != nil {
		t.Fatal(err)
	}
	w.ask(wish())
	w.pass(time.Second)
	w.agreed()
	if err := w.r.Rekey([]Key{newer}); err == nil {
		t.Error("keys without its own are taken")
	}
	w.r.cfg.KDC = false
	if err := w.r.Rekey([]Key{newer}); err != nil {
		t.Fatal(err)
	}
	w.ask(wish())
	w.pass(5 * time.Second)
	if w.drop["lwkrb-key-version"] == 0 || len(w.failed) != 1 || w.failed[0].Code != lw.BadKeyVersion {
		t.Errorf("dropped %v, %+v", w.drop, w.failed)
	}
}
