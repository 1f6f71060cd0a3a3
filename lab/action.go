//go:build linux

package lab

import (
	"errors"
	"fmt"

	"roam6/scenario"
)

// Do carries out one action of the plan's kinds, now. Its At is not looked at.
func (l *Lab) Do(a scenario.Action) error {
	nodes, segments := map[string]*scenario.Node{}, map[string]bool{}
	for k := range l.c.Plan.Nodes {
		nodes[l.c.Plan.Nodes[k].Name] = &l.c.Plan.Nodes[k]
	}
	for _, s := range l.c.Plan.Segments {
		segments[s.Name] = true
	}
	if err := checkAction(a, nodes, segments); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.up || l.closed {
		return errors.New("lab: it is not up")
	}
	if err := l.do(a); err != nil {
		return fmt.Errorf("lab: %s of %s: %w", a.Verb, a.Node, err)
	}
	return nil
}

func (l *Lab) do(a scenario.Action) error {
	n := l.byName[a.Node]
	switch a.Verb {
	case scenario.Detach:
		l.detach(n, a.Iface)
	case scenario.Attach:
		l.detach(n, a.Iface)
		l.emu.attach(n.members[a.Iface], l.segments[a.Segment])
		n.linkUp(a.Iface, a.Segment)
	case scenario.Hint:
		n.hint(a.Iface, a.Segment, a.Notice)
	case scenario.Crash:
		return n.die()
	case scenario.Restart:
		if err := n.die(); err != nil {
			return err
		}
		f, err := l.conceive(n)
		if err != nil || f == nil {
			return err
		}
		l.live(n, f)
	case scenario.Degrade:
		l.emu.degrade(l.segments[a.Segment], a.Link)
	case scenario.Command:
		if n.life == nil {
			return errors.New("its engines do not run")
		}
		n.life.node.Inject("", a.Command)
	}
	return nil
}

func (l *Lab) detach(n *node, iface string) {
	m := n.members[iface]
	if l.emu.where(m) == "" {
		return
	}
	// The radio stops its node's sending before it leaves the cell, as a driver stops its queue: what the node has sent
	// until then is on the air, and what it sends from then on it keeps.
	n.linkDown(iface)
	l.emu.attach(m, nil)
}
