package peers

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/diameter"
)

// knock connects a stranger to a node with peer z and gives the result of its CEA, 0 if there is none, and whether the node hung up.
func (l *lone) knock(opened engine.Opened, raw []byte) (code diameter.ResultCode, closed bool) {
	opened.Conn, opened.Listener = 2, "in"
	if !opened.To.IsValid() {
		opened.From, opened.To = addr(1), addr(2)
	}
	l.in(opened)
	l.say(2, raw)
	for _, e := range l.out.List {
		switch e := e.(type) {
		case engine.Write:
			if e.Conn == 2 && !closed {
				m, err := diameter.Parse(e.Data)
				if err != nil || diameter.Check(m) != nil {
					l.t.Errorf("a bad CEA: %v %v", err, diameter.Check(m))
				}
				code = resultOf(m)
			}
		case engine.Close:
			closed = closed || e.Conn == 2
		}
	}
	return code, closed
}

// visitor is somebody who connects, what he says, and what he is told.
type visitor struct {
	what   string
	raw    []byte
	opened engine.Opened
	change func(*Config)
	code   diameter.ResultCode
	reason string // of the drop; "": it may come in
}

// visitors are those of TestStrangers.
func visitors() []visitor {
	var b diameter.Builder
	cer := func(origin, realm string, more func(*diameter.Builder)) []byte {
		x := b.Request(diameter.CapabilitiesExchange, 0, 0).Text(diameter.OriginHost, origin).Text(diameter.OriginRealm, realm).
			Addr(diameter.HostIPAddress, addr(2).Addr()).Uint32(diameter.VendorID, 1).Text(diameter.ProductName, "test")
		more(x)
		return slices.Clone(x.Done())
	}
	app := func(id uint32) func(*diameter.Builder) {
		return func(b *diameter.Builder) { b.Uint32(diameter.AuthApplicationID, id) }
	}
	ours := app(diameter.AppMobileIPv6AAA)
	const z, r = "z" + domain, "r" + domain
	return []visitor{
		{"a peer", cer(z, r, ours), engine.Opened{}, nil, diameter.Success, ""},
		{"a peer in capitals", cer("Z.Example", r, ours), engine.Opened{}, nil, diameter.Success, ""},
		{"a relay", cer(z, r, app(diameter.AppRelay)), engine.Opened{}, nil, diameter.Success, ""},
		{"an application in a group", cer(z, r, func(b *diameter.Builder) {
			b.Group(diameter.VendorSpecificApplicationID, func(b *diameter.Builder) { ours(b.Uint32(diameter.VendorID, 9)) })
		}), engine.Opened{}, nil, diameter.Success, ""},
		{"for accounting", cer(z, r, func(b *diameter.Builder) { b.Uint32(diameter.AcctApplicationID, diameter.AppMobileIPv6AAA) }), engine.Opened{},
			func(c *Config) { c.Apps[0].Acct = true }, diameter.Success, ""},
		{"nothing in common", cer(z, r, app(4)), engine.Opened{}, nil, diameter.NoCommonApplication, NothingCommon},
		{"accounting is something else", cer(z, r, func(b *diameter.Builder) { b.Uint32(diameter.AcctApplicationID, diameter.AppMobileIPv6AAA) }), engine.Opened{},
			nil, diameter.NoCommonApplication, NothingCommon},
		{"a relay is asked by all", cer(z, r, app(4)), engine.Opened{}, func(c *Config) { c.Apps = append(c.Apps, App{ID: diameter.AppRelay}) }, diameter.Success, ""},
		{"not listed", cer("x"+domain, r, ours), engine.Opened{}, nil, diameter.UnknownPeer, UnknownHost},
		{"our own name", cer("M.example", r, ours), engine.Opened{}, nil, diameter.UnknownPeer, OwnHost},
		{"another realm", cer(z, "x"+domain, ours), engine.Opened{}, func(c *Config) { c.Peers[0].Realm = r }, diameter.UnknownPeer, WrongRealm},
		{"another address", cer(z, r, ours), engine.Opened{}, func(c *Config) { c.Peers[0].From = netip.PrefixFrom(addr(3).Addr(), 128) }, diameter.UnknownPeer, WrongSource},
		{"its address", cer(z, r, ours), engine.Opened{}, func(c *Config) { c.Peers[0].From = netip.PrefixFrom(addr(2).Addr(), 128) }, diameter.Success, ""},
		{"TLS wanted", cer(z, r, ours), engine.Opened{}, func(c *Config) { c.Peers[0].TLS = "x" }, diameter.NoCommonSecurity, WithoutTLS},
		{"another profile", cer(z, r, ours), engine.Opened{Names: []string{z}},
			func(c *Config) { c.Peers[0].TLS, c.Listen[0].TLS = "x", "y" }, diameter.NoCommonSecurity, WithoutTLS},
		{"its certificate", cer(z, r, ours), engine.Opened{Names: []string{"q", "Z.EXAMPLE"}},
			func(c *Config) { c.Peers[0].TLS, c.Listen[0].TLS = "x", "x" }, diameter.Success, ""},
		{"another's certificate", cer(z, r, ours), engine.Opened{Names: []string{"q" + domain}}, func(c *Config) { c.Listen[0].TLS = "x" }, diameter.UnknownPeer, WrongName},
		{"no names", cer(z, r, ours), engine.Opened{}, func(c *Config) { c.Listen[0].TLS = "x" }, diameter.UnknownPeer, WrongName},
		{"a stranger with a name", cer("x"+domain, r, ours), engine.Opened{Names: []string{"x" + domain}},
			func(c *Config) { c.Listen[0].TLS, c.Strangers = "x", true }, diameter.Success, ""},
		{"a stranger with another's", cer("x"+domain, r, ours), engine.Opened{Names: []string{"y" + domain}},
			func(c *Config) { c.Listen[0].TLS, c.Strangers = "x", true }, diameter.UnknownPeer, WrongName},
		{"a stranger without", cer("x"+domain, r, ours), engine.Opened{}, func(c *Config) { c.Strangers = true }, diameter.UnknownPeer, UnknownHost},
		{"TLS inside", cer(z, r, func(b *diameter.Builder) { ours(b.Uint32(diameter.InbandSecurityID, 1)) }), engine.Opened{}, nil, diameter.NoCommonSecurity, NoSecurity},
		{"TLS inside or not", cer(z, r, func(b *diameter.Builder) {
			ours(b.Uint32(diameter.InbandSecurityID, 1).Uint32(diameter.InbandSecurityID, 0))
		}), engine.Opened{}, nil, diameter.Success, ""},
		{"no Product-Name", slices.Clone(b.Request(diameter.CapabilitiesExchange, 0, 0).Text(diameter.OriginHost, z).Text(diameter.OriginRealm, r).
			Addr(diameter.HostIPAddress, addr(2).Addr()).Uint32(diameter.VendorID, 1).Done()), engine.Opened{}, nil, diameter.MissingAVP, BadGrammar},
		{"a watchdog first", slices.Clone(b.Request(diameter.DeviceWatchdog, 0, 0).Text(diameter.OriginHost, z).Text(diameter.OriginRealm, r).Done()), engine.Opened{}, nil, 0, NotCER},
		{"a lie about lengths", append(slices.Clone(b.Request(diameter.CapabilitiesExchange, 0, 0).Done()), 0, 0, 0, 1, 0x40, 0, 0, 99), engine.Opened{}, nil, 0, Malformed},
		{"not Diameter", []byte("GET / HTTP/1.1\r\n\r\n"), engine.Opened{}, nil, 0, Garbage},
		{"more than a CER", []byte{1, 0, 0x40, 0, 0x80}, engine.Opened{}, nil, 0, Garbage},
	}
}

// TestStrangers: who may come in. Nothing stays of those that may not.
//
// spec DM-01 DM-23
func TestStrangers(t *testing.T) {
	const z, r = "z" + domain, "r" + domain
	for _, c := range visitors() {
		if c.reason == Malformed {
			c.raw[3] = byte(len(c.raw))
		}
		t.Run(c.what, func(t *testing.T) {
			cfg := Config{Host: "m" + domain, Realm: r, Apps: []App{{ID: diameter.AppMobileIPv6AAA}}, Listen: []Listen{{Name: "in", At: addr(1)}}, Peers: []Peer{{Host: z}}}
			if c.change != nil {
				c.change(&cfg)
			}
			n, err := New(cfg, engine.NewRand([32]byte{1}))
			if err != nil {
				t.Fatal(err)
			}
			l := &lone{t: t, n: n, p: n.listed[0]}
			n.Start(l.clock(), &l.out)
			code, closed := l.knock(c.opened, c.raw)
			if code != c.code || closed != (c.reason != "") {
				t.Errorf("%v, closed: %v; want %v", code, closed, c.code)
			}
			got, told := "", engine.Event{}
			for _, e := range l.out.List {
				switch e, ok := e.(engine.Event); {
				case ok && e.Name == engine.EventDrop:
					got = e.Reason
				case ok && e.Name == EventRefused:
					told = e
				}
			}
			// Whom a CER came from that was refused is for the log: who he says he is, and what he proved.
			if c.code != 0 && told.Reason != c.reason || c.reason == WrongName && (told.Get("peer") == "" || told.Get("from") == "" || told.Get("certificate") != strings.Join(c.opened.Names, " ")) {
				t.Errorf("told: %+v", told)
			}
			if got != c.reason {
				t.Errorf("dropped for %q, want %q", got, c.reason)
			}
			if c.reason != "" && (len(n.links) != 0 || len(n.byHost) != 1 || n.timers.Len() != 0 || n.waiting["in"] != 0) {
				t.Errorf("something stays: %d connections, %d peers, %d timers", len(n.links), len(n.byHost), n.timers.Len())
			}
		})
	}
}

// TestCallers: connections without CER are few, and do not last.
func TestCallers(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.cause(iConnNack)
	for i := range engine.Conn(MaxWaiting + 5) {
		l.in(engine.Opened{Conn: 2 * (i + 1), Listener: "in", From: addr(1), To: network(i % 9)})
	}
	if len(l.n.links) != MaxWaiting || l.n.waiting["in"] != MaxWaiting || len(l.n.waitingFrom) != 9 {
		t.Fatalf("%d connections", len(l.n.links))
	}
	for l.now < engine.Mono(CERWait) {
		at, _ := l.n.Deadline()
		l.now = at
		l.in(engine.Tick{})
		l.i = l.n.nextConn - 2
		l.cause(iConnNack)
	}
	if len(l.n.links)+len(l.n.waitingFrom) != 0 || l.n.waiting["in"] != 0 {
		t.Errorf("%d connections after %v", len(l.n.links), time.Duration(l.now))
	}
}

// network is an address of a network of its own.
func network(i engine.Conn) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 7: byte(i), 15: 1}), 3)
}

// TestCallersOfOnePlace: whoever connects from one network and says nothing does not keep those of another out.
//
// spec DM-23
func TestCallersOfOnePlace(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.cause(iConnNack)
	for i := range engine.Conn(2 * MaxWaiting) {
		l.in(engine.Opened{Conn: 2 * (i + 1), Listener: "in", From: addr(1), To: addr(int(i))})
	}
	if len(l.n.links) != MaxWaitingFrom {
		t.Fatalf("%d connections", len(l.n.links))
	}
	l.in(engine.Opened{Conn: 1000, Listener: "in", From: addr(1), To: network(5)})
	if l.n.links[1000] == nil {
		t.Error("another is kept out")
	}
}

// TestListensAgain: an address that is not there yet is asked for again.
func TestListensAgain(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.in(engine.Closed{Listener: "in", Reason: engine.ReasonNoAddress})
	l.now = engine.Mono(MaxBackoff)
	l.in(engine.Tick{})
	for _, e := range l.out.List {
		if e, ok := e.(engine.Listen); ok && e.Name == "in" && e.At == addr(1) {
			return
		}
	}
	t.Errorf("%v", l.out.List)
}

// TestWrongCEA: what a peer that we dialled may not say.
//
// spec DM-23
func TestWrongCEA(t *testing.T) {
	for what, c := range map[string]struct {
		raw    func(l *lone) []byte
		reason string
	}{
		"refusal":      {func(l *lone) []byte { return l.caps(diameter.UnknownPeer, "z"+domain) }, RefusedUs},
		"another host": {func(l *lone) []byte { return l.caps(diameter.Success, "y"+domain) }, UnknownHost},
		"no CEA":       {func(l *lone) []byte { return l.dpr(true) }, NotOpen},
		"CER":          {func(l *lone) []byte { return l.caps(0, "z"+domain) }, NotOpen},
		"garbage":      {func(l *lone) []byte { return []byte("what?") }, Garbage},
		"nothing common": {func(l *lone) []byte {
			raw := l.caps(diameter.Success, "z"+domain)
			diameter.SetUint32(raw, diameter.AuthApplicationID, 7)
			return raw
		}, NothingCommon},
	} {
		l := newLone(t, "z"+domain)
		l.cause(iConnAck)
		l.say(l.i, c.raw(l))
		if l.p.state != Closed || len(l.n.links) != 0 || l.p.watch != Initial {
			t.Errorf("%s: %s", what, l.p.state)
		}
		if e := l.dropped(); e != c.reason {
			t.Errorf("%s: dropped for %q, want %q", what, e, c.reason)
		}
		if v := l.n.View().(View).Peers[0]; v.Reason == "" || what == "refusal" && v.Reason != RefusedUs {
			t.Errorf("%s: the view says %+v", what, v)
		}
		if l.p.state = ROpen; l.n.View().(View).Peers[0].Reason != "" {
			t.Errorf("%s: an open peer has a reason to be closed", what)
		}
	}
}

func (l *lone) dropped() string {
	for _, e := range l.out.List {
		if e, ok := e.(engine.Event); ok && e.Name == engine.EventDrop {
			return e.Reason
		}
	}
	return ""
}

// TestTLSNames: both ends check whom they talk to, and a peer behind TLS opens.
//
// spec DM-23
func TestTLSNames(t *testing.T) {
	for _, cert := range []string{"b.example", "evil.example"} {
		w := newWorld(t)
		b := w.add("b", func(c *Config) { c.Listen[0].TLS = "inter"; c.Peers = []Peer{{Host: name("a"), TLS: "inter"}} })
		a := w.add("a", func(c *Config) {
			c.Listen = nil
			c.Peers = []Peer{{Host: name("b"), At: b.at, TLS: "inter", Server: cert}}
		})
		b.cert = []string{cert}
		w.start()
		w.run(2 * time.Second)
		if good := cert == "b.example"; a.n.Open(name("b")) != good || b.n.Open(name("a")) != good || a.drops[WrongName] > 0 == good {
			t.Errorf("%s: %s, %v", cert, a.peer("b").state, a.drops)
		}
	}
}

// TestBrokenStream: messages that are wrong are answered, one after the other, until the stream cannot be cut any more.
func TestBrokenStream(t *testing.T) {
	l := newLone(t, "z"+domain)
	l.cause(iConnAck)
	l.cause(iRcvCEA)
	var b diameter.Builder
	str := func(app uint32) []byte {
		return append([]byte(nil), b.Request(diameter.SessionTermination, app, diameter.Proxiable).Text(diameter.SessionID, "s").Text(diameter.OriginHost, "z"+domain).
			Text(diameter.OriginRealm, "r"+domain).Text(diameter.DestinationRealm, "r"+domain).Uint32(diameter.AuthApplicationID, app).Done()...)
	}
	bits := str(diameter.AppMobileIPv6AAA)
	bits[4] |= byte(diameter.ErrorBit)
	cut := str(diameter.AppMobileIPv6AAA)
	cut[len(cut)-5] = 200 // the last AVP's length
	noCause := str(diameter.AppMobileIPv6AAA)
	for _, c := range []struct {
		raw    []byte
		code   diameter.ResultCode
		failed bool
		reason string
	}{
		{bits, diameter.InvalidHdrBits, false, Malformed},
		{cut, diameter.InvalidAVPLength, true, Malformed},
		{noCause, diameter.MissingAVP, true, BadGrammar},
		{str(99), diameter.ApplicationUnsupported, false, NoApplication},
	} {
		l.say(l.i, c.raw)
		m := l.written()
		if _, failed := m.Find(diameter.FailedAVP); resultOf(m) != c.code || failed != c.failed || l.dropped() != c.reason || len(l.told) != 0 {
			t.Errorf("%v %q %v, want %v", resultOf(m), l.dropped(), l.told, c.code)
		}
	}
	if !l.p.state.open() {
		t.Fatal("it went on")
	}
	l.say(l.i, append(str(99), "garbage"...))
	if m := l.written(); resultOf(m) != diameter.ApplicationUnsupported || l.p.state != Closed || len(l.told) != 1 {
		t.Errorf("%v %s %v", resultOf(m), l.p.state, l.told)
	}
}

// written is the first message written.
func (l *lone) written() diameter.Message {
	for _, e := range l.out.List {
		if e, ok := e.(engine.Write); ok {
			raw, _, _ := diameter.Next(e.Data, 0)
			m, err := diameter.Parse(raw)
			if err != nil {
				l.t.Error(err)
			}
			return m
		}
	}
	return diameter.Message{}
}
