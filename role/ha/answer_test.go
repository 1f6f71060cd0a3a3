package ha

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/machine/tell"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// An update of another type than the binding's: 139, and the binding stays as it is (RFC 6275 §9.5.1). A care-of address in the
// home prefix would be a loop: 174.
//
// spec MIP-01
func TestTypeChangeAndLoops(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.bind(1, coa)
	state := b.view()
	u := bu(2, time.Minute)
	u.Home = false
	if ba, _ := b.ack(b.deliver(b.update(u, coa))); ba == nil || ba.Status != mh.TypeChangeDisallowed {
		t.Errorf("another type: %+v", ba)
	}
	for _, loop := range []netip.Addr{haAddr, netip.MustParseAddr("2001:db8:0:1::101")} {
		u := bu(2, time.Minute)
		u.Options.AltCareOf = loop
		if ba, _ := b.ack(b.deliver(b.update(u, coa))); ba == nil || ba.Status != mh.InvalidCoA {
			t.Errorf("care-of %v: %+v", loop, ba)
		}
	}
	if b.view() != state {
		t.Errorf("changed: %s", b.view())
	}
}

// An update that was delayed on its way does not bring back a binding removed since (RFC 6275 §10.3.2).
//
// spec MIP-01
func TestFarewell(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.bind(1, coa)
	late := b.update(bu(2, time.Minute), coa)
	if ba, _ := b.ack(b.deliver(b.update(bu(3, 0), hoa))); ba == nil || ba.Status != mh.Accepted {
		t.Fatalf("removal: %+v", ba)
	}
	b.pass(MaxDeleteTimeout - time.Second)
	if ba, p := b.ack(b.deliver(late)); ba == nil || ba.Status != mh.SequenceOutOfWindow || ba.Seq != 3 || p.Dst != coa {
		t.Errorf("the late update: %+v", ba)
	}
	if strings.Contains(b.view(), coa.String()) {
		t.Error("the binding is back")
	}
	b.pass(time.Second)
	if ba := b.bind(2, coa); ba.Status != mh.Accepted {
		t.Errorf("afterwards: %+v", ba)
	}
}

// A refusal for a node that is on the home link while its binding stands would be tunnelled away: it goes to its link-layer
// address (RFC 6275 §10.3.2).
//
// spec MIP-01
func TestRefusalAtHome(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.bind(5, coa)
	effects := b.deliver(b.update(bu(5, 0), hoa))
	if ba, _ := b.ack(effects); ba != nil {
		t.Fatal("sent by the way that leads to the old care-of address")
	}
	asked := b.neighbours(effects)
	if len(asked) != 1 || asked[0].(*nd.NeighborSolicitation).Target != hoa {
		t.Fatalf("asked %v", asked)
	}
	own := ip6.LinkLocal(haHW)
	wrong := &nd.NeighborAdvertisement{Target: hoa, Options: nd.Options{TargetHW: mnHW}}
	if got := b.packets(b.onLink(hoa, ip6.AllNodes, wrong), homePort); len(got) != 0 {
		t.Error("an unsolicited advertisement was believed")
	}
	answer := &nd.NeighborAdvertisement{Target: hoa, Solicited: true, Options: nd.Options{TargetHW: mnHW}}
	for i, e := range b.onLink(hoa, own, answer) {
		s := e.(engine.Send)
		p, _ := ip6.Parse(s.Data)
		got, reason := b.mn.Receive(b.now, &p)
		if ba, ok := got.MH.(*mh.BindingAck); i > 0 || !ok || reason != "" || ba.Status != mh.SequenceOutOfWindow || s.To != mnHW || s.Port != homePort || p.Dst != hoa || p.Routing2.IsValid() {
			t.Errorf("delivered %+v to %v (%s)", got.MH, s.To, reason)
		}
	}
	if got := b.onLink(hoa, own, answer); len(got) != 0 {
		t.Error("delivered twice")
	}
}

// RFC 4285's refusals say why, without changing anything and not more often than Interval; an update that waits for
// duplicate detection keeps its timestamp meanwhile.
//
// spec MIP-03
func TestAuthStatuses(t *testing.T) {
	b := newBench(t, authPair, nil)
	first := b.update(bu(1, time.Minute), coa)
	b.deliver(first)
	forged := slices.Clone(first)
	forged[len(forged)-1] ^= 1
	p, _ := ip6.Parse(forged)
	p.Payload[4], p.Payload[5] = 0, 0
	sum := ip6.Checksum(p.EffectiveSrc(), p.Dst, ip6.ProtoMH, p.Payload)
	p.Payload[4], p.Payload[5] = byte(sum>>8), byte(sum)
	state := b.view()
	b.now.Wall = b.now.Wall.Add(3 * time.Second) // so that the times in the answers are not the update's by chance
	for i, c := range []struct {
		data   []byte
		reason string
		status mh.Status
	}{{forged, sa.AuthMismatch, mh.AuthFailed}, {first, sa.AuthReplay, mh.IDMismatch}} {
		b.a.tell = tell.Teller{}
		effects := b.deliver(c.data)
		if got := drops(effects); !slices.Equal(got, []string{c.reason}) {
			t.Errorf("%d: drops %v", i, got)
		}
		sent := b.packets(effects, plane.Kernel)
		if len(sent) != 1 {
			t.Fatalf("%d: %d answers", i, len(sent))
		}
		m, err := mh.Parse(sent[0].EffectiveSrc(), sent[0].EffectiveDst(), sent[0].Payload)
		if ba, ok := m.(*mh.BindingAck); err != nil || !ok || ba.Status != c.status || sent[0].Dst != coa {
			t.Errorf("%d: %+v, %v", i, m, err)
		}
		if len(sent[0].Append(nil)) > len(c.data) {
			t.Errorf("%d: the answer is longer than the question", i)
		}
		if again := b.packets(b.deliver(c.data), plane.Kernel); len(again) != 0 {
			t.Errorf("%d: answered twice at once", i)
		}
	}
	if b.view() != state {
		t.Errorf("changed: %s", b.view())
	}
	if ba, _ := b.ack(b.pass(time.Second)); ba == nil || ba.Status != mh.Accepted {
		t.Fatalf("the update in between: %+v", ba)
	}
}

// The list of home agents follows what each says of itself: RFC 6275 §10.5.1.
//
// spec MIP-05
func TestOtherAgents(t *testing.T) {
	var l agents
	now := engine.Now{}
	from, addr := netip.MustParseAddr("fe80::9"), netip.MustParseAddr("2001:db8:0:1::b")
	ra := func(h bool, life time.Duration) *nd.RouterAdvertisement {
		return &nd.RouterAdvertisement{HomeAgent: h, Lifetime: life, Options: nd.Options{Prefixes: []nd.Prefix{{Prefix: prefix, Addr: addr, RouterAddr: true}}}}
	}
	for _, c := range []struct {
		ra   *nd.RouterAdvertisement
		want int
	}{{ra(true, time.Hour), 1}, {ra(true, time.Hour), 1}, {ra(false, time.Hour), 0}, {ra(true, time.Hour), 1}, {ra(true, 0), 0}} {
		if l.heard(now, prefix, from, c.ra); len(l) != c.want {
			t.Errorf("%+v: %d agents", c.ra, len(l))
		}
	}
	for i := range 100 {
		l.heard(now, prefix, netip.AddrFrom16([16]byte{0xfe, 0x80, 15: byte(i)}), ra(true, time.Hour))
	}
	if len(l) != MaxAgents {
		t.Errorf("%d agents remembered", len(l))
	}
}

// Whoever forges who asks for home agents has the answers, which are longer, sent to nobody often.
//
// spec MIP-05
func TestDiscoveryAmplifies(t *testing.T) {
	b := newBench(t, espPair, nil)
	answers := func(from netip.Addr) int {
		p := ip6.Packet{Header: ip6.Header{Src: from, Dst: ip6.HomeAgentsAnycast(prefix)}, Proto: ip6.ProtoICMPv6}
		p.Payload = icmp6.Append(nil, p.Src, p.Dst, &icmp6.HomeAgentsRequest{ID: 7})
		return len(b.packets(b.deliver(p.Append(nil)), plane.Kernel))
	}
	for range 10 {
		if answers(coa) != 1 {
			t.Error("a short answer is held back")
		}
	}
	for i := range byte(9) {
		b.onLink(netip.AddrFrom16([16]byte{0xfe, 0x80, 15: i}), ip6.AllNodes, &nd.RouterAdvertisement{HomeAgent: true, Lifetime: time.Hour, Options: nd.Options{
			Prefixes: []nd.Prefix{{Prefix: prefix, Addr: prefix.Addr().Next(), RouterAddr: true, Valid: time.Hour, Preferred: time.Hour}}}})
	}
	one, many := 0, 0
	for range 100 {
		one += answers(coa)
	}
	for i := range 1000 {
		many += answers(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)}))
	}
	if one != 1 || many == 0 || many >= tell.Burst {
		t.Errorf("%d answers to one address, %d to others", one, many)
	}
	b.pass(tell.Interval)
	if answers(coa) != 1 {
		t.Error("not answered a second later")
	}
}

// Two mobile nodes may not share an ESP key: AES-GCM would break.
//
// spec MIP-02
func TestSharedKey(t *testing.T) {
	agent, _ := espPair()
	_, err := New(Config{Address: haAddr, Prefix: prefix, Mobiles: []Mobile{
		{HomeAddress: hoa, Security: agent}, {HomeAddress: netip.MustParseAddr("2001:db8:0:1::101"), Security: agent},
	}}, [32]byte{})
	if err == nil || !strings.Contains(err.Error(), "share") {
		t.Errorf("error %v", err)
	}
}

// A ping to the service address is answered, a long one in pieces; one under a binding at the home address; nobody else's is.
func TestPing(t *testing.T) {
	b := newBench(t, espPair, nil)
	b.bind(1, coa)
	for _, c := range []struct {
		name  string
		p     ip6.Packet
		n     int
		count int
		to    netip.Addr
	}{
		{"short", ip6.Packet{Header: ip6.Header{Src: coa2, Dst: haAddr}}, 56, 1, coa2},
		{"long", ip6.Packet{Header: ip6.Header{Src: coa2, Dst: haAddr}}, 2000, 2, coa2},
		{"bound", ip6.Packet{Header: ip6.Header{Src: coa, Dst: haAddr}, HomeAddress: hoa}, 56, 1, hoa},
		{"anycast", ip6.Packet{Header: ip6.Header{Src: coa2, Dst: ip6.HomeAgentsAnycast(prefix)}}, 56, 0, coa2},
	} {
		c.p.Proto = ip6.ProtoICMPv6
		c.p.Payload = icmp6.Append(nil, c.p.EffectiveSrc(), c.p.Dst, &icmp6.Echo{ID: 1, Data: make([]byte, c.n)})
		sent := b.packets(b.deliver(c.p.Append(nil)), plane.Kernel)
		if len(sent) != c.count {
			t.Errorf("%s: %d packets, want %d", c.name, len(sent), c.count)
		}
		for _, q := range sent {
			if q.Src != haAddr || q.Dst != c.to {
				t.Errorf("%s: from %v to %v", c.name, q.Src, q.Dst)
			}
		}
	}
}

// A refused update that somebody recorded and plays again is not answered again.
//
// spec MIP-01 MIP-02
func TestRefusedPlayedAgain(t *testing.T) {
	for name, pair := range map[string]func() (sa.Config, sa.Config){"esp": espPair, "auth": authPair} {
		b := newBench(t, pair, nil)
		b.bind(10, coa)
		inside := netip.MustParseAddr("2001:db8:0:1::77")
		for what, data := range map[string][]byte{
			"out of sequence": b.update(bu(3, 5*time.Minute), coa),
			"in the home net": b.update(&mh.BindingUpdate{Seq: 11, Ack: true, Home: true, Lifetime: time.Minute, Options: mh.Options{AltCareOf: inside}}, coa),
		} {
			b.pass(2 * time.Second)
			n := 0
			for range 20 {
				n += len(b.packets(b.deliver(data), plane.Kernel))
			}
			if n < 1 || n > 2 { // the update, and with RFC 4285 once that it is a copy
				t.Errorf("%s, %s: answered %d times", name, what, n)
			}
		}
	}
}
