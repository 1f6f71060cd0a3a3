package enrol

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/wire/access"
	"roam6/wire/diameter"
)

func TestGranted(t *testing.T) { //spec DM-05 DM-07 DM-08
	for _, c := range []struct {
		name string
		with func(*Config, *Want)
	}{
		{"by NAI", func(*Config, *Want) {}},
		{"by NAI with a home address", func(_ *Config, w *Want) { w.Home = hoa }},
		{"by home address", func(c *Config, w *Want) { c.NAI, w.Home = "", hoa }},
		{"with features", func(_ *Config, w *Want) { w.Features = access.HomeAgentRequested | access.HomeAddressRequested }},
	} {
		w := plain()
		d := newDesk(t, func(cfg *Config) { c.with(cfg, &w) })
		d.ask(w)
		r, id := d.request()
		if !keyOf(t, r).VerifyAnswer(exchangeOf(r), r.Auth) || !bytes.Equal(r.LocalChallenge, advertisement(1).LocalChallenge) || len(r.HostChallenge) != HostChallengeLen {
			t.Errorf("%s: the home network would not know the node: %+v", c.name, r)
		}
		if r.Features != w.Features || r.HomeAddress != w.Home || r.CareOf != coa {
			t.Errorf("%s: asked for %+v", c.name, r)
		}
		g, ok := d.reply(id, signed(t, r, &access.Reply{Result: success, Lifetime: time.Hour})).(*Grant)
		if !ok || g.Network != network || g.CareOf != coa || g.Until != engine.Mono(time.Hour) || d.a.State() != Granted || !d.a.Admitted(d.now, coa) {
			t.Errorf("%s: %+v, state %s", c.name, g, d.a.State())
		}
		if d.a.Admitted(d.now, agent) || d.a.Admitted(d.now, netip.Addr{}) {
			t.Errorf("%s: another address is admitted", c.name)
		}
	}
}

// The network makes its end of each key from what it saw.
func TestKeys(t *testing.T) { //spec DM-19 DM-20
	d := newDesk(t, nil)
	w := plain()
	w.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.Random | access.DiffieHellman}, {Use: access.AccessRouter, Methods: access.DiffieHellman, SPI: 777}}
	d.ask(w)
	r, id := d.request()
	k := keyOf(t, r)
	random := bytes.Repeat([]byte{5}, 32)
	private, err := aaa.NewPrivate(bytes.Repeat([]byte{6}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Keys) != 2 || r.Keys[0].SPI < access.MinSPI || r.Keys[1].SPI != 777 || bytes.Equal(r.Keys[0].Public, r.Keys[1].Public) {
		t.Fatalf("asked for %+v", r.Keys)
	}
	reply := &access.Reply{Result: success, Keys: []access.KeyData{
		{Use: access.HomeAgent, Method: access.Random, Algorithm: access.AESGCM, SPI: 1000, Lifetime: time.Hour, Value: random},
		{Use: access.AccessRouter, Method: access.DiffieHellman, Algorithm: access.AESGCM, SPI: 1001, Lifetime: time.Minute, Value: private.Public(),
			MAC: k.Vouch(aaa.AccessRouter, r.HostChallenge, r.Keys[1].Public, private.Public(), 1001)},
	}}
	g, ok := d.reply(id, signed(t, r, reply)).(*Grant)
	if !ok || len(g.Keys) != 2 || g.Until != engine.Never {
		t.Fatalf("%+v", g)
	}
	first, _ := k.Session(aaa.HomeAgent, random)
	second, err := private.Session(aaa.Parties{Use: aaa.AccessRouter, Mobile: aaa.Identity(nai, hoa), Visited: network, MobilePublic: r.Keys[1].Public, PeerPublic: private.Public()})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		s     aaa.Session
		use   aaa.Use
		peer  netip.Addr
		spi   uint32
		until time.Duration
	}{{first, aaa.HomeAgent, agent, 1000, time.Hour}, {second, aaa.AccessRouter, client, 1001, time.Minute}} {
		out, in := c.s.ESP(c.use, aaa.Identity(nai, hoa), c.peer.String(), c.spi, r.Keys[i].SPI)
		mineOut, mineIn := g.Keys[i].ESP(c.peer.String())
		if !bytes.Equal(out, mineOut) || !bytes.Equal(in, mineIn) || g.Keys[i].Until != engine.Mono(c.until) || g.Keys[i].Use != c.use {
			t.Errorf("key %d differs at the two ends", i)
		}
	}
	if at, _ := d.a.Deadline(); at != engine.Mono(48*time.Second) {
		t.Errorf("renewed at %v, not at 0.8 of the first key's minute", time.Duration(at))
	}
}

// The same octets go out at 0, 0.3, 0.9, 2.1 and 4.5 s, and 9.3 s are all.
func TestSilence(t *testing.T) { //spec DM-04
	d := newDesk(t, nil)
	d.ask(plain())
	first := d.sent()
	for _, at := range []time.Duration{300, 900, 2100, 4500} {
		if f := d.pass(); f != nil || d.now.Mono != engine.Mono(at*time.Millisecond) {
			t.Fatalf("%v at %v", f, time.Duration(d.now.Mono))
		}
		if !reflect.DeepEqual(d.sent(), first) {
			t.Fatal("a repetition differs")
		}
	}
	if f := d.pass(); len(f) != 1 || f[0] != (Silent{}) || d.now.Mono != engine.Mono(9300*time.Millisecond) || d.a.State() != Resting {
		t.Fatalf("%v at %v", f, time.Duration(d.now.Mono))
	}
	if d.a.Ask(d.now, plain(), &d.out) {
		t.Error("asks while it rests")
	}
	for pause := Pause; ; pause = min(2*pause, MaxPause) {
		before := d.now.Mono
		if f := d.pass(); len(f) != 1 || f[0] != (Rested{}) || d.now.Mono.Sub(before) != pause {
			t.Fatalf("%v after %v, want %v", f, d.now.Mono.Sub(before), pause)
		}
		if pause == MaxPause {
			break
		}
		d.ask(plain())
		for d.a.State() == Asking {
			d.pass()
		}
	}
}

func TestForgedRepliesChangeNothing(t *testing.T) { //spec DM-05
	d := newDesk(t, nil)
	w := plain()
	w.Keys = []access.KeyRequest{{Use: access.HomeAgent, Methods: access.DiffieHellman}}
	d.ask(w)
	r, id := d.request()
	private, _ := aaa.NewPrivate(bytes.Repeat([]byte{6}, 32))
	public := private.Public()
	data := access.KeyData{Use: access.HomeAgent, Method: access.DiffieHellman, Algorithm: access.AESGCM, SPI: 1000, Lifetime: time.Hour, Value: public,
		MAC: keyOf(t, r).Vouch(aaa.HomeAgent, r.HostChallenge, r.Keys[0].Public, public, 1000)}
	good := func() *access.Reply {
		return signed(t, r, &access.Reply{Result: success, Lifetime: time.Hour, Keys: []access.KeyData{data}})
	}
	with := func(change func(k *access.KeyData)) *access.Reply {
		k := data
		k.Value, k.MAC = bytes.Clone(k.Value), bytes.Clone(k.MAC)
		change(&k)
		return signed(t, r, &access.Reply{Result: success, Keys: []access.KeyData{k}})
	}
	one := func(reply *access.Reply) access.Part { return access.Split(reply, id)[0] }
	other := *r
	other.HostChallenge = bytes.Repeat([]byte{1}, HostChallengeLen)
	for _, c := range []struct {
		reason string
		packet []byte
	}{
		{HopLimit, packet(one(good()), client, coa, 254)},
		{Unexpected, packet(one(good()), agent, coa, access.HopLimit)},
		{Unexpected, packet(one(good()), client, hoa, access.HopLimit)},
		{Unexpected, packets(id+1, good())[0]},
		{Unexpected, packet(access.Split(r, id)[0], client, coa, access.HopLimit)},
		{Unproven, packets(id, &access.Reply{Result: success, Lifetime: time.Hour})[0]},
		{Forged, packets(id, signed(t, &other, &access.Reply{Result: success}))[0]}, // of another exchange
		{Forged, packets(id, &access.Reply{Result: 5003, Auth: make([]byte, access.AuthLen)})[0]},
		{BadKey, packets(id, with(func(k *access.KeyData) { k.Use = access.AccessRouter }))[0]},
		{BadKey, packets(id, with(func(k *access.KeyData) { k.Method, k.MAC = access.Random, nil }))[0]},
		{BadKey, packets(id, with(func(k *access.KeyData) { k.MAC[0] ^= 1 }))[0]},
		{BadKey, packets(id, with(func(k *access.KeyData) { k.SPI++ }))[0]},
		{BadKey, packets(id, with(func(k *access.KeyData) {
			clear(k.Value)
			k.MAC = keyOf(t, r).Vouch(aaa.HomeAgent, r.HostChallenge, r.Keys[0].Public, k.Value, 1000)
		}))[0]},
		{Unexpected, packets(id, &access.Reply{Result: multiRound, EAP: []byte{1, 2, 0, 4}})[0]}, // no EAP is spoken
		{Malformed, packet(access.Part{Subtype: access.SubtypeReply, ID: id, Parts: 1, Body: []byte{99, 4, 0, 0}}, client, coa, access.HopLimit)},
	} {
		view, at := *d.a.View(), func() engine.Mono { at, _ := d.a.Deadline(); return at }
		before := at()
		if f := d.hear(c.packet); f != nil || d.dropped() != c.reason || *d.a.View() != view || at() != before || len(d.sent()) != 0 {
			t.Errorf("%s: fact %v, dropped for %q, %+v was %+v", c.reason, f, d.dropped(), d.a.View(), view)
		}
	}
	octets := packets(id, good())[0]
	for i := range 8 * (len(octets) - 56) { // every bit behind the headers, with a true checksum
		bad := slices.Clone(octets)
		bad[56+i/8] ^= 1 << (i % 8)
		p := seal(bad)
		for _, f := range d.hear(p) {
			if _, ok := f.(*Grant); ok && !bytes.Equal(p, octets) {
				t.Fatalf("octet %d changed, and granted", 56+i/8)
			}
			t.Fatalf("%v of a reply changed at %d", f, 56+i/8)
		}
		d.out.Reset()
	}
	if _, ok := d.reply(id, good()).(*Grant); !ok {
		t.Error("the true reply is not taken any more: " + d.dropped())
	}
}

// A refusal that nobody vouches for ends nothing; one of the home network does.
func TestRefusals(t *testing.T) { //spec DM-05
	no := func() *access.Reply { return &access.Reply{Result: 3002} }
	d := newDesk(t, nil)
	d.ask(plain())
	r, id := d.request()
	if f := d.reply(id, no()); f != nil || d.a.State() != Asking {
		t.Errorf("%v, state %s", f, d.a.State())
	}
	if _, ok := d.reply(id, signed(t, r, &access.Reply{Result: success})).(*Grant); !ok {
		t.Error("a forged refusal kept the node off")
	}

	d = newDesk(t, nil)
	d.ask(plain())
	_, id = d.request()
	d.reply(id, no())
	var facts []Fact
	for d.a.State() == Asking {
		facts = d.pass()
	}
	if len(facts) != 1 || facts[0] != (Refused{Result: 3002}) || d.now.Mono != engine.Mono(9300*time.Millisecond) {
		t.Errorf("%v at %v", facts, time.Duration(d.now.Mono))
	}

	d = newDesk(t, nil)
	d.ask(plain())
	r, id = d.request()
	if f := d.reply(id, signed(t, r, &access.Reply{Result: 5003})); f != (Refused{5003, true}) || d.a.State() != Resting {
		t.Errorf("%v, state %s", f, d.a.State())
	}
}

func TestStaleChallenge(t *testing.T) { //spec DM-05 DM-09
	d := newDesk(t, nil)
	d.ask(plain())
	r, id := d.request()
	for i := range MaxFresh {
		fresh := bytes.Repeat([]byte{byte(40 + i)}, 12)
		if f := d.reply(id, &access.Reply{Result: 4001, LocalChallenge: fresh}); f != nil {
			t.Fatal(f)
		}
		again, newID := d.request()
		if newID == id || !bytes.Equal(again.LocalChallenge, fresh) || bytes.Equal(again.HostChallenge, r.HostChallenge) ||
			!keyOf(t, again).VerifyAnswer(exchangeOf(again), again.Auth) {
			t.Fatalf("asked again: %+v", again)
		}
		r, id = again, newID
	}
	if f := d.reply(id, &access.Reply{Result: 4001, LocalChallenge: make([]byte, 8)}); f != nil || len(d.sent()) != 0 {
		t.Error("there is no end of fresh challenges")
	}
	if _, ok := d.reply(id, signed(t, r, &access.Reply{Result: success})).(*Grant); !ok {
		t.Error("not granted in the end")
	}
}

func TestReplayIsRefused(t *testing.T) { //spec DM-05
	d := newDesk(t, nil)
	d.ask(plain())
	r, id := d.request()
	yes := signed(t, r, &access.Reply{Result: success, Lifetime: time.Hour})
	d.reply(id, yes)
	d.sent()
	if d.reply(id, yes); d.dropped() != Unexpected {
		t.Errorf("the second one: %q", d.dropped())
	}
	d.ask(plain())
	_, next := d.request()
	if d.reply(id, yes); d.dropped() != Unexpected {
		t.Errorf("for another request: %q", d.dropped())
	}
	d.sent()
	if d.reply(next, yes); d.dropped() != Forged || d.a.State() != Asking {
		t.Errorf("under another identifier: %q", d.dropped())
	}
}

func TestSessionEnds(t *testing.T) { //spec DM-08
	d := newDesk(t, nil)
	d.ask(plain())
	r, id := d.request()
	d.reply(id, signed(t, r, &access.Reply{Result: success, Lifetime: 100 * time.Second}))
	if f := d.pass(); len(f) != 1 || f[0] != (Due{}) || d.now.Mono != engine.Mono(80*time.Second) || !d.a.Due() || !d.a.Admitted(d.now, coa) {
		t.Fatalf("%v at %v", f, time.Duration(d.now.Mono))
	}
	d.ask(plain())
	for d.a.State() == Asking {
		d.pass()
	}
	if !d.a.Admitted(d.now, coa) || !d.a.Due() {
		t.Error("a renewal that fails ends the session")
	}
	d.pass() // rested
	if f := d.pass(); len(f) != 1 || f[0] != (Ended{}) || d.now.Mono != engine.Mono(100*time.Second) || d.a.Admitted(d.now, coa) || d.a.Due() {
		t.Errorf("%v at %v", f, time.Duration(d.now.Mono))
	}
	d.sent()
	d.ask(plain())
	r, id = d.request()
	d.reply(id, signed(t, r, &access.Reply{Result: success, Lifetime: 100 * time.Second}))
	if !d.a.Admitted(d.now, coa) {
		t.Error("not admitted again")
	}
}

// Another network or client ends what was; a new challenge of the same does not.
func TestAnotherNetwork(t *testing.T) { //spec DM-08
	d := newDesk(t, nil)
	d.ask(plain())
	r, id := d.request()
	d.a.Advertised(d.now, advertisement(2), &d.out)
	if _, ok := d.reply(id, signed(t, r, &access.Reply{Result: success})).(*Grant); !ok {
		t.Fatal("a new challenge ended the request")
	}
	for _, change := range []func(){
		func() { ad := advertisement(2); ad.Network = "other.example"; d.a.Advertised(d.now, ad, &d.out) },
		func() { ad := advertisement(2); ad.Client = agent; d.a.Advertised(d.now, ad, &d.out) },
		func() { d.a.Leave("test", &d.out) },
	} {
		d.a.Advertised(d.now, advertisement(2), &d.out)
		d.ask(plain())
		r, id = d.request()
		d.reply(id, signed(t, r, &access.Reply{Result: success}))
		change()
		if at, _ := d.a.Deadline(); d.a.Admitted(d.now, coa) || d.a.State() != Idle || at != engine.Never {
			t.Error("the session goes on elsewhere")
		}
	}
	if d.a.Ask(d.now, plain(), &d.out) || d.a.Known() || d.a.View() != nil {
		t.Error("asks a network that asks nobody")
	}
}

func TestStop(t *testing.T) {
	d := newDesk(t, nil)
	d.ask(plain())
	r, id := d.request()
	d.a.Stop("no use", &d.out)
	if _, asks := d.a.Asks(); asks || d.a.State() != Idle {
		t.Error("goes on")
	}
	if d.reply(id, signed(t, r, &access.Reply{Result: success})); d.dropped() != Unexpected {
		t.Errorf("dropped for %q", d.dropped())
	}
}

// EAP alone: rounds under new identifiers, each with the freshest challenge; the secret comes out of the method.
func TestEAP(t *testing.T) { //spec DM-06
	d := newDesk(t, func(c *Config) { c.LongTerm = nil })
	w := plain()
	if d.a.Ask(d.now, w, &d.out) || d.a.State() != Idle {
		t.Fatal("asks, and nothing proves who")
	}
	w.EAP = []byte{2, 1, 0, 5, 1}
	d.ask(w)
	r, id := d.request()
	if r.Auth != nil || r.HostChallenge != nil || !bytes.Equal(r.EAP, w.EAP) || d.a.Network() != network {
		t.Fatalf("asked %+v", r)
	}
	for i := range 3 {
		asked := []byte{1, byte(2 + i), 0, 5, 51}
		f, ok := d.reply(id, &access.Reply{Result: multiRound, EAP: asked, LocalChallenge: bytes.Repeat([]byte{byte(60 + i)}, 8)}).(Round)
		if !ok || !bytes.Equal(f.EAP, asked) {
			t.Fatalf("round %d: %v", i, f)
		}
		if !d.a.Respond(d.now, []byte{2, byte(2 + i), 0, 5, 51}, &d.out) {
			t.Fatal("no response is sent")
		}
		before := id
		if r, id = d.request(); id == before || r.EAP[1] != byte(2+i) || r.LocalChallenge[0] != byte(60+i) {
			t.Fatalf("responds %+v", r)
		}
	}
	yes := signed(t, r, &access.Reply{Result: success, EAP: []byte{3, 9, 0, 4}})
	if d.reply(id, yes); d.dropped() != Forged {
		t.Error("taken without a secret")
	}
	if err := d.a.Rekey(secret); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.reply(id, yes).(*Grant); !ok {
		t.Error("not granted with the secret")
	}
	if d.a.Respond(d.now, w.EAP, &d.out) || d.a.Rekey(secret[1:]) == nil {
		t.Error("goes on after the end")
	}
	d.ask(w)
	r, id = d.request()
	if d.reply(id, signed(t, r, &access.Reply{Result: success, EAP: []byte{3, 9, 0, 4}})); d.dropped() != Forged {
		t.Error("the secret of the conversation before counts")
	}
	for range MaxRounds {
		d.a.Respond(d.now, w.EAP, &d.out)
	}
	if d.a.Respond(d.now, w.EAP, &d.out) {
		t.Error("there is no end of rounds")
	}
}

func TestEdges(t *testing.T) {
	for from, to := range edges { //order:any
		for _, s := range []State{Idle, Asking, Granted, Resting} {
			a := &Applicant{state: from}
			allowed := s == from || slices.Contains(to, s)
			func() {
				defer func() {
					if r := recover(); (r == nil) != allowed {
						t.Errorf("%s to %s: %v", from, s, r)
					}
				}()
				a.become(s, "test", new(engine.Effects))
			}()
		}
	}
}

func TestConfig(t *testing.T) {
	c := Config{NAI: nai, LongTerm: secret[1:]}
	if _, err := New(c, nil); err == nil {
		t.Error("a short key is taken")
	}
	if s := fmt.Sprintf("%v %+v %#v %x", c, c, c, c); bytes.Contains([]byte(s), []byte("7 7")) || bytes.Contains([]byte(s), []byte("0707")) {
		t.Errorf("the key is printed: %s", s)
	}
}

// Where the AAA client could not just then, the next repetition is another request: the same one would be given the same answer.
func TestLater(t *testing.T) { //spec DM-08
	for result, anew := range map[diameter.ResultCode]bool{diameter.UnableToDeliver: true, diameter.TooBusy: true, diameter.AuthenticationRejected: false} {
		d := newDesk(t, nil)
		d.ask(plain())
		first, id := d.request()
		if f := d.reply(id, &access.Reply{Result: uint32(result)}); f != nil {
			t.Errorf("%d: %v", result, f)
		}
		d.pass()
		second, again := d.request()
		if (again != id) != anew || bytes.Equal(first.HostChallenge, second.HostChallenge) == anew {
			t.Errorf("%d: identifier %x after %x", result, again, id)
		}
	}
}

// epoch advertises one, with the challenge of before.
func (d *desk) epoch(n uint32) {
	ad := advertisement(1)
	ad.Epoch = n
	d.a.Advertised(d.now, ad, &d.out)
}

// An AAA client that has lost sessions is asked again soon, once, from a session that is as good as before; what is asked meanwhile with the
// new epoch is for it.
func TestEpochOfTheClient(t *testing.T) { //spec DM-08
	d := newDesk(t, nil)
	d.epoch(1)
	in := func() {
		t.Helper()
		d.ask(plain())
		r, id := d.request()
		if _, ok := d.reply(id, signed(t, r, &access.Reply{Result: success, Lifetime: time.Hour})).(*Grant); !ok {
			t.Fatal("not granted")
		}
	}
	in()
	d.epoch(1)
	if at, _ := d.a.Deadline(); at != d.now.Mono.Add(48*time.Minute) {
		t.Fatalf("renewed in %v with the epoch that was", at.Sub(d.now.Mono))
	}
	for range 3 {
		d.epoch(2)
	}
	at, _ := d.a.Deadline()
	if in := at.Sub(d.now.Mono); in > Spread || d.a.Due() || !d.a.Admitted(d.now, coa) {
		t.Fatalf("renewed in %v, due %v", in, d.a.Due())
	}
	d.now.Mono = at
	if facts := d.a.Tick(d.now, &d.out); len(facts) != 1 || facts[0] != (Due{}) || !d.a.Admitted(d.now, coa) {
		t.Fatalf("%+v, admitted %v", facts, d.a.Admitted(d.now, coa))
	}
	d.sent()
	in()
	d.epoch(2)
	if at, _ := d.a.Deadline(); at != d.now.Mono.Add(48*time.Minute) || d.a.Due() {
		t.Errorf("after that renewed in %v, due %v", at.Sub(d.now.Mono), d.a.Due())
	}
}

// Somebody on the link who says all the time that sessions are lost makes a node ask a few times in an hour, and it stays in.
func TestForgedEpochs(t *testing.T) { //spec DM-08
	d := newDesk(t, nil)
	d.ask(plain())
	r, id := d.request()
	d.reply(id, signed(t, r, &access.Reply{Result: success}))
	var asked []engine.Mono
	for i := range uint32(2 * 3600 * 20) {
		d.now.Mono = d.now.Mono.Add(50 * time.Millisecond)
		d.epoch(i%7 + 1)
		for _, f := range d.a.Tick(d.now, &d.out) {
			if f != (Due{}) {
				t.Fatalf("%+v", f)
			}
			asked = append(asked, d.now.Mono)
			d.sent()
			d.ask(plain())
			r, id := d.request()
			d.reply(id, signed(t, r, &access.Reply{Result: success}))
		}
		if !d.a.Admitted(d.now, coa) {
			t.Fatal("out")
		}
		d.sent()
	}
	// 10 s, 20 s, 40 s, 80 s, 160 s, then every 5 minutes.
	if n := len(asked); n < 20 || n > 5+2*3600/int(MaxPause/time.Second)+2 {
		t.Errorf("asked %d times in two hours: %v", n, asked)
	}
	for i := 1; i < len(asked); i++ {
		if gap := asked[i].Sub(asked[i-1]); gap < Pause {
			t.Errorf("asked again after %v", gap)
		}
	}
	d.now.Mono = d.now.Mono.Add(2 * MaxPause)
	d.epoch(9)
	if at, _ := d.a.Deadline(); at.Sub(d.now.Mono) > Spread {
		t.Errorf("the next word counts after %v", at.Sub(d.now.Mono))
	}
}
