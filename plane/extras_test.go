package plane

import (
	"encoding/binary"
	"math/big"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
)

// TestSipHash compares with the vectors of the paper and of its reference code: the key is 00…0f, the message 00, 01, ….
func TestSipHash(t *testing.T) {
	var s Soft
	var key [16]byte
	message := make([]byte, 64)
	for i := range message {
		message[i] = byte(i)
	}
	copy(key[:], message)
	s.Seed(key)
	for n, want := range map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 15: 0xa129ca6149be45e5} { //order:any each by itself
		if got := s.seed.sum(message[:n]); got != want {
			t.Errorf("%d octets: %x, want %x", n, got, want)
		}
	}
}

// TestSeedMatters: another key remembers by other numbers.
func TestSeedMatters(t *testing.T) {
	a, b := NewSoft(), seeded()
	p := udp(cn, hoa, 60)
	if a.identity(p) == b.identity(p) {
		t.Error("two keys give one hash")
	}
	if before := string(p); a.identity(p) != a.identity(p) || string(p) != before {
		t.Error("hashing changed the packet")
	}
}

// TestFlowIndex compares the index with a scan of all flows.
func TestFlowIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewSoft()
		all := map[uint32]Flow{}
		for range rapid.IntRange(0, 30).Draw(t, "ops") {
			op := Op{Delete: rapid.IntRange(0, 3).Draw(t, "delete") == 0, Flow: &FlowOp{Number: uint32(rapid.IntRange(0, 9).Draw(t, "number"))}}
			f := &op.Flow.Flow
			if rapid.Bool().Draw(t, "src") {
				f.Src = drawPrefix.Draw(t, "src")
			}
			if rapid.Bool().Draw(t, "dst") {
				f.Dst = netip.PrefixFrom(drawAddr.Draw(t, "addr"), rapid.SampledFrom([]int{0, 61, 63, 127}).Draw(t, "bits"))
			}
			f.Proto = rapid.SampledFrom([]uint8{0, 6, 17}).Draw(t, "proto")
			f.SrcPort, f.DstPort = uint16(rapid.IntRange(0, 2).Draw(t, "sport")), uint16(rapid.IntRange(0, 2).Draw(t, "dport"))
			if s.Refuses(op) != "" {
				continue // more shapes than may be
			}
			s.Apply(0, op, &Sink{})
			put(&all, op.Delete, op.Flow.Number, *f)
		}
		b := udp(drawAddr.Draw(t, "from"), drawAddr.Draw(t, "to"), 8)
		b[6] = rapid.SampledFrom([]uint8{6, 17, 58}).Draw(t, "is")
		sport, dport := uint16(rapid.IntRange(0, 2).Draw(t, "from port")), uint16(rapid.IntRange(0, 2).Draw(t, "to port"))
		binary.BigEndian.PutUint16(b[40:], sport)
		binary.BigEndian.PutUint16(b[42:], dport)
		if b[6] == ip6.ProtoICMPv6 {
			sport, dport = 0, 0
		}
		want, found := uint32(0), false
		for n, f := range all { //order:any the lowest wins
			in := func(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }
			if in(f.Src, sourceOf(b)) && in(f.Dst, destinationOf(b)) && (f.Proto == 0 || f.Proto == b[6]) &&
				(f.SrcPort == 0 || f.SrcPort == sport) && (f.DstPort == 0 || f.DstPort == dport) && (!found || n < want) {
				want, found = n, true
			}
		}
		k := flowKeyOf(b)
		got := s.flows.find(&k)
		if (got != nil) != found || found && got.number != want {
			t.Fatalf("found %+v, want %v %d of %v", got, found, want, all)
		}
	})
}

// TestPolicerIsExact compares a policer with the same in rational numbers: never a packet more than rate and burst allow,
// and none less.
func TestPolicerIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := flow{Flow: Flow{Rate: rapid.IntRange(1, MaxRate).Draw(t, "rate"), Burst: rapid.IntRange(1, MaxBurst).Draw(t, "burst")}}
		if rapid.Bool().Draw(t, "slow") {
			f.Rate, f.Burst = f.Rate%1000+1, f.Burst%3000+1
		}
		f.tokens = burst(&f.Flow)
		full := new(big.Rat).SetInt64(f.tokens)
		level, second := new(big.Rat).Set(full), big.NewRat(1, int64(time.Second))
		var now time.Duration
		for range rapid.IntRange(1, 50).Draw(t, "packets") {
			pass := time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(1, 62).Draw(t, "magnitude")).Draw(t, "pass"))
			if now += pass; now < 0 {
				return
			}
			grown := new(big.Rat).Mul(big.NewRat(int64(pass), 1), new(big.Rat).Mul(second, big.NewRat(int64(f.Rate), 1)))
			if level.Add(level, grown); level.Cmp(full) > 0 {
				level.Set(full)
			}
			size := rapid.IntRange(40, 1500).Draw(t, "size")
			// The policer counts nanoseconds of filling in whole ones: it may be late by one for each packet before.
			slack := new(big.Rat).Mul(second, big.NewRat(50*int64(f.Rate), 1))
			left := new(big.Rat).Sub(level, big.NewRat(int64(size), 1))
			got := f.conforms(size, now)
			if got && left.Sign() < 0 {
				t.Fatalf("%d octets passed, %v were there", size, level)
			}
			if !got && left.Cmp(slack) > 0 {
				t.Fatalf("%d octets did not pass, %v were there", size, level)
			}
			if got {
				level.Set(left)
			}
		}
	})
}

// TestDuplicatesAgainstTheDecision compares the memory with what decision 7 says, in the plainest form.
func TestDuplicatesAgainstTheDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := seeded(), &route{Path: Path{Dedup: 10}}
		type occurrence struct {
			packet byte
			at     time.Duration
			by     map[int]bool
		}
		var seen []occurrence
		for range rapid.IntRange(1, 80).Draw(t, "packets") {
			s.now += time.Duration(rapid.IntRange(0, 3).Draw(t, "pass"))
			packet, way := byte(rapid.IntRange(0, 2).Draw(t, "packet")), rapid.IntRange(0, MaxDedupWays-1).Draw(t, "way")
			b := udp(cn, hoa, 8)
			b[40] = packet
			want := false
			for i := range seen {
				if o := &seen[i]; o.packet == packet && s.now-o.at <= 10 && !o.by[way] {
					o.by[way], want = true, true
					break
				}
			}
			if !want {
				seen = append(seen, occurrence{packet, s.now, map[int]bool{way: true}})
			}
			if got := s.duplicate(r, &arrival{port: Port(way)}, b); got != want {
				t.Fatalf("packet %d by way %d at %d: duplicate %v, want %v", packet, way, s.now, got, want)
			}
		}
		if r.seen.n != s.remembered {
			t.Fatalf("%d remembered, the account says %d", r.seen.n, s.remembered)
		}
	})
}

// TestDedupWaysAndRoom uses more ways than are told apart, and more memory than there is: copies may pass, packets that come
// by one way never stop.
func TestDedupWaysAndRoom(t *testing.T) {
	s, r := seeded(), &route{Path: Path{Dedup: time.Hour}}
	b := udp(cn, hoa, 8)
	for way := range MaxDedupWays + 1 {
		s.now++
		if got := s.duplicate(r, &arrival{port: Port(way)}, b); got != (way > 0) {
			t.Errorf("way %d: duplicate %v", way, got)
		}
	}
	if !s.duplicate(r, &arrival{port: 0}, b) { // its place was taken, so it is a way like a new one
		t.Error("a way that was forgotten brings nothing new")
	}
	small := *standard
	small.remembered = 3
	s.limits = &small
	other := &route{Path: Path{Dedup: time.Hour}}
	for i := range byte(9) {
		b[40] = i
		if s.duplicate(r, &arrival{port: 1}, b) && i > 0 || s.duplicate(other, &arrival{port: 1}, b) {
			t.Errorf("packet %d is taken for a copy", i)
		}
	}
	if s.remembered != 3 || s.remembered != r.seen.n+other.seen.n {
		t.Errorf("%d remembered: %d and %d", s.remembered, r.seen.n, other.seen.n)
	}
	s.forget(r)
	s.forget(other)
	if s.remembered != 0 {
		t.Errorf("%d remembered by nobody", s.remembered)
	}
}

// TestFullTables fills each map to a small limit: the Op beyond is refused, told and counted, what is there stays, and what
// is there may change.
func TestFullTables(t *testing.T) {
	one := *standard
	one.links, one.locals, one.hosts, one.paths, one.ways, one.routes, one.gates, one.flows = 1, 1, 1, 1, 1, 1, 1, 1
	s := NewSoft()
	s.limits = &one
	ops := func(a netip.Addr, n int) []Op {
		return []Op{
			{Link: &LinkOp{Port(n), Link{MTU: 1500 + n}}},
			{Local: &LocalOp{a, Local{}}},
			{Host: &HostOp{a, Host{}}},
			pathOp(a, Path{Side: Agent, Mode: Hold}),
			{Way: &WayOp{WayKey{host(a), 1}, Way{MTU: n}}},
			{Route: &RouteOp{Pair{a, cn}, Route{Side: Peer, CareOf: coa}}},
			{Gate: &GateOp{GateKey{host(a), 1}, Gate{}}},
			{Flow: &FlowOp{uint32(n), Flow{Way: uint16(n)}}},
		}
	}
	var sink Sink
	for _, op := range ops(hoa, 1) {
		s.Apply(0, op, &sink)
	}
	before := s.Table()
	if len(sink.Refused) != 0 {
		t.Fatalf("refused %v", sink.Refused)
	}
	beyond := ops(ha, 2)
	for i, op := range beyond {
		sink.Reset()
		s.Apply(0, op, &sink)
		if want := []Refused{{op, RefusedFull}}; !reflect.DeepEqual(sink.Refused, want) {
			t.Errorf("refused %v, want %v", sink.Refused, want)
		}
		if s.Counters().Refused != i+1 {
			t.Errorf("%d refused", s.Counters().Refused)
		}
	}
	if got := s.Table(); !reflect.DeepEqual(got, before) {
		t.Errorf("table %+v\nwas   %+v", got, before)
	}
	sink.Reset()
	for _, op := range ops(hoa, 1) {
		s.Apply(0, op, &sink)
		op.Delete = true
		s.Apply(0, op, &sink)
	}
	for _, op := range beyond {
		s.Apply(0, op, &sink)
	}
	if len(sink.Refused) != 0 {
		t.Errorf("there is room, refused %v", sink.Refused)
	}
}

// TestExtraCounters follows packets through the counters of ways, routes, gates and flows.
func TestExtraCounters(t *testing.T) {
	s := worlds()[2]
	var sink Sink
	in := func(port Port, b []byte) { s.Handle(0, port, ar, b, &sink) }
	in(Kernel, udp(hoa, cn, 60)) // straight, and a copy by way 1
	marked := udp(hoa, ha, 60)
	marked[43] = 7
	in(Kernel, marked) // by way 1
	in(1, encapsulated(cn, coa, udp(ha, hoa, 10)))
	in(1, (&ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Routing2: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 20)}).Append(nil))
	in(1, udp(netip.MustParseAddr("2001:db8:0:1::200"), ha, 8))
	got := s.Counters()
	other := netip.MustParseAddr("2001:db8:0:1::200")
	want := Counters{
		Paths:  []PathCount{{Inner: host(hoa), Sent: Count{2, 200}, Received: Count{2, 110}, Kept: 2}},
		Ways:   []WayCount{{host(hoa), 1, Count{1, 100}, Count{1, 100}, Count{1, 50}}},
		Routes: []RouteCount{{hoa, cn, Count{1, 100}, Count{1, 60}}, {other, hoa, Count{}, Count{}}},
		Gates:  []GateCount{{host(other), 1, 1}},
		Flows:  []FlowCount{{1, Count{1, 100}, Count{}}, {2, Count{}, Count{}}},
		Drops:  []Drop{{DropGate, 1}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	s = worlds()[3]
	s.Apply(0, Op{Flow: &FlowOp{2, Flow{Src: host(cn), Rate: 1, Burst: 100}}}, &sink)
	in(Kernel, udp(cn, hoa, 60))
	in(Kernel, udp(cn, hoa, 60))
	if f := s.Counters().Flows; !reflect.DeepEqual(f, []FlowCount{{2, Count{1, 100}, Count{1, 100}}}) {
		t.Errorf("flows %+v", f)
	}
}

// TestKeptOctets fills a plane's memory for copies: holding has its own, and all comes back.
func TestKeptOctets(t *testing.T) {
	s := NewSoft()
	small := *standard
	small.kept, small.held = 10_000, 5_000
	s.limits = &small
	var sink Sink
	other := netip.MustParseAddr("2001:db8:0:1::200")
	keep := Path{Side: Mobile, Mode: Direct, Out: 1, Keep: true, Limit: 1 << 20}
	s.Apply(0, Op{Link: &LinkOp{1, Link{ar, 1500}}}, &sink)
	s.Apply(0, pathOp(hoa, keep), &sink)
	s.Apply(0, pathOp(other, Path{Side: Mobile, Mode: Hold, Limit: 1 << 20}), &sink)
	for range 50 {
		s.Handle(0, Kernel, HW{}, udp(hoa, cn, 960), &sink)
		s.Handle(0, Kernel, HW{}, udp(other, cn, 960), &sink)
	}
	c := s.Counters()
	if c.Paths[0].Kept != 10 || c.Paths[1].Held != 5 || c.Drops[0] != (Drop{DropHoldFull, 45}) || len(c.Drops) != 1 {
		t.Errorf("counters %+v", c)
	}
	keep.Keep = false
	s.Apply(0, pathOp(hoa, keep), &sink)
	s.Apply(0, Op{Delete: true, Path: &PathOp{Inner: host(other)}}, &sink)
	if s.keptOctets != 0 || s.heldOctets != 0 {
		t.Errorf("%d octets kept, %d held by nobody", s.keptOctets, s.heldOctets)
	}
}
