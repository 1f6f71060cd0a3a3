package driver

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"roam6/engine"
	"roam6/plane"
)

// What arrived by a link before it changed is not handled after: batches that wait for a busy loop, and the change, reach it
// in any order. Each round the loop is held while both wait.
//
// spec MIP-07
func TestFramesOfTheOldCellAreStale(t *testing.T) {
	const rounds, frames = 8, memoryBatches
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
			switch in := in.(type) {
			case engine.Start:
				out.Plane(localOp(coa, plane.Local{Port: 1}))
			case engine.Command:
				<-hold
				out.Reply(engine.Reply{ID: in.ID})
			}
		}}
		m, link := &Memory{}, engine.LinkUp{Port: 1, Name: "wlan0"}
		m.SetLink(link, true)
		n := begin(t, Config{Host: m, Engines: []Engine{{"mn", e}}})
		synctest.Wait()
		for range rounds {
			e.inputs = nil
			go n.Command(context.Background(), "mn", "hold", nil)
			synctest.Wait()
			for range frames {
				m.Deliver(Arrival{Port: 1, Data: control(t)}, Arrival{Port: 2, Data: control(t)})
			}
			m.SetLink(link, false)
			m.SetLink(link, true)
			hold <- struct{}{}
			synctest.Wait()
			up := slices.IndexFunc(e.inputs, func(in engine.Input) bool { _, is := in.(engine.LinkUp); return is })
			for _, in := range e.inputs[up:] {
				if p, is := in.(engine.Packet); is && p.Port == 1 {
					t.Fatal("a packet of before was handled after the link came up")
				}
			}
		}
		st, err := n.Stats(context.Background())
		if stale := st.Drops[string(DropRxStale)]; err != nil || stale == 0 || stale+int(st.Packets) != 2*rounds*frames {
			t.Errorf("%d stale and %d handled of %d, %v", stale, st.Packets, 2*rounds*frames, err)
		}
		e.inputs = nil
		m.Deliver(Arrival{Port: 1, Data: control(t)})
		synctest.Wait()
		if len(e.inputs) != 1 {
			t.Errorf("a packet of after was not handled: %v", e.inputs)
		}
	})
}
