package engine

import (
	"bytes"
	"encoding/hex"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A journal holds the seed, not the draws: what a seed gives must never change, on no machine and in no later version.
func TestRandIsTheSameForEver(t *testing.T) {
	r := NewRand([32]byte{1, 2, 3})
	b := make([]byte, 12)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	got := []any{hex.EncodeToString(b), r.Uint64(), r.Uint16(), r.Between(time.Second, 5*time.Second)}
	want := []any{"3b500763161413fea23afb33", uint64(3581772083949013674), uint16(44988), time.Duration(4368805692)}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("draw %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func TestEqualSeedsDrawEqually(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		a, b := NewRand(seed), NewRand(seed)
		for range 20 {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				n := rapid.IntRange(0, 50).Draw(t, "octets")
				x, y := make([]byte, n), make([]byte, n)
				a.Read(x)
				b.Read(y)
				if !bytes.Equal(x, y) {
					t.Fatalf("%x, %x", x, y)
				}
			case 1:
				if x, y := a.Uint64(), b.Uint64(); x != y {
					t.Fatalf("%d, %d", x, y)
				}
			case 2:
				if x, y := a.Uint16(), b.Uint16(); x != y {
					t.Fatalf("%d, %d", x, y)
				}
			case 3:
				if x, y := a.Between(0, time.Hour), b.Between(0, time.Hour); x != y {
					t.Fatalf("%d, %d", x, y)
				}
			}
		}
	})
}

func TestOtherSeedsDrawOtherwise(t *testing.T) {
	seen := map[uint64]bool{}
	for i := range 1000 {
		x := NewRand([32]byte{byte(i), byte(i >> 8)}).Uint64()
		if seen[x] {
			t.Fatalf("seed %d draws what another drew", i)
		}
		seen[x] = true
	}
}

func TestBetween(t *testing.T) {
	r := NewRand([32]byte{})
	rapid.Check(t, func(t *rapid.T) {
		low := time.Duration(rapid.Int64Range(-1<<40, 1<<60).Draw(t, "low"))
		high := low + time.Duration(rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64Range(0, 1<<60)).Draw(t, "width"))
		got := r.Between(low, high)
		if high <= low && got != low || high > low && (got < low || got > high) {
			t.Fatalf("Between(%d, %d) = %d", low, high, got)
		}
	})
	ends := map[time.Duration]int{}
	for range 3000 {
		ends[r.Between(4, 6)]++
	}
	for d := time.Duration(4); d <= 6; d++ {
		if ends[d] < 800 {
			t.Errorf("%d was drawn %d times of 3000", d, ends[d])
		}
	}
}

func BenchmarkRand(b *testing.B) {
	r := NewRand([32]byte{})
	b.ReportAllocs()
	for b.Loop() {
		r.Between(time.Second, 2*time.Second)
	}
}
