package check

import (
	"net/netip"

	"roam6/engine"
	"roam6/plane"
	"roam6/sim"
)

// NoDiversion demands that no correspondent believes a care-of address which the mobile node never had: whoever could make
// one do so would get, or drown another in, packets that are not his. A node has had an address if its plane had it as a
// Local; it is the mobile node of an address if its plane has a path of the mobile side for it.
type NoDiversion struct {
	failure
	owner map[netip.Addr]string // of mobile addresses: the node
	had   map[had]bool
}

type had struct {
	node string
	addr netip.Addr
}

// NewNoDiversion makes the checker.
func NewNoDiversion() *NoDiversion {
	return &NoDiversion{owner: map[netip.Addr]string{}, had: map[had]bool{}}
}

// Observe follows the plane operations of every node; see sim.Checker.
func (c *NoDiversion) Observe(o sim.Observation) {
	h, ok := o.(sim.Handled)
	if !ok {
		return
	}
	for _, e := range h.Effects {
		p, ok := e.(engine.Plane)
		if !ok || p.Op.Delete {
			continue
		}
		switch op := p.Op; {
		case op.Local != nil:
			c.had[had{h.Node, op.Local.Addr}] = true
		case op.Path != nil && op.Path.Path.Side == plane.Mobile:
			c.owner[op.Path.Inner.Addr()] = h.Node
		case op.Route != nil:
			c.route(h, op.Route)
		}
	}
}

func (c *NoDiversion) route(h sim.Handled, r *plane.RouteOp) {
	if owner := c.owner[r.Pair.Mobile]; owner == "" || !c.had[had{owner, r.Route.CareOf}] {
		c.fail("diverted: at %v %s sends what is for %v straight to %v, which its node %q never had", h.At, h.Node, r.Pair.Mobile, r.Route.CareOf, owner)
	}
}
