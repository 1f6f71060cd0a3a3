package sim

import (
	"net/netip"
	"testing"
	"time"

	"roam6/driver"
	"roam6/engine"
	"roam6/scenario"
	"roam6/sim/tcp"
)

// The simulator's limits are those of the world that it stands for.
func TestLimitsAreTheDrivers(t *testing.T) {
	if MaxAccepted != driver.MaxAccepted || MaxHandshakes != driver.MaxHandshakes || MaxDials != driver.MaxDials || MaxQueries != driver.MaxQueries || MaxPuts != driver.MaxPuts || MaxBinds != driver.MaxBinds {
		t.Error("numbers differ")
	}
	if DialTimeout != driver.DialTimeout || HandshakeTimeout != driver.HandshakeTimeout || DrainTime != driver.DrainTime || QueryTimeout != driver.QueryTimeout {
		t.Error("times differ")
	}
	if dropStreams != string(driver.DropStreams) || dropHandshakes != string(driver.DropHandshakes) ||
		dropNoWay != string(driver.DropNoWay) || dropNotUnicast != string(driver.DropNotUnicast) {
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

// A flood of SYNs that nobody means takes no more than MaxBacklog places, which come back.
func TestStreamBacklog(t *testing.T) {
	p := peers(100 * time.Second)
	p.Nodes[0].Ifaces[0].Port = 1
	p.Actions = append(p.Actions, scenario.Action{At: 2 * time.Second, Verb: scenario.Command, Node: "a"}, scenario.Action{At: 80 * time.Second, Verb: scenario.Command, Node: "a"})
	rec := newTape()
	n := 0
	_, lb := talk(t, Config{Plan: p, Recorder: rec}, func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Command); !ok {
			return
		}
		if n++; n != 2 { // the first makes neighbours known
			out.Dial(engine.Dial{Conn: engine.Conn(2*n - 1), To: diameter})
			return
		}
		for k := range MaxBacklog + 5 {
			syn := tcp.Segment{From: 1000, To: diameter.Port(), Seq: uint32(k), Flags: tcp.SYN}
			spoofed := addr("2001:db8:1::1:0").As16()
			spoofed[14], spoofed[15] = byte(k>>8), byte(k)
			out.Send(1, hw(2), segmentPacket(&syn, netip.AddrFrom16(spoofed), atB))
		}
	}, listens(""))
	if len(lb) != 2 || rec.drops[dropBacklog] != 5 {
		t.Errorf("%d connections, drops %v", len(lb), rec.drops)
	}
}

// Whatever is said to a TLS listener by one that speaks no TLS, or begins to: its engine hears nothing.
func FuzzTLS(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(append([]byte{22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3}, make([]byte, 54)...))
	f.Add(append(append([]byte{22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3}, make([]byte, 54)...), 23, 3, 3, 0, 30))
	f.Fuzz(func(t *testing.T, said []byte) {
		_, lb := talk(t, Config{Plan: peers(10 * time.Second)}, dials(engine.Dial{Conn: 1, To: diameter}, func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
			if o, ok := in.(engine.Opened); ok {
				out.Write(o.Conn, said)
			}
		}), listens("p"))
		for _, n := range lb {
			if s, ok := n.in.(engine.Stream); ok {
				t.Fatalf("%+v", s)
			}
		}
	})
}
