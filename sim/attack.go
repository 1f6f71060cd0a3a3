package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/access"
	"roam6/wire/ip6"
)

// Replay is an attacker who hears every segment, records mobility packets (Mobility Header and ESP) and sends them
// again later, from the same link-layer address to the same one.
type Replay struct {
	Share    float64       // 0..1 of the packets that are sent again
	Min, Max time.Duration // how long after the original
	Until    time.Duration // nothing recorded from here on; 0 is the end of the run
}

type attacker struct {
	Replay
	draw rand.PCG
}

func newAttacker(run uint64, r Replay) *attacker {
	return &attacker{Replay: r, draw: scenario.Draw(run, "replay")}
}

// recordForReplay keeps a protected packet for later, if the attacker wants it.
func (w *world) recordForReplay(s *segment, from *iface, to plane.HW, data []byte) {
	a := w.attacker
	if a == nil || to[0]&1 == 1 || a.Until > 0 && w.now >= a.Until || !mobility(data) || !scenario.Chance(&a.draw, a.Share) {
		return
	}
	at := w.now + a.Min + time.Duration(scenario.UpTo(&a.draw, int64(a.Max-a.Min)))
	f := frame{data: slices.Clone(data), src: from.hw, dst: to, from: -1, refs: 1}
	w.heap.push(event{at: at, kind: evInject, a: s.id, f: w.frames.add(f)})
}

// mobility reports a packet whose upper layer is a Mobility Header, ESP or a request to be let in.
func mobility(data []byte) bool {
	switch data[6] {
	case ip6.ProtoICMPv6:
		return access.IsAccess(data[ip6.HeaderLen:])
	case ip6.ProtoMH, ip6.ProtoESP:
		return true
	case ip6.ProtoDestOpts, ip6.ProtoRouting:
		p, err := ip6.Parse(data)
		return err == nil && (p.Proto == ip6.ProtoMH || p.Proto == ip6.ProtoESP)
	}
	return false
}

// inject sends a recorded packet. The attacker's transmitter is near the receiver: no queue, no draw.
func (w *world) inject(e event) {
	s := w.segments[e.a]
	f := &w.frames.list[e.f]
	to := s.byHW[f.dst]
	if to == nil {
		w.frames.drop(e.f)
		return
	}
	w.stats.Injected++
	w.observe(Frame{At: w.now, Segment: s.name, Packet: f.data})
	w.heap.push(event{at: w.now + s.model.Delay, kind: evArrive, a: to.id, b: to.epoch, f: e.f})
}
