package mn

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	wireaccess "roam6/wire/access"
	"roam6/wire/mh"
)

// Any packet at a bound node: no panic, and the packets of applications go on by the tunnel unless neighbour discovery,
// which nobody can prove, says otherwise.
func FuzzPacket(f *testing.F) {
	b := newBench(f, nil)
	b.up(wlan)
	u := b.update(b.ra(wlan, ar1))
	f.Add(b.ack(u, mh.Accepted, nil).Data)
	for _, e := range b.all {
		if s, ok := e.(engine.Send); ok {
			f.Add(s.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench(t, nil)
		b.attach(wlan, ar1)
		b.do(engine.Packet{Port: wlan, From: plane.HW{2, 7}, Data: data})
		b.pass(time.Second)
	})
}

// Any packet at a node that asks to be let in, from the AAA client itself: without the key it neither becomes somebody nor gives up.
func FuzzAsking(f *testing.F) {
	b := newBench(f, stranded)
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	for _, r := range []*wireaccess.Reply{b.granted(q, plainAck(q, 7)), {Result: 3002}, {Result: 4001, LocalChallenge: make([]byte, 8)}} {
		f.Add(b.reply(q, r, false).Data)
	}
	for _, e := range b.all {
		if s, ok := e.(engine.Send); ok {
			f.Add(s.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench(t, stranded)
		b.up(wlan)
		b.closed(wlan, ar1)
		b.do(engine.Packet{Port: wlan, From: ar1.hw, Data: data})
		b.pass(time.Second)
		if !b.n.id.nobody() || len(b.table.Hosts) != 0 {
			t.Fatalf("home address %v", b.n.id.home)
		}
	})
}
