package mn

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/sa"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

// An acknowledgement that came with the home network's word and is not what the node asked for binds nothing, and is told by its reason; the
// access is open all the same.
func TestAcknowledgementsInReplies(t *testing.T) { //spec DM-18 DM-21
	elsewhere := netip.MustParseAddr("2001:db8:66::6")
	acknowledged := func(edit func(p *ip6.Packet, ba *mh.BindingAck)) func(q question) []byte {
		return func(q question) []byte {
			p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: q.CareOf}, Routing2: hoa, Proto: ip6.ProtoMH}
			ba := &mh.BindingAck{Seq: 7, Lifetime: 400 * time.Second}
			edit(&p, ba)
			p.Payload = mh.Append(nil, p.EffectiveSrc(), p.EffectiveDst(), ba)
			return p.Append(nil)
		}
	}
	for name, c := range map[string]struct {
		binding func(q question) []byte
		drop    string
		event   string
		keyless bool
	}{
		"for another care-of address": {acknowledged(func(p *ip6.Packet, _ *mh.BindingAck) { p.Dst = elsewhere }), "ba-not-for-us", "", false},
		"not a packet":                {func(question) []byte { return []byte{0x60} }, "access-malformed", "", false},
		"without the home address":    {acknowledged(func(p *ip6.Packet, _ *mh.BindingAck) { p.Routing2 = netip.Addr{} }), "ba-without-home-address", "", false},
		"refused":                     {acknowledged(func(_ *ip6.Packet, ba *mh.BindingAck) { ba.Status = mh.AdministrativelyProhibited }), "", "binding.refused", false},
		"of no time":                  {acknowledged(func(_ *ip6.Packet, ba *mh.BindingAck) { ba.Lifetime = 0 }), "", "binding.refused", false},
		"without keys":                {acknowledged(func(*ip6.Packet, *mh.BindingAck) {}), "", engine.EventHomeRoundTrip, true},
		"none":                        {func(question) []byte { return nil }, "", engine.EventHomeRoundTrip, false},
	} { //order:any
		b := newBench(t, stranded)
		b.up(wlan)
		q := b.question(b.closed(wlan, ar1))
		r := b.granted(q, c.binding(q))
		if c.keyless {
			r.Keys = nil
		}
		effects := b.do(b.reply(q, r, true))
		if drops := b.drops(effects); c.drop != "" && !slices.Contains(drops, c.drop) {
			t.Errorf("%s: drops %v, want %s", name, drops, c.drop)
		}
		if c.event != "" && count(effects, c.event) != 1 {
			t.Errorf("%s: no %s, drops %v", name, c.event, b.drops(effects))
		}
		if c.drop != "access-malformed" && count(effects, eventLetIn) != 1 {
			t.Errorf("%s: not let in", name)
		}
		if len(b.table.Paths) != 0 || b.n.id.sa != nil {
			t.Errorf("%s: paths %v", name, b.table.Paths)
		}
	}
}

// keyless is a node that has a home, and gets keys for it from its home network.
func keyless(c *Config) {
	withAAA(c)
	c.Security = sa.Config{}
}

// A node that has a home address and a home agent takes the acknowledgement of no other.
func TestAcknowledgementOfAnotherHome(t *testing.T) { //spec DM-21
	for name, c := range map[string]struct {
		edit func(p *ip6.Packet)
		drop string // empty: none
	}{
		"its own":      {func(*ip6.Packet) {}, ""},
		"home address": {func(p *ip6.Packet) { p.Routing2 = hoa.Next() }, "ba-without-home-address"},
		"home agent":   {func(p *ip6.Packet) { p.Src = haAddr.Next() }, "not-our-home-agent"},
	} { //order:any
		b := newBench(t, keyless)
		b.up(wlan)
		q := b.question(b.closed(wlan, ar1))
		u, ok := b.embedded(q)
		if !ok {
			t.Fatal("no update goes along")
		}
		p := ip6.Packet{Header: ip6.Header{Src: haAddr, Dst: q.CareOf}, Routing2: hoa, Proto: ip6.ProtoMH}
		c.edit(&p)
		p.Payload = mh.Append(nil, p.EffectiveSrc(), p.EffectiveDst(), &mh.BindingAck{Seq: u.Seq, Lifetime: 400 * time.Second})
		effects := b.do(b.reply(q, b.granted(q, p.Append(nil)), true))
		if drops := b.drops(effects); c.drop != "" && !slices.Equal(drops, []string{c.drop}) || c.drop == "" && len(drops) > 0 {
			t.Errorf("%s: drops %v", name, drops)
		}
		if bound := b.path.Mode == plane.Tunnel; bound != (c.drop == "") || (b.n.id.sa != nil) != bound {
			t.Errorf("%s: bound %v, keys %v", name, bound, b.n.id.sa != nil)
		}
	}
}
