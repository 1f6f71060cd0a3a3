//go:build linux

package lab

import (
	"slices"
	"testing"
	"time"

	"roam6/scenario"
)

// probe is a flow between a ("mobile") and b.
func probe(interval, start, stop time.Duration) scenario.Flow {
	return scenario.Flow{Name: "probe", Mobile: "a", Peer: "b", MobileAddr: addrA, PeerAddr: addrB, Port: 5004,
		Interval: interval, Size: 160, Start: start, Stop: stop, Probe: true, Voice: true}
}

// warmUp is the number of packets at the start of a flow that may wait for neighbour discovery.
const warmUp = 200

// delays are the delays of the packets of flow 0 that arrived, sorted, without those of the warm-up.
func (e *ear) delays(down bool) []time.Duration {
	var out []time.Duration
	for k, at := range e.received {
		if k[0] == key(0, down, 0)[0] && k[1] >= warmUp {
			out = append(out, at[0]-e.sent[k])
		}
	}
	slices.Sort(out)
	return out
}

func quantile(d []time.Duration, q float64) time.Duration {
	return d[min(len(d)-1, int(q*float64(len(d))))]
}

// The delay of a path over two links is that of their models, both ways, and nothing is lost.
func TestDelay(t *testing.T) {
	needLab(t)
	p := triangle(scenario.LinkModel{Delay: 20 * time.Millisecond}, scenario.LinkModel{Delay: 5 * time.Millisecond})
	p.Flows = []scenario.Flow{probe(2*time.Millisecond, 200*time.Millisecond, 1200*time.Millisecond)}
	p.Length = 1500 * time.Millisecond
	e, s := run(t, p, Config{})
	t.Logf("emulator: %+v", s)
	quiet := isQuiet(t, s, e)
	if e.disorder > 0 && quiet {
		t.Errorf("the recorder was told %d times of an earlier time than before", e.disorder)
	}
	for _, down := range []bool{false, true} {
		d := e.delays(down)
		if len(d) == 0 || quiet && len(d) != 500-warmUp {
			t.Fatalf("down=%v: %d of %d packets arrived; dropped %v", down, len(d), 500-warmUp, e.dropped)
		}
		t.Logf("down=%v: delay p50 %v p99 %v max %v", down, quantile(d, .5), quantile(d, .99), d[len(d)-1])
		if d[0] < 25*time.Millisecond {
			t.Errorf("down=%v: a packet came after %v, before the model's 25 ms", down, d[0])
		}
		if m := quantile(d, .5); quiet && m > 26*time.Millisecond {
			t.Errorf("down=%v: half of the packets took more than %v, the model says 25 ms", down, m)
		}
	}
	if e.frames < len(e.received) {
		t.Errorf("%d frames over the air were told of, at least %d crossed it", e.frames, len(e.received))
	}
}

// Under the load of a demonstration nothing comes before the links allow, and nothing twice. How late it comes depends on the
// machine and is measured apart (roam6 bench emulator); that the emulator asks for the right times, TestTimesAreTheModels shows.
func TestCalibration(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	needLab(t)
	c, err := Calibrate(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", c)
	if c.Early > 0 || c.Twice > 0 || c.Received > c.Sent {
		t.Errorf("%d packets came early and %d twice; %d of %d came", c.Early, c.Twice, c.Received, c.Sent)
	}
	// What a slow machine has still under way when the run ends goes with its links (link-down).
	if c.Stats.Drops[dropQueueFull] > 0 || c.Stats.Drops[dropMalformed] > 0 {
		t.Errorf("links that are never full dropped %v", c.Stats.Drops)
	}
}
