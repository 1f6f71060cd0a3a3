package node_test

import (
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// forgetful is a router whose store was lost before a life of it.
type forgetful struct{ engine.Engine }

func (f forgetful) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	if s, ok := in.(engine.Start); ok {
		s.Records = nil
		in = s
	}
	f.Engine.Handle(now, in, out)
}

// An access router that is started again without its store has all gates closed. Who was let in hears of it in the next advertisement,
// authenticates anew without moving, and goes on.
//
// spec DM-08 DM-09
func TestAccessRouterForgets(t *testing.T) {
	const crash, start, back = 20 * time.Second, 22 * time.Second, 25 * time.Second
	w := inTrouble(t, "home", 70*time.Second, "[{at: 60s, to: ar2}]")
	lives := 0
	w.wrap = func(node string, e engine.Engine) engine.Engine {
		if node != "ar1" {
			return e
		}
		if lives++; lives == 1 {
			return e
		}
		return forgetful{e}
	}
	w.reborn("ar1", crash, start)
	w.run()
	if n := w.saw("ar1", "access.resumed", start, always); n != 0 {
		t.Fatalf("%d sessions resumed: this store was not lost", n)
	}
	for _, u := range []string{"mn", "mn2", "mn3"} {
		w.soon(u, start, back-start)
		if n := w.saw(u, "access.granted", start, 58*time.Second); n != 1 {
			t.Errorf("%s: let in %d times\n%s", u, n, w.heard(u, start, 58*time.Second))
		}
		if q := w.quiet(u, back, 58*time.Second); q > time.Second {
			t.Errorf("%s: nothing for %v after %v", u, q, back)
		}
	}
	w.idle(3)
}

// forger sends each advertisement of a router again with another epoch, from the router's own station: nobody on the link can tell.
type forger struct {
	engine.Engine
	from, until engine.Mono
	sent        uint32
}

func (f *forger) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	before := len(out.List)
	f.Engine.Handle(now, in, out)
	for _, e := range slices.Clone(out.List[before:]) {
		s, ok := e.(engine.Send)
		if !ok || now.Mono < f.from || now.Mono >= f.until {
			continue
		}
		p, err := ip6.Parse(s.Data)
		if err != nil || p.Proto != ip6.ProtoICMPv6 {
			continue
		}
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if ra, ok := m.(*nd.RouterAdvertisement); err == nil && ok && ra.Options.Access != nil {
			f.sent++
			ra.Options.Access.Epoch = f.sent
			p.Payload = nd.Append(nil, p.Src, p.Dst, ra)
			out.Send(s.Port, s.To, p.Append(nil))
		}
	}
}

// Somebody on the link who repeats the router's advertisements as if from the router, each with another epoch, has nobody out, and everybody ask
// seldom, as if sessions were lost every time.
//
// spec DM-08
func TestForgedEpochs(t *testing.T) {
	const from, until = 10 * time.Second, 55 * time.Second
	w := inTrouble(t, "home", 70*time.Second, "[{at: 60s, to: ar2}]")
	w.wrap = func(node string, e engine.Engine) engine.Engine {
		if node != "ar1" {
			return e
		}
		return &forger{Engine: e, from: engine.Mono(from), until: engine.Mono(until)}
	}
	w.run()
	for _, u := range []string{"mn", "mn2", "mn3"} {
		if q := w.quiet(u, from, until); q > 250*time.Millisecond {
			t.Errorf("%s: nothing for %v", u, q)
		}
		// At once, after 10 s and after 20 s more.
		if n := w.saw(u, "access.granted", from, until); n < 2 || n > 3 {
			t.Errorf("%s: let in %d times\n%s", u, n, w.heard(u, from, until))
		}
	}
	if n := w.saw("ar1", "access.ended", 0, until); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
	w.idle(3)
	w.accounts()
}
