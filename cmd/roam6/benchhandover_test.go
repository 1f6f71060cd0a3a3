package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"roam6/scenario"
)

// Every row is of its blackout and its distance from home, and has all handovers that were asked for, in runs of their own seeds.
func TestHandoverKinds(t *testing.T) {
	f := handoverFlags{handovers: 250, seed: 5}
	if err := f.defaults(); err != nil {
		t.Fatal(err)
	}
	rows := f.kinds()
	if len(rows) != 4*3*2 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, w := range rows {
		moves := 0
		for i, r := range w.flags {
			if r.seed != 5+uint64(i) || r.strategy != w.Strategy {
				t.Errorf("run %d: seed %d, strategy %s", i, r.seed, r.strategy)
			}
			_, p, err := r.plan("walk")
			if err != nil {
				t.Fatal(err)
			}
			home := time.Duration(0)
			for _, s := range p.Segments {
				if s.Name == "core-opa" || s.Name == "core-ha" {
					home += s.Link.Delay
				}
			}
			if home != time.Duration(w.Home) {
				t.Errorf("home is %v away, the row says %v", home, time.Duration(w.Home))
			}
			for k, a := range p.Actions {
				if a.Verb == scenario.Attach {
					moves++
					if got := a.At - p.Actions[k-1].At; got != time.Duration(w.Blackout) {
						t.Errorf("a blackout of %v, the row says %v", got, time.Duration(w.Blackout))
					}
				}
			}
		}
		if moves != 250 {
			t.Errorf("%d moves", moves)
		}
	}
	if f := (&handoverFlags{lab: true}); f.defaults() != nil || len(f.kinds()) != 4 || f.handovers != 50 {
		t.Errorf("in the laboratory %d rows of %d", len(f.kinds()), f.handovers)
	}
	for _, f := range []handoverFlags{{handovers: -1}, {lab: true, planes: []string{"auto"}}, {planes: []string{"soft"}}} {
		if f.defaults() == nil {
			t.Errorf("%+v is taken", f)
		}
	}
}

// The rows of a bench have the strategies side by side; a plane that cannot be is a row that says why.
func TestHandoverRows(t *testing.T) {
	f := handoverFlags{handovers: 3, blackouts: []time.Duration{20 * time.Millisecond}, homes: []time.Duration{40 * time.Millisecond}, quiet: true}
	if err := f.defaults(); err != nil {
		t.Fatal(err)
	}
	rows := f.kinds()
	if err := f.measure(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	got := handoverRows(rows)
	if len(got) != 5 || !strings.HasPrefix(got[0].Name, "lost, blackout 20ms, home 40ms") || *got[0].Ours != 0 || *got[0].Theirs < 1000 || got[0].Peer != "mipv6" {
		b, _ := json.Marshal(got)
		t.Errorf("%s", b)
	}
	rows[0].skipped = usagef("no fast path")
	if got := handoverRows(rows); len(got) != 1 || got[0].Skipped != "no fast path" {
		t.Errorf("%+v", got)
	}
}
