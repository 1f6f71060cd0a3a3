package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"roam6/engine"
	"roam6/lab"
	"roam6/scenario/report"
)

// How long the interface is attached to nothing, and how long the node may take to register, unless it is said.
const (
	moveBlackout = 20 * time.Millisecond
	moveWait     = 15 * time.Second
)

// plainStrategy is the one that every move takes by surprise, announced or not.
const plainStrategy = "mipv6"

// moveFlags are the flags of `lab move`.
type moveFlags struct {
	lab.Move
	name string
	json bool
}

func labMoveCmd() *cobra.Command {
	f := &moveFlags{}
	c := &cobra.Command{
		Use:   "move NODE CELL",
		Short: "Move a node of a lab to another cell, and say what the handover cost",
		Long: `Takes the node's interface off its segment and, after the blackout, attaches it to another: a handover. Then it waits until the
mobile node has registered there, and prints what each step of it waited for. A node that has not registered when the wait is
over stays where it was moved to; the exit status is 1.

With --notice the link layer says beforehand where it will go, as a radio does that hears the next cell: strategy fmipv6 then
prepares the handover, and the link switches when it is ready, or when the notice is over. Strategy mipv6 does nothing with it, which
a hint says.`,
		Example: lines("roam6 lab move mn ar2", "roam6 lab move mn ar2 --notice 200ms     a fast handover, in a lab of --strategy fmipv6",
			"roam6 lab move mn home --blackout 200ms", "roam6 lab move mn ar3 --wait 0s          return at once"),
		Args: exactly(2, "a NODE and a CELL"),
		RunE: work(func(c *cobra.Command, args []string) error {
			f.Node, f.Segment = args[0], args[1]
			return f.run(c.Context())
		}),
	}
	c.Flags().StringVar(&f.Iface, "iface", "", "`interface` that moves (default the node's first)")
	c.Flags().DurationVar(&f.Blackout, "blackout", moveBlackout, "time between leaving and joining")
	c.Flags().DurationVar(&f.Notice, "notice", 0, "how long before it the node is told of it at most; 0s: not at all")
	c.Flags().DurationVar(&f.Limit, "wait", moveWait, "how long the node may take to register; 0s: do not wait")
	for _, flag := range []string{"blackout", "notice", "wait"} {
		must(c.Flags().SetAnnotation(flag, allowedNote, []string{fmt.Sprintf("0s to %v", lab.MaxMove)}))
		must(c.RegisterFlagCompletionFunc(flag, nothing))
	}
	c.Flags().BoolVar(&f.json, "json", false, "print JSON; the handover is as in docs/result.md")
	whichLab(c, &f.name)
	return c
}

func (f *moveFlags) run(ctx context.Context) error {
	l, err := dialLab(f.name)
	if err != nil {
		return err
	}
	if f.Notice > 0 {
		fmt.Fprint(os.Stderr, deafHint(f.Node, strategyOf(ctx, l, f.Node)))
	}
	moved, err := l.Move(ctx, f.Move, f.progress())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return refused(err)
	}
	if f.json {
		err = printJSON(moved)
	} else {
		fmt.Print(movedText(moved, columns()))
	}
	if err == nil && moved.Handover != nil && moved.Handover.Registered == nil {
		return ended(exitFailed)
	}
	return err
}

// strategyOf is the strategy of a lab's mobile node; "" where none answers: the move itself says what is wrong then.
func strategyOf(ctx context.Context, l *lab.Client, node string) string {
	c, err := l.Node(node)
	if err != nil {
		return ""
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, controlWait)
	defer cancel()
	reply, err := c.Call(ctx, "mn", "view", nil)
	var view struct {
		Strategy string `json:"strategy"`
	}
	if err != nil || reply.Err != "" || json.Unmarshal(reply.Data, &view) != nil {
		return ""
	}
	return view.Strategy
}

// deafHint says that a node does nothing with a notice; "" for one that may.
func deafHint(node, strategy string) string {
	if strategy != plainStrategy {
		return ""
	}
	return fmt.Sprintf("hint: %s runs strategy %s, which does nothing with a notice; in a lab of `roam6 lab up … --strategy fmipv6` it prepares the handover\n", node, strategy)
}

// progress tells each step on a terminal; nil elsewhere.
func (f *moveFlags) progress() func(lab.Told) {
	if !term.IsTerminal(int(os.Stderr.Fd())) || f.json {
		return nil
	}
	began := time.Duration(-1)
	return func(t lab.Told) {
		if t.Event.Name != engine.EventStep {
			return
		}
		if began < 0 {
			began = t.At
		}
		fmt.Fprintf(os.Stderr, "%7.0f ms  %s", float64(t.At-began)/float64(time.Millisecond), t.Event.Get("step"))
		if t.Event.Reason != "" {
			fmt.Fprintf(os.Stderr, "; now waiting for: %s", t.Event.Reason)
		}
		fmt.Fprintln(os.Stderr)
	}
}

// movedText says what came of a move: one line, and for a handover the table of its steps.
func movedText(m lab.Moved, width int) string {
	h := m.Handover
	if h == nil {
		return fmt.Sprintf("%s is on %s now, by %s\n", m.Node, m.Segment, m.Iface)
	}
	from := orWord(h.From, "nowhere")
	if h.Registered == nil {
		return fmt.Sprintf("%s %s → %s FAILED: %s\n%s", m.Node, from, m.Segment, h.Reason, report.Timeline(*h, width))
	}
	text := fmt.Sprintf("%s %s → %s: %s %s ms after it joined; %s, %s of signalling over the air\n", m.Node, from, m.Segment,
		h.Outcome, figure(float64(*h.Registered)/float64(time.Millisecond)), plural(h.HomeRoundTrips, "home round trip"), plural(h.Air.Messages, "packet"))
	if h.Reason != "" {
		text += "  " + h.Reason + "\n"
	}
	return text + report.Timeline(*h, width)
}
