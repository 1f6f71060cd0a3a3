//go:build linux

package lab

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"roam6/driver"
	"roam6/scenario"
)

// node is one node of the running lab: its namespace and its interfaces, and the life of its engines if it has any.
type node struct {
	plan    *scenario.Node
	ns      *os.File
	members map[string]*member // by interface
	lives   int
	moving  bool                 // by a Move
	awaits  atomic.Pointer[Move] // the one that was announced
	life    *life                // nil: a plain kernel, or crashed
	store   driver.Store         // survives its lives
	serves  Services             // likewise
}

// build makes the namespace and its devices, attached to nothing.
func (l *Lab) build(p *scenario.Node) error {
	ns, err := newNS()
	if err != nil {
		return err
	}
	n := &node{plan: p, ns: ns, members: map[string]*member{}, store: newMemStore()}
	l.nodes = append(l.nodes, n)
	l.byName[p.Name] = n
	if l.c.Store != nil && p.Config != nil {
		if n.store, err = l.c.Store(p.Name); err != nil {
			return err
		}
	}
	if l.c.Services != nil && p.Config != nil {
		if n.serves, err = l.c.Services(p); err != nil {
			return fmt.Errorf("node %s: %w", p.Name, err)
		}
	}
	return inNS(ns, func() error {
		if err := setUp(p); err != nil {
			return err
		}
		for k := range p.Ifaces {
			if err := l.plug(n, &p.Ifaces[k]); err != nil {
				return err
			}
		}
		if err := addRoutes(p); err != nil {
			return err
		}
		return addNeighbors(p)
	})
}

// plug makes one interface, in the namespace of the calling thread.
func (l *Lab) plug(n *node, i *scenario.Iface) error {
	fd, err := openTAP(i)
	if err != nil {
		return err
	}
	m := &member{node: n.plan.Name, userland: !n.plan.Owned(i), label: n.plan.Name + "/" + i.Name, hw: i.HW, fd: fd}
	if err := l.emu.join(m, mtuOf(i)); err != nil {
		unix.Close(fd)
		return err
	}
	n.members[i.Name] = m
	if err := bringUp(n.plan, i); err != nil {
		return fmt.Errorf("interface %s: %w", i.Name, err)
	}
	return nil
}

func (n *node) iface(name string) *scenario.Iface {
	for k := range n.plan.Ifaces {
		if n.plan.Ifaces[k].Name == name {
			return &n.plan.Ifaces[k]
		}
	}
	return nil
}
