package peers

import (
	"testing"
	"time"

	"roam6/wire/diameter"
)

// TestRouted: nobody borrows the name of a node that is trusted by others. By the address on a request alone (Destination-Host) it
// reaches no peer of a node that is Routed, and an Own route is open to its owner only; with neither, both requests arrive.
//
// spec DM-23
func TestRouted(t *testing.T) {
	far := Route{Realm: "far" + domain, Via: []string{name("x")}}
	for _, c := range []struct {
		what        string
		routed, own bool
		host, realm string
		code        diameter.ResultCode
	}{
		{"a peer in our realm", false, false, name("x"), realm("agent"), diameter.Success},
		{"a peer in our realm, routed", true, false, name("x"), realm("agent"), diameter.UnableToDeliver},
		{"a peer in no realm, routed", true, false, name("x"), "else" + domain, diameter.RealmNotServed},
		{"a peer on another's route, routed", true, false, name("y"), "far" + domain, diameter.UnableToDeliver}, // x is asked, and is not y
		{"the route", true, false, "", "far" + domain, diameter.Success},
		{"a peer of the route", true, false, name("x"), "far" + domain, diameter.Success},
		{"our own route", true, true, "", "far" + domain, diameter.RealmNotServed},
		{"our own route by host", true, true, name("x"), "far" + domain, diameter.RealmNotServed},
	} {
		t.Run(c.what, func(t *testing.T) {
			w, client, agent, x, y := star(t, func(a, x, y *Config) {
				local := []Route{{Realm: "far" + domain, Action: Local}, {Realm: realm("agent"), Action: Local}}
				x.Routes, y.Routes = local, local
				a.Routed, a.Routes = c.routed, []Route{{Realm: realm("agent"), Action: Local}, far}
				a.Routes[1].Own = c.own
			})
			if !client.ask(1, c.host, c.realm) {
				t.Fatal("not sent")
			}
			w.run(time.Second)
			client.want(1, c.code)
			if len(y.arrived) != 0 || c.code != diameter.Success && len(x.arrived) != 0 {
				t.Errorf("%d arrived at x, %d at y", len(x.arrived), len(y.arrived))
			}
			if !agent.ask(2, "", "far"+domain) || !agent.ask(3, name("y"), realm("y")) {
				t.Fatal("not sent")
			}
			w.run(time.Second)
			agent.want(2, diameter.Success) // its own go everywhere
			if _, ok := agent.answers[3]; !ok {
				t.Error("its own request to a peer is not answered")
			}
		})
	}
}
