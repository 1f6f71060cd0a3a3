package ar

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/handover/fmipv6"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

func accounting() Config {
	c := config()
	c.AAA.Accounting, c.AAA.Interim = true, time.Minute
	return c
}

func (m *mobileNode) meter() plane.MeterKey { return plane.MeterKey{Addr: m.coa, Port: 1} }

// said is what was told of sessions, in short: kind, number, packets.
func (w *aaaWorld) said() string {
	var list []string
	for _, q := range w.acrs {
		list = append(list, fmt.Sprintf("%d/%d:%d", q.Kind, q.Number, q.PacketsUp))
	}
	w.acrs = nil
	return strings.Join(list, " ")
}

// stored counts what is in the store.
func (w *aaaWorld) stored() (open, records int) {
	for k := range w.store { //order:any
		if strings.HasPrefix(k, openKey) {
			open++
		} else {
			records++
		}
	}
	return open, records
}

// A session is counted from its beginning to its end; records go when they are acknowledged.
func TestAccounting(t *testing.T) { //spec DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, func(q *access.Request) { q.HomeAddress = netip.MustParseAddr("2001:db8::1") })
	if !w.meters[m.meter()] {
		t.Fatal("not counted")
	}
	if open, records := w.stored(); open != 1 || records != 0 {
		t.Errorf("%d open, %d records", open, records)
	}
	q := w.acrs[0]
	if q.User != user || q.CareOf != m.coa || q.Session != w.arrs[0].Session || q.DestinationRealm != "home.example" || q.Home != netip.MustParseAddr("2001:db8::1") || !q.At.Equal(w.now.Wall.Truncate(time.Second)) {
		t.Errorf("%+v", q)
	}
	w.counts[m.meter()] = plane.Count{Packets: 10, Octets: 1000}
	w.pass(time.Minute)
	w.counts[m.meter()] = plane.Count{Packets: 20, Octets: 5 << 32}
	w.pass(time.Minute)
	if q := w.acrs[2]; q.OctetsUp != 5<<32 || q.PacketsDown != 40 || q.Spent != 2*time.Minute {
		t.Errorf("%+v", q)
	}
	w.counts[m.meter()] = plane.Count{Packets: 33}
	w.do(engine.LinkDown{Port: 1})
	if got := w.said(); got != "2/0:0 3/1:10 3/2:20 4/3:33" {
		t.Errorf("%s", got)
	}
	if open, records := w.stored(); open != 0 || records != 0 || w.meters[m.meter()] || len(w.r.gate.books.accounts)+len(w.r.gate.books.measures)+len(w.r.gate.books.flying) != 0 {
		t.Errorf("%d open, %d records stay", open, records)
	}
	if at, _ := w.r.gate.books.timers.Next(); at != engine.Never {
		t.Error("a timer stays")
	}
}

// The mobile node's reply does not wait for a record; a record is durable before it is sent.
func TestRecordsAreDurableFirst(t *testing.T) { //spec DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.account = 0
	w.known(m)
	w.ask(m, nil)
	order := ""
	for _, e := range w.told.List {
		switch e := e.(type) {
		case engine.Plane:
			order += map[bool]string{true: "m", false: "g"}[e.Op.Meter != nil]
		case engine.Send:
			order += "s"
		case engine.Persist:
			order += "p"
		}
	}
	if order != "gspmpp" {
		t.Errorf("%s", order)
	}
	if open, records := w.stored(); open != 1 || records != 1 || len(w.acrs) != 1 {
		t.Errorf("%d open, %d records, %d sent", open, records, len(w.acrs))
	}
}

// Authenticating again goes on with the account; the home network's interval counts, down to a bound.
func TestInterval(t *testing.T) { //spec DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.answer = func(q *mip6aaa.ARR, r *access.Request) *mip6aaa.ARA {
		a := w.good(q, r)
		a.Interim = time.Second
		return a
	}
	for range 3 {
		w.known(m)
		w.ask(m, nil)
		w.pass(MinInterim / 2)
	}
	w.pass(MinInterim / 2)
	if got := w.said(); got != "2/0:0 3/1:0 3/2:0" {
		t.Errorf("%s", got)
	}
}

// What no server took is sent again: later, or as soon as one is there; the latest interim record stands for those before.
func TestRecordsAgain(t *testing.T) { //spec DM-22
	for code, again := range map[diameter.ResultCode]bool{diameter.UnableToDeliver: true, diameter.OutOfSpace: true, diameter.UnableToComply: false} { //order:any
		w, m := newAAAWorld(t, accounting()), newMobile(1)
		w.account = code
		w.known(m)
		w.ask(m, nil)
		w.acrs = nil
		w.account = diameter.Success
		w.pass(RetryFirst)
		if got := w.said(); (got == "2/0:0") != again {
			t.Errorf("%v: %q", code, got)
		}
		if _, records := w.stored(); records != 0 || (w.events["accounting.refused"] == 1) == again {
			t.Errorf("%v: %d records, %v", code, records, w.events)
		}
	}
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	w.said()
	w.deaf = true
	for c := range w.conns { //order:any — there is one
		if c.Dialled() {
			w.do(engine.Closed{Conn: c, Reason: engine.ReasonReset})
		} else {
			w.serve(engine.Closed{Conn: c, Reason: engine.ReasonReset})
		}
	}
	for i := range 8 {
		w.counts[m.meter()] = plane.Count{Packets: uint64(i)}
		w.pass(time.Minute)
	}
	if _, records := w.stored(); records > 2 {
		t.Errorf("%d records of one session wait", records)
	}
	w.deaf = false
	w.pass(time.Minute)
	if got := w.said(); !strings.HasPrefix(got, "3/") || !strings.Contains(got, ":7") {
		t.Errorf("%s", got)
	}
	if _, records := w.stored(); records != 0 {
		t.Errorf("%d records wait", records)
	}
}

// A router that is started again sends what was not acknowledged, and ends what it did not see end with the counts that it knows.
func TestRestart(t *testing.T) { //spec DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	session := w.acrs[0].Session
	w.counts[m.meter()] = plane.Count{Packets: 10}
	w.pass(time.Minute)
	w.account = 0 // the next one is not acknowledged
	w.counts[m.meter()] = plane.Count{Packets: 20}
	w.pass(time.Minute)
	w.said()
	w.account = diameter.Success
	clear(w.stays)
	w.boot(accounting())
	for _, q := range w.acrs {
		if q.Session != session || q.User != user || q.CareOf != m.coa {
			t.Errorf("%+v", q)
		}
	}
	if got := w.said(); got != "3/2:20 4/3:20" {
		t.Errorf("%s", got)
	}
	if open, records := w.stored(); open+records != 0 {
		t.Errorf("%v stays", w.store)
	}
	w.known(m)
	if w.ask(m, nil); w.acrs[0].Session == session {
		t.Error("a session of an earlier life goes on")
	}
	w.store = map[string][]byte{"open/x": []byte(`{"session":"y"}`), "record/1": []byte("{"), "record/x": {}, keyOf(7): []byte(`{"session":"z","kind":4}`)}
	w.acrs = nil
	clear(w.stays)
	w.boot(accounting())
	if w.events["account-unreadable"] != 3 || len(w.acrs) != 1 || w.acrs[0].Session != "z" || w.r.gate.books.next != 7 {
		t.Errorf("%v, %d sent", w.events, len(w.acrs))
	}
}

// A plane that knows no meters leaves the counts of before.
func TestUnmetered(t *testing.T) { //spec DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	w.counts[m.meter()] = plane.Count{Packets: 10}
	w.pass(time.Minute)
	w.unmetred = true
	w.do(engine.LinkDown{Port: 1})
	if got := w.said(); got != "2/0:0 3/1:10 4/2:10" || w.events["meter-unread"] != 1 {
		t.Errorf("%s, %v", got, w.events)
	}
	w.do(engine.Measured{ID: 99})
}

// Nobody is let in whom there is no room to account for.
func TestBooksAreFull(t *testing.T) { //spec DM-22
	w, m, other := newAAAWorld(t, accounting()), newMobile(1), newMobile(2)
	w.known(m)
	w.ask(m, nil)
	b := w.r.gate.books
	for i := len(b.records) + perAccount*len(b.accounts) + perAccount; i <= MaxRecords; i++ {
		b.records[uint64(i)+1<<32] = &record{}
	}
	w.known(other)
	w.r.gate.announced(w.now, fmipv6.Word{Port: 1, CoA: other.coa, HW: other.hw}, &engine.Effects{}) // which is no session
	w.ask(other, nil)
	if r := w.reply(other); r == nil || r.Result != uint32(diameter.TooBusy) {
		t.Errorf("%+v", r)
	}
	if w.ask(m, nil); w.reply(m).Result != uint32(diameter.Success) {
		t.Error("who is in is not let go on")
	}
}

// A session that ends while its node is asked about again begins anew, under another name.
func TestEndsWhileAsked(t *testing.T) { //spec DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	w.answer = func(q *mip6aaa.ARR, r *access.Request) *mip6aaa.ARA {
		var out engine.Effects
		w.r.gate.sessionDue(w.now, m.coa, &out)
		w.carry(out.List, true)
		return w.good(q, r)
	}
	w.ask(m, nil)
	s := w.r.gate.sessions[m.coa]
	if s == nil || s.id == w.arrs[1].Session || !w.gates[m.gate()] {
		t.Fatalf("%+v", s)
	}
	if got := w.said(); got != "2/0:0 4/1:0 2/0:0" && got != "2/0:0 2/0:0 4/1:0" {
		t.Errorf("%s", got)
	}
}

// Whatever happens to servers, links and the router itself: each session that began is told of when it began and when it ended, with counts that
// never grow less, and nothing stays.
func TestNothingIsLost(t *testing.T) { //spec DM-22
	rapid.Check(t, func(rt *rapid.T) {
		w := newAAAWorld(t, accounting())
		mobiles := []*mobileNode{newMobile(1), newMobile(2), newMobile(3)}
		began := map[string]bool{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			m := mobiles[rapid.IntRange(0, 2).Draw(rt, "mobile")]
			switch rapid.IntRange(0, 6).Draw(rt, "what") {
			case 0, 1:
				w.known(m)
				w.ask(m, nil)
			case 2:
				c := w.counts[m.meter()]
				w.counts[m.meter()] = plane.Count{Packets: c.Packets + 5, Octets: c.Octets + 500}
			case 3:
				w.pass(time.Duration(rapid.IntRange(1, 900).Draw(rt, "seconds")) * time.Second)
			case 4:
				w.account = rapid.SampledFrom([]diameter.ResultCode{0, diameter.Success, diameter.UnableToDeliver, diameter.OutOfSpace}).Draw(rt, "answer")
			case 5:
				w.do(engine.LinkDown{Port: 1})
				w.do(engine.LinkUp{Port: 1, HW: hw, MTU: 1500})
			case 6:
				clear(w.meters)
				clear(w.counts)
				w.boot(accounting())
			}
			for _, s := range w.r.gate.sessions { //order:any
				began[s.id] = true
			}
		}
		w.account = diameter.Success
		w.do(engine.LinkDown{Port: 1})
		w.pass(time.Hour)
		if open, records := w.stored(); open+records != 0 {
			rt.Fatalf("%d open, %d records stay", open, records)
		}
		first, last, packets := map[string]bool{}, map[string]bool{}, map[string]uint64{}
		number := map[string]uint32{}
		for _, q := range w.acrs { // one that was resumed may be over in the same step
			if began[q.Session] = began[q.Session] || q.Kind == mip6aaa.Start; !began[q.Session] {
				rt.Fatalf("%s never began", q.Session)
			}
			first[q.Session] = first[q.Session] || q.Kind == mip6aaa.Start
			last[q.Session] = last[q.Session] || q.Kind == mip6aaa.Stop
			if q.Number >= number[q.Session] { // those that were sent again come late
				if q.PacketsUp < packets[q.Session] {
					rt.Fatalf("%s: %d packets after %d", q.Session, q.PacketsUp, packets[q.Session])
				}
				number[q.Session], packets[q.Session] = q.Number, q.PacketsUp
			}
		}
		for id := range began { //order:any
			if !first[id] || !last[id] {
				rt.Fatalf("%s: began %v, ended %v", id, first[id], last[id])
			}
		}
	})
}

// Records go in their order, a few at a time, also when they are sent again because a server has come.
func TestRecordsInOrder(t *testing.T) { //spec DM-22
	w := newAAAWorld(t, accounting())
	b := w.r.gate.books
	w.account = diameter.UnableToDeliver
	const n = 3 * MaxFlying
	send := func() {
		var out engine.Effects
		b.pump(w.now, &out)
		if len(b.flying) > MaxFlying {
			t.Fatalf("%d on their way at once", len(b.flying))
		}
		w.carry(out.List, true)
		w.do(engine.Tick{})
	}
	var out engine.Effects
	for i := range n {
		b.record(usage{Session: fmt.Sprintf("%03d", i), CareOf: newMobile(1).coa, Kind: mip6aaa.Stop, User: user}, nil, &out)
	}
	w.carry(out.List, true)
	send()
	if len(w.acrs) != n || len(b.flying) != 0 || len(b.shelves) != 1 || len(b.shelf(user).ready) != 0 {
		t.Fatalf("%d sent, %d fly, %d ready", len(w.acrs), len(b.flying), len(b.shelf(user).ready))
	}
	w.acrs, w.account = nil, diameter.Success
	out.Reset()
	b.peerUp(w.now, &out)
	w.carry(out.List, true)
	send()
	if len(w.acrs) != n || len(b.records) != 0 {
		t.Fatalf("%d sent again, %d stay", len(w.acrs), len(b.records))
	}
	for i, q := range w.acrs {
		if q.Session != fmt.Sprintf("%03d", i) {
			t.Fatalf("%d: %s", i, q.Session)
		}
	}
}

// deaf is a realm whose server takes records and never says so.
const deaf = "deaf.example"

// A home network that acknowledges nothing keeps no other's records from being sent, and no other's users out.
//
// spec DM-22
func TestDeafRealm(t *testing.T) {
	w := newAAAWorld(t, accounting())
	b := w.r.gate.books
	var out engine.Effects
	for i := range MaxRecords / 2 {
		b.record(usage{Session: fmt.Sprint("d", i), CareOf: newMobile(1).coa, Kind: mip6aaa.Stop, User: "u@" + deaf}, nil, &out)
	}
	b.pump(w.now, &out)
	w.carry(out.List, true)
	if len(b.flying) != MaxFlyingOfRealm || b.room("v@DEAF.example") || !b.room(user) {
		t.Fatalf("%d on their way, room %v %v", len(b.flying), b.room("v@DEAF.example"), b.room(user))
	}
	w.acrs = nil
	m := newMobile(1)
	w.known(m)
	if w.ask(m, nil); w.reply(m).Result != uint32(diameter.Success) {
		t.Fatalf("%+v", w.reply(m))
	}
	w.do(engine.LinkDown{Port: 1})
	if got := w.said(); !strings.HasSuffix(got, " 2/0:0 4/1:0") || len(b.shelves) != 1 {
		t.Errorf("%s; %d shelves", got, len(b.shelves))
	}
}
