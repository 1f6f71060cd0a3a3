package ha

import (
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Packets from the care-of address before are taken for a while, longer if the node says the same again, and no longer.
//
// spec MIP-09
func TestPreviousCareOfAddress(t *testing.T) {
	b := newBench(t, espPair, nil)
	way := func(effects []engine.Effect) (remote netip.Addr, deleted bool) {
		for _, e := range effects {
			if p, ok := e.(engine.Plane); ok && p.Op.Way != nil {
				remote, deleted = p.Op.Way.Way.Remote, p.Op.Delete
			}
		}
		return remote, deleted
	}
	next := netip.MustParseAddr("2001:db8:b:3::5")
	b.bind(1, coa)
	moved := b.deliver(b.update(bu(2, DefaultMaxLifetime), next))
	if prev, deleted := way(moved); prev != coa || deleted {
		t.Fatalf("after the move packets are taken from %v", prev)
	}
	b.pass(PreviousLifetime / 2)
	if prev, _ := way(b.deliver(b.update(bu(3, DefaultMaxLifetime), next))); prev.IsValid() {
		t.Errorf("a repeated update changed the way to %v", prev)
	}
	if _, deleted := way(b.pass(PreviousLifetime * 3 / 4)); deleted {
		t.Error("the way ended though the node had not heard the answer")
	}
	if _, deleted := way(b.pass(PreviousLifetime / 2)); !deleted {
		t.Error("the way did not end")
	}
	if prev, _ := way(b.deliver(b.update(bu(4, DefaultMaxLifetime), next))); prev.IsValid() {
		t.Errorf("a refresh made a way from %v", prev)
	}
	b.deliver(b.update(bu(5, DefaultMaxLifetime), coa))
	if _, deleted := way(b.deliver(b.update(bu(6, 0), coa))); !deleted {
		t.Error("the way outlived the binding")
	}
}

// What is for access routers gets the answer of an unknown type: RFC 6275 §9.2.
//
// spec MIP-01
func TestMessagesForRouters(t *testing.T) {
	for _, m := range []mh.Message{&mh.FastBindingUpdate{Seq: 1}, &mh.HandoverInitiate{Seq: 1}} {
		b := newBench(t, espPair, nil)
		p := ip6.Packet{Header: ip6.Header{Src: coa, Dst: haAddr}, Proto: ip6.ProtoMH, Payload: mh.Append(nil, coa, haAddr, m)}
		answers := b.packets(b.deliver(p.Append(nil)), plane.Kernel)
		if len(answers) != 1 {
			t.Fatalf("%T: %d answers", m, len(answers))
		}
		got, err := mh.Parse(answers[0].Src, answers[0].Dst, answers[0].Payload)
		if be, ok := got.(*mh.BindingError); err != nil || !ok || be.Status != mh.UnknownMHType {
			t.Errorf("%T: %+v, %v", m, got, err)
		}
	}
}
