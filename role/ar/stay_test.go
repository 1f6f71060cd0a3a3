package ar

import (
	"testing"
	"time"
)

// Who was let in stays in when the router is started again, until his time is over, and no longer; he is asked nothing, and with accounting he has
// another account.
func TestResumed(t *testing.T) { //spec DM-09 DM-22
	for _, c := range []Config{config(), accounting()} {
		w, m := newAAAWorld(t, c), newMobile(1)
		w.known(m)
		w.ask(m, nil)
		session := w.r.gate.sessions[m.coa].id
		w.pass(4 * time.Minute)
		w.boot(c)
		s := w.r.gate.sessions[m.coa]
		if s == nil || s.standing != admitted || s.hw != m.hw || s.user != user || !w.gates[m.gate()] || w.events["access.resumed"] != 1 {
			t.Fatalf("%+v, gates %v, %v", s, w.gates, w.events)
		}
		if (s.id == session) != (w.r.gate.books == nil) {
			t.Errorf("session %s after %s", s.id, session)
		}
		if w.r.gate.books != nil {
			if got := w.said(); got != "2/0:0 4/1:0 2/0:0" && got != "2/0:0 3/1:0 4/2:0 2/0:0" && len(w.r.gate.books.accounts) != 1 {
				t.Errorf("told %s", got)
			}
		}
		w.pass(5 * time.Minute)
		if !w.gates[m.gate()] {
			t.Error("ended too early")
		}
		w.pass(2 * time.Minute)
		if _, there := w.gates[m.gate()]; there || len(w.stays) != 0 {
			t.Errorf("after its time: %v, %d stored", w.gates, len(w.stays))
		}
	}
}

// What is not a session, over, or of no link is let in by nobody, and not kept.
func TestNotResumed(t *testing.T) {
	for name, value := range map[string]string{
		"2001:1:0:1::9":    `{`,
		"nobody":           `{"session":"x","port":1,"ends":1800000000,"life":60}`,
		"2001:1:0:1::a":    `{"session":"","port":1,"ends":1800000000,"life":60}`,
		"2001:1:0:1::b":    `{"session":"x","port":7,"ends":1800000000,"life":60}`,
		"2001:1:0:1::c":    `{"session":"x","port":1,"ends":1700000000,"life":60}`,
		"2001:1:0:1::d/64": `{"session":"x","port":1,"ends":1800000000,"life":60}`,
	} {
		w := newAAAWorld(t, config())
		w.stays[name] = []byte(value)
		w.boot(config())
		if len(w.gates) != 1 || len(w.r.gate.sessions) != 0 || len(w.stays) != 0 {
			t.Errorf("%s %s: gates %v, stored %v", name, value, w.gates, w.stays)
		}
	}
}

// A clock that was stepped back between two lives of the router prolongs no session.
func TestResumedWithClockBack(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	life := w.r.gate.sessions[m.coa].ends.Sub(w.now.Mono)
	w.now.Wall = w.now.Wall.Add(-1000 * time.Hour)
	w.boot(config())
	s := w.r.gate.sessions[m.coa]
	if s == nil || s.ends.Sub(w.now.Mono) > life+time.Second {
		t.Fatalf("%+v; it had %v", s, life)
	}
}
