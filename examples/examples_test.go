// Package examples holds configurations to start from; this test keeps them right.
package examples

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"roam6/node"
)

// TestExamples wants the files of examples/ to be right, and those of mobile node and home agent to fit together.
func TestExamples(t *testing.T) {
	configs := map[string]*node.Config{}
	for _, name := range []string{"ha", "ar", "mn", "cn", "vehicle"} {
		file := name + ".yaml"
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := node.Parse(file, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node.Build(c, [32]byte{}); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		configs[name] = c
	}
	ha := configs["ha"].Roles[0].HA
	for _, name := range []string{"mn", "vehicle"} {
		fit(t, name, configs[name].Roles[0].MN, ha)
	}
}

// fit wants a mobile node and a home agent to know each other.
func fit(t *testing.T, name string, mn *node.MNConfig, ha *node.HAConfig) {
	t.Helper()
	if mn.HomeAgent != ha.Address || mn.HomePrefix != ha.Prefix {
		t.Errorf("%s.yaml has home agent %v and prefix %v, ha.yaml %v and %v", name, mn.HomeAgent, mn.HomePrefix, ha.Address, ha.Prefix)
	}
	i := slices.IndexFunc(ha.Mobiles, func(m node.MobileConfig) bool { return m.HomeAddress == mn.HomeAddress })
	if i < 0 {
		t.Fatalf("ha.yaml does not serve %v of %s.yaml", mn.HomeAddress, name)
	}
	a, b := mn.Security.ESP, ha.Mobiles[i].Security.ESP
	if a.OutSPI != b.InSPI || a.InSPI != b.OutSPI || !bytes.Equal(a.OutKey, b.InKey) || !bytes.Equal(a.InKey, b.OutKey) {
		t.Errorf("the keys or SPIs of %s.yaml are not those of ha.yaml, in and out exchanged", name)
	}
}
