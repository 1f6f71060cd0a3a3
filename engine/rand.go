package engine

import (
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// Rand is the one source of randomness of an engine: ChaCha8 from a 32-octet seed. The driver seeds it
// from the operating system, the simulator from the run's seed, a replay from the journal.
//
// It is an io.Reader. Do not give it to ecdsa or ecdh GenerateKey, which ignore their reader since Go
// 1.26; draw bytes and make the key from them.
type Rand struct {
	src *rand.ChaCha8
}

// NewRand makes the source of a seed.
func NewRand(seed [32]byte) *Rand { return &Rand{src: rand.NewChaCha8(seed)} }

// Read fills b. It never fails.
func (r *Rand) Read(b []byte) (int, error) { return r.src.Read(b) }

// Uint64 draws 64 bits.
func (r *Rand) Uint64() uint64 { return r.src.Uint64() }

// Uint16 draws 16 bits.
func (r *Rand) Uint16() uint16 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], r.src.Uint64())
	return binary.LittleEndian.Uint16(b[:])
}

// Between draws a time from the closed range low..high, as the RFCs' "random delay between" asks for.
func (r *Rand) Between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.src.Uint64()%uint64(high-low+1))
}
