package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/advertise"
	"roam6/machine/peers"
	"roam6/plane"
	server "roam6/role/aaa"
	"roam6/role/ar"
	"roam6/role/ha"
	"roam6/store/subscriber"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// How bench aaa measures registrations.
const (
	regTurns = 6
	regBatch = 2000
	regPace  = 2 * time.Millisecond // of virtual time from one mobile node to the next: half of what newcomers may ask
	regRest  = 5 * time.Second      // of virtual time after a batch: duplicate detection of the last is over
)

var (
	regRouter = netip.MustParseAddr("2001:db8:a:1::1")
	regClient = netip.MustParseAddr("2001:db8:a:1::aaa")
	regAccess = netip.MustParsePrefix("2001:db8:a:1::/64")
	regAgent  = netip.MustParseAddr("2001:db8:f::a")
	regHome   = netip.MustParsePrefix("2001:db8:f::/64")
	regHW     = plane.HW{2, 0, 0, 0, 0, 1}
)

func regName(i int) string { return fmt.Sprintf("u%d@%s", i, aaaRealm) }

func regKey(i int) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, aaa.KeyLen-8, aaa.KeyLen), uint64(i))
}

// registrations is access router, AAAv, AAAh with subscribers in SQLite, and home agent: the network's part of a registration.
type registrations struct {
	w        *regWorld
	router   *regNode
	db       *subscriber.DB
	dir      string
	next     int
	access   *nd.Access // as the router advertised it last
	let, way int        // gates opened, and bindings that the home agent's plane has
	refused  map[string]int
}

// newRegistrations starts everything.
func newRegistrations(ctx context.Context) (r *registrations, err error) {
	r = &registrations{refused: map[string]int{}}
	if r.dir, err = os.MkdirTemp("", "roam6-aaa"); err != nil {
		return nil, lacks(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	at := filepath.Join(r.dir, "subscribers.db")
	if r.db, err = subscriber.Create(at, at+".key"); err != nil {
		return r, lacks(err)
	}
	list := make([]*profile.Profile, (regTurns+2)*regBatch)
	for i := range list {
		list[i] = &profile.Profile{NAI: regName(i), Key: regKey(i), AddressFrom: profile.FromHome, Enabled: true}
	}
	for some := range slices.Chunk(list, subscriber.BulkMax) {
		if _, err = r.db.Load(ctx, some); err != nil {
			return r, err
		}
	}
	r.w = newRegWorld(tables(r.db))
	r.w.note = r.note
	return r, r.start()
}

// start makes the four nodes and waits until they are connected.
func (r *registrations) start() error {
	const visited, router, aaav, aaah, agent = "a.example", "ar1.a.example", "aaav.a.example", "aaah." + aaaRealm, "ha." + aaaRealm
	home, away := netip.MustParseAddrPort("[2001:db8:1::a]:3868"), netip.MustParseAddrPort("[2001:db8:2::a]:3868")
	h, err := server.New(server.Config{Peers: peers.Config{Host: aaah, Realm: aaaRealm, Listen: []peers.Listen{{Name: "diameter", At: home}},
		Peers: []peers.Peer{{Host: aaav, Realm: visited}, {Host: agent, Realm: aaaRealm}}}, Home: &server.Home{
		Partners: []server.Partner{{Network: visited, Hosts: []string{aaav}}}, Pool: []server.Agent{{Address: regAgent, Host: agent, Prefix: regHome, Capacity: ha.MaxGuests}}}}, [32]byte{1})
	if err != nil {
		return err
	}
	v, err := server.New(server.Config{Peers: peers.Config{Host: aaav, Realm: visited, Listen: []peers.Listen{{Name: "diameter", At: away}},
		Peers: []peers.Peer{{Host: aaah, Realm: aaaRealm, At: home}, {Host: router, Realm: visited}}}, Visited: &server.Visited{Network: visited, Clients: []string{router},
		Agreements: []server.Agreement{{Realm: aaaRealm, Hosts: []string{aaah}}}}}, [32]byte{2})
	if err != nil {
		return err
	}
	a, err := ha.New(ha.Config{Address: regAgent, Prefix: regHome, MaxLifetime: time.Hour, MaxBindings: ha.MaxGuests, Diameter: &ha.Diameter{Node: peers.Config{Host: agent, Realm: aaaRealm,
		Peers: []peers.Peer{{Host: aaah, Realm: aaaRealm, At: home}}}}}, [32]byte{3})
	if err != nil {
		return err
	}
	link := advertise.Config{Port: 1, Prefix: regAccess, Address: regRouter, IntervalMin: time.Second, IntervalMax: 2 * time.Second, Lifetime: time.Hour,
		DelayMax: 100 * time.Millisecond, Valid: time.Hour, Preferred: time.Hour}
	c, err := ar.New(ar.Config{Links: []advertise.Config{link}, AAA: &ar.AAA{Peers: peers.Config{Host: router, Realm: visited, Peers: []peers.Peer{{Host: aaav, Realm: visited, At: away}},
		Routes: []peers.Route{{Realm: "*", Via: []string{aaav}}}}, Gate: true, Clients: []ar.AAAClient{{Port: 1, Address: regClient}}}}, [32]byte{4})
	if err != nil {
		return err
	}
	r.w.add(aaah, "AAAh", h)
	r.w.add(aaav, "AAAv", v)
	r.w.add(agent, "home agent", a)
	r.router = r.w.add(router, "access router", c)
	r.w.give(r.router, engine.LinkUp{Port: 1, HW: regHW, MTU: 1500})
	r.w.pass(10 * time.Second)
	if r.access == nil {
		return errors.New("the access router advertises nothing")
	}
	return nil
}

func (r *registrations) close() error {
	var err error
	if r.db != nil {
		err = r.db.Close()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// note counts what came of the registrations.
func (r *registrations) note(n *regNode, e engine.Effect) {
	switch e := e.(type) {
	case engine.Plane:
		if g := e.Op.Gate; g != nil && g.Gate.Open && !e.Op.Delete && g.Key.From.Bits() == 128 && regAccess.Contains(g.Key.From.Addr()) {
			r.let++
		}
		if p := e.Op.Path; p != nil && !e.Op.Delete && p.Path.Mode == plane.Tunnel && regHome.Contains(p.Inner.Addr()) {
			r.way++
		}
	case engine.Send:
		if p, err := ip6.Parse(e.Data); n == r.router && err == nil && p.Proto == ip6.ProtoICMPv6 {
			if m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload); err == nil {
				if adv, ok := m.(*nd.RouterAdvertisement); ok && adv.Options.Access != nil {
					r.access = adv.Options.Access
				}
			}
		}
	case engine.Event:
		if e.Name == engine.EventDrop {
			r.refused[n.name+": "+e.Reason]++
		}
	}
}

// newcomer is what a mobile node sends: it looks for the AAA client, and asks for a home agent, a home address and a key.
func (r *registrations) newcomer() (hw plane.HW, packets [][]byte, err error) {
	i := r.next
	r.next++
	hw = plane.HW{2, 1, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
	coa := ip6.FromEUI64(regAccess, hw)
	q := &access.Request{NAI: regName(i), CareOf: coa, LocalChallenge: r.access.LocalChallenge, HostChallenge: binary.BigEndian.AppendUint64(make([]byte, 8, 16), uint64(i)),
		Features: access.HomeAddressRequested | access.HomeAgentRequested, Keys: []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}}
	key, err := aaa.NewKey(regKey(i), aaa.Identity(q.NAI, netip.Addr{}), r.access.Network)
	if err != nil {
		return hw, nil, err
	}
	q.Auth = key.Answer(aaa.Exchange{HostChallenge: q.HostChallenge, LocalChallenge: q.LocalChallenge, CareOf: coa, Request: q.Covered()})
	packet := func(dst netip.Addr, hops uint8, payload []byte) {
		p := ip6.Packet{Header: ip6.Header{HopLimit: hops, Src: coa, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: payload}
		packets = append(packets, p.Append(nil))
	}
	asked := ip6.SolicitedNode(regClient)
	packet(asked, 255, nd.Append(nil, coa, asked, &nd.NeighborSolicitation{Target: regClient, Options: nd.Options{SourceHW: hw}}))
	for _, part := range access.Split(q, uint32(i)+1) {
		packet(regClient, access.HopLimit, part.Append(nil, coa, regClient))
	}
	return hw, packets, nil
}

// batch registers so many newcomers and tells the processor time that the network's nodes and the database used. What the
// mobile nodes do is not in it.
func (r *registrations) batch(n int) (time.Duration, error) {
	type one struct {
		hw      plane.HW
		packets [][]byte
	}
	list := make([]one, n)
	var err error
	for i := range list {
		if list[i].hw, list[i].packets, err = r.newcomer(); err != nil {
			return 0, err
		}
	}
	let, way := r.let, r.way
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one core: elsewhere the collector takes an idle one, and its time would count
	runtime.GC()
	began := cpuTime()
	for _, m := range list {
		for _, p := range m.packets {
			r.w.give(r.router, engine.Packet{Port: 1, From: m.hw, Data: p})
		}
		r.w.pass(regPace)
	}
	r.w.pass(regRest)
	took := cpuTime() - began
	if r.let-let != n || r.way-way != n || r.w.err != nil {
		return 0, errors.Join(r.w.err, fmt.Errorf("of %d mobile nodes %d were let in and %d have a binding; refused: %v", n, r.let-let, r.way-way, r.refused))
	}
	return took, nil
}

// benchAAARegistrations registers users whom nobody has seen before.
func benchAAARegistrations(ctx context.Context) (rows []benchRow, err error) {
	r, err := newRegistrations(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if _, err := r.batch(regBatch); err != nil { // the first pages of the database, the first of everything
		return nil, err
	}
	var rates []float64
	for range regTurns {
		took, err := r.batch(regBatch)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		rates = append(rates, regBatch/took.Seconds())
	}
	shares, err := r.shares()
	return append([]benchRow{ours("registrations: router, AAAv, AAAh, SQLite, home agent", "1/s of one core", rates...)}, shares...), err
}

// shares tells what each part takes of a registration, in a batch of its own: to look at the clock so often takes time too.
func (r *registrations) shares() ([]benchRow, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r.w.timed, r.w.asking = true, 0
	for _, n := range r.w.nodes {
		n.spent = 0
	}
	took, err := r.batch(regBatch)
	r.w.timed = false
	if err != nil {
		return nil, err
	}
	const unit = "µs"
	var rows []benchRow
	rest := took
	row := func(name string, d time.Duration) {
		rest -= d
		rows = append(rows, ours("registration: "+name, unit, micros(d)/regBatch))
	}
	for _, n := range r.w.nodes {
		row(n.what, n.spent)
	}
	row("look-up in SQLite", r.w.asking)
	row("the collector, and this bench between them", rest)
	return rows, nil
}
