package cn

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/echo"
	"roam6/plane"
	"roam6/wire/icmp6"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var (
	self = netip.MustParseAddr("2001:db8:c::1")
	peer = netip.MustParseAddr("2001:db8:a::1")
	hoa  = netip.MustParseAddr("2001:db8:0:1::100")
)

type bench struct {
	n   *Node
	now engine.Now
}

func (b *bench) do(in engine.Input) (drops []string, sent []ip6.Packet) {
	var out engine.Effects
	b.n.Handle(b.now, in, &out)
	for _, e := range out.List {
		switch e := e.(type) {
		case engine.Event:
			drops = append(drops, e.Reason)
		case engine.Send:
			p, err := ip6.Parse(e.Data)
			if err != nil || e.Port != plane.Kernel {
				panic(err)
			}
			sent = append(sent, p)
		}
	}
	return drops, sent
}

func mobility(m mh.Message) ip6.Packet {
	p := ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, HomeAddress: hoa, Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, hoa, self, m)
	return p
}

// What a correspondent answers, what it counts, and what it leaves alone: RFC 6275 §9.2, §9.3, §9.5.1.
//
// spec MIP-01
func TestPackets(t *testing.T) {
	unknown := mobility(&mh.BindingRefreshRequest{})
	unknown.Payload[2] = 99
	unknown.Payload[4], unknown.Payload[5] = 0, 0
	sum := ip6.Checksum(hoa, self, ip6.ProtoMH, unknown.Payload)
	unknown.Payload[4], unknown.Payload[5] = byte(sum>>8), byte(sum)
	bent := mobility(&mh.BindingUpdate{Seq: 1})
	bent.Payload[7] ^= 1
	ping := ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, Proto: ip6.ProtoICMPv6}
	ping.Payload = icmp6.Append(nil, peer, self, &icmp6.Echo{ID: 1, Seq: 2, Data: []byte("x")})
	elsewhere := ping
	elsewhere.Dst = hoa
	for _, c := range []struct {
		name string
		p    ip6.Packet
		drop string
		want uint8 // protocol of the answer, 0 for none
	}{
		{"binding update", mobility(&mh.BindingUpdate{Seq: 1, Ack: true, Lifetime: time.Minute}), "bu-unauthorised", 0},
		{"home registration", mobility(&mh.BindingUpdate{Seq: 1, Ack: true, Home: true, Lifetime: time.Minute}), "bu-unauthorised", 0},
		{"acknowledgement", mobility(&mh.BindingAck{}), "unexpected-message", 0},
		{"fast binding update", mobility(&mh.FastBindingUpdate{Seq: 1}), "unknown-mh-type", ip6.ProtoMH},
		{"handover initiate", mobility(&mh.HandoverInitiate{Seq: 1}), "unknown-mh-type", ip6.ProtoMH},
		{"unknown type", unknown, "unknown-mh-type", ip6.ProtoMH},
		{"bent", bent, "mh-malformed", 0},
		{"home address without a binding", ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, HomeAddress: hoa, Proto: ip6.ProtoUDP}, "no-binding", ip6.ProtoMH},
		{"ping", ping, "", ip6.ProtoICMPv6},
		{"to another", elsewhere, "", 0},
	} {
		b := &bench{n: New(Config{Address: self}, [32]byte{})}
		drops, sent := b.do(engine.Packet{Data: c.p.Append(nil)})
		if c.drop == "" && len(drops) != 0 || c.drop != "" && !slices.Equal(drops, []string{c.drop}) {
			t.Errorf("%s: drops %v, want %q", c.name, drops, c.drop)
		}
		if c.want == 0 && len(sent) != 0 || c.want != 0 && (len(sent) != 1 || sent[0].Proto != c.want || sent[0].Dst != peer || sent[0].Src != self) {
			t.Errorf("%s: answered %+v", c.name, sent)
		}
		if c.want == ip6.ProtoMH {
			m, err := mh.Parse(sent[0].Src, sent[0].Dst, sent[0].Payload)
			if be, ok := m.(*mh.BindingError); err != nil || !ok || be.HomeAddress != hoa {
				t.Errorf("%s: %+v %v", c.name, m, err)
			}
			if _, again := b.do(engine.Packet{Data: c.p.Append(nil)}); len(again) != 0 {
				t.Errorf("%s: told twice at once", c.name)
			}
		}
	}
}

// A ping that came in fragments is answered in fragments: the host's routing would refuse an answer longer than its link's MTU.
func TestLongPing(t *testing.T) {
	p := ip6.Packet{Header: ip6.Header{Src: peer, Dst: self}, Proto: ip6.ProtoICMPv6}
	p.Payload = icmp6.Append(nil, peer, self, &icmp6.Echo{Data: make([]byte, 2000)})
	b := &bench{n: New(Config{Address: self}, [32]byte{})}
	_, sent := b.do(engine.Packet{Data: p.Append(nil)})
	if len(sent) != 2 || sent[0].Fragment == nil || !sent[0].Fragment.More || sent[1].Fragment == nil || sent[1].Fragment.ID != sent[0].Fragment.ID {
		t.Errorf("answered %+v", sent)
	}
}

// The address is captured from the start, and the node waits for nothing.
func TestStartAndView(t *testing.T) {
	n := New(Config{Address: self}, [32]byte{})
	var out engine.Effects
	n.Handle(engine.Now{}, engine.Start{}, &out)
	op := out.List[0].(engine.Plane).Op.Local
	if op.Addr != self || !op.Local.Capture || op.Local.Port != plane.Kernel {
		t.Errorf("%+v", op)
	}
	if at, _ := n.Deadline(); at != engine.Never {
		t.Errorf("deadline %v", at)
	}
	for verb, ok := range map[string]bool{"view": true, "fly": false} {
		out.List = nil
		n.Handle(engine.Now{}, engine.Command{ID: 7, Verb: verb}, &out)
		r := out.List[0].(engine.Reply)
		if r.ID != 7 || (r.Err == "") != ok || ok && !json.Valid(r.Data) {
			t.Errorf("%s: %+v", verb, r)
		}
	}
}

func FuzzPacket(f *testing.F) {
	p := mobility(&mh.BindingUpdate{Seq: 1, Home: true})
	f.Add(p.Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &bench{n: New(Config{Address: self}, [32]byte{})}
		if _, sent := b.do(engine.Packet{Data: data}); len(sent) > 1+len(data)/echo.MaxPart {
			t.Errorf("%d answers to one packet", len(sent))
		}
	})
}
