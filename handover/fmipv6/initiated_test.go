package fmipv6

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// told is what the router of the link says of its own accord to the node.
func (b *bench) told(code uint8, edit func(*ip6.Packet, *nd.PrRtAdv)) {
	p := &ip6.Packet{Header: ip6.Header{Src: siteA.Router, Dst: pcoa}}
	adv := &nd.PrRtAdv{Code: code, AccessPoints: []nd.AccessPoint{{HW: cellTwo, Outcome: nd.APFound, RouterHW: narHW, Router: netip.PrefixFrom(narAddr, 64)}}}
	if edit != nil {
		edit(p, adv)
	}
	b.m.ProxyAdvertised(b.now, cell, p, adv, &b.out)
}

func openBench(t *testing.T) *bench {
	b := newMobileBench(t)
	b.m.open = true
	return b
}

// A handover that the router begins goes as one that the link layer hints at, from the router's answer on; the cell has the name that its
// identity is written with, and is known by that when the link comes up.
//
// spec MIP-09
func TestToldToHandOver(t *testing.T) {
	b := openBench(t)
	b.told(nd.ProxyHandover, nil)
	b.told(nd.ProxyHandover, nil) // said twice
	b.happens("FBack")
	if b.m.state != ready || !slices.Equal(b.wishes, []string{"FBU", "leave"}) || b.fbu.Options.AltCareOf != ncoa {
		t.Fatalf("%s, %q", b.m.state, b.wishes)
	}
	if e := b.out.List[len(b.out.List)-1]; e != (engine.Attach{Port: cell, Attachment: cellTwo.String()}) {
		t.Errorf("attaches by %+v", e)
	}
	for _, up := range []engine.LinkUp{{Attachment: "two"}, {Attachment: "two", Cell: cellOne}, {}, {Cell: cellOne}} {
		up.Port, up.HW = cell, mnHW
		if _, ok := b.m.Expected(b.now, up); ok {
			t.Errorf("expected at %+v", up)
		}
	}
	if next, ok := b.m.Expected(b.now, engine.LinkUp{Port: cell, HW: mnHW, Attachment: "two", Cell: cellTwo}); !ok || next.CoA != ncoa {
		t.Errorf("not expected where the router said: %+v", next)
	}
	b = openBench(t)
	supplied := netip.MustParseAddr("2001:db8:a:2::77")
	if b.told(nd.ProxyHandover, func(_ *ip6.Packet, adv *nd.PrRtAdv) { adv.AccessPoints[0].CareOf = supplied }); b.fbu == nil || b.fbu.Options.AltCareOf != supplied {
		t.Error("the address that the router computed is not used")
	}
}

// What was told of cells around spares the question, for a while, by that router.
//
// spec MIP-09
func TestToldOfCells(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*bench)
		wishes []string
	}{
		"known":          {func(b *bench) { b.told(nd.ProxyUnsolicited, nil) }, []string{"FBU"}},
		"not open":       {func(b *bench) { b.m.open = false; b.told(nd.ProxyUnsolicited, nil) }, []string{"RtSolPr"}},
		"too long ago":   {func(b *bench) { b.told(nd.ProxyUnsolicited, nil); b.now.Mono = b.now.Mono.Add(AroundLifetime) }, []string{"RtSolPr"}},
		"another router": {func(b *bench) { b.told(nd.ProxyUnsolicited, nil); b.site.Router = ip6.LinkLocal(otherHW) }, []string{"RtSolPr"}},
		"another cell": {func(b *bench) {
			b.told(nd.ProxyUnsolicited, func(_ *ip6.Packet, adv *nd.PrRtAdv) { adv.AccessPoints[0].HW = otherHW })
		}, []string{"RtSolPr"}},
	} {
		b := openBench(t)
		if c.before(b); b.m.state != idle || len(b.wishes) != 0 {
			t.Errorf("%s: no reason to hand over, and %s, %q", name, b.m.state, b.wishes)
		}
		if b.happens("hint"); !slices.Equal(b.wishes, c.wishes) {
			t.Errorf("%s: %q, want %q", name, b.wishes, c.wishes)
		}
	}
}

// Nobody moves a node that is not configured for it; nor does anybody but the router, for another node, or to a place of no use.
//
// spec MIP-09
func TestToldInVain(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*bench)
		edit   func(*ip6.Packet, *nd.PrRtAdv)
	}{
		"by default":       {func(b *bench) { b.m.open = false }, nil},
		"at home":          {func(b *bench) { b.site.AtHome = true }, nil},
		"without a key":    {func(b *bench) { b.m.keys = nil }, nil},
		"by another":       {nil, func(p *ip6.Packet, _ *nd.PrRtAdv) { p.Src = ip6.LinkLocal(otherHW) }},
		"to all nodes":     {nil, func(p *ip6.Packet, _ *nd.PrRtAdv) { p.Dst = ip6.AllNodes }},
		"nothing known":    {nil, func(_ *ip6.Packet, a *nd.PrRtAdv) { a.AccessPoints[0].Outcome = nd.APNoPrefix }},
		"no router behind": {nil, func(_ *ip6.Packet, a *nd.PrRtAdv) { a.AccessPoints[0].RouterHW = plane.HW{} }},
		"no cell":          {nil, func(_ *ip6.Packet, a *nd.PrRtAdv) { a.AccessPoints = nil }},
		"as an answer":     {nil, func(_ *ip6.Packet, a *nd.PrRtAdv) { a.ID = 7 }},
	} {
		b := openBench(t)
		if c.before != nil {
			c.before(b)
		}
		b.out.List = nil
		if b.told(nd.ProxyHandover, c.edit); b.m.state != idle || len(b.wishes) != 0 {
			t.Errorf("%s: %s, %q", name, b.m.state, b.wishes)
		}
		if len(b.out.List) != 1 || b.out.List[0].(engine.Event).Reason != "prrtadv-unexpected" {
			t.Errorf("%s: %+v", name, b.out.List)
		}
	}
	b := openBench(t)
	for i := range 2 * RtSolPrRate {
		b.told(nd.ProxyHandover, func(_ *ip6.Packet, adv *nd.PrRtAdv) { adv.AccessPoints[0].HW = plane.HW{6, byte(10 + i)} })
	}
	if len(b.wishes) != RtSolPrRate {
		t.Errorf("%d updates in a moment: %q", len(b.wishes), b.wishes)
	}
}

// The router's orders: what it tells is what it would answer, to the node's station alone; what cannot be is refused in words.
//
// spec MIP-09
func TestOrders(t *testing.T) {
	mobile := mnHW.String()
	for name, c := range map[string]struct {
		verb string
		args map[string]string
		code uint8
		err  string
	}{
		"hand over":     {VerbHandover, map[string]string{"mobile": mobile, "cell": cellTwo.String()}, nd.ProxyHandover, ""},
		"cells":         {VerbCells, map[string]string{"mobile": mobile}, nd.ProxyUnsolicited, ""},
		"no address":    {VerbCells, nil, 0, `mobile=""`},
		"no station":    {VerbHandover, map[string]string{"mobile": "mn", "cell": cellTwo.String()}, 0, `mobile="mn"`},
		"a stranger":    {VerbHandover, map[string]string{"mobile": narHW.String(), "cell": cellTwo.String()}, 0, "fmipv6.mobiles"},
		"no cell":       {VerbHandover, map[string]string{"mobile": mobile}, 0, `cell=""`},
		"its own cell":  {VerbHandover, map[string]string{"mobile": mobile, "cell": cellOne.String()}, 0, "fmipv6.neighbours"},
		"unknown cell":  {VerbHandover, map[string]string{"mobile": mobile, "cell": otherHW.String()}, 0, "fmipv6.neighbours"},
		"link is down":  {VerbCells, map[string]string{"mobile": mobile}, 0, "no access link"},
		"no neighbours": {VerbCells, map[string]string{"mobile": mobile}, 0, "no cell"},
	} {
		d := newDesk(t)
		d.par.links[0].up = name != "link is down"
		if name == "no neighbours" {
			d.par.neighbours = nil
		}
		var out engine.Effects
		known, err := d.par.Command(d.now, c.verb, c.args, &out)
		if !known || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, %v", name, known, err)
		}
		if c.err != "" {
			if len(out.List) != 0 {
				t.Errorf("%s: %+v", name, out.List)
			}
			continue
		}
		e := out.List[0].(engine.Send)
		p, _ := ip6.Parse(e.Data)
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		adv, ok := m.(*nd.PrRtAdv)
		if !ok || e.To != mnHW || p.Dst != pcoa || p.Src != ip6.LinkLocal(parHW) || adv.Code != c.code || adv.ID != 0 || adv.SourceHW != parHW {
			t.Fatalf("%s: %+v, %v", name, m, err)
		}
		b := openBench(t) // the node takes it
		if b.m.ProxyAdvertised(b.now, cell, &p, adv, &b.out); (b.m.state == announcing) != (c.code == nd.ProxyHandover) || len(b.m.around.cells) != int(c.code/4) {
			t.Errorf("%s: the node is %s, knows %d", name, b.m.state, len(b.m.around.cells))
		}
	}
	if known, _ := newDesk(t).par.Command(engine.Now{}, "fly", nil, &engine.Effects{}); known {
		t.Error("flies")
	}
}
