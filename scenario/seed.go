package scenario

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Seed derives an independent seed from the run's seed and the names of who will draw.
func Seed(run uint64, names ...string) [32]byte {
	h := sha256.New()
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], run)
	h.Write(n[:])
	for _, name := range names {
		binary.BigEndian.PutUint64(n[:], uint64(len(name)))
		h.Write(n[:])
		h.Write([]byte(name))
	}
	return [32]byte(h.Sum(nil))
}

// Draw is a small, fast source for the draws of one path or one generator of faults.
func Draw(run uint64, names ...string) rand.PCG {
	s := Seed(run, names...)
	return *rand.NewPCG(binary.BigEndian.Uint64(s[:]), binary.BigEndian.Uint64(s[8:]))
}

// Chance draws true with probability p, 0..1. It draws nothing when p is 0 or less.
func Chance(r *rand.PCG, p float64) bool {
	return p > 0 && float64(r.Uint64()>>11)/(1<<53) < p
}

// UpTo draws an integer from the closed range 0..n; 0 without a draw when n is not positive.
func UpTo(r *rand.PCG, n int64) int64 {
	if n <= 0 {
		return 0
	}
	return int64(r.Uint64() % uint64(n+1))
}
