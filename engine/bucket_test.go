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
