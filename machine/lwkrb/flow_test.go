package lwkrb

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"roam6/engine"
	lw "roam6/wire/lwkrb"
)

// The three cases: one round trip over the air, and behind the router none, one, or two.
func TestCases(t *testing.T) { //spec FH-04 FH-10 FH-13 FH-14 FH-15 FH-16
	for _, c := range []struct {
		name   string
		sealer Key
		held   []Key // by the router, besides its own
		kase   lw.Case
		a, h   int // open-reqs
	}{
		{"the router's own key", keyOf(ar2, 20), nil, lw.CaseRouter, 0, 0},
		{"its domain's key", keyOf(shared, 18), []Key{keyOf(shared, 18)}, lw.CaseRouter, 0, 0},
		{"its domain's key, with the KDC alone", keyOf(shared, 18), nil, lw.CaseRouter, 1, 0},
		{"the local KDC's key", keyOf(local, 17), []Key{keyOf(shared, 18)}, lw.CaseLocal, 1, 0},
		{"the user's KDC's key", keyOf(home, 18), nil, lw.CaseFar, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.held...)
			w.m.Put(ticketFor(c.sealer, ramp(0, 100)))
			w.ask(wish())
			w.pass(time.Second)
			s := w.agreed()
			if s.Case != c.kase || s.Client != ann || !bytes.Equal(s.Attributes, ramp(0, 100)) || w.a.asked != c.a || w.h.asked != c.h {
				t.Errorf("%+v; %d and %d open-reqs", s, w.a.asked, w.h.asked)
			}
			if s.Granted != both|lw.WantBuffer || s.SPIToMobile != 0x1001 || s.SPIToRouter < lw.MinSPI {
				t.Errorf("%+v", s)
			}
			if len(w.requests) != 1 || len(w.answers) != 1 || len(w.wrote) != 1 || w.answers[0].CareOf != careOf {
				t.Errorf("%d ap-reqs, %d answers, %d records", len(w.requests), len(w.answers), len(w.wrote))
			}
			w.pass(time.Minute)
			w.quiet()
		})
	}
}

// Of several tickets the lowest case, and what is not good any more or yet, not at all.
func TestBestTicketFirst(t *testing.T) { //spec FH-13 FH-14 FH-15
	m := NewMobile(engine.NewRand([32]byte{1}))
	for _, k := range []Key{keyOf(home, 18), keyOf(local, 17), keyOf(shared, 18), keyOf(ar2, 20), keyOf(ar3, 20), keyOf("host/x@A.EXAMPLE", 18)} {
		m.Put(ticketFor(k, nil))
	}
	m.Put(ticketUntil(keyOf("krbtgt/B.EXAMPLE@HOME.EXAMPLE", 18), nil, start.Add(2*time.Hour)))
	now := engine.Now{Mono: 1, Wall: start}
	want := []lw.Principal{ar2, shared, local, "krbtgt/B.EXAMPLE@HOME.EXAMPLE", home}
	got := m.Choices(now, ar2)
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i].Sealer != want[i] {
			t.Errorf("%d: %s, want %s", i, got[i].Sealer, want[i])
		}
	}
	now.Wall = start.Add(time.Hour)
	if got := m.Choices(now, ar2); len(got) != 1 || got[0].Sealer != "krbtgt/B.EXAMPLE@HOME.EXAMPLE" {
		t.Errorf("after their end: %+v", got)
	}
	now.Wall = start.Add(-2 * time.Hour)
	if got := m.Choices(now, ar2); len(got) != 0 {
		t.Errorf("before their start: %+v", got)
	}
	for i := range MaxTickets + 9 {
		m.Put(ticketUntil(keyOf(lw.Principal(fmt.Sprintf("krbtgt/R%d@HOME.EXAMPLE", i)), 18), nil, start.Add(3*time.Hour)))
	}
	if v := m.View(); len(v.Tickets) != MaxTickets {
		t.Errorf("%d tickets", len(v.Tickets))
	}
	if _, held := m.ticket(home); held {
		t.Error("what ends first did not go")
	}
}

// The KDC is silent: the same octets after 200, 400, 800 ms, the end after 1.5 s; the mobile node goes on with its next ticket.
func TestSilentKDC(t *testing.T) { //spec FH-14
	w := newWorld(t)
	w.a.silent = true
	w.m.Put(ticketFor(keyOf(local, 17), nil))
	w.m.Put(ticketFor(keyOf(home, 18), nil))
	w.ask(wish())
	w.pass(1600 * time.Millisecond)
	if len(w.asks) < 4 {
		t.Fatalf("%d open-reqs", len(w.asks))
	}
	for i, d := range []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
		if got := w.askedAt[i].Sub(w.askedAt[0]); got != d || w.asks[i].Try != i+1 || !bytes.Equal(w.asks[i].Octets, w.asks[0].Octets) {
			t.Errorf("open-req %d after %v", i, got)
		}
	}
	if len(w.answers) != 1 || w.answers[0].Code != lw.SilentKDC || w.requests[len(w.requests)-1].Sealer != home {
		t.Errorf("%+v", w.answers)
	}
	w.a.silent = false
	w.pass(300 * time.Millisecond)
	if s := w.agreed(); s.Case != lw.CaseFar {
		t.Errorf("case %d", s.Case)
	}
	w.pass(time.Minute)
	w.quiet()
}

// Nobody answers at all: the same octets again, and the end in MaxWait.
func TestSilence(t *testing.T) {
	w := newWorld(t)
	w.lost = func(string, []byte) bool { return true }
	w.m.Put(ticketFor(keyOf(local, 17), nil))
	w.ask(wish())
	w.pass(MaxWait)
	if len(w.failed) != 1 || w.failed[0] != (Failed{ar2, lw.None, false}) {
		t.Fatalf("%+v", w.failed)
	}
	if len(w.requests) != 5 { // 0, 250, 750, 1750, 3750 ms
		t.Errorf("%d ap-reqs", len(w.requests))
	}
	for _, r := range w.requests {
		if !bytes.Equal(r.Octets, w.requests[0].Octets) {
			t.Error("other octets")
		}
	}
	if at, _ := w.m.Deadline(); at != engine.Never {
		t.Error("it waits for something")
	}
}

// What is lost on the way is made good by repetition; the router gives the same answer, and takes nothing twice.
func TestLoss(t *testing.T) { //spec FH-10
	for _, to := range []string{"router", "kdc", "back", "mobile"} {
		w := newWorld(t)
		n := 0
		w.lost = func(at string, _ []byte) bool {
			if at == to {
				n++
			}
			return at == to && n <= 2
		}
		w.m.Put(ticketFor(keyOf(local, 17), nil))
		w.ask(wish())
		w.pass(time.Second)
		w.agreed()
		if len(w.ar) != 1 || len(w.wrote) != 1 {
			t.Errorf("%s: %d sessions", to, len(w.ar))
		}
		if to == "mobile" && (len(w.answers) != 3 || !w.answers[2].Again || !bytes.Equal(w.answers[0].Octets, w.answers[2].Octets)) {
			t.Errorf("answers %+v", w.answers)
		}
	}
}

// A router that was started again refuses what it took before, and the mobile node makes another ap-req.
func TestRestart(t *testing.T) { //spec FH-18
	w := newWorld(t)
	w.lost = func(to string, _ []byte) bool { return to == "mobile" }
	w.m.Put(ticketFor(keyOf(local, 17), nil))
	w.ask(wish())
	w.pass(100 * time.Millisecond)
	if len(w.ar) != 1 {
		t.Fatal("not taken")
	}
	w.restart()
	w.lost, w.ar, w.answers = nil, nil, nil
	w.bring(w.requests[0].Octets)
	w.pass(time.Second)
	if w.drop["lwkrb-replay"] != 1 || w.answers[0].Code != lw.Repeat {
		t.Errorf("dropped %v, %+v", w.drop, w.answers)
	}
	s := w.agreed()
	if bytes.Equal(w.requests[0].Octets, w.requests[len(w.requests)-1].Octets) || s.Case != lw.CaseLocal {
		t.Error("the same ap-req")
	}
	if w.wrote[0].Key == w.wrote[1].Key {
		t.Error("a record was overwritten that is still needed")
	}
}

// The clock of a mobile node that is wrong is corrected by proven word, for one realm.
func TestSkew(t *testing.T) { //spec FH-18
	for _, skew := range []time.Duration{-time.Hour / 2, 10 * time.Minute, -6 * time.Minute} {
		for _, sealer := range []Key{keyOf(ar2, 20), keyOf(local, 17), keyOf(home, 18)} {
			w := newWorld(t)
			w.skew = skew
			w.m.Put(ticketFor(sealer, nil))
			w.ask(wish())
			w.pass(time.Second)
			w.agreed()
			if len(w.requests) != 2 || w.answers[0].Code != lw.Skew {
				t.Errorf("%v: %d ap-reqs, %+v", skew, len(w.requests), w.answers[0])
			}
			if got := w.m.Ahead("A.EXAMPLE") + skew; got.Abs() > time.Second {
				t.Errorf("%v: corrected by %v", skew, w.m.Ahead("A.EXAMPLE"))
			}
			if w.m.Ahead("B.EXAMPLE") != 0 {
				t.Error("another realm's clock was set")
			}
			w.ask(wish())
			w.pass(time.Second)
			w.agreed()
			if len(w.requests) != 3 {
				t.Error("what was learnt is forgotten")
			}
		}
	}
}

// A session ends with its ticket, and with what the role allows.
func TestLifetime(t *testing.T) { //spec FH-16
	for _, c := range []struct{ ticket, verdict, want time.Duration }{
		{3 * time.Hour, 0, time.Hour},
		{20 * time.Minute, 0, 20 * time.Minute},
		{20 * time.Minute, time.Hour, 20 * time.Minute},
		{3 * time.Hour, 5 * time.Minute, 5 * time.Minute},
	} {
		w := newWorld(t)
		w.m.Put(ticketUntil(keyOf(ar2, 20), nil, start.Add(c.ticket)))
		w.verdict = func(*Judge) *Verdict { return &Verdict{Lifetime: c.verdict, SPI: 0x2002, NoBuffer: true} }
		w.ask(wish())
		w.pass(time.Second)
		s := w.agreed()
		if d := s.Until.Sub(1); d > c.want+air || d < c.want-time.Second {
			t.Errorf("%+v: %v", c, d)
		}
		if s.SPIToRouter != 0x2002 || s.Granted != both {
			t.Errorf("%+v", s)
		}
	}
}

// Without protection there are no keys and no SPIs.
func TestNoProtection(t *testing.T) {
	w := newWorld(t)
	w.m.Put(ticketFor(keyOf(ar2, 20), nil))
	x := wish()
	x.Want, x.SPI = 0, 0
	w.ask(x)
	w.pass(time.Second)
	if s := w.agreed(); s.AH.ToMobile != nil || s.ESP.ToRouter != nil || s.SPIToRouter != 0 || s.Granted != 0 {
		t.Errorf("%+v", s)
	}
}

// Keys do not print.
func TestSessionsDoNotPrint(t *testing.T) {
	w := newWorld(t)
	w.m.Put(ticketFor(keyOf(ar2, 20), nil))
	w.ask(wish())
	w.pass(time.Second)
	s := w.agreed()
	text := fmt.Sprintf("%v %+v %#v %v", s, *s, *s, w.m.tickets)
	if bytes.Contains([]byte(text), s.AH.ToMobile) || bytes.Contains([]byte(text), []byte(fmt.Sprintf("%v", []byte(s.AH.ToMobile)))) {
		t.Error(text)
	}
	s.Erase()
	if !bytes.Equal(s.ESP.ToRouter, make([]byte, len(s.ESP.ToRouter))) {
		t.Error("not erased")
	}
}
