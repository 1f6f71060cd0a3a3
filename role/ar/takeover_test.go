package ar

import (
	"testing"
	"time"

	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
	"roam6/wire/nd"
)

// Somebody else at the same address does not go on with a conversation.
func TestTalkOfAnother(t *testing.T) { //spec DM-06
	w, m, thief := newAAAWorld(t, config()), newMobile(1), newMobile(2)
	w.answer = func(q *mip6aaa.ARR, _ *access.Request) *mip6aaa.ARA {
		return &mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.MultiRoundAuth}, EAP: []byte{1, 1, 0, 4}}
	}
	eap := func(q *access.Request) { q.EAP = []byte{2, 0, 0, 4} }
	w.known(m)
	w.ask(m, eap)
	thief.coa, thief.id = m.coa, 100
	w.ask(thief, eap)
	w.pass(2 * time.Second) // nobody defends the address
	if len(w.arrs) != 2 || w.arrs[1].Session == w.arrs[0].Session || w.arrs[1].DestinationHost != "" {
		t.Errorf("%+v", w.arrs)
	}
}

// Another subscriber who says that it has the care-of address of somebody's session does not get the session by saying so: it waits for
// duplicate detection, in which the mobile node answers. If that is gone the address is another's to have.
func TestSessionIsNotTakenOver(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	mine := *w.r.gate.sessions[m.coa]
	thief := newMobile(1)
	thief.hw, thief.nai = plane.HW{2, 9, 9, 9, 9, 9}, "thief@home.example"
	says := func(x *mobileNode) {
		w.says(x.hw, x.coa, ip6.AllNodes, &nd.NeighborAdvertisement{Target: x.coa, Override: true, Options: nd.Options{TargetHW: x.hw}})
	}
	w.pass(2 * time.Minute) // the router has forgotten the neighbour, not the session
	says(thief)
	w.known(thief)
	w.ask(thief, nil)
	says(thief)
	if got := *w.r.gate.sessions[m.coa]; got != mine || len(w.arrs) != 1 {
		t.Fatalf("%d requests, the session is %+v", len(w.arrs), got)
	}
	says(m)
	if r := w.reply(thief); r == nil || r.Result != uint32(diameter.InvalidAVPValue) || *w.r.gate.sessions[m.coa] != mine || !w.gates[m.gate()] {
		t.Fatalf("%+v, the session is %+v", r, w.r.gate.sessions[m.coa])
	}
	w.pass(2 * time.Minute)
	w.ask(thief, nil)
	w.pass(1100 * time.Millisecond)
	if s := w.r.gate.sessions[m.coa]; s == nil || s.hw != thief.hw || len(w.arrs) != 2 {
		t.Errorf("%d requests, %+v", len(w.arrs), s)
	}
}

// DIAMETER_LIMITED_SUCCESS says that the mobile node is who it is, and that its home agent refused its update, as for its sequence number: it is let in,
// or its next update would never arrive.
func TestLimitedSuccess(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.answer = func(q *mip6aaa.ARR, r *access.Request) *mip6aaa.ARA {
		a := w.good(q, r)
		a.Code = diameter.LimitedSuccess
		return a
	}
	w.known(m)
	w.ask(m, nil)
	if s := w.r.gate.sessions[m.coa]; s == nil || s.standing != admitted || !w.gates[m.gate()] || w.reply(m).Result != uint32(diameter.LimitedSuccess) {
		t.Errorf("%+v, gates %v", s, w.gates)
	}
}
