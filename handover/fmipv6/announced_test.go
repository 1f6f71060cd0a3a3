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
	d.nar.c.Announced = func(_ engine.Now, w Word, _ *engine.Effects) bool {
		if told++; w != (Word{cell, ncoa, mnHW, d.nar.neighbours[0].Address}) {
			t.Errorf("told of %+v", w)
		}
		return true
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

// Who is not let in at this router is not announced to the next one, whatever key it has; from the new link it speaks for itself.
func TestNotAnnounced(t *testing.T) { //spec DM-09
	d := newDesk(t)
	d.par.c.MayAnnounce = func(a netip.Addr, hw plane.HW) bool {
		if a != pcoa || hw != mnHW {
			t.Errorf("asked about %v %v", a, hw)
		}
		return false
	}
	s := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, Lifetime))
	if len(s.kernel) != 0 || len(d.par.leaving) != 0 || !d.dropped("fbu-not-admitted") {
		t.Fatalf("%d packets to the next router, %d leaving", len(s.kernel), len(d.par.leaving))
	}
	if ack := d.fback(s.link[0], ncoa); ack.Status != mh.FastProhibited {
		t.Errorf("answered %v", ack.Status)
	}
	if d.mobility(d.par, fbu(mnKey, 2, ncoa, pcoa, ncoa, Lifetime)); len(d.par.leaving) != 1 || d.dropped("fbu-not-admitted") {
		t.Error("one that is there already is refused")
	}
	d = newDesk(t)
	d.par.c.MayAnnounce = func(netip.Addr, plane.HW) bool { return true }
	if s := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, Lifetime)); len(s.kernel) != 1 {
		t.Error("who is let in is not announced")
	}
}

// Where the word does not count the handover is accepted all the same, and the node hears that it must authenticate itself first: however often
// the answer is given.
func TestAnnouncedInVain(t *testing.T) { //spec DM-09
	for _, open := range []bool{true, false} {
		d := newDesk(t)
		d.nar.c.Announced = func(engine.Now, Word, *engine.Effects) bool { return open }
		told := func(list []ip6.Packet) {
			t.Helper()
			if len(list) == 0 {
				t.Fatal("no answer")
			}
			for _, p := range list {
				if ack := d.fback(p, ncoa); !ack.Status.Accepted() || ack.Options.Closed() == open {
					t.Errorf("%v, closed %v where the gate is open: %v", ack.Status, ack.Options.Closed(), open)
				}
			}
		}
		s := d.mobility(d.par, fbu(mnKey, 1, pcoa, pcoa, ncoa, Lifetime))
		s = d.mobility(d.nar, s.kernel[0])
		s = d.mobility(d.par, s.kernel[0])
		told(s.link)
		told(d.mobility(d.par, fbu(mnKey, 2, pcoa, pcoa, ncoa, Lifetime)).link)
	}
}
