package scenario_test

import (
	"slices"
	"testing"
	"time"

	"roam6/scenario"
)

// After a fast handover the first packet comes by the previous router: that is waited for, whatever the strategy below does meanwhile. When
// it comes only after the binding was acknowledged, what that strategy waited for was the matter.
func TestTimelineOfFastHandover(t *testing.T) {
	type want struct {
		at            time.Duration
		step, waiting string
	}
	const previous = "packets by the previous router"
	for name, c := range map[string]struct {
		back time.Duration // when packets come again
		want []want        // after the link is up
	}{
		"by the previous router": {1030 * ms, []want{{20 * ms, "link up", previous}, {20 * ms, "address ready", previous}, {30 * ms, "first packet delivered, down", "packets up: the usual delay"}}},
		"by the home agent": {1150 * ms, []want{{20 * ms, "link up", previous}, {20 * ms, "address ready", "binding acknowledgement"},
			{100 * ms, "binding acknowledged", "first packet"}, {150 * ms, "first packet delivered, down", "packets up: the usual delay"}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := scenario.NewMeasure(oneMove(), "sim", "soft")
			m.Did(time.Second, 0)
			m.Did(1020*ms, 1)
			step(1020*ms, "link up", previous)(m)
			step(1020*ms, "link up", "router advertisement")(m)
			step(1020*ms, "address ready", "binding acknowledgement")(m)
			step(1100*ms, "binding acknowledged", "first packet")(m)
			for seq := range uint32(3500) {
				sent := time.Duration(seq) * ms
				for _, down := range []bool{true, false} {
					m.Sent(sent, 0, down, seq)
					if at := sent + 50*ms; at < time.Second || down && at >= c.back || !down && sent >= c.back {
						m.Received(at, 0, down, seq)
					}
				}
			}
			var got []want
			for _, s := range m.Result().Handovers[0].Timeline[1:] {
				if s.Step != "first packet delivered" && (s.Step != "binding acknowledged" || c.back > 1100*ms) {
					got = append(got, want{time.Duration(s.At), s.Step, s.WaitingFor})
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}
