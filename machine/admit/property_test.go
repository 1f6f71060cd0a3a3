package admit

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/ip6"
)

// Whatever comes in whatever order: books agree, tables end, no pair and no handle is used twice.
func TestAnything(t *testing.T) { //spec DM-09
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(nil)
		w.t = nopTB{t: t}
		var mobiles []*mobile
		for i := range 4 {
			mobiles = append(mobiles, newMobile(i))
		}
		mobiles[3].coa = mobiles[2].coa // two stations with one address
		var packets [][]byte
		var from []plane.HW
		var checks []Check
		var waiting []Handle
		pairs, handles := map[string]bool{}, map[Handle]bool{}
		facts := func(list []Fact) {
			for _, f := range list {
				switch f := f.(type) {
				case Check:
					checks = append(checks, f)
				case Request:
					p := string(f.Message.LocalChallenge) + "/" + string(f.Message.HostChallenge)
					if handles[f.Handle] || pairs[p] {
						t.Fatalf("%+v comes again", f)
					}
					handles[f.Handle], pairs[p] = true, true
					waiting = append(waiting, f.Handle)
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m := mobiles[rapid.IntRange(0, 3).Draw(t, "mobile")]
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0, 1, 2:
				ask := m.ask(make([]byte, challengeLen))
				if a := w.c.Access(); a != nil {
					ask.LocalChallenge = a.LocalChallenge
				}
				if rapid.Bool().Draw(t, "long") {
					ask.EAP = append([]byte{2, 1, 8, 0}, make([]byte, 2044)...)
				}
				for _, p := range m.packets(ask) {
					packets, from = append(packets, p), append(from, m.hw)
				}
			case 3, 4:
				if len(packets) > 0 {
					i := rapid.IntRange(0, len(packets)-1).Draw(t, "packet")
					facts(w.hear(from[i], packets[i]))
				}
			case 5:
				if len(checks) > 0 {
					facts(w.c.Checked(w.now, checks[0].Addr, rapid.Bool().Draw(t, "duplicate"), &w.out))
					checks = checks[1:]
				}
			case 6:
				if len(waiting) > 0 {
					w.reply(waiting[0], rapid.SampledFrom([]*access.Reply{good, bad}).Draw(t, "reply"))
					waiting = waiting[1:]
				}
			case 7:
				w.pass(time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "time")))
			case 8:
				if rapid.Bool().Draw(t, "up") {
					w.c.Up(w.now, arHW)
				} else if rapid.IntRange(0, 5).Draw(t, "down") == 0 {
					w.c.Down()
				}
			}
			w.take()
			w.sound()
		}
		w.pass(time.Hour)
		if w.sound(); len(w.c.exchanges)+len(w.c.messages)+len(w.c.sources) != 0 {
			t.Fatal("something stays for ever")
		}
	})
}

// nopTB lets a world fail a property.
type nopTB struct {
	testing.TB
	t *rapid.T
}

func (n nopTB) Helper()                      {}
func (n nopTB) Fatal(args ...any)            { n.t.Fatal(args...) }
func (n nopTB) Fatalf(f string, args ...any) { n.t.Fatalf(f, args...) }
func (n nopTB) Errorf(f string, args ...any) { n.t.Errorf(f, args...) }

// Equal inputs have equal effects.
func TestRepeatable(t *testing.T) {
	run := func() []engine.Effect {
		w := newWorld(t)
		var all []engine.Effect
		for i := range 200 {
			m := newMobile(i % 50)
			for _, b := range m.packets(m.ask(w.c.Access().LocalChallenge)) {
				p, _ := ip6.Parse(b)
				for _, f := range w.c.Heard(w.now, engine.Packet{Port: 1, From: m.hw, Data: b}, &p, &w.out) {
					if c, ok := f.(Check); ok {
						w.c.Checked(w.now, c.Addr, i%3 == 0, &w.out)
					}
				}
			}
			w.now.Mono = w.now.Mono.Add(time.Second)
			w.c.Tick(w.now, &w.out)
			all = append(all, append([]engine.Effect(nil), w.out.List...)...)
			w.out.Reset()
		}
		return all
	}
	if a, b := run(), run(); !reflect.DeepEqual(a, b) {
		t.Error("two runs differ")
	}
}

func FuzzHeard(f *testing.F) {
	m := newMobile(1)
	w := newWorld(f)
	ask := m.ask(w.c.Access().LocalChallenge)
	for _, b := range m.packets(ask) {
		f.Add(b)
	}
	ask.EAP = append([]byte{2, 1, 8, 0}, make([]byte, 2044)...)
	for _, b := range m.packets(ask) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ip6.Parse(data)
		if err != nil || p.Proto != ip6.ProtoICMPv6 || !access.IsAccess(p.Payload) {
			return
		}
		w := newWorld(t)
		for range 2 { // again: a repetition, or parts that are there
			w.c.Heard(w.now, engine.Packet{Port: 1, From: m.hw, Data: data}, &p, &w.out)
			w.take()
			w.sound()
		}
		w.pass(time.Hour)
		if len(w.c.exchanges)+len(w.c.messages)+len(w.c.sources) != 0 {
			t.Fatal("something stays for ever")
		}
	})
}
