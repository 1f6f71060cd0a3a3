package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"time"

	"roam6/plane"
)

// How bench bindings measures: contenders take turns, there and back, each for a time.
const (
	bindingTurns = 6
	bindingTurn  = 50 * time.Millisecond
	// bindingBatch is how many look-ups or updates stand between two looks at the clock.
	bindingBatch = 1 << 12
)

// bindingTable is something that knows the care-of addresses of many home addresses. look and move do that to a random one,
// n times, and give the nanoseconds of one.
type bindingTable struct {
	name       string
	look, move func(n int) (float64, error)
}

// benchAddr is the i-th of many addresses.
func benchAddr(net byte, i uint32) netip.Addr {
	a := [16]byte{0x20, 1, 0xd, 0xb8, 0, net}
	binary.BigEndian.PutUint32(a[12:], i)
	return netip.AddrFrom16(a)
}

var benchAgent = netip.MustParseAddr("2001:db8:ffff::1")

// clocked gives the nanoseconds of one call of f with random numbers below size.
func clocked(n, size int, seed uint64, f func(i, j uint32)) float64 {
	r := rand.NewPCG(seed, 1)
	began := threadTime()
	for range n {
		x := r.Uint64()
		f(uint32(uint64(uint32(x))*uint64(size)>>32), uint32(x>>32))
	}
	return float64(threadTime()-began) / float64(n)
}

// planeTable is ours: the soft plane, with its counters, tunnels and limits.
func planeTable(size int) *bindingTable {
	s, sink, seed := plane.NewSoft(), &plane.Sink{}, uint64(0)
	s.Seed([16]byte{1, 2, 3, 4})
	path := plane.PathOp{Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: benchAgent, Capture: true}}
	set := func(i, j uint32) {
		path.Inner, path.Path.Remote = netip.PrefixFrom(benchAddr(1, i), 128), benchAddr(2, j)
		s.Apply(0, plane.Op{Path: &path}, sink)
	}
	for i := range uint32(size) {
		set(i, i)
	}
	return &bindingTable{"plane",
		func(n int) (float64, error) {
			seed++
			missing := 0
			ns := clocked(n, size, seed, func(i, _ uint32) {
				if _, _, ok := s.Tunnel(plane.Agent, benchAddr(1, i)); !ok {
					missing++
				}
			})
			return ns, lost(missing)
		},
		func(n int) (float64, error) {
			seed++
			return clocked(n, size, seed, set), lost(len(sink.Refused))
		}}
}

func lost(n int) error {
	if n > 0 {
		return fmt.Errorf("%d bindings are missing", n)
	}
	return nil
}

// pointerBinding is what a program keeps of a binding that thinks no further.
type pointerBinding struct {
	home, careOf netip.Addr
	_            uint16        // sequence number
	_            time.Duration // end of the lifetime
	_, _         plane.Count   // sent, received
}

// pointerTable is a Go map of pointers. A move makes a binding anew, as the next update does, and puts it into the map.
func pointerTable(size int) *bindingTable {
	m, seed := map[netip.Addr]*pointerBinding{}, uint64(0)
	set := func(i, j uint32) {
		a := benchAddr(1, i)
		m[a] = &pointerBinding{home: a, careOf: benchAddr(2, j)}
	}
	for i := range uint32(size) {
		set(i, i)
	}
	return &bindingTable{"Go map of pointers",
		func(n int) (float64, error) {
			seed++
			missing := 0
			ns := clocked(n, size, seed, func(i, _ uint32) {
				if b := m[benchAddr(1, i)]; b == nil || !b.careOf.IsValid() {
					missing++
				}
			})
			return ns, lost(missing)
		},
		func(n int) (float64, error) {
			seed++
			return clocked(n, size, seed, set), nil
		}}
}

// octetsOf is the memory that stays of what make gives, a thing.
func octetsOf(n int, make func() any) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(n)
}

// benchBindings measures how long a binding takes to find and to move among many, and what it takes of memory.
func benchBindings(ctx context.Context, f *benchFlags) (rows []benchRow, err error) {
	for _, size := range f.bindings {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.json || onTerminal() {
			fmt.Fprintf(os.Stderr, "%d bindings …\n", size)
		}
		more, err := bindingRows(size)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func bindingRows(size int) (rows []benchRow, err error) {
	among, without := fmt.Sprintf(" among %d", size), ""
	makers := []func() *bindingTable{
		func() *bindingTable { return planeTable(size) },
		func() *bindingTable { return pointerTable(size) },
	}
	var list []*bindingTable
	var octets [][]float64
	for _, make := range makers {
		octets = append(octets, []float64{octetsOf(size, func() any { list = append(list, make()); return list })})
	}
	kernel, release, err := kernelTable(size)
	if err != nil {
		without = err.Error()
	} else {
		defer release()
		list = append(list, kernel)
	}
	for i, peer := range list[1:len(octets)] {
		rows = append(rows, beside("memory of one in the plane,"+among, "octets", peer.name, octets[0], octets[i+1]))
	}
	for _, what := range []string{"look-up", "move"} {
		figures, err := bindingFigures(list, what == "move")
		if err != nil {
			return nil, err
		}
		for i, peer := range list[1:] {
			rows = append(rows, beside(what+among, "ns", peer.name, figures[0], figures[i+1]))
		}
		if without != "" {
			rows = append(rows, benchRow{Name: what + among, Unit: "ns", Peer: "BPF hash", Skipped: without})
		}
	}
	return rows, nil
}

// bindingFigures lets the tables take turns, there and back.
func bindingFigures(list []*bindingTable, move bool) ([][]float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	figures := make([][]float64, len(list))
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	for range bindingTurns {
		for _, i := range order {
			f := list[i].look
			if move {
				f = list[i].move
			}
			if _, err := f(bindingBatch); err != nil { // its memory comes near again
				return nil, err
			}
			least, sum, n := time.Now().Add(bindingTurn), 0.0, 0
			for n == 0 || time.Now().Before(least) {
				ns, err := f(bindingBatch)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", list[i].name, err)
				}
				sum, n = sum+ns, n+1
			}
			figures[i] = append(figures[i], sum/float64(n))
		}
		slices.Reverse(order)
	}
	return figures, nil
}
