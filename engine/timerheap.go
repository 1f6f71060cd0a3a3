package engine

// timerHeap is many timers: a binary heap by time, then by the order of setting.
type timerHeap[K comparable] struct {
	heap  []*timer[K]
	armed map[K]*timer[K]
	free  []*timer[K] // disarmed, for the next set
	seq   uint64
}

// timer is one armed key. It knows its place in the heap, so that moving it there does not touch the map.
type timer[K comparable] struct {
	key   K
	at    Mono
	seq   uint64
	place int
}

func (t *timerHeap[K]) set(key K, at Mono) {
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

func (t *timerHeap[K]) spare() *timer[K] {
	n := len(t.free)
	if n == 0 {
		return new(timer[K])
	}
	x := t.free[n-1]
	t.free = t.free[:n-1]
	return x
}

func (t *timerHeap[K]) stop(key K) {
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

func (x *timer[K]) before(y *timer[K]) bool {
	return x.at < y.at || (x.at == y.at && x.seq < y.seq)
}

func (t *timerHeap[K]) put(x *timer[K], place int) {
	t.heap[place] = x
	x.place = place
}

// fix moves x to where the heap order wants it: up past later ones, else down past earlier ones.
func (t *timerHeap[K]) fix(x *timer[K]) {
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
