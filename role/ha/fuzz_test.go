package ha

import (
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
)

// Any packet at an agent with a binding: no panic, no change, and no more said than was heard.
func FuzzPacket(f *testing.F) {
	b := newBench(&testing.T{}, authPair, nil)
	f.Add(b.update(bu(1, time.Minute), coa), true)
	b = newBench(&testing.T{}, espPair, nil)
	f.Add(b.update(bu(9, time.Minute), coa), false)
	f.Fuzz(func(t *testing.T, data []byte, auth bool) {
		pair := espPair
		if auth {
			pair = authPair
		}
		b := newBench(t, pair, nil)
		b.bind(1, coa)
		b.now.Wall = b.now.Wall.Add(time.Hour) // so that the seeds, which are authentic, are old
		b.now.Mono = b.now.Mono.Add(time.Second)
		state := b.view()
		effects := b.do(engine.Packet{Port: plane.Kernel, Data: data})
		said := 0
		for _, p := range b.packets(effects, plane.Kernel) {
			said += len(p.Append(nil))
		}
		if said > max(len(data), ip6.MinMTU) {
			t.Errorf("%d octets for %d", said, len(data))
		}
		if auth && b.view() != state {
			t.Errorf("changed: %s", b.view())
		}
	})
}
