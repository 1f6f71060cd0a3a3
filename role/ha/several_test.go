package ha

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var coa3 = netip.MustParseAddr("2001:db8:b:3::1")

func multihomed(kind Multihoming) func(*Config) {
	return func(c *Config) { c.Mobiles[0].Multihoming = kind }
}

// bid is an identifier, with or without its care-of address.
func bid(id uint16, coa ...netip.Addr) mh.BindingID {
	o := mh.BindingID{ID: id}
	if len(coa) > 0 {
		o.CareOf = coa[0]
	}
	return o
}

func severalBU(seq uint16, overwrite bool, ids ...mh.BindingID) *mh.BindingUpdate {
	u := bu(seq, 5*time.Minute)
	u.Overwrite, u.Options.Bindings = overwrite, ids
	return u
}

// shape is what the plane does for the home address: the far end of its path, and the ways by their numbers.
func shape(table *plane.Table) (remote netip.Addr, ways map[uint16]netip.Addr) {
	ways = map[uint16]netip.Addr{}
	for key, w := range table.Ways { //order:any a map again
		ways[key.ID] = w.Remote
	}
	return table.Paths[netip.PrefixFrom(hoa, 128)].Remote, ways
}

// A node's care-of addresses come, change, go and expire, each by itself, and the lowest identifier leads (RFC 5648 §6.2).
//
// spec MIP-08
func TestSeveral(t *testing.T) {
	b, table := newBench(t, espPair, multihomed(Registered)), &plane.Table{}
	say := func(u *mh.BindingUpdate, from netip.Addr) *mh.BindingAck {
		t.Helper()
		effects := b.feed(table, b.deliver(b.update(u, from)))
		ba, _ := b.ack(append(effects, b.feed(table, b.pass(1100*time.Millisecond))...))
		if ba == nil {
			t.Fatal("no answer")
		}
		return ba
	}
	expect := func(what string, remote netip.Addr, want map[uint16]netip.Addr) {
		t.Helper()
		got, ways := shape(table)
		delete(ways, previousWay)
		if got != remote || len(ways) != len(want) {
			t.Fatalf("%s: path to %v, ways %v; want %v, %v", what, got, ways, remote, want)
		}
		for id, to := range want { //order:any
			if ways[id] != to {
				t.Fatalf("%s: way %d to %v, want %v", what, id, ways[id], to)
			}
		}
	}
	if ba := say(severalBU(1, false, bid(2, coa)), coa); ba.Status != mh.Accepted || len(ba.Options.Bindings) != 1 || ba.Options.Bindings[0].ID != 2 {
		t.Fatalf("first: %+v", ba)
	}
	expect("one", coa, nil)
	say(severalBU(2, false, bid(1, coa2), bid(3, coa3)), coa)
	expect("bulk", coa2, map[uint16]netip.Addr{2: coa, 3: coa3})
	say(severalBU(3, false, bid(2)), coa) // a refresh needs no address
	expect("refreshed", coa2, map[uint16]netip.Addr{2: coa, 3: coa3})
	end := bu(4, 0)
	end.Options.Bindings = []mh.BindingID{bid(1)}
	if ba := say(end, coa); ba.Status != mh.Accepted || ba.Lifetime != 0 {
		t.Fatalf("ended one: %+v", ba)
	}
	expect("the first ended", coa, map[uint16]netip.Addr{3: coa3})
	say(severalBU(5, true, bid(3, coa2)), coa2)
	expect("overwritten", coa2, nil)
	say(severalBU(6, false, bid(4, coa)), coa2)
	say(bu(7, 5*time.Minute), coa3)
	expect("without identifiers", coa3, nil)
	say(severalBU(8, true, bid(1, coa), bid(2, coa2)), coa)
	b.feed(table, b.pass(4*time.Minute))
	say(severalBU(9, false, bid(2)), coa2)
	b.feed(table, b.pass(90*time.Second))
	expect("the first expired", coa2, nil)
	b.feed(table, b.pass(5*time.Minute))
	if len(table.Paths)+len(table.Ways) != 0 || strings.Contains(b.view(), hoa.String()) {
		t.Errorf("after all expired: %v %v %s", table.Paths, table.Ways, b.view())
	}
}

// All are ended by an update that names none, as by one that names all.
//
// spec MIP-08
func TestSeveralEnded(t *testing.T) {
	for _, ids := range [][]mh.BindingID{nil, {bid(1), bid(2)}} {
		b, table := newBench(t, espPair, multihomed(Bicast)), &plane.Table{}
		b.feed(table, b.deliver(b.update(severalBU(1, false, bid(1, coa), bid(2, coa2)), coa)))
		b.feed(table, b.pass(1100*time.Millisecond))
		if w := table.Ways[plane.WayKey{Inner: netip.PrefixFrom(hoa, 128), ID: 2}]; !w.Copy || w.Until == 0 {
			t.Fatalf("no copies by the second way: %v", w)
		}
		u := bu(2, 0)
		u.Options.Bindings = ids
		if ba, _ := b.ack(b.feed(table, b.deliver(b.update(u, coa)))); ba == nil || ba.Status != mh.Accepted {
			t.Fatalf("answer %+v", ba)
		}
		if len(table.Paths)+len(table.Ways) != 0 || len(b.disk[bindingBucket+"/"+hoa.String()].Value) != 0 {
			t.Errorf("%v: left %v %v", ids, table.Paths, table.Ways)
		}
	}
}

// A refresh prolongs the copies, which end by themselves when no engine prolongs them.
//
// spec MIP-08
func TestCopiesProlonged(t *testing.T) {
	b, table := newBench(t, espPair, multihomed(Bicast)), &plane.Table{}
	until := func() time.Duration {
		return table.Ways[plane.WayKey{Inner: netip.PrefixFrom(hoa, 128), ID: 2}].Until
	}
	b.feed(table, b.deliver(b.update(severalBU(1, true, bid(1, coa), bid(2, coa2)), coa)))
	b.feed(table, b.pass(time.Minute))
	first := until()
	b.feed(table, b.deliver(b.update(severalBU(2, true, bid(1, coa), bid(2, coa2)), coa)))
	if first == 0 || until() < first+time.Minute-2*time.Second {
		t.Errorf("copies until %v, after a refresh a minute later until %v", first, until())
	}
	if p := table.Paths[netip.PrefixFrom(hoa, 128)]; p.Dedup == 0 || p.Settle != 0 || p.Mark {
		t.Errorf("path %v", p)
	}
}

// After a crash each care-of address lives on for what is left of its time.
//
// spec MIP-08
func TestSeveralRestored(t *testing.T) {
	b := newBench(t, espPair, multihomed(Registered))
	b.deliver(b.update(severalBU(1, false, bid(1, coa), bid(2, coa2)), coa))
	b.pass(1100 * time.Millisecond)
	b.pass(4 * time.Minute)
	b.deliver(b.update(severalBU(2, false, bid(2)), coa2))
	b.now.Mono = 0 // another life, another clock
	b.now.Wall = b.now.Wall.Add(2 * time.Minute)
	b.boot()
	if v := b.view(); strings.Contains(v, coa.String()+`"`) || !strings.Contains(v, coa2.String()) {
		t.Errorf("restored as %s", v)
	}
	b.pass(4 * time.Minute)
	if v := b.view(); strings.Contains(v, hoa.String()) {
		t.Errorf("outlived its time: %s", v)
	}
}

// Each refusal of RFC 5648 §6.2, by its status; state, plane and records stay as they were.
//
// spec MIP-08
func TestSeveralRefused(t *testing.T) {
	end := func(ids ...mh.BindingID) *mh.BindingUpdate {
		u := bu(9, 0)
		u.Options.Bindings = ids
		return u
	}
	home := bid(1, coa)
	home.Simultaneous = true
	short := bu(9, 5*time.Minute)
	short.Options.Unknown = []mh.RawOption{{Type: mh.OptBindingID, Data: make([]byte, 5)}}
	for name, c := range map[string]struct {
		kind   Multihoming
		before *mh.BindingUpdate
		update *mh.BindingUpdate
		status mh.Status
	}{
		"not allowed":                 {SingleHomed, nil, severalBU(9, false, bid(1, coa)), mh.MCOAProhibited},
		"not allowed, none given":     {"", nil, severalBU(9, false, bid(1, coa)), mh.MCOAProhibited},
		"an option of a wrong length": {Registered, nil, short, mh.MCOAMalformed},
		"number 0":                    {Registered, nil, severalBU(9, false, bid(0, coa)), mh.MCOAMalformed},
		"a number twice":              {Registered, nil, severalBU(9, false, bid(1, coa), bid(1, coa2)), mh.MCOAMalformed},
		"multicast":                   {Registered, nil, severalBU(9, false, bid(1, netip.MustParseAddr("ff0e::1"))), mh.MCOAMalformed},
		"IPv4":                        {Registered, nil, severalBU(9, false, bid(1, netip.MustParseAddr("192.0.2.1"))), mh.MCOAMalformed},
		"at home and away at once":    {Registered, nil, severalBU(9, false, home), mh.MCOAHomeAndForeign},
		"unknown without an address":  {Registered, nil, severalBU(9, false, bid(1)), mh.MCOAUnknownCoA},
		"on the home link":            {Registered, nil, severalBU(9, false, bid(1, hoa2)), mh.InvalidCoA},
		"a number of the plane's":     {Registered, nil, severalBU(9, false, bid(previousWay, coa)), mh.InsufficientResources},
		"beside one without a number": {Registered, bu(1, 5*time.Minute), severalBU(9, false, bid(1, coa)), mh.MCOANonMCOAExists},
		"the end of none":             {Registered, nil, end(bid(1)), mh.NotHomeAgent},
		"the end of an unknown one":   {Registered, severalBU(1, false, bid(1, coa)), end(bid(1), bid(2)), mh.NotHomeAgent},
		"the end of one twice":        {Registered, severalBU(1, false, bid(1, coa)), end(bid(1), bid(1)), mh.MCOAMalformed},
		"the end beside no number":    {Registered, bu(1, 5*time.Minute), end(bid(1)), mh.NotHomeAgent},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, espPair, multihomed(c.kind))
			if c.before != nil {
				b.deliver(b.update(c.before, coa))
				b.pass(1100 * time.Millisecond)
			}
			record := bindingBucket + "/" + hoa.String()
			view, disk := b.view(), string(b.disk[record].Value)
			effects := b.deliver(b.update(c.update, coa))
			ba, _ := b.ack(effects)
			if ba == nil || ba.Status != c.status {
				t.Fatalf("answer %+v, want status %v", ba, c.status)
			}
			for i, o := range ba.Options.Bindings {
				if o.ID != c.update.Options.Bindings[i].ID || o.Status != 0 {
					t.Errorf("option %+v: the status of the whole tells, and the options are those of the update", o)
				}
			}
			if got := drops(effects); !slices.Equal(got, []string{"bu-refused"}) {
				t.Errorf("counted as %v", got)
			}
			if has(effects, func(engine.Plane) bool { return true }) || b.view() != view || string(b.disk[record].Value) != disk {
				t.Errorf("a refused update changed something: %s", b.view())
			}
		})
	}
}

// One of several is refused: the others are bound, and each option has its status (RFC 5648 §4.4).
//
// spec MIP-08
func TestSeveralNotComplete(t *testing.T) {
	b, table := newBench(t, espPair, multihomed(Registered)), &plane.Table{}
	b.feed(table, b.deliver(b.update(severalBU(1, false, bid(1, coa), bid(2, hoa2), bid(3)), coa)))
	ba, _ := b.ack(b.feed(table, b.pass(1100*time.Millisecond)))
	if ba == nil || ba.Status != mh.MCOANotComplete || len(ba.Options.Bindings) != 3 {
		t.Fatalf("answer %+v", ba)
	}
	for i, want := range []mh.Status{mh.Accepted, mh.InvalidCoA, mh.MCOAUnknownCoA} {
		if got := ba.Options.Bindings[i].Status; got != want {
			t.Errorf("option %d: %v, want %v", i, got, want)
		}
	}
	if remote, ways := shape(table); remote != coa || len(ways) != 0 {
		t.Errorf("path to %v, ways %v", remote, ways)
	}
	var many []mh.BindingID
	for i := range MaxCareOf + 1 {
		many = append(many, bid(uint16(10+i), netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 0xb, 15: byte(1 + i)})))
	}
	ba, _ = b.ack(b.feed(table, b.deliver(b.update(severalBU(2, true, many...), coa))))
	if ba == nil || ba.Status != mh.MCOANotComplete || ba.Options.Bindings[MaxCareOf].Status != mh.InsufficientResources {
		t.Errorf("one more than %d: %+v", MaxCareOf, ba)
	}
}

// What comes by any of the care-of addresses is the node's: mobility messages in the tunnel, prefix solicitations.
//
// spec MIP-08 MIP-02
func TestTunnelBySeveral(t *testing.T) {
	b, end := tunnelBench(t)
	b.a.mobiles[hoa].multi = Registered
	b.deliver(b.update(severalBU(1, false, bid(1, coa), bid(2, coa2)), coa))
	b.pass(1100 * time.Millisecond)
	for _, from := range []netip.Addr{coa, coa2, coa3} {
		var scratch engine.Effects
		effects := b.deliver(end.Wrap(from, haAddr, mobility(hoa, peer, &mh.HomeTestInit{}), &scratch))
		if got := len(b.packets(effects, plane.Kernel)) == 1; got != (from != coa3) {
			t.Errorf("from %v: sent on %v, %v", from, got, drops(effects))
		}
	}
}

// Flows stand from the start, and for the networks as well.
//
// spec MIP-08
func TestFlowsToward(t *testing.T) {
	b, table := newBench(t, espPair, func(c *Config) {
		withNetworks(c)
		c.Mobiles[0].Multihoming = Registered
		c.Mobiles[0].Flows = []plane.Flow{{Proto: ip6.ProtoUDP, SrcPort: 5060, Way: 2}}
	}), &plane.Table{}
	b.feed(table, b.do(engine.Start{}))
	var to []netip.Prefix
	for _, f := range table.Flows { //order:any sorted below
		if f.Way != 2 || f.SrcPort != 5060 {
			t.Errorf("flow %v", f)
		}
		to = append(to, f.Dst)
	}
	slices.SortFunc(to, netip.Prefix.Compare)
	want := []netip.Prefix{netip.PrefixFrom(hoa, 128), netA, netB}
	slices.SortFunc(want, netip.Prefix.Compare)
	if !slices.Equal(to, want) {
		t.Errorf("flows toward %v, want %v", to, want)
	}
}

// One address under many numbers gets one packet of each: a binding multiplies what is sent to nobody.
//
// spec MIP-08
func TestCopiesToOneAddress(t *testing.T) {
	b, table := newBench(t, espPair, multihomed(Bicast)), &plane.Table{}
	ids := []mh.BindingID{bid(1, coa), bid(2, coa2)}
	for n := range uint16(MaxCareOf - 2) {
		ids = append(ids, bid(3+n, []netip.Addr{coa, coa2}[n%2]))
	}
	b.feed(table, b.deliver(b.update(severalBU(1, false, ids...), coa)))
	b.feed(table, b.pass(1100*time.Millisecond))
	copies := map[netip.Addr]int{}
	for _, w := range table.Ways { //order:any a count
		if w.Copy {
			copies[w.Remote]++
		}
	}
	if _, ways := shape(table); len(ways) != MaxCareOf-1 || copies[coa] != 0 || copies[coa2] != 1 {
		t.Errorf("%d ways, copies to %v", len(ways), copies)
	}
}
