package plane

import (
	"net/netip"
	"slices"

	"roam6/wire/ip6"
)

// gates finds the gate of a source: by port, then by prefix length, the longest first.
type gates struct {
	ports map[Port][]gateLevel
	n     int
}

type gateLevel struct {
	bits int
	at   map[netip.Addr]*gate
}

// gate is a Gate at work.
type gate struct {
	Gate
	dropped uint64
}

// closed says whether packets from a source by a port are stopped, and counts the one asked about if they are.
func (g *gates) closed(port Port, src netip.Addr) bool {
	for _, l := range g.ports[port] {
		if e := l.at[netip.PrefixFrom(src, l.bits).Masked().Addr()]; e != nil {
			if !e.Open {
				e.dropped++
			}
			return !e.Open
		}
	}
	return false
}

func (g *gates) set(k GateKey, to Gate) {
	levels := g.ports[k.Port]
	i, ok := levelOf(levels, k.From.Bits())
	if !ok {
		levels = slices.Insert(levels, i, gateLevel{k.From.Bits(), map[netip.Addr]*gate{}})
		put(&g.ports, false, k.Port, levels)
	}
	if old := levels[i].at[k.From.Addr()]; old != nil {
		old.Gate = to
		return
	}
	levels[i].at[k.From.Addr()] = &gate{Gate: to}
	g.n++
}

func (g *gates) remove(k GateKey) {
	levels := g.ports[k.Port]
	i, ok := levelOf(levels, k.From.Bits())
	if !ok || levels[i].at[k.From.Addr()] == nil {
		return
	}
	delete(levels[i].at, k.From.Addr())
	g.n--
	if len(levels[i].at) == 0 {
		put(&g.ports, len(levels) == 1, k.Port, slices.Delete(levels, i, i+1))
	}
}

func levelOf(levels []gateLevel, bits int) (int, bool) {
	return slices.BinarySearchFunc(levels, bits, func(l gateLevel, bits int) int { return bits - l.bits })
}

// stopped drops a packet that a gate stops.
func (s *Soft) stopped(port Port, src netip.Addr, sink *Sink) bool {
	if s.gates.closed(port, src) {
		s.drop(sink, DropGate)
		return true
	}
	return false
}

// Stops says whether a kernel that forwards by itself must not send on a whole packet that came in by a link port, since a gate
// stops its source; then it is counted as any drop. What is for the engines passes, but no tunnel packet to them: what is in it
// would be sent on (decision 16).
func (s *Soft) Stops(port Port, b []byte, sink *Sink) bool {
	if s.gates.n == 0 {
		return false
	}
	if s.control(b, destinationOf(b)) {
		return false
	}
	return s.stopped(port, sourceOf(b), sink)
}

// mayTunnel says whether a packet may carry another one. Headers behind a Fragment header may be in another piece.
func mayTunnel(c *chain) bool {
	switch c.proto {
	case ip6.ProtoIPv6:
		return true
	case ip6.ProtoHopByHop, ip6.ProtoDestOpts, ip6.ProtoRouting, ip6.ProtoFragment:
		return c.fragAt > 0
	}
	return false
}

func (g *gates) get(k GateKey) *gate {
	levels := g.ports[k.Port]
	if i, ok := levelOf(levels, k.From.Bits()); ok {
		return levels[i].at[k.From.Addr()]
	}
	return nil
}
