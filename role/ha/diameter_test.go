package ha

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/peers"
	"roam6/wire/diameter"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

// office is an AAA server joined to the agent of a bench by a connection without delay.
type office struct {
	t     *testing.T
	b     *bench
	n     *peers.Node
	conn  engine.Conn // the agent's end
	facts []peers.Fact
	said  []engine.Effect // of the agent
}

const (
	agentHost = "ha1.home.example"
	realm     = "home.example"
)

// newOffice makes both, and lets them meet. change has the agent's configuration.
func newOffice(t *testing.T, change func(*Config)) *office {
	t.Helper()
	at := netip.MustParseAddrPort("[2001:db8:0:2::aaa]:3868")
	o := &office{t: t}
	o.b = newBench(t, espPair, func(cfg *Config) {
		cfg.Diameter = &Diameter{Node: peers.Config{Host: agentHost, Realm: realm, Peers: []peers.Peer{{Host: "AAA.home.example", Realm: realm, At: at}}}}
		if change != nil {
			change(cfg)
		}
	})
	var err error
	if o.n, err = peers.New(peers.Config{Host: "aaa.home.example", Realm: realm, Apps: []peers.App{{ID: diameter.AppMobileIPv6AAA}},
		Listen: []peers.Listen{{Name: "in", At: at}}, Peers: []peers.Peer{{Host: agentHost, Realm: realm}}}, engine.NewRand([32]byte{5})); err != nil {
		t.Fatal(err)
	}
	o.server(func(out *engine.Effects) { o.n.Start(o.b.now, out) })
	if o.b.a, err = New(o.b.cfg, [32]byte{7}); err != nil {
		t.Fatal(err)
	}
	o.agent(engine.Start{})
	o.agent(engine.LinkUp{Port: homePort, Name: "home", HW: haHW, MTU: 1500})
	if !o.n.Open(agentHost) {
		t.Fatal("agent and server do not meet")
	}
	return o
}

// agent hands the agent an input, and the server what it says.
func (o *office) agent(in engine.Input) { o.carry(o.b.do(in)) }

func (o *office) carry(effects []engine.Effect) {
	o.said = append(o.said, effects...)
	for _, e := range effects {
		switch e := e.(type) {
		case engine.Dial:
			o.conn = e.Conn
			o.told(engine.Opened{Conn: 2, Listener: "in", To: netip.AddrPortFrom(haAddr, 4000), From: e.To})
			o.agent(engine.Opened{Conn: e.Conn, From: netip.AddrPortFrom(haAddr, 4000), To: e.To})
		case engine.Write:
			o.told(engine.Stream{Conn: 2, Data: bytes.Clone(e.Data)})
		}
	}
}

// told hands the server an input.
func (o *office) told(in engine.Input) {
	o.server(func(out *engine.Effects) {
		for _, f := range o.n.Handle(o.b.now, in, out) {
			if a, ok := f.(peers.Answered); ok {
				a.Message, _ = diameter.Parse(bytes.Clone(a.Message.Raw))
				f = a
			}
			o.facts = append(o.facts, f)
		}
	})
}

func (o *office) server(do func(*engine.Effects)) {
	var out engine.Effects
	do(&out)
	for _, e := range out.List {
		if w, ok := e.(engine.Write); ok {
			o.agent(engine.Stream{Conn: o.conn, Data: bytes.Clone(w.Data)})
		}
	}
}

// request sends a HOR, or what is made of one, and gives the answer that is there after a while.
func (o *office) request(h *mip6aaa.HOR, while time.Duration, change func([]byte) []byte) (diameter.Message, *mip6aaa.HOA) {
	o.t.Helper()
	h.OriginHost, h.DestinationHost = "aaa.home.example", agentHost
	raw := h.Octets(o.n.Builder())
	if change != nil {
		raw = change(bytes.Clone(raw))
	}
	before := len(o.facts)
	o.server(func(out *engine.Effects) {
		if !o.n.Request(o.b.now, out, raw, 1) {
			o.t.Fatal("the server cannot ask")
		}
	})
	o.carry(o.b.pass(while))
	for _, f := range o.facts[before:] {
		if a, ok := f.(peers.Answered); ok {
			hoa, err := mip6aaa.ParseHOA(a.Message)
			if err != nil {
				o.t.Fatal(err)
			}
			return a.Message, hoa
		}
	}
	return diameter.Message{}, nil
}

// From the octets of a HOR to those of a HOA, with and without duplicate detection between them.
//
// spec DM-02 DM-14
func TestDiameter(t *testing.T) {
	for name, change := range map[string]func(*Config){"virtual": virtual, "home link": nil} { //order:any
		o := newOffice(t, change)
		r := newRoamer(o.b)
		r.dh = true
		_, a := o.request(r.hor(coa), 0, nil)
		if (a == nil) != (change == nil) {
			t.Fatalf("%s: at once %+v", name, a)
		}
		if a == nil {
			o.carry(o.b.pass(1100 * time.Millisecond))
			for _, f := range o.facts {
				if f, ok := f.(peers.Answered); ok {
					a, _ = mip6aaa.ParseHOA(f.Message)
				}
			}
		}
		if a == nil || a.Session != "s;1" || a.OriginHost != agentHost || a.OriginRealm != realm || a.User != user {
			t.Fatalf("%s: %+v", name, a)
		}
		e := &errand{hor: r.hor(coa), answer: *a}
		r.learn(t, e)
		if ba, p := r.acked(t, e, nil); ba.Status != mh.Accepted || p.Routing2 != r.hoa {
			t.Errorf("%s: %+v", name, ba)
		}
		if status, ok, _ := r.status(t, r.own(bu(1, time.Minute), coa)); !ok || status != mh.Accepted {
			t.Errorf("%s: own update %v %v", name, status, ok)
		}
		if v := o.b.view(); !strings.Contains(v, `"diameter":{"host":"`+agentHost) {
			t.Errorf("%s: view %s", name, v)
		}
	}
}

// What is no HOR, or a bad one, or not from a server of ours, is answered and does nothing.
//
// spec DM-02 DM-14
func TestDiameterRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   diameter.ResultCode
		reason string
		failed diameter.Key
		agent  func(*Config)
		hor    func(*mip6aaa.HOR)
		raw    func([]byte) []byte
	}{
		{"no update", diameter.ErrorBadHOR, "hor-no-update", diameter.Key{}, nil, func(h *mip6aaa.HOR) { h.Binding = nil }, nil},
		{"a key that is short", diameter.ErrorBadHOR, "hor-malformed", diameter.Key{}, nil, func(h *mip6aaa.HOR) { h.Peer[0].Material = h.Peer[0].Material[:31] }, nil},
		{"an unroutable address", diameter.ErrorBadHOR, "hor-malformed", diameter.MIPv6MobileNodeAddress, nil, func(h *mip6aaa.HOR) { h.Home = netip.MustParseAddr("fe80::1") }, nil},
		{"another server", diameter.AuthorizationRejected, "hor-not-a-server", diameter.Key{}, func(cfg *Config) { cfg.Diameter.Servers = []string{"aaa2.home.example"} }, nil, nil},
		{"another command", diameter.CommandUnsupported, "diameter-command", diameter.Key{}, nil, nil, func([]byte) []byte {
			arr := &mip6aaa.ARR{Route: mip6aaa.Route{Session: "s;2", OriginHost: "aaa.home.example", OriginRealm: realm, DestinationRealm: realm, DestinationHost: agentHost}, User: user}
			return arr.Octets(new(diameter.Builder))
		}},
	} {
		o := newOffice(t, c.agent)
		h := newRoamer(o.b).hor(coa)
		if c.hor != nil {
			c.hor(h)
		}
		guests, disk := o.b.a.guests.count, len(o.b.disk)
		m, a := o.request(h, 0, c.raw)
		if a == nil || a.Code != c.code || a.Message == "" || a.Binding != nil || a.Peer != nil {
			t.Errorf("%s: %+v", c.name, a)
			continue
		}
		if (m.Flags&diameter.ErrorBit != 0) != c.code.IsProtocol() {
			t.Errorf("%s: flags %v", c.name, m.Flags)
		}
		if f, ok := m.Find(diameter.FailedAVP); c.failed != (diameter.Key{}) {
			l, err := f.Group()
			if _, in := l.Find(c.failed); !ok || err != nil || !in {
				t.Errorf("%s: Failed-AVP %v %v", c.name, ok, err)
			}
		}
		if !strings.Contains(strings.Join(drops(o.said), " "), c.reason) || o.b.a.guests.count != guests || len(o.b.disk) != disk || len(o.b.a.guests.spis) != 1 {
			t.Errorf("%s: drops %v, %+v", c.name, drops(o.said), o.b.a.guests)
		}
	}
}

// A configuration that cannot be is told when the agent is made.
func TestDiameterConfig(t *testing.T) {
	cfg := newBench(t, espPair, nil).cfg
	cfg.Diameter = &Diameter{}
	if _, err := New(cfg, [32]byte{7}); err == nil || !strings.Contains(err.Error(), "diameter") {
		t.Errorf("%v", err)
	}
}
