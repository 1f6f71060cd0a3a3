package mn

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover/fmipv6"
	"roam6/keying/mip"
	"roam6/machine/dad"
	"roam6/machine/neighbor"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

var (
	parAddr = netip.MustParseAddr("2001:db8:a:1::a")
	narAddr = netip.MustParseAddr("2001:db8:b:1::a")
	cellTwo = plane.HW{6, 2}
)

// handedOver brings a node with fast handovers to the cell of ar2, where it was expected; the previous router has not answered.
func handedOver(t *testing.T) *bench {
	t.Helper()
	b, _ := announcedAt(t, false, nil)
	return b
}

// announcedAt does so, with the answer of the previous router or without it, and gives the effects of arriving.
func announcedAt(t *testing.T, answered bool, change func(*Config)) (*bench, []engine.Effect) {
	t.Helper()
	if !answered {
		return announcedBy(t, change, nil)
	}
	return announcedBy(t, change, func(*mh.FastBindingAck) {})
}

// announcedBy has the previous router answer so; nil: not at all.
func announcedBy(t *testing.T, change func(*Config), answer func(*mh.FastBindingAck)) (*bench, []engine.Effect) {
	t.Helper()
	key := fmipv6.Key{SPI: 0x100, Secret: bytes.Repeat([]byte{7}, 20)}
	b := newBench(t, func(c *Config) {
		c.Strategy, c.HandoverKeys = "fmipv6", map[plane.Port]HandoverKey{wlan: key}
		if change != nil {
			change(c)
		}
	})
	here := ar1
	here.pio = []nd.Prefix{{Prefix: prefixA, Addr: parAddr, RouterAddr: true, OnLink: true, Autonomous: true, Valid: time.Hour, Preferred: time.Hour}}
	b.attach(wlan, here)
	b.pass(3 * time.Second)
	effects := b.do(engine.LinkHint{Port: wlan, Attachment: "two", HW: cellTwo, In: 200 * time.Millisecond})
	ask := heard[*nd.RtSolPr](t, effects)
	b.nd(wlan, ar1.hw, ar1.addr(), coaOf(prefixA, hw1), &nd.PrRtAdv{ID: ask.ID, SourceHW: ar1.hw, AccessPoints: []nd.AccessPoint{
		{HW: cellTwo, Outcome: nd.APFound, RouterHW: ar2.hw, Router: netip.PrefixFrom(narAddr, 64)}}})
	if answer != nil {
		b.fastAck(key, answer)
	}
	b.down(wlan)
	effects = b.do(engine.LinkUp{Port: wlan, Name: "wlan0", HW: hw1, MTU: 1500, Attachment: "two", Cell: cellTwo})
	if a := b.n.accessOf(wlan); a.coa != coaOf(prefixB, hw1) || !a.vouched {
		t.Fatalf("after the handover: %v, vouched %v", a.coa, a.vouched)
	}
	return b, effects
}

// fastAck is the previous router's answer to the first FBU of a node: the next one agrees. change says how.
func (b *bench) fastAck(key fmipv6.Key, change func(*mh.FastBindingAck)) {
	b.t.Helper()
	var seq uint16
	for _, e := range b.all {
		if s, ok := e.(engine.Send); ok {
			if p, _ := ip6.Parse(s.Data); p.Dst == parAddr {
				m, _ := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
				seq = m.(*mh.FastBindingUpdate).Seq
			}
		}
	}
	mac, err := mip.NewKey(mip.HMACSHA1, key.Secret)
	if err != nil {
		b.t.Fatal(err)
	}
	ack := &mh.FastBindingAck{Status: mh.FastAccepted, Seq: seq, Lifetime: 20 * time.Second}
	ack.Options.FastAuth = &mh.FastAuth{SPI: key.SPI}
	change(ack)
	p := ip6.Packet{Header: ip6.Header{Src: parAddr, Dst: coaOf(prefixA, hw1)}, Proto: ip6.ProtoMH}
	p.Payload = mh.AppendSigned(nil, p.Src, p.Dst, ack, func(covered []byte) []byte { return mac.Sum(coaOf(prefixB, hw1), parAddr, covered) })
	if effects := b.do(engine.Packet{Port: wlan, From: ar1.hw, Data: p.Append(nil)}); len(b.drops(effects)) != 0 {
		b.t.Fatalf("the answer is dropped: %v", b.drops(effects))
	}
}

// heard finds a message among what was sent on links.
func heard[M nd.Message](t *testing.T, effects []engine.Effect) (found M) {
	t.Helper()
	for _, e := range effects {
		if s, ok := e.(engine.Send); ok && s.Port != plane.Kernel {
			p, err := ip6.Parse(s.Data)
			if err != nil || p.Proto != ip6.ProtoICMPv6 {
				continue
			}
			m, _ := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
			if m, ok := m.(M); ok {
				found = m
			}
		}
	}
	return found
}

// denial is the next router's advertisement about an address that the node has announced.
func (b *bench) denial(from plane.HW, dst netip.Addr, ack nd.NAAck) []engine.Effect {
	return b.nd(wlan, from, ar2.addr(), dst, &nd.RouterAdvertisement{Lifetime: ar2.lifetime, Options: nd.Options{SourceHW: from,
		Prefixes: []nd.Prefix{pio(prefixB, time.Hour, time.Hour)}, NAAck: &ack}})
}

// An address that the next router does not want is left, for the one it supplies or for another, and that is what the home agent is told.
//
// spec MIP-09
func TestDeniedAddress(t *testing.T) {
	supplied, first := netip.MustParseAddr("2001:db8:b:1::99"), coaOf(prefixB, hw1)
	for name, ack := range map[string]nd.NAAck{
		"supplied":     {Status: nd.NAAckUseSupplied, CareOf: supplied},
		"invalid":      {Status: nd.NAAckInvalid},
		"unrecognized": {Status: nd.NAAckUnknownLLA},
	} {
		b := handedOver(t)
		effects := b.denial(ar2.hw, first, ack)
		a := b.n.accessOf(wlan)
		if a.coa == first || !prefixB.Contains(a.coa) || !a.ready || (a.coa == supplied) != (name == "supplied") {
			t.Fatalf("%s: the node is at %v, ready %v", name, a.coa, a.ready)
		}
		updates := b.updates(effects)
		if len(updates) == 0 || updates[len(updates)-1].Options.AltCareOf != a.coa {
			t.Errorf("%s: the home agent is told %+v", name, updates)
		}
		if _, held := b.locals[first]; held || b.n.speaker.Owns(neighbor.Key{Port: wlan, Addr: first}) {
			t.Errorf("%s: the first address is still there", name)
		}
		if !b.n.dad.Pending(dad.Key{Port: wlan, Addr: a.coa}) {
			t.Errorf("%s: nobody asks whether %v is another's", name, a.coa)
		}
		var fbu *mh.FastBindingUpdate
		for _, e := range effects {
			if s, ok := e.(engine.Send); ok {
				if p, _ := ip6.Parse(s.Data); p.Dst == parAddr {
					m, _ := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
					fbu, _ = m.(*mh.FastBindingUpdate)
				}
			}
		}
		if fbu == nil || fbu.Options.AltCareOf != a.coa {
			t.Errorf("%s: the previous router is told %+v", name, fbu)
		}
	}
}

// Who is not the router, or speaks of an address that duplicate detection has found unique, or of another, is not heard.
//
// spec MIP-09
func TestDeniedByAnother(t *testing.T) {
	ack, first := nd.NAAck{Status: nd.NAAckUseSupplied, CareOf: netip.MustParseAddr("2001:db8:b:1::99")}, coaOf(prefixB, hw1)
	for name, say := range map[string]func(b *bench) []engine.Effect{
		"another station": func(b *bench) []engine.Effect { return b.denial(plane.HW{2, 6, 6, 6, 6, 6}, first, ack) },
		"another address": func(b *bench) []engine.Effect { return b.denial(ar2.hw, b.n.accessOf(wlan).linkLocal, ack) },
		"too late":        func(b *bench) []engine.Effect { b.pass(1200 * time.Millisecond); return b.denial(ar2.hw, first, ack) },
		"to all nodes":    func(b *bench) []engine.Effect { return b.denial(ar2.hw, ip6.AllNodes, ack) },
		"elsewhere": func(b *bench) []engine.Effect {
			return b.denial(ar2.hw, first, nd.NAAck{Status: nd.NAAckUseSupplied, CareOf: stranger})
		},
	} {
		b := handedOver(t)
		effects := say(b)
		if a := b.n.accessOf(wlan); a.coa != first || !a.ready || len(b.updates(effects)) != 0 {
			t.Errorf("%s: the node is at %v", name, a.coa)
		}
	}
}
