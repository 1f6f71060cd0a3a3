package kdc

import (
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/keying/krb5"
	"roam6/machine/iakerb"
	"roam6/machine/tickets"
	wire "roam6/wire/krb5"
)

// visitor is the client of machine/tickets among the KDCs, and the proxy of an access router.
type visitor struct {
	w     *world
	c     *tickets.Client
	proxy *iakerb.Proxy
	out   engine.Effects
}

func newVisitor(w *world) *visitor {
	cfg := tickets.Config{Client: id(ann), Keys: []krb5.Key{keyOf(ann, krb5.AES256SHA384)}, Lightweight: true}
	var via iakerb.Config
	for _, k := range w.kdcs {
		cfg.Realms = append(cfg.Realms, tickets.Realm{Name: k.cfg.Realm, KDCs: []tickets.KDC{{At: k.at}}})
		via.Realms = append(via.Realms, iakerb.Realm{Name: k.cfg.Realm, KDCs: []netip.AddrPort{k.at}})
	}
	return &visitor{w: w, c: must(tickets.New(cfg, engine.NewRand([32]byte{3}))), proxy: must(iakerb.New(via))}
}

func (v *visitor) at(a netip.AddrPort) *center {
	for _, k := range v.w.kdcs {
		if k.at == a {
			return k
		}
	}
	v.w.t.Fatal("no KDC at ", a)
	return nil
}

// carry takes octets there and back until nothing is under way; by says how many went which way.
func (v *visitor) carry(facts []tickets.Fact) (by [3]int) {
	v.w.t.Helper()
	for len(facts) > 0 {
		s, ok := facts[0].(tickets.Send)
		if facts = facts[1:]; !ok {
			continue
		}
		by[s.Way]++
		switch s.Way {
		case tickets.Datagram:
			facts = append(facts, v.c.HeardFrom(v.w.now, s.KDC, v.at(s.KDC).ask(s.Data), &v.out)...)
		case tickets.Stream:
			facts = append(facts, v.c.HeardStream(v.w.now, s.Exchange, wire.AppendFrame(nil, v.at(s.KDC).askTCP(s.Data[4:])), &v.out)...)
		case tickets.Proxy:
			facts = append(facts, v.c.HeardToken(v.w.now, v.passed(s.Data), &v.out)...)
		}
	}
	return by
}

// passed takes a token through the proxy and gives its answer.
func (v *visitor) passed(token []byte) []byte {
	v.w.t.Helper()
	facts := v.proxy.Heard(v.w.now, netip.MustParseAddr("fe80::9"), token, &v.out)
	for len(facts) > 0 {
		f := facts[0]
		facts = facts[1:]
		switch f := f.(type) {
		case iakerb.Reply:
			return f.Token
		case iakerb.Ask:
			if f.Stream {
				facts = append(facts, v.proxy.HeardStream(v.w.now, f.Slot, wire.AppendFrame(nil, v.at(f.KDC).askTCP(f.Data[4:])), &v.out)...)
			} else {
				facts = append(facts, v.proxy.HeardFrom(v.w.now, f.Slot, f.KDC, v.at(f.KDC).ask(f.Data), &v.out)...)
			}
		}
	}
	v.w.t.Fatalf("no answer by the proxy: %v", v.out.List)
	return nil
}

// The client logs on, first by the proxy of the access router, and has tickets of each kind, four realms away too, with lightweight ones beside them.
func TestClient(t *testing.T) { //spec RT-30 RT-40 FH-14
	for _, way := range []tickets.Way{tickets.Direct, tickets.Proxy} {
		w, kdcs := realms(t)
		v := newVisitor(w)
		v.c.Through(w.now, way, &v.out)
		by := v.carry(v.c.Start(w.now, &v.out))
		for _, server := range []string{"krbtgt/B.EXAMPLE@HOME.EXAMPLE", "krbtgt/D.EXAMPLE@HOME.EXAMPLE", far} {
			facts, _ := v.c.Want(w.now, id(server), &v.out)
			for i, n := range v.carry(facts) {
				by[i] += n
			}
			x := v.c.Ticket(w.now, id(server))
			if x == nil || !x.Lightweight() {
				t.Fatalf("%v: no %s: %+v\n%v\n%v", way, server, v.c.View(), v.out.List, kdcs[0].drops)
			}
		}
		if got := v.c.Ticket(w.now, id("krbtgt/D.EXAMPLE@HOME.EXAMPLE")); got.Server.String() != "krbtgt/D.EXAMPLE@C.EXAMPLE" {
			t.Errorf("%v", got.Server)
		}
		if proxied := way == tickets.Proxy; (by[tickets.Proxy] > 0) != proxied || (by[tickets.Datagram] == 0) != proxied {
			t.Errorf("%v: %v", way, by)
		}
		for _, k := range kdcs {
			if len(k.drops) > 0 {
				t.Errorf("%s dropped %v", k.cfg.Realm, k.drops)
			}
		}
	}
}

// An access router has a ticket for the mobile node that pushed its TGT.
func TestClientUserToUser(t *testing.T) { //spec RT-36
	w, kdcs := realms(t)
	v := newVisitor(w)
	v.carry(v.c.Start(w.now, &v.out))
	tgt := v.c.Tickets(w.now)[0]
	const self = "mobileip/ar1.home.example@HOME.EXAMPLE"
	kdcs[0].principal(self)
	ar := newVisitor(w)
	ar.c = must(tickets.New(tickets.Config{Client: id(self), Keys: []krb5.Key{keyOf(self, krb5.AES256SHA384)},
		Realms: []tickets.Realm{{Name: "HOME.EXAMPLE", KDCs: []tickets.KDC{{At: kdcs[0].at, Stream: true}}}}}, engine.NewRand([32]byte{4})))
	ar.carry(ar.c.Start(w.now, &ar.out))
	facts, name := ar.c.UserToUser(w.now, id(ann).Name, tgt.Ticket, &ar.out)
	s := facts[0].(tickets.Send)
	facts = ar.c.HeardStream(w.now, s.Exchange, wire.AppendFrame(nil, kdcs[0].askTCP(s.Data[4:])), &ar.out)
	g, ok := facts[len(facts)-1].(tickets.Granted)
	if !ok || g.Want != name || !g.Ticket.Server.Equal(id(ann)) {
		t.Fatalf("%v %v", facts, ar.out.List)
	}
	session := must(krb5.NewKey(krb5.EType(tgt.Key.EType), tgt.Key.Value))
	part := must(wire.ParseEncTicketPart(must(session.Decrypt(nil, krb5.TicketPart, g.Ticket.Ticket.Enc.Cipher))))
	if !part.Client.Equal(id(self)) {
		t.Errorf("%v", part.Client)
	}
}
