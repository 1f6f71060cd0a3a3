package scenario_test

import (
	"strings"
	"testing"

	"roam6/scenario"
)

// Who has no probe is told that nothing is measured, and which expectations say nothing then.
func TestNoteOnMeasuring(t *testing.T) {
	const flow = "\nflows: [{name: f, interval: 20ms, start: 5s"
	for _, c := range []struct {
		text       string
		want, lack string // lack "*": everything
	}{
		{"", "no flow has `probe: true`", "expect"},
		{flow + "}]", "a flow that measures: {name: probe", "expect"},
		{flow + "}]\nexpect: {handovers: 1, max_lost: 0, max_interruption: 1s}", "expect says of max_interruption, max_lost holds", "handovers,"},
		{flow + ", probe: true}]\nexpect: {max_lost: 0}", "", "*"},
	} {
		s, err := scenario.Read("x.yaml", []byte("name: x\ntitle: X\nlength: 12s\nmoves: [{at: 6s, to: ar2}]"+c.text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Plan(scenario.Options{Strategy: "mipv6", Seed: 1, Nodes: 1})
		if err != nil {
			t.Fatal(err)
		}
		got := s.Note(p)
		if !strings.Contains(got, c.want) || c.lack == "*" && got != "" || c.lack != "*" && strings.Contains(got, c.lack) {
			t.Errorf("%q: %q", c.text, got)
		}
	}
	for _, s := range scenario.List() {
		p, err := s.Plan(scenario.Options{Strategy: "mipv6", Seed: 1, Nodes: 1})
		if err != nil || s.Note(p) != "" {
			t.Errorf("%s: %v, %q", s.Name, err, s.Note(p))
		}
	}
}
