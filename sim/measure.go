package sim

import (
	"roam6/engine"
	"roam6/plane"
)

// measure answers what a meter has counted: what the plane sent on, and what this node's kernel did (plane.Soft.Passed).
func (r *runner) measure(m engine.Measure) {
	c, ok := r.node.soft.Meter(m.Key)
	in := engine.Measured{ID: m.ID, Key: m.Key, Up: c.Up, Down: c.Down}
	if !ok {
		in.Err = engine.ErrNotFound
	}
	r.tell(in)
}

// passed tells the plane's meters of a packet that the kernel sends on; in and out are nil for the TUN device.
func (n *node) passed(in, out *iface, data []byte) {
	if !n.mirror.meters {
		return
	}
	from, to := plane.Kernel, plane.Kernel
	if in != nil {
		from = in.port
	}
	if out != nil {
		to = out.port
	}
	n.soft.Passed(from, to, data)
}
