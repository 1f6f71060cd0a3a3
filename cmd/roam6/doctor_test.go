package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

// A part of the kernel that is built in is told as such, though nothing stands below /sys/module.
func TestModules(t *testing.T) {
	root := fstest.MapFS{
		"lib/modules/6.1.0-test/modules.builtin": {Data: []byte("kernel/net/ipv6/mip6.ko\nkernel/net/sched/sch_netem.ko\nkernel/drivers/net/veth.ko\nnonsense\n\n")},
		"sys/module/esp6":                        {Mode: 0o755 | 1<<31},
		"sys/module/veth":                        {Mode: 0o755 | 1<<31},
	}
	const want = "loaded: esp6; built in: mip6 sch_netem veth; not loaded: ip6_tunnel vrf dummy ("
	if f := modulesFinding(moduleStates(root, "6.1.0-test")); !strings.HasPrefix(f.Found, want) {
		t.Errorf("found %q, want %q", f.Found, want)
	}
	const without = "loaded: esp6 veth; not loaded: ip6_tunnel mip6 sch_netem vrf dummy; what is built in may not show"
	if f := modulesFinding(moduleStates(root, "")); !strings.HasPrefix(f.Found, without) {
		t.Errorf("without modules.builtin %q, want %q", f.Found, without)
	}
}

func TestNeighbourTable(t *testing.T) {
	for limit, advice := range map[string]bool{"1024": true, "128": true, "8192": false} { //order:any
		list := neighbourFindings(limit)
		if len(list) != 1 || strings.Contains(list[0].Do, "SECURITY.md") != advice || !strings.Contains(list[0].Found, limit) {
			t.Errorf("%s: %+v", limit, list)
		}
	}
	if list := neighbourFindings(""); list != nil {
		t.Errorf("unknown: %+v", list)
	}
}
