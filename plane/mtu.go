package plane

import (
	"net/netip"
	"time"
)

// pathMTUs remembers what Packet Too Big messages told, per far end of a tunnel.
type pathMTUs map[netip.Addr]learnedMTU

type learnedMTU struct {
	mtu   int
	until time.Duration
}

// learn takes a smaller MTU in. A full memory forgets what expired; if nothing did, the news is not kept
// and comes again with the next packet.
func (m *pathMTUs) learn(remote netip.Addr, mtu int, now time.Duration) {
	p := *m
	if old, ok := p[remote]; ok && now < old.until && old.mtu <= mtu {
		return
	}
	if _, known := p[remote]; !known && len(p) >= MaxPathMTUs {
		for a, old := range p { //order:any each is looked at by itself
			if now >= old.until {
				delete(p, a)
			}
		}
		if len(p) >= MaxPathMTUs {
			return
		}
	}
	put((*map[netip.Addr]learnedMTU)(m), false, remote, learnedMTU{mtu, now + PathMTULife})
}

// TunnelMTU is the largest tunnel packet (octets) that a path carries whole now, as far as this plane knows: its MTU, that of
// its link, and what Packet Too Big messages told. For whoever encapsulates beside this plane.
func (s *Soft) TunnelMTU(p Path) int { return s.pathMTU(loose(p)) }
