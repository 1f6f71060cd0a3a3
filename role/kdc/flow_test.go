package kdc

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/machine/lwkrb"
	"roam6/machine/tickets"
	"roam6/wire/krb5"
	lw "roam6/wire/lwkrb"
)

// serve carries what a client of Kerberos sends to the KDCs, and back, until it has nothing more to say.
func serve(w *world, c *tickets.Client, facts []tickets.Fact) (granted []*tickets.Ticket) {
	var out engine.Effects
	for ; len(facts) > 0; facts = facts[1:] {
		switch f := facts[0].(type) {
		case tickets.Granted:
			granted = append(granted, f.Ticket)
		case tickets.Failed:
			w.t.Errorf("%v: %v %s", f.Server, f.Code, f.Why)
		case tickets.Send:
			for _, k := range w.kdcs {
				if k.at != f.KDC {
					continue
				}
				if f.Way == tickets.Stream {
					m, _, _ := krb5.NextFrame(f.Data)
					facts = append(facts, c.HeardStream(w.now, f.Exchange, krb5.AppendFrame(nil, k.askTCP(m)), &out)...)
				} else {
					facts = append(facts, c.HeardFrom(w.now, f.KDC, k.ask(f.Data), &out)...)
				}
			}
		}
	}
	return granted
}

// A mobile node logs on and fetches what it needs for adjacent realms, by its client of Kerberos; then it comes to a router three realms away, which opens its ticket
// itself, or has its KDC do so, or has that ask the home KDC. Both ends get the same keys in each case.
func TestMobileNodeAndRouter(t *testing.T) { //spec FH-13 FH-14 FH-15 FH-16 RT-30 RT-40
	const shared = "mobileip/access.d.example@D.EXAMPLE"
	w, kdcs := realms(t)
	kdcs[3].principal(shared)
	kdcs[0].db[ann].Attributes = avp(100)
	var list []tickets.Realm
	for _, k := range kdcs {
		list = append(list, tickets.Realm{Name: k.cfg.Realm, KDCs: []tickets.KDC{{At: k.at}}})
	}
	client := must(tickets.New(tickets.Config{Client: id(ann), Keys: []keys.Key{keyOf(ann, 20)}, Realms: list, Lightweight: true}, engine.NewRand([32]byte{7})))
	var out engine.Effects
	serve(w, client, client.Start(w.now, &out))
	for _, name := range []string{shared, "krbtgt/D.EXAMPLE@C.EXAMPLE"} {
		facts, ok := client.Want(w.now, id(name), &out)
		if !ok {
			t.Fatalf("%s is not wanted", name)
		}
		serve(w, client, facts)
	}
	for i, x := range []struct {
		sealer string
		asked  int // open-reqs that D answered, and HOME
		home   int
	}{{shared, 0, 0}, {"krbtgt/D.EXAMPLE@C.EXAMPLE", 1, 0}, {"krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", 1, 1}} {
		v5 := client.Ticket(w.now, id(x.sealer))
		if v5 == nil || !v5.Lightweight() {
			t.Fatalf("%s: no lightweight ticket: %v", x.sealer, v5)
		}
		mobile := lwkrb.NewMobile(engine.NewRand([32]byte{1, byte(i)}))
		mobile.Put(must(lwkrb.NewTicket(v5.Light, v5.Key.Value, ann, v5.Start(), v5.Times.End)))
		d, h := kdcs[3].granted["open"], kdcs[0].granted["open"]
		mn, ar := meet(t, w, mobile, shared)
		if mn == nil || ar == nil {
			t.Fatalf("%s: no session", x.sealer)
		}
		if !reflect.DeepEqual(mn.ESP, ar.ESP) || !reflect.DeepEqual(mn.AH, ar.AH) || len(mn.ESP.ToRouter) != 36 || int(mn.Case) != i+1 || ar.Client != ann || len(ar.Attributes) != 103 || !ar.TicketEnd.Equal(v5.Times.End) {
			t.Errorf("%s: case %d, client %s, %d octets of attributes", x.sealer, mn.Case, ar.Client, len(ar.Attributes))
		}
		if d, h = kdcs[3].granted["open"]-d, kdcs[0].granted["open"]-h; d != x.asked || h != x.home {
			t.Errorf("%s: %d and %d open-reqs", x.sealer, d, h)
		}
	}
}

// meet has a mobile node come to the far router, and gives the session of both.
func meet(t *testing.T, w *world, mobile *lwkrb.Mobile, shared string) (mn, ar *lwkrb.Session) {
	t.Helper()
	own, name := lightKey(far)
	common, commonName := lightKey(shared)
	address, careOf := netip.MustParseAddr("2001:db8:d::1"), netip.MustParseAddr("2001:db8:d::99")
	router := must(lwkrb.NewRouter(lwkrb.RouterConfig{Self: far, KDC: true, Offer: lw.WantESP | lw.WantAH}, []lwkrb.Key{{Name: name, Key: own}, {Name: commonName, Key: common}}, engine.NewRand([32]byte{9})))
	var out engine.Effects
	router.Restore(w.now, nil, &out)
	facts := mobile.Ask(w.now, lwkrb.Wish{Router: far, Address: address, CareOf: careOf, Want: lw.WantESP | lw.WantAH, SPI: 0x1000}, &out)
	for ; len(facts) > 0; facts = facts[1:] {
		switch f := facts[0].(type) {
		case *lwkrb.Request:
			facts = append(facts, router.Heard(w.now, lwkrb.Coming{Octets: f.Octets, From: careOf, Addresses: []netip.Addr{address}, CareOf: careOf}, &out)...)
		case lwkrb.AskKDC:
			facts = append(facts, router.Answered(w.now, w.kdcs[3].ask(f.Octets), &out)...)
		case *lwkrb.Judge:
			facts = append(facts, router.Decide(w.now, f.Handle, lwkrb.Verdict{Lifetime: time.Hour}, &out)...)
		case lwkrb.Answer:
			facts = append(facts, mobile.Heard(w.now, f.Octets, &out)...)
		case *lwkrb.Session:
			if f.Handle != 0 {
				ar = f
			} else {
				mn = f
			}
		}
	}
	return mn, ar
}
