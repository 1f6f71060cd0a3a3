package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/driver/ebpf"
)

// planes are what --plane takes.
var planes = []string{string(driver.PlaneSoft), string(driver.PlaneEBPF), string(driver.PlaneAuto)}

// planeFlag is the flag that says who forwards users' packets.
func planeFlag(c *cobra.Command, plane *string) {
	c.Flags().StringVar(plane, "plane", planes[0],
		"who forwards users' packets: soft (user space), ebpf (with a fast path in the kernel, or the command fails), auto (ebpf if it can be)")
	must(c.RegisterFlagCompletionFunc("plane", cobra.FixedCompletions(planes, cobra.ShellCompDirectiveNoFileComp)))
}

// planeOf is the plane that one of them comes to on this machine, as results name it; in a lab, inside.
func planeOf(plane string) string {
	switch {
	case plane != string(driver.PlaneAuto):
		return plane
	case ebpf.Probe() == nil:
		return string(driver.PlaneEBPF)
	}
	return string(driver.PlaneSoft)
}

func planeKnown(plane string) error {
	if !slices.Contains(planes, plane) {
		return usagef("--plane %s: %s are allowed", plane, strings.Join(planes, ", "))
	}
	return nil
}
