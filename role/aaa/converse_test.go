package aaa

import (
	"bytes"
	"fmt"
	"testing"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/keying/gpsk"
	"roam6/machine/eap"
	"roam6/machine/peers"
	"roam6/store/subscriber/profile"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mip6aaa"
)

// talker is a mobile node with EAP alone.
type talker struct {
	*mobile
	peer *eap.Peer
	raw  []byte // the next response
}

func newTalker(t *testing.T, psk []byte) *talker {
	k, err := gpsk.NewKey(psk)
	if err != nil {
		t.Fatal(err)
	}
	p, err := eap.NewPeer(eap.PeerConfig{Identity: nai, Server: aaah, Key: k}, engine.NewRand([32]byte{8}))
	if err != nil {
		t.Fatal(err)
	}
	return &talker{newMobile(), p, p.Begin()}
}

// round sends the next response as the AAA client does.
func (x *talker) round(b *bench) peers.Handle {
	x.req.Auth, x.req.HostChallenge, x.req.EAP = nil, nil, x.raw
	return b.send(mip6aaa.FromRequest(&x.req, x.network, mip6aaa.Route{Session: x.session, OriginHost: client, OriginRealm: netName, DestinationRealm: homeRealm}))
}

// talk goes on to the end, which it gives.
func (x *talker) talk(b *bench) *mip6aaa.ARA {
	b.t.Helper()
	for range 5 {
		h := x.round(b)
		if len(b.d.asked) > 0 {
			b.agent(nil)
		}
		a := b.ara(h)
		if a.EAP == nil {
			return a
		}
		next, o := x.peer.Handle(a.EAP)
		if a.Code != diameter.MultiRoundAuth {
			if keys, ok := x.peer.Keys(); ok {
				secret, _ := aaa.Exported(keys.EMSK(), aaa.Identity(nai, x.req.HomeAddress), netName)
				x.sign(secret)
				x.exchange.HostChallenge = nil
			}
			return a
		}
		if a.Auth != nil || o.Result != eap.Going {
			b.t.Fatalf("%+v, %+v", a, o)
		}
		x.raw = next
	}
	b.t.Fatal("too many rounds")
	return nil
}

// Several rounds through AAAv to AAAh; then what was asked for, under the keys of the conversation. A key of 16 octets will do.
func TestEAP(t *testing.T) { //spec DM-06 DM-19
	u := ann()
	u.Key = secret[:16]
	b := newBench(t, homeConfig(), u)
	x := newTalker(t, u.Key)
	x.req.Features = flagA | flagP
	x.req.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}
	h := x.round(b)
	if first := b.ara(h); first.Code != diameter.MultiRoundAuth || len(b.s.talks) != 1 || b.s.View().(View).Sessions != 0 {
		t.Fatalf("%+v", first)
	}
	again := b.ara(x.round(b)) // a repetition gets the same answer
	if first := b.ara(h); !bytes.Equal(first.EAP, again.EAP) {
		t.Error("another answer to the same response")
	}
	a := x.talk(b)
	if a.Code != diameter.Success || a.Home != hoa || a.Agent != ha1 || len(a.Keys) != 1 || a.EAP == nil || b.s.View().(View).Conversations != 0 || b.s.View().(View).Sessions != 1 {
		t.Fatalf("%+v, refused %v", a, b.s.refused)
	}
	x.exchange.Request = x.req.Covered()
	if !x.key.VerifyGreeting(x.exchange, a.Reply().Covered(), a.Auth) {
		t.Error("the network has not proven itself")
	}
	if b.s.begun.Len()+b.s.timers.Len() != 0 {
		t.Error("something waits")
	}
}

// A Success that was lost is asked for again by the same request: the same conversation answers it, for KeptTime. Nothing else is answered.
func TestEAPSuccessIsLost(t *testing.T) { //spec DM-06
	begin := func() (*bench, *talker) {
		b := newBench(t, homeConfig(), ann())
		x := newTalker(t, secret)
		if a := x.talk(b); a.Code != diameter.Success {
			t.Fatalf("%+v", a)
		}
		return b, x
	}
	b, x := begin()
	gpsk4 := x.raw
	for i := range byte(2) {
		x.req.LocalChallenge = bytes.Repeat([]byte{i}, 16) // the AAA client has a fresh one
		a := b.ara(x.round(b))
		x.exchange.LocalChallenge, x.exchange.Request = x.req.LocalChallenge, x.req.Covered()
		if a.Code != diameter.Success || !x.key.VerifyGreeting(x.exchange, a.Reply().Covered(), a.Auth) {
			t.Fatalf("%+v", a)
		}
	}
	if v := b.s.View().(View); v.Sessions != 1 || v.Conversations != 0 {
		t.Errorf("%+v", v)
	}
	x.req.Features = flagA
	b.want(nil, x.round(b), rejected)
	x.req.Features = 0
	x.raw = append([]byte{}, gpsk4...)
	x.raw[len(x.raw)-1] ^= 1
	b.want(nil, x.round(b), rejected)
	x.raw = gpsk4
	b.want(nil, b.send(mip6aaa.FromRequest(&x.req, x.network, mip6aaa.Route{Session: "ar1;9", OriginHost: client, OriginRealm: netName, DestinationRealm: homeRealm})), rejected)
	if b.wait(KeptTime); len(b.s.talks)+len(b.s.talkers)+b.s.kept.Len() != 0 {
		t.Error("it is kept")
	}
	b.want(nil, x.round(b), rejected)

	// The node begins anew, under the session that it has: at once, and also in the middle.
	b, x = begin()
	x.raw = newTalker(t, secret).raw
	b.want(nil, x.round(b), diameter.MultiRoundAuth)
	y := newTalker(t, secret)
	_, _ = y.peer.Handle(b.ara(y.round(b)).EAP)
	if y.raw, _ = y.peer.Handle(b.ara(y.round(b)).EAP); y.raw == nil {
		t.Fatal("no GPSK-2")
	}
	b.want(nil, y.round(b), diameter.MultiRoundAuth)
	if a := newTalker(t, secret).talk(b); a.Code != diameter.Success || len(b.s.talks) != 1 {
		t.Errorf("%+v", a)
	}
	// What is kept makes room.
	z := newTalker(t, secret)
	for i := range MaxConversations {
		z.session = fmt.Sprint("ar1;", i+2)
		b.want(nil, z.round(b), diameter.MultiRoundAuth)
	}
	if b.s.kept.Len() != 0 || b.s.refused["conversations-full"] != 0 {
		t.Error(b.s.refused)
	}
}

// Whoever is not who it says, is switched off, or is nobody gets a Failure, and nobody can tell an unknown name from a wrong key.
func TestEAPRefused(t *testing.T) { //spec DM-06
	off := ann()
	off.Enabled = false
	for _, c := range []struct {
		name  string
		users []*profile.Profile
		psk   []byte
		why   string
	}{
		{"a wrong key", []*profile.Profile{ann()}, bytes.Repeat([]byte{9}, 32), "eap-failed"},
		{"nobody", nil, secret, "eap-failed"},
		{"switched off", []*profile.Profile{off}, secret, "eap-failed"},
	} {
		b := newBench(t, homeConfig(), c.users...)
		before := b.kept()
		a := newTalker(t, c.psk).talk(b)
		if a.Code != rejected || a.Auth != nil || a.Message != rejectedText || b.s.refused[c.why] != 1 || b.kept() != before || len(b.s.talks) != 0 || b.s.timers.Len() != 0 {
			t.Errorf("%s: %+v, refused %v", c.name, a, b.s.refused)
		}
	}
	b := newBench(t, homeConfig(), ann())
	x := newTalker(t, secret)
	x.raw = []byte{2, 1, 0, 5, 51} // GPSK without a message, of no conversation
	if a := b.want(nil, x.round(b), rejected); a.EAP != nil || len(b.s.talks) != 0 || b.s.refused["eap-refused"] != 1 {
		t.Errorf("%+v, %v", a, b.s.refused)
	}
}

// A conversation is one user's, ends by its time, and there are so many at most.
func TestConversations(t *testing.T) { //spec DM-06
	eve := ann()
	eve.NAI = "eve@home.example"
	b := newBench(t, homeConfig(), ann(), eve)
	x := newTalker(t, secret)
	begin := x.raw
	b.want(nil, x.round(b), diameter.MultiRoundAuth)
	x.req.NAI = eve.NAI
	b.want(nil, x.round(b), rejected)
	if b.s.refused["eap-of-another"] != 1 || len(b.s.talks) != 1 {
		t.Error(b.s.refused)
	}
	var only *eap.Server
	for _, c := range b.s.talks { //order:any — there is one
		only = c.server
	}
	b.wait(eap.MaxAge)
	if only.State() != "failed" {
		t.Errorf("given up with its keys: %s", only.State())
	}
	if len(b.s.talks)+len(b.s.talkers) != 0 || b.s.refused["eap-timed-out"] != 1 {
		t.Error(b.s.refused)
	}
	x.raw = begin
	for i := range MaxConversations + 2 {
		x.session = fmt.Sprint("ar1;", i)
		x.round(b)
	}
	if len(b.s.talks) != MaxConversations || len(b.s.talkers) != MaxConversations || b.s.begun.Len() != MaxConversations || b.s.refused["conversations-full"] != 2 {
		t.Error(len(b.s.talks), b.s.refused)
	}
	// Those who begin and never go on do not keep out who goes on.
	true1 := newTalker(t, secret)
	true1.session = "true;1"
	if a := true1.talk(b); a.Code != diameter.Success || b.s.refused["conversations-full"] != 3 {
		t.Error(a.Code, b.s.refused)
	}
	if b.wait(eap.MaxAge); len(b.s.talks)+len(b.s.talkers)+b.s.begun.Len()+b.s.kept.Len() != 0 {
		t.Error(len(b.s.talks), b.s.begun.Len())
	}
}

// The last request of a conversation proves nothing more when it comes again, perhaps from somebody who has heard it: it is answered as it
// was, and the home agent is asked nothing, for new keys there would end those that the mobile node has.
func TestEAPReplayed(t *testing.T) { //spec DM-06 DM-19
	b := newBench(t, homeConfig(), ann())
	x := newTalker(t, secret)
	x.req.Features = flagA | flagP
	x.req.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random, SPI: 5000}}
	for range 2 {
		a := b.ara(x.round(b))
		x.raw, _ = x.peer.Handle(a.EAP)
	}
	h := x.round(b)
	if len(b.d.asked) != 1 {
		t.Fatalf("%d HORs", len(b.d.asked))
	}
	b.want(nil, x.round(b), tooBusy) // while the home agent is asked
	b.agent(nil)
	first := b.want(nil, h, diameter.Success)
	x.req.LocalChallenge = bytes.Repeat([]byte{1}, 16)
	again := b.want(nil, x.round(b), diameter.Success)
	if len(b.d.asked) != 0 || len(again.Keys) != 1 || !bytes.Equal(again.Keys[0].Value, first.Keys[0].Value) || !bytes.Equal(again.Binding, first.Binding) ||
		again.Lifetime != first.Lifetime || again.Auth == nil || bytes.Equal(again.Auth, first.Auth) {
		t.Errorf("%d HORs\n%+v\n%+v", len(b.d.asked), first, again)
	}
	if len(b.s.perUser) != 0 || b.s.View().(View).Sessions != 1 {
		t.Errorf("%v", b.s.perUser)
	}
}
