package fmipv6

import (
	"fmt"
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

// base is a base strategy that does nothing.
type base struct{}

func (base) LinkUp(engine.Now, plane.Port, *engine.Effects)                     {}
func (base) LinkDown(engine.Now, plane.Port, *engine.Effects)                   {}
func (base) RouterFound(engine.Now, plane.Port, *engine.Effects)                {}
func (base) RouterConfirmed(engine.Now, plane.Port, *engine.Effects)            {}
func (base) AddressReady(engine.Now, plane.Port, *engine.Effects)               {}
func (base) AccessLost(engine.Now, plane.Port, string, *engine.Effects)         {}
func (base) Registered(engine.Now, plane.Port, *engine.Effects)                 {}
func (base) RegistrationFailed(engine.Now, plane.Port, string, *engine.Effects) {}
func (base) State() string                                                      { return "base" }

// bench is the node's end with a core that the test plays; it notes what was wished and sent.
type bench struct {
	t      *testing.T
	m      *Mobile
	now    engine.Now
	site   handover.Site
	out    engine.Effects
	wishes []string
	rtsol  *nd.RtSolPr
	fbu    *mh.FastBindingUpdate
}

func (b *bench) Accesses() []handover.Access                      { return nil }
func (b *bench) Register(engine.Now, plane.Port, *engine.Effects) {}
func (b *bench) Hold(engine.Now, *engine.Effects)                 {}
func (b *bench) Site(plane.Port) (handover.Site, bool)            { return b.site, b.site.Router.IsValid() }
func (b *bench) Unforwarded(_ engine.Now, a netip.Addr, _ *engine.Effects) {
	b.wishes = append(b.wishes, "unforward")
}
func (b *bench) Forwarded(_ engine.Now, _ plane.Port, f handover.Forward, _ *engine.Effects) {
	if f.Open {
		b.wishes = append(b.wishes, "open")
	} else {
		b.wishes = append(b.wishes, "receive")
	}
}
func (b *bench) Renounce(engine.Now, plane.Port, netip.Addr, *engine.Effects) {
	b.wishes = append(b.wishes, "renounce")
}
func (b *bench) Leaving(plane.Port, *engine.Effects) { b.wishes = append(b.wishes, "leave") }
func (b *bench) SendBy(_ plane.Port, data []byte, _ *engine.Effects) {
	p, err := ip6.Parse(data)
	if err != nil {
		b.t.Fatal(err)
	}
	if p.Proto == ip6.ProtoICMPv6 {
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil {
			b.t.Fatal(err)
		}
		b.rtsol = m.(*nd.RtSolPr)
		b.wishes = append(b.wishes, "RtSolPr")
		return
	}
	m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
	if err != nil {
		b.t.Fatal(err)
	}
	b.fbu = m.(*mh.FastBindingUpdate)
	what := "FBU"
	if b.fbu.Lifetime == 0 {
		what = "release"
	}
	if p.Src != p.HomeAddress {
		what += " from new"
	}
	b.wishes = append(b.wishes, what)
}

var (
	siteA   = handover.Site{HW: mnHW, CoA: pcoa, Source: ip6.LinkLocal(mnHW), Router: ip6.LinkLocal(parHW), RouterHW: parHW, Service: parAddr, Prefix: prefixA}
	siteB   = handover.Site{HW: mnHW, CoA: ncoa, Source: ip6.LinkLocal(mnHW), Router: ip6.LinkLocal(narHW), RouterHW: narHW, Service: narAddr, Prefix: prefixB}
	prefixC = netip.MustParsePrefix("2001:db8:b:3::/64")
	siteC   = handover.Site{HW: mnHW, CoA: ip6.FromEUI64(prefixC, mnHW), Source: ip6.LinkLocal(mnHW), Router: ip6.LinkLocal(otherHW), RouterHW: otherHW,
		Service: netip.MustParseAddr("2001:db8:b:3::a"), Prefix: prefixC}
)

func newMobileBench(t *testing.T) *bench {
	b := &bench{t: t, site: siteA}
	m, err := NewMobile(b, base{}, Config{Keys: map[plane.Port]Key{cell: mnKey}, Name: "mn"})
	if err != nil {
		t.Fatal(err)
	}
	b.m = m
	m.Start(engine.Start{}, engine.NewRand([32]byte{3}))
	m.AddressReady(b.now, cell, &b.out)
	return b
}

// fback answers the last FBU with a status.
func (b *bench) fback(s mh.FastStatus, par, to netip.Addr) {
	ack := &mh.FastBindingAck{Status: s, Seq: b.fbu.Seq, Lifetime: b.fbu.Lifetime}
	if s == mh.FastUseSupplied {
		ack.Options.AltCareOf = netip.MustParseAddr("2001:db8:a:2::77")
	}
	v, _ := newProver(mnKey)
	p, _ := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: par, Dst: to}}, ack, b.fbu.Options.AltCareOf, par))
	b.m.FastAck(b.now, &p, ack, &b.out)
	_ = p
}

// prrtadv answers the last RtSolPr.
func (b *bench) prrtadv(code, outcome uint8) {
	ap := nd.AccessPoint{HW: b.rtsol.AccessPoints[0], Outcome: outcome}
	if outcome == nd.APFound {
		ap.RouterHW, ap.Router = narHW, netip.PrefixFrom(narAddr, 64)
	}
	b.advertise(code, ap)
}

func (b *bench) advertise(code uint8, ap nd.AccessPoint) {
	adv := &nd.PrRtAdv{Code: code, ID: b.rtsol.ID, AccessPoints: []nd.AccessPoint{ap}}
	b.m.ProxyAdvertised(b.now, cell, &ip6.Packet{Header: ip6.Header{Src: b.m.prev.Router}}, adv, &b.out)
}

// happens is one thing that happens to the node.
func (b *bench) happens(what string) {
	b.t.Helper()
	switch what {
	case "hint":
		b.m.Hint(b.now, engine.LinkHint{Port: cell, Attachment: "two", HW: cellTwo, In: 200 * time.Millisecond}, &b.out)
	case "other hint":
		b.m.Hint(b.now, engine.LinkHint{Port: cell, Attachment: "three", HW: otherHW}, &b.out)
	case "PrRtAdv":
		b.prrtadv(nd.ProxyInfo, nd.APFound)
	case "same router":
		b.prrtadv(nd.ProxyNone, nd.APSameRouter)
	case "nothing known":
		b.prrtadv(nd.ProxyNone, nd.APNoPrefix)
	case "FBack":
		b.fback(mh.FastAccepted, b.m.prev.Service, pcoa)
	case "FBack refuses":
		b.fback(mh.FastResources, b.m.prev.Service, pcoa)
	case "FBack supplies":
		b.fback(mh.FastUseSupplied, b.m.prev.Service, pcoa)
	case "silence":
		for at, _ := b.m.Deadline(); at < b.now.Mono.Add(5*time.Second); at, _ = b.m.Deadline() {
			b.now.Mono = max(b.now.Mono, at)
			b.m.Tick(b.now, &b.out)
		}
	case "no switch":
		b.now.Mono = b.now.Mono.Add(Patience)
		b.m.Tick(b.now, &b.out)
	case "later":
		b.now.Mono = b.now.Mono.Add(2 * time.Second)
	case "down":
		b.m.LinkDown(b.now, cell, &b.out)
	case "expected":
		next, ok := b.m.Expected(b.now, engine.LinkUp{Port: cell, HW: mnHW, Attachment: "two"})
		if !ok {
			b.t.Fatal("the link came up where it was expected, and was not")
		}
		b.site = siteB
		b.site.CoA = next.CoA
		b.m.Arrived(b.now, cell, &b.out)
		b.m.AddressReady(b.now, cell, &b.out)
	case "elsewhere", "home cell", "second":
		if _, ok := b.m.Expected(b.now, engine.LinkUp{Port: cell, HW: mnHW, Attachment: what}); ok {
			b.t.Fatal("expected elsewhere")
		}
		b.site = map[string]handover.Site{"elsewhere": siteC, "home cell": siteA, "second": siteB}[what]
		b.m.AddressReady(b.now, cell, &b.out)
	case "lost":
		b.m.AccessLost(b.now, cell, "router gone", &b.out)
	case "BA":
		b.m.Registered(b.now, cell, &b.out)
	default:
		b.t.Fatalf("what is %q", what)
	}
}

type step struct {
	what   string
	state  state
	wishes []string
}

var walks = map[string][]step{
	"predictive": {
		{"hint", asking, []string{"RtSolPr"}},
		{"hint", asking, nil},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack", ready, []string{"leave"}},
		{"FBack", ready, nil}, // by both links
		{"down", ready, nil},
		{"expected", arrived, []string{"open"}},
		{"BA", idle, nil},
	},
	"supplied address": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack supplies", ready, []string{"leave"}},
		{"expected", arrived, []string{"open"}},
	},
	"FBack lost": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"down", announcing, nil},
		{"expected", arrived, []string{"receive", "FBU from new"}},
		{"BA", arrived, nil}, // what is on its way still wants to be forwarded
		{"FBack", arrived, []string{"open"}},
		{"BA", idle, nil},
	},
	"FBack lost, refused": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"expected", arrived, []string{"receive", "FBU from new"}},
		{"FBack refuses", idle, []string{"unforward"}},
	},
	"nobody answers": {
		{"hint", asking, []string{"RtSolPr"}},
		{"silence", idle, []string{"RtSolPr", "RtSolPr", "RtSolPr"}},
		{"later", idle, nil},
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"silence", idle, []string{"FBU", "FBU", "FBU"}},
	},
	"refused": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack refuses", idle, nil},
	},
	"no fast handover there": {
		{"hint", asking, []string{"RtSolPr"}},
		{"nothing known", idle, nil},
		{"later", idle, nil},
		{"hint", asking, []string{"RtSolPr"}},
		{"same router", idle, nil},
	},
	"too late": {
		{"hint", asking, []string{"RtSolPr"}},
		{"down", idle, nil},
		{"second", reacting, []string{"FBU from new"}},
		{"FBack", idle, []string{"open"}},
	},
	"the link stays": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack", ready, []string{"leave"}},
		{"no switch", idle, []string{"release"}},
		{"silence", idle, []string{"release", "release", "release"}},
	},
	"the link comes back": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack", ready, []string{"leave"}},
		{"down", ready, nil},
		{"home cell", idle, []string{"unforward", "release"}},
	},
	"another hint": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"other hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack", ready, []string{"leave"}},
		{"hint", asking, []string{"RtSolPr"}},
	},
	"wrong hint": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack", ready, []string{"leave"}},
		{"elsewhere", reacting, []string{"FBU from new"}},
		{"FBack refuses", idle, nil},
	},
	"wrong hint, no FBack": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"elsewhere", reacting, []string{"FBU from new"}},
		{"silence", idle, []string{"FBU from new", "FBU from new", "FBU from new"}},
	},
	"on and on": {
		{"elsewhere", reacting, []string{"FBU from new"}},
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack", ready, []string{"leave"}},
		{"expected", arrived, []string{"open"}},
		{"other hint", asking, []string{"RtSolPr"}},
	},
	"lost on arrival": {
		{"hint", asking, []string{"RtSolPr"}},
		{"PrRtAdv", announcing, []string{"FBU"}},
		{"FBack", ready, []string{"leave"}},
		{"expected", arrived, []string{"open"}},
		{"lost", idle, nil},
	},
	"back before it is over": {
		{"second", reacting, []string{"FBU from new"}},
		{"FBack", idle, []string{"open"}},
		{"home cell", reacting, []string{"unforward", "release", "FBU from new"}},
	},
	"gone while reacting": {
		{"second", reacting, []string{"FBU from new"}},
		{"down", idle, nil},
	},
}

// Every walk, and every edge of the table by one of them.
//
// spec MIP-09 RT-04
func TestWalks(t *testing.T) {
	walked := map[[2]state]bool{}
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			b := newMobileBench(t)
			for i, s := range walk {
				b.wishes, b.out.List = nil, nil
				b.happens(s.what)
				if b.m.state != s.state || !slices.Equal(b.wishes, s.wishes) {
					t.Fatalf("step %d, %s: %s, %q; want %s, %q", i, s.what, b.m.state, b.wishes, s.state, s.wishes)
				}
				for _, e := range b.out.List {
					if ev, ok := e.(engine.Event); ok && ev.Name == engine.EventState {
						walked[[2]state{state(ev.Get("from")), state(ev.Get("to"))}] = true
					}
				}
			}
		})
	}
	for from, list := range edges {
		for _, to := range list {
			if !walked[[2]state{from, to}] {
				t.Errorf("no walk goes from %s to %s", from, to)
			}
		}
	}
}

// What falls back says so, with a reason; what works does not.
//
// spec MIP-09
func TestFallsBackAloud(t *testing.T) {
	for name, quiet := range map[string]bool{"predictive": true, "too late": false, "nobody answers": false, "refused": false, "the link stays": false,
		"wrong hint": false, "on and on": true, "FBack lost": true, "no fast handover there": false, "the link comes back": false} {
		b := newMobileBench(t)
		for _, s := range walks[name] {
			b.happens(s.what)
		}
		told := slices.ContainsFunc(b.out.List, func(e engine.Effect) bool {
			ev, ok := e.(engine.Event)
			return ok && ev.Name == engine.EventFellBack && ev.Reason != ""
		})
		if told == quiet {
			t.Errorf("%s: told of falling back: %v", name, told)
		}
	}
}

// The switch is commanded once, when forwarding is confirmed, and for the cell of the hint.
//
// spec MIP-09 RT-04
func TestAttachIsSaidOnce(t *testing.T) {
	b := newMobileBench(t)
	for _, s := range walks["predictive"] {
		b.happens(s.what)
	}
	var said []string
	for _, e := range b.out.List {
		if a, ok := e.(engine.Attach); ok {
			said = append(said, fmt.Sprint(a.Port, a.Attachment))
		}
	}
	if !slices.Equal(said, []string{"1two"}) && !slices.Equal(said, []string{"1 two"}) {
		t.Errorf("said %q", said)
	}
}

// Nothing that is not the router's own answer moves the node.
//
// spec MIP-09
func TestMobileBelievesNobodyElse(t *testing.T) {
	b := newMobileBench(t)
	b.happens("hint")
	adv := &nd.PrRtAdv{ID: b.rtsol.ID, AccessPoints: []nd.AccessPoint{{HW: cellTwo, Outcome: nd.APFound, RouterHW: narHW, Router: netip.PrefixFrom(narAddr, 64)}}}
	from := func(a netip.Addr) *ip6.Packet { return &ip6.Packet{Header: ip6.Header{Src: a}} }
	b.m.ProxyAdvertised(b.now, cell, from(ip6.LinkLocal(otherHW)), adv, &b.out)
	wrong := *adv
	wrong.ID++
	b.m.ProxyAdvertised(b.now, cell, from(ip6.LinkLocal(parHW)), &wrong, &b.out)
	b.m.ProxyAdvertised(b.now, cell+1, from(ip6.LinkLocal(parHW)), adv, &b.out)
	if b.m.state != asking {
		t.Fatalf("a stranger's advertisement was taken: %s", b.m.state)
	}
	b.happens("PrRtAdv")
	ack := &mh.FastBindingAck{Seq: b.fbu.Seq, Lifetime: time.Minute}
	v, _ := newProver(Key{SPI: mnKey.SPI, Secret: evilKey.Secret})
	p, _ := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: parAddr, Dst: pcoa}}, ack, ncoa, parAddr))
	b.m.FastAck(b.now, &p, ack, &b.out)
	b.fbu.Seq--
	b.fback(mh.FastAccepted, parAddr, pcoa) // of an earlier handover
	b.fbu.Seq++
	b.fback(mh.FastAccepted, narAddr, pcoa)
	if b.m.state != announcing {
		t.Errorf("a stranger's acknowledgement was taken: %s", b.m.state)
	}
}
