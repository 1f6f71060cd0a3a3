package engine

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestAgenda compares an agenda with a map that is searched through.
func TestAgenda(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Agenda
		want := map[uint32]Mono{}
		first := func() (at Mono, who uint32) {
			at = Never
			for n, x := range want { //order:any the earliest, then the lowest
				if x < at || x == at && n < who {
					at, who = x, n
				}
			}
			return at, who
		}
		now := Mono(0)
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			n := rapid.Uint32Range(0, 20).Draw(t, "number")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				a.Stop(n)
				delete(want, n)
			case 1:
				now += Mono(rapid.IntRange(0, 5).Draw(t, "pass"))
				for {
					at, who := first()
					got, ok := a.Pop(now)
					if ok != (at <= now) || ok && got != who {
						t.Fatalf("at %d %d (%v), want %d at %d", now, got, ok, who, at)
					}
					if !ok {
						break
					}
					delete(want, who)
				}
			default:
				at := now + Mono(rapid.IntRange(-2, 20).Draw(t, "in"))
				if at > now+18 {
					at = Never
				}
				a.Set(n, at)
				if want[n] = at; at == Never {
					delete(want, n)
				}
			}
			if rapid.Bool().Draw(t, "ask") { // what is not asked for stays where it was
				at, who := first()
				if got, number := a.Next(); got != at || got != Never && number != who {
					t.Fatalf("next is %d at %d, want %d at %d", number, got, who, at)
				}
			}
			got, ok := a.Armed(n)
			if at, there := want[n]; ok != there || ok && got != at || a.Len() != len(want) {
				t.Fatalf("%d is armed for %v (%v), want %v (%v); %d in all, want %d", n, got, ok, at, there, a.Len(), len(want))
			}
		}
	})
}

// BenchmarkAgenda moves one of many deadlines later, as a refreshed binding does, and looks for the next.
func BenchmarkAgenda(b *testing.B) {
	for _, n := range []uint32{1000, 1_000_000} {
		b.Run(map[uint32]string{1000: "1000", 1_000_000: "1000000"}[n], func(b *testing.B) {
			var a Agenda
			for i := range n {
				a.Set(i, Mono(i))
			}
			r := rand.NewPCG(1, 1)
			b.ReportAllocs()
			for i := Mono(0); b.Loop(); i++ {
				a.Set(uint32(r.Uint64())%n, i+Mono(n))
				a.Next()
			}
		})
	}
}
