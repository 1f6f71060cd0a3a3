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
	needQuiet(t, s, e)
	if e.disorder > 0 {
		t.Errorf("the recorder was told %d times of an earlier time than before", e.disorder)
	}
	for _, down := range []bool{false, true} {
		d := e.delays(down)
		if len(d) != 500-warmUp {
			t.Fatalf("down=%v: %d of %d packets arrived; dropped %v", down, len(d), 500-warmUp, e.dropped)
		}
		t.Logf("down=%v: delay p50 %v p99 %v max %v", down, quantile(d, .5), quantile(d, .99), d[len(d)-1])
		if d[0] < 25*time.Millisecond {
			t.Errorf("down=%v: a packet came after %v, before the model's 25 ms", down, d[0])
		}
		if m := quantile(d, .5); m > 26*time.Millisecond {
			t.Errorf("down=%v: half of the packets took more than %v, the model says 25 ms", down, m)
		}
	}
	if e.frames < 1000 {
		t.Errorf("%d frames over the air were told of, at least 1000 crossed it", e.frames)
	}
}

// Calibration prints how well the emulator keeps its times under the load of the demo: 4,000 packets/s over nine hops.
func TestCalibration(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	needLab(t)
	const routers = 8
	p := chain(routers, scenario.LinkModel{Delay: 2 * time.Millisecond})
	for i := range 2 {
		f := probe(time.Millisecond, 500*time.Millisecond, 3500*time.Millisecond)
		f.Port += uint16(i)
		f.MobileAddr, f.PeerAddr = chainEnds(routers)
		p.Flows = append(p.Flows, f)
	}
	p.Length = 4 * time.Second
	e, s := run(t, p, Config{CaptureDir: t.TempDir()})
	d := e.delays(true)
	if len(d) == 0 {
		t.Fatalf("nothing arrived; dropped %v", e.dropped)
	}
	t.Logf("%d frames; delivery against its due time: p50 %v p99 %v max %v", s.Frames, s.P50, s.P99, s.Max)
	model := 2 * time.Millisecond * (routers + 1)
	t.Logf("delay over %d links beyond the model's %v: p50 %v p99 %v max %v", routers+1, model,
		quantile(d, .5)-model, quantile(d, .99)-model, d[len(d)-1]-model)
	needQuiet(t, s, e)
	if len(d) != 3000-warmUp || s.Drops["queue-full"] > 0 {
		t.Errorf("%d of %d packets arrived; dropped %v", len(d), 3000-warmUp, e.dropped)
	}
	// What a loaded machine of two cores keeps with room to spare; the aim on a quiet one is 200 µs.
	if s.P50 > time.Millisecond {
		t.Errorf("half of all frames were more than %v late", s.P50)
	}
}
