package plane

import (
	"net/netip"
	"testing"
	"time"
)

// What waits for an unsure way is let go when that has been silent, without another packet; and when nothing waits any more the
// path remembers nothing of its ways, however often it moves.
func TestUnsureEnds(t *testing.T) {
	s, sink := NewSoft(), &Sink{}
	at := func(remote int) Path {
		return Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: []netip.Addr{coa, previous}[remote], Settle: time.Second, Limit: 9}
	}
	s.Apply(0, Op{Local: &LocalOp{ha, Local{}}}, sink)
	s.Apply(0, pathOp(hoa, at(0)), sink)
	now := time.Duration(0)
	for i := range 20 {
		here, there := []netip.Addr{coa, previous}[i%2], []netip.Addr{coa, previous}[(i+1)%2]
		now += time.Second
		s.Apply(now, Op{Way: &WayOp{WayKey{host(hoa), 1}, Way{Local: ha, Remote: here, Unsure: true}}}, sink)
		s.Apply(now, pathOp(hoa, at((i+1)%2)), sink)
		if order := s.paths.of(host(hoa)).order; order != nil {
			t.Fatalf("it remembers %+v", order)
		}
		s.Apply(now, pathOp(hoa, at(i%2)), sink) // and back, after a marker and a packet
		marker := udp(hoa, ha, 0)
		marker[6] = 59
		s.Handle(now, Kernel, HW{}, inTunnel(here, ha, marker), sink)
		now += 2 * Straggling
		s.Handle(now, Kernel, HW{}, inTunnel(here, ha, udp(hoa, cn, 4)), sink)
		s.Apply(now, Op{Way: &WayOp{WayKey{host(hoa), 1}, Way{Local: ha, Remote: here, Unsure: true}}}, sink)
		s.Apply(now, pathOp(hoa, at((i+1)%2)), sink)
		sink.Reset()
		s.Handle(now, Kernel, HW{}, inTunnel(there, ha, udp(hoa, cn, 4)), sink)
		if len(sink.Out) != 0 || s.Deadline() != now+Silence {
			t.Fatalf("%d delivered; it wants to be called in %v", len(sink.Out), s.Deadline()-now)
		}
		now += Silence
		s.Advance(now, sink)
		if len(sink.Out) != 1 || s.Deadline() != Never || s.paths.of(host(hoa)).order != nil {
			t.Fatalf("after the silence %d delivered, next call %v", len(sink.Out), s.Deadline())
		}
	}
}

// A node that said it leaves and stayed is listened to for a while only.
func TestRefutedMarker(t *testing.T) {
	s, sink := NewSoft(), &Sink{}
	s.Apply(0, Op{Local: &LocalOp{ha, Local{}}}, sink)
	s.Apply(0, pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa, Settle: time.Second, Limit: 9}), sink)
	marker := udp(hoa, ha, 0)
	marker[6] = 59
	s.Handle(0, Kernel, HW{}, inTunnel(coa, ha, marker), sink)
	for _, c := range []struct {
		at      time.Duration
		listens bool
	}{{1, true}, {Straggling + 1, true}, {Refuted, true}, {Refuted + 1, false}} {
		sink.Reset()
		s.Handle(c.at, Kernel, HW{}, inTunnel(coa, ha, udp(hoa, cn, 4)), sink)
		if listens := s.paths.of(host(hoa)).order != nil; listens != c.listens || len(sink.Out) != 1 {
			t.Errorf("after %v it listens: %v, %d delivered", c.at, listens, len(sink.Out))
		}
	}
}
