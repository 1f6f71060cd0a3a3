package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/scenario"
)

// A sweep adds runs up, ranks each direction by itself, and says what is not as it is claimed.
func TestSweep(t *testing.T) {
	p, err := load(t, "walk").Plan(scenario.Options{Set: []string{"walk.moves=3"}})
	if err != nil {
		t.Fatal(err)
	}
	one := func(back time.Duration) *scenario.Result {
		m := scenario.NewMeasure(oneMove(), "sim", "soft")
		for i := range 2 {
			m.Did([]time.Duration{time.Second, 1020 * ms}[i], i)
		}
		event(back, "registered", "")(m)
		run(m, back, 3500*ms)
		return m.Result()
	}
	s := scenario.Sweep{Blackout: scenario.Millis(20 * ms)}
	s.Place(p)
	if s.Air != scenario.Millis(ms) || s.Apart != scenario.Millis(24*ms) || s.Floor != scenario.Millis(4*ms) {
		t.Errorf("air %v, apart %v, floor %v", s.Air, s.Apart, s.Floor)
	}
	s.Judge(ms)
	if !slices.Contains(s.Wrong, "no handover") {
		t.Errorf("nothing measured is fine: %v", s.Wrong)
	}
	s.Add(one(1100 * ms))
	s.Add(one(1300 * ms))
	s.Judge(ms)
	if s.Runs != 2 || s.Handovers != 2 || s.Down.Lost != 100+300 || s.Up.Lost != 0 || s.Down.L3Overhead.Max.String() != "280" || s.Down.L3Overhead.P50.String() != "80" {
		t.Errorf("%+v, overhead down %v to %v", s, s.Down.L3Overhead.P50, s.Down.L3Overhead.Max)
	}
	if got := strings.Join(s.Wrong, " "); got != "lost L3 ↓ L3 ↑" {
		t.Errorf("wrong: %s", got)
	}
	s.Floor, s.Air, s.Down.Lost = scenario.Millis(280*ms), scenario.Millis(330*ms), 0
	if s.Judge(ms); len(s.Wrong) != 0 || s.Wrong == nil {
		t.Errorf("wrong: %v", s.Wrong)
	}
}

// What the world does without any handover is told, and allowed for.
func TestSweepQuiet(t *testing.T) {
	p := oneMove()
	p.Actions[0].At, p.Actions[1].At = 2*time.Second, 2020*ms
	m := scenario.NewMeasure(p, "lab", "soft")
	m.Did(2*time.Second, 0)
	m.Did(2020*ms, 1)
	event(2020*ms, "registered", "")(m)
	for seq := range uint32(3500) {
		at := time.Duration(seq) * ms
		m.Sent(at, 0, true, seq)
		if at < 1500*ms || at >= 1508*ms && at < 2*time.Second || at >= 2025*ms {
			m.Received(at, 0, true, seq)
		}
	}
	s := scenario.Sweep{Blackout: scenario.Millis(20 * ms)}
	s.Add(m.Result())
	if s.Down.Quiet.P99 == nil || *s.Down.Quiet.P99 != scenario.Millis(8*ms) {
		t.Errorf("quiet %v", s.Down.Quiet.P99)
	}
	if s.Judge(ms); slices.Contains(s.Wrong, "L3 ↓") {
		t.Errorf("5 ms beyond the blackout are too much where 8 ms come by themselves: %v", s.Wrong)
	}
	soon := scenario.NewMeasure(oneMove(), "sim", "soft") // its handover is too near the beginning of the flow
	baseline(soon)
	s = scenario.Sweep{}
	if s.Add(soon.Result()); s.Down.Quiet.P99 != nil {
		t.Errorf("quiet %v before there could be", s.Down.Quiet.P99)
	}
}

// Routers of one operator are near each other; nothing is undercut but by crossing the air.
func TestSweepPlace(t *testing.T) {
	for set, want := range map[string]string{
		"walk.through=[ar2, ar1]":      "4 1 0",
		"walk.through=[ar3, ar1]":      "24 4 0",
		"walk.through=[home, ar1]":     "0 1 0",
		"delays={core: 1ms, air: 7ms}": "6 7 0",
	} {
		p, err := load(t, "walk").Plan(scenario.Options{Set: []string{"walk.moves=4", set}})
		if err != nil {
			t.Fatal(err)
		}
		s := scenario.Sweep{Blackout: scenario.Millis(20 * ms)}
		if s.Place(p); s.Apart.String()+" "+s.Floor.String()+" 0" != want {
			t.Errorf("%s: apart %v, floor %v, want %s", set, s.Apart, s.Floor, want)
		}
	}
}
