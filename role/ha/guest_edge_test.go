package ha

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/wire/access"
	"roam6/wire/diameter"
	"roam6/wire/mh"
	"roam6/wire/mip6aaa"
)

// eventsOf counts the events of a name.
func eventsOf(effects []engine.Effect, name string) (n int) {
	for _, e := range effects {
		if ev, ok := e.(engine.Event); ok && ev.Name == name {
			n++
		}
	}
	return n
}

// Who comes takes the number of who has left; of both is told.
func TestNumbersOfGuestsAreUsedAgain(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	order := len(b.a.order)
	for i := range 5 {
		effects := b.pass(2 * time.Hour)
		if b.a.guests.count != 0 || eventsOf(effects, "guest.departed") != 1 || eventsOf(effects, "binding.expired") != 1 {
			t.Fatalf("%d: %d guests, %d told of leaving, %d of bindings", i, b.a.guests.count, eventsOf(effects, "guest.departed"), eventsOf(effects, "binding.expired"))
		}
		next := newRoamer(b)
		next.nai = strings.Repeat("x", i+1) + "@home.example"
		if next.enter(t, coa); len(b.a.order) != order || b.a.guests.count != 1 || b.a.guests.named[next.nai] == nil {
			t.Fatalf("%d: %d numbers, want %d", i, len(b.a.order), order)
		}
	}
}

// Keys are what the HOR asks for: for its use, under an SPI that may be one, of the one algorithm; without a lifetime they last as long as the
// authorisation.
func TestKeysOfAHOR(t *testing.T) { //spec DM-19
	for name, c := range map[string]struct {
		edit  func(k *mip6aaa.PeerKey)
		code  diameter.ResultCode
		lasts time.Duration
	}{
		"as they are":       {func(*mip6aaa.PeerKey) {}, diameter.Success, time.Hour},
		"without lifetime":  {func(k *mip6aaa.PeerKey) { k.Lifetime = 0 }, diameter.Success, 2 * time.Hour},
		"for very long":     {func(k *mip6aaa.PeerKey) { k.Lifetime = 2 * MaxAuthorization }, diameter.Success, MaxAuthorization},
		"least SPI":         {func(k *mip6aaa.PeerKey) { k.MNSPI = sa.MinSPI }, diameter.Success, time.Hour},
		"reserved SPI":      {func(k *mip6aaa.PeerKey) { k.MNSPI = sa.MinSPI - 1 }, diameter.ErrorBadHOR, 0},
		"another algorithm": {func(k *mip6aaa.PeerKey) { k.Algorithm++ }, diameter.ErrorBadHOR, 0},
		"short material":    {func(k *mip6aaa.PeerKey) { k.Material = k.Material[1:] }, diameter.ErrorBadHOR, 0},
		"another use":       {func(k *mip6aaa.PeerKey) { k.Use = access.AccessRouter }, diameter.ErrorBadHOR, 0},
	} { //order:any
		b := newBench(t, espPair, virtual)
		spis := len(b.a.guests.spis)
		h := newRoamer(b).hor(coa)
		h.Lifetime = 2 * time.Hour
		c.edit(&h.Peer[0])
		e, _ := b.ask(h)
		if e.answer.Code != c.code {
			t.Errorf("%s: %v", name, e.answer.Code)
			continue
		}
		if c.code != diameter.Success {
			if b.a.guests.count != 0 || len(b.a.guests.spis) != spis {
				t.Errorf("%s: %d guests, %d SPIs", name, b.a.guests.count, len(b.a.guests.spis))
			}
			continue
		}
		if k := e.answer.Peer[0]; k.Use != access.HomeAgent || k.Lifetime != c.lasts || k.MNSPI != h.Peer[0].MNSPI || k.PeerSPI < sa.MinSPI {
			t.Errorf("%s: told %+v", name, k)
		}
	}
}

// A binding needs a node that is served for a unit of time more: less is refused as the administrator's will.
func TestTooShortAStay(t *testing.T) {
	for left, want := range map[time.Duration]mh.Status{mh.Unit: mh.Accepted, mh.Unit - 1: mh.AdministrativelyProhibited} { //order:any
		b := newBench(t, espPair, virtual)
		r := newRoamer(b)
		r.enter(t, coa)
		b.pass(r.guest().until().Sub(b.now.Mono) - left)
		if got := b.a.admitGuest(b.now, &r.guest().mobile, request{coa: coa, lifetime: time.Minute, from: coa}); got != want {
			t.Errorf("with %v left: %v, want %v", left, got, want)
		}
	}
}

// The longest NAI is restored, none longer; what is left of a stay is counted up to whole seconds, and neither a clock that was stepped back nor
// a record that says so makes it longer.
func TestRecordsAtTheirLimits(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	name := r.hoa.String()
	stay, key := b.disk["ha/guest/"+name].Value, b.disk["ha/guest-key/"+name].Value
	if stay == nil || key == nil {
		t.Fatalf("%v", sortedKeys(b.disk))
	}
	long := append(append([]byte(nil), stay[:guestFixed]...), strings.Repeat("n", 253)...)
	if g := readGuest(b.now, name, long, key); g == nil || len(g.nai) != 253 {
		t.Error("the longest NAI is not read")
	}
	other := append([]byte{guestVersion + 1}, key[1:]...)
	for what, g := range map[string]*guest{ //order:any
		"a longer NAI":        readGuest(b.now, name, append(long, 'n'), key),
		"no address":          readGuest(b.now, "nobody", stay, key),
		"stay cut":            readGuest(b.now, name, stay[:guestFixed-1], key),
		"stay of later":       readGuest(b.now, name, append([]byte{guestVersion + 1}, stay[1:]...), key),
		"key cut":             readGuest(b.now, name, stay, key[:guestKeyLen-1]),
		"key of later":        readGuest(b.now, name, stay, other),
		"an empty old record": readGuest(b.now, name, stay, append(append([]byte(nil), key[:guestKeyLen]...), 0)),
		"an old record cut":   readGuest(b.now, name, stay, append(append([]byte(nil), key[:guestKeyLen]...), 3, 'a', 'b')),
	} {
		if g != nil {
			t.Errorf("%s: %+v", what, g)
		}
	}
	now := engine.Now{Mono: engine.Mono(time.Hour), Wall: b.now.Wall}
	for left, granted := range map[time.Duration]time.Duration{time.Second: time.Second, time.Second + 1: 2 * time.Second, 1500 * time.Millisecond: 2 * time.Second, MaxAuthorization + time.Hour: MaxAuthorization} { //order:any
		v := appendTimes(nil, now, now.Mono.Add(left))
		if got := readTimes(v, now).Sub(now.Mono); got != min(left, MaxAuthorization) {
			t.Errorf("%v: %v left", left, got)
		}
		back := now
		back.Wall = now.Wall.Add(-1000 * time.Hour)
		if got := readTimes(v, back).Sub(now.Mono); got != granted {
			t.Errorf("%v: %v left with the clock back", left, got)
		}
	}
}

// What a crash left of a guest that was never written whole goes with the next life; of what cannot be used, and of who is served again or whose
// time is over, is told.
func TestRestoredIsTold(t *testing.T) {
	b := newBench(t, espPair, virtual)
	r := newRoamer(b)
	r.enter(t, coa)
	name := r.hoa.String()
	start := func() (out engine.Effects, over map[string]bool) {
		var records []engine.Record
		for _, x := range b.disk { //order:any
			if strings.HasPrefix(x.Bucket, "ha/guest") {
				records = append(records, x)
			}
		}
		a, err := New(b.cfg, [32]byte{9})
		if err != nil {
			t.Fatal(err)
		}
		return out, a.restoreGuests(b.now, records, &out)
	}
	if out, over := start(); eventsOf(out.List, "guest.restored") != 1 || len(over) != 0 {
		t.Errorf("%+v", out.List)
	}
	stay := b.disk["ha/guest/"+name]
	cut(b, "ha/guest/"+name)
	if out, _ := start(); eventsOf(out.List, "record.unusable") != 1 {
		t.Errorf("%+v", out.List)
	}
	delete(b.disk, "ha/guest/"+name)
	out, _ := start()
	gone := false
	for _, e := range out.List {
		p, ok := e.(engine.Persist)
		gone = gone || ok && p.Bucket == guestKeyBucket && p.Key == name && p.Value == nil
	}
	if !gone {
		t.Errorf("keys of nobody are kept: %+v", out.List)
	}
	b.disk["ha/guest/"+name] = stay
	b.now.Mono, b.now.Wall = b.now.Mono.Add(2*time.Hour), b.now.Wall.Add(2*time.Hour)
	if out, over := start(); eventsOf(out.List, "guest.departed") != 1 || !over[name] {
		t.Errorf("%+v, %v", out.List, over)
	}
}

// No home address is drawn that is somebody's or means something else.
func TestAssignable(t *testing.T) { //spec DM-14
	b := newBench(t, espPair, virtual)
	for a, want := range map[string]bool{"2001:db8:0:1::77": true, haAddr.String(): false, "2001:db8:0:1::": false, "2001:db8:0:2::77": false,
		"2001:db8:0:1:200:5eff:fe00:1": false, "2001:db8:0:1:fdff:ffff:ffff:fffe": false} { //order:any
		if got := b.a.assignable(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}
