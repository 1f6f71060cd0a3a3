package scenario

import "time"

// tally is what became of each packet of a track. It is worked out once for all handovers: a run has many, and a million packets.
type tally struct {
	sent, arrivals int             // how much of the track it is about
	first          []time.Duration // when the first copy came, by sequence number; notDone: never
	copies         map[int]int     // further copies that came
	reordered      []bool          // came after one sent later (RFC 4737 §3.3)
	usual          time.Duration   // median delay of all arrivals; 0 when there was none
}

// tally works it out, again when more was recorded since.
func (t *track) tally() *tally {
	if x := t.known; x != nil && x.sent == len(t.sent) && x.arrivals == len(t.arrivals) {
		return x
	}
	x := &tally{
		sent: len(t.sent), arrivals: len(t.arrivals), copies: map[int]int{},
		first: make([]time.Duration, len(t.sent)), reordered: make([]bool, len(t.sent)),
	}
	for i := range x.first {
		x.first[i] = notDone
	}
	highest := -1
	delays := make([]time.Duration, len(t.arrivals))
	for i, a := range t.arrivals {
		seq := int(a.seq)
		delays[i] = a.at - t.sent[seq]
		if x.first[seq] != notDone {
			x.copies[seq]++
			continue
		}
		x.first[seq], x.reordered[seq] = a.at, seq < highest
		highest = max(highest, seq)
	}
	if len(delays) > 0 {
		x.usual = median(delays)
	}
	t.known = x
	return x
}

// usual is the median delay of all packets delivered; 0 when none was.
func (t *track) usual() time.Duration { return t.tally().usual }

// count counts the packets sent in the window that never came, the copies, and those that came after a later one.
func (t *track) count(w window) (lost, duplicated, reordered int) {
	x := t.tally()
	from, to := t.sentIn(w)
	for seq := from; seq < to; seq++ {
		if x.first[seq] == notDone && t.sent[seq] != notDone {
			lost++
		}
		if x.reordered[seq] {
			reordered++
		}
	}
	for seq, n := range x.copies { //order:any
		if seq >= from && seq < to {
			duplicated += n
		}
	}
	return lost, duplicated, reordered
}

// extra is the largest delay of a packet sent in the window beyond the median of the BaselinePackets delivered that were
// sent last before it; nil when there are none.
func (t *track) extra(w window) *Millis {
	from, to := t.sentIn(w)
	before := t.delays(from-BaselinePackets, from)
	in := t.delays(from, to)
	if len(before) == 0 || len(in) == 0 {
		return nil
	}
	largest := time.Duration(0)
	for _, d := range in {
		largest = max(largest, d)
	}
	return millis(max(0, largest-median(before)))
}

// before is the median delay of the BaselinePackets delivered that were sent last before a window; 0 when there are none.
func (t *track) before(w window) time.Duration {
	from, _ := t.sentIn(w)
	d := t.delays(from-BaselinePackets, from)
	if len(d) == 0 {
		return 0
	}
	return median(d)
}

// delays are those of the packets with these sequence numbers that came; of copies the first counts.
func (t *track) delays(from, to int) []time.Duration {
	x := t.tally()
	var out []time.Duration
	for seq := max(0, from); seq < to; seq++ {
		if x.first[seq] != notDone {
			out = append(out, x.first[seq]-t.sent[seq])
		}
	}
	return out
}
