package ebpf

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"roam6/driver/ebpf/yard"
	"roam6/plane"
)

// TestFullMap: more paths than the maps have room for go through the plane, which the report says, and those that are fast stay as
// they are. Room that is given back is used.
func TestFullMap(t *testing.T) {
	a := newRig(t).open(t)
	var sink plane.Sink
	room := len(a.fast.slots)
	address := func(n int) netip.Addr {
		b := yard.HoA.As16()
		binary.BigEndian.PutUint16(b[14:], uint16(0x1000+n))
		return netip.AddrFrom16(b)
	}
	set := func(n int, del bool) {
		path := plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: yard.HA, Remote: yard.CoA, Capture: true}
		a.Apply(0, plane.Op{Delete: del, Path: &plane.PathOp{Inner: netip.PrefixFrom(address(n), 128), Path: path}}, &sink)
	}
	fast := func() (list []int) {
		slow := map[netip.Prefix]string{}
		for _, p := range a.fast.Report().Paths {
			slow[p.Inner] = p.Slow
		}
		for n := range room + 3 {
			switch why, is := slow[netip.PrefixFrom(address(n), 128)]; {
			case is && why == "":
				list = append(list, n)
			case is && why != SlowFull:
				t.Fatalf("path %d is slow: %s", n, why)
			}
		}
		return list
	}
	a.Apply(0, plane.Op{Local: &plane.LocalOp{Addr: yard.HA, Local: plane.Local{Capture: true}}}, &sink)
	for n := range room + 2 {
		set(n, false)
		op := plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(address(n), 128)}}
		if why := a.fast.Crowded(op); why != map[bool]string{true: SlowFull}[n == room] {
			t.Errorf("of path %d is said: %q", n, why)
		}
	}
	if got := fast(); len(got) != room || got[room-1] != room-1 {
		t.Errorf("with room for %d, fast are %v", room, got)
	}
	set(7, true)
	set(room+2, false)
	if got := fast(); len(got) != room || got[7] != 8 || got[room-1] != room+2 {
		t.Errorf("with one gone and one come, fast are %v", got)
	}
	if len(sink.Refused) > 0 || len(a.soft.Table().Paths) != room+2 {
		t.Errorf("the plane refused %v", sink.Refused)
	}
}
