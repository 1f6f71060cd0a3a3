package ha

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/wire/diameter"
	"roam6/wire/ip6"
	"roam6/wire/mip6aaa"
)

// Records that were written are read as they were, and none that was cut or changed does harm.
func FuzzGuestRecord(f *testing.F) {
	b := newBench(&testing.T{}, espPair, virtual)
	r := newRoamer(b)
	r.enter(f, coa)
	r.random, r.spi = 2, mnSPI+1
	r.enter(f, coa)
	name := r.hoa.String()
	stay, key := b.disk["ha/guest/"+name].Value, b.disk["ha/guest-key/"+name].Value
	for i := range len(key) {
		if g := readGuest(b.now, name, stay, key[:i]); g != nil && i != guestKeyLen && i != len(key)-len(r.guest().old.Records()[1])-1 {
			f.Fatalf("keys cut to %d of %d octets", i, len(key))
		}
	}
	g := readGuest(b.now, name, stay, key)
	if g == nil || g.nai != user || g.until() != r.guest().until() || g.sa.InSPI() != r.guest().sa.InSPI() {
		f.Fatalf("read %+v, %v until %v", g, r.guest().sa, r.guest().until())
	}
	if list, ok := oldRecords(key); !ok || !slices.Equal(list, r.guest().old.Records()) {
		f.Fatalf("records of old keys %v %v", list, ok)
	}
	f.Add(name, stay, key)
	f.Add(name, stay[:guestFixed], key[:guestKeyLen])
	f.Fuzz(func(t *testing.T, name string, stay, key []byte) {
		g := readGuest(b.now, name, stay, key)
		if g == nil {
			return
		}
		if h := readGuest(b.now, name, g.record(b.now), key); g.authorized > b.now.Mono && (h == nil || h.authorized != g.authorized || h.nai != g.nai) {
			t.Errorf("%x, written again, is %+v", stay, h)
		}
		if g.until() > b.now.Mono.Add(MaxAuthorization) {
			t.Errorf("until %v", g.until())
		}
	})
}

// Any HOR, or any update in a good one, at an agent with a guest: no panic; what is refused changes nothing, and what is accepted is
// an address that can be a guest's, bound where the access router saw the node.
func FuzzHOR(f *testing.F) {
	b := newBench(&testing.T{}, espPair, virtual)
	r := newRoamer(b)
	for _, dh := range []bool{false, true} {
		r.dh = dh
		f.Add(r.hor(coa).Octets(new(diameter.Builder)), false)
	}
	f.Add(r.hor(coa).Binding, true)
	f.Add(vouched(coa, fixedHome, bu(7, time.Minute)), true)
	f.Add(b.update(bu(9, time.Minute), coa), true)
	f.Fuzz(func(t *testing.T, data []byte, update bool) {
		b := newBench(t, espPair, virtual)
		r := newRoamer(b)
		r.enter(t, coa)
		h := r.hor(coa2)
		if update {
			h.Binding = data
		} else {
			m, err := diameter.Parse(data)
			if err != nil || diameter.Check(m) != nil || m.Command != diameter.HomeAgentMIPv6 || !m.IsRequest() {
				return
			}
			if h, err = mip6aaa.ParseHOR(m); err != nil {
				return
			}
		}
		before, disk, spis := b.view(), len(b.disk), len(b.a.guests.spis)
		e, effects := b.ask(h)
		if !e.done {
			t.Fatal("not answered")
		}
		if e.answer.Code != diameter.Success {
			if b.view() != before || len(b.disk) != disk || len(b.a.guests.spis) != spis || len(drops(effects)) == 0 {
				t.Errorf("refused (%v), and yet %s became %s", drops(effects), before, b.view())
			}
			return
		}
		m := b.a.served(e.answer.Home)
		if m == nil || !prefix.Contains(e.answer.Home) || e.answer.Home == haAddr || m.binding == nil || m.binding.CoA() != h.CareOf {
			t.Fatalf("accepted %+v", e.answer)
		}
		p, err := ip6.Parse(e.answer.Binding)
		if err != nil || p.Src != haAddr || p.Dst != h.CareOf || p.Routing2 != e.answer.Home || netip.IPv6Unspecified() == p.Routing2 {
			t.Errorf("acknowledgement %x: %v", e.answer.Binding, err)
		}
	})
}
