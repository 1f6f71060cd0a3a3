package fmipv6

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
	"roam6/wire/nd"
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

// sought finds the question to a station whether it is at an address.
func sought(s sent) (n int) {
	for _, p := range s.link {
		if m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload); err == nil && p.Dst == ip6.SolicitedNode(ncoa) {
			if ns, ok := m.(*nd.NeighborSolicitation); ok && ns.Target == ncoa && p.Src == ip6.LinkLocal(narHW) && ns.Options.SourceHW == narHW {
				n++
			}
		}
	}
	return n
}

// A neighbour that names a node which is on the next router's link already, with no handover under way, holds its packets no longer than
// the node takes to say that it is there, however often it does so, and though answers are lost.
//
// spec MIP-09
func TestHeldWithoutAHandover(t *testing.T) {
	d := newDesk(t)
	name := func(seq uint16) sent {
		hi := &mh.HandoverInitiate{Seq: seq, Buffer: true, Options: mh.Options{LLA: mnHW, Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, ncoa)}}}
		var out engine.Effects
		d.par.post(d.now, d.par.neighbours[0], hi, &out)
		return d.mobility(d.nar, d.take(d.par, &out).kernel[0])
	}
	there := una(ncoa, mnHW)
	there.Solicited = true
	for seq := range uint16(4) {
		s := name(seq)
		if sought(s) != 1 {
			t.Fatalf("the node was not asked: %+v", s.link)
		}
		if seq%2 == 1 {
			if s = d.pass(d.nar, SeekInterval); sought(s) != 1 {
				t.Fatalf("asked %d times when no answer came", sought(s))
			}
		}
		d.neighbour(d.nar, otherHW, ncoa, ip6.LinkLocal(narHW), una(ncoa, otherHW))
		if d.paths[d.nar][ncoa].Mode != plane.Hold {
			t.Error("another station's answer was believed")
		}
		d.neighbour(d.nar, mnHW, ncoa, ip6.LinkLocal(narHW), there)
		if p := d.paths[d.nar][ncoa]; p.Mode != plane.Direct || p.To != mnHW {
			t.Errorf("still held after the node's answer: %+v", p)
		}
	}
	name(9)
	if s := d.pass(d.nar, ProxyLifetime); sought(s) != MaxSeek-1 || len(d.nar.expected) != 0 {
		t.Errorf("asked %d times more, %d expected", sought(s), len(d.nar.expected))
	}
	name(10)
	d.pass(d.nar, ProxyLifetime/2)
	name(11)
	if d.pass(d.nar, ProxyLifetime-time.Millisecond); len(d.nar.expected) != 1 {
		t.Error("said again, and given up early")
	}
	if d.pass(d.nar, time.Millisecond); len(d.nar.expected) != 0 {
		t.Error("said again, and still expected")
	}
}
