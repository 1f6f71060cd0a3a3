package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"roam6/driver"
	"roam6/driver/gate"
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

// The row of nf_tables is there on every machine, and one that takes no gate learns what that costs and what to install.
func TestGatesOfTheKernel(t *testing.T) {
	list, _ := examine()
	if !slices.ContainsFunc(list, func(f finding) bool { return f.Name == "nf_tables" }) {
		t.Errorf("no row for nf_tables in %+v", list)
	}
	if f := gateFinding(nil); f.State != have || f.Do+f.Costs != "" {
		t.Errorf("%+v", f)
	}
	for _, err := range []error{unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EINVAL} {
		f := gateFinding(err)
		if f.State != lack || !strings.Contains(f.Found, err.Error()) || !strings.Contains(f.Costs, "kernel: on") || !strings.Contains(f.Do, "CONFIG_NF_TABLES") || !strings.Contains(f.Do, "linux-image") {
			t.Errorf("%v: %+v", err, f)
		}
	}
	if f := gateFinding(fmt.Errorf("%w (%w)", gate.ErrNotAsked, unix.EPERM)); f.State != info || f.Costs != "" || !strings.Contains(f.Do, "sudo roam6 doctor") {
		t.Errorf("a user who may not ask is told %+v", f)
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

// What is said of the commands agrees with what is said of IPv6.
func TestFindingsOfIPv6Agree(t *testing.T) {
	for _, c := range []struct {
		disabled string
		missing  []driver.Lack
		node     string
		ipv6     string
	}{
		{"0", nil, have, have},
		{"1", nil, lack, lack},
		{"", []driver.Lack{{Name: "IPv6"}}, lack, lack}, // as driver.Missing says it
	} {
		state := ipv6Of(c.disabled)
		of, list := nodeFinding(c.missing, state), ipv6Findings(state)
		if of.State != c.node || list[0].State != c.ipv6 {
			t.Errorf("disable_ipv6 %q: %+v and %+v", c.disabled, of, list)
		}
		if c.ipv6 == lack && len(list) != 1 {
			t.Errorf("disable_ipv6 %q: more is said of what is off: %+v", c.disabled, list)
		}
		if c.ipv6 == lack && !strings.Contains(of.Found, "IPv6") {
			t.Errorf("disable_ipv6 %q: %q does not say why", c.disabled, of.Found)
		}
	}
}
