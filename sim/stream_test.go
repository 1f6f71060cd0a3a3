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
	"roam6/sim/tcp"
	"roam6/wire/ip6"
)

var (
	atA, atB = netip.MustParseAddr("2001:db8:1::a"), netip.MustParseAddr("2001:db8:2::b")
	diameter = netip.AddrPortFrom(atB, 3868)
)

// peers is twoNets without its flow, with an engine at a and at b, which have a TLS profile "p".
func peers(length time.Duration) *scenario.Plan {
	p := twoNets(scenario.LinkModel{Delay: 5 * ms}, scenario.LinkModel{Delay: 5 * ms})
	p.Flows, p.Length = nil, length
	for _, k := range []int{0, 2} {
		p.Nodes[k].Config, p.Nodes[k].Identity = []byte("x"), p.Nodes[k].Name+".example.org"
	}
	p.Actions = []scenario.Action{{At: time.Second, Verb: scenario.Command, Node: "a"}}
	return p
}

// note is an input of a connection or a table, and when it came.
type note struct {
	at time.Duration
	in engine.Input
}

// log notes what an engine is told about streams, datagrams and queries.
type log []note

func (l *log) note(now engine.Now, in engine.Input) {
	switch i := in.(type) {
	case engine.Stream:
		i.Data = bytes.Clone(i.Data)
		*l = append(*l, note{time.Duration(now.Mono), i})
	case engine.Datagram:
		i.Data = bytes.Clone(i.Data)
		*l = append(*l, note{time.Duration(now.Mono), i})
	case engine.Opened, engine.Closed, engine.Result:
		*l = append(*l, note{time.Duration(now.Mono), in})
	}
}

func (l log) octets(c engine.Conn) (out []byte) {
	for _, n := range l {
		if s, ok := n.in.(engine.Stream); ok && s.Conn == c {
			out = append(out, s.Data...)
		}
	}
	return out
}

// closed is the reason of a connection's end, or of a Listen's; "" if it never came.
func (l log) closed(c engine.Conn) (string, time.Duration) {
	for _, n := range l {
		if e, ok := n.in.(engine.Closed); ok && e.Conn == c {
			return e.Reason, n.at
		}
	}
	return "", 0
}

// talk runs a plan with what the engines at a and b do; their logs come back.
func talk(t testing.TB, c Config, a, b handler) (la, lb log) {
	t.Helper()
	watch := func(l *log, h handler) handler {
		return func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
			l.note(now, in)
			if h != nil {
				h(s, now, in, out)
			}
		}
	}
	plain := scripts(map[string]handler{"a": watch(&la, a), "b": watch(&lb, b)})
	c.Build = func(n scenario.Node, seed [32]byte) (scenario.Built, error) {
		built, err := plain(n, seed)
		built.Profiles = []string{"p"}
		return built, err
	}
	if c.Recorder == nil {
		c.Recorder = newTape()
	}
	if _, err := Run(c); err != nil {
		t.Fatal(err)
	}
	return la, lb
}

// dials answers the first Command by a Dial.
func dials(d engine.Dial, then handler) handler {
	return func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		if _, ok := in.(engine.Command); ok {
			out.Dial(d)
		}
		if then != nil {
			then(s, now, in, out)
		}
	}
}

// listens opens a port and answers octets with the same, each one changed in place as an agent does.
func listens(tls string) handler {
	return func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
		switch in := in.(type) {
		case engine.Start:
			out.Listen(engine.Listen{Name: "peers", At: diameter, TLS: tls})
		case engine.Stream:
			for i := range in.Data {
				in.Data[i]++
			}
			out.Write(in.Conn, in.Data)
		}
	}
}

func TestStreamExchange(t *testing.T) {
	for name, c := range map[string]struct {
		tls, server string
		opened      time.Duration // after the Dial; the first also resolves neighbours
		names       []string
	}{
		"plain": {"", "", 50 * ms, nil},
		"TLS":   {"p", "b.example.org", 70 * ms, []string{"b.example.org"}},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := peers(20 * time.Second)
			said := make([]byte, 100_000)
			for i := range said {
				said[i] = byte(i * 3)
			}
			la, lb := talk(t, Config{Plan: c2}, dials(engine.Dial{Conn: 1, To: diameter, TLS: c.tls, Server: c.server},
				func(_ *script, now engine.Now, in engine.Input, out *engine.Effects) {
					switch in := in.(type) {
					case engine.Opened:
						for b := said; len(b) > 0; b = b[1000:] {
							out.Write(in.Conn, b[:1000])
						}
					case engine.Stream:
						if now.Mono > engine.Mono(3*time.Second) {
							t.Error("late")
						}
					}
				}), listens(c.tls))
			o, ok := la[0].in.(engine.Opened)
			if !ok || la[0].at != time.Second+c.opened || o.Conn != 1 || o.From.Addr() != atA || o.To != diameter || !slices.Equal(o.Names, c.names) || o.Listener != "" {
				t.Errorf("dialler: %v %+v", la[0].at, la[0].in)
			}
			p, ok := lb[0].in.(engine.Opened)
			if !ok || p.Conn != 2 || p.From != diameter || p.To != o.From || p.Listener != "peers" || len(p.Names) != len(c.names) || len(p.Names) > 0 && p.Names[0] != "a.example.org" {
				t.Errorf("listener: %+v", lb[0].in)
			}
			if got := lb.octets(2); !bytes.Equal(got, said) {
				t.Errorf("%d octets came", len(got))
			}
			back := la.octets(1)
			for i := range back {
				back[i]--
			}
			if !bytes.Equal(back, said) {
				t.Errorf("%d octets came back", len(back))
			}
		})
	}
}

// An engine's Close: what was written leaves, what comes meanwhile is not told, Closed is the last word at both ends.
func TestStreamClose(t *testing.T) {
	for _, tls := range []string{"", "p"} {
		la, lb := talk(t, Config{Plan: peers(20 * time.Second)}, dials(engine.Dial{Conn: 1, To: diameter, TLS: tls, Server: "b.example.org"},
			func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
				if o, ok := in.(engine.Opened); ok {
					out.Write(o.Conn, []byte("last words"))
					out.Close(o.Conn)
					out.Write(o.Conn, []byte("too late"))
				}
			}), listens(tls))
		if len(la) != 2 || string(lb.octets(2)) != "last words" {
			t.Errorf("%+v, %+v", la, lb)
		}
		if why, at := la.closed(1); why != engine.ReasonClosed || at > 1200*ms {
			t.Errorf("dialler: %s at %v", why, at)
		}
		if why, _ := lb.closed(2); why != engine.ReasonPeerClosed {
			t.Errorf("listener: %s", why)
		}
	}
}

func TestStreamDialFails(t *testing.T) {
	blackhole := func(_ time.Duration, segment string, packet []byte) bool { return packet[6] == ip6.ProtoTCP }
	mute := func(_ time.Duration, segment string, packet []byte) bool {
		return packet[6] == ip6.ProtoTCP && packet[ip6.HeaderLen+1] != 0 && len(packet) > ip6.HeaderLen+40
	}
	to := func(s string) engine.Dial { return engine.Dial{Conn: 1, To: netip.MustParseAddrPort(s)} }
	secure := func(tls, server string) engine.Dial {
		return engine.Dial{Conn: 1, To: diameter, TLS: tls, Server: server}
	}
	for name, c := range map[string]struct {
		dial   engine.Dial
		listen string
		lose   func(time.Duration, string, []byte) bool
		want   string
		at     time.Duration // after the Dial; -1: do not care
	}{
		"refused":        {to("[2001:db8:2::b]:3869"), "", nil, engine.ReasonRefused, 50 * ms},
		"nobody":         {to("[2001:db8:2::c]:3868"), "", nil, engine.ReasonUnreachable, 3*time.Second + 20*ms},
		"no neighbour":   {to("[2001:db8:1::c]:3868"), "", nil, engine.ReasonUnreachable, 3 * time.Second},
		"no route":       {to("[2001:db8:3::1]:3868"), "", nil, engine.ReasonUnreachable, 20 * ms},
		"IPv4":           {to("192.0.2.1:3868"), "", nil, engine.ReasonUnreachable, 0},
		"lost":           {to("[2001:db8:2::b]:3868"), "", blackhole, engine.ReasonTimeout, DialTimeout},
		"not our source": {engine.Dial{Conn: 1, To: diameter, From: atB}, "", nil, engine.ReasonNoAddress, 0},
		"no profile":     {secure("q", "b.example.org"), "p", nil, engine.ReasonNoProfile, 0},
		"no name":        {secure("p", ""), "p", nil, engine.ReasonTLSName, 0},
		"wrong name":     {secure("p", "c.example.org"), "p", nil, engine.ReasonTLSName, 70 * ms},
		"not TLS":        {secure("p", "b.example.org"), "", nil, engine.ReasonTLS, 70 * ms},
		"TLS lost":       {secure("p", "b.example.org"), "p", mute, engine.ReasonTLSTimeout, 50*ms + HandshakeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newTape()
			la, lb := talk(t, Config{Plan: peers(30 * time.Second), Recorder: rec, Lose: c.lose}, dials(c.dial, nil), listens(c.listen))
			if len(la) != 1 {
				t.Fatalf("%+v", la)
			}
			if why, at := la.closed(1); why != c.want || at != time.Second+c.at {
				t.Errorf("%s after %v, want %s after %v", why, at-time.Second, c.want, c.at)
			}
			if c.listen != "" && len(lb) != 0 {
				t.Errorf("the listener was told %+v", lb)
			}
			if !slices.ContainsFunc(rec.events, func(e string) bool { return strings.Contains(e, " a "+EventStream) }) {
				t.Errorf("no words: %q", rec.events)
			}
		})
	}
}

func TestStreamListenFails(t *testing.T) {
	for want, l := range map[string]engine.Listen{ //order:any
		engine.ReasonNameInUse:    {Name: "peers", At: netip.AddrPortFrom(atB, 1)},
		engine.ReasonAddressInUse: {Name: "x", At: diameter},
		engine.ReasonNoAddress:    {Name: "x", At: netip.AddrPortFrom(atA, 1)},
		engine.ReasonNoProfile:    {Name: "x", At: netip.AddrPortFrom(atB, 1), TLS: "q"},
	} {
		_, lb := talk(t, Config{Plan: peers(time.Second)}, nil, func(_ *script, _ engine.Now, in engine.Input, out *engine.Effects) {
			if _, ok := in.(engine.Start); ok {
				out.Listen(engine.Listen{Name: "peers", At: diameter})
				out.Listen(l)
			}
		})
		if len(lb) != 1 || lb[0].in != (engine.Closed{Listener: l.Name, Reason: want}) {
			t.Errorf("%s: %+v", want, lb)
		}
	}
}

// ticking writes a number of so many digits every so often, from Opened on.
func ticking(every time.Duration, size int) handler {
	n := 0
	return func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Opened, engine.Tick:
			s.due = now.Mono.Add(every)
			n++
			out.Write(1, fmt.Appendf(nil, "%0*d", size, n))
		case engine.Closed:
			s.due = engine.Never
		}
	}
}

// What the world does to a connection in use.
func TestStreamTrouble(t *testing.T) {
	detach := scenario.Action{At: 5 * time.Second, Verb: scenario.Detach, Node: "b", Iface: "eth0", Handover: -1}
	attach := scenario.Action{At: 12 * time.Second, Verb: scenario.Attach, Node: "b", Iface: "eth0", Segment: "right", Handover: -1}
	off := scenario.Action{At: 5 * time.Second, Verb: scenario.Detach, Node: "r", Iface: "eth1", Handover: -1}
	on := scenario.Action{At: 6 * time.Second, Verb: scenario.Attach, Node: "r", Iface: "eth1", Segment: "right", Handover: -1} // its neighbour cache is empty
	crash := scenario.Action{At: 5 * time.Second, Verb: scenario.Crash, Node: "b", Handover: -1}
	for name, c := range map[string]struct {
		actions []scenario.Action
		every   time.Duration
		size    int
		want    string
		from    time.Duration
		to      time.Duration
	}{
		"resumes":        {[]scenario.Action{detach, attach}, 100 * ms, 8, "", 0, 0},
		"crash":          {[]scenario.Action{crash}, 100 * ms, 8, engine.ReasonReset, 5 * time.Second, 5200 * ms},
		"crash, idle":    {[]scenario.Action{crash}, time.Hour, 8, engine.ReasonReset, 31 * time.Second, 32 * time.Second},
		"gone":           {[]scenario.Action{detach}, 100 * ms, 8, engine.ReasonSilent, 64 * time.Second, 66 * time.Second},
		"gone, told":     {[]scenario.Action{detach, off, on}, 100 * ms, 8, engine.ReasonUnreachable, 64 * time.Second, 66 * time.Second},
		"gone, idle":     {[]scenario.Action{detach}, time.Hour, 8, engine.ReasonSilent, 60 * time.Second, 62 * time.Second},
		"does not read":  {[]scenario.Action{detach}, 100 * ms, 50_000, engine.ReasonPeerDoesNotRead, 7 * time.Second, 8 * time.Second},
		"nothing at all": {nil, time.Hour, 8, "", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := peers(100 * time.Second)
			p.Actions = append(p.Actions, c.actions...)
			la, lb := talk(t, Config{Plan: p}, dials(engine.Dial{Conn: 1, To: diameter}, ticking(c.every, c.size)), listens(""))
			why, at := la.closed(1)
			if why != c.want || at < c.from || at > c.to {
				t.Errorf("%q at %v", why, at)
			}
			if got := lb.octets(2); name == "resumes" && (len(got) < 900*c.size || !bytes.HasSuffix(got, fmt.Appendf(nil, "%0*d", c.size, len(got)/c.size))) {
				t.Errorf("%d octets came", len(got))
			}
		})
	}
}

// Silence that no router explains.
func TestStreamSilent(t *testing.T) {
	lose := func(at time.Duration, _ string, packet []byte) bool {
		return at > 5*time.Second && packet[6] == ip6.ProtoTCP
	}
	la, lb := talk(t, Config{Plan: peers(100 * time.Second), Lose: lose}, dials(engine.Dial{Conn: 1, To: diameter}, ticking(100*ms, 8)), listens(""))
	if why, at := la.closed(1); why != engine.ReasonSilent || at < 64*time.Second || at > 66*time.Second {
		t.Errorf("%s at %v", why, at)
	}
	if why, at := lb.closed(2); why != engine.ReasonSilent || at < 64*time.Second || at > 66*time.Second {
		t.Errorf("%s at %v", why, at)
	}
	// Close does not wait for ever either.
	la, _ = talk(t, Config{Plan: peers(100 * time.Second), Lose: lose}, dials(engine.Dial{Conn: 1, To: diameter}, func(s *script, now engine.Now, in engine.Input, out *engine.Effects) {
		switch in.(type) {
		case engine.Opened:
			s.due = engine.Mono(6 * time.Second)
		case engine.Tick:
			s.due = engine.Never
			out.Write(1, make([]byte, tcp.SendBuffer+1))
			out.Close(1)
		}
	}), listens(""))
	if why, at := la.closed(1); why != engine.ReasonNotDrained || at != 6*time.Second+DrainTime {
		t.Errorf("%s at %v", why, at)
	}
}

// Two engines of one node, and no link between them.
func TestStreamWithin(t *testing.T) {
	var l log
	build := func(_ scenario.Node, _ [32]byte) (scenario.Built, error) {
		return scenario.Built{Engines: []scenario.NamedEngine{
			{Name: "server", Engine: &script{on: listens(""), due: engine.Never}},
			{Name: "client", Engine: &script{due: engine.Never, on: func(_ *script, now engine.Now, in engine.Input, out *engine.Effects) {
				l.note(now, in)
				switch in := in.(type) {
				case engine.Start:
					out.Dial(engine.Dial{Conn: 1, To: diameter})
					out.Dial(engine.Dial{Conn: 3, To: netip.AddrPortFrom(atB, 1)})
				case engine.Opened:
					out.Write(in.Conn, []byte("abc"))
				case engine.Stream:
					out.Close(in.Conn)
				}
			}}}}}, nil
	}
	p := peers(10 * time.Second)
	p.Actions, p.Nodes[0].Config = nil, nil
	if _, err := Run(Config{Plan: p, Build: build, Recorder: newTape()}); err != nil {
		t.Fatal(err)
	}
	why, _ := l.closed(1)
	other, _ := l.closed(3)
	if string(l.octets(1)) != "bcd" || why != engine.ReasonClosed || other != engine.ReasonRefused {
		t.Errorf("%+v", l)
	}
}
