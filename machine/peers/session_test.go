package peers

import (
	"testing"
	"time"

	"roam6/engine"
)

// A node without a clock of its own, which begins at the same time whenever it is started, gives no two sessions one name: their accounting
// records would be taken for one another's.
func TestSessionNamesAfterARestart(t *testing.T) { //spec DM-22
	seen := map[string]bool{}
	for life := range byte(10) {
		n, err := New(Config{Host: "ar.visited.example", Realm: "visited.example"}, engine.NewRand([32]byte{life}))
		if err != nil {
			t.Fatal(err)
		}
		var out engine.Effects
		n.Start(engine.Now{Wall: time.Unix(1_700_000_000, 0)}, &out)
		for range 100 {
			id := n.NewSessionID()
			if seen[id] {
				t.Fatalf("%s twice, in life %d", id, life)
			}
			seen[id] = true
		}
	}
}
