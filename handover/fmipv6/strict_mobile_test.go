package fmipv6

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/handover"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// talker is a base strategy that notes what it is told.
type talker struct{ told []string }

func (b *talker) LinkUp(engine.Now, plane.Port, *engine.Effects)   { b.told = append(b.told, "up") }
func (b *talker) LinkDown(engine.Now, plane.Port, *engine.Effects) { b.told = append(b.told, "down") }
func (b *talker) RouterFound(engine.Now, plane.Port, *engine.Effects) {
	b.told = append(b.told, "found")
}
func (b *talker) RouterConfirmed(engine.Now, plane.Port, *engine.Effects) {
	b.told = append(b.told, "confirmed")
}
func (b *talker) AddressReady(engine.Now, plane.Port, *engine.Effects) {
	b.told = append(b.told, "address")
}
func (b *talker) AccessLost(engine.Now, plane.Port, string, *engine.Effects) {
	b.told = append(b.told, "lost")
}
func (b *talker) Registered(engine.Now, plane.Port, *engine.Effects) {
	b.told = append(b.told, "registered")
}
func (b *talker) RegistrationFailed(engine.Now, plane.Port, string, *engine.Effects) {
	b.told = append(b.told, "failed")
}
func (*talker) State() string { return "base" }

// Whatever happens, the base strategy hears of it: it does what is not prepared.
//
// spec MIP-09
func TestBaseHearsAll(t *testing.T) {
	b, base := newMobileBench(t), &talker{}
	b.m.base = base
	b.m.LinkUp(b.now, cell, &b.out)
	b.m.RouterFound(b.now, cell, &b.out)
	b.m.RouterConfirmed(b.now, cell, &b.out)
	b.m.AddressReady(b.now, cell, &b.out)
	b.m.Registered(b.now, cell, &b.out)
	b.m.RegistrationFailed(b.now, cell, "why", &b.out)
	b.m.AccessLost(b.now, cell, "why", &b.out)
	b.m.LinkDown(b.now, cell, &b.out)
	if want := []string{"up", "found", "confirmed", "address", "registered", "failed", "lost", "down"}; !slices.Equal(base.told, want) {
		t.Errorf("told %q", base.told)
	}
	if b.m.State() != "base" {
		t.Errorf("state %q while nothing is prepared", b.m.State())
	}
	if b.happens("hint"); b.m.State() != string(asking) {
		t.Errorf("state %q", b.m.State())
	}
}

// What concerns another link changes nothing here.
//
// spec MIP-09
func TestOtherLink(t *testing.T) {
	b := newMobileBench(t)
	b.happens("hint")
	b.m.LinkDown(b.now, cell+1, &b.out)
	b.m.AccessLost(b.now, cell+1, "why", &b.out)
	if b.m.state != asking {
		t.Errorf("another link's end: %s", b.m.state)
	}
	b.happens("PrRtAdv")
	b.happens("FBack")
	b.happens("expected")
	if b.m.Registered(b.now, cell+1, &b.out); b.m.state != arrived {
		t.Errorf("another link's registration: %s", b.m.state)
	}
}

// Numbers of Fast Binding Updates go on where an earlier life ended: routers refuse a lower one.
//
// spec MIP-09
func TestNumbersAreDurable(t *testing.T) {
	b := newMobileBench(t)
	b.happens("hint")
	b.out.List = nil
	b.happens("PrRtAdv")
	var start engine.Start
	for _, e := range b.out.List {
		if r, ok := e.(engine.Persist); ok {
			start.Records = append(start.Records, engine.Record{Bucket: "else", Key: r.Key, Value: []byte{9, 9}}, engine.Record(r), engine.Record{Bucket: r.Bucket, Key: "x", Value: []byte{1}})
		}
	}
	last := b.fbu.Seq
	b = newMobileBench(t)
	b.m.Start(start, engine.NewRand([32]byte{3}))
	b.happens("hint")
	b.happens("PrRtAdv")
	if b.fbu.Seq != last+1 {
		t.Errorf("number %d after %d", b.fbu.Seq, last)
	}
}

// Without an address, a source, a router that can be asked or a key, and at home, nothing is prepared.
//
// spec MIP-09
func TestHintOfNoUse(t *testing.T) {
	for name, edit := range map[string]func(*bench){
		"no router":          func(b *bench) { b.site.Router = netip.Addr{} },
		"no address":         func(b *bench) { b.site.CoA = netip.Addr{} },
		"nothing to send on": func(b *bench) { b.site.Source = netip.Addr{} },
		"nobody to ask":      func(b *bench) { b.site.Service = netip.Addr{} },
		"home":               func(b *bench) { b.site.AtHome = true },
		"no key":             func(b *bench) { b.m.keys = nil },
	} {
		b := newMobileBench(t)
		edit(b)
		if b.happens("hint"); b.m.state != idle || b.rtsol != nil {
			t.Errorf("%s: asked", name)
		}
	}
}

// What the router tells and what cannot be used: the node goes on as Mobile IPv6 does, §6.1.2.
//
// spec MIP-09
func TestAdvertisementsOfNoUse(t *testing.T) {
	found := nd.AccessPoint{HW: cellTwo, Outcome: nd.APFound, RouterHW: narHW, Router: netip.PrefixFrom(narAddr, 64)}
	edit := func(f func(*nd.AccessPoint)) nd.AccessPoint {
		ap := found
		f(&ap)
		return ap
	}
	for name, c := range map[string]struct {
		code  uint8
		ap    nd.AccessPoint
		state state
	}{
		"good":                      {nd.ProxyInfo, found, announcing},
		"good for some":             {nd.ProxySome, found, announcing},
		"DHCP":                      {5, found, idle},
		"of its own accord":         {nd.ProxyHandover, found, idle},
		"another cell":              {nd.ProxyInfo, edit(func(a *nd.AccessPoint) { a.HW = cellOne }), asking},
		"nothing known of some":     {nd.ProxySome, nd.AccessPoint{HW: cellTwo, Outcome: nd.APNoPrefix}, idle},
		"no fast handovers there":   {nd.ProxySome, nd.AccessPoint{HW: cellTwo, Outcome: nd.APNotSupported}, idle},
		"same router":               {nd.ProxySome, nd.AccessPoint{HW: cellTwo, Outcome: nd.APSameRouter}, idle},
		"short prefix":              {nd.ProxyInfo, edit(func(a *nd.AccessPoint) { a.Router = netip.PrefixFrom(narAddr, 56) }), idle},
		"link-local prefix":         {nd.ProxyInfo, edit(func(a *nd.AccessPoint) { a.Prefix = netip.MustParsePrefix("fe80::/64") }), idle},
		"link-local router":         {nd.ProxyInfo, edit(func(a *nd.AccessPoint) { a.Router, a.Prefix = netip.PrefixFrom(ip6.LinkLocal(narHW), 0), prefixB }), idle},
		"no link address of router": {nd.ProxyInfo, edit(func(a *nd.AccessPoint) { a.RouterHW = plane.HW{} }), idle},
		"the network it is in":      {nd.ProxyInfo, edit(func(a *nd.AccessPoint) { a.Prefix = prefixA }), idle},
	} {
		b := newMobileBench(t)
		b.happens("hint")
		if b.advertise(c.code, c.ap); b.m.state != c.state || (b.fbu != nil) != (c.state == announcing) {
			t.Errorf("%s: %s, %+v", name, b.m.state, b.fbu)
		}
	}
}

// One who asks for several cells finds its own among the answers.
//
// spec MIP-09
func TestAnswerAmongOthers(t *testing.T) {
	b := newMobileBench(t)
	b.happens("hint")
	b.m.ProxyAdvertised(b.now, cell, &ip6.Packet{Header: ip6.Header{Src: b.m.prev.Router}}, &nd.PrRtAdv{Code: nd.ProxySome, ID: b.rtsol.ID, AccessPoints: []nd.AccessPoint{
		{HW: cellTwo, Outcome: nd.APFound, RouterHW: narHW, Router: netip.PrefixFrom(narAddr, 64)}, {HW: otherHW, Outcome: nd.APNoPrefix}}}, &b.out)
	if b.m.state != announcing {
		t.Errorf("%s", b.m.state)
	}
}

// Fast Binding Updates wait for their answers 100 ms, then each time twice as long; and so do those that end a forwarding.
//
// spec MIP-09
func TestUpdateIntervals(t *testing.T) {
	want := []time.Duration{0, FirstFBU, 3 * FirstFBU, 7 * FirstFBU}
	for _, ends := range []bool{false, true} {
		b := newMobileBench(t)
		b.happens("hint")
		b.happens("PrRtAdv")
		if ends {
			b.happens("FBack")
			b.wishes = nil
			b.happens("no switch")
		}
		start := b.now.Mono
		at := []time.Duration{0}
		for n := 1; ; n++ {
			due, _ := b.m.Deadline()
			if due > start.Add(5*time.Second) {
				break
			}
			b.now.Mono, b.fbu = due, nil
			if b.m.Tick(b.now, &b.out); b.fbu != nil {
				at = append(at, due.Sub(start))
				if (b.fbu.Lifetime == 0) != ends {
					t.Errorf("sent %+v", b.fbu)
				}
			}
		}
		if !slices.Equal(at, want) {
			t.Errorf("ends %v: sent at %v, want %v", ends, at, want)
		}
	}
}

// A router that confirms the end of a forwarding is not told again; what others say in its name is no confirmation.
//
// spec MIP-09
func TestReleaseIsConfirmed(t *testing.T) {
	for name, c := range map[string]struct {
		key   Key
		from  netip.Addr
		about netip.Addr
		seq   uint16 // more than the update's
		more  int    // updates that follow
	}{
		"confirmed":          {mnKey, parAddr, pcoa, 0, 0},
		"another key":        {Key{mnKey.SPI, evilKey.Secret}, parAddr, pcoa, 0, MaxFBU - 1},
		"another router":     {mnKey, narAddr, pcoa, 0, MaxFBU - 1},
		"about another":      {mnKey, parAddr, ncoa, 0, MaxFBU - 1},
		"a number to come":   {mnKey, parAddr, pcoa, 1, MaxFBU - 1},
		"a number of once":   {mnKey, parAddr, pcoa, 0xffff, MaxFBU - 1},
		"nobody says a word": {more: MaxFBU - 1},
	} {
		b := newMobileBench(t)
		b.happens("hint")
		b.happens("PrRtAdv")
		b.happens("FBack")
		b.happens("no switch")
		b.wishes = nil
		if c.from.IsValid() {
			v, _ := newProver(c.key)
			ack := &mh.FastBindingAck{Seq: b.fbu.Seq + c.seq}
			p, _ := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: c.from, Dst: pcoa}}, ack, c.about, c.from))
			b.m.FastAck(b.now, &p, ack, &b.out)
		}
		b.happens("silence")
		if len(b.wishes) != c.more {
			t.Errorf("%s: %q", name, b.wishes)
		}
	}
}

// A node that is elsewhere by now has no address to say it from.
//
// spec MIP-09
func TestReleaseFromElsewhere(t *testing.T) {
	b := newMobileBench(t)
	b.happens("hint")
	b.happens("PrRtAdv")
	b.happens("FBack")
	b.happens("no switch")
	b.wishes, b.site = nil, siteB
	b.happens("silence")
	if len(b.wishes) != 0 {
		t.Errorf("%q", b.wishes)
	}
}

// What is granted is counted from the answer on: a router that grants less is not expected to forward for longer, nor is the node
// expected where it comes too late.
//
// spec MIP-09
func TestGrantedLifetime(t *testing.T) {
	for _, late := range []time.Duration{0, 2*time.Second - 1, 2 * time.Second} {
		b := newMobileBench(t)
		b.happens("hint")
		b.happens("PrRtAdv")
		b.fbu.Lifetime = 2 * time.Second // what the answer grants
		b.happens("FBack")
		b.now.Mono = b.now.Mono.Add(late)
		if _, ok := b.m.Expected(b.now, engine.LinkUp{Port: cell, HW: mnHW, Attachment: "two"}); ok != (late < 2*time.Second) {
			t.Errorf("after %v: expected %v", late, ok)
		}
		if got := b.m.forward(b.now).Life; got != 2*time.Second-late {
			t.Errorf("after %v: forwarded for %v", late, got)
		}
	}
	b := newMobileBench(t)
	b.happens("hint")
	b.happens("PrRtAdv")
	for what, in := range map[string]engine.LinkUp{
		"another link":    {Port: cell + 1, HW: mnHW, Attachment: "two"},
		"another address": {Port: cell, HW: otherHW, Attachment: "two"},
		"nobody knows":    {Port: cell, HW: mnHW},
	} {
		if _, ok := b.m.Expected(b.now, in); ok {
			t.Errorf("expected by %s", what)
		}
	}
}

// Forwardings that a router may have are remembered until they end, so many and no more: whoever comes back undoes them, whoever comes
// back later has nothing to undo.
//
// spec MIP-09
func TestForwardingsRemembered(t *testing.T) {
	b := newMobileBench(t)
	b.happens("second")
	b.happens("FBack")
	b.wishes, b.site = nil, siteA
	b.now.Mono = b.now.Mono.Add(Lifetime)
	b.m.Tick(b.now, &b.out)
	b.happens("home cell")
	if slices.Contains(b.wishes, "release") {
		t.Errorf("undone though it is over: %q", b.wishes)
	}
	for i := range 2 * MaxLeases {
		b.m.lend(b.now, netip.AddrFrom16([16]byte{0x20, 15: byte(i % 11)}), parAddr)
	}
	if len(b.m.leases) != MaxLeases {
		t.Errorf("%d remembered", len(b.m.leases))
	}
	for i, l := range b.m.leases {
		for _, o := range b.m.leases[:i] {
			if o.coa == l.coa {
				t.Errorf("twice: %v", l.coa)
			}
		}
	}
	if last := b.m.leases[MaxLeases-1].coa; last != netip.AddrFrom16([16]byte{0x20, 15: byte((2*MaxLeases - 1) % 11)}) {
		t.Errorf("the latest is not remembered: %v", last)
	}
}

// A link that comes up where it was, or with a router that forwards to nobody: no update is sent from there.
//
// spec MIP-09
func TestNothingToForward(t *testing.T) {
	for name, edit := range map[string]func(*bench){
		"the same address":         func(b *bench) {},
		"the same router":          func(b *bench) { b.site = siteB; b.site.Service = siteA.Service },
		"nowhere before":           func(b *bench) { b.m.sites = map[plane.Port]handover.Site{}; b.site = siteB },
		"a router without service": func(b *bench) { s := siteA; s.Service = netip.Addr{}; b.m.sites[cell] = s; b.site = siteB },
		"no key":                   func(b *bench) { b.m.keys = nil; b.site = siteB },
		"home":                     func(b *bench) { b.site = siteB; b.site.AtHome = true },
		"no address":               func(b *bench) { b.site = siteB; b.site.CoA = netip.Addr{} },
		"no router":                func(b *bench) { b.site = siteB; b.site.Router = netip.Addr{} },
	} {
		b := newMobileBench(t)
		edit(b)
		b.m.RouterConfirmed(b.now, cell, &b.out)
		b.m.AddressReady(b.now, cell, &b.out)
		if len(b.wishes) != 0 || b.m.state != idle {
			t.Errorf("%s: %q, %s", name, b.wishes, b.m.state)
		}
	}
	b := newMobileBench(t)
	b.site.AtHome = true
	b.m.AddressReady(b.now, cell, &b.out) // away, home, away: there is no router to ask
	b.site = siteB
	if b.m.AddressReady(b.now, cell, &b.out); len(b.wishes) != 0 {
		t.Errorf("from home: %q", b.wishes)
	}
}

// An address that the answer supplies is taken if it is of that network, and while the node can still take it up: §6.2.3.
//
// spec MIP-09
func TestSuppliedAddress(t *testing.T) {
	for supplied, want := range map[string]state{"2001:db8:a:2::77": ready, "2001:db8:a:3::77": idle} {
		b := newMobileBench(t)
		b.happens("hint")
		b.happens("PrRtAdv")
		b.supply(netip.MustParseAddr(supplied))
		if b.m.state != want || want == ready && b.m.next.CoA != netip.MustParseAddr(supplied) {
			t.Errorf("supplied %s: %s, %v", supplied, b.m.state, b.m.next.CoA)
		}
	}
	b := newMobileBench(t)
	b.happens("hint")
	b.happens("PrRtAdv")
	b.happens("expected") // it uses the address it asked for by now
	if b.supply(netip.MustParseAddr("2001:db8:a:2::77")); b.m.state != idle || b.m.next.CoA != ncoa {
		t.Errorf("arrived: %s, %v", b.m.state, b.m.next.CoA)
	}
}

func (b *bench) supply(a netip.Addr) {
	ack := &mh.FastBindingAck{Status: mh.FastUseSupplied, Seq: b.fbu.Seq, Lifetime: b.fbu.Lifetime}
	ack.Options.AltCareOf = a
	v, _ := newProver(mnKey)
	p, _ := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: parAddr, Dst: pcoa}}, ack, b.fbu.Options.AltCareOf, parAddr))
	b.m.FastAck(b.now, &p, ack, &b.out)
}

// What was answered, or has arrived, is neither said again nor taken back: nothing follows by itself.
//
// spec MIP-09
func TestNothingFollows(t *testing.T) {
	for name, walk := range map[string][]string{
		"arrived":                {"hint", "PrRtAdv", "FBack", "expected"},
		"answered after arrival": {"hint", "PrRtAdv", "expected", "FBack"},
		"registered":             {"hint", "PrRtAdv", "FBack", "expected", "BA"},
		"lost":                   {"hint", "PrRtAdv", "FBack", "expected", "lost"},
		"same router":            {"hint", "same router"},
		"reacted":                {"second", "FBack"},
		"elsewhere":              {"hint", "PrRtAdv", "FBack", "elsewhere", "FBack"},
	} {
		b := newMobileBench(t)
		for _, what := range walk {
			b.happens(what)
		}
		b.wishes, b.rtsol, b.out.List = nil, nil, nil
		before := b.m.state
		b.happens("silence")
		if len(b.wishes) != 0 || b.m.state != before {
			t.Errorf("%s: %q, %s", name, b.wishes, b.m.state)
		}
	}
}

// An answer that comes when nothing was asked, or again, changes nothing.
//
// spec MIP-09
func TestAnswersOutOfTurn(t *testing.T) {
	for name, walk := range map[string][]string{
		"after all is over":   {"hint", "PrRtAdv", "FBack", "expected", "BA"},
		"while the next asks": {"hint", "PrRtAdv", "other hint"},
		"when it is ready":    {"hint", "PrRtAdv", "FBack"},
		"a second on arrival": {"hint", "PrRtAdv", "expected", "FBack"},
	} {
		for _, answer := range []string{"FBack", "FBack refuses"} {
			b := newMobileBench(t)
			for _, what := range walk {
				b.happens(what)
			}
			b.wishes = nil
			before := b.m.state
			if b.happens(answer); b.m.state != before || len(b.wishes) != 0 {
				t.Errorf("%s, %s: %s, was %s, %q", name, answer, b.m.state, before, b.wishes)
			}
		}
	}
}
