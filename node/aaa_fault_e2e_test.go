package node_test

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/role/ha"
	"roam6/scenario"
)

const walk = "[{at: 8s, to: ar2}, {at: 14s, to: ar3}, {at: 20s, to: ar1}, {at: 26s, to: ar2}, {at: 32s, to: ar3}, {at: 38s, to: ar1}, {at: 50s, to: ar2}, {at: 56s, to: ar3}]"

// late has a node come at a time.
func (w *trouble) late(node string, at time.Duration) {
	w.stays(node)
	for i, a := range w.plan.Actions {
		if a.Node == node && a.Verb == scenario.Attach {
			w.plan.Actions[i].At = at
		}
	}
	w.act()
}

// database has the database of the home server answer so from a time to another.
func (w *trouble) database(from, until time.Duration, stores bool, why string) {
	w.table = func(q engine.Query) (engine.Result, bool) {
		if w.now < from || w.now >= until {
			return engine.Result{}, false
		}
		if stores && q.Put != nil {
			w.answer(q)
		}
		return engine.Result{Err: why}, true
	}
}

// Whatever fails for a while between a mobile node and its home network: who is in stays in, who need not go that way is served, who has to gets
// the result that says so or silence; and when it is over all are let in by themselves within a bound, and every session is accounted for once.
//
// spec DM-02 DM-11 DM-22
func TestFaults(t *testing.T) {
	const from, until = 9 * time.Second, 29 * time.Second
	for _, c := range []struct {
		name  string
		fault func(w *trouble)
		at    string // who tells
		what  string
		told  string        // result that the latecomer's router tells
		other time.Duration // a move of mn meanwhile that nothing hinders; 0: none
		over  time.Duration
	}{
		{"database fails", func(w *trouble) { w.database(from, until, false, engine.ErrFailed) }, "aaah", "database-failed", "TOO_BUSY", 14 * time.Second, until},
		{"database is late", func(w *trouble) { w.database(from, until, true, engine.ErrTimeout) }, "aaah", "database-timeout", "TOO_BUSY", 14 * time.Second, until},
		{"database is busy", func(w *trouble) { w.database(from, until, false, engine.ErrBusy) }, "aaah", "database-busy", "TOO_BUSY", 14 * time.Second, until},
		{"visited server starts again", func(w *trouble) { w.reborn("aaav-a", from, until) }, "ar1", "aaa.peer-down", "UNABLE_TO_DELIVER", 14 * time.Second, until},
		{"home server starts again", func(w *trouble) { w.reborn("aaah", from, until) }, "aaav-a", "diameter-not-delivered", "UNABLE_TO_DELIVER", 0, until},
		{"home server is cut off", func(w *trouble) { w.cut("ha-aaah", from, until) }, "aaav-a", "diameter-not-delivered", "UNABLE_TO_DELIVER", 0, until},
		{"visited server is cut off", func(w *trouble) { w.cut("opa-aaav-a", from, until) }, "ar1", "aaa.peer-down", "UNABLE_TO_DELIVER", 14 * time.Second, until},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := inTrouble(t, "home", 70*time.Second, walk)
			w.late("mn3", 12*time.Second)
			c.fault(w)
			w.run()
			w.must(c.at, c.what, from, until)
			w.must("ar1", "access.refused", from, until, "mn3@home.example", c.told)
			if c.other > 0 {
				w.soon("mn", c.other, 500*time.Millisecond)
			}
			w.soon("mn3", c.over, 10*time.Second)
			w.soon("mn", 50*time.Second, 500*time.Millisecond)
			w.soon("mn", 56*time.Second, 500*time.Millisecond)
			w.idle(3)
			w.accounts()
		})
	}
}

// undisturbed says that mobile nodes neither noticed that something was gone for a while, nor miss what came after that.
func (w *trouble) undisturbed(crash, start, until time.Duration) {
	w.t.Helper()
	for _, u := range []string{"mn", "mn2", "mn3"} {
		if n := w.saw(u, "access.request", crash, until); n != 0 {
			w.t.Errorf("%s asked %d times", u, n)
		}
		if q := w.quiet(u, crash, until); q > start-crash+100*time.Millisecond {
			w.t.Errorf("%s: nothing for %v\n%s", u, q, w.heard(u, crash, until))
		}
	}
}

// A home agent that is started again has its guests' bindings, their keys and what it owes them from its store: their traffic goes on at once,
// with no exchange of theirs, and their next moves are as before.
//
// spec DM-17
func TestHomeAgentStartsAgain(t *testing.T) {
	const crash, start = 20 * time.Second, 22 * time.Second
	w := inTrouble(t, "home", 70*time.Second, "[{at: 8s, to: ar2}, {at: 40s, to: ar1}, {at: 56s, to: ar3}]")
	w.reborn("ha", crash, start)
	w.run()
	if v := w.engines["ha"].View().(ha.View); len(v.Guests) != 3 || len(v.Bindings) != 3 {
		t.Errorf("%+v", v)
	}
	w.undisturbed(crash, start, 38*time.Second)
	w.soon("mn", 40*time.Second, 500*time.Millisecond)
	w.soon("mn", 56*time.Second, 500*time.Millisecond)
	w.idle(3)
	w.accounts()
}

// Who was let in at an access router that is started again stays in: its gate is open again at once, and its session is counted from then on as
// another one.
//
// spec DM-09 DM-22
func TestAccessRouterStartsAgain(t *testing.T) {
	const crash, start = 20 * time.Second, 22 * time.Second
	w := inTrouble(t, "home", 70*time.Second, "[{at: 60s, to: ar2}]")
	w.reborn("ar1", crash, start)
	w.run()
	if n := w.saw("ar1", "access.resumed", start, start+time.Second); n != 3 {
		t.Errorf("%d sessions resumed", n)
	}
	w.undisturbed(crash, start, 58*time.Second)
	w.idle(3)
	w.accounts()
}
