package ar

import (
	"bytes"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/enrol"
	"roam6/wire/access"
	"roam6/wire/ip6"
)

// The mobile node's own end and this one understand each other: a stale challenge, repetitions, both ways to a key of the link.
func TestMobileNodesEnd(t *testing.T) { //spec DM-04 DM-05 DM-09 DM-19 DM-20
	for _, methods := range []access.Methods{access.Random, access.DiffieHellman} {
		w, m := newAAAWorld(t, accounting()), newMobile(1)
		a, err := enrol.New(enrol.Config{Port: 1, NAI: user, LongTerm: longTerm}, engine.NewRand([32]byte{5}))
		if err != nil {
			t.Fatal(err)
		}
		var out engine.Effects
		a.Advertised(w.now, w.r.links[0].adv.Message().Options.Access, &out)
		w.pass(90 * time.Second) // the challenge is an old one now
		w.known(m)
		var grant *enrol.Grant
		a.Ask(w.now, enrol.Want{CareOf: m.coa, Via: hw, Keys: []access.KeyRequest{{Use: access.AccessRouter, Methods: methods}}}, &out)
		for lost := 0; grant == nil && len(out.List) > 0; lost++ {
			w.sent = nil
			for _, e := range out.List {
				if s, ok := e.(engine.Send); ok {
					w.do(engine.Packet{Port: 1, From: m.hw, Data: s.Data})
				}
			}
			out.Reset()
			if lost == 1 { // the reply to the second: it is asked again, and the same reply comes
				at, _ := a.Deadline()
				w.step(at)
				a.Tick(w.now, &out)
				continue
			}
			for _, s := range w.sent {
				p, err := ip6.Parse(s.Data)
				if err != nil || p.Proto != ip6.ProtoICMPv6 || !access.IsAccess(p.Payload) {
					continue
				}
				for _, f := range a.Heard(w.now, &p, &out) {
					grant, _ = f.(*enrol.Grant)
				}
			}
		}
		if grant == nil || len(grant.Keys) != 1 || len(w.arrs) != 1 || w.events["access-stale"] != 1 {
			t.Fatalf("%+v, %d requests, %v", grant, len(w.arrs), w.events)
		}
		s, k := w.r.gate.sessions[m.coa], grant.Keys[0]
		if s.key == nil || k.Use != aaa.AccessRouter || k.Method != methods || !bytes.Equal(k.Session.Octets(), s.key.session.Octets()) || k.PeerSPI != s.key.routerSPI || k.MobileSPI != s.key.mnSPI {
			t.Errorf("%v: the ends have not the same key", methods)
		}
		if late := grant.Until.Sub(s.ends); late < 0 || late > time.Second { // by the repetition
			t.Errorf("the node's session ends %v after the router's", late)
		}
	}
}
