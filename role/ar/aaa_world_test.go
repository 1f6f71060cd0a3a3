package ar

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/advertise"
	"roam6/machine/peers"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
	"roam6/wire/nd"
)

var (
	longTerm   = make([]byte, aaa.KeyLen)
	clientAddr = netip.MustParseAddr("2001:1:0:1::aaa")
	aaavAt     = netip.MustParseAddrPort("[2001:1:0:2::2]:3868")
	hostHW     = plane.HW{2, 0, 0, 0, 0, 9}
)

const (
	network    = "visited.example"
	serverHost = "aaav.visited.example"
	user       = "user@home.example"
)

// aaaWorld is a router, the AAA server that it dials, and what came of them. The server is both of the draft's in one.
type aaaWorld struct {
	t      *testing.T
	r      *Router
	server *peers.Node
	now    engine.Now
	gates  map[plane.GateKey]bool // by key: open
	locals map[netip.Addr]plane.Local
	sent   []engine.Send
	events map[string]int // by name, drops by reason
	told   engine.Effects // in order, what matters

	conns  map[engine.Conn]engine.Conn // the other end's
	pipe   []func()
	deaf   bool // the server answers nothing
	arrs   []*mip6aaa.ARR
	answer func(q *mip6aaa.ARR, m *access.Request) *mip6aaa.ARA

	acrs     []*mip6aaa.ACR
	account  diameter.ResultCode // the answer to ACRs
	store    map[string][]byte   // of accounting, by key
	stays    map[string][]byte   // sessions
	epochs   map[string][]byte
	boots    byte
	meters   map[plane.MeterKey]bool
	counts   map[plane.MeterKey]plane.Count
	unmetred bool // the plane knows no meters
}

func config() Config {
	l := advertise.Config{Port: 1, Prefix: netip.MustParsePrefix("2001:1:0:1::/64"), Address: netip.MustParseAddr("2001:1:0:1::1"), IntervalMin: time.Second,
		IntervalMax: 2 * time.Second, Lifetime: time.Hour, DelayMax: 100 * time.Millisecond, Valid: time.Hour, Preferred: time.Hour}
	l2 := l
	l2.Port, l2.Prefix, l2.Address = 2, netip.MustParsePrefix("2001:1:0:2::/64"), netip.MustParseAddr("2001:1:0:2::1")
	return Config{Links: []advertise.Config{l, l2}, AAA: &AAA{
		Peers: peers.Config{Host: "ar.visited.example", Realm: network, Peers: []peers.Peer{{Host: serverHost, Realm: network, At: aaavAt}},
			Routes: []peers.Route{{Realm: "*", Via: []string{serverHost}}}},
		Gate: true, Clients: []AAAClient{{Port: 1, Address: clientAddr}},
	}}
}

func newAAAWorld(t *testing.T, c Config) *aaaWorld {
	t.Helper()
	w := &aaaWorld{t: t, gates: map[plane.GateKey]bool{}, locals: map[netip.Addr]plane.Local{}, events: map[string]int{}, conns: map[engine.Conn]engine.Conn{}}
	w.now = engine.Now{Mono: 1, Wall: time.Unix(1_700_000_000, 0)}
	w.answer = w.good
	w.stays, w.epochs = map[string][]byte{}, map[string][]byte{}
	w.account, w.store, w.meters, w.counts = diameter.Success, map[string][]byte{}, map[plane.MeterKey]bool{}, map[plane.MeterKey]plane.Count{}
	var err error
	w.server, err = peers.New(peers.Config{Host: serverHost, Realm: network, Apps: []peers.App{{ID: diameter.AppMobileIPv6AAA}, {ID: diameter.AppMobileIPv6AAA, Acct: true}},
		Listen: []peers.Listen{{Name: "all", At: aaavAt}}, Peers: []peers.Peer{{Host: "ar.visited.example", Realm: network}},
		Routes: []peers.Route{{Realm: "*", Action: peers.Local}}}, engine.NewRand([32]byte{2}))
	if err != nil {
		t.Fatal(err)
	}
	var out engine.Effects
	w.server.Start(w.now, &out)
	w.boot(c)
	return w
}

// boot starts the router, again if there was one: what was open is cut, what it stored is there.
func (w *aaaWorld) boot(c Config) {
	w.t.Helper()
	for conn := range w.conns { //order:any — there is one
		if !conn.Dialled() && w.r != nil {
			w.serve(engine.Closed{Conn: conn, Reason: engine.ReasonReset})
		}
	}
	clear(w.gates)
	clear(w.conns)
	var err error
	w.boots++
	if w.r, err = New(c, [32]byte{w.boots}); err != nil {
		w.t.Fatal(err)
	}
	var start engine.Start
	for b, records := range w.disk() { //order:any — sorted below
		for k, v := range records { //order:any — sorted below
			start.Records = append(start.Records, engine.Record{Bucket: b, Key: k, Value: v})
		}
	}
	slices.SortFunc(start.Records, func(a, b engine.Record) int { return strings.Compare(a.Key, b.Key) })
	w.do(start)
	w.do(engine.LinkUp{Port: 1, HW: hw, MTU: 1500})
	w.do(engine.LinkUp{Port: 2, HW: hw, MTU: 1500})
	w.pass(time.Second)
}

// disk is what the router stores, by bucket and key.
func (w *aaaWorld) disk() map[string]map[string][]byte {
	return map[string]map[string][]byte{bucket: w.store, stayBucket: w.stays, epochBucket: w.epochs}
}

// do gives the router an input, and lets everything happen that follows at once.
func (w *aaaWorld) do(in engine.Input) {
	var out engine.Effects
	w.r.Handle(w.now, in, &out)
	w.carry(out.List, true)
	for len(w.pipe) > 0 {
		next := w.pipe[0]
		w.pipe = w.pipe[1:]
		next()
	}
}

// carry does what one of the two ends wants.
func (w *aaaWorld) carry(list []engine.Effect, router bool) {
	give := func(to bool, in engine.Input) {
		w.pipe = append(w.pipe, func() {
			if to {
				var out engine.Effects
				w.r.Handle(w.now, in, &out)
				w.carry(out.List, true)
			} else {
				w.serve(in)
			}
		})
	}
	for _, e := range list {
		switch e := e.(type) {
		case engine.Dial:
			if w.deaf {
				give(router, engine.Closed{Conn: e.Conn, Reason: engine.ReasonRefused})
				continue
			}
			other := e.Conn * 2
			w.conns[e.Conn], w.conns[other] = other, e.Conn
			give(router, engine.Opened{Conn: e.Conn, From: netip.AddrPortFrom(netip.MustParseAddr("2001:1:0:2::1"), 40000), To: e.To})
			give(!router, engine.Opened{Conn: other, Listener: "all", From: e.To, To: netip.AddrPortFrom(netip.MustParseAddr("2001:1:0:2::1"), 40000)})
		case engine.Write:
			if !w.deaf {
				give(!router, engine.Stream{Conn: w.conns[e.Conn], Data: append([]byte(nil), e.Data...)})
			}
		case engine.Close:
			give(router, engine.Closed{Conn: e.Conn, Reason: engine.ReasonClosed})
			give(!router, engine.Closed{Conn: w.conns[e.Conn], Reason: engine.ReasonPeerClosed})
		case engine.Measure:
			in := engine.Measured{ID: e.ID, Key: e.Key, Up: w.counts[e.Key], Down: plane.Count{Packets: 2 * w.counts[e.Key].Packets}}
			if w.unmetred || !w.meters[e.Key] {
				in.Up, in.Down, in.Err = plane.Count{}, plane.Count{}, engine.ErrNotFound
			}
			give(true, in)
		default:
			if router {
				w.note(e)
			}
		}
	}
}

func (w *aaaWorld) note(e engine.Effect) {
	switch e := e.(type) {
	case engine.Plane:
		switch op := e.Op; {
		case op.Gate != nil && op.Delete:
			delete(w.gates, op.Gate.Key)
		case op.Gate != nil:
			w.gates[op.Gate.Key] = op.Gate.Gate.Open
		case op.Meter != nil:
			w.meters[op.Meter.Key] = !op.Delete
		case op.Local != nil:
			w.locals[op.Local.Addr] = op.Local.Local
		}
		w.told.List = append(w.told.List, e)
	case engine.Send:
		w.sent = append(w.sent, e)
		w.told.List = append(w.told.List, e)
	case engine.Persist:
		if w.told.List = append(w.told.List, e); e.Bucket == "sa" {
			return // numbers of associations between routers
		}
		store := w.disk()[e.Bucket]
		if store == nil {
			w.t.Fatalf("bucket %q", e.Bucket)
		}
		if store[e.Key] = e.Value; e.Value == nil {
			delete(store, e.Key)
		}
	case engine.Event:
		if e.Name == engine.EventDrop {
			w.events[e.Reason]++
		} else {
			w.events[e.Name]++
		}
	}
}

// serve is the server's end.
func (w *aaaWorld) serve(in engine.Input) {
	var out engine.Effects
	for _, f := range w.server.Handle(w.now, in, &out) {
		a, ok := f.(peers.Arrived)
		if !ok {
			continue
		}
		if a.Message.Command == diameter.Accounting {
			w.book(a, &out)
			continue
		}
		q, err := mip6aaa.ParseARR(a.Message)
		if err != nil {
			w.t.Fatal(err)
		}
		w.arrs = append(w.arrs, q)
		m, err := q.Request()
		if err != nil {
			w.t.Fatal(err)
		}
		if ara := w.answer(q, m); ara != nil {
			raw := ara.Octets(w.server.Builder(), a.Message, serverHost, network)
			if ara.Session != "" { // of another session, as long a name
				raw = bytes.Replace(raw, []byte(q.Session), []byte(ara.Session), 1)
			}
			w.server.Answer(w.now, &out, a.Handle, raw)
		}
	}
	w.carry(out.List, false)
}

// book answers an ACR; with the code 0 not at all.
func (w *aaaWorld) book(a peers.Arrived, out *engine.Effects) {
	q, err := mip6aaa.ParseACR(a.Message)
	if err != nil {
		w.t.Fatal(err)
	}
	w.acrs = append(w.acrs, q)
	if w.account != 0 && q.DestinationRealm != deaf {
		aca := mip6aaa.ACA{Outcome: mip6aaa.Outcome{Code: w.account}, Kind: q.Kind, Number: q.Number, User: q.User}
		w.server.Answer(w.now, out, a.Handle, aca.Octets(w.server.Builder(), a.Message, serverHost, network))
	}
}

// good is the answer of a home server that knows the mobile node.
func (w *aaaWorld) good(q *mip6aaa.ARR, m *access.Request) *mip6aaa.ARA {
	ara := &mip6aaa.ARA{Outcome: mip6aaa.Outcome{Code: diameter.Success}, User: q.User, Lifetime: 10 * time.Minute}
	key, err := aaa.NewKey(longTerm, aaa.Identity(q.User, q.Home), q.Visited)
	if err != nil {
		w.t.Fatal(err)
	}
	x := aaa.Exchange{HostChallenge: q.HostChallenge, LocalChallenge: q.LocalChallenge, CareOf: q.CareOf, Request: m.Covered()}
	if !key.VerifyAnswer(x, q.Auth) {
		ara.Code = diameter.AuthenticationRejected
		return ara
	}
	for _, k := range q.Keys {
		p := mip6aaa.FindPeerKey(q.Peer, k.Use)
		d := mip6aaa.MNKey{MNSPI: k.SPI, KeyData: access.KeyData{Use: k.Use, Method: p.Method, Algorithm: access.AESGCM, SPI: p.PeerSPI, Lifetime: time.Hour}}
		to := mip6aaa.PeerKey{Use: k.Use, Method: p.Method, MNSPI: k.SPI, Lifetime: time.Hour, Algorithm: access.AESGCM}
		if p.Method == access.Random {
			d.Value = make([]byte, access.ValueLen)
			s, _ := key.Session(aaa.AccessRouter, d.Value)
			to.Material = s.Octets()
		} else {
			d.Value, to.Public = p.Public, k.Public
			d.MAC = key.Vouch(aaa.AccessRouter, q.HostChallenge, k.Public, p.Public, p.PeerSPI)
		}
		ara.Keys, ara.Peer = append(ara.Keys, d), append(ara.Peer, to)
	}
	ara.Auth = key.Greeting(x, ara.Reply().Covered())
	return ara
}

func (w *aaaWorld) pass(d time.Duration) {
	w.t.Helper()
	end := w.now.Mono.Add(d)
	for {
		at, _ := w.r.Deadline()
		if t, _ := w.server.Deadline(); t < at && !w.deaf {
			if t > end {
				break
			}
			w.step(t)
			w.serve(engine.Tick{})
			w.do(engine.Tick{})
			continue
		}
		if at > end {
			break
		}
		w.step(at)
		w.do(engine.Tick{})
		if next, why := w.r.Deadline(); next <= w.now.Mono {
			w.t.Fatalf("a spin: %s", why)
		}
	}
	w.step(end)
}

func (w *aaaWorld) step(to engine.Mono) {
	if d := to.Sub(w.now.Mono); d > 0 {
		w.now.Mono, w.now.Wall = to, w.now.Wall.Add(d)
	}
}

// mobileNode is what a mobile node does on the link.
type mobileNode struct {
	hw   plane.HW
	coa  netip.Addr
	id   uint32
	nai  string
	last *access.Request
}

func newMobile(n byte) *mobileNode {
	hw := plane.HW{2, 1, 0, 0, 0, n}
	return &mobileNode{hw: hw, coa: ip6.FromEUI64(netip.MustParsePrefix("2001:1:0:1::/64"), hw), nai: user}
}

// challenge is that of the latest advertisement.
func (w *aaaWorld) challenge() []byte {
	w.t.Helper()
	a := w.r.links[0].adv.Message().Options.Access
	if a == nil || a.Client != clientAddr || a.Network != network {
		w.t.Fatalf("%+v", a)
	}
	return a.LocalChallenge
}

// ask sends a request that change may change before it is signed.
func (w *aaaWorld) ask(m *mobileNode, change func(*access.Request)) {
	w.t.Helper()
	m.id++
	q := &access.Request{NAI: m.nai, CareOf: m.coa, LocalChallenge: w.challenge(), HostChallenge: binary.BigEndian.AppendUint64([]byte(m.hw[:]), uint64(m.id))}
	if change != nil {
		change(q)
	}
	if q.EAP == nil && q.Auth == nil {
		key, err := aaa.NewKey(longTerm, aaa.Identity(q.NAI, q.HomeAddress), network)
		if err != nil {
			w.t.Fatal(err)
		}
		q.Auth = key.Answer(exchange(q))
	}
	m.last = q
	w.sent, w.told = nil, engine.Effects{}
	for _, part := range access.Split(q, m.id) {
		p := ip6.Packet{Header: ip6.Header{HopLimit: access.HopLimit, Src: m.coa, Dst: clientAddr}, Proto: ip6.ProtoICMPv6, Payload: part.Append(nil, m.coa, clientAddr)}
		w.do(engine.Packet{Port: 1, From: m.hw, Data: p.Append(nil)})
	}
}

func exchange(q *access.Request) aaa.Exchange {
	return aaa.Exchange{HostChallenge: q.HostChallenge, LocalChallenge: q.LocalChallenge, CareOf: q.CareOf, Request: q.Covered()}
}

// says sends neighbour discovery.
func (w *aaaWorld) says(from plane.HW, src, dst netip.Addr, m nd.Message) {
	p := ip6.Packet{Header: ip6.Header{HopLimit: 255, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6, Payload: nd.Append(nil, src, dst, m)}
	w.do(engine.Packet{Port: 1, From: from, Data: p.Append(nil)})
}

// known makes a mobile node a neighbour of the router: it asked for the client's address.
func (w *aaaWorld) known(m *mobileNode) {
	w.says(m.hw, m.coa, ip6.SolicitedNode(clientAddr), &nd.NeighborSolicitation{Target: clientAddr, Options: nd.Options{SourceHW: m.hw}})
}

// reply is what a mobile node was told since it asked; nil if nothing.
func (w *aaaWorld) reply(m *mobileNode) *access.Reply {
	w.t.Helper()
	var parts []access.Part
	for _, s := range w.sent {
		p, err := ip6.Parse(s.Data)
		if err != nil || p.Proto != ip6.ProtoICMPv6 || !access.IsAccess(p.Payload) {
			continue
		}
		part, err := access.Parse(p.Src, p.Dst, p.Payload)
		if err != nil || s.To != m.hw || p.Dst != m.coa || part.ID != m.id {
			w.t.Fatalf("%v, %+v", err, s)
		}
		parts = append(parts, part)
	}
	if parts == nil {
		return nil
	}
	got, err := access.Join(parts)
	if err != nil {
		w.t.Fatal(err)
	}
	return got.(*access.Reply)
}

func (m *mobileNode) gate() plane.GateKey {
	return plane.GateKey{From: netip.PrefixFrom(m.coa, 128), Port: 1}
}

var closed = plane.GateKey{From: netip.MustParsePrefix("::/0"), Port: 1}
