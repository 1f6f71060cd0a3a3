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
	if back := int(now.Sub(b.filled) * time.Duration(rate) / time.Second); back > 0 {
		b.spent, b.filled = max(0, b.spent-back), now
	}
	if b.spent >= burst {
		return false
	}
	b.spent++
	return true
}
