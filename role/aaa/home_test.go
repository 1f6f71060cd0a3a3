package aaa

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

const (
	flagA = access.HomeAgentRequested
	flagP = access.HomeAddressRequested
	flagH = access.OnlyInHomeDomain
	flagV = access.AgentInVisited
)

// Authentication alone: the subscriber is looked up, the network proves itself, the session is counted and ends.
func TestAuthentication(t *testing.T) { //spec DM-05 DM-11
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	a := b.want(m, b.send(m.arr()), diameter.Success)
	if a.Lifetime != DefaultSessionTime || a.User != nai || a.Home.IsValid() || len(a.Keys) != 0 {
		t.Errorf("%+v", a)
	}
	if v := b.s.View().(View); v.Sessions != 1 || v.Waiting != 0 || v.Profiles != 1 {
		t.Errorf("%+v", v)
	}
	if at, why := b.s.Deadline(); at != b.now.Mono.Add(DefaultSessionTime) || why != "end of a session" {
		t.Error(at, why)
	}
	b.wait(DefaultSessionTime)
	if v := b.s.View().(View); v.Sessions != 0 {
		t.Errorf("%+v", v)
	}
}

// A home agent of the pool, a home address of its own, a key from a random number: mobile node and home agent have the same one.
func TestHomeAgentFromPool(t *testing.T) { //spec DM-13 DM-17 DM-19
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	m.req.Features = flagA | flagP
	m.req.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}
	at := b.send(m.arr())
	h := b.agent(nil)
	if h.DestinationHost != "ha1.home.example" || h.Agent != ha1 || h.Home.IsValid() || h.Visited != netName || h.CareOf != coa || h.User != nai || h.Lifetime != DefaultSessionTime {
		t.Errorf("HOR %+v", h)
	}
	p, err := ip6.ParseUnassigned(h.Binding)
	if err != nil || p.Src != coa || p.Dst != ha1 || p.HomeAddress != unspecified {
		t.Errorf("update %+v, %v", p, err)
	}
	u, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if bu, ok := u.(*mh.BindingUpdate); err != nil || !ok || !bu.Home || !bu.Ack || bu.Lifetime != DefaultSessionTime {
		t.Errorf("update %+v, %v", u, err)
	}
	a := b.want(m, at, diameter.Success)
	if a.Home != hoa || a.Agent != ha1 || a.Binding == nil || len(a.Keys) != 1 || a.Keys[0].SPI != 7000 || a.Keys[0].MNSPI != 5000 {
		t.Fatalf("%+v", a)
	}
	k, err := m.key.Session(aaa.HomeAgent, a.Keys[0].Value)
	if err != nil || !bytes.Equal(k.Octets(), h.Peer[0].Material) {
		t.Error("the keys differ")
	}
	if v := b.s.View().(View); v.Sessions != 1 || v.Home[0].Used != 1 {
		t.Errorf("%+v", v)
	}
	b.wait(DefaultSessionTime)
	if v := b.s.View().(View); v.Sessions != 0 || v.Home[0].Used != 0 {
		t.Errorf("%+v", v)
	}
}

// The mobile node's end and the home agent's make a key that the server cannot have: it differs from all it saw, and a server that
// lies about the public value is found out.
func TestDiffieHellman(t *testing.T) { //spec DM-20
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	own, err := aaa.NewPrivate(bytes.Repeat([]byte{0x33}, 32))
	if err != nil {
		t.Fatal(err)
	}
	m.req.Features = flagA | flagP
	m.req.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.DiffieHellman, SPI: 5000, Public: own.Public()}}
	at := b.send(m.arr())
	h := b.agent(nil)
	a := b.want(m, at, diameter.Success)
	d := a.Keys[0]
	if h.Peer[0].Material != nil || !bytes.Equal(h.Peer[0].Public, own.Public()) || !m.key.VerifyVouch(aaa.HomeAgent, m.req.HostChallenge, own.Public(), d.Value, d.SPI, d.MAC) {
		t.Errorf("HOR %+v\nkey %+v", h.Peer[0], d)
	}
	x := aaa.Parties{Use: aaa.HomeAgent, Mobile: aaa.Identity(nai, netip.Addr{}), Visited: netName, MobilePublic: own.Public(), PeerPublic: d.Value}
	mine, err := own.Session(x)
	theirs, err2 := agentPrivate().Session(x)
	if err != nil || err2 != nil || !bytes.Equal(mine.Octets(), theirs.Octets()) {
		t.Fatal("the keys differ")
	}
	for _, raw := range b.d.seen {
		if bytes.Contains(raw, mine.Octets()) {
			t.Error("the key has gone through the server")
		}
	}
}

// Each kind of key with the access router, by its offer.
func TestRouterKey(t *testing.T) { //spec DM-19 DM-20
	for _, method := range []access.Methods{access.Random, access.DiffieHellman} {
		b := newBench(t, homeConfig(), ann())
		m := newMobile()
		own, _ := aaa.NewPrivate(bytes.Repeat([]byte{0x33}, 32))
		m.req.Keys = []access.KeyRequest{{Use: access.AccessRouter, Methods: 3, SPI: 5000, Public: own.Public()}}
		r := m.arr()
		offer := mip6aaa.PeerKey{Use: access.AccessRouter, Method: method, PeerSPI: 6000}
		if method == access.DiffieHellman {
			offer.Public = agentPrivate().Public()
		}
		r.Peer = []mip6aaa.PeerKey{offer}
		a := b.want(m, b.send(r), diameter.Success)
		if len(a.Keys) != 1 || len(a.Peer) != 1 || a.Keys[0].SPI != 6000 || a.Peer[0].MNSPI != 5000 || a.Peer[0].PeerSPI != 6000 {
			t.Fatalf("%+v", a)
		}
		if method == access.Random {
			k, _ := m.key.Session(aaa.AccessRouter, a.Keys[0].Value)
			if !bytes.Equal(k.Octets(), a.Peer[0].Material) {
				t.Error("the keys differ")
			}
		} else if !bytes.Equal(a.Peer[0].Public, own.Public()) || a.Peer[0].Material != nil ||
			!m.key.VerifyVouch(aaa.AccessRouter, m.req.HostChallenge, own.Public(), a.Keys[0].Value, 6000, a.Keys[0].MAC) {
			t.Errorf("%+v", a)
		}
		m.req.Keys[0].SPI++
		if a = b.want(m, b.send(m.arr()), diameter.Success); len(a.Keys) != 0 { // nothing was offered
			t.Errorf("%+v", a)
		}
	}
}

// Every refusal has its result and its reason, and leaves nothing behind.
func TestRefused(t *testing.T) { //spec DM-07 DM-11 DM-12 DM-15
	disabled, short := ann(), ann()
	disabled.NAI, disabled.Enabled = "off@home.example", false
	short.NAI, short.Key = "gpsk@home.example", secret[:16]
	for _, c := range []struct {
		name   string
		code   diameter.ResultCode
		why    string
		proven bool
		with   func(b *bench, m *mobile) peers.Handle
	}{
		{"an unknown user", 4001, "user-unknown", false, func(b *bench, m *mobile) peers.Handle { m.req.NAI = "eve@home.example"; return b.send(m.arr()) }},
		{"another key", 4001, "authentication-wrong", false, func(b *bench, m *mobile) peers.Handle {
			a := m.arr()
			m.sign(bytes.Repeat([]byte{1}, 32))
			a.Auth = m.req.Auth
			return b.send(a)
		}},
		{"a changed care-of address", 4001, "authentication-wrong", false, func(b *bench, m *mobile) peers.Handle { a := m.arr(); a.CareOf = vha; return b.send(a) }},
		{"a changed flag", 4001, "authentication-wrong", false, func(b *bench, m *mobile) peers.Handle { a := m.arr(); a.Features = flagA; return b.send(a) }},
		{"a key that is for EAP", 4001, "key-length", false, func(b *bench, m *mobile) peers.Handle { m.req.NAI = short.NAI; return b.send(m.arr()) }},
		{"a name that is none", 4001, "user-malformed", false, func(b *bench, m *mobile) peers.Handle { m.req.NAI = "ann"; return b.send(m.arr()) }},
		{"one who is switched off", 5003, "subscriber-disabled", true, func(b *bench, m *mobile) peers.Handle { m.req.NAI = disabled.NAI; return b.send(m.arr()) }},
		{"another network", 5003, "visited-network-not-of-peer", false, func(b *bench, m *mobile) peers.Handle { m.network = "bank.example"; return b.send(m.arr()) }},
		{"another peer", 5003, "visited-network-not-of-peer", false, func(b *bench, m *mobile) peers.Handle {
			var w diameter.Builder
			return b.arrive("aaa.evil.example", false, m.arr().Octets(&w))
		}},
		{"an update that names another agent", 5007, "arr-malformed", false, func(b *bench, m *mobile) peers.Handle {
			m.req.Binding = update(coa, ha1, hoa, time.Hour, 1)
			a := m.arr()
			a.Agent = ha2
			return b.send(a)
		}},
		{"an unknown home agent", 5902, "home-agent-not-allowed", true, func(b *bench, m *mobile) peers.Handle {
			b.db[nai].AddressFrom = profile.FromMobile
			m.req.Binding = update(coa, vha, hoa, time.Hour, 1)
			return b.send(m.arr())
		}},
		{"one it may not ask for", 5902, "home-agent-not-allowed", true, func(b *bench, m *mobile) peers.Handle {
			b.db[nai].HomeAddress, b.db[nai].HomeAgents = hoa, []netip.Addr{ha2}
			m.req.Binding = update(coa, ha1, hoa, time.Hour, 1)
			return b.send(m.arr())
		}},
		{"another's home address", 5003, "home-address-not-allowed", true, func(b *bench, m *mobile) peers.Handle {
			m.req.Binding = update(coa, ha1, hoa, time.Hour, 1)
			return b.send(m.arr())
		}},
		{"flags that contradict", 5901, "features-not-supported", true, func(b *bench, m *mobile) peers.Handle { m.req.Features = flagV; return b.send(m.arr()) }},
		{"no open home agent", 3004, "home-agents-away", true, func(b *bench, m *mobile) peers.Handle {
			b.d.closed["ha1.home.example"], b.d.closed["ha2.home.example"] = true, true
			m.req.Features = flagA | flagP
			return b.send(m.arr())
		}},
		{"its own home agent is gone", 4900, "no-home-agent", true, func(b *bench, m *mobile) peers.Handle {
			b.d.closed["ha1.home.example"], b.db[nai].HomeAddress = true, hoa
			m.req.Binding = update(coa, ha1, hoa, time.Hour, 1)
			return b.send(m.arr())
		}},
	} {
		u := ann()
		b := newBench(t, homeConfig(), u, disabled, short)
		before := b.kept()
		m := newMobile()
		h := c.with(b, m)
		a := b.ara(h)
		if a.Code != c.code || b.s.refused[c.why] != 1 || a.Message == "" {
			t.Errorf("%s: %v %q, refused %v; want %v for %s", c.name, a.Code, a.Message, b.s.refused, c.code, c.why)
		}
		if after := b.kept(); after != before {
			t.Errorf("%s:\nbefore %s\nafter  %s", c.name, before, after)
		}
		if ok := a.Auth != nil && m.key.VerifyGreeting(m.exchange, a.Reply().Covered(), a.Auth); ok != c.proven {
			t.Errorf("%s: the network proves itself: %v", c.name, ok)
		}
		if b.s.timers.Len() != 0 || len(b.s.perUser) != 0 {
			t.Errorf("%s: something waits", c.name)
		}
	}
}

// Nobody learns from an answer who is a subscriber.
func TestUnknownUserLooksLikeWrongKey(t *testing.T) {
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	wrong := m.arr()
	wrong.Auth[0] ^= 1
	m.req.NAI = "eve@home.example"
	x, y := b.ara(b.send(wrong)), b.ara(b.send(m.arr()))
	y.User = x.User
	if fmt.Sprint(x) != fmt.Sprint(y) {
		t.Errorf("%+v\n%+v", x, y)
	}
}

func TestReplay(t *testing.T) { //spec DM-05
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	a := m.arr()
	b.want(m, b.send(a), diameter.Success)
	for range 2 {
		if again := b.ara(b.send(a)); again.Code != rejected || again.Auth != nil {
			t.Errorf("%+v", again)
		}
		b.wait(ReplayTime / 3)
	}
	if b.s.refused["challenges-replayed"] != 2 {
		t.Error(b.s.refused)
	}
	b.wait(ReplayTime)
	b.want(m, b.send(a), diameter.Success) // forgotten; no local challenge is fresh for so long
	var r replays
	for i := range 2*MaxReplays + 10 {
		r.fresh(0, [32]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	if len(r.seen) > MaxReplays || cap(r.order) > 4*MaxReplays {
		t.Error(len(r.seen), cap(r.order))
	}
}

// Many requests for one user share a look-up; a profile is kept for a while; a dead database is a transient failure.
func TestLookups(t *testing.T) { //spec DM-11
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	var w diameter.Builder
	var list []peers.Handle
	for i := range MaxPerLookup + 1 {
		m.session = fmt.Sprint("ar1;", i)
		list = append(list, b.arrive(aaav, false, m.arr().Octets(&w)))
	}
	b.want(nil, list[MaxPerLookup], tooBusy)
	if n := b.database(); n != 1 {
		t.Errorf("%d look-ups", n)
	}
	for _, h := range list[:MaxPerLookup] {
		b.want(nil, h, diameter.Success)
	}
	b.send(m.arr())
	b.wait(MaxProfileAge)
	b.arrive(aaav, false, m.arr().Octets(&w))
	if n := b.database(); n != 0 {
		t.Errorf("%d look-ups of a profile that is known", n)
	}
	b.wait(time.Second)
	h := b.arrive(aaav, false, m.arr().Octets(&w))
	q := b.queries()
	if len(q) != 1 || q[0].Key != nai || q[0].Table != "subscriber" {
		t.Fatalf("%+v", q)
	}
	b.wait(LookupTime)
	b.want(nil, h, tooBusy)
	b.s.Handle(b.now, engine.Result{ID: q[0].ID, Value: profile.Encode(ann())}, &b.out) // too late: nothing
	h = b.arrive(aaav, false, m.arr().Octets(&w))
	b.s.Handle(b.now, engine.Result{ID: b.queries()[0].ID, Err: "disk on fire"}, &b.out)
	b.want(nil, h, tooBusy)
	h = b.arrive(aaav, false, m.arr().Octets(&w))
	b.s.Handle(b.now, engine.Result{ID: b.queries()[0].ID, Value: []byte("{}")}, &b.out)
	b.want(nil, h, tooBusy)
	if r := b.s.refused; r["database-timeout"] != 1 || r["database-failed"] != 2 || r["look-up-full"] != 1 {
		t.Error(r)
	}
	for i := range MaxLookups + 5 {
		m.req.NAI = fmt.Sprintf("u%d@home.example", i)
		b.arrive(aaav, false, m.arr().Octets(&w))
	}
	if len(b.s.lookups) != MaxLookups || b.s.refused["lookups-full"] != 5 {
		t.Error(len(b.s.lookups), b.s.refused)
	}
}

func TestProfilesAreBounded(t *testing.T) {
	var c profiles
	first := ann()
	first.Key = bytes.Repeat([]byte{5}, 32)
	c.put(0, "first", first)
	for i := range MaxProfiles {
		c.put(0, fmt.Sprint(i), ann())
	}
	if len(c.by) != MaxProfiles || c.get(0, "first") != nil || !bytes.Equal(first.Key, make([]byte, 32)) {
		t.Error(len(c.by), first.Key)
	}
}

// No home address has an identifier that is reserved: what is drawn is taken but for the bits that say who gave it, and but for zero.
func TestHomeAddressIdentifiers(t *testing.T) {
	for _, c := range [][2][8]byte{
		{{0xff, 1, 2, 3, 4, 5, 6, 7}, {0xfc, 1, 2, 3, 4, 5, 6, 7}},
		{{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80}, {0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80}},
		{{3}, {4}},
		{{}, {4}},
	} {
		want := link1.Addr().As16()
		copy(want[8:], c[1][:])
		if got := identified(link1, c[0]); got != netip.AddrFrom16(want) || ip6.ReservedID(got) {
			t.Errorf("%x: %v", c[0], got)
		}
	}
}

// Who comes is spread by what part of its capacity each home agent has left; one that is drained or gone gets nobody, one that fails is
// followed by another.
func TestPool(t *testing.T) { //spec DM-13
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	m.req.Features = flagA | flagP
	next := 0
	take := func(with func(*mip6aaa.HOA)) *mip6aaa.ARA {
		t.Helper()
		next++
		u := ann()
		u.NAI = fmt.Sprintf("u%d@home.example", next)
		b.db[u.NAI] = u
		m.session, m.req.NAI = fmt.Sprint("ar1;", next), u.NAI
		h := b.send(m.arr())
		b.agent(func(a *mip6aaa.HOA) {
			home := address(b.s.rand, link1)
			a.Home, a.Binding = home, ack(a.Agent, home, 0, 0)
			if with != nil {
				with(a)
			}
		})
		if with != nil {
			b.agent(nil)
		}
		return b.want(m, h, diameter.Success)
	}
	used := func(one, two int) {
		t.Helper()
		if v := b.s.View().(View); v.Home[0].Used != one || v.Home[1].Used != two {
			t.Errorf("%+v", v.Home)
		}
	}
	for range 9 {
		take(nil)
	}
	used(6, 3) // as 10 to 5
	b.s.Handle(b.now, engine.Command{ID: 1, Verb: "drain", Args: map[string]string{"agent": ha1.String()}}, &b.out)
	if a := take(nil); a.Agent != ha2 {
		t.Errorf("%v", a.Agent)
	}
	used(6, 4)
	b.s.Handle(b.now, engine.Command{ID: 2, Verb: "drain", Args: map[string]string{"agent": ha1.String(), "drained": "false"}}, &b.out)
	b.d.closed["ha1.home.example"] = true
	take(nil)
	used(6, 5)
	h := b.send(m.arr()) // ha2 is full, ha1 gone
	b.want(m, h, tooBusy)
	b.d.closed = map[string]bool{}
	take(nil)
	used(7, 5)
	b.wait(DefaultSessionTime)
	used(0, 0)
	if a := take(func(a *mip6aaa.HOA) { a.Code = diameter.UnableToComply }); a.Agent != ha2 {
		t.Errorf("%v", a.Agent)
	}
	used(0, 1)
}

// Whatever a home agent answers that it should not, the other one is asked, and nothing stays.
func TestHomeAgentFails(t *testing.T) { //spec DM-13
	for name, with := range map[string]func(a *mip6aaa.HOA){ //order:any
		"refuses":         func(a *mip6aaa.HOA) { a.Code = diameter.ErrorBadHOR },
		"no BA":           func(a *mip6aaa.HOA) { a.Binding = nil },
		"refuses the BU":  func(a *mip6aaa.HOA) { a.Binding = ack(a.Agent, hoa, 0, mh.InsufficientResources) },
		"another agent":   func(a *mip6aaa.HOA) { a.Agent = vha },
		"another BA":      func(a *mip6aaa.HOA) { a.Binding = ack(vha, hoa, 0, 0) },
		"another address": func(a *mip6aaa.HOA) { a.Home = coa },
		"no key":          func(a *mip6aaa.HOA) { a.Peer = nil },
		"another method":  func(a *mip6aaa.HOA) { a.Peer[0].Method = access.DiffieHellman },
		"not a packet":    func(a *mip6aaa.HOA) { a.Binding = []byte{1} },
	} {
		b := newBench(t, homeConfig(), ann())
		before := b.kept()
		m := newMobile()
		m.req.Features = flagA | flagP
		m.req.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}
		at := b.send(m.arr())
		one := b.agent(with)
		two := b.agent(with)
		if one.Agent != ha1 || two.Agent != ha2 || bytes.Equal(one.Peer[0].Material, two.Peer[0].Material) {
			t.Errorf("%s: asked %v and %v", name, one.Agent, two.Agent)
		}
		b.want(m, at, noAgent)
		if after := b.kept(); after != before || len(b.d.asked) != 0 {
			t.Errorf("%s:\nbefore %s\nafter  %s", name, before, after)
		}
	}
}

// A home agent that is silent ends by the Diameter node's word, or by the registration's own time.
func TestHomeAgentSilent(t *testing.T) {
	b := newBench(t, homeConfig(), ann())
	before := b.kept()
	m := newMobile()
	m.req.Features = flagA | flagP
	at := b.send(m.arr())
	_, x := b.hor()
	b.fact(peers.Unable{Ctx: x.ctx, Code: 3002})
	_, x = b.hor()
	b.wait(TransactionTime)
	b.want(m, at, unable)
	b.fact(peers.Unable{Ctx: x.ctx, Code: 3002}) // too late: nothing
	if after := b.kept(); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

// The update that a mobile node embeds goes to its home agent as it is, and the acknowledgement comes back.
func TestEmbeddedUpdate(t *testing.T) { //spec DM-12 DM-21
	u := ann()
	u.HomeAddress = hoa
	b := newBench(t, homeConfig(), u)
	m := newMobile()
	m.req.Binding = update(coa, ha2, hoa, time.Hour, 77)
	at := b.send(m.arr())
	h := b.agent(nil)
	if !bytes.Equal(h.Binding, m.req.Binding) || h.DestinationHost != "ha2.home.example" || h.Home != hoa {
		t.Errorf("%+v", h)
	}
	a := b.want(m, at, diameter.Success)
	if !bytes.Equal(a.Binding, ack(ha2, hoa, 77, 0)) {
		t.Errorf("%x", a.Binding)
	}
	// A home agent that refuses it says why to the mobile node, and no session is counted for it.
	before := b.kept()
	m.session = "ar2;1"
	m.req.Binding = update(coa, ha1, hoa, time.Hour, 78)
	at = b.send(m.arr())
	b.agent(func(a *mip6aaa.HOA) {
		a.Code, a.Home, a.Binding = diameter.LimitedSuccess, netip.Addr{}, ack(ha1, hoa, 78, mh.SequenceOutOfWindow)
	})
	if a = b.want(m, at, diameter.LimitedSuccess); a.Binding == nil || a.Home.IsValid() {
		t.Errorf("%+v", a)
	}
	if after := b.kept(); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

// A user's sessions are as many as its profile says; one that moves has one.
func TestSessions(t *testing.T) {
	u := ann()
	u.MaxSessions, u.AddressFrom, u.SessionTime = 1, profile.FromMobile, time.Minute
	b := newBench(t, homeConfig(), u)
	m := newMobile()
	m.req.HomeAddress = hoa
	for i := range 3 {
		m.session = fmt.Sprint("ar;", i)
		m.req.Binding = update(coa, ha1, hoa, time.Hour, uint16(i))
		at := b.send(m.arr())
		b.agent(nil)
		if a := b.want(m, at, diameter.Success); a.Lifetime != time.Minute {
			t.Error(a.Lifetime)
		}
	}
	if v := b.s.View().(View); v.Sessions != 1 || v.Home[0].Used != 1 {
		t.Errorf("%+v", v)
	}
	m.session, m.req.HomeAddress, m.req.Binding = "other;1", netip.Addr{}, nil
	b.want(m, b.send(m.arr()), unauthorized)
	if b.s.refused["sessions-full"] != 1 {
		t.Error(b.s.refused)
	}
	b.wait(time.Minute)
	b.want(m, b.send(m.arr()), diameter.Success)
}

func TestCommands(t *testing.T) {
	b := newBench(t, homeConfig(), ann())
	b.s.Handle(b.now, engine.Start{Records: []engine.Record{{Bucket: bucketDrained, Key: ha2.String(), Value: []byte{1}}, {Bucket: bucketDrained, Key: "gone"}}}, &b.out)
	if v := b.s.View().(View); v.Home[0].Drained || !v.Home[1].Drained {
		t.Errorf("%+v", v.Home)
	}
	for _, c := range []struct {
		verb, agent, drained, err string
		persists                  int
	}{
		{"drain", ha1.String(), "", "", 1}, {"drain", ha1.String(), "false", "", 1}, {"view", "", "", "", 0},
		{"drain", coa.String(), "", "it has " + ha1.String() + " (ha1.home.example), " + ha2.String() + " (ha2.home.example)", 0}, {"drain", "x", "", "agent=\"x\": the address of a home agent of this server", 0},
		{"drain", ha1.String(), "maybe", "true or false", 0},
		{"dance", "", "", "view, drain", 0},
	} {
		b.out.Reset()
		b.s.Handle(b.now, engine.Command{ID: 3, Verb: c.verb, Args: map[string]string{"agent": c.agent, "drained": c.drained}}, &b.out)
		n := 0
		var reply engine.Reply
		for _, e := range b.out.List {
			switch e := e.(type) {
			case engine.Persist:
				n++
			case engine.Reply:
				reply = e
			}
		}
		if n != c.persists || (reply.Err == "") != (c.err == "") || !strings.Contains(reply.Err, c.err) || reply.ID != 3 {
			t.Errorf("%+v: %d persists, %+v", c, n, reply)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for want, with := range map[string]func(c *Config){ //order:any
		"neither home nor visited": func(c *Config) { c.Home = nil },
		"is there twice":           func(c *Config) { c.Home.Pool[1].Address = ha1 },
		"prefix of its home link":  func(c *Config) { c.Home.Pool[0].Prefix = vlink },
		"1 or more":                func(c *Config) { c.Home.Pool[0].Capacity = 0 },
		"at least one peer":        func(c *Config) { c.Home.Partners[0].Hosts = nil },
		"network identifier":       func(c *Config) { c.Visited = &Visited{} },
		"agreement with realm":     func(c *Config) { c.Visited = &Visited{Network: "x", Agreements: []Agreement{{Realm: "y"}}} },
		"session time":             func(c *Config) { c.Home.SessionTime = -1 },
	} {
		c := homeConfig()
		with(&c)
		if _, err := New(c, [32]byte{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
