package main

import "github.com/spf13/cobra"

func benchCmd() *cobra.Command  { return group("bench", "", "") }
func nodeCmd() *cobra.Command   { return group("node", "", "") }
func ctlCmd() *cobra.Command    { return group("ctl", "", "") }
func replayCmd() *cobra.Command { return group("replay", "", "") }
func doctorCmd() *cobra.Command { return group("doctor", "", "") }
