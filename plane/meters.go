package plane

import (
	"net/netip"
	"slices"
)

// meter is a Meter at work.
type meter struct{ up, down Count }

// passing is a packet on its way through the plane that the meter of its source is to count when it leaves: once, however many
// fragments or copies it becomes. Where the packet waits, this waits with it. The zero value is one that no meter counts.
type passing struct {
	by     *meter
	octets int // as it came
}

// came begins with a packet that came in by a port.
func (s *Soft) came(port Port, src netip.Addr, octets int) {
	if len(s.meters) > 0 {
		s.pass = passing{s.meters[MeterKey{src, port}], octets}
	}
}

// left counts a packet that leaves by a port: at the meter of its destination, and at that of the source of what it carries.
func (s *Soft) left(port Port, b []byte) {
	if s.pass.by != nil || len(s.meters) > 0 {
		s.countLeft(port, b)
	}
}

func (s *Soft) countLeft(port Port, b []byte) {
	if s.pass.by != nil {
		s.pass.by.up.add(s.pass.octets)
		s.pass = passing{}
	}
	if s.ours {
		return
	}
	if m := s.meters[MeterKey{destinationOf(b), port}]; m != nil {
		m.down.add(len(b))
	}
}

// setMeter begins or ends a meter. One that is there goes on counting.
func (s *Soft) setMeter(k MeterKey, del bool) {
	if _, there := s.meters[k]; del || !there {
		put(&s.meters, del, k, new(meter))
	}
}

// Meter is what a meter has counted in this plane since it is there; ok is false if there is none. What a kernel forwards past the
// plane its world counts.
func (s *Soft) Meter(k MeterKey) (c MeterCount, ok bool) {
	c = MeterCount{Addr: k.Addr, Port: k.Port}
	m := s.meters[k]
	if m == nil {
		return c, false
	}
	c.Up, c.Down = m.up, m.down
	return c, true
}

// Passed counts a whole packet that a kernel which forwards by itself sends on, in by one link port and out by another. A port that
// is Kernel is the plane's own: what comes from there or goes there it counts itself. What is for the engines or from them is not
// sent on, but tunnel packets to and from them are.
func (s *Soft) Passed(in, out Port, b []byte) {
	if len(s.meters) == 0 || s.control(b, sourceOf(b)) || s.control(b, destinationOf(b)) {
		return
	}
	if m := s.meters[MeterKey{sourceOf(b), in}]; m != nil && in != Kernel {
		m.up.add(len(b))
	}
	if m := s.meters[MeterKey{destinationOf(b), out}]; m != nil && out != Kernel {
		m.down.add(len(b))
	}
}

// control says whether a packet is one of the engines, to or from their address a, and none that may carry another's.
func (s *Soft) control(b []byte, a netip.Addr) bool {
	if l, ok := s.table.Locals[a]; !ok || l.Proxy {
		return false
	}
	c, reason := walk(b)
	return reason == "" && !mayTunnel(&c)
}

// MaxMetersTold is of how many meters Counters tell, the first in the order of their keys: to read one from a kernel takes a world 10 µs.
const MaxMetersTold = 1024

// meterCounts copies the counts of the first MaxMetersTold meters. There may be sixty times as many, which are not sorted for it: what
// is behind the last that is told is passed over.
func (s *Soft) meterCounts() (list []MeterCount) {
	keys := make([]MeterKey, 0, min(len(s.meters), 2*MaxMetersTold))
	full := false
	cut := func() {
		slices.SortFunc(keys, compareMeter)
		full = len(keys) >= MaxMetersTold
		keys = keys[:min(len(keys), MaxMetersTold)]
	}
	for k := range s.meters { //order:any — sorted by cut
		if full && compareMeter(k, keys[MaxMetersTold-1]) > 0 {
			continue
		}
		if keys = append(keys, k); len(keys) == 2*MaxMetersTold {
			cut()
		}
	}
	cut()
	for _, k := range keys {
		c, _ := s.Meter(k)
		list = append(list, c)
	}
	return list
}
