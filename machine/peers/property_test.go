package peers

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/wire/diameter"
)

// TestEveryRequestEnds: whatever breaks, hangs and comes back, every own request that was taken ends exactly once (world_test.go sees
// to that) and within MaxAge, nothing is held when all is over, and all peers find each other again.
//
// spec DM-23
func TestEveryRequestEnds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, client, one, two, s1, s2 := chain(t)
		all := []*host{one, two, s1, s2, client}
		asked := map[uint64]engine.Mono{}
		ctx := uint64(0)
		check := func() {
			for k, at := range asked { //order:any
				if done := client.result(k) >= 0; !done && w.now.Sub(at) > MaxAge {
					r.Fatalf("%d has no end after %v", k, w.now.Sub(at))
				}
			}
		}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			switch rapid.IntRange(0, 6).Draw(r, "step") {
			case 0, 1, 2:
				for range rapid.IntRange(1, 5).Draw(r, "requests") {
					ctx++
					if client.ask(ctx, "", "home"+domain) {
						asked[ctx] = w.now
					}
				}
			case 3:
				a, b := rapid.SampledFrom(all).Draw(r, "a"), rapid.SampledFrom(all).Draw(r, "b")
				w.cut(a, b)
			case 4:
				h := rapid.SampledFrom(all[:4]).Draw(r, "hangs")
				h.hung = !h.hung
			case 5:
				h := rapid.SampledFrom(all[2:4]).Draw(r, "quiet")
				h.quiet = !h.quiet
			case 6:
				h := rapid.SampledFrom(all[:4]).Draw(r, "stops")
				if !h.hung {
					h.call(func(now engine.Now, out *engine.Effects) { h.n.Stop(now, out) })
					w.run(time.Second)
					h.n.stopped = false // it starts again
					for _, p := range h.n.listed {
						h.n.enter(w.clock(), new(engine.Effects))
						h.call(func(now engine.Now, out *engine.Effects) { h.n.enter(now, out); h.n.again(p) })
					}
				}
			}
			w.run(time.Duration(rapid.IntRange(0, 2500).Draw(r, "ms")) * time.Millisecond)
			check()
		}
		for _, h := range all {
			h.hung, h.quiet = false, false
		}
		w.run(ServeAge + 2*MaxBackoff + 20*time.Second)
		check()
		w.run(StayAway)
		for _, h := range all {
			if v := h.n.View().(View); v.Pending != 0 || v.Serving != 0 || v.Waiting != 0 || h.n.octets != 0 || h.n.held != 0 {
				r.Fatalf("%s holds %+v", h.name, v)
			}
			for _, p := range h.n.listed {
				if p.watch != Okay || len(h.n.links) != len(h.n.listed) {
					r.Fatalf("%s: %s is %s, %s; %d connections", h.name, p.host, p.state, p.watch, len(h.n.links))
				}
			}
		}
		ctx++
		client.ask(ctx, "", "home"+domain)
		w.run(time.Second)
		if client.result(ctx) != int(diameter.Success) {
			r.Fatalf("in the end %d", client.result(ctx))
		}
	})
}
