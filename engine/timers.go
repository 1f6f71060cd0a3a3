package engine

// Timers holds the pending deadlines of one machine, keyed by what they are for. Setting a key again
// moves its deadline. Equal deadlines fire in the order they were set, so runs repeat exactly.
//
// The zero Timers is ready. A set or a stop costs O(log n), a read of the next deadline O(1).
type Timers[K comparable] struct {
	heap []timer[K]
	at   map[K]int // key -> index in heap
	seq  uint64
}

type timer[K comparable] struct {
	key K
	at  Mono
	seq uint64
}

// Set arms key for the given time, replacing an earlier deadline of the same key. Never stops it.
func (t *Timers[K]) Set(key K, at Mono) {
	if at == Never {
		t.Stop(key)
		return
	}
	if t.at == nil {
		t.at = make(map[K]int)
	}
	t.seq++
	i, ok := t.at[key]
	if !ok {
		i = len(t.heap)
		t.heap = append(t.heap, timer[K]{})
		t.at[key] = i
	}
	t.heap[i] = timer[K]{key, at, t.seq}
	t.fix(i)
}

// Stop disarms key; it is no error if it was not armed.
func (t *Timers[K]) Stop(key K) {
	i, ok := t.at[key]
	if !ok {
		return
	}
	delete(t.at, key)
	last := len(t.heap) - 1
	if i != last {
		t.heap[i] = t.heap[last]
		t.at[t.heap[i].key] = i
	}
	t.heap[last] = timer[K]{}
	t.heap = t.heap[:last]
	if i != last {
		t.fix(i)
	}
}

// Armed reports whether key has a deadline, and which.
func (t *Timers[K]) Armed(key K) (Mono, bool) {
	i, ok := t.at[key]
	if !ok {
		return Never, false
	}
	return t.heap[i].at, true
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

func (t *Timers[K]) less(i, j int) bool {
	a, b := &t.heap[i], &t.heap[j]
	return a.at < b.at || (a.at == b.at && a.seq < b.seq)
}

func (t *Timers[K]) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.at[t.heap[i].key] = i
	t.at[t.heap[j].key] = j
}

// fix moves the entry at i to where the heap order wants it.
func (t *Timers[K]) fix(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !t.less(i, parent) {
			break
		}
		t.swap(i, parent)
		i = parent
	}
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(t.heap); c++ {
			if t.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		t.swap(i, least)
		i = least
	}
}
