package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHeapOrder(t *testing.T) {
	var h heap
	r := rand.New(rand.NewPCG(1, 2))
	var want []event
	for k := 0; k < 5000; k++ {
		e := event{at: time.Duration(r.IntN(300)), a: int32(k)}
		h.push(e)
		e.seq = h.seq
		want = append(want, e)
		if r.IntN(4) == 0 {
			slices.SortFunc(want, func(a, b event) int {
				if a.before(&b) {
					return -1
				}
				return 1
			})
			if got := h.pop(); got != want[0] {
				t.Fatalf("pop gave %+v, want %+v", got, want[0])
			}
			want = want[1:]
		}
	}
	var last event
	for h.len() > 0 {
		e := h.pop()
		if e.before(&last) {
			t.Fatalf("%+v after %+v", e, last)
		}
		last = e
	}
}

func BenchmarkHeap(b *testing.B) {
	var h heap
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		h.push(event{at: time.Duration(r.IntN(1e9))})
	}
	b.ReportAllocs()
	for b.Loop() {
		e := h.pop()
		e.at += time.Duration(r.IntN(1e9))
		h.push(e)
	}
}
