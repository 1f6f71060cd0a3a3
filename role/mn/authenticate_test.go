package mn

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/keying/aaa"
	"roam6/machine/advertise"
	"roam6/machine/enrol"
	"roam6/plane"
	wireaccess "roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// A node with nothing but a name and a key has network, home agent, home address and keys after one exchange, and then goes on
// like any other: refreshes and a handover by the keys it was given.
func TestEverythingInOneExchange(t *testing.T) { //spec DM-08 DM-13 DM-18 DM-19 DM-20
	for _, methods := range []wireaccess.Methods{0, wireaccess.DiffieHellman} {
		b := newBench(t, func(c *Config) { stranded(c); c.AAA.Methods = methods })
		b.up(wlan)
		effects := b.closed(wlan, ar1)
		q := b.question(effects)
		if q.NAI != nai || q.HomeAddress.IsValid() || q.CareOf != coaOf(prefixA, hw1) || q.Binding != nil ||
			q.Features != wireaccess.HomeAgentRequested|wireaccess.HomeAddressRequested || len(q.Keys) != 1 || q.Keys[0].Use != wireaccess.HomeAgent {
			t.Fatalf("asked for %+v", q.Request)
		}
		if len(b.updates(effects)) != 0 || !slices.ContainsFunc(effects, isStep("authenticating", "home network")) {
			t.Fatal("no step, or an update of nobody")
		}
		effects = b.do(b.reply(q, b.granted(q, plainAck(q, 7)), true))
		b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
		if b.path.Remote != haAddr || len(b.table.Hosts) != 1 || b.n.id.prefix != homePrefix || len(b.updates(effects)) != 0 {
			t.Errorf("path %v, hosts %v, home prefix %v", b.path, b.table.Hosts, b.n.id.prefix)
		}
		if !b.has(effects, eventLetIn) || count(effects, engine.EventRegistered) != 1 || count(effects, engine.EventHomeRoundTrip) != 1 {
			t.Error("not told as one exchange")
		}
		u := b.update(b.stay(320500*time.Millisecond, wlan, ar1)) // 0.8 of 400 s
		if u.Seq != 8 || u.HomeAddress != hoa || u.Dst != haAddr {
			t.Errorf("refreshed by %+v", u)
		}
		b.do(b.ack(u, mh.Accepted, nil))

		b.down(wlan) // to another network, which asks as well
		b.up(wlan)
		effects = b.closed(wlan, ar2)
		q = b.question(effects)
		u, ok := b.embedded(q)
		if !ok || u.Seq != 9 || len(q.Keys) != 0 || q.Features != 0 || q.HomeAddress != hoa || len(b.updates(effects)) != 0 {
			t.Fatalf("asked for %+v", q.Request)
		}
		b.want(plane.Hold, netip.Addr{}, "registering")
		reply := b.granted(q, b.ack(u, mh.Accepted, nil).Data)
		effects = b.do(b.reply(q, reply, true))
		b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")
		if count(effects, engine.EventHomeRoundTrip) != 1 || len(b.updates(effects)) != 0 {
			t.Error("more than one round trip")
		}
	}
}

func isStep(step, waiting string) func(engine.Effect) bool {
	return func(e engine.Effect) bool {
		ev, ok := e.(engine.Event)
		return ok && ev.Name == engine.EventStep && ev.Get("step") == step && ev.Reason == waiting
	}
}

// A node that knows home agent and home address sends its update along, in the clear until it has keys.
func TestUpdateTravelsAlong(t *testing.T) { //spec DM-12 DM-21
	b := newBench(t, func(c *Config) { withAAA(c); c.Security.ESP = nil })
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	u, ok := b.embedded(q)
	if !ok || len(q.Keys) != 1 || q.Features != 0 || u.HomeAddress != hoa || u.Dst != haAddr || u.Src != q.CareOf || b.n.home.told.IsValid() {
		t.Fatalf("asked for %+v", q.Request)
	}
	b.do(b.reply(q, b.granted(q, plainAck(q, u.Seq)), true))
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	if u := b.update(b.stay(320500*time.Millisecond, wlan, ar1)); u.HomeAddress != hoa {
		t.Error("not refreshed by the new keys")
	}
}

// Where the answer to the update does not come along, it is sent as ever.
func TestLetInWithoutAcknowledgement(t *testing.T) { //spec DM-21
	b := newBench(t, withAAA)
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	if len(q.Keys) != 0 {
		t.Error("asks for keys that it has")
	}
	first, _ := b.embedded(q)
	effects := b.do(b.reply(q, b.granted(q, nil), true))
	u := b.update(effects)
	if u.Seq != first.Seq+1 || !slices.ContainsFunc(effects, isStep("authenticated", "binding acknowledgement")) {
		t.Errorf("sequence %d after %d", u.Seq, first.Seq)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
}

// An acknowledgement is believed for what protects it: the association, or the home network's word about an update in the clear.
func TestAcknowledgementInReply(t *testing.T) { //spec DM-18
	other := netip.MustParseAddr("2001:db8:0:1::77")
	for name, c := range map[string]struct { //order:any
		with   func(*Config)
		change func(q question, u sent) []byte
		reason string
	}{
		"in the clear for an update under ESP": {withAAA, func(q question, u sent) []byte { return plainAck(q, u.Seq) }, "unprotected"},
		"of another home address": {func(c *Config) { withAAA(c); c.Security.ESP = nil }, func(q question, u sent) []byte {
			return bytes.ReplaceAll(plainAck(q, u.Seq), hoa.AsSlice(), other.AsSlice())
		}, ""}, // its checksum is wrong: refused before
		"of another sequence": {func(c *Config) { withAAA(c); c.Security.ESP = nil }, func(q question, u sent) []byte { return plainAck(q, u.Seq+1) }, "ba-sequence"},
		"of another home agent": {func(c *Config) { withAAA(c); c.Security.ESP, c.HomeAgent = nil, other }, func(q question, u sent) []byte {
			return plainAck(q, u.Seq)
		}, "not-our-home-agent"},
	} {
		b := newBench(t, c.with)
		b.up(wlan)
		q := b.question(b.closed(wlan, ar1))
		u, _ := b.embedded(q)
		agent := b.ha
		effects := b.do(b.reply(q, b.granted(q, c.change(q, u)), true))
		if drops := b.drops(effects); c.reason != "" && !slices.Contains(drops, c.reason) {
			t.Errorf("%s: dropped for %v", name, drops)
		}
		if b.path.Mode != plane.Hold {
			t.Errorf("%s: path %s", name, b.path.Mode)
		}
		b.ha = agent
	}
}

// Without the option 253 all is as without AAA; who has no home address stays nobody, and sends nothing.
func TestNetworkThatDoesNotAsk(t *testing.T) {
	b := newBench(t, withAAA)
	b.attach(wlan, ar1)
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	if len(b.questions(b.all)) != 0 {
		t.Error("asked nobody")
	}
	b = newBench(t, stranded)
	b.up(wlan)
	b.ra(wlan, ar1)
	effects := append(b.all, b.pass(5*time.Minute)...)
	if len(b.questions(effects)) != 0 || b.has(effects, "binding.update") || len(b.table.Paths) != 0 || len(b.table.Hosts) != 0 {
		t.Error("nobody sends updates")
	}
	// Then the router begins to ask.
	if q := b.question(b.closed(wlan, ar1)); q.Features == 0 {
		t.Errorf("asked for %+v", q.Request)
	}
}

// The option comes after the update was sent: the node asks then.
func TestLateOffer(t *testing.T) {
	b := newBench(t, withAAA)
	b.up(wlan)
	b.update(b.ra(wlan, ar1))
	q := b.question(b.closed(wlan, ar1))
	u, ok := b.embedded(q)
	if !ok {
		t.Fatal("the update is not in the request")
	}
	b.do(b.reply(q, b.granted(q, b.ack(u, mh.Accepted, nil).Data), true))
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	if b.update(b.stay(336500*time.Millisecond, wlan, ar1)).Seq != u.Seq+1 {
		t.Error("updates were sent meanwhile")
	}
}

// At home nobody is asked.
func TestAtHomeNobodyIsAsked(t *testing.T) {
	b := newBench(t, withAAA)
	b.up(wlan)
	b.closed(wlan, home)
	b.pass(3 * time.Second)
	b.want(plane.Direct, netip.Addr{}, "bound")
	if len(b.questions(b.all)) != 0 {
		t.Error("asked at home")
	}
}

// The AAA client probes the address while the node does so itself: that is no duplicate, unless somebody else does it.
func TestClientExaminesTheAddress(t *testing.T) { //spec DM-09
	coa := coaOf(prefixA, hw1)
	probe := func(b *bench, from plane.HW) []engine.Effect {
		return b.nd(wlan, from, netip.IPv6Unspecified(), ip6.SolicitedNode(coa), &nd.NeighborSolicitation{Target: coa, Options: nd.Options{Nonce: make([]byte, 6)}})
	}
	b := newBench(t, withAAA)
	b.up(wlan)
	b.question(b.closed(wlan, ar1))
	effects := probe(b, ar1.hw)
	list, packets := b.neighbours(effects, wlan)
	if len(list) != 1 || b.has(effects, "address.duplicate") || b.n.accessOf(wlan).coa != coa {
		t.Fatalf("answered by %v", list)
	}
	if na, ok := list[0].(*nd.NeighborAdvertisement); !ok || na.Target != coa || na.Override || na.Options.TargetHW != hw1 || packets[0].Dst != ip6.AllNodes {
		t.Errorf("answered by %+v", list[0])
	}
	if !b.has(probe(b, ar2.hw), "address.duplicate") {
		t.Error("a probe of another node is not heard")
	}
	b = newBench(t, withAAA)
	b.up(wlan)
	b.ra(wlan, ar1) // which asks nobody
	if !b.has(probe(b, ar1.hw), "address.duplicate") {
		t.Error("a probe without a request is not heard")
	}
}

// While a request is out, what else would send the update waits for it, and so it does while the node rests.
func TestAskedOnce(t *testing.T) { //spec DM-21
	b := newBench(t, withAAA)
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	u, _ := b.embedded(q)
	b.pass(2 * time.Second) // the address is unique
	b.up(wlan)              // another link up, and the same router
	effects := b.closed(wlan, ar1)
	if list := b.questions(effects); len(list) != 0 || b.has(effects, "binding.update") {
		t.Fatalf("asks again: %v", list)
	}
	b.do(b.reply(q, b.granted(q, b.ack(u, mh.Accepted, nil).Data), true))
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")

	b = newBench(t, withAAA)
	b.up(wlan)
	b.closed(wlan, ar1)
	b.pass(10 * time.Second)
	b.up(wlan)
	effects = b.closed(wlan, ar1)
	if len(b.questions(effects)) != 0 || b.has(effects, "binding.update") {
		t.Error("does not rest")
	}
}

// Who has a home address already takes no other one.
func TestAssignedToAnother(t *testing.T) { //spec DM-18
	b := newBench(t, func(c *Config) { stranded(c); c.HomeAddress, c.HomePrefix = hoa, homePrefix })
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: q.CareOf}, Routing2: hoa.Next(), Proto: ip6.ProtoMH}
	p.Payload = mh.Append(nil, haAddr, hoa.Next(), &mh.BindingAck{Seq: 7, Lifetime: time.Minute})
	effects := b.do(b.reply(q, b.granted(q, p.Append(nil)), true))
	if !slices.Contains(b.drops(effects), "ba-without-home-address") || b.n.id.home != hoa || b.n.home.agent.IsValid() || b.n.id.sa != nil {
		t.Errorf("home address %v, agent %v", b.n.id.home, b.n.home.agent)
	}
}

// A home network that grants and assigns nothing is asked again later.
func TestGrantedNothing(t *testing.T) { //spec DM-18
	refused := func(q question) []byte {
		p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: q.CareOf}, Routing2: hoa, Proto: ip6.ProtoMH}
		p.Payload = mh.Append(nil, haAddr, hoa, &mh.BindingAck{Seq: 1, Status: mh.InsufficientResources})
		return p.Append(nil)
	}
	for name, reply := range map[string]func(b *bench, q question) *wireaccess.Reply{ //order:any
		"nothing": func(*bench, question) *wireaccess.Reply { return &wireaccess.Reply{Result: 2001} },
		"no keys": func(_ *bench, q question) *wireaccess.Reply {
			return &wireaccess.Reply{Result: 2001, Binding: plainAck(q, 1)}
		},
		"a refused binding": func(b *bench, q question) *wireaccess.Reply { return b.granted(q, refused(q)) },
	} {
		b := newBench(t, stranded)
		b.up(wlan)
		q := b.question(b.closed(wlan, ar1))
		effects := b.do(b.reply(q, reply(b, q), true))
		if !b.has(effects, eventLetIn) || !b.has(effects, engine.EventFailed) || !b.n.id.nobody() || len(b.questions(effects)) != 0 || len(b.table.Hosts) != 0 {
			t.Errorf("%s: home address %v, %d requests", name, b.n.id.home, len(b.questions(effects)))
		}
		if list := b.questions(b.stay(MaxBindackTimeout-time.Millisecond, wlan, ar1)); len(list) != 0 {
			t.Errorf("%s: asked again at once", name)
		}
		q = b.question(b.stay(100*time.Millisecond, wlan, ar1))
		b.do(b.reply(q, b.granted(q, plainAck(q, 7)), true))
		b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	}
}

// What was assigned survives a restart: the node is known by the same home address and by its keys.
func TestRestartKeepsTheHomeAddress(t *testing.T) { //spec DM-18
	b := newBench(t, stranded)
	b.settle(wlan, ar1)
	b.boot()
	if b.n.id.home != hoa || len(b.table.Hosts) != 1 || b.path.Mode != plane.Hold {
		t.Fatalf("home address %v, path %s", b.n.id.home, b.path.Mode)
	}
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	if u, ok := b.embedded(q); !ok || len(q.Keys) != 0 || u.Seq != 8 || q.Features != 0 || u.Packet.Proto == 0 {
		t.Errorf("asked for %+v", q.Request)
	}

	b.now.Wall = b.now.Wall.Add(3 * time.Hour) // the keys are over
	b.boot()
	b.up(wlan)
	if q := b.question(b.closed(wlan, ar1)); len(q.Keys) != 1 || q.Features != 0 || q.HomeAddress != hoa {
		t.Errorf("asked for %+v", q.Request)
	} else if u, ok := b.embedded(q); !ok || u.Proto != ip6.ProtoMH {
		t.Error("the update is under keys that are over")
	}

	b.cfg.HomeAddress, b.cfg.HomePrefix = netip.MustParseAddr("2001:db8:0:1::200"), homePrefix // configured anew
	b.n, _ = New(b.cfg, [32]byte{})
	var start engine.Start
	for _, r := range b.disk { //order:any
		start.Records = append(start.Records, r)
	}
	b.n.Handle(b.now, start, &b.out)
	if b.n.id.home != b.cfg.HomeAddress || b.n.id.sa != nil {
		t.Error("an old record counts more than the configuration")
	}
}

// A clock that was stepped back while the node was away does not prolong its keys: they have at most the life that they had when they were stored.
func TestClockSteppedBack(t *testing.T) { //spec DM-18 DM-19
	b := newBench(t, stranded)
	b.settle(wlan, ar1)
	life := b.n.id.ends.Sub(b.now.Mono)
	b.now.Wall = b.now.Wall.Add(-24 * time.Hour)
	b.boot()
	if left := b.n.id.ends.Sub(b.now.Mono); b.n.id.sa == nil || left > life+time.Second || left < life-time.Second {
		t.Errorf("%v left, of %v", left, life)
	}
	if renew := b.n.id.renew.Sub(b.now.Mono); renew > life {
		t.Errorf("renewed after %v", renew)
	}
}

// A session is renewed before it ends, the keys with it, while packets go on.
func TestSessionIsRenewed(t *testing.T) { //spec DM-08
	b := newBench(t, stranded)
	b.settle(wlan, ar1)
	b.n.id.renew = 0 // as if the keys were due as well
	var q []question
	for range 400 {
		if q = b.questions(b.stay(time.Second, wlan, ar1)); len(q) > 0 {
			break
		}
	}
	last := q[len(q)-1]
	u, ok := b.embedded(last)
	if len(last.Keys) != 1 || !ok {
		t.Fatalf("asked for %+v", last.Request)
	}
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	ack := b.ack(u, mh.Accepted, nil).Data
	old := b.n.id.sa
	effects := b.do(b.reply(last, b.granted(last, ack), true))
	if b.n.id.sa == old || !b.n.accessOf(wlan).applicant.Admitted(b.now, coaOf(prefixA, hw1)) || len(b.questions(effects)) != 0 {
		t.Error("no new keys, or asked again")
	}
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	for _, e := range effects {
		if p, ok := e.(engine.Persist); ok && p.Bucket == "sa" && p.Value == nil {
			return
		}
	}
	t.Error("the old keys' records are kept")
}

// A refusal of the home network, or silence, sends the node to another access; a forged one to nowhere.
func TestKeptOut(t *testing.T) { //spec DM-05
	b := newBench(t, withAAA)
	b.up(wlan)
	b.up(wwan)
	b.ra(wwan, ar2)
	q := b.question(b.closed(wlan, ar1))
	b.do(b.reply(q, &wireaccess.Reply{Result: 5003}, false))
	if b.n.strategy.State() != "registering" || b.n.home.port != wlan {
		t.Fatal("a forged refusal moves the node")
	}
	effects := b.do(b.reply(q, &wireaccess.Reply{Result: 5003}, true))
	u := b.update(effects)
	if u.port != wwan || !b.has(effects, engine.EventFailed) {
		t.Fatalf("goes by %d", u.port)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Tunnel, coaOf(prefixB, hw2), "bound")

	b = newBench(t, withAAA)
	b.up(wlan)
	b.closed(wlan, ar1)
	b.pass(10 * time.Second) // silence
	if a := b.n.accessOf(wlan).applicant; a.State() != enrol.Resting {
		t.Fatalf("state %s", a.State())
	}
	q = b.question(b.stay(9350*time.Millisecond, wlan, ar1))
	if _, ok := b.embedded(q); !ok {
		t.Error("asks again without the update")
	}
}

// What was assigned is given up when the home network does not know it any more.
func TestForgotten(t *testing.T) { //spec DM-18
	for _, code := range []diameter.ResultCode{diameter.ErrorNoHomeAgent, diameter.ErrorBadHOR, diameter.ErrorHomeAgentNotAllowed} {
		result := uint32(code)
		b := newBench(t, stranded)
		b.settle(wlan, ar1)
		b.down(wlan)
		b.up(wlan)
		q := b.question(b.closed(wlan, ar2))
		pause := enrol.Pause
		for since := b.now.Mono; code == diameter.ErrorNoHomeAgent && b.now.Mono.Sub(since) < MissedFor; pause *= 2 { // once is not enough
			b.do(b.reply(q, &wireaccess.Reply{Result: result}, true))
			if b.n.id.nobody() || b.n.id.sa == nil {
				t.Fatalf("%d: forgotten at once", result)
			}
			q = b.question(b.stay(pause+100*time.Millisecond, wlan, ar2))
			if _, ok := b.embedded(q); !ok || q.Features != 0 {
				t.Errorf("%d: asked for %+v", result, q.Request)
			}
		}
		effects := b.do(b.reply(q, &wireaccess.Reply{Result: result}, true))
		if !b.n.id.nobody() || b.n.id.sa != nil || len(b.table.Hosts) != 0 || !b.has(effects, "home-address.forgotten") || len(b.disk) != 0 {
			t.Fatalf("%d: home address %v, %v on disk", result, b.n.id.home, len(b.disk))
		}
		q = b.question(b.stay(pause+100*time.Millisecond, wlan, ar2))
		if q.Features != wireaccess.HomeAgentRequested|wireaccess.HomeAddressRequested || len(q.Keys) != 1 || q.HomeAddress.IsValid() {
			t.Errorf("%d: asked for %+v", result, q.Request)
		}
		b.do(b.reply(q, b.granted(q, plainAck(q, 30)), true))
		b.want(plane.Tunnel, coaOf(prefixB, hw1), "bound")
	}
}

// A home agent that does not have the keys does not answer: others are asked for.
func TestKeysAreAskedForAnew(t *testing.T) { //spec DM-19
	b := newBench(t, stranded)
	b.settle(wlan, ar1)
	before := len(b.questions(b.all))
	b.do(engine.Command{ID: 1, Verb: "refresh"})
	for range 8 {
		b.stay(15*time.Second, wlan, ar1)
	}
	q := b.questions(b.all)
	if len(q) == before {
		t.Fatal("nothing was asked")
	}
	last := q[len(q)-1]
	if u, ok := b.embedded(last); !ok || len(last.Keys) != 1 || u.Packet.Proto == 50 {
		t.Errorf("asked for %+v", last.Request)
	}
}

// The flags of §9.2.1's table that a mobile node may send.
func TestFeatures(t *testing.T) { //spec DM-15
	const p, a, h, v = wireaccess.HomeAddressRequested, wireaccess.HomeAgentRequested, wireaccess.OnlyInHomeDomain, wireaccess.AgentInVisited
	for _, c := range []struct {
		home, agent bool
		domain      Domain
		want        wireaccess.Features
	}{
		{false, false, AnyDomain, p | a}, {false, false, HomeDomain, p | a | h}, {false, false, VisitedDomain, p | a | v},
		{false, true, AnyDomain, p}, {false, true, HomeDomain, p | h}, {false, true, VisitedDomain, p},
		{true, false, AnyDomain, a}, {true, false, HomeDomain, a}, {true, false, VisitedDomain, a},
		{true, true, "", 0}, {true, true, HomeDomain, 0},
	} {
		b := newBench(t, func(cfg *Config) {
			stranded(cfg)
			cfg.AAA.Domain = c.domain
			if c.home {
				cfg.HomeAddress, cfg.HomePrefix = hoa, homePrefix
			}
			if c.agent {
				cfg.HomeAgent = haAddr
			}
		})
		b.up(wlan)
		if q := b.question(b.closed(wlan, ar1)); q.Features != c.want {
			t.Errorf("home address %v, agent %v, %q: flags %b, want %b", c.home, c.agent, c.domain, q.Features, c.want)
		}
	}
}

// A mobile router tells of its networks itself: the update of the AAA server said nothing of them.
func TestMobileRouterIsAssigned(t *testing.T) { //spec DM-18 MIP-11
	b := newBench(t, func(c *Config) { stranded(c); c.Networks = []advertise.Config{inside1} })
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	u := b.update(b.do(b.reply(q, b.granted(q, plainAck(q, 7)), true)))
	if !u.MobileRouter || len(u.Options.Networks) != 1 || u.Seq != 8 {
		t.Errorf("told %+v", u.BindingUpdate)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	if len(b.n.inside.carried) != 1 {
		t.Error("the network was given up")
	}
}

// A second access that is registered too has to be let in as well.
func TestSeveralAccesses(t *testing.T) { //spec DM-08 MIP-08
	b := newBench(t, func(c *Config) { withAAA(c); c.Multihoming = Registered })
	b.attach(wlan, ar1)
	b.up(wwan)
	effects := b.closed(wwan, ar2)
	q := b.question(effects)
	if q.port != wwan || q.Binding != nil {
		t.Errorf("asked by %d with %v", q.port, q.Binding)
	}
	b.do(b.reply(q, b.granted(q, nil), true))
	if !b.n.accessOf(wwan).applicant.Admitted(b.now, coaOf(prefixB, hw2)) {
		t.Error("not let in")
	}
}

// A key with the access router comes and goes with the network; a home agent's is not asked for on its account.
func TestRouterKey(t *testing.T) { //spec DM-19 DM-20
	b := newBench(t, func(c *Config) { withAAA(c); c.AAA.RouterKey, c.AAA.Methods = true, wireaccess.DiffieHellman })
	b.up(wlan)
	q := b.question(b.closed(wlan, ar1))
	if len(q.Keys) != 1 || q.Keys[0].Use != wireaccess.AccessRouter {
		t.Fatalf("asked for %+v", q.Keys)
	}
	own := b.n.id.sa
	u, _ := b.embedded(q)
	b.do(b.reply(q, b.granted(q, b.ack(u, mh.Accepted, nil).Data), true))
	b.want(plane.Tunnel, coaOf(prefixA, hw1), "bound")
	if v := b.n.View().(View).Links[0].RouterKey; !slices.Equal(v, []uint32{0x4444, q.Keys[0].SPI}) || b.n.id.sa != own {
		t.Errorf("SPIs %v", v)
	}
	b.down(wlan)
	b.up(wlan)
	if q := b.question(b.closed(wlan, ar2)); len(q.Keys) != 1 || b.n.View().(View).Links[0].RouterKey != nil {
		t.Error("the key of another network is kept")
	}
}

// An assigned home address is at home where its prefix is, also among others.
func TestComesHomeToAssigned(t *testing.T) { //spec DM-18 MIP-01
	b := newBench(t, stranded)
	b.settle(wlan, ar1)
	b.down(wlan)
	b.up(wlan)
	r := home
	r.agent, r.pio = false, []nd.Prefix{pio(prefixB, time.Hour, time.Hour), pio(homePrefix, time.Hour, time.Hour)}
	u := b.update(b.ra(wlan, r))
	if u.Lifetime != 0 || u.Src != hoa {
		t.Fatalf("told %+v from %v", u.BindingUpdate, u.Src)
	}
	b.do(b.ack(u, mh.Accepted, nil))
	b.want(plane.Direct, netip.Addr{}, "bound")
}

func TestAAAConfig(t *testing.T) {
	c := AAA{LongTerm: bytes.Repeat([]byte{7}, aaa.KeyLen)}
	if s := fmt.Sprintf("%v %+v %#v %x", c, &c, c, c); bytes.Contains([]byte(s), []byte("7 7")) || bytes.Contains([]byte(s), []byte("0707")) {
		t.Errorf("the key is printed: %s", s)
	}
	for _, key := range [][]byte{nil, c.LongTerm[1:]} {
		b := newBench(t, nil)
		b.cfg.AAA = &AAA{LongTerm: key}
		if _, err := New(b.cfg, [32]byte{}); err == nil {
			t.Errorf("a key of %d octets is taken", len(key))
		}
	}
	b := newBench(t, nil)
	if stranded(&b.cfg); b.cfg.AAA != nil {
		b.cfg.NAI = ""
	}
	if _, err := New(b.cfg, [32]byte{}); err == nil {
		t.Error("a node without any name is taken")
	}
}
