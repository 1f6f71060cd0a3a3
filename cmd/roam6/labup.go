package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/lab"
	"roam6/scenario"
)

// envRuntime is the directory of the labs' sockets, told to the inside of a lab by its outside: the user's number, which
// the directory is named after, is another one inside.
const envRuntime = "ROAM6_RUNTIME"

// upFlags are the flags of `lab up`.
type upFlags struct {
	runFlags
	name, captures, plane string
	wait                  time.Duration
}

func labUpCmd() *cobra.Command {
	f := &upFlags{}
	c := &cobra.Command{
		Use:   "up SCENARIO",
		Short: "Bring a lab up and leave it up, to work in",
		Long: `Brings the world of a scenario up, goes into the background, and waits until its mobile nodes have registered. The scenario's
moves and traffic are left to you: see roam6 lab exec and roam6 lab move.`,
		Example: lines(
			"roam6 lab up commute",
			"roam6 lab exec mn -- ping 2001:db8:c::c",
			"roam6 lab move mn ar2                 in another terminal: watch the pings stop and go on",
			"roam6 lab ctl ha bindings             what the home agent knows now",
			"roam6 lab down",
			"roam6 lab up commute --keep-captures out     and then: roam6 decode out/ar1.pcapng --summary",
		),
		Args:              exactly(1, "a SCENARIO"),
		ValidArgsFunction: scenarioNames,
		RunE:              work(func(c *cobra.Command, args []string) error { return f.up(c.Context(), args[0]) }),
	}
	f.nodes = 1
	f.choose(c)
	c.Flags().StringVar(&f.captures, "keep-captures", "",
		fmt.Sprintf("write a pcapng of every segment into `DIR` while the lab is up, %d MiB each at most", lab.CaptureLimit>>20))
	must(c.MarkFlagDirname("keep-captures"))
	planeFlag(c, &f.plane)
	c.Flags().DurationVar(&f.wait, "wait", moveWait, "how long the mobile nodes may take to register; 0s: do not wait")
	must(c.Flags().SetAnnotation("wait", allowedNote, []string{fmt.Sprintf("0s to %v", lab.MaxMove)}))
	must(c.RegisterFlagCompletionFunc("wait", nothing))
	nameFlag(c, &f.name, "`name` of the lab, to have several (default the scenario's)")
	return c
}

// maxLabName is how many octets a lab's name may have: a socket's path has few.
const maxLabName = 40

func (f *upFlags) up(ctx context.Context, arg string) error {
	if err := planeKnown(f.plane); err != nil {
		return err
	}
	if f.wait < 0 || f.wait > lab.MaxMove {
		return usagef("--wait %v: 0s to %v is allowed", f.wait, lab.MaxMove)
	}
	s, p, err := f.plan(arg)
	if err != nil {
		return err
	}
	p = standing(p)
	if f.name == "" {
		f.name = s.Name
	}
	if strings.ContainsAny(f.name, "/\x00") || len(f.name) > maxLabName {
		return usagef("--name %q: up to %d octets and no slash are allowed", f.name, maxLabName)
	}
	if f.captures != "" {
		if f.captures, err = filepath.Abs(f.captures); err != nil {
			return lacks(err)
		}
	}
	place, err := placeOf(f.name)
	if err != nil {
		return err
	}
	if os.Getenv(envRuntime) != "" { // inside already
		inside, err := enter(ctx, lab.EnterOptions{Detach: true})
		if !inside {
			return err
		}
		return f.keep(ctx, p, place)
	}
	log, err := place.claim()
	if err != nil {
		return err
	}
	defer log.Close()
	if _, err = enter(ctx, lab.EnterOptions{Detach: true, Log: log}); err != nil {
		if place.abandon(log, err) {
			return err
		}
		return fmt.Errorf("%w (log, until the next roam6 lab down: %s)", err, place.log)
	}
	arrived := f.await(ctx, p, place)
	fmt.Print(howToUse(p, f, place.log, arrived))
	return nil
}

// standing is a plan in which nothing happens by itself. What it would attach first after a while (mobile nodes wait until the AAA servers have found
// each other) is attached from the start.
func standing(p *scenario.Plan) *scenario.Plan {
	quiet := *p
	quiet.Actions, quiet.Nodes = nil, slices.Clone(p.Nodes)
	for k := range quiet.Nodes {
		n := &quiet.Nodes[k]
		n.Ifaces = slices.Clone(n.Ifaces)
		for j := range n.Ifaces {
			f := &n.Ifaces[j]
			first := slices.IndexFunc(p.Actions, func(a scenario.Action) bool {
				return a.Verb == scenario.Attach && a.Node == n.Name && a.Iface == f.Name && a.Handover < 0
			})
			if f.Segment == "" && first >= 0 {
				f.Segment = p.Actions[first].Segment
			}
		}
	}
	return &quiet
}

// keep is the inside of a lab that is up.
func (f *upFlags) keep(ctx context.Context, p *scenario.Plan, at *place) error {
	l, err := lab.New(lab.Config{Plan: p, Build: build, Services: labServices(), Recorder: newLive(&runFlags{}, p, nobody{}), CaptureDir: f.captures, Plane: driver.Plane(f.plane)})
	if err == nil {
		err = l.Start(ctx)
	}
	if err == nil {
		err = errors.Join(lab.Serve(ctx, l, at.socket), l.Close())
	}
	err = withoutFast(err)
	lab.Ready(err) // to who waits for it to come up; after that it says nothing
	if err == nil {
		os.Remove(at.log) // one that failed says why
	}
	return err
}

func howToUse(p *scenario.Plan, f *upFlags, logFile, arrived string) string {
	var b strings.Builder
	mobile, cells, which := "mn", lab.Cells(p), ""
	for _, n := range p.Nodes {
		if n.Measured {
			mobile = n.Name
			break
		}
	}
	if names, _ := labNames(); len(names) > 1 {
		which = " --name " + f.name
	}
	fmt.Fprintf(&b, "Lab %q is up: %s. Its log: %s\n", f.name, nodeNames(p), logFile)
	if f.captures != "" {
		fmt.Fprintf(&b, "Captures: %s\n", f.captures)
	}
	b.WriteString(arrived + "\n")
	target := "2001:db8:c::c"
	if len(p.Flows) > 0 {
		target = p.Flows[0].PeerAddr.String()
	}
	fmt.Fprintf(&b, "  roam6 lab exec%s %s -- ping %s\n", which, mobile, target)
	fmt.Fprintf(&b, "  roam6 lab exec%s %s                  a shell in the node\n", which, mobile)
	if len(cells) > 0 {
		fmt.Fprintf(&b, "  roam6 lab move%s %s %-15s  a handover; cells: %s\n", which, mobile, cells[len(cells)-1], strings.Join(cells, ", "))
	}
	fmt.Fprintf(&b, "  roam6 lab ctl%s %s view              what it knows; others: stats, events; roam6 lab ctl --help\n", which, mobile)
	fmt.Fprintf(&b, "  roam6 lab events%s                   what happens, until Ctrl-C\n", which)
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
