package kdc

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/lwkrb"
	lw "roam6/wire/lwkrb"
)

// The whole way, with the machines of both ends around the KDCs: a mobile node with tickets of each kind comes to a router, and both have the keys of
// one session. The router asks its KDC, which asks others, if need be.
func TestEnds(t *testing.T) { //spec FH-13 FH-14 FH-15 FH-16
	const home, local = "krbtgt/HOME.EXAMPLE@HOME.EXAMPLE", "krbtgt/D.EXAMPLE@C.EXAMPLE"
	for _, c := range []struct {
		sealer string
		way    []string // tickets on the way from the logon to that one
		kase   lw.Case
		asked  int
	}{
		{far, []string{"krbtgt/B.EXAMPLE@HOME.EXAMPLE", "krbtgt/C.EXAMPLE@B.EXAMPLE", local, far}, lw.CaseRouter, 0},
		{local, []string{"krbtgt/B.EXAMPLE@HOME.EXAMPLE", "krbtgt/C.EXAMPLE@B.EXAMPLE", local}, lw.CaseLocal, 1},
		{home, nil, lw.CaseFar, 1},
	} {
		w, kdcs := realms(t)
		kdcs[0].db[ann].Attributes = avp(60)
		x := kdcs[0].logon(ann, lightly)
		for i, name := range c.way {
			x = kdcs[i].ticket(x, ann, name, lightly)
		}
		sealed, _ := w.light(x)
		if string(sealed.Key.Principal) != c.sealer {
			t.Fatalf("a ticket for %s", sealed.Key.Principal)
		}
		m := lwkrb.NewMobile(engine.NewRand([32]byte{1}))
		m.Put(must(lwkrb.NewTicket(sealed, x.Key.Value, ann, x.Times.Start, x.Times.End)))
		key, name := lightKey(far)
		r := must(lwkrb.NewRouter(lwkrb.RouterConfig{Self: far, KDC: true, Offer: lw.WantAH | lw.WantESP}, []lwkrb.Key{{Name: name, Key: key}}, engine.NewRand([32]byte{2})))

		address, careOf := netip.MustParseAddr("2001:db8:d::1"), netip.MustParseAddr("2001:db8:d::a")
		var out engine.Effects
		wish := lwkrb.Wish{Router: far, Address: address, CareOf: careOf, Want: lw.WantAH | lw.WantESP, SPI: 0x1001}
		ask := m.Ask(w.now, wish, &out)[0].(*lwkrb.Request)
		facts := r.Heard(w.now, lwkrb.Coming{Octets: ask.Octets, From: address, Addresses: []netip.Addr{address}, CareOf: careOf}, &out)
		asked := 0
		for len(facts) == 1 {
			switch f := facts[0].(type) {
			case lwkrb.AskKDC:
				asked++
				facts = r.Answered(w.now, kdcs[3].ask(f.Octets), &out)
			case *lwkrb.Judge:
				if f.Client != ann || c.sealer == home && len(f.Attributes) != 63 {
					t.Errorf("%s: %+v", c.sealer, f)
				}
				facts = r.Decide(w.now, f.Handle, lwkrb.Verdict{Lifetime: time.Minute}, &out)
			default:
				t.Fatalf("%s: %T %+v, %v", c.sealer, f, f, out.List)
			}
		}
		if len(facts) != 2 {
			t.Fatalf("%s: %+v, %v, %v", c.sealer, facts, out.List, kdcs[3].drops)
		}
		theirs := facts[0].(*lwkrb.Session)
		ours, ok := m.Heard(w.now, facts[1].(lwkrb.Answer).Octets, &out)[0].(*lwkrb.Session)
		if !ok || theirs.Case != c.kase || asked != c.asked || !bytes.Equal(ours.ESP.ToRouter, theirs.ESP.ToRouter) || !bytes.Equal(ours.AH.ToMobile, theirs.AH.ToMobile) {
			t.Errorf("%s: %+v, %+v, asked %d times", c.sealer, ours, theirs, asked)
		}
	}
}
