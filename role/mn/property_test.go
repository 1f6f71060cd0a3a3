package mn

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/plane"
	wireaccess "roam6/wire/access"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// Whatever the links, routers, neighbours and the home agent do, in whatever order: no panic, no spin, and packets go by a
// tunnel exactly when the home agent knows where to. The checks are in bench.do.
//
// spec MIP-01 MIP-07 RT-11
func TestAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := draw(rt)
		rt.Repeat(w.actions())
	})
}

// Equal inputs give equal effects.
func TestRepeatable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := draw(rt)
		rt.Repeat(w.actions())
		again, err := New(w.b.cfg, [32]byte{7})
		if err != nil {
			rt.Fatal(err)
		}
		var out engine.Effects
		for i, in := range w.inputs {
			out.List = nil
			again.Handle(in.now, in.in, &out)
			if !reflect.DeepEqual(out.List, in.effects) && len(out.List)+len(in.effects) > 0 {
				rt.Fatalf("input %d, %T: effects differ\n%v\n%v", i, in.in, out.List, in.effects)
			}
		}
		x, _ := json.Marshal(w.b.n.View())
		if y, _ := json.Marshal(again.View()); string(x) != string(y) {
			rt.Fatalf("views differ:\n%s\n%s", x, y)
		}
	})
}

// walk is a bench under random treatment.
type walk struct {
	b      *bench
	acks   []engine.Packet // made, not yet delivered; some never are
	asks   []question      // of AAA, not yet answered
	seen   int             // of b.all
	inputs []recorded
}

type recorded struct {
	now     engine.Now
	in      engine.Input
	effects []engine.Effect
}

func draw(rt *rapid.T) *walk {
	w := &walk{}
	w.b = newBench(&fatal{TB: nil, rt: rt}, func(c *Config) {
		if rapid.Bool().Draw(rt, "auth") {
			c.Security, _ = keys("auth")
		}
		if rapid.Bool().Draw(rt, "standard") {
			c.DAD = StandardDAD
		}
		if rapid.Bool().Draw(rt, "dhaad") {
			c.HomeAgent = netip.Addr{}
		}
		c.Routes.NoAck = rapid.Bool().Draw(rt, "routes unacknowledged") // so that a route needs no signed answer
		c.Multihoming = rapid.SampledFrom([]Multihoming{SingleHomed, "", Registered, Bicast}).Draw(rt, "multihoming")
		if rapid.Bool().Draw(rt, "router") {
			c.Networks, c.Implicit = []advertise.Config{inside1}, rapid.Bool().Draw(rt, "implicit")
		}
		if rapid.Bool().Draw(rt, "short") {
			c.Lifetime = 8 * time.Second
		}
		switch rapid.IntRange(0, 3).Draw(rt, "aaa") {
		case 0:
			withAAA(c)
		case 1:
			stranded(c)
			c.AAA.Methods = wireaccess.Methods(rapid.IntRange(0, 3).Draw(rt, "methods"))
		}
	})
	w.inputs = append(w.inputs, recorded{w.b.now, engine.Start{}, w.b.all})
	w.seen = len(w.b.all)
	if rapid.Bool().Draw(rt, "attached") { // few walks come so far by chance
		w.did(engine.LinkUp{Port: wlan, Name: "x", HW: hw1, MTU: 1500})
		w.packet(wlan, ar1.hw, ar1.addr(), ip6.AllNodes, &nd.RouterAdvertisement{
			Lifetime: ar1.lifetime, Options: nd.Options{SourceHW: ar1.hw, Prefixes: []nd.Prefix{pio(ar1.prefix, time.Hour, time.Hour)}}})
		if n := len(w.acks); n > 0 {
			w.did(w.acks[n-1])
		}
	}
	return w
}

// fatal makes a testing.TB of a rapid.T.
type fatal struct {
	testing.TB
	rt *rapid.T
}

func (f *fatal) Helper()                      {}
func (f *fatal) Fatal(args ...any)            { f.rt.Fatal(args...) }
func (f *fatal) Fatalf(s string, args ...any) { f.rt.Fatalf(s, args...) }
func (f *fatal) Errorf(s string, args ...any) { f.rt.Errorf(s, args...) }

// did takes note of an input and answers the updates it caused, for later delivery.
func (w *walk) did(in engine.Input) {
	now := w.b.now
	effects := w.b.do(in)
	w.inputs = append(w.inputs, recorded{now, in, effects})
	w.asks = append(w.asks, w.b.questions(effects)...)
	for _, u := range w.b.updates(effects) {
		w.acks = append(w.acks, w.b.ack(u, mh.Accepted, nil))
	}
}

// admission answers a request to be let in: with what it asked for or less, with a refusal, or with what anybody may say.
func (w *walk) admission(rt *rapid.T) {
	if len(w.asks) == 0 {
		rt.Skip()
	}
	q := w.asks[rapid.IntRange(max(0, len(w.asks)-3), len(w.asks)-1).Draw(rt, "which")]
	switch rapid.IntRange(0, 6).Draw(rt, "answer") {
	case 0:
		w.did(w.b.reply(q, &wireaccess.Reply{Result: rapid.SampledFrom([]uint32{3002, 4900, 5003, 5900, 5902}).Draw(rt, "result")}, true))
	case 1:
		w.did(w.b.reply(q, &wireaccess.Reply{Result: 2001}, false))
	case 2:
		w.did(w.b.reply(q, &wireaccess.Reply{Result: 4001, LocalChallenge: bytes.Repeat([]byte{5}, 8)}, false))
	case 3:
		w.did(w.b.reply(q, w.b.granted(q, nil), true))
	default:
		ack := plainAck(q, uint16(rapid.IntRange(0, 0xffff).Draw(rt, "sequence")))
		if p, err := ip6.Parse(q.Binding); err == nil {
			if list := w.b.updates([]engine.Effect{engine.Send{Port: q.port, Data: q.Binding}}); len(list) == 1 {
				ack = w.b.ack(list[0], mh.Accepted, nil).Data // once; whoever repeats it gets one in the clear
			} else if m, _ := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload); m != nil {
				ack = plainAck(q, m.(*mh.BindingUpdate).Seq)
			}
		}
		reply := w.b.granted(q, ack)
		reply.Lifetime = rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(rt, "session")
		w.did(w.b.reply(q, reply, true))
	}
}

func (w *walk) packet(port plane.Port, from plane.HW, src, dst netip.Addr, m nd.Message) {
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, m)}
	w.did(engine.Packet{Port: port, From: from, Data: p.Append(nil)})
}

// actions are all that may happen, on the links and with the home agent.
func (w *walk) actions() map[string]func(*rapid.T) {
	all := w.linkActions()
	maps.Copy(all, w.homeActions())
	return all
}

func (w *walk) linkActions() map[string]func(*rapid.T) {
	port := rapid.SampledFrom([]plane.Port{wlan, wwan})
	routers := rapid.SampledFrom([]router{ar1, ar2, home})
	return map[string]func(*rapid.T){
		"up": func(rt *rapid.T) {
			p := port.Draw(rt, "port")
			w.did(engine.LinkUp{Port: p, Name: "x", HW: map[plane.Port]plane.HW{wlan: hw1, wwan: hw2}[p], MTU: 1500})
		},
		"down": func(rt *rapid.T) { w.did(engine.LinkDown{Port: port.Draw(rt, "port")}) },
		"advertisement": func(rt *rapid.T) {
			r := routers.Draw(rt, "router")
			m := &nd.RouterAdvertisement{
				Lifetime:  rapid.SampledFrom([]time.Duration{30 * time.Minute, 30 * time.Minute, 3 * time.Second, 0}).Draw(rt, "lifetime"),
				Retrans:   rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, time.Hour}).Draw(rt, "retrans"),
				HomeAgent: r.agent,
				Options:   nd.Options{SourceHW: r.hw, AdvInterval: rapid.SampledFrom([]time.Duration{0, 70 * time.Millisecond, time.Millisecond}).Draw(rt, "interval")},
			}
			valid := rapid.SampledFrom([]time.Duration{time.Hour, nd.Infinity, 2 * time.Second, 0}).Draw(rt, "valid")
			for _, p := range rapid.SampledFrom([][]netip.Prefix{{r.prefix}, {r.prefix}, {}, {prefixB, r.prefix}, {prefixB}}).Draw(rt, "prefixes") {
				x := pio(p, valid, valid)
				if r.agent && p == homePrefix {
					x.RouterAddr, x.Addr = true, haAddr
				}
				m.Options.Prefixes = append(m.Options.Prefixes, x)
			}
			if rapid.Bool().Draw(rt, "asks") {
				m.Options.Access = r.asking().Options.Access
			}
			w.packet(port.Draw(rt, "port"), r.hw, r.addr(), ip6.AllNodes, m)
		},
		"neighbour answers": func(rt *rapid.T) {
			r := routers.Draw(rt, "router")
			w.packet(port.Draw(rt, "port"), r.hw, r.addr(), ip6.LinkLocal(hw1), &nd.NeighborAdvertisement{
				Router: rapid.Bool().Draw(rt, "R"), Solicited: rapid.Bool().Draw(rt, "S"), Target: r.addr(), Options: nd.Options{TargetHW: r.hw}})
		},
		"address taken": func(rt *rapid.T) {
			p := port.Draw(rt, "port")
			a := w.b.n.accessOf(p)
			addr := a.coa
			if rapid.Bool().Draw(rt, "link-local") || !addr.IsValid() {
				addr = a.linkLocal
			}
			if !addr.IsValid() {
				rt.Skip()
			}
			if rapid.Bool().Draw(rt, "probe") {
				w.packet(p, plane.HW{2, 6}, netip.IPv6Unspecified(), ip6.SolicitedNode(addr), &nd.NeighborSolicitation{Target: addr})
				return
			}
			w.packet(p, plane.HW{2, 6}, addr, ip6.AllNodes, &nd.NeighborAdvertisement{Target: addr, Override: true})
		},
		"solicited": func(rt *rapid.T) {
			w.packet(port.Draw(rt, "port"), home.hw, home.addr(), ip6.SolicitedNode(hoa), &nd.NeighborSolicitation{Target: hoa, Options: nd.Options{SourceHW: home.hw}})
		},
		"time": func(rt *rapid.T) {
			d := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second, time.Minute}).Draw(rt, "d")
			for end := w.b.now.Mono.Add(d); ; {
				at, _ := w.b.n.Deadline()
				if at > end {
					w.b.to(end)
					return
				}
				w.b.to(max(at, w.b.now.Mono))
				w.did(engine.Tick{})
			}
		},
	}
}

func (w *walk) homeActions() map[string]func(*rapid.T) {
	port := rapid.SampledFrom([]plane.Port{wlan, wwan})
	return map[string]func(*rapid.T){
		"acknowledged": func(rt *rapid.T) {
			if len(w.acks) == 0 {
				rt.Skip()
			}
			i := rapid.IntRange(max(0, len(w.acks)-4), len(w.acks)-1).Draw(rt, "which") // late, reordered, or the right one
			p := w.acks[i]
			if rapid.Bool().Draw(rt, "other link") {
				p.Port = port.Draw(rt, "port")
			}
			w.did(p) // stays: it may come twice
		},
		"refused": func(rt *rapid.T) {
			r := &w.b.n.home
			if r.tries == 0 || !r.agent.IsValid() {
				rt.Skip()
			}
			status := mh.Status(rapid.SampledFrom([]uint8{0, 1, 128, 129, 130, 131, 132, 133, 134, 135, 139, 140, 141, 142, 143, 144, 145, 146, 164, 165, 166, 168, 174}).Draw(rt, "status"))
			u := sent{BindingUpdate: &mh.BindingUpdate{Seq: r.seq, Lifetime: r.asked, MobileRouter: rapid.Bool().Draw(rt, "R")}, Packet: ip6.Packet{Header: ip6.Header{Src: r.coa}}, port: r.port}
			w.did(w.b.ack(u, status, func(ba *mh.BindingAck) {
				ba.Seq += uint16(rapid.SampledFrom([]int{0, 0, 0, 1, 700, 0x8000, 0xffff}).Draw(rt, "seq"))
				ba.Lifetime = rapid.SampledFrom([]time.Duration{r.asked, 4 * time.Second, 0, mh.MaxLifetime}).Draw(rt, "lifetime")
				ba.Options.RefreshAdvice = rapid.SampledFrom([]time.Duration{0, 0, 4 * time.Second}).Draw(rt, "advice")
			}))
		},
		"agents": func(rt *rapid.T) {
			a := w.b.n.accessOf(w.b.n.home.port)
			if a == nil || !a.coa.IsValid() {
				rt.Skip()
			}
			list := rapid.SampledFrom([][]netip.Addr{{haAddr}, {}, {stranger}, {netip.MustParseAddr("2001:db8:0:1::bad"), haAddr}}).Draw(rt, "agents")
			p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: a.coa}, Proto: ip6.ProtoICMPv6}
			p.Payload = icmp6.Append(nil, p.Src, p.Dst, &icmp6.HomeAgentsReply{ID: w.b.n.agents.id, Agents: list})
			w.did(engine.Packet{Port: w.b.n.home.port, Data: p.Append(nil)})
		},
		"binding error": func(rt *rapid.T) {
			p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: coaOf(prefixA, hw1)}, Proto: ip6.ProtoMH}
			p.Payload = mh.Append(nil, p.Src, p.Dst, &mh.BindingError{Status: mh.UnknownBinding, HomeAddress: hoa})
			w.did(engine.Packet{Port: wlan, Data: p.Append(nil)})
		},
		"traffic": func(rt *rapid.T) {
			peer := rapid.SampledFrom([]netip.Addr{cn, stranger, haAddr, hoa}).Draw(rt, "peer")
			in := engine.Traffic{Mobile: hoa, Peer: peer, Straight: rapid.Bool().Draw(rt, "straight")}
			if rapid.Bool().Draw(rt, "of another") {
				in.Mobile, in.Peer = in.Peer, in.Mobile
			}
			w.did(in)
		},
		"correspondent": w.correspondent,
		"admission":     w.admission,
		"noise": func(rt *rapid.T) {
			w.did(engine.Packet{Port: port.Draw(rt, "port"), From: ar1.hw, Data: rapid.SliceOfN(rapid.Byte(), 0, 120).Draw(rt, "octets")})
		},
		"command": func(rt *rapid.T) {
			w.did(engine.Command{ID: 1, Verb: rapid.SampledFrom([]string{"view", "refresh", "prefixes", "nonsense"}).Draw(rt, "verb")})
		},
	}
}

// correspondent answers the node's latest messages, or forges something.
func (w *walk) correspondent(rt *rapid.T) {
	coa := w.b.n.routes.here
	if !coa.IsValid() {
		rt.Skip()
	}
	var m mh.Message
	switch rapid.IntRange(0, 5).Draw(rt, "message") {
	case 0:
		m = &mh.BindingError{Status: mh.UnknownBinding, HomeAddress: hoa}
	case 1:
		m = &mh.BindingAck{Status: mh.ExpiredNonces, Seq: uint16(rapid.IntRange(0, 0xffff).Draw(rt, "seq"))}
	case 2:
		m = &mh.CareOfTestInit{}
	case 3, 4: // a whole exchange
		w.did(engine.Traffic{Mobile: hoa, Peer: cn})
		w.from(cn, hoa, &mh.HomeTest{Cookie: w.asked(hoa)})
		m = &mh.CareOfTest{Cookie: w.asked(coa)}
	default:
		w.from(cn, hoa, &mh.HomeTest{Cookie: w.asked(hoa)})
		return
	}
	w.from(cn, coa, m)
}

func (w *walk) from(src, dst netip.Addr, m mh.Message) {
	p := message(src, dst, netip.Addr{}, m)
	w.did(engine.Packet{Port: w.b.n.home.port, Data: p.Append(nil)})
}

// asked is the cookie of the last home or care-of test that left from an address.
func (w *walk) asked(src netip.Addr) (cookie [8]byte) {
	for _, in := range w.inputs[max(0, len(w.inputs)-20):] {
		for _, e := range in.effects {
			s, ok := e.(engine.Send)
			if !ok {
				continue
			}
			p, err := ip6.Parse(s.Data)
			if err == nil && p.Proto == ip6.ProtoIPv6 { // the plain tunnel: newBench gives no keys for another
				p, err = ip6.Parse(p.Payload)
			}
			if err != nil || p.Proto != ip6.ProtoMH || p.Src != src || p.Dst != cn {
				continue
			}
			switch m, _ := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload); m := m.(type) {
			case *mh.HomeTestInit:
				cookie = m.Cookie
			case *mh.CareOfTestInit:
				cookie = m.Cookie
			}
		}
	}
	return cookie
}
