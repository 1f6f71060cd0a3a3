package plane

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
)

// seeded is a Soft with a key of its own for what it remembers.
func seeded() *Soft {
	s := NewSoft()
	s.Seed([16]byte{1, 2, 3})
	return s
}

// totals is what a plane has of packets at a moment.
type totals struct{ held, kept, drops, unbound, copies int }

func totalsOf(s *Soft) (n totals) {
	c := s.Counters()
	for _, p := range c.Paths {
		n.held += p.Held + p.Waiting
		n.kept += p.Kept
	}
	for _, d := range c.Drops {
		n.drops += d.N
		if d.Reason == DropHomeAddress {
			n.unbound = d.N
		}
	}
	for _, w := range c.Ways {
		n.copies += int(w.Copies.Packets)
	}
	return n
}

// TestNothingIsMade applies drawn Ops and hands over drawn user packets: no panic; each packet comes out once, is
// dropped for a reason, held or punted, and again only as a copy by a way that copies or by a path that keeps; nothing
// grows by more than its headers; meters count what leaves; what is refused changes nothing; and a second plane does the same octet for octet.
func TestNothingIsMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, twin, ledger := seeded(), seeded(), newLedger()
		var want Table
		var now time.Duration
		serial := uint32(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 2).Draw(t, "pass"))
			var sink, same Sink
			before := totalsOf(s)
			counted := sumDrops(s)
			if rapid.IntRange(0, 2).Draw(t, "op") == 0 {
				op := drawOp.Draw(t, "op")
				why := s.Refuses(op)
				s.Apply(now, op, &sink)
				twin.Apply(now, op, &same)
				ledger.out(sink.Out)
				if why == "" {
					ledger.op(op)
					want.Apply(op)
				}
				if (len(sink.Refused) == 1) != (why != "") {
					t.Fatalf("%v: refused %v, said %q", op, sink.Refused, why)
				}
				after, out := totalsOf(s), users(sink.Out)
				if n := out + after.drops - before.drops + after.held - before.held; n < 0 || n > before.kept {
					t.Fatalf("%v: %d out, %+v before, %+v after", op, out, before, after)
				}
			} else {
				serial++
				b, port := drawUser(t, serial), Port(rapid.IntRange(0, 2).Draw(t, "port"))
				ledger.in(port, serial, b)
				s.Handle(now, port, HW{1}, bytes.Clone(b), &sink)
				ledger.out(sink.Out)
				twin.Handle(now, port, HW{1}, bytes.Clone(b), &same)
				after, out := totalsOf(s), users(sink.Out)
				all := out - (after.copies - before.copies) + len(sink.Punt) + after.drops - before.drops -
					(after.unbound - before.unbound) + after.held - before.held
				if all != 1 {
					t.Fatalf("%x: %d out, %d punted, %+v before, %+v after", b, out, len(sink.Punt), before, after)
				}
				for _, o := range sink.Out {
					if _, user := serialOf(o.Data); user && len(o.Data) > len(b)+Headroom {
						t.Fatalf("%d octets became %d", len(b), len(o.Data))
					}
				}
			}
			check(t, s, &sink, counted)
			if got, want := s.Counters().Meters, ledger.counts(); !slices.Equal(got, want) {
				t.Fatalf("meters %+v, want %+v", got, want)
			}
			if !reflect.DeepEqual(sink, same) {
				t.Fatalf("one did %+v\nthe other %+v", sink, same)
			}
		}
		if !reflect.DeepEqual(orEmpty(s.Table()), orEmpty(want)) {
			t.Fatalf("table %+v\nwant %+v", s.Table(), want)
		}
		for _, op := range Diff(want, Table{}) {
			s.Apply(now, op, &Sink{})
		}
		if n := totalsOf(s); n.held+n.kept+s.remembered+len(s.paths.chunks)+len(s.paths.forms)+len(s.mobile.levels)+len(s.agent.levels)+s.captures+len(s.ways)+s.wayCount+s.gates.n+len(s.meters)+len(s.flows.shapes)+len(s.pairs.at) != 0 {
			t.Fatalf("an empty table leaves %+v", s)
		}
	})
}

// users is the number of user packets among those sent; the rest are ICMPv6 errors.
func users(out []Out) (n int) {
	for _, o := range out {
		if _, ok := serialOf(o.Data); ok {
			n++
		}
	}
	return n
}

// TestOrder changes one path in all ways while packets enter it. All packets that leave for the first time do so in the
// order they came, whatever held them; copies of what was sent leave only when the path changes, in order as well.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := seeded()
		for _, op := range []Op{{Link: &LinkOp{1, Link{ar, 1500}}}, {Link: &LinkOp{2, Link{HW{4}, 1500}}},
			{Route: &RouteOp{Pair{hoa, cn}, Route{Side: Mobile, CareOf: coa, Out: 1}}}, {Flow: &FlowOp{1, Flow{Way: 1}}}} {
			s.Apply(0, op, &Sink{})
		}
		side := rapid.SampledFrom([]Side{Mobile, Agent}).Draw(t, "side")
		packet := udp(hoa, cn, 4)
		if side == Agent {
			packet = udp(cn, hoa, 4)
		}
		serial, newest := uint32(0), uint32(0)
		for now := range time.Duration(rapid.IntRange(1, 80).Draw(t, "steps")) {
			var sink Sink
			changed := rapid.IntRange(0, 2).Draw(t, "op") == 0
			if changed {
				p := drawPath.Draw(t, "path")
				p.Side, p.Control = side, false
				s.Apply(now, pathOp(hoa, p), &sink)
			} else {
				serial++
				binary.BigEndian.PutUint32(packet[40:], serial)
				s.Handle(now, Kernel, HW{}, withRoom(packet), &sink)
			}
			before := uint32(0)
			for _, o := range sink.Out {
				n, user := serialOf(o.Data)
				if !user {
					continue
				}
				if n <= before || !changed && n <= newest {
					t.Fatalf("packet %d left after %d, the newest was %d", n, before, newest)
				}
				before = n
			}
			newest = max(newest, before)
		}
	})
}

// drawUser is a user packet with a serial number, perhaps with the headers of route optimisation, perhaps in a tunnel.
func drawUser(t *rapid.T, serial uint32) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: drawAddr.Draw(t, "src"), Dst: drawAddr.Draw(t, "dst")}, Proto: ip6.ProtoUDP}
	switch rapid.IntRange(0, 4).Draw(t, "straight") {
	case 0:
		p.HomeAddress = drawAddr.Draw(t, "home")
	case 1:
		p.Routing2 = drawAddr.Draw(t, "final")
	case 2:
		p.HomeAddress, p.Routing2 = drawAddr.Draw(t, "home"), drawAddr.Draw(t, "final")
	}
	p.Payload = binary.BigEndian.AppendUint32(nil, serial)
	b := p.Append(make([]byte, 0, 200))
	if rapid.Bool().Draw(t, "tunnel") {
		o := ip6.Packet{Header: ip6.Header{Src: drawAddr.Draw(t, "outer src"), Dst: drawAddr.Draw(t, "outer dst")},
			EncapLimit: rapid.IntRange(0, 3).Draw(t, "limit"), Proto: ip6.ProtoIPv6, Payload: b}
		b = o.Append(nil)
	}
	return b
}

// serialOf finds the serial number of a user packet, whatever tunnel it is in.
func serialOf(b []byte) (uint32, bool) {
	for {
		p, err := ip6.Parse(b)
		if err != nil || len(p.Payload) < 4 {
			return 0, false
		}
		switch p.Proto {
		case ip6.ProtoIPv6:
			b = p.Payload
		case ip6.ProtoUDP:
			return binary.BigEndian.Uint32(p.Payload), true
		default:
			return 0, false
		}
	}
}
