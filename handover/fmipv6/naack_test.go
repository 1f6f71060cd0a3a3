package fmipv6

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

var wish = netip.MustParseAddr("2001:db8:a:2::55") // what a node would have, and is not given

// naack finds a Neighbor Advertisement Acknowledgment to a station among what a router sent on its link.
func (d *desk) naack(s sent, dst netip.Addr) *nd.NAAck {
	d.t.Helper()
	for _, p := range s.link {
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if ra, ok := m.(*nd.RouterAdvertisement); err == nil && ok {
			if p.Dst != dst || p.Src != ip6.LinkLocal(narHW) || ra.Lifetime != time.Hour || ra.Options.SourceHW != narHW {
				d.t.Errorf("advertisement from %v to %v: %+v", p.Src, p.Dst, ra)
			}
			return ra.Options.NAAck
		}
	}
	return nil
}

// The next router answers an announcement of an address that its node cannot have, and no other: §6.4.6.
//
// spec MIP-09
func TestNextRouterDenies(t *testing.T) {
	for name, c := range map[string]struct {
		from   [6]byte
		target netip.Addr
		edit   func(*nd.NeighborAdvertisement)
		dst    netip.Addr
		status nd.NAAckStatus // 0: no answer
		supply netip.Addr
	}{
		"not the one assigned":       {mnHW, wish, nil, ip6.AllNodes, nd.NAAckUseSupplied, ncoa},
		"the one assigned":           {mnHW, ncoa, nil, ip6.AllNodes, 0, netip.Addr{}},
		"the router's":               {mnHW, narAddr, nil, ip6.AllNodes, nd.NAAckInvalid, netip.Addr{}},
		"that of one who is to come": {otherHW, ncoa, nil, ip6.AllNodes, nd.NAAckInvalid, netip.Addr{}},
		"somebody else's affair":     {otherHW, wish, nil, ip6.AllNodes, 0, netip.Addr{}},
		"of another network":         {mnHW, pcoa, nil, ip6.AllNodes, 0, netip.Addr{}},
		"an answer":                  {mnHW, wish, func(na *nd.NeighborAdvertisement) { na.Solicited = true }, ip6.AllNodes, 0, netip.Addr{}},
		"one that overrides":         {mnHW, wish, func(na *nd.NeighborAdvertisement) { na.Override = true }, ip6.AllNodes, 0, netip.Addr{}},
		"of another station":         {mnHW, wish, func(na *nd.NeighborAdvertisement) { na.Options.TargetHW = otherHW }, ip6.AllNodes, 0, netip.Addr{}},
		"to one node":                {mnHW, wish, nil, ip6.LinkLocal(otherHW), 0, netip.Addr{}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.predict(1)
			na := una(c.target, c.from)
			if c.edit != nil {
				c.edit(na)
			}
			got := d.naack(d.neighbour(d.nar, c.from, c.target, c.dst, na), c.target)
			if (got == nil) != (c.status == 0) || got != nil && (got.Status != c.status || got.CareOf != c.supply) {
				t.Errorf("answer %+v, want %v %v", got, c.status, c.supply)
			}
			if here := d.nar.expected[ncoa].here; here != (name == "the one assigned") {
				t.Errorf("arrived: %v", here)
			}
		})
	}
	d := newDesk(t)
	if d.predict(1); d.neighbour(d.nar, mnHW, ncoa, ip6.AllNodes, una(ncoa, mnHW)).link != nil {
		t.Error("an announcement that is right was answered")
	}
	if got := d.naack(d.neighbour(d.nar, mnHW, wish, ip6.AllNodes, una(wish, mnHW)), wish); got != nil {
		t.Errorf("a further address of one who has arrived: %+v", got)
	}
	if got := d.naack(d.neighbour(d.nar, otherHW, ncoa, ip6.AllNodes, una(ncoa, otherHW)), ncoa); got == nil || got.Status != nd.NAAckInvalid {
		t.Errorf("the address of one who has arrived: %+v", got)
	}
	n := 0
	for range 2 * MaxAnswers {
		n += len(d.neighbour(d.nar, otherHW, ncoa, ip6.AllNodes, una(ncoa, otherHW)).link)
	}
	if n >= MaxAnswers || !d.dropped("naack-rate") {
		t.Errorf("%d answers in a moment", n)
	}
}

// arrive brings a node to the next link, with the FBack or without.
func (b *bench) arrive(acked bool) {
	b.t.Helper()
	b.happens("hint")
	b.happens("PrRtAdv")
	if acked {
		b.happens("FBack")
	}
	b.happens("expected")
	b.wishes, b.out.List = nil, nil
}

// The node takes the address that it is supplied with, or forms one, and tells the previous router of it; once in a handover.
//
// spec MIP-09
func TestDenied(t *testing.T) {
	supplied := netip.MustParseAddr("2001:db8:a:2::99")
	for _, acked := range []bool{true, false} {
		b := newMobileBench(t)
		b.arrive(acked)
		coa, ok := b.m.Denied(b.now, cell, ncoa, &nd.NAAck{Status: nd.NAAckUseSupplied, CareOf: supplied}, &b.out)
		if !ok || coa != supplied || b.m.state != arrived {
			t.Fatalf("acked %v: %v %v, %s", acked, coa, ok, b.m.state)
		}
		b.site.CoA = coa
		b.m.Arrived(b.now, cell, &b.out)
		b.m.AddressReady(b.now, cell, &b.out)
		if !slices.Equal(b.wishes, []string{"receive", "FBU from new"}) || b.fbu.Options.AltCareOf != supplied {
			t.Errorf("acked %v: %q, FBU for %v", acked, b.wishes, b.fbu.Options.AltCareOf)
		}
		if _, ok := b.m.Denied(b.now, cell, supplied, &nd.NAAck{Status: nd.NAAckInvalid}, &b.out); ok {
			t.Error("denied twice")
		}
		b.happens("FBack")
		if b.happens("BA"); b.m.state != idle {
			t.Errorf("in the end %s", b.m.state)
		}
	}
	for status, wishes := range map[nd.NAAckStatus][]string{
		nd.NAAckInvalid: {"unforward", "FBU from new"}, nd.NAAckUseRouter: {"unforward", "FBU from new"},
		nd.NAAckUnknownLLA: {"unforward", "FBU from new"}, nd.NAAckUsePCoA: {"unforward"},
	} {
		b := newMobileBench(t)
		b.arrive(true)
		if coa, ok := b.m.Denied(b.now, cell, ncoa, &nd.NAAck{Status: status, CareOf: pcoa}, &b.out); !ok || coa.IsValid() || b.m.state != idle {
			t.Fatalf("%v: %v %v, %s", status, coa, ok, b.m.state)
		}
		b.site.CoA = netip.MustParseAddr("2001:db8:a:2::77") // of its own choice
		b.m.AddressReady(b.now, cell, &b.out)
		if !slices.Equal(b.wishes, wishes) {
			t.Errorf("%v: %q, want %q", status, b.wishes, wishes)
		}
	}
}

// What is late, forged or of no use changes nothing.
//
// spec MIP-09
func TestDeniedInVain(t *testing.T) {
	supply := func(a string) *nd.NAAck {
		return &nd.NAAck{Status: nd.NAAckUseSupplied, CareOf: netip.MustParseAddr(a)}
	}
	for name, c := range map[string]struct {
		before func(*bench)
		dst    netip.Addr
		ack    *nd.NAAck
		reason string
	}{
		"before the handover":         {func(b *bench) {}, ncoa, supply("2001:db8:a:2::99"), "naack-unexpected"},
		"while it is prepared":        {func(b *bench) { b.happens("hint"); b.happens("PrRtAdv") }, ncoa, supply("2001:db8:a:2::99"), "naack-unexpected"},
		"when the home agent knows":   {func(b *bench) { b.arrive(true); b.happens("BA") }, ncoa, supply("2001:db8:a:2::99"), "naack-unexpected"},
		"about another address":       {func(b *bench) { b.arrive(true) }, wish, supply("2001:db8:a:2::99"), "naack-unexpected"},
		"an address of another place": {func(b *bench) { b.arrive(true) }, ncoa, supply("2001:db8:bad::1"), "naack-bad-address"},
		"the router's":                {func(b *bench) { b.arrive(true) }, ncoa, supply(narAddr.String()), "naack-bad-address"},
		"all routers'":                {func(b *bench) { b.arrive(true) }, ncoa, supply("2001:db8:a:2::"), "naack-bad-address"},
		"the same":                    {func(b *bench) { b.arrive(true) }, ncoa, supply(ncoa.String()), "naack-bad-address"},
		"a status of nobody":          {func(b *bench) { b.arrive(true) }, ncoa, &nd.NAAck{Status: 77}, "naack-unexpected"},
	} {
		b := newMobileBench(t)
		c.before(b)
		state, next, wishes := b.m.state, b.m.next, len(b.wishes)
		b.out.List = nil
		if _, ok := b.m.Denied(b.now, cell, c.dst, c.ack, &b.out); ok || b.m.state != state || b.m.next != next || len(b.wishes) != wishes || b.m.denied {
			t.Errorf("%s: taken", name)
		}
		if len(b.out.List) != 1 || b.out.List[0].(engine.Event).Reason != c.reason {
			t.Errorf("%s: %+v", name, b.out.List)
		}
	}
}
