package plane

import (
	"encoding/binary"
	"math/bits"
)

// finder finds numbered things by a hash of their key: open addressing, linear probing. A slot is 32 bits of the hash and the
// number plus one; whoever asks compares keys. Slots are in the order of their hashes, so growing reads and writes memory
// in order, and needs no key.
type finder struct {
	slots []uint64
	n     int
}

// A finder grows by a quarter when more than three quarters of its slots are used: 11 to 14 octets a thing.
const (
	finderLeast = 8
	finderFull  = 4 // one slot in so many is free at least
)

// home is the slot of a hash, if that is free.
func (f *finder) home(hash uint32) int {
	return int(uint64(hash) * uint64(len(f.slots)) >> 32)
}

func (f *finder) after(i int) int {
	if i++; i < len(f.slots) {
		return i
	}
	return 0
}

// next gives the number of a thing with a hash, and where to go on if it is the wrong one. It is false at the end.
// Begin with home(hash).
func (f *finder) next(hash uint32, at int) (number uint32, then int, ok bool) {
	if f.n == 0 {
		return 0, at, false
	}
	for ; f.slots[at] != 0; at = f.after(at) {
		if uint32(f.slots[at]>>32) == hash {
			return uint32(f.slots[at]) - 1, f.after(at), true
		}
	}
	return 0, at, false
}

// add takes a thing in.
func (f *finder) add(hash, number uint32) {
	if finderFull*(f.n+1) > (finderFull-1)*len(f.slots) {
		f.grow()
	}
	f.n++
	f.put(uint64(hash)<<32 | uint64(number+1))
}

func (f *finder) put(slot uint64) {
	at := f.home(uint32(slot >> 32))
	for f.slots[at] != 0 {
		at = f.after(at)
	}
	f.slots[at] = slot
}

func (f *finder) grow() {
	old := f.slots
	f.slots = make([]uint64, max(finderLeast, len(old)+len(old)/4))
	for _, slot := range old {
		if slot != 0 {
			f.put(slot)
		}
	}
}

// place is the slot of a thing, -1 if it is not here.
func (f *finder) place(hash, number uint32) int {
	if f.n == 0 {
		return -1
	}
	want := uint64(hash)<<32 | uint64(number+1)
	at := f.home(hash)
	for ; f.slots[at] != want; at = f.after(at) {
		if f.slots[at] == 0 {
			return -1
		}
	}
	return at
}

// remove takes a thing out. What stands behind moves up, so that nothing marks the gap. An empty finder has no memory.
func (f *finder) remove(hash, number uint32) {
	gap := f.place(hash, number)
	if gap < 0 {
		return
	}
	if f.n--; f.n == 0 {
		f.slots = nil
		return
	}
	for at := f.after(gap); f.slots[at] != 0; at = f.after(at) {
		home := f.home(uint32(f.slots[at] >> 32))
		// It may move to the gap unless its home lies behind the gap, on the way around to where it stands.
		if gap <= at && (home <= gap || home > at) || gap > at && home <= gap && home > at {
			f.slots[gap], gap = f.slots[at], at
		}
	}
	f.slots[gap] = 0
}

// quick hashes an address and a number: both halves of a product say something of every bit. A secret seed keeps others from
// choosing addresses that collide.
func (k hashSeed) quick(a *[16]byte, with uint64) uint32 {
	x := fold(binary.LittleEndian.Uint64(a[:])^k.k0^hashA, binary.LittleEndian.Uint64(a[8:])^k.k1^hashB)
	return uint32(fold(x^k.k1^hashC, with^k.k0^hashB) >> 32)
}

// Odd numbers with as many ones as zeros.
const (
	hashA = 0x9e3779b97f4a7c15
	hashB = 0xd6e8feb86659fd93
	hashC = 0xa0761d6478bd642f
)

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
