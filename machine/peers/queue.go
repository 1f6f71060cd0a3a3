package peers

// queue is things with numbers in the order they came, any of which may leave. Its nodes stand beside the things.
type queue struct {
	first, last int32 // -1: none
	n           int
}

type node struct{ prev, next int32 }

var emptyQueue = queue{-1, -1, 0}

func (q *queue) push(nodes []node, i int32) {
	nodes[i] = node{q.last, -1}
	if q.last >= 0 {
		nodes[q.last].next = i
	} else {
		q.first = i
	}
	q.last = i
	q.n++
}

func (q *queue) remove(nodes []node, i int32) {
	at := nodes[i]
	if at.prev >= 0 {
		nodes[at.prev].next = at.next
	} else {
		q.first = at.next
	}
	if at.next >= 0 {
		nodes[at.next].prev = at.prev
	} else {
		q.last = at.prev
	}
	q.n--
}
