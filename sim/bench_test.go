package sim

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// quiet is a Recorder that keeps counts only.
type quiet struct{ received, frames int }

func (q *quiet) Event(time.Duration, string, string, engine.Event) {}
func (q *quiet) Did(time.Duration, int)                            {}
func (q *quiet) Sent(time.Duration, int, bool, uint32)             {}
func (q *quiet) Received(time.Duration, int, bool, uint32)         { q.received++ }
func (q *quiet) Frame(time.Duration, string, string, bool, []byte) { q.frames++ }
func (q *quiet) Dropped(string, int)                               {}

// crowd is a cell of so many mobile nodes and one access router whose engine advertises 20 times a second.
func crowd(nodes int, length time.Duration, link scenario.LinkModel) (*scenario.Plan, map[string]handler) {
	p := &scenario.Plan{Scenario: "crowd", Seed: 1, Length: length,
		Segments: []scenario.Segment{{Name: "cell", Air: true, Link: link}},
		Nodes: []scenario.Node{{Name: "ar", Forward: true, Config: []byte("x"), Ifaces: []scenario.Iface{
			{Name: "c", Port: 1, HW: hw(0), Segment: "cell", Addrs: []netip.Prefix{prefix("2001:db8:a::1/64")}}}}}}
	by := map[string]handler{"ar": advertise}
	for k := 1; k <= nodes; k++ {
		name := fmt.Sprint("mn", k)
		p.Nodes = append(p.Nodes, scenario.Node{Name: name, Userland: true, Config: []byte("x"),
			Ifaces: []scenario.Iface{{Name: "w", Port: 1, HW: hw(k), Segment: "cell"}}})
		by[name] = func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Packet); ok {
				s.due = now.Mono.Add(time.Second) // as movement detection does
			}
			if _, ok := in.(engine.Tick); ok {
				s.due = engine.Never
			}
		}
	}
	return p, by
}

func advertise(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
	switch in.(type) {
	case engine.Tick:
		src := ip6.LinkLocal(hw(0))
		ra := &nd.RouterAdvertisement{Options: nd.Options{SourceHW: hw(0)}}
		out.Send(1, plane.HW{}, ndPacket(src, ip6.AllNodes, ra))
		s.due = s.due.Add(50 * ms)
	case engine.LinkUp:
		s.due = now.Mono.Add(50 * ms)
	}
}

func TestMulticastReachesAll(t *testing.T) {
	for name, link := range map[string]scenario.LinkModel{"plain": {Delay: ms}, "jitter": {Delay: ms, Jitter: ms}} {
		p, by := crowd(100, time.Second+2*ms, link)
		p.Actions = []scenario.Action{{At: 500 * ms, Verb: scenario.Detach, Node: "mn7", Iface: "w"}}
		stats, err := Run(Config{Plan: p, Build: scripts(by), Recorder: &quiet{}})
		if err != nil {
			t.Fatal(err)
		}
		// Start and LinkUp for each of 101, 20 ticks of ar, a LinkDown, 20 advertisements to 99 nodes and 9 to mn7 (the
		// tenth is in flight when it leaves).
		if want := uint64(2*101 + 20 + 1 + 20*99 + 9); stats.Inputs != want {
			t.Errorf("%s: %d inputs, want %d", name, stats.Inputs, want)
		}
	}
}

// BenchmarkCell10000 is one virtual second of a cell of 10,000 mobile nodes: 200,000 advertisements received.
func BenchmarkCell10000(b *testing.B) {
	p, by := crowd(10_000, time.Second+2*ms, scenario.LinkModel{Delay: ms})
	b.ReportAllocs()
	var inputs uint64
	for b.Loop() {
		stats, err := Run(Config{Plan: p, Build: scripts(by), Recorder: &quiet{}})
		if err != nil {
			b.Fatal(err)
		}
		inputs += stats.Inputs
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(inputs), "ns/input")
}

// BenchmarkFlow is the way of one user packet over two links and a router.
func BenchmarkFlow(b *testing.B) {
	p := twoNets(scenario.LinkModel{Delay: 5 * ms}, scenario.LinkModel{Delay: 7 * ms})
	p.Flows[0].Interval = 10 * time.Microsecond
	p.Length = time.Second
	b.ReportAllocs()
	var events uint64
	for b.Loop() {
		stats, err := Run(Config{Plan: p, Build: scripts(nil), Recorder: &quiet{}})
		if err != nil {
			b.Fatal(err)
		}
		events += stats.Events
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// BenchmarkTunnel is the way of one user packet through a home agent's capture and tunnel.
func BenchmarkTunnel(b *testing.B) {
	p := home()
	p.Flows[0].Interval = 20 * time.Microsecond
	b.ReportAllocs()
	var events uint64
	for b.Loop() {
		stats, err := Run(Config{Plan: p, Build: scripts(homeScripts()), Recorder: &quiet{}})
		if err != nil {
			b.Fatal(err)
		}
		events += stats.Events
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
