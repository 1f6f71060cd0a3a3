package engine

// Timers holds the pending deadlines of one machine, keyed by what they are for. Setting a key again
// moves its deadline. Equal deadlines fire in the order they were set, so runs repeat exactly.
//
// The zero Timers is ready. A set or a stop costs O(log n), a read of the next deadline O(1). A handful of timers, all
// that most machines have, stand in order inside the value itself: with thousands of machines in one process, what
// a deadline costs is the memory touched to find it.
type Timers[K comparable] struct {
	few  [fewTimers]pending[K] // the earliest first, equal ones as they were set
	n    int                   // how many of few are armed; 0 once there is many
	many *timerHeap[K]
}

// fewTimers is the number of timers up to which they are kept in order. More become a heap, and stay one.
const fewTimers = 6

type pending[K comparable] struct {
	at  Mono
	key K
}

// Set arms key for the given time, replacing an earlier deadline of the same key. Never stops it.
func (t *Timers[K]) Set(key K, at Mono) {
	switch {
	case at == Never:
		t.Stop(key)
		return
	case t.many != nil:
		t.many.set(key, at)
		return
	}
	// The one that moves leaves a gap, which goes to where it belongs: past earlier ones up, past later ones down.
	gap := t.find(key)
	if gap < 0 {
		if t.n == fewTimers {
			t.grow()
			t.many.set(key, at)
			return
		}
		gap = t.n
		t.n++
	}
	for ; gap+1 < t.n && t.few[gap+1].at <= at; gap++ {
		t.few[gap] = t.few[gap+1]
	}
	for ; gap > 0 && t.few[gap-1].at > at; gap-- {
		t.few[gap] = t.few[gap-1]
	}
	t.few[gap] = pending[K]{at, key}
}

// find is the place of key among the few, or -1.
func (t *Timers[K]) find(key K) int {
	for i := range t.n {
		if t.few[i].key == key {
			return i
		}
	}
	return -1
}

// grow turns the few into a heap, in their order.
func (t *Timers[K]) grow() {
	t.many = &timerHeap[K]{armed: make(map[K]*timer[K], 2*fewTimers)}
	for i, p := range t.few[:t.n] {
		t.many.set(p.key, p.at)
		t.few[i] = pending[K]{}
	}
	t.n = 0
}

// Stop disarms key; it is no error if it was not armed.
func (t *Timers[K]) Stop(key K) {
	if t.many != nil {
		t.many.stop(key)
		return
	}
	if i := t.find(key); i >= 0 {
		t.n--
		copy(t.few[i:t.n], t.few[i+1:])
		t.few[t.n] = pending[K]{} // a key may hold on to memory
	}
}

// Armed reports whether key has a deadline, and which.
func (t *Timers[K]) Armed(key K) (Mono, bool) {
	if t.many != nil {
		if x, ok := t.many.armed[key]; ok {
			return x.at, true
		}
		return Never, false
	}
	if i := t.find(key); i >= 0 {
		return t.few[i].at, true
	}
	return Never, false
}

// Next gives the earliest deadline and its key; Never and the zero key if there is none.
func (t *Timers[K]) Next() (Mono, K) {
	switch {
	case t.n > 0:
		return t.few[0].at, t.few[0].key
	case t.many != nil && len(t.many.heap) > 0:
		return t.many.heap[0].at, t.many.heap[0].key
	}
	var zero K
	return Never, zero
}

// Pop disarms and returns the earliest key due at now or before.
func (t *Timers[K]) Pop(now Mono) (K, bool) {
	at, key := t.Next()
	if at > now || at == Never {
		var zero K
		return zero, false
	}
	t.Stop(key)
	return key, true
}

// Len is the number of armed keys.
func (t *Timers[K]) Len() int {
	if t.many != nil {
		return len(t.many.heap)
	}
	return t.n
}
