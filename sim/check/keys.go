package check

import (
	"bytes"

	"roam6/sim"
)

// MinKey is the shortest key NoKeys looks for (octets): shorter ones occur by chance.
const MinKey = 8

// NoKeys demands that none of the given keys crosses a segment.
type NoKeys struct {
	failure
	keys map[string][]byte
	list []string
}

// NewNoKeys makes the checker of keys by name.
func NewNoKeys(names []string, keys map[string][]byte) *NoKeys {
	return &NoKeys{keys: keys, list: names}
}

// Observe searches every frame; see sim.Checker.
func (c *NoKeys) Observe(o sim.Observation) {
	f, ok := o.(sim.Frame)
	if !ok {
		return
	}
	for _, name := range c.list {
		if k := c.keys[name]; len(k) >= MinKey && bytes.Contains(f.Packet, k) {
			c.fail("key octets: at %v %s sends key %q on %s", f.At, f.Node, name, f.Segment)
		}
	}
}
