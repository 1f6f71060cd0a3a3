package fmipv6

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
)

// So many in each second, not in all time.
//
// spec MIP-09
func TestBudgets(t *testing.T) {
	var b budget
	now := engine.Now{Mono: 5}
	for range 3 {
		for i := range 7 {
			if b.take(now, 4) != (i < 4) {
				t.Errorf("%d at %v", i, now.Mono)
			}
		}
		now.Mono = now.Mono.Add(time.Second)
	}
	d := newDesk(t)
	n := 0
	for range 2 * MaxAnswers {
		n += len(d.neighbour(d.par, mnHW, ip6.LinkLocal(mnHW), ip6.AllRouters, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}).link)
	}
	if n != MaxAnswers || !d.dropped("rtsolpr-rate") {
		t.Errorf("%d answers in a moment", n)
	}
}

// What a router says of cells: §6.1.2. Strangers are told nothing, and who asks for all where there is none is not answered.
//
// spec MIP-09
func TestProxyAdvertisements(t *testing.T) {
	d := newDesk(t)
	ask := func(src netip.Addr, m *nd.RtSolPr) *nd.PrRtAdv {
		s := d.neighbour(d.par, mnHW, src, ip6.AllRouters, m)
		if len(s.link) == 0 {
			return nil
		}
		p := s.link[0]
		got, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil || p.Src != ip6.LinkLocal(parHW) || p.Dst != src {
			t.Fatalf("%+v, %v", p, err)
		}
		return got.(*nd.PrRtAdv)
	}
	here := ip6.LinkLocal(mnHW)
	for name, c := range map[string]struct {
		cells [][6]byte
		code  uint8
		out   []uint8
	}{
		"known":         {[][6]byte{cellTwo}, nd.ProxyInfo, []uint8{nd.APFound}},
		"its own":       {[][6]byte{cellOne}, nd.ProxyNone, []uint8{nd.APSameRouter}},
		"nobody's":      {[][6]byte{otherHW}, nd.ProxyNone, []uint8{nd.APNoPrefix}},
		"some of those": {[][6]byte{cellOne, cellTwo, otherHW}, nd.ProxySome, []uint8{nd.APSameRouter, nd.APFound, nd.APNoPrefix}},
	} {
		adv := ask(here, &nd.RtSolPr{ID: 9, AccessPoints: c.cells})
		if adv == nil || adv.Code != c.code || adv.ID != 9 || adv.SourceHW != parHW || len(adv.AccessPoints) != len(c.out) {
			t.Fatalf("%s: %+v", name, adv)
		}
		for i, ap := range adv.AccessPoints {
			if ap.Outcome != c.out[i] || ap.HW != c.cells[i] || (ap.Outcome == nd.APFound) != (ap.Network() == prefixB && ap.Router.Addr() == narAddr && ap.RouterHW == narHW) {
				t.Errorf("%s: %+v", name, ap)
			}
		}
	}
	if ask(pcoa, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}) == nil {
		t.Error("a node of the link was not answered")
	}
	if ask(ncoa, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}) != nil || !d.dropped("rtsolpr-stranger") {
		t.Error("a stranger was answered")
	}
	alone := parConfig()
	alone.Neighbours = nil
	d.par = d.boot(alone, parHW, engine.Start{})
	if ask(here, &nd.RtSolPr{Wildcard: true}) != nil {
		t.Error("an answer about no cell")
	}
	apart := parConfig() // a router whose address is of another network than its nodes' addresses
	apart.Neighbours[0].Address = netip.MustParseAddr("2001:db8:f::a")
	d.par = d.boot(apart, parHW, engine.Start{})
	if adv := ask(here, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}); adv.AccessPoints[0].Network() != prefixB || adv.AccessPoints[0].Router.Addr() != apart.Neighbours[0].Address {
		t.Errorf("%+v", adv.AccessPoints[0])
	}
	d.par.LinkDown(d.now, engine.LinkDown{Port: cell}, &engine.Effects{})
	if ask(here, &nd.RtSolPr{AccessPoints: [][6]byte{cellTwo}}) != nil {
		t.Error("answered by a link that is down")
	}
}

// The service address is the router's to hear and to speak for. What is not for it, malformed or of no type it knows is counted, and told
// to its sender where RFC 6275 §9.2 wants it told.
//
// spec MIP-09
func TestServiceAddress(t *testing.T) {
	d := newDesk(t)
	if l, ok := d.locals[d.par][parAddr]; !ok || !l.Capture || l.Port != cell {
		t.Errorf("%+v", l)
	}
	s := d.neighbour(d.par, mnHW, ip6.LinkLocal(mnHW), ip6.SolicitedNode(parAddr), &nd.NeighborSolicitation{Target: parAddr})
	if len(s.link) != 1 {
		t.Error("nobody speaks for the service address")
	}
	good := fbu(mnKey, 1, pcoa, pcoa, ncoa, time.Minute)
	wrong := good
	wrong.Dst = narAddr
	if s := d.mobility(d.par, wrong); len(s.kernel)+len(s.link) != 0 || !d.dropped("mh-not-for-us") {
		t.Error("taken though it is another's")
	}
	proto := ip6.Packet{Header: ip6.Header{Src: pcoa, Dst: parAddr}, Proto: ip6.ProtoMH, Payload: bytes.Clone(good.Payload)}
	proto.Payload[0] = ip6.ProtoUDP // Payload Proto other than No Next Header
	proto.Payload[4], proto.Payload[5] = 0, 0
	sum := ip6.Checksum(pcoa, parAddr, ip6.ProtoMH, proto.Payload)
	proto.Payload[4], proto.Payload[5] = byte(sum>>8), byte(sum)
	var out engine.Effects
	d.par.Mobility(d.now, engine.Packet{Data: proto.Append(nil)}, &proto, &out)
	if s := d.take(d.par, &out); len(s.kernel) != 1 || s.kernel[0].Proto != ip6.ProtoICMPv6 || !d.dropped("mh-malformed") {
		t.Errorf("no Parameter Problem: %+v", s)
	}
	d.now.Mono = d.now.Mono.Add(time.Second) // one answer a second to an address
	unknown := ip6.Packet{Header: ip6.Header{Src: pcoa, Dst: parAddr}, Proto: ip6.ProtoMH, Payload: []byte{59, 0, 200, 0, 0, 0, 0, 0}}
	sum = ip6.Checksum(pcoa, parAddr, ip6.ProtoMH, unknown.Payload)
	unknown.Payload[4], unknown.Payload[5] = byte(sum>>8), byte(sum)
	s = d.mobility(d.par, unknown)
	if len(s.kernel) != 1 || !d.dropped("unknown-mh-type") {
		t.Fatalf("no Binding Error: %+v", s)
	}
	m, err := mh.Parse(s.kernel[0].Src, s.kernel[0].Dst, s.kernel[0].Payload)
	if be, ok := m.(*mh.BindingError); !ok || be.Status != mh.UnknownMHType {
		t.Errorf("%+v, %v", m, err)
	}
}

// Configurations that cannot work are refused, with the name of what is wrong.
func TestConfigRefused(t *testing.T) {
	for want, edit := range map[string]func(*RouterConfig){
		"mobile":    func(c *RouterConfig) { c.Mobiles[0].Key.Secret = nil },
		"reserved":  func(c *RouterConfig) { c.Mobiles[0].Key.SPI = 255 },
		"neighbour": func(c *RouterConfig) { c.Neighbours[0].Security = sa.Config{} },
		"keys of its own": func(c *RouterConfig) {
			c.Neighbours = append(c.Neighbours, Neighbour{siteC.Service, otherHW, prefixC, nil, espBetween(1, 2)})
		},
	} {
		c := parConfig()
		edit(&c)
		if _, err := NewRouter(c, engine.NewRand([32]byte{1})); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := NewMobile(&bench{}, base{}, Config{Keys: map[plane.Port]Key{cell: {SPI: 300}}}); err == nil {
		t.Error("a mobile node without a key")
	}
}
