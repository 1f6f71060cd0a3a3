package plane

import (
	"cmp"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"time"

	"roam6/wire/ip6"
)

// Properties of policers.
const (
	// MinBurst is the least DefaultBurst gives: a large packet passes whatever the rate.
	MinBurst = 9000
	// MaxRate (octets a second) and MaxBurst (octets) keep the arithmetic of a policer within 63 bits.
	MaxRate  = 1 << 33
	MaxBurst = 1 << 32
)

// DefaultBurst is the burst in octets of a flow that tells none: a tenth of a second of its rate, at least MinBurst.
func DefaultBurst(rate int) int { return max(MinBurst, rate/10) }

// flows finds the flow of a packet. Flows of one shape stand in one map, so that a packet costs a look-up for each shape in
// use, not for each flow; shapes that hold no lower number than the best found are not asked.
type flows struct {
	shapes []*flowShape // by their lowest number
	all    map[uint32]*flow
}

// flow is a Flow at work.
type flow struct {
	Flow
	number         uint32
	tokens         int64         // octets that may pass now
	filled         time.Duration // when tokens was right
	passed, beyond Count
}

// shape is what a flow looks at.
type shape struct {
	src, dst            uint8 // prefix lengths
	proto, sport, dport bool
}

// flowShape is all flows of a shape by what they match. Those that match the same are sorted by number: the first one counts.
type flowShape struct {
	shape
	lowest uint32
	at     map[flowKey][]*flow
	n      int
}

// flowKey is what a packet shows to a shape.
type flowKey struct {
	src, dst     [16]byte
	sport, dport uint16
	proto        uint8
}

func (f *Flow) shape() shape {
	return shape{uint8(max(0, f.Src.Bits())), uint8(max(0, f.Dst.Bits())), f.Proto != 0, f.SrcPort != 0, f.DstPort != 0}
}

func (f *Flow) key() flowKey {
	k := flowKey{sport: f.SrcPort, dport: f.DstPort, proto: f.Proto}
	if f.Src.IsValid() {
		k.src = f.Src.Masked().Addr().As16()
	}
	if f.Dst.IsValid() {
		k.dst = f.Dst.Masked().Addr().As16()
	}
	return k
}

// of is the part of a packet's key that the shape looks at.
func (s shape) of(p *flowKey) (k flowKey) {
	mask(&k.src, &p.src, s.src)
	mask(&k.dst, &p.dst, s.dst)
	if s.proto {
		k.proto = p.proto
	}
	if s.sport {
		k.sport = p.sport
	}
	if s.dport {
		k.dport = p.dport
	}
	return k
}

// mask copies the first bits of an address.
func mask(to, from *[16]byte, bits uint8) {
	n := copy(to[:bits/8], from[:])
	if bits%8 != 0 {
		to[n] = from[n] &^ (0xff >> (bits % 8))
	}
}

// find is the flow with the lowest number that matches, or nil.
func (x *flows) find(p *flowKey) *flow {
	var best *flow
	for _, s := range x.shapes {
		if best != nil && best.number < s.lowest {
			break
		}
		if s.sport && p.sport == 0 || s.dport && p.dport == 0 {
			continue
		}
		if list := s.at[s.of(p)]; len(list) > 0 && (best == nil || list[0].number < best.number) {
			best = list[0]
		}
	}
	return best
}

func byNumber(f *flow, n uint32) int { return cmp.Compare(f.number, n) }

func (x *flows) add(f *flow) {
	put(&x.all, false, f.number, f)
	sh := f.shape()
	i := slices.IndexFunc(x.shapes, func(s *flowShape) bool { return s.shape == sh })
	if i < 0 {
		i = len(x.shapes)
		x.shapes = append(x.shapes, &flowShape{shape: sh, lowest: f.number, at: map[flowKey][]*flow{}})
	}
	s, k := x.shapes[i], f.key()
	at, _ := slices.BinarySearchFunc(s.at[k], f.number, byNumber)
	s.at[k] = slices.Insert(s.at[k], at, f)
	s.n++
	s.lowest = min(s.lowest, f.number)
	x.sort()
}

func (x *flows) remove(number uint32) {
	f := x.all[number]
	if f == nil {
		return
	}
	delete(x.all, number)
	sh, k := f.shape(), f.key()
	i := slices.IndexFunc(x.shapes, func(s *flowShape) bool { return s.shape == sh })
	s := x.shapes[i]
	list := slices.DeleteFunc(s.at[k], func(o *flow) bool { return o == f })
	put(&s.at, len(list) == 0, k, list)
	if s.n--; s.n == 0 {
		x.shapes = slices.Delete(x.shapes, i, i+1)
		return
	}
	if s.lowest == number {
		s.lowest = ^uint32(0)
		for _, list := range s.at { //order:any the least
			s.lowest = min(s.lowest, list[0].number)
		}
		x.sort()
	}
}

func (x *flows) sort() {
	slices.SortFunc(x.shapes, func(a, b *flowShape) int { return cmp.Compare(a.lowest, b.lowest) })
}

func (s *Soft) refusesFlow(op *FlowOp) string {
	f := &op.Flow
	old := s.flows.all[op.Number]
	valid := func(p netip.Prefix) bool { return !p.IsValid() && p == (netip.Prefix{}) || isV6(p) }
	switch {
	case !valid(f.Src), !valid(f.Dst), f.DSCP > 63, f.Rate < 0, int64(f.Rate) > MaxRate, f.Burst < 0, int64(f.Burst) > MaxBurst:
		return RefusedInvalid
	case old == nil && len(s.flows.all) >= s.limits.flows:
		return RefusedFull
	case len(s.flows.shapes) < MaxFlowShapes, old != nil && old.shape() == f.shape():
		return ""
	case !slices.ContainsFunc(s.flows.shapes, func(s *flowShape) bool { return s.shape == f.shape() }):
		return RefusedFull
	}
	return ""
}

// setFlow carries out a FlowOp. A flow goes on counting; its policer starts anew only if it changed.
func (s *Soft) setFlow(number uint32, to Flow, del bool) {
	old := s.flows.all[number]
	s.flows.remove(number)
	if del {
		return
	}
	f := &flow{Flow: to, number: number, filled: s.now, tokens: burst(&to)}
	if old != nil {
		f.passed, f.beyond = old.passed, old.beyond
		if old.Rate == to.Rate && old.Burst == to.Burst {
			f.tokens, f.filled = old.tokens, old.filled
		}
	}
	s.flows.add(f)
}

func burst(f *Flow) int64 {
	if f.Burst > 0 {
		return int64(f.Burst)
	}
	return int64(DefaultBurst(f.Rate))
}

// conforms takes the octets of a packet from the policer's bucket, if there are so many.
func (f *flow) conforms(octets int, now time.Duration) bool {
	if f.Rate == 0 {
		return true
	}
	size, rate, elapsed := burst(&f.Flow), int64(f.Rate), int64(now-f.filled)
	missing := size - f.tokens
	if whole := missing/rate + 1; missing == 0 || elapsed/int64(time.Second) >= whole { // full, or longer than filling takes
		f.tokens, f.filled = size, now
	} else if grown := elapsed/int64(time.Second)*rate + elapsed%int64(time.Second)*rate/int64(time.Second); grown > 0 {
		// What is less than an octet stays in filled; it must not pile up in a full bucket.
		if f.tokens += grown; f.tokens >= size {
			f.tokens, f.filled = size, now
		} else {
			f.filled += time.Duration((grown*int64(time.Second) + rate - 1) / rate)
		}
	}
	if int64(octets) > f.tokens {
		return false
	}
	f.tokens -= int64(octets)
	return true
}

// classify does to a packet what its flow says. ok is false if it was dropped; way is the Way it shall take, 0 for none.
func (s *Soft) classify(b []byte, sink *Sink) (way uint16, ok bool) {
	k := flowKeyOf(b)
	f := s.flows.find(&k)
	if f == nil {
		return 0, true
	}
	if !f.conforms(len(b), s.now) {
		f.beyond.add(len(b))
		s.drop(sink, DropPoliced)
		return 0, false
	}
	f.passed.add(len(b))
	if f.Mark {
		b[0] = b[0]&0xf0 | f.DSCP>>2
		b[1] = b[1]&0x3f | f.DSCP<<6
	}
	return f.Way, true
}

// Upper layers with ports, their first four octets.
const (
	protoDCCP = 33
	protoSCTP = 132
)

// flowKeyOf reads what flows look at. A packet whose headers lie shows its addresses only.
func flowKeyOf(b []byte) (k flowKey) {
	k.src, k.dst = [16]byte(b[8:24]), [16]byte(b[24:40])
	proto, off := b[6], ip6.HeaderLen
	switch proto {
	case ip6.ProtoHopByHop, ip6.ProtoDestOpts, ip6.ProtoRouting, ip6.ProtoFragment:
		c, reason := walk(b)
		if reason != "" {
			return k
		}
		proto, off = c.proto, c.off
		if c.fragAt > 0 && binary.BigEndian.Uint16(b[c.fragAt+2:])&^7 != 0 {
			off = len(b)
		}
	}
	k.proto = proto
	switch proto {
	case ip6.ProtoTCP, ip6.ProtoUDP, protoDCCP, protoSCTP:
		if off+4 <= len(b) {
			k.sport, k.dport = binary.BigEndian.Uint16(b[off:]), binary.BigEndian.Uint16(b[off+2:])
		}
	}
	return k
}

func (x *flows) counts() (all []FlowCount) {
	for _, n := range slices.Sorted(maps.Keys(x.all)) {
		all = append(all, FlowCount{n, x.all[n].passed, x.all[n].beyond})
	}
	return all
}
