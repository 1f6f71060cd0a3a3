package plane

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
)

// ledger says again what meters must count, from what goes in and comes out.
type ledger struct {
	meters map[MeterKey]*meter
	came   map[uint32]came // by serial number, until they leave
}

type came struct {
	by     *meter
	octets int
}

func newLedger() *ledger { return &ledger{map[MeterKey]*meter{}, map[uint32]came{}} }

func (l *ledger) op(op Op) {
	if op.Meter == nil {
		return
	}
	k := op.Meter.Key
	if op.Delete {
		delete(l.meters, k)
	} else if l.meters[k] == nil {
		l.meters[k] = new(meter)
	}
}

func (l *ledger) in(port Port, serial uint32, b []byte) {
	l.came[serial] = came{l.meters[MeterKey{sourceOf(b), port}], len(b)}
}

func (l *ledger) out(list []Out) {
	for _, o := range list {
		serial, user := serialOf(o.Data)
		if !user {
			continue
		}
		if c := l.came[serial]; c.by != nil {
			c.by.up.add(c.octets)
		}
		delete(l.came, serial)
		if m := l.meters[MeterKey{destinationOf(o.Data), o.Port}]; m != nil {
			m.down.add(len(o.Data))
		}
	}
}

func (l *ledger) counts() (list []MeterCount) {
	for _, k := range slices.SortedFunc(maps.Keys(l.meters), compareMeter) {
		list = append(list, MeterCount{k.Addr, k.Port, l.meters[k].up, l.meters[k].down})
	}
	return list
}

// What a kernel that forwards by itself tells of: by link ports alone, and no control.
func TestPassed(t *testing.T) {
	s, sink := NewSoft(), &Sink{}
	s.Passed(1, 2, udp(coa, cn, 60)) // no meter
	for _, op := range []Op{
		{Local: &LocalOp{ha, Local{Capture: true}}},
		{Local: &LocalOp{hoa, Local{Port: 1, Proxy: true}}},
		{Meter: &MeterOp{Key: MeterKey{coa, 1}}},
		{Meter: &MeterOp{Key: MeterKey{coa, Kernel}}},
		{Meter: &MeterOp{Key: MeterKey{hoa, 1}}},
	} {
		s.Apply(0, op, sink)
	}
	for _, p := range []struct {
		in, out Port
		b       []byte
	}{
		{1, 2, udp(coa, cn, 60)},                           // up
		{2, 1, udp(cn, coa, 160)},                          // down
		{1, 1, udp(coa, coa, 360)},                         // both
		{2, 1, udp(coa, cn, 60)},                           // by others
		{1, 2, udp(cn, coa, 60)},                           //
		{Kernel, 2, udp(coa, cn, 60)},                      // the plane's own
		{2, Kernel, udp(cn, coa, 60)},                      //
		{1, Kernel, udp(coa, cn, 960)},                     // up, into the plane
		{1, Kernel, udp(coa, ha, 60)},                      // control
		{Kernel, 1, udp(ha, coa, 60)},                      //
		{1, Kernel, inTunnel(coa, ha, udp(hoa, cn, 4960))}, // a user's, in a tunnel
		{2, 1, udp(cn, hoa, 60)},                           // to one they stand for
	} {
		s.Passed(p.in, p.out, p.b)
	}
	octets := func(list ...[]byte) (c Count) {
		for _, b := range list {
			c.add(len(b))
		}
		return c
	}
	want := []MeterCount{
		{hoa, 1, Count{}, octets(udp(cn, hoa, 60))},
		{coa, Kernel, Count{}, Count{}},
		{coa, 1, octets(udp(coa, cn, 60), udp(coa, coa, 360), udp(coa, cn, 960), inTunnel(coa, ha, udp(hoa, cn, 4960))), octets(udp(cn, coa, 160), udp(coa, coa, 360))},
	}
	if got := s.Counters().Meters; !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// However many meters there are, the first are told, in order, with their counts.
func TestMetersTold(t *testing.T) {
	for _, many := range []int{0, 1, MaxMetersTold, MaxMetersTold + 1, 2 * MaxMetersTold, 2*MaxMetersTold + 1, 20_000} {
		s, sink := NewSoft(), &Sink{}
		key := func(i int) MeterKey {
			return MeterKey{netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)}), 1}
		}
		for i := range many {
			at := i * 7919 % many // some order
			s.Apply(0, Op{Meter: &MeterOp{Key: key(at)}}, sink)
		}
		for i := range many {
			s.meters[key(i)].up.add(i)
		}
		got := s.Counters().Meters
		if len(got) != min(many, MaxMetersTold) {
			t.Fatalf("%d of %d", len(got), many)
		}
		for i, c := range got {
			if c.Addr != key(i).Addr || c.Up.Packets != 1 || int(c.Up.Octets) != i {
				t.Fatalf("%d of %d: %+v", i, many, c)
			}
		}
	}
}
