package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/lab"
)

func labCtlCmd() *cobra.Command {
	f, name := &ctlFlags{}, ""
	c := &cobra.Command{
		Use:   "ctl NODE VERB [KEY=VALUE]...",
		Short: "Ask or command a node of a lab",
		Long: "Asks or commands a node of a lab, as roam6 ctl does one that runs on a host.\n\n" + verbHelp() +
			"\nOther verbs go to the role named by --engine as they are. Answers are JSON. A node of a lab is not stopped by itself.",
		Example: lines(
			"roam6 lab ctl mn view",
			"roam6 lab ctl ha bindings",
			"roam6 lab ctl mn stats | jq .waiting",
			"roam6 lab ctl ar1 events",
		),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("roam6 lab ctl needs a NODE and a VERB:\n%s", strings.TrimRight(verbHelp(), "\n"))
			}
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return livingNodes(c), cobra.ShellCompDirectiveNoFileComp
			case 1:
				return ctlVerbs, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: work(func(c *cobra.Command, args []string) error {
			verb := args[1]
			if verb == driver.VerbStop && f.engine == "" {
				return usagef("%s: a node of a lab lives as long as the lab; roam6 lab down ends both", verb)
			}
			words, err := ctlArgs(verb, args[2:])
			if err != nil {
				return err
			}
			l, err := dialLab(name)
			if err != nil {
				return err
			}
			node, err := l.Node(args[0])
			if err != nil {
				return refused(err)
			}
			return f.ask(c.Context(), node, verb, words)
		}),
	}
	f.askFlags(c)
	whichLab(c, &name)
	return c
}

// livingNodes completes the names of the nodes that answer.
func livingNodes(c *cobra.Command) []cobra.Completion {
	var out []cobra.Completion
	st, _ := labStatus(c)
	for _, n := range st.Nodes {
		if n.State == lab.StateRunning {
			out = append(out, n.Name)
		}
	}
	return out
}

func labEventsCmd() *cobra.Command {
	name, asJSON := "", false
	c := &cobra.Command{
		Use:   "events [NODE]",
		Short: "Tell what happens in a lab, as it happens, until Ctrl-C",
		Long: `Prints the events of a node, or of all, and every move by hand: seconds since the lab's start, node, role, event. Events of
different nodes are put in order of time, for which they wait a fifth of a second.`,
		Example: lines("roam6 lab events", "roam6 lab events mn --json | jq 'select(.event.name == \"registered\")'"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("roam6 lab events takes one NODE, or none for all; %q is too much", strings.Join(args[1:], " "))
			}
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return livingNodes(c), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: work(func(c *cobra.Command, args []string) error {
			l, err := dialLab(name)
			if err != nil {
				return err
			}
			node := strings.Join(args, "")
			return refused(l.Follow(c.Context(), node, func(t lab.Told) {
				if asJSON {
					printLine(t)
					return
				}
				fmt.Printf("%12.6f  %-6s %-6s %s\n", t.At.Seconds(), t.Node, t.Engine, eventText(t.Told))
			}))
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	whichLab(c, &name)
	return c
}
