package plane

import (
	"net/netip"
	"time"
)

// pathMTUs remembers what Packet Too Big messages told, per far end of a tunnel.
type pathMTUs struct {
	of    map[netip.Addr]learnedMTU
	swept time.Duration // when a full memory was last looked through
}

// sweepEvery is how often a full memory is looked through for what expired: anybody can send messages that find it full.
const sweepEvery = time.Second

type learnedMTU struct {
	mtu   int
	until time.Duration
}

// learn takes a smaller MTU in. A full memory forgets what expired; if nothing did, the news is not kept
// and comes again with the next packet.
func (m *pathMTUs) learn(remote netip.Addr, mtu int, now time.Duration) {
	if old, ok := m.of[remote]; ok && now < old.until && old.mtu <= mtu {
		return
	}
	if _, known := m.of[remote]; !known && len(m.of) >= MaxPathMTUs {
		m.sweep(now)
		if len(m.of) >= MaxPathMTUs {
			return
		}
	}
	put(&m.of, false, remote, learnedMTU{mtu, now + PathMTULife})
}

// sweep forgets what expired.
func (m *pathMTUs) sweep(now time.Duration) {
	if m.swept != 0 && now-m.swept < sweepEvery {
		return
	}
	m.swept = max(now, 1)
	for a, old := range m.of { //order:any each is looked at by itself
		if now >= old.until {
			delete(m.of, a)
		}
	}
}

// TunnelMTU is the largest tunnel packet (octets) that a path carries whole now, as far as this plane knows: its MTU, that of
// its link, and what Packet Too Big messages told. For whoever encapsulates beside this plane.
func (s *Soft) TunnelMTU(p Path) int { return s.pathMTU(loose(p)) }
