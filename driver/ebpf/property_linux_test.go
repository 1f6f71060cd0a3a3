package ebpf

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
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
	del := c.IntN(6) == 0
	switch c.IntN(60) {
	case 0, 1, 7:
		return plane.Op{Delete: del, Local: &plane.LocalOp{Addr: pick(c, ends[:3]),
			Local: plane.Local{Port: plane.Port(c.IntN(2)), Tentative: c.IntN(6) == 0, Proxy: c.IntN(8) == 0, Capture: !c.mobile}}}
	case 2, 6:
		return plane.Op{Delete: del, Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: plane.HW{2, 0, 0, 0, 9, byte(c.IntN(2))}, MTU: pick(c, []int{0, 1280, 1500})}}}
	case 3:
		return plane.Op{Delete: c.IntN(4) > 0, Gate: &plane.GateOp{Key: plane.GateKey{From: netip.PrefixFrom(pick(c, homes), 128), Port: plane.Port(c.IntN(2))}}}
	case 4:
		return plane.Op{Delete: c.IntN(3) > 0, Flow: &plane.FlowOp{Number: uint32(c.IntN(2)), Flow: plane.Flow{Mark: true, DSCP: 10}}}
	case 5:
		return plane.Op{Delete: c.IntN(3) > 0, Way: &plane.WayOp{Key: plane.WayKey{Inner: netip.PrefixFrom(pick(c, homes), 128), ID: 1},
			Way: plane.Way{Local: ends[0], Remote: pick(c, ends), Copy: c.IntN(2) == 0, Until: time.Hour}}}
	}
	bits := 128
	if c.IntN(8) == 0 {
		bits = 64
	}
	return plane.Op{Delete: del, Path: &plane.PathOp{Inner: netip.PrefixFrom(pick(c, homes), bits).Masked(), Path: c.path()}}
}

func (c *chance) path() plane.Path {
	p := plane.Path{Side: plane.Agent, Mode: plane.Tunnel, Local: ends[0], Remote: pick(c, ends[1:]), Capture: true, Limit: 4}
	if c.mobile {
		p.Side, p.Local, p.Remote, p.Out = plane.Mobile, pick(c, ends[1:3]), ends[0], 1
	}
	switch c.IntN(16) {
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
	case 5:
		p.Hints, p.Control = true, true
	}
	return p
}

// packet is a user's packet, in a tunnel or not, now and then with something wrong in it.
func (c *chance) packet() []byte {
	src, dst := pick(c, others[:2]), pick(c, homes)
	if c.IntN(12) == 0 {
		src = pick(c, others)
	}
	if c.IntN(2) == 0 {
		src, dst = dst, src
	}
	size := pick(c, []int{48, 60, 100, 1240, 1280, 1360, 1460, 1461, 1500})
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(c.Uint32())
	}
	header(b, pick(c, []uint8{6, 17, 17, 17, 50, 58, 58, 58, 59, 0, 43, 44, 60, 135, 41}), src, dst)
	b[7] = pick(c, []uint8{0, 1, 2, 3, 64, 255})
	b[0], b[1] = 0x60|byte(c.IntN(16)), byte(c.Uint32())
	if c.IntN(2) == 0 {
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
	fast, left := 0, map[string]uint64{}
	for seed := first; seed < first+max(seeds, 40); seed++ {
		a := r.open(t)
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { sameAs(t, r, a, seed) }) {
			break
		}
		fast += a.n
		for i, n := range a.fast.kernel.left() {
			left[reasons[i]] += n
		}
		a.fast.Close()
	}
	t.Logf("left: %v", left)
	if t.Logf("%d packets were fast", fast); fast < 100 {
		t.Errorf("only %d packets were fast", fast)
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
		if g, w := fmt.Sprintf("%x %v %v", got.Out, got.Drops, got.Hints), fmt.Sprintf("%x %v %v", want.Out, want.Drops, want.Hints); g != w {
			t.Fatalf("step %d: %.500s\n got %.500s\nwant %.500s\ntable %+v", step, what, g, w, soft.Table())
		}
	}
}
