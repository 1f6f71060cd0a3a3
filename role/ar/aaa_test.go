package ar

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover/fmipv6"
	"roam6/keying/aaa"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
	"roam6/wire/nd"
)

// A mobile node asks, the home network vouches for it, its gate opens before it hears so, and closes when its time is over.
func TestLetIn(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	if open, there := w.gates[closed]; !there || open || len(w.gates) != 1 {
		t.Fatalf("gates at start: %v", w.gates)
	}
	if l, ok := w.locals[clientAddr]; !ok || l.Capture || l.Port != 1 {
		t.Fatalf("address of the client: %+v", l)
	}
	w.known(m)
	w.ask(m, nil)
	if len(w.arrs) != 1 {
		t.Fatalf("%d requests, %v", len(w.arrs), w.events)
	}
	q := w.arrs[0]
	if q.User != user || q.CareOf != m.coa || q.Visited != network || q.DestinationRealm != "home.example" || q.OriginHost != "ar.visited.example" ||
		!strings.HasPrefix(q.Session, "ar.visited.example;") || !bytes.Equal(q.Auth, m.last.Auth) {
		t.Errorf("%+v", q)
	}
	r := w.reply(m)
	key, _ := aaa.NewKey(longTerm, aaa.Identity(user, netip.Addr{}), network)
	if r == nil || r.Result != uint32(diameter.Success) || !key.VerifyGreeting(exchange(m.last), r.Covered(), r.Auth) || r.Lifetime != 10*time.Minute {
		t.Fatalf("%+v", r)
	}
	if !w.gates[m.gate()] {
		t.Errorf("gates %v", w.gates)
	}
	if _, first := w.told.List[0].(engine.Plane); !first || len(w.told.List) != 3 {
		t.Errorf("the mobile node hears before the gate is open: %+v", w.told.List)
	}
	v := w.r.View().(View).AAA
	if len(v.Sessions) != 1 || v.Sessions[0].User != user || v.Sessions[0].Standing != "admitted" || v.Sessions[0].Keyed {
		t.Errorf("%+v", v.Sessions)
	}
	if _, err := json.Marshal(w.r.View()); err != nil {
		t.Error(err)
	}
	w.pass(10*time.Minute - time.Second)
	if !w.gates[m.gate()] {
		t.Error("ended too early")
	}
	w.pass(2 * time.Second)
	if _, there := w.gates[m.gate()]; there || w.events["access.ended"] != 1 || len(w.r.View().(View).AAA.Sessions) != 0 {
		t.Errorf("after its time: %v", w.gates)
	}
}

// Who authenticates again keeps the session; another identity at the address begins another.
func TestAgain(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	w.pass(9 * time.Minute)
	w.known(m)
	w.ask(m, nil)
	if len(w.arrs) != 2 || w.arrs[0].Session != w.arrs[1].Session {
		t.Errorf("%d requests, not of one session", len(w.arrs))
	}
	w.pass(9 * time.Minute)
	if !w.gates[m.gate()] {
		t.Error("the session was not prolonged")
	}
	m.nai = "other@home.example"
	w.known(m)
	w.ask(m, nil)
	if w.arrs[2].Session == w.arrs[1].Session || w.events["access.ended"] != 1 || !w.gates[m.gate()] || len(w.r.gate.sessions) != 1 {
		t.Errorf("%v, gates %v", w.events, w.gates)
	}
}

// A mobile node that authenticates itself from another address has left the one before; another interface of it, and another mobile node with the
// link-layer address, have not.
func TestAnotherAddress(t *testing.T) { //spec DM-09 DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	second := newMobile(2) // another interface
	w.known(second)
	w.ask(second, nil)
	other := newMobile(3)
	other.hw, other.id, other.nai = m.hw, 50, "other@home.example"
	w.known(other)
	w.ask(other, nil)
	if len(w.r.gate.sessions) != 3 || w.events["access.ended"] != 0 {
		t.Fatalf("%d sessions", len(w.r.gate.sessions))
	}
	w.said()
	w.counts[m.meter()] = plane.Count{Packets: 5}
	moved := newMobile(4)
	moved.hw, moved.id = m.hw, 100
	w.known(moved)
	w.ask(moved, func(q *access.Request) { q.Auth = make([]byte, access.AuthLen) }) // somebody speaks in its name
	if len(w.r.gate.sessions) != 3 {
		t.Fatal("a session ended for somebody who is not the mobile node")
	}
	w.known(moved)
	w.ask(moved, nil)
	if _, there := w.gates[m.gate()]; there || !w.gates[moved.gate()] || !w.gates[second.gate()] || !w.gates[other.gate()] || w.events["access.ended"] != 1 {
		t.Errorf("gates %v, %v", w.gates, w.events)
	}
	if got := w.said(); got != "4/1:5 2/0:0" && got != "2/0:0 4/1:5" {
		t.Errorf("told %s", got)
	}
	if len(w.r.gate.stations) != 3 {
		t.Errorf("%d stations", len(w.r.gate.stations))
	}
	w.do(engine.LinkDown{Port: 1})
	if len(w.r.gate.stations)+len(w.r.gate.sessions) != 0 {
		t.Error("stations stay")
	}
}

// Whom the home network does not know stays outside, and is told; so does who asks when no server is there.
func TestRefused(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, func(q *access.Request) { q.Auth = make([]byte, access.AuthLen) })
	if r := w.reply(m); r == nil || r.Result != uint32(diameter.AuthenticationRejected) || len(w.gates) != 1 || w.events["access.refused"] != 1 {
		t.Errorf("%+v, gates %v, %v", r, w.gates, w.events)
	}
	w.pass(10 * time.Second)
	w.known(m)
	w.ask(m, nil)
	if !w.gates[m.gate()] {
		t.Fatal("not let in")
	}
	w.ask(m, func(q *access.Request) { q.Auth = make([]byte, access.AuthLen) }) // somebody speaks in its name
	if r := w.reply(m); r == nil || r.Result != uint32(diameter.AuthenticationRejected) || !w.gates[m.gate()] {
		t.Errorf("%+v, gates %v", r, w.gates)
	}
}

// Without an AAA server the mobile node is told 3002.
func TestUnable(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.deaf = true
	for c := range w.conns { //order:any — there is one
		if c.Dialled() {
			w.do(engine.Closed{Conn: c, Reason: engine.ReasonReset})
		}
	}
	w.known(m)
	w.ask(m, nil)
	w.pass(20 * time.Second)
	if r := w.reply(m); r == nil || r.Result != uint32(diameter.UnableToDeliver) || len(w.gates) != 1 || w.events["access.refused"] != 1 {
		t.Errorf("%+v, gates %v, %v", r, w.gates, w.events)
	}
	if n := len(w.r.gate.asks); n != 0 {
		t.Errorf("%d requests stay", n)
	}
}

// Answers that are not to the question, or come when nobody waits, open nothing.
func TestStrangeAnswers(t *testing.T) {
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.answer = func(q *mip6aaa.ARR, r *access.Request) *mip6aaa.ARA {
		a := w.good(q, r)
		a.Session = "x" + q.Session[1:]
		return a
	}
	w.ask(m, nil)
	if r := w.reply(m); r == nil || r.Result != uint32(diameter.UnableToComply) || len(w.gates) != 1 || w.events["ara-malformed"] != 1 {
		t.Errorf("%+v, gates %v, %v", r, w.gates, w.events)
	}
	w.answer = func(q *mip6aaa.ARR, r *access.Request) *mip6aaa.ARA {
		w.r.gate.doors[0].client.Down()
		return w.good(q, r)
	}
	w.pass(10 * time.Second)
	w.ask(m, nil)
	w.pass(2 * time.Second)
	if len(w.gates) != 1 || w.events["ara-too-late"] != 1 {
		t.Errorf("gates %v, %v", w.gates, w.events)
	}
	w.r.gate.answered(w.now, 99, diameter.Message{}, &engine.Effects{})
}

// Both ends have the same key for the link, by either method.
func TestLinkKey(t *testing.T) { //spec DM-19 DM-20
	for _, methods := range []access.Methods{access.Random, access.DiffieHellman, access.Random | access.DiffieHellman} {
		w, m := newAAAWorld(t, config()), newMobile(1)
		private, _ := aaa.NewPrivate(bytes.Repeat([]byte{7}, aaa.PublicLen))
		w.known(m)
		w.ask(m, func(q *access.Request) {
			q.Keys = []access.KeyRequest{{Use: access.AccessRouter, Methods: methods, SPI: 300}}
			if methods&access.DiffieHellman != 0 {
				q.Keys[0].Public = private.Public()
			}
		})
		r := w.reply(m)
		if r == nil || len(r.Keys) != 1 {
			t.Fatalf("%v: %+v, %v", methods, r, w.events)
		}
		k := r.Keys[0]
		identity := aaa.Identity(user, netip.Addr{})
		long, _ := aaa.NewKey(longTerm, identity, network)
		var mine aaa.Session
		var err error
		if k.Method == access.Random {
			mine, err = long.Session(aaa.AccessRouter, k.Value)
		} else {
			if !long.VerifyVouch(aaa.AccessRouter, m.last.HostChallenge, private.Public(), k.Value, k.SPI, k.MAC) {
				t.Error("nobody vouches for the router's value")
			}
			mine, err = private.Session(aaa.Parties{Use: aaa.AccessRouter, Mobile: identity, Visited: network, MobilePublic: private.Public(), PeerPublic: k.Value})
		}
		s := w.r.gate.sessions[m.coa]
		if err != nil || s == nil || s.key == nil || !bytes.Equal(s.key.session.Octets(), mine.Octets()) || s.key.mnSPI != 300 || s.key.routerSPI != k.SPI {
			t.Fatalf("%v: %v, the router's key is another", methods, err)
		}
		if want := methods&access.DiffieHellman != 0; want != (k.Method == access.DiffieHellman) {
			t.Errorf("%v: method %v", methods, k.Method)
		}
	}
}

// A key that is not what was offered is not taken; the mobile node is let in all the same.
func TestLinkKeyRefused(t *testing.T) {
	for name, spoil := range map[string]func(*mip6aaa.ARA){ //order:any
		"missing": func(a *mip6aaa.ARA) { a.Peer = nil },
		"spi":     func(a *mip6aaa.ARA) { a.Peer[0].MNSPI = 999 },
		"public":  func(a *mip6aaa.ARA) { a.Peer[0].Public = make([]byte, access.ValueLen) },
	} {
		w, m := newAAAWorld(t, config()), newMobile(1)
		w.known(m)
		w.answer = func(q *mip6aaa.ARR, r *access.Request) *mip6aaa.ARA {
			a := w.good(q, r)
			spoil(a)
			return a
		}
		private, _ := aaa.NewPrivate(bytes.Repeat([]byte{7}, aaa.PublicLen))
		w.ask(m, func(q *access.Request) {
			q.Keys = []access.KeyRequest{{Use: access.AccessRouter, Methods: access.DiffieHellman, SPI: 300, Public: private.Public()}}
		})
		if s := w.r.gate.sessions[m.coa]; s == nil || s.key != nil || w.events["ara-key"] != 1 {
			t.Errorf("%s: %+v, %v", name, s, w.events)
		}
	}
}

// EAP travels as octets, round after round, in one session and with one server.
func TestRounds(t *testing.T) { //spec DM-06
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	const rounds = 5
	w.answer = func(q *mip6aaa.ARR, _ *access.Request) *mip6aaa.ARA {
		a := &mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.MultiRoundAuth}, User: q.User, EAP: []byte{1, q.EAP[1] + 1, 0, 4}}
		if q.EAP[1] == rounds {
			a.Code, a.EAP, a.Auth = diameter.Success, []byte{3, rounds, 0, 4}, make([]byte, access.AuthLen)
		}
		return a
	}
	for i := range byte(rounds + 1) {
		w.ask(m, func(q *access.Request) { q.EAP = []byte{2, i, 0, 4} })
		r := w.reply(m)
		if r == nil || i < rounds && (r.Result != uint32(diameter.MultiRoundAuth) || r.EAP[1] != i+1 || len(w.gates) != 1) {
			t.Fatalf("round %d: %+v, gates %v", i, r, w.gates)
		}
	}
	if !w.gates[m.gate()] {
		t.Error("not let in")
	}
	for i, q := range w.arrs {
		host := serverHost
		if i == 0 {
			host = ""
		}
		if q.Session != w.arrs[0].Session || q.DestinationHost != host {
			t.Errorf("round %d: session %s, to %q", i, q.Session, q.DestinationHost)
		}
	}
	if len(w.r.gate.talks) != 0 {
		t.Error("a conversation stays")
	}
	w.answer = func(q *mip6aaa.ARR, _ *access.Request) *mip6aaa.ARA {
		return &mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.MultiRoundAuth}, EAP: []byte{1, 1, 0, 4}}
	}
	other := newMobile(2)
	w.known(other)
	w.ask(other, func(q *access.Request) { q.EAP = []byte{2, 0, 0, 4} })
	if len(w.r.gate.talks) != 1 {
		t.Fatal("no conversation")
	}
	if w.pass(TalkFor + time.Second); len(w.r.gate.talks) != 0 {
		t.Error("a conversation stays for ever")
	}
}

// The router looks whether somebody else has the address: an answer by another station says so, one by the mobile node itself that it is there,
// its own probe nothing.
func TestDetection(t *testing.T) { //spec DM-09
	probe := func(w *aaaWorld, m *mobileNode) bool {
		for _, s := range w.sent {
			if p, err := ip6.Parse(s.Data); err == nil && p.Src.IsUnspecified() && p.Dst == ip6.SolicitedNode(m.coa) {
				return true
			}
		}
		return false
	}
	answer := func(w *aaaWorld, m *mobileNode, hw plane.HW) {
		w.says(hw, m.coa, ip6.AllNodes, &nd.NeighborAdvertisement{Target: m.coa, Override: true, Options: nd.Options{TargetHW: hw}})
	}
	for name, c := range map[string]struct {
		happens func(w *aaaWorld, m *mobileNode)
		arrs    int
		result  diameter.ResultCode // 0: none yet
	}{
		"nothing yet": {func(*aaaWorld, *mobileNode) {}, 0, 0},
		"nobody":      {func(w *aaaWorld, _ *mobileNode) { w.pass(1100 * time.Millisecond) }, 1, diameter.Success},
		"another":     {func(w *aaaWorld, m *mobileNode) { answer(w, m, hostHW) }, 0, diameter.InvalidAVPValue},
		"itself":      {func(w *aaaWorld, m *mobileNode) { answer(w, m, m.hw) }, 1, diameter.Success},
		"its own probe": {func(w *aaaWorld, m *mobileNode) {
			w.says(m.hw, netip.IPv6Unspecified(), ip6.SolicitedNode(m.coa), &nd.NeighborSolicitation{Target: m.coa})
		}, 0, 0},
		"another's probe": {func(w *aaaWorld, m *mobileNode) {
			w.says(hostHW, netip.IPv6Unspecified(), ip6.SolicitedNode(m.coa), &nd.NeighborSolicitation{Target: m.coa})
		}, 0, diameter.InvalidAVPValue},
	} { //order:any
		w, m := newAAAWorld(t, config()), newMobile(1)
		w.ask(m, nil)
		if !probe(w, m) {
			t.Fatalf("%s: no probe", name)
		}
		c.happens(w, m)
		r := w.reply(m)
		if len(w.arrs) != c.arrs || (r != nil) != (c.result != 0) || r != nil && r.Result != uint32(c.result) {
			t.Errorf("%s: %d requests, %+v", name, len(w.arrs), r)
		}
		if len(w.r.gate.doors[0].checks) != 0 != (c.result == 0) {
			t.Errorf("%s: checks %v", name, w.r.gate.doors[0].checks)
		}
	}
}

// A link that goes down takes its sessions along; without gates nothing is closed, and sessions are kept all the same.
func TestLinkDownAndNoGate(t *testing.T) {
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	w.do(engine.LinkDown{Port: 1})
	if len(w.gates) != 1 || len(w.r.gate.sessions) != 0 {
		t.Errorf("gates %v", w.gates)
	}
	c := config()
	c.AAA.Gate = false
	w = newAAAWorld(t, c)
	w.known(m)
	w.ask(m, nil)
	if len(w.gates) != 0 || len(w.r.gate.sessions) != 1 {
		t.Errorf("gates %v, %d sessions", w.gates, len(w.r.gate.sessions))
	}
	if w.r.gate.announced(w.now, fmipv6.Word{Port: 1, CoA: newMobile(3).coa, HW: hw}, &engine.Effects{}); len(w.r.gate.sessions) != 1 {
		t.Error("let in provisionally where nobody is kept out")
	}
}

// A node that a neighbouring router announced may send for a while; who authenticates stays.
func TestAnnounced(t *testing.T) { //spec DM-09
	w, m, lost := newAAAWorld(t, config()), newMobile(1), newMobile(2)
	announce := func(m *mobileNode, port plane.Port) {
		var out engine.Effects
		w.r.gate.announced(w.now, fmipv6.Word{Port: port, CoA: m.coa, HW: m.hw}, &out)
		w.carry(out.List, true)
	}
	announce(m, 1)
	announce(lost, 1)
	announce(newMobile(3), 2) // nobody is asked there
	if !w.gates[m.gate()] || !w.gates[lost.gate()] || len(w.gates) != 3 || w.events["access.provisional"] != 2 {
		t.Fatalf("%v, %v", w.gates, w.events)
	}
	w.pass(Grace - time.Second)
	announce(m, 1) // it came
	w.known(m)
	w.ask(m, nil)
	announce(m, 1)
	w.pass(Grace + time.Second)
	if _, there := w.gates[lost.gate()]; there || !w.gates[m.gate()] {
		t.Errorf("%v", w.gates)
	}
	if s := w.r.gate.sessions[m.coa]; s == nil || s.standing != admitted {
		t.Errorf("%+v", s)
	}
}

// Whoever has only a home address is for the servers of this network to place.
func TestRealm(t *testing.T) { //spec DM-07
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, func(q *access.Request) { q.NAI, q.HomeAddress = "", netip.MustParseAddr("2001:db8::1") })
	if len(w.arrs) != 1 || w.arrs[0].DestinationRealm != network || !w.gates[m.gate()] {
		t.Fatalf("%+v, %v", w.arrs, w.events)
	}
	if s := w.r.gate.sessions[m.coa]; s.home != netip.MustParseAddr("2001:db8::1") {
		t.Errorf("%+v", s)
	}
}

// A configuration that cannot be is refused in words that say what is wrong.
func TestAAAConfig(t *testing.T) {
	for want, spoil := range map[string]func(*AAA){ //order:any
		"prefix of an access link": func(a *AAA) { a.Clients[0].Address = netip.MustParseAddr("2001:9::1") },
		"address of its own":       func(a *AAA) { a.Clients[0].Address = netip.MustParseAddr("2001:1:0:1::1") },
		"port 7":                   func(a *AAA) { a.Clients[0].Port = 7 },
		"there is one":             func(a *AAA) { a.Clients = append(a.Clients, a.Clients[0]) },
		"Host":                     func(a *AAA) { a.Peers.Host = "" },
	} {
		c := config()
		spoil(c.AAA)
		if _, err := New(c, [32]byte{1}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ar: aaa: ") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Sessions have an end in number: who comes then is told that there is no room.
func TestSessionsAreBounded(t *testing.T) {
	w, m := newAAAWorld(t, config()), newMobile(1)
	for i := range MaxSessions {
		a := netip.AddrFrom16([16]byte{0x20, 1, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
		w.r.gate.sessions[a] = &session{coa: a}
	}
	w.known(m)
	w.ask(m, nil)
	if r := w.reply(m); r == nil || r.Result != uint32(diameter.TooBusy) || len(w.arrs) != 0 {
		t.Errorf("%+v", r)
	}
}

// Requests on a link without a client are nobody's.
func TestOtherLink(t *testing.T) {
	w, m := newAAAWorld(t, config()), newMobile(1)
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: m.coa, Dst: clientAddr}, Proto: ip6.ProtoICMPv6}
	p.Payload = access.Split(&access.Reply{Result: 1}, 1)[0].Append(nil, p.Src, p.Dst)
	w.do(engine.Packet{Port: 2, From: m.hw, Data: p.Append(nil)})
	if w.events["access-no-client"] != 1 {
		t.Errorf("%v", w.events)
	}
	if a := w.r.links[1].adv.Message().Options.Access; a != nil {
		t.Errorf("%+v", a)
	}
}

// The router's own address is nobody's care-of address, and a link that went down leaves no detection behind.
func TestRouterAndDetection(t *testing.T) {
	w, m := newAAAWorld(t, config()), newMobile(1)
	m.coa = netip.MustParseAddr("2001:1:0:1::1")
	if w.ask(m, nil); w.events["access-bad-source"] != 1 {
		t.Errorf("%v", w.events)
	}
	w.ask(newMobile(2), nil)
	w.do(engine.LinkDown{Port: 1})
	if at, _ := w.r.gate.dad.Deadline(); at != engine.Never || len(w.r.gate.doors[0].checks) != 0 {
		t.Error("detection goes on without a link")
	}
}
