package main

import (
	"strings"

	"roam6/driver"
)

// ipv6State is how a kernel has IPv6.
type ipv6State int

const (
	ipv6Absent ipv6State = iota
	ipv6Off              // on all interfaces
	ipv6On
)

// ipv6Of reads it off the switch of all interfaces; "": there is none.
func ipv6Of(disabled string) ipv6State {
	switch disabled {
	case "":
		return ipv6Absent
	case "1":
		return ipv6Off
	}
	return ipv6On
}

// whatOffCosts is what a node cannot do where IPv6 is switched off: the links of a mobile node are its own, the kernel has no part in them.
const whatOffCosts = "roam6 node, but for a mobile node whose links all have kernel: off"

// nodeFinding says whether a node can run: it agrees with what is said below of each thing it needs.
func nodeFinding(missing []driver.Lack, ipv6 ipv6State) finding {
	f := finding{Name: "roam6 node", State: have, Found: "can run as this user"}
	var names []string
	for _, m := range missing {
		names = append(names, m.Name)
	}
	switch {
	case len(missing) > 0:
		f.State, f.Found, f.Costs = lack, "lacks "+strings.Join(names, ", "), "real nodes, run as this user"
	case ipv6 == ipv6Off:
		f.State, f.Found, f.Costs = lack, "this user may, but IPv6 is switched off: see below", "all roles, but for a mobile node whose links all have kernel: off"
	}
	return f
}

// ipv6Findings tells of the kernel's IPv6. Where it is off as a whole, each interface's own switch says no more.
func ipv6Findings(state ipv6State) []finding {
	switch state {
	case ipv6Absent:
		return []finding{{Name: "IPv6", State: lack, Found: "not in this kernel", Costs: "roam6 lab and roam6 node", Do: "boot without ipv6.disable=1"}}
	case ipv6Off:
		return []finding{{Name: "IPv6", State: lack, Found: "switched off on all interfaces", Costs: whatOffCosts,
			Do: "sudo sysctl net.ipv6.conf.all.disable_ipv6=0"}}
	}
	f := finding{Name: "IPv6", State: have, Found: "on"}
	forward := finding{Name: "IPv6 forwarding", State: info, Found: "on"}
	if sysctl("net/ipv6/conf/all/forwarding") != "1" {
		forward.Found = "off; a home agent and an access router need it"
		forward.Do = "sudo sysctl net.ipv6.conf.all.forwarding=1"
	}
	list := []finding{f, forward}
	if sysctl("net/ipv6/conf/all/forwarding") == "1" {
		list = append(list, neighbourFindings(sysctl("net/ipv6/neigh/default/gc_thresh3"))...)
	}
	return append(list, offFindings()...)
}
