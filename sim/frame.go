package sim

import (
	"slices"
	"time"

	"roam6/plane"
)

// frame is an IPv6 packet on its way over a segment. Its Ethernet header is kept beside it.
type frame struct {
	data     []byte
	src, dst plane.HW
	from     int32         // sending interface; -1 for an attacker's
	epoch    uint32        // the sender's attachment
	leaves   time.Duration // when its last bit leaves the sender
	refs     int32         // events that still hold it; data is given away only with the last of a unicast
	to       []target      // receivers of an evSpread
}

// target is an interface as it was attached when the frame was sent.
type target struct {
	iface int32
	epoch uint32
}

// frames is a pool; events name frames by index.
type frames struct {
	list []frame
	free []int32
	to   [][]target // lists of receivers, for the next multicast: few are under way at once
}

func (p *frames) add(f frame) int32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.list[i] = f
		return i
	}
	p.list = append(p.list, f)
	return int32(len(p.list) - 1)
}

// receivers lends an empty list for n receivers; drop takes it back.
func (p *frames) receivers(n int) []target {
	var to []target
	if k := len(p.to); k > 0 {
		to, p.to = p.to[k-1], p.to[:k-1]
	}
	return slices.Grow(to, n)
}

// drop gives up one reference.
func (p *frames) drop(i int32) {
	f := &p.list[i]
	f.refs--
	if f.refs > 0 {
		return
	}
	if f.to != nil {
		p.to = append(p.to, f.to[:0])
	}
	*f = frame{}
	p.free = append(p.free, i)
}
