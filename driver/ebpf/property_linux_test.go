package ebpf

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"roam6/plane"
	"roam6/wire/ip6"
)

// chance makes tables and packets of a few addresses, so that they often have to do with each other.
type chance struct {
	*rand.Rand
	mobile bool // the node is a mobile node, else an agent
}

var (
	homes  = addrs("2001:db8:1::100", "2001:db8:1::101", "2001:db8:1::102")
	ends   = addrs("2001:db8:1::1", "2001:db8:a::100", "2001:db8:a::101", "2001:db8:1::100")
	others = addrs("2001:db8:c::1", "2001:db8:c::2", "fe80::1", "ff02::1", "::1", "::")
)

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func pick[T any](c *chance, from []T) T { return from[c.IntN(len(from))] }

// op is a change of the table.
func (c *chance) op() plane.Op {
	del := c.IntN(8) == 0
	switch c.IntN(64) {
	case 0, 1, 7:
		return plane.Op{Delete: del, Local: &plane.LocalOp{Addr: pick(c, ends[:3]),
			Local: plane.Local{Port: plane.Port(c.IntN(2)), Tentative: c.IntN(8) == 0, Proxy: c.IntN(12) == 0, Capture: !c.mobile}}}
	case 2, 6:
		return plane.Op{Delete: del, Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: plane.HW{2, 0, 0, 0, 9, byte(c.IntN(2))}, MTU: pick(c, []int{0, 1280, 1500})}}}
	case 3:
		return plane.Op{Delete: c.IntN(12) > 0, Gate: &plane.GateOp{Gate: plane.Gate{Open: c.IntN(3) == 0},
			Key: plane.GateKey{From: c.prefix(slices.Concat(homes, ends, others[:2])), Port: plane.Port(c.IntN(2))}}}
	case 4:
		f := plane.Flow{Mark: true, DSCP: 10}
		if c.IntN(4) > 0 {
			f.Src = c.prefix(slices.Concat(homes, others[:2]))
		}
		if c.IntN(4) > 0 {
			f.Dst = c.prefix(slices.Concat(homes, others[:2]))
		}
		return plane.Op{Delete: c.IntN(10) > 0, Flow: &plane.FlowOp{Number: uint32(c.IntN(2)), Flow: f}}
	case 5, 8, 9, 10:
		return plane.Op{Delete: c.IntN(3) == 0, Way: &plane.WayOp{Key: plane.WayKey{Inner: c.inner(), ID: uint16(1 + c.IntN(3))}, Way: c.way()}}
	case 11, 12:
		r := plane.Route{Side: pick(c, []plane.Side{plane.Mobile, plane.Peer}), CareOf: pick(c, ends[:3]), Out: 1}
		return plane.Op{Delete: c.IntN(3) > 0, Route: &plane.RouteOp{Pair: plane.Pair{Mobile: pick(c, homes), Peer: pick(c, others[:2])}, Route: r}}
	case 13:
		return plane.Op{Delete: del, Path: &plane.PathOp{Inner: netip.PrefixFrom(pick(c, ends[1:3]), 128), Path: c.path()}} // of a tunnel end
	}
	if c.IntN(48) == 0 {
		return plane.Op{Delete: c.IntN(6) > 0, Meter: &plane.MeterOp{Key: plane.MeterKey{Addr: pick(c, ends), Port: plane.Port(c.IntN(2))}}}
	}
	return plane.Op{Delete: del, Path: &plane.PathOp{Inner: c.inner(), Path: c.path()}}
}

// inner is what a path is for: a home address, or a prefix, with an address of the engines in it or without.
func (c *chance) inner() netip.Prefix {
	bits := 128
	switch c.IntN(12) {
	case 0:
		bits = 64
	case 1, 2:
		bits = 126
	case 3:
		bits = 120 + c.IntN(8)
	}
	return netip.PrefixFrom(pick(c, homes), bits).Masked()
}

func (c *chance) prefix(from []netip.Addr) netip.Prefix {
	return netip.PrefixFrom(pick(c, from), pick(c, []int{128, 128, 126, 64})).Masked()
}

func (c *chance) way() plane.Way {
	w := plane.Way{Local: ends[0], Remote: pick(c, ends), Until: time.Duration(c.IntN(400)) * time.Millisecond}
	if c.mobile {
		w.Local, w.Remote, w.Out = pick(c, ends[1:3]), pick(c, ends[:2]), 1
	}
	switch c.IntN(10) {
	case 0:
		w.Copy = true
	case 1:
		w.Unsure = true
	case 2:
		w.Local, w.Remote = netip.Addr{}, netip.Addr{}
	}
	return w
}

func (c *chance) path() plane.Path {
	p := plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ends[0], Remote: pick(c, ends[1:]), Capture: true, Limit: 4}
	if c.mobile {
		p.Side, p.Local, p.Remote, p.Out, p.Capture = plane.Mobile, pick(c, ends[1:3]), ends[0], 1, false
	}
	if c.IntN(2) == 0 {
		p.Mark, p.Settle = c.IntN(2) == 0, time.Duration(c.IntN(20))*time.Millisecond
	}
	switch c.IntN(20) {
	case 0:
		p.Mode = plane.Hold
	case 1:
		p.Mode = plane.Direct
	case 2:
		p.Keep = true
	case 3:
		p.MTU = 1400
	case 4:
		p.Local = netip.Addr{}
	case 5, 6:
		p.Hints, p.Control = true, true
	case 7:
		p.Dedup = time.Second
	case 8:
		p.Capture = !p.Capture
	}
	return p
}

// packet is a user's packet, in a tunnel or not, now and then with something wrong in it.
func (c *chance) packet() []byte {
	src, dst := pick(c, others[:2]), pick(c, homes)
	if c.IntN(12) == 0 {
		src = pick(c, others)
	}
	tunnel := c.IntN(2) == 0
	if tunnel != c.mobile != (c.IntN(6) == 0) {
		src, dst = dst, src
	}
	if c.IntN(8) == 0 {
		src, dst = pick(c, homes), pick(c, homes) // from one path to another
	}
	size := pick(c, []int{48, 60, 100, 1240, 1280, 1360, 1460, 1461, 1500})
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(c.Uint32())
	}
	header(b, pick(c, []uint8{6, 6, 6, 17, 17, 17, 17, 17, 50, 58, 58, 58, 59, 0, 43, 44, 60, 135, 41}), src, dst)
	b[7] = pick(c, []uint8{0, 1, 2, 3, 64, 64, 64, 64, 255})
	b[0], b[1] = 0x60|byte(c.IntN(16)), byte(c.Uint32())
	if tunnel {
		from, to := ends[0], pick(c, ends[1:3])
		if !c.mobile {
			from, to = to, from
		}
		if c.IntN(8) == 0 {
			from, to = pick(c, ends), pick(c, ends) // nobody's tunnel
		}
		b = append(make([]byte, 40, 1700), b...)
		header(b, 41, from, to)
		b[0], b[1], b[7] = 0x60, b[41]&^0x30|byte(c.IntN(4))<<4, 64
		if c.IntN(8) == 0 { // an end marker
			b = b[:80]
			header(b, 41, from, to)
			at := from
			if !c.mobile {
				at = to
			}
			header(b[40:], 59, pick(c, homes), at)
			if c.mobile {
				header(b[40:], 59, at, pick(c, homes))
			}
			b[40] = 0x60
		}
	}
	if c.IntN(6) == 0 {
		b = c.twisted(b)
	}
	switch c.IntN(20) {
	case 0:
		b = b[:c.IntN(len(b))]
	case 1:
		b = append(b, 0, 0, 0)
	case 2:
		b[c.IntN(min(len(b), 90))] ^= 1 << c.IntN(8)
	}
	return b
}

// twisted is a packet with what an attacker puts into it: headers before or inside the tunnel, pieces, tunnels in tunnels, addresses
// that nobody can have.
func (c *chance) twisted(b []byte) []byte {
	at := 0
	if b[6] == 41 && len(b) >= 2*ip6.HeaderLen && c.IntN(2) == 0 {
		at = ip6.HeaderLen
	}
	strange := slices.Concat(ends, homes, others, addrs("::ffff:192.0.2.1", "::192.0.2.1", "fec0::1", "ff0e::1", "2001:db8:1::"))
	switch c.IntN(5) {
	case 0, 1: // a chain of headers, some of which lie
		for range 1 + c.IntN(9) {
			proto := pick(c, []uint8{0, 43, 44, 60})
			ext := []byte{b[at+6], 0, 1, 4, 0, 0, 0, 0}
			switch {
			case proto == 44:
				binary.BigEndian.PutUint16(ext[2:], pick(c, []uint16{0, 1, 8, 9, 0xfff8}))
				ext[7] = byte(c.IntN(3))
			case proto == 43:
				ext = append([]byte{b[at+6], 2, 2, byte(c.IntN(2)), 0, 0, 0, 0}, pick(c, strange).AsSlice()...)
			case proto == 60 && c.IntN(2) == 0:
				ext = append([]byte{b[at+6], 2, 1, 2, 0, 0, 0xc9, 16}, pick(c, strange).AsSlice()...)
			case proto == 60:
				copy(ext[2:], []byte{4, 1, byte(c.IntN(6)), 0, 0, 0})
			}
			if c.IntN(8) == 0 {
				ext[1] = byte(c.Uint32())
			}
			b = slices.Insert(b, at+ip6.HeaderLen, ext...)
			b[at+6] = proto
		}
	case 2: // tunnels in a tunnel
		for range 1 + c.IntN(5) {
			b = append(make([]byte, ip6.HeaderLen, 1900), b...)
			header(b, 41, pick(c, ends), pick(c, ends))
			b[0], b[7] = 0x60, pick(c, []uint8{0, 1, 2, 64})
		}
	case 3:
		copy(b[at+8:at+24], pick(c, strange).AsSlice())
	case 4:
		if to := pick(c, strange); c.mobile || !slices.Contains(ends[1:3], to) { // nobody routes these into the rig's TUN when they are the node's
			copy(b[at+24:at+40], to.AsSlice())
		}
	}
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-ip6.HeaderLen))
	if at > 0 {
		binary.BigEndian.PutUint16(b[at+4:], uint16(len(b)-at-ip6.HeaderLen))
	}
	return b
}

func header(b []byte, proto uint8, src, dst netip.Addr) {
	b[6] = proto
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-ip6.HeaderLen))
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
}

// TestSoftAndFast: the same operations and the same packets give the same, with the fast path in front and without.
// ROAM6_SEED and ROAM6_SEEDS choose others.
func TestSoftAndFast(t *testing.T) {
	r := newRig(t)
	first, _ := strconv.ParseUint(os.Getenv("ROAM6_SEED"), 10, 64)
	seeds, _ := strconv.ParseUint(os.Getenv("ROAM6_SEEDS"), 10, 64)
	fast, nets, ways, left := 0, uint64(0), uint64(0), map[string]uint64{}
	for seed := first; seed < first+max(seeds, 40); seed++ {
		a := r.open(t)
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { sameAs(t, r, a, seed) }) {
			break
		}
		fast += a.n
		for i, n := range a.fast.kernel.left() {
			left[reasons[i]] += n
		}
		for _, p := range a.fast.Report().Paths {
			if !p.Inner.IsSingleIP() {
				nets += p.Sent.Packets + p.Received.Packets
			}
			for _, w := range p.Ways {
				ways += w.Received.Packets
			}
		}
	}
	t.Logf("left: %v", left)
	if t.Logf("%d packets were fast; at the end %d of prefixes, %d by further ways", fast, nets, ways); fast < 200 || nets == 0 || ways == 0 {
		t.Error("that is too few")
	}
}

func sameAs(t *testing.T, r *rig, a *tried, seed uint64) {
	if err := r.y.Enter("ha"); err != nil {
		t.Fatal(err)
	}
	c := &chance{rand.New(rand.NewPCG(seed, 6)), seed%2 == 1}
	soft := plane.NewSoft()
	ops := []plane.Op{
		{Local: &plane.LocalOp{Addr: ends[0], Local: plane.Local{Capture: true}}},
		{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: plane.HW{2, 0, 0, 0, 9, 9}, MTU: 1500}}},
	}
	if c.mobile {
		ops[0] = plane.Op{Local: &plane.LocalOp{Addr: ends[1], Local: plane.Local{Port: 1}}}
	}
	for step := range 400 {
		now := time.Duration(step) * time.Millisecond
		var got, want plane.Sink
		var what string
		a.soft.Advance(now, &got) // as the driver does
		soft.Advance(now, &want)
		if step < len(ops) || c.IntN(8) == 0 {
			var op plane.Op
			if step < len(ops) {
				op = ops[step]
			} else {
				op = c.op()
			}
			what = fmt.Sprint(op)
			a.Apply(now, op, &got)
			soft.Apply(now, op, &want)
		} else {
			port := plane.Kernel
			if c.mobile {
				port = plane.Port(c.IntN(2))
			}
			b := c.packet()
			what = fmt.Sprintf("port %d %x", port, b)
			a.Handle(now, port, plane.HW{}, append([]byte(nil), b...), &got)
			soft.Handle(now, port, plane.HW{}, append([]byte(nil), b...), &want)
		}
		if g, w := fmt.Sprintf("%x %v %v %v", got.Out, got.Drops, got.Hints, a.soft.Counters().Meters), fmt.Sprintf("%x %v %v %v", want.Out, want.Drops, want.Hints, soft.Counters().Meters); g != w {
			t.Fatalf("step %d: %.500s\n got %.500s\nwant %.500s\ntable %+v", step, what, g, w, soft.Table())
		}
	}
}
