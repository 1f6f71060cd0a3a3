package fast

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	"roam6/wire/fast"
	"roam6/wire/ip6"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// said makes a packet with a message, as anybody can.
func spoof(src, dst netip.Addr, hop uint8, m fast.Message) []byte {
	p := ip6.Packet{Header: ip6.Header{HopLimit: hop, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6}
	p.Payload = fast.Append(nil, src, dst, m)
	return p.Append(nil)
}

func redirectTo(a netip.Addr, prefix netip.Prefix, hw plane.HW) *fast.Redirect {
	m := &fast.Redirect{Router: netip.PrefixFrom(a, prefix.Bits()), HW: hw}
	m.Options.Principal, m.Options.LinkLayer = principalOf(nar), cellTwo
	return m
}

// state is what matters of the world: who gets whose packets.
func (w *world) summary() [6]any {
	return [6]any{w.m.State(), len(w.par.paths), len(w.nar.paths), len(w.par.gates), len(w.nar.gates), len(w.attached)}
}

// What a stranger says to the node is refused by name, and changes nothing.
func TestForgedToTheNode(t *testing.T) { //spec FH-18
	withReply := &fast.AuthenticatedMN{}
	withReply.Options.Lightweight = bytes.Repeat([]byte{1}, 62)
	for _, c := range []struct {
		name   string
		keys   bool
		from   plane.HW
		data   []byte
		reason string
	}{
		{"redirect unasked", false, parHW, spoof(parAddr, pcoa, 255, redirectTo(narAddr, prefixB, narHW)), "redirect-unexpected"},
		{"redirect without AH", true, parHW, spoof(parAddr, pcoa, 255, redirectTo(narAddr, prefixB, narHW)), "unprotected"},
		{"redirect from another station", false, evilHW, spoof(parAddr, pcoa, 255, redirectTo(narAddr, prefixB, narHW)), "redirect-stranger"},
		{"redirect from another address", false, parHW, spoof(narAddr, pcoa, 255, redirectTo(narAddr, prefixB, narHW)), "redirect-stranger"},
		{"redirect from afar", false, parHW, spoof(parAddr, pcoa, 64, redirectTo(narAddr, prefixB, narHW)), "fast-from-afar"},
		{"ap-rep unasked", false, parHW, spoof(parAddr, pcoa, 255, withReply), "lwkrb-malformed"},
		{"error unasked", false, parHW, spoof(parAddr, pcoa, 255, &fast.HandoverError{CareOf: ncoa}), "handover-error-unexpected"},
		{"a router's message", false, parHW, spoof(parAddr, pcoa, 255, &fast.Notification{CareOf: ncoa, Previous: pcoa}), "fast-unexpected"},
	} {
		w := newWorld(t, shared)
		if c.keys {
			w.move(cellOne, "one")
			w.pass(time.Second)
		}
		before := w.summary()
		w.hear(engine.Packet{Port: cell, From: c.from, Data: c.data})
		if w.drops[c.reason] != 1 || w.summary() != before {
			t.Errorf("%s: %v, %v before, %v", c.name, w.drops, before, w.summary())
		}
	}
}

// Redirects to places that are none, in answer to the node's own question.
func TestUnusableRedirects(t *testing.T) { //spec FH-02 FH-18
	service := redirectTo(narAddr, prefixB, narHW)
	service.Options.Principal = subopt.Principal{Name: "host/x", Realm: "A.EXAMPLE"}
	narrow := redirectTo(narAddr, prefixB, narHW)
	narrow.Router = netip.PrefixFrom(narAddr, 80)
	for name, m := range map[string]*fast.Redirect{"here": redirectTo(parAddr, prefixA, parHW), "no access router": service, "80 bits": narrow} {
		w := newWorld(t, shared)
		w.lost = func(what string) bool { return what == "Redirect" }
		w.hint()
		w.pass(5 * time.Millisecond)
		w.hear(engine.Packet{Port: cell, From: parHW, Data: spoof(parAddr, pcoa, 255, m)})
		if w.drops["redirect-unusable"] != 1 || w.m.State() != "asking" {
			t.Errorf("%s: %v %s", name, w.drops, w.m.State())
		}
	}
}

// What a stranger says to a router is refused by name, and redirects nothing. Everything that the two said is recorded, and comes again.
func TestForgedToARouter(t *testing.T) { //spec FH-05 FH-06 FH-18
	w := newWorld(t, shared)
	w.move(cellOne, "one") // a session with the previous router
	w.pass(time.Second)
	w.hint()
	w.pass(50 * time.Millisecond)
	if w.m.State() != "ready" {
		t.Fatal(w.m.State())
	}
	ask := w.nar.heard[0]
	altered := bytes.Clone(ask)
	altered[len(altered)-40] ^= 1
	word := &fast.Handover{Announced: fast.Announced{CareOf: netip.PrefixFrom(ncoa, 64)}}
	told := &fast.AuthenticatedMN{}
	told.Options.PreviousCareOf, told.Options.Lightweight = pcoa, []byte{1}
	evilCoA := ip6.FromEUI64(prefixB, evilHW)
	shin := &fast.SHIN{Announced: fast.Announced{CareOf: netip.PrefixFrom(evilCoA, 64)}}
	for _, c := range []struct {
		name   string
		to     *station
		in     engine.Packet
		reason string
	}{
		{"Handover replayed", w.nar, engine.Packet{Data: ask}, "ah-replay"},
		{"Handover altered", w.nar, engine.Packet{Data: altered}, "ah-replay"}, // the number was used: nothing else is looked at
		{"Handover bare", w.nar, engine.Packet{Data: spoof(parAddr, narAddr, 64, word)}, "unprotected"},
		{"Handover of a stranger", w.nar, engine.Packet{Data: spoof(agent, narAddr, 64, word)}, "unprotected"},
		{"Authenticated-MN replayed", w.par, engine.Packet{Data: w.par.heard[len(w.par.heard)-1]}, "ah-replay"},
		{"Authenticated-MN bare", w.par, engine.Packet{Data: spoof(narAddr, parAddr, 255, told)}, "unprotected"},
		{"Handover Error bare", w.par, engine.Packet{Data: spoof(narAddr, parAddr, 64, &fast.HandoverError{CareOf: ncoa})}, "unprotected"},
		{"Notification bare", w.par, engine.Packet{Port: cell, From: mnHW, Data: spoof(pcoa, onLink(parAddr), 255, &fast.Notification{CareOf: parAddr, Previous: pcoa})}, "notification-unproved"},
		{"Notification of another", w.par, engine.Packet{Port: cell, From: evilHW, Data: spoof(ncoa, parAddr, 64, &fast.Notification{CareOf: evilCoA, Previous: pcoa, Lifetime: time.Minute})}, "notification-unproved"},
		{"Ack of nothing", w.nar, engine.Packet{Port: cell, From: evilHW, Data: spoof(evilCoA, onLink(narAddr), 255, &fast.RedirectAck{})}, "ack-unexpected"},
		{"Ack without AH", w.par, engine.Packet{Port: cell, From: mnHW, Data: spoof(pcoa, onLink(parAddr), 255, &fast.RedirectAck{})}, "unprotected"},
		{"Ack from afar", w.par, engine.Packet{Port: cell, From: mnHW, Data: spoof(pcoa, onLink(parAddr), 64, &fast.RedirectAck{})}, "fast-from-afar"},
		{"SHIN that says nothing", w.nar, engine.Packet{Port: cell, From: evilHW, Data: spoof(evilCoA, onLink(narAddr), 255, shin)}, "shin-unproved"},
		{"SHIN in another's name", w.nar, engine.Packet{Port: cell, From: evilHW, Data: spoof(ncoa, onLink(narAddr), 255, &fast.SHIN{Announced: fast.Announced{CareOf: netip.PrefixFrom(ncoa, 64)}})}, "shin-elsewhere"},
		{"a redirect", w.nar, engine.Packet{Port: cell, From: evilHW, Data: spoof(evilCoA, onLink(narAddr), 255, redirectTo(parAddr, prefixA, parHW))}, "fast-unexpected"},
		{"for another address", w.nar, engine.Packet{Port: cell, From: evilHW, Data: spoof(evilCoA, parAddr, 255, shin)}, "fast-not-for-us"},
	} {
		before, n := w.summary(), w.drops[c.reason]
		w.deliver(c.to, c.in)
		if w.drops[c.reason] != n+1 || w.summary() != before {
			t.Errorf("%s: %v; %v before, %v", c.name, w.drops, before, w.summary())
		}
	}
}

// All that crossed the air comes again, to either router and from any station: nobody's packets go elsewhere, and no gate opens.
func TestEverythingReplayed(t *testing.T) { //spec FH-18
	w := newWorld(t, shared, local)
	w.move(cellOne, "one")
	w.pass(time.Second)
	w.hint()
	w.pass(50 * time.Millisecond)
	w.move(cellTwo, "two")
	w.pass(time.Second)
	w.do(func(out *engine.Effects) { w.m.Registered(w.now, cell, out) })
	heard := append([][]byte{}, w.sent...)
	for _, at := range []time.Duration{0, 15 * time.Second, 5 * time.Minute} {
		w.pass(at)
		par, nar := w.par.path(pcoa), w.nar.path(ncoa)
		gates, updates := len(w.nar.gates)+len(w.par.gates), len(w.nar.updates)
		for _, data := range heard {
			for _, hw := range []plane.HW{evilHW, parHW, narHW} {
				w.from(hw, w.par, data)
				w.from(hw, w.nar, data)
				w.hear(engine.Packet{Port: cell, From: hw, Data: data})
			}
		}
		w.pass(10 * time.Millisecond)
		if w.par.path(pcoa) != par || w.nar.path(ncoa) != nar || len(w.nar.gates)+len(w.par.gates) != gates || len(w.nar.updates) != updates {
			t.Errorf("after %v: %v %v; %d gates, %d updates", at, w.par.paths, w.nar.paths, len(w.nar.gates)+len(w.par.gates), len(w.nar.updates)-updates)
		}
		if s := w.m.State(); s != "base" {
			t.Errorf("after %v the node is %s", at, s)
		}
	}
}

// The address is somebody else's, known before the node is announced, or found out while it is on its way, or when it is there: Handover
// Error, and Mobile IPv6's way to another address. What comes for the address goes to who has it.
func TestConflict(t *testing.T) { //spec FH-07 FH-08 FH-22
	claim := func(w *world) {
		na := &nd.NeighborAdvertisement{Target: ncoa, Override: true, Options: nd.Options{TargetHW: evilHW}}
		p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ncoa, Dst: ip6.AllNodes}, Proto: ip6.ProtoICMPv6}
		p.Payload = nd.Append(nil, p.Src, p.Dst, na)
		w.from(evilHW, w.nar, p.Append(nil))
	}
	t.Run("known", func(t *testing.T) {
		w := newWorld(t, shared)
		claim(w)
		w.hint()
		w.pass(100 * time.Millisecond)
		if len(w.fell) != 1 || len(w.nar.paths)+len(w.par.paths) != 0 || w.nar.open(ncoa) || w.m.State() != "base" {
			t.Errorf("%v %v %v", w.fell, w.nar.paths, w.par.paths)
		}
	})
	t.Run("found out", func(t *testing.T) {
		w := newWorld(t, local)
		w.kdc = 50 * time.Millisecond
		w.hint()
		w.pass(20 * time.Millisecond)
		claim(w)
		w.pass(100 * time.Millisecond)
		if len(w.fell) != 1 || len(w.nar.paths)+len(w.par.paths) != 0 || w.nar.open(ncoa) || w.m.State() != "base" {
			t.Errorf("%v %v %v %v", w.fell, w.nar.paths, w.par.paths, w.nar.gates)
		}
	})
	t.Run("on its way", func(t *testing.T) {
		w := newWorld(t, shared)
		w.hint()
		w.pass(8*time.Millisecond + air)
		if w.m.State() != "ready" {
			t.Fatal(w.m.State())
		}
		w.after(5*time.Millisecond, func() { claim(w) })
		w.move(cellTwo, "two")
		w.pass(20 * time.Millisecond)
		if w.par.path(pcoa).Mode == plane.Tunnel && w.par.path(pcoa).Remote == ncoa || w.nar.open(ncoa) || !slices.Contains(w.wishes, "renounce") {
			t.Errorf("%v %v %v %v", w.par.paths, w.nar.gates, w.wishes, w.fell)
		}
	})
	t.Run("a router's own", func(t *testing.T) {
		w := newWorld(t, shared)
		var out engine.Effects
		x := handover.Arrival{CoA: narAddr, HW: mnHW, Port: cell, From: parAddr}
		if why := w.nar.arrivals.Expect(w.now, x, &out); why != subopt.AddressInUse || len(out.List) != 0 {
			t.Errorf("%v", why)
		}
		x.CoA, x.HW = ncoa, narHW
		if why := w.nar.arrivals.Expect(w.now, x, &out); why != subopt.BadLinkLayer {
			t.Errorf("%v", why)
		}
	})
}

// A stranger that probes the address of a node that comes is told that it is taken.
func TestProxy(t *testing.T) { //spec FH-07
	w := newWorld(t, shared)
	w.hint()
	w.pass(8*time.Millisecond + air)
	ns := &nd.NeighborSolicitation{Target: ncoa}
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: netip.IPv6Unspecified(), Dst: ip6.SolicitedNode(ncoa)}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, p.Dst, ns)
	n := len(w.says)
	w.from(evilHW, w.nar, p.Append(nil))
	if len(w.says) != n+1 || w.says[n] != "NA" || !w.nar.locals[ncoa].Proxy {
		t.Errorf("%v", w.says[n:])
	}
	w.pass(50 * time.Millisecond)
	if w.m.State() != "ready" || w.nar.path(ncoa).Mode != plane.Hold {
		t.Errorf("the stranger has it: %s %v", w.m.State(), w.nar.paths)
	}
}

// A flood of what nothing proves costs no more than its rate.
func TestFlood(t *testing.T) { //spec FH-18
	w := newWorld(t, shared)
	for i := range 5000 {
		hw := plane.HW{2, 9, 9, 9, byte(i >> 8), byte(i)}
		coa := ip6.FromEUI64(prefixB, hw)
		m := &fast.SHIN{Announced: fast.Announced{CareOf: netip.PrefixFrom(coa, 64)}}
		m.Options.Lightweight = bytes.Repeat([]byte{1}, 100)
		w.from(hw, w.nar, spoof(coa, onLink(narAddr), 255, m))
	}
	if n := w.nar.arrivals.Len(); n > MaxMessages || w.drops["fast-rate"] < 4000 {
		t.Errorf("%d expected, %v", n, w.drops)
	}
	w.pass(handover.ExpectFor + time.Second)
	if len(w.nar.paths) != 0 || w.nar.arrivals.Len() != 0 {
		t.Errorf("%d paths stay", len(w.nar.paths))
	}
}
