package scenario_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

const ms = time.Millisecond

// oneMove is a plan with one handover of mn from ar1 to ar2, at 1 s, attached after 20 ms, and a probe each millisecond.
func oneMove() *scenario.Plan {
	return &scenario.Plan{
		Scenario: "test", Strategy: "mipv6", Seed: 4, Length: 4 * time.Second,
		Nodes: []scenario.Node{{Name: "mn", Ifaces: []scenario.Iface{{Name: "wlan0", Port: 1, Segment: "ar1"}}}, {Name: "cn"}},
		Actions: []scenario.Action{
			{At: time.Second, Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: 0},
			{At: 1020 * ms, Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "ar2", Handover: 0},
		},
		Flows: []scenario.Flow{{Name: "probe", Mobile: "mn", Peer: "cn", Interval: ms, Start: 0, Stop: 3500 * ms, Probe: true, Voice: true}},
	}
}

// run replays a synthetic run: one way 50 ms each direction; down packets that would arrive from 1 s until back are lost, up
// packets sent in that time are held by the mobile node and sent at back.
func run(m *scenario.Measure, back time.Duration, until time.Duration) {
	const delay = 50 * ms
	type packet struct {
		at   time.Duration
		down bool
		seq  uint32
	}
	var arrivals []packet
	for seq := range uint32(until / ms) {
		sent := time.Duration(seq) * ms
		m.Sent(sent, 0, true, seq)
		m.Sent(sent, 0, false, seq)
		if at := sent + delay; at < time.Second || at >= back {
			arrivals = append(arrivals, packet{at, true, seq})
		}
		leave := sent
		if sent >= time.Second {
			leave = max(sent, back)
		}
		arrivals = append(arrivals, packet{leave + delay, false, seq})
	}
	for _, down := range []bool{true, false} { // each direction in order of time, as a world reports it
		for _, p := range arrivals {
			if p.down == down {
				m.Received(p.at, 0, p.down, p.seq)
			}
		}
	}
}

func step(at time.Duration, step, waiting string) func(*scenario.Measure) {
	return func(m *scenario.Measure) {
		var e engine.Effects
		e.Step(step, waiting)
		m.Event(at, "mn", "mn", e.List[0].(engine.Event))
	}
}

func event(at time.Duration, name, reason string) func(*scenario.Measure) {
	return func(m *scenario.Measure) { m.Event(at, "mn", "mn", engine.Event{Name: name, Reason: reason}) }
}

func state(at time.Duration, to string) func(*scenario.Measure) {
	return func(m *scenario.Measure) {
		m.Event(at, "mn", "mn", engine.Event{Name: engine.EventState, Attrs: []engine.Attr{engine.S("to", to)}})
	}
}

// baseline is the story of a plain handover that is over at 3 s.
func baseline(m *scenario.Measure) {
	m.Did(time.Second, 0)
	step(time.Second, "link down", "link")(m)
	m.Did(1020*ms, 1)
	for _, f := range []func(*scenario.Measure){
		step(1020*ms, "link up", "router advertisement"),
		step(1060*ms, "router found", "duplicate address detection"),
		step(2900*ms, "address ready", "binding acknowledgement"),
		event(2999*ms, engine.EventHomeRoundTrip, ""),
		event(2999*ms, engine.EventRegistered, ""),
		step(2999*ms, "binding acknowledged", "first packet"),
		event(3200*ms, engine.EventHomeRoundTrip, ""),
	} {
		f(m)
	}
	m.Frame(500*ms, "ar1", "mn", true, icmp(133))
	m.Frame(1021*ms, "ar2", "mn", true, icmp(133))
	m.Frame(1060*ms, "ar2", "", false, icmp(134))
	m.Frame(2900*ms, "ar2", "mn", true, append(header(50, 60), make([]byte, 60)...))
	m.Frame(2990*ms, "ar2", "mn", false, append(header(41, 100), append(header(17, 60), make([]byte, 60)...)...))
	m.Frame(3100*ms, "ar2", "mn", true, icmp(135))
	run(m, 3*time.Second, 3500*ms)
}

func header(next byte, length int) []byte {
	h := make([]byte, 40)
	h[0], h[4], h[5], h[6] = 0x60, byte(length>>8), byte(length), next
	return h
}

func icmp(kind byte) []byte { return append(header(58, 8), kind, 0, 0, 0, 0, 0, 0, 0) }

// Home round trips and messages on the air are counted until the first packet.
func TestHandoverFigures(t *testing.T) {
	//spec RT-16
	//spec FH-21
	m := scenario.NewMeasure(oneMove(), "sim", "soft")
	baseline(m)
	m.Dropped("no-gateway", 3)
	m.Dropped("no-gateway", 2)
	r := m.Result()
	if len(r.Handovers) != 1 {
		t.Fatalf("%d handovers", len(r.Handovers))
	}
	got, err := json.MarshalIndent(r.Handovers[0], "", " ")
	if err != nil {
		t.Fatal(err)
	}
	// Down: the last packet before came at 999 ms, the first after at 3,000. Up: held packets leave at 3,000 and arrive
	// at 3,050; the last before arrived at 1,049. Down, what would have arrived in the outage is lost: 2,000 packets.
	const want = `{
 "mn": "mn",
 "from": "ar1",
 "to": "ar2",
 "type": "bbm",
 "control": "mobile",
 "at_ms": 1000,
 "outcome": "registered",
 "reason": "",
 "l2_blackout_ms": 20,
 "down": {
  "interruption_ms": 2000,
  "outage_ms": 2000,
  "l3_overhead_ms": 1980,
  "lost": 2000,
  "duplicated": 0,
  "reordered": 0,
  "max_extra_delay_ms": 0
 },
 "up": {
  "interruption_ms": 2000,
  "outage_ms": 2000,
  "l3_overhead_ms": 1980,
  "lost": 0,
  "duplicated": 0,
  "reordered": 0,
  "max_extra_delay_ms": 2000
 },
 "air": {
  "messages": 2,
  "octets": 148
 },
 "home_round_trips": 1,
 "authenticated_ms": null,
 "registered_ms": 1979,
 "qos_restored_ms": null,
 "timeline": [
  {
   "at_ms": 0,
   "ms": 20,
   "step": "link lost",
   "waiting_for": "the radio (imposed blackout)"
  },
  {
   "at_ms": 20,
   "ms": 40,
   "step": "link up",
   "waiting_for": "router advertisement"
  },
  {
   "at_ms": 60,
   "ms": 1840,
   "step": "router found",
   "waiting_for": "duplicate address detection"
  },
  {
   "at_ms": 1900,
   "ms": 99,
   "step": "address ready",
   "waiting_for": "binding acknowledgement"
  },
  {
   "at_ms": 1999,
   "ms": 1,
   "step": "binding acknowledged",
   "waiting_for": "first packet"
  },
  {
   "at_ms": 2000,
   "ms": 50,
   "step": "first packet delivered, down",
   "waiting_for": "packets up: the usual delay"
  },
  {
   "at_ms": 2050,
   "ms": 0,
   "step": "first packet delivered",
   "waiting_for": ""
  }
 ]
}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if a := scenario.Accounted(r.Handovers[0]); a < 0.999 || a > 1 {
		t.Errorf("accounted for %v", a)
	}
	if r.Drops["no-gateway"] != 5 || r.Totals.Lost != 2000 || r.Totals.Failed != 0 || time.Duration(*r.Totals.Interruption.P50) != 2*time.Second {
		t.Errorf("drops %v totals %+v", r.Drops, r.Totals)
	}
	if len(r.Flows) != 2 || r.Flows[0].Name != "probe:down" || r.Flows[0].Sent != 3500 || r.Flows[0].Lost != 2000 || r.Flows[0].Received != 1500 || r.Flows[1].Lost != 0 {
		t.Errorf("flows %+v", r.Flows)
	}
}

func TestResultKeysAndOrder(t *testing.T) {
	m := scenario.NewMeasure(oneMove(), "lab", "soft")
	baseline(m)
	text := string(m.Result().JSON())
	at := 0
	for _, key := range []string{"scenario", "world", "strategy", "plane", "seed", "handovers", "flows", "name", "sent", "received", "lost",
		"duplicated", "reordered", "r_factor", "delay_ms", "drops", "totals", "handovers", "failed", "lost", "duplicated", "reordered", "interruption_ms", "p50", "p99", "max", "l3_overhead_ms"} {
		i := strings.Index(text[at:], `"`+key+`":`)
		if i < 0 {
			t.Fatalf("%q does not come in its place in\n%s", key, text)
		}
		at += i
	}
}

// The way of packets up after they left is their usual delay, and no wait for the first one: it is in no outage.
func TestTimelineTellsTheWayUpFromWaiting(t *testing.T) {
	type want struct {
		at            time.Duration
		step, waiting string
	}
	for name, c := range map[string]struct {
		down, up time.Duration // when the first packets are delivered
		want     []want        // after the link is up
	}{
		"left before the first came down": {1030 * ms, 1070 * ms, []want{
			{20 * ms, "link up", "router advertisement"}, {30 * ms, "first packet delivered, down", "packets up: the usual delay"}, {70 * ms, "first packet delivered", ""}}},
		"held back after that": {1030 * ms, 1150 * ms, []want{
			{20 * ms, "link up", "router advertisement"}, {30 * ms, "first packet delivered, down", "first packet up"},
			{100 * ms, "first packet sent, up", "packets up: the usual delay"}, {150 * ms, "first packet delivered", ""}}},
		"the way down is waited for": {1150 * ms, 1070 * ms, []want{
			{20 * ms, "link up", "router advertisement"}, {70 * ms, "first packet delivered, up", "first packet down"}, {150 * ms, "first packet delivered", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := scenario.NewMeasure(oneMove(), "sim", "soft")
			m.Did(time.Second, 0)
			m.Did(1020*ms, 1)
			step(1020*ms, "link up", "router advertisement")(m)
			for _, down := range []bool{true, false} {
				gap, back := time.Second, c.down // while nothing is delivered
				if !down {
					gap, back = 1050*ms, c.up
				}
				for seq := range uint32(3500) {
					sent := time.Duration(seq) * ms
					m.Sent(sent, 0, down, seq)
					if at := sent + 50*ms; at < gap || at >= back {
						m.Received(at, 0, down, seq)
					}
				}
			}
			var got []want
			for _, s := range m.Result().Handovers[0].Timeline[1:] {
				got = append(got, want{time.Duration(s.At), s.Step, s.WaitingFor})
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

// What nobody explained is not accounted for.
func TestUnexplainedTimeIsNotAccountedFor(t *testing.T) {
	m := scenario.NewMeasure(oneMove(), "sim", "soft")
	m.Did(time.Second, 0)
	m.Did(1020*ms, 1)
	step(2*time.Second, "router found", "binding acknowledgement")(m)
	event(2999*ms, engine.EventRegistered, "")(m)
	run(m, 3*time.Second, 3500*ms)
	h := m.Result().Handovers[0]
	if a := scenario.Accounted(h); a < 0.48 || a > 0.55 {
		t.Errorf("accounted for %v, timeline %+v", a, h.Timeline)
	}
}

func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		events          []func(*scenario.Measure)
		back            time.Duration
		outcome, reason string
	}{
		"nothing told":          {nil, 3 * time.Second, scenario.Failed, "not registered before the next handover or the end"},
		"failed":                {[]func(*scenario.Measure){event(2*time.Second, engine.EventFailed, "no answer")}, time.Hour, scenario.Failed, "no answer"},
		"failed, then not":      {[]func(*scenario.Measure){event(2*time.Second, engine.EventFailed, "no answer"), event(2900*ms, engine.EventRegistered, "")}, 3 * time.Second, scenario.Registered, ""},
		"fell back":             {[]func(*scenario.Measure){event(2*time.Second, engine.EventFellBack, "no ticket"), event(2900*ms, engine.EventRegistered, "")}, 3 * time.Second, scenario.FellBack, "no ticket"},
		"registered, no packet": {[]func(*scenario.Measure){event(2900*ms, engine.EventRegistered, "")}, time.Hour, scenario.Failed, "registered, but no packet reached the mobile node any more"},
		"bound as before": {[]func(*scenario.Measure){state(1500*ms, "bound")}, 1600 * ms, scenario.Registered,
			"the same router as before: the binding stands, nobody had to be told"},
		"bound, no packet":      {[]func(*scenario.Measure){state(1500*ms, "bound")}, time.Hour, scenario.Failed, "registered, but no packet reached the mobile node any more"},
		"another state":         {[]func(*scenario.Measure){state(1500*ms, "detached")}, 1600 * ms, scenario.Failed, "not registered before the next handover or the end"},
		"bound and told home":   {[]func(*scenario.Measure){state(2900*ms, "bound"), event(2900*ms, engine.EventRegistered, "")}, 3 * time.Second, scenario.Registered, ""},
		"before the link is up": {[]func(*scenario.Measure){event(1010*ms, engine.EventRegistered, "")}, 3 * time.Second, scenario.Failed, "not registered before the next handover or the end"},
	} {
		m := scenario.NewMeasure(oneMove(), "sim", "soft")
		m.Did(time.Second, 0)
		m.Did(1020*ms, 1)
		for _, f := range c.events {
			f(m)
		}
		run(m, c.back, 3500*ms)
		h := m.Result().Handovers[0]
		if h.Outcome != c.outcome || h.Reason != c.reason {
			t.Errorf("%s: got %s %q, want %s %q", name, h.Outcome, h.Reason, c.outcome, c.reason)
		}
	}
}

// A better interface is lost while another is up: no blackout, make before break.
func TestLossOfOneOfTwo(t *testing.T) {
	//spec RT-06
	p := oneMove()
	p.Nodes[0].Ifaces = append(p.Nodes[0].Ifaces, scenario.Iface{Name: "wwan0", Port: 2, Segment: "ar3"})
	p.Actions = p.Actions[:1]
	m := scenario.NewMeasure(p, "sim", "soft")
	m.Did(time.Second, 0)
	step(time.Second, "link down", "binding acknowledgement")(m)
	event(1090*ms, engine.EventRegistered, "")(m)
	step(1090*ms, "binding acknowledged", "first packet")(m)
	run(m, 1095*ms, 3500*ms)
	h := m.Result().Handovers[0]
	if h.Type != "mbb" || h.From != "ar1" || h.To != "ar3" || h.Blackout != 0 || h.Outcome != scenario.Registered || *h.Registered != scenario.Millis(90*ms) {
		t.Errorf("got %+v", h)
	}
	if h.Timeline[0].Step != "link down" || h.Timeline[0].Length != scenario.Millis(90*ms) || scenario.Accounted(h) < 0.95 {
		t.Errorf("timeline %+v", h.Timeline)
	}
}

// The window of a handover ends where the next of the same node begins: an outage that lasts longer is cut.
func TestWindowsEndAtTheNextHandover(t *testing.T) {
	p := oneMove()
	p.Actions = append(p.Actions,
		scenario.Action{At: 2 * time.Second, Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: 1},
		scenario.Action{At: 2020 * ms, Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "ar1", Handover: 1})
	m := scenario.NewMeasure(p, "sim", "soft")
	for i, a := range p.Actions {
		m.Did(a.At, i)
	}
	event(2900*ms, engine.EventRegistered, "")(m)
	run(m, 3*time.Second, 3500*ms)
	r := m.Result()
	a, b := r.Handovers[0], r.Handovers[1]
	if a.Outcome != scenario.Failed || b.Outcome != scenario.Registered || b.From != "ar2" || b.To != "ar1" {
		t.Errorf("got %s and %s from %s to %s", a.Outcome, b.Outcome, b.From, b.To)
	}
	if time.Duration(*a.Down.Interruption) != time.Second || time.Duration(*b.Down.Interruption) != time.Second {
		t.Errorf("interruptions %v and %v", a.Down.Interruption, b.Down.Interruption)
	}
	if *a.Down.Lost+*b.Down.Lost != 2000 || *a.Down.Lost != 1000 {
		t.Errorf("lost %d and %d", *a.Down.Lost, *b.Down.Lost)
	}
	if r.Totals.Failed != 1 {
		t.Errorf("totals %+v", r.Totals)
	}
}

// Totals and expectations take an outage whole, however many windows cut it, and rank it once.
func TestOutagesAreWhole(t *testing.T) {
	//spec RT-16
	p := oneMove()
	for i, at := range []time.Duration{1200 * ms, 2600 * ms} {
		p.Actions = append(p.Actions,
			scenario.Action{At: at, Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: i + 1},
			scenario.Action{At: at + 20*ms, Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "ar1", Handover: i + 1})
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	for i, a := range p.Actions {
		m.Did(a.At, i)
	}
	run(m, 3*time.Second, 3500*ms)
	r := m.Result()
	for i, want := range []*scenario.Millis{nil, new(scenario.Millis(2 * time.Second)), nil} {
		if got := r.Handovers[i].Down.Outage; (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("handover %d: outage %v, want %v", i+1, got, want)
		}
	}
	if s := r.Totals.Interruption; time.Duration(*s.Max) != 2*time.Second || time.Duration(*s.P50) != 2*time.Second {
		t.Errorf("totals %v", s)
	}
	if over := time.Duration(*r.Totals.L3Overhead.Max); over != 1940*ms {
		t.Errorf("overhead %v, want the outage less three blackouts", over)
	}
	limit := 1500 * ms // more than every window has of it
	if checks := scenario.Verdict(r, scenario.Expect{MaxInterruption: &limit}); scenario.Passed(checks) {
		t.Errorf("an outage of 2 s passes: %+v", checks)
	}
}

// What was missing before the first handover is not its doing.
func TestOutageBeforeAll(t *testing.T) {
	p := oneMove()
	m := scenario.NewMeasure(p, "sim", "soft")
	m.Did(time.Second, 0)
	m.Did(1020*ms, 1)
	for seq := range uint32(3500) {
		at := time.Duration(seq) * ms
		m.Sent(at, 0, true, seq)
		if at < 900*ms || at >= 1500*ms {
			m.Received(at, 0, true, seq)
		}
	}
	if d := m.Result().Handovers[0].Down; time.Duration(*d.Interruption) != 500*ms || *d.Outage != *d.Interruption {
		t.Errorf("interruption %v, outage %v", d.Interruption, d.Outage)
	}
}

func TestCopiesAndOrder(t *testing.T) {
	m := scenario.NewMeasure(oneMove(), "sim", "soft")
	m.Did(time.Second, 0)
	m.Did(1020*ms, 1)
	for seq := range uint32(1500) {
		m.Sent(time.Duration(seq)*ms, 0, true, seq)
	}
	at := func(seq uint32, late time.Duration) { m.Received(time.Duration(seq)*ms+10*ms+late, 0, true, seq) }
	for seq := range uint32(1200) {
		if seq == 1100 {
			continue
		}
		at(seq, 0)
	}
	m.Received(1300*ms, 0, true, 1100) // reordered
	m.Received(1301*ms, 0, true, 1100) // a copy of it
	m.Received(1301*ms, 0, true, 9999) // never sent
	for seq := uint32(1300); seq < 1500; seq++ {
		at(seq, 0)
	}
	d := m.Result().Handovers[0].Down
	if *d.Lost != 100 || *d.Duplicated != 1 || *d.Reordered != 1 || time.Duration(*d.MaxExtra) != 190*ms {
		t.Errorf("lost %d duplicated %d reordered %d extra %v", *d.Lost, *d.Duplicated, *d.Reordered, d.MaxExtra)
	}
}

// A node without traffic is judged by its events.
func TestUnmeasured(t *testing.T) {
	p := oneMove()
	p.Flows = nil
	m := scenario.NewMeasure(p, "sim", "soft")
	m.Did(time.Second, 0)
	m.Did(1020*ms, 1)
	step(1020*ms, "link up", "router advertisement")(m)
	event(1500*ms, engine.EventHomeRoundTrip, "")(m)
	event(1500*ms, engine.EventRegistered, "")(m)
	step(1500*ms, "binding acknowledged", "")(m)
	event(1700*ms, engine.EventHomeRoundTrip, "")(m)
	r := m.Result()
	h := r.Handovers[0]
	if h.Outcome != scenario.Registered || h.Down.Interruption != nil || h.HomeRoundTrips != 1 || len(h.Timeline) != 3 || r.Totals.Interruption.P50 != nil {
		t.Errorf("got %+v", h)
	}
}

func TestRating(t *testing.T) {
	for _, c := range []struct {
		delay       time.Duration
		loss, burst float64
		want        float64
	}{
		{0, 0, 1, 93.2},
		{100 * ms, 0, 1, 90.8},
		{277300 * time.Microsecond, 0, 1, 93.2 - 0.024*277.3 - 11},
		{0, 0.01, 1, 93.2 - 95/26.1},
		{0, 0.05, 2, 93.2 - 95*5/(2.5+25.1)},
		{10 * time.Second, 1, 1, 0},
	} {
		if got := scenario.Rating(c.delay, c.loss, c.burst); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("R of %v, loss %v, burst %v is %v, want %v", c.delay, c.loss, c.burst, got, c.want)
		}
	}
}

func TestMillis(t *testing.T) {
	for in, want := range map[time.Duration]string{20 * ms: "20", 2203500 * time.Microsecond: "2203.5", 125 * time.Microsecond: "0.125", 499: "0", 500: "0.001", 0: "0", -1500 * time.Microsecond: "-1.5", 100 * ms: "100"} {
		if got := scenario.Millis(in).String(); got != want {
			t.Errorf("%v prints %s, want %s", in, got, want)
		}
		var back scenario.Millis
		if err := json.Unmarshal([]byte(want), &back); err != nil || in > 1000 && back != scenario.Millis(in) {
			t.Errorf("%s reads %v: %v", want, back, err)
		}
	}
}

func TestVerdict(t *testing.T) {
	m := scenario.NewMeasure(oneMove(), "sim", "soft")
	baseline(m)
	r := m.Result()
	n, limit, part := 1, 2500*ms, 0.95
	e := scenario.Expect{Handovers: &n, Outcome: "registered", Failed: new(int), MaxInterruption: &limit, MaxOverhead: &limit, MaxLost: &[]int{2000}[0], MinAccounted: &part}
	checks := scenario.Verdict(r, e)
	if len(checks) != 7 || !scenario.Passed(checks) {
		t.Errorf("got %+v", checks)
	}
	limit, n, *e.MaxLost = 1999*ms, 2, 1999
	failed := 0
	for _, c := range scenario.Verdict(r, e) {
		if !c.OK {
			failed++
		}
	}
	if failed != 3 {
		t.Errorf("%d checks failed, want handovers, interruption and lost", failed)
	}
}

func TestSeriesIsBounded(t *testing.T) {
	m := scenario.NewMeasure(oneMove(), "sim", "soft")
	baseline(m)
	s := m.Series(0, true, 0, 4*time.Second)
	if len(s.Points) > scenario.SeriesPoints {
		t.Errorf("%d points", len(s.Points))
	}
	sent, lost := 0, 0
	for _, p := range s.Points {
		sent, lost = sent+p.Sent, lost+p.Lost
	}
	if sent != 3500 || lost != 2000 {
		t.Errorf("sent %d, lost %d", sent, lost)
	}
	up := m.Series(0, false, 1050*ms, 1060*ms)
	if len(up.Points) != 10 || up.Points[0].Max != 2000*ms {
		t.Errorf("zoom %+v", up)
	}
	rep := m.Report(load(t, "commute"), scenario.Expect{})
	if len(rep.Overview) != 2 || len(rep.Zoom) != 1 || len(rep.Zoom[0]) != 2 {
		t.Errorf("report %+v", rep)
	}
}
