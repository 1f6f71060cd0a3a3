package ha

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// claimant is a mobile node under random treatment: its end of the association, and the sequence number it sent last.
type claimant struct {
	hoa netip.Addr
	end *sa.SA
	seq uint16
}

// crowd is a home agent with three mobile nodes that ask for anything: their own and each other's networks, several care-of
// addresses, with and without identifiers, old and new.
type crowd struct {
	t     *rapid.T
	b     *bench
	who   []*claimant
	table plane.Table

	roamers []*roamer // whom AAA sends
	errands []*errand // since the last crash
}

func newCrowd(t *testing.T, rt *rapid.T) *crowd {
	c := &crowd{t: rt}
	c.b = newBench(t, espPair, func(cfg *Config) {
		withNetworks(cfg)
		cfg.Mobiles[0].Multihoming, cfg.Mobiles[1].Multihoming = Bicast, Registered
		third, _ := authPair()
		third.Auth.SPI += 2
		cfg.Mobiles = append(cfg.Mobiles, Mobile{HomeAddress: netip.MustParseAddr("2001:db8:0:1::300"), Security: third})
	})
	for i, m := range c.b.cfg.Mobiles {
		end := c.b.mn
		if i > 0 {
			var err error
			if end, err = sa.New(m.Security, "ha"); err != nil {
				rt.Fatal(err)
			}
		}
		c.who = append(c.who, &claimant{hoa: m.HomeAddress, end: end})
	}
	for i, nai := range []string{"a@home.example", "b@home.example", ""} {
		c.roamers = append(c.roamers, &roamer{b: c.b, nai: nai, spi: mnSPI, random: byte(10 + i)})
	}
	return c
}

var (
	someNetworks = []netip.Prefix{netA, netB, partB, other, prefix, netip.MustParsePrefix("2001:db8:1000::/48"), netip.MustParsePrefix("2001:db8:3000::/64")}
	someCareOfs  = []netip.Addr{coa, coa2, coa3, netip.MustParseAddr("2001:db8:1000::9"), netip.MustParseAddr("2001:db8:2000::9"), hoa2}
)

// draw makes an update.
func (c *crowd) draw(m *claimant) (*mh.BindingUpdate, netip.Addr) {
	rt := c.t
	m.seq += uint16(rapid.SampledFrom([]int{1, 1, 1, 1, 0, 0xffff}).Draw(rt, "sequence"))
	u := &mh.BindingUpdate{Seq: m.seq, Ack: true, Home: rapid.IntRange(0, 9).Draw(rt, "H") > 0, MobileRouter: rapid.Bool().Draw(rt, "R"),
		Overwrite: rapid.Bool().Draw(rt, "O"), Lifetime: time.Duration(rapid.SampledFrom([]int{0, 4, 40, 40, 40, 4000}).Draw(rt, "lifetime")) * time.Second}
	u.Options.Networks = rapid.SliceOfN(rapid.SampledFrom(someNetworks), 0, 3).Draw(rt, "networks")
	if rapid.Bool().Draw(rt, "identifiers") {
		for range rapid.IntRange(1, 3).Draw(rt, "of them") {
			o := mh.BindingID{ID: uint16(rapid.SampledFrom([]int{1, 2, 3, 4, 0, 0xff00}).Draw(rt, "BID")), Simultaneous: rapid.IntRange(0, 15).Draw(rt, "at home too") == 0}
			if rapid.IntRange(0, 3).Draw(rt, "with address") > 0 {
				o.CareOf = rapid.SampledFrom(someCareOfs).Draw(rt, "care-of")
			}
			u.Options.Bindings = append(u.Options.Bindings, o)
		}
	}
	return u, rapid.SampledFrom(someCareOfs[:5]).Draw(rt, "from")
}

// state is what a refusal must leave alone.
func (c *crowd) state() string {
	records := ""
	for _, key := range sortedKeys(c.b.disk) {
		if r := c.b.disk[key]; r.Bucket != sa.Bucket {
			records += fmt.Sprintf("%s=%s\n", key, r.Value)
		}
	}
	return c.b.view() + records + fmt.Sprint(c.table)
}

func (c *crowd) update() {
	m := rapid.SampledFrom(c.who).Draw(c.t, "who")
	u, from := c.draw(m)
	p := ip6.Packet{Header: ip6.Header{Src: from, Dst: haAddr}, HomeAddress: m.hoa}
	var scratch engine.Effects
	before := c.state()
	effects := c.b.feed(&c.table, c.b.deliver(m.end.Protect(c.b.now, p, u, &scratch)))
	refused := slices.ContainsFunc(drops(effects), func(why string) bool { return why != "hor-superseded" })
	if after := c.state(); refused && after != before {
		c.t.Fatalf("refused (%v), and yet\n%s\nbecame\n%s", drops(effects), before, after)
	}
	for _, p := range c.b.packets(effects, plane.Kernel) {
		got, reason := m.end.Receive(c.b.now, &p)
		if reason != "" {
			continue
		}
		m.end.Commit(&scratch)
		if ba, ok := got.MH.(*mh.BindingAck); ok && refused == ba.Status.Accepted() {
			c.t.Fatalf("answered %v to what was refused: %v (%v)", ba.Status, refused, drops(effects))
		}
	}
}

// check holds the cache against the plane: each carries what the other says, and nobody what is another's.
func (c *crowd) check() {
	rt, a := c.t, c.b.a
	want, ways := map[netip.Prefix]netip.Addr{}, map[plane.WayKey]netip.Addr{}
	c.checkGuests(want)
	for i, cfg := range c.b.cfg.Mobiles {
		b := a.mobiles[cfg.HomeAddress].binding
		if b == nil {
			continue
		}
		for _, n := range b.Networks {
			if !slices.ContainsFunc(cfg.Networks, func(own netip.Prefix) bool { return own.Bits() <= n.Bits() && own.Contains(n.Addr()) }) {
				rt.Fatalf("node %d has %v, which is not its own", i, n)
			}
		}
		if len(b.Networks) > 0 && !b.Router || len(b.Several) > 0 && cfg.Multihoming != Registered && cfg.Multihoming != Bicast || len(b.Several) > MaxCareOf {
			rt.Fatalf("node %d may not have %+v", i, b)
		}
		if len(b.Several) > 0 && (b.CoA() != b.Several[0].CoA || !slices.IsSortedFunc(b.Several, func(x, y careOf) int { return int(x.BID) - int(y.BID) })) {
			rt.Fatalf("node %d: primary %v of %v", i, b.CoA(), b.Several)
		}
		for inner := range b.inners() {
			if _, twice := want[inner]; twice {
				rt.Fatalf("%v is two nodes'", inner)
			}
			want[inner] = b.CoA()
			for _, o := range b.others() {
				ways[plane.WayKey{Inner: inner, ID: o.BID}] = o.CoA
			}
		}
	}
	if len(want) != len(c.table.Paths) {
		rt.Fatalf("the plane carries %v, the cache has %v", c.table.Paths, want)
	}
	for inner, to := range want { //order:any
		if p := c.table.Paths[inner]; p.Remote != to {
			rt.Fatalf("%v goes to %v, want %v", inner, p.Remote, to)
		}
	}
	for key, w := range c.table.Ways { //order:any
		if _, path := want[key.Inner]; !path || key.ID != previousWay && ways[key] != w.Remote {
			rt.Fatalf("way %v to %v, but the cache has %v", key, w.Remote, ways)
		}
		delete(ways, key)
	}
	if len(ways) > 0 {
		rt.Fatalf("not in the plane: %v", ways)
	}
}

// Whatever mobile nodes ask for, in whatever order: what is refused changes nothing, nobody gets what is another's, cache and plane
// agree, and at the end nothing is left.
//
// spec MIP-08 MIP-11
func TestAnyUpdates(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCrowd(t, rt)
		rt.Repeat(map[string]func(*rapid.T){
			"update": func(*rapid.T) { c.update() },
			"AAA":    func(*rapid.T) { c.aaa() },
			"guest":  func(*rapid.T) { c.guest() },
			"time": func(rt *rapid.T) {
				c.b.feed(&c.table, c.b.pass(time.Duration(rapid.IntRange(1, 30_000).Draw(rt, "ms"))*time.Millisecond))
			},
			"crash": func(*rapid.T) {
				// Sequence numbers of the nodes' ends live on, the agent's come from its records.
				c.table, c.errands = plane.Table{}, nil
				var start engine.Start
				for _, key := range sortedKeys(c.b.disk) {
					start.Records = append(start.Records, c.b.disk[key])
				}
				a, err := New(c.b.cfg, [32]byte{7})
				if err != nil {
					rt.Fatal(err)
				}
				c.b.a = a
				c.b.feed(&c.table, c.b.do(start))
			},
			"": func(*rapid.T) { c.check() },
		})
		c.b.feed(&c.table, c.b.pass(time.Hour))
		if c.check(); len(c.table.Paths)+len(c.table.Ways) != 0 {
			rt.Fatalf("left: %v %v", c.table.Paths, c.table.Ways)
		}
		c.checkEmpty()
	})
}
