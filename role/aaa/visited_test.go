package aaa

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
)

const (
	client = "ar1.visited.example"
	aaah   = "aaa.home.example"
)

var vha2 = netip.MustParseAddr("2001:db8:a:9::2")

func visitedConfig() Config {
	return Config{Peers: peers.Config{Host: aaav, Realm: netName}, Visited: &Visited{Network: netName, Clients: []string{client},
		Agreements: []Agreement{{Realm: homeRealm, Hosts: []string{aaah}, Agents: true}, {Realm: "poor.example", Hosts: []string{"aaa.poor.example"}}},
		Pool:       []Agent{{vha, "ha1.visited.example", vlink, 10, false}, {vha2, "ha2.visited.example", vlink, 10, false}}}}
}

// through hands the visited server an ARR of a client.
func (b *bench) through(from string, a *mip6aaa.ARR) peers.Handle {
	var w diameter.Builder
	return b.arrive(from, true, a.Octets(&w))
}

// AAAv sends on what its clients send, and says whether it has home agents: the draft's rule for every combination of flags, whatever the
// client claims.
func TestAvailable(t *testing.T) { //spec DM-10 DM-16
	for f := range 2 * (mobileFlags + 1) {
		for _, c := range []struct {
			realm string
			full  bool
			can   bool
		}{{homeRealm, false, true}, {homeRealm, true, false}, {"poor.example", false, false}} {
			b := newBench(t, visitedConfig())
			if c.full {
				b.d.closed["ha1.visited.example"], b.d.closed["ha2.visited.example"] = true, true
			}
			m := newMobile()
			a := m.arr()
			a.Features, a.DestinationRealm = f, c.realm
			h := b.through(client, a)
			on, ok := b.d.passed[h]
			if !ok {
				t.Fatalf("%v is not sent on: %v", f, b.s.refused)
			}
			got, err := mip6aaa.ParseARR(on)
			want := f &^ access.VisitedAvailable
			if c.can && f&flagA != 0 && f&flagH == 0 {
				want |= access.VisitedAvailable
			}
			if err != nil || got.Features != want {
				t.Errorf("%v to %+v: %v, %v; want %v", f, c, got, err, want)
			}
			if got.Features = a.Features; fmt.Sprint(got) != fmt.Sprint(a) {
				t.Errorf("changed on the way:\n%+v\n%+v", got, a)
			}
		}
	}
}

// What comes back goes to the client as it is, and AAAv keeps nothing of it.
func TestReturned(t *testing.T) { //spec DM-10
	b := newBench(t, visitedConfig())
	before := b.kept()
	h := b.through(client, newMobile().arr())
	var w diameter.Builder
	m := b.d.copy((&mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.Success}}).Octets(&w, b.d.passed[h], aaah, homeRealm))
	b.fact(peers.Passed{Handle: h, Message: m})
	if !bytes.Equal(b.d.returned[h], m.Raw) || b.kept() != before {
		t.Errorf("%x", b.d.returned[h])
	}
}

func TestVisitedRefuses(t *testing.T) { //spec DM-10 DM-16
	hor := func(with func(h *mip6aaa.HOR)) func(b *bench) peers.Handle {
		return func(b *bench) peers.Handle {
			h := wantsAgent()
			with(h)
			return b.wants(aaah, h)
		}
	}
	for _, c := range []struct {
		why  string
		code diameter.ResultCode
		with func(b *bench) peers.Handle
	}{
		{"client-unknown", unauthorized, func(b *bench) peers.Handle { return b.through("ar9.visited.example", newMobile().arr()) }},
		{"visited-network-wrong", unauthorized, func(b *bench) peers.Handle {
			m := newMobile()
			m.network = "bank.example"
			return b.through(client, m.arr())
		}},
		{"realm-without-agreement", diameter.RealmNotServed, func(b *bench) peers.Handle {
			a := newMobile().arr()
			a.DestinationRealm = "far.example"
			return b.through(client, a)
		}},
		{"arr-malformed", diameter.MissingAVP, func(b *bench) peers.Handle {
			a := newMobile().arr()
			a.CareOf = netip.Addr{}
			return b.through(client, a)
		}},
		{"client-unknown", unauthorized, func(b *bench) peers.Handle {
			var w diameter.Builder
			return b.arrive("ar9.visited.example", true, acr().Octets(&w))
		}},
		{"hor-without-agreement", unauthorized, func(b *bench) peers.Handle { return b.wants("aaa.evil.example", wantsAgent()) }},
		{"hor-without-agreement", unauthorized, hor(func(h *mip6aaa.HOR) { h.OriginRealm = "poor.example" })},
		{"hor-without-agreement", unauthorized, hor(func(h *mip6aaa.HOR) { h.OriginRealm = "far.example" })},
		{"hor-incomplete", diameter.ErrorBadHOR, hor(func(h *mip6aaa.HOR) { h.CareOf = netip.Addr{} })},
		{"hor-incomplete", diameter.ErrorBadHOR, hor(func(h *mip6aaa.HOR) { h.Lifetime = 0 })},
		{"hor-incomplete", diameter.ErrorBadHOR, hor(func(h *mip6aaa.HOR) { h.User = "" })},
		{"hor-incomplete", diameter.ErrorBadHOR, hor(func(h *mip6aaa.HOR) { h.Agent = vha })},
		{"hor-malformed", diameter.InvalidAVPValue, hor(func(h *mip6aaa.HOR) { h.CareOf = ip6.AllNodes })},
		{"hor-contradicts", diameter.ErrorBadHOR, hor(func(h *mip6aaa.HOR) { h.Agent, h.Binding = vha, update(coa, vha2, hoa, time.Hour, 1) })},
		{"home-agent-not-allowed", diameter.ErrorHomeAgentNotAllowed, hor(func(h *mip6aaa.HOR) { h.Agent, h.Binding = ha1, update(coa, ha1, hoa, time.Hour, 1) })},
		{"no-home-agent", noAgent, func(b *bench) peers.Handle {
			b.d.closed["ha1.visited.example"], b.d.closed["ha2.visited.example"] = true, true
			return b.wants(aaah, wantsAgent())
		}},
		{"command-unsupported", diameter.CommandUnsupported, func(b *bench) peers.Handle {
			var w diameter.Builder
			return b.arrive(client, false, newMobile().arr().Octets(&w))
		}},
	} {
		b := newBench(t, visitedConfig())
		before := b.kept()
		h := c.with(b)
		m, ok := b.d.answers[h]
		a, found := m.Find(diameter.ResultCodeAVP)
		code, _ := a.Uint32()
		if !ok || !found || diameter.ResultCode(code) != c.code || b.s.refused[c.why] != 1 || len(b.d.passed) != 0 || len(b.d.asked) != 0 {
			t.Errorf("%s: %d, refused %v, %d sent on; want %v", c.why, code, b.s.refused, len(b.d.passed)+len(b.d.asked), c.code)
		}
		if after := b.kept(); after != before || b.s.timers.Len() != 0 {
			t.Errorf("%s:\nbefore %s\nafter  %s", c.why, before, after)
		}
	}
}

// wantsAgent is the HOR of a home server for a user who visits.
func wantsAgent() *mip6aaa.HOR {
	return &mip6aaa.HOR{Route: mip6aaa.Route{Session: "ar1;1", OriginHost: aaah, OriginRealm: homeRealm, DestinationRealm: netName}, User: nai, Visited: netName,
		CareOf: coa, Lifetime: time.Hour, Features: flagP | flagA | flagV | access.VisitedAvailable,
		Peer: []mip6aaa.PeerKey{{Use: access.HomeAgent, Method: access.Random, MNSPI: 5000, Lifetime: time.Hour, Algorithm: access.AESGCM, Material: bytes.Repeat([]byte{0x5e}, 32)}}}
}

func (b *bench) wants(from string, h *mip6aaa.HOR) peers.Handle {
	var w diameter.Builder
	return b.arrive(from, false, h.Octets(&w))
}

func (b *bench) hoaOf(h peers.Handle) *mip6aaa.HOA {
	b.t.Helper()
	m, ok := b.d.answers[h]
	if !ok {
		b.t.Fatal("no answer")
	}
	a, err := mip6aaa.ParseHOA(m)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// A home agent in the visited domain: AAAv chooses it, makes the update, hands it the key, and tells the home server what became of it.
func TestVisitedHomeAgent(t *testing.T) { //spec DM-16 DM-17
	for _, assign := range []bool{false, true} {
		cfg := visitedConfig()
		cfg.Visited.Assign = assign
		b := newBench(t, cfg)
		at := b.wants(aaah, wantsAgent())
		h := b.agent(nil)
		want := wantsAgent()
		if h.DestinationHost != "ha1.visited.example" || h.DestinationRealm != netName || h.OriginHost != aaav || h.Agent != vha || h.Home.IsValid() != assign ||
			h.Session != want.Session || h.User != nai || h.Visited != netName || h.Lifetime != time.Hour || !bytes.Equal(h.Peer[0].Material, want.Peer[0].Material) {
			t.Errorf("%+v", h)
		}
		p, err := ip6.ParseUnassigned(h.Binding)
		if err != nil || p.Src != coa || p.Dst != vha || vlink.Contains(p.HomeAddress) != assign {
			t.Errorf("%+v, %v", p, err)
		}
		a := b.hoaOf(at)
		if a.Code != diameter.Success || a.Agent != vha || !a.Home.IsValid() || a.Binding == nil || len(a.Peer) != 1 || a.Peer[0].PeerSPI != 7000 {
			t.Errorf("%+v", a)
		}
		if v := b.s.View().(View); v.Visited[0].Used != 1 || v.Waiting != 0 {
			t.Errorf("%+v", v)
		}
		// Its own update goes to the same home agent, and is no second session.
		again := wantsAgent()
		again.Agent, again.Home, again.Binding, again.Peer = vha, a.Home, update(coa, vha, a.Home, time.Hour, 9), nil
		at = b.wants(aaah, again)
		if h := b.agent(nil); !bytes.Equal(h.Binding, again.Binding) || h.DestinationHost != "ha1.visited.example" || h.Home != a.Home {
			t.Errorf("%+v", h)
		}
		if a := b.hoaOf(at); a.Code != diameter.Success || a.Home != again.Home {
			t.Errorf("%+v", a)
		}
		if v := b.s.View().(View); v.Visited[0].Used != 1 {
			t.Errorf("%+v", v)
		}
		b.wait(time.Hour)
		if v := b.s.View().(View); v.Visited[0].Used != 0 {
			t.Errorf("%+v", v)
		}
	}
}

// A visited home agent that fails is followed by one other, with the same key; then there is none.
func TestVisitedHomeAgentFails(t *testing.T) { //spec DM-16
	b := newBench(t, visitedConfig())
	before := b.kept()
	at := b.wants(aaah, wantsAgent())
	one := b.agent(func(a *mip6aaa.HOA) { a.Code = diameter.ErrorBadHOR })
	two, x := b.hor()
	if one.Agent != vha || two.Agent != vha2 || !bytes.Equal(one.Peer[0].Material, two.Peer[0].Material) {
		t.Errorf("%+v\n%+v", one, two)
	}
	b.fact(peers.Unable{Ctx: x.ctx, Code: 3002})
	if a := b.hoaOf(at); a.Code != noAgent || a.Message == "" {
		t.Errorf("%+v", a)
	}
	at = b.wants(aaah, wantsAgent())
	b.hor()
	b.wait(TransactionTime)
	if a := b.hoaOf(at); a.Code != noAgent {
		t.Errorf("%+v", a)
	}
	own := wantsAgent()
	own.Agent, own.Binding = vha, update(coa, vha, hoa, time.Hour, 9)
	at = b.wants(aaah, own)
	b.agent(func(a *mip6aaa.HOA) { a.Code = diameter.ErrorBadHOR })
	if a := b.hoaOf(at); a.Code != noAgent || len(b.d.asked) != 0 { // its own has no other
		t.Errorf("%+v", a)
	}
	if after := b.kept(); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

// A user gets the same home address each time, another one after a refusal, on another link and with another secret; none is reserved.
func TestSteadyAddress(t *testing.T) { //spec DM-17
	secret, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	a := steady(secret, link1, "mn@home.example", 0)
	if a != steady(secret, link1, "mn@home.example", 0) || !link1.Contains(a) || a.As16()[8]&3 != 0 {
		t.Errorf("%v", a)
	}
	seen := map[netip.Addr]bool{a: true}
	for _, b := range []netip.Addr{steady(secret, link1, "mn2@home.example", 0), steady(secret, link1, "mn@home.example", 1),
		steady(other, link1, "mn@home.example", 0), steady(secret, netip.MustParsePrefix("2001:db8:ffff:9::/64"), "mn@home.example", 0)} {
		if seen[b] {
			t.Errorf("%v again", b)
		}
		seen[b] = true
	}
	s := &Server{rand: engine.NewRand([32]byte{})}
	drawn := s.assigns(nil, link1, "mn@home.example", 0)
	if s.assigns(secret, link1, "mn@home.example", 0) != a || drawn == s.assigns(nil, link1, "mn@home.example", 0) {
		t.Error("a secret is not heeded, or heeded where there is none")
	}
}
