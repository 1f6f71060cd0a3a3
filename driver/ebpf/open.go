package ebpf

import (
	"errors"
	"fmt"
	"maps"
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
	kernel  *kernel
	names   map[int]string // of interfaces with a program
	refused map[int]bool   // interfaces that cannot have one
	behind  Behind

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
	crowded bool // it was said
}

func newFast(c Config, k *kernel, slots []fastSlot) *Fast {
	f := &Fast{table: newTable(), kernel: k, names: map[int]string{}, refused: map[int]bool{}, slots: slots, unplaced: map[plane.Pair]struct{}{},
		active: map[*entry]struct{}{}, lowered: map[*entry]struct{}{}}
	for _, l := range c.Links {
		f.has(l)
	}
	return f
}

// has notes an interface with a program.
func (f *Fast) has(l Link) {
	f.names[l.Index] = l.Name
	if l.Port != plane.Kernel {
		f.doors[l.Port] = door{uint32(l.Index), l.HW}
	}
}

// News says whether Follow should hear of an interface that somebody saw, or saw go.
func (f *Fast) News(index int, gone bool, hw plane.HW) bool {
	_, has := f.names[index]
	if gone {
		delete(f.refused, index) // its number may be another's one day
		return has
	}
	if !has {
		return !f.refused[index]
	}
	for _, d := range f.doors { //order:any whether there is one
		if d.index == uint32(index) && d.hw != hw {
			return true
		}
	}
	return false
}

// Follow takes in which interfaces there are now: those that have come get a program, those that are gone are forgotten. What comes
// by one that cannot have a program is slow; the error says which and why, once.
func (f *Fast) Follow(links []Link) error {
	var errs []error
	gone, changed := maps.Clone(f.names), false
	for _, l := range links {
		delete(gone, l.Index)
		switch name, has := f.names[l.Index]; {
		case f.refused[l.Index], has && name == l.Name && (l.Port == plane.Kernel || f.doors[l.Port] == door{uint32(l.Index), l.HW}):
			continue
		case !has:
			if err := f.kernel.attachLink(l); err != nil {
				f.refused[l.Index] = true
				errs = append(errs, fmt.Errorf("what comes by %s is not fast: %w", l.Name, err))
				continue
			}
		}
		f.has(l)
		changed = true
	}
	for index := range gone { //order:any each by itself
		f.forget(index)
		changed = true
	}
	if changed {
		f.turned()
	}
	return errors.Join(errs...)
}

// forget is of an interface that is gone, and its program with it.
func (f *Fast) forget(index int) {
	f.kernel.detach(index)
	delete(f.names, index)
	for port, d := range f.doors { //order:any each by itself
		if d.index == uint32(index) {
			delete(f.doors, port)
		}
	}
}

// turned looks again at all that depends on the links.
func (f *Fast) turned() {
	for a := range f.locals { //order:any each by itself
		f.lend(a)
	}
	for _, e := range f.entries { //order:any each by itself
		f.refresh(e)
	}
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
