package node_test

import (
	"roam6/engine"
	"roam6/machine/enrol"
	"slices"
	"testing"
	"time"

	"roam6/scenario"
)

// What is wrong with a mobile node or with what its home network has of it: refused with the right result each time it asks, counted by
// the reason, nothing of it kept; the others come and go as if it were not there.
//
// spec DM-11
func TestRefusedUsers(t *testing.T) {
	for _, c := range []struct {
		name   string
		wrong  func(w *trouble)
		at     string // who finds out
		reason string
		result string
	}{
		{"wrong realm", func(w *trouble) { w.edit("mn2", "mn2@home.example", "mn2@elsewhere.example") }, "aaav-a", "diameter-no-route", "REALM_NOT_SERVED"},
		{"unknown user", func(w *trouble) { w.edit("mn2", "mn2@home.example", "nobody@home.example") }, "aaah", "user-unknown", "AUTHENTICATION_REJECTED"},
		{"disabled user", func(w *trouble) { w.subscriber("mn2@home.example", `"nai"`, `"enabled":false,"nai"`) }, "aaah", "subscriber-disabled", "AUTHORIZATION_REJECTED"},
		{"wrong long-term key", func(w *trouble) { w.edit("mn2", `aaa: {key: "c9`, `aaa: {key: "ca`) }, "aaah", "authentication-wrong", "AUTHENTICATION_REJECTED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := inTrouble(t, "home", 40*time.Second, round)
			c.wrong(w)
			w.run()
			w.must(c.at, c.reason, 0, always)
			w.must("ar1", "access.refused", 0, always, c.result)
			if w.in("mn2", 0) >= 0 {
				t.Error("let in")
			}
			if asked := w.saw("mn2", "access.request", 0, always); asked == 0 || asked > 40 {
				t.Errorf("asked %d times", asked)
			}
			for _, at := range []time.Duration{8, 14, 20} {
				w.soon("mn", at*time.Second, 500*time.Millisecond)
				w.soon("mn3", at*time.Second+1772996885, 500*time.Millisecond)
			}
			w.idle(2)
			w.accounts()
		})
	}
}

// stays leaves a node where it began.
func (w *trouble) stays(node string) {
	w.plan.Actions = slices.DeleteFunc(w.plan.Actions, func(a scenario.Action) bool { return a.Node == node && a.Handover >= 0 })
}

// Nobody gets a home agent that he may not have, or that is drained. A user who was refused for that reason gets one when there is one
// again, by himself; who has one keeps it meanwhile.
//
// spec DM-15
func TestNoHomeAgent(t *testing.T) {
	for _, c := range []struct {
		name, agent string
		wrong       func(w *trouble)
		reason      string
		result      string
		user        string        // who is refused,
		until       time.Duration // until then; 0: always
		sessions    int           // in the end
	}{
		{"own home agent not permitted", "configured", func(w *trouble) {
			w.subscriber("mn2@home.example", `"home_agent":"2001:db8:0:1::a"`, `"home_agents":["2001:db8:0:1::b"]`)
		}, "home-agent-not-allowed", "HOME_AGENT_NOT_ALLOWED", "mn2", 0, 2},
		{"none of the pool permitted", "home", func(w *trouble) {
			w.subscriber("mn2@home.example", `"nai"`, `"home_agents":["2001:db8:0:1::b"],"nai"`)
		}, "no-home-agent", "NO_HOME_AGENT", "mn2", 0, 2},
		{"pool drained", "home", func(w *trouble) {
			drain := func(at time.Duration, drained string) scenario.Action {
				return scenario.Action{At: at, Verb: scenario.Command, Node: "aaah", Command: engine.Command{ID: 1, Verb: "drain",
					Args: map[string]string{"agent": scenario.HomeAgent.String(), "drained": drained}}}
			}
			w.act(drain(1500*time.Millisecond, "true"), drain(9*time.Second, "false"))
			w.stays("mn3")
		}, "no-home-agent", "NO_HOME_AGENT", "mn3", 9 * time.Second, 3},
		{"pool full", "home", func(w *trouble) { // until mn2 has gone and its session is over
			w.edit("aaah", "capacity: 1048576", "capacity: 2")
			w.subscriber("mn2@home.example", `"nai"`, `"session_s":20,"nai"`)
			w.act(scenario.Action{At: 9 * time.Second, Verb: scenario.Crash, Node: "mn2"})
		}, "no-home-agent", "NO_HOME_AGENT", "mn3", 23300 * time.Millisecond, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := inTrouble(t, c.agent, 40*time.Second, round)
			c.wrong(w)
			w.run()
			w.must("aaah", c.reason, 0, always)
			w.must("ar1", "access.refused", 0, always, c.result)
			for _, at := range []time.Duration{8, 14, 20} {
				w.soon("mn", at*time.Second, 500*time.Millisecond)
			}
			if at := w.in(c.user, 0); at >= 0 && (c.until == 0 || at < c.until) {
				t.Errorf("%s was let in at %v", c.user, at)
			}
			if c.until > 0 {
				w.soon(c.user, c.until, 2*enrol.Pause)
			}
			w.idle(c.sessions)
			w.accounts()
		})
	}
}
