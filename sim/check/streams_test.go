package check_test

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/sim"
	"roam6/sim/check"
)

// talker is an engine that writes octets whenever its time comes, and says what became of its connections.
type talker struct {
	at     netip.AddrPort
	tls    string
	server bool
	every  time.Duration
	sizes  []int
	until  engine.Mono

	due   engine.Mono
	conns []engine.Conn
	next  engine.Conn
	n     int
	count byte
}

func (e *talker) Deadline() (engine.Mono, string) { return e.due, "writing" }
func (e *talker) View() any                       { return nil }

func (e *talker) dial(out *engine.Effects) {
	out.Dial(engine.Dial{Conn: e.next, To: e.at, TLS: e.tls, Server: "b"})
	e.next += 2
}

func (e *talker) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	switch in := in.(type) {
	case engine.Start:
		e.due, e.conns = now.Mono.Add(e.every), nil
		if e.server {
			out.Listen(engine.Listen{Name: "x", At: e.at, TLS: e.tls})
		} else {
			e.dial(out)
		}
	case engine.Opened:
		e.conns = append(e.conns, in.Conn)
	case engine.Stream:
		in.Data[0]++ // as one that edits in place
	case engine.Closed:
		for k, c := range e.conns {
			if c == in.Conn {
				e.conns = append(e.conns[:k], e.conns[k+1:]...)
				break
			}
		}
		if !e.server && now.Mono < e.until {
			e.dial(out)
		}
	case engine.Tick:
		e.due = now.Mono.Add(e.every)
		if now.Mono > e.until {
			e.due = engine.Never
		}
		for _, c := range e.conns {
			b := make([]byte, e.sizes[e.n%len(e.sizes)])
			for i := range b {
				b[i] = e.count
				e.count++
			}
			e.n++
			out.Write(c, b)
			if e.n%17 == 0 {
				out.Close(c)
			}
		}
	}
}

// pairOf is a and b with a router between them, with trouble drawn from a seed.
func pairOf(seed uint64, model scenario.LinkModel, faults bool) *scenario.Plan {
	hw := func(n byte) plane.HW { return plane.HW{2, 0, 0, 0, 0, n} }
	pre := netip.MustParsePrefix
	iface := func(name, segment, addr string, n byte) scenario.Iface {
		return scenario.Iface{Name: name, HW: hw(n), Segment: segment, Addrs: []netip.Prefix{pre(addr)}}
	}
	p := &scenario.Plan{Scenario: "pair", Seed: seed, Length: time.Minute,
		Segments: []scenario.Segment{{Name: "left", Link: model}, {Name: "right", Link: scenario.LinkModel{Delay: 3 * time.Millisecond}}},
		Nodes: []scenario.Node{
			{Name: "a", Identity: "a", Config: []byte("a"), Ifaces: []scenario.Iface{iface("e", "left", "2001:db8:1::a/64", 1)},
				Routes: []scenario.Route{{Dst: pre("::/0"), Via: netip.MustParseAddr("2001:db8:1::1"), Iface: "e"}}},
			{Name: "r", Forward: true, Ifaces: []scenario.Iface{iface("l", "left", "2001:db8:1::1/64", 2), iface("r", "right", "2001:db8:2::1/64", 3)}},
			{Name: "b", Identity: "b", Config: []byte("b"), Ifaces: []scenario.Iface{iface("e", "right", "2001:db8:2::b/64", 4)},
				Routes: []scenario.Route{{Dst: pre("::/0"), Via: netip.MustParseAddr("2001:db8:2::1"), Iface: "e"}}},
		}}
	if faults {
		return sim.Faults(p, seed)
	}
	return p
}

// Whatever a network does to segments, and a crash to nodes: octets arrive once and in order, and equal plans give equal runs.
func TestStreamsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := scenario.LinkModel{Delay: time.Duration(rapid.IntRange(0, 30).Draw(t, "delay ms")) * time.Millisecond,
			Loss: rapid.Float64Range(0, 0.25).Draw(t, "loss"), Duplicate: rapid.Float64Range(0, 0.2).Draw(t, "duplicate"),
			Reorder: rapid.Float64Range(0, 0.3).Draw(t, "reorder"), ReorderBy: time.Duration(rapid.IntRange(0, 80).Draw(t, "by ms")) * time.Millisecond,
			Jitter: time.Duration(rapid.IntRange(0, 10).Draw(t, "jitter ms")) * time.Millisecond}
		faults, tls := rapid.Bool().Draw(t, "faults"), rapid.SampledFrom([]string{"", "p"}).Draw(t, "tls")
		seed := rapid.Uint64().Draw(t, "seed")
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 30, 1500, 6000, 20_000}), 1, 5).Draw(t, "sizes")
		var sums [2]uint64
		for k := range sums {
			c := check.NewInOrder()
			tr := &trace{fnv.New64a()}
			build := func(n scenario.Node, _ [32]byte) (scenario.Built, error) {
				e := &talker{at: netip.MustParseAddrPort("[2001:db8:2::b]:3868"), tls: tls, server: n.Name == "b", every: 700 * time.Millisecond,
					sizes: sizes, until: engine.Mono(45 * time.Second), next: 1, due: engine.Never}
				return scenario.Built{Engines: []scenario.NamedEngine{{Name: "talker", Engine: e}}, Profiles: []string{"p"}}, nil
			}
			_, err := sim.Run(sim.Config{Plan: pairOf(seed, model, faults), Build: build, Recorder: tr, Checkers: []sim.Checker{c},
				Capture: func(_ string, at time.Duration, frame []byte) { fmt.Fprint(tr.sum, int64(at)); tr.sum.Write(frame) }})
			if err != nil {
				t.Fatal(err)
			}
			if model.Loss < 0.1 && !faults && c.Given < 50 {
				t.Fatalf("%d octets arrived", c.Given)
			}
			sums[k] = tr.sum.Sum64()
		}
		if sums[0] != sums[1] {
			t.Fatal("two runs of one plan differ")
		}
	})
}

// The checker finds what would be wrong.
func TestInOrderFinds(t *testing.T) {
	from, to := netip.MustParseAddrPort("[2001:db8::1]:1"), netip.MustParseAddrPort("[2001:db8::2]:2")
	opened := func(node string, c engine.Conn, from, to netip.AddrPort) sim.Handled {
		return sim.Handled{Node: node, Input: engine.Opened{Conn: c, From: from, To: to}, Effects: []engine.Effect{engine.Write{Conn: c, Data: []byte("abcdef")}}}
	}
	given := func(c engine.Conn, s string) sim.Streamed {
		return sim.Streamed{Node: "b", Conn: c, Data: []byte(s)}
	}
	closes := sim.Handled{Node: "b", Input: engine.Tick{}, Effects: []engine.Effect{engine.Close{Conn: 2}}}
	ended := sim.Handled{Node: "b", Input: engine.Closed{Conn: 2}}
	for want, more := range map[string][]sim.Observation{ //order:any
		"":           {given(2, "abc"), given(2, "def")},
		"not the":    {given(2, "abc"), given(2, "abc")},
		"not the n":  {given(2, "bc")},
		"not open":   {given(4, "abc")},
		"which is":   {ended, given(2, "abc")},
		"has closed": {closes, given(2, "abc")},
		"twice":      {opened("b", 2, to, from)},
	} {
		c := check.NewInOrder()
		for _, o := range append([]sim.Observation{opened("a", 1, from, to), opened("b", 2, to, from)}, more...) {
			c.Observe(o)
		}
		if err := c.Err(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
