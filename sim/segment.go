package sim

import (
	"slices"
	"time"

	"roam6/plane"
	"roam6/scenario"
)

// segment is one layer 2 medium and who is on it.
type segment struct {
	id        int32
	name      string
	air       bool
	hw        plane.HW // of its point of attachment
	model     scenario.LinkModel
	plain     bool
	floor     time.Duration // no frame sent after a change of the model arrives before this
	latest    time.Duration // latest arrival so far
	byHW      map[plane.HW]*iface
	listeners map[plane.HW][]int32 // user-space members by multicast address, in order of joining: their numbers
	kernel    []*iface             // members whose kernel hears every multicast, in order of attaching
	paths     map[uint64]*scenario.LinkPath
}

func newSegment(id int32, s scenario.Segment) *segment {
	return &segment{id: id, name: s.Name, air: s.Air, hw: s.HW, model: s.Link, plain: s.Link.Plain(),
		byHW: map[plane.HW]*iface{}, listeners: map[plane.HW][]int32{}, paths: map[uint64]*scenario.LinkPath{}}
}

// degrade changes the link model. Frames under way keep their times and are not overtaken by later ones.
func (s *segment) degrade(m scenario.LinkModel) {
	s.model, s.plain, s.floor = m, m.Plain(), s.latest
}

func (s *segment) path(w *world, from, to *iface) *scenario.LinkPath {
	key := uint64(uint32(from.id))<<32 | uint64(uint32(to.id))
	p := s.paths[key]
	if p == nil {
		p = scenario.NewLinkPath(w.plan.Seed, s.name, from.label(), to.label())
		s.paths[key] = p
	}
	return p
}

func (s *segment) attach(i *iface) {
	s.byHW[i.hw] = i
	if i.kernel {
		s.kernel = append(s.kernel, i)
		return
	}
	for _, g := range i.groups {
		s.listeners[g.hw] = append(s.listeners[g.hw], i.id)
	}
}

func (s *segment) detach(i *iface) {
	if s.byHW[i.hw] == i {
		delete(s.byHW, i.hw)
	}
	if i.kernel {
		s.kernel = without(s.kernel, i)
		return
	}
	for _, g := range i.groups {
		s.leave(g.hw, i)
	}
}

func (s *segment) leave(hw plane.HW, i *iface) {
	rest := without(s.listeners[hw], i.id)
	if len(rest) == 0 {
		delete(s.listeners, hw)
		return
	}
	s.listeners[hw] = rest
}

func without[T comparable](list []T, i T) []T {
	if at := slices.Index(list, i); at >= 0 {
		return slices.Delete(list, at, at+1)
	}
	return list
}

// transmit sends an IPv6 packet from an interface to a link-layer address. The world owns data from here on.
func (w *world) transmit(i *iface, to plane.HW, data []byte) {
	s := i.seg
	switch {
	case s == nil:
		w.drop(dropLinkDown)
		return
	case len(data) > i.mtu:
		w.drop(dropTooBig)
		return
	}
	leaves, ok := i.shaper.Send(&s.model, w.now, len(data)+scenario.EthernetHeader)
	if !ok {
		w.drop(dropQueueFull)
		return
	}
	w.observeFrame(s, i, to, data)
	if w.config.Lose != nil && w.config.Lose(w.now, s.name, data) {
		w.drop(dropLoss)
		return
	}
	f := frame{data: data, src: i.hw, dst: to, from: i.id, epoch: i.epoch, leaves: leaves}
	if to[0]&1 == 1 {
		w.spread(s, i, f)
		return
	}
	rcv := s.byHW[to]
	if rcv == nil || rcv == i {
		w.drop(dropNoStation)
		return
	}
	w.carry(s, i, rcv, w.frames.add(f))
	w.stats.Frames++
}

// carry schedules the arrival of a frame at one member.
func (w *world) carry(s *segment, from, to *iface, fi int32) {
	f := &w.frames.list[fi]
	var arrive [2]time.Duration
	copies := 1
	if s.plain && s.floor <= w.now {
		arrive[0] = f.leaves + s.model.Delay
	} else {
		arrive, copies = s.path(w, from, to).Pass(&s.model, f.leaves)
	}
	f.refs += int32(copies)
	if copies == 0 {
		w.drop(dropLoss)
		f.refs++
		w.frames.drop(fi)
		return
	}
	for _, at := range arrive[:copies] {
		at = max(at, s.floor)
		s.latest = max(s.latest, at)
		w.heap.push(event{at: at, kind: evArrive, a: to.id, b: to.epoch, f: fi})
	}
}

// spread schedules a multicast: one event for all receivers while the model draws nothing, else one for each.
func (w *world) spread(s *segment, from *iface, f frame) {
	group := s.listeners[f.dst]
	if len(s.kernel)+len(group) == 0 {
		return
	}
	w.stats.Frames++
	fi := w.frames.add(f)
	p := &w.frames.list[fi]
	p.refs = 1
	p.to = w.frames.receivers(len(s.kernel) + len(group))
	for _, to := range s.kernel {
		if to != from {
			p.to = append(p.to, target{to.id, to.epoch})
		}
	}
	for _, id := range group {
		if id != from.id {
			p.to = append(p.to, target{id, w.ifaces[id].epoch})
		}
	}
	if s.plain && s.floor <= w.now {
		at := f.leaves + s.model.Delay
		s.latest = max(s.latest, at)
		w.heap.push(event{at: at, kind: evSpread, f: fi})
		return
	}
	for _, t := range p.to {
		w.frames.list[fi].refs++
		w.carry(s, from, w.ifaces[t.iface], fi)
		w.frames.drop(fi)
	}
	w.frames.drop(fi)
}

// arrive hands a frame to the interface it was sent to.
func (w *world) arrive(e event) {
	f := w.frames.list[e.f]
	i := w.ifaces[e.a]
	w.frames.drop(e.f)
	if i.epoch != e.b || i.seg == nil || w.cutOff(&f) {
		w.drop(dropLinkDown)
		return
	}
	shared := f.refs > 1 || f.dst[0]&1 == 1
	i.node.receive(i, f.src, f.data, shared)
}

// arriveAll hands a multicast to all its receivers.
func (w *world) arriveAll(e event) {
	f := w.frames.list[e.f]
	cut := w.cutOff(&f)
	for k, t := range f.to {
		if k%warmAhead == 0 && len(f.to) > warmFrom {
			w.warm(f.to[k:min(k+warmAhead, len(f.to))])
		}
		i := w.ifaces[t.iface]
		if i.epoch != t.epoch || i.seg == nil || cut {
			w.drop(dropLinkDown)
			continue
		}
		i.node.receive(i, f.src, f.data, true)
		w.drain()
	}
	w.frames.drop(e.f)
}

// A multicast to thousands of nodes finds none of them in the processor's caches.
const (
	warmAhead = 8   // receivers looked at together
	warmFrom  = 256 // receivers; fewer stay in the caches anyhow
)

// warm looks at the next receivers of a multicast without doing anything: the processor fetches what it needs of one while
// it waits for another, which it cannot do while it handles them one after the other.
func (w *world) warm(next []target) {
	for _, t := range next {
		for _, r := range w.ifaces[t.iface].node.engines {
			at, _ := r.eng.Deadline()
			w.warmed += at
		}
	}
}

// cutOff reports whether the sender left before the frame's last bit did.
func (w *world) cutOff(f *frame) bool {
	if f.from < 0 {
		return false
	}
	from := w.ifaces[f.from]
	return from.epoch != f.epoch && from.detached < f.leaves
}

// observeFrame tells everyone who watches frames of one that begins to cross a segment.
func (w *world) observeFrame(s *segment, from *iface, to plane.HW, data []byte) {
	if w.config.Capture != nil {
		w.ether = append(w.ether[:0], to[:]...)
		w.ether = append(w.ether, from.hw[:]...)
		w.ether = append(w.ether, 0x86, 0xdd)
		w.ether = append(w.ether, data...)
		w.config.Capture(s.name, w.now, w.ether)
	}
	if s.air {
		node, up := w.airNode(from, to)
		w.rec.Frame(w.now, s.name, node, up, data)
	}
	if len(w.config.Checkers) > 0 {
		w.observe(Frame{At: w.now, Segment: s.name, Node: from.node.plan.Name, Packet: data})
	}
	w.recordForReplay(s, from, to, data)
}

// airNode names the mobile node a frame on the air belongs to.
func (w *world) airNode(from *iface, to plane.HW) (string, bool) {
	if from.node.userland {
		return from.node.plan.Name, true
	}
	if to[0]&1 == 1 {
		return "", false
	}
	if i := w.byHW[to]; i != nil {
		return i.node.plan.Name, false
	}
	return "", false
}
