package ar

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
)

// Who was let in before the router was started again, and authenticates itself from another address, is not at the one before either.
func TestResumedAtAnotherAddress(t *testing.T) { //spec DM-09 DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	w.boot(accounting())
	moved := newMobile(4)
	moved.hw, moved.id = m.hw, 100
	w.known(moved)
	w.ask(moved, nil)
	if !w.gates[moved.gate()] {
		t.Fatalf("not let in: %v", w.events)
	}
	if _, there := w.gates[m.gate()]; there || len(w.r.gate.sessions) != 1 || len(w.r.gate.books.accounts) != 1 {
		t.Errorf("the gate before is open: gates %v, %d sessions, %d accounts", w.gates, len(w.r.gate.sessions), len(w.r.gate.books.accounts))
	}
}

// Whoever begins conversations and does not go on with them keeps nobody out who does.
func TestConversationsThatGoNowhere(t *testing.T) { //spec DM-06
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.answer = func(q *mip6aaa.ARR, _ *access.Request) *mip6aaa.ARA {
		return &mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.MultiRoundAuth}, User: q.User, EAP: []byte{1, q.EAP[1] + 1, 0, 4}}
	}
	for i := range MaxTalks + 10 {
		x := newMobile(2)
		x.hw = plane.HW{2, 9}
		binary.BigEndian.PutUint32(x.hw[2:], uint32(i))
		x.coa = ip6.FromEUI64(netip.MustParsePrefix("2001:1:0:1::/64"), x.hw)
		w.known(x)
		w.ask(x, func(q *access.Request) { q.EAP = []byte{2, 0, 0, 4} })
		w.pass(2 * time.Millisecond)
	}
	w.pass(time.Second)
	if len(w.r.gate.talks) != MaxTalks {
		t.Fatalf("%d conversations, %v", len(w.r.gate.talks), w.events)
	}
	w.known(m)
	w.arrs = nil
	for i := range byte(2) {
		w.ask(m, func(q *access.Request) { q.EAP = []byte{2, i, 0, 4} })
	}
	if len(w.arrs) != 2 || w.arrs[0].Session != w.arrs[1].Session || w.arrs[1].DestinationHost != serverHost {
		t.Errorf("the second round is of another session: %v", w.arrs)
	}
}

// A word uses the time that it gives and no more, though timers come up a little late in the real world: what is left is as much as another word gives.
func TestWordUsesItsTime(t *testing.T) { //spec DM-09
	w, other := vouchWorld(t)
	m := newMobile(1)
	w.announce(other, m, 1)
	w.step(w.now.Mono.Add(Grace + time.Millisecond))
	w.do(engine.Tick{})
	if s := w.r.gate.sessions[m.coa]; s == nil || s.standing != spent {
		t.Fatalf("%+v", s)
	}
	if w.announce(other, m, 2); !w.gates[m.gate()] {
		t.Errorf("the second word does not count: %v", w.events)
	}
}
