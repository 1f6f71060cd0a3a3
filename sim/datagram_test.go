package sim

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/scenario"
	"roam6/wire/ip6"
)

var kdc = netip.AddrPortFrom(atB, 88)

// throws sends n numbered datagrams of some size, a millisecond apart, from the first Command on.
func throws(n, size int, d engine.Datagram) handler {
	next := 0
	return func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Start:
			out.Bind(engine.Bind{Name: "client"})
			return
		case engine.Command, engine.Tick:
		default:
			return
		}
		s.due = engine.Never
		if next < n {
			d.Name, d.Data = "client", make([]byte, size)
			copy(d.Data, fmt.Sprintf("%04d", next))
			out.Datagram(d)
			next++
			s.due = now.Mono.Add(ms)
		}
	}
}

// replies binds and answers with the same octets, but "!" as the first, from the address that was asked.
func replies(at netip.AddrPort) handler {
	return func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Bind(engine.Bind{Name: "kdc", At: at})
		case engine.Datagram:
			in.Data[0] = '!' // in place, as an engine may
			out.Datagram(in)
		}
	}
}

// datagrams are those of a log, in order.
func (l log) datagrams() (out []engine.Datagram) {
	for _, n := range l {
		if d, ok := n.in.(engine.Datagram); ok {
			out = append(out, d)
		}
	}
	return out
}

// Each way to bind; times are those of the links, to the nanosecond; answers come from where was asked.
func TestDatagramExchange(t *testing.T) {
	other := netip.MustParseAddr("2001:db8:2::bb")
	for name, c := range map[string]struct {
		bind, ask netip.AddrPort
		local     netip.Addr
	}{
		"everywhere":   {netip.AddrPortFrom(netip.Addr{}, 88), kdc, netip.Addr{}},
		"all of IPv6":  {netip.MustParseAddrPort("[::]:88"), kdc, atA},
		"one address":  {kdc, kdc, netip.Addr{}},
		"another's":    {netip.AddrPortFrom(netip.Addr{}, 88), netip.AddrPortFrom(other, 88), netip.Addr{}},
		"both at once": {netip.AddrPortFrom(other, 88), netip.AddrPortFrom(other, 88), atA},
	} {
		t.Run(name, func(t *testing.T) {
			p := peers(5 * time.Second)
			p.Nodes[2].Ifaces[0].Addrs = append(p.Nodes[2].Ifaces[0].Addrs, netip.PrefixFrom(other, 64))
			la, lb := talk(t, Config{Plan: p}, throws(100, 700, engine.Datagram{Peer: c.ask, Local: c.local}), replies(c.bind))
			asked, got := lb.datagrams(), la.datagrams()
			if len(asked) != 100 || len(got) != 100 {
				t.Fatalf("%d and %d came", len(asked), len(got))
			}
			for i, d := range got {
				q := asked[i]
				if string(q.Data[:4]) != fmt.Sprintf("%04d", i) || len(q.Data) != 700 || q.Name != "kdc" || q.Local != c.ask.Addr() || q.Peer.Addr() != atA || q.Peer.Port() < firstPort {
					t.Fatalf("question %d: %+v", i, q)
				}
				q.Data[0] = '!'
				if !bytes.Equal(d.Data, q.Data) || d.Name != "client" || d.Peer != c.ask || d.Local != atA {
					t.Fatalf("answer %d: %+v", i, d)
				}
			}
			// All come at the times of the links; the first wait for neighbours besides.
			if last := la[len(la)-1].at; last != time.Second+99*ms+20*ms {
				t.Errorf("the last at %v", last)
			}
		})
	}
}

// Links that lose, double, delay and disorder do so to datagrams, as they do to any packet: none is mended, and none is invented.
func TestDatagramTrouble(t *testing.T) {
	const n = 2000
	for name, c := range map[string]struct {
		model scenario.LinkModel
		ok    func(came, different, late int) bool
	}{
		"loss": {scenario.LinkModel{Delay: 5 * ms, Loss: 0.2}, func(came, different, late int) bool {
			return came == different && came > 1500 && came < 1700 && late == 0
		}},
		"doubles":   {scenario.LinkModel{Delay: 5 * ms, Duplicate: 0.2}, func(came, different, late int) bool { return different == n && came > 2300 && came < 2500 }},
		"disorder":  {scenario.LinkModel{Delay: 5 * ms, Reorder: 0.1, ReorderBy: 20 * ms}, func(came, different, late int) bool { return came == n && different == n && late > 100 }},
		"all there": {scenario.LinkModel{Delay: 5 * ms}, func(came, different, late int) bool { return came == n && different == n && late == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			p := peers(10 * time.Second)
			p.Segments[0].Link = c.model
			p.Nodes[0].Neighbors = []scenario.Neighbor{{Addr: addr("2001:db8:1::1"), HW: hw(2), Iface: "eth0"}}
			p.Nodes[1].Neighbors = []scenario.Neighbor{{Addr: atB, HW: hw(4), Iface: "eth1"}}
			_, lb := talk(t, Config{Plan: p}, throws(n, 10, engine.Datagram{Peer: kdc}), replies(kdc))
			seen, late, last := map[string]bool{}, 0, ""
			for _, d := range lb.datagrams() {
				number := string(d.Data[:4])
				if number < last {
					late++
				}
				seen[number], last = true, max(last, number)
			}
			if came := len(lb.datagrams()); !c.ok(came, len(seen), late) {
				t.Errorf("%d came, %d different, %d late", came, len(seen), late)
			}
		})
	}
}

// A datagram is one packet: what is larger than the link, here or farther on, is lost and counted, and nobody is told.
func TestDatagramSize(t *testing.T) {
	for name, c := range map[string]struct {
		size, mtu int // of the router's far link
		drop      string
	}{
		"fits":          {1500 - ip6.HeaderLen - udpHeader, 1500, ""},
		"own link":      {1500 - ip6.HeaderLen - udpHeader + 1, 1500, dropTooBig},
		"fits farther":  {1280 - ip6.HeaderLen - udpHeader, 1280, ""},
		"link farther":  {1280 - ip6.HeaderLen - udpHeader + 1, 1280, dropTooBig},
		"nothing in it": {4, 1280, ""},
		"the largest":   {engine.MaxDatagram, 1500, dropTooBig},
		"larger":        {engine.MaxDatagram + 1, 1500, dropTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			p, rec := peers(5*time.Second), newTape()
			p.Nodes[1].Ifaces[1].MTU = c.mtu
			la, lb := talk(t, Config{Plan: p, Recorder: rec}, throws(1, c.size, engine.Datagram{Peer: kdc}), replies(kdc))
			want := 1
			if c.drop != "" {
				want = 0
			}
			if len(lb.datagrams()) != want || len(la.datagrams()) != want || len(la) != want || rec.drops[c.drop] != 1-want {
				t.Errorf("%d asked, %d answered, drops %v", len(lb.datagrams()), len(la.datagrams()), rec.drops)
			}
		})
	}
}

// What cannot be bound is told with its reason and in words; what cannot be sent is counted.
func TestDatagramRefusals(t *testing.T) {
	many := func(out *engine.Effects) {
		for i := range MaxBinds {
			out.Bind(engine.Bind{Name: fmt.Sprint(i)})
		}
	}
	bind := func(name, at string) func(*engine.Effects) {
		return func(out *engine.Effects) { out.Bind(engine.Bind{Name: name, At: netip.MustParseAddrPort(at)}) }
	}
	for name, c := range map[string]struct {
		do     func(*engine.Effects)
		reason string
	}{
		"no address":        {bind("x", "[2001:db8:2::b]:88"), engine.ReasonNoAddress},
		"IPv4":              {bind("x", "0.0.0.0:88"), engine.ReasonNoAddress},
		"taken":             {bind("x", "[2001:db8:1::a]:89"), engine.ReasonAddressInUse},
		"name":              {bind("kdc", "[::]:90"), engine.ReasonNameInUse},
		"name of a stream":  {bind("peers", "[::]:90"), engine.ReasonNameInUse},
		"stream of a name":  {func(out *engine.Effects) { out.Listen(engine.Listen{Name: "kdc", At: diameter}) }, engine.ReasonNameInUse},
		"too many":          {many, engine.ReasonTooMany},
		"another of a port": {bind("x", "[::]:90"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newTape()
			la, _ := talk(t, Config{Plan: peers(2 * time.Second), Recorder: rec}, func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
				if _, ok := in.(engine.Start); ok {
					out.Bind(engine.Bind{Name: "kdc", At: netip.AddrPortFrom(netip.Addr{}, 89)})
					out.Listen(engine.Listen{Name: "peers", At: netip.AddrPortFrom(atA, 3868)})
					c.do(out)
				}
			}, nil)
			told := slices.ContainsFunc(rec.events, func(e string) bool { return strings.Contains(e, " a "+EventStream+" ") })
			if why, _ := la.closed(0); why != c.reason || told != (c.reason != "") || len(la) > 1 {
				t.Errorf("%+v; %q", la, rec.events)
			}
		})
	}
	rec := newTape()
	talk(t, Config{Plan: peers(2 * time.Second), Recorder: rec}, func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Start); ok {
			out.Bind(engine.Bind{Name: "x"})
			for _, d := range []engine.Datagram{{Peer: netip.MustParseAddrPort("192.0.2.1:88")}, {Peer: kdc, Local: atB}, {Peer: netip.AddrPortFrom(atB, 0)}, {}} {
				d.Name = "x"
				out.Datagram(d)
			}
			out.Datagram(engine.Datagram{Name: "not bound", Peer: kdc})
		}
	}, nil)
	if rec.drops[dropNoWay] != 4 || len(rec.drops) != 1 {
		t.Errorf("drops %v", rec.drops)
	}
}

// Who does not listen hears nothing, and a crash takes a node's ports: what comes until it is back is nobody's.
func TestDatagramCrash(t *testing.T) {
	p, rec := peers(10*time.Second), newTape()
	p.Actions = append(p.Actions, scenario.Action{At: 1500 * ms, Verb: scenario.Crash, Node: "b"}, scenario.Action{At: 2 * time.Second, Verb: scenario.Restart, Node: "b"})
	la, lb := talk(t, Config{Plan: p, Recorder: rec}, throws(2000, 10, engine.Datagram{Peer: kdc}), replies(kdc))
	asked := len(lb.datagrams())
	if asked != 1500 || len(la.datagrams()) != asked || rec.drops[dropNoSocket] != 500 {
		t.Errorf("%d asked, %d answered, drops %v", asked, len(la.datagrams()), rec.drops)
	}
}

// Packets that are no whole datagrams come to no engine.
func TestDatagramMalformed(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(udp []byte)
		drop string
	}{
		"checksum":        {func(udp []byte) { udp[9]++ }, dropChecksum},
		"no checksum":     {func(udp []byte) { udp[6], udp[7] = 0, 0 }, dropChecksum},
		"longer than all": {func(udp []byte) { udp[4] = 1 }, dropMalformed},
		"shorter":         {func(udp []byte) { udp[4], udp[5] = 0, 7 }, dropMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newTape()
			edit := func(_ time.Duration, segment string, packet []byte) bool {
				if packet[6] == ip6.ProtoUDP && segment == "right" {
					c.edit(packet[ip6.HeaderLen:])
				}
				return false
			}
			_, lb := talk(t, Config{Plan: peers(2 * time.Second), Recorder: rec, Lose: edit}, throws(1, 20, engine.Datagram{Peer: kdc}), replies(kdc))
			if len(lb.datagrams()) != 0 || rec.drops[c.drop] != 1 {
				t.Errorf("%+v, drops %v", lb, rec.drops)
			}
		})
	}
}

// Equal plans give equal runs, with trouble on the links; another seed gives another.
func TestDatagramRunsRepeat(t *testing.T) {
	once := func(seed uint64) (string, string) {
		p, rec := peers(5*time.Second), newTape()
		p.Seed = seed
		p.Segments[0].Link = scenario.LinkModel{Delay: 5 * ms, Jitter: 3 * ms, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, ReorderBy: 9 * ms}
		la, lb := talk(t, Config{Plan: p, Recorder: rec}, throws(500, 10, engine.Datagram{Peer: kdc}), replies(kdc))
		return rec.hash(), fmt.Sprint(la, lb)
	}
	hash, logs := once(1)
	if h, l := once(1); h != hash || l != logs {
		t.Error("equal plans differ")
	}
	if h, _ := once(2); h == hash {
		t.Error("the seed does nothing")
	}
}

// A mobile node's engine asks from its home address, through its plane and its home agent's tunnel.
func TestDatagramFromHomeAddress(t *testing.T) {
	p := home()
	p.Nodes[3].Config, p.Flows = []byte("x"), nil
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Command, Node: "mn"}}
	at := netip.MustParseAddrPort("[2001:db8:d::7]:88")
	by, got := homeScripts(), log{}
	moving, asking := by["mn"], throws(10, 1000, engine.Datagram{Peer: at})
	by["mn"] = func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		moving(s, now, in, out)
		asking(s, now, in, out)
		got.note(now, in)
	}
	by["cn"] = replies(at)
	rec, _ := run(t, p, by)
	if d := got.datagrams(); len(d) != 10 || d[0].Local != addr("2001:db8:f::99") || d[0].Peer != at {
		t.Errorf("%+v; drops %v", d, rec.drops)
	}
}
