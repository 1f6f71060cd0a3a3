package plane

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// TestFinder compares a finder with a map, with hashes that often collide and stand at the end, where it goes around.
func TestFinder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f finder
		want := map[uint32]uint32{} // hash by number
		hash := rapid.OneOf(rapid.Uint32Range(0, 5), rapid.Uint32Range(1<<32-4, 1<<32-1), rapid.Uint32())
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			number := rapid.Uint32Range(0, 40).Draw(t, "number")
			switch h, there := want[number]; {
			case !there:
				want[number] = hash.Draw(t, "hash")
				f.add(want[number], number)
			default:
				delete(want, number)
				f.remove(h, number)
				f.remove(h, number)
			}
			if f.n != len(want) || f.n > 0 && finderFull*f.n > (finderFull-1)*len(f.slots) {
				t.Fatalf("%d of %d slots for %d", f.n, len(f.slots), len(want))
			}
			for number, h := range want { //order:any each is looked for
				if !has(&f, h, number) {
					t.Fatalf("%d with %x is lost: %x", number, h, f.slots)
				}
			}
		}
	})
}

func has(f *finder, hash, number uint32) bool {
	for at := f.home(hash); ; {
		found, then, ok := f.next(hash, at)
		if !ok || found == number {
			return ok
		}
		at = then
	}
}

// TestChunks walks through all numbers: each has a place of its own, the next one in its chunk or the first of the next.
func TestChunks(t *testing.T) {
	chunk, place := uint32(0), uint32(0)
	for n := range uint32(MaxPaths) {
		if c, p := chunkOf(n); c != chunk || p != place {
			t.Fatalf("%d is %d of chunk %d, want %d of %d", n, p, c, place, chunk)
		}
		if place++; place == chunkSize(chunk) {
			chunk, place = chunk+1, 0
		}
	}
}

// many gives a plane so many bindings, of home addresses that are near each other.
func many(n int, remote func(i int) netip.Addr) *Soft {
	s, sink := NewSoft(), &Sink{}
	s.Seed([16]byte{1, 2, 3})
	for i := range n {
		s.Apply(0, pathOp(numbered(hoa, i), Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: remote(i), Capture: true}), sink)
	}
	return s
}

func numbered(a netip.Addr, i int) netip.Addr {
	b := a.As16()
	binary.BigEndian.PutUint32(b[12:], uint32(i))
	return netip.AddrFrom16(b)
}

// TestManyAlike moves many paths from one tunnel to others and back, and takes them away in another order than they came.
func TestManyAlike(t *testing.T) {
	const n = 1000
	s, sink := many(n, func(int) netip.Addr { return coa }), &Sink{}
	if len(s.paths.forms) != 1 || s.captures != n {
		t.Fatalf("%d forms, %d captures", len(s.paths.forms), s.captures)
	}
	for i := range n {
		s.Apply(0, pathOp(numbered(hoa, i*7%n), Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: numbered(cn, i%3)}), sink)
	}
	for i := range n {
		if i == n/2 { // numbers given back are given again
			for j := range 10 {
				s.Apply(0, pathOp(numbered(hoa, j*11%n), Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: cn}), sink)
			}
		}
		if _, remote, ok := s.Tunnel(Agent, numbered(hoa, i*11%n)); i < n/2 && !ok || ok && remote == coa {
			t.Fatalf("%d: %v %v", i, remote, ok)
		}
		op := pathOp(numbered(hoa, i*11%n), Path{})
		op.Delete = true
		s.Apply(0, op, sink)
	}
	if len(s.Table().Paths) != 10 || s.paths.used > n || len(s.Counters().Paths) != 10 || !reflect.ValueOf(*nothing).IsZero() {
		t.Errorf("%d paths, %d numbers, %+v", len(s.Table().Paths), s.paths.used, nothing)
	}
}

// TestOddPaths has paths whose far end is not sixteen octets, and prefixes that are none.
func TestOddPaths(t *testing.T) {
	s, sink := NewSoft(), &Sink{}
	table := Table{}
	for i, a := range []netip.Addr{{}, netip.IPv6Unspecified(), netip.MustParseAddr("192.0.2.1"), coa.WithZone("eth0"), coa} {
		op := pathOp(numbered(hoa, i), Path{Side: Agent, Mode: Hold, Local: ha, Remote: a})
		s.Apply(0, op, sink)
		table.Apply(op)
	}
	if d := Diff(table, s.Table()); len(d) != 0 || len(sink.Refused) != 0 {
		t.Errorf("%v, refused %v", d, sink.Refused)
	}
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("::ffff:192.0.2.1/128")} {
		sink.Reset()
		s.Apply(0, Op{Path: &PathOp{p, Path{Side: Agent, Mode: Direct}}}, sink)
		if len(sink.Refused) != 1 || sink.Refused[0].Reason != RefusedInvalid {
			t.Errorf("%v: %v", p, sink.Refused)
		}
	}
}

// maxRouteOctets is what a route may take: memory of a home agent with millions of bindings is made of it.
const maxRouteOctets = 96

func TestRouteIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(route{}); n > maxRouteOctets {
		t.Errorf("%d octets", n)
	}
}
