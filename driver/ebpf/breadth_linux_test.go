package ebpf

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/driver/ebpf/yard"
	"roam6/plane"
)

// pairBed is a fast path with a plane behind it, and the same plane alone beside it.
type pairBed struct {
	*tried
	t    *testing.T
	soft *plane.Soft
	now  time.Duration
}

func newPairBed(t *testing.T, r *rig, ops ...plane.Op) *pairBed {
	t.Helper()
	p := &pairBed{tried: r.open(t), t: t, soft: plane.NewSoft()}
	p.apply(ops...)
	return p
}

func (p *pairBed) apply(ops ...plane.Op) {
	p.t.Helper()
	for _, op := range ops {
		var got, want plane.Sink
		p.Apply(p.now, op, &got)
		p.soft.Apply(p.now, op, &want)
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			p.t.Fatalf("%v gives\n %s, want\n %s", op, g, w)
		}
	}
}

// goes gives both a packet, and says whether it was fast.
func (p *pairBed) goes(port plane.Port, b []byte) bool {
	p.t.Helper()
	var got, want plane.Sink
	was := p.n
	p.Handle(p.now, port, plane.HW{}, slices.Clone(b), &got)
	p.soft.Handle(p.now, port, plane.HW{}, slices.Clone(b), &want)
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		p.t.Fatalf("%x gives\n %s, want\n %s", b, g, w)
	}
	return p.n > was
}

// expect is goes with what must be.
func (p *pairBed) expect(what string, fast bool, port plane.Port, b []byte) {
	p.t.Helper()
	if got := p.goes(port, b); got != fast {
		p.t.Errorf("%s: fast %t, want %t; left %v, paths %+v", what, got, fast, p.fast.Report().Left, p.fast.Report().Paths)
	}
}

func udp(src, dst netip.Addr) []byte {
	b := make([]byte, 100)
	b[0], b[7] = 0x60, 64
	header(b, 17, src, dst)
	return b
}

func tunnelled(from, to netip.Addr, inner []byte) []byte {
	b := append(make([]byte, 40), inner...)
	b[0], b[7] = 0x60, 64
	header(b, 41, from, to)
	return b
}

func agentOf(inner string, remote netip.Addr) plane.Op {
	return plane.Op{Path: &plane.PathOp{Inner: netip.MustParsePrefix(inner), Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel,
		Local: ends[0], Remote: remote, Capture: true, Mark: true, Settle: 200 * time.Millisecond, Limit: 16}}}
}

func mobileOf(inner netip.Addr) plane.Op {
	return plane.Op{Path: &plane.PathOp{Inner: netip.PrefixFrom(inner, 128), Path: plane.Path{Side: plane.Mobile, Mode: plane.Tunnel,
		Local: ends[1], Remote: ends[0], Out: 1}}}
}

var (
	ha        = plane.Op{Local: &plane.LocalOp{Addr: ends[0], Local: plane.Local{Capture: true}}}
	coa       = plane.Op{Local: &plane.LocalOp{Addr: ends[1], Local: plane.Local{Port: 1}}}
	gateway   = plane.Op{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: plane.HW{2, 0, 0, 0, 9, 9}, MTU: 1500}}}
	cn        = others[0]
	inPrefix  = netip.MustParseAddr("2001:db8:1:0:f::7")
	elsewhere = netip.MustParseAddr("2001:db8:d::1")
)

// Both directions of prefixes; the longest one counts; what of a prefix the kernel has itself is the kernel's.
func TestFastPrefix(t *testing.T) {
	p := newPairBed(t, newRig(t), ha, agentOf("2001:db8:1:0:f::/80", ends[1]), agentOf("2001:db8:1:0:f::8/125", ends[2]))
	p.expect("down", true, plane.Kernel, udp(cn, inPrefix))
	p.expect("down, the longer one", true, plane.Kernel, udp(cn, inPrefix.Next()))
	p.expect("up", true, plane.Kernel, tunnelled(ends[1], ends[0], udp(inPrefix, cn)))
	p.expect("up, in the other's tunnel", false, plane.Kernel, tunnelled(ends[1], ends[0], udp(inPrefix.Next(), cn)))
	p.expect("from one to the other", true, plane.Kernel, tunnelled(ends[1], ends[0], udp(inPrefix, inPrefix.Next())))
	p.apply(agentOf("2001:db8:d::/64", ends[1]))
	p.expect("not captured", false, plane.Kernel, udp(cn, elsewhere))
	p.apply(agentOf("2001:db8:1::/64", ends[1]))
	p.expect("the engines'", false, plane.Kernel, udp(cn, ends[0]))
}

// Nothing is fast any more when Before has returned that the Op will not allow: neither by the new way, nor by the old one, whose
// end marker is its last packet.
func TestFastBefore(t *testing.T) {
	hold, gone := agentOf("2001:db8:1::100/128", ends[1]), agentOf("2001:db8:1::100/128", ends[1])
	hold.Path.Path.Mode, gone.Delete = plane.Hold, true
	for _, op := range []plane.Op{hold, gone, agentOf("2001:db8:1::100/128", ends[2]), {Delete: true, Local: ha.Local}} {
		p := newPairBed(t, newRig(t), ha, agentOf("2001:db8:1::100/128", ends[1]))
		p.expect("before", true, plane.Kernel, udp(cn, homes[0]))
		p.fast.Before(op)
		down := p.run(plane.Kernel, udp(cn, homes[0])) != nil && op.Local == nil
		if up := p.run(plane.Kernel, tunnelled(ends[1], ends[0], udp(homes[0], cn))) != nil && op.Path != hold.Path; down || up {
			t.Errorf("%v: fast down %t, up %t", op, down, up)
		}
	}
}

// A mobile node's tunnel through another one is the plane's.
func TestFastNested(t *testing.T) {
	below := mobileOf(ends[1])
	below.Path.Path.Local, below.Path.Path.Remote = ends[2], ends[0]
	p := newPairBed(t, newRig(t), gateway, coa, plane.Op{Local: &plane.LocalOp{Addr: ends[2], Local: plane.Local{Port: 1}}}, mobileOf(homes[0]))
	for _, want := range []string{"", SlowNested, ""} {
		if got := p.fast.entries[netip.PrefixFrom(homes[0], 128)].why; got != want {
			t.Errorf("slow because of %q, want %q", got, want)
		}
		p.apply(below)
		below.Delete = !below.Delete
	}
}

// A path without room makes slow what covers it, and no longer than that.
func TestFastCovered(t *testing.T) {
	r := newRig(t)
	r.paths = 2
	p := newPairBed(t, r, ha, agentOf("2001:db8:1:0:f::/80", ends[1]), agentOf("2001:db8:1::100/128", ends[1]))
	p.expect("room for all", true, plane.Kernel, udp(cn, inPrefix))
	one := agentOf("2001:db8:1:0:f::7/128", ends[2])
	p.apply(one)
	p.expect("none left", false, plane.Kernel, udp(cn, inPrefix))
	p.expect("another path", true, plane.Kernel, udp(cn, homes[0]))
	one.Delete = true
	p.apply(one)
	p.expect("enough again", true, plane.Kernel, udp(cn, inPrefix))
}

// Packets by a further way are fast when nothing waits, and counted; those of a path that changes its way are not until the
// old way has ended.
func TestFastWays(t *testing.T) {
	move := agentOf("2001:db8:1::100/128", ends[2])
	before := plane.Op{Way: &plane.WayOp{Key: plane.WayKey{Inner: move.Path.Inner, ID: 1}, Way: plane.Way{Local: ends[0], Remote: ends[1], Until: 5 * time.Second}}}
	p := newPairBed(t, newRig(t), ha, agentOf("2001:db8:1::100/128", ends[1]))
	p.expect("at first", true, plane.Kernel, tunnelled(ends[1], ends[0], udp(homes[0], cn)))
	p.apply(before, move)
	p.expect("down, at once", true, plane.Kernel, udp(cn, homes[0]))
	p.expect("by the new way, too early", false, plane.Kernel, tunnelled(ends[2], ends[0], udp(homes[0], cn)))
	p.expect("by the old way", false, plane.Kernel, tunnelled(ends[1], ends[0], udp(homes[0], cn)))
	marker := make([]byte, 40)
	marker[0], marker[7] = 0x60, 64
	header(marker, 59, homes[0], ends[0])
	p.expect("the marker", false, plane.Kernel, tunnelled(ends[1], ends[0], marker))
	p.expect("by the new way", true, plane.Kernel, tunnelled(ends[2], ends[0], udp(homes[0], cn)))
	p.expect("a straggler", true, plane.Kernel, tunnelled(ends[1], ends[0], udp(homes[0], cn)))
	p.expect("nobody's way", false, plane.Kernel, tunnelled(ends[3], ends[0], udp(homes[0], cn)))
	c := p.tried.soft.Counters()
	p.fast.Report().Add(&c)
	if want := p.soft.Counters(); fmt.Sprint(c.Paths, c.Ways) != fmt.Sprint(want.Paths, want.Ways) {
		t.Errorf("counted %+v, want %+v", c, want)
	}
	before.Delete = true
	p.apply(before)
	p.expect("a way that is gone", false, plane.Kernel, tunnelled(ends[1], ends[0], udp(homes[0], cn)))
}

// The engines hear of a peer once in a while; the packets between go the fast way.
func TestFastHints(t *testing.T) {
	path := mobileOf(homes[0])
	path.Path.Path.Hints = true
	p := newPairBed(t, newRig(t), gateway, coa, path)
	p.expect("a new peer", false, 1, tunnelled(ends[0], ends[1], udp(cn, homes[0])))
	p.expect("the same", true, 1, tunnelled(ends[0], ends[1], udp(cn, homes[0])))
	p.expect("another", false, 1, tunnelled(ends[0], ends[1], udp(elsewhere, homes[0])))
	p.expect("the first", true, 1, tunnelled(ends[0], ends[1], udp(cn, homes[0])))
}

// What a rule or a pair is not about stays fast.
func TestFastBesideRules(t *testing.T) {
	only := netip.MustParsePrefix("2001:db8:1::101/128")
	p := newPairBed(t, newRig(t), ha, agentOf("2001:db8:1::100/128", ends[1]), agentOf("2001:db8:1::101/128", ends[2]))
	up := func(home, coa netip.Addr) []byte { return tunnelled(coa, ends[0], udp(home, cn)) }
	for _, op := range []plane.Op{
		{Gate: &plane.GateOp{Key: plane.GateKey{From: only, Port: plane.Kernel}}},
		{Flow: &plane.FlowOp{Number: 1, Flow: plane.Flow{Src: only, Mark: true, DSCP: 46}}},
		{Flow: &plane.FlowOp{Number: 2, Flow: plane.Flow{Src: only, Proto: 17, Rate: 1 << 20}}},
		{Way: &plane.WayOp{Key: plane.WayKey{Inner: only, ID: 1}, Way: plane.Way{Local: ends[0], Remote: ends[1], Copy: true, Until: time.Hour}}},
	} {
		p.apply(op)
		p.expect(op.String(), true, plane.Kernel, up(homes[0], ends[1]))
		if op.Way == nil {
			p.expect(op.String()+", the other", false, plane.Kernel, up(homes[1], ends[2]))
		} else {
			p.expect(op.String()+", the other", false, plane.Kernel, udp(cn, homes[1]))
		}
		op.Delete = true
		p.apply(op)
		p.expect("without it", true, plane.Kernel, up(homes[1], ends[2]))
	}
}

// A route is followed when the kernel has another one, though the programs ask for it once a tick.
func TestFastFollowsRoutes(t *testing.T) {
	r := newRig(t)
	p := newPairBed(t, r, ha, agentOf("2001:db8:1::100/128", ends[1]))
	p.expect("before", true, plane.Kernel, udp(cn, homes[0]))
	away := "route add " + ends[1].String() + "/128 dev roam6"
	if err := r.y.IP("ha", away); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(10 * time.Second); p.goes(plane.Kernel, udp(cn, homes[0])); {
		if time.Now().After(late) {
			t.Fatal("packets go where they went before")
		}
	}
	if err := r.y.IP("ha", "route del "+ends[1].String()+"/128 dev roam6", "route add unreachable "+yard.CoA.String()+"/128"); err != nil {
		t.Fatal(err)
	}
	p.expect("unreachable", false, plane.Kernel, udp(cn, homes[0]))
}
