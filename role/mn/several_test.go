package mn

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

func multihomed(kind Multihoming) func(*Config) { return func(c *Config) { c.Multihoming = kind } }

// numbers are the identifiers of an update.
func numbers(u sent) (list []uint16) {
	for _, o := range u.Options.Bindings {
		list = append(list, o.ID)
	}
	return list
}

// second binds both accesses, the preferred first, and gives the update that named both.
func (b *bench) second() sent {
	b.t.Helper()
	b.attach(wlan, ar1)
	b.pass(time.Second)
	b.up(wwan)
	u := b.update(b.ra(wwan, ar2))
	b.do(b.ack(u, mh.Accepted, nil))
	return u
}

func (b *bench) way(bid uint16) (plane.Way, bool) {
	w, ok := b.table.Ways[plane.WayKey{Inner: netip.PrefixFrom(hoa, 128), ID: bid}]
	return w, ok
}

// Both accesses are bound as they come, each update names all and replaces what was there, and the address stands in the identifier
// alone (RFC 5648 §5.2, §5.3).
//
// spec MIP-08
func TestBothAreBound(t *testing.T) {
	for _, kind := range []Multihoming{Registered, Bicast} {
		b := newBench(t, multihomed(kind))
		b.up(wlan)
		u := b.update(b.ra(wlan, ar1))
		if !u.Overwrite || u.Options.AltCareOf.IsValid() || !slices.Equal(numbers(u), []uint16{1}) || u.Options.Bindings[0].CareOf != u.Src {
			t.Fatalf("first update: %+v", u.BindingUpdate)
		}
		b.do(b.ack(u, mh.Accepted, nil))
		b.pass(time.Second)
		b.up(wwan)
		u = b.update(b.ra(wwan, ar2))
		if u.port != wlan || !u.Overwrite || !slices.Equal(numbers(u), []uint16{1, 2}) || u.Options.Bindings[1].CareOf != coaOf(prefixB, hw2) {
			t.Fatalf("second update by port %d: %+v", u.port, u.BindingUpdate)
		}
		w, ok := b.way(2)
		if !ok || w.Copy || w.Local != coaOf(prefixB, hw2) || w.Out != wwan {
			t.Errorf("before the answer: %v %v; packets may come by it, copies may not go", ok, w)
		}
		b.do(b.ack(u, mh.Accepted, nil))
		if w, _ := b.way(2); w.Copy != (kind == Bicast) || w.Copy && w.Until <= time.Duration(b.now.Mono) {
			t.Errorf("%s, after the answer: %v", kind, w)
		}
		if p := b.path; p.Local != coaOf(prefixA, hw1) || (p.Dedup > 0) != (kind == Bicast) || p.Settle != 0 || p.Mark {
			t.Errorf("%s: path %v", kind, p)
		}
		b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	}
}

// When the preferred access goes, packets take the other one at once, and the home agent is told by it; when it is back, it leads again.
//
// spec MIP-08 RT-11
func TestAnotherIsReady(t *testing.T) {
	b := newBench(t, multihomed(Registered))
	b.second()
	b.pass(time.Second)
	u := b.update(b.down(wlan))
	if u.port != wwan || !slices.Equal(numbers(u), []uint16{2}) || !u.Overwrite {
		t.Fatalf("update by port %d: %+v", u.port, u.BindingUpdate)
	}
	b.want(plane.Tunnel, coaOf(prefixB, hw2), "registering")
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coaOf(prefixB, hw2), "bound")
	b.pass(time.Second)
	b.up(wlan)
	b.na(wlan, ar1)
	u = b.update(b.ra(wlan, ar1))
	if u.port != wlan || !slices.Equal(numbers(u), []uint16{1, 2}) {
		t.Fatalf("back: update by port %d: %+v", u.port, u.BindingUpdate)
	}
	b.want(plane.Tunnel, coaOf(prefixB, hw2), "registering")
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
}

// The other access goes: the home agent is told, the path stays.
//
// spec MIP-08
func TestTheOtherGoes(t *testing.T) {
	b := newBench(t, multihomed(Bicast))
	b.second()
	b.pass(time.Second)
	u := b.update(b.down(wwan))
	if u.port != wlan || !slices.Equal(numbers(u), []uint16{1}) {
		t.Fatalf("update by port %d: %+v", u.port, u.BindingUpdate)
	}
	if _, ok := b.way(2); ok {
		t.Error("the way by it still stands")
	}
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
}

// The access that stood by while another registers goes as well: packets wait.
//
// spec MIP-08
func TestStandbyGoes(t *testing.T) {
	b := newBench(t, multihomed(Registered))
	b.second()
	b.pass(time.Second)
	b.do(b.ack(b.update(b.down(wlan)), mh.Accepted, nil))
	b.pass(time.Second)
	b.up(wlan)
	b.na(wlan, ar1)
	b.ra(wlan, ar1) // registers, packets go by wwan
	b.down(wwan)
	b.want(plane.Hold, netip.Addr{}, "registering")
}

// The home agent goes silent: what stands by does so until the binding ends.
//
// spec MIP-08
func TestStandbyExpires(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Multihoming, c.Lifetime = Registered, 8*time.Second })
	b.second()
	b.down(wlan)
	for range 5 {
		b.pass(time.Second)
		b.na(wwan, ar2) // the router is there
	}
	b.want(plane.Tunnel, coaOf(prefixB, hw2), "registering")
	for range 5 {
		b.pass(time.Second)
		b.na(wwan, ar2)
	}
	if b.path.Mode != plane.Hold {
		t.Errorf("path %v by a binding that is over", b.path)
	}
}

// What the home agent says of identifiers: none known, none allowed, one refused among others.
//
// spec MIP-08
func TestIdentifiersRefused(t *testing.T) {
	without := func(ba *mh.BindingAck) { ba.Options.Bindings = nil }
	b := newBench(t, multihomed(Bicast))
	b.up(wlan)
	if effects := b.do(b.ack(b.update(b.ra(wlan, ar1)), mh.Accepted, without)); !b.has(effects, engine.EventFellBack) {
		t.Error("an answer without identifiers: nobody is told")
	}
	b.pass(time.Second)
	b.up(wwan)
	if list := b.updates(b.ra(wwan, ar2)); len(list) != 0 {
		t.Errorf("asks again: %+v", list[0].BindingUpdate)
	}
	for _, s := range []mh.Status{mh.MCOAMalformed, mh.MCOANonMCOAExists, mh.MCOAProhibited, mh.MCOAUnknownCoA, mh.MCOABulkProhibited, mh.MCOAHomeAndForeign} {
		b := newBench(t, multihomed(Bicast))
		b.up(wlan)
		effects := b.do(b.ack(b.update(b.ra(wlan, ar1)), s, nil))
		u := b.update(effects)
		if !b.has(effects, engine.EventFellBack) || len(u.Options.Bindings) != 0 || u.Overwrite || u.Options.AltCareOf != u.Src {
			t.Errorf("%v: %+v", s, u.BindingUpdate)
		}
		b.do(b.ack(u, mh.Accepted, nil))
		b.want(plane.Tunnel, u.Src, "bound")
	}
	b = newBench(t, multihomed(Bicast))
	b.attach(wlan, ar1)
	b.pass(time.Second)
	b.up(wwan)
	effects := b.do(b.ack(b.update(b.ra(wwan, ar2)), mh.MCOANotComplete, func(ba *mh.BindingAck) { ba.Options.Bindings[1].Status = mh.InvalidCoA }))
	if u := b.update(effects); !slices.Equal(numbers(u), []uint16{1}) {
		t.Errorf("after one was refused: %+v", u.BindingUpdate)
	}
	if _, ok := b.way(2); ok || !b.has(effects, "care-of-address.refused") {
		t.Errorf("a way %v by what was refused, or nobody told", ok)
	}
}

// Coming home ends all bindings (RFC 5648 §5.5.1): at home and away at once is not asked for.
//
// spec MIP-08
func TestHomeEndsAll(t *testing.T) {
	b := newBench(t, multihomed(Bicast))
	b.attach(wwan, ar2)
	b.pass(time.Second)
	b.up(wlan)
	u := b.update(b.ra(wlan, home))
	if u.Lifetime != 0 || len(u.Options.Bindings) != 0 {
		t.Fatalf("%+v", u.BindingUpdate)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	if len(b.table.Ways) != 0 || b.path.Mode != plane.Direct {
		t.Errorf("at home: %v, ways %v", b.path, b.table.Ways)
	}
}

// Flows name the number of their link, and stand from the start.
//
// spec MIP-08
func TestFlows(t *testing.T) {
	b := newBench(t, func(c *Config) {
		router1(c)
		c.Multihoming, c.Flows = Registered, []Flow{{Link: wwan, Match: plane.Flow{Proto: ip6.ProtoUDP, DstPort: 5060}}}
	})
	if len(b.table.Flows) != 2 {
		t.Fatalf("%v, want one for the home address and one for the network", b.table.Flows)
	}
	for _, f := range b.table.Flows { //order:any
		if f.Way != 2 || f.DstPort != 5060 || f.Src != netPrefix && f.Src != netip.PrefixFrom(hoa, 128) {
			t.Errorf("flow %v", f)
		}
	}
}
