package ha

import (
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/wire/diameter"
	"roam6/wire/ip6"
)

// someHomes are what HORs name: nothing, addresses that may be guests', one of the configuration, one of elsewhere.
var someHomes = []netip.Addr{{}, {}, fixedHome, netip.MustParseAddr("2001:db8:0:1::778"), hoa2, netip.MustParseAddr("2001:db8:f::1")}

// aaa has a server ask for anything.
func (c *crowd) aaa() {
	rt := c.t
	r := rapid.SampledFrom(c.roamers).Draw(rt, "roamer")
	old := *r
	from := rapid.SampledFrom(someCareOfs).Draw(rt, "from")
	r.random++
	r.spi++
	r.dh = rapid.Bool().Draw(rt, "DH")
	r.hoa = rapid.SampledFrom(someHomes).Draw(rt, "home")
	h := r.hor(from)
	h.Lifetime = time.Duration(rapid.SampledFrom([]int{0, 3, 30, 900, 2000}).Draw(rt, "authorisation")) * time.Second
	h.Peer[0].Lifetime = time.Duration(rapid.SampledFrom([]int{1, 60, 2000}).Draw(rt, "key lifetime")) * time.Second
	switch rapid.IntRange(0, 7).Draw(rt, "wrong") {
	case 0:
		h.CareOf = coa3
	case 1:
		h.Peer = nil
	case 2:
		u, _ := c.draw(&claimant{})
		h.Binding = vouched(from, r.hoa, u)
	case 3, 4:
		if old.end != nil {
			h.Binding = old.own(bu(old.seq+1, time.Minute), from)
			old.seq++
		}
	}
	e := &errand{hor: h}
	c.errands = append(c.errands, e)
	before := c.state()
	effects := c.b.feed(&c.table, c.b.run(func() { c.b.a.assign(c.b.now, e, &c.b.out) }))
	superseded := slices.Contains(drops(effects), "hor-superseded")
	if after := c.state(); e.done && e.answer.Code != diameter.Success && after != before && !superseded {
		rt.Fatalf("refused (%v), and yet\n%s\nbecame\n%s", drops(effects), before, after)
	}
	if !e.done || e.answer.Code != diameter.Success || len(e.answer.Peer) == 0 {
		*r = roamer{b: r.b, nai: r.nai, random: r.random, spi: r.spi, dh: old.dh, seq: old.seq, hoa: old.hoa, end: old.end}
		return
	}
	e.answer.Peer[0].Lifetime = time.Hour // as learn expects
	r.learn(c.b.t, e)
}

// guest is an update that a mobile node from AAA sends itself, if it has keys.
func (c *crowd) guest() {
	r := rapid.SampledFrom(c.roamers).Draw(c.t, "roamer")
	if r.end == nil {
		return
	}
	u, from := c.draw(&claimant{seq: r.seq})
	r.seq = u.Seq
	var scratch engine.Effects
	c.b.feed(&c.table, c.b.deliver(r.end.Protect(c.b.now, ip6.Packet{Header: ip6.Header{Src: from, Dst: haAddr}, HomeAddress: r.hoa}, u, &scratch)))
}

// checkGuests holds the tables of guests against each other, and adds what the plane must carry for them.
func (c *crowd) checkGuests(want map[netip.Prefix]netip.Addr) {
	rt, a := c.t, c.b.a
	count, spis, waiting := 0, len(c.b.cfg.Mobiles), 0
	for i, g := range a.guests.list {
		if g == nil {
			continue
		}
		count++
		if a.mobiles[g.hoa] != &g.mobile || a.order[a.guests.fixed+i] != &g.mobile || a.guestOf(&g.mobile) != g || !a.assignable(g.hoa) || a.guests.named[""] != nil {
			rt.Fatalf("guest %d is not where it is looked for: %+v", i, g)
		}
		if g.nai != "" && g.settled && a.guests.named[g.nai] != g {
			rt.Fatalf("%s has another guest", g.nai)
		}
		if !g.settled && (g.pending == nil || g.binding != nil) {
			rt.Fatalf("%v is there for nothing", g.hoa)
		}
		if g.settled && !a.guests.spis[g.sa.InSPI()] || g.old != nil && !a.guests.spis[g.old.InSPI()] {
			rt.Fatalf("SPIs of %v are free for others", g.hoa)
		}
		if at, armed := a.agenda.Armed(g.number); g.settled && (!armed || at > g.until()) || !g.settled && armed {
			rt.Fatalf("%v until %v waits for %v", g.hoa, g.until(), at)
		}
		if b := g.binding; b != nil {
			want[netip.PrefixFrom(g.hoa, 128)] = b.CoA()
			if b.expires > g.until() || len(b.Several)+len(b.Networks) > 0 {
				rt.Fatalf("%v is bound until %v, authorised until %v: %+v", g.hoa, b.expires, g.until(), b)
			}
		}
	}
	for _, m := range a.order {
		if m != nil && m.pending != nil && m.pending.errand != nil {
			waiting++
			if m.pending.errand.done {
				rt.Fatalf("%v waits for what is answered", m.hoa)
			}
		}
	}
	open := 0
	for _, e := range c.errands {
		if !e.done {
			open++
		}
	}
	if open != waiting || waiting != a.guests.waiting || count != a.guests.count || len(a.mobiles) != len(c.b.cfg.Mobiles)+count {
		rt.Fatalf("%d errands open, %d wait, %d counted; %d guests of %d, %d mobile nodes", open, waiting, a.guests.waiting, a.guests.count, count, len(a.mobiles))
	}
	if len(a.guests.spis) > spis+2*count+waiting {
		rt.Fatalf("SPIs %v for %d guests", a.guests.spis, count)
	}
}

// checkEmpty finds what departed guests have left.
func (c *crowd) checkEmpty() {
	a := c.b.a
	if a.guests.count+len(a.guests.named)+a.guests.waiting+len(a.guests.spis) != 0 || len(a.mobiles) != len(c.b.cfg.Mobiles) {
		c.t.Fatalf("left: %+v", a.guests)
	}
	kept := 2 * len(c.b.cfg.Mobiles)
	for _, key := range sortedKeys(c.b.disk) {
		if c.b.disk[key].Bucket == guestBucket || c.b.disk[key].Bucket == guestKeyBucket || kept == 0 {
			c.t.Fatalf("left on disk: %v", sortedKeys(c.b.disk))
		}
		kept--
	}
	for addr, l := range c.table.Locals { //order:any
		if addr != haAddr && addr != ip6.HomeAgentsAnycast(prefix) {
			c.t.Fatalf("left in the plane: %v %+v", addr, l)
		}
	}
}
