package aaa

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// The table of §9.2.1 as the draft prints it: rows are the home address asked for, columns the home agent asked for.
const printed = `
           HD   VD   NP   none
      HD   PAH  x    x    PH
      VD   x    PAV  x    x
      NP   x    x    PA   P
      none A    x    x    -`

// TestTableIsTheDrafts compares the data with the print: the supported cells, and no others.
func TestTableIsTheDrafts(t *testing.T) { //spec DM-15
	want := map[access.Features]bool{0: true}
	for _, cell := range []string{"PAH", "PH", "PAV", "PA", "P", "A"} {
		f := access.Features(0)
		for _, c := range cell {
			f |= map[rune]access.Features{'P': flagP, 'A': flagA, 'H': flagH, 'V': flagV}[c]
		}
		want[f] = true
	}
	for f := range mobileFlags + 1 {
		if c := Table[f]; c.Supported != want[f] || c.Supported != (c.Text != "") {
			t.Errorf("%s: %+v; the draft:%s", letters(f), c, printed)
		}
	}
}

// outcome is what a combination leads to, as a server does it.
type outcome struct {
	code  diameter.ResultCode
	agent string // home, visited, own; "" for none
	home  string // as asked of the home agent: known, assigned; "" for no HOR
}

// expected is the flag table once more, from the point of view of who asks: written down by hand from §9.2.1, §9.4 and §9.5.
func expected(f access.Features, agent, address Has, available bool) outcome {
	no := outcome{code: diameter.ErrorFeaturesNotSupported}
	known := outcome{home: "known"}
	any := outcome{home: "assigned"}
	if address != Nowhere {
		any = known
	}
	if f&flagP != 0 && address == InRequest || f&flagA != 0 && agent == InRequest {
		return no // has what it asks for
	}
	switch f {
	case 0:
		if agent != InRequest {
			return outcome{code: diameter.Success}
		}
		known.agent = "own"
		return known
	case flagA:
		if address == Nowhere {
			return no
		}
		known.agent = "home"
		return known
	case flagP, flagP | flagH:
		if agent == Nowhere {
			return no
		}
		any.agent = "own"
		return any
	case flagP | flagA, flagP | flagA | flagH:
		any.agent = "home"
		return any
	case flagP | flagA | flagV:
		if any.agent = "home"; available && address == Nowhere {
			any.agent = "visited"
		}
		return any
	}
	return no
}

// TestEveryCombination drives a server through all flags, with and without a home agent and a home address, with and without home
// agents in the visited domain.
func TestEveryCombination(t *testing.T) { //spec DM-12 DM-15 DM-16 DM-17
	for f := range mobileFlags + 1 {
		for agent := Nowhere; agent <= InRequest; agent++ {
			for address := Nowhere; address <= InRequest; address++ {
				for _, available := range []bool{false, true} {
					if agent == InRequest && address != InRequest {
						continue // an update names the home address
					}
					name := fmt.Sprintf("%s, agent %d, address %d, visited %v", letters(f), agent, address, available)
					combination(t, name, f, agent, address, available)
				}
			}
		}
	}
}

func combination(t *testing.T, name string, f access.Features, agent, address Has, available bool) {
	u := ann()
	m := newMobile()
	m.req.Features = f
	if address == InProfile || address == InRequest {
		u.HomeAddress = hoa
	}
	if address == InRequest {
		m.req.HomeAddress = hoa
	}
	if agent == InProfile {
		u.HomeAgent = ha2
	} else if agent == InRequest {
		m.req.Binding = update(coa, ha2, hoa, DefaultSessionTime, 7)
	}
	b := newBench(t, homeConfig(), u)
	before := b.kept()
	a := m.arr()
	if available && f&flagA != 0 && f&flagH == 0 {
		a.Features |= access.VisitedAvailable
	}
	at := b.send(a)
	want := expected(f, agent, address, available)
	if want.home == "" {
		got := b.ara(at)
		if got.Code != want.code || len(b.d.asked) != 0 || want.code != diameter.Success && b.kept() != before {
			t.Errorf("%s: %v (%s), %d HORs; want %v", name, got.Code, got.Message, len(b.d.asked), want.code)
		}
		return
	}
	if len(b.d.asked) != 1 {
		t.Errorf("%s: no HOR, answer %v; want %+v", name, b.d.answers[at], want)
		return
	}
	h := b.agent(func(*mip6aaa.HOA) {})
	got := outcome{agent: "home", home: "known"}
	switch {
	case h.DestinationRealm == netName:
		got.agent = "visited"
	case want.agent == "own" && h.Agent == ha2:
		got.agent = "own"
	}
	if !h.Home.IsValid() {
		got.home = "assigned"
	}
	if got != want {
		t.Errorf("%s: %+v; want %+v", name, got, want)
	}
	b.want(m, at, diameter.Success)
}

// PAV and PA fall back on the other domain; the profile or the agreement may forbid the visited one.
func TestVisitedDomain(t *testing.T) { //spec DM-15 DM-16
	for _, c := range []struct {
		name    string
		flags   access.Features
		with    func(b *bench, u *profile.Profile)
		visited bool
	}{
		{"PAV", flagP | flagA | flagV, func(*bench, *profile.Profile) {}, true},
		{"PA with a pool", flagP | flagA, func(*bench, *profile.Profile) {}, false},
		{"PA without", flagP | flagA, func(b *bench, _ *profile.Profile) { b.s.setDrained(ha1, true); b.s.setDrained(ha2, true) }, true},
		{"a profile without", flagP | flagA | flagV, func(_ *bench, u *profile.Profile) { u.VisitedHomeAgent = false }, false},
		{"addresses from home", flagP | flagA | flagV, func(_ *bench, u *profile.Profile) { u.AddressFrom = profile.FromHome }, false},
		{"no agreement", flagP | flagA | flagV, func(b *bench, _ *profile.Profile) { b.s.cfg.Home.Partners[0].Agents = false }, false},
	} {
		u := ann()
		b := newBench(t, homeConfig(), u)
		c.with(b, u)
		m := newMobile()
		m.req.Features = c.flags
		m.req.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}
		a := m.arr()
		a.Features |= access.VisitedAvailable
		at := b.send(a)
		if h, _ := b.hor(); (h.DestinationRealm == netName) != c.visited || c.visited && (h.Agent.IsValid() || h.Home.IsValid() || h.Binding != nil || h.DestinationHost != "" || len(h.Peer) != 1) {
			t.Errorf("%s: %+v", c.name, h)
		}
		b.wait(TransactionTime)
		b.want(m, at, unable)
	}
	// What AAAv has assigned is told the mobile node; when it asks again, its own update goes there.
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	m.req.Features = flagP | flagA | flagV
	a := m.arr()
	a.Features |= access.VisitedAvailable
	at := b.send(a)
	b.agent(nil)
	got := b.want(m, at, diameter.Success)
	if got.Agent != vha || !vlink.Contains(got.Home) {
		t.Fatalf("%+v", got)
	}
	if v := b.s.View().(View); v.Sessions != 1 || v.Home[0].Used != 0 {
		t.Errorf("%+v", v)
	}
	m.req.Features, m.req.HomeAddress = 0, got.Home
	m.req.Binding = update(coa, vha, got.Home, DefaultSessionTime, 9)
	at = b.send(m.arr())
	if h := b.agent(nil); h.DestinationRealm != netName || h.Agent != vha || h.Binding == nil {
		t.Errorf("%+v", h)
	}
	b.want(m, at, diameter.Success)
	// It refuses; PAV falls back on home.
	m.req = access.Request{NAI: nai, CareOf: coa, LocalChallenge: make([]byte, 16), Features: flagP | flagA | flagV}
	m.session = "ar2;5"
	a = m.arr()
	a.Features |= access.VisitedAvailable
	at = b.send(a)
	b.agent(func(a *mip6aaa.HOA) { a.Code, a.Binding, a.Home, a.Agent = noAgent, nil, netip.Addr{}, netip.Addr{} })
	if h := b.agent(nil); h.Agent != ha1 {
		t.Errorf("%+v", h)
	}
	b.want(m, at, diameter.Success)
}

// The server chooses home addresses if it is told to: of the home agent's prefix, another each time.
func TestAssign(t *testing.T) { //spec DM-17
	cfg := homeConfig()
	cfg.Home.Assign = true
	b := newBench(t, cfg, ann())
	m := newMobile()
	m.req.Features = flagP | flagA
	seen := map[netip.Addr]bool{}
	for range 5 {
		at := b.send(m.arr())
		h := b.agent(nil)
		if !link1.Contains(h.Home) || seen[h.Home] {
			t.Errorf("%v", h.Home)
		}
		seen[h.Home] = true
		if a := b.want(m, at, diameter.Success); a.Home != h.Home {
			t.Errorf("%v, %v", a.Home, h.Home)
		}
	}
}

// A server that is started again still knows whose home agents in other networks its users have, and for how long.
func TestVisitedAgentThroughRestart(t *testing.T) { //spec DM-16
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	m.req.Features = flagP | flagA | flagV
	a := m.arr()
	a.Features |= access.VisitedAvailable
	at := b.send(a)
	b.agent(nil)
	got := b.want(m, at, diameter.Success)
	records := keptSessions(b.out.List)
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	for _, c := range []struct {
		name    string
		records []engine.Record
		later   time.Duration
		known   bool
	}{
		{"its record", records, time.Minute, true},
		{"no record", nil, time.Minute, false},
		{"its time is over", records, 2 * DefaultSessionTime, false},
		{"another's record", []engine.Record{{Bucket: bucketSession, Key: "eve@home.example " + got.Home.String(), Value: records[0].Value}}, time.Minute, false},
		{"no record at all", []engine.Record{{Bucket: bucketSession, Key: records[0].Key, Value: []byte("x")}}, time.Minute, false},
	} {
		again := newBench(t, homeConfig(), ann())
		again.now = b.now
		again.now.Wall = again.now.Wall.Add(c.later)
		again.s.Handle(again.now, engine.Start{Records: c.records}, &again.out)
		n := newMobile()
		n.req.HomeAddress, n.req.Binding = got.Home, update(coa, vha, got.Home, DefaultSessionTime, 9)
		at := again.send(n.arr())
		if !c.known {
			again.want(n, at, unauthorized)
			continue
		}
		if h := again.agent(nil); h.DestinationRealm != netName || h.Agent != vha {
			t.Errorf("%s: %+v", c.name, h)
		}
		again.want(n, at, diameter.Success)
	}
}

// keptSessions is what effects leave in the store of sessions.
func keptSessions(list []engine.Effect) (out []engine.Record) {
	for _, e := range list {
		if p, ok := e.(engine.Persist); ok && p.Bucket == bucketSession {
			out = slices.DeleteFunc(out, func(r engine.Record) bool { return r.Key == p.Key })
			if p.Value != nil {
				out = append(out, engine.Record(p))
			}
		}
	}
	return out
}
