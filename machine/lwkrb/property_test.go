package lwkrb

import (
	"bytes"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	lw "roam6/wire/lwkrb"
)

// The network belongs to the adversary: it has every message, hands any of them to anybody, in any message, changes them, lets time pass, and starts the
// router again. Whatever it does: who has a session has the keys of the other end, which has it too; no ap-req makes two sessions; no clock
// is set but right; nothing stays for ever.
func TestAnything(t *testing.T) { //spec FH-18
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(nopTB{t: t})
		w.lost = func(string, []byte) bool { return true } // all goes by the adversary
		held := rapid.SliceOfNDistinct(rapid.SampledFrom([]lw.Principal{ar2, local, home}), 1, 3, rapid.ID).Draw(t, "tickets")
		for _, p := range held {
			w.m.Put(ticketFor(keyOf(p, map[lw.Principal]uint8{ar2: 20, local: 17, home: 18}[p]), nil))
		}
		w.skew = rapid.SampledFrom([]time.Duration{0, time.Minute, -10 * time.Minute}).Draw(t, "skew")
		right := w.place
		var known [][]byte
		pick := func() []byte {
			if len(known) == 0 {
				return rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "octets")
			}
			b := bytes.Clone(rapid.SampledFrom(known).Draw(t, "message"))
			switch rapid.IntRange(0, 5).Draw(t, "change") {
			case 0:
				i := rapid.IntRange(0, 8*len(b)-1).Draw(t, "bit")
				b[i/8] ^= 1 << (i % 8)
			case 1:
				code := lw.Code(rapid.IntRange(1, 90).Draw(t, "code"))
				id := uint32(b[4])<<24 | uint32(b[5])<<16 | uint32(b[6])<<8 | uint32(b[7])
				b = plainError(id, code, start.Add(-time.Hour))
			}
			return b
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 11).Draw(t, "what") {
			case 0:
				w.ask(wish())
			case 1, 2, 3:
				w.place = right
				if rapid.IntRange(0, 3).Draw(t, "place") == 0 {
					w.place.CareOf, w.place.From = other, other
				}
				w.bring(pick())
			case 4, 5, 6:
				w.mobile(w.m.Heard(w.mobileNow(), pick(), &w.out))
			case 7, 8:
				if rep := w.a.serve(pick(), w.now.Wall); rep != nil {
					known = append(known, rep)
				}
			case 9:
				w.router(w.r.Answered(w.now, pick(), &w.out))
			case 10:
				w.pass(time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "time")))
			case 11:
				if rapid.IntRange(0, 4).Draw(t, "restart") == 0 {
					w.restart()
				}
			}
			known = known[:0:0]
			for _, r := range w.requests {
				known = append(known, r.Octets)
			}
			for _, a := range w.answers {
				known = append(known, a.Octets)
			}
			for _, a := range w.asks {
				known = append(known, a.Octets)
				if rep := w.a.serve(a.Octets, w.now.Wall); rep != nil {
					known = append(known, rep)
				}
			}
			w.sound(t)
		}
		w.pass(time.Hour)
		w.quiet()
		if v := w.r.View(); v.Answered != 0 || len(w.m.attempts) != 0 {
			t.Fatalf("something stays: %+v", v)
		}
	})
}

func (w *world) sound(t *rapid.T) {
	same := func(a, b *Session) bool {
		return bytes.Equal(a.ESP.ToMobile, b.ESP.ToMobile) && bytes.Equal(a.AH.ToRouter, b.AH.ToRouter)
	}
	for i, a := range w.ar {
		for _, b := range w.ar[:i] {
			if same(a, b) || bytes.Equal(a.ESP.ToMobile, b.ESP.ToMobile) {
				t.Fatal("two sessions have one key")
			}
		}
		if a.CareOf != careOf || a.Client != ann {
			t.Fatalf("a session of %v at %v", a.Client, a.CareOf)
		}
	}
	for _, m := range w.mn {
		if !slices.ContainsFunc(w.ar, func(r *Session) bool { return same(m, r) && m.SPIToRouter == r.SPIToRouter }) {
			t.Fatal("the mobile node has a session that the router has not")
		}
	}
	for _, c := range w.m.clocks { // the mobile node hears of times up to the end of a run late
		if c.ahead+w.skew > time.Second {
			t.Fatalf("the clock of %s is set to %v", c.realm, c.ahead)
		}
	}
}

// nopTB lets a world fail a property.
type nopTB struct {
	testing.TB
	t *rapid.T
}

func (n nopTB) Helper()                      {}
func (n nopTB) Fatal(args ...any)            { n.t.Fatal(args...) }
func (n nopTB) Fatalf(f string, args ...any) { n.t.Fatalf(f, args...) }
func (n nopTB) Error(args ...any)            { n.t.Error(args...) }
func (n nopTB) Errorf(f string, args ...any) { n.t.Errorf(f, args...) }

// Equal inputs have equal facts and effects.
func TestRepeatable(t *testing.T) {
	run := func() (all []any) {
		w := newWorld(t)
		w.m.Put(ticketFor(keyOf(local, 17), nil))
		w.m.Put(ticketFor(keyOf(home, 18), nil))
		n := 0
		w.lost = func(string, []byte) bool { n++; return n%3 == 0 }
		for range 20 {
			w.ask(wish())
			w.pass(2 * time.Second)
		}
		return append(all, w.mn, w.ar, w.answers, w.requests, w.asks, w.wrote, w.drop, w.r.View(), w.m.View())
	}
	if a, b := run(), run(); !reflect.DeepEqual(a, b) {
		t.Error("two runs differ")
	}
}

// FuzzHeard: whatever comes to either end does nothing, unless it is the message itself.
func FuzzHeard(f *testing.F) {
	make := func(t testing.TB) *world {
		w := newWorld(t)
		w.m.Put(ticketFor(keyOf(local, 17), nil))
		w.lost = func(string, []byte) bool { return true }
		w.ask(wish())
		w.bring(w.requests[0].Octets)
		return w
	}
	w := make(f)
	raw, ask := w.requests[0].Octets, w.asks[0].Octets
	rep := w.a.serve(ask, w.now.Wall)
	w.router(w.r.Answered(w.now, rep, &w.out))
	answer := w.answers[0].Octets
	case1 := many(f, keyOf(ar2, 20), 1)[0]
	for _, b := range [][]byte{raw, ask, rep, answer, case1, plainError(1, lw.Skew, start)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := make(t)
		w.bring(b)
		if len(w.ar) > 0 && !bytes.Equal(b, case1) {
			t.Error("an ap-req that nobody made is taken")
		}
		w.ar, w.answers = nil, nil
		w.router(w.r.Answered(w.now, b, &w.out))
		if len(w.ar) > 0 && !bytes.Equal(b, rep) {
			t.Error("an open-rep that nobody made is taken")
		}
		w.mobile(w.m.Heard(w.now, b, &w.out))
		if len(w.mn) > 0 && !bytes.Equal(b, answer) {
			t.Error("an ap-rep that nobody made is taken")
		}
		w.pass(time.Minute)
		w.quiet()
	})
}

// An exchange of case 1, both ends.
func BenchmarkCase1(b *testing.B) {
	w := newWorld(b)
	w.m.Put(ticketFor(keyOf(ar2, 20), nil))
	place := Coming{From: par, Trusted: true, Addresses: []netip.Addr{address}, CareOf: careOf, LinkLayer: mac}
	w.r.limits.trusted = engine.Bucket{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.r.limits.trusted, w.r.limits.clients = engine.Bucket{}, recent[lw.Principal]{}
		now := engine.Now{Mono: engine.Mono(i) * engine.Mono(10*time.Millisecond), Wall: start}
		place.Octets = w.m.Ask(engine.Now{Mono: now.Mono, Wall: start}, wish(), &w.out)[0].(*Request).Octets
		f := w.r.Heard(now, place, &w.out)
		f = w.r.Decide(now, f[0].(*Judge).Handle, Verdict{}, &w.out)
		f = w.m.Heard(now, f[1].(Answer).Octets, &w.out)
		if _, ok := f[0].(*Session); !ok {
			b.Fatal("no session")
		}
		w.out.Reset()
		w.r.memory = memory{}
	}
}
