package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"roam6/role/mn"
	"roam6/scenario"
)

// Another plane is the laboratory's: alone in the simulator it is refused, as is one that there is not.
func TestPlaneOfComparison(t *testing.T) {
	for _, c := range []struct{ world, plane, says string }{
		{"sim", "ebpf", "--world lab or both"},
		{"sim", "auto", "--world lab or both"},
		{"lab", "fast", "soft, ebpf, auto are allowed"},
	} {
		f := &compareFlags{runFlags: runFlags{nodes: 1, seed: 1, world: c.world}, plane: c.plane}
		err := compare(t.Context(), f, "commute")
		if err == nil || !strings.Contains(err.Error(), c.says) || conclude(io.Discard, nil, err) != exitUsage {
			t.Errorf("--world %s --plane %s: %v", c.world, c.plane, err)
		}
	}
}

// What a scenario expects of the way of detection that it chooses is not expected of rows with the other.
func TestRowsForComparison(t *testing.T) {
	silence(t)
	list := variants(&runFlags{nodes: 1, seed: 1, world: "sim", quiet: true})
	for _, v := range list[:2] {
		row, err := v.run(t.Context(), "soft", "roam-home-ha")
		if err != nil {
			t.Fatal(err)
		}
		if held := v.dad == "optimistic"; held != (row.Beside == "") || held != (len(row.Checks) > 0) || !scenario.Passed(row.Checks) {
			t.Errorf("%s: %q, %v", v.name, row.Beside, row.Checks)
		}
	}
}

// A row is what its name says: a user's --set of a row's own key leaves the rows that agree, and never changes another.
func TestRowsOfComparison(t *testing.T) {
	for _, c := range []struct {
		set  []string
		rows int
	}{
		{nil, 2},
		{[]string{"radio.loss=0.1"}, 2},
		{[]string{"mn.dad=optimistic"}, 1},
		{[]string{"mn.dad=optimistic", "mn.dad=standard"}, 1},
		{[]string{"mn={dad: optimistic}"}, 2},
	} {
		list := variants(&runFlags{nodes: 1, seed: 1, set: c.set, world: "sim"})
		if len(list) != c.rows*len(mn.Strategies) {
			t.Errorf("%v: %d rows", c.set, len(list))
		}
		for _, v := range list {
			_, p, err := v.with.plan("commute")
			if err != nil {
				t.Fatalf("%v: %v", c.set, err)
			}
			way := strings.Fields(v.name)[1]
			if !slices.ContainsFunc(p.Nodes, func(n scenario.Node) bool { return strings.Contains(string(n.Config), "dad: "+way) }) {
				t.Errorf("%v: row %q is not what it is called", c.set, v.name)
			}
		}
	}
	for scenario, want := range map[string]string{"commute": "", "roam-home-ha": "optimistic"} {
		if s, err := open(scenario); err != nil || s.DAD() != want {
			t.Errorf("%s: %v", scenario, err)
		}
	}
	if list := variants(&runFlags{nodes: 1, seed: 1, world: "both"}); len(list) != 4*len(mn.Strategies) || list[0].with.world != "sim" || list[1].with.world != "lab" {
		t.Errorf("in both worlds there are %d rows", len(list))
	}
	if list := variants(&runFlags{nodes: 1, seed: 1, set: []string{"mn.dad=maybe"}, world: "sim"}); len(list) != 2*len(mn.Strategies) {
		t.Errorf("a wrong word leaves %d rows", len(list))
	} else if _, _, err := list[0].with.plan("commute"); err == nil {
		t.Error("a wrong word is taken")
	}
}
