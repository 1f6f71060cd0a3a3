package mn

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/diameter"
	"roam6/wire/mh"
)

// What was lent is there until its end, and not at it.
func TestTrustAtItsEnd(t *testing.T) { //spec DM-08
	b, _ := announcedAt(t, true, withAAA)
	a := b.n.accessOf(wlan)
	b.closed(wlan, ar2)
	if a.lent == 0 || a.applicant.Admitted(b.now, a.coa) {
		t.Fatal("nothing was lent, or let in already")
	}
	for left, want := range map[time.Duration]bool{1: true, 0: false} { //order:any
		now := b.now
		now.Mono = a.lent.Add(-left)
		if passes, trusts := b.n.passes(now, a), b.n.onTrust(now, a); passes != want || trusts != want {
			t.Errorf("%v before the end: passes %v, registers on trust %v", left, passes, trusts)
		}
	}
	end := a.lent
	for _, x := range []struct {
		at   engine.Mono
		lent engine.Mono
	}{{end.Add(-1), end}, {end, 0}} {
		now := b.now
		now.Mono = x.at
		var out engine.Effects
		if b.n.lentTick(now, a, &out); a.lent != x.lent {
			t.Errorf("%v before the end: lent until %v", end.Sub(x.at), a.lent)
		}
	}
}

// What was lent where nobody is asked, or to who was let in meanwhile, ends without a word: packets go on.
func TestTrustThatNobodyNeeded(t *testing.T) { //spec DM-08
	for _, asks := range []bool{false, true} {
		b, effects := announcedAt(t, true, withAAA)
		a := b.n.accessOf(wlan)
		b.do(b.ack(b.update(effects), mh.Accepted, nil))
		if asks {
			q := b.question(b.closed(wlan, ar2))
			b.do(b.reply(q, b.granted(q, nil), true))
			a.lent = b.now.Mono.Add(LentFor)
		}
		if a.lent == 0 || a.applicant.Known() != asks || a.applicant.Admitted(b.now, a.coa) != asks {
			t.Fatalf("asks %v: lent until %v, %s", asks, a.lent, a.applicant.State())
		}
		b.stay(LentFor+time.Second, wlan, ar2)
		if b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound"); a.lent != 0 {
			t.Errorf("asks %v: lent until %v", asks, a.lent)
		}
	}
}

// A home agent is gone at once where the home network refuses it, and after MissedFor where there is none just now; anything else says nothing of
// it. The time begins at the first word of it, that of the first instant too.
func TestIsGone(t *testing.T) { //spec DM-18
	for _, began := range []engine.Mono{0, engine.Mono(time.Hour)} {
		b := newBench(t, withAAA)
		gone := func(after time.Duration, code diameter.ResultCode) bool {
			return b.n.isGone(engine.Now{Mono: began.Add(after), Wall: b.now.Wall}, code)
		}
		for code, want := range map[diameter.ResultCode]bool{diameter.ErrorBadHOR: true, diameter.ErrorHomeAgentNotAllowed: true,
			diameter.AuthenticationRejected: false, diameter.UnableToDeliver: false} { //order:any
			if gone(0, code) != want || b.n.home.missed != 0 {
				t.Errorf("%v: not %v, or missed", code, want)
			}
		}
		if gone(0, diameter.ErrorNoHomeAgent) || gone(MissedFor-1, diameter.ErrorNoHomeAgent) || !gone(MissedFor+1, diameter.ErrorNoHomeAgent) {
			t.Errorf("from %v: missed since %v", began, b.n.home.missed)
		}
		if since := max(began, 1); b.n.home.missed != since || !b.n.isGone(engine.Now{Mono: since.Add(MissedFor)}, diameter.ErrorNoHomeAgent) {
			t.Errorf("from %v: missed since %v, and not for all of MissedFor", began, b.n.home.missed)
		}
	}
}

// Keys are taken back as long as there is any time left to them, in their own record alone. What of them is due is due in proportion.
func TestIdentityAtItsEnd(t *testing.T) { //spec DM-18 DM-19
	b := newBench(t, stranded)
	b.settle(wlan, ar1)
	stored := b.disk[identityBucket+"/"+identityKey]
	if len(stored.Value) != identityLen {
		t.Fatalf("%d octets", len(stored.Value))
	}
	ends := b.n.id.ends.Sub(b.now.Mono)
	over := b.now.Wall.Add(ends).Truncate(time.Second)
	for name, c := range map[string]struct {
		edit func(r *engine.Record)
		left time.Duration
		keys bool
	}{
		"a second":       {func(*engine.Record) {}, time.Second, true},
		"none":           {func(*engine.Record) {}, 0, false},
		"past":           {func(*engine.Record) {}, -time.Second, false},
		"another bucket": {func(r *engine.Record) { r.Bucket = seqBucket }, time.Second, false},
		"an octet more":  {func(r *engine.Record) { r.Value = append(append([]byte(nil), r.Value...), 0) }, time.Second, false},
		"cut":            {func(r *engine.Record) { r.Value = r.Value[:identityLen-1] }, time.Second, false},
	} { //order:any
		n, err := New(b.cfg, [32]byte{9})
		if err != nil {
			t.Fatal(err)
		}
		r := stored
		c.edit(&r)
		now := engine.Now{Mono: engine.Mono(time.Hour), Wall: over.Add(-c.left)}
		var out engine.Effects
		n.restoreIdentity(now, r, &out)
		if (n.id.sa != nil) != c.keys {
			t.Errorf("%s: keys %v", name, n.id.sa != nil)
			continue
		}
		if c.keys && (n.id.ends != now.Mono.Add(c.left) || n.id.renew != now.Mono.Add(c.left*4/5)) {
			t.Errorf("%s: end in %v, due in %v", name, n.id.ends.Sub(now.Mono), n.id.renew.Sub(now.Mono))
		}
	}
}
