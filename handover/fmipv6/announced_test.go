package fmipv6

import (
	"net/netip"
	"testing"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// Who lets only known nodes send is told of one that a neighbour announced, and when it comes; not of one that is refused.
func TestAnnounced(t *testing.T) { //spec DM-09
	d := newDesk(t)
	told := 0
	d.nar.c.Announced = func(_ engine.Now, port plane.Port, coa netip.Addr, hw plane.HW, _ *engine.Effects) {
		if told++; port != cell || coa != ncoa || hw != mnHW {
			t.Errorf("told of %v %v on port %d", coa, hw, port)
		}
	}
	var out engine.Effects
	d.par.post(d.now, d.par.neighbours[0], &mh.HandoverInitiate{Seq: 1, Options: mh.Options{LLA: narHW, Addresses: []mh.AddressPrefix{mh.Host(mh.NewCareOf, ncoa)}}}, &out)
	d.mobility(d.nar, d.take(d.par, &out).kernel[0])
	if told != 0 || len(d.nar.expected) != 0 {
		t.Fatalf("told %d times of a node that was refused", told)
	}
	d.predict(2)
	if told != 1 {
		t.Fatalf("told %d times of one that is expected", told)
	}
	for range 2 {
		d.neighbour(d.nar, mnHW, ncoa, ip6.AllNodes, una(ncoa, mnHW))
	}
	if told != 2 {
		t.Errorf("told %d times when it is there", told)
	}
}
