package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"roam6/plane"
	"roam6/scenario"
)

// The configurations of fast handovers name link-layer addresses and cells as the plan has them, and other strategies' have none.
//
// spec MIP-09
func TestFastConfigurationsFit(t *testing.T) {
	p := plan(t, "link-loss", scenario.Options{Seed: 3, Strategy: "fmipv6", Nodes: 3})
	text := func(hw plane.HW) string {
		return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", hw[0], hw[1], hw[2], hw[3], hw[4], hw[5])
	}
	config := map[string]string{}
	for _, n := range p.Nodes {
		config[n.Name] = string(n.Config)
	}
	for _, n := range p.Nodes {
		for _, f := range n.Ifaces {
			switch {
			case n.Userland:
				if !strings.Contains(config["ar1"], fmt.Sprintf("- {hw: %q", text(f.HW))) {
					t.Errorf("ar1 does not know %s/%s", n.Name, f.Name)
				}
			case f.Name == "cell" && n.Name != "ar1":
				if !strings.Contains(config["ar1"], fmt.Sprintf("hw: %q", text(f.HW))) {
					t.Errorf("ar1 does not know the link-layer address of %s", n.Name)
				}
			}
		}
	}
	for _, s := range p.Segments {
		if strings.HasPrefix(s.Name, "ar") && s.Air && !strings.Contains(config["ar1"], fmt.Sprintf("[%q]", text(s.HW))) {
			t.Errorf("ar1 does not know the cell %s", s.Name)
		}
	}
	for _, n := range plan(t, "link-loss", scenario.Options{Seed: 3}).Nodes {
		if strings.Contains(string(n.Config), "fmipv6") {
			t.Errorf("%s is configured for fast handovers under another strategy", n.Name)
		}
	}
}
