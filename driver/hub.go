package driver

import (
	"sync"
	"sync/atomic"
	"time"

	"roam6/engine"
)

// followBacklog is the number of events a follower may lag behind before it loses some.
const followBacklog = 1024

// Told is one event as followers see it.
type Told struct {
	At     time.Duration `json:"at_ns"`
	Engine string        `json:"engine"`
	Event  engine.Event  `json:"event"`
	// Lost is the number of events this follower missed just before this one, because it read too slowly.
	Lost int `json:"lost,omitempty"`
}

// hub copies events to followers. The loop never waits for one.
type hub struct {
	some      atomic.Bool // whether there is any follower: the loop's short cut
	mu        sync.Mutex
	followers map[*follower]struct{}
	closed    bool
}

type follower struct {
	c    chan Told
	lost int
}

// follow gives a channel of events from now on, and a function that ends it. The channel is closed with the node.
func (h *hub) follow() (<-chan Told, func()) {
	f := &follower{c: make(chan Told, followBacklog)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(f.c)
		return f.c, func() {}
	}
	if h.followers == nil {
		h.followers = map[*follower]struct{}{}
	}
	h.followers[f] = struct{}{}
	h.some.Store(true)
	return f.c, func() { h.leave(f) }
}

func (h *hub) leave(f *follower) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.followers, f)
	h.some.Store(len(h.followers) > 0)
}

func (h *hub) publish(t Told) {
	if !h.some.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.followers {
		t.Lost = f.lost
		select {
		case f.c <- t:
			f.lost = 0
		default:
			f.lost++
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for f := range h.followers {
		close(f.c)
	}
	h.followers = nil
	h.some.Store(false)
}
