package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// Groups of commands in the help.
const (
	groupTry  = "try"
	groupReal = "real"
	groupLook = "look"
)

func rootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "roam6",
		Short: "Keep IPv6 nodes reachable while they move",
		Long: `roam6 keeps an IPv6 node reachable while it moves between access routers and between operators, and says what every
handover costs and why. One binary plays every part:

  mn   mobile node: moves, and keeps the home address that its connections use
  ar   access router: where it is attached now; the mobile node gets a second, care-of address there
  ha   home agent: is told that address, and tunnels to it what comes for the home address
  cn   correspondent node: whoever the mobile node talks to

The same protocol code runs simulated (sim: virtual time, needs nothing), in a laboratory of network namespaces on this
machine (lab: the real kernel, no root), and on real hosts (node).

Exit status: 0 done; 1 an expectation failed; 2 command line or configuration; 3 this machine lacks something.`,
		Example: lines(
			"roam6 sim run commute                       three handovers in virtual time, and what each outage waited for",
			"roam6 sim run commute --strategy fmipv6     the same with fast handovers: nothing is lost",
			"roam6 lab run commute                       the first in network namespaces, on this machine's kernel",
			"roam6 lab up commute                        a lab to work in; then: roam6 lab exec mn -- ping 2001:db8:c::c",
			"roam6 compare commute                       every strategy in one table",
			"roam6 doctor                                what this machine has and lacks",
		),
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Version:                    built(),
		Args:                       noneOf,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetHelpCommandGroupID(groupLook)
	root.SetCompletionCommandGroupID(groupLook)
	root.AddGroup(
		&cobra.Group{ID: groupTry, Title: "Try and measure:"},
		&cobra.Group{ID: groupReal, Title: "Real nodes:"},
		&cobra.Group{ID: groupLook, Title: "Look and learn:"},
	)
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupTry, simCmd(), labCmd(), compareCmd(), scenarioCmd(), benchCmd())
	add(groupReal, nodeCmd(), ctlCmd(), replayCmd(), subscriberCmd(), principalCmd(), accountingCmd())
	add(groupLook, doctorCmd(), versionCmd())
	if decodeHook != nil {
		add(groupLook, decodeHook())
	}
	root.AddCommand(manCmd())
	root.SetVersionTemplate(versionLine() + "\n")
	root.SetFlagErrorFunc(flagError)
	completeAll(root)
	tameCobra(root)
	return root
}

// tameCobra makes the commands that cobra adds by itself refuse what they do not know, as ours do: they would print help, and end
// with status 0.
func tameCobra(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.RunE = func(_ *cobra.Command, args []string) error {
				of, rest, err := root.Find(args)
				switch {
				case err != nil:
					return err // that of noneOf, for the root
				case of.HasSubCommands() && len(rest) > 0:
					return noneOf(of, rest)
				}
				of.InitDefaultHelpFlag()
				return of.Help()
			}
		case "completion":
			c.Args = noneOf
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
			for _, shell := range c.Commands() {
				shell.Args = exactly(0, "no argument")
				shell.RunE = work(shell.RunE) // a full disk is no mistake of the command line
			}
		}
	}
}

// decodeHook makes the command that prints packets.
var decodeHook func() *cobra.Command

// lines indents the lines of an example.
func lines(l ...string) string { return "  " + strings.Join(l, "\n  ") }

// group makes a command that only holds others. Without one of them it prints its help.
func group(use, short, long string, cmds ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: noneOf, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(cmds...)
	return c
}

// noneOf refuses what is not one of the commands a command holds, and suggests what may have been meant.
func noneOf(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := cmd.SuggestionsFor(args[0])
	if len(near) > 0 {
		return usagef("there is no command %q; did you mean `%s %s`?", cmd.CommandPath()+" "+args[0], cmd.CommandPath(), near[0])
	}
	var have []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			have = append(have, c.Name())
		}
	}
	return usagef("there is no command %q; there are: %s", cmd.CommandPath()+" "+args[0], strings.Join(have, ", "))
}

// exactly wants so many arguments, and says which when they are missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < n:
			return usagef("%s needs %s: %s", cmd.CommandPath(), what, cmd.UseLine())
		case len(args) > n:
			return usagef("%s takes only %s; %q is too much", cmd.CommandPath(), what, strings.Join(args[n:], " "))
		}
		return nil
	}
}
