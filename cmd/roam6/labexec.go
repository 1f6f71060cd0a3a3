package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
)

func labExecCmd() *cobra.Command {
	name := ""
	c := &cobra.Command{
		Use:   "exec NODE [-- COMMAND [ARG]...]",
		Short: "Run a program inside a node of a lab",
		Long: `Runs a program inside a node, with this terminal, this directory and this environment, and ends with its exit status; 127 if
there is no such program, 126 if it cannot be run. Without a COMMAND it is your shell. A program that goes into the background
(iperf3 -s -D) runs on until it or the lab ends.`,
		Example: lines(
			"roam6 lab exec mn -- ping 2001:db8:c::c",
			"roam6 lab exec cn -- iperf3 -s -D && roam6 lab exec mn -- iperf3 -c 2001:db8:c::c",
			"roam6 lab exec mn -- tcpdump -ni wlan0",
		),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("roam6 lab exec needs a NODE: roam6 lab exec NODE -- COMMAND")
			}
			return nil
		},
		RunE: work(func(c *cobra.Command, args []string) error {
			l, err := dialLab(name)
			if err != nil {
				return err
			}
			argv := args[1:]
			if len(argv) > 0 && argv[0] == "--" {
				argv = argv[1:]
			}
			if len(argv) == 0 {
				argv = []string{"/bin/sh"}
				if sh := os.Getenv("SHELL"); sh != "" {
					argv[0] = sh
				}
			}
			// Signals go to the program; it decides when it ends.
			status, err := l.Exec(context.WithoutCancel(c.Context()), args[0], argv, [3]*os.File{os.Stdin, os.Stdout, os.Stderr}, nil)
			switch {
			case err != nil && status != exitDone:
				return &failure{status, err}
			case err != nil:
				return refused(err)
			}
			return ended(status)
		}),
	}
	c.Flags().SetInterspersed(false)
	whichLab(c, &name)
	return c
}
