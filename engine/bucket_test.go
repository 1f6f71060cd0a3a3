package engine

import (
	"testing"
	"time"
)

// A bucket gives its burst, then its rate, and never more than the burst at once however long it was left alone.
func TestBucket(t *testing.T) {
	var b Bucket
	count := func(at time.Duration) (n int) {
		for b.Take(Mono(at), 16, 4) {
			n++
		}
		return n
	}
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{0, 16}, {0, 0}, {249 * time.Millisecond, 0}, {250 * time.Millisecond, 1}, {1250 * time.Millisecond, 4}, {100 * time.Hour, 16}} {
		if got := count(c.at); got != c.want {
			t.Errorf("at %v: %d, want %d", c.at, got, c.want)
		}
	}
}

// However long nobody took any, those that are taken then come back.
func TestBucketAfterAges(t *testing.T) {
	for _, at := range []time.Duration{100 * 24 * time.Hour, 120 * 24 * time.Hour, 100 * 365 * 24 * time.Hour} {
		var b Bucket
		for n := range 3 * 1024 {
			if got := b.Take(Mono(at), 1024, 1024); got != (n < 1024) {
				t.Fatalf("%v: take %d: %v", at, n, got)
			}
		}
		if !b.Take(Mono(at+time.Second), 1024, 1024) {
			t.Errorf("%v: nothing came back in a second", at)
		}
	}
}
