package ha

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
	"roam6/wire/nd"
)

// A node with nothing but a NAI gets a home address, keys and a binding; its own update under the keys is taken then, and its packets go
// where it is.
//
// spec DM-14 DM-17 DM-18 DM-19 DM-20
func TestGuest(t *testing.T) {
	for name, c := range map[string]struct { //order:any
		change func(*Config)
		dh     bool
		home   netip.Addr
	}{
		"random":                         {virtual, false, netip.Addr{}},
		"diffie-hellman":                 {virtual, true, netip.Addr{}},
		"fixed address":                  {virtual, false, fixedHome},
		"on a home link":                 {nil, false, netip.Addr{}},
		"on a home link, fixed, with DH": {nil, true, fixedHome},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, espPair, c.change)
			r := newRoamer(b)
			r.dh, r.hoa = c.dh, c.home
			var table plane.Table
			e, effects := b.ask(r.hor(coa))
			b.feed(&table, effects)
			if link := c.change == nil; e.done == link {
				t.Fatalf("done %v with a home link %v", e.done, link)
			}
			b.feed(&table, b.pass(1100*time.Millisecond))
			r.learn(t, e)
			if !prefix.Contains(r.hoa) || c.home.IsValid() && r.hoa != c.home || e.answer.Agent != haAddr || e.answer.User != user {
				t.Errorf("answer %+v", e.answer)
			}
			ba, p := r.acked(t, e, nil)
			if ba.Status != mh.Accepted || p.Routing2 != r.hoa || ba.Lifetime != 5*time.Minute {
				t.Errorf("acknowledgement %+v for %v", ba, p.Routing2)
			}
			if got := table.Paths[netip.PrefixFrom(r.hoa, 128)]; got.Remote != coa || got.Local != haAddr || !got.Capture {
				t.Errorf("path %+v", got)
			}
			if l, ok := table.Locals[r.hoa]; ok == (c.change != nil) || l.Tentative {
				t.Errorf("local %+v %v", l, ok)
			}
			status, ok, effects := r.status(t, r.own(bu(1, time.Minute), coa2))
			if b.feed(&table, effects); !ok || status != mh.Accepted || table.Paths[netip.PrefixFrom(r.hoa, 128)].Remote != coa2 {
				t.Errorf("own update: %v %v, path to %v", status, ok, table.Paths[netip.PrefixFrom(r.hoa, 128)])
			}
			if v := b.view(); !strings.Contains(v, `"guests":[{"home_address":"`+r.hoa.String()) || !strings.Contains(v, user) {
				t.Errorf("view %s", v)
			}
		})
	}
}

// What is refused is refused by name, and leaves everything as it was.
//
// spec DM-14
func TestBadHOR(t *testing.T) {
	for _, c := range badHORs {
		b := newBench(t, espPair, nil)
		before, disk := b.view(), len(b.disk)
		r := newRoamer(b)
		r.hoa = fixedHome
		h := r.hor(coa)
		if c.change(h); c.reason == "hor-keys-not-wanted" {
			h.Binding = b.update(bu(1, time.Minute), coa)
		}
		e, effects := b.ask(h)
		if !e.done || e.answer.Code != c.code || !slices.Equal(drops(effects), []string{c.reason}) || e.answer.Peer != nil || e.answer.Home.IsValid() {
			t.Errorf("%s: %+v, drops %v", c.reason, e.answer, drops(effects))
		}
		if status := c.reason == "bu-refused"; status != (e.answer.Binding != nil) {
			t.Errorf("%s: acknowledgement %x", c.reason, e.answer.Binding)
		} else if status {
			if ba, p := r.acked(t, e, nil); ba.Status.Accepted() || p.Routing2 != fixedHome {
				t.Errorf("%s: %+v", c.reason, ba)
			}
		}
		if b.view() != before || len(b.disk) != disk || b.a.guests.count+len(b.a.guests.spis)+len(b.a.guests.named)+b.a.guests.waiting != 0 {
			t.Errorf("%s changed %s to %s, %+v", c.reason, before, b.view(), b.a.guests)
		}
		if has(effects, func(engine.Plane) bool { return true }) || has(effects, func(engine.Persist) bool { return true }) {
			t.Errorf("%s had effects %v", c.reason, effects)
		}
	}
}

func (r *roamer) guest() *guest { return r.b.a.guests.named[r.nai] }

// A second HOR replaces the keys and keeps the address. What is under way under the old ones is taken for KeyOverlap, and no longer.
//
// spec DM-14
func TestNewKeys(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	home, before := r.hoa, *r
	r.random, r.spi, r.hoa = 2, mnSPI+1, netip.Addr{}
	e, _ := b.ask(r.hor(coa2))
	if r.learn(t, e); r.hoa != home {
		t.Fatalf("home address %v became %v", home, r.hoa)
	}
	if status, ok, _ := before.status(t, before.own(bu(1, time.Minute), coa)); !ok || status != mh.Accepted {
		t.Errorf("under the old keys: %v %v", status, ok)
	}
	if status, ok, _ := r.status(t, r.own(bu(2, time.Minute), coa2)); !ok || status != mh.Accepted {
		t.Errorf("under the new keys: %v %v", status, ok)
	}
	b.pass(KeyOverlap)
	if _, ok, effects := before.status(t, before.own(bu(3, time.Minute), coa)); ok || !slices.Equal(drops(effects), []string{sa.ESPUnknownSPI}) {
		t.Errorf("old keys after %v: drops %v", KeyOverlap, drops(effects))
	}
	for key := range b.disk { //order:any
		if strings.HasPrefix(key, "sa/") && strings.Contains(key, "/0x00007007/") {
			t.Errorf("left of the old keys: %s", key)
		}
	}
	// Twice in a moment: the first of the three is given up at once.
	for range 2 {
		r.random, r.spi = r.random+1, r.spi+1
		e, _ := b.ask(r.hor(coa2))
		r.learn(t, e)
	}
	b.pass(KeyOverlap)
	for key := range b.disk { //order:any
		if strings.HasPrefix(key, "sa/out") && !strings.Contains(key, fmt.Sprintf("/0x%08x/", r.spi)) {
			t.Errorf("left of the old keys: %s", key)
		}
	}
	if len(b.a.guests.spis) != 1 {
		t.Errorf("SPIs %v", b.a.guests.spis)
	}
}

// The same HOR again makes no second guest, and does not set back what the node has said meanwhile.
//
// spec DM-14
func TestHORAgain(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	if status, ok, _ := r.status(t, r.own(bu(40, time.Minute), coa)); !ok || status != mh.Accepted {
		t.Fatal(status)
	}
	e, _ := b.ask(r.hor(coa))
	if ba, _ := r.acked(t, e, nil); ba.Status != mh.Accepted || e.answer.Home != r.hoa || b.a.guests.count != 1 {
		t.Fatalf("again: %+v, %d guests", e.answer, b.a.guests.count)
	}
	if seq := r.guest().binding.Seq; seq != 40 {
		t.Errorf("sequence number %d", seq)
	}
	r.learn(t, e)
	if status, ok, _ := r.status(t, r.own(bu(40, time.Minute), coa2)); !ok || status != mh.SequenceOutOfWindow {
		t.Errorf("a number of before: %v %v", status, ok)
	}
	if status, ok, _ := r.status(t, r.own(bu(41, time.Minute), coa2)); !ok || status != mh.Accepted {
		t.Errorf("the next: %v %v", status, ok)
	}
}

// An update under the node's own keys is verified as any, and its acknowledgement is under them too, whatever becomes of it.
//
// spec DM-14 DM-21
func TestEmbeddedESP(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	h := r.hor(coa2)
	h.Binding, h.Peer = r.own(bu(1, time.Minute), coa2), nil
	e, _ := b.ask(h)
	if ba, p := r.acked(t, e, r.end); ba.Status != mh.Accepted || p.Routing2 != r.hoa || e.answer.Code != diameter.Success || e.answer.Peer != nil {
		t.Errorf("answer %+v, %+v", e.answer, ba)
	}
	if e, effects := b.ask(h); e.answer.Code != diameter.ErrorBadHOR || e.answer.Binding != nil || !slices.Equal(drops(effects), []string{sa.ESPReplay}) {
		t.Errorf("replayed: %+v", e.answer)
	}
	h.Binding = r.own(bu(1, time.Minute), coa2)
	e, _ = b.ask(h)
	if ba, _ := r.acked(t, e, r.end); ba.Status != mh.SequenceOutOfWindow || ba.Seq != 1 || e.answer.Code != diameter.LimitedSuccess {
		t.Errorf("old number: %+v, %+v", e.answer, ba)
	}
	// Together with new keys, which do not protect this acknowledgement yet.
	old := r.end
	r.random, r.spi = 3, mnSPI+1
	h = r.hor(coa)
	h.Binding = r.own(bu(2, time.Minute), coa)
	e, _ = b.ask(h)
	if ba, _ := r.acked(t, e, old); ba.Status != mh.Accepted {
		t.Errorf("with new keys: %+v", ba)
	}
	r.learn(t, e)
	if status, ok, _ := r.status(t, r.own(bu(3, time.Minute), coa)); !ok || status != mh.Accepted {
		t.Errorf("under them: %v %v", status, ok)
	}
	// Leaving.
	h = r.hor(coa)
	h.Peer, h.Binding = nil, r.own(bu(4, 0), coa)
	e, _ = b.ask(h)
	if ba, _ := r.acked(t, e, r.end); ba.Status != mh.Accepted || r.guest() == nil || r.guest().binding != nil {
		t.Errorf("leaving: %+v", ba)
	}
}

// A node of the configuration may come by AAA too, with its own protection.
//
// spec DM-12 DM-21
func TestConfiguredByAAA(t *testing.T) {
	for name, pair := range map[string]func() (sa.Config, sa.Config){"esp": espPair, "auth": authPair} { //order:any
		b := newBench(t, pair, virtual)
		r := newRoamer(b)
		r.hoa = hoa
		h := r.hor(coa)
		h.Peer, h.Binding = nil, b.update(bu(1, time.Minute), coa)
		e, _ := b.ask(h)
		if ba, p := r.acked(t, e, b.mn); ba.Status != mh.Accepted || p.Routing2 != hoa || e.answer.Code != diameter.Success || e.answer.Home != hoa {
			t.Errorf("%s: %+v, %+v", name, e.answer, ba)
		}
		before := b.view()
		h.Binding = vouched(coa2, hoa, bu(2, time.Minute))
		h.CareOf = coa2
		if e, effects := b.ask(h); e.answer.Code != diameter.ErrorBadHOR || b.view() != before {
			t.Errorf("%s: AAA alone bound a node with keys of its own: %v", name, drops(effects))
		}
	}
}

// With its authorisation or its keys a guest is gone, and nothing is left of it.
//
// spec DM-14
func TestGuestDeparts(t *testing.T) {
	for name, change := range map[string]func(*mip6aaa.HOR){ //order:any
		"authorisation": func(h *mip6aaa.HOR) { h.Lifetime = 100 * time.Second },
		"keys":          func(h *mip6aaa.HOR) { h.Peer[0].Lifetime = 100 * time.Second },
	} {
		b := newBench(t, espPair, nil)
		r := newRoamer(b)
		empty, disk, locals := b.view(), len(b.disk), 0
		h := r.hor(coa)
		change(h)
		var table plane.Table
		e, effects := b.ask(h)
		b.feed(&table, append(effects, b.pass(2*time.Second)...))
		if ba, _ := r.acked(t, e, nil); ba.Lifetime > 100*time.Second || ba.Lifetime < 90*time.Second || len(table.Paths) != 1 {
			t.Errorf("%s: granted %v, %v", name, ba.Lifetime, table.Paths)
		}
		b.feed(&table, b.pass(97*time.Second))
		if r.guest() == nil {
			t.Errorf("%s: gone early", name)
		}
		b.feed(&table, b.pass(3*time.Second))
		if b.view() != empty || len(b.disk) != disk || len(table.Paths)+len(table.Locals) != locals || len(b.a.mobiles) != 1 || b.a.guests.count+len(b.a.guests.spis)+len(b.a.guests.named) != 0 {
			t.Errorf("%s left %s, %v, %v", name, b.view(), b.disk, table)
		}
	}
}

// An address that the agent chose and somebody on the home link has is not given away; the agent tries others. One that AAA chose is
// refused.
//
// spec DM-17
func TestAssignedDuplicate(t *testing.T) {
	for _, c := range []struct {
		home   netip.Addr
		others int // that somebody has
		code   diameter.ResultCode
	}{{netip.Addr{}, AssignTries, diameter.Success}, {netip.Addr{}, AssignTries + 1, 4900}, {fixedHome, 1, 4900}} {
		b := newBench(t, espPair, nil)
		before := b.view()
		r := newRoamer(b)
		r.hoa = c.home
		e, effects := b.ask(r.hor(coa))
		var table plane.Table
		seen := map[netip.Addr]bool{}
		for range c.others {
			target := b.neighbours(b.feed(&table, effects))[0].(*nd.NeighborSolicitation).Target
			if seen[target] {
				t.Errorf("%v again", target)
			}
			seen[target] = true
			effects = b.onLink(target, netip.MustParseAddr("ff02::1"), &nd.NeighborAdvertisement{Target: target})
		}
		b.feed(&table, append(effects, b.pass(2*time.Second)...))
		if e.answer.Code != c.code || seen[e.answer.Home] || b.a.guests.waiting != 0 {
			t.Fatalf("%d others: %+v", c.others, e.answer)
		}
		if c.code == diameter.Success {
			r.learn(t, e)
			if status, ok, _ := r.status(t, r.own(bu(1, time.Minute), coa)); !ok || status != mh.Accepted {
				t.Errorf("own update: %v %v", status, ok)
			}
			continue
		}
		if ba, _ := r.acked(t, e, nil); ba.Status != mh.DADFailed || b.view() != before || len(b.a.mobiles) != 1 || len(table.Locals) != 0 {
			t.Errorf("%+v; left %s, %v", ba, b.view(), table.Locals)
		}
	}
}

// Somebody else's address is not given away, and there is an end to guests, bindings and waiting.
//
// spec DM-14
func TestGuestLimits(t *testing.T) {
	b := newBench(t, espPair, func(cfg *Config) {
		virtual(cfg)
		cfg.Diameter = &Diameter{MaxGuests: 1}
		cfg.Diameter.Node.Host, cfg.Diameter.Node.Realm = "ha.home.example", "home.example"
	})
	r := newRoamer(b)
	r.hoa = fixedHome
	r.enter(t, coa)
	second := newRoamer(b)
	second.nai = "other@home.example"
	second.hoa = fixedHome
	if e, effects := b.ask(second.hor(coa2)); e.answer.Code != 4900 || !slices.Equal(drops(effects), []string{"hor-address-taken"}) {
		t.Errorf("somebody's address: %+v", e.answer)
	}
	second.hoa = netip.Addr{}
	e, _ := b.ask(second.hor(coa2))
	if ba, _ := second.acked(t, e, nil); ba.Status != mh.InsufficientResources || e.answer.Code != 4900 || e.answer.Peer != nil || b.a.guests.count != 1 {
		t.Errorf("one too many: %+v, %+v", e.answer, ba)
	}
	b.a.cfg.Diameter = nil
	b.a.cfg.MaxBindings = 1
	e, _ = b.ask(second.hor(coa2))
	if ba, _ := second.acked(t, e, nil); ba.Status != mh.InsufficientResources || e.answer.Code != 4900 || b.a.guests.count != 1 {
		t.Errorf("a binding too many: %+v, %+v", e.answer, ba)
	}
	b.a.guests.waiting = MaxWaiting
	if e, effects := b.ask(second.hor(coa2)); e.answer.Code != diameter.TooBusy || !slices.Equal(drops(effects), []string{"hor-too-many"}) {
		t.Errorf("too many at once: %+v", e.answer)
	}
}

// Of two HORs for one node during duplicate detection the second counts, and both are answered.
//
// spec DM-14
func TestSuperseded(t *testing.T) {
	b := newBench(t, espPair, nil)
	r := newRoamer(b)
	first, _ := b.ask(r.hor(coa))
	r.random = 2
	second, _ := b.ask(r.hor(coa2))
	if !first.done || first.answer.Code != 4900 || second.done {
		t.Fatalf("%+v, %+v", first.answer, second.answer)
	}
	// One that is proposed has no keys yet, whoever says that it has.
	bare := r.hor(coa)
	bare.Peer = nil
	if e, effects := b.ask(bare); e.answer.Code != diameter.ErrorBadHOR || !slices.Equal(drops(effects), []string{"hor-no-keys"}) || second.done {
		t.Errorf("without keys: %+v", e.answer)
	}
	b.pass(2 * time.Second)
	r.learn(t, second)
	if status, ok, _ := r.status(t, r.own(bu(1, time.Minute), coa2)); !ok || status != mh.Accepted || b.a.guests.count != 1 || b.a.guests.waiting != 0 || len(b.a.guests.spis) != 1 {
		t.Errorf("own update: %v %v, %+v", status, ok, b.a.guests)
	}
}

// A guest that AAA gives another home address leaves the one before, and one that has no NAI is known by its address.
func TestGuestNames(t *testing.T) {
	b := newBench(t, espPair, virtual)
	var table plane.Table
	r := newRoamer(b)
	b.feed(&table, r.enter(t, coa))
	before := r.hoa
	r.hoa = fixedHome
	b.feed(&table, r.enter(t, coa))
	if _, left := table.Paths[netip.PrefixFrom(before, 128)]; left || b.a.mobiles[before] != nil || b.a.guests.count != 1 || r.guest().hoa != fixedHome {
		t.Errorf("%v: %v, %s", before, table.Paths, b.view())
	}
	nameless := newRoamer(b)
	nameless.nai, nameless.hoa = "", netip.MustParseAddr("2001:db8:0:1::778")
	b.feed(&table, nameless.enter(t, coa2))
	nameless.random = 9
	b.feed(&table, nameless.enter(t, coa2))
	if status, ok, _ := nameless.status(t, nameless.own(bu(1, time.Minute), coa2)); !ok || status != mh.Accepted || b.a.guests.count != 2 || len(table.Paths) != 2 {
		t.Errorf("without a NAI: %v %v, %v", status, ok, table.Paths)
	}
}

// A user is one guest however its name is spelled, so that nobody has more of the agent's room than one. Its keys are bound to its own
// spelling.
//
// spec DM-14
func TestSpellingsOfAGuest(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	home := r.hoa
	for i, nai := range []string{"mn7@HOME.example", "mn7@Home.Example"} {
		r.nai, r.hoa, r.random = nai, netip.Addr{}, byte(2+i)
		r.spi++
		e, _ := b.ask(r.hor(coa2))
		if r.learn(t, e); r.hoa != home || b.a.guests.count != 1 {
			t.Errorf("%s: home address %v, before %v; %d guests", nai, r.hoa, home, b.a.guests.count)
		}
		if status, ok, _ := r.status(t, r.own(bu(uint16(10+i), time.Minute), coa)); !ok || status != mh.Accepted {
			t.Errorf("%s: under its keys: %v %v", nai, status, ok)
		}
	}
}

// An update under a guest's keys is from its home address, which the packet itself says.
//
// spec DM-14 DM-21
func TestUpdateFromNowhere(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	var scratch engine.Effects
	h := r.hor(coa)
	u := bu(9, time.Minute)
	u.Options.AltCareOf = coa
	h.Home, h.Peer = r.hoa, nil
	h.Binding = r.end.Protect(b.now, ip6.Packet{Header: ip6.Header{Src: coa, Dst: haAddr}}, u, &scratch)
	if e, effects := b.ask(h); e.answer.Code != diameter.ErrorBadHOR || !slices.Equal(drops(effects), []string{"hor-unknown-mobile"}) {
		t.Errorf("%+v, drops %v", e.answer, drops(effects))
	}
}

// No HOR holds an address, or has keys, for longer than MaxAuthorization: 136 years are what 32 bits can say.
//
// spec DM-14
func TestLongestStay(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	h := r.hor(coa)
	h.Lifetime, h.Peer[0].Lifetime = (1<<32-1)*time.Second, (1<<32-1)*time.Second
	e, _ := b.ask(h)
	if e.answer.Code != diameter.Success || e.answer.Peer[0].Lifetime != MaxAuthorization {
		t.Fatalf("%+v", e.answer)
	}
	if g, most := r.guest(), b.now.Mono.Add(MaxAuthorization); g.authorized != most || g.keyed != most {
		t.Errorf("until %v and %v, want %v", g.authorized, g.keyed, most)
	}
}
