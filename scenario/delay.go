package scenario

import "time"

// DelaySpan is how much of a flow counts as its beginning, and as its end.
const DelaySpan = 100 * time.Millisecond

// OneWay is what a flow's packets took from application to application, as medians: of those sent in the flow's first
// DelaySpan, of all, and of those sent in its last DelaySpan. Nil where none of them came. A route that became another shows
// here.
type OneWay struct {
	First  *Millis `json:"first"`
	Median *Millis `json:"median"`
	Last   *Millis `json:"last"`
}

// Changed reports whether packets took a markedly longer or shorter way in the end than at first: by more than five milliseconds and a
// tenth.
func (o *OneWay) Changed() bool {
	if o == nil || o.First == nil || o.Last == nil {
		return false
	}
	first, last := time.Duration(*o.First), time.Duration(*o.Last)
	d := max(first, last) - min(first, last)
	return d > 5*time.Millisecond && d > max(first, last)/10
}

// oneWay sums up the delays of one direction of a flow.
func (t *track) oneWay() *OneWay {
	first, last := notDone, notDone
	for _, at := range t.sent {
		if at == notDone {
			continue
		}
		if first == notDone || at < first {
			first = at
		}
		last = max(last, at)
	}
	return &OneWay{
		First:  t.delayOf(first, first+DelaySpan),
		Median: t.delayOf(first, last),
		Last:   t.delayOf(last-DelaySpan, last),
	}
}

// delayOf is the median delay of the packets sent in a span, its ends included; of copies the first counts.
func (t *track) delayOf(from, to time.Duration) *Millis {
	first, after := t.sentIn(window{from, to + 1})
	delays := t.delays(first, after)
	if len(delays) == 0 {
		return nil
	}
	return millis(median(delays))
}
