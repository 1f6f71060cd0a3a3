package ip6

import (
	"math/rand/v2"
	"testing"
)

// TestSum: the sum is that of the words one by one (RFC 1071 §1), for all lengths.
func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		b := make([]byte, n)
		for i := range b {
			if b[i] = byte(r.Uint32()); n%3 == 0 {
				b[i] = 0xff // all the carries there are
			}
		}
		want := uint32(0)
		for i, o := range b {
			if want += uint32(o) << (8 * (1 - i&1)); want > 0xffff {
				want = want>>16 + want&0xffff
			}
		}
		if got := Sum(b); uint32(got) != want {
			t.Fatalf("%d octets: %#x, want %#x", n, got, want)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	p := make([]byte, 1400)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		Sum(p)
	}
}
