package plane

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
)

// worlds are the tables that fuzzed packets meet: a mobile node, a holding one, and an agent with two mobile nodes.
func worlds() []*Soft {
	other := netip.MustParseAddr("2001:db8:0:1::200")
	tables := [][]Op{
		{
			{Link: &LinkOp{1, Link{ar, 1500}}}, {Local: &LocalOp{coa, Local{Port: 1}}},
			pathOp(hoa, Path{Side: Mobile, Mode: Tunnel, Local: coa, Remote: ha, Out: 1}),
			pathOp(other, Path{Side: Mobile, Mode: Hold, Limit: 2}),
		},
		{
			{Local: &LocalOp{ha, Local{Capture: true}}},
			{Local: &LocalOp{other, Local{Port: 1, Proxy: true}}},
			pathOp(hoa, Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: coa, MTU: 1280}),
			{Path: &PathOp{netip.PrefixFrom(other, 120), Path{Side: Agent, Mode: Tunnel, Local: ha, Remote: cn}}},
		},
	}
	var all []*Soft
	for _, ops := range tables {
		s := NewSoft()
		for _, op := range ops {
			s.Apply(0, op, &Sink{})
		}
		all = append(all, s)
	}
	return all
}

// check says what no packet may cause: output that is no IPv6 packet, or none of output, punt, drop and count.
func check(t interface{ Fatalf(string, ...any) }, s *Soft, sink *Sink, counted int) {
	for _, o := range sink.Out {
		if whole, ok := trim(o.Data); !ok || len(whole) != len(o.Data) {
			t.Fatalf("sent no IPv6 packet: %x", o.Data)
		}
		if o.Port != Kernel && o.To == (HW{}) {
			t.Fatalf("sent to nobody")
		}
	}
	dropped := 0
	for _, d := range sink.Drops {
		if d.N < 1 || d.Reason == "" {
			t.Fatalf("drop %+v", d)
		}
		dropped += d.N
	}
	if counted > sumDrops(s) || dropped > sumDrops(s)-counted {
		t.Fatalf("told of %d drops, counted %d", dropped, sumDrops(s)-counted)
	}
	if s.fragments.octets > MaxReassemblyOctets || len(s.fragments.order) > MaxReassemblySets || len(s.fragments.order) != len(s.fragments.sets) {
		t.Fatalf("reassembly over its limits")
	}
}

func sumDrops(s *Soft) (n int) {
	for _, d := range s.Counters().Drops {
		n += d.N
	}
	return n
}

// FuzzHandle gives a plane any bytes by any port.
func FuzzHandle(f *testing.F) {
	up := udp(hoa, cn, 40)
	tunnelled := (&ip6.Packet{Header: ip6.Header{Src: ha, Dst: coa}, EncapLimit: 3, Proto: ip6.ProtoIPv6, Payload: udp(cn, hoa, 30)}).Append(nil)
	errorAbout := icmpError{kind: icmpTooBig, value: 1400, about: (&ip6.Packet{Header: ip6.Header{Src: coa, Dst: ha}, Proto: ip6.ProtoIPv6, Payload: up}).Append(nil), from: cn}
	fragment := append(bytes.Clone(tunnelled[:40]), 60, 0, 0, 1, 0, 0, 0, 9, 41, 0, 4, 1, 2, 1, 1, 0)
	binary.BigEndian.PutUint16(fragment[4:], 16)
	fragment[6] = ip6.ProtoFragment
	for _, b := range [][]byte{up, tunnelled, errorAbout.packet(), fragment, udp(cn, hoa, 1230), udp(coa, ha, 0)} {
		f.Add(b, uint8(0), uint32(0))
		f.Add(b, uint8(1), uint32(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, port uint8, later uint32) {
		for _, s := range worlds() {
			for _, now := range []time.Duration{0, time.Duration(later), ReassemblyTimeout * 2} {
				var sink Sink
				before := sumDrops(s)
				in := bytes.Clone(b)
				s.Handle(now, Port(port%3), HW{1}, in, &sink)
				check(t, s, &sink, before)
				if len(sink.Out)+len(sink.Punt) > 3 {
					t.Fatalf("one packet became %d", len(sink.Out)+len(sink.Punt))
				}
			}
		}
	})
}

// TestNothingTwice applies drawn Ops and hands over drawn user packets: no panic, no packet comes out twice or out of
// order, every packet that does not come out is counted, and the table is the sum of the Ops.
func TestNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewSoft()
		var want Table
		var now time.Duration
		serial, waiting := uint32(0), 0
		last := map[netip.Addr]uint32{} // by source and destination: the newest serial number that came out
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 2).Draw(t, "pass"))
			var sink Sink
			before := sumDrops(s)
			in := 0
			if rapid.Bool().Draw(t, "op") {
				op := drawOp.Draw(t, "op")
				want.Apply(op)
				s.Apply(now, op, &sink)
			} else {
				serial++
				in = 1
				s.Handle(now, Port(rapid.IntRange(0, 2).Draw(t, "port")), HW{1}, drawUser(t, serial), &sink)
			}
			check(t, s, &sink, before)
			got := 0
			for _, o := range sink.Out {
				n, flow, ok := serialOf(o.Data)
				if !ok {
					continue // an ICMPv6 error
				}
				got++
				if n <= last[flow] {
					t.Fatalf("packet %d after %d of %v", n, last[flow], flow)
				}
				last[flow] = n
			}
			held := 0
			for _, p := range s.Counters().Paths {
				held += p.Held
			}
			if in+waiting != got+len(sink.Punt)+sumDrops(s)-before+held {
				t.Fatalf("%d packets in, %d held before; %d out, %d punted, %d dropped, %d held", in, waiting, got, len(sink.Punt), sumDrops(s)-before, held)
			}
			waiting = held
		}
		if !reflect.DeepEqual(orEmpty(s.Table()), orEmpty(want)) {
			t.Fatalf("table %+v\nwant %+v", s.Table(), want)
		}
	})
}

// drawUser is a user packet with a serial number, perhaps in a tunnel.
func drawUser(t *rapid.T, serial uint32) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: drawAddr.Draw(t, "src"), Dst: drawAddr.Draw(t, "dst")}, Proto: ip6.ProtoUDP}
	p.Payload = binary.BigEndian.AppendUint32(nil, serial)
	b := p.Append(make([]byte, 0, 200))
	if rapid.Bool().Draw(t, "tunnel") {
		o := ip6.Packet{Header: ip6.Header{Src: drawAddr.Draw(t, "outer src"), Dst: drawAddr.Draw(t, "outer dst")},
			EncapLimit: rapid.IntRange(0, 3).Draw(t, "limit"), Proto: ip6.ProtoIPv6, Payload: b}
		b = o.Append(nil)
	}
	return b
}

// serialOf finds the serial number of a user packet, whatever tunnel it is in, and names its flow by its addresses.
func serialOf(b []byte) (uint32, netip.Addr, bool) {
	for {
		p, err := ip6.Parse(b)
		if err != nil || len(p.Payload) == 0 {
			return 0, netip.Addr{}, false
		}
		switch p.Proto {
		case ip6.ProtoIPv6:
			b = p.Payload
		case ip6.ProtoUDP:
			src, dst := p.Src.As16(), p.Dst.As16()
			src[0], src[1] = dst[7], dst[15]
			return binary.BigEndian.Uint32(p.Payload), netip.AddrFrom16(src), true
		default:
			return 0, netip.Addr{}, false
		}
	}
}
