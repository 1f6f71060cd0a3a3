//go:build linux

package lab

import (
	"slices"

	"roam6/plane"
	"roam6/scenario"
)

// frame is one Ethernet frame, shared by all its deliveries.
type frame struct {
	buf  []byte // whole buffer; kept when the frame goes back to the pool
	n    int
	refs int
}

func (f *frame) data() []byte { return f.buf[:f.n] }

// member is one interface as the emulator sees it: the file of its TAP device and where it is attached.
type member struct {
	index    int
	node     string
	userland bool
	label    string // "node/iface"
	hw       plane.HW
	fd       int
	seg      *segment // nil: attached to nothing
	attached uint32   // counts attachments and detachments
	left     nanos    // when it was detached last
	shaper   scenario.Shaper
}

// segment is a layer 2 medium and its members of the moment.
type segment struct {
	name    string
	air     bool
	model   scenario.LinkModel
	floor   nanos // no frame sent after a change of the model arrives before this
	latest  nanos // latest arrival so far
	members []*member
	paths   map[[2]int]*scenario.LinkPath // by the indices of sender and receiver
}

// Ethernet: octets of its header, and the type of IPv6 frames.
const (
	etherLen  = 14
	etherIPv6 = 0x86dd
)

// accept takes a frame that a member sent and puts its deliveries on the heap.
func (e *emulator) accept(from *member, f *frame, now nanos) {
	e.frames++
	seg, b := from.seg, f.data()
	switch {
	case seg == nil:
		e.drop(dropLinkDown)
		return
	case len(b) < etherLen:
		e.drop(dropMalformed)
		return
	}
	leaves, ok := from.shaper.Send(&seg.model, now, len(b))
	if !ok {
		e.drop(dropQueueFull)
		return
	}
	to := plane.HW(b[:6])
	e.tape.add(now, seg, from, e.byHW[to], b)
	if b[0]&1 == 0 {
		rcv := e.byHW[to]
		if rcv == nil || rcv == from || rcv.seg != seg {
			e.drop(dropNoStation)
			return
		}
		e.carry(seg, from, rcv, f, leaves)
		return
	}
	for _, rcv := range seg.members {
		if rcv != from {
			e.carry(seg, from, rcv, f, leaves)
		}
	}
}

// carry draws the frame's fate toward one receiver.
func (e *emulator) carry(seg *segment, from, to *member, f *frame, leaves nanos) {
	key := [2]int{from.index, to.index}
	p := seg.paths[key]
	if p == nil {
		p = scenario.NewLinkPath(e.seed, seg.name, from.label, to.label)
		seg.paths[key] = p
	}
	arrive, copies := p.Pass(&seg.model, leaves)
	if copies == 0 {
		e.drop(dropLoss)
		return
	}
	for _, at := range arrive[:copies] {
		at = max(at, seg.floor)
		seg.latest = max(seg.latest, at)
		f.refs++
		e.heap.push(delivery{due: at, leaves: leaves, from: from, to: to, sent: from.attached, bound: to.attached, frame: f})
	}
}

// lost reports whether a delivery that is due has nobody to go to any more, or never left its sender.
func (d *delivery) lost() bool {
	return d.to.attached != d.bound || (d.from.attached != d.sent && d.from.left < d.leaves)
}

// attach puts a member on a segment, nil for none. Frames in flight to it are lost.
func (e *emulator) attach(m *member, seg *segment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m.seg != nil {
		for k := 0; k < tapQueue && m.fd > 0 && e.read(m); k++ { // sent before it leaves
		}
		m.seg.members = slices.DeleteFunc(m.seg.members, func(o *member) bool { return o == m })
		m.left = e.now()
	}
	m.attached++
	m.shaper = scenario.Shaper{}
	m.seg = seg
	if seg != nil {
		seg.members = append(seg.members, m)
	}
}

// degrade gives a segment another model. Frames under way keep their times and are not overtaken by later ones.
func (e *emulator) degrade(seg *segment, model scenario.LinkModel) {
	e.mu.Lock()
	defer e.mu.Unlock()
	seg.model, seg.floor = model, seg.latest
}

// where names the segment a member is on, "" for none.
func (e *emulator) where(m *member) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m.seg == nil {
		return ""
	}
	return m.seg.name
}
