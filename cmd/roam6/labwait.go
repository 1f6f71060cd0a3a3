package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"roam6/driver"
	"roam6/lab"
	"roam6/scenario"
)

// arrivalPoll is how often a mobile node of a new lab is asked whether it has registered.
const arrivalPoll = 50 * time.Millisecond

// await waits until the mobile nodes of a lab that is up are reachable, and says so in lines for the user. Who interrupts it has the lab
// all the same.
func (f *upFlags) await(ctx context.Context, p *scenario.Plan, at *place) string {
	names := expected(p)
	if f.wait == 0 || len(names) == 0 {
		return ""
	}
	l, err := lab.Dial(at.socket)
	if err != nil {
		return ""
	}
	who := strings.Join(names, ", ")
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintf(os.Stderr, "waiting until %s registers, up to %v (Ctrl-C: do not wait; the lab is up)\n", who, f.wait)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, f.wait)
	defer cancel()
	for k, n := range names {
		if !arrived(ctx, l, n) {
			return fmt.Sprintf("Not registered yet, after %.1f s: %s. What it does: roam6 lab events\n",
				time.Since(began).Seconds(), strings.Join(names[k:], ", "))
		}
	}
	return fmt.Sprintf("Registered after %.1f s: %s\n", time.Since(began).Seconds(), who)
}

// expected are the mobile nodes that can register: those attached to something from the start.
func expected(p *scenario.Plan) []string {
	var names []string
	for _, n := range p.Nodes {
		on := false
		for _, i := range n.Ifaces {
			on = on || i.Segment != ""
		}
		if n.Userland && n.Config != nil && on {
			names = append(names, n.Name)
		}
	}
	return names
}

// arrived waits until a mobile node is reachable, at home or by a binding.
func arrived(ctx context.Context, l *lab.Client, name string) bool {
	c, err := l.Node(name)
	if err != nil {
		return false
	}
	defer c.Close()
	tick := time.NewTicker(arrivalPoll)
	defer tick.Stop()
	for {
		if reachable(ctx, c) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

func reachable(ctx context.Context, c *driver.Client) bool {
	r, err := c.Call(ctx, "", driver.VerbViews, nil)
	var views map[string]struct {
		Binding string `json:"binding"`
		AtHome  bool   `json:"at_home"`
	}
	if err != nil || r.Err != "" || json.Unmarshal(r.Data, &views) != nil {
		return false
	}
	v := views["mn"]
	return v.Binding == "bound" || v.AtHome
}
