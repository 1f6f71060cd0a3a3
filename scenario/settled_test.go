package scenario_test

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
)

// A gap that begins long after the node was registered is not what the handover cost; one soon after is, and without a registration
// all are.
func TestGapsAfterRegistration(t *testing.T) {
	for _, x := range []struct {
		registered bool
		again      time.Duration // when a second gap begins, 200 ms long
		want       time.Duration // the interruption; the first is 100 ms long
	}{
		{true, 1600 * ms, 200 * ms},
		{true, 1700 * ms, 100 * ms},
		{false, 1700 * ms, 200 * ms},
	} {
		m := scenario.NewMeasure(oneMove(), "sim", "soft")
		m.Did(time.Second, 0)
		m.Did(1020*ms, 1)
		if x.registered {
			event(1150*ms, engine.EventRegistered, "")(m)
		}
		for seq := range uint32(3500) {
			at := time.Duration(seq) * ms
			m.Sent(at, 0, true, seq)
			m.Sent(at, 0, false, seq)
			m.Received(at, 0, false, seq)
			if (at < time.Second || at >= 1100*ms) && (at < x.again || at >= x.again+200*ms) {
				m.Received(at, 0, true, seq)
			}
		}
		r := m.Result()
		h := r.Handovers[0]
		if got := time.Duration(*h.Down.Interruption); got != x.want || *h.Down.Lost != 300 {
			t.Errorf("registered %v, a gap at %v: interruption %v, %d lost; want %v, 300", x.registered, x.again, got, *h.Down.Lost, x.want)
		}
		if got := time.Duration(*r.Totals.Interruption.Max); got != x.want || time.Duration(*h.Down.Outage) != x.want {
			t.Errorf("registered %v, a gap at %v: outage %v, in all %v, want %v", x.registered, x.again, time.Duration(*h.Down.Outage), got, x.want)
		}
	}
}

// An outage that begins before a handover reaches back into the window of the one before. If that was settled by then its blackout is no
// part of the outage, and the outage is not its own, wherever most of it lies.
func TestBlackoutOfTheHandoverBefore(t *testing.T) {
	p := oneMove()
	p.Actions = append(p.Actions,
		scenario.Action{At: 2600 * ms, Verb: scenario.Detach, Node: "mn", Iface: "wlan0", Handover: 2},
		scenario.Action{At: 2620 * ms, Verb: scenario.Attach, Node: "mn", Iface: "wlan0", Segment: "ar1", Handover: 2})
	m := scenario.NewMeasure(p, "sim", "soft")
	for i, a := range p.Actions {
		m.Did(a.At, i)
	}
	event(1050*ms, engine.EventRegistered, "")(m)
	event(2640*ms, engine.EventRegistered, "")(m)
	for seq := range uint32(3500) {
		at := time.Duration(seq) * ms
		m.Sent(at, 0, true, seq)
		m.Sent(at, 0, false, seq)
		m.Received(at, 0, false, seq)
		if at < 2560*ms || at >= 2620*ms {
			m.Received(at, 0, true, seq)
		}
	}
	r := m.Result()
	if one := time.Duration(*r.Handovers[0].Down.Outage); one != 0 {
		t.Errorf("the first handover has an outage of %v", one)
	}
	if whole, over := time.Duration(*r.Totals.Interruption.Max), time.Duration(*r.Totals.L3Overhead.Max); whole != 60*ms || over != 40*ms {
		t.Errorf("outage %v, overhead %v; want 60ms, and 40ms without the one blackout", whole, over)
	}
}
