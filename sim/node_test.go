package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/scenario"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// lone is one node with engines on one link, beside a plain kernel host.
func lone(userland bool) *scenario.Plan {
	return &scenario.Plan{
		Scenario: "lone", Seed: 3, Length: 10 * time.Second,
		Segments: []scenario.Segment{{Name: "cell", Air: true, Link: scenario.LinkModel{Delay: ms}}},
		Nodes: []scenario.Node{
			{Name: "n", Userland: userland, Config: []byte("x"), Skew: -time.Hour,
				Ifaces: []scenario.Iface{{Name: "wlan0", Port: 1, HW: hw(1), Segment: "cell"}}},
			{Name: "r", Forward: true, Ifaces: []scenario.Iface{{Name: "eth0", HW: hw(2), Segment: "cell",
				Addrs: []netip.Prefix{prefix("2001:db8:1::1/64")}}}},
		},
	}
}

func TestCrashKeepsOnlyRecords(t *testing.T) {
	p := lone(true)
	p.Actions = []scenario.Action{
		{At: 2500 * ms, Verb: scenario.Crash, Node: "n"},
		{At: 3500 * ms, Verb: scenario.Restart, Node: "n"},
	}
	var log []string
	tick := 0
	h := func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		if want := Epoch.Add(-time.Hour); now.Wall.Before(want) || now.Wall.After(want.Add(10*time.Second)) {
			t.Errorf("wall clock %v", now.Wall)
		}
		switch in := in.(type) {
		case engine.Start:
			s.due = engine.Mono(time.Second)
			line := fmt.Sprintf("start %v", time.Duration(now.Mono))
			for _, r := range in.Records {
				line += fmt.Sprintf(" %s/%s=%s", r.Bucket, r.Key, r.Value)
			}
			log = append(log, line)
			out.Persist("z", "gone", []byte("x"))
			out.Persist("z", "gone", nil)
		case engine.LinkUp:
			log = append(log, fmt.Sprintf("up %d %s %s %d", in.Port, in.Name, in.Attachment, in.MTU))
		case engine.Tick:
			if now.Mono < s.due {
				t.Errorf("tick at %d, due %d", now.Mono, s.due)
			}
			tick++
			log = append(log, fmt.Sprintf("tick %v", time.Duration(now.Mono)))
			out.Persist("b", "count", fmt.Appendf(nil, "%d", tick))
			out.Persist("a", "k", []byte("v"))
			s.due = s.due.Add(time.Second)
			if tick == 4 {
				s.due = engine.Never
			}
		}
	}
	run(t, p, map[string]handler{"n": h})
	want := []string{"start 0s", "up 1 wlan0 cell 1500", "tick 1s", "tick 2s",
		"start 0s a/k=v b/count=2", "up 1 wlan0 cell 1500", "tick 1s", "tick 2s"}
	if !slices.Equal(log, want) {
		t.Errorf("got  %q\nwant %q", log, want)
	}
}

// A deadline that moves is honoured at its last place, and only there.
func TestDeadlineMoves(t *testing.T) {
	var ticks []time.Duration
	p := lone(true)
	for k := range 5 {
		p.Actions = append(p.Actions, scenario.Action{At: time.Duration(k+1) * time.Second, Verb: scenario.Command, Node: "n"})
	}
	commands := 0
	run(t, p, map[string]handler{"n": func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Command:
			commands++
			s.due = now.Mono.Add(1500 * ms)
			if commands == 3 {
				s.due = now.Mono.Add(100 * ms)
			}
		case engine.Tick:
			ticks = append(ticks, time.Duration(now.Mono))
			s.due = engine.Never
		}
	}})
	if want := []time.Duration{3100 * ms, 6500 * ms}; !slices.Equal(ticks, want) {
		t.Errorf("ticks at %v, want %v", ticks, want)
	}
}

func TestEngineThatNeverRests(t *testing.T) {
	_, err := Run(Config{Plan: lone(true), Recorder: newTape(), Build: scripts(map[string]handler{
		"n": func(s *script, now engine.Now, _ engine.Input, _ *engine.Effects) { s.due = now.Mono }})})
	if !errors.Is(err, ErrSpin) {
		t.Errorf("got %v", err)
	}
}

// Nor may packets that lead to each other at one moment run for ever.
func TestEnginesThatNeverRest(t *testing.T) {
	p := lone(true)
	p.Segments[0].Link.Delay = 0
	p.Nodes = append(p.Nodes, p.Nodes[0])
	p.Nodes[2].Name = "m"
	p.Nodes[2].Ifaces = []scenario.Iface{{Name: "w", Port: 1, HW: hw(3), Segment: "cell"}}
	shout := func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.LinkUp, engine.Packet:
			out.Send(1, plane.HW{}, ndPacket(addr("fe80::1"), ip6.AllNodes, &nd.RouterAdvertisement{}))
		}
	}
	w, err := newWorld(Config{Plan: p, Recorder: &quiet{}, Build: scripts(map[string]handler{"n": shout, "m": shout})})
	if err != nil {
		t.Fatal(err)
	}
	w.limit = 10_000
	w.begin()
	if err := w.loop(); !errors.Is(err, ErrSpin) {
		t.Errorf("got %v", err)
	}
}

// What follows an input in its effects comes before what those effects cause.
func TestEffectsBeforeNextInput(t *testing.T) {
	var log []string
	p := lone(true)
	self := addr("2001:db8:1::77")
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Command, Node: "n"}, {At: time.Second, Verb: scenario.Command, Node: "n"}}
	rec, _ := run(t, p, map[string]handler{"n": func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Command); ok {
			log = append(log, "command")
			out.Plane(plane.Op{Local: &plane.LocalOp{Addr: self, Local: plane.Local{Port: 1}}})
			out.Event("first")
			out.Event("second")
			out.Reply(engine.Reply{Err: "not now"})
		}
	}})
	want := []string{"1s n first ", "1s n second ", "1s n command.refused not now"}
	if len(log) != 2 || !slices.Equal(rec.events, append(want, want...)) {
		t.Errorf("%v %q", log, rec.events)
	}
}

// The kernel resolves a user-space address by a real solicitation, which the engine gets because it joined the group.
func TestKernelResolvesEngineAddress(t *testing.T) {
	self, router := addr("2001:db8:1::77"), addr("2001:db8:1::1")
	var asked, echoed int
	h := func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.LinkUp:
			out.Plane(plane.Op{Local: &plane.LocalOp{Addr: self, Local: plane.Local{Port: 1}}})
			echo := icmpPacket(self, router, &icmp6.Echo{ID: 1, Seq: 2, Data: []byte("hello")})
			out.Send(1, hw(2), echo)
		case engine.Packet:
			p, err := ip6.Parse(in.Data)
			if err != nil {
				t.Fatal(err)
			}
			if m, err := icmp6.Parse(p.Src, p.Dst, p.Payload); err == nil {
				if e, ok := m.(*icmp6.Echo); ok && e.Reply && string(e.Data) == "hello" {
					echoed++
				}
				return
			}
			m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if ns, ok := m.(*nd.NeighborSolicitation); ok && ns.Target == self {
				asked++
				na := &nd.NeighborAdvertisement{Solicited: true, Override: true, Target: self, Options: nd.Options{TargetHW: hw(1)}}
				out.Send(1, in.From, ndPacket(self, p.Src, na))
			}
		}
	}
	p := lone(true)
	var times []time.Duration
	_, err := Run(Config{Plan: p, Build: scripts(map[string]handler{"n": h}), Recorder: newTape(),
		Capture: func(_ string, at time.Duration, frame []byte) {
			times = append(times, at)
			if frame[12] != 0x86 || frame[13] != 0xdd {
				t.Error("not an IPv6 frame")
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 || echoed != 1 || !slices.Equal(times, []time.Duration{0, ms, 2 * ms, 3 * ms}) {
		t.Errorf("asked %d, echoed %d, frames at %v", asked, echoed, times)
	}
}

// home is a world with a home agent that captures and tunnels, and a mobile node away from home.
//
//	mn ──cell── ar ──core── ha ──net── cn
func home() *scenario.Plan {
	p := &scenario.Plan{
		Scenario: "home", Seed: 5, Length: 5 * time.Second,
		Segments: []scenario.Segment{
			{Name: "cell", Air: true, Link: scenario.LinkModel{Delay: ms}},
			{Name: "core", Link: scenario.LinkModel{Delay: 10 * ms}},
			{Name: "net", Link: scenario.LinkModel{Delay: 20 * ms}}},
		Nodes: []scenario.Node{
			{Name: "mn", Userland: true, Config: []byte("x"), Ifaces: []scenario.Iface{{Name: "w", Port: 1, HW: hw(1), Segment: "cell"}}},
			{Name: "ar", Forward: true, Ifaces: []scenario.Iface{
				{Name: "c", HW: hw(2), Segment: "cell", Addrs: []netip.Prefix{prefix("2001:db8:a::1/64")}},
				{Name: "u", HW: hw(3), Segment: "core", Addrs: []netip.Prefix{prefix("2001:db8:c::2/64")}}},
				Routes: []scenario.Route{{Dst: prefix("::/0"), Via: addr("2001:db8:c::1"), Iface: "u"}}},
			{Name: "ha", Forward: true, Config: []byte("x"), Ifaces: []scenario.Iface{
				{Name: "u", HW: hw(4), Segment: "core", Addrs: []netip.Prefix{prefix("2001:db8:c::1/64")}},
				{Name: "n", HW: hw(5), Segment: "net", Addrs: []netip.Prefix{prefix("2001:db8:d::1/64")}},
				{Name: "h", Port: 1, HW: hw(6), Addrs: []netip.Prefix{prefix("2001:db8:f::1/64")}}},
				Routes: []scenario.Route{{Dst: prefix("2001:db8:a::/64"), Via: addr("2001:db8:c::2"), Iface: "u"}}},
			{Name: "cn", Ifaces: []scenario.Iface{{Name: "n", HW: hw(7), Segment: "net", Addrs: []netip.Prefix{prefix("2001:db8:d::7/64")}}},
				Routes: []scenario.Route{{Dst: prefix("::/0"), Via: addr("2001:db8:d::1"), Iface: "n"}}},
		},
		Flows: []scenario.Flow{{Name: "probe", Mobile: "mn", Peer: "cn", MobileAddr: addr("2001:db8:f::99"), PeerAddr: addr("2001:db8:d::7"),
			Port: 5000, Interval: 10 * ms, Size: 64, Voice: true, Start: time.Second, Stop: 4 * time.Second}},
	}
	return p
}

func homeScripts() map[string]handler {
	hoa, coa, haa := addr("2001:db8:f::99"), addr("2001:db8:a::99"), addr("2001:db8:f::aa")
	inner := netip.PrefixFrom(hoa, 128)
	return map[string]handler{
		"ha": func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Start); ok {
				out.Plane(plane.Op{Local: &plane.LocalOp{Addr: haa, Local: plane.Local{Port: 1, Capture: true}}})
				out.Plane(plane.Op{Path: &plane.PathOp{Inner: inner, Path: plane.Path{Side: plane.Agent, Mode: plane.Tunnel,
					Local: haa, Remote: coa, Capture: true}}})
			}
			if p, ok := in.(engine.Packet); ok {
				out.Event("punted", engine.S("to", netip.AddrFrom16([16]byte(p.Data[24:40])).String()))
			}
		},
		"mn": func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.LinkUp); ok {
				out.Plane(plane.Op{Link: &plane.LinkOp{Port: 1, Link: plane.Link{Gateway: hw(2), MTU: 1500}}})
				out.Plane(plane.Op{Local: &plane.LocalOp{Addr: coa, Local: plane.Local{Port: 1}}})
				out.Plane(plane.Op{Host: &plane.HostOp{Addr: hoa, Host: plane.Host{MTU: 1400}}})
				out.Plane(plane.Op{Path: &plane.PathOp{Inner: inner, Path: plane.Path{Side: plane.Mobile, Mode: plane.Tunnel,
					Local: coa, Remote: haa, Out: 1}}})
				rs := &nd.RouterSolicitation{Options: nd.Options{SourceHW: hw(1)}}
				out.Send(1, plane.HW{}, ndPacket(coa, ip6.AllRouters, rs)) // the router learns where we are
			}
		},
	}
}

func TestCaptureAndTunnel(t *testing.T) {
	rec, _ := run(t, home(), homeScripts())
	for seq := uint32(10); seq < 300; seq++ {
		for _, down := range []bool{false, true} {
			k := packetKey{0, down, seq}
			if at := rec.received[k]; len(at) != 1 || at[0]-rec.sent[k] != 31*ms {
				t.Fatalf("packet %v sent at %v, received at %v, want 31ms later", k, rec.sent[k], at)
			}
		}
	}
}

// A kernel that forwards and captures stops what a gate stops, by that link, and nothing else.
func TestGateOnTheWay(t *testing.T) {
	p := home()
	p.Nodes[2].Ifaces[1].Port = 2
	for _, at := range []time.Duration{2 * time.Second, 3 * time.Second} {
		p.Actions = append(p.Actions, scenario.Action{At: at, Verb: scenario.Command, Node: "ha"})
	}
	scripts, open := homeScripts(), true
	begin := scripts["ha"]
	scripts["ha"] = func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		begin(s, now, in, out)
		if _, ok := in.(engine.Command); ok {
			open = !open
			key := plane.GateKey{From: prefix("2001:db8:d::/64"), Port: 2}
			out.Plane(plane.Op{Gate: &plane.GateOp{Key: key, Gate: plane.Gate{Open: open}}})
		}
	}
	rec, _ := run(t, p, scripts)
	stopped := 0
	for k, at := range rec.sent {
		gone := k.down && at+20*ms >= 2*time.Second && at+20*ms < 3*time.Second
		if gone {
			stopped++
		}
		if at > 1100*ms && (len(rec.received[k]) == 0) != gone {
			t.Fatalf("packet %v sent at %v: received %v", k, at, rec.received[k])
		}
	}
	if n := rec.drops[plane.DropGate]; n != stopped || n == 0 {
		t.Errorf("%d dropped, %d stopped", n, stopped)
	}
}

// While the home agent's engines are down, nothing captures: its kernel looks for the address on the home link.
func TestCrashEndsCapture(t *testing.T) {
	p := home()
	p.Actions = []scenario.Action{{At: 2 * time.Second, Verb: scenario.Crash, Node: "ha"}, {At: 3 * time.Second, Verb: scenario.Restart, Node: "ha"}}
	rec, _ := run(t, p, homeScripts())
	for k, at := range rec.sent {
		gone := at > 2*time.Second && at < 2950*ms
		if gone && len(rec.received[k]) > 0 {
			t.Fatalf("packet %v sent at %v arrived", k, at)
		}
		if at > 3100*ms && len(rec.received[k]) != 1 {
			t.Fatalf("packet %v sent at %v did not arrive", k, at)
		}
	}
}

// Captures must be what the plane's table says.
func TestMirrorFollowsTable(t *testing.T) {
	w, err := newWorld(Config{Plan: home(), Build: scripts(homeScripts()), Recorder: newTape()})
	if err != nil {
		t.Fatal(err)
	}
	w.begin()
	n := w.byName["ha"]
	a := addr("2001:db8:f::50")
	check := func(what string) {
		t.Helper()
		want := n.soft.Table().Captures()
		got := len(n.mirror.prefixes)
		for range n.mirror.captures {
			got++
		}
		if got != len(want) {
			t.Errorf("%s: mirror %d, table %v", what, got, want)
		}
		for _, p := range want {
			if !n.mirror.captured(p.Addr().As16()) {
				t.Errorf("%s: %v is not captured", what, p)
			}
		}
	}
	path := func(p string, capture, del bool) plane.Op {
		return plane.Op{Delete: del, Path: &plane.PathOp{Inner: prefix(p), Path: plane.Path{Side: plane.Agent, Mode: plane.Hold, Capture: capture}}}
	}
	local := func(capture, del bool) plane.Op {
		return plane.Op{Delete: del, Local: &plane.LocalOp{Addr: a, Local: plane.Local{Capture: capture, Proxy: true}}}
	}
	route := func(peer string, capture, del bool) plane.Op {
		pair := plane.Pair{Mobile: prefix("2001:db8:f::50/128").Addr(), Peer: netip.MustParseAddr(peer)}
		return plane.Op{Delete: del, Route: &plane.RouteOp{Pair: pair, Route: plane.Route{Side: plane.Peer, CareOf: pair.Peer, Capture: capture}}}
	}
	check("start")
	for k, op := range []plane.Op{route("2001:db8::1", true, false), route("2001:db8::2", true, false), route("2001:db8::1", false, false),
		route("::", true, false), route("2001:db8::2", true, true), route("2001:db8::1", true, false), path("2001:db8:f::50/128", true, false), local(true, false), local(true, false), local(false, false),
		path("2001:db8:e::/64", true, false), path("2001:db8:e::/64", true, false), path("2001:db8:f::50/128", false, false),
		local(true, false), path("2001:db8:e::/64", false, true), local(false, true), path("2001:db8:f::50/128", true, true)} {
		n.apply(op)
		check(fmt.Sprint("op ", k))
	}
}
