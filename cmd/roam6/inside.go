package main

import (
	"os"
	"slices"
	"strings"

	"roam6/node"
)

// forwardingFile says whether the kernel forwards IPv6 packets between its links.
const forwardingFile = "/proc/sys/net/ipv6/conf/all/forwarding"

// unforwarded is why hosts behind a mobile router would reach nobody; "" if nothing stands in their way.
func unforwarded(c *node.Config, file string) string {
	routes := slices.ContainsFunc(c.Roles, func(r node.RoleConfig) bool { return r.MN != nil && len(r.MN.Networks) > 0 })
	b, err := os.ReadFile(file)
	if !routes || err != nil || strings.TrimSpace(string(b)) != "0" {
		return ""
	}
	return "hosts in the node's networks reach nobody: the kernel forwards nothing (net.ipv6.conf.all.forwarding is 0); set it to 1: sysctl -w net.ipv6.conf.all.forwarding=1"
}
