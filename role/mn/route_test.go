package mn

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/mip"
	"roam6/machine/correspond"
	"roam6/machine/rr"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var cn = netip.MustParseAddr("2001:db8:c::c")

// routed is a bench whose node has a tunnel, with the home agent's end of it.
func routed(t *testing.T, rules ...rr.Rule) (*bench, *sa.Tunnel) {
	t.Helper()
	k5, k6 := bytes.Repeat([]byte{5}, 20), bytes.Repeat([]byte{6}, 20)
	b := newBench(t, func(c *Config) {
		c.Tunnel = &sa.ESPConfig{OutSPI: 0x3001, InSPI: 0x3002, OutKey: k5, InKey: k6}
		c.Routes.Rules = rules
	})
	end, err := sa.NewTunnel(&sa.ESPConfig{OutSPI: 0x3002, InSPI: 0x3001, OutKey: k6, InKey: k5}, "mn")
	if err != nil {
		t.Fatal(err)
	}
	return b, end
}

func message(src, dst, via netip.Addr, m mh.Message) ip6.Packet {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: dst, HopLimit: 64}, Proto: ip6.ProtoMH, Routing2: via}
	p.Payload = mh.Append(nil, src, p.EffectiveDst(), m)
	return p
}

// sentMessages are the mobility headers among effects by what they are: those that left in the clear, and those in the tunnel.
func (b *bench) sentMessages(effects []engine.Effect, ha *sa.Tunnel) (open, hidden []mh.Message) {
	b.t.Helper()
	for _, e := range effects {
		s, ok := e.(engine.Send)
		if !ok {
			continue
		}
		p, err := ip6.Parse(s.Data)
		if err != nil {
			b.t.Fatal(err)
		}
		list := &open
		if ha.Owns(&p) {
			inner, _, reason := ha.Unwrap(&p)
			if reason != "" || p.Dst != haAddr {
				b.t.Fatalf("%s: %+v", reason, p)
			}
			p, list = inner, &hidden
		}
		if m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload); err == nil && p.Proto == ip6.ProtoMH {
			*list = append(*list, m)
		}
	}
	return open, hidden
}

// A packet of a correspondent through the home agent begins the exchange: the home test goes encrypted, the care-of test
// straight. A home test's answer counts only out of that tunnel.
//
// spec MIP-02 MIP-04
func TestRouteBegins(t *testing.T) {
	b, ha := routed(t)
	b.attach(wlan, ar1)
	coa := coaOf(prefixA, hw1)
	open, hidden := b.sentMessages(b.do(engine.Traffic{Mobile: hoa, Peer: cn}), ha)
	if len(open) != 1 || len(hidden) != 1 {
		t.Fatalf("in the clear %v, in the tunnel %v", open, hidden)
	}
	careOf, home := open[0].(*mh.CareOfTestInit), hidden[0].(*mh.HomeTestInit)
	answer := message(cn, coa, netip.Addr{}, &mh.CareOfTest{NonceIndex: 7, Cookie: careOf.Cookie})
	b.do(engine.Packet{Port: wlan, Data: answer.Append(nil)})
	test := message(cn, hoa, netip.Addr{}, &mh.HomeTest{NonceIndex: 7, Cookie: home.Cookie})
	if got := b.drops(b.do(engine.Packet{Port: wlan, Data: test.Append(nil)})); !slices.Equal(got, []string{rr.NotThrough}) {
		t.Errorf("a home test through the plain tunnel: %v", got)
	}
	var scratch engine.Effects
	open, _ = b.sentMessages(b.do(engine.Packet{Port: wlan, Data: ha.Wrap(haAddr, coa, test.Append(nil), &scratch)}), ha)
	if len(open) != 1 || open[0].(*mh.BindingUpdate).Options.Nonces == nil {
		t.Errorf("after both tests: %+v", open)
	}
}

// What the policy says never, and what was no packet of a correspondent, begins nothing.
//
// spec MIP-04
func TestRouteNever(t *testing.T) {
	b, ha := routed(t, rr.Rule{Peers: netip.MustParsePrefix("::/0"), When: rr.Never})
	b.attach(wlan, ar1)
	if b.path.Hints {
		t.Error("the plane is asked for hints that nobody wants")
	}
	for _, in := range []engine.Traffic{{Mobile: hoa, Peer: cn}, {Mobile: hoa, Peer: haAddr}, {Mobile: cn, Peer: cn}, {Mobile: hoa, Peer: cn, Straight: true}} {
		if open, hidden := b.sentMessages(b.do(in), ha); len(open)+len(hidden) != 0 {
			t.Errorf("%+v: sent %v %v", in, open, hidden)
		}
	}
	ack := message(cn, coaOf(prefixA, hw1), hoa, &mh.BindingAck{})
	if got := b.drops(b.do(engine.Packet{Port: wlan, Data: ack.Append(nil)})); !slices.Equal(got, []string{rr.Unexpected}) {
		t.Errorf("an acknowledgement of nothing: %v", got)
	}
	var scratch engine.Effects
	init := message(cn, hoa, netip.Addr{}, &mh.HomeTestInit{})
	if _, hidden := b.sentMessages(b.do(engine.Packet{Port: wlan, Data: ha.Wrap(haAddr, coaOf(prefixA, hw1), init.Append(nil), &scratch)}), ha); len(hidden) != 1 {
		t.Error("a node that tells nobody where it is is a correspondent all the same")
	}
	b, ha = routed(t)
	b.attach(wlan, ar1)
	if !b.path.Hints || !b.path.Control {
		t.Errorf("%+v", b.path)
	}
	if open, hidden := b.sentMessages(b.do(engine.Traffic{Mobile: hoa, Peer: haAddr}), ha); len(open)+len(hidden) != 0 {
		t.Errorf("an exchange with the home agent: %v %v", open, hidden)
	}
}

// The node is a correspondent by its home address, through the tunnel both ways, and by no other address.
//
// spec MIP-04
func TestRouteOfAnother(t *testing.T) {
	b, ha := routed(t)
	b.attach(wlan, ar1)
	coa := coaOf(prefixA, hw1)
	var scratch engine.Effects
	init := message(cn, hoa, netip.Addr{}, &mh.HomeTestInit{Cookie: [8]byte{3}})
	open, hidden := b.sentMessages(b.do(engine.Packet{Port: wlan, Data: ha.Wrap(haAddr, coa, init.Append(nil), &scratch)}), ha)
	if len(open) != 0 || len(hidden) != 1 || hidden[0].(*mh.HomeTest).Cookie != [8]byte{3} {
		t.Errorf("answered %v, in the tunnel %v", open, hidden)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"to the care-of address":    {packet(message(cn, coa, netip.Addr{}, &mh.HomeTestInit{})), "mh-not-for-us"},
		"in the tunnel, to another": {ha.Wrap(haAddr, coa, packet(message(cn, coa, netip.Addr{}, &mh.HomeTestInit{})), &scratch), "tunnel-selector"},
		"the tunnel from elsewhere": {ha.Wrap(stranger, coa, init.Append(nil), &scratch), "not-our-home-agent"},
	} {
		before := b.view()
		if got := b.drops(b.do(engine.Packet{Port: wlan, Data: c.data})); !slices.Equal(got, []string{c.want}) || b.view() != before {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func packet(p ip6.Packet) []byte { return p.Append(nil) }

// A home address option that no binding backs is answered from the home address, through the home agent.
//
// spec MIP-04
func TestUnbound(t *testing.T) {
	b, ha := routed(t)
	b.attach(wlan, ar1)
	p := ip6.Packet{Header: ip6.Header{Src: stranger, Dst: hoa}, HomeAddress: cn, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
	effects := b.do(engine.Packet{Port: wlan, Data: p.Append(nil)})
	_, hidden := b.sentMessages(effects, ha)
	if len(hidden) != 1 || hidden[0].(*mh.BindingError).HomeAddress != cn || !slices.Equal(b.drops(effects), []string{"no-binding"}) {
		t.Errorf("%v %v", hidden, b.drops(effects))
	}
	if _, hidden = b.sentMessages(b.do(engine.Packet{Port: wlan, Data: p.Append(nil)}), ha); len(hidden) != 0 {
		t.Error("told twice at once")
	}
}

// A packet that its plane knew no binding for may come to the engine after the binding has: nothing is said then.
//
// spec MIP-04
func TestBoundSince(t *testing.T) {
	b, ha := routed(t)
	b.attach(wlan, ar1)
	coa, other := coaOf(prefixA, hw1), netip.MustParseAddr("2001:db8:c::99")
	var scratch engine.Effects
	ask := func(src netip.Addr, m mh.Message) mh.Message {
		asked := message(src, hoa, netip.Addr{}, m)
		_, hidden := b.sentMessages(b.do(engine.Packet{Port: wlan, Data: ha.Wrap(haAddr, coa, asked.Append(nil), &scratch)}), ha)
		if len(hidden) != 1 {
			t.Fatalf("%T: answered %v", m, hidden)
		}
		return hidden[0]
	}
	home, careOf := ask(cn, &mh.HomeTestInit{}).(*mh.HomeTest), ask(other, &mh.CareOfTestInit{}).(*mh.CareOfTest)
	update := &mh.BindingUpdate{Seq: 1, Ack: true, Lifetime: time.Minute}
	update.Options.BindingAuth = make([]byte, mip.AuthLen)
	update.Options.Nonces = &mh.NonceIndices{Home: home.NonceIndex, CareOf: careOf.NonceIndex}
	p := ip6.Packet{Header: ip6.Header{Src: other, Dst: hoa, HopLimit: 64}, HomeAddress: cn, Proto: ip6.ProtoMH}
	p.Payload = mh.AppendSigned(nil, cn, hoa, update, func(covered []byte) []byte {
		return mip.Authenticator(mip.Kbm(&home.Keygen, &careOf.Keygen), other, hoa, covered)
	})
	b.do(engine.Packet{Port: wlan, Data: ha.Wrap(haAddr, coa, p.Append(nil), &scratch)})
	user := ip6.Packet{Header: ip6.Header{Src: other, Dst: hoa}, HomeAddress: cn, Proto: ip6.ProtoUDP, Payload: make([]byte, 8)}
	effects := b.do(engine.Packet{Port: wlan, Data: user.Append(nil)})
	if _, hidden := b.sentMessages(effects, ha); len(hidden) != 0 || len(b.drops(effects)) != 0 {
		t.Errorf("a bound mobile node is told %v %v", hidden, b.drops(effects))
	}
	user.Src = stranger
	if got := b.drops(b.do(engine.Packet{Port: wlan, Data: user.Append(nil)})); !slices.Equal(got, []string{"no-binding"}) {
		t.Errorf("from elsewhere: %v", got)
	}
	for range correspond.UnreachableErrors {
		effects = b.do(engine.Traffic{Mobile: cn, Peer: hoa, Straight: true, Unreachable: other})
		b.pass(correspond.UnreachableSpan)
	}
	if !b.has(effects, "correspondent.unreachable") {
		t.Error("bound for ever to where nothing arrives")
	}
}

// While the access of before works, what comes straight to it is taken for a while after the move.
//
// spec MIP-04
func TestLinger(t *testing.T) {
	b, _ := routed(t)
	b.attach(wwan, ar2)
	b.n.routes.routed = 1 // as if a route stood
	old := b.path.Local
	way := func(effects []engine.Effect, del bool) bool {
		return slices.ContainsFunc(effects, func(e engine.Effect) bool {
			p, ok := e.(engine.Plane)
			return ok && p.Op.Way != nil && p.Op.Delete == del && (del || p.Op.Way.Way.Local == old && p.Op.Way.Way.Out == wwan)
		})
	}
	b.up(wlan)
	if !way(b.ra(wlan, ar1), false) {
		t.Error("the care-of address of before is forgotten at once")
	}
	if way(b.pass(linger-time.Millisecond), true) || !way(b.pass(time.Millisecond), true) {
		t.Errorf("not forgotten after %v", linger)
	}
	b.attach(wlan, ar1)
	if b.path.Mode != plane.Tunnel {
		t.Errorf("%+v", b.path)
	}
}

// A correspondent that knows no mobility header says so, and is left alone: its packets go on through the home agent.
//
// spec MIP-04
func TestUnable(t *testing.T) {
	b, ha := routed(t)
	b.attach(wlan, ar1)
	coa := coaOf(prefixA, hw1)
	open, _ := b.sentMessages(b.do(engine.Traffic{Mobile: hoa, Peer: cn}), ha)
	asked := message(coa, cn, netip.Addr{}, open[0])
	problem := func(e icmp6.Error) []engine.Effect {
		p := ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoICMPv6}
		p.Payload = icmp6.Append(nil, cn, coa, &e)
		return b.do(engine.Packet{Port: wlan, Data: p.Append(nil)})
	}
	forged := message(coa, cn, netip.Addr{}, &mh.CareOfTestInit{Cookie: [8]byte{1}})
	if e := problem(icmp6.Error{Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Param: 6, Invoking: forged.Append(nil)}); b.has(e, "route.failed") {
		t.Error("an error about nothing that was sent is believed")
	}
	if e := problem(icmp6.Error{Type: icmp6.TypeParameterProblem, Code: icmp6.CodeNextHeader, Param: 6, Invoking: asked.Append(nil)}); !b.has(e, "route.failed") {
		t.Errorf("not understood: %+v", e)
	}
	b.pass(10 * time.Minute)
	if open, hidden := b.sentMessages(b.do(engine.Traffic{Mobile: hoa, Peer: cn}), ha); len(open)+len(hidden) != 0 {
		t.Errorf("asked again: %v %v", open, hidden)
	}
}
