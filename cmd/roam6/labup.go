package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/lab"
	"roam6/scenario"
)

// envRuntime is the directory of the labs' sockets, told to the inside of a lab by its outside: the user's number, which
// the directory is named after, is another one inside.
const envRuntime = "ROAM6_RUNTIME"

// readyWait is how long a lab that is up may take to answer at its socket.
const readyWait = 10 * time.Second

// runtimeDir is the directory of this user's labs. Nobody else may have made it.
func runtimeDir() (string, error) {
	if dir := os.Getenv(envRuntime); dir != "" {
		return dir, nil
	}
	dir := fmt.Sprintf("/tmp/roam6-%d", os.Getuid())
	if base := os.Getenv("XDG_RUNTIME_DIR"); base != "" {
		dir = filepath.Join(base, "roam6")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", lacks(fmt.Errorf("the directory of the labs' sockets: %w", err))
	}
	i, err := os.Lstat(dir)
	if err != nil {
		return "", lacks(err)
	}
	if s, ok := i.Sys().(*syscall.Stat_t); !i.IsDir() || !ok || int(s.Uid) != os.Getuid() || i.Mode().Perm()&0o077 != 0 {
		return "", lacks(fmt.Errorf("%s must be a directory that is yours alone (mode 0700); remove it, or set XDG_RUNTIME_DIR", dir))
	}
	return dir, nil
}

// labNames are the labs that are up.
func labNames() ([]string, error) {
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	sockets, err := filepath.Glob(filepath.Join(dir, "*.lab"))
	var names []string
	for _, s := range sockets {
		if _, err := lab.Dial(s); err == nil {
			names = append(names, strings.TrimSuffix(filepath.Base(s), ".lab"))
		}
	}
	slices.Sort(names)
	return names, err
}

// dialLab reaches a lab by name; with no name, the only one.
func dialLab(name string) (*lab.Client, error) {
	names, err := labNames()
	switch {
	case err != nil:
		return nil, err
	case name == "" && len(names) > 1:
		return nil, usagef("several labs are up; say which with --name: %s", strings.Join(names, ", "))
	case name == "" && len(names) == 1:
		name = names[0]
	case len(names) == 0:
		return nil, usagef("no lab is up; `roam6 lab up commute` starts one")
	case !slices.Contains(names, name):
		return nil, usagef("no lab %q is up; there are: %s", name, strings.Join(names, ", "))
	}
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	return lab.Dial(filepath.Join(dir, name+".lab"))
}

// nameFlag adds --name.
func nameFlag(c *cobra.Command, name *string, what string) {
	c.Flags().StringVar(name, "name", "", what)
	must(c.RegisterFlagCompletionFunc("name", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names, _ := labNames()
		return names, cobra.ShellCompDirectiveNoFileComp
	}))
}

func labUpCmd() *cobra.Command {
	f, name := &runFlags{nodes: 1}, ""
	c := &cobra.Command{
		Use:   "up SCENARIO",
		Short: "Bring a lab up and leave it up, to work in",
		Long: `Brings the world of a scenario up and goes into the background. The scenario's moves and traffic are left to you: see
roam6 lab exec and roam6 lab move.`,
		Example: lines(
			"roam6 lab up commute",
			"roam6 lab exec mn -- ping 2001:db8:c::c",
			"roam6 lab move mn ar2                 in another terminal: watch the pings stop and go on",
			"roam6 lab down",
		),
		Args:              exactly(1, "a SCENARIO"),
		ValidArgsFunction: scenarioNames,
		RunE:              work(func(c *cobra.Command, args []string) error { return labUp(c.Context(), f, args[0], name) }),
	}
	f.choose(c)
	nameFlag(c, &name, "`name` of the lab, to have several (default the scenario's)")
	return c
}

func labUp(ctx context.Context, f *runFlags, arg, name string) error {
	s, p, err := f.plan(arg)
	if err != nil {
		return err
	}
	if name == "" {
		name = s.Name
	}
	if strings.ContainsAny(name, "/\x00") || len(name) > 40 {
		return usagef("--name %q: up to 40 characters and no slash are allowed", name)
	}
	dir, err := runtimeDir()
	if err != nil {
		return err
	}
	socket, logFile := filepath.Join(dir, name+".lab"), filepath.Join(dir, name+".log")
	if len(socket) > driver.MaxSocketPath {
		return lacks(fmt.Errorf("the lab's socket %s: its path has more than %d octets; set XDG_RUNTIME_DIR to a shorter one", socket, driver.MaxSocketPath))
	}
	if _, err := lab.Dial(socket); err == nil && os.Getenv(envRuntime) == "" {
		return usagef("a lab %q is up already; `roam6 lab down --name %s` ends it, another --name makes a second one", name, name)
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return lacks(err)
	}
	defer log.Close()
	inside, err := enter(ctx, lab.EnterOptions{Detach: true, Log: log})
	switch {
	case inside:
		return keepLab(ctx, p, socket)
	case err != nil:
		return fmt.Errorf("%w (log: %s)", err, logFile)
	}
	fmt.Print(howToUse(p, name, logFile))
	return nil
}

// keepLab is the inside of a lab that is up.
func keepLab(ctx context.Context, p *scenario.Plan, socket string) error {
	quiet := *p
	quiet.Actions = nil
	l, err := lab.New(lab.Config{Plan: &quiet, Build: build, Recorder: newLive(&runFlags{}, &quiet, nobody{})})
	if err == nil {
		err = l.Start(ctx)
	}
	if err != nil {
		lab.Ready(err)
		return err
	}
	go func() { // ready is who answers
		for end := time.Now().Add(readyWait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if _, err := lab.Dial(socket); err == nil {
				lab.Ready(nil)
				return
			}
		}
		lab.Ready(errors.New("the lab does not answer at its socket"))
	}()
	err = lab.Serve(ctx, l, socket)
	return errors.Join(err, l.Close())
}

func howToUse(p *scenario.Plan, name, logFile string) string {
	var b strings.Builder
	mobile, cells, which := "mn", []string{}, ""
	for _, n := range p.Nodes {
		if n.Measured {
			mobile = n.Name
			break
		}
	}
	for _, s := range p.Segments {
		if s.Air {
			cells = append(cells, s.Name)
		}
	}
	if names, _ := labNames(); len(names) > 1 {
		which = " --name " + name
	}
	fmt.Fprintf(&b, "Lab %q is up: %s. Its log: %s\n\n", name, nodeNames(p), logFile)
	target := "2001:db8:c::c"
	if len(p.Flows) > 0 {
		target = p.Flows[0].PeerAddr.String()
	}
	fmt.Fprintf(&b, "  roam6 lab exec%s %s -- ping %s\n", which, mobile, target)
	fmt.Fprintf(&b, "  roam6 lab exec%s %s                  a shell in the node\n", which, mobile)
	if len(cells) > 0 {
		fmt.Fprintf(&b, "  roam6 lab move%s %s %-15s  a handover; cells: %s\n", which, mobile, cells[len(cells)-1], strings.Join(cells, ", "))
	}
	fmt.Fprintf(&b, "  roam6 lab status%s\n  roam6 lab down%s\n", which, which)
	return b.String()
}

func nodeNames(p *scenario.Plan) string {
	var names []string
	for _, n := range p.Nodes {
		names = append(names, n.Name)
	}
	return strings.Join(names, " ")
}

func labExecCmd() *cobra.Command {
	name := ""
	c := &cobra.Command{
		Use:   "exec NODE [-- COMMAND [ARG]...]",
		Short: "Run a program inside a node of a lab",
		Long: `Runs a program inside a node, with this terminal, this directory and this environment, and ends with its exit status.
Without a COMMAND it is your shell.`,
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
			if err != nil {
				return usage(err)
			}
			return ended(status)
		}),
	}
	c.Flags().SetInterspersed(false)
	nameFlag(c, &name, "`name` of the lab (needed only when several are up)")
	return c
}

func labMoveCmd() *cobra.Command {
	name, iface, blackout := "", "", 20*time.Millisecond
	c := &cobra.Command{
		Use:     "move NODE CELL",
		Short:   "Move a node of a lab to another cell",
		Long:    "Takes the node's interface off its segment and, after the blackout, attaches it to another: a handover.",
		Example: lines("roam6 lab move mn ar2", "roam6 lab move mn home --blackout 200ms"),
		Args:    exactly(2, "a NODE and a CELL"),
		RunE: work(func(_ *cobra.Command, args []string) error {
			l, err := dialLab(name)
			if err != nil {
				return err
			}
			if iface, err = movable(l, args[0], iface, args[1]); err != nil {
				return err
			}
			if err := l.Do(scenario.Action{Verb: scenario.Detach, Node: args[0], Iface: iface, Handover: -1}); err != nil {
				return usage(err)
			}
			time.Sleep(blackout)
			return usage(l.Do(scenario.Action{Verb: scenario.Attach, Node: args[0], Iface: iface, Segment: args[1], Handover: -1}))
		}),
	}
	c.Flags().StringVar(&iface, "iface", "", "`interface` that moves (default the node's first)")
	c.Flags().DurationVar(&blackout, "blackout", blackout, "time between leaving and joining")
	nameFlag(c, &name, "`name` of the lab (needed only when several are up)")
	return c
}

// movable checks that the lab has the mobile node and the cell, and gives the interface to move: the node's first by default. A
// router taken off its wire would only break the lab.
func movable(l *lab.Client, node, iface, cell string) (string, error) {
	st, err := l.Status()
	if err != nil {
		return "", err
	}
	if !slices.Contains(st.Segments, cell) {
		return "", usagef("there is no cell %q; there are: %s", cell, strings.Join(st.Segments, ", "))
	}
	var mobiles []string
	for _, n := range st.Nodes {
		if !n.Mobile {
			continue
		}
		mobiles = append(mobiles, n.Name)
		if n.Name == node && iface == "" && len(n.Ifaces) > 0 {
			return n.Ifaces[0].Name, nil
		}
		if n.Name == node && slices.ContainsFunc(n.Ifaces, func(i lab.IfaceStatus) bool { return i.Name == iface }) {
			return iface, nil
		}
	}
	if slices.Contains(mobiles, node) {
		return "", usagef("%s has no interface %q; roam6 lab status lists them", node, iface)
	}
	return "", usagef("there is no mobile node %q; there are: %s", node, strings.Join(mobiles, ", "))
}

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
			fmt.Printf("%s, up %s; emulator: %d frames, late by p99 %v\n", st.Scenario, st.Uptime, st.Stats.Delivered, st.Stats.P99)
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
	nameFlag(c, &name, "`name` of the lab (needed only when several are up)")
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
			return err
		}),
	}
}

func labDownCmd() *cobra.Command {
	name, all := "", false
	c := &cobra.Command{
		Use: "down", Short: "Take a lab down", Args: exactly(0, "no argument"),
		Long: "Ends the programs in the lab and takes it down. Nothing of it is left.",
		RunE: work(func(*cobra.Command, []string) error {
			names := []string{name}
			if all {
				var err error
				if names, err = labNames(); err != nil {
					return err
				}
			}
			for _, n := range names {
				l, err := dialLab(n)
				if err != nil {
					return err
				}
				if err := l.Down(); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "all labs of this user")
	nameFlag(c, &name, "`name` of the lab (needed only when several are up)")
	return c
}

// printJSON prints a value, indented.
func printJSON(v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(b, '\n'))
	return err
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
