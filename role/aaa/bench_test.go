package aaa

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
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
	homeRealm = "home.example"
	netName   = "visited.example"
	aaav      = "aaa.visited.example"
	nai       = "ann@home.example"
)

var (
	coa    = netip.MustParseAddr("2001:db8:a:1::c0a")
	hoa    = netip.MustParseAddr("2001:db8:1::100")
	ha1    = netip.MustParseAddr("2001:db8:1::1")
	ha2    = netip.MustParseAddr("2001:db8:1::2")
	vha    = netip.MustParseAddr("2001:db8:a:9::1")
	link1  = netip.MustParsePrefix("2001:db8:1::/64")
	vlink  = netip.MustParsePrefix("2001:db8:a:9::/64")
	secret = bytes.Repeat([]byte{0x42}, 32)
)

// desk is the Diameter node of a test: messages lie on it as values.
type desk struct {
	builder  diameter.Builder
	arrived  map[peers.Handle]diameter.Message
	asked    []asking
	answers  map[peers.Handle]diameter.Message
	passed   map[peers.Handle]diameter.Message
	returned map[peers.Handle][]byte
	closed   map[string]bool
	seen     [][]byte // every octet that came or went
}

type asking struct {
	ctx uint64
	m   diameter.Message
}

func (d *desk) Start(engine.Now, *engine.Effects)                                {}
func (d *desk) Handle(engine.Now, engine.Input, *engine.Effects) []peers.Fact    { return nil }
func (d *desk) Deadline() (engine.Mono, string)                                  { return engine.Never, "" }
func (d *desk) NewSessionID() string                                             { return "s" }
func (d *desk) Builder() *diameter.Builder                                       { return &d.builder }
func (d *desk) Open(host string) bool                                            { return !d.closed[host] }
func (d *desk) View() any                                                        { return nil }
func (d *desk) Return(_ engine.Now, _ *engine.Effects, h peers.Handle, b []byte) { d.returned[h] = b }

func (d *desk) Message(h peers.Handle) (diameter.Message, bool) {
	m, ok := d.arrived[h]
	return m, ok
}

func (d *desk) Request(_ engine.Now, _ *engine.Effects, raw []byte, ctx uint64) bool {
	m := d.copy(raw)
	if a, ok := m.Find(diameter.DestinationHost); ok && d.closed[string(a.Data)] {
		return false
	}
	d.asked = append(d.asked, asking{ctx, m})
	return true
}

func (d *desk) Answer(_ engine.Now, _ *engine.Effects, h peers.Handle, raw []byte) {
	if _, ok := d.arrived[h]; !ok {
		panic("answered twice")
	}
	delete(d.arrived, h)
	d.answers[h] = d.copy(raw)
}

func (d *desk) Refuse(now engine.Now, out *engine.Effects, h peers.Handle, e *diameter.Error) {
	d.Answer(now, out, h, d.builder.Refuse(d.arrived[h], e, "refuses."+homeRealm, homeRealm).Done())
}

func (d *desk) Forward(_ engine.Now, _ *engine.Effects, h peers.Handle, raw []byte) {
	d.passed[h] = d.copy(raw)
}

// copy holds a message against the dictionary, for it goes over the wire.
func (d *desk) copy(raw []byte) diameter.Message {
	raw = slices.Clone(raw)
	m, err := diameter.Parse(raw)
	if err == nil {
		err = diameter.Check(m)
	}
	if err != nil {
		panic(err)
	}
	d.seen = append(d.seen, raw)
	return m
}

// bench is a server, its desk, and the world around.
type bench struct {
	t    *testing.T
	s    *Server
	d    *desk
	now  engine.Now
	out  engine.Effects
	last peers.Handle
	db   map[string]*profile.Profile
}

func ann() *profile.Profile {
	return &profile.Profile{NAI: nai, Key: secret, AddressFrom: profile.FromVisited, VisitedHomeAgent: true, Enabled: true}
}

func homeConfig() Config {
	return Config{Peers: peers.Config{Host: "aaa." + homeRealm, Realm: homeRealm}, Home: &Home{
		Partners: []Partner{{Network: netName, Hosts: []string{aaav}, Agents: true}},
		Pool:     []Agent{{ha1, "ha1.home.example", link1, 10, false}, {ha2, "ha2.home.example", link1, 5, false}},
	}}
}

func newBench(t *testing.T, cfg Config, users ...*profile.Profile) *bench {
	t.Helper()
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, s: newServer(cfg, engine.NewRand([32]byte{1})), db: map[string]*profile.Profile{}, d: &desk{arrived: map[peers.Handle]diameter.Message{},
		answers: map[peers.Handle]diameter.Message{}, passed: map[peers.Handle]diameter.Message{}, returned: map[peers.Handle][]byte{}, closed: map[string]bool{}}}
	b.s.carry(b.d)
	b.now.Wall = time.Unix(1.8e9, 0)
	for _, u := range users {
		b.db[u.Name()] = u
	}
	return b
}

func (b *bench) fact(f peers.Fact) { b.s.fact(b.now, &b.out, f) }

// arrive hands the server a request that is read again from its octets.
func (b *bench) arrive(from string, proxy bool, raw []byte) peers.Handle {
	b.last++
	m := b.d.copy(raw)
	b.d.arrived[b.last] = m
	b.fact(peers.Arrived{Handle: b.last, From: from, Message: m, Proxy: proxy})
	return b.last
}

// queries are the look-ups and records since the last time.
func (b *bench) queries() (list []engine.Query) {
	for _, e := range b.out.List {
		if q, ok := e.(engine.Query); ok {
			list = append(list, q)
		}
	}
	b.out.Reset()
	return list
}

// database answers what was asked of it.
func (b *bench) database() int {
	list := b.queries()
	for _, q := range list {
		r := engine.Result{ID: q.ID}
		if p := b.db[q.Key]; q.Put == nil && p == nil {
			r.Err = engine.ErrNotFound
		} else if q.Put == nil {
			r.Value = profile.Encode(p)
		}
		b.s.Handle(b.now, r, &b.out)
	}
	return len(list)
}

// wait lets time go by.
func (b *bench) wait(d time.Duration) {
	b.now.Mono, b.now.Wall = b.now.Mono.Add(d), b.now.Wall.Add(d)
	b.s.Handle(b.now, engine.Tick{}, &b.out)
}

// mobile is a mobile node with its long-term key.
type mobile struct {
	req      access.Request
	session  string
	key      aaa.Key
	exchange aaa.Exchange
	network  string
	drawn    byte
}

func newMobile() *mobile {
	return &mobile{req: access.Request{NAI: nai, CareOf: coa, LocalChallenge: make([]byte, 16)}, session: "ar1;1", network: netName}
}

// arr is its request as the AAA client sends it, with a fresh host challenge.
func (m *mobile) arr() *mip6aaa.ARR {
	m.drawn++
	m.req.HostChallenge = bytes.Repeat([]byte{m.drawn}, 16)
	m.sign(secret)
	return mip6aaa.FromRequest(&m.req, m.network, mip6aaa.Route{Session: m.session, OriginHost: "ar1.visited.example", OriginRealm: netName, DestinationRealm: homeRealm})
}

func (m *mobile) sign(secret []byte) {
	var err error
	if m.key, err = aaa.NewKey(secret, aaa.Identity(m.req.NAI, m.req.HomeAddress), m.network); err != nil {
		panic(err)
	}
	m.exchange = aaa.Exchange{HostChallenge: m.req.HostChallenge, LocalChallenge: m.req.LocalChallenge, CareOf: coa, Request: m.req.Covered()}
	m.req.Auth = m.key.Answer(m.exchange)
}

// send sends an ARR by the visited network's server.
func (b *bench) send(a *mip6aaa.ARR) peers.Handle {
	var w diameter.Builder
	h := b.arrive(aaav, false, a.Octets(&w))
	for b.database() > 0 { // its subscriber, and perhaps whose a home address is
	}
	return h
}

// ara is the answer to a request.
func (b *bench) ara(h peers.Handle) *mip6aaa.ARA {
	b.t.Helper()
	m, ok := b.d.answers[h]
	if !ok {
		b.t.Fatal("no answer")
	}
	a, err := mip6aaa.ParseARA(m)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// want checks the result of a request, and that whoever proved itself can check the answer.
func (b *bench) want(m *mobile, h peers.Handle, code diameter.ResultCode) *mip6aaa.ARA {
	b.t.Helper()
	a := b.ara(h)
	if a.Code != code {
		b.t.Fatalf("%v (%s); want %v", a.Code, a.Message, code)
	}
	if m != nil && !m.key.VerifyGreeting(m.exchange, a.Reply().Covered(), a.Auth) {
		b.t.Error("the network has not proven itself")
	}
	return a
}

// hor is the last request to a home agent.
func (b *bench) hor() (*mip6aaa.HOR, asking) {
	b.t.Helper()
	if len(b.d.asked) == 0 {
		b.t.Fatal("no HOR")
	}
	x := b.d.asked[len(b.d.asked)-1]
	b.d.asked = b.d.asked[:len(b.d.asked)-1]
	h, err := mip6aaa.ParseHOR(x.m)
	if err != nil {
		b.t.Fatal(err)
	}
	return h, x
}

// agent answers the last HOR as a home agent does, changed by with.
func (b *bench) agent(with func(*mip6aaa.HOA)) *mip6aaa.HOR {
	b.t.Helper()
	h, x := b.hor()
	src, seq := vha, uint16(0)
	var home netip.Addr
	if p, err := ip6.ParseUnassigned(h.Binding); h.Binding != nil && err == nil {
		m, _ := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
		src, home, seq = p.Dst, p.HomeAddress, m.(*mh.BindingUpdate).Seq
		if home == unspecified {
			if home = hoa; vlink.Contains(src) {
				home = netip.MustParseAddr("2001:db8:a:9::100")
			}
		}
	} else {
		home = address(engine.NewRand([32]byte{9}), vlink)
	}
	a := &mip6aaa.HOA{Outcome: mip6aaa.Outcome{Code: diameter.Success}, User: h.User, Home: home, Agent: src, Binding: ack(src, home, seq, 0)}
	for _, k := range h.Peer {
		p := mip6aaa.PeerKey{Use: k.Use, Method: k.Method, PeerSPI: 7000}
		if k.Method == access.DiffieHellman {
			p.Public = agentPrivate().Public()
		}
		a.Peer = append(a.Peer, p)
	}
	if with != nil {
		with(a)
	}
	var w diameter.Builder
	b.fact(peers.Answered{Ctx: x.ctx, Message: b.d.copy(a.Octets(&w, x.m, "ha", h.DestinationRealm))})
	return h
}

func ack(src, home netip.Addr, seq uint16, status mh.Status) []byte {
	p := ip6.Packet{Header: ip6.Header{Src: src, Dst: coa}, Routing2: home, Proto: ip6.ProtoMH,
		Payload: mh.Append(nil, src, home, &mh.BindingAck{Status: status, Seq: seq, Lifetime: time.Hour})}
	return p.Append(nil)
}

func agentPrivate() aaa.Private {
	p, err := aaa.NewPrivate(bytes.Repeat([]byte{0x77}, 32))
	if err != nil {
		panic(err)
	}
	return p
}

// kept is everything the server knows but its counts and what it remembers of profiles and challenges.
func (b *bench) kept() string {
	v := b.s.View().(View)
	v.Refused, v.Profiles = nil, 0
	for _, list := range [][]AgentView{v.Home, v.Visited} {
		for i := range list {
			list[i].Open = false
		}
	}
	j, _ := json.Marshal(v)
	return string(j)
}
