package replay

import (
	"testing"

	"pgregory.net/rapid"
)

// The window against a model that remembers everything.
func TestAgainstModel(t *testing.T) { //spec MIP-02
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.SampledFrom([]uint64{0, 1, 62, 63, 64, 1<<32 - 70, 1<<32 - 1, 1 << 32, 1<<32 + 62, 1<<33 - 5, 1 << 60}).Draw(t, "base")
		w := Restored(base)
		if base == 0 {
			w = Window{}
		}
		top, got := base, map[uint64]bool{}
		for range 200 {
			d := rapid.OneOf(rapid.Int64Range(-70, 70), rapid.Int64Range(0, 1<<31)).Draw(t, "step")
			if d < 0 && uint64(-d) > top {
				d = 0
			}
			seq := top + uint64(d)
			inWindow := seq > top || top-seq < Size
			if inWindow && w.Infer(uint32(seq)) != seq {
				t.Fatalf("top %#x: %#x is inferred as %#x", top, seq, w.Infer(uint32(seq)))
			}
			want := seq == 0 || !inWindow || got[seq] || seq <= base
			if w.Seen(seq) != want {
				t.Fatalf("top %#x: seen(%#x) = %v", top, seq, !want)
			}
			if !want {
				w.Mark(seq)
				got[seq] = true
				top = max(top, seq)
			}
		}
	})
}
