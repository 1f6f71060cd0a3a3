package scenario

import (
	"math"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestShaper(t *testing.T) {
	m := LinkModel{Rate: 8e6, Queue: 2} // one octet a microsecond
	var s Shaper
	for k, want := range []struct {
		now, leaves time.Duration
		ok          bool
	}{
		{0, 1000 * time.Microsecond, true},
		{0, 2000 * time.Microsecond, true}, // waits
		{0, 3000 * time.Microsecond, true}, // waits
		{0, 0, false},
		{999 * time.Microsecond, 0, false},
		{1000 * time.Microsecond, 4000 * time.Microsecond, true}, // the second has begun
		{9000 * time.Microsecond, 10000 * time.Microsecond, true},
	} {
		leaves, ok := s.Send(&m, want.now, 1000)
		if leaves != want.leaves || ok != want.ok {
			t.Errorf("frame %d at %v: %v %v, want %v %v", k, want.now, leaves, ok, want.leaves, want.ok)
		}
	}
	if got := serialisation(3, 1); got != 2666666667 {
		t.Errorf("8 bits at 3 bit/s take %d ns", got)
	}
}

func TestShaperLongQueueStaysBounded(t *testing.T) {
	m := LinkModel{Rate: 8e6}
	var s Shaper
	accepted := 0
	for k := range 100_000 {
		if _, ok := s.Send(&m, time.Duration(k)*500*time.Microsecond, 1000); ok {
			accepted++
		}
	}
	if accepted < 50_000 || accepted > 50_000+DefaultQueue+1 {
		t.Errorf("%d accepted", accepted)
	}
	if cap(s.starts) > 8*DefaultQueue {
		t.Errorf("the queue's memory grew to %d", cap(s.starts))
	}
}

func TestPathStatistics(t *testing.T) {
	m := LinkModel{Delay: 10 * ms, Jitter: 4 * ms, Loss: 0.1, Duplicate: 0.05, Reorder: 0.02, ReorderBy: 40 * ms}
	p := NewLinkPath(7, "seg", "a/0", "b/0")
	const n = 100_000
	var lost, dup, held int
	var sum, last time.Duration
	for k := range n {
		leaves := time.Duration(k) * 20 * ms
		at, copies := p.Pass(&m, leaves)
		switch copies {
		case 0:
			lost++
			continue
		case 2:
			dup++
		}
		d := at[0] - leaves
		if d > 14*ms {
			held++
			continue
		}
		if d < 10*ms || at[0] < last {
			t.Fatalf("frame %d: delay %v, last arrival %v", k, d, last)
		}
		last = at[0]
		sum += d
	}
	near := func(what string, got int, of float64, p float64) {
		if sigma := math.Sqrt(of * p * (1 - p)); math.Abs(float64(got)-of*p) > 4*sigma {
			t.Errorf("%s: %d of %.0f, want about %.0f", what, got, of, of*p)
		}
	}
	near("lost", lost, n, 0.1)
	near("duplicated", dup, float64(n-lost), 0.05)
	near("held back", held, float64(n-lost), 0.02)
	if mean := sum / time.Duration(n-lost-held); mean < 119*ms/10 || mean > 121*ms/10 {
		t.Errorf("mean delay %v, want 12ms", mean)
	}
}

func TestPathNeverOvertakesUnlessHeld(t *testing.T) {
	m := LinkModel{Delay: 10 * ms, Jitter: 50 * ms}
	p := NewLinkPath(7, "seg", "a/0", "b/0")
	var last time.Duration
	for k := range 10_000 {
		at, _ := p.Pass(&m, time.Duration(k)*ms)
		if at[0] < last {
			t.Fatalf("frame %d overtook", k)
		}
		last = at[0]
	}
}
