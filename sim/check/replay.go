package check

import (
	"crypto/sha256"

	"roam6/engine"
	"roam6/sim"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// NoReplay demands that a protected packet (ESP, or a Mobility Header with an authenticator) changes what lasts (plane or records) of a node
// at most once, over crashes too. Whoever doubled it, the link, the attacker or the sender, the second must be refused.
type NoReplay struct {
	failure
	accepted map[[32]byte]string
}

// NewNoReplay makes the checker.
func NewNoReplay() *NoReplay { return &NoReplay{accepted: map[[32]byte]string{}} }

// Observe looks at the packets engines handle; see sim.Checker.
func (c *NoReplay) Observe(o sim.Observation) {
	h, ok := o.(sim.Handled)
	if !ok {
		return
	}
	in, ok := h.Input.(engine.Packet)
	if !ok || !changes(h.Effects) {
		return
	}
	p, err := ip6.Parse(in.Data)
	if err != nil || !protected(&p) {
		return
	}
	sum := sha256.New()
	sum.Write([]byte(h.Node + "/" + h.Engine + "/"))
	sum.Write(in.Data[:7]) // all but the hop limit
	sum.Write(in.Data[8:])
	key := [32]byte(sum.Sum(nil))
	if first, twice := c.accepted[key]; twice {
		c.fail("replay: at %v %s/%s accepts a packet from %v (protocol %d) that it accepted at %s", h.At, h.Node, h.Engine, p.Src, p.Proto, first)
	}
	c.accepted[key] = h.At.String()
}

// protected reports whether a packet proves its sender. Home and care-of tests, binding errors and refresh requests of
// correspondents prove nothing: what they can do, they may do twice.
func protected(p *ip6.Packet) bool {
	if p.Proto != ip6.ProtoMH {
		return p.Proto == ip6.ProtoESP
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		return false
	}
	o := m.Opts()
	return o != nil && (o.Auth != nil || o.BindingAuth != nil)
}
