package mn

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/tickets"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/krb5"
	"roam6/wire/mh"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

var kdcAt = netip.MustParseAddrPort("[2001:db8:0:2::88]:88")

func withKerberos(ask Ask) func(*Config) {
	return func(c *Config) {
		c.Kerberos = &Kerberos{Principal: "ann@HOME.EXAMPLE", LongTerm: make([]byte, 32), Ask: ask,
			Realms: []tickets.Realm{{Name: "HOME.EXAMPLE", KDCs: []tickets.KDC{{At: kdcAt}}}}}
	}
}

// handovers are the suboptions of the neighbour discovery that was sent to the router, by kind.
func handovers(t *testing.T, list []engine.Effect) (tokens, realms int) {
	t.Helper()
	for _, e := range list {
		s, ok := e.(engine.Send)
		if !ok {
			continue
		}
		p, err := ip6.Parse(s.Data)
		if err != nil || p.Proto != ip6.ProtoICMPv6 || len(p.Payload) == 0 || !nd.IsND(p.Payload[0]) {
			continue
		}
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *nd.RouterSolicitation:
			if h := m.Options.Handover; h != nil && h.RealmsWanted {
				realms++
			}
		case *nd.NeighborSolicitation:
			if h := m.Options.Handover; h != nil && len(h.Kerberos) > 0 {
				if p.Src.IsUnspecified() || m.Target != p.Dst {
					t.Errorf("a token from %v for %v", p.Src, m.Target)
				}
				tokens++
			}
		}
	}
	return tokens, realms
}

func datagrams(list []engine.Effect) (n int) {
	for _, e := range list {
		if d, ok := e.(engine.Datagram); ok && d.Peer == kdcAt {
			n++
		}
	}
	return n
}

// Before there is a binding the router is asked, behind it the KDC, each as the configuration allows; and nobody who is not to be.
func TestTicketWays(t *testing.T) { //spec RT-30
	for ask, want := range map[Ask][4]bool{ // tokens, datagrams: unbound, bound
		AskEither: {true, false, false, true}, AskRouter: {true, false, true, false}, AskKDC: {false, false, false, true},
	} { //order:any
		b := newBench(t, withKerberos(ask))
		if n := datagrams(b.out.List); n > 0 {
			t.Errorf("%s: %d datagrams at the start", ask, n)
		}
		effects := b.up(wlan)
		effects = append(append(effects, b.ra(wlan, ar1)...), b.pass(1500*time.Millisecond)...)
		tokens, realms := handovers(t, effects)
		if (tokens > 0) != want[0] || (datagrams(effects) > 0) != want[1] || realms == 0 || realms > RealmsTries {
			t.Errorf("%s, unbound: %d tokens, %d datagrams, asked for realms %d times", ask, tokens, datagrams(effects), realms)
		}
		if v := b.n.View().(View).Kerberos; (v.Waits != "") != (ask == AskKDC) {
			t.Errorf("%s: waits %q", ask, v.Waits)
		}
		update := b.updates(effects)
		b.do(b.ack(update[len(update)-1], mh.Accepted, nil))
		effects = b.pass(3 * time.Second)
		effects = append(effects, b.out.List...)
		tokens, _ = handovers(t, b.all[len(b.all)-len(effects):])
		if (tokens > 0) != want[2] || (datagrams(b.all) > 0) != want[3] {
			t.Errorf("%s, bound: %d tokens, %d datagrams", ask, tokens, datagrams(b.all))
		}
	}
}

// What the router says of realms, when it was asked, is wanted; what others say is not, nor a token of theirs, and the state is as it was.
func TestTicketStrangers(t *testing.T) { //spec FH-17 FH-18
	b := newBench(t, withKerberos(AskRouter))
	b.up(wlan)
	b.ra(wlan, ar1)
	b.pass(1200 * time.Millisecond)
	tell := func(from plane.HW, src netip.Addr, realms ...string) {
		ra := &nd.RouterAdvertisement{Lifetime: time.Hour, Options: nd.Options{SourceHW: from, Handover: &subopt.Handover{Realms: realms}}}
		b.nd(wlan, from, src, ip6.LinkLocal(hw1), ra)
	}
	other := plane.HW{2, 0, 0, 0, 6, 6}
	tell(other, ip6.LinkLocal(other), "EVIL.EXAMPLE")
	tell(other, ar1.addr(), "EVIL.EXAMPLE")
	if v := b.n.View().(View).Kerberos; len(v.Realms) != 0 || len(v.Client.Tickets) != 1 {
		t.Fatalf("%+v", v)
	}
	tell(ar1.hw, ar1.addr(), "A.EXAMPLE", "HOME.EXAMPLE")
	v := b.n.View().(View).Kerberos
	var servers []string
	for _, x := range v.Client.Tickets {
		servers = append(servers, x.Server)
	}
	for _, want := range []string{"krbtgt/A.EXAMPLE@HOME.EXAMPLE", "mobileip/access.a.example@A.EXAMPLE", "mobileip/access.home.example@HOME.EXAMPLE"} {
		if !slices.Contains(servers, want) {
			t.Errorf("no %s in %v", want, servers)
		}
	}
	if !slices.Equal(v.Realms, []string{"A.EXAMPLE", "HOME.EXAMPLE"}) {
		t.Errorf("%v", v.Realms)
	}
	token := krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: []byte{0x60, 0}}.Append(nil)
	for from, reason := range map[plane.HW]string{other: "token-unasked", ar1.hw: tickets.Malformed} { //order:any
		na := &nd.NeighborAdvertisement{Router: true, Solicited: true, Target: ip6.LinkLocal(from), Options: nd.Options{TargetHW: from, Handover: &subopt.Handover{Kerberos: token}}}
		list := b.nd(wlan, from, ip6.LinkLocal(from), ip6.LinkLocal(hw1), na)
		if !slices.ContainsFunc(list, func(e engine.Effect) bool { v, ok := e.(engine.Event); return ok && v.Reason == reason }) {
			t.Errorf("%v: %+v", from, list)
		}
	}
	for i := range MaxNear + 4 {
		tell(ar1.hw, ar1.addr(), "R"+itoa(i)+".EXAMPLE")
	}
	if v := b.n.View().(View).Kerberos; len(v.Realms) != MaxNear || len(v.Client.Tickets) > tickets.MaxWants {
		t.Errorf("%d realms, %d tickets", len(v.Realms), len(v.Client.Tickets))
	}
}

// A port that could not be had is asked for again when there is something to send; the view says so meanwhile. What is long goes by a connection.
func TestTicketSockets(t *testing.T) {
	b := newBench(t, withKerberos(AskKDC))
	b.do(engine.Closed{Listener: kerberosBind, Reason: engine.ReasonTooMany})
	if v := b.n.View().(View).Kerberos; v.Waits == "" {
		t.Error("the view says nothing of it")
	}
	b.up(wlan)
	b.ra(wlan, ar1)
	update := b.updates(b.pass(1500 * time.Millisecond))
	list := append(b.do(b.ack(update[len(update)-1], mh.Accepted, nil)), b.pass(time.Second)...)
	binds := 0
	for _, e := range list {
		if _, ok := e.(engine.Bind); ok {
			binds++
		}
	}
	if binds != 1 || datagrams(list) == 0 || b.n.View().(View).Kerberos.Waits != "" {
		t.Errorf("%d binds, %d datagrams", binds, datagrams(list))
	}
	dials := func(list []engine.Effect) (c engine.Conn, written int) {
		for _, e := range list {
			switch e := e.(type) {
			case engine.Dial:
				c = e.Conn
			case engine.Write:
				written++
			}
		}
		return c, written
	}
	tooBig := krb5.KRBError{ServerTime: b.now.Wall, Code: krb5.ErrResponseTooBig, Server: krb5.Principal{Name: krb5.TGS("HOME.EXAMPLE"), Realm: "HOME.EXAMPLE"}}
	conn, written := dials(b.do(engine.Datagram{Name: kerberosBind, Peer: kdcAt, Data: tooBig.Append(nil)}))
	if conn == 0 || !conn.Dialled() || written != 0 {
		t.Fatalf("connection %d, written %d times before it is open", conn, written)
	}
	if _, written := dials(b.do(engine.Opened{Conn: conn, To: kdcAt})); written != 1 {
		t.Errorf("written %d times", written)
	}
	b.do(engine.Closed{Conn: conn, Reason: engine.ReasonReset})
	if again, _ := dials(b.pass(5 * time.Second)); again == conn || again == 0 {
		t.Errorf("connection %d after %d", again, conn)
	}
}
