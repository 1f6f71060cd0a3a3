package ar

import (
	"testing"
	"time"

	"roam6/engine"
)

// The epoch that advertisements carry changes when sessions are lost of which their nodes cannot know, and then only.
func TestEpoch(t *testing.T) { //spec DM-08
	for _, c := range []struct {
		name    string
		happens func(w *aaaWorld, m *mobileNode)
		changes bool
	}{
		{"nothing", func(*aaaWorld, *mobileNode) {}, false},
		{"started again", func(w *aaaWorld, _ *mobileNode) { w.boot(config()) }, false},
		{"started again with nothing", func(w *aaaWorld, _ *mobileNode) { clear(w.stays); clear(w.epochs); w.boot(config()) }, true},
		{"started again with a session that cannot be read", func(w *aaaWorld, m *mobileNode) { w.stays[m.coa.String()] = []byte("{"); w.boot(config()) }, true},
		{"started again after the session's time", func(w *aaaWorld, _ *mobileNode) { w.now.Wall = w.now.Wall.Add(24 * time.Hour); w.boot(config()) }, false},
		{"the session ends", func(w *aaaWorld, _ *mobileNode) { w.pass(24 * time.Hour) }, false},
		{"the link goes and comes", func(w *aaaWorld, _ *mobileNode) {
			w.do(engine.LinkDown{Port: 1})
			w.do(engine.LinkUp{Port: 1, HW: hw, MTU: 1500})
		}, true},
		{"another link goes and comes", func(w *aaaWorld, _ *mobileNode) {
			w.do(engine.LinkDown{Port: 2})
			w.do(engine.LinkUp{Port: 2, HW: hw, MTU: 1500})
		}, false},
		{"the link goes when nobody is there", func(w *aaaWorld, _ *mobileNode) {
			w.pass(24 * time.Hour)
			w.do(engine.LinkDown{Port: 1})
			w.do(engine.LinkUp{Port: 1, HW: hw, MTU: 1500})
		}, false},
	} {
		w, m := newAAAWorld(t, config()), newMobile(1)
		w.known(m)
		w.ask(m, nil)
		if w.r.gate.sessions[m.coa] == nil {
			t.Fatal("not let in")
		}
		epoch := func() uint32 { return w.r.links[0].adv.Message().Options.Access.Epoch }
		before := epoch()
		c.happens(w, m)
		if after := epoch(); before == 0 || after == 0 || (after != before) != c.changes {
			t.Errorf("%s: epoch %d, then %d", c.name, before, after)
		}
		if before = epoch(); c.changes {
			if w.boot(config()); epoch() != before {
				t.Errorf("%s: and another one after the next start", c.name)
			}
		}
	}
}
