package fmipv6

import (
	"net/netip"
	"testing"

	"roam6/wire/ip6"
	"roam6/wire/nd"
)

// What stands behind an access point.
//
// spec MIP-09
func TestProxyAdvertisement(t *testing.T) {
	d := newDesk(t)
	src := ip6.LinkLocal(mnHW)
	ask := func(from netip.Addr, aps ...[6]byte) *nd.PrRtAdv {
		s := d.neighbour(d.par, mnHW, from, ip6.LinkLocal(parHW), &nd.RtSolPr{ID: 5, AccessPoints: aps, Wildcard: len(aps) == 0})
		if len(s.link) == 0 {
			return nil
		}
		m, err := nd.Parse(s.link[0].Src, s.link[0].Dst, s.link[0].HopLimit, s.link[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		return m.(*nd.PrRtAdv)
	}
	if a := ask(src, cellTwo); a.Code != nd.ProxyInfo || a.ID != 5 || a.AccessPoints[0].Router.Addr() != narAddr || a.AccessPoints[0].RouterHW != narHW || a.AccessPoints[0].Network() != prefixB {
		t.Errorf("%+v", a)
	}
	if a := ask(src, cellOne); a.Code != nd.ProxyNone || a.AccessPoints[0].Outcome != nd.APSameRouter {
		t.Errorf("%+v", a)
	}
	if a := ask(src, cellTwo, otherHW); a.Code != nd.ProxySome || a.AccessPoints[1].Outcome != nd.APNoPrefix {
		t.Errorf("%+v", a)
	}
	if a := ask(src); a == nil || len(a.AccessPoints) != 1 {
		t.Errorf("all: %+v", a)
	}
	if ask(netip.MustParseAddr("2001:db8:bad::1"), cellTwo) != nil || !d.dropped("rtsolpr-stranger") {
		t.Error("a stranger was answered")
	}
	for range MaxAnswers {
		ask(src, cellTwo)
	}
	if !d.dropped("rtsolpr-rate") {
		t.Error("a flood was answered")
	}
}
