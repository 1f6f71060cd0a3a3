package plane

import (
	"encoding/binary"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/wire/ip6"
)

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

// TestFullBucketSavesNothing: a bucket that has been full for less than an octet's time does not have that time besides.
func TestFullBucketSavesNothing(t *testing.T) {
	f := flow{Flow: Flow{Rate: 1, Burst: 100}, tokens: 100}
	if !f.conforms(100, 999*time.Millisecond) || f.conforms(1, time.Second) || !f.conforms(1, 1999*time.Millisecond) {
		t.Errorf("%+v", f)
	}
}
