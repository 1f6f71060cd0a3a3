package ha

import (
	"net/netip"
	"testing"
	"time"

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

// When a binding moves, the answer is the first packet by the new way, the way before is known as such before the new one is taken
// up, and copies are dropped for as long as packets come by both.
//
// spec MIP-09
func TestOrderOfAMove(t *testing.T) {
	b := newBench(t, espPair, nil)
	next := netip.MustParseAddr("2001:db8:b:3::5")
	paths := func(effects []engine.Effect) (list []plane.Path) {
		for _, e := range effects {
			if p, ok := e.(engine.Plane); ok && p.Op.Path != nil && !p.Op.Delete {
				list = append(list, p.Op.Path.Path)
			}
		}
		return list
	}
	bound := append(b.deliver(b.update(bu(1, DefaultMaxLifetime), coa)), b.pass(1100*time.Millisecond)...)
	if len(paths(bound)) != 1 {
		t.Fatalf("bound by %v", paths(bound))
	}
	for _, p := range paths(bound) {
		if !p.Mark || p.Settle != SettleFor || p.Limit != SettlePackets || p.Dedup != 0 {
			t.Errorf("bound by %v", p)
		}
	}
	moved := b.deliver(b.update(bu(2, DefaultMaxLifetime), next))
	steps := ""
	for _, e := range moved {
		switch e := e.(type) {
		case engine.Persist:
			steps += "record "
		case engine.Send:
			steps += "answer "
		case engine.Plane:
			if w := e.Op.Way; w != nil && w.Way.Remote == coa && w.Way.Unsure {
				steps += "before "
			} else if p := e.Op.Path; p != nil && p.Path.Remote == next && p.Path.Dedup == CopyWindow {
				steps += "new "
			}
		}
	}
	if steps != "record answer before new " && steps != "record record answer before new " {
		t.Errorf("a move is: %s", steps)
	}
	if again := paths(b.deliver(b.update(bu(3, DefaultMaxLifetime), next))); len(again) != 1 || again[0].Dedup != CopyWindow {
		t.Errorf("said again: %v", again)
	}
	if after := paths(b.pass(PreviousLifetime)); len(after) != 1 || after[0].Dedup != 0 || after[0].Remote != next || !after[0].Mark {
		t.Errorf("when the way before ended: %v", after)
	}
}
