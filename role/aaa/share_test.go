package aaa

import (
	"fmt"
	"testing"

	"roam6/wire/diameter"
)

// One home network with which there is an agreement does not have all the room of home agents here: its users need not even be here.
func TestHomeAgentsOfOneRealm(t *testing.T) { //spec DM-16
	cfg := visitedConfig()
	cfg.Visited.Agreements = append(cfg.Visited.Agreements, Agreement{Realm: "evil.example", Hosts: []string{mallory}, Agents: true})
	b := newBench(t, cfg)
	for i := range 40 {
		h := wantsAgent()
		h.OriginRealm, h.User, h.Session = "evil.example", fmt.Sprintf("u%d@evil.example", i), fmt.Sprint("s;", i)
		at := b.wants(mallory, h)
		if len(b.d.asked) > 0 {
			b.agent(nil)
		}
		if b.hoaOf(at).Code != diameter.Success {
			if i != 15 {
				t.Errorf("refused after %d: %v", i, b.s.View().(View).Visited)
			}
			break
		}
	}
	at := b.wants(aaah, wantsAgent())
	if len(b.d.asked) > 0 {
		b.agent(nil)
	}
	if c := b.hoaOf(at).Code; c != diameter.Success {
		t.Errorf("another realm's user: %v", c)
	}
}
