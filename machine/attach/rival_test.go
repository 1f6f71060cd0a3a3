package attach

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/plane"
	"roam6/wire/nd"
)

const interval = 70 * time.Millisecond

func promises(m *nd.RouterAdvertisement) { m.Options.AdvInterval = interval }

// An advertisement of the old cell confirms its router after the link came back in another one. The router of the new cell is
// heard; the old one is asked, and given up long before unreachability detection would.
//
// spec MIP-07
func TestConfirmedByALateAdvertisement(t *testing.T) {
	for _, c := range []struct {
		name   string
		source netip.Addr
		known  bool // the new router was heard beside the old one before
		sent   []uint8
	}{
		{"asked", own, false, []uint8{133, 135, 135}},
		{"no address to ask from", netip.Addr{}, false, []uint8{133}},
		{"both known", own, true, []uint8{133, 135, 135}},
	} {
		w := newWorld(t)
		w.l.Source(c.source)
		w.up()
		w.ra(r1, promises, usual(prefixA))
		if c.known {
			w.ra(r2, promises, usual(prefixB))
		}
		w.l.Down()
		w.pass(time.Second)
		w.facts, w.sent = nil, nil
		w.up()
		w.ra(r1, promises, usual(prefixA)) // late
		w.want("confirmed A")
		w.pass(20 * time.Millisecond)
		for range 4 {
			w.ra(r2, promises, usual(prefixB))
			w.pass(interval - 1)
		}
		w.want("lost A "+RouterUnreachable, "found B")
		if got := w.took(); !slices.Equal(got, c.sent) {
			t.Errorf("%s: sent %v, want %v", c.name, got, c.sent)
		}
	}
}

// The link came back where both were before; only the other one is there. It need not wait for unreachability detection.
func TestBackBesideAKnownRouter(t *testing.T) {
	w := newWorld(t)
	w.l.Source(own)
	w.up()
	w.ra(r1, promises, usual(prefixA))
	w.ra(r2, promises, usual(prefixB))
	w.l.Down()
	w.facts = nil
	w.up()
	w.ra(r2, promises, usual(prefixB))
	w.pass(3*interval - 1)
	w.want()
	w.pass(1)
	w.want("lost A "+RouterUnreachable, "found B")
}

// Who speaks or answers is not given up, whoever else is there and however often.
func TestRivalOfALivingRouter(t *testing.T) {
	w := newWorld(t)
	w.l.Source(own)
	w.up()
	w.ra(r1, promises, usual(prefixA))
	w.want("found A")
	for i := range 200 {
		w.ra(r2, promises, usual(prefixB))
		w.ra(plane.HW{2, 1, byte(i)}, promises, usual(prefixB))
		w.pass(interval - 1)
		if i%3 == 0 { // two of three advertisements are lost
			w.ra(r1, promises, usual(prefixA))
		}
	}
	w.want()
	for range 50 { // every advertisement is lost, answers come
		w.ra(r2, promises, usual(prefixB))
		w.pass(10 * time.Millisecond)
		if slices.Contains(w.took(), 135) {
			w.na(nil)
		}
	}
	w.want()
}

// Asked a moment before its time is over, a router has MinRetrans to answer.
func TestRivalLeavesTimeToAnswer(t *testing.T) {
	w := newWorld(t)
	w.l.Source(own)
	w.up()
	w.ra(r1, promises, usual(prefixA))
	w.ra(r2, promises, usual(prefixB))
	w.na(nil)                          // the question about the new router is answered
	w.ra(r2, promises, usual(prefixB)) // begins the watch, at the moment in which silence begins
	w.took()
	w.pass(3*interval - 1)
	w.want("found A")
	if got := w.took(); len(got) != 0 {
		t.Fatalf("sent %v", got)
	}
	w.pass(MinRetrans)
	if got := w.took(); !slices.Equal(got, []uint8{135}) {
		t.Errorf("sent %v", got)
	}
	w.want()
	w.pass(1)
	w.want("lost A "+RouterUnreachable, "found B")
}
