//go:build linux

package lab

import (
	"slices"
	"sync"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

const (
	hubEvery = 10 * time.Millisecond  // how often the recorder and the captures are served
	hubHold  = 200 * time.Millisecond // records wait so long that later-told earlier ones still come before them
)

// hub collects what many threads have to tell and tells the Recorder from one goroutine in the order of time (as
// long as no thread of the lab stands still for longer than hubHold). The captures are written by the same goroutine. Nothing that is timed ever waits for either.
type hub struct {
	rec  scenario.Recorder
	tape *tape
	caps *captures
	now  func() nanos
	woke func(want, now nanos) // told when a tick was due, at the latest, and when it came

	mu        sync.Mutex
	zero      nanos // start of the run; before it nothing is told
	fresh     []record
	drops     map[string]int
	listeners []scenario.Recorder // besides rec, for a time

	held []record // only the serving goroutine
	quit chan struct{}
	done chan struct{}
}

// record is one call of the Recorder to come.
type record struct {
	at   nanos
	tell func(r scenario.Recorder, at time.Duration)
}

func newHub(rec scenario.Recorder, t *tape, caps *captures, now func() nanos, woke func(want, now nanos)) *hub {
	return &hub{rec: rec, tape: t, caps: caps, now: now, woke: woke, zero: -1, drops: map[string]int{},
		quit: make(chan struct{}), done: make(chan struct{})}
}

// begin sets the zero of the recorder's times.
func (h *hub) begin(zero nanos) {
	h.mu.Lock()
	h.zero = zero
	h.mu.Unlock()
}

// listen has a Recorder told of all that is told from now on (but the drops, which are counted at the end), until the function
// it gives is called.
func (h *hub) listen(r scenario.Recorder) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners = append(slices.Clone(h.listeners), r) // pass has the old list
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.listeners = slices.DeleteFunc(slices.Clone(h.listeners), func(o scenario.Recorder) bool { return o == r })
	}
}

func (h *hub) add(at nanos, tell func(r scenario.Recorder, at time.Duration)) {
	h.mu.Lock()
	if h.rec != nil || len(h.listeners) > 0 {
		h.fresh = append(h.fresh, record{at, tell})
	}
	h.mu.Unlock()
}

func (h *hub) event(at nanos, node, eng string, ev engine.Event) {
	h.add(at, func(r scenario.Recorder, at time.Duration) { r.Event(at, node, eng, ev) })
}

func (h *hub) did(at nanos, i int) {
	h.add(at, func(r scenario.Recorder, at time.Duration) { r.Did(at, i) })
}

func (h *hub) sent(at nanos, flow int, down bool, seq uint32) {
	h.add(at, func(r scenario.Recorder, at time.Duration) { r.Sent(at, flow, down, seq) })
}

func (h *hub) received(at nanos, flow int, down bool, seq uint32) {
	h.add(at, func(r scenario.Recorder, at time.Duration) { r.Received(at, flow, down, seq) })
}

// dropped counts; the counts are told at the end.
func (h *hub) dropped(reason string, n int) {
	h.mu.Lock()
	h.drops[reason] += n
	h.mu.Unlock()
}

func (h *hub) serve() {
	defer close(h.done)
	tick, flush := time.NewTicker(hubEvery), time.NewTicker(captureEvery)
	defer tick.Stop()
	defer flush.Stop()
	for {
		ready := h.now() // a disk that takes its time keeps this goroutine alone
		select {
		case <-tick.C:
			now := h.now()
			h.woke(ready+hubEvery, now)
			h.pass(now - nanos(hubHold))
		case <-flush.C:
			h.caps.flush()
		case <-h.quit:
			h.pass(h.now())
			return
		}
	}
}

// close tells all that is left, drops last. emulated are those the emulator counted.
func (h *hub) close(emulated map[string]int) error {
	close(h.quit)
	<-h.done
	for reason, n := range emulated {
		h.drops[reason] += n
	}
	if h.caps.full > 0 {
		h.drops[dropTape] += h.caps.full
	}
	if h.rec != nil {
		reasons := make([]string, 0, len(h.drops))
		for reason := range h.drops {
			reasons = append(reasons, reason)
		}
		slices.Sort(reasons)
		for _, reason := range reasons {
			h.rec.Dropped(reason, h.drops[reason])
		}
	}
	return h.caps.close()
}

// pass writes the tape to the captures and tells all records up to a time.
func (h *hub) pass(until nanos) {
	frames, data, dropped := h.tape.take()
	h.mu.Lock()
	told := h.listeners
	if h.rec != nil {
		told = append([]scenario.Recorder{h.rec}, told...)
	}
	h.mu.Unlock()
	for i := range frames {
		f := &frames[i]
		b := data[f.off : f.off+f.n : f.off+f.n]
		h.caps.write(f, b)
		if len(told) > 0 && f.seg.air && isIPv6(b) {
			h.held = append(h.held, f.record(b))
		}
	}
	h.mu.Lock()
	h.held = append(h.held, h.fresh...)
	h.fresh = h.fresh[:0]
	zero := h.zero
	if dropped > 0 {
		h.drops[dropTape] += dropped
	}
	h.mu.Unlock()
	slices.SortStableFunc(h.held, func(a, b record) int { return int(min(1, max(-1, a.at-b.at))) })
	n := 0
	for n < len(h.held) && h.held[n].at <= until {
		if r := &h.held[n]; zero >= 0 && r.at >= zero {
			for _, t := range told {
				r.tell(t, time.Duration(r.at-zero))
			}
		}
		n++
	}
	h.held = slices.Delete(h.held, 0, n)
}

// record is the frame as the Recorder is told of it: the mobile node it belongs to, and the packet in it.
func (f *taped) record(b []byte) record {
	segment, packet := f.seg.name, b[etherLen:]
	node, up := "", false
	switch {
	case f.from.userland:
		node, up = f.from.node, true
	case f.to != nil && b[0]&1 == 0:
		node = f.to.node
	}
	return record{f.at, func(r scenario.Recorder, at time.Duration) { r.Frame(at, segment, node, up, packet) }}
}
