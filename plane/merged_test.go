package plane

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
)

// drawMerged is a user's TCP packet, merged or not, perhaps in a tunnel.
func drawMerged(t *rapid.T) ([]byte, Merged) {
	tcp := make([]byte, 20+rapid.IntRange(0, 4000).Draw(t, "payload"))
	tcp[12] = 5 << 4
	for i := range tcp[20:] {
		tcp[20+i] = byte(i * 7)
	}
	hop := rapid.SampledFrom([]uint8{1, 2, 64}).Draw(t, "hop")
	class := rapid.SampledFrom([]uint8{0, 1, 2, 3}).Draw(t, "class")
	p := ip6.Packet{Header: ip6.Header{Src: drawAddr.Draw(t, "src"), Dst: drawAddr.Draw(t, "dst"), HopLimit: hop, TrafficClass: class}, Proto: ip6.ProtoTCP, Payload: tcp}
	b := p.Append(nil)
	if rapid.Bool().Draw(t, "tunnel") {
		o := ip6.Packet{Header: ip6.Header{Src: drawAddr.Draw(t, "outer src"), Dst: drawAddr.Draw(t, "outer dst"),
			TrafficClass: rapid.SampledFrom([]uint8{0, 1, 2, 3}).Draw(t, "outer class")}, Proto: ip6.ProtoIPv6, Payload: b}
		b = o.Append(nil)
	}
	m := Merged{Segment: rapid.SampledFrom([]int{0, 700, 1400, 1500}).Draw(t, "segment"), Header: len(b) - len(tcp) + 20}
	if m.Segment == 0 {
		m.Header = 0
	}
	return b, m
}

// apart makes of a merged packet those that it stands for; their TCP headers stay as they are.
func apart(b []byte, m Merged) (list [][]byte) {
	if m.Segment == 0 {
		return [][]byte{bytes.Clone(b)}
	}
	for off := m.Header; off < len(b) || list == nil; off += m.Segment {
		p := append(bytes.Clone(b[:m.Header]), b[off:min(off+m.Segment, len(b))]...)
		for at := 0; ; at += ip6.HeaderLen {
			binary.BigEndian.PutUint16(p[at+4:], uint16(len(p)-at-ip6.HeaderLen))
			if p[at+6] != ip6.ProtoIPv6 {
				break
			}
		}
		list = append(list, p)
	}
	return list
}

// drawTunnel makes, or does not, a tunnel that takes what drawMerged gives: drawn Ops alone seldom come to one.
var drawTunnel = rapid.Custom(func(t *rapid.T) []Op {
	if rapid.IntRange(0, 3).Draw(t, "none") == 0 {
		return nil
	}
	p := drawPath.Draw(t, "path")
	p.Mode, p.Keep, p.Dedup, p.Settle = Tunnel, false, 0, 0
	return []Op{
		{Link: &LinkOp{1, Link{HW{5: 1}, 1500}}}, {Link: &LinkOp{2, Link{HW{5: 1}, 1500}}}, {Local: &LocalOp{p.Local, Local{Port: p.Out, Capture: true}}},
		{Path: &PathOp{netip.PrefixFrom(drawAddr.Draw(t, "inner"), rapid.SampledFrom([]int{64, 128}).Draw(t, "bits")), p}},
	}
})

// TestMergedIsEach: what HandleMerged does with a merged packet is what Handle does with each of its packets, under drawn tables;
// and what it leaves alone it has not touched.
func TestMergedIsEach(t *testing.T) {
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		s, twin := seeded(), seeded()
		for _, op := range drawTunnel.Draw(t, "tunnel") {
			s.Apply(0, op, &Sink{})
			twin.Apply(0, op, &Sink{})
		}
		var now time.Duration
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 2).Draw(t, "pass"))
			var sink, same Sink
			if rapid.IntRange(0, 2).Draw(t, "op") == 0 {
				op := drawOp.Draw(t, "op")
				s.Apply(now, op, &sink)
				twin.Apply(now, op, &same)
				continue
			}
			b, m := drawMerged(t)
			port := Port(rapid.IntRange(0, 2).Draw(t, "port"))
			for _, p := range apart(b, m) {
				twin.Handle(now, port, HW{1}, p, &same)
			}
			buf := append(make([]byte, MergedRoom), b...)
			if s.HandleMerged(now, port, buf, MergedRoom, m, &sink) {
				taken++
				last := &sink.Out[len(sink.Out)-1]
				one := Merged{m.Segment, m.Header + len(last.Data) - len(b)}
				port, to, data := last.Port, last.To, last.Data
				sink.Out = sink.Out[:len(sink.Out)-1]
				for _, p := range apart(data, one) {
					sink.Out = append(sink.Out, Out{port, to, p})
				}
			} else {
				if !bytes.Equal(buf[MergedRoom:], b) {
					t.Fatal("what it left alone is another packet now")
				}
				for _, p := range apart(b, m) {
					s.Handle(now, port, HW{1}, p, &sink)
				}
			}
			if a, b := fmt.Sprintf("%+v", sink), fmt.Sprintf("%+v", same); a != b {
				t.Fatalf("merged %+v by port %d of %x:\n%s\none by one:\n%s", m, port, b, a, b)
			}
			if !reflect.DeepEqual(s.Counters(), twin.Counters()) {
				t.Fatalf("merged: %+v\none by one: %+v", s.Counters(), twin.Counters())
			}
		}
	})
	if taken == 0 {
		t.Error("no packet was taken as it came")
	}
}

// TestMergedTunnel: a merged packet goes into a home agent's tunnel and comes out of it as one.
func TestMergedTunnel(t *testing.T) {
	s := NewSoft()
	ha, coa, hoa, cn := netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:a::2"), netip.MustParseAddr("2001:db8:1::2"), netip.MustParseAddr("2001:db8:c::1")
	var sink Sink
	s.Apply(0, Op{Local: &LocalOp{Addr: ha, Local: Local{Capture: true}}}, &sink)
	s.Apply(0, Op{Path: &PathOp{Inner: netip.PrefixFrom(hoa, 128), Path: Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa, Capture: true}}}, &sink)
	tcp := make([]byte, 20+3000)
	tcp[12] = 5 << 4
	down := ip6.Packet{Header: ip6.Header{Src: cn, Dst: hoa, HopLimit: 64}, Proto: ip6.ProtoTCP, Payload: tcp}
	b := down.Append(nil)
	buf := append(make([]byte, MergedRoom), b...)
	if !s.HandleMerged(0, Kernel, buf, MergedRoom, Merged{1400, 60}, &sink) || len(sink.Out) != 1 || len(sink.Out[0].Data) != 40+len(b) {
		t.Fatalf("down: %+v", sink)
	}
	if s.HandleMerged(0, Kernel, buf, MergedRoom, Merged{1401, 60}, &sink) {
		t.Error("segments that are too large for the tunnel were taken")
	}
	sink.Reset()
	up := ip6.Packet{Header: ip6.Header{Src: hoa, Dst: cn, HopLimit: 64}, Proto: ip6.ProtoTCP, Payload: tcp}
	outer := ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha, HopLimit: 64}, Proto: ip6.ProtoIPv6, Payload: up.Append(nil)}
	buf = append(make([]byte, MergedRoom), outer.Append(nil)...)
	if !s.HandleMerged(0, Kernel, buf, MergedRoom, Merged{1400, 100}, &sink) || len(sink.Out) != 1 || len(sink.Out[0].Data) != len(b) {
		t.Fatalf("up: %+v", sink)
	}
	if p := s.Counters().Paths[0]; p.Sent != (Count{3, 3000 + 3*60}) || p.Received != p.Sent {
		t.Errorf("counted %+v", p)
	}
	allocs := testing.AllocsPerRun(100, func() {
		sink.Reset()
		s.HandleMerged(0, Kernel, buf, MergedRoom, Merged{1400, 100}, &sink)
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
