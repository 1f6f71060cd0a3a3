package sim

import "time"

// kind says what an event is for, and so what its three numbers mean.
type kind uint8

const (
	evArrive  kind = iota // a: interface, b: its attachment, f: frame
	evSpread              // f: frame with its own list of receivers
	evTick                // a: engine, b: its life
	evSolicit             // a: neighbour, b: its attempt
	evFlow                // a: flow, b: 1 toward the mobile node
	evAction              // a: of Plan.Actions, ahead of its time
	evSettle              // a: engine of the node in whose plane packets wait
	evInject              // a: segment, f: frame (replayed by an attacker)
	evStream              // a: socket
	evResult              // the oldest of world.answers
)

// event is one thing that will happen. It holds no pointer, so that the garbage collector need not look into the heap.
type event struct {
	at   time.Duration
	seq  uint64
	kind kind
	a    int32
	b    uint32
	f    int32
}

// heap is a 4-ary heap of events by time, then by the order in which they were pushed. Four children a node halve
// the depth of a binary heap and sit in two cache lines.
type heap struct {
	list []event
	seq  uint64
	peak int
}

func (h *heap) len() int { return len(h.list) }

func (e *event) before(o *event) bool {
	return e.at < o.at || (e.at == o.at && e.seq < o.seq)
}

// push adds an event; its seq is set here.
func (h *heap) push(e event) {
	h.seq++
	e.seq = h.seq
	h.list = append(h.list, e)
	if len(h.list) > h.peak {
		h.peak = len(h.list)
	}
	l, i := h.list, len(h.list)-1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&l[parent]) {
			break
		}
		l[i] = l[parent]
		i = parent
	}
	l[i] = e
}

// pop takes the earliest event. The heap must not be empty.
func (h *heap) pop() event {
	top := h.list[0]
	last := len(h.list) - 1
	e := h.list[last]
	h.list = h.list[:last]
	if last > 0 {
		h.sink(e)
	}
	return top
}

// sink puts e where the root is missing and moves it down to its place.
func (h *heap) sink(e event) {
	l, i := h.list, 0
	for {
		first := 4*i + 1
		if first >= len(l) {
			break
		}
		least := first
		for c := first + 1; c < first+4 && c < len(l); c++ {
			if l[c].before(&l[least]) {
				least = c
			}
		}
		if !l[least].before(&e) {
			break
		}
		l[i] = l[least]
		i = least
	}
	l[i] = e
}
