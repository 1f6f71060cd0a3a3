package ha

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/machine/sa"
	"roam6/wire/diameter"
	"roam6/wire/mh"
)

// Guests, their keys and bindings outlive a crash; sequence numbers of ESP go on; those whose time passed meanwhile are gone.
//
// spec DM-14
func TestGuestRestarts(t *testing.T) {
	b := newBench(t, espPair, virtual)
	empty := len(b.disk)
	r := newRoamer(b)
	r.enter(t, coa)
	status, ok, _ := r.status(t, r.own(bu(1, time.Minute), coa))
	replayed := r.own(bu(2, time.Minute), coa2)
	if status2, ok2, _ := r.status(t, replayed); !ok || !ok2 || status != 0 || status2 != 0 {
		t.Fatal(status, status2)
	}
	before := b.view()
	b.boot()
	if b.view() != before {
		t.Errorf("became %s, was %s", b.view(), before)
	}
	if _, ok, effects := r.status(t, replayed); ok || !slices.Equal(drops(effects), []string{sa.ESPReplay}) {
		t.Errorf("replay after the crash: %v", drops(effects))
	}
	if status, ok, _ := r.status(t, r.own(bu(3, time.Minute), coa)); !ok || status != mh.Accepted { // the answer's number is new too
		t.Errorf("next update: %v %v", status, ok)
	}
	e, _ := b.ask(r.hor(coa))
	if e.answer.Code != diameter.Success || e.answer.Home != r.hoa {
		t.Errorf("next HOR: %+v", e.answer)
	}
	b.now.Mono, b.now.Wall = b.now.Mono.Add(2*time.Hour), b.now.Wall.Add(2*time.Hour)
	if b.boot(); b.a.guests.count != 0 || len(b.a.guests.spis) != 0 || len(b.disk) != empty {
		t.Errorf("left %s, %v", b.view(), sortedKeys(b.disk))
	}
}

// Records that are damaged, or do not fit the configuration any more, serve nobody.
func TestGuestRecords(t *testing.T) {
	for name, spoil := range map[string]func(*bench, string){ //order:any
		"no key":      func(b *bench, k string) { delete(b.disk, "ha/guest-key/"+k) },
		"cut":         func(b *bench, k string) { cut(b, "ha/guest/"+k) },
		"key cut":     func(b *bench, k string) { cut(b, "ha/guest-key/"+k) },
		"other home":  func(b *bench, k string) { b.cfg.Prefix = netip.MustParsePrefix("2001:db8:0:2::/64") },
		"a neighbour": func(b *bench, k string) { b.cfg.Mobiles[0].HomeAddress = fixedHome },
	} {
		b := newBench(t, espPair, virtual)
		r := newRoamer(b)
		r.hoa = fixedHome
		r.enter(t, coa)
		spoil(b, fixedHome.String())
		if b.boot(); b.a.guests.count != 0 {
			t.Errorf("%s: %s", name, b.view())
		}
	}
}

func cut(b *bench, key string) {
	r := b.disk[key]
	r.Value = r.Value[:10]
	b.disk[key] = r
}
