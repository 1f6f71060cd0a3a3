package node

import (
	"slices"
	"testing"

	"roam6/engine"
	"roam6/plane"
)

// Beside other roles the mobile node uses its own links and leaves the others alone, whether the file says which or not.
func TestLinksOfAMobileNodeBesideOthers(t *testing.T) {
	const links = "links: [{name: a, port: 1}, {name: b, port: 2}, {name: c, port: 3}]\n"
	for name, c := range map[string]struct {
		roles string
		want  []plane.Port
	}{
		"alone":                   {mnRole, []plane.Port{1, 2, 3}},
		"what the router leaves":  {mnRole + "," + arRole, []plane.Port{2, 3}},
		"the router comes first":  {arRole + "," + mnRole, []plane.Port{2, 3}},
		"chosen":                  {mnOn2 + "," + arRole, []plane.Port{2}},
		"beside a correspondent":  {mnRole + "," + cnRole, []plane.Port{1, 2, 3}},
		"chosen, with all others": {cnRole + "," + arRole + "," + mnOn2, []plane.Port{2}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("n.yaml", []byte("name: n\n"+links+"roles: ["+c.roles+"]\n"))
			if err != nil {
				t.Fatal(err)
			}
			engines, err := Build(cfg, [32]byte{})
			if err != nil {
				t.Fatal(err)
			}
			mn := engines[slices.IndexFunc(engines, func(e Engine) bool { return e.Name == "mn" })].Engine
			var got []plane.Port
			for port := plane.Port(1); port <= 3; port++ {
				var out engine.Effects
				mn.Handle(engine.Now{}, engine.LinkUp{Port: port, HW: plane.HW{2, byte(port)}, MTU: 1500}, &out)
				if slices.ContainsFunc(out.List, func(e engine.Effect) bool { s, is := e.(engine.Send); return is && s.Port == port }) {
					got = append(got, port)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("solicits routers on %v, want %v", got, c.want)
			}
		})
	}
}
