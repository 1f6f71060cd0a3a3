//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"roam6/plane"
	"roam6/scenario"
)

// check refuses plans the lab cannot run, before anything is touched.
func check(p *scenario.Plan) error {
	if p == nil {
		return errors.New("no plan given")
	}
	segments, nodes := map[string]bool{}, map[string]*scenario.Node{}
	for _, s := range p.Segments {
		if segments[s.Name] || s.Name == "" {
			return fmt.Errorf("segment %q: names must be there and unique", s.Name)
		}
		segments[s.Name] = true
	}
	seen := map[plane.HW]string{}
	for k := range p.Nodes {
		n := &p.Nodes[k]
		if nodes[n.Name] != nil || n.Name == "" {
			return fmt.Errorf("node %q: names must be there and unique", n.Name)
		}
		nodes[n.Name] = n
		if err := checkIfaces(n, segments, seen); err != nil {
			return err
		}
	}
	for k, f := range p.Flows {
		if err := checkFlow(&p.Flows[k], nodes); err != nil {
			return fmt.Errorf("flow %s: %w", f.Name, err)
		}
	}
	for k, a := range p.Actions {
		if err := checkAction(a, nodes, segments); err != nil {
			return fmt.Errorf("action %d at %v: %w", k, a.At, err)
		}
	}
	return nil
}

func checkIfaces(n *scenario.Node, segments map[string]bool, seen map[plane.HW]string) error {
	for _, i := range n.Ifaces {
		label := n.Name + "/" + i.Name
		switch {
		case i.Name == "" || len(i.Name) >= unix.IFNAMSIZ || i.Name == "lo" || i.Name == tunName:
			return fmt.Errorf("interface %s: the name must have 1 to %d characters and not be lo or %s", label, unix.IFNAMSIZ-1, tunName)
		case i.Segment != "" && !segments[i.Segment]:
			return fmt.Errorf("interface %s: there is no segment %q", label, i.Segment)
		case i.HW == plane.HW{} || i.HW[0]&1 != 0:
			return fmt.Errorf("interface %s: %s is not a unicast link-layer address", label, hwString(i.HW))
		case seen[i.HW] != "":
			return fmt.Errorf("interface %s: link-layer address %s is that of %s too", label, hwString(i.HW), seen[i.HW])
		}
		seen[i.HW] = label
	}
	return nil
}

func checkFlow(f *scenario.Flow, nodes map[string]*scenario.Node) error {
	switch {
	case nodes[f.Mobile] == nil:
		return fmt.Errorf("there is no node %q", f.Mobile)
	case nodes[f.Peer] == nil:
		return fmt.Errorf("there is no node %q", f.Peer)
	case f.Interval <= 0:
		return errors.New("the interval must be more than 0")
	case f.Size > maxPayload:
		return fmt.Errorf("a size of %d octets is too large, %d at most", f.Size, maxPayload)
	}
	return nil
}

func checkAction(a scenario.Action, nodes map[string]*scenario.Node, segments map[string]bool) error {
	n := nodes[a.Node]
	switch a.Verb {
	case scenario.Detach, scenario.Attach, scenario.Hint:
		if n == nil {
			return fmt.Errorf("there is no node %q", a.Node)
		}
		if (&node{plan: n}).iface(a.Iface) == nil {
			return fmt.Errorf("node %q has no interface %q", a.Node, a.Iface)
		}
		if a.Verb != scenario.Detach && !segments[a.Segment] {
			return fmt.Errorf("there is no segment %q", a.Segment)
		}
	case scenario.Crash, scenario.Restart, scenario.Command:
		if n == nil {
			return fmt.Errorf("there is no node %q", a.Node)
		}
		if n.Config == nil {
			return fmt.Errorf("node %q runs no engine", a.Node)
		}
	case scenario.Degrade:
		if !segments[a.Segment] {
			return fmt.Errorf("there is no segment %q", a.Segment)
		}
	case scenario.Mark:
	default:
		return fmt.Errorf("the verb %q is not one of detach, attach, hint, crash, restart, degrade, command, mark", a.Verb)
	}
	return nil
}

func hwString(hw plane.HW) string { return net.HardwareAddr(hw[:]).String() }
