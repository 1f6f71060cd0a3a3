package node_test

import (
	"bytes"
	"testing"
	"time"

	"roam6/scenario"
	"roam6/sim"
	"roam6/wire/access"
	"roam6/wire/ip6"
)

// byEAP builds a world in which mobile nodes authenticate by EAP.
func byEAP(n scenario.Node, seed [32]byte) (scenario.Built, error) {
	n.Config = bytes.Replace(n.Config, []byte("aaa: {key:"), []byte("aaa: {method: eap, eap: {server: aaah.home.example}, key:"), 1)
	return build(n, seed)
}

// eapMessages are those of four exchanges of six each. The very first one takes as long as the home agent's duplicate detection: the last request
// comes again, and its reply.
const eapMessages = 4*6 + 2

// eapRun runs the world of roam-home-ha so. lose is told how many messages of the access exchange there were before.
func eapRun(t *testing.T, lose func(n int) bool) (r *scenario.Result, messages []time.Duration) {
	t.Helper()
	s, err := scenario.Load("roam-home-ha")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(scenario.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := scenario.NewMeasure(p, "sim", "soft")
	lost := func(at time.Duration, _ string, packet []byte) bool {
		q, err := ip6.Parse(packet)
		if err != nil || q.Proto != ip6.ProtoICMPv6 || !access.IsAccess(q.Payload) {
			return false
		}
		messages = append(messages, at)
		return lose != nil && lose(len(messages)-1)
	}
	if _, err := sim.Run(sim.Config{Plan: p, Recorder: m, Build: byEAP, Lose: lost}); err != nil {
		t.Fatal(err)
	}
	return m.Result(), messages
}

func registered(t *testing.T, r *scenario.Result) {
	t.Helper()
	if len(r.Handovers) != 3 || r.Totals.Failed != 0 {
		t.Fatalf("%d handovers, %d failed", len(r.Handovers), r.Totals.Failed)
	}
	for _, h := range r.Handovers {
		if h.Outcome != scenario.Registered {
			t.Errorf("%s to %s: %s, %s", h.From, h.To, h.Outcome, h.Reason)
		}
	}
}

// A mobile node that authenticates by EAP is let in by way of access router, visited and home server, each time in three round trips, and
// has home agent, home address, keys and its registration with the last.
func TestEAPThroughOperators(t *testing.T) { //spec DM-06
	r, messages := eapRun(t, nil)
	registered(t, r)
	if len(messages) != eapMessages {
		t.Errorf("%d messages, want %d", len(messages), eapMessages)
	}
	for i := range 6 { // whichever message of an exchange is lost, it goes on
		r, messages = eapRun(t, func(n int) bool { return n == 8+i })
		if registered(t, r); len(messages) <= eapMessages {
			t.Errorf("message %d: %d messages", i, len(messages))
		}
	}
}
