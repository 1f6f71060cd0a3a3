package lwkrb

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// many makes ap-reqs of ann, all different, with one ticket.
func many(t testing.TB, sealer Key, n int) (list [][]byte) {
	m := NewMobile(engine.NewRand([32]byte{7}))
	m.Put(ticketFor(sealer, nil))
	var out engine.Effects
	for range n {
		for _, f := range m.Ask(engine.Now{Mono: 1, Wall: start}, wish(), &out) {
			list = append(list, f.(*Request).Octets)
		}
		out.Reset()
	}
	if len(list) != n {
		t.Fatal("no ap-reqs")
	}
	return list
}

func source(i int) netip.Addr {
	a := other.As16()
	binary.BigEndian.PutUint32(a[12:], uint32(i))
	return netip.AddrFrom16(a)
}

// Who sends much is dropped before anything is decrypted, others are not; nothing stays.
func TestFlood(t *testing.T) { //spec FH-18
	w := newWorld(t)
	stolen := ticketFor(keyOf(ar2, 20), nil)
	stolen.session = must(lk.NewSession(ramp(1, 32)))
	w.m.Put(stolen)
	w.ask(wish())
	w.queue = nil
	w.m.Stop()
	raw := w.requests[0].Octets

	w.place.Trusted = false
	for range 100 {
		w.bring(raw)
	}
	if w.drop["lwkrb-integrity"] != SourceBurst || w.drop["lwkrb-rate-source"] != 100-SourceBurst {
		t.Errorf("one source: dropped %v", w.drop)
	}
	for i := range 2 * AllBurst {
		w.place.From = source(i)
		w.bring(raw)
	}
	if n := w.drop["lwkrb-integrity"]; n != AllBurst || w.drop["lwkrb-rate"] != AllBurst+SourceBurst {
		t.Errorf("all sources: %d tried, dropped %v", n, w.drop)
	}
	if len(w.answers) != RefuseBurst {
		t.Errorf("%d errors were sent", len(w.answers))
	}
	// A router we share AH with has a share of its own.
	w.place.From, w.place.Trusted = par, true
	w.bring(many(t, keyOf(ar2, 20), 1)[0])
	if len(w.ar) != 1 {
		t.Error("a true one is not taken")
	}
	for i := range TrustedBurst + 10 {
		w.bring(raw[:i%len(raw)])
	}
	if w.drop["lwkrb-rate-trusted"] != 11 {
		t.Errorf("dropped %v", w.drop)
	}
	if n := len(w.r.limits.sources.young) + len(w.r.limits.sources.old); n > 2*MaxSources || w.r.memory.len() != 1 {
		t.Errorf("%d rates, %d identities", n, w.r.memory.len())
	}
	w.pass(time.Minute)
	w.quiet()
}

// Rates end somewhere, however many sources there are.
func TestRatesAreBounded(t *testing.T) { //spec FH-18
	l := newLimits()
	for i := range 5 * MaxSources {
		l.allow(engine.Now{Mono: engine.Mono(i)}, source(i), false)
		l.client(engine.Now{Mono: engine.Mono(i)}, lw.MakePrincipal("R", string(rune('a'+i%26)), source(i).String()))
	}
	if n := len(l.sources.young) + len(l.sources.old); n > 2*MaxSources {
		t.Errorf("%d sources", n)
	}
	if n := len(l.clients.young) + len(l.clients.old); n > 2*MaxSources {
		t.Errorf("%d clients", n)
	}
}

// The KDC is silent, and much comes: what waits is bounded, for one source and for all, and all of it ends.
func TestUnderWayIsBounded(t *testing.T) { //spec FH-14 FH-18
	w := newWorld(t)
	w.a.silent = true
	list := many(t, keyOf(local, 17), 2*MaxUnderWay)
	w.place.Trusted = false
	for i := range MaxPerSource + 5 {
		w.pass(100 * time.Millisecond / 4) // at SourceRate it would be 4
		w.place.From = par
		w.r.limits.sources = recent[netip.Addr]{}
		w.bring(list[i])
	}
	if n := w.r.View().UnderWay; n != MaxPerSource || w.drop["lwkrb-busy"] != 5 {
		t.Errorf("%d under way, dropped %v", n, w.drop)
	}
	for i, raw := range list {
		w.place.From = source(i)
		w.bring(raw)
	}
	if n := w.r.View().UnderWay; n != MaxStrangers {
		t.Errorf("%d of strangers under way", n)
	}
	w.place.Trusted = true
	for _, raw := range list {
		w.bring(raw)
	}
	if n := w.r.View().UnderWay; n != MaxUnderWay {
		t.Errorf("%d under way", n)
	}
	w.pass(2 * time.Second)
	w.quiet()
	if w.drop["lwkrb-kdc-silent"] != MaxUnderWay {
		t.Errorf("dropped %v", w.drop)
	}
}

// One subscriber does not fill the memory of identities.
func TestClientsAreLimited(t *testing.T) { //spec FH-18
	w := newWorld(t)
	for _, raw := range many(t, keyOf(ar2, 20), 100) {
		w.bring(raw)
	}
	if len(w.ar) != ClientBurst || w.drop["lwkrb-busy"] != 100-ClientBurst {
		t.Errorf("%d taken, dropped %v", len(w.ar), w.drop)
	}
	if a := w.answers[len(w.answers)-1]; a.Code != lw.Unavailable || must(lw.ParseError(a.Octets)).MAC == nil {
		t.Errorf("%+v", a)
	}
}

func identityOf(i int) (id [lk.IDLen]byte) {
	binary.BigEndian.PutUint32(id[:], uint32(i))
	return id
}

// The memory holds so many and no more, for Remember; slots are used again, and what is written is enough to go on with.
func TestMemory(t *testing.T) { //spec FH-18
	var m memory
	var out engine.Effects
	now := engine.Now{Mono: 5, Wall: start}
	store := map[string][]byte{}
	add := func(i int) lw.Code {
		code := m.check(now, identityOf(i))
		if code == lw.None {
			m.add(now, identityOf(i), &out)
			for _, e := range out.List {
				p := e.(engine.Persist)
				store[p.Key] = p.Value
			}
			out.Reset()
		}
		return code
	}
	for i := range MaxIdentities {
		if code := add(i); code != lw.None {
			t.Fatal(i, code)
		}
	}
	if add(3) != lw.Repeat || add(MaxIdentities) != lw.Unavailable || len(store) != MaxIdentities {
		t.Errorf("full, and %d records", len(store))
	}
	now.Mono, now.Wall = now.Mono.Add(lw.Remember-1), now.Wall.Add(lw.Remember-1)
	if add(3) != lw.Repeat || add(MaxIdentities) != lw.Unavailable {
		t.Error("forgotten too early")
	}
	now.Wall = now.Wall.Add(time.Hour) // a clock that is set ahead, perhaps to be mended
	if add(3) != lw.Repeat {
		t.Error("forgotten on the word of one clock")
	}
	now.Wall = now.Wall.Add(-2 * time.Hour) // one that is set back
	now.Mono = now.Mono.Add(time.Hour)
	if add(3) != lw.Repeat {
		t.Error("an old one would be fresh again, and is forgotten")
	}
	now.Wall = now.Wall.Add(3 * time.Hour)
	for round := range 3 {
		now.Mono, now.Wall = now.Mono.Add(time.Hour), now.Wall.Add(time.Hour)
		for i := range 1000 {
			if add(round<<20+i) != lw.None {
				t.Fatal("not forgotten")
			}
		}
	}
	if len(store) != MaxIdentities || m.len() != 1000 || len(m.known) != 1000 || len(m.queue) > 2*MaxIdentities {
		t.Errorf("%d records, %d known", len(store), m.len())
	}
	// A next life.
	var records []engine.Record
	for k, v := range store { //order:any
		records = append(records, engine.Record{Bucket: Bucket, Key: k, Value: v}, engine.Record{Bucket: "sa", Key: k, Value: v})
	}
	m = memory{}
	now.Mono = 1
	if !m.restore(now, records) || m.len() != 1000 {
		t.Fatalf("%d are known again", m.len())
	}
	for i := range 1000 {
		if add(2<<20+i) != lw.Repeat {
			t.Fatal(i, "is not known again")
		}
	}
	for i := range MaxIdentities - 1000 {
		if code := add(3<<20 + i); code != lw.None {
			t.Fatal(i, code)
		}
	}
	if add(4<<20) != lw.Unavailable || len(store) != MaxIdentities {
		t.Errorf("%d records", len(store))
	}
}

// A record that cannot be read: nothing is taken until it cannot matter, then it is deleted.
func TestDamagedMemory(t *testing.T) { //spec FH-18
	for _, bad := range []engine.Record{
		{Bucket: Bucket, Key: "0000", Value: []byte{1}},
		{Bucket: Bucket, Key: "zz", Value: make([]byte, recordLen)},
		{Bucket: Bucket, Key: "0x01", Value: make([]byte, recordLen)},
	} {
		w := newWorld(t)
		w.r.Restore(w.now, []engine.Record{bad}, &w.out)
		if e := w.out.List[0].(engine.Event); e.Name != "lwkrb.memory-damaged" {
			t.Errorf("%+v", e)
		}
		raw := many(t, keyOf(ar2, 20), 1)[0]
		w.refuses(raw, lw.Unavailable, true)
		w.pass(lw.Remember)
		w.m.Put(ticketFor(keyOf(ar2, 20), nil))
		w.ask(wish())
		w.pass(time.Second)
		w.agreed()
		if len(w.wrote) != 2 || w.wrote[0].Key != bad.Key || w.wrote[0].Value != nil || w.wrote[1].Value == nil {
			t.Errorf("%+v", w.wrote)
		}
	}
}

// Answers are kept for a while, and not more than so many.
func TestAnswersAreBounded(t *testing.T) {
	w := newWorld(t)
	list := many(t, keyOf(ar2, 20), MaxAnswered+10)
	for _, raw := range list {
		w.r.limits.trusted, w.r.limits.clients = engine.Bucket{}, recent[lw.Principal]{}
		w.bring(raw)
	}
	if v := w.r.View(); v.Answered != MaxAnswered || v.Identities != MaxAnswered+10 {
		t.Errorf("%+v", v)
	}
	w.queue = nil
	w.pass(AnsweredFor)
	w.quiet()
	if v := w.r.View(); v.Answered != 0 {
		t.Errorf("%+v", v)
	}
}

// The role does not decide, or says no, or says it too late.
func TestJudgement(t *testing.T) { //spec FH-16 FH-18
	w, raw := asked(t, keyOf(ar2, 20))
	w.verdict = func(*Judge) *Verdict { return &Verdict{Code: lw.Policy} }
	w.refuses(raw, lw.Policy, true)
	if len(w.failed) != 1 || w.failed[0] != (Failed{ar2, lw.Policy, true}) {
		t.Errorf("%+v", w.failed)
	}

	w, raw = asked(t, keyOf(ar2, 20))
	w.m.Stop()
	w.verdict = func(*Judge) *Verdict { return nil }
	w.bring(raw)
	w.pass(JudgeFor - 1)
	if len(w.answers) != 0 || len(w.judged) != 1 {
		t.Fatal("too early")
	}
	w.pass(1)
	if len(w.answers) != 1 || w.answers[0].Code != lw.Unavailable {
		t.Errorf("%+v", w.answers)
	}
	if f := w.r.Decide(w.now, w.judged[0].Handle, Verdict{}, &w.out); f != nil {
		t.Error("decided when it was over")
	}
	w.quiet()

	// While it decides the ticket ends.
	w = newWorld(t)
	w.m.Put(ticketUntil(keyOf(ar2, 20), nil, start.Add(500*time.Millisecond+MinLifetime)))
	w.verdict = func(*Judge) *Verdict { return nil }
	w.ask(wish())
	w.pass(900 * time.Millisecond)
	w.router(w.r.Decide(w.now, w.judged[0].Handle, Verdict{}, &w.out))
	if w.answers[len(w.answers)-1].Code != lw.Expired || len(w.ar) != 0 {
		t.Errorf("%+v", w.answers)
	}
}

// Each proven code does what the table of docs/lwkrb.md says of it.
func TestProvenErrors(t *testing.T) { //spec FH-18
	for code := lw.Code(1); code < 100; code++ {
		w, raw := asked(t, keyOf(ar2, 20))
		w.m.Put(ticketFor(keyOf(local, 17), nil))
		e := lw.Error{ID: must(lw.ParseRequest(raw)).ID, Code: code, Time: start}
		e.MAC = w.m.attempts[0].access.ErrorKey().MAC(e.Covered())
		w.mobile(w.m.Heard(w.now, e.Append(nil), &w.out))
		next, again, failed := len(w.requests) == 2 && w.requests[1].Sealer == local, len(w.requests) == 2 && w.requests[1].Sealer == ar2, len(w.failed) == 1
		var wantNext, wantAgain bool
		switch code {
		case 7, 36, 45, 44, 29, 85, 86, 31, 32, 33:
			wantNext = true
		case 34, 37:
			wantAgain = true
		}
		if next != wantNext || again != wantAgain || failed == (wantNext || wantAgain) || (len(w.renew) == 1) != (code == 32 || code == 33) {
			t.Errorf("%v: next %v, again %v, failed %+v, renew %v", code, next, again, w.failed, w.renew)
		}
		if failed && (!w.failed[0].Proven || w.failed[0].Again() != (code == 35 || code == 38 || code == 68)) {
			t.Errorf("%v: %+v", code, w.failed)
		}
	}
	// Who says "again" for ever is asked MaxAttempts times.
	w, _ := asked(t, keyOf(ar2, 20))
	for len(w.m.attempts) > 0 {
		a := w.m.attempts[0]
		e := lw.Error{ID: a.id, Code: lw.Repeat, Time: start}
		e.MAC = a.access.ErrorKey().MAC(e.Covered())
		w.mobile(w.m.Heard(w.now, e.Append(nil), &w.out))
	}
	if len(w.requests) != MaxAttempts || len(w.failed) != 1 || w.failed[0] != (Failed{ar2, lw.Repeat, true}) {
		t.Errorf("%d ap-reqs, %+v", len(w.requests), w.failed)
	}
}

// What nobody here can open is refused at once; and what a router without a KDC cannot.
func TestNobodyCanOpen(t *testing.T) { //spec FH-18
	w, raw := asked(t, keyOf(ar2, 20))
	w.r.cfg.Self = "mobileip/ar9.c.example@C.EXAMPLE"
	w.r.keys = nil
	w.refuses(raw, lw.NotUs, false)
	for _, c := range []struct {
		sealer Key
		keys   []Key
		want   lw.Code
	}{
		{keyOf(ar2, 20), nil, lw.NoKey},
		{keyOf(shared, 18), []Key{keyOf(ar2, 20)}, lw.NoKey},
		{keyOf(ar2, 18), []Key{keyOf(ar2, 20)}, lw.BadKeyVersion},
		{keyOf(local, 17), []Key{keyOf(ar2, 20)}, lw.NoKDC},
		{keyOf(home, 18), nil, lw.NoKDC},
	} {
		w, raw := asked(t, c.sealer)
		w.r = must(NewRouter(RouterConfig{Self: ar2, Offer: both}, c.keys, engine.NewRand([32]byte{4})))
		w.refuses(raw, c.want, false)
	}
	// The KDC does not know the router: the mobile node hears of it, without proof, and the router goes on waiting.
	w, raw = asked(t, keyOf(local, 17))
	w.a.keys = w.a.keys[1:]
	w.bring(raw)
	w.pass(100 * time.Millisecond)
	if len(w.answers) != 1 || w.answers[0].Code != lw.NoKey || w.r.View().UnderWay != 1 || len(w.hints) != 1 {
		t.Errorf("%+v, %+v", w.answers, w.r.View())
	}
	w.pass(1600 * time.Millisecond)
	if len(w.answers) != 1 {
		t.Errorf("%+v", w.answers)
	}
	w.pass(5 * time.Second)
	if len(w.failed) != 1 || w.failed[0].Code != lw.NoKey || w.failed[0].Proven {
		t.Errorf("%+v, %+v", w.answers, w.failed)
	}
	w.quiet()
}

func TestRefusedConfigurations(t *testing.T) {
	for _, c := range []struct {
		cfg  RouterConfig
		keys []Key
	}{
		{RouterConfig{Self: "host/a@B"}, nil},
		{RouterConfig{Self: ar2, Lifetime: time.Millisecond}, nil},
		{RouterConfig{Self: ar2, Offer: lw.WantAH, Require: lw.WantESP}, nil},
		{RouterConfig{Self: ar2, KDC: true}, nil},
		{RouterConfig{Self: ar2, KDC: true}, []Key{keyOf(shared, 18), keyOf(ar2, 20)}},
		{RouterConfig{Self: ar2}, []Key{keyOf(ar3, 20)}},
		{RouterConfig{Self: ar2}, []Key{keyOf(local, 18)}},
	} {
		if _, err := NewRouter(c.cfg, c.keys, engine.NewRand([32]byte{})); err == nil {
			t.Errorf("%+v is taken", c.cfg)
		}
	}
	if _, err := NewTicket(lw.Ticket{Key: keyOf(local, 17).Name}, v5, "ann", start, start.Add(1)); err == nil {
		t.Error("a client without realm is taken")
	}
	if _, err := NewTicket(lw.Ticket{Key: keyOf(local, 17).Name}, v5, ann, start, start); err == nil {
		t.Error("a ticket without life is taken")
	}
}
