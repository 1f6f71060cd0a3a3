package sim

import (
	"testing"
	"time"

	"roam6/driver"
	"roam6/engine"
)

// The simulator's limits are those of the world that it stands for.
func TestLimitsAreTheDrivers(t *testing.T) {
	if MaxAccepted != driver.MaxAccepted || MaxHandshakes != driver.MaxHandshakes || MaxDials != driver.MaxDials || MaxQueries != driver.MaxQueries {
		t.Error("numbers differ")
	}
	if DialTimeout != driver.DialTimeout || HandshakeTimeout != driver.HandshakeTimeout || DrainTime != driver.DrainTime || QueryTimeout != driver.QueryTimeout {
		t.Error("times differ")
	}
	if dropStreams != string(driver.DropStreams) || dropHandshakes != string(driver.DropHandshakes) {
		t.Error("words differ")
	}
}

// many dials so many times, each when the one before is open, and at most at a time.
func many(n int, atOnce int) handler {
	dialled := 0
	more := func(out *engine.Effects) {
		if dialled < n {
			out.Dial(engine.Dial{Conn: engine.Conn(2*dialled + 1), To: diameter})
			dialled++
		}
	}
	return func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Command:
			for range atOnce {
				more(out)
			}
		case engine.Opened:
			more(out)
		}
	}
}

// ends counts the reasons of Closed.
func (l log) ends() map[string]int {
	words := map[string]int{}
	for _, n := range l {
		if c, ok := n.in.(engine.Closed); ok {
			words[c.Reason]++
		}
	}
	return words
}

func TestStreamLimits(t *testing.T) {
	for name, c := range map[string]struct {
		n, atOnce int
		listen    string
		length    time.Duration
		reason    string // of the dialler's
		ends      int
		drop      string
		drops     int
		opened    int // at the listener
	}{
		"dials":       {MaxDials + 3, MaxDials + 3, "", 5 * time.Second, engine.ReasonTooMany, 3, "", 0, MaxDials},
		"connections": {MaxAccepted + 3, 100, "", 5 * time.Second, engine.ReasonReset, 3, dropStreams, 3, MaxAccepted},
		"handshakes":  {MaxHandshakes + 3, 100, "p", 5 * time.Second, engine.ReasonReset, 3, dropHandshakes, 3, 0},
		"no hello":    {10, 10, "p", 7 * time.Second, engine.ReasonReset, 10, engine.ReasonTLSTimeout, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newTape()
			la, lb := talk(t, Config{Plan: peers(c.length), Recorder: rec}, many(c.n, c.atOnce), listens(c.listen))
			if ends := la.ends(); len(ends) != 1 || ends[c.reason] != c.ends {
				t.Errorf("ends %v", ends)
			}
			if c.drop != "" && rec.drops[c.drop] != c.drops || len(lb) != c.opened {
				t.Errorf("drops %v, the listener was told %d things", rec.drops, len(lb))
			}
		})
	}
}

// Places that were left are free for others.
func TestStreamPlacesComeBack(t *testing.T) {
	n := 0
	la, _ := talk(t, Config{Plan: peers(100 * time.Second)}, func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Opened:
			out.Close(in.Conn)
		case engine.Closed, engine.Command:
			if n++; n <= MaxAccepted+200 {
				out.Dial(engine.Dial{Conn: engine.Conn(2*n - 1), To: diameter, TLS: "p", Server: "b.example.org"})
			}
		}
	}, listens("p"))
	if ends := la.ends(); len(ends) != 1 || ends[engine.ReasonClosed] != MaxAccepted+200 {
		t.Errorf("%v", ends)
	}
}
