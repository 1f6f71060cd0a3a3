package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roam6/node"
)

// A mobile router whose kernel forwards nothing is told what to set; nobody else is.
//
// spec MIP-11
func TestUnforwarded(t *testing.T) {
	router := &node.Config{Roles: []node.RoleConfig{{MN: &node.MNConfig{Networks: make([]node.AdvertiseConfig, 1)}}}}
	plain := &node.Config{Roles: []node.RoleConfig{{MN: &node.MNConfig{}}, {HA: &node.HAConfig{}}}}
	for _, c := range []struct {
		cfg   *node.Config
		value string
		told  bool
	}{{router, "0\n", true}, {router, "1\n", false}, {router, "", false}, {plain, "0\n", false}} {
		file := filepath.Join(t.TempDir(), "forwarding")
		if c.value != "" {
			if err := os.WriteFile(file, []byte(c.value), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := unforwarded(c.cfg, file); (got != "") != c.told || c.told && !strings.Contains(got, "sysctl -w") {
			t.Errorf("%q: %q", c.value, got)
		}
	}
}
