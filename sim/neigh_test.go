package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// airTape notes whose frame on the air each is.
type airTape struct {
	quiet
	who []string
}

func (a *airTape) Frame(_ time.Duration, segment, node string, up bool, _ []byte) {
	a.who = append(a.who, fmt.Sprintf("%s %q %v", segment, node, up))
}

// A kernel answers duplicate address detection for its own address to all nodes, and the frames are told as the mobile
// node's (up) and as everybody's.
func TestKernelDefendsItsAddress(t *testing.T) {
	router := addr("2001:db8:1::1")
	var got []*nd.NeighborAdvertisement
	rec := &airTape{}
	_, err := Run(Config{Plan: lone(true), Recorder: rec, Build: scripts(map[string]handler{
		"n": func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.LinkUp:
				out.Send(1, plane.HW{}, ndPacket(netip.IPv6Unspecified(), ip6.SolicitedNode(router), &nd.NeighborSolicitation{Target: router}))
			case engine.Packet:
				p, err := ip6.Parse(in.Data)
				if err != nil {
					t.Fatal(err)
				}
				if m, _ := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload); p.Dst == ip6.AllNodes {
					got = append(got, m.(*nd.NeighborAdvertisement))
				}
			}
		}})})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Solicited || !got[0].Override || !got[0].Router || got[0].Target != router || got[0].Options.TargetHW != hw(2) {
		t.Errorf("got %+v", got)
	}
	if want := []string{`cell "n" true`, `cell "" false`}; !slices.Equal(rec.who, want) {
		t.Errorf("frames %v, want %v", rec.who, want)
	}
}

// The rules of RFC 4861 §7.2.5 for what an advertisement changes.
func TestAdvertisementRules(t *testing.T) {
	w, err := newWorld(Config{Plan: twoNets(scenario.LinkModel{}, scenario.LinkModel{}), Build: scripts(nil), Recorder: newTape()})
	if err != nil {
		t.Fatal(err)
	}
	w.begin()
	n := w.byName["a"]
	i, peer := n.ifaces[0], addr("2001:db8:1::99")
	hear := func(override bool, from plane.HW) {
		na := &nd.NeighborAdvertisement{Override: override, Target: peer, Options: nd.Options{TargetHW: from}}
		n.neighborIn(i, ndPacket(peer, ip6.AllNodes, na))
	}
	hear(true, hw(8))
	if i.neigh[peer.As16()] != nil {
		t.Error("an advertisement made an entry")
	}
	b := i.entry(peer.As16())
	for k, c := range []struct {
		override   bool
		from, want plane.HW
	}{{false, hw(8), hw(8)}, {false, hw(9), hw(8)}, {true, hw(9), hw(9)}} {
		if hear(c.override, c.from); b.hw != c.want {
			t.Errorf("step %d: %x, want %x", k, b.hw, c.want)
		}
	}
	bad := ndPacket(peer, ip6.AllNodes, &nd.NeighborAdvertisement{Override: true, Target: peer, Options: nd.Options{TargetHW: hw(7)}})
	bad[7] = 254
	if n.neighborIn(i, bad); b.hw != hw(9) {
		t.Error("a forwarded advertisement was believed")
	}
}

// Two addresses with one interface identifier share a group; it is left with the second, and at a crash.
func TestGroupsAreCounted(t *testing.T) {
	w, err := newWorld(Config{Plan: lone(true), Recorder: newTape(),
		Build: scripts(map[string]handler{"n": func(*script, engine.Now, engine.Input, *engine.Effects) {}})})
	if err != nil {
		t.Fatal(err)
	}
	w.begin()
	n, s := w.byName["n"], w.segments[0]
	one, two := addr("2001:db8:1::77"), addr("fe80::77")
	group := plane.HW(ip6.MulticastHW(ip6.SolicitedNode(one)))
	set := func(a netip.Addr, del bool) {
		n.apply(plane.Op{Delete: del, Local: &plane.LocalOp{Addr: a, Local: plane.Local{Port: 1}}})
	}
	members := func(want int, when string) {
		t.Helper()
		if got := len(s.listeners[group]); got != want {
			t.Errorf("%s: %d members, want %d", when, got, want)
		}
	}
	set(one, false)
	set(two, false)
	set(two, false)
	members(1, "both")
	set(one, true)
	members(1, "one deleted")
	n.ifaces[0].unplug(0)
	members(0, "detached")
	n.ifaces[0].plug(s)
	members(1, "attached")
	set(two, true)
	members(0, "both deleted")
	set(one, false)
	n.crash()
	members(0, "crashed")
	if len(s.listeners[allNodesHW]) != 1 {
		t.Error("all nodes was left too")
	}
}
