package aaa

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/peers"
	"roam6/machine/sa"
	"roam6/role/ha"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

// world is engines with streams between them that lose nothing and take no time, and a database.
type world struct {
	t       *testing.T
	now     engine.Now
	nodes   []*member
	listens map[netip.AddrPort]listener
	ends    map[end]end
	next    engine.Conn
	queue   []delivery
	db      map[string]*profile.Profile
	records int
}

type member struct {
	engine.Engine
	drops map[string]int
}

type listener struct {
	at   *member
	name string
}

type end struct {
	at *member
	c  engine.Conn
}

type delivery struct {
	to *member
	in engine.Input
}

func (w *world) add(e engine.Engine) *member {
	m := &member{e, map[string]int{}}
	w.nodes = append(w.nodes, m)
	return m
}

func (w *world) give(m *member, in engine.Input) {
	w.queue = append(w.queue, delivery{m, in})
}

// run delivers all that is under way.
func (w *world) run() {
	for len(w.queue) > 0 {
		d := w.queue[0]
		w.queue = w.queue[1:]
		var out engine.Effects
		d.to.Handle(w.now, d.in, &out)
		for _, e := range out.List {
			w.effect(d.to, e)
		}
	}
}

func (w *world) effect(m *member, e engine.Effect) {
	switch e := e.(type) {
	case engine.Listen:
		w.listens[e.At] = listener{m, e.Name}
	case engine.Dial:
		l, ok := w.listens[e.To]
		if !ok {
			w.give(m, engine.Closed{Conn: e.Conn, Reason: engine.ReasonRefused})
			return
		}
		w.next += 2
		a, b := end{m, e.Conn}, end{l.at, w.next}
		w.ends[a], w.ends[b] = b, a
		here := netip.MustParseAddrPort("[2001:db8:ff::1]:5000")
		w.give(m, engine.Opened{Conn: a.c, From: here, To: e.To})
		w.give(l.at, engine.Opened{Conn: b.c, Listener: l.name, From: e.To, To: here})
	case engine.Write:
		if other, ok := w.ends[end{m, e.Conn}]; ok {
			w.give(other.at, engine.Stream{Conn: other.c, Data: bytes.Clone(e.Data)})
		}
	case engine.Close:
		if other, ok := w.ends[end{m, e.Conn}]; ok {
			delete(w.ends, end{m, e.Conn})
			delete(w.ends, other)
			w.give(m, engine.Closed{Conn: e.Conn, Reason: engine.ReasonClosed})
			w.give(other.at, engine.Closed{Conn: other.c, Reason: engine.ReasonPeerClosed})
		}
	case engine.Query:
		r := engine.Result{ID: e.ID}
		if p := w.db[e.Key]; e.Put != nil {
			w.records++
		} else if p == nil {
			r.Err = engine.ErrNotFound
		} else {
			r.Value = profile.Encode(p)
		}
		w.give(m, r)
	case engine.Event:
		if e.Name == engine.EventDrop {
			m.drops[e.Reason]++
		}
	}
}

// sleep lets time go by, and gives every engine its ticks.
func (w *world) sleep(d time.Duration) {
	for until := w.now.Mono.Add(d); ; {
		next := until
		for _, m := range w.nodes {
			if at, _ := m.Deadline(); at < next {
				next = max(at, w.now.Mono)
			}
		}
		w.now.Wall = w.now.Wall.Add(next.Sub(w.now.Mono))
		w.now.Mono = next
		fired := false
		for _, m := range w.nodes {
			if at, _ := m.Deadline(); at <= next {
				fired = true
				w.give(m, engine.Tick{})
			}
		}
		w.run()
		if next == until && !fired {
			return
		}
	}
}

// router is the AAA client's Diameter node as an engine.
type router struct {
	*peers.Node
	answers map[uint64]diameter.Message
}

func (r *router) Handle(now engine.Now, in engine.Input, out *engine.Effects) {
	if _, ok := in.(engine.Start); ok {
		r.Start(now, out)
		return
	}
	for _, f := range r.Node.Handle(now, in, out) {
		switch f := f.(type) {
		case peers.Answered:
			m, err := diameter.Parse(bytes.Clone(f.Message.Raw))
			if err != nil {
				panic(err)
			}
			r.answers[f.Ctx] = m
		case peers.Unable:
			panic(f.Code)
		}
	}
}

// request sends a request of the AAA client and gives its answer.
func (w *world) request(m *member, raw []byte) diameter.Message {
	w.t.Helper()
	r := m.Engine.(*router)
	var out engine.Effects
	if !r.Request(w.now, &out, raw, 1) {
		w.t.Fatal("no peer")
	}
	for _, e := range out.List {
		w.effect(m, e)
	}
	w.sleep(time.Second)
	got, ok := r.answers[1]
	if !ok {
		w.t.Fatal("no answer")
	}
	delete(r.answers, 1)
	return got
}

// roam is home and visited realm, each with a server and a home agent, and an AAA client in the latter.
func roam(t *testing.T, change ...func(home, visited *Config)) (w *world, client1 *member) {
	w = &world{t: t, listens: map[netip.AddrPort]listener{}, ends: map[end]end{}, db: map[string]*profile.Profile{nai: ann()}}
	w.now.Wall = time.Unix(1.8e9, 0)
	homeAt, visitedAt := netip.MustParseAddrPort("[2001:db8:1::a]:3868"), netip.MustParseAddrPort("[2001:db8:a::a]:3868")
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	home := homeConfig()
	home.Home.Pool = home.Home.Pool[:1]
	home.Peers.Listen = []peers.Listen{{Name: "diameter", At: homeAt}}
	home.Peers.Peers = append(home.Peers.Peers, []peers.Peer{{Host: aaav, Realm: netName}, {Host: "ha1.home.example", Realm: homeRealm}}...)
	visited := visitedConfig()
	for _, c := range change {
		c(&home, &visited)
	}
	h, err := New(home, [32]byte{1})
	fail(err)
	visited.Visited.Agreements = visited.Visited.Agreements[:1]
	visited.Visited.Pool = visited.Visited.Pool[:1]
	visited.Peers.Listen = []peers.Listen{{Name: "diameter", At: visitedAt}}
	visited.Peers.Peers = append(visited.Peers.Peers, []peers.Peer{{Host: aaah, Realm: homeRealm, At: homeAt}, {Host: client, Realm: netName}, {Host: "ha1.visited.example", Realm: netName}}...)
	v, err := New(visited, [32]byte{2})
	fail(err)
	agent := func(address netip.Addr, prefix netip.Prefix, host, realm, server string, at netip.AddrPort, seed byte) {
		a, err := ha.New(ha.Config{Address: address, Prefix: prefix, MaxLifetime: time.Hour, Diameter: &ha.Diameter{Node: peers.Config{Host: host, Realm: realm,
			Peers: []peers.Peer{{Host: server, Realm: realm, At: at}}}}}, [32]byte{seed})
		fail(err)
		w.add(a)
	}
	node, err := peers.New(peers.Config{Host: client, Realm: netName, Apps: []peers.App{{ID: diameter.AppMobileIPv6AAA}, {ID: diameter.AppMobileIPv6AAA, Acct: true}},
		Peers: []peers.Peer{{Host: aaav, Realm: netName, At: visitedAt}}, Routes: []peers.Route{{Realm: "*", Via: []string{aaav}}}}, engine.NewRand([32]byte{3}))
	fail(err)
	w.add(h)
	w.add(v)
	agent(ha1, link1, "ha1.home.example", homeRealm, aaah, homeAt, 4)
	agent(vha, vlink, "ha1.visited.example", netName, aaav, visitedAt, 5)
	client1 = w.add(&router{node, map[uint64]diameter.Message{}})
	for _, m := range w.nodes {
		w.give(m, engine.Start{})
		w.run()
	}
	w.sleep(time.Second)
	return w, client1
}

// TestRoaming is the whole exchange between Diameter nodes that speak octets: AAA client, AAAv, AAAh, the database, a home agent in either
// domain with keys of either method. Mobile node and home agent understand each other afterwards: its own update, embedded under ESP, is
// accepted.
func TestRoaming(t *testing.T) { //spec DM-10 DM-11 DM-13 DM-16 DM-17 DM-18 DM-19 DM-20 DM-21
	for name, c := range map[string]struct {
		flags  access.Features
		method access.Methods
		agent  netip.Addr
		link   netip.Prefix
	}{ //order:any
		"home, random":            {flagP | flagA | flagH, access.Random, ha1, link1},
		"home, Diffie-Hellman":    {flagP | flagA, access.DiffieHellman, ha1, link1},
		"visited, random":         {flagP | flagA | flagV, access.Random, vha, vlink},
		"visited, Diffie-Hellman": {flagP | flagA | flagV, access.DiffieHellman, vha, vlink},
	} {
		t.Run(name, func(t *testing.T) {
			w, ar := roam(t)
			m := newMobile()
			own, _ := aaa.NewPrivate(bytes.Repeat([]byte{0x33}, 32))
			k := access.KeyRequest{Use: access.HomeAgent, Methods: c.method, SPI: 5000}
			if c.method == access.DiffieHellman {
				k.Public = own.Public()
			}
			m.req.Features, m.req.Keys = c.flags, []access.KeyRequest{k}
			a := w.register(m, ar)
			if a.Code != diameter.Success || a.Agent != c.agent || !c.link.Contains(a.Home) || len(a.Keys) != 1 {
				view, _ := json.Marshal(w.nodes[0].View())
				t.Fatalf("%v (%s) %+v\n%s\ndrops %v %v %v %v", a.Code, a.Message, a, view, w.nodes[0].drops, w.nodes[1].drops, w.nodes[2].drops, w.nodes[3].drops)
			}
			d := a.Keys[0]
			session, err := m.key.Session(aaa.HomeAgent, d.Value)
			if c.method == access.DiffieHellman {
				if !m.key.VerifyVouch(aaa.HomeAgent, m.req.HostChallenge, own.Public(), d.Value, d.SPI, d.MAC) {
					t.Error("nobody vouches for the home agent's value")
				}
				session, err = own.Session(aaa.Parties{Use: aaa.HomeAgent, Mobile: aaa.Identity(nai, netip.Addr{}), Visited: netName, MobilePublic: own.Public(), PeerPublic: d.Value})
			}
			if err != nil {
				t.Fatal(err)
			}
			toPeer, toMobile := session.ESP(aaa.HomeAgent, aaa.Identity(nai, netip.Addr{}), a.Agent.String(), d.SPI, 5000)
			protection, err := sa.New(sa.Config{ESP: &sa.ESPConfig{OutSPI: d.SPI, InSPI: 5000, OutKey: toPeer, InKey: toMobile}}, "ha")
			if err != nil {
				t.Fatal(err)
			}
			w.embedded(m, ar, a, protection)
			// It has lost everything but its long-term key, and asks again, twice: the server's updates count as new ones.
			for i := range 2 {
				m.req.Features, m.req.Keys, m.req.HomeAddress, m.req.Binding = c.flags, []access.KeyRequest{k}, netip.Addr{}, nil
				if again := w.register(m, ar); again.Code != diameter.Success || again.Agent != c.agent || len(again.Keys) != 1 {
					t.Fatalf("time %d: %v (%s) %+v\ndrops %v %v", i, again.Code, again.Message, again, w.nodes[2].drops, w.nodes[3].drops)
				}
			}
		})
	}
}

// register sends the mobile node's request by the AAA client and checks that the answer is its home's.
func (w *world) register(m *mobile, ar *member) *mip6aaa.ARA {
	w.t.Helper()
	var b diameter.Builder
	a, err := mip6aaa.ParseARA(w.request(ar, m.arr().Octets(&b)))
	if err != nil {
		w.t.Fatal(err)
	}
	if !m.key.VerifyGreeting(m.exchange, a.Reply().Covered(), a.Auth) {
		w.t.Errorf("the network has not proven itself: %+v", a)
	}
	return a
}

// embedded sends the mobile node's own update under its new keys inside a request.
func (w *world) embedded(m *mobile, ar *member, a *mip6aaa.ARA, protection *sa.SA) {
	w.t.Helper()
	var out engine.Effects
	first, err := ip6.Parse(a.Binding)
	if err != nil {
		w.t.Fatal(err)
	}
	told, err := mh.Parse(first.EffectiveSrc(), first.EffectiveDst(), first.Payload)
	if err != nil {
		w.t.Fatal(err)
	}
	bu := &mh.BindingUpdate{Seq: told.(*mh.BindingAck).Seq + 1, Ack: true, Home: true, Lifetime: 10 * time.Minute, Options: mh.Options{AltCareOf: coa}}
	m.req.Features, m.req.Keys, m.req.HomeAddress = 0, nil, a.Home
	m.req.Binding = protection.Protect(w.now, ip6.Packet{Header: ip6.Header{Src: coa, Dst: a.Agent}, HomeAddress: a.Home}, bu, &out)
	got := w.register(m, ar)
	if got.Code != diameter.Success || got.Home != a.Home || got.Agent != a.Agent {
		w.t.Fatalf("%v (%s) %+v\ndrops %v %v %v %v", got.Code, got.Message, got, w.nodes[0].drops, w.nodes[1].drops, w.nodes[2].drops, w.nodes[3].drops)
	}
	p, err := ip6.Parse(got.Binding)
	if err != nil || p.Routing2 != a.Home {
		w.t.Fatalf("%+v, %v", p, err)
	}
	if read, why := protection.Receive(w.now, &p); why != "" || read.MH == nil {
		w.t.Errorf("the acknowledgement: %s", why)
	}
}

// TestAccountingThroughRoaming: a record goes through AAAv to the home database, and is acknowledged.
func TestAccountingThroughRoaming(t *testing.T) { //spec DM-22
	w, ar := roam(t)
	var b diameter.Builder
	a, err := mip6aaa.ParseACA(w.request(ar, acr().Octets(&b)))
	if err != nil || a.Code != diameter.LimitedSuccess || a.Number != 3 || w.records != 1 { // of a session that nobody has granted
		t.Errorf("%+v, %v, %d records", a, err, w.records)
	}
}
