package main

import "github.com/spf13/cobra"

func benchCmd() *cobra.Command  { return group("bench", "", "") }
func doctorCmd() *cobra.Command { return group("doctor", "", "") }
