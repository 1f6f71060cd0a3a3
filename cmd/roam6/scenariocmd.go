package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"roam6/scenario"
)

func scenarioCmd() *cobra.Command {
	return group("scenario", "List, show and check scenarios", `A scenario is a YAML file: a world, what moves when, the traffic, and what a run must show. docs/scenario.md explains it;
a built-in one is a good start for your own:

  roam6 scenario show commute > mine.yaml
  roam6 scenario check mine.yaml
  roam6 sim run ./mine.yaml`, scenarioListCmd(), scenarioShowCmd(), scenarioSchemaCmd(), scenarioCheckCmd())
}

// listed is a scenario in a list.
type listed struct {
	Name   string          `json:"name"`
	Title  string          `json:"title"`
	Shows  string          `json:"shows"`
	Length scenario.Millis `json:"length_ms"`
}

func scenarioListCmd() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "list", Short: "List the built-in scenarios", Args: exactly(0, "no argument"),
		RunE: work(func(*cobra.Command, []string) error {
			if asJSON {
				list := []listed{}
				for _, s := range scenario.List() {
					list = append(list, listed{s.Name, s.Title, strings.TrimSpace(s.Shows), scenario.Millis(s.Length)})
				}
				return printJSON(list)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			for _, s := range scenario.List() {
				fmt.Fprintf(w, "%s\t%v\t%s\n", s.Name, s.Length, s.Title)
			}
			return w.Flush()
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func scenarioShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show SCENARIO", Short: "Print a scenario's file", Args: exactly(1, "a SCENARIO"), ValidArgsFunction: scenarioNames,
		RunE: work(func(_ *cobra.Command, args []string) error {
			s, err := open(args[0])
			if err != nil {
				return err
			}
			_, err = os.Stdout.Write(s.Text())
			return err
		}),
	}
}

func scenarioSchemaCmd() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of scenario files", Args: exactly(0, "no argument"),
		Example: lines("roam6 scenario schema > scenario.json      for an editor that checks YAML while you type"),
		RunE: work(func(*cobra.Command, []string) error {
			_, err := os.Stdout.Write(scenario.Schema())
			return err
		}),
	}
}

func scenarioCheckCmd() *cobra.Command {
	f := &runFlags{nodes: 1}
	c := &cobra.Command{
		Use: "check SCENARIO", Short: "Check a scenario's file without running it", Args: exactly(1, "a SCENARIO"), ValidArgsFunction: scenarioNames,
		Long: "Reads the file, works out the plan of a run, and says what is wrong with its place and what would be allowed. A note says so when nothing would be measured.",
		RunE: work(func(_ *cobra.Command, args []string) error {
			s, p, err := f.plan(args[0])
			if err != nil {
				return err
			}
			for _, n := range p.Nodes {
				if n.Config == nil {
					continue
				}
				if _, err := build(n, [32]byte{}); err != nil {
					return usage(err)
				}
			}
			fmt.Printf("%s is right: %s\n%v, %d nodes, %d segments, %d actions, %s\n", s.Name, strings.TrimSpace(s.Title),
				p.Length, len(p.Nodes), len(p.Segments), len(p.Actions), plural(len(p.Flows), "flow"))
			if note := s.Note(p); note != "" {
				fmt.Println("note: " + note)
			}
			return nil
		}),
	}
	f.choose(c)
	return c
}

// plural counts things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
