package aaa

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
)

const mallory = "aaa.evil.example"

// outsider is another operator's server, a peer of the server at an address, which sends whatever it likes.
func (w *world) outsider(server string, at netip.AddrPort) *member {
	w.t.Helper()
	node, err := peers.New(peers.Config{Host: mallory, Realm: "evil.example", Apps: []peers.App{{ID: diameter.AppMobileIPv6AAA}, {ID: diameter.AppMobileIPv6AAA, Acct: true}},
		Peers: []peers.Peer{{Host: server, At: at}}, Routes: []peers.Route{{Realm: "*", Via: []string{server}}}}, engine.NewRand([32]byte{6}))
	if err != nil {
		w.t.Fatal(err)
	}
	m := w.add(&router{node, map[uint64]diameter.Message{}})
	w.give(m, engine.Start{})
	w.run()
	w.sleep(time.Second)
	return m
}

// A HOR gives a home agent's guest new keys and another place. A home agent believes its server, a visited server the home server; so neither
// lends its name to a HOR of anybody else: of another operator, of an access router.
func TestHORsAreNotSentOn(t *testing.T) { //spec DM-11 DM-16 DM-23
	at := map[string]netip.AddrPort{aaah: netip.MustParseAddrPort("[2001:db8:1::a]:3868"), aaav: netip.MustParseAddrPort("[2001:db8:a::a]:3868")}
	for _, c := range []struct {
		what, server, realm, host string
		victim                    int // who would be deceived
	}{
		{"to the home agent at home by name", aaah, homeRealm, "ha1.home.example", 2},
		{"to the visited server, as the home server's", aaah, netName, "", 1},
		{"to the visited server by name", aaah, homeRealm, aaav, 1},
		{"to the visited home agent by name", aaav, netName, "ha1.visited.example", 3},
		{"to the home server, as the visited server's", aaav, homeRealm, "", 0},
		{"to the home server by name", aaav, netName, aaah, 0},
	} {
		w, ar := roam(t, func(home, visited *Config) {
			home.Home.Partners = append(home.Home.Partners, Partner{Network: "evil.example", Hosts: []string{mallory}})
			home.Peers.Peers = append(home.Peers.Peers, peers.Peer{Host: mallory, Realm: "evil.example"})
			visited.Peers.Peers = append(visited.Peers.Peers, peers.Peer{Host: mallory, Realm: "evil.example"})
		})
		m := newMobile()
		m.req.Features, m.req.Keys = flagP|flagA|flagV, []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}
		if a := w.register(m, ar); a.Code != diameter.Success || a.Agent != vha {
			t.Fatalf("%+v", a)
		}
		h := wantsAgent()
		h.DestinationRealm, h.DestinationHost = c.realm, c.host
		h.CareOf = netip.MustParseAddr("2001:db8:bad::1")
		if c.victim == 2 || c.victim == 3 {
			h.Agent = map[int]netip.Addr{2: ha1, 3: vha}[c.victim]
			h.Binding = update(h.CareOf, h.Agent, netip.Addr{}, time.Hour, 9)
		}
		var b diameter.Builder
		out := w.outsider(c.server, at[c.server])
		before := w.nodes[c.victim].drops["command-unsupported"]
		code := resultOf(t, w.request(out, h.Octets(&b)))
		if code != diameter.UnableToDeliver && code != diameter.RealmNotServed && code != unauthorized || w.nodes[c.victim].drops["command-unsupported"] != before {
			t.Errorf("%s: %v, drops %v", c.what, code, w.nodes[c.victim].drops)
		}
	}
}

func resultOf(t *testing.T, m diameter.Message) diameter.ResultCode {
	t.Helper()
	a, ok := m.Find(diameter.ResultCodeAVP)
	code, err := a.Uint32()
	if !ok || err != nil {
		t.Fatal("no result")
	}
	return diameter.ResultCode(code)
}

// A home server speaks for the users of its own realm alone: the home agent here may have a guest of another one by the name in the HOR.
func TestHORForUserOfAnotherRealm(t *testing.T) { //spec DM-16
	for _, user := range []string{"victim@other.example", "victim", "home.example", "a@b@" + homeRealm} {
		b := newBench(t, visitedConfig())
		h := wantsAgent()
		h.User = user
		at := b.wants(aaah, h)
		if a := b.hoaOf(at); a.Code == diameter.Success || len(b.d.asked) != 0 || len(b.s.assignments) != 0 {
			t.Errorf("%s: %v, %d HORs", user, a.Code, len(b.d.asked))
		}
	}
	// Without a name the home address would be one, of anybody's guest.
	b := newBench(t, visitedConfig())
	h := wantsAgent()
	h.User, h.Home, h.Agent, h.Binding = "", hoa, vha, update(coa, vha, hoa, time.Hour, 1)
	if a := b.hoaOf(b.wants(aaah, h)); a.Code != diameter.ErrorBadHOR || len(b.d.asked) != 0 {
		t.Errorf("%v", a.Code)
	}
}

// A visited server cannot assign an address of the home network, and so make its user the owner of somebody's home address there.
func TestVisitedServerAssignsHomeAddressOfOurs(t *testing.T) { //spec DM-13 DM-16
	victim := netip.MustParseAddr("2001:db8:1::200")
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	m.req.Features = flagP | flagA | flagV
	a := m.arr()
	a.Features |= access.VisitedAvailable
	h := b.send(a)
	b.agent(func(a *mip6aaa.HOA) { a.Home, a.Binding = victim, ack(vha, victim, 0, 0) })
	if b.s.sessions.find(nai, victim) != nil {
		t.Error("the home address is the user's now")
	}
	b.agent(nil) // at home instead
	b.want(m, h, diameter.Success)
	// Nor has its home agent an address of one of ours.
	h = b.send(again(m, a.Features))
	b.agent(func(a *mip6aaa.HOA) { a.Agent, a.Binding = ha1, ack(ha1, a.Home, 0, 0) })
	b.agent(nil)
	b.want(m, h, diameter.Success)
	if x := b.s.sessions.find(nai, hoa); x == nil || x.network != "" {
		t.Errorf("%+v", x)
	}
}

func again(m *mobile, f access.Features) *mip6aaa.ARR {
	a := m.arr()
	a.Features = f
	return a
}

// A home agent that chooses the home address chooses one of its link.
func TestHomeAgentAssignsForeignAddress(t *testing.T) { //spec DM-13 DM-17
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	m.req.Features = flagP | flagA | flagH
	h := b.send(m.arr())
	for range 2 {
		b.agent(func(a *mip6aaa.HOA) {
			a.Home = netip.MustParseAddr("2001:db8:77::1")
			a.Binding = ack(a.Agent, a.Home, 0, 0)
		})
	}
	b.want(m, h, noAgent)
	if b.s.refused["hoa-contradicts"] != 2 || len(b.s.sessions.byKey) != 0 {
		t.Errorf("%v, %d sessions", b.s.refused, len(b.s.sessions.byKey))
	}
}

// Requests at the same time do not add up to more sessions than the subscriber may have.
func TestSessionsAtTheSameTime(t *testing.T) { //spec DM-11
	u := ann()
	u.MaxSessions = 1
	b := newBench(t, homeConfig(), u)
	var handles []peers.Handle
	for i := range 3 {
		m := newMobile()
		m.session, m.drawn, m.req.Features = "ar1;"+string(rune('1'+i)), byte(16*i), flagP|flagA|flagH
		handles = append(handles, b.send(m.arr()))
	}
	for i := len(b.d.asked); i > 0; i-- {
		b.agent(func(a *mip6aaa.HOA) {
			a.Home = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, 15: byte(i)})
			a.Binding = ack(a.Agent, a.Home, 0, 0)
		})
	}
	ok := 0
	for _, h := range handles {
		if b.ara(h).Code == diameter.Success {
			ok++
		}
	}
	if ok != 1 || len(b.s.sessions.byKey) != 1 {
		t.Errorf("%d granted, %d sessions; 1 allowed", ok, len(b.s.sessions.byKey))
	}
}

// A home agent keeps one home address of a user: so one user's sessions with it are one, however often it asks for another, and
// cannot use up its capacity.
func TestOneSessionWithAHomeAgent(t *testing.T) { //spec DM-13
	cfg := homeConfig()
	cfg.Home.Assign = true // without a secret: each time another
	b := newBench(t, cfg, ann())
	for i := range 20 {
		m := newMobile()
		m.session, m.drawn, m.req.Features = "ar1;"+string(rune('a'+i)), byte(i), flagP|flagA|flagH
		h := b.send(m.arr())
		b.agent(nil)
		b.want(m, h, diameter.Success)
	}
	if v := b.s.View().(View); v.Home[0].Used > 1 || v.Home[1].Used > 1 || v.Sessions > 2 {
		t.Errorf("%+v", v)
	}
	for v, i := visitedConfig(), 0; i < 2; i++ {
		v.Visited.Assign = true
		b := newBench(t, v)
		for range 20 {
			h := wantsAgent()
			h.User, h.Session = nai, h.Session+"x"
			at := b.wants(aaah, h)
			b.agent(nil)
			if a := b.hoaOf(at); a.Code != diameter.Success {
				t.Fatalf("%v", a.Code)
			}
		}
		if v := b.s.View().(View); v.Visited[0].Used > 1 || v.Visited[1].Used > 1 {
			t.Errorf("%+v", v)
		}
	}
}

// One spelling of a name is as good as another: to the home agent, and for the address that a user always gets, there is one user.
func TestSpellingsOfAUser(t *testing.T) { //spec DM-07 DM-17
	cfg := homeConfig()
	cfg.Home.Assign, cfg.Home.Secret = true, secret
	b := newBench(t, cfg, ann())
	seen := map[netip.Addr]bool{}
	for i, name := range []string{nai, "ann@HOME.example", "ann@Home.Example"} {
		m := newMobile()
		m.req.NAI, m.drawn, m.req.Features = name, byte(16*i), flagP|flagA|flagH
		h := b.send(m.arr())
		got := b.agent(nil)
		b.want(m, h, diameter.Success)
		seen[got.Home] = true
	}
	if len(seen) != 1 {
		t.Errorf("home addresses %v", seen)
	}
}

// Who has no key cannot keep a subscriber out: requests in its name that prove nothing do not count as its own.
func TestForgersDoNotUseUpAUser(t *testing.T) { //spec DM-11
	b := newBench(t, homeConfig(), ann())
	var w diameter.Builder
	for i := range 2 * MaxPerUser {
		m := newMobile()
		m.drawn = byte(i)
		a := m.arr()
		a.Auth = make([]byte, access.AuthLen)
		b.arrive(aaav, false, a.Octets(&w))
	}
	m := newMobile()
	m.drawn = 99
	h := b.arrive(aaav, false, m.arr().Octets(&w))
	if n := b.database(); n != 1 {
		t.Errorf("%d look-ups", n)
	}
	b.want(m, h, diameter.Success)
}

// A user has MaxPerUser requests under way at most; those of others go on.
func TestRequestsOfOneUser(t *testing.T) { //spec DM-11
	eve := ann()
	eve.NAI = "eve@home.example"
	b := newBench(t, homeConfig(), ann(), eve)
	m := newMobile()
	m.req.Features = flagP | flagA | flagH
	var last peers.Handle
	for range MaxPerUser + 1 {
		last = b.send(m.arr())
	}
	b.want(m, last, tooBusy)
	if b.s.refused["registrations-of-user"] != 1 || len(b.d.asked) != MaxPerUser {
		t.Errorf("%v, %d HORs", b.s.refused, len(b.d.asked))
	}
	other := newMobile()
	other.req.NAI, other.req.Features = eve.NAI, m.req.Features
	h := b.send(other.arr())
	b.agent(nil)
	b.want(other, h, diameter.Success)
	for range MaxPerUser {
		b.agent(nil)
	}
	h = b.send(m.arr())
	b.agent(nil)
	b.want(m, h, diameter.Success)
	if len(b.s.perUser) != 0 {
		t.Errorf("%v stays", b.s.perUser)
	}
}

// A home agent's answer that is about another home address, agent or place than was asked for is none: for it would be passed to the mobile node
// with the home network's word for it.
func TestHOAContradicts(t *testing.T) { //spec DM-13
	fixed := ann()
	fixed.HomeAddress = hoa
	other := netip.MustParseAddr("2001:db8:1::101")
	for name, with := range map[string]func(*mip6aaa.HOA){ //order:any
		"another home address": func(a *mip6aaa.HOA) { a.Home, a.Binding = other, ack(a.Agent, other, 0, 0) },
		"another home agent":   func(a *mip6aaa.HOA) { a.Agent, a.Binding = vha, ack(vha, a.Home, 0, 0) },
		"another care-of address": func(a *mip6aaa.HOA) {
			p, _ := ip6.Parse(a.Binding)
			p.Dst = vha
			a.Binding = p.Append(nil)
		},
		"AVP and packet of two home addresses": func(a *mip6aaa.HOA) { a.Home = other },
		"AVP and packet of two home agents":    func(a *mip6aaa.HOA) { a.Agent = vha },
		"ESP that nobody asked for": func(a *mip6aaa.HOA) {
			p, _ := ip6.Parse(a.Binding)
			p.Proto, p.Payload = ip6.ProtoESP, make([]byte, 40)
			a.Binding = p.Append(nil)
		},
	} {
		b := newBench(t, homeConfig(), fixed)
		m := newMobile()
		m.req.Features = flagA | flagP | flagH
		h := b.send(m.arr())
		b.agent(with)
		b.agent(with)
		b.want(m, h, noAgent)
		if b.s.refused["hoa-contradicts"] != 2 || len(b.s.sessions.byKey) != 0 {
			t.Errorf("%s: %v, %d sessions", name, b.s.refused, len(b.s.sessions.byKey))
		}
	}
}

// Who has a home agent in a visited network may name that one, and no other there.
func TestForeignAgentOfAnother(t *testing.T) { //spec DM-12 DM-16
	b := newBench(t, homeConfig(), ann())
	m := newMobile()
	m.req.Features = flagP | flagA | flagV
	a := m.arr()
	a.Features |= access.VisitedAvailable
	h := b.send(a)
	b.agent(nil)
	home := b.want(m, h, diameter.Success).Home
	m.req.Features, m.req.HomeAddress = 0, home
	m.req.Binding = update(coa, vha2, home, time.Hour, 1)
	b.want(m, b.send(m.arr()), diameter.ErrorHomeAgentNotAllowed)
	m.req.Binding = update(coa, vha, home, time.Hour, 2)
	h = b.send(m.arr())
	b.agent(nil)
	b.want(m, h, diameter.Success)
}

// Who may propose a home address may not propose one where it has a fixed one; and our own AAA clients speak for our own network alone.
func TestNotItsOwn(t *testing.T) { //spec DM-11 DM-17
	u := ann()
	u.AddressFrom, u.HomeAddress = profile.FromMobile, hoa
	b := newBench(t, homeConfig(), u)
	m := newMobile()
	m.req.HomeAddress = netip.MustParseAddr("2001:db8:1::101")
	b.want(m, b.send(m.arr()), unauthorized)

	cfg := homeConfig()
	cfg.Visited = &Visited{Network: homeRealm, Clients: []string{"ar1.home.example"}}
	b = newBench(t, cfg, ann())
	var w diameter.Builder
	b.want(nil, b.arrive("ar1.home.example", false, newMobile().arr().Octets(&w)), unauthorized)
}

// What a home server may not ask of a visited one, each by itself.
func TestHORBounds(t *testing.T) { //spec DM-16
	for name, c := range map[string]struct { //order:any
		from string
		with func(*mip6aaa.HOR)
		why  string
	}{
		"a realm whose users may have no home agents here": {"aaa.poor.example", func(h *mip6aaa.HOR) { h.OriginRealm, h.User = "poor.example", "ann@poor.example" }, "hor-without-agreement"},
		"for ever": {aaah, func(h *mip6aaa.HOR) { h.Lifetime = MaxSessionTime + time.Second }, "hor-incomplete"},
		"an update from another place": {aaah, func(h *mip6aaa.HOR) {
			h.Agent, h.Binding = vha, update(netip.MustParseAddr("2001:db8:bad::1"), vha, hoa, time.Hour, 1)
		}, "hor-contradicts"},
	} {
		b := newBench(t, visitedConfig())
		h := wantsAgent()
		c.with(h)
		b.wants(c.from, h)
		if b.s.refused[c.why] != 1 || len(b.d.asked)+len(b.s.assignments) != 0 {
			t.Errorf("%s: %v", name, b.s.refused)
		}
	}
	// Its home agents assign addresses of their link.
	b := newBench(t, visitedConfig())
	at := b.wants(aaah, wantsAgent())
	for range HomeAgentsAsked {
		b.agent(func(a *mip6aaa.HOA) { a.Home, a.Binding = hoa, ack(a.Agent, hoa, 0, 0) })
	}
	if a := b.hoaOf(at); a.Code != noAgent || len(b.s.visiting.byKey) != 0 {
		t.Errorf("%v, %d sessions", a.Code, len(b.s.visiting.byKey))
	}
}

// An AAA client gets no key by a method that the mobile node did not ask for, nor anybody one for no SPI.
func TestOffersUnfit(t *testing.T) { //spec DM-19 DM-20
	for name, offer := range map[string]mip6aaa.PeerKey{ //order:any
		"a method that was not asked for": {Use: access.AccessRouter, Method: access.Random, PeerSPI: 6000},
		"a key with the home agent":       {Use: access.HomeAgent, Method: access.DiffieHellman, PeerSPI: 6000, Public: agentPrivate().Public()},
	} {
		b := newBench(t, homeConfig(), ann())
		m := newMobile()
		m.req.Keys = []access.KeyRequest{{Use: access.AccessRouter, Methods: access.DiffieHellman, SPI: 5000, Public: agentPrivate().Public()}}
		r := m.arr()
		r.Peer = []mip6aaa.PeerKey{offer}
		if a := b.want(m, b.send(r), diameter.Success); len(a.Keys)+len(a.Peer) != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for _, peer := range []*mip6aaa.PeerKey{nil, {Method: access.Random}, {Method: access.DiffieHellman, PeerSPI: 6000}} {
		if _, ok := new(registration).mobileKey(pending{method: access.Random}, peer); ok {
			t.Errorf("%+v will do", peer)
		}
	}
}

// Who is let in without a binding has a session too: it counts.
func TestSessionWithoutBindingCounts(t *testing.T) { //spec DM-11
	u := ann()
	u.MaxSessions, u.AddressFrom = 1, profile.FromMobile
	b := newBench(t, homeConfig(), u)
	m := newMobile()
	for i, home := range []netip.Addr{hoa, hoa, netip.MustParseAddr("2001:db8:1::101")} {
		m.session, m.req.Binding = "ar1;"+string(rune('1'+i)), update(coa, ha1, home, time.Hour, 1)
		h := b.send(m.arr())
		if i == 2 {
			b.want(m, h, unauthorized)
			break
		}
		b.agent(func(a *mip6aaa.HOA) { a.Home, a.Binding = netip.Addr{}, ack(ha1, home, 1, 135) })
		b.want(m, h, diameter.LimitedSuccess)
	}
	if v := b.s.View().(View); v.Sessions != 1 || v.Home[0].Used != 0 {
		t.Errorf("%+v", v)
	}
}
