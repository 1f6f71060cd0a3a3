package scenario

import (
	"testing"
	"time"
)

// A flow that begins by a long way and ends by a short one says so, copies and losses aside.
func TestOneWay(t *testing.T) {
	const ms = time.Millisecond
	tr := &track{}
	for i := range 1000 {
		at := time.Duration(i) * ms
		tr.sent = append(tr.sent, at)
		took := 23 * ms
		if i < 150 {
			took = 83 * ms
		}
		if i%10 != 3 {
			tr.arrivals = append(tr.arrivals, arrival{at + took, uint32(i)}, arrival{at + time.Second, uint32(i)})
		}
	}
	d := tr.oneWay()
	if d.First == nil || *d.First != Millis(83*ms) || *d.Median != Millis(23*ms) || *d.Last != Millis(23*ms) || !d.Changed() {
		t.Errorf("%v %v %v", d.First, d.Median, d.Last)
	}
	if empty := (&track{sent: []time.Duration{notDone, 5 * ms}}).oneWay(); empty.First != nil || empty.Median != nil || empty.Changed() {
		t.Errorf("nothing came: %+v", empty)
	}
	if none := (&track{}).oneWay(); none.First != nil || none.Changed() {
		t.Errorf("nothing sent: %+v", none)
	}
	near := func(a, b time.Duration) bool { return (&OneWay{First: millis(a), Last: millis(b)}).Changed() }
	if near(43*ms, 47*ms) || near(83*ms, 89*ms) || !near(23*ms, 29*ms) {
		t.Error("what is called another way")
	}
}
