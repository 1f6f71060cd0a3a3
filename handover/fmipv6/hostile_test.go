package fmipv6

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// diverts is a Fast Binding Update to the next router, as one who left it sends it from the first router's link.
func diverts(seq uint16) ip6.Packet {
	v, _ := newProver(mnKey)
	m := &mh.FastBindingUpdate{Seq: seq, Ack: true, Home: true, Lifetime: 20 * time.Second}
	m.Options.AltCareOf = pcoa
	p, _ := ip6.Parse(v.protect(ip6.Packet{Header: ip6.Header{Src: pcoa, Dst: narAddr}, HomeAddress: ncoa}, m, pcoa, narAddr))
	return p
}

// Who holds a key cannot have two routers send his packets to each other for ever, whichever he tells first, and however.
//
// spec MIP-09
func TestRoutersInACircle(t *testing.T) {
	carry := func(d *desk, to *Router, list []ip6.Packet) (back []ip6.Packet) {
		for _, p := range list {
			if p.Proto == ip6.ProtoESP {
				back = append(back, d.mobility(to, p).kernel...)
			}
		}
		return back
	}
	for name, tell := range map[string]func(d *desk){
		"prepared, then from behind": func(d *desk) {
			d.predict(1)
			carry(d, d.nar, carry(d, d.par, d.mobility(d.nar, diverts(2)).kernel))
		},
		"from behind, twice": func(d *desk) {
			carry(d, d.nar, d.mobility(d.par, fbu(mnKey, 1, ncoa, pcoa, ncoa, 20*time.Second)).kernel)
			carry(d, d.nar, carry(d, d.par, d.mobility(d.nar, diverts(2)).kernel))
		},
		"the other way around": func(d *desk) {
			carry(d, d.nar, carry(d, d.par, d.mobility(d.nar, diverts(1)).kernel))
			carry(d, d.par, carry(d, d.nar, d.mobility(d.par, fbu(mnKey, 2, ncoa, pcoa, ncoa, 20*time.Second)).kernel))
		},
	} {
		d := newDesk(t)
		tell(d)
		there, back := d.paths[d.par][pcoa], d.paths[d.nar][ncoa]
		if there.Mode == plane.Tunnel && back.Mode == plane.Tunnel {
			t.Errorf("%s: each sends on to the other: %v, %v", name, there.Remote, back.Remote)
		}
		if there.Mode != plane.Tunnel && back.Mode != plane.Tunnel {
			t.Errorf("%s: neither sends on: %v, %v", name, there, back)
		}
	}
}

// That a node is at its address again is believed of the node itself alone.
//
// spec MIP-09
func TestBackOfAnother(t *testing.T) {
	d := newDesk(t)
	d.predict(1)
	hi := &mh.HandoverInitiate{Seq: 7, Code: mh.HIReactive, Options: mh.Options{LLA: otherHW, Addresses: []mh.AddressPrefix{
		mh.Host(mh.OldCareOf, netip.MustParseAddr("2001:db8:a:2::66")), mh.Host(mh.NewCareOf, pcoa)}}}
	p, err := ip6.Parse(d.nar.neighbours[0].sa.Protect(d.now, ip6.Packet{Header: ip6.Header{Src: narAddr, Dst: parAddr}}, hi, &engine.Effects{}))
	if err != nil {
		t.Fatal(err)
	}
	d.mobility(d.par, p)
	if d.paths[d.par][pcoa].Mode != plane.Tunnel {
		t.Error("the forwarding of another node ended")
	}
}
