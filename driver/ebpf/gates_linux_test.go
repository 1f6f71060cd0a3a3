package ebpf

import (
	"net/netip"
	"testing"
	"time"

	"roam6/plane"
)

// With thousands of gates nothing is fast and no path is looked at for them; when they are gone, and a meter, paths are fast as they
// stand then.
func TestThousandsOfGates(t *testing.T) {
	a := newRig(t).open(t)
	now := time.Duration(0)
	apply := func(op plane.Op) {
		now += time.Millisecond
		a.Apply(now, op, &plane.Sink{})
	}
	path := func(i int, del bool) plane.Op {
		return plane.Op{Delete: del, Path: &plane.PathOp{Inner: netip.PrefixFrom(homes[i], 128),
			Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ends[0], Remote: ends[1], Capture: true, Limit: 4}}}
	}
	fast := func(i int) bool {
		b := make([]byte, 140, 300)
		header(b, 41, ends[1], ends[0])
		header(b[40:], 17, homes[i], others[0])
		b[0], b[40], b[7], b[47] = 0x60, 0x60, 64, 64
		before := a.n
		now += time.Millisecond
		a.Handle(now, plane.Kernel, plane.HW{}, b, &plane.Sink{})
		return a.n > before
	}
	gate := func(i int, del bool) plane.Op {
		from := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0xff, 14: byte(i >> 8), 15: byte(i)})
		return plane.Op{Delete: del, Gate: &plane.GateOp{Key: plane.GateKey{From: netip.PrefixFrom(from, 128), Port: 1}}}
	}
	apply(plane.Op{Local: &plane.LocalOp{Addr: ends[0], Local: plane.Local{Capture: true}}})
	apply(path(0, false))
	if !fast(0) {
		t.Fatal("not fast at first")
	}
	const many = 5000
	for i := range many {
		apply(gate(i, false))
	}
	looked := 0
	a.fast.concerned(gate(1, false), func(*entry) { looked++ })
	if looked != 0 || fast(0) {
		t.Errorf("%d paths looked at; fast: %v", looked, fast(0))
	}
	apply(path(1, false))
	apply(path(0, true))
	for i := range many {
		apply(gate(i, true))
	}
	if fast(0) || !fast(1) {
		t.Errorf("a path that is gone is fast: %v, one that came: %v", fast(0), fast(1))
	}
	meter := plane.Op{Meter: &plane.MeterOp{Key: plane.MeterKey{Addr: ends[1], Port: 1}}}
	if apply(meter); fast(1) {
		t.Error("fast beside a meter")
	}
	meter.Delete = true
	if apply(meter); !fast(1) {
		t.Error("not fast after a meter")
	}
}
