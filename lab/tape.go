//go:build linux

package lab

import (
	"encoding/binary"
	"sync"
)

// tapeLimit bounds the octets that wait to be written to captures and told to the recorder; frames beyond it go through
// but unrecorded, counted as dropTape.
const tapeLimit = 64 << 20

// tape takes a copy of every frame that is to be captured or told, off the emulator's way: one append under a lock
// that is otherwise taken only to swap the whole tape out.
type tape struct {
	all bool // captures want every frame; otherwise only those over the air

	mu      sync.Mutex
	frames  []taped
	data    []byte
	dropped int
}

// taped is one frame on the tape. to is nil for multicast and for a link-layer address nobody has.
type taped struct {
	at       nanos
	seg      *segment
	from, to *member
	off, n   int
}

func (t *tape) add(at nanos, seg *segment, from, to *member, b []byte) {
	if !t.all && !(seg.air && isIPv6(b)) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.data)+len(b) > tapeLimit {
		t.dropped++
		return
	}
	t.frames = append(t.frames, taped{at, seg, from, to, len(t.data), len(b)})
	t.data = append(t.data, b...)
}

// take swaps the tape out. The data belongs to the caller for good.
func (t *tape) take() (frames []taped, data []byte, dropped int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	frames, data, dropped = t.frames, t.data, t.dropped
	t.frames = make([]taped, 0, len(frames))
	t.data = make([]byte, 0, len(data))
	t.dropped = 0
	return frames, data, dropped
}

func isIPv6(b []byte) bool {
	return len(b) > etherLen && binary.BigEndian.Uint16(b[12:]) == etherIPv6
}
