package sim

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
)

// errorsAbout sends one packet from a (through its kernel) and gives the ICMP errors that cross the left link back.
func errorsAbout(t *testing.T, p *scenario.Plan, data []byte) []*icmp6.Error {
	t.Helper()
	p.Flows = nil
	p.Nodes[0].Config, p.Nodes[0].Forward = []byte("x"), true
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Command, Node: "a"}}
	var out []*icmp6.Error
	_, err := Run(Config{Plan: p, Recorder: newTape(),
		Build: scripts(map[string]handler{"a": func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Command); ok {
				out.Send(0, [6]byte{}, data)
			}
		}}),
		Capture: func(segment string, _ time.Duration, frame []byte) {
			q, err := ip6.Parse(frame[scenario.EthernetHeader:])
			if err != nil {
				t.Fatal(err)
			}
			if q.Proto != ip6.ProtoICMPv6 || segment != "left" {
				return
			}
			if m, err := icmp6.Parse(q.Src, q.Dst, q.Payload); err == nil {
				if e, ok := m.(*icmp6.Error); ok {
					out = append(out, e)
				}
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestKernelReportsErrors(t *testing.T) {
	send := func(dst string, size int, hops uint8) []byte {
		p := ip6.Packet{Header: ip6.Header{Src: addr("2001:db8:1::a"), Dst: addr(dst), HopLimit: hops}, Proto: ip6.ProtoNone, Payload: make([]byte, size)}
		return p.Append(nil)
	}
	for name, c := range map[string]struct {
		data []byte
		want icmp6.Error
	}{
		"hop limit": {send("2001:db8:2::b", 10, 2), icmp6.Error{Type: icmp6.TypeTimeExceeded}},
		"no route":  {send("2001:db8:77::1", 10, 64), icmp6.Error{Type: icmp6.TypeUnreachable, Code: icmp6.CodeNoRoute}},
		"nobody":    {send("2001:db8:2::ff", 10, 64), icmp6.Error{Type: icmp6.TypeUnreachable, Code: icmp6.CodeAddrUnreachable}},
		"too big":   {send("2001:db8:2::b", 1400, 64), icmp6.Error{Type: icmp6.TypePacketTooBig, Param: 1300}},
	} {
		t.Run(name, func(t *testing.T) {
			p := twoNets(scenario.LinkModel{}, scenario.LinkModel{})
			p.Nodes[1].Ifaces[1].MTU = 1300
			got := errorsAbout(t, p, c.data)
			if len(got) != 1 || got[0].Type != c.want.Type || got[0].Code != c.want.Code || got[0].Param != c.want.Param {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestLongestPrefixWins(t *testing.T) {
	n := &node{}
	i := &iface{}
	for _, p := range []string{"::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::5/128", "2001:db8:1:8000::/49"} {
		n.addRoute(routeOf(scenario.Route{Dst: prefix(p)}, i))
	}
	for dst, bits := range map[string]int{"2001:db8:1::5": 128, "2001:db8:1::6": 48, "2001:db8:1:8000::1": 49, "2001:db8:2::": 32, "fd00::1": 0} {
		if r := n.route(netip.MustParseAddr(dst).As16()); r == nil || r.bits != bits {
			t.Errorf("%s took %+v, want /%d", dst, r, bits)
		}
	}
}

// Packets that wait for a neighbour are bounded.
func TestPendingIsBounded(t *testing.T) {
	p := twoNets(scenario.LinkModel{}, scenario.LinkModel{})
	p.Nodes[2].Ifaces[0].Addrs = []netip.Prefix{prefix("2001:db8:2::c/64")} // nobody is b
	p.Flows[0].Interval = ms
	rec, _ := run(t, p, nil)
	if rec.drops[dropNeighFull] == 0 || rec.drops[dropNoNeigh] < pendingMax {
		t.Errorf("drops %v", rec.drops)
	}
}

func TestICMPErrorsAreLimited(t *testing.T) {
	b := icmpBucket{tokens: icmpBurst}
	n := 0
	for k := range 10_000 {
		if b.take(time.Duration(k) * 100 * time.Microsecond) {
			n++
		}
	}
	if n < 1000 || n > 1000+icmpBurst {
		t.Errorf("%d errors in a second", n)
	}
}
