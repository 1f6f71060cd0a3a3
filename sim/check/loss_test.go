package check_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"roam6/handover/fmipv6"
	"roam6/role/mn"
	"roam6/scenario"
	"roam6/sim"
	"roam6/sim/check"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// message names what of a fast handover a packet is, as far as a test loses it: mobility messages that are not encrypted, and end
// markers of the home agent (down) and of the node (up).
func message(packet []byte) string {
	home := scenario.HomeAddress(0)
	for {
		p, err := ip6.Parse(packet)
		if err != nil {
			return ""
		}
		switch {
		case p.Proto == ip6.ProtoIPv6:
			packet = p.Payload
			continue
		case p.Proto == ip6.ProtoNone && p.Dst == home:
			return "marker down"
		case p.Proto == ip6.ProtoNone && p.Src == home:
			return "marker up"
		case p.Proto != ip6.ProtoMH:
			return ""
		}
		m, _ := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
		switch m.(type) {
		case *mh.FastBindingUpdate:
			return "FBU"
		case *mh.FastBindingAck:
			return "FBack"
		case *mh.BindingUpdate:
			return "BU"
		case *mh.BindingAck:
			return "BA"
		}
		return ""
	}
}

// loser loses the first packets of a kind on the air once the node is registered.
type loser struct {
	kind    string
	n, lost int
}

func (l *loser) lose(at time.Duration, segment string, packet []byte) bool {
	if l.lost == l.n || at < firstMove-time.Second || !strings.HasPrefix(segment, "ar") || message(packet) != l.kind {
		return false
	}
	l.lost++
	return true
}

// firstMove is when walk goes.
const firstMove = 7 * time.Second

// A message that is lost on the air costs time, not packets: none is lost, doubled or late. What it costs:
//
//	FBU, FBack   nothing: they are sent again before the link goes
//	BU           packets from the node take the way around by the previous router until the next one, as they would have without
//	             anything better; so do those toward it
//	BA           nothing: packets follow the update already
//	marker down  packets by the new way wait for SettleFor
//	marker up    nothing: nobody waits for what does not come
//
// spec MIP-09
func TestFastLoses(t *testing.T) {
	const blackout, probe, around = 20 * time.Millisecond, time.Millisecond, 24 * time.Millisecond
	for _, c := range []struct {
		kind     string
		n        int
		down, up time.Duration // the most it costs, beyond the blackout
	}{
		{"", 0, around - blackout + probe, probe},
		{"FBU", 1, around - blackout + probe, probe},
		{"FBack", 1, around - blackout + probe, 2 * time.Millisecond},
		{"BU", 1, around - blackout + probe, around},
		{"BA", 1, around - blackout + probe, probe},
		{"marker down", 9, mn.SettleFor - around - blackout + probe, probe},
		{"marker up", 9, around - blackout + probe, probe},
	} {
		t.Run(c.kind, func(t *testing.T) {
			l := &loser{kind: c.kind, n: c.n}
			h := l.run(t, walk(t, []string{"ar3"}, time.Second, blackout))[0]
			if l.lost == 0 && c.n > 0 {
				t.Fatalf("there was no %s to lose", c.kind)
			}
			unharmed(t, "down", h.Down)
			unharmed(t, "up", h.Up)
			if h.Outcome == scenario.Failed || time.Duration(*h.Down.L3Overhead) > c.down || time.Duration(*h.Up.L3Overhead) > c.up {
				t.Errorf("%s, overhead %v down, %v up", h.Outcome, *h.Down.L3Overhead, *h.Up.L3Overhead)
			}
		})
	}
}

// Back and forth and on before the home agent has answered: tunnels lie in tunnels, buffers become tunnels and tunnels buffers, and nothing
// is lost, doubled or late. No more than RtSolPrRate a second are prepared.
//
// spec MIP-09
func TestFastAgainAndAgain(t *testing.T) {
	for _, cells := range [][]string{{"ar2", "ar1"}, {"ar3", "ar1"}, {"ar2", "ar3"}, {"ar2", "ar1", "ar2", "ar1"}, {"ar3", "ar2", "ar3", "ar1"}} {
		for _, every := range []time.Duration{250 * time.Millisecond, 400 * time.Millisecond, 900 * time.Millisecond} {
			for i, h := range (&loser{}).run(t, walk(t, cells, every, 20*time.Millisecond)) {
				if i >= fmipv6.RtSolPrRate && every*fmipv6.RtSolPrRate < time.Second {
					continue
				}
				where := fmt.Sprintf("%v every %v, handover %d", cells, every, i+1)
				if h.Outcome != scenario.Registered {
					t.Errorf("%s: %s", where, h.Outcome)
				}
				unharmed(t, where+" down", h.Down)
				unharmed(t, where+" up", h.Up)
			}
		}
	}
}

// run walks, loses and measures.
func (l *loser) run(t *testing.T, p *scenario.Plan) []scenario.Handover {
	t.Helper()
	m := scenario.NewMeasure(p, "sim", "soft")
	_, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: build, Lose: l.lose, Checkers: []sim.Checker{check.NewOneOwner()}})
	if err != nil {
		t.Fatal(err)
	}
	return m.Result().Handovers
}

// walk goes from ar1 to the cells named, with notice.
func walk(t *testing.T, cells []string, every, blackout time.Duration) *scenario.Plan {
	t.Helper()
	moves := ""
	for k, cell := range cells {
		moves += fmt.Sprintf("  - {at: %v, to: %s, notice: 200ms}\n", firstMove+time.Duration(k)*every, cell)
	}
	text := fmt.Sprintf(`name: walk
title: fast handovers
length: %v
mn: {start: ar1, security: auth}
radio: {blackout: %v}
moves:
%sflows:
  - {name: probe, interval: 1ms, size: 64, start: 5s, probe: true}
`, firstMove+3*time.Second+time.Duration(len(cells))*every, blackout, moves)
	s, err := scenario.Read("walk.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Strategy: "fmipv6"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
