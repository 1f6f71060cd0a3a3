package sa

// WindowSize is how many sequence numbers behind the highest one may still arrive (RFC 4303 §3.4.3 asks for 64 by
// default); older ones are refused.
const WindowSize = 64

// window is the receive window of RFC 4303 §3.4.3 over extended sequence numbers. Bit i of seenBits stands for top-i.
type window struct {
	top      uint64 // highest sequence number authenticated; 0 before the first
	seenBits uint64
}

// restored is the window after a restart: all at or below top was perhaps seen, so all of it counts as seen.
func restored(top uint64) window { return window{top: top, seenBits: ^uint64(0)} }

// infer finds the extended sequence number of which low are the low 32 bits: the one nearest above the bottom of the
// window, RFC 4303 appendix A2.2.
func (w *window) infer(low uint32) uint64 {
	high, topLow := uint32(w.top>>32), uint32(w.top)
	bottom := topLow - WindowSize + 1
	if topLow >= WindowSize-1 { // Case A: the window lies within one run of 2^32 numbers
		if low < bottom {
			high++
		}
	} else if low >= bottom && high > 0 { // Case B: it spans two; before the first 2^32 there is no earlier run
		high--
	}
	return uint64(high)<<32 | uint64(low)
}

// seen reports whether seq must be refused: marked before, left of the window, or zero, which nobody sends.
func (w *window) seen(seq uint64) bool {
	if seq == 0 {
		return true
	}
	if seq > w.top {
		return false
	}
	back := w.top - seq
	return back >= WindowSize || w.seenBits>>back&1 == 1
}

// mark notes an authenticated seq, moving the window if it is the highest so far.
func (w *window) mark(seq uint64) {
	if seq <= w.top {
		w.seenBits |= 1 << (w.top - seq)
		return
	}
	w.seenBits = w.seenBits<<min(seq-w.top, WindowSize) | 1
	w.top = seq
}
