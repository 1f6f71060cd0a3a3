package check

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/sim"
)

// OneOwner demands that a mobile address has one agent: at any moment at most one node's plane tunnels or holds its
// packets on the agent's side, and at most one binding of a node names it.
type OneOwner struct {
	failure
	owner map[netip.Prefix]string
	views *views
}

// NewOneOwner makes the checker.
func NewOneOwner() *OneOwner {
	return &OneOwner{owner: map[netip.Prefix]string{}, views: newViews()}
}

// Observe follows the plane operations of every node; see sim.Checker.
func (c *OneOwner) Observe(o sim.Observation) {
	c.views.observe(o)
	switch o := o.(type) {
	case sim.Handled:
		for _, e := range o.Effects {
			if p, ok := e.(engine.Plane); ok && p.Op.Path != nil {
				c.path(o, p.Op)
			}
		}
		c.bindings(o)
	case sim.Crashed:
		for inner, node := range c.owner { //order:any each is looked at alone
			if node == o.Node {
				delete(c.owner, inner)
			}
		}
	}
}

func (c *OneOwner) path(h sim.Handled, op plane.Op) {
	inner, p := op.Path.Inner.Masked(), op.Path.Path
	had := c.owner[inner]
	switch {
	case op.Delete || p.Side != plane.Agent:
		if had == h.Node {
			delete(c.owner, inner)
		}
	case had != "" && had != h.Node:
		c.fail("one owner: at %v %s takes %v, which %s still owns", h.At, h.Node, inner, had)
	default:
		c.owner[inner] = h.Node
	}
}

func (c *OneOwner) bindings(h sim.Handled) {
	list, ok := c.views.read(h)
	if !ok {
		c.fail("one owner: the View of %s/%s has bindings in a form that package check cannot read", h.Node, h.Engine)
		return
	}
	seen := map[netip.Addr]bool{}
	for _, b := range list {
		if seen[b.HoA] {
			c.fail("one owner: at %v %s/%s has two bindings for %v", h.At, h.Node, h.Engine, b.HoA)
		}
		seen[b.HoA] = true
	}
}
