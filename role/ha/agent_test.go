package ha

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// A first registration waits for duplicate detection on the home link, then the plane carries, the link is told, and the
// acknowledgement goes out last, through a type 2 routing header.
//
// spec MIP-01 MIP-02 MIP-06
func TestFirstRegistration(t *testing.T) {
	for name, pair := range pairs {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, pair, nil)
			first := b.deliver(b.update(bu(1, 5*time.Minute), coa))
			probe := b.neighbours(first)
			if len(probe) != 1 || probe[0].(*nd.NeighborSolicitation).Target != hoa {
				t.Fatalf("no probe for the home address, but %v", probe)
			}
			if ba, _ := b.ack(first); ba != nil {
				t.Fatal("acknowledged before duplicate detection ended")
			}
			effects := b.pass(time.Second)
			ba, p := b.ack(effects)
			if ba == nil || ba.Status != mh.Accepted || ba.Seq != 1 || ba.Lifetime != 5*time.Minute {
				t.Fatalf("acknowledgement %+v", ba)
			}
			if p.Dst != coa || p.Routing2 != hoa || p.Src != haAddr {
				t.Errorf("acknowledgement from %v to %v, routing header %v", p.Src, p.Dst, p.Routing2)
			}
			persist := slices.IndexFunc(effects, func(e engine.Effect) bool { x, ok := e.(engine.Persist); return ok && x.Bucket == bindingBucket })
			carry := slices.IndexFunc(effects, func(e engine.Effect) bool { x, ok := e.(engine.Plane); return ok && x.Op.Path != nil && !x.Op.Delete })
			send := slices.IndexFunc(effects, func(e engine.Effect) bool { x, ok := e.(engine.Send); return ok && x.Port == plane.Kernel })
			if persist < 0 || carry < persist || send < carry {
				t.Errorf("order: record %d, plane %d, acknowledgement %d; each must follow the one before", persist, carry, send)
			}
			path := effects[carry].(engine.Plane).Op.Path
			if path.Inner != netip.PrefixFrom(hoa, 128) || path.Path.Remote != coa || path.Path.Local != haAddr || path.Path.Side != plane.Agent || !path.Path.Capture {
				t.Errorf("path %+v", path)
			}
			told := false
			for _, m := range b.neighbours(effects) {
				if na, ok := m.(*nd.NeighborAdvertisement); ok && na.Target == hoa && na.Override && !na.Solicited && na.Options.TargetHW == haHW {
					told = true
				}
			}
			if !told {
				t.Error("the home link was not told that the agent has the home address now")
			}
		})
	}
}

// A repeated update during detection is the same registration; a move is answered at once.
//
// spec MIP-01
func TestRepeatMoveRefresh(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.deliver(b.update(bu(1, 5*time.Minute), coa))
	if again := b.deliver(b.update(bu(2, 5*time.Minute), coa)); len(b.neighbours(again)) != 0 {
		t.Error("a repeated update was probed for again")
	}
	if ba, _ := b.ack(b.pass(time.Second)); ba == nil || ba.Seq != 2 {
		t.Fatalf("acknowledgement %+v, want that of the latest update", ba)
	}
	if ba, p := b.ack(b.deliver(b.update(bu(3, 5*time.Minute), coa2))); ba == nil || p.Dst != coa2 {
		t.Fatalf("a move was not acknowledged at once: %+v", ba)
	}
	if ba, _ := b.ack(b.deliver(b.update(bu(4, time.Hour), coa2))); ba == nil || ba.Lifetime != 10*time.Minute {
		t.Fatalf("lifetime %+v, want it cut to what the agent grants", ba)
	}
	b.pass(10*time.Minute + time.Second)
	if v := b.view(); strings.Contains(v, hoa.String()) {
		t.Errorf("binding outlived its lifetime: %s", v)
	}
}

// The care-of address is the alternate one when the option is there: ESP does not protect the source address. The answer goes
// to the source address nevertheless (RFC 6275 §9.5.4).
//
// spec MIP-01
func TestAlternateCareOf(t *testing.T) {
	b := newBench(t, espPair, nil)
	u := bu(1, time.Minute)
	u.Options.AltCareOf = coa2
	b.deliver(b.update(u, coa))
	if _, p := b.ack(b.pass(time.Second)); p.Dst != coa || p.Routing2 != hoa {
		t.Errorf("acknowledged to %v, want the source of the update", p.Dst)
	}
	if !strings.Contains(b.view(), coa2.String()) {
		t.Errorf("bound to %s, want the alternate care-of address", b.view())
	}
}

// Every refusal: the status, the reason, and nothing changed.
//
// spec MIP-01
func TestRefusals(t *testing.T) {
	small := func(c *Config) { c.MaxBindings = -1 }
	foreign := func(c *Config) { c.Prefix = netip.MustParsePrefix("2001:db8:0:2::/64") }
	for _, c := range []struct {
		name   string
		change func(*Config)
		before func(*bench)
		update func() *mh.BindingUpdate
		from   netip.Addr
		status mh.Status
		silent bool
		reason string
	}{
		{name: "sequence repeated", before: bound(5), update: func() *mh.BindingUpdate { return bu(5, time.Minute) }, status: mh.SequenceOutOfWindow, reason: "bu-sequence"},
		{name: "sequence back", before: bound(5), update: func() *mh.BindingUpdate { return bu(4, time.Minute) }, status: mh.SequenceOutOfWindow, reason: "bu-sequence"},
		{name: "sequence half round", before: bound(5), update: func() *mh.BindingUpdate { return bu(5+0x8000, time.Minute) }, status: mh.SequenceOutOfWindow, reason: "bu-sequence"},
		{name: "nothing to remove", update: func() *mh.BindingUpdate { return bu(1, 0) }, status: mh.NotHomeAgent, reason: "bu-refused"},
		{name: "not home subnet", change: foreign, update: func() *mh.BindingUpdate { return bu(1, time.Minute) }, status: mh.NotHomeSubnet, reason: "bu-refused"},
		{name: "cache full", change: small, update: func() *mh.BindingUpdate { return bu(1, time.Minute) }, status: mh.InsufficientResources, reason: "bu-refused"},
		{name: "not a home registration", update: func() *mh.BindingUpdate { u := bu(1, time.Minute); u.Home = false; return u }, silent: true, reason: "bu-not-home-registration"},
		{name: "care-of multicast", update: alt("ff0e::1"), silent: true, reason: "bu-bad-care-of-address"},
		{name: "care-of link-local", update: alt("fe80::1"), silent: true, reason: "bu-bad-care-of-address"},
		{name: "care-of loopback", update: alt("::1"), silent: true, reason: "bu-bad-care-of-address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, espPair, c.change)
			if c.before != nil {
				c.before(b)
			}
			state := b.view()
			effects := b.deliver(b.update(c.update(), coa))
			if got := drops(effects); !slices.Equal(got, []string{c.reason}) {
				t.Errorf("drops %v, want %s", got, c.reason)
			}
			ba, _ := b.ack(append(effects, b.pass(2*time.Second)...))
			if c.silent != (ba == nil) || (ba != nil && ba.Status != c.status) {
				t.Errorf("answer %+v, want status %v (silent %v)", ba, c.status, c.silent)
			}
			if ba != nil && c.status == mh.SequenceOutOfWindow && ba.Seq != 5 {
				t.Errorf("sequence %d in the refusal, want the last one accepted, 5", ba.Seq)
			}
			if has(effects, func(p engine.Plane) bool { return true }) || b.view() != state {
				t.Errorf("a refused update changed something: %s", b.view())
			}
		})
	}
}

// Forged, replayed, unprotected, misaddressed: silence, a counted reason, nothing changed.
//
// spec MIP-02 MIP-03
func TestAttacks(t *testing.T) {
	for name, pair := range pairs {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, pair, nil)
			b.bind(1, coa)
			b.now.Mono, b.now.Wall = b.now.Mono.Add(time.Second), b.now.Wall.Add(time.Second)
			legitimate := b.update(bu(2, time.Minute), coa)
			b.deliver(legitimate)
			state := b.view()
			check := func(what string, data []byte) {
				t.Helper()
				effects := b.deliver(data)
				if got := drops(effects); len(got) != 1 {
					t.Errorf("%s: drops %v, want one", what, got)
				}
				ba, _ := b.ack(effects)
				if answered := ba != nil && (name != "auth" || ba.Status < mh.IDMismatch || ba.Status > mh.AuthFailed); answered || b.view() != state || has(effects, func(engine.Plane) bool { return true }) {
					t.Errorf("%s: answered %+v, state %s", what, ba, b.view())
				}
			}
			check("replay", legitimate)
			for i := ip6.HeaderLen; i < len(legitimate); i++ {
				forged := slices.Clone(b.update(bu(uint16(10+i), time.Minute), coa2))
				if i >= 48 && i < 64 {
					continue // the home address itself: another node's, covered below
				}
				if i < ip6.HeaderLen+24 {
					continue // header options: parsed before anything is believed, covered by package ip6
				}
				forged[min(i, len(forged)-1)] ^= 0x40
				check("one bit turned", forged)
			}
			plain := ip6.Packet{Header: ip6.Header{Src: coa2, Dst: haAddr}, HomeAddress: hoa, Proto: ip6.ProtoMH}
			plain.Payload = mh.Append(nil, hoa, haAddr, bu(99, time.Minute))
			check("unprotected", plain.Append(nil))
			stranger := plain
			stranger.HomeAddress = netip.MustParseAddr("2001:db8:0:1::666")
			stranger.Payload = mh.Append(nil, stranger.HomeAddress, haAddr, bu(99, time.Minute))
			check("unknown mobile node", stranger.Append(nil))
			for n := range legitimate {
				b.deliver(legitimate[:n])
			}
			if b.view() != state {
				t.Error("a cut packet changed something")
			}
		})
	}
}

// Somebody on the home link has the address: refused with 134, and the agent does not claim it.
//
// spec MIP-06
func TestHomeAddressTaken(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.deliver(b.update(bu(1, time.Minute), coa))
	effects := b.onLink(hoa, ip6.AllNodes, &nd.NeighborAdvertisement{Target: hoa, Override: true, Options: nd.Options{TargetHW: mnHW}})
	if ba, _ := b.ack(effects); ba == nil || ba.Status != mh.DADFailed {
		t.Fatalf("acknowledgement %+v, want status 134", ba)
	}
	if strings.Contains(b.view(), hoa.String()) {
		t.Error("a binding was made all the same")
	}
	ns := &nd.NeighborSolicitation{Target: hoa, Options: nd.Options{SourceHW: mnHW}}
	for _, m := range b.neighbours(b.onLink(netip.MustParseAddr("fe80::9"), ip6.SolicitedNode(hoa), ns)) {
		if na, ok := m.(*nd.NeighborAdvertisement); ok && na.Target == hoa {
			t.Error("the agent answers for an address that is another's")
		}
	}
}

// While the node is away the agent answers and defends; once it is back, no longer, and the acknowledgement goes straight.
//
// spec MIP-01 MIP-06
func TestDefendAndReturnHome(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.bind(1, coa)
	asked := b.neighbours(b.onLink(netip.MustParseAddr("fe80::9"), ip6.SolicitedNode(hoa), &nd.NeighborSolicitation{Target: hoa, Options: nd.Options{SourceHW: mnHW}}))
	if len(asked) != 1 || asked[0].(*nd.NeighborAdvertisement).Override || !asked[0].(*nd.NeighborAdvertisement).Solicited {
		t.Errorf("answer for the home address: %+v, want one solicited, not overriding", asked)
	}
	probed := b.neighbours(b.onLink(netip.IPv6Unspecified(), ip6.SolicitedNode(hoa), &nd.NeighborSolicitation{Target: hoa}))
	if len(probed) != 1 || probed[0].(*nd.NeighborAdvertisement).Solicited {
		t.Errorf("a probe for the home address was not defended: %+v", probed)
	}

	effects := b.deliver(b.update(bu(2, 0), hoa))
	ba, p := b.ack(effects)
	if ba == nil || ba.Status != mh.Accepted || p.Dst != hoa || p.Routing2.IsValid() {
		t.Fatalf("acknowledgement %+v to %v", ba, p.Dst)
	}
	remove := slices.IndexFunc(effects, func(e engine.Effect) bool { x, ok := e.(engine.Plane); return ok && x.Op.Path != nil && x.Op.Delete })
	send := slices.IndexFunc(effects, func(e engine.Effect) bool { x, ok := e.(engine.Send); return ok && x.Port == plane.Kernel })
	if remove < 0 || remove > send {
		t.Errorf("path removed at %d, acknowledgement at %d: it would be tunnelled", remove, send)
	}
	if after := b.neighbours(b.onLink(netip.MustParseAddr("fe80::9"), ip6.SolicitedNode(hoa), &nd.NeighborSolicitation{Target: hoa})); len(after) != 0 {
		t.Error("the agent still answers for a node that is home")
	}
}

// A crash after the acknowledgement loses nothing: the binding carries on, old updates stay refused, and it still ends in time.
//
// spec MIP-01 MIP-02
func TestCrashKeepsBindings(t *testing.T) {
	for name, pair := range pairs {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, pair, nil)
			old := b.update(bu(1, 5*time.Minute), coa)
			b.deliver(old)
			b.pass(1100 * time.Millisecond)
			b.now.Mono = 0
			b.now.Wall = b.now.Wall.Add(time.Minute)
			b.boot()
			if !strings.Contains(b.view(), coa.String()) {
				t.Fatalf("the binding did not survive: %s", b.view())
			}
			state := b.view()
			if ba, _ := b.ack(b.deliver(old)); ba != nil && ba.Status != mh.IDMismatch || b.view() != state {
				t.Errorf("an update recorded before the crash was accepted after it")
			}
			b.pass(4 * time.Minute)
			if strings.Contains(b.view(), coa.String()) {
				t.Errorf("the crash prolonged the binding: %s", b.view())
			}
		})
	}
}

// An agent asks a node whose updates do not come to refresh its binding.
//
// spec MIP-01
func TestRefreshRequest(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.bind(1, coa)
	asked := false
	for _, p := range b.packets(b.pass(5*time.Minute), plane.Kernel) {
		got, reason := b.mn.Receive(b.now, &p)
		if _, ok := got.MH.(*mh.BindingRefreshRequest); reason == "" && ok {
			asked = true
		}
	}
	if !asked {
		t.Error("no binding refresh request before the binding ended")
	}
}

// spec MIP-05
func TestHomeAgentDiscovery(t *testing.T) {
	b := newBench(t, espPair, nil)
	other := netip.MustParseAddr("2001:db8:0:1::b")
	router := netip.MustParseAddr("fe80::b")
	b.onLink(router, ip6.AllNodes, &nd.RouterAdvertisement{HomeAgent: true, Lifetime: time.Minute, Options: nd.Options{
		HomeAgent: &nd.HomeAgentInfo{Preference: 9, Lifetime: 10 * time.Second},
		Prefixes:  []nd.Prefix{{Prefix: prefix, Addr: other, RouterAddr: true, Valid: time.Hour, Preferred: time.Hour}},
	}})
	ask := func() []netip.Addr {
		dst := ip6.HomeAgentsAnycast(prefix)
		p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: dst}, Proto: ip6.ProtoICMPv6}
		p.Payload = icmp6.Append(nil, coa, dst, &icmp6.HomeAgentsRequest{ID: 77})
		answers := b.packets(b.deliver(p.Append(nil)), plane.Kernel)
		if len(answers) != 1 || answers[0].Src != haAddr {
			t.Fatalf("answers %+v", answers)
		}
		m, err := icmp6.Parse(answers[0].Src, answers[0].Dst, answers[0].Payload)
		if r, ok := m.(*icmp6.HomeAgentsReply); err == nil && ok && r.ID == 77 {
			return r.Agents
		}
		t.Fatalf("answer %v %v", m, err)
		return nil
	}
	if got := ask(); !slices.Equal(got, []netip.Addr{other, haAddr}) {
		t.Errorf("agents %v, want the preferred first", got)
	}
	b.pass(11 * time.Second)
	if got := ask(); !slices.Equal(got, []netip.Addr{haAddr}) {
		t.Errorf("agents %v, want the silent one gone", got)
	}
}

// spec MIP-05
func TestMobilePrefixDiscovery(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.bind(1, coa)
	var scratch engine.Effects
	p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: haAddr}, HomeAddress: hoa, Proto: ip6.ProtoICMPv6}
	p.Payload = icmp6.Append(nil, hoa, haAddr, &icmp6.PrefixSolicitation{ID: 5})
	sealed := b.mn.Seal(p, &scratch)
	answers := b.packets(b.deliver(sealed), plane.Kernel)
	if len(answers) != 1 || answers[0].Routing2 != hoa || answers[0].Dst != coa {
		t.Fatalf("answers %+v", answers)
	}
	got, reason := b.mn.Receive(b.now, &answers[0])
	if reason != "" {
		t.Fatal(reason)
	}
	m, err := icmp6.Parse(haAddr, hoa, got.ICMPv6)
	if a, ok := m.(*icmp6.PrefixAdvertisement); err != nil || !ok || a.ID != 5 || len(a.Prefixes) != 1 || a.Prefixes[0].Prefix != prefix {
		t.Fatalf("answer %+v %v", m, err)
	}
	if got := drops(b.deliver(p.Append(nil))); !slices.Equal(got, []string{"mps-unprotected"}) {
		t.Errorf("unprotected solicitation: %v", got)
	}
}

// Strangers get a binding error where RFC 6275 §9.3.3 says so, smaller than what they sent.
//
// spec MIP-01
func TestBindingErrors(t *testing.T) {
	b := newBench(t, espPair, nil)
	data := ip6.Packet{Header: ip6.Header{Src: coa, Dst: haAddr}, HomeAddress: hoa, Proto: ip6.ProtoUDP, Payload: make([]byte, 64)}
	answers := b.packets(b.deliver(data.Append(nil)), plane.Kernel)
	if len(answers) != 1 {
		t.Fatalf("answers %+v", answers)
	}
	m, err := mh.Parse(answers[0].Src, answers[0].Dst, answers[0].Payload)
	if be, ok := m.(*mh.BindingError); err != nil || !ok || be.Status != 1 || be.HomeAddress != hoa || answers[0].Dst != coa {
		t.Errorf("answer %+v %v to %v", m, err, answers[0].Dst)
	}
	unknown := ip6.Packet{Header: ip6.Header{Src: coa, Dst: haAddr}, Proto: ip6.ProtoMH, Payload: []byte{59, 0, 99, 0, 0, 0, 0, 0}}
	sum := ip6.Checksum(coa, haAddr, ip6.ProtoMH, unknown.Payload)
	unknown.Payload[4], unknown.Payload[5] = byte(sum>>8), byte(sum)
	if again := b.packets(b.deliver(unknown.Append(nil)), plane.Kernel); len(again) != 0 {
		t.Errorf("a second answer within a second: %+v", again)
	}
	b.pass(time.Second)
	answers = b.packets(b.deliver(unknown.Append(nil)), plane.Kernel)
	if len(answers) != 1 {
		t.Fatalf("answers to an unknown type: %+v", answers)
	}
	if m, err := mh.Parse(answers[0].Src, answers[0].Dst, answers[0].Payload); err != nil || m.(*mh.BindingError).Status != 2 {
		t.Errorf("answer %+v %v", m, err)
	}
}

var pairs = map[string]func() (agent, mobile sa.Config){"esp": espPair, "auth": authPair}

func bound(seq uint16) func(*bench) { return func(b *bench) { b.bind(seq, coa) } }

func alt(addr string) func() *mh.BindingUpdate {
	return func() *mh.BindingUpdate {
		u := bu(1, time.Minute)
		u.Options.AltCareOf = netip.MustParseAddr(addr)
		return u
	}
}
