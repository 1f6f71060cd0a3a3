package plane

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestSipHash compares with the vectors of the paper and of its reference code: the key is 00…0f, the message 00, 01, ….
func TestSipHash(t *testing.T) {
	var s Soft
	var key [16]byte
	message := make([]byte, 64)
	for i := range message {
		message[i] = byte(i)
	}
	copy(key[:], message)
	s.Seed(key)
	for n, want := range map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 15: 0xa129ca6149be45e5} { //order:any each by itself
		if got := s.seed.sum(message[:n]); got != want {
			t.Errorf("%d octets: %x, want %x", n, got, want)
		}
	}
}

// TestSeedMatters: another key remembers by other numbers.
func TestSeedMatters(t *testing.T) {
	a, b := NewSoft(), seeded()
	p := udp(cn, hoa, 60)
	if a.identity(p) == b.identity(p) {
		t.Error("two keys give one hash")
	}
	before := string(p)
	if first := a.identity(p); a.identity(p) != first || string(p) != before {
		t.Error("hashing changed the packet")
	}
}

// TestDuplicatesAgainstTheDecision compares the memory with what decision 7 says, in the plainest form.
func TestDuplicatesAgainstTheDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := seeded(), loose(Path{Dedup: 10})
		type occurrence struct {
			packet byte
			at     time.Duration
			by     map[int]bool
		}
		var seen []occurrence
		for range rapid.IntRange(1, 80).Draw(t, "packets") {
			s.now += time.Duration(rapid.IntRange(0, 3).Draw(t, "pass"))
			packet, way := byte(rapid.IntRange(0, 2).Draw(t, "packet")), rapid.IntRange(0, MaxDedupWays-1).Draw(t, "way")
			b := udp(cn, hoa, 8)
			b[40] = packet
			want := false
			for i := range seen {
				if o := &seen[i]; o.packet == packet && s.now-o.at <= 10 && !o.by[way] {
					o.by[way], want = true, true
					break
				}
			}
			if !want {
				seen = append(seen, occurrence{packet, s.now, map[int]bool{way: true}})
			}
			if got := s.duplicate(r, &arrival{port: Port(way)}, b); got != want {
				t.Fatalf("packet %d by way %d at %d: duplicate %v, want %v", packet, way, s.now, got, want)
			}
		}
		if r.seen.n != s.remembered {
			t.Fatalf("%d remembered, the account says %d", r.seen.n, s.remembered)
		}
	})
}

// TestDedupWaysAndRoom uses more ways than are told apart, and more memory than there is: copies may pass, packets that come
// by one way never stop.
func TestDedupWaysAndRoom(t *testing.T) {
	s, r := seeded(), loose(Path{Dedup: time.Hour})
	b := udp(cn, hoa, 8)
	for way := range MaxDedupWays + 1 {
		s.now++
		if got := s.duplicate(r, &arrival{port: Port(way)}, b); got != (way > 0) {
			t.Errorf("way %d: duplicate %v", way, got)
		}
	}
	if !s.duplicate(r, &arrival{port: 0}, b) { // its place was taken, so it is a way like a new one
		t.Error("a way that was forgotten brings nothing new")
	}
	small := *standard
	small.remembered = 3
	s.limits = &small
	other := loose(Path{Dedup: time.Hour})
	for i := range byte(9) {
		b[40] = i
		if s.duplicate(r, &arrival{port: 1}, b) && i > 0 || s.duplicate(other, &arrival{port: 1}, b) {
			t.Errorf("packet %d is taken for a copy", i)
		}
	}
	if s.remembered != 3 || s.remembered != r.seen.n+other.seen.n {
		t.Errorf("%d remembered: %d and %d", s.remembered, r.seen.n, other.seen.n)
	}
	s.forget(r)
	s.forget(other)
	if s.remembered != 0 {
		t.Errorf("%d remembered by nobody", s.remembered)
	}
}
