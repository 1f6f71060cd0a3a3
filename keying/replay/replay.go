// Package replay is the receive window of ESP and AH over extended sequence numbers: RFC 4303 §3.4.3 and appendix A2, RFC 4302 §3.4.3 and
// appendix B2. It is a value: who keeps it over a restart, and when it is marked, is the receiver's business.
package replay

// Size is how many sequence numbers behind the highest one may still arrive (64 is what both RFCs ask for by default); older ones are refused.
const Size = 64

// Window remembers what has come. The zero Window is that of a new association.
//
// spec MIP-02 FH-18
type Window struct {
	top  uint64 // highest sequence number authenticated; 0 before the first
	bits uint64 // bit i stands for top-i
}

// Restored is the window after a restart: all at or below top was perhaps seen, so all of it counts as seen.
func Restored(top uint64) Window { return Window{top: top, bits: ^uint64(0)} }

// Top is the highest sequence number marked, 0 before the first.
func (w *Window) Top() uint64 { return w.top }

// Infer finds the extended sequence number of which low are the low 32 bits: the one nearest above the bottom of the window, RFC 4303 appendix
// A2.2. Without extended numbers it is not asked: low is the whole.
func (w *Window) Infer(low uint32) uint64 {
	high, topLow := uint32(w.top>>32), uint32(w.top)
	bottom := topLow - Size + 1
	if topLow >= Size-1 { // Case A: the window lies within one run of 2^32 numbers
		if low < bottom {
			high++
		}
	} else if low >= bottom && high > 0 { // Case B: it spans two; before the first 2^32 there is no earlier run
		high--
	}
	return uint64(high)<<32 | uint64(low)
}

// Seen reports whether seq must be refused: marked before, left of the window, or zero, which nobody sends.
func (w *Window) Seen(seq uint64) bool {
	if seq == 0 {
		return true
	}
	if seq > w.top {
		return false
	}
	back := w.top - seq
	return back >= Size || w.bits>>back&1 == 1
}

// Mark notes an authenticated seq, moving the window if it is the highest so far.
func (w *Window) Mark(seq uint64) {
	if seq <= w.top {
		w.bits |= 1 << (w.top - seq)
		return
	}
	w.bits = w.bits<<min(seq-w.top, Size) | 1
	w.top = seq
}
