package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"roam6/lab"
)

func labStatusCmd() *cobra.Command {
	name, asJSON := "", false
	c := &cobra.Command{
		Use: "status", Short: "Say how a lab is", Args: exactly(0, "no argument"),
		RunE: work(func(*cobra.Command, []string) error {
			l, err := dialLab(name)
			if err != nil {
				return err
			}
			st, err := l.Status()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(st)
			}
			fmt.Printf("%s, up %s, process %d; emulator: %d frames, late by %v (p99)\n", st.Scenario, st.Uptime, st.PID, st.Stats.Delivered, st.Stats.P99.Round(10*time.Microsecond))
			if st.Captures != "" {
				fmt.Printf("  captures in %s\n", st.Captures)
			}
			for _, n := range st.Nodes {
				var at []string
				for _, i := range n.Ifaces {
					at = append(at, fmt.Sprintf("%s on %s", i.Name, orWord(i.Segment, "nothing")))
				}
				fmt.Printf("  %-6s %-8s %s\n", n.Name, n.State, strings.Join(at, ", "))
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	whichLab(c, &name)
	return c
}

func labListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the labs that are up", Args: exactly(0, "no argument"),
		RunE: work(func(*cobra.Command, []string) error {
			names, err := labNames()
			for _, n := range names {
				fmt.Println(n)
			}
			if err == nil && len(names) == 0 {
				fmt.Fprintln(os.Stderr, "no lab is up; `roam6 lab up commute` starts one")
			}
			return err
		}),
	}
}

func labDownCmd() *cobra.Command {
	name, all := "", false
	c := &cobra.Command{
		Use: "down", Short: "Take a lab down", Args: exactly(0, "no argument"),
		Long: `Ends the programs in the lab and takes it down, and says what that was. Nothing of it is left but the captures it was asked for.
With no --name the only lab is meant. What a lab left that was killed or failed is removed too, and named: of the lab that is
meant, where none is up that of the only one that left something, and with --all of all.`,
		RunE: work(func(*cobra.Command, []string) error {
			if all {
				return allDown()
			}
			return labDown(name)
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "all labs of this user")
	whichLab(c, &name)
	return c
}

// labDown takes one lab down; with no name, the only one.
func labDown(name string) error {
	p, err := meant(name)
	if err == nil {
		text, err := takeDown(p)
		fmt.Print(text)
		return err
	}
	dead, e := leftovers(name)
	if names, _ := labNames(); e != nil || len(dead) == 0 || name == "" && len(names) > 0 {
		return err
	}
	if len(dead) > 1 {
		return severalDead(dead)
	}
	return tidy(dead)
}

// severalDead asks which lab is meant when none is up and several left something, as it is asked where several are up.
func severalDead(dead []*place) error {
	var names []string
	for _, p := range dead {
		names = append(names, p.name)
	}
	return usagef("no lab is up; several that were killed, or failed, left files: %s; say whose to remove with --name, or --all", strings.Join(names, ", "))
}

// allDown takes all labs down at once, and removes what others left.
func allDown() error {
	names, err := labNames()
	if err != nil {
		return err
	}
	texts, errs := make([]string, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for k, n := range names {
		all.Go(func() {
			p, err := placeOf(n)
			if err == nil {
				texts[k], err = takeDown(p)
			}
			errs[k] = err
		})
	}
	all.Wait()
	fmt.Print(strings.Join(texts, ""))
	dead, err := leftovers("")
	return errors.Join(errors.Join(errs...), err, tidy(dead))
}

// takeDown takes a lab down, waits for its end, and says what that was. One that was killed meanwhile is down as well.
func takeDown(p *place) (string, error) {
	l, err := lab.Dial(p.socket)
	var d lab.Downed
	if err == nil {
		if d, err = l.Down(); err == nil {
			return downText(p, d), nil
		}
	}
	if !errors.Is(err, lab.ErrEnded) {
		return "", err
	}
	if err := p.dead(); err != nil {
		return "", err
	}
	removed, err := p.clear()
	return clearedText(p, removed), err
}

// tidy removes what dead labs left, and says so.
func tidy(dead []*place) error {
	var errs []error
	for _, p := range dead {
		if err := p.dead(); err != nil {
			errs = append(errs, err)
			continue
		}
		removed, err := p.clear()
		fmt.Print(clearedText(p, removed))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// clearedText says what was left of a lab.
func clearedText(p *place, removed []string) string {
	if len(removed) == 0 {
		return ""
	}
	return fmt.Sprintf("Lab %q had ended already, or was killed.\n  removed: %s\n", p.name, strings.Join(removed, ", "))
}

// programsTold is how many programs that ended with a lab are named.
const programsTold = 8

// downText says what went down.
func downText(p *place, d lab.Downed) string {
	var b strings.Builder
	var names []string
	for _, n := range d.Status.Nodes {
		names = append(names, n.Name)
	}
	fmt.Fprintf(&b, "Lab %q is down; it was up for %s: %s (%s), %s.\n", p.name, d.Status.Uptime,
		plural(len(names), "node"), strings.Join(names, " "), plural(len(d.Status.Segments), "segment"))
	for i, x := range d.Programs {
		if i == programsTold {
			fmt.Fprintf(&b, "  … and %s more\n", plural(len(d.Programs)-i, "program"))
			break
		}
		fmt.Fprintf(&b, "  ended in %s: %s\n", x.Node, clipped(x.Command))
	}
	var gone []string
	for _, f := range []string{p.socket, p.log} {
		if _, err := os.Lstat(f); err != nil {
			gone = append(gone, f)
		} else {
			fmt.Fprintf(&b, "  left: %s\n", f)
		}
	}
	if len(gone) > 0 {
		fmt.Fprintf(&b, "  removed: %s\n", strings.Join(gone, ", "))
	}
	if d.Status.Captures != "" {
		fmt.Fprintf(&b, "  captures: %s, %s\n", d.Status.Captures, plural(len(d.Status.Segments), "file"))
	}
	return b.String()
}

// clipped is a command line, not longer than one.
func clipped(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// printJSON prints a value, indented.
func printJSON(v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(printableJSON(b), '\n'))
	return err
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
