package engine

// Timers holds the pending deadlines of one machine, keyed by what they are for. Setting a key again
// moves its deadline. Equal deadlines fire in the order they were set, so runs repeat exactly.
//
// The zero Timers is ready. A set or a stop costs O(log n), a read of the next deadline O(1).
type Timers[K comparable] struct {
	heap  []*timer[K]
	armed map[K]*timer[K]
	free  []*timer[K] // disarmed, for the next Set
	seq   uint64
}

// timer is one armed key. It knows its place in the heap, so that moving it there does not touch the map.
type timer[K comparable] struct {
	key   K
	at    Mono
	seq   uint64
	place int
}

// Set arms key for the given time, replacing an earlier deadline of the same key. Never stops it.
func (t *Timers[K]) Set(key K, at Mono) {
	if at == Never {
		t.Stop(key)
		return
	}
	if t.armed == nil {
		t.armed = make(map[K]*timer[K])
	}
	x, ok := t.armed[key]
	if !ok {
		x = t.spare()
		x.key, x.place = key, len(t.heap)
		t.heap = append(t.heap, x)
		t.armed[key] = x
	}
	t.seq++
	x.at, x.seq = at, t.seq
	t.fix(x)
}

func (t *Timers[K]) spare() *timer[K] {
	n := len(t.free)
	if n == 0 {
		return new(timer[K])
	}
	x := t.free[n-1]
	t.free = t.free[:n-1]
	return x
}

// Stop disarms key; it is no error if it was not armed.
func (t *Timers[K]) Stop(key K) {
	x, ok := t.armed[key]
	if !ok {
		return
	}
	delete(t.armed, key)
	last := t.heap[len(t.heap)-1]
	t.heap = t.heap[:len(t.heap)-1]
	if x != last {
		t.put(last, x.place)
		t.fix(last)
	}
	*x = timer[K]{}
	t.free = append(t.free, x)
}

// Armed reports whether key has a deadline, and which.
func (t *Timers[K]) Armed(key K) (Mono, bool) {
	x, ok := t.armed[key]
	if !ok {
		return Never, false
	}
	return x.at, true
}

// Next gives the earliest deadline and its key; Never and the zero key if there is none.
func (t *Timers[K]) Next() (Mono, K) {
	if len(t.heap) == 0 {
		var zero K
		return Never, zero
	}
	return t.heap[0].at, t.heap[0].key
}

// Pop disarms and returns the earliest key due at now or before.
func (t *Timers[K]) Pop(now Mono) (K, bool) {
	if len(t.heap) == 0 || t.heap[0].at > now {
		var zero K
		return zero, false
	}
	key := t.heap[0].key
	t.Stop(key)
	return key, true
}

// Len is the number of armed keys.
func (t *Timers[K]) Len() int { return len(t.heap) }

func (x *timer[K]) before(y *timer[K]) bool {
	return x.at < y.at || (x.at == y.at && x.seq < y.seq)
}

func (t *Timers[K]) put(x *timer[K], place int) {
	t.heap[place] = x
	x.place = place
}

// fix moves x to where the heap order wants it: up past later ones, else down past earlier ones.
func (t *Timers[K]) fix(x *timer[K]) {
	i := x.place
	for i > 0 {
		parent := t.heap[(i-1)/2]
		if !x.before(parent) {
			break
		}
		up := parent.place
		t.put(parent, i)
		i = up
	}
	for {
		least := x
		for c := 2*i + 1; c <= 2*i+2 && c < len(t.heap); c++ {
			if t.heap[c].before(least) {
				least = t.heap[c]
			}
		}
		if least == x {
			break
		}
		down := least.place
		t.put(least, i)
		i = down
	}
	t.put(x, i)
}
