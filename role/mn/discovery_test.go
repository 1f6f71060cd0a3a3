package mn

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// icmps finds the ICMPv6 messages other than neighbour discovery among effects.
func (b *bench) icmps(effects []engine.Effect) (list []icmp6.Message, packets []ip6.Packet) {
	for _, e := range effects {
		s, ok := e.(engine.Send)
		if !ok {
			continue
		}
		p, _ := ip6.Parse(s.Data)
		if p.Proto == ip6.ProtoESP {
			if got, reason := b.ha.Receive(b.now, &p); reason == "" && got.ICMPv6 != nil {
				p.Payload, p.Proto = got.ICMPv6, ip6.ProtoICMPv6
			}
		}
		if p.Proto == ip6.ProtoICMPv6 && !nd.IsND(p.Payload[0]) {
			if m, err := icmp6.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload); err == nil {
				list, packets = append(list, m), append(packets, p)
			}
		}
	}
	return list, packets
}

func (b *bench) agents(id uint16, from, to netip.Addr, list ...netip.Addr) []engine.Effect {
	b.t.Helper()
	p := ip6.Packet{Header: ip6.Header{Src: from, Dst: to}, Proto: ip6.ProtoICMPv6}
	p.Payload = icmp6.Append(nil, p.Src, p.Dst, &icmp6.HomeAgentsReply{ID: id, Agents: list})
	return b.do(engine.Packet{Port: wlan, Data: p.Append(nil)})
}

var dhaad = func(c *Config) { c.HomeAgent = netip.Addr{}; c.Links = c.Links[:1] }

// Discovery: the request, its repetitions at doubled waits, the pause, the answer (RFC 6275 §11.4.1).
//
// spec MIP-05
func TestDiscovery(t *testing.T) {
	b := newBench(t, dhaad)
	b.up(wlan)
	effects := b.ra(wlan, ar1)
	var at []engine.Mono
	var id uint16
	for range 4 * 300 {
		messages, packets := b.icmps(effects)
		for i, m := range messages {
			r, ok := m.(*icmp6.HomeAgentsRequest)
			if !ok || packets[i].Dst != ip6.HomeAgentsAnycast(homePrefix) || packets[i].Src != coaOf(prefixA, hw1) {
				t.Fatalf("%T to %v from %v", m, packets[i].Dst, packets[i].Src)
			}
			id = r.ID
			at = append(at, b.now.Mono)
		}
		effects = append(b.ra(wlan, ar1), b.pass(250*time.Millisecond)...)
	}
	want := []time.Duration{0, 3, 9, 21, 45, 45 + 48 + 32, 125 + 3}
	for i, w := range want {
		if got := at[i].Sub(0); got < w*time.Second || got > w*time.Second+250*time.Millisecond {
			t.Errorf("request %d after %v, want %v s", i, got, int(w))
		}
	}
	other := netip.MustParseAddr("2001:db8:0:1::b")
	coa := coaOf(prefixA, hw1)
	if got := b.drops(b.agents(id+1, haAddr, coa, haAddr)); !slices.Equal(got, []string{"dhaad-unexpected"}) {
		t.Errorf("another's answer: %v", got)
	}
	if got := b.drops(b.agents(id, stranger, coa, stranger)); !slices.Equal(got, []string{"dhaad-foreign-agent"}) {
		t.Errorf("a foreign agent: %v", got)
	}
	u := b.update(b.agents(id, haAddr, coa, stranger, other, haAddr))
	if u.Dst != other {
		t.Errorf("registered with %v, want the preferred agent of the home link", u.Dst)
	}
	// It does not answer: the next one, once the wait is at its longest.
	for range 200 {
		for _, u = range b.updates(b.keep(wlan, ar1, time.Second)) {
		}
		if u.Dst != other {
			break
		}
	}
	if u.Dst != haAddr {
		t.Errorf("then with %v, want the next agent", u.Dst)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coa, "bound")
	if got := b.drops(b.agents(id, haAddr, coa, other)); !slices.Equal(got, []string{"dhaad-unexpected"}) {
		t.Errorf("an answer to nothing: %v", got)
	}
}

// A node that moves while it asks asks again from where it is.
//
// spec MIP-05
func TestDiscoveryMoves(t *testing.T) {
	b := newBench(t, dhaad)
	b.up(wlan)
	b.ra(wlan, ar1)
	b.keep(wlan, ar1, 10*time.Second)
	b.down(wlan)
	b.up(wlan)
	effects := append(b.ra(wlan, ar2), b.pass(AskInterval)...)
	_, packets := b.icmps(effects)
	if len(packets) != 1 || packets[0].Src != coaOf(prefixB, hw1) {
		t.Errorf("%d requests after the move", len(packets))
	}
}

// Mobile prefix discovery: asked for when the home agent says so, believed only as an answer.
//
// spec MIP-05
func TestPrefixDiscovery(t *testing.T) {
	for _, kind := range []string{"esp", "auth"} {
		b := newBench(t, func(c *Config) { c.Security, _ = keys(kind) })
		b.up(wlan)
		u := b.update(b.ra(wlan, ar1))
		effects := b.do(b.ack(u, mh.AcceptedPrefixDiscovery, nil))
		messages, packets := b.icmps(effects)
		if len(messages) != 1 || packets[0].HomeAddress != hoa || packets[0].Dst != haAddr {
			t.Fatalf("%s: solicitations %+v", kind, packets)
		}
		id := messages[0].(*icmp6.PrefixSolicitation).ID
		advertise := func(id uint16, sealed bool) []engine.Effect {
			p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: u.Src}, Routing2: hoa, Proto: ip6.ProtoICMPv6}
			p.Payload = icmp6.Append(nil, haAddr, hoa, &icmp6.PrefixAdvertisement{ID: id, Prefixes: []nd.Prefix{pio(homePrefix, time.Hour, time.Hour)}})
			data := p.Append(nil)
			if sealed {
				var scratch engine.Effects
				data = b.ha.Seal(p, &scratch)
			}
			return b.do(engine.Packet{Port: wlan, Data: data})
		}
		if kind == "esp" {
			if got := b.drops(advertise(id, false)); !slices.Equal(got, []string{"mpa-unprotected"}) {
				t.Errorf("unprotected: %v", got)
			}
		}
		if got := b.drops(advertise(id+1, true)); !slices.Equal(got, []string{"mpa-unsolicited"}) {
			t.Errorf("%s: another identifier: %v", kind, got)
		}
		if effects := advertise(id, true); !b.has(effects, "home-prefix") {
			t.Errorf("%s: the answer was not taken: %v", kind, b.drops(effects))
		}
		if got := b.n.lifetimeFor(b.now, b.n.access[0]); got != 420*time.Second {
			t.Errorf("%s: lifetime %v", kind, got)
		}
		b.to(b.now.Mono.Add(time.Hour - 100*time.Second))
		b.n.access[0].link.Up(b.now, engine.LinkUp{Port: wlan, HW: hw1}, &engine.Effects{})
		if got := b.n.lifetimeFor(b.now, b.n.access[0]); got > 100*time.Second || got < minLifetime {
			t.Errorf("%s: lifetime %v beyond the prefix's", kind, got)
		}
	}
}
