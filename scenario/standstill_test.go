package scenario_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// A time in which the machine stood still counts for a handover from its announcement until the node is registered and its
// interruption over; its length as far as it is within. A world that never stands still says nothing of it, octet for octet.
func TestStandstillsOfHandovers(t *testing.T) {
	still := func(at, length time.Duration) scenario.Standstill {
		return scenario.Standstill{At: scenario.Millis(at), Length: scenario.Millis(length)}
	}
	for _, c := range []struct {
		at, length time.Duration
		want       time.Duration // of it in the handover, which is announced at 800 ms, registered at 1150 ms and over at 1300 ms
	}{
		{100 * ms, 600 * ms, 0},
		{700 * ms, 150 * ms, 50 * ms},
		{900 * ms, 30 * ms, 30 * ms},
		{1100 * ms, 20 * ms, 20 * ms},
		{1290 * ms, 100 * ms, 10 * ms},
		{1310 * ms, 1000 * ms, 0},
		{500 * ms, 2000 * ms, 500 * ms},
	} {
		m := disturbedRun()
		before := m.Result().JSON()
		m.StoodStill([]scenario.Standstill{still(c.at, c.length)})
		r := m.Result()
		if got := time.Duration(r.Handovers[0].Stood); got != c.want || r.Disturbed() != (c.want > 0) {
			t.Errorf("%v from %v: %v are the handover's, want %v", c.length, c.at, got, c.want)
		}
		if got := slices.Contains(r.Stood[0].Handovers, 0); got != (c.want > 0) {
			t.Errorf("%v from %v: handovers %v", c.length, c.at, r.Stood[0].Handovers)
		}
		if json := r.JSON(); !bytes.Contains(json, []byte(`"stood_still": [`)) || bytes.Contains(json, []byte(`"stood_still_ms"`)) != (c.want > 0) {
			t.Errorf("%v from %v: %s", c.length, c.at, json)
		}
		m.StoodStill([]scenario.Standstill{})
		if json := m.Result().JSON(); !bytes.Contains(json, []byte(`"stood_still": []`)) {
			t.Errorf("a laboratory that never stood still: %s", json)
		}
		m.StoodStill(nil)
		if json := m.Result().JSON(); bytes.Contains(json, []byte("stood")) || !bytes.Equal(json, before) {
			t.Errorf("a world that cannot stand still: %s", json)
		}
	}
}

// disturbedRun is a handover with a notice and 300 ms without packets.
func disturbedRun() *scenario.Measure {
	p := oneMove()
	hint := scenario.Action{At: 800 * ms, Verb: scenario.Hint, Node: "mn", Iface: "wlan0", Segment: "ar2", Handover: p.Actions[0].Handover}
	p.Actions = slices.Insert(p.Actions, 0, hint)
	m := scenario.NewMeasure(p, "lab", "soft")
	m.Did(800*ms, 0)
	m.Did(time.Second, 1)
	m.Did(1020*ms, 2)
	event(1150*ms, engine.EventRegistered, "")(m)
	for seq := range uint32(3500) {
		at := time.Duration(seq) * ms
		m.Sent(at, 0, true, seq)
		m.Sent(at, 0, false, seq)
		m.Received(at, 0, false, seq)
		if at < time.Second || at >= 1300*ms {
			m.Received(at, 0, true, seq)
		}
	}
	return m
}
