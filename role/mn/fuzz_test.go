package mn

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
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
