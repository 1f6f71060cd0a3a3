package aaa

import "testing"

// What a home AAA server computes for each request, and for each key.
func BenchmarkAnswer(b *testing.B) {
	k, _ := NewKey(ramp(0, 32), mn, visited)
	x := exchange()
	mac := k.Answer(x)
	b.ReportAllocs()
	for b.Loop() {
		if !k.VerifyAnswer(x, mac) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkSession(b *testing.B) {
	k, _ := NewKey(ramp(0, 32), mn, visited)
	random := ramp(1, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Session(HomeAgent, random); err != nil {
			b.Fatal(err)
		}
	}
}
