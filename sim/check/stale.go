package check

import (
	"net/netip"
	"time"

	"roam6/engine"
	"roam6/sim"
	"roam6/wire/ip6"
)

// views keeps the latest binding caches of the nodes and when their lives began.
type views struct {
	began map[string]time.Duration
	of    map[viewKey][]Binding
}

type viewKey struct{ node, engine string }

func newViews() *views {
	return &views{began: map[string]time.Duration{}, of: map[viewKey][]Binding{}}
}

func (v *views) observe(o sim.Observation) {
	switch o := o.(type) {
	case sim.Started:
		v.began[o.Node] = o.At
	case sim.Crashed:
		for k := range v.of { //order:any each is looked at alone
			if k.node == o.Node {
				delete(v.of, k)
			}
		}
	}
}

// read is the binding cache after an input. Inputs that changed neither plane nor records leave it as it was.
func (v *views) read(h sim.Handled) ([]Binding, bool) {
	k := viewKey{h.Node, h.Engine}
	if list, have := v.of[k]; have && !changes(h.Effects) {
		return list, true
	}
	list, ok := Bindings(h.View())
	v.of[k] = list
	return list, ok
}

// changes reports whether effects change anything that lasts.
func changes(effects []engine.Effect) bool {
	for _, e := range effects {
		switch e.(type) {
		case engine.Plane, engine.Persist:
			return true
		}
	}
	return false
}

// NoStale demands that a node which keeps bindings tunnels no user packet to a care-of address that is not, or no
// longer, bound: when a tunnel packet leaves for it, the node's View must show a binding of the inner destination to the
// outer one that has not expired.
type NoStale struct {
	failure
	views *views
	keeps map[string]bool // nodes that have shown a binding
}

// NewNoStale makes the checker.
func NewNoStale() *NoStale { return &NoStale{views: newViews(), keeps: map[string]bool{}} }

// Observe reads Views after inputs and looks into tunnels; see sim.Checker.
func (c *NoStale) Observe(o sim.Observation) {
	c.views.observe(o)
	switch o := o.(type) {
	case sim.Handled:
		if list, _ := c.views.read(o); len(list) > 0 {
			c.keeps[o.Node] = true
		}
	case sim.Frame:
		if c.keeps[o.Node] {
			c.frame(o)
		}
	}
}

func (c *NoStale) frame(f sim.Frame) {
	outer, err := ip6.Parse(f.Packet)
	if err != nil || outer.Proto != ip6.ProtoIPv6 || len(outer.Payload) < ip6.HeaderLen || outer.Fragment != nil && outer.Fragment.Offset > 0 {
		return
	}
	if outer.Payload[6] == ip6.ProtoNone {
		return // the end marker of a way (decision 9) is no user packet, and the last
	}
	to := netip.AddrFrom16([16]byte(outer.Payload[24:40]))
	bound, known := c.bound(f, to, outer.Dst)
	if known && !bound {
		c.fail("stale care-of address: at %v %s tunnels a packet for %v to %v, which is not bound to it (any more)", f.At, f.Node, to, outer.Dst)
	}
}

// bound looks for a live binding; known is false if the node keeps no bindings now (its engines are down).
func (c *NoStale) bound(f sim.Frame, to, coa netip.Addr) (bound, known bool) {
	for k, list := range c.views.of { //order:any any of them will do
		if k.node != f.Node {
			continue
		}
		known = true
		for _, b := range list {
			until, ok := b.until(coa)
			if ok && b.covers(to) && f.At <= c.views.began[f.Node]+time.Duration(until) {
				return true, true
			}
		}
	}
	return false, known
}
