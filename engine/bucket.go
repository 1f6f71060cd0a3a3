package engine

import "time"

// Bucket limits a rate: so many at once, so many a second in the long run. Its owner says how many, the same each time. The zero
// Bucket is full.
type Bucket struct {
	spent  int
	filled Mono // when spent was last lowered
}

// Take takes one, if there is one.
func (b *Bucket) Take(now Mono, burst, rate int) bool {
	past := now.Sub(b.filled)
	if past > time.Duration(burst)*time.Second/time.Duration(rate) { // full again, and perhaps so long ago that the product below is none
		b.spent, b.filled = 0, now
	} else if back := int(past * time.Duration(rate) / time.Second); back > 0 {
		b.spent, b.filled = max(0, b.spent-back), now
	}
	if b.spent >= burst {
		return false
	}
	b.spent++
	return true
}
