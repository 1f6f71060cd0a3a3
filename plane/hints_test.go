package plane

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"roam6/wire/ip6"
)

// Engines hear of peers whose packets come through a tunnel that asks for it: of each at most once in HintInterval, of all
// together no more than the bucket allows.
//
// spec MIP-04
func TestTunnelHints(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		s, sink := NewSoft(), Sink{}
		s.Apply(0, Op{Local: &LocalOp{coa, Local{Port: 1}}}, &sink)
		s.Apply(0, pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1, Hints: wanted}), &sink)
		count := func(now time.Duration, src netip.Addr) int {
			sink.Reset()
			s.Handle(now, 1, ar, encapsulated(ha, coa, udp(src, hoa, 20)), &sink)
			if len(sink.Out) != 1 {
				t.Fatalf("not delivered: %+v", sink)
			}
			for _, h := range sink.Hints {
				if h != (Hint{Pair: Pair{hoa, src}}) {
					t.Errorf("%+v", h)
				}
			}
			return len(sink.Hints)
		}
		got := []int{count(0, cn), count(1, cn), count(HintInterval/2, cn), count(HintInterval+1, cn)}
		if want := map[bool][4]int{true: {1, 0, 0, 1}}[wanted]; [4]int(got) != want {
			t.Errorf("hints %v, want %v", got, want)
		}
		flood := 0
		for i := range 10000 {
			a := cn.As16()
			binary.BigEndian.PutUint32(a[12:], uint32(i)+77)
			flood += count(2*HintInterval, netip.AddrFrom16(a))
		}
		if flood > ICMPBurst || wanted && flood == 0 {
			t.Errorf("%d hints of 10000 strangers at once", flood)
		}
	}
}

// A Route that packets take is told of at both ends, once in RouteHintInterval.
//
// spec MIP-04
func TestRouteHints(t *testing.T) {
	mobile, peer := NewSoft(), NewSoft()
	var sink Sink
	for _, op := range []Op{
		{Link: &LinkOp{1, Link{ar, 1500}}},
		{Local: &LocalOp{coa, Local{Port: 1}}},
		pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1, Hints: true}),
		{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Mobile, CareOf: coa, Out: 1}}},
	} {
		mobile.Apply(0, op, &sink)
	}
	for _, op := range []Op{
		{Link: &LinkOp{1, Link{ar, 1500}}},
		pathOp(cn, Path{Side: Mobile, Mode: Direct, Out: 1, Control: true}),
		{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Peer, CareOf: coa, Out: 1}}},
	} {
		peer.Apply(0, op, &sink)
	}
	want := Hint{Pair: Pair{hoa, cn}, Straight: true}
	pass := func(now time.Duration, from, to *Soft, src, dst netip.Addr) (n [2]int) {
		t.Helper()
		for i, s := range []*Soft{from, to} {
			data, port := udp(src, dst, 20), Kernel
			if i == 1 {
				data, port = sink.Out[0].Data, 1
			}
			sink.Reset()
			s.Handle(now, port, ar, data, &sink)
			if n[i] = len(sink.Hints); n[i] > 0 && sink.Hints[0] != want || len(sink.Out) != 1 {
				t.Fatalf("%+v", sink)
			}
		}
		return n
	}
	if up := pass(0, mobile, peer, hoa, cn); up != [2]int{1, 1} {
		t.Errorf("up: hints %v", up)
	}
	if down := pass(time.Second, peer, mobile, cn, hoa); down != [2]int{} {
		t.Errorf("down, a second later: hints %v", down)
	}
	if down := pass(RouteHintInterval, peer, mobile, cn, hoa); down != [2]int{1, 1} {
		t.Errorf("down, after the interval: hints %v", down)
	}
}

// The engines of a correspondent hear that a care-of address is not reached: not of ports, which are its applications', not of
// what no Route sent, and not as often as anybody likes.
//
// spec MIP-04
func TestUnreachableHints(t *testing.T) {
	s, sink := NewSoft(), Sink{}
	for _, op := range []Op{
		{Link: &LinkOp{1, Link{ar, 1500}}},
		pathOp(cn, Path{Side: Mobile, Mode: Direct, Out: 1, Control: true}),
		{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Peer, CareOf: coa, Out: 1}}},
	} {
		s.Apply(0, op, &sink)
	}
	routed := func(careOf netip.Addr) []byte {
		return (&ip6.Packet{Header: ip6.Header{Src: cn, Dst: careOf}, Routing2: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 30)}).Append(nil)
	}
	for i, c := range []struct {
		now    time.Duration
		e      icmpError
		hinted bool
	}{
		{0, icmpError{kind: icmpUnreachable, code: codeAddress, about: routed(coa), from: ha}, true},
		{ErrorHintInterval / 2, icmpError{kind: icmpUnreachable, code: codeAddress, about: routed(coa), from: ha}, false},
		{ErrorHintInterval, icmpError{kind: icmpUnreachable, code: codeNoRoute, about: routed(coa), from: ha}, true},
		{9 * time.Second, icmpError{kind: icmpUnreachable, code: codePort, about: routed(coa), from: coa}, false},
		{9 * time.Second, icmpError{kind: icmpUnreachable, code: codeAddress, about: routed(previous), from: ha}, false},
		{9 * time.Second, icmpError{kind: icmpTimeExceeded, about: routed(coa), from: ha}, false},
		{9 * time.Second, icmpError{kind: icmpUnreachable, about: udp(cn, hoa, 30), from: ha}, false},
	} {
		sink.Reset()
		s.Handle(c.now, 1, ar, c.e.packet(), &sink)
		want := Hint{Pair: Pair{hoa, cn}, Straight: true, Unreachable: coa}
		if (len(sink.Hints) == 1) != c.hinted || c.hinted && sink.Hints[0] != want {
			t.Errorf("%d: %+v", i, sink.Hints)
		}
	}
}
