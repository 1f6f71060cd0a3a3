package ar

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/plane"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
	"roam6/wire/nd"
)

// Who answers duplicate detection is told by the station that speaks and by the one that it names, whatever source address it uses.
func TestWhoAnswersDetection(t *testing.T) { //spec DM-09
	linkLocal := netip.MustParseAddr("fe80::1:9")
	for name, c := range map[string]struct {
		from   func(m *mobileNode) plane.HW
		src    func(m *mobileNode) netip.Addr
		target func(m *mobileNode) plane.HW // the option; zero: none
		result diameter.ResultCode
	}{
		"itself, from its link-local address": {func(m *mobileNode) plane.HW { return m.hw }, func(*mobileNode) netip.Addr { return linkLocal },
			func(m *mobileNode) plane.HW { return m.hw }, diameter.Success},
		"itself, without the option": {func(m *mobileNode) plane.HW { return m.hw }, func(m *mobileNode) netip.Addr { return m.coa },
			func(*mobileNode) plane.HW { return plane.HW{} }, diameter.Success},
		"itself, for another station": {func(m *mobileNode) plane.HW { return m.hw }, func(m *mobileNode) netip.Addr { return m.coa },
			func(*mobileNode) plane.HW { return hostHW }, diameter.InvalidAVPValue},
		"another, without the option": {func(*mobileNode) plane.HW { return hostHW }, func(m *mobileNode) netip.Addr { return m.coa },
			func(*mobileNode) plane.HW { return plane.HW{} }, diameter.InvalidAVPValue},
		"another, in its name": {func(*mobileNode) plane.HW { return hostHW }, func(m *mobileNode) netip.Addr { return m.coa },
			func(m *mobileNode) plane.HW { return m.hw }, diameter.InvalidAVPValue},
	} { //order:any
		w, m := newAAAWorld(t, config()), newMobile(1)
		w.ask(m, nil)
		w.says(c.from(m), c.src(m), ip6.AllNodes, &nd.NeighborAdvertisement{Target: m.coa, Override: true, Options: nd.Options{TargetHW: c.target(m)}})
		if r := w.reply(m); r == nil || r.Result != uint32(c.result) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Another station that authenticates as the same user from the same address has a session of its own: it goes on with nobody's account.
func TestAnotherStationOfTheUser(t *testing.T) { //spec DM-09
	w, m := newAAAWorld(t, config()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	other := &mobileNode{hw: hostHW, coa: m.coa, nai: user, id: 100}
	w.ask(other, nil)
	w.pass(2 * time.Second)
	if len(w.arrs) != 2 || w.arrs[0].Session == w.arrs[1].Session {
		t.Fatalf("%d requests, %v", len(w.arrs), w.events)
	}
	if s := w.r.gate.sessions[m.coa]; s == nil || s.hw != hostHW || s.id != w.arrs[1].Session {
		t.Errorf("%+v", s)
	}
}

// The key of the link is what was offered, for a time, and by Diffie-Hellman for the mobile node's own value.
func TestOfferIsTaken(t *testing.T) { //spec DM-19 DM-20
	public := bytes.Repeat([]byte{9}, aaa.PublicLen)
	private, err := aaa.NewPrivate(bytes.Repeat([]byte{7}, aaa.PublicLen))
	if err != nil {
		t.Fatal(err)
	}
	random, dh := &offer{method: access.Random, mnSPI: 300, spi: 400}, &offer{method: access.DiffieHellman, mnSPI: 300, spi: 400, private: private, mobilePublic: public}
	fits := mip6aaa.PeerKey{Use: access.AccessRouter, Method: access.Random, MNSPI: 300, Lifetime: time.Hour, Material: make([]byte, aaa.KeyLen)}
	fitsDH := mip6aaa.PeerKey{Use: access.AccessRouter, Method: access.DiffieHellman, MNSPI: 300, Lifetime: time.Second, Public: public}
	for name, c := range map[string]struct {
		offer *offer
		key   mip6aaa.PeerKey
		edit  func(k *mip6aaa.PeerKey)
		taken bool
	}{
		"random":               {random, fits, func(*mip6aaa.PeerKey) {}, true},
		"random with a value":  {random, fits, func(k *mip6aaa.PeerKey) { k.Public = public }, true},
		"Diffie-Hellman":       {dh, fitsDH, func(*mip6aaa.PeerKey) {}, true},
		"another use":          {random, fits, func(k *mip6aaa.PeerKey) { k.Use = access.HomeAgent }, false},
		"another method":       {random, fits, func(k *mip6aaa.PeerKey) { k.Method = access.DiffieHellman }, false},
		"another SPI":          {random, fits, func(k *mip6aaa.PeerKey) { k.MNSPI++ }, false},
		"no lifetime":          {random, fits, func(k *mip6aaa.PeerKey) { k.Lifetime = 0 }, false},
		"another public value": {dh, fitsDH, func(k *mip6aaa.PeerKey) { k.Public = bytes.Repeat([]byte{8}, aaa.PublicLen) }, false},
		"short material":       {random, fits, func(k *mip6aaa.PeerKey) { k.Material = k.Material[1:] }, false},
	} { //order:any
		c.edit(&c.key)
		k, err := c.offer.take(&mip6aaa.ARA{Peer: []mip6aaa.PeerKey{c.key}}, "user", network)
		if (err == nil) != c.taken || c.taken && (k.mnSPI != 300 || k.routerSPI != 400 || k.lifetime != c.key.Lifetime) {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
	if k, err := random.take(&mip6aaa.ARA{}, "user", network); err == nil {
		t.Errorf("of nothing: %+v", k)
	}
}

// The key of a link is overwritten when there is another, and when the session ends.
func TestLinkKeyIsErased(t *testing.T) { //spec DM-19
	w, m := newAAAWorld(t, config()), newMobile(1)
	keyed := func() *sharedKey {
		w.known(m)
		w.ask(m, func(q *access.Request) {
			q.Keys = []access.KeyRequest{{Use: access.AccessRouter, Methods: access.Random, SPI: 300}}
		})
		k := w.r.gate.sessions[m.coa].key
		if k == nil || bytes.Equal(k.session.Octets(), make([]byte, aaa.KeyLen)) {
			t.Fatalf("%v", w.events)
		}
		return k
	}
	first := keyed()
	second := keyed()
	if !bytes.Equal(first.session.Octets(), make([]byte, aaa.KeyLen)) {
		t.Error("the first key is left when there is a second")
	}
	s := w.r.gate.sessions[m.coa]
	w.do(engine.LinkDown{Port: 1})
	if !bytes.Equal(second.session.Octets(), make([]byte, aaa.KeyLen)) || s.key != nil {
		t.Error("the key is left when the session has ended")
	}
	if at, armed := w.r.gate.timers.Armed(m.coa); armed {
		t.Errorf("a timer at %v of a session that has ended", at)
	}
}

// People see the sessions in the order of addresses, with nothing for what is not there.
func TestSessionsAreShown(t *testing.T) {
	w := newAAAWorld(t, config())
	for _, n := range []byte{7, 3, 9, 1, 5} {
		m := newMobile(n)
		w.known(m)
		w.ask(m, func(q *access.Request) {
			if n == 9 {
				q.HomeAddress = netip.MustParseAddr("2001:db8::9")
			}
		})
	}
	v := w.r.View().(View).AAA
	if len(v.Clients) != 1 || len(v.Sessions) != 5 {
		t.Fatalf("%+v", v)
	}
	for i, n := range []byte{1, 3, 5, 7, 9} {
		want := ""
		if n == 9 {
			want = "2001:db8::9"
		}
		if s := v.Sessions[i]; s.CoA != newMobile(n).coa.String() || s.Home != want || s.Agent != "" || s.Standing != "admitted" {
			t.Errorf("%d: %+v", n, s)
		}
	}
}

// A record that no server will ever take is the only one that is given up.
func TestPermanent(t *testing.T) { //spec DM-22
	for c, want := range map[diameter.ResultCode]bool{2001: false, 3004: false, 4999: false, 5000: true, 5012: true, 5999: true, 6000: false} { //order:any
		if permanent(c) != want {
			t.Errorf("%d: not %v", c, want)
		}
	}
}

// A record that is not taken is sent after twice the time, each time, up to RetryMost.
func TestRetriesGrow(t *testing.T) { //spec DM-22
	b := newBooks(&gatekeeper{}, 0)
	if b.interim != DefaultInterim {
		t.Errorf("an interim record each %v", b.interim)
	}
	r := &record{number: 1}
	for i, want := range []time.Duration{RetryFirst, 2 * RetryFirst, 4 * RetryFirst, 8 * RetryFirst, 16 * RetryFirst, RetryMost, RetryMost} {
		b.later(engine.Now{}, r)
		if at, armed := b.timers.Armed(chore{record: 1}); !armed || at != engine.Mono(want) {
			t.Errorf("try %d: in %v, want %v", i, time.Duration(at), want)
		}
	}
}

// What waited for another try goes out when there is a peer again, once and in the order in which it was written.
func TestRecordsWaitForAPeer(t *testing.T) { //spec DM-22
	w := newAAAWorld(t, accounting())
	w.account = diameter.UnableToDeliver
	const many = 9
	for n := range byte(many) {
		m := newMobile(n + 1)
		w.known(m)
		w.ask(m, nil)
	}
	first := map[string]int{}
	for i, q := range w.acrs {
		first[q.Session] = i
	}
	w.acrs, w.account = nil, diameter.Success
	w.r.gate.books.peerUp(w.now, &engine.Effects{}) // what it wants sent is lost: all fly
	if n := len(w.r.gate.books.flying); n != many {
		t.Fatalf("%d fly", n)
	}
	last := uint64(0)
	for request := uint64(1); request <= w.r.gate.number; request++ {
		n, flies := w.r.gate.books.flying[request]
		if flies && n <= last {
			t.Errorf("record %d behind %d", n, last)
		}
		if flies {
			last = n
		}
	}
	for number := range w.r.gate.books.records { //order:any
		if at, armed := w.r.gate.books.timers.Armed(chore{record: number}); armed {
			t.Errorf("record %d flies, and has a timer in %v", number, at.Sub(w.now.Mono))
		}
	}
	if len(first) != many {
		t.Errorf("%d sessions", len(first))
	}
}

// What another part of the router stored is no session; what should be one and cannot be read is dropped, and told. A session that goes on is
// stored by its new name before the next crash.
func TestResumedIsStored(t *testing.T) { //spec DM-09 DM-22
	w, m := newAAAWorld(t, accounting()), newMobile(1)
	w.known(m)
	w.ask(m, nil)
	w.stays["2001:1:0:1::77"] = []byte("{")
	w.boot(accounting())
	if w.events["session-unreadable"] != 1 {
		t.Errorf("%v", w.events)
	}
	var x stay
	if err := json.Unmarshal(w.stays[m.coa.String()], &x); err != nil || x.Session != w.r.gate.sessions[m.coa].id || !strings.HasPrefix(x.Session, "ar.visited.example;") {
		t.Errorf("%+v, %v, goes on as %s", x, err, w.r.gate.sessions[m.coa].id)
	}
}
