package lwkrb

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

// One test for each row of the table "What stops what" of docs/lwkrb.md, in its order; those about KDCs are in hostile_kdc_test.go, that about
// floods in flood_test.go.

// asked is a world in which ann has made an ap-req that nobody has got, with a ticket for a key.
func asked(t *testing.T, sealer Key, held ...Key) (*world, []byte) {
	w := newWorld(t, held...)
	w.m.Put(ticketFor(sealer, nil))
	w.ask(wish())
	w.queue = nil
	return w, w.requests[0].Octets
}

// refuses brings an ap-req and wants one answer with a code, proven or not, and nothing left of it.
func (w *world) refuses(octets []byte, code lw.Code, proven bool) {
	w.t.Helper()
	w.answers = nil
	w.bring(octets)
	w.pass(100 * time.Millisecond)
	if len(w.answers) != 1 || w.answers[0].Code != code || len(w.ar) > 0 || len(w.wrote) > 0 {
		w.t.Fatalf("%+v, %d sessions, want %v", w.answers, len(w.ar), code)
	}
	if m, err := lw.ParseError(w.answers[0].Octets); err != nil || (m.MAC != nil) != proven || m.Code != code {
		w.t.Errorf("%+v, %v", m, err)
	}
	w.quiet()
}

func TestForgedRequestStolenTicket(t *testing.T) { //spec FH-18
	for _, sealer := range []Key{keyOf(ar2, 20), keyOf(local, 17), keyOf(home, 18)} {
		w := newWorld(t)
		stolen := ticketFor(sealer, nil)
		stolen.session = must(lk.NewSession(ramp(1, 32))) // eve has the ticket, not its key
		w.m.Put(stolen)
		w.ask(wish())
		w.queue = nil
		w.refuses(w.requests[0].Octets, lw.BadIntegrity, false)

		w = newWorld(t)
		forged := ticketFor(Key{sealer.Name, must(lk.NewKey(string(sealer.Name.Principal), 3, 18, ramp(7, 32)))}, nil)
		w.m.Put(forged)
		w.ask(wish())
		w.queue = nil
		w.refuses(w.requests[0].Octets, lw.BadIntegrity, false)
	}
}

func TestOctetsAltered(t *testing.T) { //spec FH-18
	for _, sealer := range []Key{keyOf(ar2, 20), keyOf(local, 17)} {
		w, raw := asked(t, sealer)
		w.m.Stop() // else it sends it again
		for i := range 8 * len(raw) {
			bad := bytes.Clone(raw)
			bad[i/8] ^= 1 << (i % 8)
			w.pass(time.Second) // for the rates
			w.bring(bad)
		}
		w.pass(2 * time.Second)
		if len(w.ar) > 0 || len(w.wrote) > 0 {
			t.Fatal("taken")
		}
		w.quiet()
		for n := range raw {
			w.pass(time.Second)
			w.bring(raw[:n])
		}
		w.pass(2 * time.Second)
		if len(w.ar) > 0 {
			t.Fatal("cut and taken")
		}
		w.quiet()
	}
}

func TestReplayAtTheSameRouter(t *testing.T) { //spec FH-18
	w, raw := asked(t, keyOf(local, 17))
	w.bring(raw)
	w.pass(100 * time.Millisecond)
	w.place.From, w.place.CareOf, w.place.Trusted = other, other, false
	w.bring(raw)
	if a := w.answers[len(w.answers)-1]; !a.Again || a.CareOf != careOf || len(w.ar) != 1 || len(w.wrote) != 1 {
		t.Errorf("%+v, %d sessions", a, len(w.ar))
	}
	// Its answer is forgotten, it is not.
	for _, d := range []time.Duration{AnsweredFor, lw.MaxSkew - AnsweredFor - time.Second, time.Second, lw.MaxSkew, 2 * time.Second, time.Hour} {
		w.pass(d)
		w.place.CareOf = careOf
		w.bring(raw)
		w.pass(100 * time.Millisecond)
		if len(w.ar) != 1 {
			t.Fatalf("taken again after %v", d)
		}
	}
	if w.drop["lwkrb-replay"] == 0 || w.drop["lwkrb-skew"] == 0 {
		t.Errorf("dropped %v", w.drop)
	}
	// One from the future, as far as it goes: fresh for twice the skew, and known for as long.
	w = newWorld(t)
	w.skew = lw.MaxSkew
	w.m.Put(ticketFor(keyOf(ar2, 20), nil))
	w.ask(wish())
	w.pass(time.Second)
	w.agreed()
	for range 700 {
		w.pass(time.Second)
		w.bring(w.requests[0].Octets)
		if len(w.ar) != 1 {
			t.Fatal("taken again")
		}
	}
	if w.drop["lwkrb-skew"] == 0 || w.drop["lwkrb-replay"] == 0 {
		t.Errorf("dropped %v", w.drop)
	}
}

func TestReplayAtAnotherRouter(t *testing.T) { //spec FH-18
	for _, sealer := range []Key{keyOf(shared, 18), keyOf(local, 17), keyOf(home, 18)} { // ar3 can have all of them opened
		w, raw := asked(t, sealer)
		w.r = must(NewRouter(RouterConfig{Self: ar3, KDC: true, Offer: both}, []Key{keyOf(ar3, 20), keyOf(shared, 18)}, engine.NewRand([32]byte{4})))
		w.refuses(raw, lw.NotUs, true)
	}
	// The same name at another address.
	w, raw := asked(t, keyOf(ar2, 20))
	w.place.Addresses = []netip.Addr{onLink}
	w.refuses(raw, lw.BadAddress, true)
}

func TestReplayInAnotherMessage(t *testing.T) { //spec FH-18
	for _, sealer := range []Key{keyOf(ar2, 20), keyOf(local, 17)} {
		w, raw := asked(t, sealer)
		w.place.CareOf = other
		w.refuses(raw, lw.BadAddress, true)
		w.place.CareOf, w.place.LinkLayer = careOf, []byte{2, 0, 0, 0, 0xe, 1}
		w.refuses(raw, lw.BadAddress, true)
		w.place.LinkLayer = mac
		w.bring(raw)
		w.pass(100 * time.Millisecond)
		if len(w.ar) != 1 {
			t.Error("the right one is not taken any more")
		}
	}
	// A wrong message races the right one while the KDC is asked: the right one is found.
	w, raw := asked(t, keyOf(local, 17))
	right := w.place
	for i := range 2 * maxPlaces {
		w.place = Coming{From: other, Addresses: right.Addresses, CareOf: other.Next(), LinkLayer: []byte{byte(i)}}
		w.bring(raw)
	}
	w.place = right
	w.bring(raw)
	w.pass(100 * time.Millisecond)
	if len(w.ar) != 1 || w.ar[0].CareOf != careOf || w.answers[0].From != par || len(w.asks) != 1 {
		t.Errorf("%+v, %+v", w.ar, w.answers)
	}
}

func TestRouterAsksForAnother(t *testing.T) { //spec FH-15 FH-18
	for _, sealer := range []Key{keyOf(local, 17), keyOf(home, 18), keyOf(shared, 18)} {
		w, raw := asked(t, sealer)
		// ar3 has heard it, and lies to its own checks: what the KDC says is what counts.
		w.r = must(NewRouter(RouterConfig{Self: ar3, KDC: true, Offer: both}, []Key{keyOf(ar3, 20)}, engine.NewRand([32]byte{4})))
		w.refuses(raw, lw.NotUs, true)
		// It says that it is ar2: its key says otherwise.
		w.r.cfg.Self = ar2
		w.refuses(raw, lw.BadMatch, false)
	}
}

func TestForgedReply(t *testing.T) { //spec FH-10 FH-18
	w, raw := asked(t, keyOf(local, 17))
	eve := newWorld(t) // a router of the same name with other keys
	eve.m.Put(ticketFor(keyOf(ar2, 20), nil))
	eve.ask(wish())
	eve.pass(time.Second)
	forged := bytes.Clone(eve.answers[0].Octets)
	copy(forged[4:8], raw[4:8])
	w.mobile(w.m.Heard(w.now, forged, &w.out))
	w.mobile(w.m.Heard(w.now, eve.answers[0].Octets, &w.out))
	stray := bytes.Clone(forged)
	stray[4]++
	w.mobile(w.m.Heard(w.now, stray, &w.out))
	if w.drop["lwkrb-reply-forged"] != 2 || w.drop["lwkrb-unasked"] != 1 || len(w.mn) != 0 {
		t.Fatalf("dropped %v", w.drop)
	}
	w.bring(raw)
	w.pass(100 * time.Millisecond)
	good := w.answers[0].Octets
	w.agreed()
	// Each bit counts.
	w, _ = asked(t, keyOf(local, 17))
	for i := range 8 * len(good) {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		w.mobile(w.m.Heard(w.now, bad, &w.out))
	}
	if len(w.mn) != 0 || len(w.failed) != 0 {
		t.Error("an altered ap-rep did something")
	}
	w.mobile(w.m.Heard(w.now, good, &w.out))
	if len(w.mn) != 1 {
		t.Error("the true one is not taken any more")
	}
}

func TestOldReply(t *testing.T) { //spec FH-10 FH-18
	w, raw := asked(t, keyOf(ar2, 20))
	w.bring(raw)
	w.pass(100 * time.Millisecond)
	old := bytes.Clone(w.answers[0].Octets)
	w.ask(wish())
	w.queue = nil
	copy(old[4:8], w.requests[len(w.requests)-1].Octets[4:8])
	w.mobile(w.m.Heard(w.now, old, &w.out))
	if w.drop["lwkrb-reply-forged"] != 1 || len(w.mn) != 1 {
		t.Errorf("dropped %v, %d sessions", w.drop, len(w.mn))
	}
	w.bring(w.requests[len(w.requests)-1].Octets)
	w.pass(100 * time.Millisecond)
	w.agreed()
	if bytes.Equal(w.mn[0].AH.ToMobile, w.mn[1].AH.ToMobile) || bytes.Equal(w.mn[0].ESP.ToRouter, w.mn[1].ESP.ToRouter) {
		t.Error("two sessions, one key")
	}
}

func TestLessProtection(t *testing.T) { //spec FH-16 FH-18
	// The router has no ESP: it says no, rather than less.
	w, raw := asked(t, keyOf(ar2, 20))
	w.r.cfg.Offer = lw.WantAH
	w.refuses(raw, lw.Policy, true)
	// It wants AH of all.
	w = newWorld(t)
	w.m.Put(ticketFor(keyOf(ar2, 20), nil))
	x := wish()
	x.Want, x.SPI = lw.WantESP, 0x1001
	w.ask(x)
	w.queue = nil
	w.r.cfg.Require = lw.WantAH
	w.refuses(w.requests[0].Octets, lw.Policy, true)
	// It grants less, or longer than the ticket: the mobile node does not take it.
	for _, body := range []lw.ReplyBody{
		{Time: start, Lifetime: time.Minute, Granted: lw.WantAH, SPI: 0x2000},
		{Time: start, Lifetime: time.Minute},
		{Time: start, Lifetime: 2 * time.Hour, Granted: both, SPI: 0x2000},
	} {
		w, raw := asked(t, keyOf(ar2, 20))
		plain, id := body.Append(nil), w.m.attempts[0].id
		before := lw.Before(nil, lw.TypeReply, id, len(plain)+lk.Overhead)
		less := w.m.attempts[0].access.SealReply(before, [lk.NonceLen]byte{1}, before, plain)
		w.mobile(w.m.Heard(w.now, less, &w.out))
		if len(w.mn) != 0 || len(w.failed) != 1 || w.failed[0].Code != lw.Policy {
			t.Errorf("%+v: %+v, %x", body, w.failed, raw[:8])
		}
	}
}

func TestForgedError(t *testing.T) { //spec FH-18
	for code := lw.Code(1); code < 100; code++ {
		w, raw := asked(t, keyOf(ar2, 20))
		w.m.Put(ticketFor(keyOf(local, 17), nil))
		e := lw.Error{Code: code, Time: start.Add(-24 * time.Hour)}
		e.ID = must(lw.ParseRequest(raw)).ID
		for range 10 {
			w.mobile(w.m.Heard(w.now, e.Append(nil), &w.out))
			e.MAC = make([]byte, 16) // one that is wrong
		}
		if len(w.failed) != 0 || w.m.Ahead("A.EXAMPLE") != 0 || len(w.requests) != 2 || w.requests[1].Sealer != local {
			t.Fatalf("%v: %+v, %d ap-reqs", code, w.failed, len(w.requests))
		}
		w.queue = nil
		e.MAC, e.ID = nil, must(lw.ParseRequest(w.requests[1].Octets)).ID
		w.mobile(w.m.Heard(w.now, e.Append(nil), &w.out)) // the second one too: no ticket is left, and still nothing ends
		if len(w.failed) != 0 || len(w.hints) != 1 || len(w.renew) != 0 {
			t.Fatalf("%v: %+v, %+v", code, w.failed, w.hints)
		}
		w.bring(raw)
		w.pass(100 * time.Millisecond)
		w.agreed()
		if len(w.m.tickets) != 2 {
			t.Error("a ticket is gone")
		}
	}
	// Nobody says yes: it ends, with the hint, and says that nobody has proven it.
	w, raw := asked(t, keyOf(ar2, 20))
	e := lw.Error{ID: must(lw.ParseRequest(raw)).ID, Code: lw.NoKey, Time: start}
	w.lost = func(string, []byte) bool { return true }
	w.mobile(w.m.Heard(w.now, e.Append(nil), &w.out))
	w.pass(AfterHint)
	if len(w.failed) != 1 || w.failed[0] != (Failed{ar2, lw.NoKey, false}) || w.failed[0].Again() {
		t.Errorf("%+v", w.failed)
	}
}

func TestClockLedAstray(t *testing.T) { //spec FH-18
	w, raw := asked(t, keyOf(ar2, 20))
	e := lw.Error{ID: must(lw.ParseRequest(raw)).ID, Code: lw.Skew, Time: start.Add(24 * time.Hour)}
	eve := must(lk.NewErrorKey(ramp(0, 32)))
	for _, mac := range [][]byte{nil, make([]byte, 16), eve.MAC(e.Covered())} {
		e.MAC = mac
		w.mobile(w.m.Heard(w.now, e.Append(nil), &w.out))
	}
	w.ask(wish())
	if w.m.Ahead("A.EXAMPLE") != 0 || !w.m.wall(w.now, ar2).Equal(w.now.Wall) {
		t.Error("somebody set the clock")
	}
	// Proven, it sets the clock, of this realm alone.
	w, raw = asked(t, keyOf(ar2, 20))
	e.ID = must(lw.ParseRequest(raw)).ID
	e.Time = start.Add(10 * time.Minute)
	e.MAC = w.m.attempts[0].access.ErrorKey().MAC(e.Covered())
	w.mobile(w.m.Heard(w.now, e.Append(nil), &w.out))
	if w.m.Ahead("A.EXAMPLE") != 10*time.Minute || w.m.Ahead("B.EXAMPLE") != 0 || len(w.requests) != 2 {
		t.Errorf("%v", w.m.clocks)
	}
}

func TestRouterPlaysAnother(t *testing.T) { //spec RT-39 FH-18
	// A false redirect: the ap-req is for whom it names.
	w := newWorld(t)
	w.m.Put(ticketFor(keyOf(shared, 18), nil))
	x := wish()
	x.Router = ar3
	w.ask(x)
	w.queue = nil
	w.r = must(NewRouter(RouterConfig{Self: ar2, KDC: true, Offer: both}, []Key{keyOf(ar2, 20), keyOf(shared, 18)}, engine.NewRand([32]byte{4})))
	w.refuses(w.requests[0].Octets, lw.NotUs, true)
	// One that names no router, or what is no address, gets nothing.
	for _, bad := range []func(*Wish){
		func(x *Wish) { x.Router = "host/ar2.a.example@A.EXAMPLE" },
		func(x *Wish) { x.Router = "krbtgt/A.EXAMPLE@A.EXAMPLE" },
		func(x *Wish) { x.Router = "mobileip/@A.EXAMPLE" },
		func(x *Wish) { x.Router = "" },
		func(x *Wish) { x.Address = netip.Addr{} },
		func(x *Wish) { x.Address = netip.MustParseAddr("ff02::1") },
		func(x *Wish) { x.CareOf = onLink },
		func(x *Wish) { x.SPI = 5 },
		func(x *Wish) { x.LinkLayer = make([]byte, 9) },
	} {
		w := newWorld(t)
		w.m.Put(ticketFor(keyOf(shared, 18), nil))
		x := wish()
		bad(&x)
		w.ask(x)
		if len(w.requests) != 0 || len(w.failed) != 1 || w.failed[0].Code != lw.Generic || w.drop["lwkrb-not-a-router"] != 1 {
			t.Errorf("%+v: %+v", x, w.failed)
		}
	}
}

func TestKeysOfBothProtocols(t *testing.T) { //spec FH-16
	a, b := must(lk.SessionKey(v5, string(ann), string(local))), must(lk.SessionKey(v5, string(ann), string(home)))
	if bytes.Equal(a, b) || bytes.Equal(a, v5) {
		t.Error("one key serves twice")
	}
	w, raw := asked(t, keyOf(ar2, 20))
	w.bring(raw)
	if bytes.Contains(raw, v5) || bytes.Contains(w.answers[0].Octets, v5) {
		t.Error("the key of Kerberos V5 is on the wire")
	}
}

func TestDowngrade(t *testing.T) { //spec FH-18
	w, raw := asked(t, keyOf(ar2, 20))
	w.m.Stop()
	for _, at := range []int{0, 1} {
		for v := range 256 {
			if bad := bytes.Clone(raw); bad[at] != byte(v) {
				bad[at] = byte(v)
				w.pass(time.Second)
				w.bring(bad)
			}
		}
	}
	if len(w.answers) != 0 || len(w.ar) != 0 || w.drop["lwkrb-malformed"] != 2*255 {
		t.Errorf("%d answers, dropped %v", len(w.answers), w.drop)
	}
	// A forged error leads to the next case, which is as good.
	w, raw = asked(t, keyOf(ar2, 20))
	w.m.Put(ticketFor(keyOf(home, 18), nil))
	w.mobile(w.m.Heard(w.now, (&lw.Error{ID: must(lw.ParseRequest(raw)).ID, Code: lw.NoKey, Time: start}).Append(nil), &w.out))
	w.pass(time.Second)
	if s := w.agreed(); s.Case != lw.CaseFar || s.Granted != both|lw.WantBuffer {
		t.Errorf("%+v", s)
	}
}

func TestAddressesAlone(t *testing.T) { //spec FH-16
	// Who has the addresses has no keys: those of two mobile nodes at one address differ.
	w, raw := asked(t, keyOf(ar2, 20))
	w.bring(raw)
	w.pass(100 * time.Millisecond)
	w.ask(wish())
	w.pass(100 * time.Millisecond)
	if len(w.ar) != 2 || bytes.Equal(w.ar[0].AH.ToRouter, w.ar[1].AH.ToRouter) || bytes.Equal(w.ar[0].AH.ToRouter, w.ar[0].AH.ToMobile) {
		t.Error("one key for two")
	}
}
