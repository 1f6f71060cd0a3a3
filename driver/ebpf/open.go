package ebpf

import (
	"time"

	"roam6/plane"
)

// Limits of the maps.
const (
	// MaxPaths is how many paths can be fast; further ones are left to the plane. A path takes 0.2 KiB of kernel memory.
	MaxPaths = 65536
	// MaxLent is how many addresses of a mobile node the link program knows (fast.c has room for more). Each is a part of the
	// filter of the link's packet socket.
	MaxLent = 32
)

// Link is an interface that packets come by: a link port of the node, or one that is its kernel's alone.
type Link struct {
	Port  plane.Port // 0: the kernel's alone
	Name  string
	Index int
	HW    plane.HW
}

// Config says where the programs stand.
type Config struct {
	Links []Link
	Tun   int // interface number of the Kernel port, which must exist
	Paths int // paths that can be fast, 0 for MaxPaths
}

// Fast is the fast path of one node. Its methods are called by one goroutine at a time; those of a nil Fast do nothing.
type Fast struct {
	table
	kernel *kernel
	doors  map[plane.Port]door
	names  []string
	behind Behind

	slots []fastSlot // shared with the programs
	free  []uint32
	used  uint32
	told  fastSetting

	unplaced map[plane.Pair]struct{} // that talk straight and found no room

	active  map[*entry]struct{} // paths whose counters were not equal
	lowered map[*entry]struct{} // paths whose MTU a message lowered for a time
	swept   time.Duration
	lost    int64
	forced  int
}

func newFast(c Config, k *kernel, slots []fastSlot) *Fast {
	f := &Fast{table: newTable(), kernel: k, doors: map[plane.Port]door{}, slots: slots, unplaced: map[plane.Pair]struct{}{},
		active: map[*entry]struct{}{}, lowered: map[*entry]struct{}{}}
	for _, l := range c.Links {
		if l.Port != plane.Kernel {
			f.doors[l.Port] = door{uint32(l.Index), l.HW}
		}
		f.names = append(f.names, l.Name)
	}
	return f
}

// Stand puts the fast path in front of a plane, before any Op. A nil Fast does nothing.
func (f *Fast) Stand(before Behind) {
	if f != nil {
		f.behind = before
	}
}

// Close takes the programs away. What they had in hand is with the plane or on its way.
func (f *Fast) Close() error {
	if f == nil {
		return nil
	}
	f.slots = nil
	return f.kernel.close()
}
