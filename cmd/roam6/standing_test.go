package main

import (
	"testing"

	"roam6/scenario"
)

// In a lab that is up nothing happens by itself, and mobile nodes are where they begin: also those that a run attaches after a while.
func TestStanding(t *testing.T) {
	for _, name := range []string{"commute", "pingpong", "two-radios", "link-loss", "roam-visited-ha"} {
		s, err := scenario.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Plan(scenario.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		before := len(p.Actions)
		q := standing(p)
		if len(q.Actions) != 0 || len(p.Actions) != before || len(expected(q)) != 1 {
			t.Errorf("%s: %d actions, %v can register", name, len(q.Actions), expected(q))
		}
		for k := range p.Nodes {
			for j, f := range p.Nodes[k].Ifaces {
				if at := q.Nodes[k].Ifaces[j].Segment; at == "" || f.Segment != "" && at != f.Segment {
					t.Errorf("%s: %s/%s is at %q, planned at %q", name, p.Nodes[k].Name, f.Name, at, f.Segment)
				}
			}
		}
	}
}
