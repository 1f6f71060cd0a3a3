package scenario

import (
	"slices"
	"sort"
	"time"
)

// BaselinePackets is the number of packets before a handover whose median delay is its normal delay.
const BaselinePackets = 1000

// window is the time in which what happens to the probe is put down to one handover: from its first action to the
// first action of the same node's next handover, or to the end of the run.
type window struct{ start, end time.Duration }

// settledAfter is how long after the node is registered a gap may begin that is still put down to the handover: packets by the
// ways of before, and peers that hear of the move later, make theirs until then.
const settledAfter = 500 * time.Millisecond

// gap finds the longest time of the window without a delivered packet that begins before settled. It begins with the last arrival
// before, but not more than a sending interval before the window, and ends with the next arrival. Open says that none came any more in
// the window although packets were sent. ok is false when the flow did not run.
func (t *track) gap(w window, settled time.Duration, f Flow) (start, end time.Duration, open, ok bool) {
	if f.Start >= w.end || f.Stop <= w.start {
		return w.start, w.start, false, false
	}
	first := t.arrivedBy(w.start)
	previous := max(f.Start, w.start-f.Interval)
	if first > 0 {
		previous = max(previous, t.arrivals[first-1].at)
	}
	start, end = previous, previous
	for _, a := range t.arrivals[first:] {
		if a.at >= w.end {
			break
		}
		if a.at-previous > end-start && previous < settled {
			start, end = previous, a.at
		}
		previous = a.at
	}
	// Nothing more came: the time until the flow or the window ended counts as well.
	if tail := min(w.end, f.Stop); tail-previous > max(end-start, 2*f.Interval) {
		return previous, tail, true, true
	}
	return start, end, false, true
}

// arrivedBy is the number of arrivals before a time.
func (t *track) arrivedBy(at time.Duration) int {
	return sort.Search(len(t.arrivals), func(i int) bool { return t.arrivals[i].at >= at })
}

// direction makes one direction's figures of a handover. The last result is when the first packet after the interruption
// was delivered; notDone when none was.
func (t *track) direction(w window, settled time.Duration, f Flow, blackout time.Duration) (Direction, time.Duration) {
	var d Direction
	start, end, open, ok := t.gap(w, settled, f)
	if !ok {
		return d, notDone
	}
	interruption := max(0, end-start-f.Interval)
	d.Interruption = millis(interruption)
	d.L3Overhead = millis(max(0, interruption-blackout))
	// Packets are put down to the window in which they would have arrived: those that were on their way when the link
	// went are this handover's.
	usual := t.usual()
	sent := window{w.start - usual, w.end - usual}
	lost, duplicated, reordered := t.count(sent)
	d.Lost, d.Duplicated, d.Reordered = &lost, &duplicated, &reordered
	d.MaxExtra = t.extra(sent)
	switch {
	case open:
		d.gapStart, d.gapEnd = start, end
		return d, notDone
	case interruption <= f.Interval: // nothing that could be told from the rhythm of the flow
		i := t.arrivedBy(w.start)
		if i == len(t.arrivals) {
			return d, notDone
		}
		return d, t.arrivals[i].at
	}
	d.gapStart, d.gapEnd = start, end
	return d, end
}

// quietSpan is the time before a handover that shows what gaps there are without one, and quietAfter how long after the
// handover before, or the beginning of the flow, that begins at the earliest.
const (
	quietSpan  = time.Second
	quietAfter = 500 * time.Millisecond
)

// quiet is the longest gap, less the sending interval, in quietSpan before a handover was announced: what the world itself does to
// the rhythm of packets. In the simulator that is nothing; in the laboratory kernels and links share the machine's processors. It
// is notDone where the handover before, or the beginning of the flow, is too near.
func (t *track) quiet(c *change, f Flow) time.Duration {
	w := window{c.notice - quietSpan, c.notice}
	if w.start < f.Start+quietAfter || c.before != notDone && w.start < c.before+quietAfter {
		return notDone
	}
	i := t.arrivedBy(w.start) // a gap that lasts from before is the handover's before
	if i == len(t.arrivals) || t.arrivals[i].at > w.end-quietSpan/2 {
		return notDone
	}
	w.start = t.arrivals[i].at
	start, end, _, ok := t.gap(w, w.end, f)
	if !ok {
		return notDone
	}
	return max(0, end-start-f.Interval)
}

// sentIn gives the sequence numbers sent in a window. Senders number in order of time.
func (t *track) sentIn(w window) (from, to int) {
	from = sort.Search(len(t.sent), func(i int) bool { return t.sent[i] >= w.start })
	to = sort.Search(len(t.sent), func(i int) bool { return t.sent[i] >= w.end })
	return from, max(from, to)
}

// median sorts what it is given.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func millis(d time.Duration) *Millis {
	m := Millis(d)
	return &m
}
